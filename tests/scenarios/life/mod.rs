//! A long random life of a shop over HTTP, through the real components: every command goes to the shop and to a model that
//! shares nothing with it (`crates/store/tests/books/model.rs`, with a program that is reckoned in integers here). Refusals
//! are foreseen with their codes. After each command the answer's balance, a balance that is asked for and every new entry
//! are the model's, field by field; every 50 steps all entries, all lots, the counts, the audit and the rebuild are.
//!
//! `KOPILKA_HTTP_LIFE_STEPS` sets how many steps in all (1 500), `KOPILKA_HTTP_LIFE_SEED` the first seed. A failure prints
//! seed and step of its life: run that one with the seed and few steps. README.md has the command for 100 000.

mod check;
mod jobs;
// notices of annulment are drawn by the store's own test only
#[allow(dead_code)]
#[path = "../../../crates/store/tests/books/model.rs"]
mod model;
mod people;
mod program;
mod purchases;
mod redemptions;
mod repeats;
mod returns;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Id, Instant};
use model::{Account, Grace, Hold, Standing};
use program::{Cart, Goods, Program};
use serde_json::{Value, json};
use tests::{Answer, BEGINNING, Random, Shop};
use tokio::task::JoinSet;

use crate::faults::number;

/// Steps of one life: some weeks of a shop.
const LIFE: u64 = 300;
/// Steps between two looks at everything.
const LOOK: u64 = 50;
/// Members at a time.
const MEMBERS: usize = 7;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What happened at a step: its name, for the count.
type Deed = &'static str;

/// Status and code of a refusal.
type Refusal = (u16, &'static str);

/// What must have happened at one step of 1 000, or the test tests little.
const DEEDS: [Deed; 41] = [
    "activate",
    "buy with a redemption that does not pay",
    "buy with points",
    "buy without a name",
    "buy",
    "buy, told late",
    "cancel without a name",
    "cancel",
    "capture a part",
    "capture what is not there",
    "capture",
    "claim what is somebody's",
    "claim",
    "confirm what is over",
    "confirm",
    "enrol again",
    "enrol",
    "expire",
    "give",
    "hold too much",
    "hold with a code",
    "hold",
    "merge",
    "mistake",
    "quote too much",
    "quote",
    "release what is overdue",
    "release",
    "repeat under another key",
    "repeat",
    "return too much",
    "return what points paid",
    "return without a name",
    "return",
    "reuse a key",
    "take too much",
    "take",
    "third wrong code",
    "transfer too much",
    "transfer",
    "wrong code",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_sequence_of_requests_keeps_the_books_right() {
    let steps = number("KOPILKA_HTTP_LIFE_STEPS", 1_500);
    let first = number("KOPILKA_HTTP_LIFE_SEED", 1);
    let begun = std::time::Instant::now();
    let next = Arc::new(AtomicU64::new(first));
    let counts: Arc<Mutex<BTreeMap<Deed, u64>>> = Arc::default();
    let mut lives = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let (next, counts) = (next.clone(), counts.clone());
        lives.spawn(async move {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + steps.div_ceil(LIFE) {
                    return;
                }
                let lived = Life::begin(seed).await.live(LIFE.min(steps)).await;
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                lived.into_iter().for_each(|(deed, count)| *counts.entry(deed).or_default() += count);
            }
        });
    }
    while let Some(lived) = lives.join_next().await {
        lived.expect("every life agrees with its model");
    }
    let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{steps} steps, {:.1} s: {counts:#?}", begun.elapsed().as_secs_f64());
    let rare = DEEDS.iter().find(|deed| counts.get(*deed).copied().unwrap_or(0) < steps / 1_000);
    assert_eq!(rare, None, "a life has everything in it: {counts:#?}");
}

/// Tells the seed and the step of a life that ends in a panic, and what was said last.
struct Told {
    seed: u64,
    step: u64,
    last: String,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, step, last } = self;
            eprintln!("the life of seed {seed} failed at step {step}, after {last}");
            eprintln!("once more: KOPILKA_HTTP_LIFE_SEED={seed} KOPILKA_HTTP_LIFE_STEPS={LIFE}");
        }
    }
}

struct Life {
    shop: Shop,
    random: Random,
    program: Program,
    told: Told,
    now: Instant,
    members: BTreeMap<Id, Account>,
    /// By the ids that members enrolled with.
    phones: BTreeMap<Id, String>,
    /// Whoever was merged, and into whom.
    merged: BTreeMap<Id, Id>,
    redemptions: BTreeMap<Id, redemptions::Terms>,
    /// Orders without a member.
    anonymous: BTreeMap<String, purchases::Anonymous>,
    /// What the delivery of each order cost.
    deliveries: BTreeMap<String, i64>,
    /// Delayed lots that the job has not announced yet.
    waiting: BTreeMap<Id, Instant>,
    /// What was read of each account's entries, also of those that were merged.
    read: BTreeMap<Id, check::Read>,
    /// Requests that succeeded, to be sent once more.
    said: Vec<repeats::Said>,
    /// Rows that commands must have left.
    commands: i64,
    references: u64,
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let program = Program::any(&mut random);
        let shop = Shop::bare(BEGINNING).await;
        shop.publish(&program.document()).await.expect(200);
        Self {
            commands: crate::privacy::rows_of(&shop, "command"),
            shop,
            random,
            program,
            told: Told { seed, step: 0, last: String::new() },
            now: Instant::parse(BEGINNING).expect("a time"),
            members: BTreeMap::new(),
            phones: BTreeMap::new(),
            merged: BTreeMap::new(),
            redemptions: BTreeMap::new(),
            anonymous: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            waiting: BTreeMap::new(),
            read: BTreeMap::new(),
            said: Vec::new(),
            references: 0,
        }
    }

    async fn live(mut self, steps: u64) -> BTreeMap<Deed, u64> {
        let mut counts = BTreeMap::new();
        for step in 1..=steps {
            self.told.step = step;
            self.pass_time().await;
            let waits = self
                .members
                .values()
                .flat_map(|account| account.holds.values())
                .any(|hold| matches!(hold.standing, Standing::Awaiting(_)) && hold.deadline > self.now);
            let deed = match self.random.between(1, 100) {
                _ if self.members.len() < 2 => self.enrol().await,
                // a code is good for a few minutes only
                _ if waits && self.random.percent(55) => self.confirm().await,
                _ if self.something_is_due() && self.random.percent(20) => self.run_a_job().await,
                1..=3 if self.members.len() < MEMBERS => self.enrol().await,
                1..=21 => self.buy().await,
                22..=24 => self.buy_without_a_name().await,
                25..=26 => self.claim().await,
                27..=44 => self.hold().await,
                45 => self.confirm().await,
                46..=51 => self.capture().await,
                52..=54 => self.release().await,
                55..=69 => self.take_back().await,
                70..=72 => self.cancel().await,
                73..=80 => self.adjust().await,
                81..=84 => self.transfer().await,
                85 => self.merge().await,
                86..=88 => self.run_a_job().await,
                89..=91 => self.quote().await,
                92..=94 => self.mistake().await,
                _ => self.repeat().await,
            };
            *counts.entry(deed).or_default() += 1;
            let commands = crate::privacy::rows_of(&self.shop, "command");
            assert_eq!(commands, self.commands, "after {deed}: only what succeeds is kept");
            if step % LOOK == 0 || step == steps {
                self.look_at_everything().await;
            }
        }
        counts
    }

    // ---- what all commands share

    /// Sends a command. Only what succeeds leaves a row.
    async fn say(&mut self, path: &str, body: &Value) -> Answer {
        let key = self.shop.new_key();
        self.told.last = format!("{path} {body}");
        let answer = self.shop.post_as(&key, path, body).await;
        assert!(!answer.replayed, "{path} {body}: {}", answer.text);
        // a wrong code is counted, and its answer kept
        if answer.status.is_success() || answer.json["code"] == "wrong_code" {
            self.commands += 1;
            self.said.push(repeats::Said { key, path: path.to_owned(), body: body.clone(), answer: answer.clone() });
        }
        answer
    }

    fn somebody(&mut self) -> Id {
        let members: Vec<Id> = self.members.keys().copied().collect();
        *self.random.one_of(&members).expect("somebody has enrolled")
    }

    /// Somebody of whom this is true, if there is anybody; else anybody.
    fn somebody_who(&mut self, is: impl Fn(&Account) -> bool) -> Id {
        let members: Vec<Id> = self.members.iter().filter(|(_, account)| is(account)).map(|(id, _)| *id).collect();
        self.random.one_of(&members).copied().unwrap_or_else(|| self.somebody())
    }

    /// Mostly somebody who has a redemption that can be used.
    fn somebody_who_can_pay(&mut self) -> Id {
        let now = self.now;
        match self.random.between(1, 10) {
            1 => self.somebody(),
            2..=3 => self.somebody_who(|account| account.holds.values().any(can_pay)),
            _ => self.somebody_who(|account| account.holds.values().any(|hold| pays_at(hold, now))),
        }
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

    /// A member as a caller refers to it.
    fn reference_to(&mut self, member: Id) -> Value {
        let id = self.some_id_of(member);
        if self.random.percent(50) { json!({"phone": self.phones[&id]}) } else { json!({"id": id.external("mem")}) }
    }

    fn account(&mut self, member: Id) -> &mut Account {
        self.members.get_mut(&member).expect("the member has enrolled")
    }

    /// What the program does for points that come back late, with the new lots of these entries.
    fn grace(&self, entries: &[Value]) -> Grace {
        // points that were kept once may come back to their lot again, by an entry of another kind
        let kept = |entry: &&Value| entry["kind"] == "transfer" && entry["lots"][0]["rule_id"] == "returned_grace";
        let lots = entries.iter().filter(kept).filter(|entry| !negative(&entry["points"]));
        let lots = lots.map(|entry| id_of(&entry["lots"][0]["id"], "lot")).collect();
        Grace { until: self.program.returned_until(self.now), lots }
    }

    /// The account as it is once its overdue holds are released, to look at.
    fn settled(&self, member: Id) -> Account {
        let mut probe = self.members[&member].clone();
        let lots = (1..).map(|n| Id(i64::MAX - n)).take(probe.holds.len()).collect();
        probe.release_overdue(self.now, None, &mut Grace { until: self.program.returned_until(self.now), lots });
        probe
    }

    fn spendable(&self, member: Id) -> i64 {
        self.settled(member).spendable(self.now)
    }

    /// A redemption of the member, mostly one that is open.
    fn redemption_of(&mut self, member: Id) -> Option<Id> {
        let (holds, now) = (&self.members[&member].holds, self.now);
        let all =
            |is: &dyn Fn(&Hold) -> bool| -> Vec<Id> { holds.iter().filter(|(_, hold)| is(hold)).map(|(id, _)| *id).collect() };
        let chosen = match self.random.between(1, 10) {
            1 => all(&|_| true),
            2..=3 => all(&can_pay),
            _ => all(&|hold| pays_at(hold, now)),
        };
        self.random.one_of(&chosen).copied()
    }

    fn new_reference(&mut self, what: &str) -> String {
        self.references += 1;
        format!("{what}-{}", self.references)
    }

    /// Up to four lines: regular goods and promo goods, toys and tools, pieces and weights, with and without a discount.
    fn cart(&mut self) -> Cart {
        let random = &mut self.random;
        // the larger a point, the more is bought
        let most = 60_000 / 10_i64.pow(self.program.scale);
        let goods = |n: i64, random: &mut Random| {
            let quantity = if random.percent(30) { random.between(100, 3_000) } else { 1_000 * random.between(1, 4) };
            let price = random.between(100, most);
            let gross = price * quantity / 1_000;
            Goods {
                id: format!("line {n}"),
                quantity,
                price,
                discount: if random.percent(30) { random.between(0, gross / 3) } else { 0 },
                promo: random.percent(25),
                toy: random.percent(40),
            }
        };
        let lines = random.between(1, 4);
        Cart {
            goods: (1..=lines).map(|n| goods(n, random)).collect(),
            delivery: if random.percent(20) { random.between(1, 30_000) } else { 0 },
        }
    }

    /// A moment of something that is told now or late.
    fn some_moment(&mut self, most: i64) -> Instant {
        let late = if self.random.percent(25) { self.random.between(0, most) } else { 0 };
        Instant(self.now.0 - late)
    }
}

/// A redemption that was not used yet.
fn can_pay(hold: &Hold) -> bool {
    hold.is_open() || hold.standing == Standing::Captured { used: false }
}

/// A redemption that an order can be paid with now.
fn pays_at(hold: &Hold, now: Instant) -> bool {
    can_pay(hold) && !matches!(hold.standing, Standing::Awaiting(_)) && (!hold.is_open() || hold.deadline > now)
}

/// An id as answers write it.
#[track_caller]
fn id_of(text: &Value, prefix: &str) -> Id {
    text.as_str().and_then(|text| Id::parse(text, prefix).ok()).unwrap_or_else(|| panic!("an id of {prefix}: {text}"))
}

fn negative(points: &Value) -> bool {
    points.as_str().is_some_and(|points| points.starts_with('-'))
}
