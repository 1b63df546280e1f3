//! Time: what becomes due, by the hourly schedule or by a call, on the days of the program's own zone.

use http::Method;
use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn points_expire_at_the_end_of_the_day_in_moscow() {
    let shop = Shop::open_at("gw-tools", "2026-01-15T20:59:59Z").await; // one second before midnight there
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.has(json!({"expiring": [{"points": "500.00", "expires_at": "2026-02-14T21:00:00Z"}]})).await;
    shop.at("2026-01-15T21:00:00Z").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    boris.has(json!({"expiring": [{"points": "500.00", "expires_at": "2026-02-15T21:00:00Z"}]})).await;
    shop.at("2026-02-14T21:00:00Z").await;
    anna.has(json!({"available": "0.00"})).await;
    boris.has(json!({"available": "500.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_month_after_31_january_ends_with_february() {
    let shop = Shop::open_at("gw-tools", "2025-11-30T09:00:00Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(
        order["earned"]["lots"][0]["expires_at"], "2026-02-28T21:00:00Z",
        "30 November + 3 months: the end of 28 February"
    );
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["earning"][0]["expiry"]["months"] = 1.into();
    shop.publish(&document).await.expect(200);
    shop.at("2026-01-31T09:00:00Z").await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(order["earned"]["lots"][0]["expires_at"], "2026-02-28T21:00:00Z", "31 January + 1 month");
}

#[tokio::test]
async fn what_is_over_cannot_be_spent_however_late_the_job_comes() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100", "2026-01-15T09:20:00Z").await;
    shop.at("2026-01-15T09:20:00Z").await; // the job comes at ten
    anna.has(json!({"available": "500.00", "lifetime_expired": "100.00"})).await;
    anna.redeems("500.01", json!([line("1", "10000.00")])).await.refused(409, "insufficient_points");
    let before = anna.entries().await.len();
    shop.at("2026-01-15T10:00:00Z").await;
    let entries = anna.entries().await;
    assert_eq!((entries.len(), &entries[0]["kind"]), (before + 1, &json!("expire")));
    assert_eq!(entries[0]["explanation"][0]["reason"], "Not spent before 2026-01-15T09:20:00Z");
    anna.has(json!({"available": "500.00", "lifetime_expired": "100.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn jobs_run_by_a_call_too_and_twice_changes_nothing() {
    let shop = Shop::open("return-guard").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("10", "2026-01-29T08:30:00Z").await;
    anna.buys(json!([line("1", "1000.00")])).await; // pending until 29 January, 09:00
    shop.at("2026-01-29T08:10:00Z").await;
    anna.holds("10", json!([line("1", "1000.00")])).await; // until 08:40
    shop.at("2026-01-29T08:59:59Z").await;
    for (job, processed) in [("holds", 1), ("expire", 1), ("activate", 0)] {
        let run = shop.run_job(job).await;
        assert_eq!((&run["processed"], &run["remaining"]), (&json!(processed), &json!(0)), "{job}");
        let (books, counts) = (anna.books().await, shop.counts().await);
        assert_eq!(shop.run_job(job).await["processed"], 0, "{job} has nothing left to do");
        assert_eq!((anna.books().await, shop.counts().await), (books, counts), "{job}");
    }
    anna.has(json!({"available": "0.00", "held": "0.00", "pending": "50.00", "lifetime_expired": "10.00"})).await;
    let entries = anna.entries().await;
    assert_eq!((&entries[0]["kind"], &entries[1]["kind"]), (&json!("expire"), &json!("release")));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_activation_is_announced_once() {
    let shop = Shop::open("return-guard").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.minutes_pass(20).await;
    anna.buys(json!([line("1", "1000.00")])).await;
    let told = || shop.number_in("default", "SELECT count(*) FROM outbox WHERE kind = 'points.activated'");
    shop.at("2026-01-29T08:59:59Z").await;
    assert_eq!((shop.run_job("activate").await["processed"].clone(), told()), (json!(0), 0));
    shop.at("2026-01-29T09:00:00Z").await; // the hour's own run announces the first purchase
    assert_eq!((shop.run_job("activate").await["processed"].clone(), told()), (json!(0), 1));
    shop.at("2026-01-29T09:20:00Z").await; // the second one is announced by a call
    anna.has(json!({"available": "100.00", "pending": "0.00"})).await;
    assert_eq!((shop.run_job("activate").await["processed"].clone(), told()), (json!(1), 2));
    assert_eq!((shop.run_job("activate").await["processed"].clone(), told()), (json!(0), 2));
    shop.days_pass(2).await;
    assert_eq!(told(), 2);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_job_can_be_run_for_a_moment_that_has_been_but_not_for_the_future() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100", "2026-01-15T09:20:00Z").await;
    shop.at("2026-01-15T09:59:00Z").await;
    let at = |moment: &str| {
        let body = json!({"at": moment}).to_string();
        shop.send(Method::POST, "/v1/jobs/expire/runs", Some(body), None)
    };
    assert_eq!(at("2026-01-15T09:19:59Z").await.expect(200)["processed"], 0);
    at("2026-01-15T10:04:01Z").await.refused_at(422, "/at");
    at("tomorrow").await.refused_at(422, "/at");
    assert_eq!(at("2026-01-15T09:20:00Z").await.expect(200)["processed"], 1);
    anna.has(json!({"available": "500.00", "lifetime_expired": "100.00"})).await;
    shop.send(Method::POST, "/v1/jobs/dust/runs", None, None).await.refused(404, "job_not_found");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_job_is_bounded_and_says_what_remains() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for _ in 0..520 {
        anna.is_given_until("1", "2026-01-15T09:30:00Z").await;
    }
    shop.minutes_pass(30).await;
    let run = shop.run_job("expire").await;
    assert_eq!((&run["processed"], &run["remaining"]), (&json!(500), &json!(20)));
    let run = shop.run_job("expire").await;
    assert_eq!((&run["processed"], &run["remaining"]), (&json!(20), &json!(0)));
    anna.has(json!({"available": "0.00", "lifetime_expired": "520.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn migrating_again_makes_nothing() {
    let shop = Shop::open("fixed").await;
    assert_eq!(shop.run_job("migrate").await, json!({"processed": 0, "remaining": 0, "next_cursor": null}));
}

#[tokio::test]
async fn ninety_five_days_pass_in_seconds() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "10000.00")])).await;
    let started = std::time::Instant::now();
    shop.days_pass(95).await;
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    anna.has(json!({"available": "0.00", "lifetime_expired": "1000.00"})).await;
    assert_eq!(anna.entries().await.iter().filter(|entry| entry["kind"] == "expire").count(), 2);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_of_a_purchase_that_is_recorded_late_count_from_its_own_day() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut order = anna.order(json!([line("1", "1000.00")]));
    order["occurred_at"] = "2025-11-20T09:00:00Z".into();
    let recorded = anna.orders(&order).await.expect(201);
    assert_eq!(recorded["earned"]["lots"][0]["expires_at"], "2026-02-20T21:00:00Z");
    order["id"] = "older".into();
    order["occurred_at"] = "2025-09-01T09:00:00Z".into();
    assert_eq!(anna.orders(&order).await.expect(201)["earned"]["points"], "50.00");
    let late = json!({"available": "550.00", "pending": "0.00", "lifetime_earned": "600.00", "lifetime_expired": "50.00"});
    anna.has(late.clone()).await; // what it earned has been over for weeks
    shop.at("2026-01-15T10:00:00Z").await;
    anna.has(late).await;
    assert_eq!(anna.entries().await[0]["kind"], "expire");
    shop.audit_is_clean().await;
    shop.takes_back("older", "r-1", None).await.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_account_that_cannot_be_posted_to_does_not_stop_the_others_and_is_named() {
    let shop = Shop::open("gw-tools").await;
    let mut members = Vec::new();
    for number in 10..22 {
        members.push(shop.enrol(&format!("+7 900 000-00-{number}")).await);
    }
    // a row that a disk or a hand has changed: the welcome points of one member are not in the account any more
    let id = i64::from_str_radix(members[5].id.strip_prefix("mem_").unwrap(), 16).unwrap();
    let spoil = |points: i64| format!("UPDATE account SET remaining = {points}, earned = {points} WHERE id = {id} RETURNING 1");
    assert_eq!(shop.change_in("default", &spoil(0)), 1);
    shop.at("2026-02-20T09:00:00Z").await;
    for (place, member) in members.iter().enumerate() {
        let expired = member.entries().await.iter().any(|entry| entry["kind"] == "expire");
        assert_eq!(expired, place != 5, "member {place}");
    }
    let aside = shop.get("/v1/jobs/set_aside").await.expect(200);
    assert_eq!((&aside["items"][0]["job"], &aside["items"][0]["subject"]), (&json!("expire"), &json!(members[5].id)));
    let runs = shop.get("/v1/jobs/runs?job=expire").await.expect(200);
    assert_eq!((&runs["items"][0]["set_aside"], &runs["items"][0]["processed"]), (&json!(1), &json!(11)), "{runs}");
    // once it is mended it is tried again
    assert_eq!(shop.change_in("default", &spoil(50_000)), 1);
    assert_eq!(shop.run_job("expire").await["processed"], 0, "what is set aside waits for somebody");
    let again = shop.post("/v1/jobs/expire/runs", &json!({"retry": true})).await.expect(200);
    assert_eq!((&again["processed"], &again["set_aside"]), (&json!(1), &json!(0)));
    assert_eq!(shop.get("/v1/jobs/set_aside").await.expect(200)["items"], json!([]));
    shop.audit_is_clean().await;
}

/// Makes the person behind a member unreadable, or readable again.
fn spoil(shop: &Shop, member: &tests::Member<'_>, spoilt: bool) {
    let id = i64::from_str_radix(member.id.strip_prefix("mem_").expect("a member's id"), 16).expect("a number");
    let sealed = if spoilt { "'?' || sealed" } else { "substr(sealed, 2)" };
    assert_eq!(shop.change_in("people", &format!("UPDATE person SET sealed = {sealed} WHERE member_id = {id} RETURNING 1")), 1);
}

#[tokio::test]
async fn whom_a_trigger_could_not_reach_it_reaches_once_that_is_mended_and_nobody_else_twice() {
    let program = json!({
        "name": "Names", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "enrolment": {"profile_filled": {"fields": ["birthday"]}},
        "events": [{"id": "filled", "type": "profile_filled", "points": "1"}, {"id": "asked", "type": "asked", "points": "5"}],
        "triggers": [{"id": "name", "on": "joined", "days": 7, "unless": "profile_filled", "event": "asked"}]
    });
    let shop = Shop::with_program(&program).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    spoil(&shop, &anna, true);
    shop.at("2026-02-01T09:00:00Z").await;
    for (member, points) in [(&anna, "0.00"), (&boris, "5.00")] {
        member.has(json!({"available": points})).await;
    }
    let aside = shop.get("/v1/jobs/set_aside").await.expect(200)["items"][0].clone();
    let expected = [("job", "trigger name 7d"), ("subject", anna.id.as_str()), ("detail", "people_unreadable")];
    for (name, value) in expected {
        assert_eq!(aside[name], value, "{aside}");
    }
    spoil(&shop, &anna, false);
    assert_eq!(shop.run_job("triggers").await["processed"], 0, "what is set aside waits for somebody");
    let again = shop.post("/v1/jobs/triggers/runs", &json!({"retry": true})).await.expect(200);
    assert_eq!((&again["processed"], &again["set_aside"]), (&json!(1), &json!(0)));
    shop.at("2026-03-01T09:00:00Z").await;
    for member in [&anna, &boris] {
        member.has(json!({"available": "5.00"})).await;
        let entries = member.entries().await;
        assert_eq!(entries[0]["occurred_at"], "2026-01-21T21:00:00Z", "on its own day");
    }
    assert_eq!(shop.get("/v1/jobs/set_aside").await.expect(200)["items"], json!([]));
    shop.audit_is_clean().await;
}
