//! Limits of a rule: for a member, a day, all members together; by what the rule gave before, however many ask at once.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Shop, hundredths, line, pieces};

use crate::concurrency::at_once;

/// 10 % of every purchase, within these limits.
pub fn program(limits: &Value) -> Value {
    json!({
        "name": "limits", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "earning": [{"id": "purchase", "type": "percent", "rate": "10", "limits": limits}],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
    })
}

fn goods(price: &str) -> Value {
    json!([line("1", price)])
}

#[tokio::test]
async fn a_rule_gives_so_much_a_day_and_the_next_day_again() {
    let shop = Shop::with_program(&program(&json!({"per_day": "150"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for earned in ["100.00", "50.00", "0.00"] {
        assert_eq!(anna.quote(goods("1000.00")).await["earn"]["points"], earned);
        assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], earned);
    }
    shop.days_pass(1).await;
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "100.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_a_return_takes_back_may_be_earned_again() {
    let shop = Shop::with_program(&program(&json!({"per_member": "100"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let first = anna.buys(json!([pieces("1", "250.00", 4)])).await;
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "0.00");
    // the points are spent: what is taken back becomes a deficit, and counts all the same
    anna.buys_with("100", goods("1000.00")).await;
    let order = first["order_id"].as_str().unwrap();
    shop.takes_back(order, "r-1", Some(json!([{"id": "1", "quantity": 3}]))).await.expect(201);
    assert_eq!(anna.quote(goods("1000.00")).await["earn"]["points"], "75.00");
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "75.00");
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "0.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_given_away_were_earned_all_the_same() {
    let shop = Shop::with_program(&program(&json!({"per_member": "100"}))).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.buys(goods("1000.00")).await;
    let gift = json!({"to": boris.id, "points": "100"});
    shop.post(&format!("/v1/members/{}/transfers", anna.id), &gift).await.expect(201);
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "0.00");
}

#[tokio::test]
async fn a_rule_fires_so_often_and_rests_between() {
    let shop = Shop::with_program(&program(&json!({"times_per_member": 2, "cooldown_days": 3}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let buys = async || anna.buys(goods("1000.00")).await;
    assert_eq!(buys().await["earned"]["points"], "100.00");
    let tired = buys().await;
    assert_eq!((&tired["earned"]["points"], &tired["explanation"][0]["code"]), (&json!("0.00"), &json!("cooldown")));
    shop.days_pass(3).await;
    let second = buys().await;
    assert_eq!(second["earned"]["points"], "100.00");
    shop.days_pass(3).await;
    assert_eq!(buys().await["earned"]["points"], "0.00");
    // what is cancelled never happened
    shop.cancels(second["order_id"].as_str().unwrap()).await.expect(201);
    assert_eq!(buys().await["earned"]["points"], "100.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_that_came_back_as_a_whole_frees_the_rule() {
    let shop = Shop::with_program(&program(&json!({"times_per_member": 1, "cooldown_days": 30}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00"), line("2", "500.00")])).await;
    let id = order["order_id"].as_str().unwrap();
    shop.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!(anna.quote(goods("1000.00")).await["earn"]["points"], "0.00", "line 2 is kept");
    shop.takes_back(id, "r-2", None).await.expect(201);
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "100.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn members_who_become_one_share_their_limit() {
    let shop = Shop::with_program(&program(&json!({"per_member": "150"}))).await;
    let (anna, double) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.buys(goods("1000.00")).await;
    double.buys(goods("200.00")).await;
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id})).await.expect(201);
    assert_eq!(anna.buys(goods("1000.00")).await["earned"]["points"], "30.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_for_a_new_category_are_for_those_who_never_bought_there() {
    let mut document = program(&json!({"per_order": "10000"}));
    document["earning"][0] = json!({
        "id": "discovery", "type": "fixed", "points": "50", "when": {"new_category": true},
    });
    let shop = Shop::with_program(&document).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let of = |category: &str| {
        let mut line = line("1", "1000.00");
        line["category"] = category.into();
        json!([line])
    };
    let shoes = anna.buys(of("shoes")).await;
    assert_eq!(shoes["earned"]["points"], "50.00");
    assert_eq!(anna.buys(of("shoes")).await["earned"]["points"], "0.00");
    assert_eq!(anna.quote(of("hats")).await["earn"]["points"], "50.00");
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_of_a_day_stands_however_many_tills_press_at_once() {
    let shop = Arc::new(Shop::with_program(&program(&json!({"per_day": "250"}))).await);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let orders = (0..12).map(|_| ("/v1/orders".to_owned(), anna.order(goods("1000.00"))));
    let answers = at_once(&shop, orders.collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let earned: i64 = answers.iter().map(|answer| hundredths(&answer.json["earned"]["points"])).sum();
    assert_eq!(earned, 25_000);
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_never_exceeded_and_a_return_gives_it_back() {
    let shop = Arc::new(Shop::with_program(&program(&json!({"budget": "550"}))).await);
    let mut orders = Vec::new();
    for number in 0..10 {
        let member = shop.enrol(&format!("+7 900 000-00-{number:02}")).await;
        orders.push(("/v1/orders".to_owned(), member.order(goods("1000.00"))));
    }
    let answers = at_once(&shop, orders).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let mut earned: Vec<i64> = answers.iter().map(|answer| hundredths(&answer.json["earned"]["points"])).collect();
    earned.sort_unstable();
    assert_eq!(earned, [0, 0, 0, 0, 5_000, 10_000, 10_000, 10_000, 10_000, 10_000]);
    let full = answers.iter().find(|answer| answer.json["earned"]["points"] == "100.00").unwrap();
    shop.takes_back(full.json["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
    let late = shop.enrol("+7 900 000-01-00").await;
    assert_eq!(late.buys(goods("3000.00")).await["earned"]["points"], "100.00");
    assert_eq!(late.buys(goods("3000.00")).await["earned"]["points"], "0.00");
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    shop.audit_is_clean().await;
}
