//! The store of persons, and what the books say about it.

use domain::{Id, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Database, Row, StoreError, Value, integer, json, text};

/// A person's data, sealed, as one command wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPerson {
    /// The command's id.
    pub id: Id,
    pub member_id: Id,
    pub sealed: String,
}

impl SealedPerson {
    fn of(row: &Row) -> Option<Self> {
        let (id, member_id) = (integer(Some(row), 0)?, integer(Some(row), 1)?);
        Some(Self { id: Id(id), member_id: Id(member_id), sealed: text(Some(row), 2)?.to_owned() })
    }
}

/// Persons as these commands wrote them. Which one of a member stands is `member.profile`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn persons(people: &impl Database, commands: &[Id]) -> Result<Vec<SealedPerson>, StoreError> {
    sealed(people, include_str!("../../../sql/statements/persons.sql"), vec![array(commands)]).await
}

/// Everything that was ever written of the persons behind these members, oldest first.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn person_versions(people: &impl Database, members: &[Id]) -> Result<Vec<SealedPerson>, StoreError> {
    sealed(people, include_str!("../../../sql/statements/person_versions.sql"), vec![array(members)]).await
}

/// Writes a person under the id of a command, before the command. `likeness` is a keyed hash of name and birthday, `days` are
/// those of the days on which something comes round. The same person may be written again, whose first answer was lost.
///
/// # Errors
/// [`StoreError::Stale`] where another person stands under this id already: take another id. [`StoreError`] of the statement.
pub async fn write_person(
    people: &impl Database,
    person: &SealedPerson,
    likeness: Option<&str>,
    days: &[String],
    now: Instant,
) -> Result<(), StoreError> {
    let SealedPerson { id, member_id, sealed } = person;
    let days = Value::Text(serde_json::json!(days).to_string());
    let parameters = vec![(*id).into(), (*member_id).into(), sealed.as_str().into(), likeness.into(), now.into(), days];
    let written = people.run(include_str!("../../../sql/statements/write_person.sql"), parameters).await?;
    if written.is_empty() { Err(StoreError::Stale) } else { Ok(()) }
}

/// Takes back what was written for commands that were refused, as far as it stands as it was written: another person under
/// the same id stays.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn take_back_persons(people: &impl Database, written: &[SealedPerson]) -> Result<(), StoreError> {
    let written = written.iter().map(|person| serde_json::json!({"id": person.id.0, "sealed": person.sealed}));
    let parameters = vec![Value::Text(serde_json::Value::from_iter(written).to_string())];
    people.run(include_str!("../../../sql/statements/take_back_persons.sql"), parameters).await.map(drop)
}

/// Removes persons whose commands never came to their end.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn remove_persons(people: &impl Database, commands: &[Id]) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/remove_persons.sql"), vec![array(commands)]).await.map(drop)
}

/// Removes everything about the persons behind these members.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn erase_persons(people: &impl Database, members: &[Id]) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/erase_persons.sql"), vec![array(members)]).await.map(drop)
}

/// At most `bound` persons behind `after` that are sealed by the key of this name, by their ids.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn sealed_by(people: &impl Database, key: &str, after: Id, bound: i64) -> Result<Vec<SealedPerson>, StoreError> {
    let parameters = vec![key.into(), after.into(), bound.into()];
    sealed(people, include_str!("../../../sql/statements/sealed_by.sql"), parameters).await
}

/// How many persons are not sealed by the key of this name, counted up to `bound`.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn sealed_otherwise(people: &impl Database, key: &str, bound: i64) -> Result<i64, StoreError> {
    let parameters = vec![key.into(), bound.into()];
    let rows = people.run(include_str!("../../../sql/statements/sealed_otherwise.sql"), parameters).await?;
    integer(rows.first(), 0).ok_or_else(|| StoreError::Unreadable("no count of persons".to_owned()))
}

/// Puts a person under another key, unless somebody did so meanwhile.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn reseal(people: &impl Database, person: &SealedPerson, sealed: &str) -> Result<(), StoreError> {
    let parameters = vec![person.id.into(), person.sealed.as_str().into(), sealed.into()];
    people.run(include_str!("../../../sql/statements/reseal.sql"), parameters).await.map(drop)
}

/// Persons written before a moment that no sweep has looked at yet, at most `bound`, by the ids of their commands.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn unswept(people: &impl Database, before: Instant, bound: i64) -> Result<Vec<Id>, StoreError> {
    ids(people, include_str!("../../../sql/statements/unswept.sql"), vec![before.into(), bound.into()]).await
}

/// Remembers up to which person a sweep has looked.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn swept(people: &impl Database, until: Id) -> Result<(), StoreError> {
    people.run(include_str!("../../../sql/statements/swept.sql"), vec![until.into()]).await.map(drop)
}

/// Which of these commands are not in the books.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn strangers(books: &impl Database, commands: &[Id]) -> Result<Vec<Id>, StoreError> {
    ids(books, include_str!("../../../sql/statements/strangers.sql"), vec![array(commands)]).await
}

/// Members whose persons were erased since a moment.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn erased(books: &impl Database, since: Instant) -> Result<Vec<Id>, StoreError> {
    ids(books, include_str!("../../../sql/statements/erased.sql"), vec![since.into()]).await
}

/// Persons who are alike in name and birthday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Keyed hash of what they have in common.
    pub likeness: String,
    /// (command that wrote it, member).
    pub versions: Vec<(Id, Id)>,
}

/// Groups of persons who are alike, after a group, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn alike(people: &impl Database, after: &str, limit: i64) -> Result<Vec<Alike>, StoreError> {
    let rows = people.run(include_str!("../../../sql/statements/alike.sql"), vec![after.into(), limit.into()]).await?;
    let group = |row: &Row| {
        let versions = json(Some(row), 1)?.unwrap_or_default();
        Ok(text(Some(row), 0).map(|likeness| Alike { likeness: likeness.to_owned(), versions }))
    };
    rows.iter().filter_map(|row| group(row).transpose()).collect()
}

/// Which of these versions (command, member) stand.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn standing_versions(books: &impl Database, versions: &[(Id, Id)]) -> Result<Vec<Id>, StoreError> {
    let (commands, members): (Vec<Id>, Vec<Id>) = versions.iter().copied().unzip();
    ids(books, include_str!("../../../sql/statements/standing_versions.sql"), vec![array(&commands), array(&members)]).await
}

/// What a member said about a channel of messages.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ConsentRow {
    /// Its place in the history.
    pub id: i64,
    pub member_id: Id,
    pub channel: String,
    /// 1 for yes.
    pub granted: u8,
    pub source: String,
    pub at: Instant,
}

/// Rules that a member accepted.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct AcceptanceRow {
    /// Its place in the history.
    pub id: i64,
    pub member_id: Id,
    pub rules_version: String,
    pub at: Instant,
}

/// What a member and whoever was merged into it said about channels, newest first, below a place.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn consents(books: &impl Database, member: Id, below: i64, limit: i64) -> Result<Vec<ConsentRow>, StoreError> {
    history(books, include_str!("../../../sql/statements/consents.sql"), member, below, limit).await
}

/// Rules that a member and whoever was merged into it accepted, newest first, below a place.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn acceptances(books: &impl Database, member: Id, below: i64, limit: i64) -> Result<Vec<AcceptanceRow>, StoreError> {
    history(books, include_str!("../../../sql/statements/acceptances.sql"), member, below, limit).await
}

async fn history<T: DeserializeOwned>(
    books: &impl Database,
    statement: &str,
    member: Id,
    below: i64,
    limit: i64,
) -> Result<Vec<T>, StoreError> {
    let rows = books.run(statement, vec![member.into(), below.into(), limit.into()]).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// Notes in the books that a person's data were taken out.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn log_export(books: &impl Database, member: Id, caller: Id, now: Instant) -> Result<(), StoreError> {
    let parameters = vec![member.into(), caller.into(), now.into()];
    books.run(include_str!("../../../sql/statements/log_privacy.sql"), parameters).await.map(drop)
}

async fn sealed(db: &impl Database, statement: &str, parameters: Vec<Value>) -> Result<Vec<SealedPerson>, StoreError> {
    let rows = db.run(statement, parameters).await?;
    Ok(rows.iter().filter_map(SealedPerson::of).collect())
}

async fn ids(db: &impl Database, statement: &str, parameters: Vec<Value>) -> Result<Vec<Id>, StoreError> {
    let rows = db.run(statement, parameters).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0)).map(Id).collect())
}

fn array(ids: &[Id]) -> Value {
    Value::Text(serde_json::Value::from_iter(ids.iter().map(|id| id.0)).to_string())
}
