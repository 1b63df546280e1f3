//! `POST /v1/quotes`: what a cart would earn and may spend; nothing is written.

use domain::Points;
use domain::order::Order;
use domain::snapshot::Member;
use edge::wire::{self, Amount, MemberRef, OrderBody};
use edge::{Call, Look, Problem, Reply, from_refusal, now, read_nearby};
use ledger::{Account, Refusal};
use serde::Deserialize;
use serde_json::json;
use store::Load;

use crate::SELLERS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteBody {
    member: Option<MemberRef>,
    order: OrderBody,
    points: Option<Amount>,
}

pub async fn quote(call: &Call) -> Result<Reply, Problem> {
    let body: QuoteBody = call.json()?;
    let now = now();
    let cart = body.order.cart("/order", now)?;
    let (reference, pointer) = match (&body.member, &body.order.member) {
        (Some(member), Some(other)) if member != other => {
            return Err(Problem::field("/order/member", "two_members", "is not the one of /member"));
        }
        (Some(member), _) => (Some(member), "/member"),
        (None, member) => (member.as_ref(), "/order/member"),
    };
    let load = match reference {
        None => Load::default(),
        Some(member) => member.subject(pointer).await?.into_load(Load::default()),
    };
    let load = Load { vouchers: body.order.vouchers().to_vec(), ..load };
    let shop = read_nearby(call, &SELLERS, load, &Look::at_order(&cart)).await?;
    if reference.is_some() && shop.snapshot.member.is_none() {
        return Err(Problem::not_found("member_not_found", "There is no such member; POST /v1/members enrols one"));
    }
    let program = &shop.program;
    if shop.snapshot.member.as_ref().is_some_and(Member::is_erased) {
        return Err(from_refusal(&Refusal::MemberErased, program.scale()));
    }
    let order = wire::check_currency(&cart, program, &shop.caller, "/order")?;
    let order = wire::with_vouchers(order, body.order.vouchers(), &shop.snapshot, "/order")?;
    let order = Order { with_offers: true, ..order };
    let member = shop.snapshot.member.as_ref();
    let available = member.map_or(Points::ZERO, |member| {
        Account::open_settled(member, &shop.snapshot, &program.terms(now), now)
            .map_or(Points::ZERO, |account| account.spendable())
    });
    let payment = wire::asked_payment(body.points.as_ref(), program.scale())?;
    let judged = wire::judged(program, member, available, &order, &payment, "/order")?;
    let points = |points| wire::points(points, program);
    let discounts: Vec<_> = order
        .lines
        .iter()
        .zip(&judged.lines)
        .flat_map(|(line, judged)| judged.discounts.iter().map(|(rule, money)| (&line.id, rule, *money)))
        .map(|(line, rule, money)| json!({"line_id": line, "money": wire::money(money), "rule_id": rule}))
        .collect();
    let cuts: Vec<_> = order
        .lines
        .iter()
        .zip(&judged.lines)
        .flat_map(|(line, judged)| judged.cuts.iter().map(|cut| (&line.id, cut)))
        .map(|(line, cut)| {
            json!({
                "line_id": line, "rule_id": cut.rule_id, "money": wire::money(cut.money), "points": points(cut.points),
                "code": "margin_floor",
            })
        })
        .collect();
    let offers: Vec<_> = judged.offers.iter().map(|offer| wire::offer(offer, program)).collect();
    Ok(Reply::ok(&json!({
        "program_version": program.version,
        "earn": {"points": points(judged.earned), "lots": wire::lots(&judged.grants, program)},
        "discount": {"money": wire::money(judged.discount), "lines": discounts},
        "redemption": {
            "max_points": points(judged.payment.max_points), "max_money": wire::money(judged.payment.max_money),
            "points": points(judged.payment.points), "money": wire::money(judged.payment.money),
            "confirmation_required": judged.payment.confirmation_required,
        },
        "items": wire::money(judged.items),
        "payable": wire::money(judged.payable),
        "tier": wire::tier(judged.before.tier.as_ref(), program),
        "next_tier": wire::next_tier(judged.before.next.as_ref(), program),
        "offers": offers,
        "perks": wire::perks(&judged.perks),
        "cuts": cuts,
        "explanation": wire::explanations(judged.explanations.iter().chain(&judged.payment_explanations), program),
    })))
}
