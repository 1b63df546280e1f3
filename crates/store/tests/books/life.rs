//! A long random life of a shop: every command goes load, ledger, apply; after each step the returned balance, a fresh
//! load and an independent model agree; the audit finds nothing, and a rebuild from the facts would change nothing.
//!
//! `KOPILKA_LIFE_STEPS` sets how many steps in all (20 000), `KOPILKA_LIFE_SEED` the first seed. A failure prints the seed
//! of its life: run that one with the seed and few steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant as Clock;

use domain::judgement::{ClawbackPolicy, Enrolment, Grant, Standing as Tiers};
use domain::plan::Plan;
use domain::snapshot::Snapshot;
use domain::{Id, Ids, Instant, Money, Points, Quantity};
use ledger::{Account, Adjustment, Applicant, Balance, Command, Refusal, ReturnLine, ReturnRequest};
use store::{Load, StoreError};

use crate::database::run;
use crate::model::{self, Hold, Line, Lot, Order, Returned, Standing};
use crate::purchase::{Purchase, purchase};
use crate::random::Random;
use crate::shop::Shop;

/// Steps of one life: long enough for deep accounts, short enough for a quick audit.
const LIFE: u64 = 500;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

#[test]
fn any_sequence_of_commands_keeps_the_books_right() {
    let steps = setting("KOPILKA_LIFE_STEPS", 20_000);
    let first = setting("KOPILKA_LIFE_SEED", 1);
    let begun = Clock::now();
    let seeds = Mutex::new(first..first + steps.div_ceil(LIFE));
    let counts = Mutex::new(BTreeMap::new());
    let live = || {
        while let Some(seed) = seeds.lock().ok().and_then(|mut seeds| seeds.next()) {
            let _told = Told(seed);
            let lived = Life::begin(seed).live(LIFE.min(steps));
            let mut counts = counts.lock().expect("nobody fails while counting");
            lived.into_iter().for_each(|(deed, count)| *counts.entry(deed).or_insert(0) += count);
        }
    };
    std::thread::scope(|threads| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(threads.spawn(live)));
    });
    let counts = counts.into_inner().expect("nobody fails while counting");
    let a_second = u128::from(steps) * 1_000 / begun.elapsed().as_millis().max(1);
    println!("{steps} steps, {a_second} a second: {counts:#?}");
    let rare = DEEDS.iter().find(|deed| counts.get(*deed).copied().unwrap_or(0) < steps / 1_000);
    assert_eq!(rare, None, "a life has everything in it: {counts:#?}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Tells the seed of a life that ends in a panic.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the life of seed {seed} failed: KOPILKA_LIFE_SEED={seed} KOPILKA_LIFE_STEPS={LIFE}", seed = self.0);
        }
    }
}

struct Life {
    shop: Shop,
    random: Random,
    members: BTreeMap<Id, model::Account>,
    /// The store counts references of orders and returns once for all members.
    references: u64,
}

/// What happened at a step: its name, for the count.
type Deed = &'static str;

/// What must have happened at one step of a thousand, or the test tests little.
const DEEDS: [Deed; 17] = [
    "activate",
    "buy with a redemption that is over",
    "buy with points",
    "buy",
    "cancel twice",
    "cancel",
    "capture a part",
    "capture what is not there",
    "capture",
    "enrol",
    "expire",
    "give",
    "hold too much",
    "hold",
    "release",
    "return",
    "take",
];

/// What the model says of (member, order, redemption) that a command is about.
#[derive(Clone, Debug, Default)]
struct About {
    member: Option<Id>,
    order: Option<String>,
    redemption: Option<Id>,
}

impl Life {
    fn begin(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut shop = Shop::open();
        let policies = [
            ClawbackPolicy::AllowNegative,
            ClawbackPolicy::ClampToZero,
            ClawbackPolicy::WithinBalance,
            ClawbackPolicy::PendingOnly,
        ];
        shop.terms.clawback = *random.one_of(&policies).expect("there are four");
        shop.terms.hold_seconds = 60 * u32::try_from(random.between(1, 1_440)).unwrap_or(1);
        Self { shop, random, members: BTreeMap::new(), references: 0 }
    }

    fn live(&mut self, steps: u64) -> BTreeMap<Deed, u64> {
        let mut counts = BTreeMap::new();
        for step in 0..steps {
            self.pass_time();
            let deed = match self.random.between(1, 100) {
                _ if self.members.is_empty() => self.enrol(),
                1..=2 if self.members.len() < 6 => self.enrol(),
                1..=25 => self.buy(),
                26..=42 => self.hold(),
                43..=50 => self.capture(),
                51..=55 => self.release(),
                56..=75 => self.take_back(),
                76..=79 => self.cancel(),
                80..=92 => self.adjust(),
                93..=95 => self.expire(),
                96..=97 => self.release_overdue(),
                _ => self.activate(),
            };
            *counts.entry(deed).or_default() += 1;
            if step % 50 == 0 || step + 1 == steps {
                assert_eq!(self.shop.audit(), [], "after {deed}");
                assert_eq!(self.shop.differences(), [], "after {deed}");
                let members: Vec<Id> = self.members.keys().copied().collect();
                members.into_iter().for_each(|member| drop(self.compare(member)));
            }
        }
        counts
    }

    fn pass_time(&mut self) {
        let random = &mut self.random;
        let passed = match random.between(1, 100) {
            1..=50 => random.between(0, 900),
            51..=80 => random.between(0, 10 * MINUTE),
            81..=90 => random.between(0, 4 * 60 * MINUTE),
            91..=94 => random.between(0, 6 * DAY),
            _ => -random.between(1, 15 * MINUTE),
        };
        self.shop.now = Instant(self.shop.now.0 + passed);
    }

    // ---- commands

    fn enrol(&mut self) -> Deed {
        let grants = self.grants(self.shop.now);
        let command = self.command();
        let id = command.ids.clone().next();
        let applicant = Applicant {
            id,
            channel: "site".to_owned(),
            referral_code: format!("code {}", id.0),
            identities: vec![("phone", format!("phone {}", id.0))],
        };
        let judged = Enrolment { grants: grants.clone(), ..Enrolment::default() };
        let enrolled = ledger::enrol(applicant, &judged, &self.shop.terms, command.clone()).expect("it is in bounds");
        self.shop.post(&command, &enrolled.plan);
        let mut account = model::Account::default();
        account.grant(lots_of(&enrolled.plan, &grants), self.shop.now);
        self.members.insert(id, account);
        self.agree(id, &enrolled.balance);
        "enrol"
    }

    fn buy(&mut self) -> Deed {
        let member = self.somebody();
        let redemption = if self.random.percent(50) { self.redemption_of(member) } else { None };
        let now = self.shop.now;
        let account = &self.members[&member];
        // what the redemption pays, if it does
        let held = redemption.map(|id| (id, account.holds[&id].clone()));
        let pays = held.as_ref().and_then(|(_, hold)| match hold.standing {
            Standing::Held => (hold.deadline > now).then_some(hold.points.len()),
            Standing::Captured { used } => (!used).then_some(hold.points.len()),
            Standing::Ended => None,
        });
        let points = i64::try_from(pays.unwrap_or_default()).unwrap_or_default();
        let occurred_at = if self.random.percent(20) { Instant(now.0 - self.random.between(0, 40 * DAY)) } else { now };
        let purchase = self.purchase(points, occurred_at);
        let about = About { member: Some(member), order: Some(purchase.order.reference.clone()), redemption };
        let done = self.act(&about, |shop, snapshot, command| {
            let (order, judged) = (&purchase.order, &purchase.judgement);
            let recorded = ledger::record_order(snapshot, order, judged, &shop.terms, "content", command)?;
            Ok((recorded.plan, recorded.balance))
        });
        let Ok((plan, balance)) = done else {
            assert!(redemption.is_some() && pays.is_none(), "refused without a reason: {done:?}");
            return "buy with a redemption that is over";
        };
        assert!(redemption.is_none() || pays.is_some(), "it pays nothing any more");
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, redemption);
        let mut spent = Vec::new();
        if let Some((id, hold)) = held {
            if hold.standing == Standing::Held {
                account.capture(id, points, now);
            }
            let hold = account.holds.get_mut(&id).expect("it was held");
            hold.standing = Standing::Captured { used: true };
            spent.clone_from(&hold.points);
        }
        let lots = lots_of(&plan, &purchase.judgement.grants);
        let ids: Vec<Id> = lots.iter().map(|lot| lot.id).collect();
        account.grant(lots, now);
        account.orders += 1;
        account.qualifying += purchase.judgement.qualifying.0;
        let lines = purchase.order.lines.iter().zip(&purchase.judgement.lines).map(|(line, judged)| Line {
            id: line.id.clone(),
            quantity: line.quantity.0,
            returned: 0,
            shares: judged.shares.iter().map(|(grant, points)| (ids[*grant], points.0, 0)).collect(),
            paid: (judged.paid_points.0, 0),
            money: (judged.amount.0 - judged.discount.0 - judged.paid_money.0, 0),
            qualifying: (judged.qualifying.0, 0),
        });
        let order = Order { lines: lines.collect(), spent, cancelled: false };
        account.bought.insert(purchase.order.reference.clone(), order);
        self.agree(member, &balance.expect("a member has a balance"));
        if redemption.is_some() { "buy with points" } else { "buy" }
    }

    fn hold(&mut self) -> Deed {
        let member = self.somebody();
        let now = self.shop.now;
        let mut probe = self.members[&member].clone();
        probe.release_overdue(now, None);
        let spendable = probe.spendable(now);
        let points = if self.random.percent(15) {
            spendable + self.random.between(0, 30)
        } else {
            self.random.between(0, spendable.min(250))
        };
        let mut purchase = self.purchase(points, now);
        if self.random.percent(5) {
            purchase = purchase.confirmed_by_code();
        }
        let done = self.act(&About { member: Some(member), ..About::default() }, |shop, snapshot, command| {
            let held = ledger::hold(snapshot, &purchase.order, &purchase.judgement, &shop.terms, command)?;
            Ok((held.plan, Some(held.balance)))
        });
        let Ok((plan, balance)) = done else {
            assert!(points == 0 || points > spendable, "refused {points} of {spendable}: {done:?}");
            return "hold too much";
        };
        assert!(points > 0 && points <= spendable, "held {points} of {spendable}");
        let redemption = &plan.redemptions[0];
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, None);
        account.hold(redemption.id, points, redemption.hold_expires_at, now);
        self.agree(member, &balance.expect("a member has a balance"));
        if redemption.status == "awaiting_confirmation" {
            // its code comes at once, by the door that the component uses
            self.shop.db.by_hand(&format!("UPDATE redemption SET status = 'held' WHERE id = {}", redemption.id.0));
        }
        "hold"
    }

    fn capture(&mut self) -> Deed {
        let member = self.somebody();
        let Some(redemption) = self.redemption_of(member) else { return "nothing" };
        let hold = self.members[&member].holds[&redemption].clone();
        let held = i64::try_from(hold.points.len()).unwrap_or_default();
        let points = match self.random.between(1, 10) {
            1 => held + 1,
            2 => 0,
            3..=6 => self.random.between(1, held.max(1)),
            _ => held,
        };
        let now = self.shop.now;
        let done = self.act(&About { redemption: Some(redemption), ..About::default() }, |shop, snapshot, command| {
            let ended = ledger::capture(snapshot, Some(Points(points)), None, &shop.terms, command)?;
            Ok((ended.plan, Some(ended.balance)))
        });
        let open = hold.standing == Standing::Held && hold.deadline > now && points > 0 && points <= held;
        let Ok((_, balance)) = done else {
            assert!(!open, "refused without a reason: {done:?}");
            return "capture what is not there";
        };
        assert!(open, "captured {points} of {hold:?}");
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, Some(redemption));
        account.capture(redemption, points, now);
        self.agree(member, &balance.expect("a member has a balance"));
        if points == held { "capture" } else { "capture a part" }
    }

    fn release(&mut self) -> Deed {
        let member = self.somebody();
        let Some(redemption) = self.redemption_of(member) else { return "nothing" };
        let open = self.members[&member].holds[&redemption].standing == Standing::Held;
        let now = self.shop.now;
        let done = self.act(&About { redemption: Some(redemption), ..About::default() }, |shop, snapshot, command| {
            let ended = ledger::release(snapshot, &shop.terms, command)?;
            Ok((ended.plan, Some(ended.balance)))
        });
        let Ok((_, balance)) = done else {
            assert!(!open, "refused without a reason: {done:?}");
            return "release what is over";
        };
        assert!(open);
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, Some(redemption));
        account.release(redemption, now);
        self.agree(member, &balance.expect("a member has a balance"));
        "release"
    }

    fn take_back(&mut self) -> Deed {
        let member = self.somebody();
        let orders: Vec<String> = self.members[&member].bought.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        let mut possible = !order.cancelled;
        let mut chosen = Vec::new();
        for (place, line) in order.lines.iter().enumerate() {
            let left = line.quantity - line.returned;
            if left > 0 && self.random.percent(60) {
                let quantity = if self.random.percent(40) { left } else { self.random.between(1, left) };
                chosen.push((place, quantity));
            } else if self.random.percent(5) {
                chosen.push((place, left + 1));
                possible = false;
            }
        }
        let everything = chosen.is_empty();
        if everything {
            let left = order.lines.iter().enumerate().map(|(place, line)| (place, line.quantity - line.returned));
            chosen = left.filter(|(_, left)| *left > 0).collect();
            possible &= !chosen.is_empty();
        }
        let line =
            |(place, quantity): &(usize, i64)| ReturnLine { id: order.lines[*place].id.clone(), quantity: Quantity(*quantity) };
        let request = ReturnRequest {
            reference: self.reference("return"),
            occurred_at: self.shop.now,
            lines: (!everything).then(|| chosen.iter().map(line).collect()),
            content_hash: "content".to_owned(),
        };
        let mut given = Returned::default();
        let done = self.act(&About { order: Some(reference.clone()), ..About::default() }, |shop, snapshot, command| {
            let taken = ledger::take_back(snapshot, &request, |_| Tiers::default(), &shop.terms, command)?;
            given = returned(&taken);
            Ok((taken.plan, taken.balance))
        });
        let Ok((_, balance)) = done else {
            assert!(!possible, "refused without a reason: {done:?}");
            return "return too much";
        };
        assert!(possible);
        self.returned(member, &reference, &chosen, given);
        self.agree(member, &balance.expect("a member has a balance"));
        "return"
    }

    fn cancel(&mut self) -> Deed {
        let member = self.somebody();
        let orders: Vec<String> = self.members[&member].bought.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        let mut given = Returned::default();
        let done = self.act(&About { order: Some(reference.clone()), ..About::default() }, |shop, snapshot, command| {
            let taken = ledger::cancel(snapshot, "content", |_| Tiers::default(), &shop.terms, command)?;
            given = returned(&taken);
            Ok((taken.plan, taken.balance))
        });
        let Ok((_, balance)) = done else {
            assert!(order.cancelled, "refused without a reason: {done:?}");
            return "cancel twice";
        };
        assert!(!order.cancelled);
        let left = order.lines.iter().enumerate().map(|(place, line)| (place, line.quantity - line.returned));
        let left: Vec<(usize, i64)> = left.filter(|(_, left)| *left > 0).collect();
        self.returned(member, &reference, &left, given);
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.orders -= 1;
        account.bought.get_mut(&reference).expect("it was bought").cancelled = true;
        let order = &account.bought[&reference];
        let whole = |line: &Line| line.paid.0 == line.paid.1 && line.money.0 == line.money.1;
        let whole = |line: &Line| whole(line) && line.shares.iter().all(|(_, earned, done)| earned == done);
        assert!(order.lines.iter().all(whole) && order.spent.is_empty(), "parts sum to the whole: {order:?}");
        self.agree(member, &balance.expect("a member has a balance"));
        "cancel"
    }

    fn adjust(&mut self) -> Deed {
        let member = self.somebody();
        let now = self.shop.now;
        let mut probe = self.members[&member].clone();
        probe.release_overdue(now, None);
        let [available, pending, ..] = probe.figures(now);
        let points = match self.random.between(1, 10) {
            1..=5 => self.random.between(1, 300),
            6 => -(available + pending + 1),
            _ => -self.random.between(1, (available + pending).clamp(1, 120)),
        };
        let activates_at = Instant(now.0 + self.random.between(0, 3) * DAY);
        let expires_at = self.random.percent(70).then(|| Instant(activates_at.0 + self.random.between(1, 20 * DAY)));
        let adjustment =
            Adjustment { points: Points(points), reason: "as agreed".to_owned(), activates_at: Some(activates_at), expires_at };
        let done = self.act(&About { member: Some(member), ..About::default() }, |shop, snapshot, command| {
            let adjusted = ledger::adjust(snapshot, &adjustment, &shop.terms, command)?;
            Ok((adjusted.plan, Some(adjusted.balance)))
        });
        let Ok((plan, balance)) = done else {
            assert!(-points > available + pending, "refused without a reason: {done:?}");
            return "take too much";
        };
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, None);
        if points > 0 {
            let grant = Grant { rule_id: "adjustment".to_owned(), points: Points(points), activates_at, expires_at };
            account.grant(lots_of(&plan, &[grant]), now);
        } else {
            account.deduct(-points, now);
        }
        self.agree(member, &balance.expect("a member has a balance"));
        if points > 0 { "give" } else { "take" }
    }

    // ---- jobs

    fn expire(&mut self) -> Deed {
        let bound = self.random.between(1, 10);
        let now = self.shop.now;
        let db = &self.shop.db;
        while run(store::due(db, now, 1)).expect("the store answers").expire > 0 {
            let ids = Id(Ids::new(now, self.random.bits()).next().0);
            run(store::expire(db, now, bound, ids, 1)).expect("nothing is in its way");
        }
        self.members.values_mut().for_each(|account| account.expire(now));
        "expire"
    }

    fn release_overdue(&mut self) -> Deed {
        let bound = self.random.between(1, 5);
        let now = self.shop.now;
        let db = &self.shop.db;
        while run(store::due(db, now, 1)).expect("the store answers").holds > 0 {
            let ids = Id(Ids::new(now, self.random.bits()).next().0);
            run(store::release_overdue(db, now, bound, ids)).expect("nothing is in its way");
        }
        self.members.values_mut().for_each(|account| account.release_overdue(now, None));
        "release what is overdue"
    }

    fn activate(&mut self) -> Deed {
        let bound = self.random.between(1, 10);
        let now = self.shop.now;
        let mut told = 0;
        while run(store::due(&self.shop.db, now, 1)).expect("the store answers").activate > 0 {
            told += run(store::activate(&self.shop.db, now, bound)).expect("nothing is in its way");
        }
        if told > 0 { "activate" } else { "nothing to activate" }
    }

    // ---- what all of them share

    /// Loads, decides and applies. Now and then two plans are made of one snapshot, or the statement comes twice.
    fn act(
        &mut self,
        about: &About,
        mut decide: impl FnMut(&Shop, &Snapshot, Command) -> Result<(Plan, Option<Balance>), Refusal>,
    ) -> Result<(Plan, Option<Balance>), Refusal> {
        let what = Load { member: about.member, order: about.order.clone(), redemption: about.redemption, ..Load::default() };
        let snapshot = self.shop.load(&what);
        let (command, rival) = (self.command(), self.command());
        let decided = decide(&self.shop, &snapshot, command.clone())?;
        self.shop.post(&command, &decided.0);
        if self.random.percent(1) {
            let before = self.shop.db.everything();
            let (plan, _) = decide(&self.shop, &snapshot, rival.clone())?;
            assert_eq!(self.shop.apply(&rival, &plan), Err(StoreError::Stale), "the books have moved");
            assert_eq!(self.shop.apply(&command, &decided.0), Err(StoreError::Stale), "the key was answered");
            assert_eq!(self.shop.db.everything(), before, "a refused plan writes nothing");
        }
        Ok(decided)
    }

    fn command(&mut self) -> Command {
        Command { now: self.shop.now, ids: Ids::new(self.shop.now, self.random.bits()) }
    }

    fn somebody(&mut self) -> Id {
        let members: Vec<Id> = self.members.keys().copied().collect();
        *self.random.one_of(&members).expect("somebody has enrolled")
    }

    /// A redemption of the member, mostly one that is open.
    fn redemption_of(&mut self, member: Id) -> Option<Id> {
        let holds: Vec<(Id, Hold)> = self.members[&member].holds.clone().into_iter().collect();
        let open = |hold: &Hold| matches!(hold.standing, Standing::Held | Standing::Captured { used: false });
        let open: Vec<Id> = holds.iter().filter(|(_, hold)| open(hold)).map(|(id, _)| *id).collect();
        let all: Vec<Id> = holds.iter().map(|(id, _)| *id).collect();
        if self.random.percent(90) { self.random.one_of(&open).copied() } else { self.random.one_of(&all).copied() }
    }

    fn reference(&mut self, what: &str) -> String {
        self.references += 1;
        format!("{what} {}", self.references)
    }

    fn grants(&mut self, from: Instant) -> Vec<Grant> {
        let random = &mut self.random;
        let count = random.between(0, 3);
        let grant = |n: i64| {
            let delay = if random.percent(30) { random.between(1, 10 * DAY) } else { 0 };
            let activates_at = Instant(from.0 + delay);
            let expires_at = random.percent(80).then(|| Instant(activates_at.0 + random.between(1, 40 * DAY)));
            Grant { rule_id: format!("rule {n}"), points: Points(random.between(1, 150)), activates_at, expires_at }
        };
        (0..count).map(grant).collect()
    }

    /// An order of up to four lines that so many points pay.
    fn purchase(&mut self, points: i64, occurred_at: Instant) -> Purchase {
        let reference = self.reference("order");
        let count = usize::try_from(self.random.between(1, 4)).unwrap_or(1);
        let points = self.random.split(points, count);
        let moneys: Vec<i64> = points.iter().map(|points| points * 2).collect();
        let mut order = purchase(&reference).happened(occurred_at);
        for (n, money) in moneys.iter().enumerate() {
            let quantity = match self.random.between(1, 3) {
                1 => self.random.between(1, 5_000),
                _ => 1_000 * self.random.between(1, 5),
            };
            let amount = money + self.random.between(0, 10_000);
            order = order.line(&format!("line {n}"), quantity, amount);
        }
        let parts: Vec<(i64, i64)> = points.into_iter().zip(moneys).collect();
        let rest = order.judgement.lines.iter().zip(&parts).map(|(line, (_, money))| line.amount.0 - money);
        let discounts: Vec<i64> = rest.map(|rest| rest / 10).collect();
        order = order.discounted(&discounts);
        order = order.paid(&parts).delivered_for(self.random.between(0, 1) * 300);
        for grant in self.grants(occurred_at) {
            let shares = self.random.split(grant.points.0, count);
            order = order.earns_for(&grant.rule_id, &shares, grant.activates_at, grant.expires_at);
        }
        if self.random.percent(10) { order.reaching("silver") } else { order }
    }

    fn returned(&mut self, member: Id, order: &str, lines: &[(usize, i64)], given: Returned) {
        let (policy, now) = (self.shop.terms.clawback, self.shop.now);
        let delivery = if lines.is_empty() { given.refund } else { 0 };
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.release_overdue(now, None);
        let expected = account.take_back(order, lines, policy, now);
        // a cancellation refunds the delivery too
        let refund = expected.refund + delivery;
        assert!(given.refund == refund || given.refund == refund + 300, "{given:?}, not {expected:?}");
        assert_eq!(Returned { refund: 0, ..given }, Returned { refund: 0, ..expected }, "{policy:?}");
    }

    /// The returned balance is that of a fresh load, and the model's.
    #[track_caller]
    fn agree(&self, member: Id, balance: &Balance) {
        assert_eq!(*balance, self.compare(member), "returned, and loaded again");
    }

    #[track_caller]
    fn compare(&self, id: Id) -> Balance {
        let account = &self.members[&id];
        let snapshot = self.shop.snapshot(id);
        let member = snapshot.member.as_ref().expect("the member has enrolled");
        let loaded = Account::open(member, &snapshot.lots, &self.shop.terms, self.shop.now);
        let balance = loaded.balance();
        let figures = [
            balance.available,
            balance.pending,
            balance.held,
            balance.deficit,
            balance.lifetime_earned,
            balance.lifetime_redeemed,
            balance.lifetime_expired,
        ];
        assert_eq!(figures.map(|points| points.0), account.figures(self.shop.now), "of {id:?}");
        assert_eq!(loaded.spendable().0, account.spendable(self.shop.now));
        let remaining: BTreeMap<Id, i64> = snapshot.lots.iter().map(|lot| (lot.id, lot.remaining.0)).collect();
        assert_eq!(remaining, account.remaining(), "lots of {id:?}");
        assert_eq!((member.orders, member.qualifying_spend), (account.orders, Money(account.qualifying)));
        assert_eq!(member.last_at, account.last_at);
        let open: BTreeSet<Id> = snapshot.holds.iter().map(|hold| hold.id).collect();
        let held = account.holds.iter().filter(|(_, hold)| hold.standing == Standing::Held);
        assert_eq!(open, held.map(|(id, _)| *id).collect());
        balance
    }
}

/// The lots that a plan makes of these grants.
fn lots_of(plan: &Plan, grants: &[Grant]) -> Vec<Lot> {
    let made = plan.entries.iter().flat_map(|entry| &entry.lots);
    let lots: Vec<Lot> = made
        .zip(grants)
        .map(|(made, grant)| Lot {
            id: made.id,
            points: grant.points.0,
            activates_at: grant.activates_at,
            expires_at: grant.expires_at,
        })
        .collect();
    assert_eq!(lots.len(), grants.len(), "one lot a grant");
    lots
}

fn returned(given: &ledger::Given) -> Returned {
    Returned {
        clawed_back: given.clawed_back.0,
        forgiven: given.forgiven.0,
        restored: given.restored.0,
        deficit: given.deficit.0,
        refund: given.refund.0,
    }
}
