//! Between two members: `POST /v1/members/{id}/transfers` and `POST /v1/members/{id}/merges`.

use edge::wire::{self, Amount, AnyMemberRef, member_id};
use edge::{Call, Decision, Outcome, Problem, Reply, Scope, mutate};
use serde::Deserialize;
use serde_json::json;
use store::Load;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferBody {
    to: AnyMemberRef,
    points: Amount,
    reason: Option<String>,
}

/// `POST /v1/members/{id}/transfers`: points that can be spent now are given to somebody else; they keep their dates.
pub async fn transfer(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: TransferBody = call.json()?;
    let reason = body.reason.clone().unwrap_or_else(|| "A gift between members".to_owned());
    wire::bounded(&reason, wire::LONGEST_TEXT, "/reason")?;
    let load = Load { member: Some(member_id(id)?), agreed: true, ..Load::default() };
    let load = body.to.subject("/to").await?.into_load_as_other(load);
    mutate(call, &[Scope::Storefront, Scope::Staff], load, |context| {
        let program = &context.program;
        let points = body.points.points(program.scale(), "/points")?;
        if points.0 <= 0 {
            return Err(Problem::field("/points", "out_of_range", "must be above 0"));
        }
        context.may_spend()?;
        let given = ledger::transfer(&context.snapshot, points, &reason, &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        // the receiver's balance is the receiver's own matter
        let answer = json!({
            "id": given.entry.external("ent"), "points": wire::points(points, program), "reason": reason,
            "to": given.to.external("mem"), "lots": wire::new_lots(&given.lots, program),
            "balance": wire::balance(&given.balance, &context.standing(), program),
        });
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan: given.plan })))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    from: AnyMemberRef,
}

/// `POST /v1/members/{id}/merges`: this member takes over another one who is the same person.
pub async fn merge(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: MergeBody = call.json()?;
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    let load = Load { referrals: true, ..body.from.subject("/from").await?.into_load_as_other(load) };
    mutate(call, &[Scope::Staff], load, |context| {
        let program = &context.program;
        let merged = ledger::merge(&context.snapshot, context.standing_of(), &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        let answer = json!({
            "id": context.snapshot.member.as_ref().map(|member| member.id.external("mem")),
            "from": merged.from.external("mem"), "orders": merged.orders,
            "qualifying_spend": wire::money(merged.qualifying_spend),
            "balance": wire::balance(&merged.balance, &merged.standing, program),
        });
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan: merged.plan })))
    })
    .await
}
