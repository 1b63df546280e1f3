//! Whether the shop can be worked with, for whoever decides where requests go: an orchestrator, a load balancer, an operator.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use edge::{Problem, Reply, books, from_store, people, trouble};
use serde_json::json;
use store::StoreError;
use store::schema::{BOOKS, PEOPLE, is_current, readiness, version};

/// So long an instance tells what it found without asking again, ready or not. Nobody needs a key to ask: whoever asks without
/// end keeps the stores from no work.
const STAYS: Duration = Duration::from_secs(1);

/// Seconds after which asking again may tell something else.
const LATER: u32 = 5;

thread_local! {
    /// What was found last, and when.
    static FOUND: RefCell<Option<(Instant, Result<(), Problem>)>> = const { RefCell::new(None) };
}

/// `GET /readyz`: both stores answer and have all tables, and a program is published. One statement to each store.
pub async fn show() -> Result<Reply, Problem> {
    let known = FOUND.with_borrow(|found| found.as_ref().filter(|(at, _)| at.elapsed() < STAYS).map(|(_, told)| told.clone()));
    let told = match known {
        Some(told) => told,
        None => {
            let told = look().await;
            FOUND.set(Some((Instant::now(), told.clone())));
            told
        }
    };
    told.map(|()| Reply::ok(&json!({"status": "ready"})))
}

async fn look() -> Result<(), Problem> {
    let books = readiness(&books()).await.map_err(|error| away("default", &error))?;
    if !is_current(books.version, &BOOKS) {
        return Err(not_migrated("default"));
    }
    let persons = version(&people()).await.map_err(|error| away("people", &error))?;
    if !is_current(persons, &PEOPLE) {
        return Err(not_migrated("people"));
    }
    if !books.published {
        return Err(not_ready(
            "no_program",
            "No program is published yet: PUT /v1/program, for example with a preset's document",
        ));
    }
    Ok(())
}

fn away(store: &str, error: &StoreError) -> Problem {
    // the answer goes to anybody, the store's own words only to the log
    trouble(error.to_string());
    match from_store(error) {
        problem if problem.status == 503 => not_ready("store_unavailable", &format!("The store {store} does not answer")),
        problem => problem,
    }
}

fn not_migrated(store: &str) -> Problem {
    not_ready("not_migrated", &format!("The store {store} lacks tables: POST /v1/jobs/migrate/runs makes them"))
}

fn not_ready(code: &'static str, detail: &str) -> Problem {
    Problem { retry_after: Some(LATER), ..Problem::new(503, code, detail) }
}
