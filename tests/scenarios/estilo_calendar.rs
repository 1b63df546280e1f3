//! Estilo, the second way: points burn on 1 January, 1 May and 1 September.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn points_are_gone_from_the_next_of_the_fixed_dates() {
    let shop = Shop::open("estilo-calendar").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.at("2026-04-30T20:59:59Z").await;
    anna.buys(json!([line("1", "2000.00")])).await; // the last second of 30 April
    anna.has(json!({"expiring": [{"points": "90.00", "expires_at": "2026-04-30T21:00:00Z"}]})).await;
    shop.at("2026-04-30T21:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "90.00"})).await;
    anna.buys(json!([line("1", "1000.00")])).await; // the first second of 1 May
    anna.has(json!({"expiring": [{"points": "30.00", "expires_at": "2026-08-31T21:00:00Z"}]})).await;
    shop.audit_is_clean().await;
}
