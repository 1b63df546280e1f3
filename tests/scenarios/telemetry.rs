//! What a collector of OpenTelemetry is told: each request with its statements in the caller's trace, and nothing about anybody.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Answer, Collector, Receiver, Shop, Span, Telegram, cart, line};

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// A trace that the caller has begun, and the header that says so.
fn trace(number: u64) -> (String, String) {
    let trace = format!("{:032x}", 0xabc0_0000_u64 + number);
    let header = format!("00-{trace}-b7ad6b7169203331-01");
    (trace, header)
}

/// The span of the one request in a trace, and the statements that belong to it.
fn request_in<'a>(spans: &'a [Span], trace: &str) -> (&'a Span, Vec<&'a Span>) {
    let of_trace: Vec<&Span> = spans.iter().filter(|span| span.trace == trace).collect();
    let servers: Vec<&&Span> = of_trace.iter().filter(|span| span.kind == "SERVER").collect();
    let [server] = servers.as_slice() else { panic!("one request in {trace}: {of_trace:?}") };
    let asked: Vec<&Span> = of_trace.iter().copied().filter(|span| span.attributes.contains_key("db.namespace")).collect();
    assert!(asked.iter().all(|span| span.parent == server.id && span.kind == "CLIENT"), "{of_trace:?}");
    let is_statement = |span: &&Span| ["sqlite", "libsql"].contains(&span.attributes["db.system.name"].as_str());
    (server, asked.into_iter().filter(is_statement).collect())
}

/// What is told of a request is what its answer says that it cost.
#[track_caller]
fn check(spans: &[Span], trace: &str, answer: &Answer, route: &str) {
    let (server, statements) = request_in(spans, trace);
    assert_eq!(server.parent, "b7ad6b7169203331", "the caller's span is above it");
    assert_eq!(server.name, format!("POST {route}"));
    let status = answer.status.as_u16().to_string();
    let told = [("http.request.method", "POST"), ("http.route", route), ("http.response.status_code", &status)];
    for (name, value) in told {
        assert_eq!(server.attributes[name], value, "{server:?}");
    }
    assert_eq!(server.attributes["component.id"], "accrual");
    assert_eq!(Some(statements.len() as u64), answer.round_trips(), "{statements:?}");
}

#[tokio::test]
async fn a_request_is_a_span_in_the_caller_s_trace_and_its_statements_are_below_it() {
    let collector = Collector::start();
    let shop = Shop::watched_by(&collector, "fixed", &[]).await;
    let members = [shop.enrol("+7 900 000-00-01").await.id, shop.enrol("+7 900 000-00-02").await.id];
    let quote = json!({"member": {"id": members[0]}, "order": cart(goods())});
    let mut answers = Vec::new();
    for number in 0..3 {
        let (trace, header) = trace(number);
        answers.push((trace, shop.post_told(&[("traceparent", &header)], "/v1/quotes", &quote).await, "/v1/quotes"));
    }
    let order = |number: u64| {
        let mut order = cart(goods());
        order["id"] = format!("receipt-{number}").into();
        (order["occurred_at"], order["member"]) = (tests::BEGINNING.into(), json!({"id": members[0]}));
        order
    };
    for number in 3..6 {
        let (trace, header) = trace(number);
        let answer = shop.post_told(&[("traceparent", &header)], "/v1/orders", &order(number)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answers.push((trace, answer, "/v1/orders/..."));
    }
    // an instance serves them at once
    let at_once = (6..38).step_by(2).map(|number| {
        let (shop, order, quote) = (&shop, order(number), &quote);
        async move {
            let ((first, to_order), (second, to_quote)) = (trace(number), trace(number + 1));
            let (order_told, quote_told) = ([("traceparent", to_order.as_str())], [("traceparent", to_quote.as_str())]);
            let (ordered, quoted) =
                tokio::join!(shop.post_told(&order_told, "/v1/orders", &order), shop.post_told(&quote_told, "/v1/quotes", quote));
            [(first, ordered, "/v1/orders/..."), (second, quoted, "/v1/quotes")]
        }
    });
    answers.extend(crate::observability::at_once(at_once).await.into_iter().flatten());
    let published = shop.get("/v1/program").await.expect(200)["document"].clone();
    let (publishing, header) = trace(40);
    let of_publishing = [("traceparent", header.as_str()), ("idempotency-key", "published")];
    shop.put_told(&of_publishing, "/v1/program", &published).await.expect(200);
    // another trace begins where none is told
    shop.get("/healthz").await.expect(200);
    shop.stop().await;

    let spans = collector.spans();
    for (trace, answer, route) in &answers {
        check(&spans, trace, answer, route);
    }
    let (_, statements) = request_in(&spans, &trace(5).0);
    let told = |span: &Span, name: &str| span.attributes.get(name).cloned().unwrap_or_default();
    assert!(statements.iter().all(|span| told(span, "db.namespace") == "default"), "{statements:?}");
    assert!(statements.iter().any(|span| span.name == "INSERT apply_purchase"), "{statements:?}");
    assert!(statements.iter().all(|span| told(span, "db.query.summary") == span.name), "{statements:?}");
    let cached = spans.iter().find(|span| span.trace == publishing && span.name == "set default");
    assert!(cached.is_some_and(|span| span.attributes["db.system.name"] == "spin.key_value"), "{cached:?}");
    let health = spans.iter().find(|span| span.name == "GET /...").expect("the span of another request");
    assert_eq!((health.parent.as_str(), health.failed), ("", false));
}

#[tokio::test]
async fn nothing_about_anybody_is_sent_to_the_collector() {
    let collector = Collector::start();
    let shop = Shop::watched_by(&collector, "fixed", &[]).await;
    let key = shop.key(&["storefront"], None).await.secret;
    let person =
        json!({"phone": "+7 912 345-67-89", "email": "zelda.fitz@mail.example", "first_name": "Zelda", "channel": "site"});
    let member = shop.post_as("key-of-zelda", "/v1/members", &person).await.expect(201)["id"].as_str().unwrap().to_owned();
    let mut order = cart(goods());
    (order["id"], order["occurred_at"]) = ("receipt-of-zelda".into(), tests::BEGINNING.into());
    order["member"] = json!({"phone": "89123456789"});
    shop.post_as("order-of-zelda", "/v1/orders", &order).await.expect(201);
    shop.get_with(&key, "/v1/members?phone=89123456789").await.expect(200);
    shop.get_with("kk_zelda", "/v1/members/zelda/balance?name=Zelda").await.refused(401, "unauthorized");
    shop.get(&format!("/v1/members/{member}/balance")).await.expect(200);
    shop.post_told(&[("x-zelda", "Zelda"), ("user-agent", "Zelda")], "/v1/orders", &json!({"id": "Zelda"}))
        .await
        .refused(422, "invalid_request");
    shop.days_pass(1).await;
    shop.delete(&format!("/v1/members/{member}")).await.expect(200);
    shop.stop().await;
    let sent = collector.bytes();
    assert!(collector.spans().len() > 40, "{:?}", collector.spans());
    for secret in [
        "9123456789",
        "345-67",
        "elda",
        "mail.example",
        "mem_",
        &member[4..],
        "receipt",
        &key,
        tests::ADMIN_KEY,
        tests::PEOPLE_KEY,
    ] {
        let found = sent.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!found, "{secret} was sent");
    }
}

#[tokio::test]
async fn durations_and_instances_are_counted() {
    let collector = Collector::start();
    let shop = Shop::watched_by(&collector, "fixed", &[]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for _ in 0..3 {
        anna.buys(goods()).await;
    }
    let mut statements = BTreeMap::new();
    for database in ["default", "people"] {
        statements.insert(database, shop.host.statements_of(database));
    }
    drop(anna);
    shop.stop().await;
    let counts = collector.counts();
    let of = |metric: &str, words: &[&str]| -> i64 {
        let points = counts.get(metric).unwrap_or_else(|| panic!("no {metric} in {counts:?}")).iter();
        points.filter(|(attributes, _)| words.iter().all(|word| attributes.contains(word))).map(|(_, count)| count).sum()
    };
    assert_eq!(of("http.server.request.duration", &["/v1/orders/...", "POST", "201"]), 3, "{counts:?}");
    for (database, statements) in statements {
        assert_eq!(of("db.client.operation.duration", &[database, "sql"]), i64::try_from(statements).unwrap(), "{counts:?}");
    }
    assert!(of("component.instances.started", &["accrual"]) >= 1, "{counts:?}");
    assert_eq!(of("component.instances", &[]), 0, "none is left: {counts:?}");
}

#[tokio::test]
async fn a_run_of_the_schedule_and_the_calls_that_it_makes_are_one_trace() {
    let (collector, receiver) = (Collector::start(), Receiver::start());
    let shop = Shop::watched_by(&collector, "fixed", &[("webhook_hosts", "http://127.0.0.1:*")]).await;
    shop.post("/v1/webhooks", &json!({"url": receiver.url()})).await.expect(201);
    let anna = shop.enrol("+7 900 000-00-01").await;
    shop.minutes_pass(60).await;
    let by_schedule = receiver.take_received();
    anna.is_given("100").await;
    let (by_hand, header) = trace(1);
    let jobs = shop.post_told(&[("traceparent", &header)], "/v1/jobs/deliver/runs", &json!({})).await;
    assert_eq!(jobs.status, 200, "{}", jobs.text);
    let asked_for = receiver.take_received();
    assert!(!by_schedule.is_empty() && !asked_for.is_empty(), "messages are sent");
    drop(anna);
    shop.stop().await;
    let spans = collector.spans();
    let run = spans.iter().find(|span| span.name == "cron jobs").expect("the run's span");
    assert_eq!((run.kind, run.parent.as_str(), run.failed), ("INTERNAL", "", false));
    assert!(spans.iter().any(|span| span.parent == run.id && span.attributes.contains_key("db.namespace")), "{spans:?}");
    for (messages, trace) in [(by_schedule, &run.trace), (asked_for, &by_hand)] {
        for message in messages {
            let told: Vec<&str> = message.headers["traceparent"].split('-').collect();
            let call = spans.iter().find(|span| span.id == told[2]).expect("the span of the call");
            assert_eq!((told[1], &call.trace, call.kind), (trace.as_str(), trace, "CLIENT"));
            assert_eq!((call.attributes["server.address"].as_str(), &call.name), ("127.0.0.1", &"POST".to_owned()));
            assert!(!format!("{call:?}").contains("/hooks"), "{call:?}");
        }
    }
}

#[tokio::test]
async fn what_one_component_asks_another_is_in_the_same_trace() {
    let collector = Collector::start();
    let mut bot = Telegram::connect(Shop::open("fixed").await).await;
    bot.shop = bot.shop.restart_watched_by(&collector).await;
    bot.shares(77, "+7 900 000-00-01").await;
    bot.shop.stop().await;
    let spans = collector.spans();
    let update = spans.iter().find(|span| span.name == "POST /v1/telegram/updates").expect("the update's span");
    assert_eq!(update.attributes["component.id"], "telegram");
    let calls: Vec<&Span> = spans.iter().filter(|span| span.parent == update.id && span.kind == "CLIENT").collect();
    let told = |span: &Span, name: &str| span.attributes.get(name).cloned().unwrap_or_default();
    let inside = calls.iter().filter(|call| told(call, "server.address") == "registration.spin.internal").count();
    let answered: Vec<&Span> = spans.iter().filter(|span| told(span, "component.id") == "registration").collect();
    assert!(inside >= 2 && calls.len() > inside, "within the application, and to the Bot API: {calls:?}");
    assert_eq!(answered.len(), inside, "{answered:?}");
    for span in answered {
        assert!(span.trace == update.trace && calls.iter().any(|call| call.id == span.parent), "{span:?}");
        assert!(spans.iter().any(|statement| statement.parent == span.id), "it asks the stores: {span:?}");
    }
    let sent = collector.bytes();
    let holds = |secret: &str| sent.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
    assert!(!holds("/bot") && !holds(tests::TELEGRAM_SECRET) && !holds("0000-00"));
}
