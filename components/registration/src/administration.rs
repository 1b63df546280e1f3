//! Changes to the shop itself, which need no program and no member: publishing, keys.

use domain::plan::Plan;
use domain::{Id, Ids, Instant};
use edge::{Access, Call, Failed, Problem, Reply, Scope, books, now, random, replay, with_retries};
use store::{Commit, ProgramLoad};

/// What such a change does.
pub struct Change {
    pub id: Id,
    pub status: u16,
    pub answer: String,
    pub plan: Plan,
}

/// Carries out a change: two round trips, safe to repeat. `decide` gets what was loaded, the command's id and the time.
///
/// # Errors
/// What `decide` refuses; 422 for a key that was used for something else; 503 when the store does not answer.
pub async fn change(
    call: &Call,
    allowed: &[Scope],
    revoking: Option<Id>,
    decide: impl AsyncFn(&ProgramLoad, Id, Instant) -> Result<Change, Problem>,
) -> Result<Reply, Problem> {
    let idempotency_key = call.idempotency_key()?;
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint();
    with_retries(async || {
        let now = now();
        let loaded = store::load_program(&books(), access.hash().as_deref(), Some(idempotency_key), revoking).await?;
        access.permit(call, loaded.caller.clone(), allowed)?;
        if let Some(answered) = &loaded.answered {
            return replay(answered, &fingerprint).map_err(Failed::Problem);
        }
        let change = decide(&loaded, Ids::new(now, random()).next(), now).await?;
        let commit = Commit {
            id: change.id,
            idempotency_key,
            fingerprint: &fingerprint,
            status: change.status,
            answer: Some(&change.answer),
            now,
            plan: &change.plan,
        };
        store::apply(&books(), &commit).await?;
        Ok(Reply::new(change.status, &change.answer))
    })
    .await
}
