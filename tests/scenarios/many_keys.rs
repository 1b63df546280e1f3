//! The same requests from many clients at once, in any sequence: one effect a key, one answer a key.
//!
//! `KOPILKA_KEYS=10000 cargo test --test scenarios -- many_keys:: --nocapture` sends 10 000 keys and says how long it took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::Method;
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

/// A command under its own key, and what it does: to members' points, by their places (what is theirs, what is set aside), and
/// how many entries it posts.
struct Request {
    method: Method,
    path: String,
    body: Value,
    effects: Vec<(usize, i64, i64)>,
    entries: i64,
}

impl Request {
    fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), body, effects: Vec::new(), entries: 0 }
    }

    /// It posts an entry, which does this to a member's points.
    fn moving(mut self, member: usize, own: i64, held: i64) -> Self {
        self.effects.push((member, own, held));
        self.entries += 1;
        self
    }

    fn put(path: String, body: Value) -> Self {
        Self { method: Method::PUT, ..Self::post(path, body) }
    }
}

/// Always 3 %, with something to say to events and vouchers, and a code above 100 points.
async fn shop() -> Shop {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["events"] = json!([{"id": "visit", "type": "visit", "points": "7"}]);
    document["discounts"] = json!([{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}}]);
    document["redemption"]["confirmation_above"] = "100".into();
    shop.publish(&document).await.expect(200);
    shop
}

/// Requests of several kinds, each of which succeeds whenever it comes: what it needs is there before all of them.
async fn requests(shop: &Shop, members: &[String], count: u64) -> Vec<Request> {
    let mut random = Random::new(1);
    let mut requests = Vec::new();
    for number in 0..count {
        let index = random.below(members.len() as u64) as usize;
        let member = &members[index];
        let points = 1 + random.below(99) as i64;
        let order = |id: String, lines: Value| {
            let mut order = cart(lines);
            order["id"] = id.into();
            order["occurred_at"] = shop.now().into();
            order
        };
        requests.push(match random.below(100) {
            0..4 => {
                let phone = format!("+7 902 {:03}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100);
                Request::post("/v1/members", json!({"phone": phone, "channel": "site"}))
            }
            4..30 => {
                let mut order = order(format!("order-{number}"), json!([line("1", &format!("{points}00.00"))]));
                order["member"] = json!({"id": member});
                // 3 %
                Request::post("/v1/orders", order).moving(index, points * 300, 0)
            }
            30..46 => {
                let order = cart(json!([line("1", "1000.00")]));
                let body = json!({"member": {"id": member}, "order": order, "points": points.to_string()});
                Request::post("/v1/redemptions", body).moving(index, -points * 100, points * 100)
            }
            46..54 => {
                let other = (index + 1 + random.below(members.len() as u64 - 1) as usize) % members.len();
                let body = json!({"to": members[other], "points": points.to_string(), "reason": "a trial"});
                let request = Request::post(format!("/v1/members/{member}/transfers"), body);
                request.moving(index, -points * 100, 0).moving(other, points * 100, 0)
            }
            54..56 => {
                let phone = format!("+7 903 {:03}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100);
                let duplicate = shop.enrol(&phone).await;
                duplicate.is_given(&points.to_string()).await;
                let request = Request::post(format!("/v1/members/{member}/merges"), json!({"from": duplicate.id}));
                // the first of its two entries is the duplicate's
                Request { entries: 2, ..request.moving(index, points * 100, 0) }
            }
            56..58 => {
                let receipt = format!("receipt-{number}");
                let anonymous = order(receipt.clone(), json!([line("1", &format!("{points}00.00"))]));
                shop.post("/v1/orders", &anonymous).await.expect(201);
                let body = json!({"order_id": receipt, "member": {"id": member}});
                Request::post("/v1/orders/claims", body).moving(index, points * 300, 0)
            }
            58..60 => {
                let order = cart(json!([line("1", "1000.00")]));
                let body = json!({"member": {"id": member}, "order": order, "points": "150"});
                let held = shop.post("/v1/redemptions", &body).await.expect(201);
                let id = held["id"].as_str().expect("an id");
                Request::post(format!("/v1/redemptions/{id}/confirmation"), json!({"code": shop.code_of(id)}))
            }
            60..64 => {
                let body = json!({
                    "id": format!("event-{number}"), "member": {"id": member}, "type": "visit", "occurred_at": shop.now(),
                    "data": {},
                });
                Request::post("/v1/events", body).moving(index, 700, 0)
            }
            64 => Request::post("/v1/vouchers", json!({"rule_id": "letter", "member": {"id": member}})),
            65 => Request::put(format!("/v1/members/{member}/segments"), json!({"segments": [format!("group-{number}")]})),
            66 => Request::put(format!("/v1/members/{member}/tier"), json!({"tier": null, "reason": "a trial"})),
            67 => {
                let body = json!({"attributes": {format!("told-{}", number % 50): number}});
                Request { method: Method::PATCH, ..Request::post(format!("/v1/members/{member}"), body) }
            }
            68 => {
                let body = json!({"channel": "sms", "granted": number % 2 == 0, "source": "a trial"});
                Request::post(format!("/v1/members/{member}/consents"), body)
            }
            69 => Request::post(format!("/v1/members/{member}/acceptances"), json!({"rules_version": number})),
            70 => Request::post(format!("/v1/members/{member}/tokens"), json!({"expires_in": 60})),
            part => {
                let points = if part < 80 { -points } else { points };
                let body = json!({"points": points.to_string(), "reason": "a trial"});
                Request::post(format!("/v1/members/{member}/adjustments"), body).moving(index, points * 100, 0)
            }
        });
    }
    requests
}

/// Sends all requests in a sequence of its own. All answers of a key must be the first one's.
async fn client(shop: &Shop, requests: &[Request], number: u64, answers: &Mutex<BTreeMap<usize, (u16, String)>>) -> u64 {
    let mut sequence: Vec<usize> = (0..requests.len()).collect();
    Random::new(100 + number).shuffle(&mut sequence);
    let mut new = 0;
    for index in sequence {
        let Request { method, path, body, .. } = &requests[index];
        let mut tries = 0;
        let answer = loop {
            let sent = Instant::now();
            let key = format!("request-{index}");
            let answer = shop.send(method.clone(), path, Some(body.to_string()), Some(&key)).await;
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
    let shop = Arc::new(shop().await);
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let member = shop.enrol(&format!("+7 901 000-00-{number:02}")).await;
        member.is_given(&(AT_FIRST / 100).to_string()).await;
        members.push(member.id);
    }
    let count = number("KOPILKA_KEYS", KEYS);
    let requests: Arc<Vec<Request>> = Arc::new(requests(&shop, &members, count).await);
    let commands = crate::privacy::rows_of(&shop, "command");
    let (before, people_before) = (shop.counts().await, crate::privacy::people(&shop));
    let mut points_before = Vec::new();
    for member in &members {
        points_before.push(points_of(&shop, member).await);
    }

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
    assert_eq!(grown("accounts"), of("/v1/members"));
    let changes = requests.iter().filter(|request| request.method == Method::PATCH).count() as i64;
    assert_eq!(crate::privacy::people(&shop) - people_before, of("/v1/members") + changes);
    assert_eq!((grown("orders"), grown("redemptions")), (of("/v1/orders"), of("/v1/redemptions")));
    assert_eq!(grown("entries"), requests.iter().map(|request| request.entries).sum::<i64>(), "each entry once");
    for ((index, member), before) in members.iter().enumerate().zip(points_before) {
        let effects = requests.iter().flat_map(|request| &request.effects).filter(|(member, ..)| *member == index);
        let expected = effects.fold(before, |(own, held), effect| (own + effect.1, held + effect.2));
        assert_eq!(points_of(&shop, member).await, expected, "{member}");
    }
    shop.audit_is_clean().await;
}

/// What is a member's, and what of it is set aside.
async fn points_of(shop: &Shop, member: &str) -> (i64, i64) {
    let balance = shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
    (hundredths(&balance["available"]), hundredths(&balance["held"]))
}

/// Changes that need one before them with an answer of its own, or that are drawn by `faults` and `kills` alone.
const NOT_DRAWN: [(&str, &str); 18] = [
    ("POST", "/v1/orders/{id}/returns"),
    ("POST", "/v1/orders/{id}/cancellation"),
    ("POST", "/v1/redemptions/{id}/capture"),
    ("POST", "/v1/redemptions/{id}/release"),
    ("PUT", "/v1/program"),
    ("POST", "/v1/keys"),
    ("POST", "/v1/keys/{id}/rotation"),
    ("DELETE", "/v1/keys/{id}"),
    ("POST", "/v1/jobs/{name}/runs"),
    // codes are for programs that ask for them, and nothing can be asked of a member who was erased
    ("POST", "/v1/members/{id}/codes"),
    ("POST", "/v1/members/{id}/confirmation"),
    ("DELETE", "/v1/members/{id}"),
    // endpoints of the shop's systems, and what they get: the scenarios of `webhooks`
    ("POST", "/v1/webhooks"),
    ("DELETE", "/v1/webhooks/{id}"),
    ("POST", "/v1/webhooks/{id}/rotations"),
    ("POST", "/v1/messages/{id}/deliveries"),
    ("POST", "/v1/messages/{id}/receipts"),
    // has Telegram's secret instead of a key: the scenarios of `telegram`
    ("POST", "/v1/telegram/updates"),
];

#[tokio::test]
async fn every_change_that_can_come_in_any_sequence_is_drawn() {
    let shop = shop().await;
    let mut members = Vec::new();
    for number in 0..3 {
        let member = shop.enrol(&format!("+7 901 000-00-{number:02}")).await;
        member.is_given(&(AT_FIRST / 100).to_string()).await;
        members.push(member.id);
    }
    let requests = requests(&shop, &members, KEYS).await;
    let drawn = requests.into_iter().map(|request| (request.method.to_string(), request.path)).collect();
    assert_eq!(tests::routes::undrawn(&drawn, &NOT_DRAWN), [""; 0]);
}
