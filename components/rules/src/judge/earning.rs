//! The fourth stage: what each earning rule gives, in the order of evaluation.
//!
//! Earned is on the lines net of discounts and, unless the program says otherwise, of money paid by points. A rule is
//! rounded once, on its sum or on each line as the program declares, then capped, shared among its lines, and cut where
//! a line would fall below the margin floor.

use crate::calendar::NoLife;
use crate::document::{Document, EarningRule, ONE_HUNDRED_PERCENT, Rates, Reward};
use crate::engine::{Explanation, Failure, Grant, Line, MarginCut, Order, Share, Tier};
use crate::money::{self, Overflow, Rounding, multiply_divide};

use super::explaining::{Cap, Gift, Miss, Teller};
use super::scene::Scene;
use super::{guard, invalid, sharing, standing};

/// An order as far as the rules look at it.
pub struct Purchase<'a> {
    /// Who, when, where.
    pub scene: Scene<'a>,
    /// What is bought.
    pub order: &'a Order,
    /// In the order's sequence.
    pub lines: Vec<EarningLine<'a>>,
}

/// A line as far as the rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct EarningLine<'o> {
    /// As ordered.
    pub line: &'o Line,
    /// Its amount in hundredths.
    pub amount: i64,
    /// What points are earned on, in hundredths.
    pub basis: i64,
    /// Whether points paid a part of it.
    pub after_points: bool,
    /// The most points (minor units) that the margin guard lets it earn; none: it is not guarded.
    pub most: Option<i64>,
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
    /// What the margin guard kept back of each line.
    pub cuts: Vec<Vec<MarginCut>>,
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

/// What a rule that fires gives.
pub struct Given {
    /// Minor units, above 0: sum of the parts.
    points: i64,
    /// How it came to them.
    gift: Gift,
    /// Each line's part.
    parts: Vec<i64>,
    /// What the margin guard kept back of each line.
    cuts: Vec<i64>,
}

/// What a rule would give before caps and guard.
struct Wanted {
    points: i64,
    gift: Gift,
    /// By which the points are shared; 0 for lines that the rule does not look at.
    weights: Vec<i128>,
}

/// Dates what the rules give.
pub fn earn(purchase: &Purchase, verdicts: Vec<Verdict>) -> Result<Earned, Failure> {
    let document = purchase.scene.document;
    let teller = Teller::of(document);
    let count = purchase.lines.len();
    let mut earned = Earned { shares: vec![Vec::new(); count], cuts: vec![Vec::new(); count], ..Earned::default() };
    for (rule, verdict) in document.earning.iter().zip(verdicts) {
        let given = match verdict {
            Verdict::Misses(miss) => {
                earned.explanations.push(teller.miss(&rule.id, &miss));
                continue;
            }
            Verdict::Gives(given) => given,
        };
        let index = u32::try_from(earned.grants.len()).map_err(|_| Failure::Overflow)?;
        for ((shares, cuts), (points, cut)) in
            earned.shares.iter_mut().zip(earned.cuts.iter_mut()).zip(given.parts.iter().zip(&given.cuts))
        {
            if *points > 0 {
                shares.push(Share { grant: index, points: *points });
            }
            if *cut > 0 {
                cuts.push(MarginCut { rule_id: rule.id.clone(), money: 0, points: *cut });
            }
        }
        earned.points = money::add(earned.points, given.points)?;
        earned.grants.push(grant(document, &rule.id, &rule.lifetime, purchase.order.occurred_at, given.points)?);
        earned.explanations.push(teller.gift(&rule.id, given.points, &given.gift));
    }
    Ok(earned)
}

/// What the rules have given so far, as later ones see it.
struct Progress<'d> {
    /// Lines that a rule keeps for itself.
    closed: Vec<bool>,
    /// Points of each line.
    points: Vec<i64>,
    /// Lines that were rewarded.
    rewarded: Vec<bool>,
    any_fired: bool,
    exclusive: Option<&'d EarningRule>,
}

/// What each rule says, in the order of evaluation.
pub fn judge(purchase: &Purchase) -> Result<Vec<Verdict>, Overflow> {
    let count = purchase.lines.len();
    let mut progress = Progress {
        closed: vec![false; count],
        points: vec![0; count],
        rewarded: vec![false; count],
        any_fired: false,
        exclusive: None,
    };
    let rules = &purchase.scene.document.earning;
    let mut verdicts = Vec::with_capacity(rules.len());
    for rule in rules {
        let verdict = evaluate(purchase, rule, &progress)?;
        if let Verdict::Gives(given) = &verdict {
            progress.any_fired = true;
            if rule.company.exclusive {
                progress.exclusive = Some(rule);
            }
            // a line that got nothing is still open to later rules
            for (closed, part) in progress.closed.iter_mut().zip(&given.parts) {
                *closed |= rule.company.stop && *part > 0;
            }
            for (rewarded, part) in progress.rewarded.iter_mut().zip(&given.parts) {
                *rewarded |= *part > 0;
            }
            for (sum, part) in progress.points.iter_mut().zip(&given.parts) {
                *sum = money::add(*sum, *part)?;
            }
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Dates points that a rule gives at an instant.
pub fn grant(
    document: &Document,
    rule_id: &str,
    lifetime: &crate::calendar::Lifetime,
    at: i64,
    points: i64,
) -> Result<Grant, Failure> {
    let life = document.zone.life(at, lifetime).map_err(|why| undatable(why, "/occurred_at"))?;
    let (activates_at, expires_at) = (life.activates_at, life.expires_at);
    Ok(Grant { rule_id: rule_id.to_owned(), points, activates_at, expires_at })
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

fn evaluate(purchase: &Purchase, rule: &EarningRule, progress: &Progress) -> Result<Verdict, Overflow> {
    let scene = &purchase.scene;
    if let Some(miss) = scene.unmet(&rule.id, &rule.when) {
        return Ok(Verdict::Misses(miss));
    }
    if progress.exclusive.is_some() || (rule.company.exclusive && progress.any_fired) {
        return Ok(Verdict::Misses(Miss::Excluded));
    }
    let mut selected = Vec::with_capacity(purchase.lines.len());
    let mut any_meant = false;
    for ((line, closed), rewarded) in purchase.lines.iter().zip(&progress.closed).zip(&progress.rewarded) {
        let meant = scene.means(&rule.id, &rule.when, line.line);
        any_meant |= meant;
        selected.push(meant && !closed && (rule.company.stackable || !rewarded));
    }
    if !selected.contains(&true) {
        return Ok(Verdict::Misses(if any_meant { Miss::LinesTaken } else { Miss::NoMatchingGoods }));
    }
    if let Some(miss) = scene.outside_total(&rule.when)? {
        return Ok(Verdict::Misses(miss));
    }
    let pieces = purchase.lines.iter().zip(&selected).filter(|(_, chosen)| **chosen).map(|(line, _)| line.line.quantity);
    let pieces = pieces.fold(0_i64, i64::saturating_add);
    if let Some(miss) = Scene::outside_quantity(&rule.when, pieces)? {
        return Ok(Verdict::Misses(miss));
    }
    let wanted = match rule.reward {
        Reward::Fixed(points) => {
            let weights = weights(purchase, &selected, |line| line.amount.into());
            Ok(Wanted { points, gift: Gift::Fixed, weights })
        }
        Reward::PerAmount { points, every } => per_amount(purchase, &selected, points, every)?,
        Reward::Multiplier(factor) => multiplied(purchase, &selected, &progress.points, factor)?,
        Reward::Percent(Some(rates)) => percent(purchase, &selected, rates, None)?,
        Reward::Percent(None) => match tier_rates(scene.tier) {
            Some((tier, rates)) => percent(purchase, &selected, rates, Some(tier))?,
            None => Err(Miss::NoTier(missing_to_first(scene))),
        },
    };
    match wanted {
        Err(miss) => Ok(Verdict::Misses(miss)),
        Ok(wanted) => limited(purchase, rule, wanted, &selected, &progress.points),
    }
}

/// Caps what a rule would give, shares it among the lines and lets the margin guard cut it.
fn limited(
    purchase: &Purchase,
    rule: &EarningRule,
    wanted: Wanted,
    selected: &[bool],
    earned: &[i64],
) -> Result<Verdict, Overflow> {
    let (most, cap) = match super::caps::most(&purchase.scene, &rule.id, &rule.limits, wanted.points) {
        Ok(most) => most,
        Err(miss) => return Ok(Verdict::Misses(miss)),
    };
    let mut parts = match sharing::share(most, &wanted.weights)? {
        Some(parts) => parts,
        None => equally(most, selected)?,
    };
    let mut cuts = vec![0; parts.len()];
    for (((part, cut), line), earned) in parts.iter_mut().zip(cuts.iter_mut()).zip(&purchase.lines).zip(earned) {
        if let Some(most) = line.most {
            let kept = (*part).min(most.saturating_sub(*earned).max(0));
            *cut = money::subtract(*part, kept)?;
            *part = kept;
        }
    }
    let points = money::sum(parts.iter().copied())?;
    if points == 0 {
        return Ok(Verdict::Misses(Miss::MarginFloor));
    }
    let cap = if points < most { Some(Cap::MarginFloor) } else { cap };
    let gift = match cap {
        Some(cap) => Gift::Capped { gift: Box::new(wanted.gift), wanted: wanted.points, cap },
        None => wanted.gift,
    };
    Ok(Verdict::Gives(Given { points, gift, parts, cuts }))
}

/// The rates of a tier that has some.
fn tier_rates(tier: Option<&Tier>) -> Option<(&Tier, Rates)> {
    let tier = tier?;
    let regular = tier.rate?;
    Some((tier, Rates { regular, promo: tier.rate_promo.unwrap_or(regular) }))
}

fn missing_to_first(scene: &Scene) -> Option<i64> {
    let first = scene.document.settings.tiers.first()?;
    let counted = standing::counted(scene.document, scene.member);
    Some(standing::missing(first, counted)).filter(|missing| *missing > 0)
}

fn weights(purchase: &Purchase, selected: &[bool], weight: impl Fn(&EarningLine) -> i128) -> Vec<i128> {
    purchase.lines.iter().zip(selected).map(|(line, chosen)| if *chosen { weight(line) } else { 0 }).collect()
}

/// So many points for each full amount of the lines' basis together.
fn per_amount(purchase: &Purchase, selected: &[bool], points: i64, every: i64) -> Result<Result<Wanted, Miss>, Overflow> {
    let weights = weights(purchase, selected, |line| line.basis.into());
    let whole = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight)).ok_or(Overflow)?;
    let basis = money::bounded(whole)?;
    let times = basis.checked_div(every).ok_or(Overflow)?;
    if times == 0 {
        let missing = money::subtract(every, basis)?;
        return Ok(Err(Miss::BelowMinimum { minimum: every, missing }));
    }
    let points = money::bounded(i128::from(times).checked_mul(points.into()).ok_or(Overflow)?)?;
    Ok(Ok(Wanted { points, gift: Gift::PerAmount { basis, every, times }, weights }))
}

/// What earlier rules gave on the lines, so many times more.
fn multiplied(purchase: &Purchase, selected: &[bool], earned: &[i64], factor: i64) -> Result<Result<Wanted, Miss>, Overflow> {
    let document = purchase.scene.document;
    let of_lines: Vec<_> = earned.iter().zip(selected).map(|(points, chosen)| if *chosen { *points } else { 0 }).collect();
    let base = money::sum(of_lines.iter().copied())?;
    let more = factor.checked_sub(ONE_HUNDRED_PERCENT).ok_or(Overflow)?;
    let (points, parts) = if document.rounding.by_line {
        let parts = of_lines.iter().map(|points| times(*points, more, document)).collect::<Result<Vec<_>, _>>()?;
        (money::sum(parts.iter().copied())?, parts)
    } else {
        (times(base, more, document)?, of_lines)
    };
    if points == 0 {
        return Ok(Err(if base == 0 { Miss::NothingToMultiply } else { Miss::RoundsToZero }));
    }
    let weights = parts.into_iter().map(i128::from).collect();
    Ok(Ok(Wanted { points, gift: Gift::Multiplied { base, factor }, weights }))
}

/// Points times a factor (parts per million), rounded as the program declares.
fn times(points: i64, factor: i64, document: &Document) -> Result<i64, Overflow> {
    let rounding = document.rounding;
    let step = units_of_scale(document, rounding.scale)?;
    let denominator = i128::from(ONE_HUNDRED_PERCENT).checked_mul(step).ok_or(Overflow)?;
    let steps = multiply_divide(points.into(), factor.into(), denominator, rounding.mode)?;
    money::bounded(steps.checked_mul(step).ok_or(Overflow)?)
}

fn percent(purchase: &Purchase, selected: &[bool], rates: Rates, tier: Option<&Tier>) -> Result<Result<Wanted, Miss>, Overflow> {
    let product = |basis: i64, rate: i64| i128::from(basis).checked_mul(rate.into()).ok_or(Overflow);
    let document = purchase.scene.document;
    let (mut regular, mut promo, mut after_points) = (None, None, false);
    let mut weights = Vec::with_capacity(selected.len());
    let (mut whole, mut by_line) = (0_i128, 0);
    for (line, chosen) in purchase.lines.iter().zip(selected) {
        if !chosen {
            weights.push(0);
            continue;
        }
        let (rate, sum) = if line.line.promo { (rates.promo, &mut promo) } else { (rates.regular, &mut regular) };
        let (_, basis) = sum.unwrap_or((rate, 0));
        *sum = Some((rate, money::add(basis, line.basis)?));
        after_points |= line.after_points;
        let weight = product(line.basis, rate)?;
        whole = whole.checked_add(weight).ok_or(Overflow)?;
        if document.rounding.by_line {
            let points = points_of(weight, document)?;
            by_line = money::add(by_line, points)?;
            weights.push(points.into());
        } else {
            weights.push(weight);
        }
    }
    let points = if document.rounding.by_line { by_line } else { points_of(whole, document)? };
    if points == 0 {
        let basis = regular.into_iter().chain(promo).any(|(_, basis)| basis > 0);
        return Ok(Err(match (whole > 0, basis) {
            (true, _) => Miss::RoundsToZero,
            (false, true) => Miss::NoRate,
            (false, false) => Miss::NothingPaid,
        }));
    }
    let gift = Gift::Percent { tier: tier.map(|tier| tier.name.clone()), regular, promo, after_points };
    Ok(Ok(Wanted { points, gift, weights }))
}

/// Points (minor units) of a sum of hundredths times parts per million, rounded as the program declares: one point for
/// each whole unit of money, whatever a point pays.
fn points_of(sum: i128, document: &Document) -> Result<i64, Overflow> {
    let rounding = document.rounding;
    let hundredths_and_parts = i128::from(ONE_HUNDRED_PERCENT).checked_mul(100).ok_or(Overflow)?;
    let steps = multiply_divide(sum, money::units_per_whole(rounding.scale)?, hundredths_and_parts, rounding.mode)?;
    money::bounded(steps.checked_mul(units_of_scale(document, rounding.scale)?).ok_or(Overflow)?)
}

/// Minor units in one unit of a coarser scale.
fn units_of_scale(document: &Document, scale: u8) -> Result<i128, Overflow> {
    money::units_per_whole(document.settings.points_scale.saturating_sub(scale))
}

/// Shares among lines that are all worth nothing.
fn equally(points: i64, selected: &[bool]) -> Result<Vec<i64>, Overflow> {
    let ones: Vec<_> = selected.iter().map(|chosen| i128::from(*chosen)).collect();
    sharing::share(points, &ones)?.ok_or(Overflow)
}

/// A line's earning basis (hundredths) of what it brings after discounts, what points pay of it, and its part of the
/// delivery, as the program declares it.
pub fn basis(document: &Document, line: &Line, net: i64, amount: i64, paid: i64, delivery: i64) -> Result<i64, Overflow> {
    let declared = document.basis;
    let mut basis = if declared.gross_of_points { net } else { money::subtract(net, paid)? };
    if declared.without_tax && amount > 0 {
        // tax is contained in the line's amount: what is left of the amount contains its share of the tax
        let tax = line.tax.unwrap_or(0).min(amount);
        let kept = money::subtract(amount, tax)?;
        basis = money::bounded(multiply_divide(basis.into(), kept.into(), amount.into(), Rounding::HalfUp)?)?;
    }
    money::add(basis, delivery)
}

/// The most points that the margin guard lets a line earn, when it brings so much.
pub fn most_points(document: &Document, brings: i64, lowest: Option<i64>) -> Result<Option<i64>, Overflow> {
    if lowest.is_none() || !guard::covers(document, |guard| guard.earning) {
        return Ok(None);
    }
    guard::points_within(document, guard::room(brings, lowest, true)).map(Some)
}
