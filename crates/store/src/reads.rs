//! Reading what is shown: entries, program versions, persons.

use domain::{Id, Instant, Points};
use serde::Deserialize;

use crate::{Database, StoreError, integer, json, text};

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
    /// Where the order and the redemption were made; only in a member's list.
    #[serde(default)]
    pub order_store: Option<String>,
    #[serde(default)]
    pub redemption_store: Option<String>,
    /// The event that earned it.
    #[serde(default)]
    pub event_ref: Option<String>,
    pub redemption_id: Option<Id>,
    pub program_version: i64,
    pub explanation: serde_json::Value,
    pub lots: Vec<EntryLot>,
}

impl EntryRow {
    /// What another store than this one sold is not named: its points are the member's, the order is not.
    pub fn hide_other_stores(&mut self, own: &str) {
        if self.order_store.as_deref() != Some(own) {
            self.order_ref = None;
        }
        if self.redemption_store.as_deref() != Some(own) {
            self.redemption_id = None;
        }
    }
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

/// A caller's key as it is shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct KeyRow {
    pub id: Id,
    pub name: String,
    pub scopes: Vec<String>,
    pub store: Option<String>,
    pub created_at: Instant,
    /// The first instant at which it opens nothing.
    pub expires_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    /// The key whose successor it is.
    pub replaces: Option<Id>,
    /// Its own successor.
    pub replaced_by: Option<Id>,
}

impl KeyRow {
    /// Whether it opens what its scopes open.
    #[must_use]
    pub fn is_in_force(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
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

/// Keys of callers, newest first, from below an id.
///
/// # Errors
/// As [`entries`].
pub async fn keys(db: &impl Database, below: Id, limit: i64) -> Result<Vec<KeyRow>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/keys.sql"), vec![below.into(), limit.into()]).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
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

/// A friend whom a member brought.
#[derive(Clone, Debug, Deserialize)]
pub struct ReferralRow {
    pub referee_id: Id,
    pub outcome: String,
    pub reason: String,
    /// Oldest first.
    pub verdicts: Vec<VerdictRow>,
}

/// A step of a referral.
#[derive(Clone, Debug, Deserialize)]
pub struct VerdictRow {
    pub outcome: String,
    pub reason: String,
    /// The shop's own id of the order that paid.
    pub order_id: Option<String>,
    pub at: Instant,
}

/// Whom a member brought, newest first, from below a referee.
///
/// # Errors
/// As [`entries`].
pub async fn referrals(db: &impl Database, member: Id, below: i64, limit: i64) -> Result<Vec<ReferralRow>, StoreError> {
    let parameters = vec![member.into(), below.into(), limit.into()];
    let rows = db.run(include_str!("../../../sql/statements/referrals.sql"), parameters).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// Members of one name and birthday, by its keyed hash; in the store of persons.
///
/// # Errors
/// As [`entries`].
pub async fn members_alike(people: &impl Database, likeness: &str) -> Result<Vec<Id>, StoreError> {
    let rows = people.run(include_str!("../../../sql/statements/members_alike.sql"), vec![likeness.into()]).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0).map(Id)).collect())
}
