//! `POST /v1/orders`: a purchase that happened. `GET /v1/orders/{id}`: the order with everything it caused.

use domain::judgement::{JudgedReferral, Judgement};
use domain::order::{Discounts, Order};
use domain::{Id, Points};
use edge::wire::{self, OrderBody};
use edge::{
    AskedPayment, Call, Context, Decision, Look, Outcome, Problem, Reply, Scope, agreed, from_store, identity, mutate_at, now,
    read_nearby,
};
use ledger::{Account, Recorded, Refusal};
use serde_json::json;
use store::Load;

use crate::SELLERS;

pub async fn record(call: &Call) -> Result<Reply, Problem> {
    let body: OrderBody = call.json()?;
    let order = body.purchase("", now())?;
    let content = canonical(&call.body).await?;
    let redemption = body.redemption_id.as_deref().map(redemption_id).transpose()?;
    let (reference, vouchers) = (Some(order.reference.clone()), body.vouchers().to_vec());
    let load = Load { order: reference, whether_order: true, redemption, vouchers, ..Load::default() };
    let load = match &body.member {
        None if redemption.is_some() => {
            return Err(Problem::field("/member", "required", "an order that is paid with points needs its member"));
        }
        None => load,
        Some(member) => member.subject("/member").await?.into_load(load),
    };
    // the books know a device by its keyed hash only
    let order = Order { device: device_hash(&order).await?, ..order };
    let load = Load { referrals: true, device: order.device.clone(), ..load };
    let anonymous = body.member.is_none();
    let asked = Asked { order: &order, vouchers: body.vouchers(), content: &content, anonymous, redemption };
    mutate_at(call, &SELLERS, load, &Look::at_order(&order), |context| decide(context, &asked)).await
}

/// What came with the call.
struct Asked<'a> {
    order: &'a Order,
    vouchers: &'a [String],
    content: &'a str,
    anonymous: bool,
    redemption: Option<Id>,
}

fn decide(context: &Context, asked: &Asked<'_>) -> Result<Outcome, Problem> {
    let &Asked { order, vouchers, content, anonymous, redemption } = asked;
    let program = &context.program;
    let order = wire::check_currency(order, program, &context.caller, "")?;
    if let Some(known) = &context.snapshot.order {
        return if known.content_hash == content && may_see(&context.caller, known) {
            Ok(Outcome::Repeat(known.answer.clone()))
        } else {
            Err(context.refuse(&Refusal::OtherContent { what: "order" }))
        };
    }
    let order = wire::with_vouchers(order, vouchers, &context.snapshot, "")?;
    let id = context.command.ids.clone().next();
    let terms = program.terms(context.command.now);
    let (judgement, recorded) = if anonymous {
        let order = Order { discounts: Discounts::ForAnybody, ..order.clone() };
        let judgement = wire::judged(program, None, Points::ZERO, &order, &AskedPayment::None, "")?;
        let recorded = ledger::record_anonymous(&order, &judgement, &terms, content, context.command.clone());
        (judgement, recorded)
    } else {
        let mut judgement = judge(context, &order, redemption)?;
        judgement.referral = judge_referral(context, &judgement)?;
        let recorded = ledger::record_order(&context.snapshot, &order, &judgement, &terms, content, context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        (judgement, recorded)
    };
    let points = |points| wire::points(points, program);
    let Recorded { plan, balance, earned, lots, redeemed, redeemed_money, referral } = recorded;
    let explanations = judgement.explanations.iter().chain(&judgement.payment_explanations);
    let mut answer = json!({
        "order_id": order.reference,
        "member_id": context.snapshot.member.as_ref().filter(|_| !anonymous).map(|member| member.id.external("mem")),
        "earned": {
            "points": points(earned),
            "available_from": lots.iter().map(|lot| lot.activates_at).min().map(|at| at.to_string()),
            "lots": wire::new_lots(&lots, program),
        },
        "redeemed": points(redeemed), "redeemed_money": wire::money(redeemed_money),
        "payable": wire::money(judgement.payable),
        "tier": if anonymous { serde_json::Value::Null } else { wire::tier(judgement.after.tier.as_ref(), program) },
        "balance": balance.map(|balance| wire::balance(&balance, &judgement.after, program)),
        "explanation": if anonymous { Vec::new() } else { wire::explanations(explanations, program) },
    });
    if let Some(decided) = referral {
        answer["referral"] = wire::referral(&decided, program);
    }
    Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan })))
}

/// The keyed hash of the order's device, by which the books know it again.
async fn device_hash(order: &Order) -> Result<Option<String>, Problem> {
    match &order.device {
        None => Ok(None),
        Some(device) => identity::keyed_hash("device", device).await.map(Some),
    }
}

/// What becomes of the referral by which the member came and that waits, with what this order pays in money for goods.
fn judge_referral(context: &Context, judgement: &Judgement) -> Result<Option<JudgedReferral>, Problem> {
    let waiting = context.snapshot.referrals.iter().find(|referral| referral.of_member && !referral.paid);
    let Some(referral) = waiting else { return Ok(None) };
    let paid = judgement.items.less(judgement.discount).less(judgement.payment.money);
    let judged = context.program.judge_referral(context.command.now, &referral.referrer, Some(paid));
    judged.map(Some).map_err(|_| wire::inconsistent("no word on a referral"))
}

/// The judgement of a member's order. A hold's terms stand for what it was made for, also under a newer program; where the
/// limit of the same program is lower (less goods, other goods, another channel), or the goods of a newer one are worth
/// less, the limit is judged again.
fn judge(context: &Context, order: &Order, redemption: Option<Id>) -> Result<Judgement, Problem> {
    let snapshot = &context.snapshot;
    let program = &context.program;
    let member = snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
    let now = context.command.now;
    if redemption.is_none() {
        return wire::judged(program, Some(member), Points::ZERO, order, &AskedPayment::None, "");
    }
    let refuse = |refusal: Refusal| context.refuse(&refusal);
    let redemption = snapshot.redemption.as_ref().filter(|redemption| wire::may_use(&context.caller, redemption));
    let redemption = redemption.ok_or(Refusal::RedemptionNotFound).map_err(refuse)?;
    let (points, money) = ledger::pay_with(redemption, member, &order.reference, now).map_err(refuse)?;
    let judgement =
        wire::judged(program, Some(member), Points::ZERO, order, &agreed(points, money), "").map_err(at_redemption)?;
    let stands = if redemption.program_version == snapshot.program_version {
        judgement.payment.limit_points >= points
    } else {
        judgement.items >= redemption.items
    };
    if stands {
        return Ok(judgement);
    }
    let spendable = Account::open_settled(member, snapshot, &program.terms(now), now).map_err(refuse)?.spendable();
    let available = spendable.checked_add(points).ok_or(Refusal::Overflow).map_err(refuse)?;
    wire::judged(program, Some(member), available, order, &AskedPayment::Exact(points.0), "").map_err(at_redemption)
}

/// In an order the points stand behind the redemption.
fn at_redemption(mut problem: Problem) -> Problem {
    for error in problem.errors.iter_mut().filter(|error| error.pointer == "/points") {
        "/redemption_id".clone_into(&mut error.pointer);
    }
    problem
}

pub async fn show(call: &Call, reference: &str) -> Result<Reply, Problem> {
    let load = Load { order: Some(reference.to_owned()), ..Load::default() };
    let shop = read_nearby(call, &[SELLERS[0], SELLERS[1], Scope::Staff], load, &Look::Standing).await?;
    let order = shop.snapshot.order.as_ref().filter(|order| may_see(&shop.caller, order));
    let order = order.ok_or_else(|| Problem::not_found("order_not_found", "There is no order with this id"))?;
    let entries = store::order_entries(&shop.books, order.id).await.map_err(|error| from_store(&error))?;
    Ok(Reply::ok(&wire::order(order, &entries, &shop.program)))
}

/// A till sees the orders of its own store.
pub fn may_see(caller: &store::Caller, order: &domain::snapshot::RecordedOrder) -> bool {
    caller.store.is_none() || caller.store == order.store
}

/// What tells a repeat from other content: the body, written in one way, as a keyed hash.
pub async fn canonical(body: &[u8]) -> Result<String, Problem> {
    let value: serde_json::Value = wire::parse(body)?;
    edge::sealing::keyed_hash_of(&[value.to_string().as_bytes()]).await
}

fn redemption_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "red").map_err(|_| Problem::not_found("redemption_not_found", "There is no such redemption"))
}
