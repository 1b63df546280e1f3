//! The jobs: bounded, set-based, safe when two run at once, and each catches up by itself after days off.

use domain::Instant;
use domain::id::Ids;
use edge::wire::moment;
use edge::{
    Access, ActiveProgram, Call, Problem, Reply, Scope, authorize, books, from_store, now, people, program_by_head, program_head,
    random,
};
use serde::Deserialize;
use serde_json::json;
use store::schema::{BOOKS, PEOPLE, migrate as run_migrations};
use store::{Due, StoreError};

use crate::{sweep, tiers};

/// Rows of one statement: it stays well below a quarter of a second.
const BATCH: i64 = 500;

/// Batches of one cron event: what is left then waits for the next hour, so that no event runs without end.
const MOST_BATCHES: usize = 400;

/// The job that both stores have part in; the others are statements of the books.
const SWEEP: &str = "sweep";

/// A kind of work, in the sequence in which an hour's work is done: holds that end may give points back to lots that are
/// due, and a lot is announced before it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Holds,
    Activate,
    Expire,
    Tiers,
}

impl Job {
    const ALL: [Self; 4] = [Self::Holds, Self::Activate, Self::Expire, Self::Tiers];

    fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Activate => "activate",
            Self::Expire => "expire",
            Self::Tiers => "tiers",
        }
    }

    fn due(self, due: Due) -> i64 {
        match self {
            Self::Holds => due.holds,
            Self::Activate => due.activate,
            Self::Expire => due.expire,
            Self::Tiers => due.tiers.saturating_add(due.unasked),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunBody {
    at: Option<String>,
}

/// `POST /v1/jobs/{name}/runs`: one bounded batch now.
pub async fn run(call: &Call, name: &str) -> Result<Reply, Problem> {
    authorize(call, &[Scope::Jobs]).await?;
    let job = Job::ALL.into_iter().find(|job| job.word() == name);
    if job.is_none() && name != SWEEP {
        let names: Vec<&str> = Job::ALL.iter().map(|job| job.word()).collect();
        let detail = format!("There is no job {name}; there are migrate, {}, {SWEEP}", names.join(", "));
        return Err(Problem::not_found("job_not_found", detail));
    }
    let body: RunBody = if call.body.is_empty() { RunBody::default() } else { call.json()? };
    // never ahead of our clock: what is still good must not be taken
    let at = moment(body.at.as_deref(), now(), "/at")?.min(now());
    let Some(job) = job else { return sweep::run(at).await };
    if job == Job::Tiers {
        tiers::mark(at).await?;
    }
    let waiting = due(at).await?;
    let before = job.due(waiting);
    if before == 0 {
        return Ok(Reply::ok(&json!({"processed": 0, "remaining": 0, "next_cursor": null})));
    }
    let counted = batch(job, waiting, at).await?;
    let remaining = job.due(due(at).await?);
    // lots that expire are counted by what is left; beyond a batch they were not counted, and a whole one was done
    let processed = counted.unwrap_or_else(|| if before > BATCH { BATCH } else { (before - remaining).max(0) });
    Ok(Reply::ok(&json!({"processed": processed, "remaining": remaining, "next_cursor": null})))
}

/// `POST /v1/jobs/migrate/runs`: makes the tables of both stores, or what is missing of them.
pub async fn migrate(call: &Call) -> Result<Reply, Problem> {
    let access = Access::of(call).await?;
    // before the first migration only the shop's first key can be known
    let known = match access.hash() {
        None => None,
        Some(hash) => match store::caller(&books(), &hash).await {
            Err(StoreError::NotMigrated) => None,
            caller => caller.map_err(|error| from_store(&error))?,
        },
    };
    access.permit(call, known, &[Scope::Jobs])?;
    let now = now();
    let made = async {
        let books = run_migrations(&books(), &BOOKS, now).await?;
        let people = run_migrations(&people(), &PEOPLE, now).await?;
        Ok(books + people)
    };
    let processed = made.await.map_err(|error: StoreError| from_store(&error))?;
    Ok(Reply::ok(&json!({"processed": processed, "remaining": 0, "next_cursor": null})))
}

/// An hour's work: one round trip when nothing is due.
///
/// # Errors
/// 503 when the store does not answer; what was done stays done.
pub async fn run_whatever_is_due(at: Instant) -> Result<(), Problem> {
    let marked = tiers::mark_once_a_day(at).await;
    // a job that fails does not keep the others from their work
    let mut failed: Vec<(Job, Problem)> = Vec::new();
    for _ in 0..MOST_BATCHES {
        let due = due(at).await?;
        let next = Job::ALL.into_iter().find(|job| job.due(due) > 0 && failed.iter().all(|(known, _)| known != job));
        let Some(job) = next else { break };
        if let Err(problem) = batch(job, due, at).await {
            failed.push((job, problem));
        }
    }
    let swept = sweep::once_a_day(at).await;
    failed.into_iter().next().map_or(marked.and(swept), |(_, problem)| Err(problem))
}

async fn due(at: Instant) -> Result<Due, Problem> {
    match store::due(&books(), at, BATCH + 1).await {
        // a shop that was not set up yet has nothing to do
        Err(StoreError::NotMigrated) => Ok(Due::default()),
        due => due.map_err(|error| from_store(&error)),
    }
}

/// One batch; says how many rows, where the statement says it.
async fn batch(job: Job, due: Due, at: Instant) -> Result<Option<i64>, Problem> {
    for _ in 0..8 {
        let outcome = match job {
            Job::Holds => {
                let returned_until = active_program().await?.and_then(|program| program.terms(at).returned_until);
                let ids = Ids::new(at, random()).next();
                store::release_overdue(&books(), at, BATCH, ids, returned_until).await.map(count)
            }
            Job::Activate => store::activate(&books(), at, BATCH).await.map(count),
            // whom a new program says otherwise of is known before they are looked at
            Job::Tiers if due.unasked > 0 => return tiers::ask(at).await.map(Some),
            Job::Tiers => return tiers::batch(at).await.map(Some),
            Job::Expire => {
                let version = program_head().await?.map_or(0, |program| program.version);
                store::expire(&books(), at, BATCH, Ids::new(at, random()).next(), version).await.map(|()| None)
            }
        };
        match outcome {
            // ids that collide are drawn again; a store that is busy is asked again
            Err(StoreError::Stale | StoreError::Busy(_) | StoreError::Broken(_)) => {}
            outcome => return outcome.map_err(|error| from_store(&error)),
        }
    }
    Err(from_store(&StoreError::Stale))
}

/// The program in force; none in a shop that has none yet.
async fn active_program() -> Result<Option<ActiveProgram>, Problem> {
    match program_head().await? {
        None => Ok(None),
        head => program_by_head(head.as_ref()).await.map(Some),
    }
}

fn count(rows: usize) -> Option<i64> {
    i64::try_from(rows).ok()
}
