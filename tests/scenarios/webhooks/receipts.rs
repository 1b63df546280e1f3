//! Receipts: what the shop's provider says of a message, once a key, and gone with the person where it names one.

use serde_json::{Value, json};
use tests::{Receiver, Shop};

use super::{endpoint, sends, shop, text};

async fn newest_id(shop: &Shop) -> String {
    text(&shop.get("/v1/messages?limit=1").await.expect(200)["items"][0]["id"]).to_owned()
}

#[tokio::test]
async fn receipts_are_kept_once_and_listed_with_their_message() {
    let shop = shop().await;
    shop.enrol("+7 900 000-00-01").await;
    let path = format!("/v1/messages/{}/receipts", newest_id(&shop).await);
    let failed = json!({"channel": "email", "status": "failed", "at": "2026-01-15T08:59:00Z", "reason": "mailbox full"});
    let told = shop.post_as("receipt", &path, &failed).await;
    let again = shop.post_as("receipt", &path, &failed).await;
    assert!(again.replayed && again.text == told.text);
    assert_eq!(told.expect(201)["at"], "2026-01-15T08:59:00Z");
    let key = shop.key(&["jobs"], None).await.secret;
    shop.post_with(&key, &path, &json!({"channel": "sms", "status": "delivered"})).await.expect(201);
    let listed = shop.get("/v1/messages").await.expect(200)["items"][0]["receipts"].clone();
    let expected = json!([
        {"channel": "email", "status": "failed", "at": "2026-01-15T08:59:00Z", "reason": "mailbox full"},
        {"channel": "sms", "status": "delivered", "at": tests::BEGINNING, "reason": null},
    ]);
    assert_eq!(listed, expected);
    for (body, pointer) in [
        (json!({"channel": "pigeon", "status": "delivered"}), "/channel"),
        (json!({"channel": "sms", "status": "lost"}), "/status"),
        (json!({"channel": "sms", "status": "opened", "at": "2026-01-15T09:06:00Z"}), "/at"),
        (json!({"channel": "sms", "status": "opened", "reason": ""}), "/reason"),
    ] {
        shop.post(&path, &body).await.refused_at(422, pointer);
    }
    let nowhere = json!({"channel": "sms", "status": "opened"});
    shop.post("/v1/messages/msg_ffff/receipts", &nowhere).await.refused(404, "message_not_found");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_export_tells_where_messages_went_and_an_erasure_takes_what_names_the_person() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({"recipient": true})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let path = format!("/v1/messages/{}/receipts", newest_id(&shop).await);
    let failed = json!({"channel": "sms", "status": "failed", "reason": "no such number: 79000000001"});
    shop.post(&path, &failed).await.expect(201);
    sends(&shop).await;
    let exported = shop.get(&format!("/v1/members/{}/export", anna.id)).await.expect(200);
    let message = &exported["messages"][0];
    assert_eq!(
        (&message["deliveries"][0]["url"], &message["deliveries"][0]["recipient"]),
        (&json!(receiver.url()), &json!(true))
    );
    assert_eq!(message["receipts"][0]["reason"], failed["reason"]);
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    let listed = shop.get(&format!("/v1/messages?member_id={}", anna.id)).await.expect(200);
    let receipt = listed["items"].as_array().and_then(|items| items.last()).map(|message| message["receipts"][0].clone());
    let receipt = receipt.expect("the fact stays");
    assert_eq!((&receipt["status"], &receipt["reason"]), (&json!("failed"), &Value::Null));
    shop.audit_is_clean().await;
}
