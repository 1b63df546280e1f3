//! Delivery of the outbox to endpoints of the shop's systems: how far each message has come to each of them.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use serde::Deserialize;
use serde_json::json;

use crate::{Cause, Database, Row, StoreError, Value, integer};

/// A delivery that was taken for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub message: Id,
    pub webhook: Id,
    /// Which attempt it is.
    pub attempt: i64,
    /// When it was tried first.
    pub first_at: Instant,
}

/// What is to be sent to an endpoint.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Outgoing {
    pub message_id: Id,
    pub at: Instant,
    pub kind: String,
    pub member_id: Option<Id>,
    pub payload: serde_json::Map<String, serde_json::Value>,
    pub webhook_id: Id,
    pub url: String,
    pub with_recipient: bool,
    pub generation: i64,
    pub rotated_at: Option<Instant>,
    /// Whether the endpoint gets nothing any more.
    pub disabled: bool,
    /// Of the program in force.
    pub points_scale: Option<u8>,
    /// What a letter is about.
    pub cause: Option<Cause>,
    /// Points that the member of a letter has now, in minor units; none: none.
    pub available: Option<i64>,
    /// What is left of points that expire, where it is about such.
    pub left: Option<i64>,
    /// Who gets the message in the end, where the endpoint is told of them and they are there.
    pub person: Option<Addressee>,
}

/// Where a person is found in the other store, and what they said of channels.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Addressee {
    pub profile: Id,
    pub merged_profiles: Vec<Id>,
    pub consents: BTreeMap<String, bool>,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    pub claimed: Claimed,
    /// `waiting`, `delivered`, `parked` or `skipped`.
    pub status: &'static str,
    pub next_at: Option<Instant>,
    /// The HTTP status of the answer, where there was one.
    pub last_status: Option<u16>,
    pub last_error: Option<String>,
}

/// An endpoint as it is shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct WebhookRow {
    pub id: Id,
    pub url: String,
    pub kinds: Vec<String>,
    pub with_recipient: bool,
    pub generation: i64,
    pub rotated_at: Option<Instant>,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
    pub disabled_reason: Option<String>,
}

/// A message with how far it has come.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct MessageRow {
    pub id: Id,
    pub at: Instant,
    pub kind: String,
    pub member_id: Option<Id>,
    pub deliveries: Vec<DeliveryRow>,
    pub receipts: Vec<ReceiptRow>,
    /// How far it has come to its member, where the program has words for it.
    pub dispatch: Option<DispatchRow>,
}

/// How far a message has come to its member.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct DispatchRow {
    pub purpose: String,
    pub status: String,
    pub next_at: Option<Instant>,
    /// Why it was not sent.
    pub reason: Option<String>,
    /// The messages that asked the provider to send it, oldest first.
    pub letters: Vec<LetterRow>,
}

/// A message that asked the provider to send another.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct LetterRow {
    pub id: Id,
    pub channel: String,
}

/// How far a message has come to an endpoint.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct DeliveryRow {
    pub webhook_id: Id,
    pub status: String,
    pub attempts: i64,
    pub next_at: Option<Instant>,
    pub done_at: Option<Instant>,
    pub last_status: Option<u16>,
    pub last_error: Option<String>,
    /// Whether the endpoint gets nothing any more.
    pub disabled: bool,
}

/// What the shop's provider said of a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ReceiptRow {
    pub channel: String,
    pub status: String,
    pub at: Instant,
    pub reason: Option<String>,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Of this member and whoever was merged into it.
    pub member: Option<Id>,
    /// With a delivery of this status.
    pub status: Option<String>,
}

/// Puts the next messages of the outbox, at most `bound`, beside the endpoints that want them.
///
/// # Errors
/// [`StoreError`] of the statement; running again goes on.
pub async fn fan_out(db: &impl Database, bound: i64) -> Result<(), StoreError> {
    db.run(include_str!("../../../sql/statements/fan_out.sql"), vec![bound.into()]).await.map(drop)
}

/// Takes at most `bound` deliveries that are due at `at`: nobody else takes them until `leased_until`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn claim_deliveries(
    db: &impl Database,
    at: Instant,
    bound: i64,
    leased_until: Instant,
) -> Result<Vec<Claimed>, StoreError> {
    let parameters = vec![at.into(), bound.into(), leased_until.into()];
    let rows = db.run(include_str!("../../../sql/statements/claim_deliveries.sql"), parameters).await?;
    let claimed = |row: &Row| {
        let number = |column| integer(Some(row), column);
        Some(Claimed { message: Id(number(0)?), webhook: Id(number(1)?), attempt: number(2)?, first_at: Instant(number(3)?) })
    };
    Ok(rows.iter().filter_map(claimed).collect())
}

/// What is to be sent for these deliveries, as things stand at `now`.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn messages_to_send(db: &impl Database, claimed: &[Claimed], now: Instant) -> Result<Vec<Outgoing>, StoreError> {
    let wanted = claimed.iter().map(|claimed| json!([claimed.message, claimed.webhook]));
    let wanted = Value::Text(serde_json::Value::from_iter(wanted).to_string());
    rows(db, include_str!("../../../sql/statements/messages_to_send.sql"), vec![wanted, now.into()]).await
}

/// Writes down what attempts came to.
///
/// # Errors
/// [`StoreError`] of the statement: then all of them are made once more.
pub async fn finish_deliveries(db: &impl Database, attempted: &[Attempted], now: Instant) -> Result<(), StoreError> {
    let result = |attempted: &Attempted| {
        let Attempted { claimed, status, next_at, last_status, last_error } = attempted;
        json!([claimed.message, claimed.webhook, claimed.attempt, status, next_at, last_status, last_error])
    };
    let results = serde_json::Value::from_iter(attempted.iter().map(result)).to_string();
    let parameters = vec![Value::Text(results), now.into()];
    db.run(include_str!("../../../sql/statements/finish_deliveries.sql"), parameters).await.map(drop)
}

/// Endpoints that said that they are gone for good get nothing any more.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn webhooks_gone(db: &impl Database, webhooks: &[Id], now: Instant) -> Result<(), StoreError> {
    let parameters = vec![Value::Text(json!(webhooks).to_string()), now.into()];
    db.run(include_str!("../../../sql/statements/webhooks_gone.sql"), parameters).await.map(drop)
}

/// Gives up at most `bound` messages that wait for an endpoint that gets nothing any more. Returns how many.
///
/// # Errors
/// [`StoreError`] of the statement; running again goes on.
pub async fn close_deliveries(db: &impl Database, webhook: Id, now: Instant, bound: i64) -> Result<usize, StoreError> {
    let parameters = vec![webhook.into(), now.into(), bound.into()];
    let rows = db.run(include_str!("../../../sql/statements/close_deliveries.sql"), parameters).await?;
    Ok(rows.len())
}

/// Endpoints that were not deleted, newest first, from below an id, at most `limit`.
///
/// # Errors
/// As [`messages_to_send`].
pub async fn webhooks(db: &impl Database, below: Id, limit: i64) -> Result<Vec<WebhookRow>, StoreError> {
    let parameters = vec![below.into(), limit.into(), Value::Null];
    rows(db, include_str!("../../../sql/statements/webhooks.sql"), parameters).await
}

/// An endpoint that was not deleted.
///
/// # Errors
/// As [`messages_to_send`].
pub async fn webhook(db: &impl Database, id: Id) -> Result<Option<WebhookRow>, StoreError> {
    let parameters = vec![Id(id.0.saturating_add(1)).into(), 1.into(), id.into()];
    Ok(rows(db, include_str!("../../../sql/statements/webhooks.sql"), parameters).await?.pop())
}

/// Messages of the outbox, newest first, from below a place, at most `limit`.
///
/// # Errors
/// As [`messages_to_send`].
pub async fn messages(db: &impl Database, which: &Messages, below: i64, limit: i64) -> Result<Vec<MessageRow>, StoreError> {
    let parameters = vec![below.into(), limit.into(), which.member.into(), which.status.as_deref().into(), Value::Null];
    rows(db, include_str!("../../../sql/statements/messages.sql"), parameters).await
}

/// A message of the outbox.
///
/// # Errors
/// As [`messages_to_send`].
pub async fn message(db: &impl Database, id: Id) -> Result<Option<MessageRow>, StoreError> {
    let parameters = vec![0.into(), 1.into(), Value::Null, Value::Null, id.into()];
    Ok(rows(db, include_str!("../../../sql/statements/messages.sql"), parameters).await?.pop())
}

async fn rows<T: serde::de::DeserializeOwned>(
    db: &impl Database,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<Vec<T>, StoreError> {
    let rows = db.run(statement, parameters).await?;
    rows.iter().filter_map(|row| crate::json(Some(row), 0).transpose()).collect()
}
