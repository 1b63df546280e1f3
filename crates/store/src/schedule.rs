//! What happens by itself: who is concerned, how far jobs have come, what they did and what they could not do.

use domain::{Id, Instant};
use serde::Deserialize;
use serde_json::json;

use crate::{Database, Row, StoreError, Value, integer, json as json_column};

/// Up to where a job has come: a moment, and of what is of that very moment the number behind which it goes on.
pub type Place = (i64, i64);

/// What a trigger looks at. Its SQL is that of the file of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Members by their last order.
    LastOrder,
    /// Orders with goods of these categories or SKUs (both empty: any), perhaps a member's first one only.
    Purchases { categories: Vec<String>, skus: Vec<String>, first: bool, unless: Unless },
    /// Members by when they joined.
    Joined { unless: Unless },
    /// Members by when they came up to one of these tiers.
    TierSince { tiers: Vec<String>, unless: Unless },
    /// Members by the end of a grace that is not over at a moment.
    Grace { now: Instant },
    /// Events of a type.
    Events { type_name: String, unless: Unless },
}

/// What of the books keeps a trigger from firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unless {
    Never,
    Bought,
    BoughtAgain,
}

impl Unless {
    fn word(self) -> Value {
        match self {
            Self::Never => Value::Text("never".to_owned()),
            Self::Bought => Value::Text("bought".to_owned()),
            Self::BoughtAgain => Value::Text("bought_again".to_owned()),
        }
    }
}

/// Something that a trigger looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// None: an order of nobody.
    pub member: Option<Id>,
    pub at: Instant,
    /// The order's, the event's or the member's.
    pub id: Id,
    /// Whether the trigger's reason is there, and not gone.
    pub stands: bool,
    /// Goods that an event names.
    pub skus: Vec<String>,
}

/// A run of a job that is over.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct JobRun {
    /// Its number; 0 for one that is still to be written.
    #[serde(default)]
    pub id: i64,
    pub job: String,
    /// As of when it ran.
    pub at: Instant,
    pub started_at: Instant,
    pub finished_at: Instant,
    /// Rows of its own kind.
    pub processed: i64,
    /// What it could not do and left out.
    pub set_aside: i64,
    /// The code of what ended it early.
    pub problem: Option<String>,
}

/// Something that a job could not do.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct SetAside {
    pub id: i64,
    pub job: String,
    /// The account's id, or of whatever the job is about.
    pub subject: Id,
    pub at: Instant,
    pub detail: String,
}

/// What a trigger looks at, in its sequence: from behind a place to before a moment, at most `bound`. A page that is not full is the
/// last one.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn watch(db: &impl Database, watch: &Watch, from: Place, before: i64, bound: i64) -> Result<Vec<Watched>, StoreError> {
    let mut parameters: Vec<Value> = vec![from.0.into(), from.1.into(), before.into(), bound.into()];
    let array = |words: &[String]| Value::Text(json!(words).to_string());
    let statement = match watch {
        Watch::LastOrder => include_str!("../../../sql/statements/watch_last_order.sql"),
        Watch::Purchases { categories, skus, first, unless } => {
            let goods = json!({"categories": categories, "skus": skus, "any": categories.is_empty() && skus.is_empty()});
            parameters.extend([Value::Text(goods.to_string()), i64::from(*first).into(), unless.word()]);
            include_str!("../../../sql/statements/watch_purchases.sql")
        }
        Watch::Joined { unless } => {
            parameters.push(unless.word());
            include_str!("../../../sql/statements/watch_joined.sql")
        }
        Watch::TierSince { tiers, unless } => {
            parameters.extend([array(tiers), unless.word()]);
            include_str!("../../../sql/statements/watch_tier_since.sql")
        }
        Watch::Grace { now } => {
            parameters.push((*now).into());
            include_str!("../../../sql/statements/watch_grace.sql")
        }
        Watch::Events { type_name, unless } => {
            parameters.extend([Value::from(type_name.as_str()), unless.word()]);
            include_str!("../../../sql/statements/watch_events.sql")
        }
    };
    let rows = db.run(statement, parameters).await?;
    rows.iter().map(watched).collect()
}

fn watched(row: &Row) -> Result<Watched, StoreError> {
    let number = |column| integer(Some(row), column);
    let (Some(at), Some(id)) = (number(1), number(2)) else {
        return Err(StoreError::Unreadable("what a trigger looks at has no moment".to_owned()));
    };
    let skus = json_column::<Vec<serde_json::Value>>(Some(row), 4)?.unwrap_or_default();
    Ok(Watched {
        member: number(0).map(Id),
        at: Instant(at),
        id: Id(id),
        stands: number(3) == Some(1),
        // a shop may send anything in an event: what is no SKU is none
        skus: skus.into_iter().filter_map(|sku| sku.as_str().map(str::to_owned)).collect(),
    })
}

/// When what begins with `prefix` last happened by itself to these members, since a moment.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn lately(db: &impl Database, members: &[Id], prefix: &str, since: Instant) -> Result<Vec<(Id, Instant)>, StoreError> {
    let parameters =
        vec![Value::Text(json!(members).to_string()), prefix.into(), format!("{prefix}\u{7f}").as_str().into(), since.into()];
    let rows = db.run(include_str!("../../../sql/statements/lately.sql"), parameters).await?;
    let last = |row: &Row| Some((Id(integer(Some(row), 0)?), Instant(integer(Some(row), 1)?)));
    Ok(rows.iter().filter_map(last).collect())
}

/// Members of whom something may come round on one of these days, by keyed hash, from behind an id; in the store of persons.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn with_day(people: &impl Database, days: &[String], after: Id, bound: i64) -> Result<Vec<Id>, StoreError> {
    let parameters = vec![Value::Text(json!(days).to_string()), after.into(), bound.into()];
    ids(people, include_str!("../../../sql/statements/with_day.sql"), parameters).await
}

/// Members who joined within one of these spans (from, until), from behind an id.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn with_anniversary(db: &impl Database, spans: &[(i64, i64)], after: Id, bound: i64) -> Result<Vec<Id>, StoreError> {
    let parameters = vec![Value::Text(json!(spans).to_string()), after.into(), bound.into()];
    ids(db, include_str!("../../../sql/statements/with_anniversary.sql"), parameters).await
}

async fn ids(db: &impl Database, statement: &str, parameters: Vec<Value>) -> Result<Vec<Id>, StoreError> {
    let rows = db.run(statement, parameters).await?;
    Ok(rows.iter().filter_map(|row| integer(Some(row), 0).map(Id)).collect())
}

/// Remembers how far a job has come; never back.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn advance(db: &impl Database, job: &str, to: Place) -> Result<(), StoreError> {
    let parameters = vec![job.into(), to.0.into(), to.1.into()];
    db.run(include_str!("../../../sql/statements/advance.sql"), parameters).await.map(drop)
}

/// One step of the reminders of points that expire: from behind a place to before a moment, at most `bound` accounts. Says where it
/// ended and how many accounts it looked at; none where there was nothing.
///
/// # Errors
/// [`StoreError`] of a statement: stale where another run did it meanwhile.
pub async fn remind(
    db: &impl Database,
    job: &str,
    days: i64,
    from: Place,
    before: i64,
    bound: i64,
    now: Instant,
) -> Result<Option<(Place, i64)>, StoreError> {
    let parameters = vec![from.0.into(), from.1.into(), before.into(), bound.into()];
    let rows = db.run(include_str!("../../../sql/statements/reminders_due.sql"), parameters).await?;
    let number = |column| integer(rows.first(), column);
    let (Some(until), Some(cursor), Some(count)) = (number(0), number(1), number(2)) else { return Ok(None) };
    let parameters = vec![job.into(), days.into(), from.0.into(), from.1.into(), until.into(), cursor.into(), now.into()];
    db.run(include_str!("../../../sql/statements/remind.sql"), parameters).await?;
    Ok(Some(((until, cursor), count)))
}

/// Leaves out of the job `expire` the account that comes first. Says which.
///
/// # Errors
/// [`StoreError`] of a statement.
pub async fn leave_out_expiry(db: &impl Database, now: Instant, detail: &str) -> Result<Option<Id>, StoreError> {
    leave_out(db, "expire", include_str!("../../../sql/statements/first_expiry.sql"), now, detail).await
}

/// Leaves out of the job `holds` the hold that comes first. Says which.
///
/// # Errors
/// [`StoreError`] of a statement.
pub async fn leave_out_hold(db: &impl Database, now: Instant, detail: &str) -> Result<Option<Id>, StoreError> {
    leave_out(db, "holds", include_str!("../../../sql/statements/first_hold.sql"), now, detail).await
}

async fn leave_out(db: &impl Database, job: &str, first: &str, now: Instant, detail: &str) -> Result<Option<Id>, StoreError> {
    let Some(subject) = ids(db, first, vec![now.into()]).await?.first().copied() else { return Ok(None) };
    put_aside(db, job, subject, now, detail, None).await.map(|()| Some(subject))
}

/// Leaves something out of a job; one that goes through time goes back to `place` for it.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn put_aside(
    db: &impl Database,
    job: &str,
    subject: Id,
    now: Instant,
    detail: &str,
    place: Option<Instant>,
) -> Result<(), StoreError> {
    let parameters = vec![job.into(), subject.into(), now.into(), detail.into(), place.into()];
    db.run(include_str!("../../../sql/statements/put_aside.sql"), parameters).await.map(drop)
}

/// Lets a job try again what it had set aside, or all those whose names begin with `parts`.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn take_off(db: &impl Database, job: &str, parts: Option<&str>) -> Result<(), StoreError> {
    db.run(include_str!("../../../sql/statements/take_off.sql"), vec![job.into(), parts.into()]).await.map(drop)
}

/// Records a run.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn record_run(db: &impl Database, run: &JobRun) -> Result<(), StoreError> {
    let parameters = vec![
        run.job.as_str().into(),
        run.at.into(),
        run.started_at.into(),
        run.finished_at.into(),
        run.processed.into(),
        run.set_aside.into(),
        run.problem.as_deref().into(),
    ];
    db.run(include_str!("../../../sql/statements/record_run.sql"), parameters).await.map(drop)
}

/// Runs of one job or of all, newest first, from below a number.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn job_runs(db: &impl Database, job: Option<&str>, below: i64, limit: i64) -> Result<Vec<JobRun>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/job_runs.sql"), vec![job.into(), below.into(), limit.into()]).await?;
    rows.iter().filter_map(|row| json_column(Some(row), 0).transpose()).collect()
}

/// What jobs could not do, newest first, from below a number.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn all_set_aside(db: &impl Database, below: i64, limit: i64) -> Result<Vec<SetAside>, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/all_set_aside.sql"), vec![below.into(), limit.into()]).await?;
    rows.iter().filter_map(|row| json_column(Some(row), 0).transpose()).collect()
}
