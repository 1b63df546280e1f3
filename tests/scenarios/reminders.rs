//! Members are told of points that expire, 14, 7 and 1 day before, of as many as are left then, once.

use serde_json::{Value, json};
use tests::{Shop, line};

fn program() -> Value {
    json!({
        "name": "Reminders", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "earning": [{"id": "purchase", "type": "percent", "rate": "10", "expiry": {"type": "days", "days": 30}}],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
        "reminders": {"days": [14, 7, 1]}
    })
}

/// Each reminder: on which day in Moscow, days before, points.
fn told(shop: &Shop) -> Vec<String> {
    let query = "SELECT coalesce(group_concat(told, '; '), '') FROM (
                   SELECT strftime('%m-%d', at / 1000 + 3 * 3600, 'unixepoch') || ' ' || (payload ->> 'days') || ' ' || (payload ->> 'points')
                          AS told FROM outbox WHERE kind = 'points.expiring' ORDER BY id)";
    let told = shop.text_in("default", query);
    told.split("; ").filter(|told| !told.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn points_are_told_of_14_7_and_1_day_before_they_expire() {
    let shop = Shop::with_program(&program()).await; // 15 January
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await; // good to the end of 14 February: gone on the 15th
    shop.at("2026-02-20T09:00:00Z").await;
    assert_eq!(told(&shop), ["02-01 14 100.00", "02-08 7 100.00", "02-14 1 100.00"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn only_what_is_left_is_told_and_nothing_of_what_is_spent() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.at("2026-02-05T09:00:00Z").await;
    anna.buys_with("60", json!([line("1", "60.00")])).await;
    shop.at("2026-02-09T09:00:00Z").await;
    anna.buys_with("40", json!([line("1", "40.00")])).await;
    shop.at("2026-02-20T09:00:00Z").await;
    assert_eq!(told(&shop), ["02-01 14 100.00", "02-08 7 40.00"]);
}

#[tokio::test]
async fn a_reminder_that_is_late_gives_way_to_the_next_one() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await; // gone on 15 February
    shop.at("2026-01-17T09:00:00Z").await;
    anna.buys(json!([line("1", "500.00")])).await; // gone on 17 February
    // nothing ran from 17 January to 9 February: of the first lot the reminder of 7 days is due, of the second one that of 14
    let late = shop.beside("2026-02-09T09:00:00Z").await;
    let runs = [late.run_job("remind").await, late.run_job("remind").await, late.run_job("remind").await];
    assert_eq!(runs[2]["remaining"], 0, "{runs:?}");
    assert_eq!(told(&shop), ["02-09 14 50.00", "02-09 7 100.00"]);
    assert_eq!(late.run_job("remind").await["processed"], 0);
}

#[tokio::test]
async fn two_runs_at_once_remind_everybody_once() {
    let shop = Shop::with_program(&program()).await;
    for number in 10..40 {
        let member = shop.enrol(&format!("+7 900 000-00-{number}")).await;
        member.buys(json!([line("1", "100.00")])).await;
    }
    let late = shop.beside("2026-02-01T09:00:00Z").await;
    tokio::join!(late.run_job("remind"), late.run_job("remind"), late.run_job("remind"));
    while late.run_job("remind").await["remaining"] != 0 {}
    assert_eq!(told(&shop).len(), 30);
    let runs = shop.get("/v1/jobs/runs?job=remind").await.expect(200);
    let processed: i64 = runs["items"].as_array().unwrap().iter().map(|run| run["processed"].as_i64().unwrap()).sum();
    assert_eq!(processed, 30, "each run tells what it did: {runs}");
}

#[tokio::test]
async fn nobody_is_reminded_who_was_erased() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    shop.at("2026-02-20T09:00:00Z").await;
    assert_eq!(told(&shop), Vec::<String>::new());
    shop.audit_is_clean().await;
}
