//! Points for telling who one is: once all is known that the program asks for, they come by themselves, once.

use http::Method;
use serde_json::{Value, json};
use tests::Shop;

/// 50 points for the first name, the birthday and the size of one's shoes.
fn program() -> Value {
    json!({
        "name": "Shoes", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "enrolment": {"profile_filled": {"fields": ["first_name", "birthday", "attributes.shoe_size"]}},
        "events": [{"id": "filled", "type": "profile_filled", "points": "50", "limits": {"times_per_member": 1}}]
    })
}

async fn joins(shop: &Shop, phone: &str, more: Value) -> String {
    let mut body = json!({"phone": phone, "channel": "till"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn changes(shop: &Shop, member: &str, change: Value, key: &str) {
    let path = format!("/v1/members/{member}");
    shop.send(Method::PATCH, &path, Some(change.to_string()), Some(key)).await.expect(200);
}

async fn has(shop: &Shop, member: &str) -> String {
    shop.get(&format!("/v1/members/{member}/balance")).await.expect(200)["available"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_missing_is_told_and_the_points_come_once() {
    let shop = Shop::with_program(&program()).await;
    let anna = joins(&shop, "+79000000001", json!({"first_name": "Anna"})).await;
    changes(&shop, &anna, json!({"birthday": "1990-02-28"}), "birthday").await;
    assert_eq!(has(&shop, &anna).await, "0.00", "the size is not known yet");
    changes(&shop, &anna, json!({"attributes": {"shoe_size": 38}}), "size").await;
    assert_eq!(has(&shop, &anna).await, "50.00");
    let entries = shop.get(&format!("/v1/members/{anna}/entries")).await.expect(200);
    assert_eq!(entries["items"][0]["explanation"][0]["rule_id"], "filled");
    // the same change again, and a change that takes away and tells anew
    changes(&shop, &anna, json!({"attributes": {"shoe_size": 38}}), "size").await;
    changes(&shop, &anna, json!({"birthday": null}), "taken-away").await;
    changes(&shop, &anna, json!({"birthday": "1990-02-28"}), "told-anew").await;
    assert_eq!(has(&shop, &anna).await, "50.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn whoever_tells_all_on_joining_has_the_points_at_once() {
    let shop = Shop::with_program(&program()).await;
    let all = json!({"first_name": "Boris", "birthday": "1990-02-28", "attributes": {"shoe_size": "43"}});
    let boris = joins(&shop, "+79000000002", all).await;
    assert_eq!(has(&shop, &boris).await, "50.00");
    // who takes over somebody has been given once
    let vera = joins(&shop, "+79000000003", json!({})).await;
    shop.post(&format!("/v1/members/{vera}/merges"), &json!({"from": {"id": boris}})).await.expect(201);
    changes(&shop, &vera, json!({"first_name": "Vera"}), "her-own-name").await;
    assert_eq!(has(&shop, &vera).await, "50.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn where_the_program_does_not_ask_nothing_happens_by_itself() {
    let mut program = program();
    program.as_object_mut().unwrap().remove("enrolment");
    let shop = Shop::with_program(&program).await;
    let all = json!({"first_name": "Boris", "birthday": "1990-02-28", "attributes": {"shoe_size": "43"}});
    let boris = joins(&shop, "+79000000002", all).await;
    assert_eq!(has(&shop, &boris).await, "0.00");
}
