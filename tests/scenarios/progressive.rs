//! Progressive: 3 %, then 5 % when the accumulated spend is over 10 000 and 10 % when over 20 000, strictly.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn a_threshold_must_be_exceeded_not_reached() {
    let shop = Shop::open("progressive").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (price, earned, spend_before) in [
        ("10000.00", "300.00", "0.00"),
        ("1000.00", "30.00", "10000.00"), // exactly 10 000.00: still 3 %
        ("9000.00", "450.00", "11000.00"),
        ("0.01", "0.00", "20000.00"),
        ("1000.00", "100.00", "20000.01"),
    ] {
        let order = anna.buys(json!([line("1", price)])).await;
        assert_eq!(order["earned"]["points"], earned, "{price} bought with {spend_before} of spend");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn at_exactly_20_000_it_is_still_5_percent_and_a_kopeck_is_missing() {
    let shop = Shop::open("progressive").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "20000.00")])).await;
    let quote = anna.quote(json!([line("1", "1000.00")])).await;
    assert_eq!((&quote["tier"]["id"], &quote["earn"]["points"]), (&json!("silver"), &json!("50.00")));
    assert_eq!(quote["next_tier"]["remaining"], "0.01");
}
