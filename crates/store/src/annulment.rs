//! Notices that points will be annulled: written when they are due, and what they told of ends when they were recorded as sent.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use serde_json::json;

use crate::{Database, Row, StoreError, Value, integer};

/// A notice that was recorded as sent, and whose lots have no end yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentNotice {
    pub message: Id,
    /// How many days must have passed since it was sent.
    pub days: i64,
    /// The end that it named.
    pub told: Instant,
    pub sent_at: Instant,
}

/// How many days before their end the lots need a notice of which one is due, of the first `bound` of them: each number once. None
/// while no endpoint would get it, as a letter or as a message.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn notices_due(db: &impl Database, now: Instant, bound: i64, by_letter: bool) -> Result<Vec<i64>, StoreError> {
    let parameters = vec![now.into(), bound.into(), i64::from(by_letter).into()];
    let rows = db.run(include_str!("../../../sql/statements/notices_due.sql"), parameters).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0)).collect())
}

/// Writes at most `bound` notices that are due. `ends` says by a number of days when points end at the earliest of which members
/// are told now; `by_letter`: the program has words for it, and only a letter counts. Returns how many.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn give_notices(
    db: &impl Database,
    now: Instant,
    bound: i64,
    ends: &BTreeMap<i64, Instant>,
    by_letter: bool,
) -> Result<usize, StoreError> {
    let parameters = vec![now.into(), bound.into(), Value::Text(json!(ends).to_string()), i64::from(by_letter).into()];
    Ok(db.run(include_str!("../../../sql/statements/give_notices.sql"), parameters).await?.len())
}

/// Notices that were recorded as sent and whose lots have no end yet, at most `bound`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn notices_sent(db: &impl Database, bound: i64) -> Result<Vec<SentNotice>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/notices_sent.sql"), vec![bound.into()]).await?;
    let notice = |row: &Row| {
        let number = |column| integer(Some(row), column);
        Some(SentNotice { message: Id(number(0)?), days: number(1)?, told: Instant(number(2)?), sent_at: Instant(number(3)?) })
    };
    Ok(rows.iter().filter_map(notice).collect())
}

/// Gives what notices told of its end: (message, end). Whoever was told of an earlier one is told of this one, in the same
/// statement. Returns how many; another run may have done it.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn date_notices(db: &impl Database, ends: &[(Id, Instant)], now: Instant) -> Result<usize, StoreError> {
    let parameters = vec![Value::Text(json!(ends).to_string()), now.into()];
    Ok(db.run(include_str!("../../../sql/statements/date_notices.sql"), parameters).await?.len())
}
