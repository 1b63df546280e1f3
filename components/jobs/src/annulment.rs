//! The job `annulment`: members are told that points will be annulled, as long before as the program says, and what they were told of
//! gets its end when the notice was recorded as sent. What nobody was told of has none, however late this job is.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use edge::{ActiveProgram, Problem, books, from_store};
use store::{Due, date_notices, give_notices, notices_due, notices_sent};

use crate::agenda::{Look, Step};

/// Notices of one statement.
const BATCH: i64 = 500;

const DAY_SECONDS: i64 = 86_400;

/// What the message is.
pub const KIND: &str = "points.annulment";

/// One step: notices that were sent get their end first, then new ones are written.
///
/// # Errors
/// 503 when the store does not answer; the next run goes on.
pub async fn batch(look: &Look<'_>) -> Result<Step, Problem> {
    // by the clock, not by the moment as of which the job runs: nothing may end before it was told, or was given its end
    let now = edge::now();
    let sent = notices_sent(&books(), BATCH).await.map_err(|error| from_store(&error))?;
    if !sent.is_empty() {
        let tomorrow = earliest(look.program, now, 1);
        let end = |days, told: Instant, sent_at| told.max(earliest(look.program, sent_at, days)).max(tomorrow);
        let ends: Vec<(Id, Instant)> =
            sent.iter().map(|notice| (notice.message, end(notice.days, notice.told, notice.sent_at))).collect();
        let dated = date_notices(&books(), &ends, now).await.map_err(|error| from_store(&error))?;
        return Ok(Step::of(count(dated)));
    }
    let by_letter = has_words(look.program);
    let days = notices_due(&books(), look.at, BATCH, by_letter).await.map_err(|error| from_store(&error))?;
    let ends: BTreeMap<i64, Instant> = days.into_iter().map(|days| (days, earliest(look.program, now, days))).collect();
    if ends.is_empty() {
        return Ok(Step::default());
    }
    let given = give_notices(&books(), look.at, BATCH, &ends, by_letter).await.map_err(|error| from_store(&error))?;
    Ok(Step::of(count(given)))
}

/// How much is due: nobody is told while no endpoint would hear of it.
pub fn due(look: &Look<'_>, due: &Due) -> i64 {
    due.notices(has_words(look.program))
}

/// Whether members are told in words of the program: then a letter must have been sent.
fn has_words(program: &ActiveProgram) -> bool {
    program.messaging().is_some_and(|messaging| messaging.kinds.iter().any(|kind| kind.kind == KIND))
}

/// When points end at the earliest of which somebody is told at a moment so many days before: the end of the local day then.
fn earliest(program: &ActiveProgram, told_at: Instant, days: i64) -> Instant {
    let seconds = u32::try_from(days.saturating_mul(DAY_SECONDS)).unwrap_or(u32::MAX);
    program.end_of_day(told_at.plus_seconds(seconds))
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(BATCH)
}
