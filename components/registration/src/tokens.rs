//! `POST /v1/members/{id}/tokens`: a member's own access, given to the storefront's backend. The token follows from the
//! member and its end, so that no store holds it and a repeated request gets the same answer.

use domain::plan::Plan;
use domain::{Id, Instant};
use edge::wire::member_id;
use edge::{Call, Decision, Outcome, Problem, Reply, Scope, member_token, mutate};
use ledger::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Load;

/// Seconds that a token lives unless it says otherwise, and at most.
const SECONDS: (i64, i64) = (900, 86_400);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    expires_in: Option<i64>,
}

/// Gives a token.
pub async fn create(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: TokenBody = if call.body.is_empty() { TokenBody::default() } else { call.json()? };
    let (usual, longest) = SECONDS;
    let seconds = body.expires_in.unwrap_or(usual);
    if !(1..=longest).contains(&seconds) {
        let detail = format!("is a whole number of seconds from 1 to {longest}");
        return Err(Problem::field("/expires_in", "out_of_range", detail));
    }
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    let reply = mutate(call, &[Scope::Storefront, Scope::Staff], load, |context| {
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let ends = Instant(context.command.now.0 + seconds * 1_000);
        let answer = json!({"member_id": member.id.external("mem"), "expires_at": ends.to_string()});
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan: Plan::default() })))
    })
    .await?;
    with_token(reply).await
}

/// The answer as it is kept, and the token that follows from it.
async fn with_token(reply: Reply) -> Result<Reply, Problem> {
    let unreadable = || Problem::new(500, "internal_error", "The stored answer names no token");
    let mut answer: Value = edge::wire::parse(reply.body.as_bytes())?;
    let member = answer["member_id"].as_str().and_then(|id| Id::parse(id, "mem").ok()).ok_or_else(unreadable)?;
    let ends = answer["expires_at"].as_str().and_then(|at| Instant::parse(at).ok()).ok_or_else(unreadable)?;
    answer["token"] = member_token(member, ends).await?.into();
    let headers = vec![("cache-control", "no-store".to_owned())];
    Ok(Reply { body: answer.to_string(), headers, ..reply })
}
