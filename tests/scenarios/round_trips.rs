//! What a call costs: statements sent to the stores, which are network round trips where the stores are hosted.

use std::future::Future;

use http::Method;
use serde_json::{Value, json};
use tests::{Member, Shop, cart, line};

/// A call makes so many round trips once its component runs with an open connection and the program parsed. Instances
/// that were idle are thrown away, so a busy machine may need another try. The answer tells the same count.
async fn check<F: Future<Output = ()>>(shop: &Shop, call: &str, expected: u64, mut once: impl FnMut() -> F) {
    let mut seen = Vec::new();
    for _ in 0..6 {
        let before = (shop.host.statements(), shop.told_round_trips());
        once().await;
        let made = shop.host.statements() - before.0;
        assert_eq!(shop.told_round_trips() - before.1, made, "{call} tells what it cost");
        seen.push(made);
        if seen.len() > 1 && seen.ends_with(&[expected]) {
            return;
        }
    }
    panic!("{call} makes {expected} round trips, not {seen:?}");
}

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// So many holds of a member who has enough for them.
async fn holds(anna: &Member<'_>, count: usize) -> std::vec::IntoIter<String> {
    let mut holds = Vec::new();
    for _ in 0..count {
        holds.push(anna.holds("1", goods()).await);
    }
    holds.into_iter()
}

#[tokio::test]
async fn a_quote_makes_one_round_trip_and_a_mutation_two() {
    count_each_call(&Shop::open("fixed").await).await;
}

pub async fn count_each_call(shop: &Shop) {
    let anna = &shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let path = |what: &str| format!("/v1/members/{}/{what}", anna.id);

    check(shop, "a quote", 1, || async { drop(anna.quote(goods()).await) }).await;
    check(shop, "a quote for nobody", 1, || async { drop(shop.quote(&cart(goods())).await) }).await;
    check(shop, "an order", 2, || async { drop(anna.buys(goods()).await) }).await;
    check(shop, "a redemption", 2, || async { drop(anna.holds("1", goods()).await) }).await;
    check(shop, "an adjustment", 2, || async { drop(anna.is_given("1").await) }).await;
    check(shop, "a balance", 1, || async { drop(anna.balance().await) }).await;
    check(shop, "the entries", 2, || async { drop(shop.get(&path("entries")).await.expect(200)) }).await;

    let open = &std::cell::RefCell::new(holds(anna, 6).await);
    let end = |end: &'static str| async move {
        let hold = open.borrow_mut().next().expect("a hold is left");
        shop.post(&format!("/v1/redemptions/{hold}/{end}"), &json!({})).await.expect(200);
    };
    check(shop, "a capture", 2, || end("capture")).await;
    *open.borrow_mut() = holds(anna, 6).await;
    check(shop, "a release", 2, || end("release")).await;

    let order = &anna.buys(json!([tests::pieces("1", "100.00", 10)])).await["order_id"].as_str().unwrap().to_owned();
    let one = || Some(json!([{"id": "1", "quantity": 1}]));
    check(shop, "a return", 2, || async { drop(shop.takes_back(order, &shop.new_key(), one()).await.expect(201)) }).await;
}

#[tokio::test]
async fn an_order_that_is_there_already_makes_two_round_trips_too() {
    let shop = &Shop::open("fixed").await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let order = &anna.order(goods());
    anna.orders(order).await.expect(201);
    check(shop, "the same order under another key", 2, || async { assert!(anna.orders(order).await.replayed) }).await;
}

#[tokio::test]
async fn a_program_that_looks_back_costs_no_more() {
    let mut document = crate::limits::program(&json!({"per_day": "100000", "budget": "1000000"}));
    document["tiers"] = json!({
        "window": "rolling_12_months", "steps": [{"id": "base", "name": "Base", "threshold": "0"}],
    });
    document["events"] = json!([{"id": "visit", "type": "visit", "points": "1", "limits": {"per_day": "1000"}}]);
    let shop = &Shop::with_program(&document).await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    check(shop, "a quote", 1, || async { drop(anna.quote(goods()).await) }).await;
    check(shop, "an order", 2, || async { drop(anna.buys(goods()).await) }).await;
    check(shop, "a balance", 1, || async { drop(anna.balance().await) }).await;
    check(shop, "an event", 2, || async {
        let id = format!("event-{}", shop.number());
        let event = json!({"id": id, "member": {"id": anna.id}, "type": "visit", "occurred_at": shop.now()});
        shop.post("/v1/events", &event).await.expect(201);
    })
    .await;
    let order = &anna.buys(json!([tests::pieces("1", "100.00", 10)])).await["order_id"].as_str().unwrap().to_owned();
    let one = || Some(json!([{"id": "1", "quantity": 1}]));
    check(shop, "a return", 2, || async { drop(shop.takes_back(order, &shop.new_key(), one()).await.expect(201)) }).await;
}

#[tokio::test]
async fn another_program_is_seen_at_once_by_every_instance() {
    let shop = &Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(goods()).await;
    // what the instances know asks for nothing; the new program looks back
    shop.publish(&crate::limits::program(&json!({"per_member": "150"}))).await.expect(200);
    // 30 points are the rule's of before
    for earned in ["100.00", "20.00", "0.00"] {
        assert_eq!(anna.buys(goods()).await["earned"]["points"], earned);
    }
}

#[tokio::test]
async fn an_order_paid_with_points_makes_two_round_trips_and_its_cancellation_too() {
    let shop = &Shop::open("fixed").await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let open = &std::cell::RefCell::new(holds(anna, 6).await);
    let paid = &std::cell::RefCell::new(Vec::new());
    check(shop, "an order paid with points", 2, || async {
        let mut order = anna.order(goods());
        order["redemption_id"] = open.borrow_mut().next().expect("a hold is left").into();
        anna.orders(&order).await.expect(201);
        paid.borrow_mut().push(order["id"].as_str().unwrap().to_owned());
    })
    .await;
    while paid.borrow().len() < 6 {
        let order = anna.buys(goods()).await["order_id"].as_str().unwrap().to_owned();
        paid.borrow_mut().push(order);
    }
    check(shop, "a cancellation", 2, || async {
        let order = paid.borrow_mut().pop().expect("an order is left");
        shop.cancels(&order).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn an_enrolment_makes_three_round_trips_one_of_them_to_the_persons() {
    count_an_enrolment(&Shop::open("gw-tools").await).await;
}

pub async fn count_an_enrolment(shop: &Shop) {
    let enrol = || async { drop(shop.enrol(&format!("+7 900 000-{:04}", shop.number())).await) };
    check(shop, "an enrolment", 3, enrol).await;
    let before = shop.host.statements_of("people");
    enrol().await;
    assert_eq!(shop.host.statements_of("people") - before, 1);
}

#[tokio::test]
async fn an_answered_key_costs_one_round_trip() {
    let shop = &Shop::open("fixed").await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let order = &anna.order(goods());
    let hold = &json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "1"});
    let answered = |path: &'static str, body: &'static str| async move {
        let answer = shop.send(Method::POST, path, Some(body.to_owned()), Some(path)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    };
    let leak = |body: &Value| -> &'static str { Box::leak(body.to_string().into_boxed_str()) };
    let (order, hold) = (leak(order), leak(hold));
    check(shop, "the same order again", 1, || answered("/v1/orders", order)).await;
    check(shop, "the same redemption again", 1, || answered("/v1/redemptions", hold)).await;
    let keys = leak(&json!({"scopes": ["staff"]}));
    check(shop, "the same key again", 1, || answered("/v1/keys", keys)).await;
    // the answer to an enrolment holds personal data: it is kept with the person
    let enrolment = leak(&json!({"phone": "+7 900 000-00-02", "channel": "site"}));
    check(shop, "the same enrolment again", 2, || answered("/v1/members", enrolment)).await;
}

#[tokio::test]
async fn the_check_of_a_caller_s_key_costs_no_round_trip_of_its_own() {
    let shop = &Shop::open("fixed").await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let key = &shop.key(&["storefront"], None).await.secret;
    let quote = &json!({"member": {"id": anna.id}, "order": cart(goods())});
    check(shop, "a quote", 1, || async { drop(shop.post_with(key, "/v1/quotes", quote).await.expect(200)) }).await;
    check(shop, "an order", 2, || async { drop(shop.post_with(key, "/v1/orders", &anna.order(goods())).await.expect(201)) })
        .await;
}
