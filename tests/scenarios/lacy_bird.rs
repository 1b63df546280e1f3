//! Lacy Bird: 0, 5, 10 and 15 % off by what was bought; VIP members (from 100 000) have their premium delivery free.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn the_discount_grows_and_vip_members_have_a_perk() {
    let shop = Shop::open("lacy-bird").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (buys, tier, off, perks) in [
        ("19999.99", "guest", "0.00", json!([])),
        ("0.01", "friend", "50.00", json!([])),
        ("33000.00", "lover", "100.00", json!([])),
        ("60000.00", "vip", "150.00", json!([{"id": "premium-delivery", "name": "Free premium delivery"}])),
    ] {
        anna.buys(json!([line("1", buys)])).await;
        let quote = anna.quote(json!([line("1", "1000.00")])).await;
        assert_eq!((&quote["tier"]["id"], &quote["discount"]["money"]), (&json!(tier), &json!(off)), "after {buys}: {quote}");
        assert_eq!((&quote["perks"], &quote["tier"]["perks"]), (&perks, &perks), "after {buys}");
    }
    let member = shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200);
    assert_eq!(member["tier"]["perks"][0]["id"], "premium-delivery", "{member}");
    shop.audit_is_clean().await;
}
