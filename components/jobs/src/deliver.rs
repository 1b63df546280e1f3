//! The job `deliver`: sends what stands in the outbox to the endpoints that want it, each message at least once and a member's
//! in their order, until an endpoint has it or three days are over.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use domain::{Id, Instant};
use edge::person::Persons;
use edge::webhook::Secret;
use edge::{ActiveProgram, Problem, TRACEPARENT, books, current_trace, from_store, now, random};
use futures_util::future::{Either, join_all, select};
use http::{Request, StatusCode, header};
use spin_sdk::wasip3::http::types::ErrorCode;
use store::{Attempted, Claimed, Outgoing, StoreError};

use crate::envelope::{Envelope, UNWRITABLE, put_into};
use crate::notify::versions_of;

/// Messages that one statement puts beside the endpoints.
const FANNED_OUT: i64 = 500;

/// Deliveries of one batch: all are sent at once.
const BATCH: i64 = 50;

/// Messages that one statement gives up because their endpoint gets nothing any more, and such statements of one batch.
const CLOSED: i64 = 500;
const MOST_CLOSINGS: usize = 20;

/// How long an endpoint may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nobody else makes an attempt that has begun: longer than a batch takes.
const LEASE_SECONDS: u32 = 120;

/// How long one event goes on sending; the next one goes on.
const LONGEST: Duration = Duration::from_secs(120);

/// Between two attempts: at most so long at first, twice as long each time, up to the longest. In milliseconds.
const FIRST_WAIT: i64 = 5_000;
const LONGEST_WAIT: i64 = 4 * 3_600_000;
const SHORTEST_WAIT: i64 = 1_000;

/// A message that could not be delivered for so long is parked.
const GIVES_UP_SECONDS: u32 = 3 * 86_400;

/// How long the secret before a rotation still signs, too.
pub const OVERLAP_SECONDS: u32 = 86_400;

/// Tries of a statement whose effect must be written down.
const TRIES: usize = 8;

/// The longest error that is kept of an attempt.
const LONGEST_ERROR: usize = 200;

/// What an attempt came to.
enum Outcome {
    /// An answer, and after how many seconds it wants to be asked again.
    Answered { status: u16, retry_after: Option<i64> },
    /// No answer, and why.
    Failed(String),
    /// Nothing is to be sent, and why.
    Skipped(&'static str),
    /// Nothing is to be sent before then.
    Later(Instant),
    /// The program's words can't say it: parked at once, so that what comes after it is not kept waiting.
    Unwritable(String),
    /// The endpoint gets nothing any more.
    Closed,
}

/// Batch after batch until nothing is due at `at` or the time for it is over. `made` hears how many attempts each one made.
///
/// # Errors
/// 503 when a store does not answer: what was sent meanwhile is sent again, under its id.
pub async fn all(at: Instant, program: Option<&ActiveProgram>, mut made: impl FnMut(i64)) -> Result<(), Problem> {
    let started = std::time::Instant::now();
    loop {
        made(batch(at, program).await?);
        let due = stored(async || store::due(&books(), at, 1).await).await?;
        if due.deliver == 0 || started.elapsed() > LONGEST {
            return Ok(());
        }
    }
}

/// One batch; letters are in the words of `program`. Says how many attempts it made.
///
/// # Errors
/// As [`all`].
pub async fn batch(at: Instant, program: Option<&ActiveProgram>) -> Result<i64, Problem> {
    stored(async || store::fan_out(&books(), FANNED_OUT).await).await?;
    let leased_until = now().plus_seconds(LEASE_SECONDS);
    let claimed = stored(async || store::claim_deliveries(&books(), at, BATCH, leased_until).await).await?;
    if claimed.is_empty() {
        return Ok(0);
    }
    let outgoing = stored(async || store::messages_to_send(&books(), &claimed, now().max(at)).await).await?;
    let secrets = secrets(&outgoing).await?;
    let versions: BTreeSet<Id> = outgoing.iter().filter_map(|message| message.person.as_ref()).flat_map(versions_of).collect();
    let persons = Persons::of(&versions.into_iter().collect::<Vec<_>>()).await?;
    let attempts = claimed.iter().filter_map(|claimed| {
        let message = |message: &&Outgoing| (message.message_id, message.webhook_id) == (claimed.message, claimed.webhook);
        Some((claimed, outgoing.iter().find(message)?))
    });
    let sending = attempts.map(async |(claimed, message)| (*claimed, attempt(message, &secrets, &persons, program).await));
    let outcomes = join_all(sending).await;
    let over = now();
    let attempted: Vec<Attempted> = outcomes.iter().map(|(claimed, outcome)| settle(*claimed, outcome, over)).collect();
    stored(async || store::finish_deliveries(&books(), &attempted, over).await).await?;

    let gone = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Answered { status: 410, .. }));
    let gone: BTreeSet<Id> = gone.map(|(claimed, _)| claimed.webhook).collect();
    if !gone.is_empty() {
        let gone: Vec<Id> = gone.iter().copied().collect();
        stored(async || store::webhooks_gone(&books(), &gone, over).await).await?;
    }
    let closed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Closed)).map(|(claimed, _)| claimed.webhook);
    for webhook in closed.chain(gone).collect::<BTreeSet<Id>>() {
        close(webhook, over).await?;
    }
    Ok(i64::try_from(claimed.len()).unwrap_or(BATCH))
}

/// Gives up what waits for an endpoint that gets nothing any more; what is left then is found when it is due.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn close(webhook: Id, at: Instant) -> Result<(), Problem> {
    for _ in 0..MOST_CLOSINGS {
        let closed = stored(async || store::close_deliveries(&books(), webhook, at, CLOSED).await).await?;
        if i64::try_from(closed).unwrap_or(CLOSED) < CLOSED {
            break;
        }
    }
    Ok(())
}

/// The secrets of the endpoints, the newest first; for a while after a rotation the one before it, too.
async fn secrets(outgoing: &[Outgoing]) -> Result<BTreeMap<Id, Vec<Secret>>, Problem> {
    let mut secrets = BTreeMap::new();
    for message in outgoing {
        if let Entry::Vacant(unknown) = secrets.entry(message.webhook_id) {
            let mut of_webhook = vec![Secret::of(message.webhook_id, message.generation).await?];
            if message.rotated_at.is_some_and(|at| now() < at.plus_seconds(OVERLAP_SECONDS)) {
                of_webhook.push(Secret::of(message.webhook_id, message.generation - 1).await?);
            }
            unknown.insert(of_webhook);
        }
    }
    Ok(secrets)
}

async fn attempt(
    message: &Outgoing,
    secrets: &BTreeMap<Id, Vec<Secret>>,
    persons: &Persons,
    program: Option<&ActiveProgram>,
) -> Outcome {
    if message.disabled {
        return Outcome::Closed;
    }
    let body = match put_into(message, persons, program, now()) {
        Ok(Envelope::Body(body)) => body,
        Ok(Envelope::Nothing(why)) => return Outcome::Skipped(why),
        Ok(Envelope::Later(until)) => return Outcome::Later(until),
        Err(problem) if problem.code == UNWRITABLE => return Outcome::Unwritable(problem.detail),
        Err(problem) => return Outcome::Failed(problem.detail),
    };
    let secrets = secrets.get(&message.webhook_id).map(Vec::as_slice).unwrap_or_default();
    match signed(message, secrets, body) {
        Ok(request) => post(request).await,
        Err(problem) => Outcome::Failed(problem.detail),
    }
}

fn signed(message: &Outgoing, secrets: &[Secret], body: String) -> Result<Request<String>, Problem> {
    let id = message.message_id.external("msg");
    let seconds = now().0.div_euclid(1_000);
    let signatures = secrets.iter().map(|secret| secret.sign(&id, seconds, &body)).collect::<Result<Vec<_>, _>>()?;
    let mut request = Request::post(&message.url);
    if let Some(trace) = current_trace() {
        request = request.header(TRACEPARENT, trace.header());
    }
    request
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::USER_AGENT, "Kopilka")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signatures.join(" "))
        .body(body)
        .map_err(|error| Problem::new(500, "internal_error", format!("The request can't be made: {error}")))
}

/// Sends a request. Whatever stands in the answer's body is the endpoint's own affair; redirects are not followed.
async fn post(request: Request<String>) -> Outcome {
    let answer = match select(pin!(spin_sdk::http::send(request)), pin!(spin_sdk::time::sleep(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => return Outcome::Failed(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    match answer {
        Ok(answer) => {
            let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Outcome::Answered { status: answer.status().as_u16(), retry_after }
        }
        Err(ErrorCode::HttpRequestDenied) => {
            Outcome::Failed("the Spin variable webhook_hosts does not allow this host".to_owned())
        }
        Err(error) => {
            let error = format!("{error:?}");
            Outcome::Failed(error.trim_start_matches("ErrorCode::").chars().take(LONGEST_ERROR).collect())
        }
    }
}

/// What is written down of an attempt.
fn settle(claimed: Claimed, outcome: &Outcome, now: Instant) -> Attempted {
    let (last_status, last_error, retry_after) = match outcome {
        Outcome::Answered { status, .. } if (200..300).contains(status) => {
            return Attempted { claimed, status: "delivered", next_at: None, last_status: Some(*status), last_error: None };
        }
        Outcome::Answered { status, retry_after } => {
            let redirected = StatusCode::from_u16(*status).is_ok_and(|status| status.is_redirection());
            (Some(*status), redirected.then(|| "redirects are not followed".to_owned()), *retry_after)
        }
        Outcome::Failed(why) => (None, Some(why.clone()), None),
        Outcome::Skipped(why) => {
            let last_error = Some((*why).to_owned());
            return Attempted { claimed, status: "skipped", next_at: None, last_status: None, last_error };
        }
        Outcome::Unwritable(why) => {
            let last_error = Some(why.chars().take(LONGEST_ERROR).collect());
            return Attempted { claimed, status: "parked", next_at: None, last_status: None, last_error };
        }
        Outcome::Later(until) => {
            let last_error = Some("it waits for the end of quiet hours".to_owned());
            return Attempted { claimed, status: "waiting", next_at: Some(*until), last_status: None, last_error };
        }
        // closed with the others, as waiting
        Outcome::Closed => (None, None, None),
    };
    let ends = claimed.first_at.plus_seconds(GIVES_UP_SECONDS);
    if last_status == Some(410) || now >= ends && !matches!(outcome, Outcome::Closed) {
        return Attempted { claimed, status: "parked", next_at: None, last_status, last_error };
    }
    let wait = wait(claimed.attempt, random()).max(retry_after.unwrap_or_default().saturating_mul(1_000).min(LONGEST_WAIT));
    // the last attempt is made when the time is over
    let next_at = Instant(now.0.saturating_add(wait)).min(ends.max(now));
    Attempted { claimed, status: "waiting", next_at: Some(next_at), last_status, last_error }
}

/// How long to wait after an attempt: any time up to twice as long as after the one before it, so that those that failed together
/// don't come again together.
fn wait(attempt: i64, random: u64) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or_default();
    let widest = FIRST_WAIT.saturating_mul(1_i64 << doublings).min(LONGEST_WAIT);
    i64::try_from(random % widest.unsigned_abs()).unwrap_or_default().max(SHORTEST_WAIT)
}

/// A statement of the books, tried again while that may help.
async fn stored<T>(statement: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, Problem> {
    let mut tries = 1;
    loop {
        match statement().await {
            Err(StoreError::Stale | StoreError::Busy(_) | StoreError::Broken(_)) if tries < TRIES => tries += 1,
            outcome => return outcome.map_err(|error| from_store(&error)),
        }
    }
}
