//! `POST /v1/orders/{id}/returns` and `POST /v1/orders/{id}/cancellation`.

use domain::{Instant, Points};
use edge::wire::{self, Amount};
use edge::{Call, Context, Decision, Outcome, Problem, Reply, mutate, now};
use ledger::{Given, Refusal, ReturnLine, ReturnRequest};
use serde::Deserialize;
use serde_json::json;
use store::Load;

use crate::SELLERS;
use crate::orders::{canonical, may_see};

/// Lines of a return.
const MOST_LINES: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturnBody {
    return_id: String,
    occurred_at: Option<String>,
    lines: Option<Vec<ReturnLineBody>>,
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturnLineBody {
    id: String,
    quantity: Amount,
}

pub async fn take_back(call: &Call, order: &str) -> Result<Reply, Problem> {
    let body: ReturnBody = call.json()?;
    let request = request(&body, canonical(&call.body).await?, now())?;
    let load =
        Load { order: Some(order.to_owned()), return_ref: Some(request.reference.clone()), referrals: true, ..Load::default() };
    mutate(call, &SELLERS, load, |context| {
        let known = visible_order(context)?;
        if let Some(earlier) = known.returns.iter().find(|earlier| earlier.reference.as_ref() == Some(&request.reference)) {
            return repeat_or_refuse(context, earlier, &request.content_hash);
        }
        let standing = context.standing_of();
        let given = ledger::take_back(&context.snapshot, &request, standing, &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        Ok(decision(context, given, json!({"return_id": request.reference})))
    })
    .await
}

pub async fn cancel(call: &Call, order: &str) -> Result<Reply, Problem> {
    let body = if call.body.is_empty() { json!({}) } else { call.json()? };
    if !body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Problem::field("", "unknown_field", "a cancellation has no body, or an empty object"));
    }
    let content = canonical(b"{}").await?;
    let load = Load { order: Some(order.to_owned()), referrals: true, ..Load::default() };
    mutate(call, &SELLERS, load, |context| {
        let known = visible_order(context)?;
        if let Some(earlier) = known.returns.iter().find(|earlier| earlier.reference.is_none()) {
            return repeat_or_refuse(context, earlier, &content);
        }
        let standing = context.standing_of();
        let given = ledger::cancel(&context.snapshot, &content, standing, &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        Ok(decision(context, given, json!({"status": "cancelled"})))
    })
    .await
}

fn request(body: &ReturnBody, content_hash: String, now: Instant) -> Result<ReturnRequest, Problem> {
    wire::bounded(&body.return_id, 200, "/return_id")?;
    let lines = match (&body.lines, body.all) {
        (None, true) => None,
        (Some(lines), false) if !lines.is_empty() && lines.len() <= MOST_LINES => Some(
            lines
                .iter()
                .enumerate()
                .map(|(index, line)| {
                    let quantity = line.quantity.quantity(&format!("/lines/{index}/quantity"))?;
                    Ok(ReturnLine { id: line.id.clone(), quantity })
                })
                .collect::<Result<Vec<_>, Problem>>()?,
        ),
        _ => return Err(Problem::field("/lines", "required", format!("give 1 to {MOST_LINES} lines, or \"all\": true"))),
    };
    Ok(ReturnRequest {
        reference: body.return_id.clone(),
        occurred_at: wire::moment(body.occurred_at.as_deref(), now, "/occurred_at")?,
        lines,
        content_hash,
    })
}

fn visible_order(context: &Context) -> Result<&domain::snapshot::RecordedOrder, Problem> {
    let order = context.snapshot.order.as_ref().filter(|order| may_see(&context.caller, order));
    order.ok_or_else(|| context.refuse(&Refusal::OrderNotFound))
}

fn repeat_or_refuse(context: &Context, earlier: &domain::snapshot::RecordedReturn, content: &str) -> Result<Outcome, Problem> {
    match &earlier.answer {
        Some(answer) if earlier.content_hash == content => Ok(Outcome::Repeat(answer.clone())),
        _ => Err(context.refuse(&Refusal::OtherContent { what: "return" })),
    }
}

fn decision(context: &Context, given: Given, mut answer: serde_json::Value) -> Outcome {
    let program = &context.program;
    let points = |points: Points| wire::points(points, program);
    let order = context.snapshot.order.as_ref();
    answer["order_id"] = json!(order.map(|order| &order.reference));
    answer["clawed_back"] = points(given.clawed_back).into();
    answer["forgiven"] = points(given.forgiven).into();
    answer["restored"] = points(given.restored).into();
    answer["deficit"] = points(given.deficit).into();
    answer["refund_money"] = wire::money(given.refund).into();
    answer["lots"] = wire::taken(&given.lots, program).into();
    let balance = given.balance.as_ref().map(|balance| wire::balance(balance, &given.standing, program));
    answer["balance"] = balance.unwrap_or_default();
    if let Some(decided) = &given.referral {
        answer["referral"] = wire::referral(decided, program);
    }
    let id = context.command.ids.clone().next();
    Outcome::New(Box::new(Decision { id, status: 201, answer, plan: given.plan }))
}
