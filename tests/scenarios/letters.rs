//! What happens is written to members: in their language, by one channel after another until a message comes through, with their
//! consent, not at night, and not too often. Letters go to the shop's provider; it says what became of them.

use serde_json::{Value, json};
use tests::{Member, Received, Receiver, Shop, line};

const LOOPBACK: (&str, &str) = ("webhook_hosts", "http://127.0.0.1:*");

/// 5 % that expire after ten days, reminders, a trigger, and words for what happens.
fn program() -> Value {
    json!({
        "name": "Coffee", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "names": {"ru": "баллы"}, "scale": 2, "conversion_rate": "1.00"},
        "earning": [{"id": "purchase", "type": "percent", "rate": "5", "expiry": {"type": "days", "days": 10}}],
        "redemption": {"max_share": "100"},
        "enrolment": {"profile_filled": {"fields": ["birthday"]}},
        "events": [{"id": "asked", "type": "profile_filled", "points": "1"}],
        "triggers": [
            {"id": "thanks", "on": "purchase", "hours": 1, "event": "thanks"},
            {"id": "name", "on": "joined", "days": 3, "unless": "profile_filled", "event": "name"}
        ],
        "reminders": {"days": [7, 1]},
        "messages": {
            "cascade": [
                {"channel": "email", "wait_hours": 24, "until": "opened"}, {"channel": "sms", "wait_hours": 2}, {"channel": "messenger"}
            ],
            "quiet_hours": {"from": "21:00", "to": "09:00"},
            "cap": {"messages": 1, "days": 7},
            "templates": [
                {"kind": "points.earned",
                 "en": {"subject": "{{ points | number }} points", "text": "{{ first_name | or('Hello') }}, you earned {{ points | number }}"},
                 "ru": {"subject": "{{ points | number }} б.", "text": "{{ first_name | or('Здравствуйте') }}, начислено {{ points | number }}"}},
                {"kind": "points.expiring",
                 "en": {"text": "{{ points | number }} of {{ available | number }} until {{ expires_at | last_day }}"},
                 "ru": {"text": "{{ points | number }} до {{ expires_at | last_day }}"}},
                {"kind": "trigger", "of": "thanks", "en": {"text": "Thank you"}, "ru": {"text": "Спасибо"}},
                {"kind": "member.code", "en": {"text": "Code {{ code }}"}, "ru": {"text": "Код {{ code }}"}}
            ]
        }
    })
}

struct Written {
    shop: Shop,
    provider: Receiver,
}

/// A shop with a provider that gets letters and nothing else. It is noon in Moscow.
async fn opened() -> Written {
    let shop = Shop::with_settings("fixed", &[LOOPBACK]).await;
    shop.publish(&program()).await.expect(200);
    let provider = Receiver::start();
    let endpoint = json!({"url": provider.url(), "kinds": ["message.send"], "recipient": true});
    shop.post("/v1/webhooks", &endpoint).await.expect(201);
    Written { shop, provider }
}

impl Written {
    async fn joins(&self, more: Value) -> Member<'_> {
        let mut body = json!({"channel": "site"});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        Member::of(&self.shop, self.shop.post("/v1/members", &body).await.expect(201)["id"].as_str().expect("an id"))
    }

    async fn anna(&self) -> Member<'_> {
        let all = json!({"email": "anna@shop.example", "phone": "+79000000001", "telegram": "anna", "first_name": "Анна",
                         "attributes": {"language": "ru-RU"}});
        self.joins(all).await
    }

    /// What the provider was sent since it was asked last.
    async fn sent(&self) -> Vec<Value> {
        while self.shop.run_job("deliver").await["remaining"] != 0 {}
        self.provider.take_received().iter().map(|received: &Received| received.json["data"].clone()).collect()
    }

    /// Channel, address and text of it.
    async fn letters(&self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        self.sent()
            .await
            .iter()
            .map(|letter| format!("{} {}: {}", word(&letter["channel"]), word(&letter["to"]), word(&letter["text"])))
            .collect()
    }

    /// How far the newest message of a kind has come to its member.
    async fn dispatch(&self, kind: &str) -> Value {
        let listed = self.shop.get("/v1/messages?limit=200").await.expect(200);
        let items = listed["items"].as_array().expect("a list").clone();
        items.into_iter().find(|item| item["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))["dispatch"].clone()
    }

    /// What the provider says of the last letter about the newest message of a kind.
    async fn says(&self, kind: &str, status: &str) {
        let letters = self.dispatch(kind).await["letters"].clone();
        let last = letters.as_array().and_then(|letters| letters.last()).expect("a letter").clone();
        let path = format!("/v1/messages/{}/receipts", last["id"].as_str().expect("an id"));
        self.shop.post(&path, &json!({"channel": last["channel"], "status": status})).await.expect(201);
    }
}

fn coffee(price: &str) -> Value {
    json!([line("1", price)])
}

#[tokio::test]
async fn members_are_written_in_their_language_by_the_first_channel_that_reaches_them() {
    let written = opened().await;
    let (anna, boris) = (written.anna().await, written.joins(json!({"phone": "+79000000002", "first_name": "Boris"})).await);
    anna.buys(coffee("1000.00")).await;
    boris.buys(coffee("50.00")).await;
    let mut sent = written.sent().await;
    sent.sort_by_key(|letter| letter["channel"].to_string()); // both went out at once
    assert_eq!(sent.len(), 2, "{sent:?}");
    let letter = &sent[0];
    let expected = [
        ("kind", json!("points.earned")),
        ("channel", json!("email")),
        ("to", json!("anna@shop.example")),
        ("language", json!("ru")),
        ("subject", json!("50 б.")),
        ("text", json!("Анна, начислено 50")),
        ("member_id", json!(anna.id)),
    ];
    for (name, value) in expected {
        assert_eq!(letter[name], value, "{name}");
    }
    assert_eq!(
        (&sent[1]["channel"], &sent[1]["to"], &sent[1]["text"]),
        (&json!("sms"), &json!("+79000000002"), &json!("Boris, you earned 2.5"))
    );
    assert_eq!(sent[1]["subject"], Value::Null, "a text message has none");
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_next_channel_is_tried_when_a_message_is_not_opened_or_delivered_in_time() {
    let written = opened().await;
    let anna = written.anna().await;
    anna.buys(coffee("1000.00")).await;
    assert_eq!(written.letters().await, ["email anna@shop.example: Анна, начислено 50"]);
    written.says("points.earned", "delivered").await;
    written.shop.at("2026-01-16T08:30:00Z").await; // half an hour too early
    assert_eq!(written.letters().await, [""; 0]);
    written.shop.at("2026-01-16T09:00:00Z").await;
    assert_eq!(written.letters().await, ["sms +79000000001: Анна, начислено 50"], "delivered is not opened");
    written.shop.at("2026-01-16T11:00:00Z").await;
    assert_eq!(written.letters().await, ["messenger anna: Анна, начислено 50"]);
    written.says("points.earned", "delivered").await;
    written.shop.at("2026-01-25T09:00:00Z").await;
    let dispatch = written.dispatch("points.earned").await;
    assert_eq!(
        (&dispatch["status"], &dispatch["next_at"], &dispatch["reason"]),
        (&json!("delivered"), &Value::Null, &Value::Null)
    );
    let channels: Vec<_> = dispatch["letters"].as_array().unwrap().iter().map(|letter| letter["channel"].clone()).collect();
    assert_eq!(channels, [json!("email"), json!("sms"), json!("messenger")]);
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_letter_that_was_opened_is_not_repeated_and_one_that_bounced_goes_by_the_next_channel_at_once() {
    let written = opened().await;
    let (anna, boris) =
        (written.anna().await, written.joins(json!({"email": "boris@shop.example", "phone": "+79000000002"})).await);
    anna.buys(coffee("1000.00")).await;
    assert_eq!(written.letters().await.len(), 1);
    written.says("points.earned", "opened").await;
    written.shop.run_job("notify").await;
    assert_eq!(written.dispatch("points.earned").await["status"], "opened");
    boris.buys(coffee("100.00")).await;
    assert_eq!(written.letters().await, ["email boris@shop.example: Hello, you earned 5"]);
    written.says("points.earned", "failed").await;
    assert_eq!(written.letters().await, ["sms +79000000002: Hello, you earned 5"]);
    written.says("points.earned", "failed").await;
    written.shop.days_pass(3).await;
    assert_eq!(written.dispatch("points.earned").await["status"], "failed", "there is no Telegram to try");
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn at_night_only_codes_come() {
    let written = opened().await;
    written.shop.at("2026-01-15T19:00:00Z").await; // 22:00 in Moscow, 5:00 in Vladivostok
    let anna = written.anna().await;
    let east = json!({"phone": "+79000000002", "attributes": {"time_zone": "America/New_York"}}); // 14:00
    let vera = written.joins(east).await;
    for member in [&anna, &vera] {
        member.buys(coffee("1000.00")).await;
    }
    assert_eq!(written.letters().await, ["sms +79000000002: Hello, you earned 50"]);
    let dispatch = written.dispatch("points.earned").await;
    assert_eq!(dispatch["status"], "sent");
    written.shop.at("2026-01-16T05:59:00Z").await;
    assert_eq!(written.letters().await, [""; 0]);
    written.shop.at("2026-01-16T06:00:00Z").await; // 9:00
    let morning = written.sent().await;
    assert!(
        morning.iter().any(|letter| letter["member_id"] == json!(anna.id) && letter["kind"] == "points.earned"),
        "{morning:?}"
    );
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_is_sent_at_any_hour_and_stands_in_no_store() {
    let written = opened().await;
    let mut asks = program();
    asks["enrolment"]["confirmation"] = json!({"welcome": "at_once"});
    written.shop.publish(&asks).await.expect(200);
    written.shop.at("2026-01-15T22:00:00Z").await; // 1:00 in Moscow
    let anna = written.anna().await;
    let sent = written.sent().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    let text = sent[0]["text"].as_str().unwrap().to_owned();
    let code = text.strip_prefix("Код ").unwrap_or_else(|| panic!("{text}")).to_owned();
    let told = written.shop.post(&format!("/v1/members/{}/confirmation", anna.id), &json!({"code": code})).await.expect(200);
    assert_eq!(told["status"], "active");
    for store in ["default", "people"] {
        let bytes = written.shop.bytes_of(store);
        for secret in [text.as_bytes(), "Анна".as_bytes(), b"anna@shop.example"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{store}");
        }
    }
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn marketing_comes_only_to_whoever_agreed_and_not_too_often() {
    let written = opened().await;
    let yes = json!({"phone": "+79000000001", "email": "anna@shop.example", "consents": {"sms": true}});
    let (anna, boris) = (written.joins(yes).await, written.joins(json!({"phone": "+79000000002"})).await);
    for member in [&anna, &boris] {
        member.buys(coffee("1000.00")).await;
    }
    assert_eq!(written.letters().await.len(), 2, "both are told of their points");
    written.shop.minutes_pass(61).await;
    let thanks = written.letters().await;
    assert_eq!(thanks, ["sms +79000000001: Thank you"], "by the channel that she agreed to");
    let listed = written.shop.get(&format!("/v1/messages?limit=200&member_id={}", boris.id)).await.expect(200);
    let of_boris = listed["items"].as_array().unwrap().iter().find(|item| item["kind"] == "trigger").expect("it fired");
    assert_eq!((&of_boris["dispatch"]["status"], &of_boris["dispatch"]["reason"]), (&json!("not_sent"), &json!("no_consent")));
    anna.buys(coffee("1000.00")).await;
    written.shop.minutes_pass(130).await;
    assert!(!written.letters().await.contains(&thanks[0]), "one a week");
    assert_eq!(written.dispatch("trigger").await["reason"], "capped");
    // to whoever said no to every channel nothing is sent at all
    for channel in ["sms", "email"] {
        let no = json!({"channel": channel, "granted": false, "source": "call"});
        written.shop.post(&format!("/v1/members/{}/consents", boris.id), &no).await.expect(201);
    }
    boris.buys(coffee("1000.00")).await;
    assert_eq!(written.letters().await, [""; 0]);
    assert_eq!(written.dispatch("points.earned").await["reason"], "no_consent");
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn of_what_is_due_together_no_more_goes_out_than_the_cap_allows_and_nothing_twice() {
    let written = opened().await;
    let yes = json!({"phone": "+79000000001", "consents": {"sms": true}});
    let anna = written.joins(yes).await;
    for _ in 0..3 {
        anna.buys(coffee("1000.00")).await;
    }
    let told = written.letters().await;
    assert_eq!(told, ["sms +79000000001: Hello, you earned 50"; 3], "three purchases are no repetition");
    written.shop.minutes_pass(130).await;
    let told = written.letters().await;
    assert_eq!(
        told.iter().filter(|letter| letter.ends_with("Thank you")).count(),
        1,
        "three triggers in one hour, one a week: {told:?}"
    );
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn another_sequence_of_channels_tries_none_twice_and_stops_nobody_s_letters() {
    let written = opened().await;
    let (anna, boris) = (written.anna().await, written.joins(json!({"phone": "+79000000002"})).await);
    anna.buys(coffee("1000.00")).await;
    assert_eq!(written.letters().await.len(), 1);
    written.says("points.earned", "failed").await;
    assert_eq!(written.letters().await, ["sms +79000000001: Анна, начислено 50"]);
    let mut turned = program();
    turned["messages"]["cascade"] = json!([{"channel": "sms", "wait_hours": 2}, {"channel": "email"}]);
    written.shop.publish(&turned).await.expect(200);
    written.shop.minutes_pass(125).await;
    boris.buys(coffee("100.00")).await;
    assert_eq!(written.letters().await, ["sms +79000000002: Hello, you earned 5"]);
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_letter_that_comes_late_is_not_sent_at_night_nor_to_whoever_said_no_meanwhile() {
    let written = opened().await;
    written.shop.at("2026-01-15T17:30:00Z").await; // 20:30
    let (anna, boris) = (written.anna().await, written.joins(json!({"phone": "+79000000002"})).await);
    for member in [&anna, &boris] {
        member.buys(coffee("1000.00")).await;
    }
    written.provider.answers(503);
    written.shop.run_job("deliver").await;
    let no = json!({"channel": "sms", "granted": false, "source": "call"});
    written.shop.post(&format!("/v1/members/{}/consents", boris.id), &no).await.expect(201);
    written.provider.take_received();
    written.provider.answers(200);
    written.shop.at("2026-01-16T05:30:00Z").await; // through the night
    assert_eq!(written.letters().await, [""; 0]);
    written.shop.at("2026-01-16T06:00:00Z").await;
    let told: Vec<String> = written.letters().await.into_iter().filter(|letter| letter.contains("50")).collect();
    assert_eq!(told, ["email anna@shop.example: Анна, начислено 50"]);
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_are_annulled_only_when_the_letter_that_tells_it_was_taken() {
    let written = opened().await;
    let mut asks = program();
    asks["earning"][0]["expiry"] = json!({"type": "days", "days": 40});
    asks["annulment"] = json!({"notice_days": 30});
    let words = json!({"text": "{{ points | number }} until {{ expires_at | last_day }}"});
    asks["messages"]["templates"] = json!([{"kind": "points.annulment", "en": words}]);
    written.shop.publish(&asks).await.expect(200);
    let crm = Receiver::start();
    written.shop.post("/v1/webhooks", &json!({"url": crm.url(), "recipient": true})).await.expect(201);
    let (anna, boris) = (written.joins(json!({"card": "1001"})).await, written.joins(json!({"phone": "+79000000002"})).await);
    for member in [&anna, &boris] {
        member.buys(coffee("1000.00")).await; // 50 points to the end of 24 February
    }
    written.shop.at("2026-01-26T09:00:00Z").await;
    assert_eq!(written.letters().await, ["sms +79000000002: 50 until 24 February 2026"]);
    assert!(crm.received().iter().any(|message| message.kind() == "points.annulment"), "the fact alone is no letter");
    written.shop.at("2026-03-10T09:00:00Z").await;
    anna.has(json!({"available": "50.00"})).await; // nobody could write to her
    boris.has(json!({"available": "0.00", "lifetime_expired": "50.00"})).await;
    written.shop.patch(&format!("/v1/members/{}", anna.id), &json!({"email": "anna@shop.example"})).await.expect(200);
    written.shop.at("2026-03-12T09:00:00Z").await;
    let told: Vec<String> = written.letters().await.into_iter().filter(|letter| letter.starts_with("email")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    written.shop.at("2026-04-01T09:00:00Z").await;
    anna.has(json!({"available": "50.00"})).await;
    written.shop.at("2026-04-15T09:00:00Z").await;
    anna.has(json!({"available": "0.00", "lifetime_expired": "50.00"})).await;
    assert_eq!(written.shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn of_points_that_expire_so_many_are_told_as_are_left_when_it_is_sent() {
    let written = opened().await;
    let (anna, boris) = (written.anna().await, written.joins(json!({"phone": "+79000000002"})).await);
    for member in [&anna, &boris] {
        member.buys(coffee("1000.00")).await; // 50 points to the end of 25 January
    }
    written.sent().await;
    written.shop.at("2026-01-18T21:30:00Z").await; // half past midnight of the 19th: the reminder is written, nobody is disturbed
    let waiting = written.dispatch("points.expiring").await;
    assert_eq!((&waiting["status"], &waiting["next_at"]), (&json!("waiting"), &json!("2026-01-19T06:00:00Z")));
    anna.buys_with("20", coffee("20.00")).await;
    boris.buys_with("50", coffee("50.00")).await;
    written.shop.at("2026-01-19T06:00:00Z").await;
    let letters: Vec<String> = written.letters().await.into_iter().filter(|letter| letter.contains("25")).collect();
    assert_eq!(letters, ["email anna@shop.example: 30 до 25 января 2026"], "nothing is told of what is spent");
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn letters_go_to_nobody_who_is_gone_and_to_whoever_took_over() {
    let written = opened().await;
    written.shop.at("2026-01-15T19:00:00Z").await; // night: they wait
    let (anna, boris, double) = (
        written.anna().await,
        written.joins(json!({"phone": "+79000000002"})).await,
        written.joins(json!({"phone": "+79000000003"})).await,
    );
    for member in [&boris, &double] {
        member.buys(coffee("100.00")).await;
    }
    written.sent().await;
    written.shop.delete(&format!("/v1/members/{}", boris.id)).await.expect(200);
    written.shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id})).await.expect(201);
    written.shop.at("2026-01-16T06:00:00Z").await;
    let told: Vec<String> =
        written.letters().await.into_iter().filter(|letter| letter.contains("начислено") || letter.contains("earned")).collect();
    assert_eq!(told, ["email anna@shop.example: Анна, начислено 5"]);
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn runs_at_once_write_each_letter_once() {
    let written = opened().await;
    for number in 10..40 {
        written.joins(json!({"phone": format!("+790000000{number}")})).await.buys(coffee("100.00")).await;
    }
    for _ in 0..3 {
        tokio::join!(written.shop.run_job("notify"), written.shop.run_job("notify"), written.shop.run_job("deliver"));
    }
    let told = written.sent().await;
    let mut addresses: Vec<_> = told.iter().map(|letter| letter["to"].to_string()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!((told.len(), addresses.len()), (30, 30));
    written.shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_endpoint_without_recipients_gets_no_letters() {
    let shop = Shop::with_settings("fixed", &[LOOPBACK]).await;
    shop.publish(&program()).await.expect(200);
    let (warehouse, provider) = (Receiver::start(), Receiver::start());
    shop.post("/v1/webhooks", &json!({"url": warehouse.url()})).await.expect(201);
    shop.enrol("+79000000001").await.buys(coffee("100.00")).await;
    shop.run_job("deliver").await;
    shop.post("/v1/webhooks", &json!({"url": provider.url(), "recipient": true})).await.expect(201);
    shop.enrol("+79000000002").await.buys(coffee("100.00")).await;
    while shop.run_job("deliver").await["remaining"] != 0 {}
    assert!(warehouse.received().iter().all(|received| received.kind() != "message.send" && !received.body.contains("7900")));
    let letters: Vec<_> = provider.received().into_iter().filter(|received| received.kind() == "message.send").collect();
    assert_eq!(letters.len(), 1, "of what happened before there was a provider nobody is written");
    assert_eq!(letters[0].json["data"]["to"], "+79000000002");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_template_that_says_what_nobody_knows_is_not_published() {
    let written = opened().await;
    let mut wrong = program();
    wrong["messages"]["templates"][0]["ru"]["text"] = json!("{{ name }}, начислено {{ points }}");
    let told = written.shop.publish(&wrong).await;
    told.refused_at(422, "/messages/templates/0/ru/text");
}

#[tokio::test]
async fn gw_tools_greets_tells_of_points_and_warns_before_they_expire() {
    let shop = Shop::with_settings("gw-tools", &[LOOPBACK]).await;
    let provider = Receiver::start();
    shop.post("/v1/webhooks", &json!({"url": provider.url(), "kinds": ["message.send"], "recipient": true})).await.expect(201);
    let written = Written { shop, provider };
    let anna = written.anna().await;
    anna.buys(coffee("4990.00")).await;
    let letters = written.letters().await;
    assert_eq!(
        letters,
        [
            "email anna@shop.example: Анна, вам начислено 500 баллов. Ими можно оплатить до 20 % заказа.",
            "email anna@shop.example: Вам начислено: 249,5 балла. Доступно: 749,5.",
        ]
    );
    written.shop.at("2026-02-01T09:00:00Z").await; // the welcome expires at the end of 14 February
    let letters = written.letters().await;
    let warned: Vec<_> = letters.iter().filter(|letter| letter.starts_with("email") && letter.contains("сгорит")).collect();
    assert_eq!(
        warned,
        ["email anna@shop.example: Через 14 дней сгорит: 500 баллов. Последний день, чтобы их потратить, 14 февраля 2026."]
    );
    written.shop.audit_is_clean().await;
}
