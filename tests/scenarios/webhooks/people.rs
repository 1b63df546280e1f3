//! The person goes out only to an endpoint that is meant to get it, is read when the message is sent, and is written nowhere.

use serde_json::{Value, json};
use tests::{Member, Received, Receiver, Shop, line};

use super::{LOOPBACK, count, endpoint, kinds, sends, shop};
use crate::joining::code_of;

async fn joins<'a>(shop: &'a Shop, phone: &str) -> Member<'a> {
    let body = json!({
        "phone": phone, "email": "anna@shop.example", "first_name": "Анна", "last_name": "Иванова", "channel": "site",
        "consents": {"sms": true, "email": false}, "attributes": {"language": "ru", "shoe_size": 38},
    });
    Member::of(shop, shop.post("/v1/members", &body).await.expect(201)["id"].as_str().expect("an id"))
}

fn of_kind<'a>(received: &'a [Received], kind: &str) -> &'a Received {
    let found = received.iter().find(|message| message.kind() == kind);
    found.unwrap_or_else(|| panic!("a {kind} among {:?}", kinds(received)))
}

#[tokio::test]
async fn the_person_goes_to_whom_it_is_meant_for_as_it_is_when_the_message_is_sent() {
    let shop = shop().await;
    let (provider, warehouse) = (Receiver::start(), Receiver::start());
    endpoint(&shop, &provider, json!({"recipient": true})).await;
    endpoint(&shop, &warehouse, json!({})).await;
    let anna = joins(&shop, "+79000000001").await;
    shop.patch(&format!("/v1/members/{}", anna.id), &json!({"phone": "+79000000002"})).await.expect(200);
    sends(&shop).await;
    let told = provider.received();
    let expected = json!({
        "phone": "+79000000002", "email": "anna@shop.example", "telegram": null, "first_name": "Анна", "language": "ru",
        "consents": {"sms": true, "email": false},
    });
    assert_eq!(of_kind(&told, "member.enrolled").json["data"]["recipient"], expected);
    for message in warehouse.received() {
        assert!(!message.body.contains("recipient") && !message.body.contains("Анна"), "{}", message.body);
        assert!(!message.body.contains("9000000") && !message.body.contains("anna@"), "{}", message.body);
    }
    let books = shop.bytes_of("default");
    for known in ["anna@shop.example", "Анна", "79000000002"] {
        assert!(!books.windows(known.len()).any(|window| window == known.as_bytes()), "{known} stands in the books");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn of_an_erased_member_only_the_facts_are_told() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({"recipient": true})).await;
    let anna = joins(&shop, "+79000000001").await;
    anna.is_given("10").await;
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    sends(&shop).await;
    let received = receiver.received();
    assert_eq!(kinds(&received), ["member.enrolled", "points.adjusted", "member.erased"]);
    for message in &received {
        assert_eq!(message.json["data"]["member_id"], json!(anna.id));
        assert!(message.json["data"].get("recipient").is_none(), "{}", message.body);
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_was_told_of_a_merged_member_goes_to_whoever_took_over() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({"recipient": true})).await;
    let (anna, double) = (joins(&shop, "+79000000001").await, shop.enrol("+79000000002").await);
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id})).await.expect(201);
    sends(&shop).await;
    for message in receiver.received() {
        assert_eq!(message.json["data"]["recipient"]["phone"], "+79000000001", "{}", message.body);
    }
    shop.audit_is_clean().await;
}

/// gw-tools that asks new members for a code.
async fn shop_with_codes() -> Shop {
    let shop = Shop::with_settings("gw-tools", &[LOOPBACK]).await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["enrolment"]["confirmation"] = json!({"welcome": "after"});
    document["redemption"]["confirmation_above"] = "100".into();
    shop.publish(&document).await.expect(200);
    shop
}

#[tokio::test]
async fn a_code_is_opened_for_whom_it_is_meant_and_kept_from_others() {
    let shop = shop_with_codes().await;
    let (provider, warehouse) = (Receiver::start(), Receiver::start());
    endpoint(&shop, &provider, json!({"recipient": true})).await;
    endpoint(&shop, &warehouse, json!({})).await;
    let anna = joins(&shop, "+79000000001").await;
    sends(&shop).await;
    let told = provider.take_received();
    let sent = &of_kind(&told, "member.code").json["data"];
    assert_eq!((&sent["code"], &sent["recipient"]["phone"]), (&json!(code_of(&shop, &anna)), &json!("+79000000001")));
    assert_eq!(of_kind(&warehouse.take_received(), "member.code").json["data"].get("code"), None);
    let path = format!("/v1/members/{}/confirmation", anna.id);
    shop.post(&path, &json!({"code": sent["code"]})).await.expect(200);

    let redemption = anna.holds("300", json!([line("1", "10000.00")])).await;
    sends(&shop).await;
    let told = provider.take_received();
    let sent = &of_kind(&told, "redemption.code").json["data"];
    assert_eq!((&sent["code"], &sent["redemption"]), (&json!(shop.code_of(&redemption)), &json!(redemption)));
    assert_eq!(of_kind(&warehouse.take_received(), "redemption.code").json["data"]["code"], Value::Null);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_that_is_over_is_sent_to_nobody() {
    let shop = shop_with_codes().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({"recipient": true})).await;
    joins(&shop, "+79000000001").await;
    shop.minutes_pass(15).await;
    sends(&shop).await;
    assert_eq!(kinds(&receiver.received()), ["member.enrolled", "message.send"], "the other one is its letter");
    let skipped = shop.get("/v1/messages?status=skipped").await.expect(200);
    assert_eq!(skipped["items"][0]["kind"], "member.code");
    assert_eq!(skipped["items"][0]["deliveries"][0]["last_error"], "the code is over");
    assert_eq!(count(&shop, "waiting").await, 0, "and the next ones go on");
    shop.audit_is_clean().await;
}
