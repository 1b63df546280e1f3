//! Scheduled work and the audit: set-based statements, each bounded.

use std::collections::BTreeMap;

use domain::snapshot::{Member, Needs};
use domain::{Id, Instant};

use crate::{Database, ProgramHead, StoreError, Value, integer, json, text};

/// How much work is due, each counted up to a bound; and what says what else is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub activate: i64,
    pub expire: i64,
    pub holds: i64,
    /// Members whose tier may have changed.
    pub tiers: i64,
    /// 1 where the program in force was not asked about the tiers of all members yet.
    pub unasked: i64,
    /// The program in force.
    pub program: Option<ProgramHead>,
    /// How far jobs have come that go through time: up to a moment, and of that moment up to a number.
    pub progress: BTreeMap<String, (i64, i64)>,
    /// Messages that no endpoint was looked for yet, and deliveries.
    pub deliver: i64,
    /// Messages of which nobody asked yet whether members are written of them, and those that wait for their time.
    pub notify: i64,
    /// Notices of annulment that were sent and end nothing yet.
    pub notices_sent: i64,
    /// Lots of which a notice is to be written, if an endpoint gets it.
    pub untold: i64,
    /// Whether an endpoint gets notices as messages, and whether one gets letters.
    pub listens: (bool, bool),
}

impl Due {
    /// Work of the job `annulment`: nobody is told while no endpoint would hear of it, as a letter or as a message.
    #[must_use]
    pub fn notices(&self, by_letter: bool) -> i64 {
        let listens = if by_letter { self.listens.1 } else { self.listens.0 };
        self.notices_sent.saturating_add(if listens { self.untold } else { 0 })
    }
}

/// A member whose tier is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    pub member: Id,
    /// Since when it is due.
    pub since: Instant,
    /// Lock of the statistics.
    pub revision: i64,
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
    Ok(Due {
        activate: count(0),
        expire: count(1),
        holds: count(2),
        tiers: count(3),
        unasked: count(4),
        program: json(row, 5)?,
        progress: json(row, 6)?.unwrap_or_default(),
        deliver: count(7),
        notify: count(8),
        notices_sent: count(9),
        untold: count(10),
        listens: (count(11) == 1, count(12) == 1),
    })
}

/// Announces at most `bound` lots that became available. Returns how many.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn activate(db: &impl Database, now: Instant, bound: i64) -> Result<usize, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/activate.sql"), vec![now.into(), bound.into()]).await?;
    Ok(rows.len())
}

/// Expires at most `bound` lots, one entry an account; entries' ids are numbered from above `ids`. Returns how many lots.
///
/// # Errors
/// [`StoreError`] of the statement; a collision of ids is [`StoreError::Stale`].
pub async fn expire(db: &impl Database, now: Instant, bound: i64, ids: Id, program_version: i64) -> Result<i64, StoreError> {
    let parameters = vec![now.into(), bound.into(), ids.into(), program_version.into()];
    let rows = db.run(include_str!("../../../sql/statements/expire.sql"), parameters).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0)).sum())
}

/// Ends at most `bound` overdue holds in the sequence of their deadlines; five ids for each are numbered from above `ids`. What comes back to a lot that is over
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

/// Members whose tier is to be looked at again, at most `bound`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn reviews(db: &impl Database, now: Instant, bound: i64) -> Result<Vec<Review>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/reviews.sql"), vec![now.into(), bound.into()]).await?;
    let review = |row| {
        let number = |column| integer(Some(row), column);
        Some(Review { member: Id(number(0)?), since: Instant(number(1)?), revision: number(2)? })
    };
    Ok(rows.iter().filter_map(review).collect())
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

/// The next members whom the program of this version was not asked about yet, at most `bound`, with what says where they stand
/// among the tiers. `needs` are those of a look at the tiers.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn unasked(db: &impl Database, version: i64, needs: &Needs, bound: i64) -> Result<Vec<Member>, StoreError> {
    let parameters = vec![version.into(), Value::Text(serde_json::json!(needs).to_string()), bound.into()];
    let rows = db.run(include_str!("../../../sql/statements/unasked.sql"), parameters).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// Remembers that a program was asked about the members up to `last`, the last of all where `done`, and marks those of them
/// of whom it says otherwise for a review at `now`.
///
/// # Errors
/// [`StoreError`] of a statement; asking again does no harm.
pub async fn asked(
    db: &impl Database,
    version: i64,
    last: Id,
    done: bool,
    otherwise: &[Id],
    now: Instant,
) -> Result<(), StoreError> {
    if !otherwise.is_empty() {
        let parameters = vec![Value::Text(serde_json::json!(otherwise).to_string()), now.into()];
        db.run(include_str!("../../../sql/statements/mark_members.sql"), parameters).await?;
    }
    let parameters = vec![version.into(), last.into(), i64::from(done).into()];
    db.run(include_str!("../../../sql/statements/asked.sql"), parameters).await.map(drop)
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
