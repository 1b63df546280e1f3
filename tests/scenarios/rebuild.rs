//! The projections rebuilt from the facts: the same after everything that a shop does, and what somebody changed by hand is
//! named.

use serde_json::json;
use tests::{Shop, line, pieces};

#[tokio::test]
async fn a_rebuild_of_a_shop_that_has_lived_would_change_nothing() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys_with("100", json!([pieces("1", "333.33", 3), line("2", "50.00")])).await;
    let id = order["order_id"].as_str().unwrap();
    shop.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    let other = anna.buys(json!([line("1", "2000.00")])).await;
    shop.cancels(other["order_id"].as_str().unwrap()).await.expect(201);
    anna.holds("50", json!([line("1", "1000.00")])).await;
    anna.is_given_until("7", "2026-01-16T00:00:00Z").await;
    shop.days_pass(40).await;
    anna.holds("1", json!([line("1", "1000.00")])).await;
    let found = shop.get("/v1/rebuild").await.expect(200);
    let mut checked = shop.counts().await;
    checked.as_object_mut().unwrap().remove("program_version");
    assert!(checked["entries"].as_i64() > Some(10), "{checked}");
    assert_eq!(found, json!({"ok": true, "checked": checked, "total": 0, "differences": []}));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_value_that_was_changed_by_hand_is_named_with_the_right_one() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    // a column that no constraint ties to the others: a libSQL server does not let anybody switch the constraints off
    shop.alter("default", "UPDATE account SET deficit = 1");
    let found = shop.get("/v1/rebuild").await.expect(200);
    let id = anna.id.strip_prefix("mem_").unwrap();
    let difference = json!({"table": "account", "id": id, "line": null, "column": "deficit", "stored": "1", "rebuilt": "0"});
    assert_eq!((&found["ok"], &found["total"], &found["differences"]), (&json!(false), &json!(1), &json!([difference])));
}
