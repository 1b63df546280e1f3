//! Keys and their scopes: several of them, a till's own store, revoking, and that no store holds a key. Who may call what is
//! the table of `access`.

use http::Method;
use serde_json::{Value, json};
use tests::{Shop, cart, line};

fn goods() -> Value {
    json!([line("1", "1000.00")])
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
async fn a_till_does_not_learn_of_other_stores_orders_by_what_they_left() {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["discounts"] = json!([{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}}]);
    shop.publish(&document).await.expect(200);
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let (moscow, tver) = (shop.key(&["till"], Some("moscow")).await.secret, shop.key(&["till"], Some("tver")).await.secret);
    let voucher = shop.post("/v1/vouchers", &json!({"rule_id": "letter"})).await.expect(201);
    let voucher = format!("/v1/vouchers/{}", voucher["code"].as_str().unwrap());
    let hold = json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "40"});
    let hold = shop.post_with(&moscow, "/v1/redemptions", &hold).await.expect(201);
    let mut order = anna.order(goods());
    order["redemption_id"] = hold["id"].clone();
    shop.post_with(&moscow, "/v1/orders", &order).await.expect(201);
    let mut order = anna.order(goods());
    order["vouchers"] = json!([voucher.rsplit('/').next()]);
    let order = shop.post_with(&moscow, "/v1/orders", &order).await.expect(201)["order_id"].clone();

    let path = format!("/v1/members/{}/entries", anna.id);
    let told = |answer: &Value| {
        let entries = answer["items"].as_array().unwrap().iter();
        entries.filter(|entry| entry.get("order_id").is_some() || entry.get("redemption_id").is_some()).count()
    };
    let (all, own, foreign) = (
        shop.get(&path).await.expect(200),
        shop.get_with(&moscow, &path).await.expect(200),
        shop.get_with(&tver, &path).await.expect(200),
    );
    assert!(told(&all) >= 4);
    assert_eq!((told(&own), told(&foreign)), (told(&all), 0), "the points are the member's, the order is the store's");
    assert_eq!(foreign["items"].as_array().unwrap().len(), all["items"].as_array().unwrap().len());
    assert_eq!(shop.get_with(&moscow, &voucher).await.expect(200)["order_id"], order);
    let foreign = shop.get_with(&tver, &voucher).await.expect(200);
    assert_eq!((&foreign["status"], &foreign["order_id"]), (&json!("used"), &Value::Null));

    // what the site set aside any till may take; which order of another store took it is not told
    let hold = anna.holds("10", goods()).await;
    let mut order = anna.order(goods());
    order["redemption_id"] = hold.clone().into();
    shop.post_with(&moscow, "/v1/orders", &order).await.expect(201);
    let shown = shop.get_with(&tver, &format!("/v1/redemptions/{hold}")).await.expect(200);
    assert_eq!((&shown["status"], &shown["order_id"]), (&json!("captured"), &Value::Null));
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
