//! Judging an order. The order of evaluation, in one place:
//!
//! 1. **Prices** (`lines`): price times quantity, rounded half up to a hundredth, less the line's own discount.
//! 2. **The program's discounts** (`discounting`): rules of lines by priority, then rules of the order by priority; each
//!    is rounded half up once and shared among its lines by largest remainder; the margin guard cuts each line's part.
//! 3. **Points paid** (`payment`): limits rounded down, against the payer; the margin guard narrows what points may pay.
//! 4. **Earning basis** (`earning::basis`): items, with or without delivery and tax, net or gross of points paid.
//! 5. **Earning rules** (`earning`) by priority: conditions, rounding, caps (order, day, member, budget: the least
//!    counts), shares of the lines by largest remainder, the margin guard.
//! 6. **Perks, tiers, offers**: the tier that prices an order is the one held before it.
//!
//! Among rules of one kind: `exclusive` fires alone on the order, `stop` keeps its lines from later rules, and one that is
//! not `stackable` leaves out lines that an earlier one rewarded. Every rule leaves one explanation.

mod caps;
mod discounting;
mod earning;
mod enrolment;
mod events;
mod explaining;
mod goods;
mod guard;
mod lines;
mod needs;
mod offers;
mod payment;
mod plural;
mod referral;
mod rewards;
mod scene;
mod selection;
#[cfg(test)]
mod sentences;
mod sharing;
mod standing;

pub use enrolment::judge_enrolment;
pub use events::judge_event;
pub use needs::needs;
pub use referral::judge_referral;
pub use standing::standing;

use crate::calendar::Expiry;
use crate::document::Document;
use crate::engine::{Discounts, Explanation, Extension, Failure, Finding, JudgedLine, Judgement, Member, Order, Payment, Perk};
use crate::money::{self, Overflow};
use explaining::{Miss, Teller};
use goods::{EarningLine, Purchase};
use scene::Scene;

/// Judges an order for a member who wants to pay so; where it is asked for, offers what a larger one would bring.
pub fn judge_order(document: &Document, member: &Member, order: &Order, payment: &Payment) -> Result<Judgement, Failure> {
    let judgement = judge_alone(document, member, order, payment)?;
    if !order.with_offers {
        return Ok(judgement);
    }
    let offers = offers::offers(document, member, order, payment, &judgement);
    Ok(Judgement { offers, ..judgement })
}

/// Judges an order without offers.
fn judge_alone(document: &Document, member: &Member, order: &Order, payment: &Payment) -> Result<Judgement, Failure> {
    for amount in [member.qualifying_spend, member.available, member.earned] {
        money::bounded(amount.into())?;
    }
    let mut priced = lines::price(document, order)?;
    let items = money::sum(priced.iter().map(|line| line.amount))?;
    let scene = Scene::of_order(document, member, order, items)?;
    let discount_explanations = match &order.discounts {
        Discounts::Settled(amounts) => discounting::settle(&mut priced, amounts)?,
        Discounts::ByRules | Discounts::ForAnybody => discounting::discount(&scene, &mut priced)?,
    };
    let discount = money::sum(priced.iter().map(|line| line.discount))?;
    let paid = payment::pay(document, member, order, &mut priced, items, payment)?;

    let nets = priced.iter().map(lines::PricedLine::net).collect::<Result<Vec<_>, _>>()?;
    let deliveries = deliveries(document, order, &nets)?;
    let mut lines = Vec::with_capacity(priced.len());
    let mut judged = Vec::with_capacity(priced.len());
    for (((line, part), net), delivery) in priced.iter().zip(&paid.parts).zip(nets).zip(deliveries) {
        let qualifying = money::subtract(net, part.money)?;
        lines.push(EarningLine {
            line: line.line,
            amount: line.amount,
            basis: earning::basis(document, line.line, net, line.amount, part.money, delivery)?,
            after_points: part.money > 0 && !document.basis.gross_of_points,
            most: earning::most_points(document, qualifying, line.lowest)?,
        });
        judged.push(JudgedLine {
            id: line.line.id.clone(),
            amount: line.amount,
            discount: line.discount,
            discounts: line.discounts.clone(),
            cuts: line.cuts.clone(),
            paid_points: part.points,
            paid_money: part.money,
            qualifying,
            shares: Vec::new(),
        });
    }
    let qualifying = money::sum(judged.iter().map(|line| line.qualifying))?;

    let purchase = Purchase::new(scene, lines);
    let verdicts = earning::judge(&purchase)?;
    let earned = earning::earn(&purchase, &verdicts)?;
    for ((line, shares), cuts) in judged.iter_mut().zip(earned.shares).zip(earned.cuts) {
        line.shares = shares;
        line.cuts.extend(cuts);
    }
    let (perks, perk_explanations) = perks(&purchase.scene, order)?;

    let start = standing::missing_start(document, member).map(|start| Teller::of(document).start(start, qualifying));
    let before = standing(document, member, order.occurred_at);
    let after = standing(document, &counting(member, qualifying, earned.points)?, order.occurred_at);
    let goods = money::subtract(money::subtract(items, discount)?, paid.redemption.money)?;
    let explanations = discount_explanations.into_iter().chain(earned.explanations).chain(perk_explanations).chain(start);
    Ok(Judgement {
        items,
        discount,
        delivery: order.delivery,
        payable: money::add(goods, order.delivery)?,
        lines: judged,
        earned: earned.points,
        grants: earned.grants,
        redemption: paid.redemption,
        extensions: extensions(document, order.occurred_at),
        qualifying,
        before,
        after,
        offers: Vec::new(),
        perks,
        explanations: explanations.collect(),
        redemption_explanations: paid.explanation.into_iter().collect(),
    })
}

/// The delivery as far as points are earned on it, shared among the lines by what they bring.
fn deliveries(document: &Document, order: &Order, nets: &[i64]) -> Result<Vec<i64>, Overflow> {
    let delivery = if document.basis.with_delivery { order.delivery } else { 0 };
    // lines that bring nothing earn nothing on their delivery either
    Ok(sharing::share(delivery, nets)?.unwrap_or_else(|| vec![0; nets.len()]))
}

/// The member once the order counts; it lies in every window, because windows end with its day.
fn counting(member: &Member, qualifying: i64, earned: i64) -> Result<Member, Overflow> {
    let mut after = member.clone();
    after.orders = after.orders.saturating_add(1);
    after.qualifying_spend = money::add(after.qualifying_spend, qualifying)?;
    after.largest_order = after.largest_order.max(qualifying);
    after.earned = money::add(after.earned, earned)?;
    for since in &mut after.activity {
        since.orders = since.orders.saturating_add(1);
        since.spend = money::add(since.spend, qualifying)?;
        since.earned = money::add(since.earned, earned)?;
    }
    Ok(after)
}

/// Perks of the tier held, and of the rules that fire.
fn perks(scene: &Scene, order: &Order) -> Result<(Vec<Perk>, Vec<Explanation>), Overflow> {
    let teller = Teller::of(scene.document);
    let mut perks = scene.tier.map(|tier| tier.perks.clone()).unwrap_or_default();
    let mut explanations = Vec::with_capacity(scene.document.perks.len());
    for rule in &scene.document.perks {
        let meant = || order.lines.iter().filter(|line| scene.means(&rule.perk.id, &rule.when, line));
        let pieces = meant().map(|line| line.quantity).fold(0_i64, i64::saturating_add);
        let miss = match scene.unmet(&rule.perk.id, &rule.when) {
            Some(miss) => Some(miss),
            None if meant().next().is_none() => Some(Miss::NoMatchingGoods),
            None => match scene.outside_total(&rule.when)? {
                Some(miss) => Some(miss),
                None => Scene::outside_quantity(&rule.when, pieces)?,
            },
        };
        match miss {
            Some(miss) => explanations.push(teller.miss(&rule.perk.id, &miss)),
            None => {
                explanations.push(teller.perk(&rule.perk));
                if !perks.iter().any(|perk| perk.id == rule.perk.id) {
                    perks.push(rule.perk.clone());
                }
            }
        }
    }
    Ok((perks, explanations))
}

/// The lots that live longer by an order at this instant.
fn extensions(document: &Document, at: i64) -> Vec<Extension> {
    let earning = document.earning.iter().map(|rule| (&rule.id, &rule.lifetime));
    let events = document.events.iter().map(|rule| (&rule.id, &rule.lifetime));
    let welcome = document.welcome.iter().map(|rule| (&rule.id, &rule.lifetime));
    let rules = earning.chain(events).chain(welcome);
    let extension = |(id, lifetime): (&String, &crate::calendar::Lifetime)| match lifetime.expiry {
        Expiry::Inactivity(_) => {
            let expires_at = document.zone.life(at, lifetime).ok()?.expires_at?;
            Some(Extension { rule_id: id.clone(), expires_at })
        }
        _ => None,
    };
    rules.filter_map(extension).collect()
}

/// An order that can't be judged as it stands.
fn invalid(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Failure {
    Failure::Invalid(Finding { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() })
}
