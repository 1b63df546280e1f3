//! What members are written: which messages of the outbox became dispatches, what is to be decided of them, and what was.

use domain::{Id, Instant};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{Addressee, Database, StoreError, Value, json as json_column};

/// A dispatch that is to be decided of.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct DueDispatch {
    /// The message of the outbox that it is about.
    pub id: Id,
    pub member_id: Id,
    /// Its lock.
    pub revision: i64,
    pub purpose: String,
    /// The channel tried last, and when.
    pub channel: Option<String>,
    pub tried_at: Option<Instant>,
    /// All channels that were tried.
    pub channels: Vec<String>,
    pub kind: String,
    pub at: Instant,
    pub payload: Map<String, Json>,
    /// (channel, what the provider said).
    pub receipts: Vec<(String, String)>,
    /// Messages of marketing that the member got lately.
    pub lately: u32,
    /// What is left of points that expire or will be annulled, in minor units; none where it is not about such.
    pub left: Option<i64>,
    /// Whether a later message says the same anew.
    pub superseded: bool,
    /// Whether the same was written within a day.
    pub repeated: bool,
    /// None: the person is gone.
    pub person: Option<Addressee>,
}

/// What was decided of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub id: Id,
    pub revision: i64,
    /// `waiting`, `sent`, `delivered`, `opened`, `failed` or `not_sent`.
    pub status: &'static str,
    /// By which channel it goes out now.
    pub channel: Option<&'static str>,
    /// When it is looked at again; none: never, unless the provider says something.
    pub next_at: Option<Instant>,
    /// Why it is not sent.
    pub reason: Option<&'static str>,
}

/// What a letter is about.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Cause {
    pub id: Id,
    pub kind: String,
    pub payload: Map<String, Json>,
    /// The occasion or the trigger.
    pub of_id: Option<String>,
    pub purpose: String,
}

/// Goes through the next messages of the outbox, at most `bound`, of which members may be written: `kinds` (JSON) says how each kind is
/// meant. What happened before `since` comes too late; the first time it begins with what happened since `published_at`.
///
/// # Errors
/// [`StoreError`] of the statement: stale where another run did it meanwhile.
pub async fn take_dispatches(
    db: &impl Database,
    bound: i64,
    kinds: &Json,
    since: Instant,
    published_at: Instant,
) -> Result<(), StoreError> {
    let parameters = vec![bound.into(), Value::Text(kinds.to_string()), since.into(), published_at.into()];
    db.run(include_str!("../../../sql/statements/take_dispatches.sql"), parameters).await.map(drop)
}

/// At most `bound` dispatches to decide of at `now`, the longest due first. Marketing is counted since a moment.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn due_dispatches(
    db: &impl Database,
    now: Instant,
    bound: i64,
    since: Instant,
) -> Result<Vec<DueDispatch>, StoreError> {
    let rows =
        db.run(include_str!("../../../sql/statements/due_dispatches.sql"), vec![now.into(), bound.into(), since.into()]).await?;
    rows.iter().filter_map(|row| json_column(Some(row), 0).transpose()).collect()
}

/// Writes down what was decided. Of a dispatch of which another run decided meanwhile nothing changes.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn decide_dispatches(db: &impl Database, decided: &[Decided], now: Instant) -> Result<(), StoreError> {
    let row = |decided: &Decided| {
        let Decided { id, revision, status, channel, next_at, reason } = decided;
        json!([id, revision, status, channel, next_at, reason])
    };
    let rows = Json::from_iter(decided.iter().map(row)).to_string();
    db.run(include_str!("../../../sql/statements/notify.sql"), vec![Value::Text(rows), now.into()]).await.map(drop)
}
