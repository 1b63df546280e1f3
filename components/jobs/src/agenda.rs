//! What the three jobs have in common that follow the program's agenda: where each part of it has come to, and one thing that
//! happens to one member, whatever becomes of it.

use std::cell::Cell;
use std::collections::BTreeMap;

use domain::snapshot::Member;
use domain::{Id, Instant};
use edge::{ActiveProgram, Happened, Happening, Problem, Reply, books, from_store, happen, say, with_retries};
use store::schedule::{Place, advance, put_aside};

/// Behind everything of a moment.
pub const END: i64 = i64::MAX;

/// What one batch came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    pub processed: i64,
    /// What could not be done, and was left out so that the rest goes on.
    pub set_aside: i64,
}

impl Step {
    /// So many rows.
    pub fn of(processed: i64) -> Self {
        Self { processed, ..Self::default() }
    }
}

/// What the agenda is read by.
pub struct Look<'a> {
    pub at: Instant,
    pub program: &'a ActiveProgram,
    pub progress: &'a BTreeMap<String, Place>,
}

impl Look<'_> {
    /// Where a part of the agenda has come to; a new one begins at `start`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn place(&self, job: &str, start: Place) -> Result<Place, Problem> {
        match self.progress.get(job) {
            Some(place) => Ok(*place),
            None => reached(job, start).await.map(|()| start),
        }
    }
}

/// Remembers where a part of the agenda has come to.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn reached(job: &str, place: Place) -> Result<(), Problem> {
    advance(&books(), job, place).await.map_err(|error| from_store(&error))
}

/// So many members in a row that can't be done, and nobody who can: it is not they.
const NOT_THEY: i64 = 5;

/// Lets something happen to a member. What can't be done is put aside and told, so that one member never stops the others: the job
/// goes back to `place` when it is tried again. Says what became of it.
///
/// # Errors
/// 503 and 409: the store does not answer, or somebody buys all the time; or it can be done for nobody, as with a key that is not
/// set. The next run goes on from here.
pub async fn happen_to(
    job: &str,
    member: Id,
    place: Instant,
    now: Instant,
    what: &Happening<'_>,
    step: &mut Step,
    holds: impl AsyncFn(&Member, &ActiveProgram) -> Result<bool, Problem>,
) -> Result<Happened, Problem> {
    let became = Cell::new(Happened::Not);
    let attempt = async || {
        became.set(happen(member, now, what, &holds).await?);
        Ok(Reply::new(200, String::new()))
    };
    match with_retries(attempt).await {
        Ok(_) => step.processed += i64::from(became.get() == Happened::Now),
        Err(problem) if problem.status == 503 || problem.status == 409 => return Err(problem),
        Err(problem) if step.processed == 0 && step.set_aside >= NOT_THEY => return Err(problem),
        Err(problem) => {
            say(&serde_json::json!({"level": "error", "job": job, "member": member.external("mem"), "code": problem.code}));
            let books = books();
            let put = put_aside(&books, job, member, now, problem.code, Some(place));
            put.await.map_err(|error| from_store(&error))?;
            step.set_aside += 1;
        }
    }
    Ok(became.get())
}
