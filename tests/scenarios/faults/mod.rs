//! Stores that fail: whatever a client is answered is final or marked as worth repeating, and in the end every success is
//! there exactly once.
//!
//! `KOPILKA_FAULT_SEEDS=100 cargo test --test scenarios -- faults:: --nocapture` runs 100 seeds until 1 000 faults each,
//! from `KOPILKA_FAULT_FIRST_SEED` on, with a line a seed.

mod commands;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use commands::{Books, Command, Known, Points};
use host::Faults;
use http::Method;
use serde_json::Value;
use tests::{Answer, Random, Shop, hundredths};
use tokio::task::JoinSet;

/// Seeds of `cargo test`.
const SEEDS: u64 = 3;
/// So many faults must have happened.
const FAULTS: u64 = 1_000;
const CLIENTS: u64 = 8;
/// The program twice, a key, six members and their first points.
const COMMANDS_BEFORE: i64 = 15;
/// A client that asks so often for one thing gives up, which no store that comes and goes explains.
const PATIENCE: usize = 200;

/// A number from the environment.
pub fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// The faults of a run: a quarter of all statements fails.
fn faults(seed: u64) -> Faults {
    Faults { seed, lost_answers: 100, busy: 60, errors: 50, drops: 50, waits: 60, longest_wait: Duration::from_millis(2) }
}

/// A command that was answered for good.
struct Answered {
    command: Command,
    idempotency_key: String,
    /// The caller's key that it was sent with.
    caller: String,
    answer: Answer,
}

/// What all clients share.
struct Run {
    shop: Shop,
    document: Value,
    /// A key whose hash only the store knows, so that every load looks for it.
    caller: String,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    known: Known,
    /// What members had before the clients came.
    books: Books,
    answered: Vec<Answered>,
    /// Answers that were worth repeating, by their codes.
    repeated: BTreeMap<String, u64>,
}

impl Run {
    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request until its answer is final.
    async fn insist(&self, caller: &str, method: Method, path: &str, body: Option<String>, key: Option<&str>) -> Answer {
        for _ in 0..PATIENCE {
            let sent = Instant::now();
            let answer = self.shop.send_with(Some(caller), method.clone(), path, body.clone(), key).await;
            if answer.status == 504 {
                self.shop.wake_servers(sent);
            }
            if !answer.is_worth_repeating() {
                return answer;
            }
            let marked = (answer.status.as_u16(), answer.json["code"].as_str().unwrap_or_default());
            assert!(
                matches!(marked, (503, "store_unavailable") | (409, "conflict") | (504, "timeout")),
                "{method} {path}: {}",
                answer.text
            );
            *self.shared().repeated.entry(marked.1.to_owned()).or_default() += 1;
        }
        panic!("{method} {path} was answered {PATIENCE} times that it is worth repeating");
    }

    /// One client: commands and questions in any sequence until there were enough faults.
    async fn client(&self, seed: u64, number: u64) {
        let mut random = Random::new(seed << 8 | number);
        let caller = if number.is_multiple_of(2) { tests::ADMIN_KEY } else { &self.caller };
        let mut sent = 0;
        while self.shop.faults().counts().failures() < FAULTS {
            if random.below(10) == 0 {
                self.ask(&mut random, caller).await;
                continue;
            }
            let mut command = Command::choose(&mut random, &mut self.shared().known, &self.document);
            if let Command::Confirm { hold, code } = &mut command {
                *code = self.shop.code_of(hold.redemption());
            }
            sent += 1;
            let idempotency_key = format!("client-{number}-{sent}");
            let (method, path, body) = command.request();
            let answer = self.insist(caller, method, &path, body, Some(&idempotency_key)).await;
            let mut shared = self.shared();
            if answer.status.is_success() {
                command.succeeded(&answer.json, &mut shared.known);
            } else {
                let code = answer.json["code"].as_str().unwrap_or_default();
                let refused = answer.status.is_client_error() && command.refusals().contains(&code);
                assert!(refused, "{command:?}: {} {}", answer.status, answer.text);
            }
            shared.answered.push(Answered { command, idempotency_key, caller: caller.to_owned(), answer });
        }
    }

    /// A question, which a store that fails must not answer with anything else than the truth.
    async fn ask(&self, random: &mut Random, caller: &str) {
        let member = random.one_of(&self.shared().known.members).expect("there are members").clone();
        let path = match random.below(5) {
            0 => format!("/v1/members/{member}"),
            1 => format!("/v1/members/{member}/entries"),
            2 => "/v1/program".to_owned(),
            3 => "/v1/audit".to_owned(),
            _ => format!("/v1/members/{member}/balance"),
        };
        let answer = self.insist(caller, Method::GET, &path, None, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        if path == "/v1/audit" {
            assert_eq!(answer.json["ok"], true, "{}", answer.text);
        }
    }
}

/// Eight clients at a shop whose stores fail, until there were enough faults. Nothing fails any more when it returns.
async fn fail_until_there_were_enough(seed: u64) -> Run {
    let shop = Shop::with_faults("fixed", faults(seed)).await;
    let document = commands::program(shop.get("/v1/program").await.expect(200)["document"].clone());
    shop.publish(&document).await.expect(200);
    let caller = shop.key(&["admin"], None).await.secret;
    let mut shared = Shared::default();
    for number in 0..6 {
        let member = shop.enrol(&format!("+7 901 000-00-0{number}")).await;
        member.is_given("300").await;
        shared.books.insert(member.id.clone(), Points { own: 30_000, held: 0 });
        shared.known.members.push(member.id.clone());
    }
    let run = Arc::new(Run { shop, document, caller, shared: Mutex::new(shared) });
    run.shop.faults().switch(true);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let run = run.clone();
        clients.spawn(async move { run.client(seed, number).await });
    }
    clients.join_all().await;
    run.shop.faults().switch(false);
    Arc::into_inner(run).expect("all clients have gone")
}

/// Every success is there once, and nothing else is.
async fn check(run: Run, commands_before: i64) {
    let Run { shop, shared, .. } = run;
    let Shared { mut books, answered, .. } = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    shop.audit_is_clean().await;
    let succeeded: Vec<_> = answered.iter().filter(|answered| answered.answer.status.is_success()).collect();
    let count = |kinds: &[&str]| succeeded.iter().filter(|answered| kinds.contains(&answered.command.kind())).count();

    let done = succeeded.iter().map(|answered| (&answered.command, &answered.answer.json));
    let merged = commands::merged(done);
    let captured = succeeded.iter().filter_map(|answered| answered.command.captures()).collect();
    succeeded.iter().for_each(|answered| answered.command.post(&answered.answer.json, &captured, &mut books));
    commands::fold(&mut books, &merged);

    let counts = shop.counts().await;
    assert_eq!(crate::privacy::rows_of(&shop, "command") - commands_before, succeeded.len() as i64, "a command each");
    assert_eq!(counts["accounts"], books.len());
    assert_eq!(counts["orders"], count(&["order", "paid order", "receipt"]));
    assert_eq!(counts["redemptions"], count(&["hold"]));
    assert_eq!(counts["program_version"], 2 + count(&["publish"]));
    assert_eq!(crate::privacy::rows_of(&shop, "api_key"), 1 + count(&["make key", "rotate key"]) as i64);
    for kind in ["event", "voucher"] {
        let made = if kind == "event" { count(&["event"]) } else { count(&["make voucher"]) };
        assert_eq!(crate::privacy::rows_of(&shop, kind), made as i64, "{kind}");
    }
    for (member, points) in books.iter().filter(|(member, _)| !merged.contains_key(*member)) {
        let balance = shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
        let amount = |field: &str| hundredths(&balance[field]);
        let own = amount("available") + amount("pending") - amount("deficit");
        assert_eq!(Points { own, held: amount("held") }, *points, "{member}: {balance}");
    }
    for Answered { command, idempotency_key, caller, answer } in &succeeded {
        let (method, path, body) = command.request();
        let again = shop.send_with(Some(caller), method, &path, body, Some(idempotency_key)).await;
        assert_eq!((again.status, again.replayed, &again.text), (answer.status, true, &answer.text), "{command:?}");
    }
    assert_eq!(shop.counts().await, counts, "repeats have no effect");
    shop.audit_is_clean().await;

    shop.minutes_pass(61).await;
    while shop.run_job("sweep").await["remaining"] != 0 {}
    let persons = books.len() + count(&["change of a person"]);
    assert_eq!(crate::privacy::people(&shop), persons as i64, "no person without a command");
    for member in books.keys() {
        let shown = shop.get(&format!("/v1/members/{member}")).await.expect(200);
        assert!(shown["phone"].is_string(), "no member without a person: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_every_success_is_there_once_and_every_other_answer_is_final_or_worth_repeating() {
    let (first, seeds) = (number("KOPILKA_FAULT_FIRST_SEED", 1), number("KOPILKA_FAULT_SEEDS", SEEDS));
    for seed in first..first + seeds {
        let started = Instant::now();
        let run = fail_until_there_were_enough(seed).await;
        let counts = run.shop.faults().counts();
        let (mut kinds, mut found_again): (BTreeMap<&str, u64>, u64) = Default::default();
        let (commands, repeated) = {
            let shared = run.shared();
            for Answered { command, answer, .. } in &shared.answered {
                *kinds.entry(command.kind()).or_default() += u64::from(answer.status.is_success());
                found_again += u64::from(answer.replayed);
            }
            (shared.answered.len(), shared.repeated.clone())
        };
        assert!(found_again > 0, "no answer was lost: {counts:?}");
        check(run, COMMANDS_BEFORE).await;
        let time = started.elapsed().as_secs_f64();
        println!(
            "seed {seed}: nothing lost, nothing doubled; {counts:?}; {commands} commands, successes {kinds:?}, asked again \
             {repeated:?}, lost and found again {found_again}; {time:.1} s"
        );
    }
}

/// An answer of the books is lost, the statement's repeat is told that it comes too late, and then the store is gone: the
/// person must stay, because the member may be there.
#[tokio::test]
async fn no_member_is_without_a_person_when_answers_are_lost_and_the_store_goes_away_after() {
    let faults = Faults { seed: 1, lost_answers: 300, errors: 200, ..Faults::default() };
    let shop = Shop::with_faults("fixed", faults).await;
    shop.faults().switch(true);
    let enrolment = |number: u32| {
        let body = serde_json::json!({"phone": format!("+7902{:07}", number), "channel": "site"});
        (body.to_string(), format!("enrolment-{number}"))
    };
    let enrolments: Vec<(String, String)> = (0..400).map(enrolment).collect();
    let mut unanswered = 0;
    for (body, key) in &enrolments {
        let answer = shop.send(Method::POST, "/v1/members", Some(body.clone()), Some(key)).await;
        unanswered += u32::from(!answer.status.is_success());
    }
    shop.faults().switch(false);
    assert!(unanswered > 0, "the store never went away");
    for (body, key) in &enrolments {
        shop.send(Method::POST, "/v1/members", Some(body.clone()), Some(key)).await.expect(201);
    }
}
