//! Reading what is shown: entries, program versions, persons.

use domain::{Id, Instant, Points};
use serde::Deserialize;

use crate::{Caller, Database, StoreError, integer, json, text};

/// A ledger entry as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub struct EntryRow {
    pub id: Id,
    pub seq: i64,
    pub kind: String,
    /// Signed by its effect on what remains.
    pub points: Points,
    pub amount: Points,
    pub deficit_change: Points,
    pub balance_after: Points,
    pub occurred_at: Instant,
    pub order_ref: Option<String>,
    /// The event that earned it.
    #[serde(default)]
    pub event_ref: Option<String>,
    pub redemption_id: Option<Id>,
    pub program_version: i64,
    pub explanation: serde_json::Value,
    pub lots: Vec<EntryLot>,
}

/// An entry's part in a lot: `[id, points, activates_at, expires_at, rule_id]`.
#[derive(Clone, Debug, Deserialize)]
pub struct EntryLot {
    pub id: Id,
    pub points: Points,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
    pub rule_id: String,
}

/// A program's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub version: i64,
    pub document: String,
    pub published_at: Instant,
    pub hash: String,
}

/// A version in the program's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramVersion {
    pub version: i64,
    pub hash: String,
    pub published_at: Instant,
}

/// A member's entries, newest first, from below an entry's number.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn entries(db: &impl Database, member: Id, below: i64, limit: i64) -> Result<Vec<EntryRow>, StoreError> {
    let rows =
        db.run(include_str!("../../../sql/statements/entries.sql"), vec![member.into(), below.into(), limit.into()]).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// The entries that an order caused, oldest first.
///
/// # Errors
/// As [`entries`].
pub async fn order_entries(db: &impl Database, order: Id) -> Result<Vec<EntryRow>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/order_entries.sql"), vec![order.into()]).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// The caller behind a key's hash.
///
/// # Errors
/// As [`entries`].
pub async fn caller(db: &impl Database, hash: &str) -> Result<Option<Caller>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/caller.sql"), vec![hash.into()]).await?;
    json(rows.first(), 0)
}

/// A program's document by its content hash, or by its version.
///
/// # Errors
/// As [`entries`].
pub async fn program_document(
    db: &impl Database,
    hash: Option<&str>,
    version: Option<i64>,
) -> Result<Option<Document>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/program_document.sql"), vec![hash.into(), version.into()]).await?;
    let row = rows.first();
    Ok(match (integer(row, 0), text(row, 1), integer(row, 2), text(row, 3)) {
        (Some(version), Some(document), Some(published_at), Some(hash)) => {
            Some(Document { version, document: document.to_owned(), published_at: Instant(published_at), hash: hash.to_owned() })
        }
        _ => None,
    })
}

/// The program's history, newest first, from below a version.
///
/// # Errors
/// As [`entries`].
pub async fn program_versions(db: &impl Database, below: i64, limit: i64) -> Result<Vec<ProgramVersion>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/program_versions.sql"), vec![below.into(), limit.into()]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(ProgramVersion {
                version: integer(Some(row), 0)?,
                hash: text(Some(row), 1)?.to_owned(),
                published_at: Instant(integer(Some(row), 2)?),
            })
        })
        .collect())
}

/// A person's sealed data.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn person(people: &impl Database, member: Id) -> Result<Option<String>, StoreError> {
    let rows = people.run(include_str!("../../../sql/statements/person.sql"), vec![member.into()]).await?;
    Ok(text(rows.first(), 0).map(str::to_owned))
}
