//! Madrobots: 2 %, and 5 % when the single order is 30 000 or more; points are called madcoins.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn five_percent_from_30_000_exactly_and_two_below() {
    let shop = Shop::open("madrobots").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (price, earned) in [("1000.00", "20.00"), ("29999.99", "599.99"), ("30000.00", "1500.00"), ("40000.00", "2000.00")] {
        let order = anna.buys(json!([line("1", price)])).await;
        assert_eq!(order["earned"]["points"], earned, "{price}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn orders_do_not_add_up_to_the_minimum() {
    let shop = Shop::open("madrobots").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for _ in 0..3 {
        let order = anna.buys(json!([line("1", "15000.00")])).await;
        assert_eq!(order["earned"]["points"], "300.00");
    }
    let order = anna.buys(json!([line("1", "15000.00"), line("2", "15000.00")])).await;
    assert_eq!(order["earned"]["points"], "1500.00", "lines do");
}

#[tokio::test]
async fn an_order_below_says_how_much_was_missing() {
    let shop = Shop::open("madrobots").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let quote = anna.quote(json!([line("1", "29952.00")])).await;
    assert_eq!(quote["earn"]["points"], "599.04");
    assert_eq!((&quote["offers"][0]["shortfall"], &quote["offers"][0]["points"]), (&json!("48.00"), &json!("900.96")));
    let order = anna.buys(json!([line("1", "29952.00")])).await;
    let big = &order["explanation"][0];
    assert_eq!((&big["rule_id"], &big["fired"], &big["shortfall"]), (&json!("big"), &json!(false), &json!("48.00")));
    assert_eq!(big["reason"], "48.00 short of the minimum of 30000.00");
    assert_eq!(order["explanation"][1]["reason"], "2 % of 29952.00 gives 599.04 madcoins");
    let entries = anna.entries().await;
    assert_eq!(entries[0]["explanation"], order["explanation"], "the ledger remembers it");
}
