//! Endpoints: made, listed, given new secrets, deleted; and what each of them gets.

use http::Method;
use serde_json::{Value, json};
use tests::{Receiver, Shop, line};

use super::{LOOPBACK, count, endpoint, ids, kinds, newest, sends, shop, text};

#[tokio::test]
async fn what_happens_is_told_in_the_words_of_standard_webhooks_and_signed() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let before = shop.enrol("+7 900 000-00-01").await;
    let made = endpoint(&shop, &receiver, json!({})).await;
    assert_eq!((&made["url"], &made["kinds"], &made["recipient"]), (&json!(receiver.url()), &json!([]), &json!(false)), "{made}");
    let anna = shop.enrol("+7 900 000-00-02").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.minutes_pass(2).await;
    assert_eq!(receiver.received().len(), 0, "the job has not run yet");
    let run = shop.run_job("deliver").await;
    assert_eq!((&run["processed"], &run["remaining"]), (&json!(1), &json!(1)), "a batch: one after the other");
    assert_eq!(sends(&shop).await, 1);

    let received = receiver.received();
    assert_eq!(kinds(&received), ["member.enrolled", "points.earned"], "what was before the endpoint is not told");
    assert!(received.iter().all(|message| message.json["data"]["member_id"] == json!(anna.id)));
    assert_ne!(before.id, anna.id);
    for message in &received {
        assert_eq!(message.signed_by(text(&made["secret"])), [true]);
        assert_eq!(message.headers["webhook-timestamp"], "1768467720", "when it was sent");
        assert_eq!(message.json["timestamp"], tests::BEGINNING, "when it happened");
        assert_eq!(message.headers["content-type"], "application/json");
        assert!(message.id().starts_with("msg_"));
        assert_eq!(message.json["data"]["recipient"], Value::Null, "nobody asked for the person");
    }
    let delivery = newest(&shop).await;
    assert_eq!(
        (&delivery["status"], &delivery["attempts"], &delivery["last_status"]),
        (&json!("delivered"), &json!(1), &json!(200))
    );
    assert_eq!(delivery["webhook_id"], made["id"]);
    assert_eq!(sends(&shop).await, 0, "there is nothing left to send");
    assert_eq!(receiver.received().len(), 2);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_hourly_run_sends_what_it_brought_about_itself() {
    let shop = Shop::with_settings("return-guard", &[LOOPBACK]).await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({"kinds": ["points.activated", "points.expired"]})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("10", "2026-01-15T09:20:00Z").await;
    anna.buys(json!([line("1", "1000.00")])).await; // good from 29 January, 09:00
    shop.at("2026-01-15T10:00:00Z").await;
    let expired = receiver.take_received();
    assert_eq!(kinds(&expired), ["points.expired"]);
    assert_eq!(expired[0].json["data"]["points"], "10.00", "an amount as everywhere else");
    assert!(text(&expired[0].json["data"]["entry"]).starts_with("ent_"));
    shop.at("2026-01-29T09:00:00Z").await;
    let activated = receiver.take_received();
    assert_eq!(kinds(&activated), ["points.activated"]);
    assert_eq!(activated[0].json["data"]["activates_at"], "2026-01-29T09:00:00Z");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_endpoint_gets_the_kinds_that_it_wants() {
    let shop = shop().await;
    let (some, all) = (Receiver::start(), Receiver::start());
    endpoint(&shop, &some, json!({"kinds": ["points.earned"]})).await;
    endpoint(&shop, &all, json!({})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    shop.minutes_pass(60).await;
    assert_eq!(kinds(&some.received()), ["points.earned"]);
    assert_eq!(kinds(&all.received()), ["member.enrolled", "points.earned"]);
    assert_eq!(ids(&some.received()), &ids(&all.received())[1..], "a message has one id wherever it goes");
    let of_anna = shop.get(&format!("/v1/messages?member_id={}", anna.id)).await.expect(200);
    assert_eq!(of_anna["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(of_anna["items"][0]["deliveries"].as_array().map(Vec::len), Some(2), "{of_anna}");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_secret_is_told_once_more_to_the_same_request_and_stands_in_no_store() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let body = json!({"url": receiver.url()});
    let made = shop.post_as("make", "/v1/webhooks", &body).await;
    let again = shop.post_as("make", "/v1/webhooks", &body).await;
    assert!(again.replayed && again.text == made.text, "{}", again.text);
    let secret = text(&made.json["secret"]).to_owned();
    let listed = shop.get("/v1/webhooks").await.expect(200);
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["status"]), (&made.json["id"], &json!("active")));
    assert_eq!(listed["items"][0]["secret"], Value::Null);
    let bytes = shop.bytes_of("default");
    let key = secret.trim_start_matches("whsec_").as_bytes();
    assert!(bytes.len() > 1_000 && !bytes.windows(key.len()).any(|window| window == key));
}

#[tokio::test]
async fn for_a_day_after_a_rotation_both_secrets_sign_the_new_one_first() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let made = endpoint(&shop, &receiver, json!({})).await;
    let path = format!("/v1/webhooks/{}/rotations", text(&made["id"]));
    let rotated = shop.post_as("rotate", &path, &json!({})).await.expect(201);
    let (old, new) = (text(&made["secret"]), text(&rotated["secret"]));
    assert_ne!(old, new);
    assert_eq!(rotated["previous_ends_at"], "2026-01-16T09:00:00Z");
    assert_eq!(shop.post_as("rotate", &path, &json!({})).await.expect(201)["secret"], rotated["secret"]);
    shop.enrol("+7 900 000-00-01").await;
    shop.run_job("deliver").await;
    let received = receiver.take_received();
    assert_eq!((received[0].signed_by(new), received[0].signed_by(old)), (vec![true, false], vec![false, true]));
    shop.at("2026-01-16T09:00:00Z").await;
    shop.enrol("+7 900 000-00-02").await;
    shop.run_job("deliver").await;
    let received = receiver.take_received();
    assert_eq!((received[0].signed_by(new), received[0].signed_by(old)), (vec![true], vec![false]));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_deleted_endpoint_gets_nothing_any_more() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let made = endpoint(&shop, &receiver, json!({})).await;
    shop.enrol("+7 900 000-00-01").await;
    receiver.answers(503);
    shop.run_job("deliver").await;
    receiver.take_received();
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    assert_eq!(shop.delete(&path).await.expect(200)["deleted"], true);
    shop.delete(&path).await.refused(404, "webhook_not_found");
    shop.post(&format!("{path}/rotations"), &json!({})).await.refused(404, "webhook_not_found");
    assert_eq!(shop.get("/v1/webhooks").await.expect(200)["items"], json!([]));
    assert_eq!(newest(&shop).await["status"], "skipped");
    shop.enrol("+7 900 000-00-02").await;
    shop.days_pass(1).await;
    assert_eq!(receiver.received().len(), 0);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_endpoint_that_says_it_is_gone_is_disabled_and_what_waits_is_parked() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let made = endpoint(&shop, &receiver, json!({})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1").await;
    anna.is_given("2").await;
    receiver.answers(410);
    shop.run_job("deliver").await;
    assert_eq!(receiver.take_received().len(), 1);
    assert_eq!((count(&shop, "parked").await, count(&shop, "waiting").await), (3, 0));
    let listed = shop.get("/v1/webhooks").await.expect(200);
    assert_eq!((&listed["items"][0]["status"], &listed["items"][0]["disabled_at"]), (&json!("gone"), &json!(tests::BEGINNING)));
    let parked = shop.get("/v1/messages?status=parked").await.expect(200);
    let first = &parked["items"][2];
    assert_eq!(first["deliveries"][0]["last_status"], 410);
    let again = format!("/v1/messages/{}/deliveries", text(&first["id"]));
    shop.post(&again, &json!({})).await.refused(409, "not_parked");
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    shop.post(&format!("{path}/rotations"), &json!({})).await.refused(409, "webhook_disabled");
    receiver.answers(200);
    anna.is_given("3").await;
    shop.days_pass(1).await;
    assert_eq!(receiver.received().len(), 0);
    shop.delete(&path).await.expect(200);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_is_no_endpoint_is_refused_by_the_field() {
    let shop = shop().await;
    for url in [
        "",
        "hooks",
        "/hooks",
        "http://shop.example/hooks",
        "ftp://shop.example/hooks",
        "https://",
        "https://user:secret@shop.example/hooks",
        "https://shop.example/hooks#part",
        "http://192.168.0.1/hooks",
    ] {
        shop.post("/v1/webhooks", &json!({"url": url})).await.refused_at(422, "/url");
    }
    for url in ["https://shop.example/hooks?of=1", "http://localhost:8080/", "http://[::1]/hooks"] {
        shop.post("/v1/webhooks", &json!({"url": url})).await.expect(201);
    }
    let kinds = json!({"url": "https://shop.example", "kinds": ["points.earned", "Points earned"]});
    shop.post("/v1/webhooks", &kinds).await.refused_at(422, "/kinds/1");
    shop.post("/v1/webhooks", &json!({"url": "https://shop.example", "secret": "mine"})).await.refused_at(422, "/secret");
    shop.send(Method::POST, "/v1/webhooks", Some(json!({"url": "https://shop.example"}).to_string()), None)
        .await
        .refused(400, "idempotency_key_missing");
    shop.get("/v1/messages?status=lost").await.refused_at(422, "/status");
    shop.post("/v1/messages/msg_fff/deliveries", &json!({})).await.refused(404, "message_not_found");
}

#[tokio::test]
async fn a_host_that_the_deployment_does_not_allow_is_never_called() {
    let shop = Shop::with_settings("fixed", &[("webhook_hosts", "https://hooks.example")]).await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    shop.enrol("+7 900 000-00-01").await;
    shop.run_job("deliver").await;
    assert_eq!(receiver.received().len(), 0);
    let delivery = newest(&shop).await;
    assert_eq!(delivery["status"], "waiting");
    assert!(text(&delivery["last_error"]).contains("webhook_hosts"), "{delivery}");
    // once it is allowed, nothing was lost
    let shop = shop.restart_with(&[LOOPBACK]).await;
    shop.minutes_pass(60).await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(newest(&shop).await["status"], "delivered");
}
