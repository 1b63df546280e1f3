//! A receiver that fails half of the time, is slow, and is down for an hour: each message arrives at least once under one id, none
//! is lost, and a member's messages arrive in their order. `KOPILKA_WEBHOOK_SEED` is another run of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{Random, Receiver, Taken};

use super::{count, endpoint, shop};
use crate::faults::number;

const MEMBERS: u64 = 12;
/// Twenty minutes each.
const STEPS: u64 = 36;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_though_the_receiver_fails_is_slow_and_is_down_for_an_hour() {
    let seed = number("KOPILKA_WEBHOOK_SEED", 1);
    let mut shop = shop().await;
    let receiver = Receiver::start();
    endpoint(&shop, &receiver, json!({})).await;
    let down = Arc::new(AtomicBool::new(false));
    let (is_down, mut moods) = (down.clone(), Random::new(seed));
    receiver.takes(move |_| match moods.below(100) {
        _ if is_down.load(Ordering::SeqCst) => Taken::Dropped,
        0..20 => Taken::Status(500),
        20..35 => Taken::Status(429),
        35..50 => Taken::Dropped,
        50..70 => Taken::Slowly(200, 150),
        _ => Taken::Status(200),
    });
    let mut random = Random::new(seed + 1);
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        members.push(shop.enrol(&format!("+7 900 000-00-{number:02}")).await.id);
    }
    for step in 0..STEPS {
        down.store((6..9).contains(&step), Ordering::SeqCst);
        for member in &members {
            if step < STEPS / 2 && random.percent(40) {
                let body = json!({"points": "1", "reason": format!("step {step}")});
                shop.post(&format!("/v1/members/{member}/adjustments"), &body).await.expect(201);
            }
        }
        shop.minutes_pass(20).await;
        if random.percent(50) {
            tokio::join!(shop.run_job("deliver"), shop.run_job("deliver"));
        }
        if step == STEPS / 3 {
            shop = shop.restart().await;
        }
    }
    receiver.answers(200);
    shop.days_pass(1).await;

    let written = shop.number_in("default", "SELECT count(*) FROM outbox WHERE id > (SELECT after_message FROM webhook)");
    let received = receiver.received();
    let taken = |taken: &Taken| matches!(taken, Taken::Status(200) | Taken::Slowly(200, _));
    let arrived: BTreeSet<&str> = received.iter().filter(|message| taken(&message.taken)).map(tests::Received::id).collect();
    assert_eq!((arrived.len() as i64, count(&shop, "delivered").await as i64), (written, written.min(200)), "none is lost");
    assert_eq!((count(&shop, "waiting").await, count(&shop, "parked").await), (0, 0));
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for message in &received {
        assert_eq!(*bodies.entry(message.id()).or_insert(&message.body), message.body, "one message, one id");
        let number = u64::from_str_radix(message.id().trim_start_matches("msg_"), 16).expect("a number");
        let member = message.json["data"]["member_id"].as_str().expect("each is a member's");
        let before = last.entry(member).or_default();
        assert!(*before <= number, "{member}: {number} came after {before}");
        *before = number;
    }
    println!("{written} messages, {} attempts, seed {seed}", received.len());
    shop.audit_is_clean().await;
}
