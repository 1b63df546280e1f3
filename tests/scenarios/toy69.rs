//! Toy69: 5 % on regular goods and 3 % on promo goods; 10/6 from 50 000, 15/9 from 100 000, 30/15 from 300 000.

use serde_json::json;
use tests::{Shop, line, promo};

#[tokio::test]
async fn a_cart_of_1_000_regular_and_1_000_promo_earns_by_the_tier() {
    let shop = Shop::open("toy69").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mixed = || json!([line("1", "1000.00"), promo("2", "1000.00")]);
    for (spend_more, tier, earned) in [
        ("0.00", "standart", "80.00"),
        ("50000.00", "silver", "160.00"),
        ("50000.00", "gold", "240.00"),
        ("199999.99", "gold", "240.00"),
        ("0.01", "platinum", "450.00"),
    ] {
        anna.buys(json!([line("1", spend_more)])).await;
        let quote = anna.quote(mixed()).await;
        assert_eq!((&quote["tier"]["id"], &quote["earn"]["points"]), (&json!(tier), &json!(earned)), "after {spend_more}");
    }
    let order = anna.buys(mixed()).await;
    assert_eq!(order["earned"]["points"], "450.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn each_kind_of_goods_keeps_its_own_points_when_it_comes_back() {
    let shop = Shop::open("toy69").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00"), promo("2", "1000.00")])).await;
    assert_eq!(order["explanation"][0]["reason"], "Standart: 5 % of 1000.00 and 3 % of 1000.00 of promo goods give 80.00 points");
    let order = order["order_id"].as_str().unwrap();
    let back = shop.takes_back(order, "r-1", Some(json!([{"id": "2", "quantity": 1}]))).await.expect(201);
    assert_eq!(back["clawed_back"], "30.00");
    anna.has(json!({"available": "50.00"})).await;
    shop.audit_is_clean().await;
}
