//! The same shop with hosted stores: a libSQL server for the books, another one for the persons.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tests::latency::LongWay;
use tests::{Answer, Member, Shop, line, pieces};
use tokio::task::JoinSet;

/// Whatever is said of ids is that they are there. Lots of one moment stand in the sequence of their ids, which chance makes.
fn without_ids(value: Value) -> Value {
    let is_id = |text: &str| text.split_once('_').is_some_and(|(kind, number)| kind.len() == 3 && number.len() == 16);
    match value {
        Value::String(text) if is_id(&text) => text[..3].into(),
        Value::Array(items) => items.into_iter().map(without_ids).collect(),
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, without_ids(value))).collect();
            if let Some(Value::Array(lots)) = fields.get_mut("lots") {
                lots.sort_by_key(Value::to_string);
            }
            fields.into()
        }
        other => other,
    }
}

/// A member's year: everything that moves points, and what each step answered. Whatever must have happened before somebody looks is
/// waited for.
pub async fn story(shop: &Shop, looks: impl AsyncFn()) -> Vec<Value> {
    let goods = || json!([pieces("1", "1000.00", 3), line("2", "333.33")]);
    let anna = shop.enrol("+7 900 000-00-01").await;
    looks().await;
    let mut told = vec![anna.quote(goods()).await, anna.buys(goods()).await];
    let hold = anna.redeems("150", goods()).await.expect(201);
    looks().await;
    told.push(anna.balance().await);
    told.push(shop.post(&format!("/v1/redemptions/{}/release", hold["id"].as_str().unwrap()), &json!({})).await.expect(200));
    let paid = anna.buys_with("600", goods()).await;
    let (returned, cancelled) = (paid["order_id"].as_str().unwrap(), anna.buys_with("40.5", goods()).await);
    told.push(shop.takes_back(returned, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201));
    told.push(shop.cancels(cancelled["order_id"].as_str().unwrap()).await.expect(201));
    told.push(shop.takes_back(returned, "r-2", None).await.expect(201));
    told.push(anna.is_given("-10.01").await);
    told.push(anna.is_given_until("77", "2026-01-15T09:30:00Z").await);
    anna.redeems("5", goods()).await.expect(201); // never used: its points come back at ten
    looks().await;
    told.extend([paid, cancelled, anna.balance().await]);
    shop.days_pass(31).await;
    looks().await;
    told.push(anna.balance().await);
    shop.days_pass(64).await;
    looks().await;
    told.extend([anna.balance().await, anna.entries().await.into(), shop.counts().await]);
    shop.audit_is_clean().await;
    told.into_iter().map(without_ids).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_s_year_is_the_same_as_with_embedded_stores() {
    let Some(shop) = Shop::hosted("gw-tools").await else { return };
    let told = story(&shop, async || {}).await;
    let embedded = story(&Shop::open("gw-tools").await, async || {}).await;
    for (hosted, embedded) in told.iter().zip(&embedded) {
        assert_eq!(hosted, embedded);
    }
    let last = &told[told.len() - 3];
    assert_eq!((&last["available"], &last["held"]), (&json!("0.00"), &json!("0.00")), "everything expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_mutation_sent_twice_gives_the_same_answer_and_one_effect() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    crate::repeats::send_every_mutation_twice(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_from_8_callers_at_once_has_one_effect_and_one_answer() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    crate::repeats::send_every_mutation_8_times_at_once(shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_redemptions_of_100_at_once_on_a_balance_of_1_000_exactly_10_succeed() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    crate::concurrency::redeem_100_of_1_000_20_times_at_once(shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_call_makes_as_many_round_trips_as_with_embedded_stores() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    crate::round_trips::count_each_call(&shop).await;
    crate::round_trips::count_an_enrolment(&shop).await;
}

/// The same shop, whose books are at the end of a way.
async fn at_the_end_of_a_way(shop: Shop, round_trip: Duration) -> (Shop, LongWay) {
    let books = shop.server("default").unwrap();
    let way = LongWay::to(books.address(), round_trip).await.unwrap();
    let file = shop.data().join("runtime-config.toml");
    let config = std::fs::read_to_string(&file).unwrap().replace(&books.url(), &way.url());
    std::fs::write(&file, config).unwrap();
    (shop.restart().await, way)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_one_after_another_share_the_connections_to_a_store() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    let (shop, way) = at_the_end_of_a_way(shop, Duration::ZERO).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let statements = shop.host.statements();
    for _ in 0..30 {
        anna.buys(json!([line("1", "100.00")])).await;
        anna.balance().await;
    }
    assert!(shop.host.statements() - statements >= 60);
    // a stream of statements is closed while the next call has begun, and jobs have streams of their own
    assert!(way.connections() <= 6, "{}", way.connections());
}

/// 503, to be sent again in a moment.
#[track_caller]
fn is_told_to_come_back(answer: Answer) {
    assert_eq!(answer.retry_after.as_deref(), Some("1"), "{}", answer.text);
    answer.refused(503, "store_unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_a_store_is_down_callers_are_told_to_come_back_and_then_all_goes_on_by_itself() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    let (books, people) = (shop.server("default").unwrap(), shop.server("people").unwrap());
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let order = anna.order(json!([line("1", "1000.00")]));
    let boris = json!({"phone": "+7 900 000-00-02", "channel": "site"});
    let before = (anna.books().await, shop.counts().await);

    people.stop();
    is_told_to_come_back(shop.post_as("boris", "/v1/members", &boris).await);
    is_told_to_come_back(shop.get(&format!("/v1/members/{}", anna.id)).await);
    anna.quote(json!([line("1", "1000.00")])).await; // the books alone suffice for that
    assert_eq!((anna.books().await, shop.counts().await), before);

    books.stop();
    for _ in 0..3 {
        is_told_to_come_back(shop.post_as("order", "/v1/orders", &order).await);
        is_told_to_come_back(shop.post_as("boris", "/v1/members", &boris).await);
        is_told_to_come_back(shop.get(&format!("/v1/members/{}/balance", anna.id)).await);
        is_told_to_come_back(shop.get("/v1/audit").await);
    }
    books.start_again();
    people.start_again();
    assert_eq!((anna.books().await, shop.counts().await), before, "nothing was written by halves");
    shop.post_as("order", "/v1/orders", &order).await.expect(201);
    shop.post_as("boris", "/v1/members", &boris).await.expect(201);
    anna.has(json!({"available": "1030.00"})).await;
    assert_eq!(shop.counts().await["accounts"], 2);
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_was_started_anew_between_two_calls_goes_unnoticed() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    let shop = Arc::new(shop);
    let anna = shop.enrol("+7 900 000-00-01").await;
    // meanwhile the instance that has the old connections lives on
    let lively = shop.clone();
    let kept = tokio::spawn(async move {
        for _ in 0..100 {
            lively.get("/healthz").await.expect(200);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    for _ in 0..3 {
        anna.is_given("10").await;
        for database in ["default", "people"] {
            shop.server(database).unwrap().stop();
            shop.server(database).unwrap().start_again();
        }
        assert_eq!(shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["phone"], "+79000000001");
    }
    kept.abort();
    anna.has(json!({"available": "30.00"})).await;
}

/// What a till sent, and the answer that it got.
struct Sent {
    key: String,
    order: Value,
    answer: Answer,
}

/// A till sells until it is told to come back; the last order is the one that it does not know of.
async fn sells(shop: Arc<Shop>, member: String, answered: Arc<AtomicUsize>) -> Vec<Sent> {
    let mut sent: Vec<Sent> = Vec::new();
    while sent.last().is_none_or(|sent| sent.answer.status == 201) {
        assert!(sent.len() < 5_000, "the server is killed some time");
        let order = Member::of(&shop, &member).order(json!([line("1", "1000.00")]));
        let key = shop.new_key();
        let answer = shop.post_as(&key, "/v1/orders", &order).await;
        answered.fetch_add(1, Ordering::Relaxed);
        sent.push(Sent { key, order, answer });
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_before_a_server_was_killed_is_there_and_the_rest_happens_once() {
    let Some(shop) = Shop::hosted("fixed").await else { return };
    let shop = Arc::new(shop);
    let books = shop.server("default").unwrap();
    let mut members = Vec::new();
    for phone in 1..=3 {
        members.push(shop.enrol(&format!("+7 900 000-00-0{phone}")).await.id);
    }
    let mut orders = 0;
    for round in 1..=3 {
        let answered = Arc::new(AtomicUsize::new(0));
        let mut tills = JoinSet::new();
        // two tills for each member
        for member in members.iter().chain(&members) {
            tills.spawn(sells(shop.clone(), member.clone(), answered.clone()));
        }
        while answered.load(Ordering::Relaxed) < 20 * round {
            tokio::task::yield_now().await;
        }
        books.kill();
        let sent: Vec<Sent> = tills.join_all().await.into_iter().flatten().collect();
        books.start_again();
        for Sent { key, order, answer } in sent {
            let again = shop.post_as(&key, "/v1/orders", &order).await;
            if answer.status == 201 {
                assert_eq!((again.replayed, &again.text), (true, &answer.text), "what was answered is there");
            } else {
                is_told_to_come_back(answer);
                again.expect(201);
            }
            orders += 1;
        }
        assert_eq!(shop.counts().await["orders"], orders, "each order once");
        shop.audit_is_clean().await;
    }
    let mut earned = 0;
    for member in &members {
        earned += tests::hundredths(&Member::of(&shop, member).balance().await["available"]);
    }
    assert_eq!(earned, orders * 3_000, "3 % of each order");
}
