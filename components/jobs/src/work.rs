//! The jobs: bounded, set-based, safe when two run at once, and each catches up by itself after days off.

use domain::Instant;
use domain::id::Ids;
use edge::wire::moment;
use edge::{
    Access, ActiveProgram, Call, Problem, Reply, Scope, authorize, books, from_store, now, people, program_by_head, random, say,
};
use serde::Deserialize;
use serde_json::json;
use store::schema::{BOOKS, PEOPLE, migrate as run_migrations};
use store::{Due, StoreError};

use crate::agenda::{Look, Step};
use crate::runs::Record;
use crate::{annulment, deliver, notify, occasions, remind, reseal, sweep, tiers, triggers};

/// Rows of one statement: it stays well below a quarter of a second.
const BATCH: i64 = 500;

/// Tries of one statement: the store was busy, or a row was in the way.
const MOST_TRIES: usize = 40;

/// Batches of one cron event: what is left then waits for the next hour, so that no event runs without end.
const MOST_BATCHES: usize = 400;

/// Jobs of the store of persons; the others are statements of the books.
const OF_PERSONS: [&str; 2] = ["sweep", "reseal"];

/// A kind of work, in the sequence in which an hour's work is done: holds that end may give points back to lots that are
/// due, a lot is announced before it expires, tiers are looked at when that is done, and what happens by itself is judged by the
/// tier that is then held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Holds,
    Activate,
    Expire,
    Tiers,
    Occasions,
    Triggers,
    Remind,
    Annulment,
    /// What the others tell is told the members in words.
    Notify,
    /// Last of all, so that what the others tell is sent, too.
    Deliver,
}

impl Job {
    const ALL: [Self; 10] = [
        Self::Holds,
        Self::Activate,
        Self::Expire,
        Self::Tiers,
        Self::Occasions,
        Self::Triggers,
        Self::Remind,
        Self::Annulment,
        Self::Notify,
        Self::Deliver,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Activate => "activate",
            Self::Expire => "expire",
            Self::Tiers => "tiers",
            Self::Occasions => "occasions",
            Self::Triggers => "triggers",
            Self::Remind => "remind",
            Self::Annulment => "annulment",
            Self::Notify => "notify",
            Self::Deliver => "deliver",
        }
    }

    /// How many rows are due, where they can be counted beforehand; else whether any may be.
    fn due(self, due: &Due, look: Option<&Look>) -> i64 {
        match self {
            Self::Holds => due.holds,
            Self::Activate => due.activate,
            Self::Expire => due.expire,
            Self::Tiers => due.tiers.saturating_add(due.unasked),
            Self::Occasions => look.is_some_and(occasions::is_due).into(),
            Self::Triggers => look.is_some_and(triggers::is_due).into(),
            Self::Remind => look.is_some_and(remind::is_due).into(),
            Self::Annulment => look.map_or(0, |look| annulment::due(look, due)),
            Self::Notify => due.notify.max(look.is_some_and(notify::begins).into()),
            Self::Deliver => due.deliver,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunBody {
    at: Option<String>,
    /// Also what was set aside before.
    #[serde(default)]
    retry: bool,
}

/// `POST /v1/jobs/{name}/runs`: one bounded batch now.
pub async fn run(call: &Call, name: &str) -> Result<Reply, Problem> {
    authorize(call, &[Scope::Jobs]).await?;
    let job = Job::ALL.into_iter().find(|job| job.word() == name);
    if job.is_none() && !OF_PERSONS.contains(&name) {
        let names: Vec<&str> = Job::ALL.iter().map(|job| job.word()).collect();
        let detail = format!("There is no job {name}; there are migrate, {}, {}", names.join(", "), OF_PERSONS.join(", "));
        return Err(Problem::not_found("job_not_found", detail));
    }
    let body: RunBody = if call.body.is_empty() { RunBody::default() } else { call.json()? };
    // never ahead of our clock: what is still good must not be taken
    let at = moment(body.at.as_deref(), now(), "/at")?.min(now());
    let Some(job) = job else {
        return if name == "reseal" { reseal::run().await } else { sweep::run(at).await };
    };
    if body.retry {
        // each occasion and each trigger goes its own way through time
        let parts = match job {
            Job::Occasions => Some("occasion "),
            Job::Triggers => Some("trigger "),
            _ => None,
        };
        store::schedule::take_off(&books(), name, parts).await.map_err(|error| from_store(&error))?;
    }
    if job == Job::Tiers {
        tiers::mark(at).await?;
    }
    let mut record = Record::begin(job.word(), at);
    let mut waiting = due(at).await?;
    let program = program_of(&waiting).await?;
    if job == Job::Deliver && Job::Notify.due(&waiting, look(at, program.as_ref(), &waiting).as_ref()) > 0 {
        // so that whoever asks for one job only has the codes sent, too
        let mut record = Record::begin(Job::Notify.word(), at);
        let outcome = batch(Job::Notify, &waiting, at).await.map(|step| record.add(step));
        // what was decided before is sent all the same
        record.end(outcome.as_ref().err()).await;
        waiting = due(at).await?;
    }
    let done = if job.due(&waiting, look(at, program.as_ref(), &waiting).as_ref()) > 0 {
        batch(job, &waiting, at).await.map(|step| record.add(step))
    } else {
        Ok(())
    };
    let left = match done {
        Ok(()) => due(at).await.map(|left| job.due(&left, look(at, program.as_ref(), &left).as_ref())),
        Err(problem) => Err(problem),
    };
    if let Ok(remaining) = left {
        record.leaves(remaining);
    }
    record.end(left.as_ref().err()).await;
    let remaining = left?;
    Ok(Reply::ok(&json!({
        "processed": record.processed(), "remaining": remaining, "set_aside": record.set_aside(), "next_cursor": null
    })))
}

/// `POST /v1/jobs/migrate/runs`: makes the tables of both stores, or what is missing of them.
pub async fn migrate(call: &Call) -> Result<Reply, Problem> {
    let access = Access::of(call).await?;
    // before the first migration only the shop's first key can be known
    let known = access.known().await?;
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
    let mut records: Vec<(Job, Record)> = Vec::new();
    let mut to_send = false;
    for _ in 0..MOST_BATCHES {
        let waiting = due(at).await?;
        to_send = waiting.deliver > 0;
        let program = program_of(&waiting).await?;
        let look = look(at, program.as_ref(), &waiting);
        let may_run = |job: &Job| {
            *job != Job::Deliver && job.due(&waiting, look.as_ref()) > 0 && failed.iter().all(|(known, _)| known != job)
        };
        for (job, record) in &mut records {
            record.leaves(job.due(&waiting, look.as_ref()));
        }
        let next = Job::ALL.into_iter().find(may_run);
        let Some(job) = next else { break };
        if records.last().is_none_or(|(known, _)| *known != job) {
            records.push((job, Record::begin(job.word(), at)));
        }
        match batch(job, &waiting, at).await {
            Ok(step) => {
                if let Some((_, record)) = records.last_mut() {
                    record.add(step);
                }
            }
            Err(problem) => failed.push((job, problem)),
        }
    }
    for (job, record) in records {
        let problem = failed.iter().find(|(known, _)| *known == job);
        record.end(problem.map(|(_, problem)| problem)).await;
    }
    let swept = sweep::once_a_day(at).await;
    let resealed = reseal::all().await;
    let sent = if to_send { send(at).await } else { Ok(()) };
    failed.into_iter().next().map_or(marked.and(swept).and(resealed).and(sent), |(_, problem)| Err(problem))
}

/// Sends what is due, and records it.
async fn send(at: Instant) -> Result<(), Problem> {
    let mut record = Record::begin(Job::Deliver.word(), at);
    let program = program_of(&due(at).await?).await?;
    let sent = deliver::all(at, program.as_ref(), |attempts| record.add(Step::of(attempts))).await;
    record.end(sent.as_ref().err()).await;
    sent
}

async fn due(at: Instant) -> Result<Due, Problem> {
    match store::due(&books(), at, BATCH + 1).await {
        // a shop that was not set up yet has nothing to do
        Err(StoreError::NotMigrated) => Ok(Due::default()),
        due => due.map_err(|error| from_store(&error)),
    }
}

/// The program in force; none in a shop that has none yet.
async fn program_of(due: &Due) -> Result<Option<ActiveProgram>, Problem> {
    match &due.program {
        None => Ok(None),
        head => program_by_head(head.as_ref()).await.map(Some),
    }
}

fn look<'a>(at: Instant, program: Option<&'a ActiveProgram>, due: &'a Due) -> Option<Look<'a>> {
    program.map(|program| Look { at, program, progress: &due.progress })
}

/// One batch.
async fn batch(job: Job, waiting: &Due, at: Instant) -> Result<Step, Problem> {
    let program = program_of(waiting).await?;
    let look = look(at, program.as_ref(), waiting);
    match (job, &look) {
        (Job::Holds | Job::Activate | Job::Expire, _) => statement(job, program.as_ref(), at).await,
        // whom a new program says otherwise of is known before they are looked at
        (Job::Tiers, _) if waiting.unasked > 0 => tiers::ask(at).await.map(Step::of),
        (Job::Tiers, _) => tiers::batch(at).await,
        (Job::Deliver, _) => deliver::batch(at, program.as_ref()).await.map(Step::of),
        (Job::Notify, Some(look)) => notify::batch(look).await,
        (Job::Occasions, Some(look)) => occasions::batch(look).await,
        (Job::Triggers, Some(look)) => triggers::batch(look).await,
        (Job::Remind, Some(look)) => remind::batch(look).await,
        (Job::Annulment, Some(look)) => annulment::batch(look).await,
        (Job::Occasions | Job::Triggers | Job::Remind | Job::Annulment | Job::Notify, None) => Ok(Step::default()),
    }
}

/// A batch that is one statement. One that the books refuse is made smaller, until the row that is in the way is alone and is set
/// aside: it must not stop the others.
async fn statement(job: Job, program: Option<&ActiveProgram>, at: Instant) -> Result<Step, Problem> {
    let (mut bound, mut step) = (BATCH, Step::default());
    for _ in 0..MOST_TRIES {
        let ids = Ids::new(at, random()).next();
        let outcome = match job {
            Job::Holds => {
                let returned_until = program.and_then(|program| program.terms(at).returned_until);
                store::release_overdue(&books(), at, bound, ids, returned_until).await.map(count)
            }
            Job::Activate => store::activate(&books(), at, bound).await.map(count),
            _ => {
                let version = program.map_or(0, |program| program.version);
                store::expire(&books(), at, bound, ids, version).await
            }
        };
        match outcome {
            // ids that collide are drawn again; a store that is busy is asked again
            Err(StoreError::Stale | StoreError::Busy(_) | StoreError::Broken(_)) => {}
            Err(StoreError::Refused(_)) if bound > 1 => bound = (bound / 8).max(1),
            Err(StoreError::Refused(detail)) if job != Job::Activate => {
                leave_out(job, at, &detail).await.map_err(|error| from_store(&error))?;
                step.set_aside += 1;
                bound = BATCH;
            }
            outcome => {
                step.processed = outcome.map_err(|error| from_store(&error))?;
                return Ok(step);
            }
        }
    }
    if step.set_aside > 0 { Ok(step) } else { Err(from_store(&StoreError::Stale)) }
}

async fn leave_out(job: Job, at: Instant, detail: &str) -> Result<(), StoreError> {
    let left = match job {
        Job::Holds => store::schedule::leave_out_hold(&books(), at, detail).await?,
        _ => store::schedule::leave_out_expiry(&books(), at, detail).await?,
    };
    say(&json!({"level": "error", "job": job.word(), "subject": left.map(|id| id.0), "detail": detail}));
    Ok(())
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(BATCH)
}
