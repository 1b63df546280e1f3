//! The clients draw every change that the API has: a route that is added to it is missed here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tests::routes::undrawn;

use crate::codes::Codes;
use crate::commands::{Client, Moment};
use crate::exchange::{Answer, Exchange};
use crate::random::Random;

/// Codes are for programs that ask for them, nothing can be asked of a member who was erased, messages go to endpoints that these
/// clients don't have, and only Telegram sends updates: scenarios tell of all four.
const NOT_DRAWN: [(&str, &str); 9] = [
    ("POST", "/v1/members/{id}/codes"),
    ("POST", "/v1/members/{id}/confirmation"),
    ("DELETE", "/v1/members/{id}"),
    ("POST", "/v1/webhooks"),
    ("DELETE", "/v1/webhooks/{id}"),
    ("POST", "/v1/webhooks/{id}/rotations"),
    ("POST", "/v1/messages/{id}/deliveries"),
    ("POST", "/v1/messages/{id}/receipts"),
    ("POST", "/v1/telegram/updates"),
];

#[test]
fn every_change_that_the_api_has_is_drawn() {
    let (regulars, documents) = (Arc::new(vec!["mem_1".to_owned()]), Arc::new(vec![json!({})]));
    let mut client = Client::new("drawing".to_owned(), Random::new(&[1]), regulars, documents, Codes::Any);
    let moment = Moment { now: "2026-01-15T09:00:00Z".parse().expect("a moment"), soon: Duration::from_secs(1) };
    let mut drawn = BTreeSet::new();
    for number in 0..10_000 {
        let request = client.next(moment);
        drawn.insert((request.method.to_string(), request.path.clone()));
        // nobody answers: everything is taken to succeed
        let status = if number % 2 == 0 { "held" } else { "awaiting_confirmation" };
        let text = json!({"id": format!("id_{number}"), "status": status}).to_string();
        let answer = Answer { status: hyper::StatusCode::CREATED, replayed: false, text };
        client.learn(&Exchange { request, answer });
    }
    assert_eq!(undrawn(&drawn, &NOT_DRAWN), [""; 0]);
}
