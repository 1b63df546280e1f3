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
