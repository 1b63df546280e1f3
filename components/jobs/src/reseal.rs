//! A new key for persons: what the one before it sealed is opened and sealed again, until nothing needs the old key any more.

use domain::Id;
use edge::sealing::Sealer;
use edge::{Problem, Reply, from_store, people, say};
use serde_json::json;
use store::StoreError;

/// Persons of one batch: each is a statement.
const BATCH: usize = 100;

/// Batches of one event; the next one goes on.
const MOST_BATCHES: usize = 100;

/// What is left is counted so far.
const MOST_COUNTED: i64 = 10_000;

/// `POST /v1/jobs/reseal/runs`: one batch. `remaining` are all that another key than `people_key` seals; with 0 the old key can
/// go. Where it stays while nothing is processed, none of our keys opens these.
pub async fn run() -> Result<Reply, Problem> {
    let sealer = Sealer::ready().await?;
    let processed = seal_anew(&sealer, BATCH).await?;
    let remaining = remaining(&sealer).await?;
    Ok(Reply::ok(&json!({"processed": processed, "remaining": remaining, "next_cursor": null})))
}

/// Whatever the old key still seals, where there is one.
///
/// # Errors
/// 503 when the store does not answer, 500 without a usable key; the next run goes on.
pub async fn all() -> Result<(), Problem> {
    let sealer = Sealer::ready().await?;
    seal_anew(&sealer, BATCH * MOST_BATCHES).await.map(drop)
}

/// Seals again what the old key sealed, until so many were or none is left, and says how many. Those that it does not open
/// stay as they are and are told; they do not keep the others behind them waiting.
async fn seal_anew(sealer: &Sealer, most: usize) -> Result<usize, Problem> {
    let Some(older) = sealer.older_key_name() else { return Ok(0) };
    let bound = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let mut processed = 0;
    let mut after = Id(0);
    while processed < most {
        let page = match store::sealed_by(&people(), older, after, bound).await {
            Err(StoreError::NotMigrated) => break,
            page => page.map_err(|error| from_store(&error))?,
        };
        let Some(last) = page.last() else { break };
        after = last.id;
        for person in &page {
            match sealer.open(person.member_id, &person.sealed).and_then(|text| sealer.seal(person.member_id, &text)) {
                Ok(sealed) => {
                    store::reseal(&people(), person, &sealed).await.map_err(|error| from_store(&error))?;
                    processed += 1;
                }
                Err(problem) => {
                    let member = person.member_id.external("mem");
                    say(&json!({"level": "error", "job": "reseal", "member_id": member, "detail": problem.detail}));
                }
            }
        }
    }
    Ok(processed)
}

async fn remaining(sealer: &Sealer) -> Result<i64, Problem> {
    match store::sealed_otherwise(&people(), sealer.key_name(), MOST_COUNTED).await {
        Err(StoreError::NotMigrated) => Ok(0),
        remaining => remaining.map_err(|error| from_store(&error)),
    }
}
