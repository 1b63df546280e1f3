//! A member's own access: a token reads what is the member's, for a while, and nothing else.

use http::Method;
use serde_json::{Value, json};
use tests::{Shop, line};

async fn token_of(shop: &Shop, id: &str, body: &Value) -> Value {
    shop.post(&format!("/v1/members/{id}/tokens"), body).await.expect(201)
}

#[tokio::test]
async fn a_member_reads_the_own_data_with_a_token_of_a_quarter_of_an_hour() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    anna.buys(json!([line("1", "5000.00")])).await;
    let given = token_of(&shop, &anna.id, &json!({})).await;
    assert_eq!((&given["member_id"], &given["expires_at"]), (&json!(anna.id), &json!("2026-01-15T09:15:00Z")));
    let token = given["token"].as_str().unwrap();
    for id in [anna.id.as_str(), "me"] {
        for part in ["", "/balance", "/entries", "/consents", "/acceptances"] {
            let path = format!("/v1/members/{id}{part}");
            let own = shop.get_with(token, &path).await.expect(200);
            let told = shop.get(&format!("/v1/members/{}{part}", anna.id)).await.expect(200);
            assert_eq!(own, told, "{path}");
        }
    }
    shop.minutes_pass(15).await;
    let over = shop.get_with(token, "/v1/members/me").await.refused(401, "token_expired");
    assert!(over["detail"].as_str().unwrap().contains("/tokens"), "{over}");
    let short = token_of(&shop, &anna.id, &json!({"expires_in": 60})).await;
    shop.get_with(short["token"].as_str().unwrap(), "/v1/members/me/balance").await.expect(200);
}

#[tokio::test]
async fn a_token_reads_nobody_elses_data_and_changes_nothing() {
    let shop = Shop::open("gw-tools").await;
    let (anna, boris) = (shop.enrol("+79000000001").await, shop.enrol("+79000000002").await);
    let given = token_of(&shop, &anna.id, &json!({})).await;
    let token = given["token"].as_str().unwrap();
    let before = shop.get("/v1/audit").await.expect(200);
    for path in [
        format!("/v1/members/{}", boris.id),
        format!("/v1/members/{}/balance", boris.id),
        format!("/v1/members/{}/entries", boris.id),
        format!("/v1/members/{}/consents", boris.id),
        "/v1/members/mem_0000000000000001".to_owned(),
        "/v1/members?phone=%2B79000000002".to_owned(),
        "/v1/members?phone=%2B79000000001".to_owned(),
        "/v1/members/duplicates".to_owned(),
        format!("/v1/members/{}/export", anna.id),
        "/v1/program".to_owned(),
        "/v1/audit".to_owned(),
    ] {
        shop.get_with(token, &path).await.refused(403, "scope_missing");
    }
    let own = format!("/v1/members/{}", anna.id);
    for (method, path, body) in [
        (Method::PATCH, own.clone(), json!({"first_name": "Anna"})),
        (Method::DELETE, own.clone(), Value::Null),
        (Method::POST, format!("{own}/consents"), json!({"channel": "sms", "granted": true, "source": "x"})),
        (Method::POST, format!("{own}/adjustments"), json!({"points": "100", "reason": "x"})),
        (Method::POST, format!("{own}/transfers"), json!({"to": {"id": boris.id}, "points": "1"})),
        (Method::POST, format!("{own}/tokens"), json!({"expires_in": 86_400})),
        (Method::POST, "/v1/members".to_owned(), json!({"phone": "+79000000003", "channel": "site"})),
        (Method::POST, "/v1/keys".to_owned(), json!({"scopes": ["admin"]})),
    ] {
        let body = (!body.is_null()).then(|| body.to_string());
        let answer = shop.send_with(Some(token), method, &path, body, Some(&shop.new_key())).await;
        answer.refused(403, "scope_missing");
    }
    assert_eq!(shop.get("/v1/audit").await.expect(200), before);
}

#[tokio::test]
async fn a_token_that_was_made_up_or_changed_is_none() {
    let shop = Shop::open("gw-tools").await;
    let (anna, boris) = (shop.enrol("+79000000001").await, shop.enrol("+79000000002").await);
    let annas = token_of(&shop, &anna.id, &json!({})).await["token"].as_str().unwrap().to_owned();
    let boriss = token_of(&shop, &boris.id, &json!({})).await["token"].as_str().unwrap().to_owned();
    // whose it is, of one token, with the proof of another
    let mixed = format!("{}{}", &annas[..24], &boriss[24..]);
    for token in [mixed.as_str(), &annas[..annas.len() - 1], "mt_", "mt_AAAA", "mt_ü"] {
        shop.get_with(token, "/v1/members/me").await.refused(401, "unauthorized");
    }
    shop.get("/v1/members/me").await.refused(404, "member_not_found");
}

#[tokio::test]
async fn a_repeated_request_gives_the_same_token_and_no_store_knows_it() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    let path = format!("/v1/members/{}/tokens", anna.id);
    let first = shop.post_as("one", &path, &json!({})).await;
    shop.minutes_pass(1).await;
    let again = shop.post_as("one", &path, &json!({})).await;
    assert_eq!((again.replayed, &again.text), (true, &first.text));
    let token = first.json["token"].as_str().unwrap().as_bytes();
    for database in ["default", "people"] {
        assert!(!shop.bytes_of(database).windows(token.len()).any(|window| window == token));
    }
    for (body, pointer) in [(json!({"expires_in": 0}), "/expires_in"), (json!({"expires_in": 90_000}), "/expires_in")] {
        shop.post(&path, &body).await.refused_at(422, pointer);
    }
    let till = shop.key(&["till"], Some("north")).await;
    shop.post_with(&till.secret, &path, &json!({})).await.refused(403, "scope_missing");
}

#[tokio::test]
async fn the_token_of_a_merged_membership_reads_the_one_that_took_over() {
    let shop = Shop::open("gw-tools").await;
    let (anna, twin) = (shop.enrol("+79000000001").await, shop.enrol("+79000000002").await);
    let token = token_of(&shop, &twin.id, &json!({})).await["token"].as_str().unwrap().to_owned();
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": twin.id})).await.expect(201);
    assert_eq!(shop.get_with(&token, "/v1/members/me").await.expect(200)["id"], anna.id.as_str());
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    shop.get_with(&token, "/v1/members/me").await.refused(410, "member_erased");
}
