//! `GET /v1/members/{id}/referrals`: with what a member brings friends, whom it brought, and what became of it. No personal
//! data: members' ids only.

use edge::{Call, Problem, Reply, books, from_refusal, from_store, read, wire};
use ledger::Refusal;
use serde_json::{Value, json};
use store::{Load, ReferralRow, VerdictRow};

use crate::join::link_of;
use crate::members::{OWN_READERS, named};

/// Newest first; each with every step that it took.
pub async fn list(call: &Call, id: &str) -> Result<Reply, Problem> {
    let (limit, below) = (call.limit()?, call.cursor()?);
    let load = Load { member: Some(named(call, id).await?), ..Load::default() };
    let shop = read(call, &OWN_READERS, load).await?;
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    let rows = store::referrals(&books(), member.id, below, limit + 1).await.map_err(|error| from_store(&error))?;
    // a friend's order is the friend's own, and why somebody is refused is the staff's to know
    let tells_why = shop.caller.scopes.iter().any(|scope| scope == "staff" || scope == "admin");
    let rows = rows.iter().map(|row| (row.referee_id.0, brought_json(row, tells_why)));
    let mut page = wire::page(rows.collect(), limit);
    page["referral_code"] = json!(member.referral_code);
    page["referral_link"] = json!(link_of(&member.referral_code).await);
    Ok(Reply::ok(&page))
}

/// A friend, and every step of the referral; with the reason of a refusal, or without it.
pub fn brought_json(row: &ReferralRow, tells_why: bool) -> Value {
    let reason = |reason: &str| if tells_why { reason.to_owned() } else { wire::told_reason(reason).to_owned() };
    let step = |step: &VerdictRow| json!({"outcome": step.outcome, "reason": reason(&step.reason), "at": step.at.to_string()});
    let steps: Vec<Value> = row.verdicts.iter().map(step).collect();
    json!({"referee": row.referee_id.external("mem"), "outcome": row.outcome, "reason": reason(&row.reason), "steps": steps})
}

/// A step of the own referral.
pub fn step_json(step: &VerdictRow) -> Value {
    let reason = wire::told_reason(&step.reason);
    json!({"outcome": step.outcome, "reason": reason, "order_id": step.order_id, "at": step.at.to_string()})
}
