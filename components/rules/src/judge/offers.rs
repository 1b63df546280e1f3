//! "Buy 340.00 more, get 100.00 points": what the nearest minimum would bring.
//!
//! Nothing is estimated: the larger order is judged through all the stages, and a rule is offered for what it gives there.

use crate::document::{Benefit, Conditions, DiscountRule, Document, EarningRule, Rates, Reward, StepBasis};
use crate::engine::{Discounts, Explanation, Failure, Judgement, Line, Member, Offer, Order, Payment, Shortfall};
use crate::limits::{MAX_LARGER_ORDERS, MAX_OFFERS};
use crate::money::{self, Overflow, Rounding, multiply_divide};

use super::explaining::{BELOW_MINIMUM, Teller};

/// A quantity of one piece: quantities are in thousandths.
const ONE_PIECE: i64 = 1_000;

/// A rule that only lacks a minimum of the order.
struct Near<'d> {
    rule_id: &'d str,
    /// The place of its explanation in a judgement.
    place: usize,
    /// What is missing, in hundredths.
    extra: i64,
    /// Whether the extra must be regular goods, because promo goods would bring something else.
    regular: bool,
}

/// One offer for each rule that only lacks a minimum of the order, nearest first. `now` is the judgement of the order.
pub fn offers(document: &Document, member: &Member, order: &Order, payment: &Payment, now: &Judgement) -> Vec<Offer> {
    // an order that was paid before it is judged does not grow any more
    if matches!(order.discounts, Discounts::Settled(_)) {
        return Vec::new();
    }
    let count = document.discounts.len();
    let discounts = document.discounts.iter().zip(now.explanations.iter().enumerate());
    let discounts = discounts.filter(|(rule, _)| any_goods_count(&rule.when)).filter_map(|(rule, (place, said))| {
        let extra = missing_to_discount(rule, said, now.items)?;
        Some(Near { rule_id: &rule.id, place, extra, regular: false })
    });
    let earning = document.earning.iter().zip(now.explanations.iter().enumerate().skip(count));
    let earning = earning.filter(|(rule, _)| any_goods_count(&rule.when)).filter_map(|(rule, (place, said))| {
        let extra = missing_to_minimum(said)?;
        Some(Near { rule_id: &rule.id, place, extra, regular: tells_promo_goods_apart(document, rule) })
    });
    let mut near: Vec<_> = earning.chain(discounts).collect();
    near.sort_by_key(|near| near.extra);
    let teller = Teller::of(document);
    let mut offers = Vec::new();
    for near in near.chunk_by(|one, other| one.extra == other.extra).take(MAX_LARGER_ORDERS) {
        let Some(extra) = near.first().map(|near| near.extra) else { continue };
        let larger = larger(document, order, now, extra).map_err(Failure::from);
        // what can't be judged is not offered: the order itself could be
        let Ok(then) = larger.and_then(|larger| super::judge_alone(document, member, &larger, payment)) else { continue };
        offers.extend(near.iter().filter_map(|near| {
            let (points, money) = gain(near, now, &then)?;
            Some(teller.offer(near.rule_id, extra, near.regular, points, money))
        }));
    }
    offers.truncate(MAX_OFFERS);
    offers
}

/// Whether whatever is bought beyond the order counts for a rule: otherwise the offer would have to name its goods.
fn any_goods_count(when: &Conditions) -> bool {
    when.products.is_none() && !when.new_category && when.quantity.is_none()
}

fn tells_promo_goods_apart(document: &Document, rule: &EarningRule) -> bool {
    match rule.reward {
        Reward::Percent(Some(Rates { regular, promo })) => regular != promo,
        Reward::Percent(None) => {
            document.settings.tiers.iter().any(|tier| tier.rate_promo.is_some_and(|_| tier.rate_promo != tier.rate))
        }
        Reward::Fixed(_) | Reward::PerAmount { .. } | Reward::Multiplier(_) => false,
    }
}

fn missing_to_minimum(said: &Explanation) -> Option<i64> {
    match said.shortfall {
        Some(Shortfall::Money(missing)) if said.code == BELOW_MINIMUM => Some(missing),
        _ => None,
    }
}

/// What is missing to a discount or to its next step.
fn missing_to_discount(rule: &DiscountRule, said: &Explanation, items: i64) -> Option<i64> {
    let minimum = missing_to_minimum(said);
    let Benefit::Steps { by: StepBasis::OrderTotal, steps } = &rule.benefit else { return minimum };
    if !said.fired && minimum.is_none() {
        return None;
    }
    // a step below the minimum of the rule is no step that anybody reaches
    let reached = items.checked_add(minimum.unwrap_or(0))?;
    let step = if said.fired { steps.iter().find(|(from, _)| *from > items) } else { None };
    let first = steps.iter().find(|(_, rate)| *rate > 0);
    let target = step.or(first).map_or(reached, |(from, _)| (*from).max(reached));
    target.checked_sub(items).filter(|extra| *extra > 0)
}

/// The order with regular goods for so much (hundredths) beyond it.
fn larger(document: &Document, order: &Order, now: &Judgement, extra: i64) -> Result<Order, Overflow> {
    let mut larger = order.clone();
    let longest = order.lines.iter().map(|line| line.id.as_str()).max_by_key(|id| id.len()).unwrap_or_default();
    larger.lines.push(Line {
        id: format!("{longest}+"), // longer than all others, hence none of them
        sku: String::new(),
        category: None,
        brand: None,
        labels: Vec::new(),
        quantity: ONE_PIECE,
        price: extra,
        discount: 0,
        cost: None,
        tax: if document.basis.without_tax { highest_tax(order, now, extra)? } else { None },
        promo: false,
    });
    Ok(larger)
}

/// The tax in so much, as high as in any goods of the order: what is bought beyond it may be of that kind.
fn highest_tax(order: &Order, now: &Judgement, extra: i64) -> Result<Option<i64>, Overflow> {
    let mut highest = None;
    for (line, judged) in order.lines.iter().zip(&now.lines) {
        if let Some(tax) = line.tax.filter(|_| judged.amount > 0) {
            let tax = tax.min(judged.amount);
            let part = multiply_divide(extra.into(), tax.into(), judged.amount.into(), Rounding::Up)?;
            highest = highest.max(Some(money::bounded(part)?));
        }
    }
    Ok(highest)
}

/// What a rule gives beyond what it gives now, at most what the whole order gains: points and money.
fn gain(near: &Near, now: &Judgement, then: &Judgement) -> Option<(i64, i64)> {
    let (said_now, said_then) = (now.explanations.get(near.place)?, then.explanations.get(near.place)?);
    let points = said_then.points.checked_sub(said_now.points)?.min(then.earned.checked_sub(now.earned)?);
    let money = said_then.money.checked_sub(said_now.money)?.min(then.discount.checked_sub(now.discount)?);
    if money > 0 {
        return Some((0, money));
    }
    // points that cost a discount are no gain
    (points > 0 && then.discount >= now.discount).then_some((points, 0))
}
