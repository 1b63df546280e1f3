//! gw-tools: 500 welcome points that expire after 30 days; 5 % of every purchase, for three months; up to 20 % of an order
//! payable with points.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn welcome_points_are_there_to_the_end_of_day_30_and_gone_on_day_31() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.has(json!({"available": "500.00", "pending": "0.00"})).await;
    shop.days_pass(30).await;
    anna.has(json!({"available": "500.00", "lifetime_expired": "0.00"})).await;
    shop.days_pass(1).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "500.00"})).await;
    let entries = anna.entries().await;
    assert_eq!(entries[0]["kind"], "expire");
    assert_eq!(entries[0]["points"], "-500.00");
    assert_eq!(entries[0]["balance_after"], "0.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_purchase_of_10_000_earns_500_and_at_most_2_000_of_it_can_be_paid_with_points() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let quote = anna.quote(json!([line("1", "10000.00")])).await;
    assert_eq!(quote["earn"]["points"], "500.00");
    assert_eq!(quote["redemption"]["max_points"], "500.00", "she has no more than her welcome points");
    anna.is_given("5000").await;
    let quote = anna.quote(json!([line("1", "10000.00")])).await;
    assert_eq!(quote["redemption"]["max_points"], "2000.00");
    let order = anna.buys(json!([line("1", "10000.00")])).await;
    assert_eq!(order["earned"]["points"], "500.00");
    anna.redeems("2000.01", json!([line("1", "10000.00")])).await.refused(422, "redemption_limit_exceeded");
    anna.redeems("2000", json!([line("1", "10000.00")])).await.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn purchase_points_are_gone_after_three_months() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "10000.00")])).await;
    shop.at("2026-04-15T20:59:59Z").await;
    anna.has(json!({"available": "500.00"})).await;
    shop.at("2026-04-15T21:00:00Z").await;
    anna.has(json!({"available": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_welcome_is_explained() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let entries = anna.entries().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["kind"], "earn");
    assert_eq!(entries[0]["lots"][0]["expires_at"], "2026-02-14T21:00:00Z", "the start of day 31 in Moscow");
    let reason = &entries[0]["explanation"][0];
    assert_eq!((&reason["rule_id"], &reason["fired"], &reason["points"]), (&json!("welcome"), &json!(true), &json!("500.00")));
    assert_eq!(reason["reason"], "500.00 points for joining");
}

#[tokio::test]
async fn welcome_points_pay_up_to_20_percent_too() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let limit = anna.redeems("500", json!([line("1", "1000.00")])).await.refused(422, "redemption_limit_exceeded");
    assert_eq!((&limit["max_points"], &limit["max_money"]), (&json!("200.00"), &json!("200.00")));
    let held = anna.redeems("max", json!([line("1", "1000.00")])).await.expect(201);
    assert_eq!((&held["points"], &held["payable"]), (&json!("200.00"), &json!("800.00")));
}

#[tokio::test]
async fn what_points_paid_earns_nothing() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys_with("500", json!([line("1", "10000.00")])).await;
    assert_eq!((&order["redeemed"], &order["payable"]), (&json!("500.00"), &json!("9500.00")));
    assert_eq!(order["earned"]["points"], "475.00", "5 % of 9 500.00");
    anna.has(json!({"available": "475.00", "held": "0.00", "lifetime_redeemed": "500.00", "lifetime_earned": "975.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn delivery_earns_nothing_and_points_do_not_pay_it() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("5000").await;
    let mut order = anna.order(json!([line("1", "10000.00")]));
    order["delivery"] = json!({"cost": "500.00"});
    let quote = shop.post("/v1/quotes", &json!({"order": order, "points": "max"})).await.expect(200);
    assert_eq!(quote["redemption"]["points"], "2000.00");
    assert_eq!(quote["payable"], "8500.00");
    assert_eq!(quote["earn"]["points"], "400.00");
    let order = anna.orders(&order).await.expect(201);
    assert_eq!((&order["earned"]["points"], &order["payable"]), (&json!("500.00"), &json!("10500.00")));
}
