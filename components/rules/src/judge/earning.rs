//! The third stage: what each earning rule gives, in the order of evaluation.
//!
//! Earned is on the items net of the line's discount, of the program's discount and of money paid by points. A rule
//! is rounded once, on the order's total at the program's scale, and then shared among its lines.

use crate::calendar::NoLife;
use crate::document::{Conditions, Document, EarningRule, ONE_HUNDRED_PERCENT, Rates, Reward};
use crate::engine::{Explanation, Failure, Grant, Line, Member, Order, Share, Tier};
use crate::money::{self, Overflow, Rounding};

use super::explaining::{Gift, Miss, Teller};
use super::selection::{allows, selects};
use super::{invalid, sharing, standing};

/// An order as far as the rules look at it.
pub struct Purchase<'a> {
    /// The program.
    pub document: &'a Document,
    /// Who buys.
    pub member: &'a Member,
    /// What is bought.
    pub order: &'a Order,
    /// Sum of the lines' amounts.
    pub items: i64,
    /// In the order's sequence.
    pub lines: Vec<EarningLine<'a>>,
    /// The tier held before the order: the one that prices it.
    pub tier: Option<&'a Tier>,
}

/// A line as far as the rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct EarningLine<'o> {
    /// As ordered.
    pub line: &'o Line,
    /// Its amount in hundredths.
    pub amount: i64,
    /// What points are earned on, at most the amount.
    pub basis: i64,
}

/// The outcome of the stage.
#[derive(Default)]
pub struct Earned {
    /// Sum of the grants.
    pub points: i64,
    /// One for each rule that fired.
    pub grants: Vec<Grant>,
    /// Each line's shares, in the order's sequence.
    pub shares: Vec<Vec<Share>>,
    /// One for each rule.
    pub explanations: Vec<Explanation>,
}

/// What a rule says to an order.
pub enum Verdict {
    /// It fires.
    Gives(Given),
    /// It does not.
    Misses(Miss),
}

impl Verdict {
    /// Minor units given; 0 when the rule does not fire.
    pub fn points(&self) -> i64 {
        match self {
            Verdict::Gives(given) => given.points,
            Verdict::Misses(_) => 0,
        }
    }
}

/// What a rule that fires gives.
pub struct Given {
    /// Minor units, above 0.
    points: i64,
    /// How it came to them.
    gift: Gift,
    /// By which the points are shared; none for lines that the rule does not look at.
    weights: Vec<Option<i128>>,
}

/// A rule that is tried as if this much (hundredths of regular goods) had been bought beyond the order.
#[derive(Clone, Copy)]
pub struct Supposition {
    /// The rule's place in the evaluation.
    pub rule: usize,
    /// What its minimum lacks.
    pub extra: i64,
}

/// Dates what the rules give and shares it among the lines.
pub fn earn(purchase: &Purchase, verdicts: Vec<Verdict>) -> Result<Earned, Failure> {
    let teller = Teller::of(&purchase.document.settings);
    let mut earned = Earned { shares: vec![Vec::new(); purchase.lines.len()], ..Earned::default() };
    for (rule, verdict) in purchase.document.earning.iter().zip(verdicts) {
        let given = match verdict {
            Verdict::Misses(miss) => {
                earned.explanations.push(teller.miss(&rule.id, &miss));
                continue;
            }
            Verdict::Gives(given) => given,
        };
        let index = u32::try_from(earned.grants.len()).map_err(|_| Failure::Overflow)?;
        let weights: Vec<_> = given.weights.iter().map(|weight| weight.unwrap_or(0)).collect();
        let parts = match sharing::share(given.points, &weights)? {
            Some(parts) => parts,
            None => equally(given.points, &given.weights)?,
        };
        for (shares, points) in earned.shares.iter_mut().zip(parts) {
            if points > 0 {
                shares.push(Share { grant: index, points });
            }
        }
        earned.points = money::add(earned.points, given.points)?;
        earned.grants.push(grant(purchase.document, rule, purchase.order.occurred_at, given.points)?);
        earned.explanations.push(teller.gift(&rule.id, given.points, &given.gift));
    }
    Ok(earned)
}

/// What each rule says, in the order of evaluation. With a supposition one of them is tried on a larger order.
pub fn judge(purchase: &Purchase, supposition: Option<Supposition>) -> Result<Vec<Verdict>, Overflow> {
    let mut taken = vec![false; purchase.lines.len()];
    let mut verdicts = Vec::with_capacity(purchase.document.earning.len());
    for (index, rule) in purchase.document.earning.iter().enumerate() {
        let extra = supposition.filter(|supposition| supposition.rule == index).map(|supposition| supposition.extra);
        let verdict = evaluate(purchase, rule, &taken, extra)?;
        if let Verdict::Gives(given) = &verdict
            && rule.stop
        {
            for (taken, weight) in taken.iter_mut().zip(&given.weights) {
                *taken |= weight.is_some();
            }
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Dates points that a rule gives at an instant.
fn grant(document: &Document, rule: &EarningRule, at: i64, points: i64) -> Result<Grant, Failure> {
    let life = document.zone.life(at, &rule.lifetime).map_err(|why| undatable(why, "/occurred_at"))?;
    let (activates_at, expires_at) = (life.activates_at, life.expires_at);
    Ok(Grant { rule_id: rule.id.clone(), points, activates_at, expires_at })
}

/// The failure of a grant that can't be dated.
pub fn undatable(why: NoLife, pointer: &str) -> Failure {
    match why {
        NoLife::OutOfCalendar => invalid(pointer, "out_of_range", "points of this moment leave the calendar"),
        NoLife::ExpiresBeforeActivation => {
            let detail = "points of this moment would expire before they activate, because the zone skips a day";
            invalid(pointer, "expires_before_activation", detail)
        }
    }
}

fn evaluate(purchase: &Purchase, rule: &EarningRule, taken: &[bool], extra: Option<i64>) -> Result<Verdict, Overflow> {
    if let Some(miss) = unmet(purchase, &rule.when) {
        return Ok(Verdict::Misses(miss));
    }
    let meant = |line: &EarningLine| rule.when.products.as_ref().is_none_or(|products| selects(products, line.line));
    let mut selected = Vec::with_capacity(purchase.lines.len());
    let mut any_meant = false;
    for (line, taken) in purchase.lines.iter().zip(taken) {
        let meant = meant(line);
        any_meant |= meant;
        selected.push((meant && !taken).then_some(line));
    }
    if selected.iter().all(Option::is_none) {
        return Ok(Verdict::Misses(if any_meant { Miss::LinesTaken } else { Miss::NoMatchingGoods }));
    }
    if extra.is_none()
        && let Some(miss) = outside_total(purchase.items, &rule.when)?
    {
        return Ok(Verdict::Misses(miss));
    }
    match rule.reward {
        Reward::Fixed(points) => {
            let weights = selected.iter().map(|line| line.map(|line| line.amount.into())).collect();
            Ok(Verdict::Gives(Given { points, gift: Gift::Fixed, weights }))
        }
        Reward::Percent(Some(rates)) => percent(purchase, &selected, rates, None, extra),
        Reward::Percent(None) => match tier_rates(purchase.tier) {
            Some((tier, rates)) => percent(purchase, &selected, rates, Some(tier), extra),
            None => Ok(Verdict::Misses(Miss::NoTier(missing_to_first(purchase)))),
        },
    }
}

/// The first condition on the order that does not hold, apart from its total.
fn unmet(purchase: &Purchase, when: &Conditions) -> Option<Miss> {
    if !allows(&when.channels, Some(&purchase.order.channel)) {
        return Some(Miss::OtherChannel);
    }
    if !allows(&when.stores, purchase.order.store.as_deref()) {
        return Some(Miss::OtherStore);
    }
    if !allows(&when.tiers, purchase.tier.map(|tier| tier.id.as_str())) {
        let spend = purchase.member.qualifying_spend;
        let tiers = purchase.document.settings.tiers.iter();
        let wanted = tiers.filter(|tier| allows(&when.tiers, Some(&tier.id)));
        return Some(Miss::OtherTier(wanted.map(|tier| standing::missing(tier, spend)).find(|missing| *missing > 0)));
    }
    match when.first_order {
        Some(true) if purchase.member.orders > 0 => Some(Miss::NotFirstOrder),
        Some(false) if purchase.member.orders == 0 => Some(Miss::FirstOrder),
        _ => None,
    }
}

fn outside_total(items: i64, when: &Conditions) -> Result<Option<Miss>, Overflow> {
    let Some(total) = when.order_total else { return Ok(None) };
    if let Some(minimum) = total.min.filter(|minimum| items < *minimum) {
        return Ok(Some(Miss::BelowMinimum { minimum, missing: money::subtract(minimum, items)? }));
    }
    Ok(total.below.filter(|below| items >= *below).map(Miss::NotBelow))
}

/// The rates of a tier that has some.
fn tier_rates(tier: Option<&Tier>) -> Option<(&Tier, Rates)> {
    let tier = tier?;
    let regular = tier.rate?;
    Some((tier, Rates { regular, promo: tier.rate_promo.unwrap_or(regular) }))
}

fn missing_to_first(purchase: &Purchase) -> Option<i64> {
    let first = purchase.document.settings.tiers.first()?;
    Some(standing::missing(first, purchase.member.qualifying_spend)).filter(|missing| *missing > 0)
}

fn percent(
    purchase: &Purchase,
    selected: &[Option<&EarningLine>],
    rates: Rates,
    tier: Option<&Tier>,
    extra: Option<i64>,
) -> Result<Verdict, Overflow> {
    let product = |basis: i64, rate: i64| i128::from(basis).checked_mul(rate.into()).ok_or(Overflow);
    let (mut regular, mut promo, mut after_points) = (None, None, false);
    let mut weights = Vec::with_capacity(selected.len());
    let mut whole = product(extra.unwrap_or(0), rates.regular)?;
    for line in selected {
        let Some(line) = line else {
            weights.push(None);
            continue;
        };
        let (rate, sum) = if line.line.promo { (rates.promo, &mut promo) } else { (rates.regular, &mut regular) };
        let (_, basis) = sum.unwrap_or((rate, 0));
        *sum = Some((rate, money::add(basis, line.basis)?));
        after_points |= line.basis < line.amount;
        let weight = product(line.basis, rate)?;
        whole = whole.checked_add(weight).ok_or(Overflow)?;
        weights.push(Some(weight));
    }
    let points = points_of(whole, purchase.document.settings.points_scale)?;
    if points == 0 {
        let paid = selected.iter().flatten().any(|line| line.basis > 0);
        return Ok(Verdict::Misses(if paid { Miss::RoundsToZero } else { Miss::NothingPaid }));
    }
    let gift = Gift::Percent { tier: tier.map(|tier| tier.name.clone()), regular, promo, after_points };
    Ok(Verdict::Gives(Given { points, gift, weights }))
}

/// Points (minor units) of a sum of hundredths times parts per million, rounded down: one point for each whole unit
/// of money, whatever a point pays.
fn points_of(sum: i128, scale: u8) -> Result<i64, Overflow> {
    let hundredths_and_parts = i128::from(ONE_HUNDRED_PERCENT).checked_mul(100).ok_or(Overflow)?;
    money::bounded(money::multiply_divide(sum, money::units_per_whole(scale)?, hundredths_and_parts, Rounding::Down)?)
}

/// Shares among lines that are all worth nothing.
fn equally(points: i64, weights: &[Option<i128>]) -> Result<Vec<i64>, Overflow> {
    let ones: Vec<_> = weights.iter().map(|weight| i128::from(weight.is_some())).collect();
    sharing::share(points, &ones)?.ok_or(Overflow)
}
