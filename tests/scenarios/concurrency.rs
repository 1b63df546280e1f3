//! Many callers at once: nobody gets what is not there, and nothing that was answered is lost.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Answer, Shop, cart, hundredths, line, pieces};
use tokio::task::JoinSet;

/// Sends all of these at once, each under a key of its own: (path, body).
pub async fn at_once(shop: &Arc<Shop>, requests: impl IntoIterator<Item = (String, Value)>) -> Vec<Answer> {
    let mut sent = JoinSet::new();
    for (path, body) in requests {
        let shop = shop.clone();
        sent.spawn(async move { shop.post(&path, &body).await });
    }
    sent.join_all().await
}

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_redemptions_of_100_at_once_on_a_balance_of_1_000_exactly_10_succeed() {
    redeem_100_of_1_000_20_times_at_once(Shop::open("fixed").await).await;
}

pub async fn redeem_100_of_1_000_20_times_at_once(shop: Shop) {
    let shop = Arc::new(shop);
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let body = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "1000.00")])), "points": "100"});
    let answers = at_once(&shop, (0..20).map(|_| ("/v1/redemptions".to_owned(), body.clone()))).await;
    assert_eq!(with_status(&answers, 201), 10);
    for refused in answers.into_iter().filter(|answer| answer.status.as_u16() != 201) {
        refused.refused(409, "insufficient_points");
    }
    anna.has(json!({"available": "0.00", "held": "1000.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_of_one_member_at_20_tills_at_once_all_count() {
    let shop = Arc::new(Shop::open("estilo").await);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let orders = (0..20).map(|_| ("/v1/orders".to_owned(), anna.order(json!([line("1", "2000.00")]))));
    let answers = at_once(&shop, orders.collect::<Vec<_>>()).await;
    assert_eq!(with_status(&answers, 201), 20, "{answers:?}");
    // 3 % up to and with the order that reaches 30 000.00, then 5 %: some order of the 20 is the fifteenth
    let earned: i64 = answers.iter().map(|answer| hundredths(&answer.json["earned"]["points"])).sum();
    assert_eq!(earned, 15 * 6_000 + 5 * 10_000);
    let next = json!({"id": "gold", "name": "Gold", "threshold": "100000.00", "remaining": "60000.00"});
    anna.has(json!({"available": "1400.00", "tier": {"id": "silver", "name": "Silver"}, "next_tier": next})).await;
    assert_eq!(anna.entries().await.len(), 20);
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_returns_of_one_piece_of_10_at_once_exactly_10_succeed() {
    let shop = Arc::new(Shop::open("fixed").await);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([pieces("1", "33.33", 10)])).await;
    let path = format!("/v1/orders/{}/returns", order["order_id"].as_str().unwrap());
    let returns =
        (0..20).map(|number| (path.clone(), json!({"return_id": format!("r-{number}"), "lines": [{"id": "1", "quantity": 1}]})));
    let (given, refused): (Vec<_>, Vec<_>) =
        at_once(&shop, returns.collect::<Vec<_>>()).await.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((given.len(), refused.len()), (10, 10));
    refused.into_iter().for_each(|answer| drop(answer.refused(409, "already_returned")));
    assert_eq!(given.iter().map(|answer| hundredths(&answer.json["refund_money"])).sum::<i64>(), 33_330);
    anna.has(json!({"available": "0.00", "deficit": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_that_is_captured_and_released_at_once_ends_one_way() {
    let shop = Arc::new(Shop::open("fixed").await);
    let anna = shop.enrol("+7 900 000-00-01").await;
    for round in 0..5 {
        anna.is_given("100").await;
        let hold = anna.holds("100", json!([line("1", "100.00")])).await;
        let ends = ["capture", "release", "capture", "release"].map(|end| (format!("/v1/redemptions/{hold}/{end}"), json!({})));
        let answers = at_once(&shop, ends).await;
        assert_eq!(with_status(&answers, 200), 1, "round {round}: {answers:?}");
        assert_eq!(with_status(&answers, 409), 3, "round {round}");
        anna.has(json!({"held": "0.00"})).await;
    }
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_phone_enrols_once_however_many_ask() {
    let shop = Arc::new(Shop::open("gw-tools").await);
    let body = json!({"phone": "+7 900 000-00-01", "channel": "site"});
    let answers = at_once(&shop, (0..8).map(|_| ("/v1/members".to_owned(), body.clone()))).await;
    assert_eq!((with_status(&answers, 201), with_status(&answers, 409)), (1, 7), "{answers:?}");
    let enrolled = answers.iter().find(|answer| answer.status == 201).unwrap();
    for refused in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!((&refused.json["code"], &refused.json["member_id"]), (&json!("identity_taken"), &enrolled.json["id"]));
    }
    assert_eq!(shop.counts().await["accounts"], 1);
    assert_eq!(crate::privacy::people(&shop), 1, "nobody is left in the store of persons");
    shop.audit_is_clean().await;
}
