//! The block `earning`: the rules by which orders earn points.

use std::collections::{BTreeMap, BTreeSet};

use crate::calendar::Lifetime;
use crate::limits::{MAX_PRIORITY, MAX_RULES};

use super::conditions::{self, Conditions};
use super::limits_of_rule::{self, Limits};
use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;
use super::{lifetime, take_id};

/// One earning rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarningRule {
    /// Its place in the document.
    pub place: usize,
    /// Unique among all rules.
    pub id: String,
    /// What it gives.
    pub reward: Reward,
    /// When it fires, and on which lines.
    pub when: Conditions,
    /// Rules with the same number mean the same lines of any order. Below the number of rules.
    pub goods: usize,
    /// Higher ones are evaluated first; equal ones in the document's order.
    pub priority: i64,
    /// How it gets on with the others.
    pub company: Company,
    /// How much and how often it gives.
    pub limits: Limits,
    /// How long its points live.
    pub lifetime: Lifetime,
}

/// How a rule gets on with others of its kind, evaluated before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Company {
    /// Lines that this rule rewarded are not given to later rules.
    pub stop: bool,
    /// False: lines that an earlier rule rewarded are not for this one.
    pub stackable: bool,
    /// It fires only if no earlier rule did, and then no later one does, on any line.
    pub exclusive: bool,
}

/// What a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reward {
    /// A percentage of the lines, at the rule's own rates or, if none, at those of the member's tier.
    Percent(Option<Rates>),
    /// This many points (minor units, above 0), however much the order is worth.
    Fixed(i64),
    /// So many points (minor units) for each full amount (hundredths); both above 0.
    PerAmount {
        /// Minor units.
        points: i64,
        /// Hundredths.
        every: i64,
    },
    /// Earlier rules' points on the lines times this factor (parts per million, above one) less themselves.
    Multiplier(i64),
}

/// Parts per million of regular and of promo goods, 0 to 1 000 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// On lines without `promo`.
    pub regular: i64,
    /// On lines with `promo`.
    pub promo: i64,
}

/// Reads the rules and puts them into the order of evaluation.
pub fn read(node: &Node, scale: u8, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<EarningRule> {
    let nodes = node.list(MAX_RULES, findings).unwrap_or_default();
    let mut rules: Vec<_> =
        nodes.iter().enumerate().filter_map(|(place, node)| rule(place, node, scale, tiers, ids, findings)).collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    let numbers = numbers_of_goods(&rules);
    for (rule, goods) in rules.iter_mut().zip(numbers) {
        rule.goods = goods;
    }
    rules
}

/// For each rule the number of its goods. A promo code is for goods of its own.
fn numbers_of_goods(rules: &[EarningRule]) -> Vec<usize> {
    let mut known = BTreeMap::new();
    let mut numbers = Vec::with_capacity(rules.len());
    for (place, rule) in rules.iter().enumerate() {
        let code = rule.when.voucher.then_some(place);
        numbers.push(*known.entry((&rule.when.products, rule.when.new_category, code)).or_insert(place));
    }
    numbers
}

/// Reads `rate` and `rate_promo`. None when one of them is wrong, or a promo rate stands alone.
pub fn read_rates(block: &mut Block, findings: &mut Findings) -> Option<(Option<i64>, Option<i64>)> {
    let (rate, promo) = (block.optional("rate"), block.optional("rate_promo"));
    if rate.is_none() && promo.is_some() {
        let detail = "a promo rate needs the rate of regular goods beside it";
        findings.note(&block.pointer_to("rate"), "missing_field", detail);
        return None;
    }
    let rate = rate.map(|node| node.percent(findings));
    let promo = promo.map(|node| node.percent(findings));
    let readable = rate != Some(None) && promo != Some(None);
    readable.then(|| (rate.flatten(), promo.flatten()))
}

fn rule(
    place: usize,
    node: &Node,
    scale: u8,
    tiers: &Tiers,
    ids: &mut BTreeSet<String>,
    findings: &mut Findings,
) -> Option<EarningRule> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let when_node = block.optional("when");
    let when = when_node.map(|node| conditions::read(&node, tiers, findings));
    let priority = priority(&mut block, findings);
    let company = company(&mut block, findings);
    let limits = match block.optional("limits") {
        Some(node) => limits_of_rule::read(&node, scale, findings),
        None => Some(Limits::default()),
    };
    let lifetime = lifetime::read(&mut block, findings);
    let kind = block.required("type", findings)?;
    let reward = match kind.text("the type of a rule", findings)? {
        "percent" => percent(&mut block, when.as_ref().and_then(Option::as_ref), tiers, findings),
        "fixed" => {
            let points = block.required("points", findings);
            points.and_then(|node| node.points(scale, 1, findings)).map(Reward::Fixed)
        }
        "per_amount" => {
            let points = block.required("points", findings).and_then(|node| node.points(scale, 1, findings));
            let every = block.required("every", findings).and_then(|node| node.money(1, findings));
            points.zip(every).map(|(points, every)| Reward::PerAmount { points, every })
        }
        "multiplier" => block.required("factor", findings).and_then(|node| node.factor(findings)).map(Reward::Multiplier),
        _ => {
            findings.note(&kind.pointer, "unknown_type", "known types: percent, fixed, per_amount, multiplier");
            return None;
        }
    };
    block.finish(findings);
    let when = when.unwrap_or_else(|| Some(Conditions::default()))?;
    Some(EarningRule {
        place,
        id: id?,
        reward: reward?,
        when,
        goods: place,
        priority,
        company: company?,
        limits: limits?,
        lifetime,
    })
}

/// Reads `priority`; 0 where it is absent.
pub fn priority(block: &mut Block, findings: &mut Findings) -> i64 {
    block.optional("priority").and_then(|node| node.integer(-MAX_PRIORITY, MAX_PRIORITY, findings)).unwrap_or(0)
}

/// Reads `stop`, `stackable` and `exclusive`.
pub fn company(block: &mut Block, findings: &mut Findings) -> Option<Company> {
    let mut flag = |name, otherwise| match block.optional(name) {
        Some(node) => node.boolean(findings),
        None => Some(otherwise),
    };
    let (stop, stackable, exclusive) = (flag("stop", false), flag("stackable", true), flag("exclusive", false));
    Some(Company { stop: stop?, stackable: stackable?, exclusive: exclusive? })
}

fn percent(block: &mut Block, when: Option<&Conditions>, tiers: &Tiers, findings: &mut Findings) -> Option<Reward> {
    let own_rate = block.optional("rate").is_some() || block.optional("rate_promo").is_some();
    if own_rate {
        let (rate, promo) = read_rates(block, findings)?;
        let regular = rate?;
        let promo = promo.unwrap_or(regular);
        if regular == 0 && promo == 0 {
            let detail = "a rate of 0 % earns nothing; leave the rule out, or raise its rate or its rate_promo";
            findings.note(&block.pointer_to("rate"), "out_of_range", detail);
        }
        return Some(Reward::Percent(Some(Rates { regular, promo })));
    }
    if !tiers.incomplete {
        check_tier_rates(block, when, tiers, findings);
    }
    Some(Reward::Percent(None))
}

/// A rule without a rate needs one in every tier for which it can fire.
fn check_tier_rates(block: &Block, when: Option<&Conditions>, tiers: &Tiers, findings: &mut Findings) {
    let only = when.and_then(|when| when.tiers.as_ref());
    let meant = |id: &String| only.is_none_or(|only| only.contains(id));
    let lacking: Vec<_> =
        tiers.tiers.iter().filter(|tier| meant(&tier.id) && tier.rate.is_none()).map(|tier| tier.id.as_str()).collect();
    let detail = if tiers.tiers.is_empty() {
        "the program has no tiers whose rates it could take; give the rule a rate".to_owned()
    } else if lacking.is_empty() {
        return;
    } else {
        format!("give the rule a rate, or each tier; without one are: {}", lacking.join(", "))
    };
    findings.note(&block.pointer_to("rate"), "missing_rate", detail);
}
