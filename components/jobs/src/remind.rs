//! The job `remind`: members are told of points that expire, so many days before as the program says, and of as many as are left then.
//! Points that are spent are not told of; a reminder that comes too late gives way to the next one that is due.

use edge::agenda::Reminder;
use edge::{Problem, books, from_store};
use store::StoreError;
use store::schedule::remind;

use crate::agenda::{END, Look, Step, reached};

/// Accounts of one step: one statement.
const BATCH: i64 = 500;

/// A reminder that is new begins with points that expire exactly so many days later: within a day, of whatever length.
const LONGEST_DAY: i64 = 26 * 3_600_000;

/// One step, of the first reminder that has something to tell.
///
/// # Errors
/// 503 when the store does not answer; the next run goes on.
pub async fn batch(look: &Look<'_>) -> Result<Step, Problem> {
    let reminders = look.program.agenda(look.at, look.at).reminders;
    let since = look.program.published_at;
    for (index, reminder) in reminders.iter().enumerate() {
        let (job, before) = (job(reminder), reminder.due_before);
        let mut from = match look.progress.get(&job) {
            Some(place) => *place,
            None => {
                let then = look.program.agenda(since, since).reminders.get(index).map_or(before, |known| known.due_before);
                look.place(&job, (then - 1 - LONGEST_DAY, END)).await?
            }
        };
        // of what a later reminder tells, or what is over, the earlier one is stale
        let stale = reminders.get(index + 1).map_or(look.at.0, |next| next.due_before - 1);
        if from < (stale, END) {
            from = (stale, END);
            reached(&job, from).await?;
        }
        if from >= (before - 1, END) {
            continue;
        }
        let days = i64::from(reminder.days);
        let told = match remind(&books(), &job, days, from, before, BATCH, look.at).await {
            // another run did it
            Err(StoreError::Stale) => return Ok(Step::default()),
            told => told.map_err(|error| from_store(&error))?,
        };
        match told {
            Some((place, accounts)) => {
                if accounts < BATCH {
                    reached(&job, (before - 1, END)).await?;
                } else {
                    reached(&job, place).await?;
                }
                return Ok(Step::of(accounts));
            }
            None => reached(&job, (before - 1, END)).await?,
        }
    }
    Ok(Step::default())
}

/// Whether any of it may be due.
pub fn is_due(look: &Look<'_>) -> bool {
    let reminders = look.program.agenda(look.at, look.at).reminders;
    reminders.iter().any(|reminder| look.progress.get(&job(reminder)).is_none_or(|place| *place < (reminder.due_before - 1, END)))
}

fn job(reminder: &Reminder) -> String {
    format!("remind {}", reminder.days)
}
