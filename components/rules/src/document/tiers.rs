//! The block `tiers`: steps that a member reaches by what the program counts, and how they are lost again.

use std::collections::BTreeSet;

use crate::engine::{Perk, Tier, TierBasis};
use crate::limits::{MAX_DAYS, MAX_ORDERS, MAX_PERKS, MAX_TEXT, MAX_TIERS};
use crate::text;

use super::reader::{Block, Findings, Node};
use super::take_id;

/// The tiers, and the ids that rules may name.
#[derive(Clone, Debug, Default)]
pub struct Tiers {
    /// Ascending by threshold. Incomplete when the block has findings.
    pub tiers: Vec<Tier>,
    /// Where each of them stands: JSON pointers.
    pub places: Vec<String>,
    /// How they are reached and lost.
    pub terms: TierTerms,
    /// Ids of all tiers in the document, also of those that are wrong elsewhere.
    pub ids: BTreeSet<String>,
    /// True when some tier has no readable id or rate, so that nothing can be said about rules that rely on them.
    pub incomplete: bool,
}

/// How tiers are reached and lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierTerms {
    /// What thresholds are counted in.
    pub basis: TierBasis,
    /// Since when it is counted.
    pub window: Window,
    /// What becomes of a tier that is no longer fulfilled.
    pub downgrade: Downgrade,
    /// A tier that is no longer fulfilled is kept so many local days.
    pub grace_days: i64,
}

/// Since when a member's orders count toward the tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Always.
    Lifetime,
    /// The twelve months up to the end of today.
    Rolling12Months,
    /// The calendar year.
    CalendarYear,
}

/// What becomes of a tier that is no longer fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downgrade {
    /// It is kept.
    None,
    /// The one below it is held.
    OneStep,
    /// The one that is fulfilled is held.
    ByValue,
}

impl Default for TierTerms {
    fn default() -> Self {
        Self { basis: TierBasis::Spend, window: Window::Lifetime, downgrade: Downgrade::ByValue, grace_days: 0 }
    }
}

/// Reads the block, or the bare list of its steps: by lifetime spend, and lost at once.
pub fn read(node: &Node, scale: u8, findings: &mut Findings) -> Tiers {
    if node.is_list() {
        return steps(node, TierTerms::default(), scale, findings);
    }
    let unreadable = Tiers { incomplete: true, ..Tiers::default() };
    let Some(mut block) = node.block(findings) else { return unreadable };
    let mut terms = TierTerms::default();
    let bases = [("spend", TierBasis::Spend), ("orders", TierBasis::Orders), ("points", TierBasis::Points)];
    if let Some(basis) = choice(&mut block, "basis", "what tiers are counted in", &bases, findings) {
        terms.basis = basis;
    }
    let windows =
        [("lifetime", Window::Lifetime), ("rolling_12_months", Window::Rolling12Months), ("calendar_year", Window::CalendarYear)];
    if let Some(window) = choice(&mut block, "window", "a window", &windows, findings) {
        terms.window = window;
    }
    let downgrades = [("none", Downgrade::None), ("one_step", Downgrade::OneStep), ("by_value", Downgrade::ByValue)];
    if let Some(downgrade) = choice(&mut block, "downgrade", "a downgrade", &downgrades, findings) {
        terms.downgrade = downgrade;
    }
    let grace_node = block.optional("grace_days");
    if let Some(days) = grace_node.as_ref().and_then(|node| node.integer(0, MAX_DAYS, findings)) {
        terms.grace_days = days;
    }
    if let Some(node) = grace_node.filter(|_| terms.downgrade == Downgrade::None && terms.grace_days > 0) {
        findings.note(&node.pointer, "unreachable", "a tier that is never lost needs no grace; leave it out");
    }
    let list = block.required("steps", findings);
    block.finish(findings);
    list.map_or(unreadable, |list| steps(&list, terms, scale, findings))
}

fn choice<T: Copy>(
    block: &mut Block,
    name: &'static str,
    wanted: &str,
    choices: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    block.optional(name).and_then(|node| node.choice(wanted, choices, findings))
}

/// Reads the list and checks that each tier lies above the one before.
fn steps(node: &Node, terms: TierTerms, scale: u8, findings: &mut Findings) -> Tiers {
    let Some(nodes) = node.list(MAX_TIERS, findings) else {
        return Tiers { incomplete: true, ..Tiers::default() };
    };
    let mut read = Tiers { terms, ..Tiers::default() };
    let mut below: Option<i64> = None;
    for node in nodes {
        let threshold_at = format!("{}/threshold", node.pointer);
        let Some(tier) = tier(&node, terms.basis, scale, &mut read.ids, findings) else {
            read.incomplete = true;
            continue;
        };
        if let Some(below) = below.filter(|below| tier.threshold <= *below) {
            let below = match terms.basis {
                TierBasis::Spend => text::money(below),
                TierBasis::Orders => below.to_string(),
                TierBasis::Points => text::amount(below, scale),
            };
            let detail = format!("tiers ascend: this threshold must be above {below}, the one before");
            findings.note(&threshold_at, "not_ascending", detail);
        }
        below = Some(tier.threshold);
        read.tiers.push(tier);
        read.places.push(node.pointer);
    }
    read
}

fn tier(node: &Node, basis: TierBasis, scale: u8, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Tier> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    let name = block.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let threshold = block.required("threshold", findings).and_then(|node| match basis {
        TierBasis::Spend => node.money(0, findings),
        TierBasis::Orders => node.integer(0, MAX_ORDERS, findings),
        TierBasis::Points => node.points(scale, 0, findings),
    });
    let strictly_over = block.optional("strictly_over").and_then(|node| node.boolean(findings)).unwrap_or(false);
    let rates = super::earning::read_rates(&mut block, findings);
    let discount = match block.optional("discount") {
        Some(node) => node.percent(findings).map(Some),
        None => Some(None),
    };
    let perks = match block.optional("perks") {
        Some(node) => perks(&node, findings),
        None => Some(Vec::new()),
    };
    block.finish(findings);
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let (rate, rate_promo) = rates?;
    Some(Tier {
        id: id?,
        name: name?,
        threshold: threshold?,
        strictly_over,
        rate,
        rate_promo,
        discount: discount?,
        perks: perks?,
    })
}

fn perks(node: &Node, findings: &mut Findings) -> Option<Vec<Perk>> {
    let nodes = node.list(MAX_PERKS, findings)?;
    let mut ids = BTreeSet::new();
    let perks: Vec<_> = nodes
        .iter()
        .map(|node| {
            let mut block = node.block(findings)?;
            let perk = perk(&mut block, &mut ids, findings);
            block.finish(findings);
            perk
        })
        .collect();
    perks.into_iter().collect()
}

/// Reads `id` and `name` of a perk.
pub fn perk(block: &mut Block, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Perk> {
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    let name = block.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    Some(Perk { id: id?, name: name? })
}
