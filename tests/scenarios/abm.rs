//! ABM: an order of 1 000 earns 100; "buy N more, get M points" in the quote.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn an_order_of_1_000_earns_100_and_a_smaller_one_nothing() {
    let shop = Shop::open("abm").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "999.99")])).await;
    assert_eq!(order["earned"]["points"], "0.00");
    assert_eq!(order["explanation"][0]["reason"], "0.01 short of the minimum of 1000.00");
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(order["earned"]["points"], "100.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_quote_says_how_much_more_to_buy() {
    let shop = Shop::open("abm").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for quote in [anna.quote(json!([line("1", "660.00")])).await, shop.quote(&tests::cart(json!([line("1", "660.00")]))).await] {
        let offer = &quote["offers"][0];
        assert_eq!(offer["reason"], "Buy 340.00 more, get 100.00 points");
        assert_eq!((&offer["shortfall"], &offer["points"]), (&json!("340.00"), &json!("100.00")));
    }
    let quote = anna.quote(json!([line("1", "1000.00")])).await;
    assert_eq!(quote["offers"], json!([]));
}
