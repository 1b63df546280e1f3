//! Friends whom members bring: both sides are paid, wait for the time for returns, and lose it when the goods come back.

use serde_json::{Value, json};
use tests::{Member, Shop, line};

/// Both sides are paid with the friend's first purchase of 1 000, for two friends of a member in all.
fn program(paid_on: &str) -> Value {
    let mut referral = json!({
        "paid_on": paid_on,
        "referrer": {"id": "brought", "points": "500", "activation": {"type": "days", "days": 14}},
        "referee": {"id": "invited", "points": "300", "activation": {"type": "days", "days": 14}},
        "limits": {"per_referrer": 2}
    });
    if paid_on == "first_purchase" {
        referral["order_min"] = json!("1000");
    }
    json!({
        "name": "Friends", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "referral": referral
    })
}

async fn joins(shop: &Shop, phone: &str, more: Value) -> Value {
    let mut body = json!({"phone": phone, "channel": "site"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    shop.post("/v1/members", &body).await.expect(201)
}

async fn buys(shop: &Shop, member: &Value, id: &str, price: &str, device: Option<&str>) -> Value {
    let order = json!({
        "id": id, "member": {"id": member["id"]}, "occurred_at": shop.now(), "channel": "site", "currency": "RUB",
        "lines": [line("1", price)], "device": device,
    });
    shop.post("/v1/orders", &order).await.expect(201)
}

async fn pending(shop: &Shop, member: &Value) -> String {
    let balance = shop.get(&format!("/v1/members/{}/balance", member["id"].as_str().unwrap())).await.expect(200);
    balance["pending"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_sides_wait_for_the_time_for_returns_and_lose_it_with_the_goods() {
    let shop = Shop::with_program(&program("first_purchase")).await;
    let anna = joins(&shop, "+79000000001", json!({})).await;
    let boris = joins(&shop, "+79000000002", json!({"referral_code": anna["referral_code"]})).await;
    assert_eq!(boris["referral"]["outcome"], "waiting", "{boris}");
    assert_eq!(boris["referral"]["accepted"], true);
    let small = buys(&shop, &boris, "small", "999.99", None).await;
    assert_eq!(small.get("referral"), None);
    let order = buys(&shop, &boris, "B", "1000.00", None).await;
    assert_eq!(order["referral"]["outcome"], "paid", "{order}");
    assert_eq!((pending(&shop, &anna).await, pending(&shop, &boris).await), ("500.00".to_owned(), "300.00".to_owned()));
    let entries = shop.get(&format!("/v1/members/{}/entries", anna["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(entries["items"][0]["kind"], "earn");
    assert_eq!(entries["items"][0]["explanation"][0]["reason"], "500.00 points for a friend whom you brought");
    shop.audit_is_clean().await;

    let back = shop.takes_back("B", "R", None).await.expect(201);
    assert_eq!(back["referral"]["outcome"], "taken_back", "{back}");
    assert_eq!((pending(&shop, &anna).await, pending(&shop, &boris).await), ("0.00".to_owned(), "0.00".to_owned()));
    let brought = shop.get(&format!("/v1/members/{}/referrals", anna["id"].as_str().unwrap())).await.expect(200);
    let told = &brought["items"][0];
    assert_eq!((&told["referee"], &told["outcome"], &told["reason"]), (&boris["id"], &json!("taken_back"), &json!("returned")));
    assert!(!brought.to_string().contains("\"B\""), "a friend's order is the friend's own");
    let steps: Vec<&Value> = told["steps"].as_array().unwrap().iter().map(|step| &step["outcome"]).collect();
    assert_eq!(steps, ["waiting", "paid", "taken_back"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn whoever_is_refused_is_a_member_all_the_same_and_is_told_why() {
    let shop = Shop::with_program(&program("registration")).await;
    let anna = joins(
        &shop,
        "+79000000001",
        json!({"device": "anna's phone", "first_name": "Anna", "last_name": "Petrova", "birthday": "1990-02-28"}),
    )
    .await;
    let code = &anna["referral_code"];
    let told = |member: Value| {
        let referral = &member["referral"];
        (referral["accepted"].as_bool().unwrap(), referral["code"].as_str().unwrap().to_owned())
    };
    let refused = |code: &str| (false, code.to_owned());
    let unknown = joins(&shop, "+79000000002", json!({"referral_code": "NOBODYS"})).await;
    assert_eq!(told(unknown), refused("unknown_code"));
    let same_device = json!({"referral_code": code, "device": "anna's phone"});
    assert_eq!(told(joins(&shop, "+79000000003", same_device).await), refused("refused"));
    let alike = json!({"referral_code": code, "first_name": "ANNA", "last_name": "petrova", "birthday": "1990-02-28"});
    assert_eq!(told(joins(&shop, "+79000000004", alike).await), refused("refused"));
    // why is the staff's to know: the answer would say who is a member
    let path = format!("/v1/members/{}/referrals", anna["id"].as_str().unwrap());
    let staff = shop.key(&["staff"], None).await.secret;
    let storefront = shop.key(&["storefront"], None).await.secret;
    for (key, reason) in [(&staff, "self_referral"), (&storefront, "refused")] {
        let brought = shop.get_with(key, &path).await.expect(200);
        assert_eq!(brought["items"][0]["reason"], reason);
        assert_eq!(brought["items"][0]["steps"][0]["reason"], reason);
    }
    for (phone, outcome) in [("5", (true, "referral_paid")), ("6", (true, "referral_paid")), ("7", (false, "limit_reached"))] {
        let friend = joins(&shop, &format!("+7900000000{phone}"), json!({"referral_code": code})).await;
        assert_eq!(told(friend), (outcome.0, outcome.1.to_owned()), "{phone}");
    }
    assert_eq!(pending(&shop, &anna).await, "1000.00", "for two friends");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_answer_to_a_repeat_is_the_same_and_nobody_is_paid_twice() {
    let shop = Shop::with_program(&program("registration")).await;
    let anna = joins(&shop, "+79000000001", json!({})).await;
    let body = json!({"phone": "+79000000002", "channel": "site", "referral_code": anna["referral_code"]});
    let first = shop.post_as("the-key", "/v1/members", &body).await.expect(201);
    assert_eq!(shop.post_as("the-key", "/v1/members", &body).await.expect(201), first);
    assert_eq!(pending(&shop, &anna).await, "500.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_merge_that_shows_one_person_takes_back_what_was_paid_for_bringing_oneself() {
    let shop = Shop::with_program(&program("registration")).await;
    let anna = joins(&shop, "+79000000001", json!({})).await;
    let again = joins(&shop, "+79000000002", json!({"referral_code": anna["referral_code"]})).await;
    assert_eq!(pending(&shop, &anna).await, "500.00");
    let merge = json!({"from": {"id": again["id"]}});
    shop.post(&format!("/v1/members/{}/merges", anna["id"].as_str().unwrap()), &merge).await.expect(201);
    assert_eq!(pending(&shop, &anna).await, "0.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_friend_who_is_to_confirm_who_they_are_is_paid_for_with_the_right_code() {
    let mut program = program("registration");
    program["enrolment"] = json!({"confirmation": {"welcome": "at_once"}});
    let shop = Shop::with_program(&program).await;
    let anna = joins(&shop, "+79000000001", json!({})).await;
    let boris = joins(&shop, "+79000000002", json!({"referral_code": anna["referral_code"]})).await;
    assert_eq!(boris["referral"]["code"], "waits_for_confirmation", "{boris}");
    let order = buys(&shop, &boris, "B", "1000.00", None).await;
    assert_eq!(order.get("referral"), None, "not by buying either");
    assert_eq!(pending(&shop, &anna).await, "0.00");
    let id = boris["id"].as_str().unwrap();
    let code = crate::joining::code_of(&shop, &Member::of(&shop, id));
    let confirmed = shop.post(&format!("/v1/members/{id}/confirmation"), &json!({"code": code})).await.expect(200);
    assert_eq!(confirmed["referral"]["outcome"], "paid", "{confirmed}");
    assert_eq!((pending(&shop, &anna).await, pending(&shop, &boris).await), ("500.00".to_owned(), "300.00".to_owned()));
    shop.audit_is_clean().await;
}
