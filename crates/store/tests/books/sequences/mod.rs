//! Random sequences of partial returns over the real rules, the real ledger and the real referee: the sum is exact in money
//! and points, every time and at every step.
//!
//! A program, an order and a payment over several lots are drawn; then goods come back in any number of steps, by line and
//! quantity, until everything is back. After each step every figure is what integer arithmetic on the judgement says:
//! `floor(whole x returned / quantity)` a line, so that no step is negative and none drifts by a minor unit.
//!
//! `KOPILKA_RETURN_SEQUENCES` sets how many sequences (2 000; of 10 000 it takes a minute), `KOPILKA_RETURN_SEED` the first
//! seed. A failure prints its own.

mod exact;

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::judgement::Judgement;
use domain::{Id, Ids, Instant, Money, Points, Quantity};
use ledger::{Account, Command, Given, Refusal, ReturnLine, ReturnRequest};
use rules::Program;
use rules::engine::{Agreed, Payment};
use store::{Load, StoreError};

use crate::database::run;
use crate::judging::{judge, standing, terms};
use crate::programs;
use crate::purchase::Purchase;
use crate::random::Random;
use crate::shop::Shop;

/// Sequences of one program and one store: enough that the tables are no more than a small part of the work.
const OF_A_PROGRAM: u64 = 40;

const DAY: i64 = 24 * 3_600_000;

#[test]
fn any_sequence_of_partial_returns_sums_to_the_whole_order() {
    let sequences = setting("KOPILKA_RETURN_SEQUENCES", 2_000);
    let first = setting("KOPILKA_RETURN_SEED", 1);
    let begun = std::time::Instant::now();
    let seeds = Mutex::new(first..first + sequences.div_ceil(OF_A_PROGRAM));
    let counts = Mutex::new(BTreeMap::<&str, u64>::new());
    let work = || {
        while let Some(seed) = seeds.lock().ok().and_then(|mut seeds| seeds.next()) {
            let _told = Told(seed);
            let seen = a_program(seed);
            let mut counts = counts.lock().expect("nobody fails while counting");
            seen.into_iter().for_each(|(what, count)| *counts.entry(what).or_default() += count);
        }
    };
    std::thread::scope(|threads| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(threads.spawn(work)));
    });
    let counts = counts.into_inner().expect("nobody fails while counting");
    println!("{sequences} sequences in {:?}: {counts:#?}", begun.elapsed());
    let lacking = SEEN.iter().find(|what| counts.get(*what).copied().unwrap_or_default() < sequences / 100);
    assert_eq!(lacking, None, "the sequences have everything in them: {counts:#?}");
}

/// What must have been in one sequence of a hundred at least, or the test tests little.
const SEEN: [&str; 11] = [
    "paid with points",
    "paid from several lots",
    "earned several lots",
    "more than three steps",
    "ended with everything",
    "ended with a cancellation",
    "lived through other things",
    "made a deficit",
    "forgave points",
    "was repeated",
    "was delivered",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Tells the seed of a program that ends in a panic.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {seed} failed: KOPILKA_RETURN_SEED={seed} KOPILKA_RETURN_SEQUENCES=1", seed = self.0);
        }
    }
}

/// One program, and all sequences of its shop. What was seen in them.
fn a_program(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut random = Random::new(seed);
    let (program, document) = programs::program(&mut random);
    let mut shop = Shop::open_at_scale(program.settings().points_scale);
    let mut seen = BTreeMap::new();
    for number in 0..OF_A_PROGRAM {
        let Some(mut sequence) = Sequence::begin(&mut shop, &program, &mut random, number) else { continue };
        sequence.run(&mut seen);
    }
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]), "{document}");
    seen
}

/// An order and how much of it is back.
struct Sequence<'a> {
    shop: &'a mut Shop,
    program: &'a Program,
    random: &'a mut Random,
    member: Id,
    purchase: Purchase,
    redemption: Option<Id>,
    /// The lots that the order earned, in the sequence of the grants.
    lots: Vec<Id>,
    /// What each older lot had left before the order.
    before: BTreeMap<Id, Points>,
    /// The qualifying spend before the order, and of what was bought meanwhile.
    spend: i64,
    /// Whether the member does other things between the steps.
    restless: bool,
    /// Quantity back, line by line.
    returned: Vec<i64>,
    /// What the steps gave so far: money, points restored, points taken back or forgiven.
    given: [i64; 3],
    steps: u64,
}

impl<'a> Sequence<'a> {
    /// Somebody enrols and buys. None for an order that the program does not judge.
    fn begin(shop: &'a mut Shop, program: &'a Program, random: &'a mut Random, number: u64) -> Option<Self> {
        let now = shop.now;
        shop.terms = terms(program, now);
        let most = 10_i64.pow(u32::try_from(random.between(1, 8)).unwrap_or(1));
        let lots: Vec<_> = (0..random.between(0, 5))
            .map(|_| {
                let end = random.percent(80).then(|| Instant(now.0 + DAY * random.between(1, 6)));
                ("gift", random.between(1, most), now, end)
            })
            .collect();
        let member = shop.enrol(&lots);
        let before = shop.snapshot(member).lots.iter().map(|lot| (lot.id, lot.remaining)).collect();
        let restless = random.percent(40);
        let occurred_at = if restless && random.percent(20) { Instant(now.0 - DAY * random.between(0, 200)) } else { now };
        let order = programs::order(random, &format!("order {number}"), occurred_at);
        let (redemption, agreed) = pay(shop, program, random, member, &order);
        let snapshot = shop.snapshot(member);
        let judgement = judge(program, snapshot.member.as_ref()?, Points::ZERO, &order, agreed).ok()?;
        let purchase = Purchase { order, judgement };
        let recorded = shop.order(member, &purchase, redemption);
        let returned = vec![0; purchase.order.lines.len()];
        let lots = recorded.lots.iter().map(|lot| lot.id).collect();
        Some(Self {
            shop,
            program,
            random,
            member,
            purchase,
            redemption,
            lots,
            before,
            spend: 0,
            restless,
            returned,
            given: [0; 3],
            steps: 0,
        })
    }

    fn run(&mut self, seen: &mut BTreeMap<&'static str, u64>) {
        let judged = self.judged().clone();
        let mut saw = |what: &'static str, so: bool| *seen.entry(what).or_default() += u64::from(so);
        saw("paid with points", judged.payment.points > Points::ZERO);
        saw("paid from several lots", self.paid().len() > 1);
        saw("earned several lots", self.lots.len() > 1);
        saw("lived through other things", self.restless);
        saw("was delivered", judged.delivery > Money::ZERO);
        let (mut deficit, mut forgiven, mut repeated, mut cancelled) = (false, false, false, false);
        while self.left().iter().any(|left| *left > 0) {
            if self.restless {
                self.something_else();
            }
            let given = match self.random.between(1, 100) {
                1..=6 => {
                    cancelled = true;
                    self.cancel()
                }
                7..=12 => {
                    saw("ended with everything", true);
                    self.step(None)
                }
                _ => {
                    let lines = self.some_lines();
                    self.step(Some(lines))
                }
            };
            deficit |= given.deficit > Points::ZERO;
            forgiven |= given.forgiven > Points::ZERO;
            self.compare(&given, cancelled);
            if !cancelled && self.random.percent(3) {
                self.repeat();
                repeated = true;
            }
        }
        saw("more than three steps", self.steps > 3);
        saw("ended with a cancellation", cancelled);
        saw("made a deficit", deficit);
        saw("forgave points", forgiven);
        saw("was repeated", repeated);
        self.ended(cancelled);
    }

    fn judged(&self) -> &Judgement {
        &self.purchase.judgement
    }

    /// What is not back yet, line by line.
    fn left(&self) -> Vec<i64> {
        self.purchase.order.lines.iter().zip(&self.returned).map(|(line, returned)| line.quantity.0 - returned).collect()
    }

    // ---- steps

    /// One to three lines that are not all back, each in part or whole; now and then one of them twice.
    fn some_lines(&mut self) -> Vec<(usize, i64)> {
        let mut left = self.left();
        let mut chosen = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            let open: Vec<usize> = (0..left.len()).filter(|line| left[*line] > 0).collect();
            let Some(line) = self.random.one_of(&open).copied() else { break };
            let quantity = if self.random.percent(35) { left[line] } else { self.random.between(1, left[line]) };
            left[line] -= quantity;
            chosen.push((line, quantity));
        }
        chosen
    }

    fn request(&self, lines: Option<&[(usize, i64)]>) -> ReturnRequest {
        let line = |(place, quantity): &(usize, i64)| ReturnLine {
            id: self.purchase.order.lines[*place].id.clone(),
            quantity: Quantity(*quantity),
        };
        ReturnRequest {
            reference: format!("return {}", self.steps),
            occurred_at: self.shop.now,
            lines: lines.map(|lines| lines.iter().map(line).collect()),
            content_hash: "content".to_owned(),
        }
    }

    fn load(&self) -> Load {
        Load { order: Some(self.purchase.order.reference.clone()), ..Load::default() }
    }

    fn plan(&self, request: &ReturnRequest, command: Command) -> Result<Given, Refusal> {
        let stands = |member: &domain::snapshot::Member| standing(self.program, member.qualifying_spend);
        ledger::take_back(&self.shop.load(&self.load()), request, stands, &self.shop.terms, command)
    }

    /// Takes these lines back; none: everything.
    fn step(&mut self, lines: Option<Vec<(usize, i64)>>) -> Given {
        self.steps += 1;
        let command = self.shop.command();
        let request = self.request(lines.as_deref());
        let given = self.plan(&request, command.clone()).expect("so much is left");
        self.shop.post(&command, &given.plan);
        match lines {
            None => self.returned = self.purchase.order.lines.iter().map(|line| line.quantity.0).collect(),
            Some(lines) => lines.into_iter().for_each(|(line, quantity)| self.returned[line] += quantity),
        }
        given
    }

    fn cancel(&mut self) -> Given {
        self.steps += 1;
        let command = self.shop.command();
        let stands = |member: &domain::snapshot::Member| standing(self.program, member.qualifying_spend);
        let given = ledger::cancel(&self.shop.load(&self.load()), "content", stands, &self.shop.terms, command.clone());
        let given = given.expect("it was not cancelled yet");
        self.shop.post(&command, &given.plan);
        self.returned = self.purchase.order.lines.iter().map(|line| line.quantity.0).collect();
        given
    }

    /// The last return once more, as it was sent and as another till would plan it: nothing happens.
    fn repeat(&mut self) {
        let rows = self.shop.db.everything();
        let command = self.shop.command();
        let left = self.left();
        let again = left.iter().enumerate().find(|(_, left)| **left > 0).map_or((0, 1), |(line, left)| (line, *left));
        match self.plan(&self.request(Some(&[again])), command.clone()) {
            Ok(given) => assert_eq!(self.shop.apply(&command, &given.plan), Err(StoreError::Stale), "a return has one id"),
            Err(refusal) => assert!(matches!(refusal, Refusal::AlreadyReturned { .. }), "{refusal:?}"),
        }
        assert_eq!(self.shop.db.everything(), rows);
    }

    /// Time passes, points are spent, given and earned, jobs run.
    fn something_else(&mut self) {
        match self.random.between(1, 6) {
            1 => {
                self.shop.now = Instant(self.shop.now.0 + self.random.between(1, 3 * DAY));
                self.shop.terms = terms(self.program, self.shop.now);
            }
            2 => {
                let ids = Id(Ids::new(self.shop.now, self.random.bits()).next().0);
                run(store::expire(&self.shop.db, self.shop.now, 50, ids, 1)).expect("nothing is in its way");
            }
            3 => {
                let balance = self.shop.balance(self.member);
                let spare = balance.available.0 + balance.pending.0;
                if spare > 0 {
                    let some = if self.random.percent(50) { spare } else { self.random.between(1, spare) };
                    self.shop.adjust(self.member, -some);
                }
            }
            4 => {
                let some = self.random.between(1, 500);
                self.shop.adjust(self.member, some);
            }
            5 => {
                let reference = format!("{}, meanwhile {}", self.purchase.order.reference, self.shop.commands);
                let order = programs::order(self.random, &reference, self.shop.now);
                let snapshot = self.shop.snapshot(self.member);
                let member = snapshot.member.as_ref().expect("somebody bought");
                if let Ok(judgement) = judge(self.program, member, Points::ZERO, &order, Payment::None) {
                    self.spend += judgement.qualifying.0;
                    self.shop.order(self.member, &Purchase { order, judgement }, None);
                }
            }
            _ => {}
        }
    }
}

/// Sets points aside for an order: as many as the program allows, or some. What was agreed then.
fn pay(
    shop: &mut Shop,
    program: &Program,
    random: &mut Random,
    member: Id,
    order: &domain::order::Order,
) -> (Option<Id>, Payment) {
    let snapshot = shop.snapshot(member);
    let who = snapshot.member.as_ref().expect("somebody has enrolled");
    let available = Account::open(who, &snapshot.lots, &shop.terms, shop.now).spendable();
    let most = match judge(program, who, available, order, Payment::Maximum) {
        Ok(judgement) if judgement.payment.points > Points::ZERO => judgement,
        _ => return (None, Payment::None),
    };
    let some = Payment::Exact(random.between(1, most.payment.points.0));
    // not every amount is payable: the program may ask for steps
    let judgement = if random.percent(50) { judge(program, who, available, order, some).unwrap_or(most) } else { most };
    let agreed = Agreed { points: judgement.payment.points.0, money: judgement.payment.money.0 };
    let redemption = shop.hold(member, &Purchase { order: order.clone(), judgement });
    (Some(redemption), Payment::Agreed(agreed))
}
