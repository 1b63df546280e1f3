//! Points are annulled only after a notice that was recorded as sent: in time, late, never, by an endpoint or by a receipt.

use serde_json::{Value, json};
use tests::{Member, Received, Receiver, Shop, line};

/// Receivers of these tests are on this machine.
const LOOPBACK: (&str, &str) = ("webhook_hosts", "http://127.0.0.1:*");

/// What is earned on 15 January in Moscow is good to the end of 24 February.
const PLANNED: &str = "2026-02-24T21:00:00Z";

fn program() -> Value {
    json!({
        "name": "Annulment", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "enrolment": {"welcome": {"id": "welcome", "points": "30", "channels": ["app"], "expiry": {"type": "days", "days": 20}}},
        "earning": [{"id": "purchase", "type": "percent", "rate": "10", "expiry": {"type": "days", "days": 40}}],
        "events": [{"id": "review", "type": "review", "points": "5", "expiry": {"type": "days", "days": 20}}],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative", "returned_grace": {"type": "days", "days": 7}},
        "annulment": {"notice_days": 30}
    })
}

async fn shop() -> Shop {
    let shop = Shop::with_settings("fixed", &[LOOPBACK]).await;
    shop.publish(&program()).await.expect(200);
    shop
}

/// An endpoint for notices, which gets the person or not.
async fn endpoint(shop: &Shop, receiver: &Receiver, recipient: bool) {
    let kinds = ["points.annulment", "points.annulment_moved"];
    let body = json!({"url": receiver.url(), "kinds": kinds, "recipient": recipient});
    shop.post("/v1/webhooks", &body).await.expect(201);
}

/// Anna with 100 points.
async fn anna(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    anna
}

/// What an endpoint took: kind, points, the end.
fn told(receiver: &Receiver) -> Vec<String> {
    let word = |message: &Received, name: &str| message.json["data"][name].as_str().expect("a word").to_owned();
    let took = receiver.received().into_iter().filter(|message| message.taken == tests::Taken::Status(200));
    took.map(|message| format!("{} {} {}", message.kind(), word(&message, "points"), word(&message, "expires_at"))).collect()
}

/// The notice that was written last.
async fn notice(shop: &Shop) -> String {
    let listed = shop.get("/v1/messages?limit=200").await.expect(200);
    let notices = listed["items"].as_array().expect("a list").iter();
    let newest = notices.filter(|message| message["kind"] == "points.annulment").max_by_key(|message| message["at"].to_string());
    newest.expect("a notice was written")["id"].as_str().expect("an id").to_owned()
}

fn notices(shop: &Shop) -> i64 {
    shop.number_in("default", "SELECT count(*) FROM outbox WHERE kind = 'points.annulment'")
}

async fn books_agree(shop: &Shop) {
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_annulled_in_a_year_and_with_one_it_begins() {
    let shop = shop().await;
    let anna = anna(&shop).await;
    anna.has(json!({"expiring": [{"points": "100.00", "expires_at": PLANNED}]})).await;
    shop.at("2027-01-15T09:00:00Z").await;
    anna.has(json!({"available": "100.00", "lifetime_expired": "0.00"})).await;
    assert_eq!(notices(&shop), 0, "nobody would get it");
    anna.buys_with("10", json!([line("1", "10.00")])).await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    shop.minutes_pass(120).await;
    assert_eq!(told(&receiver), ["points.annulment 90.00 2027-02-14T21:00:00Z"]);
    shop.at("2027-02-14T20:59:00Z").await;
    anna.has(json!({"available": "90.00", "expiring": [{"points": "90.00", "expires_at": "2027-02-14T21:00:00Z"}]})).await;
    shop.at("2027-02-14T21:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "90.00"})).await;
    books_agree(&shop).await;
}

#[tokio::test]
async fn a_notice_in_time_leaves_the_end_where_it_was() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    let anna = anna(&shop).await;
    shop.at("2026-01-24T20:30:00Z").await;
    assert_eq!(told(&receiver), [""; 0], "not before the 25th");
    shop.at("2026-01-24T22:30:00Z").await;
    assert_eq!(told(&receiver), [format!("points.annulment 100.00 {PLANNED}")]);
    let message = &receiver.received()[0].json["data"];
    assert_eq!((&message["days"], &message["recipient"]["phone"]), (&json!(30), &json!("+79000000001")));
    shop.at("2026-02-24T20:59:00Z").await;
    anna.has(json!({"available": "100.00"})).await;
    shop.at(PLANNED).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "100.00"})).await;
    shop.days_pass(1).await;
    assert_eq!((told(&receiver).len(), anna.entries().await.len()), (1, 2), "told once, annulled once");
    books_agree(&shop).await;
}

#[tokio::test]
async fn a_notice_that_was_given_up_and_is_sent_again_puts_the_end_off_and_tells_it() {
    let shop = shop().await;
    let receiver = Receiver::start();
    receiver.answers(503);
    endpoint(&shop, &receiver, true).await;
    let anna = anna(&shop).await;
    shop.at("2026-03-10T09:00:00Z").await;
    assert!(receiver.received().len() > 3, "it was tried again and again");
    anna.has(json!({"available": "100.00", "lifetime_expired": "0.00"})).await;
    assert_eq!(shop.get("/v1/messages?status=parked").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    receiver.answers(200);
    shop.post(&format!("/v1/messages/{}/deliveries", notice(&shop).await), &json!({})).await.expect(201);
    shop.minutes_pass(180).await; // sent on 10 March, good to the end of 9 April
    let moved = "2026-04-09T21:00:00Z";
    assert_eq!(told(&receiver), [format!("points.annulment 100.00 {PLANNED}"), format!("points.annulment_moved 100.00 {moved}")]);
    let last = receiver.received().pop().expect("the new end was told");
    assert_eq!(last.json["data"]["told_expires_at"], PLANNED);
    anna.has(json!({"expiring": [{"points": "100.00", "expires_at": moved}]})).await;
    shop.at("2026-04-09T20:59:00Z").await;
    anna.has(json!({"available": "100.00"})).await;
    shop.at(moved).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "100.00"})).await;
    books_agree(&shop).await;
}

#[tokio::test]
async fn a_receipt_says_that_it_was_sent_where_the_endpoint_does_not_know_the_person() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, false).await;
    let anna = anna(&shop).await;
    shop.at("2026-03-10T09:00:00Z").await;
    assert_eq!(told(&receiver), [format!("points.annulment 100.00 {PLANNED}")]);
    anna.has(json!({"available": "100.00"})).await;
    let receipts = format!("/v1/messages/{}/receipts", notice(&shop).await);
    shop.post(&receipts, &json!({"channel": "sms", "status": "failed"})).await.expect(201);
    shop.minutes_pass(120).await;
    assert_eq!(told(&receiver).len(), 1, "a failure is no notice");
    // a moment of long ago changes nothing: what was recorded counts
    shop.post(&receipts, &json!({"channel": "sms", "status": "delivered", "at": "2026-01-25T09:00:00Z"})).await.expect(201);
    shop.minutes_pass(120).await;
    shop.post(&receipts, &json!({"channel": "sms", "status": "opened"})).await.expect(201);
    shop.minutes_pass(120).await;
    assert_eq!(told(&receiver)[1..], ["points.annulment_moved 100.00 2026-04-09T21:00:00Z"]);
    shop.at("2026-04-09T21:00:00Z").await;
    anna.has(json!({"available": "0.00"})).await;
    books_agree(&shop).await;
}

#[tokio::test]
async fn what_is_spent_meanwhile_is_not_told_of() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    let anna = anna(&shop).await;
    anna.buys_with("60", json!([line("1", "60.00")])).await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    boris.buys(json!([line("1", "500.00")])).await;
    boris.buys_with("50", json!([line("1", "50.00")])).await;
    shop.at("2026-01-26T09:00:00Z").await;
    assert_eq!(told(&receiver), [format!("points.annulment 40.00 {PLANNED}")]);
    anna.buys_with("40", json!([line("1", "40.00")])).await;
    shop.at("2026-03-10T09:00:00Z").await;
    assert_eq!((told(&receiver).len(), &anna.balance().await["lifetime_expired"]), (1, &json!("0.00")));
    books_agree(&shop).await;
}

#[tokio::test]
async fn every_kind_of_points_that_expire_needs_its_notice() {
    let shop = shop().await;
    let joined = json!({"phone": "+79000000001", "channel": "app"});
    let anna = Member::of(&shop, shop.post("/v1/members", &joined).await.expect(201)["id"].as_str().expect("an id"));
    let review = json!({"id": "r1", "type": "review", "member": {"id": anna.id}, "occurred_at": shop.now(), "data": {}});
    shop.post("/v1/events", &review).await.expect(201);
    anna.is_given_until("7", "2026-01-20T21:00:00Z").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let transfer = json!({"to": {"id": boris.id}, "points": "3", "reason": "a gift"});
    shop.post(&format!("/v1/members/{}/transfers", anna.id), &transfer).await.expect(201);
    shop.at("2026-03-10T09:00:00Z").await;
    anna.has(json!({"available": "39.00", "lifetime_expired": "0.00"})).await;
    boris.has(json!({"available": "3.00", "lifetime_expired": "0.00"})).await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    shop.minutes_pass(180).await;
    let mut all = told(&receiver);
    all.sort();
    let end = "2026-04-09T21:00:00Z";
    // one for each end that was planned
    assert_eq!(
        all,
        ["3.00", "35.00", "4.00"].map(|points| format!("points.annulment {points} {end}")),
        "the welcome and the review were to end together"
    );
    shop.at(end).await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "39.00"})).await;
    boris.has(json!({"available": "0.00"})).await;
    books_agree(&shop).await;
}

#[tokio::test]
async fn a_program_that_asks_for_no_notice_any_more_keeps_its_word_on_what_it_gave() {
    let shop = shop().await;
    let anna = anna(&shop).await;
    let mut document = program();
    document.as_object_mut().expect("an object").remove("annulment");
    shop.publish(&document).await.expect(200);
    anna.buys(json!([line("1", "200.00")])).await;
    shop.at(PLANNED).await;
    anna.has(json!({"available": "100.00", "lifetime_expired": "20.00"})).await;
    books_agree(&shop).await;
}

#[tokio::test]
async fn two_late_runs_at_once_tell_everybody_once_and_end_nothing_in_the_past() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    for number in 10..30 {
        let member = shop.enrol(&format!("+7 900 000-00-{number}")).await;
        member.buys(json!([line("1", "100.00")])).await;
    }
    // no job ran from 15 January to 10 March
    let late = shop.beside("2026-03-10T09:00:00Z").await;
    tokio::join!(late.run_job("annulment"), late.run_job("annulment"), late.run_job("annulment"));
    assert_eq!((notices(&shop), late.run_job("annulment").await["remaining"].clone()), (20, json!(0)));
    while late.run_job("deliver").await["remaining"] != 0 {}
    let later = shop.beside("2026-05-20T09:00:00Z").await;
    tokio::join!(later.run_job("annulment"), later.run_job("annulment"), later.run_job("annulment"));
    assert_eq!(later.run_job("annulment").await["remaining"], 0);
    // sent on 10 March, but nobody said until now when they end: not today
    assert_eq!(later.run_job("expire").await["processed"], 0);
    let ends =
        "SELECT count(*) FROM lot WHERE strftime('%Y-%m-%dT%H:%M:%SZ', expires_at / 1000, 'unixepoch') = '2026-05-21T21:00:00Z'";
    assert_eq!(shop.number_in("default", ends), 20);
    assert_eq!(shop.number_in("default", "SELECT count(*) FROM outbox WHERE kind = 'points.annulment_moved'"), 20);
    books_agree(&shop).await;
}

#[tokio::test]
async fn nobody_is_told_who_was_erased_and_nothing_of_theirs_is_annulled() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, true).await;
    let anna = anna(&shop).await;
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    shop.at("2026-03-10T09:00:00Z").await;
    assert_eq!((told(&receiver), notices(&shop)), (vec![], 0));
    assert_eq!(shop.number_in("default", "SELECT sum(remaining) FROM lot"), 10_000);
    books_agree(&shop).await;
}
