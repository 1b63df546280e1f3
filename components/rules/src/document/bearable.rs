//! Rates that no margin bears: even goods that cost nothing keep less than the floor when more than the rest is given away.

use std::collections::BTreeSet;

use super::checks::Blocks;
use super::discounts::{Benefit, DiscountRule};
use super::earning::{Company, EarningRule, Reward};
use super::margin::MarginGuard;
use super::meeting::{get_on, may_meet};
use super::reader::{Findings, ONE_HUNDRED_PERCENT};
use super::tiers::Tiers;
use crate::engine::Tier;
use crate::text;

/// Checks every rate that the guard covers, and those that can come together on one line.
pub fn check(blocks: &Blocks, guard: MarginGuard, findings: &mut Findings) {
    let mut floor = Floor { floor: guard.floor, most: ONE_HUNDRED_PERCENT.saturating_sub(guard.floor), findings };
    if guard.discounts {
        for rule in blocks.discounts {
            for (field, rate) in rates(&rule.benefit) {
                floor.check(format!("/discounts/{}/{field}", rule.place), &format!("\"{}\" gives", rule.id), rate);
            }
        }
        tier_rates(blocks.tiers, "discount", |tier| tier.discount, &mut floor);
        discounts_together(blocks.discounts, blocks.tiers, &mut floor);
    }
    if guard.earning {
        earning(blocks, &mut floor);
        let worth = |rate: Option<i64>| rate.map(|rate| worth_of_rate(rate, blocks.conversion_rate));
        tier_rates(blocks.tiers, "rate", |tier| worth(tier.rate), &mut floor);
        tier_rates(blocks.tiers, "rate_promo", |tier| worth(tier.rate_promo), &mut floor);
    }
    if let Some(redemption) = blocks.redemption.filter(|_| guard.redemption) {
        floor.check("/redemption/max_share".to_owned(), "points may pay", redemption.max_share);
    }
}

/// The floor, and where to say that something goes below it.
struct Floor<'f> {
    floor: i64,
    /// What may be given away.
    most: i64,
    findings: &'f mut Findings,
}

impl Floor<'_> {
    fn check(&mut self, pointer: String, what: &str, rate: i64) {
        if rate > self.most {
            let detail = format!(
                "{what} {}, and the margin floor of {} leaves at most {}; lower the rate, or the floor",
                text::percent(rate),
                text::percent(self.floor),
                text::percent(self.most)
            );
            self.findings.note(&pointer, "rate_exceeds_margin", detail);
        }
    }
}

fn tier_rates(tiers: &Tiers, field: &str, rate: impl Fn(&Tier) -> Option<i64>, floor: &mut Floor) {
    for (tier, place) in tiers.tiers.iter().zip(&tiers.places) {
        if let Some(rate) = rate(tier) {
            floor.check(format!("{place}/{field}"), &format!("\"{}\" gives", tier.id), rate);
        }
    }
}

/// The fields that set how much of the price a discount takes off, and how much. A price or an amount takes off as much as
/// the goods' own prices make of it.
fn rates(benefit: &Benefit) -> Vec<(String, i64)> {
    match benefit {
        Benefit::Percent(rate) => vec![("rate".to_owned(), *rate)],
        Benefit::Steps { steps, .. } => {
            steps.iter().enumerate().map(|(index, (_, rate))| (format!("steps/{index}/rate"), *rate)).collect()
        }
        // of the pieces together
        Benefit::BuyGet { buy, get, rate } => {
            let off = rate.saturating_mul(*get).checked_div(buy.saturating_add(*get)).unwrap_or(*rate);
            vec![("get".to_owned(), off)]
        }
        Benefit::Tier | Benefit::Price(_) | Benefit::Amount(_) => Vec::new(),
    }
}

/// The most that a discount takes off, and its field.
fn highest(rule: &DiscountRule, tiers: &Tiers) -> (String, i64) {
    let place = format!("/discounts/{}", rule.place);
    if rule.benefit == Benefit::Tier {
        return (place, highest_of_tiers(tiers, rule.when.tiers.as_ref(), |tier| tier.discount));
    }
    let highest = rates(&rule.benefit).into_iter().max_by_key(|(_, rate)| *rate);
    highest.map_or((place.clone(), 0), |(field, rate)| (format!("{place}/{field}"), rate))
}

fn highest_of_tiers(tiers: &Tiers, only: Option<&BTreeSet<String>>, rate: impl Fn(&Tier) -> Option<i64>) -> i64 {
    let meant = tiers.tiers.iter().filter(|tier| only.is_none_or(|only| only.contains(&tier.id)));
    meant.filter_map(rate).max().unwrap_or(0)
}

/// A discount that does not go too far by itself.
struct Weighed<'d> {
    rule: &'d DiscountRule,
    rate: i64,
    /// Places in the list of those before it that can come together with it.
    met: BTreeSet<usize>,
}

/// Each discount sees what the earlier ones left. One that goes too far by itself was named already.
fn discounts_together(rules: &[DiscountRule], tiers: &Tiers, floor: &mut Floor) {
    let mut before: Vec<Weighed> = Vec::new();
    for rule in rules {
        let (pointer, rate) = highest(rule, tiers);
        if rate == 0 || rate > floor.most {
            continue;
        }
        let meets = |earlier: &Weighed| get_on(earlier.rule.company, rule.company) && may_meet(&earlier.rule.when, &rule.when);
        let met = before.iter().enumerate().filter(|(_, earlier)| meets(earlier)).map(|(place, _)| place).collect();
        let weighed = Weighed { rule, rate, met };
        let (mut together, mut left) = (vec![&weighed], ONE_HUNDRED_PERCENT.saturating_sub(rate));
        for (place, earlier) in before.iter().enumerate().rev() {
            if together.iter().all(|later| later.met.contains(&place)) {
                together.push(earlier);
                left = part(left, ONE_HUNDRED_PERCENT.saturating_sub(earlier.rate));
            }
        }
        if together.len() > 1 {
            let ids: Vec<_> = together.iter().rev().map(|weighed| format!("\"{}\"", weighed.rule.id)).collect();
            let what = format!("{} together give (\"stackable\": false keeps them apart)", ids.join(" and "));
            floor.check(pointer, &what, ONE_HUNDRED_PERCENT.saturating_sub(left));
        }
        before.push(weighed);
    }
}

/// A part of an amount, in parts per million.
fn part(amount: i64, rate: i64) -> i64 {
    let part = i128::from(amount).saturating_mul(rate.into()).checked_div(ONE_HUNDRED_PERCENT.into());
    part.and_then(|part| i64::try_from(part).ok()).unwrap_or(i64::MAX)
}

/// What points at a rate pay: one for each unit of money pays `conversion_rate` hundredths.
fn worth_of_rate(rate: i64, conversion_rate: i64) -> i64 {
    rate.saturating_mul(conversion_rate).checked_div(100).unwrap_or(rate)
}

/// What so many points (minor units) for each amount (hundredths) pay, of that amount.
fn worth_of_points(points: i64, every: i64, blocks: &Blocks) -> i64 {
    let paid = i128::from(points).saturating_mul(blocks.conversion_rate.into()).saturating_mul(ONE_HUNDRED_PERCENT.into());
    let for_each = i128::from(every).saturating_mul(10_i128.saturating_pow(blocks.scale.into()));
    paid.checked_div(for_each).and_then(|worth| i64::try_from(worth).ok()).unwrap_or(i64::MAX)
}

/// Rates at what their points pay, and what multipliers make of those before them.
fn earning(blocks: &Blocks, floor: &mut Floor) {
    let mut before: Vec<(&EarningRule, i64)> = Vec::new();
    for rule in blocks.earning {
        let mut check = |field: &str, rate: i64| {
            floor.check(format!("/earning/{}/{field}", rule.place), &format!("\"{}\" gives", rule.id), rate);
            rate
        };
        let worth = |rate: i64| worth_of_rate(rate, blocks.conversion_rate);
        let given = match rule.reward {
            Reward::Percent(Some(rates)) => {
                let regular = check("rate", worth(rates.regular));
                if rates.promo == rates.regular { regular } else { regular.max(check("rate_promo", worth(rates.promo))) }
            }
            Reward::Percent(None) => {
                let highest = |tier: &Tier| tier.rate.max(tier.rate_promo);
                worth(highest_of_tiers(blocks.tiers, rule.when.tiers.as_ref(), highest))
            }
            Reward::PerAmount { points, every } => check("points", worth_of_points(points, every, blocks)),
            Reward::Multiplier(factor) => {
                let seen = before.iter().filter(|(earlier, _)| multiplies(rule, earlier)).map(|(_, rate)| *rate).max();
                check("factor", part(seen.unwrap_or(0), factor))
            }
            Reward::Fixed(_) => 0,
        };
        // one that goes too far by itself was named already
        if given <= floor.most {
            before.push((rule, given));
        }
    }
}

fn multiplies(multiplier: &EarningRule, earlier: &EarningRule) -> bool {
    let company = Company { stackable: true, ..multiplier.company };
    get_on(earlier.company, company) && may_meet(&earlier.when, &multiplier.when)
}
