//! Discount levels: 1 %, 5 % and 10 % off, from 0, 10 000 and 50 000 on.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn the_level_held_before_an_order_prices_it() {
    let shop = Shop::open("discount-levels").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "10101.01")])).await;
    assert_eq!((&order["payable"], &order["tier"]["id"]), (&json!("10000.00"), &json!("silver")), "1 %, and it reaches silver");
    let order = anna.buys(json!([line("1", "42105.26")])).await;
    assert_eq!((&order["payable"], &order["tier"]["id"]), (&json!("40000.00"), &json!("gold")), "5 %, and it reaches gold");
    let quote = anna.quote(json!([line("1", "1000.00")])).await;
    assert_eq!((&quote["discount"]["money"], &quote["payable"]), (&json!("100.00"), &json!("900.00")));
    shop.audit_is_clean().await;
}
