//! Days that come round: birthdays, other dates that members gave, and the days on which they joined. Each happens once a year, on its
//! day, in the program's zone.

use serde_json::{Value, json};
use tests::Shop;

/// 500 points on the birthday, good for 37 days; more in a higher tier; a word a week before.
fn birthdays() -> Value {
    json!({
        "name": "Birthdays", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}, {"id": "gold", "name": "Gold", "threshold": "10000"}],
        "earning": [
            {"id": "purchase", "type": "percent", "rate": "5"},
        ],
        "events": [
            {"id": "gift", "type": "birthday", "points": "500", "when": {"tiers": ["base"]}, "expiry": {"type": "days", "days": 37}},
            {"id": "gold-gift", "type": "birthday", "points": "1000", "when": {"tiers": ["gold"]}, "expiry": {"type": "days", "days": 37}},
            {"id": "child", "type": "childs_birthday", "points": "100"},
            {"id": "year", "type": "another_year", "points": "50"}
        ],
        "occasions": [
            {"id": "birthday", "date": "birthday", "event": "birthday"},
            {"id": "birthday-soon", "date": "birthday", "days_before": 7, "event": "birthday_soon"},
            {"id": "child", "date": "important_date", "event": "childs_birthday"},
            {"id": "year", "date": "anniversary", "event": "another_year"}
        ]
    })
}

async fn opened(now: &str, program: &Value) -> Shop {
    let shop = Shop::bare(now).await;
    shop.publish(program).await.expect(200);
    shop
}

async fn joins(shop: &Shop, phone: &str, more: Value) -> String {
    let mut body = json!({"phone": phone, "channel": "till"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn has(shop: &Shop, member: &str) -> String {
    shop.get(&format!("/v1/members/{member}/balance")).await.expect(200)["available"].as_str().unwrap().to_owned()
}

/// When each event of this kind happened, for the program.
fn happened(shop: &Shop, type_name: &str) -> Vec<String> {
    let query = format!(
        "SELECT coalesce(group_concat(at, ' '), '') FROM (SELECT strftime('%Y-%m-%dT%H:%MZ', occurred_at / 1000, 'unixepoch') AS at
           FROM event WHERE type = '{type_name}' ORDER BY occurred_at)"
    );
    shop.text_in("default", &query).split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_birthday_comes_once_a_year_at_midnight_of_the_programs_zone() {
    let shop = opened("2026-01-10T09:00:00Z", &birthdays()).await;
    let anna = joins(&shop, "+79000000001", json!({"birthday": "1990-03-15"})).await;
    let boris = joins(&shop, "+79000000002", json!({"birthday": "1985-03-16"})).await;
    shop.at("2026-03-14T20:59:00Z").await;
    assert_eq!(has(&shop, &anna).await, "0.00");
    shop.at("2026-03-14T21:00:00Z").await; // midnight in Moscow
    assert_eq!((has(&shop, &anna).await, has(&shop, &boris).await), ("500.00".to_owned(), "0.00".to_owned()));
    let balance = shop.get(&format!("/v1/members/{anna}/balance")).await.expect(200);
    assert_eq!(balance["expiring"][0]["expires_at"], "2026-04-21T21:00:00Z", "37 days: to the end of 21 April");
    shop.at("2027-04-30T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday"), ["2026-03-14T21:00Z", "2026-03-15T21:00Z", "2027-03-14T21:00Z", "2027-03-15T21:00Z"]);
    assert_eq!(happened(&shop, "birthday_soon")[..2], ["2026-03-07T21:00Z", "2026-03-08T21:00Z"]);
    assert_eq!(has(&shop, &anna).await, "50.00", "the gifts are over, the year of membership is not");
    let told = "SELECT count(*) FROM outbox WHERE kind = 'occasion' AND payload ->> 'occasion' = 'birthday' AND payload ->> 'points' = '500.00'";
    assert_eq!(shop.number_in("default", told), 4);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn who_was_born_on_29_february_has_the_28th_in_common_years() {
    let shop = opened("2026-01-10T09:00:00Z", &birthdays()).await;
    joins(&shop, "+79000000001", json!({"birthday": "1992-02-29"})).await;
    shop.at("2028-03-10T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday"), ["2026-02-27T21:00Z", "2027-02-27T21:00Z", "2028-02-28T21:00Z"]);
}

#[tokio::test]
async fn a_birthday_that_is_told_shortly_before_it_counts_from_the_next_year_on() {
    let shop = opened("2026-03-01T09:00:00Z", &birthdays()).await;
    joins(&shop, "+79000000001", json!({"birthday": "1990-03-15"})).await; // in two weeks
    let boris = joins(&shop, "+79000000002", json!({"birthday": "1990-06-01"})).await;
    shop.at("2026-06-10T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday"), ["2026-05-31T21:00Z"], "only who told it in time");
    // and who has had a birthday has no second one by telling another day
    shop.patch(&format!("/v1/members/{boris}"), &json!({"birthday": "1990-08-01"})).await.expect(200);
    shop.at("2026-12-31T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday").len(), 1);
    shop.at("2027-08-02T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday")[1..], ["2027-03-14T21:00Z", "2027-07-31T21:00Z"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn who_has_bought_more_is_given_more() {
    let shop = opened("2026-01-10T09:00:00Z", &birthdays()).await;
    let anna = joins(&shop, "+79000000001", json!({"birthday": "1990-03-15"})).await;
    tests::Member::of(&shop, &anna).buys(json!([tests::line("1", "20000.00")])).await;
    shop.at("2026-03-14T22:00:00Z").await;
    assert_eq!(has(&shop, &anna).await, "2000.00", "1000 for the purchase, 1000 for gold");
}

#[tokio::test]
async fn each_child_has_a_birthday_and_members_have_the_day_on_which_they_joined() {
    let shop = opened("2026-01-10T09:00:00Z", &birthdays()).await;
    let dates = json!({"dates": [{"name": "Masha", "date": "2015-05-01"}, {"name": "Petya", "date": "2018-09-01"}]});
    let anna = joins(&shop, "+79000000001", dates).await;
    shop.at("2027-01-09T20:00:00Z").await;
    assert_eq!(happened(&shop, "childs_birthday"), ["2026-04-30T21:00Z", "2026-08-31T21:00Z"]);
    assert_eq!((happened(&shop, "another_year"), has(&shop, &anna).await), (vec![], "200.00".to_owned()));
    shop.at("2027-01-09T21:00:00Z").await;
    assert_eq!(happened(&shop, "another_year"), ["2027-01-09T21:00Z"]);
    let books = shop.bytes_of("default");
    assert!(!books.windows(5).any(|bytes| bytes == b"Masha"), "the books know no names");
    let days = "SELECT count(*) FROM event WHERE ref LIKE '%05-01%' OR ref LIKE '%09-01%'";
    assert_eq!(shop.number_in("default", days), 0, "nor on which days children were born");
    // and no shop's event takes the place of what happens by itself
    let event = json!({"id": "occasion year 2028", "member": {"id": anna}, "type": "another_year", "occurred_at": shop.now()});
    shop.post("/v1/events", &event).await.refused_at(422, "/id");
}

#[tokio::test]
async fn a_job_that_comes_days_late_and_twice_makes_up_for_it_once() {
    let (late, punctual) =
        (opened("2026-01-10T09:00:00Z", &birthdays()).await, opened("2026-01-10T09:00:00Z", &birthdays()).await);
    for shop in [&late, &punctual] {
        for day in 1..=20 {
            let told = json!({"birthday": format!("1990-03-{day:02}")});
            joins(shop, &format!("+790000000{day:02}"), told).await;
        }
        shop.at("2026-03-05T09:00:00Z").await;
    }
    punctual.at("2026-03-12T09:00:00Z").await;
    // nothing ran for a week; then two at once, and a scheduler's calls
    let beside = late.beside("2026-03-12T09:00:00Z").await;
    let (one, other) = tokio::join!(beside.run_job("occasions"), beside.run_job("occasions"));
    assert!(one["processed"].as_i64().unwrap() + other["processed"].as_i64().unwrap() > 0);
    while beside.run_job("occasions").await["remaining"] != 0 {}
    assert_eq!(happened(&late, "birthday"), happened(&punctual, "birthday"));
    assert_eq!(happened(&late, "birthday_soon"), happened(&punctual, "birthday_soon"));
    late.audit_is_clean().await;
}

#[tokio::test]
async fn nobody_is_greeted_who_has_gone_and_who_took_over_somebody_is_greeted_once() {
    let shop = opened("2026-01-10T09:00:00Z", &birthdays()).await;
    let anna = joins(&shop, "+79000000001", json!({"birthday": "1990-03-15"})).await;
    let boris = joins(&shop, "+79000000002", json!({"birthday": "1990-03-15"})).await;
    let vera = joins(&shop, "+79000000003", json!({})).await;
    shop.delete(&format!("/v1/members/{anna}")).await.expect(200);
    shop.post(&format!("/v1/members/{vera}/merges"), &json!({"from": {"id": boris}})).await.expect(201);
    shop.at("2026-03-20T09:00:00Z").await;
    assert_eq!(happened(&shop, "birthday"), ["2026-03-14T21:00Z"]);
    assert_eq!(has(&shop, &vera).await, "500.00", "what the other membership told is known");
    shop.audit_is_clean().await;
}
