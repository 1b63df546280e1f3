//! The second stage: what the program takes off the prices. Rules of lines come first, then those of the whole order; each
//! sees what the earlier ones have left, is rounded once, and is cut where a line would fall below the margin floor.

use crate::document::{Benefit, DiscountRule, ONE_HUNDRED_PERCENT, StepBasis};
use crate::engine::{Explanation, Failure, LineDiscount, MarginCut};
use crate::money::{self, Overflow, Rounding, multiply_divide};

use super::explaining::{Miss, Taken, Teller};
use super::lines::PricedLine;
use super::scene::Scene;
use super::{guard, invalid, sharing, standing};

/// A quantity of one piece: quantities are in thousandths.
const ONE_PIECE: i64 = 1_000;

/// The rule of discounts that were settled before.
const SETTLED: &str = "settled";

/// Takes off the lines what was taken off when the order was paid: no rule is judged.
pub fn settle(lines: &mut [PricedLine], discounts: &[i64]) -> Result<Vec<Explanation>, Failure> {
    if discounts.len() != lines.len() {
        return Err(invalid("/discounts", "out_of_range", "one amount for each line"));
    }
    for (index, (line, discount)) in lines.iter_mut().zip(discounts).enumerate() {
        if !(0..=line.amount).contains(discount) {
            return Err(invalid(format!("/discounts/{index}"), "out_of_range", "from 0 to the line's amount"));
        }
        if *discount > 0 {
            line.discount = *discount;
            line.discounts.push(LineDiscount { rule_id: SETTLED.to_owned(), money: *discount });
        }
    }
    Ok(Vec::new())
}

/// Whether a rule asks something of a member.
fn asks_of_the_member(rule: &DiscountRule) -> bool {
    let by_spend = matches!(rule.benefit, Benefit::Tier | Benefit::Steps { by: StepBasis::QualifyingSpend, .. });
    by_spend || rule.when.ask_of_the_member()
}

/// Takes the program's discounts off the lines; one explanation for each rule, in the order of evaluation.
pub fn discount(scene: &Scene, lines: &mut [PricedLine]) -> Result<Vec<Explanation>, Failure> {
    let document = scene.document;
    let teller = Teller::of(document);
    let covers = guard::covers(document, |guard| guard.discounts);
    let mut explanations = Vec::with_capacity(document.discounts.len());
    let mut closed = vec![false; lines.len()];
    let mut rewarded = vec![false; lines.len()];
    let mut exclusive: Option<&DiscountRule> = None;
    let mut any_fired = false;
    for rule in &document.discounts {
        let selected: Vec<bool> = lines
            .iter()
            .zip(closed.iter().zip(&rewarded))
            .map(|(line, (closed, rewarded))| {
                scene.means(&rule.id, &rule.when, line.line) && !closed && (rule.company.stackable || !rewarded)
            })
            .collect();
        let excluded = exclusive.is_some() || (rule.company.exclusive && any_fired);
        let judged = if scene.anonymous && asks_of_the_member(rule) {
            Err(Miss::MembersOnly)
        } else if excluded {
            Err(Miss::Excluded)
        } else {
            wanted(scene, rule, lines, &selected)?
        };
        let (parts, taken) = match judged {
            Ok(wanted) => wanted,
            Err(miss) => {
                explanations.push(teller.miss(&rule.id, &miss));
                continue;
            }
        };
        let parts = capped(rule, parts)?;
        let mut total = 0;
        let mut cut = 0;
        for ((line, part), (closed, rewarded)) in lines.iter_mut().zip(parts).zip(closed.iter_mut().zip(rewarded.iter_mut())) {
            if part == 0 {
                continue;
            }
            let given = part.min(guard::room(line.net()?, line.lowest, covers));
            if given < part {
                let kept = money::subtract(part, given)?;
                cut = money::add(cut, kept)?;
                line.cuts.push(MarginCut { rule_id: rule.id.clone(), money: kept, points: 0 });
            }
            if given > 0 {
                line.discount = money::add(line.discount, given)?;
                line.discounts.push(LineDiscount { rule_id: rule.id.clone(), money: given });
                total = money::add(total, given)?;
                *closed |= rule.company.stop;
                *rewarded = true;
            }
        }
        if total == 0 {
            let any_left = money::sum(nets(lines, &selected)?)? > 0;
            let miss = match (cut > 0, any_left) {
                (true, _) => Miss::MarginFloor,
                (false, true) => Miss::DiscountRoundsToZero,
                (false, false) => Miss::NothingPaid,
            };
            explanations.push(teller.miss(&rule.id, &miss));
            continue;
        }
        any_fired = true;
        if rule.company.exclusive {
            exclusive = Some(rule);
        }
        explanations.push(teller.taken(&rule.id, total, &taken, cut));
    }
    Ok(explanations)
}

type Wanted<'d> = Result<(Vec<i64>, Taken<'d>), Miss>;

/// What a rule would take off each line, without caps and guard.
fn wanted<'d>(scene: &Scene<'d>, rule: &DiscountRule, lines: &[PricedLine], selected: &[bool]) -> Result<Wanted<'d>, Overflow> {
    if let Some(miss) = scene.unmet(&rule.id, &rule.when) {
        return Ok(Err(miss));
    }
    if !selected.contains(&true) {
        let any = lines.iter().any(|line| scene.means(&rule.id, &rule.when, line.line));
        return Ok(Err(if any { Miss::LinesTaken } else { Miss::NoMatchingGoods }));
    }
    if let Some(miss) = scene.outside_total(&rule.when)? {
        return Ok(Err(miss));
    }
    let pieces = sum(lines.iter().zip(selected).filter(|(_, chosen)| **chosen).map(|(line, _)| line.line.quantity))?;
    if let Some(miss) = Scene::outside_quantity(&rule.when, pieces)? {
        return Ok(Err(miss));
    }
    let nets = nets(lines, selected)?;
    let whole = money::sum(nets.iter().copied())?;
    let percent = |rate: i64, tier: Option<&'d str>| -> Result<Wanted<'d>, Overflow> {
        let total = share_of(whole, rate)?;
        Ok(Ok((divided(total, &nets)?, Taken::Percent { rate, of: whole, tier })))
    };
    match &rule.benefit {
        Benefit::Percent(rate) => percent(*rate, None),
        Benefit::Tier => match scene.tier.and_then(|tier| above_zero(tier.discount).map(|rate| (rate, tier.name.as_str()))) {
            Some((rate, name)) => percent(rate, Some(name)),
            None => Ok(Err(Miss::NoTier(missing_to_discount(scene)))),
        },
        Benefit::Steps { by, steps } => {
            let reached = match by {
                StepBasis::OrderTotal => scene.items,
                StepBasis::QualifyingSpend => scene.member.qualifying_spend.max(0),
            };
            match steps.iter().rev().find(|(from, _)| *from <= reached) {
                Some((_, rate)) if *rate > 0 => percent(*rate, None),
                _ => Ok(Err(short_of_steps(*by, steps, reached)?)),
            }
        }
        Benefit::Amount(amount) => {
            let total = (*amount).min(whole);
            Ok(Ok((divided(total, &nets)?, Taken::Amount)))
        }
        Benefit::Price(price) => {
            let parts = lines.iter().zip(&nets).map(|(line, net)| {
                let special = multiply_divide((*price).into(), line.line.quantity.into(), ONE_PIECE.into(), Rounding::HalfUp)?;
                Ok(net.saturating_sub(i64::try_from(special).unwrap_or(i64::MAX)).max(0))
            });
            let parts = parts.collect::<Result<Vec<_>, Overflow>>()?;
            Ok(if parts.iter().all(|part| *part == 0) {
                Err(Miss::NotCheaper)
            } else {
                Ok((parts, Taken::Price { price: *price }))
            })
        }
        Benefit::BuyGet { buy, get, rate } => buy_get(lines, &nets, *buy, *get, *rate),
    }
}

/// A rate that takes something off.
fn above_zero(rate: Option<i64>) -> Option<i64> {
    rate.filter(|rate| *rate > 0)
}

/// What is missing to the next step that takes something off.
fn short_of_steps(by: StepBasis, steps: &[(i64, i64)], reached: i64) -> Result<Miss, Overflow> {
    let Some((first, _)) = steps.iter().find(|(from, rate)| *from > reached && *rate > 0).copied() else {
        return Ok(Miss::NoRate);
    };
    let missing = money::subtract(first, reached)?;
    Ok(match by {
        StepBasis::OrderTotal => Miss::BelowMinimum { minimum: first, missing },
        StepBasis::QualifyingSpend => Miss::SpendBelow { minimum: first, missing },
    })
}

/// Of each `buy + get` whole pieces the cheapest `get` are cheaper; over all selected lines together.
fn buy_get(lines: &[PricedLine], nets: &[i64], buy: i64, get: i64, rate: i64) -> Result<Wanted<'static>, Overflow> {
    let pieces = |line: &PricedLine| line.line.quantity.checked_div(ONE_PIECE).unwrap_or(0);
    let chosen: Vec<_> = lines.iter().zip(nets).enumerate().filter(|(_, (_, net))| **net > 0).collect();
    let all = sum(chosen.iter().map(|(_, (line, _))| pieces(line)))?;
    let group = buy.checked_add(get).ok_or(Overflow)?;
    let mut cheaper = all.checked_div(group).ok_or(Overflow)?.checked_mul(get).ok_or(Overflow)?;
    if cheaper == 0 {
        return Ok(Err(Miss::TooFewPieces { minimum: thousandths(group)?, missing: thousandths(group.saturating_sub(all))? }));
    }
    let given = cheaper;
    // the price of a piece as a fraction: net / quantity, compared crosswise
    let mut by_price = chosen;
    by_price.sort_by(|(_, (a, a_net)), (_, (b, b_net))| {
        let left = i128::from(**a_net).saturating_mul(b.line.quantity.into());
        let right = i128::from(**b_net).saturating_mul(a.line.quantity.into());
        left.cmp(&right)
    });
    let mut parts = vec![0; nets.len()];
    for (place, (line, net)) in by_price {
        let taken = cheaper.min(pieces(line));
        if taken == 0 {
            continue;
        }
        cheaper = cheaper.saturating_sub(taken);
        let worth = multiply_divide((*net).into(), thousandths(taken)?.into(), line.line.quantity.into(), Rounding::HalfUp)?;
        if let Some(part) = parts.get_mut(place) {
            *part = share_of(money::bounded(worth)?, rate)?;
        }
    }
    Ok(Ok((parts, Taken::BuyGet { pieces: given, rate })))
}

fn thousandths(pieces: i64) -> Result<i64, Overflow> {
    money::bounded(i128::from(pieces).checked_mul(ONE_PIECE.into()).ok_or(Overflow)?)
}

/// A rule's parts within its cap for one order.
fn capped(rule: &DiscountRule, parts: Vec<i64>) -> Result<Vec<i64>, Overflow> {
    let total = money::sum(parts.iter().copied())?;
    match rule.per_order {
        Some(most) if most < total => divided(most, &parts),
        _ => Ok(parts),
    }
}

/// The nets of selected lines, 0 for the others.
fn nets(lines: &[PricedLine], selected: &[bool]) -> Result<Vec<i64>, Overflow> {
    lines.iter().zip(selected).map(|(line, chosen)| if *chosen { line.net() } else { Ok(0) }).collect()
}

fn divided(total: i64, weights: &[i64]) -> Result<Vec<i64>, Overflow> {
    Ok(sharing::share(total, weights)?.unwrap_or_else(|| vec![0; weights.len()]))
}

/// So many parts per million of an amount, rounded half up as a shop rounds a price.
fn share_of(amount: i64, rate: i64) -> Result<i64, Overflow> {
    money::bounded(multiply_divide(amount.into(), rate.into(), ONE_HUNDRED_PERCENT.into(), Rounding::HalfUp)?)
}

fn sum(quantities: impl IntoIterator<Item = i64>) -> Result<i64, Overflow> {
    quantities.into_iter().try_fold(0_i64, |sum, quantity| sum.checked_add(quantity)).ok_or(Overflow)
}

fn missing_to_discount(scene: &Scene) -> Option<i64> {
    let tiers = scene.document.settings.tiers.iter().filter(|tier| above_zero(tier.discount).is_some());
    tiers.map(|tier| standing::missing_to(scene.document, scene.member, tier)).find(|missing| *missing > 0)
}
