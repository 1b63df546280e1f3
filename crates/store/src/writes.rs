//! Writing: the whole effect of a command in one statement.

use domain::plan::Plan;
use domain::{Id, Instant};

use crate::{Database, StoreError, Value, integer, text};

/// A command that was decided: its answer and its plan.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    pub id: Id,
    pub idempotency_key: &'a str,
    pub fingerprint: &'a str,
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// None: the answer holds personal data and was written with the person.
    pub answer: Option<&'a str>,
    pub now: Instant,
    pub plan: &'a Plan,
}

/// What a plan of a purchase or a redemption consists of: others go through the whole referee. See `sql/default/0008_purchases.sql`.
pub const PURCHASE_PARTS: [&str; 8] =
    ["orders", "lines", "entries", "redemptions", "redemption_updates", "statistics", "budgets", "outbox"];

/// Whether a plan, as JSON, has nothing else in it than [`PURCHASE_PARTS`].
#[must_use]
pub fn is_purchase(plan: &serde_json::Value) -> bool {
    plan.as_object().is_some_and(|parts| parts.keys().all(|part| PURCHASE_PARTS.contains(&part.as_str())))
}

/// Posts a plan, all or none.
///
/// # Errors
/// [`StoreError::Stale`] when the books have moved since the snapshot or the key was answered meanwhile.
pub async fn apply(db: &impl Database, commit: &Commit<'_>) -> Result<(), StoreError> {
    let plan = serde_json::to_value(commit.plan).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let statement = if is_purchase(&plan) {
        include_str!("../../../sql/statements/apply_purchase.sql")
    } else {
        include_str!("../../../sql/statements/apply.sql")
    };
    let parameters = vec![
        commit.id.into(),
        commit.idempotency_key.into(),
        commit.fingerprint.into(),
        i64::from(commit.status).into(),
        commit.answer.into(),
        commit.now.into(),
        Value::Text(plan.to_string()),
    ];
    db.run(statement, parameters).await.map(drop)
}

/// Adds calls and misses of subjects to a minute's meters. Returns the misses so far of each.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn count_calls(
    db: &impl Database,
    minute: i64,
    counted: &[(String, i64, i64)],
) -> Result<Vec<(String, i64)>, StoreError> {
    let counted = serde_json::to_string(counted).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let rows = db.run(include_str!("../../../sql/statements/count_calls.sql"), vec![minute.into(), Value::Text(counted)]).await?;
    Ok(rows.iter().filter_map(|row| Some((text(Some(row), 0)?.to_owned(), integer(Some(row), 1)?))).collect())
}
