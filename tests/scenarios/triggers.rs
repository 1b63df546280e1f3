//! What happens by itself some time after something of a member, unless its reason is gone.

use serde_json::{Value, json};
use tests::{Member, Shop, line};

fn program(trigger: Value) -> Value {
    json!({
        "name": "Triggers", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}, {"id": "gold", "name": "Gold", "threshold": "10000"}],
        "enrolment": {"profile_filled": {"fields": ["first_name"]}},
        "discounts": [{"id": "cart-offer", "type": "percent", "rate": "10", "when": {"voucher": true}}],
        "events": [
            {"id": "woken", "type": "sleeping", "points": "300", "expiry": {"type": "days", "days": 14}},
            {"id": "filled", "type": "profile_filled", "points": "50"}
        ],
        "triggers": [trigger]
    })
}

async fn opened(trigger: Value) -> Shop {
    Shop::with_program(&program(trigger)).await // 15 January, noon in Moscow
}

/// Day and month in Moscow, and the event, of everything that was fired.
fn fired(shop: &Shop) -> Vec<String> {
    let query = "SELECT coalesce(group_concat(told, '; '), '') FROM (
                   SELECT strftime('%m-%d %H:%M', occurred_at / 1000 + 3 * 3600, 'unixepoch') || ' ' || type AS told
                     FROM event WHERE ref LIKE 'trigger %' ORDER BY occurred_at, id)";
    let told = shop.text_in("default", query);
    told.split("; ").filter(|told| !told.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn who_bought_nothing_for_sixty_days_is_woken_once_and_again_after_the_next_silence() {
    let shop = opened(json!({"id": "sleeping", "on": "no_purchase", "days": 60, "event": "sleeping"})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    anna.buys(json!([line("1", "100.00")])).await;
    boris.buys(json!([line("1", "100.00")])).await;
    shop.at("2026-02-10T09:00:00Z").await;
    boris.buys(json!([line("1", "100.00")])).await; // meanwhile
    shop.at("2026-03-20T09:00:00Z").await;
    assert_eq!(fired(&shop), ["03-16 00:00 sleeping"], "sixty days after 15 January");
    anna.has(json!({"available": "300.00"})).await;
    shop.at("2026-07-01T09:00:00Z").await;
    assert_eq!(fired(&shop), ["03-16 00:00 sleeping", "04-11 00:00 sleeping"], "whoever sleeps on is woken once");
    anna.buys(json!([line("1", "100.00")])).await;
    shop.at("2026-09-10T09:00:00Z").await;
    assert_eq!(fired(&shop)[2..], ["08-30 00:00 sleeping"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn who_bought_coffee_is_told_thirty_days_later_unless_there_was_coffee_since() {
    let shop = opened(json!({"id": "refill", "on": "purchase", "categories": ["coffee"], "days": 30, "unless": "bought_again",
                             "event": "refill", "cooldown_days": 10}))
    .await;
    let coffee = |id: &str| json!([{"id": id, "sku": "c", "category": "coffee", "quantity": 1, "price": "300.00"}]);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let vera = shop.enrol("+7 900 000-00-03").await;
    anna.buys(coffee("1")).await;
    boris.buys(coffee("1")).await;
    let returned = vera.order(coffee("1"));
    vera.orders(&returned).await.expect(201);
    shop.at("2026-01-25T09:00:00Z").await;
    anna.buys(json!([line("1", "50.00")])).await; // something else
    boris.buys(coffee("1")).await;
    shop.takes_back(returned["id"].as_str().unwrap(), "back", None).await.expect(201);
    shop.at("2026-02-15T09:00:00Z").await;
    assert_eq!(fired(&shop), ["02-14 00:00 refill"], "Anna's; Boris has bought again, Vera has given hers back");
    shop.at("2026-03-15T09:00:00Z").await;
    assert_eq!(fired(&shop), ["02-14 00:00 refill", "02-24 00:00 refill"]);
}

#[tokio::test]
async fn a_survey_comes_three_days_after_each_purchase_but_not_more_often_than_its_cooldown() {
    let shop = opened(json!({"id": "nps", "on": "purchase", "days": 3, "event": "survey", "cooldown_days": 30})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for day in ["2026-01-16", "2026-01-17", "2026-02-20"] {
        shop.at(&format!("{day}T09:00:00Z")).await;
        anna.buys(json!([line("1", "100.00")])).await;
    }
    shop.at("2026-03-15T09:00:00Z").await;
    assert_eq!(fired(&shop), ["01-19 00:00 survey", "02-23 00:00 survey"]);
}

#[tokio::test]
async fn a_forgotten_cart_brings_a_code_for_its_goods_only_unless_something_was_bought() {
    let shop = opened(
        json!({"id": "cart", "on": "event", "type": "cart_abandoned", "hours": 3, "unless": "bought", "event": "cart_reminder",
                             "voucher": {"rule": "cart-offer", "days": 2, "goods": "of_event"}}),
    )
    .await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    for (member, id) in [(&anna, "cart-a"), (&boris, "cart-b")] {
        let event = json!({"id": id, "member": {"id": member.id}, "type": "cart_abandoned", "occurred_at": shop.now(), "data": {"skus": ["tea"]}});
        shop.post("/v1/events", &event).await.expect(201);
    }
    shop.at("2026-01-15T10:00:00Z").await;
    boris.buys(json!([line("1", "100.00")])).await;
    shop.at("2026-01-15T13:00:00Z").await;
    assert_eq!(fired(&shop), ["01-15 15:00 cart_reminder"], "Anna's, three hours after noon");
    let code = shop.text_in("default", "SELECT payload ->> '$.voucher.code' FROM outbox WHERE kind = 'trigger'");
    let voucher = shop.get(&format!("/v1/vouchers/{code}")).await.expect(200);
    assert_eq!(
        (&voucher["skus"], &voucher["member_id"], &voucher["expires_at"]),
        (&json!(["tea"]), &json!(anna.id), &json!("2026-01-17T21:00:00Z"))
    );
    let cart = json!([{"id": "1", "sku": "tea", "quantity": 1, "price": "100.00"}, {"id": "2", "sku": "rum", "quantity": 1, "price": "100.00"}]);
    let mut order = anna.order(cart);
    order["vouchers"] = json!([code]);
    let quote = shop.post("/v1/quotes", &json!({"member": {"id": anna.id}, "order": order})).await.expect(200);
    assert_eq!(quote["discount"]["money"], "10.00", "of the forgotten tea alone");
}

#[tokio::test]
async fn a_first_purchase_is_thanked_for_once() {
    let shop = opened(json!({"id": "first", "on": "first_purchase", "hours": 1, "event": "thanks"})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "100.00")])).await;
    shop.minutes_pass(30).await;
    anna.buys(json!([line("1", "100.00")])).await;
    shop.at("2026-01-16T09:00:00Z").await;
    assert_eq!(fired(&shop), ["01-15 13:00 thanks"]);
}

#[tokio::test]
async fn who_reaches_gold_is_told() {
    let mut program = program(json!({"id": "gold", "on": "tier_reached", "tiers": ["gold"], "event": "gold_reached"}));
    program["tiers"] =
        json!([{"id": "base", "name": "Base", "threshold": "0"}, {"id": "gold", "name": "Gold", "threshold": "10000"}]);
    let shop = Shop::with_program(&program).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "9000.00")])).await;
    shop.at("2026-01-20T09:10:00Z").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.at("2026-01-25T09:00:00Z").await;
    assert_eq!(fired(&shop), ["01-20 12:10 gold_reached"]);
}

#[tokio::test]
async fn whoever_does_not_tell_a_name_is_asked_after_a_week() {
    let shop =
        opened(json!({"id": "profile", "on": "joined", "days": 7, "unless": "profile_filled", "event": "profile_reminder"}))
            .await;
    shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    shop.patch(&format!("/v1/members/{}", boris.id), &json!({"first_name": "Boris"})).await.expect(200);
    shop.at("2026-02-15T09:00:00Z").await;
    assert_eq!(fired(&shop), ["01-22 00:00 profile_reminder"]);
}

#[tokio::test]
async fn a_trigger_begins_with_what_happens_after_it_was_published_and_comes_late_but_once() {
    let shop = opened(json!({"id": "nps", "on": "purchase", "days": 3, "event": "survey"})).await;
    let members: Vec<Member> = {
        let mut members = Vec::new();
        for number in 10..20 {
            members.push(shop.enrol(&format!("+7 900 000-00-{number}")).await);
        }
        members
    };
    for member in &members {
        member.buys(json!([line("1", "100.00")])).await;
    }
    shop.at("2026-01-17T09:00:00Z").await;
    // nothing ran for five days; then two at once
    let late = shop.beside("2026-01-22T09:00:00Z").await;
    tokio::join!(late.run_job("triggers"), late.run_job("triggers"), late.run_job("triggers"));
    while late.run_job("triggers").await["remaining"] != 0 {}
    assert_eq!(fired(&shop), vec!["01-18 00:00 survey"; 10], "dated on the day when they were due");
    // another wait is another trigger: nobody is asked again
    late.publish(&program(json!({"id": "nps", "on": "purchase", "days": 5, "event": "survey"}))).await.expect(200);
    while late.run_job("triggers").await["remaining"] != 0 {}
    assert_eq!(fired(&shop).len(), 10);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_that_would_be_over_is_not_sent() {
    let shop = opened(json!({"id": "cart", "on": "event", "type": "cart_abandoned", "hours": 3, "event": "cart_reminder",
                             "voucher": {"rule": "cart-offer", "days": 2}}))
    .await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    shop.at("2026-01-15T10:00:00Z").await;
    let event = |id: &str| json!({"id": id, "member": {"id": anna.id}, "type": "cart_abandoned", "occurred_at": shop.now()});
    shop.post("/v1/events", &event("cart")).await.expect(201);
    // nothing ran for four days
    let late = shop.beside("2026-01-19T09:00:00Z").await;
    while late.run_job("triggers").await["remaining"] != 0 {}
    assert_eq!(fired(&shop), Vec::<String>::new());
}

#[tokio::test]
async fn who_is_about_to_lose_a_tier_is_told_days_before_its_grace_ends_unless_it_is_kept() {
    let mut asks = program(json!({"id": "down", "on": "tier_ending", "days": 14, "event": "down"}));
    asks["tiers"] = json!({"window": "calendar_year", "grace_days": 30, "steps": asks["tiers"]});
    let shop = Shop::with_program(&asks).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    for member in [&anna, &boris] {
        member.buys(json!([line("1", "10000.00")])).await;
    }
    shop.at("2027-01-10T09:00:00Z").await; // the year is over, the grace runs to the end of 31 January
    assert_eq!(fired(&shop), [""; 0]);
    boris.buys(json!([line("1", "10000.00")])).await;
    shop.at("2027-02-10T09:00:00Z").await;
    assert_eq!(fired(&shop), ["01-18 00:00 down"], "Anna alone, two weeks before 1 February");
    for (member, tier) in [(&anna, "base"), (&boris, "gold")] {
        assert_eq!(shop.get(&format!("/v1/members/{}", member.id)).await.expect(200)["tier"]["id"], tier);
    }
    shop.audit_is_clean().await;
}
