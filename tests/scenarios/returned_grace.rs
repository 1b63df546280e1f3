//! Points that come back to a lot whose time is over meanwhile: by a return, or by a hold that was not used. The program
//! says how long they are good then; without a word they are lost with their lot. What is held does not expire.

use serde_json::{Value, json};
use tests::{Member, Shop, line};

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// The preset `fixed`, with holds of two days and, if so, a grace of seven days.
async fn shop(grace: bool) -> Shop {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["hold_minutes"] = 2880.into();
    if grace {
        document["returns"]["returned_grace"] = json!({"type": "days", "days": 7});
    }
    shop.publish(&document).await.expect(200);
    shop
}

/// Anna, with 100 points that are good until tomorrow midnight in Moscow.
async fn anna(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100", "2026-01-15T21:00:00Z").await;
    anna
}

#[tokio::test]
async fn what_is_held_does_not_expire_while_it_is_held() {
    let shop = shop(false).await;
    let anna = anna(&shop).await;
    let hold = anna.holds("60", goods()).await;
    shop.days_pass(1).await;
    anna.has(json!({"available": "0.00", "held": "60.00", "lifetime_expired": "40.00"})).await;
    let mut order = anna.order(goods());
    order["redemption_id"] = hold.into();
    assert_eq!(anna.orders(&order).await.expect(201)["redeemed"], "60.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_of_a_hold_that_is_released_late_live_on_for_the_grace() {
    let shop = shop(true).await;
    let anna = anna(&shop).await;
    let hold = anna.holds("60", goods()).await;
    shop.days_pass(1).await;
    shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
    // seven days, to the end of the day in Moscow
    let expiring = json!([{"points": "60.00", "expires_at": "2026-01-23T21:00:00Z"}]);
    anna.has(json!({"available": "60.00", "held": "0.00", "lifetime_expired": "40.00", "expiring": expiring})).await;
    shop.days_pass(8).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "100.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_job_that_ends_a_hold_gives_the_same_grace() {
    let shop = shop(true).await;
    let anna = anna(&shop).await;
    anna.holds("60", goods()).await;
    shop.days_pass(3).await;
    let balance = anna.balance().await;
    assert_eq!((&balance["available"], &balance["held"]), (&json!("60.00"), &json!("0.00")));
    // the job came at the first full hour after the deadline, on the 17th
    assert_eq!(balance["expiring"], json!([{"points": "60.00", "expires_at": "2026-01-24T21:00:00Z"}]));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_that_paid_for_returned_goods_live_on_for_the_grace() {
    let shop = shop(true).await;
    let anna = anna(&shop).await;
    let order = anna.buys_with("100", goods()).await["order_id"].as_str().expect("an order").to_owned();
    shop.days_pass(5).await;
    let returned = shop.takes_back(&order, "r-1", None).await.expect(201);
    assert_eq!(returned["restored"], "100.00");
    assert_eq!(returned["lots"][0]["expires_at"], "2026-01-27T21:00:00Z", "the 20th and seven days: {returned}");
    anna.has(json!({"available": "100.00", "lifetime_expired": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn without_a_grace_they_are_lost_with_their_lot() {
    let shop = shop(false).await;
    let anna = anna(&shop).await;
    let order = anna.buys_with("100", goods()).await["order_id"].as_str().expect("an order").to_owned();
    shop.days_pass(5).await;
    assert_eq!(shop.takes_back(&order, "r-1", None).await.expect(201)["restored"], "100.00");
    anna.has(json!({"available": "0.00", "lifetime_expired": "100.00"})).await;
    shop.audit_is_clean().await;
}
