//! Changes to the shop itself, which need no program and no member: publishing, keys, webhooks.

use domain::plan::Plan;
use domain::{Id, Ids, Instant};
use store::{Commit, ProgramLoad};

use crate::access::{Access, Scope};
use crate::call::{Call, Reply};
use crate::database::books;
use crate::platform::{now, random};
use crate::problem::Problem;
use crate::shop::{Failed, replay, with_retries};

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
    key: Option<Id>,
    decide: impl AsyncFn(&ProgramLoad, Id, Instant) -> Result<Change, Problem>,
) -> Result<Reply, Problem> {
    let idempotency_key = call.idempotency_key()?;
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint().await?;
    with_retries(async || {
        let now = now();
        let loaded = store::load_program(&books(), &access.asking(), Some(idempotency_key), key).await?;
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
