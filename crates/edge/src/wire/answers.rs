//! Answers: decimals with all places of their scale, moments in UTC.

use domain::judgement::{Explanation, NextTier, Offer, Perk, Standing, Tier, TierBasis};
use domain::plan::NewLot;
use domain::snapshot::{Member, RecordedOrder, Taken};
use domain::{MONEY_SCALE, Money, Points, amount};
use ledger::{Balance, Dated};
use serde_json::{Value, json};
use store::EntryRow;

use crate::rules::ActiveProgram;

/// Points in the program's scale.
#[must_use]
pub fn points(points: Points, program: &ActiveProgram) -> String {
    amount::format(points.0, program.scale())
}

#[must_use]
pub fn money(money: Money) -> String {
    amount::format(money.0, MONEY_SCALE)
}

/// A rate in percent, without idle zeros: 35 000 ppm is "3.5".
#[must_use]
pub fn rate(parts_per_million: i64) -> String {
    let text = amount::format(parts_per_million, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A tier with what it gives.
#[must_use]
pub fn tier(tier: Option<&Tier>, program: &ActiveProgram) -> Value {
    tier.map_or(Value::Null, |tier| {
        json!({
            "id": tier.id, "name": tier.name, "threshold": counted(tier.threshold, program),
            "rate": tier.rate.map(rate), "rate_promo": tier.rate_promo.map(rate), "discount": tier.discount.map(rate),
            "perks": perks(&tier.perks),
        })
    })
}

/// What a member has without points or money.
#[must_use]
pub fn perks(perks: &[Perk]) -> Vec<Value> {
    perks.iter().map(|perk| json!({"id": perk.id, "name": perk.name})).collect()
}

/// A threshold of a tier, or what is missing to one, in what the program counts.
fn counted(threshold: i64, program: &ActiveProgram) -> String {
    match program.tier_basis() {
        TierBasis::Spend => money(Money(threshold)),
        TierBasis::Orders => threshold.to_string(),
        TierBasis::Points => points(Points(threshold), program),
    }
}

/// The tier that a member holds, with its time.
#[must_use]
pub fn standing(standing: &Standing, member: &Member, program: &ActiveProgram) -> Value {
    let mut value = tier(standing.tier.as_ref(), program);
    if let Some(held) = &standing.tier {
        let since = if member.tier.as_deref() == Some(&held.id) { member.tier_since } else { Some(member.joined_at) };
        value["since"] = json!(since.map(|since| since.to_string()));
        value["until"] = json!(standing.until.or(standing.grace_until).map(|until| until.to_string()));
    }
    value
}

/// What is missing to the next tier.
#[must_use]
pub fn next_tier(next: Option<&NextTier>, program: &ActiveProgram) -> Value {
    next.map_or(Value::Null, |next| {
        let (threshold, remaining) = (counted(next.threshold, program), counted(next.remaining, program));
        let mut value = json!({"id": next.id, "name": next.name, "threshold": threshold, "remaining": remaining});
        if let Some(order_min) = next.order_min {
            value["order_min"] = money(order_min).into();
        }
        value
    })
}

/// A balance with the tier.
#[must_use]
pub fn balance(balance: &Balance, standing: &Standing, program: &ActiveProgram) -> Value {
    let amount = |amount: Points| points(amount, program);
    let dated = |dates: &[Dated], name: &str| -> Vec<Value> {
        dates.iter().map(|dated| json!({"points": amount(dated.points), name: dated.at.to_string()})).collect()
    };
    json!({
        "available": amount(balance.available), "pending": amount(balance.pending), "held": amount(balance.held),
        "deficit": amount(balance.deficit), "lifetime_earned": amount(balance.lifetime_earned),
        "lifetime_redeemed": amount(balance.lifetime_redeemed), "lifetime_expired": amount(balance.lifetime_expired),
        "expiring": dated(&balance.expiring, "expires_at"), "activating": dated(&balance.activating, "activates_at"),
        "tier": standing.tier.as_ref().map(|tier| json!({"id": tier.id, "name": tier.name})),
        "next_tier": next_tier(standing.next.as_ref(), program), "as_of": balance.as_of.to_string(),
    })
}

/// Lots that an order or an adjustment made.
#[must_use]
pub fn new_lots(lots: &[NewLot], program: &ActiveProgram) -> Vec<Value> {
    lots.iter()
        .map(|lot| {
            json!({
                "id": lot.id.external("lot"), "rule_id": lot.rule_id, "points": points(lot.issued, program),
                "activates_at": lot.activates_at.to_string(), "expires_at": lot.expires_at.map(|at| at.to_string()),
            })
        })
        .collect()
}

/// Lots that points came back to.
#[must_use]
pub fn taken(lots: &[Taken], program: &ActiveProgram) -> Vec<Value> {
    lots.iter()
        .map(|lot| {
            json!({
                "id": lot.lot.external("lot"), "points": points(lot.points, program),
                "activates_at": lot.activates_at.to_string(), "expires_at": lot.expires_at.map(|at| at.to_string()),
            })
        })
        .collect()
}

/// Lots that a quote foresees: no ids yet.
#[must_use]
pub fn lots(grants: &[domain::judgement::Grant], program: &ActiveProgram) -> Vec<Value> {
    grants
        .iter()
        .map(|grant| {
            json!({
                "rule_id": grant.rule_id, "points": points(grant.points, program),
                "activates_at": grant.activates_at.to_string(), "expires_at": grant.expires_at.map(|at| at.to_string()),
            })
        })
        .collect()
}

/// Why, rule by rule.
#[must_use]
pub fn explanations<'a>(given: impl IntoIterator<Item = &'a Explanation>, program: &ActiveProgram) -> Vec<Value> {
    given.into_iter().map(|explanation| program.languages.tell(explanation.to_json(program.version, program.scale()))).collect()
}

/// Why somebody is not paid for, as callers are told: who is behind a refusal says something of other members.
#[must_use]
pub fn told_reason(reason: &str) -> &str {
    match reason {
        "self_referral" | "ring" | "existing_member" | "referrer_left" | "referee_left" => "refused",
        reason => reason,
    }
}

/// What became of a referral: whether somebody is paid for it, now or later. The books keep why somebody is refused.
#[must_use]
pub fn referral(decided: &ledger::Decided, program: &ActiveProgram) -> Value {
    let told = program.languages.tell(decided.why.to_json(program.version, program.scale()));
    let code = told_reason(&decided.why.code);
    let reason = if code == decided.why.code { told["reason"].clone() } else { json!("this referral is not paid for") };
    json!({
        "accepted": matches!(decided.outcome, "waiting" | "paid"), "outcome": decided.outcome, "code": code, "reason": reason,
    })
}

/// Stored explanations in the caller's language.
fn told(stored: &Value, program: &ActiveProgram) -> Vec<Value> {
    stored.as_array().into_iter().flatten().map(|explanation| program.languages.tell(explanation.clone())).collect()
}

/// "Buy 340.00 more, get 50 points".
#[must_use]
pub fn offer(offer: &Offer, program: &ActiveProgram) -> Value {
    let translations: serde_json::Map<_, _> =
        offer.translations.iter().map(|(language, text)| (language.clone(), json!(text))).collect();
    program.languages.tell(json!({
        "rule_id": offer.rule_id, "shortfall": money(offer.shortfall), "points": points(offer.points, program),
        "money": money(offer.money), "reason": offer.reason, "translations": translations,
    }))
}

/// A ledger entry.
#[must_use]
pub fn entry(row: &EntryRow, program: &ActiveProgram) -> Value {
    let mut value = json!({
        "id": row.id.external("ent"), "seq": row.seq, "kind": row.kind, "points": points(row.points, program),
        "amount": points(row.amount, program), "balance_after": points(row.balance_after, program),
        "occurred_at": row.occurred_at.to_string(), "program_version": row.program_version,
        "explanation": told(&row.explanation, program),
        "lots": row.lots.iter().map(|lot| json!({
            "id": lot.id.external("lot"), "points": points(lot.points, program), "rule_id": lot.rule_id,
            "activates_at": lot.activates_at.to_string(), "expires_at": lot.expires_at.map(|at| at.to_string()),
        })).collect::<Vec<_>>(),
    });
    if !row.deficit_change.is_zero() {
        value["deficit_change"] = points(row.deficit_change, program).into();
    }
    if let Some(order) = &row.order_ref {
        value["order_id"] = order.as_str().into();
    }
    if let Some(event) = &row.event_ref {
        value["event_id"] = event.as_str().into();
    }
    if let Some(redemption) = row.redemption_id {
        value["redemption_id"] = redemption.external("red").into();
    }
    value
}

/// An order with everything it caused.
#[must_use]
pub fn order(order: &RecordedOrder, entries: &[EntryRow], program: &ActiveProgram) -> Value {
    let quantity = |quantity: domain::Quantity| amount::format(quantity.0, amount::QUANTITY_SCALE);
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let earned: Points = line.shares.iter().map(|(_, points)| *points).sum();
            json!({
                "id": line.id, "sku": line.sku, "name": line.name, "category": line.category, "brand": line.brand,
                "labels": line.labels.as_deref().unwrap_or_default(), "quantity": quantity(line.quantity),
                "price": money(line.price), "discount": money(line.discount), "cost": line.cost.map(money),
                "tax": line.tax.map(money), "promo": line.promo != 0, "amount": money(line.amount),
                "program_discount": money(line.program_discount), "redeemed": points(line.paid_points, program),
                "redeemed_money": money(line.paid_money), "earned": points(earned, program),
                "returned": quantity(line.returned),
            })
        })
        .collect();
    let line_id = |n: i64| order.lines.iter().find(|line| line.n == n).map(|line| line.id.clone());
    let returns: Vec<Value> = order
        .returns
        .iter()
        .map(|given| {
            json!({
                "return_id": given.reference, "occurred_at": given.occurred_at.to_string(),
                "clawed_back": points(given.clawed_back, program), "forgiven": points(given.forgiven, program),
                "restored": points(given.restored, program), "refund_money": money(given.refund),
                "lines": given.lines.iter()
                    .map(|(n, returned)| json!({"id": line_id(*n), "quantity": quantity(*returned)}))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "id": order.reference, "order_id": order.reference, "member_id": order.member_id.map(|id| id.external("mem")),
        "status": order.status, "occurred_at": order.occurred_at.to_string(), "recorded_at": order.recorded_at.to_string(),
        "channel": order.channel, "store": order.store, "currency": order.currency, "lines": lines,
        "delivery": {"cost": money(order.delivery)}, "items": money(order.items), "discount": money(order.discount),
        "payable": money(order.payable), "earned": points(order.earned, program),
        "redeemed": points(order.paid_points, program), "redeemed_money": money(order.paid_money),
        "redemption_id": order.redemption_id.map(|id| id.external("red")), "program_version": order.program_version,
        "returns": returns, "entries": entries.iter().map(|row| entry(row, program)).collect::<Vec<_>>(),
    })
}
