//! Green House: whoever enrols in the Telegram bot gets 100 gift points at the end.

use serde_json::json;
use tests::Shop;

#[tokio::test]
async fn the_bot_gives_100_points_and_other_channels_say_why_not() {
    let shop = Shop::open("green-house").await;
    let enrol = async |phone: &str, channel: &str| {
        let member = shop.post("/v1/members", &json!({"phone": phone, "channel": channel})).await.expect(201);
        let id = member["id"].as_str().unwrap().to_owned();
        let balance = shop.get(&format!("/v1/members/{id}/balance")).await.expect(200);
        (id, balance["available"].clone())
    };
    let (bot, points) = enrol("+7 900 000-00-01", "telegram").await;
    assert_eq!(points, "100.00");
    let (_, points) = enrol("+7 900 000-00-02", "site").await;
    assert_eq!(points, "0.00");
    let order = tests::cart(json!([tests::line("1", "500.00")]));
    let quote = shop.post("/v1/quotes", &json!({"member": {"id": bot}, "order": order, "points": "max"})).await.expect(200);
    assert_eq!((&quote["redemption"]["points"], &quote["payable"]), (&json!("100.00"), &json!("400.00")));
    shop.audit_is_clean().await;
}
