//! Persons without a member: what an enrolment leaves that wrote the person and never learnt what the books decided.

use domain::{Id, Instant};

use crate::{Database, StoreError, Value, integer};

/// Persons written before a moment that no sweep has looked at yet, at most `bound`, by their ids.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn unswept(people: &impl Database, before: Instant, bound: i64) -> Result<Vec<Id>, StoreError> {
    ids(people, include_str!("../../../sql/statements/unswept.sql"), vec![before.into(), bound.into()]).await
}

/// Which of these are no members.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn strangers(books: &impl Database, persons: &[Id]) -> Result<Vec<Id>, StoreError> {
    ids(books, include_str!("../../../sql/statements/strangers.sql"), vec![array(persons)]).await
}

/// Takes back persons.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn remove_persons(people: &impl Database, persons: &[Id]) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/remove_persons.sql"), vec![array(persons)]).await.map(drop)
}

/// Remembers up to which person a sweep has looked.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn swept(people: &impl Database, until: Id) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/swept.sql"), vec![until.into()]).await.map(drop)
}

async fn ids(db: &impl Database, statement: &str, parameters: Vec<Value>) -> Result<Vec<Id>, StoreError> {
    let rows = db.run(statement, parameters).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0)).map(Id).collect())
}

fn array(ids: &[Id]) -> Value {
    Value::Text(serde_json::Value::from_iter(ids.iter().map(|id| id.0)).to_string())
}
