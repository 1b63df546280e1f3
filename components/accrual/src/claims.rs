//! `POST /v1/orders/claims`: an anonymous order becomes a member's, once: a receipt scanned later.

use domain::Points;
use domain::order::{Discounts, Order};
use domain::snapshot::{RecordedLine, RecordedOrder};
use edge::wire::{self, MemberRef};
use edge::{AskedPayment, Call, Context, Decision, Look, Outcome, Problem, Reply, mutate_at};
use ledger::{Claimed, Refusal};
use serde::Deserialize;
use serde_json::json;
use store::Load;

use crate::SELLERS;
use crate::orders::may_see;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimBody {
    order_id: String,
    member: MemberRef,
}

pub async fn claim(call: &Call) -> Result<Reply, Problem> {
    let body: ClaimBody = call.json()?;
    wire::bounded(&body.order_id, 200, "/order_id")?;
    let load = Load { order: Some(body.order_id.clone()), ..Load::default() };
    let load = body.member.subject("/member").await?.into_load(load);
    mutate_at(call, &SELLERS, load, &Look::Claiming, decide).await
}

fn decide(context: &Context) -> Result<Outcome, Problem> {
    let (snapshot, program) = (&context.snapshot, &context.program);
    let refuse = |refusal: Refusal| context.refuse(&refusal);
    let order = snapshot.order.as_ref().filter(|order| may_see(&context.caller, order));
    let order = order.ok_or(Refusal::OrderNotFound).map_err(refuse)?;
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound).map_err(refuse)?;
    // the same claim under another key
    if let (Some(answer), true) = (&order.claim_answer, order.member_id == Some(member.id)) {
        return Ok(Outcome::Repeat(answer.clone()));
    }
    if order.member_id.is_some() {
        return Err(refuse(Refusal::AlreadyClaimed));
    }
    let purchase = as_bought(order);
    let judgement = wire::judged(program, Some(member), Points::ZERO, &purchase, &AskedPayment::None, "")?;
    let claimed =
        ledger::claim(snapshot, &judgement, context.standing_of(), &context.terms(), context.command.clone()).map_err(refuse)?;
    let Claimed { plan, earned, lots, standing: after, balance } = claimed;
    let answer = json!({
        "order_id": order.reference, "member_id": member.id.external("mem"),
        "earned": {
            "points": wire::points(earned, program),
            "available_from": lots.iter().map(|lot| lot.activates_at).min().map(|at| at.to_string()),
            "lots": wire::new_lots(&lots, program),
        },
        "redeemed": wire::points(Points::ZERO, program), "redeemed_money": wire::money(domain::Money::ZERO),
        "payable": wire::money(order.payable),
        "tier": wire::tier(after.tier.as_ref(), program),
        "balance": wire::balance(&balance, &after, program),
        "explanation": wire::explanations(&judgement.explanations, program),
    });
    let id = context.command.ids.clone().next();
    Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan })))
}

/// The order as the rules judge it: what was bought, at the prices that were paid, with the discounts of that moment.
fn as_bought(order: &RecordedOrder) -> Order {
    Order {
        reference: order.reference.clone(),
        occurred_at: order.occurred_at,
        channel: order.channel.clone(),
        store: order.store.clone(),
        device: None,
        currency: order.currency.clone(),
        lines: order.lines.iter().map(RecordedLine::as_bought).collect(),
        delivery: order.delivery,
        vouchers: order.vouchers.clone(),
        with_offers: false,
        discounts: Discounts::Settled(order.lines.iter().map(|line| line.program_discount).collect()),
    }
}
