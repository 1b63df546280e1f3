//! What an operator sees: a line of the log for each request, what an answer cost, and whether the shop can be worked with.

use std::collections::BTreeMap;
use std::task::Poll;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tests::{BEGINNING, Shop, cart, line};

const LOGGED: [(&str, &str); 1] = [("request_log", "on")];

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// The lines of requests to a route, in their sequence.
fn requests(shop: &Shop, route: &str) -> Vec<Value> {
    shop.log().into_iter().filter(|line| line["message"] == "request" && line["route"] == route).collect()
}

/// Sends what makes instances run, open their connections and parse the program: another request then costs what it costs.
async fn warmed_up(shop: &Shop) {
    for _ in 0..2 {
        shop.quote(&cart(goods())).await;
    }
}

#[tokio::test]
async fn each_request_leaves_a_line_with_what_it_cost() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    warmed_up(shop).await;
    let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let order = shop.post_told(&[trace], "/v1/orders", &anna.order(goods())).await;
    assert_eq!(order.status, 201, "{}", order.text);
    let line = requests(shop, "/v1/orders").pop().expect("the order's line");
    assert_eq!(line["level"], "info", "{line}");
    assert_eq!((&line["method"], &line["status"], &line["code"]), (&json!("POST"), &json!(201), &Value::Null), "{line}");
    assert_eq!((&line["store"]["statements"], &line["rules"]["version"]), (&json!(2), &json!(1)), "{line}");
    assert_eq!((&line["replayed"], &line["tries"]), (&json!(false), &json!(1)), "{line}");
    assert_eq!((&line["time"], &line["trace_id"]), (&json!(BEGINNING), &json!("0af7651916cd43dd8448eb211c80319c")), "{line}");
    let milliseconds = |value: &Value| value.as_f64().filter(|milliseconds| *milliseconds > 0.0).expect("a time");
    let parts = milliseconds(&line["store"]["ms"]) + milliseconds(&line["rules"]["ms"]);
    assert!(parts <= milliseconds(&line["ms"]), "nothing takes longer than the whole: {line}");

    anna.quote(goods()).await;
    let line = requests(shop, "/v1/quotes").pop().expect("the quote's line");
    assert_eq!((&line["store"]["statements"], &line["trace_id"]), (&json!(1), &Value::Null), "{line}");
}

#[tokio::test]
async fn an_answer_tells_what_it_cost_and_the_log_says_the_same() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    warmed_up(shop).await;
    let before = shop.log().len();
    let answers = [
        (shop.post("/v1/orders", &anna.order(goods())).await, Some(2)),
        (shop.post("/v1/orders", &json!({})).await, Some(0)),
        (shop.get_without_key(&[], "/v1/orders/1").await, Some(0)),
        (shop.get_without_key(&[], "/healthz").await, Some(0)),
        (shop.get_without_key(&[], "/nowhere").await, Some(0)),
    ];
    let lines = shop.log().split_off(before);
    assert_eq!(lines.len(), answers.len());
    for ((answer, round_trips), line) in answers.iter().zip(lines) {
        let round_trips = *round_trips;
        assert_eq!(answer.round_trips(), round_trips, "{:?}", answer.timing);
        let parts = answer.milliseconds();
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["store", "rules", "total"], "{:?}", answer.timing);
        assert!(parts[0].1 + parts[1].1 <= parts[2].1, "{:?}", answer.timing);
        assert_eq!((line["store"]["ms"].as_f64(), line["ms"].as_f64()), (Some(parts[0].1), Some(parts[2].1)), "{line}");
        assert_eq!(line["store"]["statements"].as_u64(), round_trips, "{line}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_a_repeat_as_one() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let hold = json!({"member": {"id": anna.id}, "order": cart(goods()), "points": "1"});
    shop.post("/v1/redemptions", &hold).await.refused(409, "insufficient_points");
    let line = requests(shop, "/v1/redemptions").pop().expect("the refusal's line");
    assert_eq!((&line["level"], &line["status"]), (&json!("info"), &json!(409)), "{line}");
    assert_eq!((&line["code"], &line["detail"]), (&json!("insufficient_points"), &Value::Null), "{line}");

    let order = anna.order(goods());
    let (first, again) = (shop.post_as("a-key", "/v1/orders", &order).await, shop.post_as("a-key", "/v1/orders", &order).await);
    assert_eq!(first.text, again.text);
    let replayed: Vec<Value> = requests(shop, "/v1/orders").into_iter().map(|line| line["replayed"].clone()).collect();
    assert_eq!(replayed, [false, true]);
}

/// Requests that an instance serves at once are told apart: what they cost sums to what the stores were sent.
#[tokio::test]
async fn requests_at_once_are_counted_each_for_itself() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    let mut members = Vec::new();
    for number in 0..8 {
        members.push(shop.enrol(&format!("+7 900 000-00-{number:02}")).await);
    }
    let both = |number: usize| {
        let member = &members[number];
        async move {
            let (order, body) = (member.order(goods()), json!({"member": {"id": member.id}, "order": cart(goods())}));
            tokio::join!(shop.post("/v1/orders", &order), shop.post("/v1/quotes", &body))
        }
    };
    let mut seen = Vec::new();
    // the first have connections to open and the program to parse, and a new instance has that at any time
    for _ in 0..8 {
        let before = (shop.host.statements(), shop.log().len());
        let answers = at_once((0..members.len()).map(both)).await;
        let mut told = Vec::new();
        for (order, quote) in answers {
            assert!(order.status == 201 && quote.status == 200, "{} {}", order.text, quote.text);
            told.push((order.round_trips().expect("a count"), quote.round_trips().expect("a count")));
        }
        let sum: u64 = told.iter().map(|(order, quote)| order + quote).sum();
        assert_eq!(sum, shop.host.statements() - before.0);
        let lines = shop.log().split_off(before.1);
        let count = |line: &Value| line["store"]["statements"].as_u64().expect("a count");
        assert_eq!((lines.len(), lines.iter().map(count).sum::<u64>()), (2 * members.len(), sum));
        if told.iter().all(|counts| *counts == (2, 1)) {
            return;
        }
        seen.push(told);
    }
    panic!("an order makes two round trips and a quote one, not {seen:?}");
}

/// All of them at once.
pub async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(answer) = future.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn no_line_holds_what_was_sent_about_a_person() {
    let shop = &Shop::with_settings("fixed", &[LOGGED[0], ("unknown_members_per_minute", "1")]).await;
    let key = &shop.key(&["storefront"], None).await.secret;
    let person = json!({
        "phone": "+7 912 345-67-89", "email": "zelda.fitz@mail.example", "first_name": "Zelda", "last_name": "Fitzgerald",
        "birthday": "1990-07-24", "channel": "site",
    });
    let member = shop.post_as("key-of-zelda", "/v1/members", &person).await.expect(201)["id"].as_str().unwrap().to_owned();
    let mut order = cart(goods());
    (order["id"], order["occurred_at"], order["member"]) =
        ("receipt-of-zelda".into(), BEGINNING.into(), json!({"phone": "89123456789"}));
    shop.post_as("order-of-zelda", "/v1/orders", &order).await.expect(201);
    // right and wrong, by all ways in
    shop.get_with(key, "/v1/members?phone=89123456789").await.expect(200);
    for _ in 0..2 {
        assert!(shop.get_with(key, "/v1/members?email=nobody.zelda%40mail.example").await.status.is_client_error());
    }
    shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
    shop.get("/v1/orders/receipt-of-zelda").await.expect(200);
    shop.get("/v1/vouchers/ZELDA-90").await.refused(404, "voucher_not_found");
    shop.get("/v1/zelda/89123456789?name=Zelda").await.refused(404, "not_found");
    shop.send(Method::from_bytes(b"ZELDA").unwrap(), "/v1/orders", None, None).await.refused(404, "not_found");
    shop.get_with("kk_zelda", "/v1/audit").await.refused(401, "unauthorized");
    shop.post_as("order-of-zelda", "/v1/orders", &json!({"id": "Zelda"})).await.refused(422, "invalid_request");
    shop.post("/v1/members", &person).await.refused(409, "identity_taken");
    shop.get(&format!("/v1/members/{member}/export")).await.expect(200);
    shop.days_pass(1).await;
    shop.delete(&format!("/v1/members/{member}")).await.expect(200);

    let output = shop.output();
    assert!(output.lines().count() > 15 && output.contains("unknown_members_per_minute"), "{output}");
    for secret in
        ["9123456789", "345-67", "elda", "ZELDA", "itzgerald", "1990-07", "mail.example", "mem_", "receipt", key.as_str()]
    {
        let line = output.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
    assert!(!output.contains(tests::ADMIN_KEY) && !output.contains(tests::PEOPLE_KEY));
}

#[tokio::test]
async fn a_request_is_called_by_its_route_and_never_by_its_path() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    for (method, route) in tests::routes::all() {
        let path: String = route
            .split('/')
            .skip(1)
            .map(|part| if part.starts_with('{') { "/x-1" } else { part }.to_owned())
            .fold(String::new(), |path, part| if part.starts_with('/') { path + &part } else { path + "/" + &part });
        let method: Method = method.parse().expect("a method");
        shop.send_with(None, method.clone(), &path, None, None).await;
        let line = shop.log().pop().expect("a line");
        assert_eq!((line["route"].as_str(), line["method"].as_str()), (Some(route.as_str()), Some(method.as_str())), "{line}");
    }
    for path in ["/", "/v1", "/v1/", "/v1/members/x-1/nowhere", "/v1/orders/x-1/returns/x-2", "/x-1", "/v1/keys/x-1/rotation/"] {
        shop.get_without_key(&[], path).await;
        let line = shop.log().pop().expect("a line");
        let expected = if path.ends_with("rotation/") { "/v1/keys/{id}/rotation" } else { "unmatched" };
        assert_eq!(line["route"], expected, "{path}: {line}");
    }
    assert!(!shop.output().contains("x-1"));
}

#[tokio::test]
async fn the_log_is_as_the_deployment_wants_it() {
    for (setting, told) in [("on", vec![201, 503, 404]), ("errors", vec![503]), ("off", vec![])] {
        let shop = &Shop::with_settings("fixed", &[("request_log", setting)]).await;
        let before = shop.log().len();
        shop.enrol("+7 900 000-00-01").await;
        shop.alter("people", "ALTER TABLE person RENAME TO person_gone");
        assert!(shop.post("/v1/members", &json!({"phone": "+7 900 000-00-02", "channel": "site"})).await.status.as_u16() == 503);
        shop.get("/v1/orders/none").await.refused(404, "order_not_found");
        let lines = shop.log().split_off(before);
        let statuses: Vec<u64> = lines.iter().filter_map(|line| line["status"].as_u64()).collect();
        assert_eq!(statuses, told, "{setting}: {lines:?}");
        let failed = lines.iter().find(|line| line["status"] == 503);
        assert!(failed.is_none_or(|line| line["level"] == "error" && line["detail"].is_string()), "{failed:?}");
    }
}

#[tokio::test]
async fn a_run_of_the_schedule_leaves_a_line_and_so_does_each_job_with_work() {
    let shop = &Shop::with_settings("fixed", &LOGGED).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    anna.holds("1", goods()).await;
    shop.days_pass(1).await;
    let lines = shop.log();
    let hours: Vec<&Value> = lines.iter().filter(|line| line["message"] == "schedule").collect();
    assert_eq!(hours.len(), 24);
    assert!(hours.iter().all(|line| line["level"] == "info" && line["store"]["statements"].as_u64() >= Some(1)), "{hours:?}");
    let holds = lines.iter().find(|line| line["message"] == "job" && line["job"] == "holds").expect("the line of the job holds");
    assert_eq!((&holds["processed"], &holds["remaining"], &holds["set_aside"]), (&json!(1), &json!(0), &json!(0)), "{holds}");
    assert!(holds["store"]["statements"].as_u64() >= Some(1) && holds["ms"].as_f64() > Some(0.0), "{holds}");

    anna.holds("1", goods()).await;
    // asked for by hand before the hour, so that the schedule finds nothing
    shop.minutes_pass(45).await;
    let run = shop.run_job("holds").await;
    let lines = shop.log();
    let jobs = |line: &&Value| line["message"] == "job" && line["job"] == "holds";
    let by_hand = lines.iter().rfind(|line| jobs(line)).expect("the job's line");
    assert_eq!((&by_hand["processed"], &by_hand["remaining"]), (&run["processed"], &run["remaining"]), "{by_hand}");
}

#[tokio::test]
async fn a_shop_is_ready_with_both_stores_and_a_program() {
    let shop = &Shop::without_tables(BEGINNING).await;
    let ready = async || shop.get_without_key(&[], "/readyz").await;
    // what an instance found it tells for a second
    let a_second_passes = async || tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = |answer: tests::Answer, code: &str| {
        assert_eq!(answer.retry_after.as_deref(), Some("5"), "{}", answer.text);
        answer.refused(503, code);
    };
    refused(ready().await, "not_migrated");
    shop.run_job("migrate").await;
    a_second_passes().await;
    let before = shop.host.statements();
    for _ in 0..8 {
        refused(ready().await, "no_program");
    }
    let sent = shop.host.statements() - before;
    assert!(sent < 8, "a refusal is remembered as well: {sent} statements");
    let fixed = shop.get("/v1/program/presets/fixed").await.expect(200)["document"].clone();
    shop.publish(&fixed).await.expect(200);
    a_second_passes().await;
    let before: BTreeMap<_, _> = ["default", "people"].map(|store| (store, shop.host.statements_of(store))).into();
    let answer = ready().await;
    let cost: Vec<u64> = before.iter().map(|(store, before)| shop.host.statements_of(store) - before).collect();
    assert!(cost.iter().all(|cost| *cost <= 2), "one statement to each store, and one to open it: {cost:?}");
    assert_eq!(answer.expect(200), json!({"status": "ready"}));
    // for a second nobody is asked again
    let before = shop.host.statements();
    ready().await.expect(200);
    assert!(shop.host.statements() - before <= 2);
}

#[tokio::test]
async fn a_shop_whose_store_lost_a_table_is_not_ready() {
    for (store, table) in [("default", "migration"), ("people", "migration"), ("default", "program")] {
        let shop = &Shop::with_settings("fixed", &LOGGED).await;
        shop.alter(store, &format!("ALTER TABLE {table} RENAME TO {table}_gone"));
        let refused = shop.get_without_key(&[], "/readyz").await.refused(503, "not_migrated");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(store)), "{refused}");
        let line = requests(shop, "/readyz").pop().expect("a line");
        assert_eq!((&line["level"], &line["code"]), (&json!("error"), &json!("not_migrated")), "{line}");
    }
}
