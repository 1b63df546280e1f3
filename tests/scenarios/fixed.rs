//! Fixed: always 3 %; one point is one rouble, and may pay everything.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn every_purchase_earns_3_percent_rounded_down() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (price, earned) in
        [("1234.56", "37.03"), ("1000.00", "30.00"), ("0.33", "0.00"), ("0.34", "0.01"), ("1000000.00", "30000.00")]
    {
        let order = anna.buys(json!([line("1", price)])).await;
        assert_eq!(order["earned"]["points"], earned, "{price}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_point_pays_a_rouble_up_to_the_whole_order() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("500").await;
    let order = anna.buys_with("75.5", json!([line("1", "100.00")])).await;
    assert_eq!(
        (&order["redeemed"], &order["redeemed_money"], &order["payable"]),
        (&json!("75.50"), &json!("75.50"), &json!("24.50"))
    );
    let order = anna.buys_with("max", json!([line("1", "100.00")])).await;
    assert_eq!(
        (&order["redeemed"], &order["payable"], &order["earned"]["points"]),
        (&json!("100.00"), &json!("0.00"), &json!("0.00"))
    );
    assert_eq!(order["explanation"][0]["code"], "nothing_paid", "and it says why it earned nothing");
    anna.redeems("325.24", json!([line("1", "1000.00")])).await.refused(409, "insufficient_points");
    shop.audit_is_clean().await;
}
