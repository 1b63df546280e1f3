//! Return guard: 5 %, available only 14 days after the purchase, when nothing can come back any more.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn points_wait_for_14_days() {
    let shop = Shop::open("return-guard").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(
        (&order["earned"]["points"], &order["earned"]["available_from"]),
        (&json!("50.00"), &json!("2026-01-29T09:00:00Z"))
    );
    let activating = json!([{"points": "50.00", "activates_at": "2026-01-29T09:00:00Z"}]);
    anna.has(json!({"available": "0.00", "pending": "50.00", "activating": activating})).await;
    anna.redeems("1", json!([line("1", "1000.00")])).await.refused(409, "insufficient_points");
    shop.at("2026-01-29T08:59:59Z").await;
    anna.has(json!({"available": "0.00", "pending": "50.00"})).await;
    shop.at("2026-01-29T09:00:00Z").await;
    anna.has(json!({"available": "50.00", "pending": "0.00", "activating": []})).await;
    anna.buys_with("50", json!([line("1", "1000.00")])).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_return_within_the_window_takes_pending_points_and_owes_nothing() {
    let shop = Shop::open("return-guard").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00"), line("2", "500.00")])).await;
    shop.days_pass(13).await;
    let order = order["order_id"].as_str().unwrap();
    let back = shop.takes_back(order, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!((&back["clawed_back"], &back["deficit"]), (&json!("50.00"), &json!("0.00")));
    anna.has(json!({"available": "0.00", "pending": "25.00", "deficit": "0.00"})).await;
    shop.days_pass(1).await;
    anna.has(json!({"available": "25.00", "pending": "0.00"})).await;
    shop.audit_is_clean().await;
}
