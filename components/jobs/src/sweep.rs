//! The sweep: takes back persons whose command never came to its end. An enrolment or a change writes the person first; when
//! the books then do not answer, nobody knows what they decided, and a person without a command can be reached by no call.
//! It also removes again the persons of members that were erased of late: an erasure begins in the books.

use domain::Instant;
use edge::{Problem, Reply, books, from_store, people};
use serde_json::json;
use store::StoreError;

/// Persons of one batch.
const BATCH: usize = 500;

/// A command is over long before, even where clocks differ.
const SETTLED: i64 = 3_600_000;

/// How long after an erasure it is made sure of.
const ERASURES: i64 = 3 * 86_400_000;

/// Batches of one event; the next one goes on.
const MOST_BATCHES: usize = 100;

/// `POST /v1/jobs/sweep/runs`: one batch. Says how many persons were looked at.
pub async fn run(at: Instant) -> Result<Reply, Problem> {
    erase_again(at).await.map_err(|error| from_store(&error))?;
    let (processed, remaining) = batch(at).await.map_err(|error| from_store(&error))?;
    Ok(Reply::ok(&json!({"processed": processed, "remaining": remaining, "next_cursor": null})))
}

/// Everything that was not looked at yet, in the first hour of a day: other hours without work keep to their one
/// statement.
///
/// # Errors
/// 503 when a store does not answer; the next sweep goes on where this one ended.
pub async fn once_a_day(at: Instant) -> Result<(), Problem> {
    if at.0.rem_euclid(86_400_000) >= 3_600_000 {
        return Ok(());
    }
    match erase_again(at).await {
        Ok(()) | Err(StoreError::NotMigrated) => {}
        Err(error) => return Err(from_store(&error)),
    }
    for _ in 0..MOST_BATCHES {
        match batch(at).await {
            // a shop that was not set up yet, or not since there is a sweep, has nothing to do
            Ok((_, 0)) | Err(StoreError::NotMigrated) => break,
            Ok(_) => {}
            Err(error) => return Err(from_store(&error)),
        }
    }
    Ok(())
}

/// An erasure that broke off between the stores comes to its end.
async fn erase_again(at: Instant) -> Result<(), StoreError> {
    let erased = store::erased(&books(), Instant(at.0 - ERASURES)).await?;
    if erased.is_empty() { Ok(()) } else { store::erase_persons(&people(), &erased).await }
}

/// One batch: how many persons were looked at, and how many are left, counted up to a batch.
async fn batch(at: Instant) -> Result<(usize, usize), StoreError> {
    let before = Instant(at.0 - SETTLED);
    let bound = i64::try_from(BATCH + 1).unwrap_or(i64::MAX);
    let mut persons = store::unswept(&people(), before, bound).await?;
    let more = persons.len() > BATCH;
    persons.truncate(BATCH);
    let Some(last) = persons.last().copied() else { return Ok((0, 0)) };
    let strangers = store::strangers(&books(), &persons).await?;
    if !strangers.is_empty() {
        store::remove_persons(&people(), &strangers).await?;
    }
    store::swept(&people(), last).await?;
    let remaining = if more { store::unswept(&people(), before, bound).await?.len() } else { 0 };
    Ok((persons.len(), remaining))
}
