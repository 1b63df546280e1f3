//! Cave: 3 % off online, 7 % from 20 000 and 10 % from 50 000 on; a promo code wakes members who sleep.

use serde_json::json;
use tests::{Shop, cart, line};

#[tokio::test]
async fn the_discount_accumulates_online() {
    let shop = Shop::open("cave").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (buys, tier, off) in [("0.00", "base", "30.00"), ("20619.00", "silver", "70.00"), ("33000.00", "gold", "100.00")] {
        if buys != "0.00" {
            anna.buys(json!([line("1", buys)])).await;
        }
        let quote = anna.quote(json!([line("1", "1000.00")])).await;
        assert_eq!((&quote["tier"]["id"], &quote["discount"]["money"]), (&json!(tier), &json!(off)), "after {buys}: {quote}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn at_the_till_everything_costs_its_price_and_the_explanation_says_why() {
    let shop = Shop::open("cave").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut order = cart(json!([line("1", "1000.00")]));
    order["channel"] = "store".into();
    let quote = shop.post("/v1/quotes", &json!({"member": {"id": anna.id}, "order": order})).await.expect(200);
    assert_eq!((&quote["discount"]["money"], &quote["payable"]), (&json!("0.00"), &json!("1000.00")));
    let codes: Vec<_> = quote["explanation"].as_array().unwrap().iter().map(|said| &said["code"]).collect();
    assert_eq!(codes, ["no_voucher", "other_channel"]);
}

#[tokio::test]
async fn a_letter_s_code_takes_the_place_of_the_discount_once() {
    let shop = Shop::open("cave").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let letter = json!({"rule_id": "come-back", "member": {"id": anna.id}});
    let code = shop.post("/v1/vouchers", &letter).await.expect(201)["code"].clone();
    let mut order = anna.order(json!([line("1", "1000.00")]));
    order["vouchers"] = json!([code]);
    assert_eq!(anna.orders(&order).await.expect(201)["payable"], "900.00", "10 % instead of 3 %");
    assert_eq!(anna.buys(json!([line("1", "1000.00")])).await["payable"], "970.00");
    shop.audit_is_clean().await;
}
