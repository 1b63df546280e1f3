//! Bad input gets an answer that says what to change, and nothing is written. No input is ever a failure of the server.

use http::Method;
use serde_json::{Value, json};
use tests::{BEGINNING, Member, Shop, cart, line};

/// A body with one thing changed, at a JSON pointer.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    match body.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (block, field) = pointer.rsplit_once('/').expect("a pointer");
            body.pointer_mut(block).expect("a block")[field] = value;
        }
    }
    body
}

/// A body without one field.
fn without(body: &Value, pointer: &str) -> Value {
    let mut body = body.clone();
    let (block, field) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(block).and_then(Value::as_object_mut).expect("a block").remove(field).expect("the field");
    body
}

/// Each body is refused with 422 at its pointer, and nothing is written.
async fn check(shop: &Shop, path: &str, cases: &[(Value, &str)]) {
    let before = shop.counts().await;
    for (body, pointer) in cases {
        let answer = shop.post(path, body).await;
        assert_eq!(answer.content_type, "application/problem+json", "{path} {body}: {}", answer.text);
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text);
        let named = answer.json["errors"].as_array().unwrap().iter().any(|error| error["pointer"] == *pointer);
        assert!(named, "{pointer:?} is to be named for {path} {body}: {}", answer.text);
    }
    assert_eq!(shop.counts().await, before, "nothing is written");
}

/// A shop, and a member who has 1 000 points.
async fn member_with_1_000(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    anna
}

fn goods() -> Value {
    json!([line("1", "1000.00"), line("2", "10.00")])
}

/// What can be wrong with the goods of an order or a cart: (pointer, value, pointer that is named).
fn wrong_goods() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/lines", json!([]), "/lines"),
        ("/lines", json!("none"), "/lines"),
        ("/lines", json!((0..1_001).map(|n| line(&n.to_string(), "1.00")).collect::<Vec<_>>()), "/lines"),
        ("/lines/0", json!("a line"), "/lines/0"),
        ("/lines/1/id", json!("1"), "/lines/1/id"),
        ("/lines/0/id", json!(""), "/lines/0/id"),
        ("/lines/0/id", json!(1), "/lines/0/id"),
        ("/lines/0/sku", json!(""), "/lines/0/sku"),
        ("/lines/0/sku", json!("x".repeat(201)), "/lines/0/sku"),
        ("/lines/0/quantity", json!(0), "/lines/0/quantity"),
        ("/lines/0/quantity", json!(-1), "/lines/0/quantity"),
        ("/lines/0/quantity", json!(1.5), "/lines/0/quantity"),
        ("/lines/0/quantity", json!("0.0001"), "/lines/0/quantity"),
        ("/lines/0/quantity", json!("1e3"), "/lines/0/quantity"),
        ("/lines/1/price", json!(249.5), "/lines/1/price"),
        ("/lines/1/price", json!("249.555"), "/lines/1/price"),
        ("/lines/1/price", json!("-1.00"), "/lines/1/price"),
        ("/lines/1/price", json!("1,50"), "/lines/1/price"),
        ("/lines/1/price", json!(true), "/lines/1/price"),
        ("/lines/1/price", json!("10000000000.01"), "/lines/1/price"),
        ("/lines/1/discount", json!("10.01"), "/lines/1/discount"),
        ("/lines/1/discount", json!("-0.01"), "/lines/1/discount"),
        ("/lines/1/cost", json!("-1"), "/lines/1/cost"),
        ("/lines/1/tax", json!(0.2), "/lines/1/tax"),
        ("/lines/1/promo", json!("yes"), "/lines/1/promo"),
        ("/lines/1/labels", json!(vec!["label"; 51]), "/lines/1/labels"),
        ("/lines/1/colour", json!("red"), "/lines/1/colour"),
        ("/delivery", json!({"cost": "-1.00"}), "/delivery/cost"),
        ("/delivery", json!({"cost": 1.5}), "/delivery/cost"),
        ("/delivery", json!({"price": "1.00"}), "/delivery/price"),
        ("/currency", json!("USD"), "/currency"),
        ("/currency", json!("rub"), "/currency"),
        ("/channel", json!(""), "/channel"),
        ("/store", json!("x".repeat(201)), "/store"),
        ("/vouchers", json!(["NEW-YEAR"]), "/vouchers/0"),
        ("/occurred_at", json!("2026-01-15T09:05:01Z"), "/occurred_at"),
        ("/occurred_at", json!("2026-01-15"), "/occurred_at"),
        ("/occurred_at", json!(1_768_467_600), "/occurred_at"),
        ("/total", json!("1010.00"), "/total"),
    ]
}

#[tokio::test]
async fn an_order_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let order = anna.order(goods());
    let mut cases: Vec<(Value, &str)> =
        wrong_goods().into_iter().map(|(pointer, value, named)| (with(&order, pointer, value), named)).collect();
    cases.extend([
        (without(&order, "/id"), "/id"),
        (without(&order, "/occurred_at"), "/occurred_at"),
        (without(&order, "/channel"), "/channel"),
        (without(&order, "/currency"), "/currency"),
        (without(&order, "/lines"), ""),
        (without(&order, "/lines/0/price"), "/lines/0"),
        (with(&order, "/id", json!("")), "/id"),
        (with(&order, "/id", json!("x".repeat(201))), "/id"),
        (with(&order, "/member", json!({})), "/member"),
        (with(&order, "/member", json!({"id": anna.id, "phone": "+7 900 000-00-01"})), "/member"),
        (with(&order, "/member", json!({"phone": "not a phone"})), "/member/phone"),
        (with(&order, "/member", json!({"name": "Anna"})), "/member/name"),
        (json!([]), ""),
        (json!("an order"), ""),
    ]);
    check(&shop, "/v1/orders", &cases).await;
    let mismatch = shop.post("/v1/orders", &with(&order, "/currency", json!("USD"))).await;
    mismatch.refused(422, "currency_mismatch");
    let unknown = with(&order, "/member", json!({"phone": "+7 999 999-99-99"}));
    shop.post("/v1/orders", &unknown).await.refused(404, "member_not_found");
    let unknown = with(&order, "/member", json!({"id": "mem_zzz"}));
    shop.post("/v1/orders", &unknown).await.refused(404, "member_not_found");
    anna.orders(&order).await.expect(201);
}

#[tokio::test]
async fn a_quote_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let quote = json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "1"});
    let inside = |pointer: &str| format!("/order{pointer}");
    let wrong = wrong_goods();
    let named: Vec<String> = wrong.iter().map(|(_, _, named)| inside(named)).collect();
    let mut cases: Vec<(Value, &str)> = wrong
        .iter()
        .zip(&named)
        .map(|((pointer, value, _), named)| (with(&quote, &inside(pointer), value.clone()), named.as_str()))
        .collect();
    cases.extend([
        (without(&quote, "/order"), ""),
        (with(&quote, "/points", json!("0")), "/points"),
        (with(&quote, "/points", json!("-5")), "/points"),
        (with(&quote, "/points", json!("all")), "/points"),
        (with(&quote, "/points", json!(1.5)), "/points"),
        (with(&quote, "/points", json!("0.001")), "/points"),
        (with(&quote, "/order/member", json!({"phone": "+7 900 000-00-01"})), "/order/member"),
    ]);
    check(&shop, "/v1/quotes", &cases).await;
    shop.post("/v1/quotes", &with(&quote, "/points", json!("1000.01"))).await.refused(409, "insufficient_points");
    shop.post("/v1/quotes", &with(&quote, "/member", json!({"card": "no such card"}))).await.refused(404, "member_not_found");
}

#[tokio::test]
async fn a_redemption_that_is_wrong_says_where() {
    let shop = Shop::open("gw-tools").await;
    let anna = member_with_1_000(&shop).await;
    let body = json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "1"});
    check(
        &shop,
        "/v1/redemptions",
        &[
            (without(&body, "/points"), ""),
            (without(&body, "/member"), ""),
            (without(&body, "/order"), ""),
            (with(&body, "/points", json!(0)), "/points"),
            (with(&body, "/points", json!("-1")), "/points"),
            (with(&body, "/points", json!("all")), "/points"),
            (with(&body, "/points", json!(0.5)), "/points"),
            (with(&body, "/points", json!("0.001")), "/points"),
            (with(&body, "/points", json!("202.01")), "/points"),
            (with(&body, "/member", json!({})), "/member"),
            (with(&body, "/member", json!(null)), "/member"),
            (with(&body, "/order/member", json!({"phone": "+7 900 000-00-02"})), "/order/member"),
            (with(&body, "/order/currency", json!("EUR")), "/order/currency"),
            (with(&body, "/order/lines/0/price", json!(1.5)), "/order/lines/0/price"),
            (with(&body, "/comment", json!("hello")), "/comment"),
        ],
    )
    .await;
    let limit = shop.post("/v1/redemptions", &with(&body, "/points", json!("202.01"))).await;
    assert_eq!(limit.refused(422, "redemption_limit_exceeded")["max_points"], "202.00");
    shop.post("/v1/redemptions", &with(&body, "/member", json!({"phone": "+7 999 999-99-99"})))
        .await
        .refused(404, "member_not_found");

    let hold = anna.holds("10", goods()).await;
    let capture = format!("/v1/redemptions/{hold}/capture");
    check(
        &shop,
        &capture,
        &[
            (json!({"points": "0"}), "/points"),
            (json!({"points": "-1"}), "/points"),
            (json!({"points": 1.5}), "/points"),
            (json!({"points": "0.001"}), "/points"),
            (json!({"order_id": ""}), "/order_id"),
            (json!({"order": "1"}), "/order"),
        ],
    )
    .await;
    check(&shop, &format!("/v1/redemptions/{hold}/release"), &[(json!({"reason": "none"}), ""), (json!([]), "")]).await;
    for unknown in ["red_1", "red_zz", "mem_1", "1", "%00", "..%2F.."] {
        for end in ["capture", "release"] {
            shop.post(&format!("/v1/redemptions/{unknown}/{end}"), &json!({})).await.refused(404, "redemption_not_found");
        }
        shop.get(&format!("/v1/redemptions/{unknown}")).await.refused(404, "redemption_not_found");
    }
}

#[tokio::test]
async fn an_enrolment_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    let body = json!({"phone": "+7 900 000-00-01", "channel": "site"});
    check(
        &shop,
        "/v1/members",
        &[
            (without(&body, "/phone"), ""),
            (without(&body, "/channel"), "/channel"),
            (with(&body, "/channel", json!("")), "/channel"),
            (with(&body, "/phone", json!("not a phone")), "/phone"),
            (with(&body, "/phone", json!("12")), "/phone"),
            (with(&body, "/phone", json!(79000000001_i64)), "/phone"),
            (with(&body, "/email", json!("anna")), "/email"),
            (with(&body, "/email", json!("an na@example.com")), "/email"),
            (with(&body, "/card", json!("-")), "/card"),
            (with(&body, "/card", json!("")), "/card"),
            (with(&body, "/telegram", json!("@")), "/telegram"),
            (with(&body, "/external_id", json!(" ")), "/external_id"),
            (with(&body, "/external_id", json!("x".repeat(201))), "/external_id"),
            (with(&body, "/first_name", json!("x".repeat(201))), "/first_name"),
            (with(&body, "/birthday", json!("28.02.1990")), "/birthday"),
            (with(&body, "/birthday", json!("1990-02-30")), "/birthday"),
            (with(&body, "/birthday", json!("2026-01-17")), "/birthday"),
            (with(&body, "/dates", json!([{"name": "", "date": "2020-01-01"}])), "/dates/0/name"),
            (with(&body, "/dates", json!([{"name": "wedding", "date": "soon"}])), "/dates/0/date"),
            (with(&body, "/consents", json!({"pigeon": true})), "/consents/pigeon"),
            (with(&body, "/consents", json!({"email": "yes"})), "/consents/email"),
            (with(&body, "/accepts", json!({"rules_version": 1.5})), "/accepts/rules_version"),
            (with(&body, "/points", json!("500")), "/points"),
        ],
    )
    .await;
    let taken = shop.enrol("+7 900 000-00-01").await;
    let refused = shop.post("/v1/members", &with(&body, "/email", json!("new@example.com"))).await.refused(409, "identity_taken");
    assert_eq!(refused["member_id"], taken.id.as_str());
}

#[tokio::test]
async fn an_adjustment_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let body = json!({"points": "10", "reason": "a gift"});
    let path = format!("/v1/members/{}/adjustments", anna.id);
    check(
        &shop,
        &path,
        &[
            (without(&body, "/points"), ""),
            (without(&body, "/reason"), ""),
            (with(&body, "/reason", json!("")), "/reason"),
            (with(&body, "/reason", json!("x".repeat(501))), "/reason"),
            (with(&body, "/points", json!(0)), "/points"),
            (with(&body, "/points", json!("0.001")), "/points"),
            (with(&body, "/points", json!(10.5)), "/points"),
            (with(&body, "/points", json!("max")), "/points"),
            (with(&body, "/points", json!("10000000000.01")), "/points"),
            (with(&body, "/expires_at", json!("2026-01-15T09:00:00Z")), "/expires_at"),
            (with(&body, "/expires_at", json!("2020-01-01T00:00:00Z")), "/expires_at"),
            (with(&body, "/expires_at", json!("2026-02-01")), "/expires_at"),
            (with(&body, "/activates_at", json!("soon")), "/activates_at"),
            (json!({"points": "-1", "reason": "a mistake", "expires_at": "2026-02-01T00:00:00Z"}), "/points"),
            (
                json!({"points": "1", "reason": "a gift", "activates_at": "2026-03-01T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"}),
                "/expires_at",
            ),
        ],
    )
    .await;
    shop.post(&path, &json!({"points": "-1000.01", "reason": "a mistake"})).await.refused(409, "insufficient_points");
    shop.post("/v1/members/mem_1/adjustments", &body).await.refused(404, "member_not_found");
}

#[tokio::test]
async fn a_return_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(goods()).await;
    let path = format!("/v1/orders/{}", order["order_id"].as_str().unwrap());
    let body = json!({"return_id": "r-1", "lines": [{"id": "1", "quantity": 1}]});
    check(
        &shop,
        &format!("{path}/returns"),
        &[
            (without(&body, "/return_id"), ""),
            (with(&body, "/return_id", json!("")), "/return_id"),
            (without(&body, "/lines"), "/lines"),
            (with(&body, "/lines", json!([])), "/lines"),
            (with(&body, "/all", json!(true)), "/lines"),
            (with(&body, "/lines/0/quantity", json!(0)), "/lines/0/quantity"),
            (with(&body, "/lines/0/quantity", json!(-1)), "/lines/0/quantity"),
            (with(&body, "/lines/0/quantity", json!(0.5)), "/lines/0/quantity"),
            (with(&body, "/lines/0/quantity", json!("0.0001")), "/lines/0/quantity"),
            (with(&body, "/lines/0/id", json!("3")), "/lines/0/id"),
            (with(&body, "/lines/0/price", json!("1")), "/lines/0/price"),
            (with(&body, "/occurred_at", json!("2026-01-15T09:05:01Z")), "/occurred_at"),
        ],
    )
    .await;
    check(&shop, &format!("{path}/cancellation"), &[(json!({"reason": "none"}), ""), (json!(null), "")]).await;
    for unknown in ["no-such-order", "%F0%9F%98%80", "%ff%fe", "%00", "a%2Fb", "'%20OR%201=1"] {
        shop.get(&format!("/v1/orders/{unknown}")).await.refused(404, "order_not_found");
        shop.post(&format!("/v1/orders/{unknown}/returns"), &body).await.refused(404, "order_not_found");
        shop.post(&format!("/v1/orders/{unknown}/cancellation"), &json!({})).await.refused(404, "order_not_found");
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_says_where() {
    let shop = Shop::open("fixed").await;
    check(
        &shop,
        "/v1/keys",
        &[
            (json!({}), ""),
            (json!({"scopes": []}), "/scopes"),
            (json!({"scopes": "staff"}), "/scopes"),
            (json!({"scopes": ["staff", "everything"]}), "/scopes/1"),
            (json!({"scopes": ["till"]}), "/store"),
            (json!({"scopes": ["till"], "store": ""}), "/store"),
            (json!({"scopes": ["staff"], "name": ""}), "/name"),
            (json!({"scopes": ["staff"], "secret": "mine"}), "/secret"),
            (json!({"scopes": ["staff"], "expires_at": "2026-01-15"}), "/expires_at"),
        ],
    )
    .await;
    for unknown in ["key_1", "key_zz", "1", "mem_1"] {
        shop.delete(&format!("/v1/keys/{unknown}")).await.refused(404, "key_not_found");
    }
}

#[tokio::test]
async fn a_program_that_is_wrong_says_everything_that_is_wrong() {
    let shop = Shop::open("gw-tools").await;
    let document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let wrong = |changes: &[(&str, Value)]| {
        changes.iter().fold(document.clone(), |body, (pointer, value)| with(&body, pointer, value.clone()))
    };
    let cases = [
        (
            wrong(&[
                ("/currency", json!("roubles")),
                ("/time_zone", json!("Moscow")),
                ("/points/scale", json!(5)),
                ("/earning/0/rate", json!(5.5)),
            ]),
            vec!["/currency", "/time_zone", "/points/scale", "/earning/0/rate"],
        ),
        (
            wrong(&[("/earning/0/type", json!("magic")), ("/redemption/max_share", json!("101")), ("/colour", json!("red"))]),
            vec!["/earning/0/type", "/redemption/max_share", "/colour"],
        ),
        (
            wrong(&[
                ("/enrolment/welcome/points", json!("-500")),
                ("/earning/0/id", json!("welcome")),
                ("/returns/clawback", json!("never")),
            ]),
            vec!["/enrolment/welcome/points", "/earning/0/id", "/returns/clawback"],
        ),
        (wrong(&[("/earning/0/activation", json!({"type": "days", "days": 100}))]), vec!["/earning/0/expiry"]),
        (without(&without(&document, "/name"), "/points"), vec!["/name", "/points"]),
        (json!([]), vec![""]),
    ];
    for (body, pointers) in cases {
        for path in ["/v1/program", "/v1/program?dry_run=true"] {
            let problem = shop.put(path, &body).await.refused(422, "program_invalid");
            let named: Vec<_> =
                problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
            for pointer in &pointers {
                assert!(named.contains(pointer), "{pointer:?} is to be named: {problem}");
            }
            assert!(
                problem["errors"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|error| error["detail"].as_str().is_some_and(|text| text.len() > 9))
            );
        }
    }
    for text in ["", "{", "no JSON", "{\"name\": 1}}", "\u{feff}{}"] {
        let answer = shop.send(Method::PUT, "/v1/program", Some(text.to_owned()), Some(&shop.new_key())).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{text:?}: {}", answer.text);
    }
    shop.put("/v1/program?dry_run=perhaps", &document).await.refused_at(422, "/dry_run");
    assert_eq!(shop.put("/v1/program?dry_run=true", &document).await.expect(200)["valid"], true);
    assert_eq!(shop.get("/v1/program").await.expect(200)["version"], 1, "nothing was published");
}

#[tokio::test]
async fn currency_and_scale_stand_from_the_first_points_on() {
    let shop = Shop::open("fixed").await;
    let document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let other = with(&with(&document, "/currency", json!("EUR")), "/points/scale", json!(0));
    shop.publish(&other).await.expect(200);
    shop.publish(&document).await.expect(200);
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1").await;
    for path in ["/v1/program", "/v1/program?dry_run=true"] {
        let problem = shop.put(path, &other).await.refused(422, "program_invalid");
        let errors: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| (&error["pointer"], &error["code"])).collect();
        assert_eq!(errors, [(&json!("/currency"), &json!("frozen")), (&json!("/points/scale"), &json!("frozen"))]);
    }
    assert_eq!(shop.get("/v1/program").await.expect(200)["version"], 3);
}

#[tokio::test]
async fn an_order_may_be_4_minutes_ahead_of_our_clock_and_not_6() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (occurred_at, status) in [
        ("2026-01-15T09:04:00Z", 201),
        ("2026-01-15T12:05:00+03:00", 201), // five minutes exactly, in Moscow's words
        ("2026-01-15T09:05:01Z", 422),
        ("2026-01-15T09:06:00Z", 422),
        ("2027-01-15T09:00:00Z", 422),
        ("2019-01-01T00:00:00Z", 201), // imports reach back
        ("1970-01-01T00:00:00Z", 201),
        ("1969-12-31T23:59:59Z", 422),
    ] {
        let mut order = anna.order(goods());
        order["occurred_at"] = occurred_at.into();
        let answer = anna.orders(&order).await;
        assert_eq!(answer.status, status, "{occurred_at}: {}", answer.text);
        if status == 422 {
            answer.refused_at(422, "/occurred_at");
        }
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn lists_have_their_bounds() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for list in [format!("/v1/members/{}/entries", anna.id), "/v1/program/versions".to_owned()] {
        for limit in ["0", "201", "-1", "many", "1.5", "", "99999999999999999999"] {
            shop.get(&format!("{list}?limit={limit}")).await.refused_at(422, "/limit");
        }
        for cursor in ["abc", "1.5", "%00", "99999999999999999999"] {
            shop.get(&format!("{list}?cursor={cursor}")).await.refused_at(422, "/cursor");
        }
        shop.get(&format!("{list}?limit=1")).await.expect(200);
        shop.get(&format!("{list}?limit=200")).await.expect(200);
    }
}

#[tokio::test]
async fn members_are_looked_up_by_one_reference() {
    let shop = Shop::open("fixed").await;
    let body = json!({"phone": "8 (900) 000-00-01", "email": "Anna@Example.com", "card": "12-34", "telegram": "@Anna", "external_id": "a/1", "channel": "site"});
    let anna = shop.post("/v1/members", &body).await.expect(201);
    assert_eq!(
        (&anna["phone"], &anna["email"], &anna["card"]),
        (&json!("+79000000001"), &json!("anna@example.com"), &json!("1234"))
    );
    for query in [
        "phone=%2B79000000001",
        "phone=+79000000001",
        "phone=89000000001",
        "email=ANNA@example.com",
        "card=1234",
        "telegram=anna",
        "external_id=a%2F1",
    ] {
        assert_eq!(shop.get(&format!("/v1/members?{query}")).await.expect(200)["id"], anna["id"], "{query}");
    }
    shop.get("/v1/members?phone=89000000001&card=1234").await.refused(422, "invalid_request");
    shop.get("/v1/members").await.refused(422, "invalid_request");
    shop.get("/v1/members?phone=12").await.refused_at(422, "/phone");
    shop.get("/v1/members?phone=89999999999").await.refused(404, "member_not_found");
    for unknown in ["mem_1", "mem_zz", "1", "red_1", "%ff"] {
        for call in ["", "/balance", "/entries"] {
            shop.get(&format!("/v1/members/{unknown}{call}")).await.refused(404, "member_not_found");
        }
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_say_so() {
    let shop = Shop::open("fixed").await;
    for path in [
        "/",
        "/v1",
        "/v2/orders",
        "/v1/nothing",
        "/v1/quotes/1",
        "/v1/audit/1",
        "/v1/orders/1/2/3",
        "/v1/jobs",
        "/v1/members/a/b/c",
        "//",
        "/%00",
        "/v1/%ff",
    ] {
        shop.get(path).await.refused(404, "not_found");
    }
    for (method, path) in [
        (Method::GET, "/v1/quotes"),
        (Method::GET, "/v1/orders"),
        (Method::PUT, "/v1/orders"),
        (Method::DELETE, "/v1/orders/1"),
        (Method::PATCH, "/v1/members/mem_1/balance"),
        (Method::POST, "/v1/members/mem_1"),
        (Method::POST, "/v1/program"),
        (Method::DELETE, "/v1/redemptions/red_1"),
        (Method::POST, "/v1/audit"),
        (Method::POST, "/v1/rebuild"),
        (Method::POST, "/healthz"),
        (Method::from_bytes(b"BREW").unwrap(), "/v1/orders"),
    ] {
        shop.send(method, path, None, Some("a-key")).await.refused(404, "not_found");
    }
    shop.send_with(None, Method::GET, "/healthz", None, None).await.expect(200);
    shop.send_with(None, Method::GET, "/openapi.json", None, None).await.expect(200);
    let schema = shop.send_with(None, Method::GET, "/program.schema.json", None, None).await.expect(200);
    assert_eq!(schema["title"], "Kopilka program");
}

#[tokio::test]
async fn a_shop_without_a_program_asks_for_one() {
    let shop = Shop::bare(BEGINNING).await;
    shop.post("/v1/members", &json!({"phone": "+7 900 000-00-01", "channel": "site"})).await.refused(409, "program_missing");
    shop.post("/v1/quotes", &json!({"order": cart(goods())})).await.refused(409, "program_missing");
    let order = json!({"id": "1", "occurred_at": BEGINNING, "channel": "site", "currency": "RUB", "lines": goods()});
    shop.post("/v1/orders", &order).await.refused(409, "program_missing");
    shop.get("/v1/members?phone=89000000001").await.refused(409, "program_missing");
    shop.get("/v1/program").await.refused(404, "program_not_found");
    assert_eq!(shop.get("/v1/program/versions").await.expect(200)["items"], json!([]));
    shop.audit_is_clean().await;
    shop.days_pass(1).await;
}

#[tokio::test]
async fn a_shop_without_tables_asks_to_come_again() {
    let shop = Shop::without_tables(BEGINNING).await;
    let order = json!({"id": "1", "occurred_at": BEGINNING, "channel": "site", "currency": "RUB", "lines": goods()});
    for answer in [
        shop.post("/v1/members", &json!({"phone": "+7 900 000-00-01", "channel": "site"})).await,
        shop.post("/v1/quotes", &json!({"order": cart(goods())})).await,
        shop.post("/v1/orders", &order).await,
        shop.post("/v1/redemptions/red_1/release", &json!({})).await,
        shop.get("/v1/members/mem_1").await,
        shop.get("/v1/program").await,
        shop.put("/v1/program", &json!({"name": "x"})).await,
        shop.post("/v1/keys", &json!({"scopes": ["staff"]})).await,
        shop.get("/v1/audit").await,
        shop.get("/v1/rebuild").await,
    ] {
        assert_eq!(answer.retry_after.as_deref(), Some("1"), "{}", answer.text);
        answer.refused(503, "store_unavailable");
    }
    shop.send_with(None, Method::GET, "/healthz", None, None).await.expect(200);
    shop.days_pass(1).await; // the hourly schedule does nothing, and does not fail
    assert_eq!(shop.run_job("migrate").await["processed"], 11);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let hold = anna.holds("1", goods()).await;
    let deep = "[".repeat(100_000);
    let counts = shop.counts().await;
    for path in [
        "/v1/members".to_owned(),
        format!("/v1/members/{}/adjustments", anna.id),
        "/v1/quotes".to_owned(),
        "/v1/orders".to_owned(),
        "/v1/orders/1/returns".to_owned(),
        "/v1/orders/1/cancellation".to_owned(),
        "/v1/redemptions".to_owned(),
        format!("/v1/redemptions/{hold}/capture"),
        format!("/v1/redemptions/{hold}/release"),
        "/v1/keys".to_owned(),
        "/v1/jobs/expire/runs".to_owned(),
    ] {
        for body in
            ["{", "no JSON", "{}{}", "{\"a\": NaN}", "\u{feff}{}", "{\"a\": \"\\ud800\"}", "{'a': 1}", "{} //", deep.as_str()]
        {
            let answer = shop.send(Method::POST, &path, Some(body.to_owned()), Some(&shop.new_key())).await;
            let short: String = body.chars().take(20).collect();
            assert!([400, 422].contains(&answer.status.as_u16()), "{path} {short}: {}", answer.text);
            assert_eq!(answer.content_type, "application/problem+json", "{path} {short}");
        }
        shop.send(Method::POST, &path, Some("no JSON".to_owned()), Some(&shop.new_key())).await.refused(400, "invalid_json");
    }
    assert_eq!(shop.counts().await, counts);
}

#[tokio::test]
async fn a_body_beyond_2_mebibytes_is_refused() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut order = anna.order(json!((0..1_000).map(|n| line(&n.to_string(), "33.33")).collect::<Vec<_>>()));
    for line in order["lines"].as_array_mut().unwrap() {
        line["name"] = "наименование ".repeat(38).into();
    }
    let padded = |bytes: usize| {
        let mut text = order.to_string();
        text.extend(std::iter::repeat_n(' ', bytes - text.len()));
        text
    };
    shop.send(Method::POST, "/v1/orders", Some(padded((2 << 20) + 1)), Some("large")).await.refused(413, "body_too_large");
    shop.send(Method::POST, "/v1/orders", Some("x".repeat(5 << 20)), Some("larger")).await.refused(413, "body_too_large");
    let whole = shop.send(Method::POST, "/v1/orders", Some(padded(2 << 20)), Some("large")).await.expect(201);
    assert_eq!(whole["earned"]["points"], "999.90", "an order of 1 000 long lines is none too large");
    let back = shop.takes_back(order["id"].as_str().unwrap(), "r-1", None).await.expect(201);
    assert_eq!(back["refund_money"], "33330.00");
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_no_client_would_send_are_refused() {
    let shop = Shop::open("fixed").await;
    let request = |line: &[u8], headers: &[u8], body: &[u8]| {
        let key = format!("authorization: Bearer {}\r\nhost: shop\r\nconnection: close\r\n", tests::ADMIN_KEY);
        let length = format!("content-length: {}\r\n\r\n", body.len());
        [line, b" HTTP/1.1\r\n", key.as_bytes(), headers, length.as_bytes(), body].concat()
    };
    for (line, headers, body) in [
        (&b"POST /v1/orders"[..], &b"idempotency-key: k\r\n"[..], &b"\xff\xfe\x00"[..]),
        (b"POST /v1/orders", b"idempotency-key: \xff\xfe\r\n", b"{}"),
        (b"POST /v1/orders", b"idempotency-key: a\r\nidempotency-key: b\r\n", b"\x80"),
        (b"PUT /v1/program", b"idempotency-key: k\r\n", b"{\"name\": \"\xc3\x28\"}"),
        (b"GET /v1/members/\xd1\x8f", b"", b""),
        (b"GET /v1/members/%", b"", b""),
        (b"GET /v1/members/%zz/balance", b"", b""),
        (b"GET /v1/members?phone=%ff%00", b"", b""),
        (b"GET /v1/members?%", b"", b""),
        (b"GET /v1/orders/%E0%A4%A", b"", b""),
        (b"GET /v1/orders/..%2f..%2f", b"", b""),
        (b"GET /v1/../v1/orders/x", b"", b""),
        (b"GET http://elsewhere/v1/orders/x", b"", b""),
        (b"OPTIONS *", b"", b""),
        (b"GET v1/orders", b"", b""),
        (b"GET /v1/orders/ x", b"", b""),
    ] {
        let (status, body) = shop.send_bytes(request(line, headers, body)).await;
        assert!((400..500).contains(&status), "{}: {status} {body}", String::from_utf8_lossy(line));
    }
    let (status, _) = shop.send_bytes(request(b"GET /healthz", b"", b"")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_is_accepted_is_kept_letter_by_letter() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for text in ["a\u{0}b", "\u{0}", "ж😀'\"\\/%2F?#", " \t ", "a\nb", "\u{202e}"] {
        let mut order = anna.order(json!([line(text, "1.00")]));
        for field in ["id", "channel", "store"] {
            order[field] = text.into();
        }
        assert_eq!(anna.orders(&order).await.expect(201)["order_id"], text);
        assert_eq!(anna.orders(&order).await.status, 201, "{text:?} is known when it comes again");
        let path: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let shown = shop.get(&format!("/v1/orders/{path}")).await.expect(200);
        for found in [&shown["id"], &shown["channel"], &shown["store"], &shown["lines"][0]["id"]] {
            assert_eq!(found, text, "{text:?}");
        }
        shop.post(&format!("/v1/orders/{path}/cancellation"), &json!({})).await.expect(201);
    }
    shop.audit_is_clean().await;
}

/// Everything that could stand in a field by mistake or malice, as JSON texts.
fn odd_values() -> Vec<String> {
    let texts = [
        "",
        " ",
        "max",
        "0",
        "-0",
        "-1",
        "1e9",
        "0x10",
        "1.",
        ".5",
        "1.000000000000000000000000000001",
        "9999999999",
        "99999999999999999999999999999999",
        "10000000000",
        "NaN",
        "Infinity",
        "٣",
        "1\u{0}2",
        "\u{0}",
        "\u{7f}",
        "\u{202e}abc",
        "'; DROP TABLE entry; --",
        "$.plan",
        "{\"id\":1}",
        "2026-13-45T99:99:99Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-01-15T09:00:00.999999999Z",
        "+7 900 000-00-01",
        "mem_7fffffffffffffff",
        "red_7fffffffffffffff",
    ];
    let others = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e400",
        "-1e400",
        "1E5",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "{\"\":1}",
        "{\"a\":1,\"a\":2}",
    ];
    let long = "ж".repeat(100_000);
    let texts = texts.iter().copied().chain([long.as_str()]).map(|text| json!(text).to_string());
    texts.chain(others.iter().map(|text| (*text).to_owned())).collect()
}

/// JSON pointers of everything in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// Puts every odd value into every field of a body: whatever comes is an answer, and none of the server's fault.
async fn check_oddities(shop: &Shop, method: Method, path: &str, body: &Value) {
    let mut places = Vec::new();
    pointers(body, "", &mut places);
    for place in places.iter().filter(|place| !place.is_empty()) {
        for odd in odd_values() {
            // a mark that is then replaced, because not every JSON text is a value
            let mut marked = with(body, place, json!("the place"));
            if marked.get("id").is_some_and(|id| id.is_string() && place != "/id") {
                marked["id"] = format!("order-{}", shop.number()).into();
            }
            let text = marked.to_string().replace("\"the place\"", &odd);
            let answer = shop.send(method.clone(), path, Some(text), Some(&shop.new_key())).await;
            let short: String = odd.chars().take(40).collect();
            assert!(answer.status.as_u16() < 500, "{path} with {short} at {place}: {}", answer.text);
            if !answer.status.is_success() {
                assert_eq!(answer.content_type, "application/problem+json", "{path} with {short} at {place}");
            }
        }
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn no_odd_value_in_an_order_is_a_failure_of_the_server() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let mut order = anna.order(json!([{
        "id": "1", "sku": "sku", "name": "a drill", "category": "tools", "brand": "b", "labels": ["new"], "quantity": "2", "price": "50.00",
        "discount": "1", "cost": "20", "tax": "10", "promo": false,
    }]));
    order["store"] = "moscow".into();
    order["delivery"] = json!({"cost": "300"});
    order["device"] = "browser".into();
    check_oddities(&shop, Method::POST, "/v1/orders", &order).await;
}

#[tokio::test]
async fn no_odd_value_in_a_quote_or_a_redemption_is_a_failure_of_the_server() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let body = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "10.00")])), "points": "0.01"});
    check_oddities(&shop, Method::POST, "/v1/quotes", &body).await;
    check_oddities(&shop, Method::POST, "/v1/redemptions", &body).await;
    for _ in 0..2 {
        let hold = anna.holds("0.01", json!([line("1", "10.00")])).await;
        let capture = format!("/v1/redemptions/{hold}/capture");
        check_oddities(&shop, Method::POST, &capture, &json!({"points": "0.01", "order_id": "1"})).await;
    }
}

#[tokio::test]
async fn no_odd_value_in_a_member_or_an_adjustment_is_a_failure_of_the_server() {
    let shop = Shop::open("gw-tools").await;
    let anna = member_with_1_000(&shop).await;
    let adjustment =
        json!({"points": "1", "reason": "a gift", "activates_at": "2026-02-01T00:00:00Z", "expires_at": "2026-03-01T00:00:00Z"});
    check_oddities(&shop, Method::POST, &format!("/v1/members/{}/adjustments", anna.id), &adjustment).await;
    let member = json!({
        "phone": "+7 900 000-00-02", "email": "a@example.com", "card": "1", "telegram": "t", "external_id": "e", "first_name": "A",
        "last_name": "P", "birthday": "1990-02-28", "dates": [{"name": "n", "date": "2000-01-01"}], "channel": "site",
        "referral_code": "C", "accepts": {"rules_version": 1}, "consents": {"email": true}, "attributes": {"a": [1]},
    });
    check_oddities(&shop, Method::POST, "/v1/members", &member).await;
}

#[tokio::test]
async fn no_odd_value_in_a_return_a_key_or_a_job_is_a_failure_of_the_server() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_1_000(&shop).await;
    let order = anna.buys(json!([tests::pieces("1", "10.00", 1_000)])).await;
    let path = format!("/v1/orders/{}/returns", order["order_id"].as_str().unwrap());
    let body = json!({"return_id": "r", "occurred_at": BEGINNING, "lines": [{"id": "1", "quantity": "0.001"}]});
    check_oddities(&shop, Method::POST, &path, &body).await;
    check_oddities(&shop, Method::POST, "/v1/keys", &json!({"name": "n", "scopes": ["till"], "store": "moscow"})).await;
    check_oddities(&shop, Method::POST, "/v1/jobs/expire/runs", &json!({"at": BEGINNING})).await;
}

#[tokio::test]
async fn no_odd_value_in_a_program_is_a_failure_of_the_server() {
    let shop = Shop::open("fixed").await;
    for preset in ["gw-tools", "segmented", "estilo-calendar"] {
        let document = shop.get(&format!("/v1/program/presets/{preset}")).await.expect(200)["document"].clone();
        check_oddities(&shop, Method::PUT, "/v1/program?dry_run=true", &document).await;
    }
}
