//! Scheduled work and the audit: set-based statements, each bounded.

use domain::{Id, Instant};

use crate::{Database, StoreError, integer, text};

/// How much work is due, each counted up to a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub activate: i64,
    pub expire: i64,
    pub holds: i64,
    /// Members whose tier time may have changed.
    pub tiers: i64,
}

/// What the audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub finding: String,
    /// The row concerned; its table follows from the finding.
    pub id: i64,
}

/// What is due, each kind counted up to `bound`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn due(db: &impl Database, now: Instant, bound: i64) -> Result<Due, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/due.sql"), vec![now.into(), bound.into()]).await?;
    let row = rows.first();
    let count = |column| integer(row, column).unwrap_or_default();
    Ok(Due { activate: count(0), expire: count(1), holds: count(2), tiers: count(3) })
}

/// Announces at most `bound` lots that became available. Returns how many.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn activate(db: &impl Database, now: Instant, bound: i64) -> Result<usize, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/activate.sql"), vec![now.into(), bound.into()]).await?;
    Ok(rows.len())
}

/// Expires at most `bound` lots, one entry an account; entries' ids are numbered from above `ids`.
///
/// # Errors
/// [`StoreError`] of the statement; a collision of ids is [`StoreError::Stale`].
pub async fn expire(db: &impl Database, now: Instant, bound: i64, ids: Id, program_version: i64) -> Result<(), StoreError> {
    let parameters = vec![now.into(), bound.into(), ids.into(), program_version.into()];
    db.run(include_str!("../../../sql/statements/expire.sql"), parameters).await.map(drop)
}

/// Ends at most `bound` overdue holds; four ids for each are numbered from above `ids`. What comes back to a lot that is over
/// is good until `returned_until`; none: it expires. Returns how many.
///
/// # Errors
/// As [`expire`].
pub async fn release_overdue(
    db: &impl Database,
    now: Instant,
    bound: i64,
    ids: Id,
    returned_until: Option<Instant>,
) -> Result<usize, StoreError> {
    let parameters = vec![now.into(), bound.into(), ids.into(), returned_until.into()];
    let rows = db.run(include_str!("../../../sql/statements/release_overdue.sql"), parameters).await?;
    Ok(rows.len())
}

/// Members whose tier is to be looked at again, at most `bound`, and since when each is due.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn reviews(db: &impl Database, now: Instant, bound: i64) -> Result<Vec<(Id, Instant)>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/reviews.sql"), vec![now.into(), bound.into()]).await?;
    Ok(rows.iter().filter_map(|row| Some((Id(integer(Some(row), 0)?), Instant(integer(Some(row), 1)?)))).collect())
}

/// Marks the members of at most `bound` orders that left the window of the tiers, which begins at `window`, for a review at
/// `now`. Returns whether more may be left to mark.
///
/// # Errors
/// [`StoreError`] of a statement; running again goes on.
pub async fn mark_reviews(db: &impl Database, window: Instant, now: Instant, bound: i64) -> Result<bool, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/left_window.sql"), vec![window.into(), bound.into()]).await?;
    let row = rows.first();
    let (Some(until), Some(next)) = (integer(row, 0), integer(row, 1)) else { return Ok(false) };
    let parameters = vec![until.into(), next.into(), now.into()];
    db.run(include_str!("../../../sql/statements/mark_reviews.sql"), parameters).await?;
    db.run(include_str!("../../../sql/statements/reviews_marked.sql"), vec![next.into()]).await?;
    Ok(true)
}

/// Every way in which the books disagree, at most 100.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn audit(db: &impl Database) -> Result<Vec<Finding>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/audit.sql"), Vec::new()).await?;
    Ok(rows
        .iter()
        .filter_map(|row| Some(Finding { finding: text(Some(row), 0)?.to_owned(), id: integer(Some(row), 1)? }))
        .collect())
}

/// How many rows of each kind there are: (name, count).
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn counts(db: &impl Database) -> Result<Vec<(&'static str, i64)>, StoreError> {
    const NAMES: [&str; 6] = ["accounts", "lots", "entries", "postings", "orders", "redemptions"];
    let rows = db.run(include_str!("../../../sql/statements/counts.sql"), Vec::new()).await?;
    let row = rows.first();
    Ok(NAMES.into_iter().enumerate().map(|(column, name)| (name, integer(row, column).unwrap_or_default())).collect())
}
