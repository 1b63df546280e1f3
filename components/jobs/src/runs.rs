//! What jobs did: one row and one line of the log a run that had something to do, and the lists of rows.

use domain::Instant;
use edge::{
    Call, Cost, Level, OfRules, OfStores, Problem, Reply, Scope, authorize, books, from_store, milliseconds, now, say, tell,
};
use serde::Serialize;
use serde_json::json;
use store::schedule::{JobRun, all_set_aside, job_runs, record_run};

use crate::agenda::Step;

/// A run that is under way.
pub struct Record {
    run: JobRun,
    /// What its door's work had cost when it began, and after its last step.
    before: Cost,
    after: Cost,
    remaining: Option<i64>,
}

/// A run in the log.
#[derive(Serialize)]
struct Line<'a> {
    level: Level,
    time: String,
    message: &'static str,
    job: &'a str,
    processed: i64,
    set_aside: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    ms: f64,
    store: OfStores,
    rules: OfRules,
}

impl Record {
    pub fn begin(job: &str, at: Instant) -> Self {
        let started_at = now();
        let run = JobRun {
            id: 0,
            job: job.to_owned(),
            at,
            started_at,
            finished_at: started_at,
            processed: 0,
            set_aside: 0,
            problem: None,
        };
        Self { run, before: Cost::so_far(), after: Cost::so_far(), remaining: None }
    }

    pub fn add(&mut self, step: Step) {
        self.run.processed = self.run.processed.saturating_add(step.processed);
        self.run.set_aside = self.run.set_aside.saturating_add(step.set_aside);
        self.after = Cost::so_far();
    }

    pub fn processed(&self) -> i64 {
        self.run.processed
    }

    pub fn set_aside(&self) -> i64 {
        self.run.set_aside
    }

    /// How many rows were due when that was counted last.
    pub fn leaves(&mut self, remaining: i64) {
        self.remaining = Some(remaining);
    }

    /// Writes it down, unless there was nothing to do. What was done stands also where this can't be written.
    pub async fn end(&self, problem: Option<&Problem>) {
        if self.run.processed == 0 && self.run.set_aside == 0 && problem.is_none() {
            return;
        }
        let run = JobRun { finished_at: now(), problem: problem.map(|problem| problem.code.to_owned()), ..self.run.clone() };
        if let Err(error) = record_run(&books(), &run).await {
            say(&json!({"level": "warn", "job": run.job, "detail": format!("a run is not recorded: {error}")}));
        }
        self.tell(run.problem.as_deref()).await;
    }

    async fn tell(&self, code: Option<&str>) {
        let level = if code.is_some() { Level::Error } else { Level::Info };
        let cost = self.after.since(&self.before);
        let line = Line {
            level,
            time: now().to_string(),
            message: "job",
            job: &self.run.job,
            processed: self.run.processed,
            set_aside: self.run.set_aside,
            remaining: self.remaining,
            code,
            ms: milliseconds(cost.total),
            store: cost.of_stores(),
            rules: cost.of_rules(),
        };
        tell(level, &line).await;
    }
}

/// An hour of the schedule in the log.
#[derive(Serialize)]
struct Hour<'a> {
    level: Level,
    time: String,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    ms: f64,
    store: OfStores,
    rules: OfRules,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'a str>,
}

/// Tells of an hour of the schedule; its jobs with work have lines of their own.
pub async fn tell_hour(problem: Option<&Problem>, cost: &Cost) {
    let level = match (problem, &cost.trouble) {
        (Some(_), _) => Level::Error,
        (None, Some(_)) => Level::Warn,
        (None, None) => Level::Info,
    };
    let line = Hour {
        level,
        time: now().to_string(),
        message: "schedule",
        code: problem.map(|problem| problem.code),
        detail: problem.map(|problem| problem.detail.as_str()),
        ms: milliseconds(cost.total),
        store: cost.of_stores(),
        rules: cost.of_rules(),
        trouble: cost.trouble.as_deref(),
    };
    tell(level, &line).await;
}

/// `GET /v1/jobs/runs?job=`: what jobs did, newest first.
pub async fn list(call: &Call) -> Result<Reply, Problem> {
    authorize(call, &[Scope::Staff, Scope::Jobs]).await?;
    let (below, limit) = (call.cursor()?, call.limit()?);
    let runs = job_runs(&books(), call.parameter("job"), below, limit).await.map_err(|error| from_store(&error))?;
    let next = next_cursor(runs.len(), limit, runs.last().map(|run| run.id));
    let items: Vec<_> = runs
        .iter()
        .map(|run| {
            json!({
                "job": run.job, "at": run.at.to_string(), "started_at": run.started_at.to_string(),
                "finished_at": run.finished_at.to_string(), "processed": run.processed, "set_aside": run.set_aside,
                "problem": run.problem,
            })
        })
        .collect();
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

/// `GET /v1/jobs/set_aside`: what jobs could not do and left out, newest first.
pub async fn aside(call: &Call) -> Result<Reply, Problem> {
    authorize(call, &[Scope::Staff, Scope::Jobs]).await?;
    let (below, limit) = (call.cursor()?, call.limit()?);
    let rows = all_set_aside(&books(), below, limit).await.map_err(|error| from_store(&error))?;
    let next = next_cursor(rows.len(), limit, rows.last().map(|row| row.id));
    let items: Vec<_> = rows
        .iter()
        .map(|row| {
            // holds are redemptions; everything else is about members
            let subject = row.subject.external(if row.job == "holds" { "red" } else { "mem" });
            json!({"job": row.job, "subject": subject, "at": row.at.to_string(), "detail": row.detail})
        })
        .collect();
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

fn next_cursor(count: usize, limit: i64, last: Option<i64>) -> Option<String> {
    last.filter(|_| i64::try_from(count).is_ok_and(|count| count == limit)).map(|id| id.to_string())
}
