//! Sela: 5 % of every purchase, for a year; 500 points for a birthday, for 37 days; up to 30 % of an order payable with points.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn a_purchase_of_1_000_earns_50_and_at_most_300_of_it_can_be_paid_with_points() {
    let shop = Shop::open("sela").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.has(json!({"available": "0.00"})).await;
    anna.is_given("1000").await;
    let quote = anna.quote(json!([line("1", "1000.00")])).await;
    assert_eq!((&quote["earn"]["points"], &quote["redemption"]["max_points"]), (&json!("50.00"), &json!("300.00")));
    anna.redeems("300.01", json!([line("1", "1000.00")])).await.refused(422, "redemption_limit_exceeded");
    let order = anna.buys_with("300", json!([line("1", "1000.00")])).await;
    assert_eq!((&order["payable"], &order["earned"]["points"]), (&json!("700.00"), &json!("35.00")));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn purchase_points_are_gone_after_a_year() {
    let shop = Shop::open("sela").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(order["earned"]["lots"][0]["expires_at"], "2027-01-15T21:00:00Z", "the end of 15 January 2027 in Moscow");
    shop.at("2027-01-15T20:59:59Z").await;
    anna.has(json!({"available": "50.00"})).await;
    shop.at("2027-01-15T21:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "50.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_birthday_gives_500_points_for_37_days_once_a_year() {
    let shop = Shop::open("sela").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let birthday = async || {
        let id = format!("birthday-{}", shop.number());
        let event = json!({"id": id, "member": {"id": anna.id}, "type": "birthday", "occurred_at": shop.now()});
        shop.post("/v1/events", &event).await.expect(201)["earned"]["points"].clone()
    };
    assert_eq!(birthday().await, "500.00");
    assert_eq!(birthday().await, "0.00", "not twice");
    shop.at("2026-02-21T20:59:59Z").await;
    anna.has(json!({"available": "500.00"})).await; // to the end of 21 February in Moscow, 37 days after 15 January
    shop.at("2026-02-21T21:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "500.00"})).await;
    assert_eq!(birthday().await, "0.00", "nor when they are gone");
    shop.at("2027-01-15T09:00:00Z").await;
    assert_eq!(birthday().await, "500.00", "a year later");
    shop.audit_is_clean().await;
}
