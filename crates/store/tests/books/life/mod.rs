//! A long random life of a shop: every command goes load, ledger, apply; after each step the returned balance, a fresh
//! load and an independent model agree; the audit finds nothing, and a rebuild from the facts would change nothing.
//!
//! `KOPILKA_LIFE_STEPS` sets how many steps in all (200 000), `KOPILKA_LIFE_SEED` the first seed. A failure prints the seed
//! of its life: run that one with the seed and few steps. README.md has the command for ten million.

mod check;
mod jobs;
mod notices;
mod people;
mod purchases;
mod redemptions;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant as Clock;

use domain::judgement::{ClawbackPolicy, Grant};
use domain::plan::{Entry, NewLot, Plan};
use domain::snapshot::Snapshot;
use domain::{Id, Ids, Instant, Points};
use ledger::{Balance, Command, Refusal};
use store::{Load, StoreError};

use crate::model::{self, Grace, Lot, Standing};
use crate::purchase::{Purchase, purchase};
use crate::random::Random;
use crate::shop::Shop;

/// Steps of one life: long enough for deep accounts, short enough for a quick audit.
const LIFE: u64 = 1_000;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

#[test]
fn any_sequence_of_commands_keeps_the_books_right() {
    let steps = setting("KOPILKA_LIFE_STEPS", 200_000);
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
    /// Whoever was merged, and into whom.
    merged: BTreeMap<Id, Id>,
    /// Orders without a member.
    anonymous: BTreeMap<String, purchases::Anonymous>,
    /// How long points live that come back to a lot that is over, in milliseconds.
    grace: Option<i64>,
    /// Entries of each account that were compared.
    compared: BTreeMap<Id, i64>,
    /// The store counts references of orders and returns once for all members.
    references: u64,
    /// The notice that was looked at last.
    last_notice: Id,
}

/// What happened at a step: its name, for the count.
type Deed = &'static str;

/// What must have happened at one step of a thousand, or the test tests little.
const DEEDS: [Deed; 28] = [
    "activate",
    "buy with a redemption that is over",
    "buy with points",
    "buy without a name",
    "buy",
    "cancel twice",
    "cancel",
    "capture a part",
    "capture what is not there",
    "capture",
    "claim what is somebody's",
    "claim",
    "confirm",
    "end what was told",
    "enrol",
    "expire",
    "give notice",
    "give",
    "hold too much",
    "hold",
    "merge",
    "notice arrives",
    "release",
    "return",
    "take",
    "transfer too much",
    "transfer",
    "wrong code",
];

/// What the model says of (member, order, redemption, other member) that a command is about.
#[derive(Clone, Debug, Default)]
struct About {
    member: Option<Id>,
    order: Option<String>,
    redemption: Option<Id>,
    other: Option<Id>,
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
        let grace = random.percent(50).then(|| random.between(1, 20 * DAY));
        let (members, merged) = (BTreeMap::new(), BTreeMap::new());
        // notices are written for somebody who gets them
        shop.webhook(&["points.annulment"], true);
        let (anonymous, compared, last_notice) = (BTreeMap::new(), BTreeMap::new(), Id(0));
        let mut life = Self { shop, random, members, merged, anonymous, grace, compared, references: 0, last_notice };
        life.change_program();
        life
    }

    fn live(&mut self, steps: u64) -> BTreeMap<Deed, u64> {
        let mut counts = BTreeMap::new();
        for step in 0..steps {
            self.pass_time();
            let deed = match self.random.between(1, 100) {
                _ if self.members.is_empty() => self.enrol(),
                1..=3 if self.members.len() < 8 => self.enrol(),
                1..=18 => self.buy(),
                19..=20 => self.buy_without_a_name(),
                21..=22 => self.claim(),
                23..=38 => self.hold(),
                39..=43 => self.confirm(),
                44..=49 => self.capture(),
                50..=53 => self.release(),
                54..=72 => self.take_back(),
                73..=76 => self.cancel(),
                77..=86 => self.adjust(),
                87..=90 => self.transfer(),
                91 => self.merge(),
                92..=93 => self.expire(),
                94..=95 => self.release_overdue(),
                96 => self.give_notices(),
                97 => self.notices_arrive(),
                98 => self.end_what_was_told(),
                _ => self.activate(),
            };
            *counts.entry(deed).or_default() += 1;
            if step % 100 == 99 || step + 1 == steps {
                assert_eq!(self.shop.audit(), [], "after {deed}");
                assert_eq!(self.shop.differences(), [], "after {deed}");
                let members: Vec<Id> = self.members.keys().copied().collect();
                members.into_iter().for_each(|member| {
                    self.compare(member);
                    self.compare_lots(member);
                });
                self.compare_what_is_gone();
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
        if self.random.between(1, 100) == 1 {
            self.change_program();
        }
        self.shop.terms.returned_until = self.grace.map(|grace| Instant(self.shop.now.0 + grace));
    }

    // ---- what all commands share

    /// Loads, decides and applies. Now and then two plans are made of one snapshot, or the statement comes twice.
    fn act(
        &mut self,
        about: &About,
        mut decide: impl FnMut(&Shop, &Snapshot, Command) -> Result<(Plan, Option<Balance>), Refusal>,
    ) -> Result<(Plan, Option<Balance>), Refusal> {
        let what = Load {
            member: about.member,
            order: about.order.clone(),
            redemption: about.redemption,
            other: about.other,
            ..Load::default()
        };
        let snapshot = self.shop.load(&what);
        let (command, rival) = (self.command(), self.command());
        let decided = decide(&self.shop, &snapshot, command.clone())?;
        self.shop.post(&command, &decided.0);
        // a plan without any effect is in nobody's way
        if self.random.between(1, 300) == 1 && decided.0 != Plan::default() {
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

    /// Somebody else, if there is anybody.
    fn somebody_else(&mut self, member: Id) -> Option<Id> {
        let others: Vec<Id> = self.members.keys().copied().filter(|other| *other != member).collect();
        self.random.one_of(&others).copied()
    }

    /// An id by which the member may be known: its own, or of somebody who was merged into it.
    fn some_id_of(&mut self, member: Id) -> Id {
        let ids: Vec<Id> = self.merged.iter().filter(|(_, into)| **into == member).map(|(from, _)| *from).collect();
        if self.random.percent(30) { self.random.one_of(&ids).copied().unwrap_or(member) } else { member }
    }

    /// The lots that a plan makes of these grants.
    fn lots_of(&self, plan: &Plan, grants: &[Grant]) -> Vec<Lot> {
        let granting = |entry: &&Entry| entry.kind == "earn" || entry.kind == "adjust_in";
        let made: Vec<&NewLot> = plan.entries.iter().filter(granting).flat_map(|entry| &entry.lots).collect();
        let notice = self.shop.terms.notice_days;
        let lot =
            |(made, grant): (&NewLot, &Grant)| Lot::new(made.id, grant.points.0, grant.activates_at, grant.expires_at, notice);
        let lots: Vec<Lot> = made.into_iter().zip(grants).map(lot).collect();
        assert_eq!(lots.len(), grants.len(), "one lot a grant");
        lots
    }

    /// What the program does for points that come back late, with the new lots of a plan.
    fn grace(&self, plan: &Plan) -> Grace {
        let made = plan.entries.iter().flat_map(|entry| &entry.lots);
        let lots = made.filter(|lot| lot.rule_id == "returned_grace").map(|lot| lot.id).collect();
        Grace { until: self.shop.terms.returned_until, lots }
    }

    /// The account as it is once its overdue holds are released, to look at.
    fn settled(&self, member: Id) -> model::Account {
        let mut probe = self.members[&member].clone();
        let lots = (1..).map(|n| Id(i64::MAX - n)).take(probe.holds.len()).collect();
        probe.release_overdue(self.shop.now, None, &mut Grace { until: self.shop.terms.returned_until, lots });
        probe
    }

    fn account(&mut self, member: Id) -> &mut model::Account {
        self.members.get_mut(&member).expect("the member has enrolled")
    }

    /// A redemption of the member, mostly one that is open.
    fn redemption_of(&mut self, member: Id) -> Option<Id> {
        let holds = &self.members[&member].holds;
        let open = |hold: &model::Hold| {
            matches!(hold.standing, Standing::Held | Standing::Awaiting(_) | Standing::Captured { used: false })
        };
        let open: Vec<Id> = holds.iter().filter(|(_, hold)| open(hold)).map(|(id, _)| *id).collect();
        let all: Vec<Id> = holds.keys().copied().collect();
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
}
