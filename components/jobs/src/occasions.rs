//! The job `occasions`: birthdays, other dates that members gave, and the days on which they joined. On each local day, in the sequence
//! of days, whoever has such a date is let an event happen, dated on that day; a job that comes days late catches up.

use domain::snapshot::Member;
use domain::{Id, Instant};
use edge::agenda::{Occasion, OccasionDate};
use edge::person::{self, BIRTHDAY, IMPORTANT_DATE, Person, day_hash, day_of_year};
use edge::{Happening, Problem, books, from_store, now, people};
use serde_json::json;
use store::schedule::{lately, with_anniversary, with_day};

use crate::agenda::{END, Look, Step, happen_to, reached};

/// Members of one batch: each costs a few statements.
const BATCH: i64 = 100;

/// An occasion that comes round happens again after a year: within so many days the date was moved.
const SAME_YEAR: i64 = 300 * 86_400_000;

/// One batch: of the earliest day that is not done yet.
///
/// # Errors
/// 503 when a store does not answer; the next run goes on.
pub async fn batch(look: &Look<'_>) -> Result<Step, Problem> {
    // a day begins with its first millisecond: from before it, its own occasions are told
    let today = Instant(look.program.agenda(look.at, look.at).day - 1);
    // a new occasion begins with the day on which it was published
    let first = look.program.agenda(look.program.published_at, look.program.published_at).day - 1;
    let mut begun = look.at.0;
    for occasion in look.program.agenda(today, look.at).occasions {
        let (until, cursor) = look.place(&job(&occasion), (first, END)).await?;
        // the day that was begun is looked at again, where it was not done
        begun = begun.min(if cursor == END { until } else { until - 1 });
    }
    for occasion in look.program.agenda(Instant(begun), look.at).occasions {
        let (until, cursor) = look.progress.get(&job(&occasion)).copied().unwrap_or((first, END));
        if occasion.at > until || occasion.at == until && cursor != END {
            let after = if occasion.at == until { Id(cursor) } else { Id(0) };
            return page(look, &occasion, after).await;
        }
    }
    Ok(Step::default())
}

fn job(occasion: &Occasion) -> String {
    format!("occasion {}", occasion.id)
}

async fn page(look: &Look<'_>, occasion: &Occasion, after: Id) -> Result<Step, Problem> {
    let members = candidates(occasion, after).await?;
    let mut step = Step::default();
    let (at, job) = (Instant(occasion.at), job(occasion));
    let year = match occasion.date {
        // several dates of one member are several occasions of a year
        // and the books do not know on which day somebody's child was born
        OccasionDate::ImportantDate => {
            let day = day_hash(IMPORTANT_DATE, occasion.days.first().map_or("", String::as_str)).await?;
            format!("{} {}", day.get(..16).unwrap_or_default(), occasion.year)
        }
        OccasionDate::Birthday | OccasionDate::Anniversary => occasion.year.to_string(),
    };
    let key = format!("{job} {year}");
    let told = Some(("occasion", json!({"occasion": occasion.id, "at": at.to_string()})));
    let what = Happening { key: &key, type_name: &occasion.event_type, at, told, voucher: None };
    for member in &members {
        happen_to(&job, *member, at, now().max(look.at), &what, &mut step, async |member, _| {
            is_theirs(occasion, member, &job).await
        })
        .await?;
    }
    let done = i64::try_from(members.len()).unwrap_or(BATCH) < BATCH;
    let cursor = if done { END } else { members.last().map_or(END, |last| last.0) };
    reached(&job, (occasion.at, cursor)).await?;
    Ok(step)
}

async fn candidates(occasion: &Occasion, after: Id) -> Result<Vec<Id>, Problem> {
    let found = match occasion.date {
        OccasionDate::Anniversary => {
            let spans: Vec<_> = occasion.joined.iter().map(|span| (span.from_instant, span.until_instant)).collect();
            with_anniversary(&books(), &spans, after, BATCH).await
        }
        OccasionDate::Birthday | OccasionDate::ImportantDate => {
            let kind = if occasion.date == OccasionDate::Birthday { BIRTHDAY } else { IMPORTANT_DATE };
            let mut hashes = Vec::new();
            for day in &occasion.days {
                hashes.push(day_hash(kind, day).await?);
            }
            with_day(&people(), &hashes, after, BATCH).await
        }
    };
    found.map_err(|error| from_store(&error))
}

/// Whether the date stands, was told in time, and did not come round just now under another day.
async fn is_theirs(occasion: &Occasion, member: &Member, job: &str) -> Result<bool, Problem> {
    let told_in_time =
        |told: Option<&String>| told.and_then(|told| Instant::parse(told).ok()).is_none_or(|told| told.0 < occasion.told_before);
    let on_this_day = |date: &str| day_of_year(date).is_some_and(|day| occasion.days.iter().any(|known| known == day));
    let has_it = |person: &Person| match occasion.date {
        OccasionDate::Birthday => {
            person.birthday.as_deref().is_some_and(on_this_day) && told_in_time(person.birthday_told_at.as_ref())
        }
        OccasionDate::ImportantDate => {
            person.dates.iter().any(|date| on_this_day(&date.date)) && told_in_time(person.dates_told_at.as_ref())
        }
        OccasionDate::Anniversary => true,
    };
    match occasion.date {
        OccasionDate::Anniversary => Ok(true),
        OccasionDate::ImportantDate => Ok(has_it(&person::behind(member).await?)),
        OccasionDate::Birthday => {
            if !has_it(&person::behind(member).await?) {
                return Ok(false);
            }
            let since = Instant(occasion.at - SAME_YEAR);
            let earlier = lately(&books(), &[member.id], &format!("{job} "), since).await.map_err(|error| from_store(&error))?;
            Ok(earlier.is_empty())
        }
    }
}

/// Whether any of it may be due: nothing is asked where no day began.
pub fn is_due(look: &Look<'_>) -> bool {
    let today = Instant(look.program.agenda(look.at, look.at).day - 1);
    let occasions = look.program.agenda(today, look.at).occasions;
    occasions
        .iter()
        .any(|occasion| look.progress.get(&job(occasion)).is_none_or(|(until, cursor)| (*until, *cursor) < (occasion.at, END)))
}
