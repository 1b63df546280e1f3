//! Redemption: points are held for an order, confirmed by a one-time code where the program asks for one, then captured or
//! released.

mod confirmation;

use domain::snapshot::RedemptionStatus;
use domain::{Id, Points};
use edge::sealing::Sealer;
use edge::wire::{self, Amount, MemberRef, OrderBody};
use edge::{
    AskedPayment, Call, Context, Decision, Look, Outcome, Problem, Read, Reply, Scope, mutate, mutate_at, now, read_nearby, serve,
};
use ledger::{Account, Ended, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use store::Load;

/// Who sells.
const SELLERS: [Scope; 2] = [Scope::Storefront, Scope::Till];

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, route).await
}

async fn route(call: &Call) -> Result<Reply, Problem> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["redemptions"]) => hold(call).await,
        ("GET", ["redemptions", id]) => show(call, redemption_id(id)?).await,
        ("POST", ["redemptions", id, "confirmation"]) => confirmation::confirm(call, redemption_id(id)?).await,
        ("POST", ["redemptions", id, "capture"]) => capture(call, redemption_id(id)?).await,
        ("POST", ["redemptions", id, "release"]) => release(call, redemption_id(id)?).await,
        _ => Err(Problem::no_such_call(call)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldBody {
    member: MemberRef,
    order: OrderBody,
    points: Amount,
}

/// `POST /v1/redemptions`: sets points aside for a cart.
async fn hold(call: &Call) -> Result<Reply, Problem> {
    let body: HoldBody = call.json()?;
    let cart = body.order.cart("/order", now())?;
    if body.order.member.as_ref().is_some_and(|other| *other != body.member) {
        return Err(Problem::field("/order/member", "two_members", "is not the one of /member"));
    }
    let load = Load { vouchers: body.order.vouchers().to_vec(), agreed: true, ..Load::default() };
    let load = body.member.subject("/member").await?.into_load(load);
    let sealer = Sealer::ready().await?;
    mutate_at(call, &SELLERS, load, &Look::at_order(&cart), |context| {
        let program = &context.program;
        let refuse = |refusal: Refusal| context.refuse(&refusal);
        let order = wire::check_currency(&cart, program, &context.caller, "/order")?;
        let order = wire::with_vouchers(order, body.order.vouchers(), &context.snapshot, "/order")?;
        let member = context.snapshot.member.as_ref().ok_or(Refusal::MemberNotFound).map_err(refuse)?;
        context.may_spend()?;
        let account = Account::open_settled(member, &context.snapshot, &context.terms(), context.command.now).map_err(refuse)?;
        let payment = wire::asked_payment(Some(&body.points), program.scale())?;
        let judged = wire::judged(program, Some(member), account.spendable(), &order, &payment, "/order")?;
        if judged.payment.points.is_zero() {
            return Err(nothing_to_hold(&judged, &account, context));
        }
        let code =
            if judged.payment.confirmation_required { Some(confirmation::new_code(&sealer, context, member)?) } else { None };
        let held =
            ledger::hold(&context.snapshot, &order, &judged, &context.terms(), context.command.clone(), code).map_err(refuse)?;
        let redemption = &held.redemption;
        let answer = json!({
            "id": redemption.id.external("red"), "status": redemption.status, "member_id": member.id.external("mem"),
            "points": wire::points(redemption.points, program), "money": wire::money(redemption.money),
            "payable": wire::money(redemption.payable), "hold_expires_at": redemption.hold_expires_at.to_string(),
            "lines": paid_lines(&redemption.lines, context),
            "balance": wire::balance(&held.balance, &judged.before, program),
            "explanation": wire::explanations(&judged.payment_explanations, program),
        });
        Ok(Outcome::New(Box::new(Decision { id: redemption.id, status: 201, answer, plan: held.plan })))
    })
    .await
}

/// "max" came to nothing: by the balance, or by the program.
fn nothing_to_hold(judged: &domain::judgement::Judgement, account: &Account, context: &Context) -> Problem {
    if account.spendable().is_zero() {
        return context.refuse(&account.insufficient());
    }
    let reason = judged.payment_explanations.first().map(|explanation| explanation.reason.clone());
    Problem::new(422, "redemption_limit_exceeded", reason.unwrap_or_else(|| "No points can pay this order".to_owned()))
        .with("max_points", wire::points(Points::ZERO, &context.program))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptureBody {
    order_id: Option<String>,
    points: Option<Amount>,
}

/// `POST /v1/redemptions/{id}/capture`: spends the hold, whole or in part.
async fn capture(call: &Call, id: Id) -> Result<Reply, Problem> {
    let body: CaptureBody = if call.body.is_empty() { CaptureBody::default() } else { call.json()? };
    if let Some(order) = &body.order_id {
        wire::bounded(order, 200, "/order_id")?;
    }
    let load = Load { redemption: Some(id), ..Load::default() };
    mutate(call, &SELLERS, load, |context| {
        visible(context)?;
        let points = match wire::asked_payment(body.points.as_ref(), context.program.scale())? {
            AskedPayment::Exact(points) => Some(Points(points)),
            _ => None,
        };
        let ended =
            ledger::capture(&context.snapshot, points, body.order_id.as_deref(), &context.terms(), context.command.clone())
                .map_err(|refusal| context.refuse(&refusal))?;
        Ok(ended_decision(context, ended))
    })
    .await
}

/// `POST /v1/redemptions/{id}/release`: gives the points back to their lots.
async fn release(call: &Call, id: Id) -> Result<Reply, Problem> {
    let body = if call.body.is_empty() { json!({}) } else { call.json()? };
    if !body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Problem::field("", "unknown_field", "a release has no body, or an empty object"));
    }
    let load = Load { redemption: Some(id), ..Load::default() };
    mutate(call, &SELLERS, load, |context| {
        visible(context)?;
        let ended = ledger::release(&context.snapshot, &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        Ok(ended_decision(context, ended))
    })
    .await
}

/// `GET /v1/redemptions/{id}`
async fn show(call: &Call, id: Id) -> Result<Reply, Problem> {
    let scopes = [SELLERS[0], SELLERS[1], Scope::Staff];
    let load = Load { redemption: Some(id), ..Load::default() };
    let Read { caller, snapshot, program, .. } = read_nearby(call, &scopes, load, &Look::Standing).await?;
    let redemption = snapshot.redemption.as_ref().filter(|redemption| wire::may_use(&caller, redemption));
    let redemption = redemption.ok_or_else(not_found)?;
    let open = matches!(redemption.status, RedemptionStatus::Held | RedemptionStatus::AwaitingConfirmation);
    // a late job does not make an overdue hold a live one
    let status = if open && redemption.hold_expires_at <= now() { RedemptionStatus::Expired } else { redemption.status };
    let points = |points| wire::points(points, &program);
    // of what was set aside at no store a till does not learn which order took it
    let order = redemption
        .used_by
        .as_ref()
        .or(redemption.order_ref.as_ref())
        .filter(|_| caller.store.is_none() || caller.store == redemption.store);
    Ok(Reply::ok(&json!({
        "id": redemption.id.external("red"), "status": status.word(), "member_id": redemption.account_id.external("mem"),
        "points": points(redemption.points), "money": wire::money(redemption.money), "captured": points(redemption.captured),
        "payable": wire::money(redemption.payable), "hold_expires_at": redemption.hold_expires_at.to_string(),
        "created_at": redemption.created_at.to_string(), "order_id": order,
        "program_version": redemption.program_version,
        "lines": redemption.lines.iter()
            .map(|(line, paid, money)| json!({"line_id": line, "points": points(*paid), "money": wire::money(*money)}))
            .collect::<Vec<_>>(),
    })))
}

fn visible(context: &Context) -> Result<(), Problem> {
    let redemption = context.snapshot.redemption.as_ref().filter(|redemption| wire::may_use(&context.caller, redemption));
    redemption.map(drop).ok_or_else(not_found)
}

fn ended_decision(context: &Context, ended: Ended) -> Outcome {
    let program = &context.program;
    let redemption = context.snapshot.redemption.as_ref();
    let answer = json!({
        "id": redemption.map(|redemption| redemption.id.external("red")), "status": ended.status.word(),
        "points": redemption.map(|redemption| wire::points(redemption.points, program)),
        "money": redemption.map(|redemption| wire::money(redemption.money)),
        "captured": wire::points(ended.captured, program), "captured_money": wire::money(ended.captured_money),
        "balance": wire::balance(&ended.balance, &context.standing(), program),
    });
    let id = context.command.ids.clone().next();
    Outcome::New(Box::new(Decision { id, status: 200, answer, plan: ended.plan }))
}

fn paid_lines(lines: &[domain::snapshot::PaidLine], context: &Context) -> Vec<Value> {
    lines
        .iter()
        .map(|(line, points, money)| {
            json!({"line_id": line, "points": wire::points(*points, &context.program), "money": wire::money(*money)})
        })
        .collect()
}

fn redemption_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "red").map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::not_found("redemption_not_found", "There is no such redemption")
}
