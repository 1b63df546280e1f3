//! Every mutation is safe to repeat: the same request gets the byte-identical answer and has no second effect; another
//! request under the same key is refused.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tests::{Answer, Shop, cart, line};
use tokio::task::JoinSet;

/// A request of the API that changes something, and another one that may not follow it under the same key.
#[derive(Clone, Debug)]
pub struct Mutation {
    method: Method,
    path: String,
    body: String,
    other_body: String,
}

impl Mutation {
    fn new(method: Method, path: impl Into<String>, body: &str, other_body: &str) -> Self {
        Self { method, path: path.into(), body: body.to_owned(), other_body: other_body.to_owned() }
    }

    fn post(path: impl Into<String>, body: &Value, change: (&str, Value)) -> Self {
        let mut other = body.clone();
        other[change.0] = change.1;
        Self::new(Method::POST, path, &body.to_string(), &other.to_string())
    }

    /// The key that this mutation is sent under.
    fn key(&self) -> String {
        format!("{}:{}", self.method, self.path)
    }

    pub async fn send(&self, shop: &Shop) -> Answer {
        shop.send(self.method.clone(), &self.path, Some(self.body.clone()), Some(&self.key())).await
    }

    async fn send_other(&self, shop: &Shop) -> Answer {
        shop.send(self.method.clone(), &self.path, Some(self.other_body.clone()), Some(&self.key())).await
    }
}

/// Every mutation of the API, each ready to be sent, and the members whose books they move.
pub async fn mutations(shop: &Shop) -> (Vec<Mutation>, Vec<String>) {
    // vouchers are for rules that ask for one
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["discounts"] = json!([{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}}]);
    shop.put("/v1/program", &document).await.expect(200);
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let goods = || json!([line("1", "1000.00"), line("2", "500.00")]);
    let order = |order: &Value| format!("/v1/orders/{}", order["order_id"].as_str().unwrap());
    let (returned, cancelled) = (order(&anna.buys(goods()).await), order(&anna.buys_with("50", goods()).await));
    let (captured, released) = (anna.holds("100", goods()).await, anna.holds("100", goods()).await);
    let (boris, double) = (shop.enrol("+7 900 000-00-04").await, shop.enrol("+7 900 000-00-05").await);
    let mut receipt = cart(goods());
    (receipt["id"], receipt["occurred_at"]) = ("receipt".into(), shop.now().into());
    shop.post("/v1/orders", &receipt).await.expect(201);
    let claim = json!({"order_id": "receipt", "member": {"id": anna.id}});
    let transfer = json!({"to": boris.id, "points": "10"});
    let (rotated, revoked) = (shop.key(&["staff"], None).await.id, shop.key(&["staff"], None).await.id);
    let mut other_document = document.clone();
    other_document["name"] = "another name".into();
    let member = json!({"id": anna.id});
    let enrolment = json!({"phone": "+7 900 000-00-02", "email": "b@example.com", "channel": "site"});
    let adjustment = json!({"points": "10", "reason": "a gift"});
    let return_body = json!({"return_id": "r-1", "lines": [{"id": "1", "quantity": 1}]});
    let redemption = json!({"member": member, "order": cart(goods()), "points": "100"});
    let event = json!({"id": "event-1", "member": member, "type": "review", "occurred_at": shop.now(), "data": {"stars": 5}});
    let voucher = json!({"rule_id": "letter", "member": member});
    let put = |what: &str, body: Value, other: Value| {
        Mutation::new(Method::PUT, format!("/v1/members/{}/{what}", anna.id), &body.to_string(), &other.to_string())
    };
    let mutations = vec![
        Mutation::post("/v1/members", &enrolment, ("phone", "+7 900 000-00-03".into())),
        Mutation::post(format!("/v1/members/{}/adjustments", anna.id), &adjustment, ("points", "11".into())),
        Mutation::post("/v1/orders", &anna.order(goods()), ("id", "another order".into())),
        Mutation::post(format!("{returned}/returns"), &return_body, ("return_id", "r-2".into())),
        Mutation::new(Method::POST, format!("{cancelled}/cancellation"), "{}", "{ }"),
        Mutation::post("/v1/redemptions", &redemption, ("points", "101".into())),
        Mutation::post(format!("/v1/redemptions/{captured}/capture"), &json!({"points": "60"}), ("points", "61".into())),
        Mutation::new(Method::POST, format!("/v1/redemptions/{released}/release"), "{}", ""),
        Mutation::post("/v1/orders/claims", &claim, ("order_id", "another receipt".into())),
        Mutation::post(format!("/v1/members/{}/transfers", anna.id), &transfer, ("points", "11".into())),
        Mutation::post(format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id}), ("from", boris.id.clone().into())),
        Mutation::post("/v1/events", &event, ("id", "event-2".into())),
        Mutation::post("/v1/vouchers", &voucher, ("rule_id", "another".into())),
        put("segments", json!({"segments": ["circle"]}), json!({"segments": []})),
        put("tier", json!({"tier": null, "reason": "as agreed"}), json!({"tier": null, "reason": "no more"})),
        Mutation::new(Method::PUT, "/v1/program", &document.to_string(), &other_document.to_string()),
        Mutation::post("/v1/keys", &json!({"scopes": ["staff"]}), ("scopes", json!(["jobs"]))),
        Mutation::new(Method::POST, format!("/v1/keys/{rotated}/rotation"), "{}", ""),
        Mutation::new(Method::DELETE, format!("/v1/keys/{revoked}"), "", "{}"),
    ];
    (mutations, vec![anna.id])
}

/// Everything that a write would change: counts of rows, balances, entries, keys and commands.
pub async fn state(shop: &Shop, members: &[String]) -> Vec<Value> {
    let mut state = vec![
        shop.counts().await,
        crate::privacy::rows_of(shop, "command").into(),
        crate::privacy::rows_of(shop, "api_key").into(),
    ];
    for member in members {
        let mut balance = shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
        balance["as_of"].take();
        state.push(balance);
        state.push(shop.get(&format!("/v1/members/{member}/entries?limit=200")).await.expect(200));
    }
    state
}

#[tokio::test]
async fn every_mutation_sent_twice_gives_the_same_answer_and_one_effect() {
    send_every_mutation_twice(&Shop::open("fixed").await).await;
}

pub async fn send_every_mutation_twice(shop: &Shop) {
    let (mutations, members) = mutations(shop).await;
    for mutation in &mutations {
        let before = state(shop, &members).await;
        let first = mutation.send(shop).await;
        assert!(first.status.is_success() && !first.replayed, "{mutation:?}: {}", first.text);
        let after = state(shop, &members).await;
        assert_ne!(before, after, "{mutation:?} has an effect");
        for _ in 0..2 {
            let again = mutation.send(shop).await;
            assert_eq!((again.status, again.replayed, &again.text), (first.status, true, &first.text), "{mutation:?}");
        }
        mutation.send_other(shop).await.refused(422, "idempotency_key_reused");
        assert_eq!(state(shop, &members).await, after, "{mutation:?} has no second effect");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_key_that_was_used_for_one_call_is_refused_for_every_other() {
    let shop = Shop::open("fixed").await;
    let (mutations, members) = mutations(&shop).await;
    shop.post_as("used", &format!("/v1/members/{}/adjustments", members[0]), &json!({"points": "1", "reason": "a gift"}))
        .await
        .expect(201);
    let before = state(&shop, &members).await;
    for mutation in &mutations {
        let answer = shop.send(mutation.method.clone(), &mutation.path, Some(mutation.body.clone()), Some("used")).await;
        answer.refused(422, "idempotency_key_reused");
    }
    assert_eq!(state(&shop, &members).await, before);
}

#[tokio::test]
async fn no_mutation_goes_without_a_key_of_visible_characters() {
    let shop = Shop::open("fixed").await;
    let (mutations, members) = mutations(&shop).await;
    let before = state(&shop, &members).await;
    let too_long = "k".repeat(129);
    for mutation in &mutations {
        for (key, code) in [
            (None, "idempotency_key_missing"),
            (Some(""), "idempotency_key_invalid"),
            (Some("two words"), "idempotency_key_invalid"),
            (Some("ключ"), "idempotency_key_invalid"),
            (Some(too_long.as_str()), "idempotency_key_invalid"),
        ] {
            shop.send(mutation.method.clone(), &mutation.path, Some(mutation.body.clone()), key).await.refused(400, code);
        }
    }
    assert_eq!(state(&shop, &members).await, before);
    let longest = "k".repeat(128);
    shop.post_as(&longest, "/v1/members", &json!({"phone": "+7 900 000-00-09", "channel": "site"})).await.expect(201);
}

#[tokio::test]
async fn quotes_reads_dry_runs_and_jobs_need_no_key() {
    let shop = Shop::open("fixed").await;
    let body = json!({"order": cart(json!([line("1", "1000.00")]))}).to_string();
    shop.send(Method::POST, "/v1/quotes", Some(body), None).await.expect(200);
    shop.send(Method::POST, "/v1/jobs/expire/runs", None, None).await.expect(200);
    let document = shop.get("/v1/program").await.expect(200)["document"].to_string();
    shop.send(Method::PUT, "/v1/program?dry_run=true", Some(document), None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_from_8_callers_at_once_has_one_effect_and_one_answer() {
    send_every_mutation_8_times_at_once(Shop::open("fixed").await).await;
}

pub async fn send_every_mutation_8_times_at_once(shop: Shop) {
    let shop = Arc::new(shop);
    let (mutations, _) = mutations(&shop).await;
    for mutation in mutations {
        let commands = crate::privacy::rows_of(&shop, "command");
        let mut sent = JoinSet::new();
        for _ in 0..8 {
            let (shop, mutation) = (shop.clone(), mutation.clone());
            sent.spawn(async move { mutation.send(&shop).await });
        }
        let answers = sent.join_all().await;
        for answer in &answers {
            assert!(answer.status.is_success(), "{mutation:?}: {}", answer.text);
            assert_eq!(answer.text, answers[0].text, "{mutation:?}");
        }
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1, "{mutation:?}");
        assert_eq!(crate::privacy::rows_of(&shop, "command"), commands + 1, "{mutation:?}");
    }
    assert_eq!(crate::privacy::people(&shop), 4, "each person once");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn answers_survive_a_restart() {
    let mut shop = Shop::open("fixed").await;
    let (mutations, members) = mutations(&shop).await;
    let mut answers = Vec::new();
    for mutation in &mutations {
        answers.push(mutation.send(&shop).await);
    }
    let before = state(&shop, &members).await;
    shop = shop.restart().await;
    for (mutation, first) in mutations.iter().zip(&answers) {
        let again = mutation.send(&shop).await;
        assert_eq!((again.status, again.replayed, &again.text), (first.status, true, &first.text), "{mutation:?}");
    }
    assert_eq!(state(&shop, &members).await, before);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_refused_request_may_be_tried_again_with_the_same_key() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let body = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "1000.00")])), "points": "100"});
    shop.post_as("the-same", "/v1/redemptions", &body).await.refused(409, "insufficient_points");
    anna.is_given("100").await;
    let held = shop.post_as("the-same", "/v1/redemptions", &body).await;
    assert!(!held.replayed);
    held.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_sent_again_under_another_key_is_still_one_order() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.order(json!([line("1", "1000.00")]));
    let first = anna.orders(&order).await;
    let again = anna.orders(&order).await;
    assert_eq!((again.status, again.replayed, &again.text), (first.status, true, &first.text));
    let mut other = order.clone();
    other["lines"][0]["price"] = "1000.01".into();
    anna.orders(&other).await.refused(409, "conflict");
    anna.has(json!({"available": "30.00"})).await;
    shop.audit_is_clean().await;
}
