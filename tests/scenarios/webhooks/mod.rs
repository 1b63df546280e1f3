//! Delivery of the outbox to the shop's systems: signed (Standard Webhooks 1.0), at least once, a member's messages in their
//! order, and the person only where the endpoint is meant to get it.

mod attempts;
mod endpoints;
mod package;
mod people;
mod receipts;
mod trial;

use serde_json::{Value, json};
use tests::{Received, Receiver, Shop};

/// Receivers of these tests are on this machine.
const LOOPBACK: (&str, &str) = ("webhook_hosts", "http://127.0.0.1:*");

async fn shop() -> Shop {
    Shop::with_settings("fixed", &[LOOPBACK]).await
}

/// A new endpoint, and what its answer said of it.
async fn endpoint(shop: &Shop, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({"url": receiver.url()});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    shop.post("/v1/webhooks", &body).await.expect(201)
}

/// Batch after batch until nothing is due any more. Says how many attempts were made.
async fn sends(shop: &Shop) -> i64 {
    let mut attempts = 0;
    loop {
        let run = shop.run_job("deliver").await;
        attempts += run["processed"].as_i64().expect("a number");
        if run["remaining"] == 0 {
            return attempts;
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

fn kinds(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::kind).collect()
}

fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::id).collect()
}

/// The only delivery of the newest message.
async fn newest(shop: &Shop) -> Value {
    let newest = shop.get("/v1/messages?limit=1").await.expect(200)["items"][0].clone();
    assert_eq!(newest["deliveries"].as_array().map(Vec::len), Some(1), "{newest}");
    newest["deliveries"][0].clone()
}

/// How many messages have a delivery of a status.
async fn count(shop: &Shop, status: &str) -> usize {
    let listed = shop.get(&format!("/v1/messages?limit=200&status={status}")).await.expect(200);
    listed["items"].as_array().expect("a list").len()
}
