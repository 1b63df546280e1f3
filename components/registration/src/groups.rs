//! What the staff says of a member: `PUT /v1/members/{id}/segments` and `PUT /v1/members/{id}/tier`.

use domain::Instant;
use domain::plan::{Plan, Segments};
use domain::snapshot::Member;
use edge::wire::{self, member_id};
use edge::{Call, Decision, Outcome, Problem, Reply, Scope, mutate};
use ledger::{Gift, Refusal};
use serde::Deserialize;
use serde_json::json;
use store::Load;

/// Groups that a member can be in.
const MOST_SEGMENTS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentsBody {
    segments: Vec<String>,
}

/// `PUT /v1/members/{id}/segments`: the groups that the member is in from now on.
pub async fn segments(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: SegmentsBody = call.json()?;
    if body.segments.len() > MOST_SEGMENTS {
        return Err(Problem::field("/segments", "out_of_range", format!("a member is in at most {MOST_SEGMENTS} segments")));
    }
    for (index, segment) in body.segments.iter().enumerate() {
        let pointer = format!("/segments/{index}");
        wire::bounded(segment, 100, &pointer)?;
        if body.segments.iter().take(index).any(|earlier| earlier == segment) {
            return Err(Problem::field(pointer, "duplicate", "is named twice"));
        }
    }
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    mutate(call, &[Scope::Staff], load, |context| {
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let segments = vec![Segments { member_id: member.id, segments: body.segments.clone() }];
        let answer = json!({"id": member.id.external("mem"), "segments": body.segments});
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 200, answer, plan: Plan { segments, ..Plan::default() } })))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierBody {
    tier: Option<String>,
    until: Option<String>,
    reason: String,
}

/// `PUT /v1/members/{id}/tier`: a tier for a time, or as a floor; null takes away all that were given.
pub async fn tier(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: TierBody = call.json()?;
    wire::bounded(&body.reason, wire::LONGEST_TEXT, "/reason")?;
    let until = body.until.as_deref().map(Instant::parse).transpose();
    let until = until.map_err(|error| Problem::field("/until", "not_a_time", error.to_string()))?;
    if body.tier.is_none() && until.is_some() {
        return Err(Problem::field("/until", "out_of_range", "what is taken away has no end"));
    }
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    mutate(call, &[Scope::Staff], load, |context| {
        let (program, now) = (&context.program, context.command.now);
        let known = program.tier_ids();
        if let Some(tier) = body.tier.as_deref().filter(|tier| !known.contains(tier)) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let detail = format!("the program has no tier {tier}; its tiers are: {known}");
            return Err(Problem::field("/tier", "unknown_tier", detail));
        }
        if until.is_some_and(|until| until <= now) {
            return Err(Problem::field("/until", "out_of_range", format!("must be after {now}")));
        }
        let gift = body.tier.clone().map(|tier| Gift { tier, until, reason: body.reason.clone() });
        let placed = ledger::give_tier(&context.snapshot, gift.as_ref(), context.standing_of(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let held = placed.standing.tier.as_ref().map(|tier| tier.id.clone());
        let after = Member { tier: held, tier_since: placed.tier_since, ..member.clone() };
        let answer = json!({"id": member.id.external("mem"), "tier": wire::standing(&placed.standing, &after, program)});
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 200, answer, plan: placed.plan })))
    })
    .await
}
