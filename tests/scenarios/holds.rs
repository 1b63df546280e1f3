//! Holds: points set aside for an order, until they are captured, released, or their 30 minutes are over.

use serde_json::{Value, json};
use tests::{Member, Shop, line, promo};

/// A member with 100 points.
async fn member_with_100(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    anna
}

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

async fn status(shop: &Shop, hold: &str) -> Value {
    shop.get(&format!("/v1/redemptions/{hold}")).await.expect(200)["status"].clone()
}

#[tokio::test]
async fn held_points_are_not_available() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let held = anna.redeems("60", goods()).await.expect(201);
    assert_eq!((&held["status"], &held["money"], &held["payable"]), (&json!("held"), &json!("60.00"), &json!("940.00")));
    assert_eq!(held["hold_expires_at"], "2026-01-15T09:30:00Z");
    assert_eq!(held["lines"], json!([{"line_id": "1", "points": "60.00", "money": "60.00"}]));
    anna.has(json!({"available": "40.00", "held": "60.00"})).await;
    assert_eq!(anna.quote(goods()).await["redemption"]["max_points"], "40.00");
    let refused = anna.redeems("40.01", goods()).await.refused(409, "insufficient_points");
    assert_eq!(refused["available"], "40.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_hold_is_good_for_30_minutes_and_not_a_second_longer() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let (first, second) = (anna.holds("50", goods()).await, anna.holds("50", goods()).await);
    shop.at("2026-01-15T09:29:59Z").await;
    let captured = shop.post(&format!("/v1/redemptions/{first}/capture"), &json!({})).await.expect(200);
    assert_eq!((&captured["status"], &captured["captured"]), (&json!("captured"), &json!("50.00")));
    shop.at("2026-01-15T09:30:00Z").await; // the job comes at ten
    let refused = shop.post(&format!("/v1/redemptions/{second}/capture"), &json!({})).await.refused(409, "hold_expired");
    assert_eq!(refused["hold_expires_at"], "2026-01-15T09:30:00Z");
    let mut order = anna.order(goods());
    order["redemption_id"] = second.as_str().into();
    anna.orders(&order).await.refused(409, "hold_expired");
    assert_eq!(status(&shop, &second).await, "expired", "whether the job came or not");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_of_an_overdue_hold_can_be_spent_before_the_job_comes() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let overdue = anna.holds("100", goods()).await;
    shop.minutes_pass(30).await;
    anna.has(json!({"available": "100.00", "held": "0.00"})).await;
    assert_eq!(anna.quote(goods()).await["redemption"]["max_points"], "100.00");
    let fresh = anna.holds("100", goods()).await;
    anna.has(json!({"available": "0.00", "held": "100.00"})).await;
    shop.audit_is_clean().await;
    for end in ["release", "capture"] {
        shop.post(&format!("/v1/redemptions/{overdue}/{end}"), &json!({})).await.refused(409, "hold_expired");
    }
    shop.post(&format!("/v1/redemptions/{fresh}/capture"), &json!({})).await.expect(200);
    anna.has(json!({"available": "0.00", "held": "0.00", "lifetime_redeemed": "100.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_hourly_job_gives_the_points_of_overdue_holds_back() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let hold = anna.holds("100", goods()).await;
    shop.at("2026-01-15T10:00:00Z").await;
    anna.has(json!({"available": "100.00", "held": "0.00"})).await;
    let entries = anna.entries().await;
    assert_eq!((&entries[0]["kind"], &entries[0]["points"]), (&json!("release"), &json!("100.00")));
    assert_eq!(entries[0]["redemption_id"], hold.as_str());
    let reason = &entries[0]["explanation"][0];
    assert_eq!(
        (&reason["code"], &reason["reason"]),
        (&json!("hold_expired"), &json!("The hold was not used by 2026-01-15T09:30:00Z"))
    );
    shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.refused(409, "hold_expired");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_released_hold_gives_its_points_back_to_their_lots() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    anna.is_given_until("25.5", "2026-02-01T00:00:00Z").await;
    let before = anna.books().await;
    let hold = anna.holds("70", goods()).await;
    anna.has(json!({"expiring": []})).await; // what ends first is held first
    let released = shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
    assert_eq!((&released["status"], &released["captured"]), (&json!("released"), &json!("0.00")));
    assert_eq!(anna.books().await, before);
    for end in ["release", "capture"] {
        let refused = shop.post(&format!("/v1/redemptions/{hold}/{end}"), &json!({})).await.refused(409, "redemption_closed");
        assert_eq!(refused["redemption_status"], "released");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_part_of_a_hold_can_be_captured_and_the_rest_goes_back() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let hold = anna.holds("80", goods()).await;
    shop.post(&format!("/v1/redemptions/{hold}/capture"), &json!({"points": "80.01"})).await.refused(409, "insufficient_points");
    let captured = shop.post(&format!("/v1/redemptions/{hold}/capture"), &json!({"points": "30.5"})).await.expect(200);
    assert_eq!((&captured["captured"], &captured["captured_money"]), (&json!("30.50"), &json!("30.50")));
    anna.has(json!({"available": "69.50", "held": "0.00", "lifetime_redeemed": "30.50"})).await;
    let kinds: Vec<_> = anna.entries().await.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["release", "capture", "hold", "adjust"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_captures_its_redemption() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let hold = anna.holds("100", goods()).await;
    let mut order = anna.order(goods());
    order["redemption_id"] = hold.as_str().into();
    let recorded = anna.orders(&order).await.expect(201);
    assert_eq!((&recorded["redeemed"], &recorded["payable"]), (&json!("100.00"), &json!("900.00")));
    let shown = shop.get(&format!("/v1/redemptions/{hold}")).await.expect(200);
    assert_eq!((&shown["status"], &shown["order_id"], &shown["captured"]), (&json!("captured"), &order["id"], &json!("100.00")));
    let shown = shop.get(&format!("/v1/orders/{}", order["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&shown["redemption_id"], &shown["redeemed_money"]), (&json!(hold), &json!("100.00")));
    let kinds: Vec<_> = shown["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["capture", "earn"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_hold_that_was_captured_first_pays_the_order_that_comes_later() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let mut order = anna.order(goods());
    let hold = anna.holds("100", goods()).await;
    shop.post(&format!("/v1/redemptions/{hold}/capture"), &json!({"order_id": order["id"]})).await.expect(200);
    order["redemption_id"] = hold.as_str().into();
    let mut other = order.clone();
    other["id"] = "another order".into();
    anna.orders(&other).await.refused(409, "redemption_closed");
    shop.days_pass(1).await; // however late
    assert_eq!(anna.orders(&order).await.expect(201)["redeemed"], "100.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_is_paid_only_with_an_open_redemption_of_its_own_member() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_100(&shop).await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let hold = anna.holds("100", goods()).await;
    let counts = shop.counts().await;
    let mut order = boris.order(goods());
    order["redemption_id"] = hold.as_str().into();
    boris.orders(&order).await.refused_at(422, "/redemption_id");
    order["redemption_id"] = "red_1".into();
    boris.orders(&order).await.refused(404, "redemption_not_found");
    order["redemption_id"] = "no redemption".into();
    boris.orders(&order).await.refused(404, "redemption_not_found");
    order["redemption_id"] = hold.as_str().into();
    order.as_object_mut().unwrap().remove("member");
    shop.post("/v1/orders", &order).await.refused_at(422, "/member");
    assert_eq!(shop.counts().await, counts);

    let mut order = anna.order(goods());
    order["redemption_id"] = hold.as_str().into();
    anna.orders(&order).await.expect(201);
    order["id"] = "a second order".into();
    anna.orders(&order).await.refused(409, "redemption_closed");
    let released = anna.quote(goods()).await;
    assert_eq!(released["redemption"]["max_points"], "27.00", "what the order earned");
    let hold = anna.holds("27", goods()).await;
    shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
    order["redemption_id"] = hold.as_str().into();
    anna.orders(&order).await.refused(409, "redemption_closed");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_that_became_smaller_than_its_hold_is_judged_again() {
    let shop = Shop::open("sela").await; // at most 30 %
    let anna = member_with_100(&shop).await;
    let hold = anna.holds("100", goods()).await;
    let mut order = anna.order(json!([line("1", "300.00")]));
    order["redemption_id"] = hold.as_str().into();
    anna.orders(&order).await.refused(422, "redemption_limit_exceeded");
    let mut order = anna.order(json!([line("1", "400.00")]));
    order["redemption_id"] = hold.as_str().into();
    assert_eq!(anna.orders(&order).await.expect(201)["payable"], "300.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_hold_pays_no_more_of_other_goods_than_the_program_lets_it() {
    let shop = Shop::open("sela").await; // at most 30 %
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["exclude"] = json!({"promo": true});
    shop.publish(&document).await.expect(200);
    let anna = member_with_100(&shop).await;
    let hold = anna.holds("100", goods()).await;
    let mut order = anna.order(json!([line("1", "100.00"), promo("2", "900.00")]));
    order["redemption_id"] = hold.as_str().into();
    let refused = anna.orders(&order).await.refused(422, "redemption_limit_exceeded");
    assert_eq!(refused["max_points"], "30.00", "{refused}");
    // a newer program leaves the terms alone for the goods that they were made for
    document["redemption"]["max_share"] = "5".into();
    shop.publish(&document).await.expect(200);
    let mut order = anna.order(goods());
    order["redemption_id"] = hold.as_str().into();
    anna.orders(&order).await.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_program_says_how_long_a_hold_lasts() {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["hold_minutes"] = 5.into();
    shop.publish(&document).await.expect(200);
    let anna = member_with_100(&shop).await;
    let held = anna.redeems("1", goods()).await.expect(201);
    assert_eq!(held["hold_expires_at"], "2026-01-15T09:05:00Z");
}
