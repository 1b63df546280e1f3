//! "Buy 340.00 more, get 100.00 points": what the nearest minimum would bring.

use crate::document::{Benefit, DiscountRule, StepBasis};
use crate::engine::Offer;
use crate::limits::MAX_OFFERS;
use crate::money::{self, Overflow};

use super::discounting::{self, share_of};
use super::earning::Verdicts;
use super::explaining::{Miss, Teller};
use super::goods::Purchase;
use super::lines::PricedLine;

/// One offer for each rule that only lacks a minimum of the order, nearest first.
///
/// An earning rule is tried as if the order had just reached its minimum with regular goods; what it gives replaces what
/// later rules give now for the lines that it would take. A discount is what the rule alone would take off such an order.
pub fn offers(
    purchase: &Purchase,
    judged: &Verdicts,
    earned: i64,
    discounts: &[discounting::Verdict],
    lines: &[PricedLine],
) -> Vec<Offer> {
    let document = purchase.document();
    let points = judged.trials.iter().filter_map(|trial| {
        let points = judged.gain(purchase, trial, earned).ok()?;
        let rule = document.earning.get(trial.rule)?;
        (points > 0).then_some((&rule.id, trial.missing, points, 0))
    });
    let money = document.discounts.iter().zip(discounts).filter_map(|(rule, verdict)| {
        let (extra, money) = cheaper(purchase, rule, verdict, lines).ok()??;
        (money > 0).then_some((&rule.id, extra, 0, money))
    });
    let mut offers: Vec<_> = points.chain(money).collect();
    offers.sort_by_key(|(_, missing, _, _)| *missing);
    let teller = Teller::of(document);
    let nearest = offers.into_iter().take(MAX_OFFERS);
    nearest.map(|(rule_id, missing, points, money)| teller.offer(rule_id, missing, points, money)).collect()
}

/// What is missing to a discount or its next step, and what it would then take off beyond what it does now.
fn cheaper(
    purchase: &Purchase,
    rule: &DiscountRule,
    verdict: &discounting::Verdict,
    lines: &[PricedLine],
) -> Result<Option<(i64, i64)>, Overflow> {
    let scene = &purchase.scene;
    let now = match verdict {
        discounting::Verdict::Takes(money) => *money,
        discounting::Verdict::Misses(Miss::BelowMinimum { .. }) => 0,
        discounting::Verdict::Misses(_) => return Ok(None),
    };
    let (extra, rate) = match (&rule.benefit, verdict) {
        (Benefit::Steps { by: StepBasis::OrderTotal, steps }, _) => {
            let Some((from, rate)) = steps.iter().find(|(from, _)| *from > scene.items) else { return Ok(None) };
            (money::subtract(*from, scene.items)?, *rate)
        }
        (Benefit::Percent(rate), discounting::Verdict::Misses(Miss::BelowMinimum { missing, .. })) => (*missing, *rate),
        (Benefit::Amount(amount), discounting::Verdict::Misses(Miss::BelowMinimum { missing, .. })) => {
            return Ok(Some((*missing, *amount)));
        }
        _ => return Ok(None),
    };
    let meant = lines.iter().filter(|line| scene.means(&rule.id, &rule.when, line.line));
    let whole = money::add(money::sum(meant.map(|line| line.amount))?, extra)?;
    let then = share_of(whole, rate)?;
    let then = rule.per_order.map_or(then, |most| most.min(then));
    Ok(Some((extra, money::subtract(then, now)?)))
}
