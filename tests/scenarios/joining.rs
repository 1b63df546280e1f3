//! Joining where the program asks for a code, and rules that must be accepted before points are spent.

use serde_json::{Value, json};
use tests::{Answer, Member, Shop, cart, line, unseal};

/// gw-tools with a block in its enrolment.
async fn shop_that_asks(name: &str, block: Value) -> Shop {
    let shop = Shop::bare(tests::BEGINNING).await;
    let mut document = shop.get("/v1/program/presets/gw-tools").await.expect(200)["document"].clone();
    document["enrolment"][name] = block;
    shop.publish(&document).await.expect(200);
    shop
}

async fn joins<'a>(shop: &'a Shop, phone: &str) -> Member<'a> {
    let member = shop.post("/v1/members", &json!({"phone": phone, "channel": "till"})).await.expect(201);
    assert_eq!(member["status"], "not_confirmed");
    Member::of(shop, member["id"].as_str().unwrap())
}

/// The code that the member was sent last, opened as the delivery will.
pub fn code_of(shop: &Shop, member: &Member<'_>) -> String {
    let id = i64::from_str_radix(member.id.trim_start_matches("mem_"), 16).expect("an id");
    let message = format!("FROM outbox WHERE kind = 'member.code' AND member_id = {id} ORDER BY id DESC LIMIT 1");
    unseal(tests::PEOPLE_KEY, id, &shop.text_in("default", &format!("SELECT payload ->> 'code' {message}")))
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + 1) % 1_000_000)
}

async fn tells(shop: &Shop, member: &Member<'_>, code: &str) -> Answer {
    shop.post(&format!("/v1/members/{}/confirmation", member.id), &json!({"code": code})).await
}

fn redemption(member: &Member<'_>) -> Value {
    json!({"member": {"id": member.id}, "order": cart(json!([line("1", "1000.00")])), "points": "100"})
}

#[tokio::test]
async fn the_welcome_waits_for_the_right_code_where_the_program_says_so() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "after"})).await;
    let anna = joins(&shop, "+79000000001").await;
    anna.has(json!({"available": "0.00", "lifetime_earned": "0.00"})).await;
    let code = code_of(&shop, &anna);
    let confirmed = tells(&shop, &anna, &code).await.expect(200);
    assert_eq!((&confirmed["status"], &confirmed["balance"]["available"]), (&json!("active"), &json!("500.00")));
    assert_eq!(confirmed["explanation"][0]["rule_id"], "welcome");
    assert_eq!(shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["status"], "active");
    tells(&shop, &anna, &code).await.refused(409, "already_confirmed");
    anna.has(json!({"available": "500.00", "lifetime_earned": "500.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn whoever_is_not_confirmed_earns_and_cannot_spend() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "at_once"})).await;
    let anna = joins(&shop, "+79000000001").await;
    anna.has(json!({"available": "500.00"})).await;
    let boris = joins(&shop, "+79000000002").await;
    anna.buys(json!([line("1", "5000.00")])).await;
    let gift = json!({"to": {"id": boris.id}, "points": "1"});
    let calls = [("/v1/redemptions".to_owned(), redemption(&anna)), (format!("/v1/members/{}/transfers", anna.id), gift)];
    for (path, body) in &calls {
        shop.post(path, body).await.refused(409, "member_not_confirmed");
    }
    tells(&shop, &anna, &code_of(&shop, &anna)).await.expect(200);
    for (path, body) in &calls {
        shop.post(path, body).await.expect(201);
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_wrong_code_is_counted_once_and_the_third_one_ends_it() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "after"})).await;
    let anna = joins(&shop, "+79000000001").await;
    let wrong = json!({"code": another(&code_of(&shop, &anna))});
    let path = format!("/v1/members/{}/confirmation", anna.id);
    let first = shop.post_as("one", &path, &wrong).await;
    let again = shop.post_as("one", &path, &wrong).await;
    assert_eq!((again.replayed, &again.text), (true, &first.text));
    assert_eq!(first.refused(422, "wrong_code")["attempts_left"], 2);
    for left in [1, 0] {
        assert_eq!(shop.post(&path, &wrong).await.refused(422, "wrong_code")["attempts_left"], left);
    }
    tells(&shop, &anna, &code_of(&shop, &anna)).await.refused(409, "code_expired");
    for no_code in ["12345", "abcdef", ""] {
        tells(&shop, &anna, no_code).await.refused_at(422, "/code");
    }
    let codes = format!("/v1/members/{}/codes", anna.id);
    let soon = shop.post(&codes, &json!({})).await;
    assert_eq!((soon.status.as_u16(), soon.retry_after.as_deref()), (429, Some("60")));
    shop.minutes_pass(1).await;
    shop.post(&codes, &json!({})).await.expect(201);
    tells(&shop, &anna, &code_of(&shop, &anna)).await.expect(200);
    shop.post(&codes, &json!({})).await.refused(409, "already_confirmed");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_is_good_for_a_quarter_of_an_hour() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "after"})).await;
    let anna = joins(&shop, "+79000000001").await;
    let code = code_of(&shop, &anna);
    shop.minutes_pass(15).await;
    tells(&shop, &anna, &code).await.refused(409, "code_expired");
}

#[tokio::test]
async fn where_nobody_is_asked_a_new_member_is_active_and_needs_no_code() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    assert_eq!(shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["status"], "active");
    tells(&shop, &anna, "123456").await.refused(409, "already_confirmed");
}

#[tokio::test]
async fn a_new_version_of_the_rules_is_to_be_accepted_before_points_are_spent() {
    let shop = shop_that_asks("accepted_rules", json!({"version": "2026-02", "before": "spending"})).await;
    let body = json!({"phone": "+79000000001", "channel": "site", "accepts": {"rules_version": "2026-01"}});
    let anna = Member::of(&shop, shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap());
    anna.buys(json!([line("1", "5000.00")])).await;
    let refused = shop.post("/v1/redemptions", &redemption(&anna)).await.refused(409, "acceptance_required");
    assert_eq!(refused["rules_version"], "2026-02");
    shop.post(&format!("/v1/members/{}/acceptances", anna.id), &json!({"rules_version": "2026-02"})).await.expect(201);
    shop.post("/v1/redemptions", &redemption(&anna)).await.expect(201);
}

#[tokio::test]
async fn a_code_confirms_no_phone_that_it_was_not_sent_to() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "after"})).await;
    let anna = joins(&shop, "+79000000001").await;
    let code = code_of(&shop, &anna);
    shop.patch(&format!("/v1/members/{}", anna.id), &json!({"phone": "+79000000009"})).await.expect(200);
    tells(&shop, &anna, &code).await.refused(409, "code_expired");
}

#[tokio::test]
async fn whoever_can_be_sent_no_code_is_told_so_on_joining() {
    let shop = shop_that_asks("confirmation", json!({"welcome": "after"})).await;
    shop.post("/v1/members", &json!({"card": "4711", "channel": "till"})).await.refused(422, "invalid_request");
    shop.post("/v1/members", &json!({"card": "4711", "email": "anna@example.com", "channel": "till"})).await.expect(201);
}
