//! The block `discounts`: what the program takes off the prices.

use std::collections::BTreeSet;

use crate::limits::{MAX_PIECES, MAX_RULES, MAX_STEPS};
use crate::text;

use super::conditions::{self, Conditions, Products};
use super::earning::{Company, company, priority};
use super::reader::{Block, Findings, Node, ONE_HUNDRED_PERCENT, pointer_to};
use super::take_id;
use super::tiers::Tiers;

/// One discount rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscountRule {
    /// Its place in the document.
    pub place: usize,
    /// Unique among all rules.
    pub id: String,
    /// What it takes off.
    pub benefit: Benefit,
    /// When it fires, and on which lines.
    pub when: Conditions,
    /// Higher ones are evaluated first; equal ones in the document's order.
    pub priority: i64,
    /// How it gets on with the others.
    pub company: Company,
    /// The most that it takes off an order, in hundredths.
    pub per_order: Option<i64>,
}

/// What a rule takes off. Rates are parts per million, money is in hundredths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Benefit {
    /// A percentage of the lines.
    Percent(i64),
    /// The discount of the member's tier.
    Tier,
    /// This price for one unit, where it is lower.
    Price(i64),
    /// Of so many pieces the cheapest are cheaper.
    BuyGet {
        /// Pieces at their price.
        buy: i64,
        /// Pieces at the discount, of each `buy + get`.
        get: i64,
        /// The discount on them.
        rate: i64,
    },
    /// This much off the order's lines.
    Amount(i64),
    /// A percentage by how much there is, ascending: the last step that is reached counts.
    Steps {
        /// What is compared with the steps.
        by: StepBasis,
        /// (from so many hundredths on, rate).
        steps: Vec<(i64, i64)>,
    },
}

/// What steps are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepBasis {
    /// The items total of the order.
    OrderTotal,
    /// The member's accumulated qualifying spend before the order.
    QualifyingSpend,
}

impl Benefit {
    /// Whether it is for the order as a whole: such ones come after those of single lines.
    pub fn is_of_order(&self) -> bool {
        matches!(self, Benefit::Amount(_) | Benefit::Steps { .. })
    }
}

/// Reads the rules and puts them into the order of evaluation: those of lines, then those of the order, each by priority.
pub fn read(node: &Node, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<DiscountRule> {
    let nodes = node.list(MAX_RULES, findings).unwrap_or_default();
    let mut rules: Vec<_> =
        nodes.iter().enumerate().filter_map(|(place, node)| rule(place, node, tiers, ids, findings)).collect();
    rules.sort_by_key(|rule| (rule.benefit.is_of_order(), std::cmp::Reverse(rule.priority)));
    rules
}

fn rule(place: usize, node: &Node, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<DiscountRule> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let when_node = block.optional("when");
    let when = match &when_node {
        Some(node) => conditions::read(node, tiers, findings),
        None => Some(Conditions::default()),
    };
    let priority = priority(&mut block, findings);
    let company = company(&mut block, findings);
    let per_order = match block.optional("per_order") {
        Some(node) => node.money(1, findings).map(Some),
        None => Some(None),
    };
    let kind = block.required("type", findings)?;
    let benefit = match kind.text("the type of a discount", findings)? {
        "percent" => rate(&mut block, "rate", findings).map(Benefit::Percent),
        "tier" => {
            check_tier_discounts(&kind, tiers, findings);
            Some(Benefit::Tier)
        }
        "price" => {
            let goods_at = when_node.map_or(block.pointer_to("when"), |node| pointer_to(&node.pointer, "products"));
            check_price_has_goods(&goods_at, when.as_ref(), findings);
            block.required("price", findings).and_then(|node| node.money(0, findings)).map(Benefit::Price)
        }
        "buy_get" => buy_get(&mut block, findings),
        "amount" => block.required("amount", findings).and_then(|node| node.money(1, findings)).map(Benefit::Amount),
        "steps" => steps(&mut block, findings),
        _ => {
            findings.note(&kind.pointer, "unknown_type", "known types: percent, tier, price, buy_get, amount, steps");
            return None;
        }
    };
    block.finish(findings);
    Some(DiscountRule { place, id: id?, benefit: benefit?, when: when?, priority, company: company?, per_order: per_order? })
}

/// A rate above 0.
fn rate(block: &mut Block, name: &'static str, findings: &mut Findings) -> Option<i64> {
    let node = block.required(name, findings)?;
    let rate = node.percent(findings)?;
    if rate == 0 {
        findings.note(&node.pointer, "out_of_range", "a discount of 0 % is none; leave the rule out");
        return None;
    }
    Some(rate)
}

/// One price for a drill and for a nail is a mistake.
fn check_price_has_goods(pointer: &str, when: Option<&Conditions>, findings: &mut Findings) {
    let Some(when) = when else { return };
    if !when.products.as_ref().is_some_and(Products::names_goods) {
        let detail = "without goods everything in the shop would be sold at this price; name the ones that are meant: \
                      \"when\": {\"products\": {\"skus\": [\"drill\"]}}";
        findings.note(pointer, "no_goods", detail);
    }
}

fn buy_get(block: &mut Block, findings: &mut Findings) -> Option<Benefit> {
    let buy = block.required("buy", findings).and_then(|node| node.integer(1, MAX_PIECES, findings));
    let get = block.required("get", findings).and_then(|node| node.integer(1, MAX_PIECES, findings));
    let rate = match block.optional("rate") {
        Some(_) => rate(block, "rate", findings),
        None => Some(ONE_HUNDRED_PERCENT),
    };
    Some(Benefit::BuyGet { buy: buy?, get: get?, rate: rate? })
}

fn steps(block: &mut Block, findings: &mut Findings) -> Option<Benefit> {
    let choices = [("order_total", StepBasis::OrderTotal), ("qualifying_spend", StepBasis::QualifyingSpend)];
    let by = block.required("by", findings).and_then(|node| node.choice("what steps are counted in", &choices, findings));
    let list = block.required("steps", findings)?;
    let nodes = list.list(MAX_STEPS, findings)?;
    if nodes.is_empty() {
        findings.note(&list.pointer, "empty", "name at least one step: {\"from\": \"1000.00\", \"rate\": \"5\"}");
        return None;
    }
    let mut steps: Vec<(i64, i64)> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let mut step = node.block(findings)?;
        let from_node = step.required("from", findings);
        let from = from_node.as_ref().and_then(|node| node.money(0, findings));
        let rate = step.required("rate", findings).and_then(|node| node.percent(findings));
        step.finish(findings);
        let (from, rate) = (from?, rate?);
        if let Some((below, _)) = steps.last().filter(|(below, _)| from <= *below) {
            let detail = format!("steps ascend: this one must begin above {}, the one before", text::money(*below));
            findings.note(&format!("{}/from", node.pointer), "not_ascending", detail);
        }
        steps.push((from, rate));
    }
    Some(Benefit::Steps { by: by?, steps })
}

fn check_tier_discounts(kind: &Node, tiers: &Tiers, findings: &mut Findings) {
    if !tiers.incomplete && tiers.tiers.iter().all(|tier| tier.discount.is_none()) {
        findings.note(&kind.pointer, "missing_rate", "no tier has a discount; give the tiers a field \"discount\"");
    }
}
