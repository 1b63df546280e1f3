//! The fourth stage: what each earning rule gives, in the order of evaluation.
//!
//! Earned is on the lines net of discounts and, unless the program says otherwise, of money paid by points. A rule is
//! rounded once, on its sum or on each line as the program declares, then capped, shared among its lines, and cut where
//! a line would fall below the margin floor.

use std::rc::Rc;

use crate::calendar::{Life, Lifetime, NoLife};
use crate::document::{Document, EarningRule};
use crate::engine::{Explanation, Failure, Grant, Line, MarginCut, Share};
use crate::money::{self, Overflow, Rounding, multiply_divide};

use super::explaining::{Cap, Gift, Miss, Teller};
use super::goods::{Goods, Purchase};
use super::rewards::{Wanted, wanted};
use super::scene::Scene;
use super::{guard, invalid, sharing};

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
pub enum Verdict<'a> {
    /// It fires.
    Gives(Given<'a>),
    /// It does not.
    Misses(Miss),
}

impl Verdict<'_> {
    /// Minor units given; 0 when the rule does not fire.
    fn points(&self) -> i64 {
        match self {
            Verdict::Gives(given) => given.points,
            Verdict::Misses(_) => 0,
        }
    }
}

/// What a rule that fires gives.
pub struct Given<'a> {
    /// Minor units, above 0: sum of the parts.
    points: i64,
    /// How it came to them.
    gift: Gift<'a>,
    /// The lines that the rule looked at.
    goods: Rc<Goods>,
    /// The part of each of them.
    parts: Vec<i64>,
    /// What the margin guard kept back of each of them; empty when it guards no line of the order.
    cuts: Vec<i64>,
}

/// What the rules have given so far, as later ones see it.
struct Progress {
    /// Lines that a rule keeps for itself.
    closed: Vec<bool>,
    any_closed: bool,
    /// Points of each line.
    points: Vec<i64>,
    /// Lines that were rewarded.
    rewarded: Vec<bool>,
    any_fired: bool,
    /// A rule fired that fires alone.
    exclusive: bool,
}

impl Progress {
    /// Nothing, on so many lines.
    fn none(lines: usize) -> Self {
        let no = vec![false; lines];
        Self { closed: no.clone(), any_closed: false, points: vec![0; lines], rewarded: no, any_fired: false, exclusive: false }
    }

    /// Counts what a rule gives.
    fn note(&mut self, rule: &EarningRule, verdict: &Verdict) -> Result<(), Overflow> {
        let Verdict::Gives(given) = verdict else { return Ok(()) };
        self.any_fired = true;
        self.any_closed |= rule.company.stop;
        self.exclusive |= rule.company.exclusive;
        // a line that got nothing is still open to later rules
        for (place, part) in given.goods.places.iter().zip(&given.parts).filter(|(_, part)| **part > 0) {
            if let Some(closed) = self.closed.get_mut(*place) {
                *closed |= rule.company.stop;
            }
            if let Some(rewarded) = self.rewarded.get_mut(*place) {
                *rewarded = true;
            }
            if let Some(sum) = self.points.get_mut(*place) {
                *sum = money::add(*sum, *part)?;
            }
        }
        Ok(())
    }

    /// What earlier rules leave of a rule's goods.
    fn left_of(&self, purchase: &Purchase, rule: &EarningRule, meant: &Rc<Goods>) -> Result<Rc<Goods>, Overflow> {
        let untouched = !self.any_closed && (rule.company.stackable || !self.any_fired);
        if untouched {
            return Ok(meant.clone());
        }
        let is = |flags: &[bool], place: usize| flags.get(place).copied().unwrap_or(false);
        let left = |place: &usize| !is(&self.closed, *place) && (rule.company.stackable || !is(&self.rewarded, *place));
        purchase.goods_at(meant.places.iter().copied().filter(left).collect()).map(Rc::new)
    }
}

/// What each rule says, in the order of evaluation.
pub fn judge<'a>(purchase: &Purchase<'a>) -> Result<Vec<Verdict<'a>>, Overflow> {
    let rules = &purchase.document().earning;
    let mut progress = Progress::none(purchase.lines.len());
    let mut verdicts = Vec::with_capacity(rules.len());
    for rule in rules {
        let verdict = evaluate(purchase, rule, &progress)?;
        progress.note(rule, &verdict)?;
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Dates what the rules give.
pub fn earn(purchase: &Purchase, verdicts: &[Verdict]) -> Result<Earned, Failure> {
    let document = purchase.document();
    let teller = Teller::of(document);
    let mut earned = Earned {
        grants: Vec::with_capacity(verdicts.iter().filter(|verdict| verdict.points() > 0).count()),
        shares: empty_shares(purchase, verdicts),
        cuts: vec![Vec::new(); purchase.lines.len()],
        explanations: Vec::with_capacity(verdicts.len()),
        ..Earned::default()
    };
    let mut calendar = Calendar { scene: &purchase.scene, last: None };
    for (rule, verdict) in document.earning.iter().zip(verdicts) {
        let given = match verdict {
            Verdict::Misses(miss) => {
                earned.explanations.push(teller.miss(&rule.id, miss));
                continue;
            }
            Verdict::Gives(given) => given,
        };
        let index = u32::try_from(earned.grants.len()).map_err(|_| Failure::Overflow)?;
        for (place, points) in given.goods.places.iter().zip(&given.parts).filter(|(_, points)| **points > 0) {
            if let Some(shares) = earned.shares.get_mut(*place) {
                shares.push(Share { grant: index, points: *points });
            }
        }
        for (place, cut) in given.goods.places.iter().zip(&given.cuts).filter(|(_, cut)| **cut > 0) {
            if let Some(cuts) = earned.cuts.get_mut(*place) {
                cuts.push(MarginCut { rule_id: rule.id.clone(), money: 0, points: *cut });
            }
        }
        earned.points = money::add(earned.points, given.points)?;
        earned.grants.push(calendar.grant(&rule.id, &rule.lifetime, given.points)?);
        earned.explanations.push(teller.gift(&rule.id, given.points, &given.gift));
    }
    Ok(earned)
}

/// Room for each line's shares, so that it is asked for once.
fn empty_shares(purchase: &Purchase, verdicts: &[Verdict]) -> Vec<Vec<Share>> {
    let mut counts = vec![0_usize; purchase.lines.len()];
    for verdict in verdicts {
        let Verdict::Gives(given) = verdict else { continue };
        for (place, _) in given.goods.places.iter().zip(&given.parts).filter(|(_, points)| **points > 0) {
            if let Some(count) = counts.get_mut(*place) {
                *count = count.saturating_add(1);
            }
        }
    }
    counts.into_iter().map(Vec::with_capacity).collect()
}

/// Dates grants. Most rules of a program let their points live equally long: that is computed once.
pub struct Calendar<'s, 'a> {
    /// Where the moment is, and the zone.
    pub scene: &'s Scene<'a>,
    /// What was dated last.
    pub last: Option<(&'a Lifetime, Life)>,
}

impl<'a> Calendar<'_, 'a> {
    /// Dates points that a rule gives.
    pub fn grant(&mut self, rule_id: &str, lifetime: &'a Lifetime, points: i64) -> Result<Grant, Failure> {
        let life = match self.last {
            Some((last, life)) if last == lifetime => life,
            _ => {
                let life = self.scene.document.zone.life_from(self.scene.at, self.scene.local, lifetime);
                life.map_err(|why| undatable(why, "/occurred_at"))?
            }
        };
        self.last = Some((lifetime, life));
        let (activates_at, expires_at) = (life.activates_at, life.expires_at);
        Ok(Grant { rule_id: rule_id.to_owned(), points, activates_at, expires_at })
    }
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

fn evaluate<'a>(purchase: &Purchase<'a>, rule: &EarningRule, progress: &Progress) -> Result<Verdict<'a>, Overflow> {
    let scene = &purchase.scene;
    if let Some(miss) = scene.unmet(&rule.id, &rule.when) {
        return Ok(Verdict::Misses(miss));
    }
    if progress.exclusive || (rule.company.exclusive && progress.any_fired) {
        return Ok(Verdict::Misses(Miss::Excluded));
    }
    let meant = purchase.goods_of(rule)?;
    let goods = progress.left_of(purchase, rule, &meant)?;
    if goods.places.is_empty() {
        return Ok(Verdict::Misses(if meant.places.is_empty() { Miss::NoMatchingGoods } else { Miss::LinesTaken }));
    }
    if let Some(miss) = scene.outside_total(&rule.when)? {
        return Ok(Verdict::Misses(miss));
    }
    if let Some(miss) = Scene::outside_quantity(&rule.when, goods.pieces)? {
        return Ok(Verdict::Misses(miss));
    }
    match wanted(purchase, rule, &goods, &progress.points)? {
        Err(miss) => Ok(Verdict::Misses(miss)),
        Ok(wanted) => limited(purchase, rule, wanted, &goods, &progress.points),
    }
}

/// Caps what a rule would give, shares it among the lines and lets the margin guard cut it.
fn limited<'a>(
    purchase: &Purchase<'a>,
    rule: &EarningRule,
    wanted: Wanted<'a, '_>,
    goods: &Rc<Goods>,
    earned: &[i64],
) -> Result<Verdict<'a>, Overflow> {
    let (most, cap) = match super::caps::most(&purchase.scene, &rule.id, &rule.limits, wanted.points) {
        Ok(most) => most,
        Err(miss) => return Ok(Verdict::Misses(miss)),
    };
    let mut parts = match sharing::share(most, &wanted.weights)? {
        Some(parts) => parts,
        // lines that are all worth nothing
        None => sharing::share(most, &vec![1; goods.places.len()])?.ok_or(Overflow)?,
    };
    let cuts = if purchase.guarded { cut(purchase, goods, &mut parts, earned)? } else { Vec::new() };
    let points = if cuts.is_empty() { most } else { money::sum(parts.iter().copied())? };
    if points == 0 {
        return Ok(Verdict::Misses(Miss::MarginFloor));
    }
    let cap = if points < most { Some(Cap::MarginFloor) } else { cap };
    let gift = match cap {
        Some(cap) => Gift::Capped { gift: Box::new(wanted.gift), wanted: wanted.points, cap },
        None => wanted.gift,
    };
    Ok(Verdict::Gives(Given { points, gift, goods: goods.clone(), parts, cuts }))
}

/// Takes from the parts what the margin guard keeps back, and answers it.
fn cut(purchase: &Purchase, goods: &Goods, parts: &mut [i64], earned: &[i64]) -> Result<Vec<i64>, Overflow> {
    let mut cuts = vec![0; parts.len()];
    for ((part, cut), place) in parts.iter_mut().zip(cuts.iter_mut()).zip(&goods.places) {
        let Some(most) = purchase.lines.get(*place).and_then(|line| line.most) else { continue };
        let earned = earned.get(*place).copied().unwrap_or(0);
        let kept = (*part).min(most.saturating_sub(earned).max(0));
        *cut = money::subtract(*part, kept)?;
        *part = kept;
    }
    Ok(cuts)
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
