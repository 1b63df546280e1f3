//! Estilo: 3, 5 and 7 % from 0, 30 000 and 100 000 of accumulated spend; points live four months.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn the_tier_that_prices_an_order_is_the_one_held_before_it() {
    let shop = Shop::open("estilo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (price, earned, tier_after) in [
        ("29999.99", "899.99", "base"),  // 3 %
        ("0.01", "0.00", "silver"),      // reaches 30 000.00 exactly
        ("70000.00", "3500.00", "gold"), // 5 %, reaches 100 000.00
        ("1000.00", "70.00", "gold"),    // 7 %
    ] {
        let order = anna.buys(json!([line("1", price)])).await;
        assert_eq!((&order["earned"]["points"], &order["tier"]["id"]), (&json!(earned), &json!(tier_after)), "{price}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_member_sees_the_way_to_the_next_tier() {
    let shop = Shop::open("estilo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let next = json!({"id": "silver", "name": "Silver", "threshold": "30000.00", "remaining": "30000.00"});
    anna.has(json!({"tier": {"id": "base", "name": "Base"}, "next_tier": next})).await;
    let quote = anna.quote(json!([line("1", "29000.00")])).await;
    assert_eq!((&quote["tier"]["id"], &quote["tier"]["rate"]), (&json!("base"), &json!("3")));
    assert_eq!(quote["next_tier"]["remaining"], "30000.00");
    shop.days_pass(1).await;
    anna.buys(json!([line("1", "31000.00")])).await;
    let next = json!({"id": "gold", "name": "Gold", "threshold": "100000.00", "remaining": "69000.00"});
    anna.has(json!({"tier": {"id": "silver", "name": "Silver"}, "next_tier": next})).await;
    let member = shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200);
    assert_eq!((&member["tier"]["id"], &member["tier"]["since"]), (&json!("silver"), &json!("2026-01-16T09:00:00Z")));
    anna.buys(json!([line("1", "69000.00")])).await;
    anna.has(json!({"tier": {"id": "gold", "name": "Gold"}, "next_tier": null})).await;
}

#[tokio::test]
async fn a_tier_is_lost_again_with_the_goods_that_reached_it() {
    let shop = Shop::open("estilo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "29000.00"), line("2", "1000.00")])).await;
    let order = order["order_id"].as_str().unwrap();
    anna.has(json!({"tier": {"id": "silver", "name": "Silver"}})).await;
    let back = shop.takes_back(order, "r-1", Some(json!([{"id": "2", "quantity": 1}]))).await.expect(201);
    assert_eq!(back["balance"]["tier"]["id"], "base");
    anna.has(json!({"tier": {"id": "base", "name": "Base"}})).await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(order["earned"]["points"], "30.00", "3 % again");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_are_gone_four_months_after_the_purchase() {
    let shop = Shop::open("estilo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.at("2026-05-15T20:59:59Z").await;
    anna.has(json!({"available": "30.00"})).await;
    shop.at("2026-05-15T21:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "30.00"})).await;
}
