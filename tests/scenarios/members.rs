//! Who a member is, told and changed; what a member agreed to; two memberships of one person.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tests::{Answer, Member, Shop, line};
use tokio::task::JoinSet;

use crate::privacy::{people, rows_of};

async fn patch(shop: &Shop, id: &str, body: &Value) -> Answer {
    shop.patch(&format!("/v1/members/{id}"), body).await
}

async fn shown(member: &Member<'_>, shop: &Shop) -> Value {
    shop.get(&format!("/v1/members/{}", member.id)).await.expect(200)
}

async fn found(shop: &Shop, query: &str) -> Answer {
    shop.get(&format!("/v1/members?{query}")).await
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name_and_null_takes_away() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({
        "phone": "+79000000001", "email": "anna@example.com", "card": "4711", "first_name": "Anna", "channel": "site",
        "attributes": {"pet": "cat", "shoes": 38},
    });
    let anna = shop.post("/v1/members", &body).await.expect(201);
    let id = anna["id"].as_str().unwrap();
    let change = json!({
        "last_name": "Petrova", "card": null, "email": "Anna@Example.org", "birthday": "1990-02-28",
        "dates": [{"name": "Sonya", "date": "2019-05-05"}], "attributes": {"pet": null, "city": "Perm"},
    });
    let changed = patch(&shop, id, &change).await.expect(200);
    let expected = [
        ("first_name", json!("Anna")),
        ("last_name", json!("Petrova")),
        ("phone", json!("+79000000001")),
        ("email", json!("anna@example.org")),
        ("card", Value::Null),
        ("birthday", json!("1990-02-28")),
        ("attributes", json!({"shoes": 38, "city": "Perm"})),
    ];
    for (field, value) in expected {
        assert_eq!(changed[field], value, "{field}");
    }
    assert_eq!(shop.get(&format!("/v1/members/{id}")).await.expect(200), changed);
    assert_eq!(found(&shop, "email=anna@example.org").await.expect(200)["id"], id);
    for gone in ["email=anna@example.com", "card=4711"] {
        found(&shop, gone).await.refused(404, "member_not_found");
    }
    // what she was known by before may be somebody's
    shop.post("/v1/members", &json!({"card": "4711", "channel": "site"})).await.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_change_that_is_not_right_changes_nothing_and_says_where() {
    let shop = Shop::open("gw-tools").await;
    let (anna, boris) = (shop.enrol("+79000000001").await, shop.enrol("+79000000002").await);
    let before = shown(&anna, &shop).await;
    let taken = patch(&shop, &anna.id, &json!({"phone": "8 900 000-00-02"})).await.refused(409, "identity_taken");
    assert_eq!(taken["member_id"], boris.id.as_str());
    for (body, pointer) in [
        (json!({"phone": null}), ""),
        (json!({"phone": "12"}), "/phone"),
        (json!({"email": "nobody"}), "/email"),
        (json!({"birthday": "2999-01-01"}), "/birthday"),
        (json!({"first_name": ""}), "/first_name"),
        (json!({"consents": {"sms": true}}), "/consents"),
        (json!({"accepts": {"rules_version": "1"}}), "/accepts"),
        (json!({"channel": "till"}), "/channel"),
        (json!({"status": "active"}), "/status"),
        (json!({"dates": [{"name": "x", "date": "yesterday"}]}), "/dates/0/date"),
    ] {
        patch(&shop, &anna.id, &body).await.refused_at(422, pointer);
    }
    patch(&shop, "mem_0000000000000001", &json!({"first_name": "X"})).await.refused(404, "member_not_found");
    assert_eq!(shown(&anna, &shop).await, before);
    assert_eq!(people(&shop), 2, "nothing is left of what was refused");
}

#[tokio::test]
async fn a_change_sent_twice_is_made_once_and_answered_alike_also_after_another_one() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    let path = format!("/v1/members/{}", anna.id);
    let body = json!({"phone": "+79000000009"}).to_string();
    let send = async |body: &str, key: &str| shop.send(Method::PATCH, &path, Some(body.to_owned()), Some(key)).await;
    let first = send(&body, "one").await;
    let other = send(&json!({"first_name": "Anna"}).to_string(), "two").await;
    assert_eq!((first.status.as_u16(), other.status.as_u16()), (200, 200));
    let again = send(&body, "one").await;
    assert_eq!((again.replayed, &again.text), (true, &first.text), "byte for byte");
    send(&json!({"phone": "+79000000008"}).to_string(), "one").await.refused(422, "idempotency_key_reused");
    let now = shown(&anna, &shop).await;
    assert_eq!((&now["phone"], &now["first_name"]), (&json!("+79000000009"), &json!("Anna")));
}

#[tokio::test]
async fn changes_at_once_are_all_made() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    let path = format!("/v1/members/{}", anna.id);
    let shop = Arc::new(shop.beside(&shop.now()).await);
    let mut sent = JoinSet::new();
    for n in 0..8 {
        let (shop, path) = (shop.clone(), path.clone());
        sent.spawn(async move { shop.patch(&path, &json!({"attributes": {format!("a{n}"): n}})).await });
    }
    sent.join_all().await.into_iter().for_each(|answer| drop(answer.expect(200)));
    let attributes = shown(&anna, &shop).await["attributes"].clone();
    assert_eq!(attributes.as_object().unwrap().len(), 8, "{attributes}");
}

#[tokio::test]
async fn the_last_word_on_a_channel_stands_and_the_history_tells_all_words() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({
        "phone": "+79000000001", "channel": "till", "consents": {"sms": true, "email": false},
        "accepts": {"rules_version": "2026-01"},
    });
    let anna = shop.post("/v1/members", &body).await.expect(201);
    let id = anna["id"].as_str().unwrap();
    assert_eq!(anna["consents"], json!({"sms": true, "email": false}));
    assert_eq!(anna["accepted_rules"], json!({"rules_version": "2026-01", "at": shop.now()}));
    let enrolled_at = shop.now();
    shop.days_pass(1).await;
    let path = format!("/v1/members/{id}/consents");
    let said = shop.post(&path, &json!({"channel": "sms", "granted": false, "source": "call centre"})).await.expect(201);
    assert_eq!(said["consents"], json!({"sms": false, "email": false}));
    shop.post(&path, &json!({"channel": "fax", "granted": true, "source": "x"})).await.refused_at(422, "/channel");
    shop.post(&path, &json!({"channel": "sms", "granted": true})).await.refused(422, "invalid_request");
    let accepted = shop.post(&format!("/v1/members/{id}/acceptances"), &json!({"rules_version": 2})).await.expect(201);
    assert_eq!(accepted, json!({"rules_version": "2", "at": shop.now()}));
    let member = shop.get(&format!("/v1/members/{id}")).await.expect(200);
    assert_eq!(member["consents"], json!({"sms": false, "email": false}));
    assert_eq!(member["accepted_rules"]["rules_version"], "2");
    let history = shop.get(&path).await.expect(200);
    assert_eq!(
        history["items"][0],
        json!({"member_id": id, "channel": "sms", "granted": false, "source": "call centre", "at": shop.now()})
    );
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
    assert_eq!((&history["items"][1]["source"], &history["items"][1]["at"]), (&json!("till"), &json!(enrolled_at)));
    let first = shop.get(&format!("{path}?limit=1")).await.expect(200);
    let rest = shop.get(&format!("{path}?cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (2, &Value::Null));
    let rules = shop.get(&format!("/v1/members/{id}/acceptances")).await.expect(200);
    assert_eq!((&rules["items"][0]["rules_version"], &rules["items"][1]["rules_version"]), (&json!("2"), &json!("2026-01")));
}

#[tokio::test]
async fn one_person_in_four_channels_is_one_member_with_one_balance_and_one_history() {
    let shop = Shop::open("gw-tools").await;
    // the till knows a phone and a card
    let body = json!({"phone": "8 (900) 000-00-01", "card": "1234 5678", "channel": "till"});
    let anna = shop.post("/v1/members", &body).await.expect(201);
    let id = anna["id"].as_str().unwrap();
    // the site and the messenger find her by what they know, and tell more of her
    let by_phone = found(&shop, "phone=%2B79000000001").await.expect(200);
    patch(&shop, by_phone["id"].as_str().unwrap(), &json!({"email": "anna@example.com"})).await.expect(200);
    let by_mail = found(&shop, "email=anna@example.com").await.expect(200);
    patch(&shop, by_mail["id"].as_str().unwrap(), &json!({"telegram": "@Anna"})).await.expect(200);
    let references = [
        ("till", json!({"card": "12345678"})),
        ("site", json!({"email": "ANNA@example.com"})),
        ("messenger", json!({"telegram": "anna"})),
        ("call centre", json!({"phone": "900 000 00 01"})),
    ];
    for (n, (channel, reference)) in references.iter().enumerate() {
        let mut order = tests::cart(json!([line("1", "1000.00")]));
        order["id"] = format!("order {n}").into();
        order["occurred_at"] = shop.now().into();
        order["channel"] = (*channel).into();
        order["member"] = reference.clone();
        assert_eq!(shop.post("/v1/orders", &order).await.expect(201)["member_id"], id, "{channel}");
    }
    let anna = Member::of(&shop, id);
    let orders: Vec<Value> = anna.entries().await.iter().filter_map(|entry| entry.get("order_id").cloned()).collect();
    for n in 0..4 {
        assert!(orders.contains(&json!(format!("order {n}"))), "{orders:?}");
    }
    assert_eq!(rows_of(&shop, "member"), 1);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn members_of_one_name_and_birthday_are_told_to_the_staff_until_they_are_merged() {
    let shop = Shop::open("gw-tools").await;
    let enrol = async |phone: &str, first: &str, last: &str, birthday: &str| {
        let body = json!({"phone": phone, "first_name": first, "last_name": last, "birthday": birthday, "channel": "site"});
        shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let anna = enrol("+79000000001", "Алёна", "Петрова", "1990-02-28").await;
    let twin = enrol("+79000000002", "ПЕТРОВА", "Алена", "1990-02-28").await;
    enrol("+79000000003", "Алёна", "Петрова", "1991-02-28").await;
    let duplicates = async || shop.get("/v1/members/duplicates").await.expect(200);
    let told = duplicates().await;
    assert_eq!(told, json!({"items": [{"reason": "same_name_and_birthday", "member_ids": [anna, twin]}], "next_cursor": null}));
    let storefront = shop.key(&["storefront"], None).await;
    shop.get_with(&storefront.secret, "/v1/members/duplicates").await.refused(403, "scope_missing");
    // whoever has another birthday after all is somebody else
    patch(&shop, &twin, &json!({"birthday": "1990-02-27"})).await.expect(200);
    assert_eq!(duplicates().await["items"], json!([]));
    patch(&shop, &twin, &json!({"birthday": "1990-02-28"})).await.expect(200);
    shop.post(&format!("/v1/members/{anna}/merges"), &json!({"from": twin})).await.expect(201);
    assert_eq!(duplicates().await["items"], json!([]));
}

#[tokio::test]
async fn a_merged_person_is_changed_as_one() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({"email": "anna@example.com", "first_name": "Anna", "channel": "site", "consents": {"sms": false}});
    let twin = shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let anna = shop.enrol("+79000000001").await;
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": twin})).await.expect(201);
    let changed = patch(&shop, &twin, &json!({"email": "anna@example.org"})).await.expect(200);
    let expected = (json!(anna.id), json!("Anna"), json!("+79000000001"), json!("anna@example.org"), json!({"sms": false}));
    let fields = ["id", "first_name", "phone", "email", "consents"].map(|field| changed[field].clone());
    assert_eq!(fields, [expected.0, expected.1, expected.2, expected.3, expected.4]);
    found(&shop, "email=anna@example.com").await.refused(404, "member_not_found");
    assert_eq!(shown(&anna, &shop).await, changed);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_is_taken_away_after_a_merge_stays_away_and_the_other_phone_can_be_chosen() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({"phone": "+79000000002", "email": "anna@example.com", "first_name": "Anna", "channel": "site"});
    let twin = shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let anna = shop.enrol("+79000000001").await;
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": twin})).await.expect(201);
    let changed = patch(&shop, &anna.id, &json!({"email": null, "first_name": null})).await.expect(200);
    assert_eq!((&changed["email"], &changed["first_name"]), (&Value::Null, &Value::Null));
    assert_eq!(shown(&anna, &shop).await, changed);
    // by either phone until one is chosen
    assert_eq!(found(&shop, "phone=%2B79000000002").await.expect(200)["id"], anna.id.as_str());
    patch(&shop, &anna.id, &json!({"phone": "+79000000002"})).await.expect(200);
    found(&shop, "phone=%2B79000000001").await.refused(404, "member_not_found");
    shop.enrol("+79000000001").await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn trying_out_phones_by_changes_is_slowed_as_by_enrolling() {
    let shop = Shop::with_settings("fixed", &[("unknown_members_per_minute", "3")]).await;
    let (anna, boris) = (shop.enrol("+79000000001").await, shop.enrol("+79000000002").await);
    let key = shop.key(&["storefront"], None).await;
    let path = format!("/v1/members/{}", anna.id);
    let attempt = async |phone: &str| {
        let body = json!({"phone": phone}).to_string();
        shop.send_with(Some(&key.secret), Method::PATCH, &path, Some(body), Some(&shop.new_key())).await
    };
    for _ in 0..3 {
        attempt("+79000000002").await.refused(409, "identity_taken");
    }
    assert_eq!(attempt("+79000000002").await.status.as_u16(), 429);
    assert_eq!(shown(&boris, &shop).await["phone"], "+79000000002");
}
