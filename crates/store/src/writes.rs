//! Writing: the whole effect of a command in one statement, and the store of persons.

use domain::plan::Plan;
use domain::{Id, Instant};

use crate::{Database, StoreError, Value};

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

/// Posts a plan, all or none.
///
/// # Errors
/// [`StoreError::Stale`] when the books have moved since the snapshot or the key was answered meanwhile.
pub async fn apply(db: &impl Database, commit: &Commit<'_>) -> Result<(), StoreError> {
    let plan = serde_json::to_string(commit.plan).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let parameters = vec![
        commit.id.into(),
        commit.idempotency_key.into(),
        commit.fingerprint.into(),
        i64::from(commit.status).into(),
        commit.answer.into(),
        commit.now.into(),
        Value::Text(plan),
    ];
    db.run(include_str!("../../../sql/statements/apply.sql"), parameters).await.map(drop)
}

/// Writes a person's sealed data under the member's id, before the member.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn write_person(people: &impl Database, member: Id, sealed: &str, now: Instant) -> Result<(), StoreError> {
    let parameters = vec![member.into(), sealed.into(), now.into()];
    people.run(include_str!("../../../sql/statements/write_person.sql"), parameters).await.map(drop)
}

/// Takes back a person whose enrolment was refused.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn remove_person(people: &impl Database, member: Id) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/remove_person.sql"), vec![member.into()]).await.map(drop)
}
