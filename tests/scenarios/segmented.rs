//! Segmented: 5 % on everything, 10 % on the product of the month.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn the_product_of_the_month_earns_10_percent_and_the_rest_5() {
    let shop = Shop::open("segmented").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut drill = line("2", "500.00");
    drill["labels"] = json!(["new", "product_of_the_month"]);
    let order = anna.buys(json!([line("1", "1000.00"), drill])).await;
    assert_eq!(order["earned"]["points"], "100.00");
    let lots: Vec<_> = order["earned"]["lots"].as_array().unwrap().iter().map(|lot| (&lot["rule_id"], &lot["points"])).collect();
    assert_eq!(lots, [(&json!("product-of-the-month"), &json!("50.00")), (&json!("base"), &json!("50.00"))]);
    let order = anna.buys(json!([line("1", "1500.00")])).await;
    assert_eq!(order["earned"]["points"], "75.00", "without it 5 % on everything");
    shop.audit_is_clean().await;
}
