//! Attempts: the same message under the same id until the endpoint has it, or for three days.

use std::time::Instant;

use serde_json::{Value, json};
use tests::{Receiver, Taken};

use super::{count, endpoint, ids, newest, sends, shop, text};

#[tokio::test]
async fn a_message_comes_under_one_id_until_it_is_taken() {
    let shop = shop().await;
    let receiver = Receiver::start();
    let made = endpoint(&shop, &receiver, json!({})).await;
    let mut number = 0;
    receiver.takes(move |_| {
        number += 1;
        match number {
            1 => Taken::Status(500),
            2 => Taken::Dropped,
            3 => Taken::With(302, "location", "http://127.0.0.1:1/".to_owned()),
            4 => Taken::With(429, "retry-after", "7200".to_owned()),
            _ => Taken::Status(204),
        }
    });
    shop.enrol("+7 900 000-00-01").await;
    shop.run_job("deliver").await;
    let waits = newest(&shop).await;
    assert_eq!((&waits["status"], &waits["attempts"], &waits["last_status"]), (&json!("waiting"), &json!(1), &json!(500)));
    let next = text(&waits["next_at"]).to_owned();
    assert!(("2026-01-15T09:00:01Z".."2026-01-15T09:00:05Z").contains(&next.as_str()), "within five seconds: {next}");
    assert_eq!(shop.run_job("deliver").await["processed"], 0, "not before");
    shop.minutes_pass(1).await;
    shop.run_job("deliver").await;
    let waits = newest(&shop).await;
    assert!(waits["last_status"].is_null() && !text(&waits["last_error"]).is_empty(), "{waits}");
    shop.minutes_pass(1).await;
    shop.run_job("deliver").await;
    assert_eq!(newest(&shop).await["last_error"], "redirects are not followed");
    shop.minutes_pass(1).await;
    shop.run_job("deliver").await;
    assert_eq!(newest(&shop).await["next_at"], "2026-01-15T11:03:00Z", "the endpoint said when");
    shop.at("2026-01-15T12:00:00Z").await;
    let done = newest(&shop).await;
    assert_eq!((&done["status"], &done["attempts"], &done["last_status"]), (&json!("delivered"), &json!(5), &json!(204)));
    let received = receiver.received();
    assert_eq!(ids(&received), [received[0].id(); 5]);
    assert!(received.iter().all(|attempt| attempt.body == received[0].body));
    assert!(received.iter().all(|attempt| attempt.signed_by(text(&made["secret"])) == [true]), "each with its own time");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_member_s_messages_wait_for_each_other_and_for_nobody_else_s() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.is_given("1").await;
    boris.is_given("2").await;
    anna.is_given("3").await;
    let failing = anna.id.clone();
    receiver.takes(move |message| Taken::Status(if message.json["data"]["member_id"] == json!(failing) { 500 } else { 200 }));
    shop.minutes_pass(60).await;
    let of = |member: &str| -> Vec<String> {
        let of_member = receiver.received().into_iter().filter(|message| message.json["data"]["member_id"] == json!(member));
        of_member.map(|message| message.kind().to_owned()).collect()
    };
    assert_eq!(of(&anna.id), ["member.enrolled"], "the second waits for the first");
    assert_eq!(of(&boris.id), ["member.enrolled", "points.adjusted"]);
    receiver.answers(200);
    shop.minutes_pass(60).await;
    assert_eq!(of(&anna.id), ["member.enrolled", "member.enrolled", "points.adjusted", "points.adjusted"]);
    let amounts: Vec<_> =
        receiver.received().iter().filter_map(|m| m.json["data"]["points"].as_str().map(str::to_owned)).collect();
    assert_eq!(amounts, ["2.00", "1.00", "3.00"]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn two_runs_at_once_send_each_message_once() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    for number in 0..60 {
        shop.enrol(&format!("+7 900 000-00-{number:02}")).await;
    }
    receiver.takes(|_| Taken::Slowly(200, 200));
    for _ in 0..3 {
        tokio::join!(shop.run_job("deliver"), shop.run_job("deliver"), shop.run_job("deliver"));
    }
    let received = receiver.received();
    let mut different = ids(&received);
    different.sort_unstable();
    different.dedup();
    assert_eq!((received.len(), different.len()), (60, 60));
    assert_eq!(count(&shop, "delivered").await, 60);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_batch_is_seven_statements_whatever_it_sends() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    let mut batches = Vec::new();
    for batch in 0..4 {
        for number in 0..50 {
            shop.enrol(&format!("+7 900 000-{batch:02}-{number:02}")).await;
        }
        let (before, begun) = (shop.host.statements(), Instant::now());
        let run = shop.run_job("deliver").await;
        batches.push((run["processed"].clone(), shop.host.statements() - before));
        println!("50 messages in {:?}", begun.elapsed());
    }
    // an instance that is new opens the store's connection; on a busy machine each one is
    assert!(batches.iter().all(|(sent, statements)| *sent == 50 && (7..=8).contains(statements)), "{batches:?}");
    assert_eq!((receiver.received().len(), count(&shop, "delivered").await), (200, 200));
    assert_eq!(shop.run_job("deliver").await["processed"], 0);
    let before = shop.host.statements();
    shop.run_job("deliver").await;
    assert!(shop.host.statements() - before <= 2, "without work it only looks");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_keeps_nobody_waiting_for_long() {
    let shop = shop().await;
    let (silent, quick) = (Receiver::start(), Receiver::start());
    endpoint(&shop, &silent, json!({})).await;
    endpoint(&shop, &quick, json!({})).await;
    silent.takes(|_| Taken::Slowly(200, 60_000));
    shop.enrol("+7 900 000-00-01").await;
    let begun = Instant::now();
    assert_eq!(shop.run_job("deliver").await["processed"], 2);
    assert!((10..20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!((quick.received().len(), count(&shop, "delivered").await, count(&shop, "waiting").await), (1, 1, 1));
    let listed = shop.get("/v1/messages").await.expect(200);
    let errors: Vec<_> = listed["items"][0]["deliveries"].as_array().unwrap().iter().map(|d| d["last_error"].clone()).collect();
    assert!(errors.contains(&json!("no answer within 10 seconds")), "{errors:?}");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn after_three_days_a_message_is_parked_and_visible_and_can_be_sent_again() {
    let shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    receiver.answers(503);
    shop.at("2026-01-15T10:00:00Z").await; // the first attempt
    anna.is_given("1").await;
    shop.at("2026-01-18T09:00:00Z").await;
    assert_eq!((count(&shop, "parked").await, count(&shop, "waiting").await), (0, 2));
    shop.at("2026-01-18T10:00:00Z").await;
    // what stood behind it has waited as long: it is tried once
    assert_eq!((count(&shop, "parked").await, count(&shop, "waiting").await), (2, 0));
    let parked = shop.get("/v1/messages?status=parked").await.expect(200);
    let (second, first) = (&parked["items"][0], &parked["items"][1]);
    assert_eq!((&first["kind"], &first["member_id"]), (&json!("member.enrolled"), &json!(anna.id)));
    assert_eq!((&first["deliveries"][0]["last_status"], &first["deliveries"][0]["next_at"]), (&json!(503), &json!(null)));
    assert_eq!(second["deliveries"][0]["attempts"], 1);
    let attempts = receiver.take_received();
    assert!((15..73).contains(&(attempts.len() - 1)), "{} attempts in 72 hourly runs", attempts.len());
    shop.days_pass(10).await;
    assert_eq!(receiver.received().len(), 0, "nobody is asked for ever");

    receiver.answers(200);
    let path = |message: &Value| format!("/v1/messages/{}/deliveries", text(&message["id"]));
    let again = shop.post(&path(second), &json!({})).await.expect(201);
    assert_eq!(again["webhook_ids"], json!([first["deliveries"][0]["webhook_id"]]));
    shop.post(&path(second), &json!({})).await.refused(409, "not_parked");
    shop.post(&path(first), &json!({})).await.expect(201);
    sends(&shop).await;
    let received = receiver.take_received();
    assert_eq!(ids(&received), [text(&first["id"]), text(&second["id"])], "under the same ids, and in their order");
    assert_eq!(count(&shop, "delivered").await, 2);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_restart_between_attempts_loses_nothing() {
    let mut shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    for number in 0..8 {
        shop.enrol(&format!("+7 900 000-00-0{number}")).await;
    }
    receiver.answers(500);
    shop.run_job("deliver").await;
    assert_eq!(receiver.take_received().len(), 8);
    shop = shop.restart().await;
    // as if the program had been killed while it waited for the answers: nothing was heard of the second attempts
    shop.minutes_pass(1).await;
    let leased =
        "UPDATE delivery SET attempts = attempts + 1, next_at = next_at + 120000 WHERE outbox_id % 2 = 0 RETURNING attempts";
    shop.change_in("default", leased);
    receiver.answers(200);
    shop = shop.restart().await;
    shop.minutes_pass(5).await;
    shop.run_job("deliver").await;
    let received = receiver.received();
    let mut different = ids(&received);
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 8, "each of them");
    assert_eq!((count(&shop, "delivered").await, count(&shop, "waiting").await), (8, 0));
    shop.audit_is_clean().await;
}
