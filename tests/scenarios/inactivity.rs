//! Points that expire by inactivity: an order puts their end off.

use serde_json::{Value, json};
use tests::{Shop, line};

fn program() -> Value {
    json!({
        "name": "inactivity", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "earning": [
            {"id": "purchase", "type": "percent", "rate": "10", "expiry": {"type": "inactivity", "days": 30}},
        ],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
    })
}

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

#[tokio::test]
async fn an_order_puts_the_end_of_earlier_points_off() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(goods()).await;
    anna.has(json!({"expiring": [{"points": "100.00", "expires_at": "2026-02-14T21:00:00Z"}]})).await;
    shop.days_pass(20).await;
    let order = anna.buys(goods()).await;
    let expiring = json!([{"points": "200.00", "expires_at": "2026-03-06T21:00:00Z"}]);
    assert_eq!(order["balance"]["expiring"], expiring);
    anna.has(json!({"expiring": expiring})).await;
    // an order that comes late puts nothing off, and nothing nearer
    let mut late = anna.order(goods());
    late["occurred_at"] = "2026-01-10T09:00:00Z".into();
    anna.orders(&late).await.expect(201);
    let both = json!([
        {"points": "100.00", "expires_at": "2026-02-09T21:00:00Z"}, {"points": "200.00", "expires_at": "2026-03-06T21:00:00Z"},
    ]);
    anna.has(json!({"expiring": both})).await;
    shop.days_pass(12).await;
    anna.has(json!({"available": "200.00", "lifetime_expired": "100.00"})).await;
    shop.days_pass(30).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "300.00"})).await;
    // what is over stays over
    anna.buys(goods()).await;
    anna.has(json!({"available": "100.00"})).await;
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_that_are_held_live_on_too() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(goods()).await;
    let hold = anna.holds("100", goods()).await;
    shop.minutes_pass(10).await;
    shop.at("2026-01-15T09:20:00Z").await;
    anna.buys(goods()).await;
    shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
    anna.has(json!({"expiring": [{"points": "200.00", "expires_at": "2026-02-14T21:00:00Z"}]})).await;
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    shop.audit_is_clean().await;
}
