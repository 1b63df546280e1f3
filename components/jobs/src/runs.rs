//! What jobs did: one row a run that had something to do, and the lists of them.

use domain::Instant;
use edge::{Call, Problem, Reply, Scope, authorize, books, from_store, now};
use serde_json::json;
use store::schedule::{JobRun, all_set_aside, job_runs, record_run};

use crate::agenda::Step;

/// A run that is under way.
pub struct Record {
    run: JobRun,
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
        Self { run }
    }

    pub fn add(&mut self, step: Step) {
        self.run.processed = self.run.processed.saturating_add(step.processed);
        self.run.set_aside = self.run.set_aside.saturating_add(step.set_aside);
    }

    pub fn processed(&self) -> i64 {
        self.run.processed
    }

    pub fn set_aside(&self) -> i64 {
        self.run.set_aside
    }

    /// Writes it down, unless there was nothing to do. What was done stands also where this can't be written.
    pub async fn end(&self, problem: Option<&Problem>) {
        if self.run.processed == 0 && self.run.set_aside == 0 && problem.is_none() {
            return;
        }
        let run = JobRun { finished_at: now(), problem: problem.map(|problem| problem.code.to_owned()), ..self.run.clone() };
        if let Err(error) = record_run(&books(), &run).await {
            eprintln!("{}", json!({"level": "warn", "job": run.job, "detail": format!("a run is not recorded: {error}")}));
        }
    }
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
