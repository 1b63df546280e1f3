//! The one-time code of a redemption above the program's amount: sent to the member, good for five minutes and three tries.

use serde_json::{Value, json};
use tests::{Answer, Member, Shop, line};

/// A program that asks for a code above 100 points, and a member with 1 000.
async fn shop() -> Shop {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["confirmation_above"] = "100".into();
    shop.publish(&document).await.expect(200);
    shop
}

async fn rich(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    anna
}

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

async fn sends(shop: &Shop, redemption: &str, code: &str) -> Answer {
    shop.post(&format!("/v1/redemptions/{redemption}/confirmation"), &json!({"code": code})).await
}

/// Six digits that are not the code.
fn wrong(code: &str, n: u32) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + n) % 1_000_000)
}

#[tokio::test]
async fn up_to_the_amount_no_code_is_asked_for() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    assert_eq!(anna.redeems("100", goods()).await.expect(201)["status"], "held");
    assert_eq!(anna.quote(goods()).await["redemption"]["confirmation_required"], false);
    let body = json!({"member": {"id": anna.id}, "order": tests::cart(goods()), "points": "100.01"});
    assert_eq!(shop.post("/v1/quotes", &body).await.expect(200)["redemption"]["confirmation_required"], true);
}

#[tokio::test]
async fn the_right_code_makes_a_hold_that_pays_the_order() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    let waits = anna.redeems("300", goods()).await.expect(201);
    assert_eq!((&waits["status"], &waits["hold_expires_at"]), (&json!("awaiting_confirmation"), &json!("2026-01-15T09:05:00Z")));
    anna.has(json!({"available": "700.00", "held": "300.00"})).await;
    let id = waits["id"].as_str().expect("an id").to_owned();
    // nothing is paid before it
    shop.post(&format!("/v1/redemptions/{id}/capture"), &json!({})).await.refused(409, "confirmation_required");
    let mut order = anna.order(goods());
    order["redemption_id"] = id.as_str().into();
    anna.orders(&order).await.refused(409, "confirmation_required");

    let code = shop.code_of(&id);
    let confirmed = sends(&shop, &id, &code).await.expect(200);
    assert_eq!((&confirmed["status"], &confirmed["hold_expires_at"]), (&json!("held"), &json!("2026-01-15T09:30:00Z")));
    // once more under another key changes nothing
    assert_eq!(sends(&shop, &id, &code).await.expect(200)["status"], "held");
    assert_eq!(anna.orders(&order).await.expect(201)["redeemed"], "300.00");
    sends(&shop, &id, &code).await.refused(409, "redemption_closed");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_wrong_code_is_counted_once_under_its_key_and_the_third_gives_the_points_back() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    let id = anna.holds("300", goods()).await;
    let code = shop.code_of(&id);
    let path = format!("/v1/redemptions/{id}/confirmation");
    let first = shop.post_as("try-1", &path, &json!({"code": wrong(&code, 1)})).await;
    let again = shop.post_as("try-1", &path, &json!({"code": wrong(&code, 1)})).await;
    assert!(!first.replayed && again.replayed && first.text == again.text, "one try: {} {}", first.text, again.text);
    assert_eq!(again.content_type, "application/problem+json");
    assert_eq!(first.refused(422, "wrong_code")["attempts_left"], 2);
    // what can be no code is no try
    sends(&shop, &id, "12345").await.refused(422, "invalid_request");
    assert_eq!(sends(&shop, &id, &wrong(&code, 2)).await.refused(422, "wrong_code")["attempts_left"], 1);
    anna.has(json!({"available": "700.00", "held": "300.00"})).await;
    let third = sends(&shop, &id, &wrong(&code, 3)).await.refused(422, "wrong_code");
    assert_eq!((&third["attempts_left"], &third["redemption_status"]), (&json!(0), &json!("released")));
    anna.has(json!({"available": "1000.00", "held": "0.00"})).await;
    sends(&shop, &id, &code).await.refused(409, "redemption_closed");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    let (in_time, late) = (anna.holds("300", goods()).await, anna.holds("300", goods()).await);
    let (code, late_code) = (shop.code_of(&in_time), shop.code_of(&late));
    shop.at("2026-01-15T09:04:59Z").await;
    sends(&shop, &in_time, &code).await.expect(200);
    shop.at("2026-01-15T09:05:00Z").await;
    sends(&shop, &late, &late_code).await.refused(409, "hold_expired");
    // whatever is asked of it, before the job came as after it
    shop.post(&format!("/v1/redemptions/{late}/capture"), &json!({})).await.refused(409, "hold_expired");
    let mut order = anna.order(goods());
    order["redemption_id"] = late.as_str().into();
    anna.orders(&order).await.refused(409, "hold_expired");
    anna.has(json!({"available": "700.00", "held": "300.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn of_three_wrong_codes_and_a_right_one_at_once_either_the_right_one_counts_or_the_redemption_ends() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    let id = anna.holds("300", goods()).await;
    let code = shop.code_of(&id);
    let codes = [wrong(&code, 1), wrong(&code, 2), code.clone(), wrong(&code, 3)];
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| sends(&shop, &id, &codes[n]));
    let answers = tokio::join!(a, b, c, d);
    let confirmed = answers.2.status.as_u16() == 200;
    let status = shop.get(&format!("/v1/redemptions/{id}")).await.expect(200)["status"].clone();
    assert_eq!(status, if confirmed { "held" } else { "released" });
    anna.has(json!({"held": if confirmed { "300.00" } else { "0.00" }})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_code_is_nowhere_in_the_clear() {
    let shop = shop().await;
    let anna = rich(&shop).await;
    let waits = anna.redeems("300", goods()).await.expect(201);
    let code = shop.code_of(waits["id"].as_str().expect("an id"));
    assert_eq!(code.len(), 6);
    let bytes = shop.bytes_of("default");
    let quoted = format!("\"{code}\"");
    assert!(!bytes.windows(quoted.len()).any(|window| window == quoted.as_bytes()), "as a JSON text");
    assert!(!waits.to_string().contains(&code), "in the answer");
}
