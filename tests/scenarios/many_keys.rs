//! The same requests from many clients at once, in any sequence: one effect a key, one answer a key.
//!
//! `KOPILKA_KEYS=10000 cargo test --test scenarios -- many_keys:: --nocapture` sends 10 000 keys and says how long it took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tests::{Random, Shop, cart, hundredths, line};
use tokio::task::JoinSet;

use crate::faults::number;

/// Keys of `cargo test`.
const KEYS: u64 = 500;
const CLIENTS: u64 = 8;
const MEMBERS: u64 = 36;
/// What every member has at the beginning, so that no request depends on another.
const AT_FIRST: i64 = 10_000_000;
/// A client that asks so often for one thing gives up.
const PATIENCE: usize = 200;

/// A command under its own key, and what it does to a member's points: what is theirs, and what is set aside.
struct Request {
    path: String,
    body: Value,
    effect: Option<(usize, i64, i64)>,
}

/// Requests of several kinds, each of which succeeds whenever it comes.
fn requests(shop: &Shop, members: &[String], count: u64) -> Vec<Request> {
    let mut random = Random::new(1);
    let mut choose = |number| {
        let index = random.below(members.len() as u64) as usize;
        let member = &members[index];
        let points = 1 + random.below(99) as i64;
        match random.below(100) {
            0..4 => {
                let body = json!({"phone": format!("+7 902 {:03}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100), "channel": "site"});
                Request { path: "/v1/members".to_owned(), body, effect: None }
            }
            4..34 => {
                let mut order = cart(json!([line("1", &format!("{points}00.00"))]));
                order["id"] = format!("order-{number}").into();
                order["occurred_at"] = shop.now().into();
                order["member"] = json!({"id": member});
                // 3 %
                Request { path: "/v1/orders".to_owned(), body: order, effect: Some((index, points * 300, 0)) }
            }
            34..54 => {
                let order = cart(json!([line("1", "1000.00")]));
                let body = json!({"member": {"id": member}, "order": order, "points": points.to_string()});
                Request { path: "/v1/redemptions".to_owned(), body, effect: Some((index, -points * 100, points * 100)) }
            }
            part => {
                let points = if part < 70 { -points } else { points };
                let body = json!({"points": points.to_string(), "reason": "a trial"});
                Request { path: format!("/v1/members/{member}/adjustments"), body, effect: Some((index, points * 100, 0)) }
            }
        }
    };
    (0..count).map(&mut choose).collect()
}

/// Sends all requests in a sequence of its own. All answers of a key must be the first one's.
async fn client(shop: &Shop, requests: &[Request], number: u64, answers: &Mutex<BTreeMap<usize, (u16, String)>>) -> u64 {
    let mut sequence: Vec<usize> = (0..requests.len()).collect();
    Random::new(100 + number).shuffle(&mut sequence);
    let mut new = 0;
    for index in sequence {
        let Request { path, body, .. } = &requests[index];
        let mut tries = 0;
        let answer = loop {
            let sent = Instant::now();
            let answer = shop.post_as(&format!("request-{index}"), path, body).await;
            tries += 1;
            if answer.status == 504 {
                shop.wake_servers(sent);
            }
            if !answer.is_worth_repeating() {
                break answer;
            }
            assert!(tries < PATIENCE, "{path} was answered {PATIENCE} times that it is worth repeating");
        };
        assert!(answer.status.is_success(), "{path} {body}: {}", answer.text);
        new += u64::from(!answer.replayed);
        let answer = (answer.status.as_u16(), answer.text);
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        let first = answers.entry(index).or_insert_with(|| answer.clone());
        assert_eq!(*first, answer, "{path} {body}");
    }
    new
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_key_has_one_effect_and_one_answer_whoever_sends_it_when() {
    let shop = Arc::new(Shop::open("fixed").await);
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let member = shop.enrol(&format!("+7 901 000-00-{number:02}")).await;
        member.is_given(&(AT_FIRST / 100).to_string()).await;
        members.push(member.id);
    }
    let count = number("KOPILKA_KEYS", KEYS);
    let requests: Arc<Vec<Request>> = Arc::new(requests(&shop, &members, count));
    let commands = crate::privacy::rows_of(&shop, "command");
    let before = shop.counts().await;

    let started = Instant::now();
    let answers: Arc<Mutex<BTreeMap<usize, (u16, String)>>> = Arc::default();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (shop, requests, answers) = (shop.clone(), requests.clone(), answers.clone());
        clients.spawn(async move { client(&shop, &requests, number, &answers).await });
    }
    let new: u64 = clients.join_all().await.iter().sum();
    let time = started.elapsed().as_secs_f64();
    println!("{CLIENTS} clients, {count} keys: {new} new answers of {}, {time:.1} s", CLIENTS * count);

    assert_eq!(crate::privacy::rows_of(&shop, "command") - commands, count as i64, "one command a key");
    let counts = shop.counts().await;
    let of = |path: &str| requests.iter().filter(|request| request.path == path).count() as i64;
    let grown = |kind: &str| counts[kind].as_i64().unwrap() - before[kind].as_i64().unwrap();
    assert_eq!((grown("accounts"), crate::privacy::people(&shop)), (of("/v1/members"), MEMBERS as i64 + of("/v1/members")));
    assert_eq!((grown("orders"), grown("redemptions")), (of("/v1/orders"), of("/v1/redemptions")));
    assert_eq!(grown("entries"), count as i64 - of("/v1/members"), "an entry each, but for enrolments without welcome points");
    for (index, member) in members.iter().enumerate() {
        let effects = requests.iter().filter_map(|request| request.effect).filter(|(member, ..)| *member == index);
        let (own, held) = effects.fold((AT_FIRST, 0), |(own, held), effect| (own + effect.1, held + effect.2));
        let balance = shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
        assert_eq!((hundredths(&balance["available"]), hundredths(&balance["held"])), (own, held), "{member}: {balance}");
    }
    shop.audit_is_clean().await;
}
