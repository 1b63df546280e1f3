//! Keys and their scopes: who may call what, a till's own store, revoking, and that no store holds a key.

use http::Method;
use serde_json::{Value, json};
use tests::{Shop, cart, line};

/// Who may call it.
const SELLERS: &[&str] = &["storefront", "till"];
const SELLERS_AND_STAFF: &[&str] = &["storefront", "till", "staff"];
const STAFF: &[&str] = &["staff"];
const JOBS: &[&str] = &["jobs"];
const STAFF_AND_JOBS: &[&str] = &["staff", "jobs"];
const ADMIN: &[&str] = &[];

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// Every call of the API with a body that fits, and the scopes that open it (`admin` opens all).
fn calls(member: &str) -> Vec<(Method, String, Option<Value>, &'static [&'static str])> {
    let order =
        json!({"id": "an order", "occurred_at": tests::BEGINNING, "channel": "site", "currency": "RUB", "lines": goods()});
    let back = json!({"return_id": "r-1", "all": true});
    let hold = json!({"member": {"id": member}, "order": cart(goods()), "points": "max"});
    vec![
        (Method::POST, "/v1/quotes".to_owned(), Some(json!({"order": cart(goods())})), SELLERS),
        (Method::POST, "/v1/orders".to_owned(), Some(order), SELLERS),
        (Method::GET, "/v1/orders/none".to_owned(), None, SELLERS_AND_STAFF),
        (Method::POST, "/v1/orders/none/returns".to_owned(), Some(back), SELLERS),
        (Method::POST, "/v1/orders/none/cancellation".to_owned(), Some(json!({})), SELLERS),
        (Method::POST, "/v1/redemptions".to_owned(), Some(hold), SELLERS),
        (Method::GET, "/v1/redemptions/red_1".to_owned(), None, SELLERS_AND_STAFF),
        (Method::POST, "/v1/redemptions/red_1/capture".to_owned(), Some(json!({})), SELLERS),
        (Method::POST, "/v1/redemptions/red_1/release".to_owned(), Some(json!({})), SELLERS),
        (Method::POST, "/v1/members".to_owned(), Some(json!({"phone": "+7 900 000-00-01", "channel": "x"})), SELLERS_AND_STAFF),
        (Method::GET, "/v1/members?phone=89000000001".to_owned(), None, SELLERS_AND_STAFF),
        (Method::GET, format!("/v1/members/{member}"), None, SELLERS_AND_STAFF),
        (Method::GET, format!("/v1/members/{member}/balance"), None, SELLERS_AND_STAFF),
        (Method::GET, format!("/v1/members/{member}/entries"), None, SELLERS_AND_STAFF),
        (Method::POST, format!("/v1/members/{member}/adjustments"), Some(json!({"points": "1", "reason": "a gift"})), STAFF),
        (Method::GET, "/v1/program".to_owned(), None, SELLERS_AND_STAFF),
        (Method::PUT, "/v1/program".to_owned(), Some(json!({"name": "not a program"})), STAFF),
        (Method::PUT, "/v1/program?dry_run=true".to_owned(), Some(json!({"name": "not a program"})), STAFF),
        (Method::GET, "/v1/program/versions".to_owned(), None, SELLERS_AND_STAFF),
        (Method::GET, "/v1/program/versions/1".to_owned(), None, SELLERS_AND_STAFF),
        (Method::GET, "/v1/program/presets".to_owned(), None, SELLERS_AND_STAFF),
        (Method::GET, "/v1/program/presets/fixed".to_owned(), None, SELLERS_AND_STAFF),
        (Method::POST, "/v1/keys".to_owned(), Some(json!({"scopes": ["jobs"]})), ADMIN),
        (Method::DELETE, "/v1/keys/key_1".to_owned(), None, ADMIN),
        (Method::POST, "/v1/jobs/expire/runs".to_owned(), None, JOBS),
        (Method::POST, "/v1/jobs/migrate/runs".to_owned(), None, JOBS),
        (Method::POST, "/v1/simulations".to_owned(), Some(json!({"document": {"name": "not a program"}})), STAFF),
        (Method::GET, "/v1/audit".to_owned(), None, STAFF_AND_JOBS),
        (Method::GET, "/v1/rebuild".to_owned(), None, STAFF_AND_JOBS),
    ]
}

#[tokio::test]
async fn each_call_is_open_to_its_scopes_and_closed_to_all_others() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut keys = Vec::new();
    for scope in ["storefront", "till", "staff", "jobs", "admin"] {
        let store = (scope == "till").then_some("moscow");
        keys.push((scope, shop.key(&[scope], store).await.secret));
    }
    for (method, path, body, scopes) in calls(&anna.id) {
        let body = body.map(|body| body.to_string());
        for (scope, key) in &keys {
            let answer = shop.send_with(Some(key), method.clone(), &path, body.clone(), Some(&shop.new_key())).await;
            let open = *scope == "admin" || scopes.contains(scope);
            assert_ne!(answer.status, 401, "{scope} {method} {path}: {}", answer.text);
            assert_eq!(answer.status != 403, open, "{scope} {method} {path}: {}", answer.text);
            if !open {
                answer.refused(403, "scope_missing");
            }
        }
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn no_call_goes_without_a_known_key() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let counts = shop.counts().await;
    for (method, path, body, _) in calls(&anna.id) {
        for key in [None, Some("kk_unknown"), Some("")] {
            let body = body.as_ref().map(Value::to_string);
            let answer = shop.send_with(key, method.clone(), &path, body, Some(&shop.new_key())).await;
            assert_eq!(answer.status, 401, "{key:?} {method} {path}: {}", answer.text);
            answer.refused(401, "unauthorized");
        }
        // whoever has no key does not learn what is wrong with the body either
        let answer = shop.send_with(None, method, &path, Some("no JSON".to_owned()), None).await;
        answer.refused(401, "unauthorized");
    }
    assert_eq!(shop.counts().await, counts);
}

#[tokio::test]
async fn a_key_with_several_scopes_opens_the_calls_of_each() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let key = shop.key(&["storefront", "staff"], None).await.secret;
    shop.post_with(&key, "/v1/quotes", &json!({"order": cart(goods())})).await.expect(200);
    let gift = json!({"points": "1", "reason": "a gift"});
    shop.post_with(&key, &format!("/v1/members/{}/adjustments", anna.id), &gift).await.expect(201);
    shop.post_with(&key, "/v1/keys", &json!({"scopes": ["jobs"]})).await.refused(403, "scope_missing");
}

#[tokio::test]
async fn a_till_sees_the_orders_of_its_own_store_only() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let (moscow, tver) = (shop.key(&["till"], Some("moscow")).await.secret, shop.key(&["till"], Some("tver")).await.secret);
    let order = anna.order(goods());
    let recorded = shop.post_with(&moscow, "/v1/orders", &order).await.expect(201);
    let path = format!("/v1/orders/{}", recorded["order_id"].as_str().unwrap());
    assert_eq!(shop.get_with(&moscow, &path).await.expect(200)["store"], "moscow", "a till's orders are its store's");
    shop.get_with(&tver, &path).await.refused(404, "order_not_found");
    let back = json!({"return_id": "r-1", "all": true});
    shop.post_with(&tver, &format!("{path}/returns"), &back).await.refused(404, "order_not_found");
    shop.post_with(&tver, &format!("{path}/cancellation"), &json!({})).await.refused(404, "order_not_found");

    let repeated = shop.post_with(&tver, "/v1/orders", &order).await;
    assert_eq!(repeated.status.as_u16() / 100, 4, "another till does not get the first one's answer: {}", repeated.text);
    let mut foreign = anna.order(goods());
    foreign["store"] = "moscow".into();
    shop.post_with(&tver, "/v1/orders", &foreign).await.refused(403, "foreign_store");
    shop.post_with(&tver, "/v1/quotes", &json!({"order": foreign})).await.refused(403, "foreign_store");

    shop.post_with(&moscow, &format!("{path}/returns"), &back).await.expect(201);
    let repeated = shop.post_with(&tver, &format!("{path}/returns"), &back).await;
    repeated.refused(404, "order_not_found");
    let at_the_site = anna.buys(goods()).await;
    let path = format!("/v1/orders/{}", at_the_site["order_id"].as_str().unwrap());
    shop.get_with(&tver, &path).await.refused(404, "order_not_found");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_till_ends_the_redemptions_of_its_own_store_only() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let (moscow, tver) = (shop.key(&["till"], Some("moscow")).await.secret, shop.key(&["till"], Some("tver")).await.secret);
    let body = json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "40"});
    let held = shop.post_with(&moscow, "/v1/redemptions", &body).await.expect(201);
    let path = format!("/v1/redemptions/{}", held["id"].as_str().unwrap());
    shop.get_with(&tver, &path).await.refused(404, "redemption_not_found");
    shop.post_with(&tver, &format!("{path}/capture"), &json!({})).await.refused(404, "redemption_not_found");
    shop.post_with(&tver, &format!("{path}/release"), &json!({})).await.refused(404, "redemption_not_found");
    let mut order = anna.order(goods());
    order["redemption_id"] = held["id"].clone();
    let foreign = shop.post_with(&tver, "/v1/orders", &order).await;
    assert_eq!(foreign.status.as_u16() / 100, 4, "another till does not spend it: {}", foreign.text);
    shop.get_with(&moscow, &path).await.expect(200);
    shop.post_with(&moscow, "/v1/orders", &order).await.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_idempotency_key_of_one_caller_gives_another_caller_nothing() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let (moscow, tver) = (shop.key(&["till"], Some("moscow")).await.secret, shop.key(&["till"], Some("tver")).await.secret);
    let body = anna.order(goods()).to_string();
    let send = |key: String| {
        let body = body.clone();
        async { shop.send_with(Some(&{ key }), Method::POST, "/v1/orders", Some(body), Some("the-same")).await }
    };
    let first = send(moscow.clone()).await;
    let other = send(tver).await;
    assert_eq!(other.status.as_u16() / 100, 4, "{}", other.text);
    let again = send(moscow).await;
    assert_eq!((again.replayed, again.text), (true, first.text));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_then_on() {
    let shop = Shop::open("fixed").await;
    let key = shop.key(&["storefront"], None).await;
    shop.get_with(&key.secret, "/v1/program").await.expect(200);
    assert_eq!(shop.delete(&format!("/v1/keys/{}", key.id)).await.expect(200), json!({"id": key.id, "revoked": true}));
    shop.get_with(&key.secret, "/v1/program").await.refused(401, "unauthorized");
    shop.post_with(&key.secret, "/v1/quotes", &json!({"order": cart(goods())})).await.refused(401, "unauthorized");
    shop.delete(&format!("/v1/keys/{}", key.id)).await.refused(404, "key_not_found");
    let shop = shop.restart().await;
    shop.get_with(&key.secret, "/v1/program").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn no_store_holds_a_key() {
    let shop = Shop::open("fixed").await;
    let first = shop.post_as("the-key", "/v1/keys", &json!({"scopes": ["staff"], "name": "back office"})).await;
    let again = shop.post_as("the-key", "/v1/keys", &json!({"scopes": ["staff"], "name": "back office"})).await;
    assert_eq!((again.replayed, &again.text), (true, &first.text), "a repeat tells the key again");
    let made = first.expect(201);
    let secret = made["key"].as_str().unwrap();
    shop.get_with(secret, "/v1/audit").await.expect(200);
    for file in std::fs::read_dir(shop.data()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        for text in [secret, secret.trim_start_matches("kk_"), tests::ADMIN_KEY, "people-key-of-the-tests"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{:?} holds a key", file.file_name());
        }
    }
    let books = shop.bytes_of("default");
    assert!(books.windows(11).any(|window| window == b"back office"), "its name is there");
}
