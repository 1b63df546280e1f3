//! The job `tiers`: looks again at members whose tier may have changed without a deed of theirs: an order left the window, a
//! grace or a given tier is over, or another program was published. Each of them is decided and posted like any other command.

use domain::plan::Plan;
use domain::snapshot::Member;
use domain::{Id, Ids, Instant};
use edge::{Look, Problem, books, from_store, load_known, program_by_head, program_head, random, say};
use ledger::Command;
use serde_json::json;
use store::schedule::put_aside;
use store::{Asking, Commit, Load, Review, StoreError};

use crate::agenda::Step;

/// As what it sets members aside.
const JOB: &str = "tiers";

/// Members of one batch: each is two statements.
const BATCH: i64 = 100;

/// Members whom a program that was published is asked about together.
const ASKED: i64 = 500;

/// Orders that one statement marks the members of.
const MARKED: i64 = 500;

/// Statements of marking in one run; the next one goes on.
const MOST_MARKS: usize = 100;

/// Tries for one member.
const TRIES: usize = 8;

/// One batch: so many members were looked at. Whom the books refuse is set aside, so that the others are not kept waiting.
///
/// # Errors
/// 503 when the store does not answer; what was done stays done.
pub async fn batch(at: Instant) -> Result<Step, Problem> {
    let due = store::reviews(&books(), at, BATCH).await.map_err(|error| from_store(&error))?;
    let mut step = Step::default();
    for due in &due {
        match review(due, at).await {
            Ok(()) => step.processed += 1,
            Err(StoreError::Refused(detail)) => {
                say(&json!({"level": "error", "job": JOB, "member": due.member.external("mem"), "detail": detail}));
                put_aside(&books(), JOB, due.member, at, &detail, None).await.map_err(|error| from_store(&error))?;
                step.set_aside += 1;
            }
            Err(error) => return Err(from_store(&error)),
        }
    }
    Ok(step)
}

/// Asks the program in force about the next members, and marks those of whom it says otherwise than is written down: they alone
/// cost a command. Says how many it was asked about.
///
/// # Errors
/// 503 when the store does not answer; the next run goes on.
pub async fn ask(at: Instant) -> Result<i64, Problem> {
    let Some(head) = program_head().await? else { return Ok(0) };
    let program = program_by_head(Some(&head)).await?;
    let members =
        store::unasked(&books(), head.version, &program.needs_of_tiers(at), ASKED).await.map_err(|error| from_store(&error))?;
    let otherwise = |member: &&Member| {
        let stands = program.standing(member, at);
        let tier = stands.tier.as_ref().map(|tier| tier.id.as_str());
        let held = (member.tier.as_deref(), &member.own_tier, member.grace_until, member.stepped_at);
        (tier, &stands.own_tier, stands.grace_until, stands.stepped_at) != held
    };
    let marked: Vec<Id> = members.iter().filter(otherwise).map(|member| member.id).collect();
    let count = i64::try_from(members.len()).unwrap_or(ASKED);
    let last = members.last().map_or(Id(0), |member| member.id);
    let asked = store::asked(&books(), head.version, last, count < ASKED, &marked, at).await;
    asked.map(|()| count).map_err(|error| from_store(&error))
}

/// Finds the members of orders that left the window, in a shop whose tiers look at one.
///
/// # Errors
/// 503 when the store does not answer; the next run goes on.
pub async fn mark(at: Instant) -> Result<(), Problem> {
    let head = match store::load_program(&books(), &Asking::default(), None, None).await {
        // a shop that was not set up yet has nothing to do
        Err(StoreError::NotMigrated) => return Ok(()),
        loaded => loaded.map_err(|error| from_store(&error))?.program,
    };
    let Some(head) = head else { return Ok(()) };
    let Some(window) = program_by_head(Some(&head)).await?.first_window(at) else { return Ok(()) };
    for _ in 0..MOST_MARKS {
        if !store::mark_reviews(&books(), window, at, MARKED).await.map_err(|error| from_store(&error))? {
            break;
        }
    }
    Ok(())
}

/// The same in the first hour of a day: windows begin with a day, and other hours without work keep to their one statement.
///
/// # Errors
/// As [`mark`].
pub async fn mark_once_a_day(at: Instant) -> Result<(), Problem> {
    if at.0.rem_euclid(86_400_000) >= 3_600_000 {
        return Ok(());
    }
    mark(at).await
}

/// Looks at one member. The moment since which it is due and the lock make the command's key, so that two jobs at once do it
/// once.
async fn review(due: &Review, at: Instant) -> Result<(), StoreError> {
    // a space: no caller's key is like it
    let key = format!("job tiers {} {} {}", due.member.external("mem"), due.since.0, due.revision);
    for _ in 0..TRIES {
        let load = Load { member: Some(due.member), idempotency_key: Some(key.clone()), ..Load::default() };
        let (loaded, program) = load_known(&load, &Look::Standing, at).await?;
        if loaded.answered.is_some() {
            return Ok(());
        }
        let program = program.map_err(|problem| StoreError::Unavailable(problem.detail))?;
        let command = Command { now: at, ids: Ids::new(at, random()) };
        let standing = |member: &Member| program.standing(member, at);
        let Ok(placed) = ledger::review(&loaded.snapshot, standing, &command) else { return Ok(()) };
        match post(&key, &command, &placed.plan).await {
            Err(StoreError::Stale | StoreError::Busy(_) | StoreError::Broken(_)) => {}
            outcome => return outcome,
        }
    }
    // somebody buys all the time: every order looks at the tier, too
    Ok(())
}

async fn post(key: &str, command: &Command, plan: &Plan) -> Result<(), StoreError> {
    let answer = json!({}).to_string();
    let commit = Commit {
        id: command.ids.clone().next(),
        idempotency_key: key,
        fingerprint: "tiers",
        status: 200,
        answer: Some(&answer),
        now: command.now,
        plan,
    };
    store::apply(&books(), &commit).await
}
