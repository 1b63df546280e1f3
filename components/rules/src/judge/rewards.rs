//! What a rule would give for its goods, before caps and the margin guard.

use std::borrow::Cow;

use crate::document::{Document, EarningRule, ONE_HUNDRED_PERCENT, Rates, Reward};
use crate::engine::Tier;
use crate::money::{self, Overflow, multiply_divide};

use super::explaining::{Gift, Miss};
use super::goods::{Goods, Purchase};
use super::scene::Scene;
use super::standing;

/// What a rule would give.
pub struct Wanted<'a, 'g> {
    /// Minor units, above 0.
    pub points: i64,
    /// How it comes to them.
    pub gift: Gift<'a>,
    /// By which they are shared among the goods.
    pub weights: Cow<'g, [i64]>,
}

type Reply<'a, 'g> = Result<Result<Wanted<'a, 'g>, Miss>, Overflow>;

/// What a rule would give for goods on whose lines earlier rules gave so much (`earned`, in the order's sequence).
pub fn wanted<'a, 'g>(purchase: &Purchase<'a>, rule: &EarningRule, goods: &'g Goods, earned: &[i64]) -> Reply<'a, 'g> {
    let document = purchase.document();
    match rule.reward {
        Reward::Fixed(points) => Ok(Ok(Wanted { points, gift: Gift::Fixed, weights: Cow::Borrowed(&goods.amounts) })),
        Reward::PerAmount { points, every } => per_amount(goods, points, every),
        Reward::Multiplier(factor) => multiplied(document, goods, earned, factor),
        Reward::Percent(Some(rates)) => percent(purchase, goods, rates, None),
        Reward::Percent(None) => match tier_rates(purchase.scene.tier) {
            Some((tier, rates)) => percent(purchase, goods, rates, Some(&tier.name)),
            None => Ok(Err(Miss::NoTier(missing_to_first(&purchase.scene)))),
        },
    }
}

/// The rates of a tier that has some.
fn tier_rates(tier: Option<&Tier>) -> Option<(&Tier, Rates)> {
    let tier = tier?;
    let regular = tier.rate?;
    Some((tier, Rates { regular, promo: tier.rate_promo.unwrap_or(regular) }))
}

fn missing_to_first(scene: &Scene) -> Option<i64> {
    let first = scene.document.settings.tiers.first()?;
    Some(standing::missing_to(scene.document, scene.member, first)).filter(|missing| *missing > 0)
}

/// So many points for each full amount of the goods' basis together.
fn per_amount<'a, 'g>(goods: &'g Goods, points: i64, every: i64) -> Reply<'a, 'g> {
    let basis = money::sum(goods.bases.iter().copied())?;
    let times = basis.checked_div(every).ok_or(Overflow)?;
    if times == 0 {
        let missing = money::subtract(every, basis)?;
        return Ok(Err(Miss::BelowMinimum { minimum: every, missing }));
    }
    let points = money::bounded(i128::from(times).checked_mul(points.into()).ok_or(Overflow)?)?;
    Ok(Ok(Wanted { points, gift: Gift::PerAmount { basis, every, times }, weights: Cow::Borrowed(&goods.bases) }))
}

/// What earlier rules gave on the goods, so many times more.
fn multiplied<'a, 'g>(document: &Document, goods: &Goods, earned: &[i64], factor: i64) -> Reply<'a, 'g> {
    let of_lines: Vec<_> = goods.places.iter().map(|place| earned.get(*place).copied().unwrap_or(0)).collect();
    let base = money::sum(of_lines.iter().copied())?;
    let more = factor.checked_sub(ONE_HUNDRED_PERCENT).ok_or(Overflow)?;
    let (points, weights) = if document.rounding.by_line {
        let parts = of_lines.iter().map(|points| times(*points, more, document)).collect::<Result<Vec<_>, _>>()?;
        (money::sum(parts.iter().copied())?, parts)
    } else {
        (times(base, more, document)?, of_lines)
    };
    if points == 0 {
        return Ok(Err(if base == 0 { Miss::NothingToMultiply } else { Miss::RoundsToZero }));
    }
    Ok(Ok(Wanted { points, gift: Gift::Multiplied { base, factor }, weights: Cow::Owned(weights) }))
}

/// Points times a factor (parts per million), rounded as the program declares.
fn times(points: i64, factor: i64, document: &Document) -> Result<i64, Overflow> {
    let rounding = document.rounding;
    let step = units_of_scale(document, rounding.scale)?;
    let denominator = i128::from(ONE_HUNDRED_PERCENT).checked_mul(step).ok_or(Overflow)?;
    let steps = multiply_divide(points.into(), factor.into(), denominator, rounding.mode)?;
    money::bounded(steps.checked_mul(step).ok_or(Overflow)?)
}

fn percent<'a, 'g>(purchase: &Purchase<'a>, goods: &'g Goods, rates: Rates, tier: Option<&'a str>) -> Reply<'a, 'g> {
    let document = purchase.document();
    let (regular, promo) = (goods.regular, goods.promo);
    let parts = [(regular.unwrap_or(0), rates.regular), (promo.unwrap_or(0), rates.promo)];
    let whole = parts.iter().try_fold(0, |sum: i64, (basis, rate)| sum.checked_add(basis.checked_mul(*rate)?)).ok_or(Overflow)?;
    let (points, weights) = if document.rounding.by_line {
        let by_line =
            products(purchase, goods, rates).map(|weight| points_of(weight?, document)).collect::<Result<Vec<_>, _>>()?;
        (money::sum(by_line.iter().copied())?, Cow::Owned(by_line))
    } else {
        let weights = match one_rate(goods, rates) {
            // a common factor changes no part
            Some(rate) if rate > 0 => Cow::Borrowed(goods.bases.as_slice()),
            _ => Cow::Owned(products(purchase, goods, rates).collect::<Result<_, _>>()?),
        };
        (points_of(whole, document)?, weights)
    };
    if points == 0 {
        let any_paid = regular.unwrap_or(0) > 0 || promo.unwrap_or(0) > 0;
        return Ok(Err(match (whole > 0, any_paid) {
            (true, _) => Miss::RoundsToZero,
            (false, true) => Miss::NoRate,
            (false, false) => Miss::NothingPaid,
        }));
    }
    let gift = Gift::Percent {
        tier,
        regular: regular.map(|basis| (rates.regular, basis)),
        promo: promo.map(|basis| (rates.promo, basis)),
        after_points: goods.after_points,
    };
    Ok(Ok(Wanted { points, gift, weights }))
}

/// The rate of all the goods, if they have one.
fn one_rate(goods: &Goods, rates: Rates) -> Option<i64> {
    match (goods.regular, goods.promo) {
        (_, None) => Some(rates.regular),
        (None, _) => Some(rates.promo),
        _ => (rates.regular == rates.promo).then_some(rates.regular),
    }
}

/// Each line's basis times its rate: at most 10^18.
fn products(purchase: &Purchase, goods: &Goods, rates: Rates) -> impl Iterator<Item = Result<i64, Overflow>> {
    let lines = goods.places.iter().filter_map(|place| purchase.lines.get(*place));
    lines.map(move |line| {
        let rate = if line.line.promo { rates.promo } else { rates.regular };
        line.basis.checked_mul(rate).ok_or(Overflow)
    })
}

/// Points (minor units) of a sum of hundredths times parts per million, rounded as the program declares: one point for
/// each whole unit of money, whatever a point pays.
fn points_of(sum: i64, document: &Document) -> Result<i64, Overflow> {
    let rounding = document.rounding;
    let hundredths_and_parts = i128::from(ONE_HUNDRED_PERCENT).checked_mul(100).ok_or(Overflow)?;
    let steps = multiply_divide(sum.into(), money::units_per_whole(rounding.scale)?, hundredths_and_parts, rounding.mode)?;
    money::bounded(steps.checked_mul(units_of_scale(document, rounding.scale)?).ok_or(Overflow)?)
}

/// Minor units in one unit of a coarser scale.
fn units_of_scale(document: &Document, scale: u8) -> Result<i128, Overflow> {
    money::units_per_whole(document.settings.points_scale.saturating_sub(scale))
}
