//! The block `when` of a rule: what must be true of an order for the rule to fire, and on which of its lines.

use std::collections::BTreeSet;

use crate::limits::{MAX_LIST, MAX_TIERS};
use crate::text;

use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;

/// All that are present must hold. What is absent always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Bounds of the items total.
    pub order_total: Option<OrderTotal>,
    /// The order came through one of these channels.
    pub channels: Option<BTreeSet<String>>,
    /// The order was made in one of these stores.
    pub stores: Option<BTreeSet<String>>,
    /// The member holds one of these tiers.
    pub tiers: Option<BTreeSet<String>>,
    /// True: it is the member's first order. False: it is not.
    pub first_order: Option<bool>,
    /// The rule looks at these lines only.
    pub products: Option<Products>,
}

/// Bounds of the items total (line amounts less their discounts, without delivery), in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTotal {
    /// At least this much.
    pub min: Option<i64>,
    /// Less than this.
    pub below: Option<i64>,
}

/// Which goods. A line is meant when any of the lists names it (or there is no list), and `promo` is as asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Products {
    /// Stock keeping units.
    pub skus: Option<BTreeSet<String>>,
    /// Categories, compared as a whole.
    pub categories: Option<BTreeSet<String>>,
    /// Brands.
    pub brands: Option<BTreeSet<String>>,
    /// Labels; one of the line's suffices.
    pub labels: Option<BTreeSet<String>>,
    /// Promo goods only, or regular goods only.
    pub promo: Option<bool>,
}

/// Reads a `when`. Its tiers must exist.
pub fn read(node: &Node, tiers: &Tiers, findings: &mut Findings) -> Option<Conditions> {
    let mut block = node.block(findings)?;
    let order_total = block.optional("order_total").and_then(|node| order_total(&node, findings));
    let channels = words(&mut block, "channels", findings);
    let stores = words(&mut block, "stores", findings);
    let members = block.optional("tiers").and_then(|node| known_tiers(&node, tiers, findings));
    let first_order = block.optional("first_order").and_then(|node| node.boolean(findings));
    let products = block.optional("products").and_then(|node| products(&node, findings));
    block.finish(findings);
    Some(Conditions { order_total, channels, stores, tiers: members, first_order, products })
}

/// Reads the lists of goods and `promo` from a block that may have further fields.
pub fn read_products(block: &mut Block, findings: &mut Findings) -> Products {
    Products {
        skus: words(block, "skus", findings),
        categories: words(block, "categories", findings),
        brands: words(block, "brands", findings),
        labels: words(block, "labels", findings),
        promo: block.optional("promo").and_then(|node| node.boolean(findings)),
    }
}

/// An optional list of words.
pub fn words(block: &mut Block, name: &'static str, findings: &mut Findings) -> Option<BTreeSet<String>> {
    block.optional(name).and_then(|node| node.words(MAX_LIST, findings))
}

/// Reads a block of goods; it must say something.
pub fn products(node: &Node, findings: &mut Findings) -> Option<Products> {
    let mut block = node.block(findings)?;
    let products = read_products(&mut block, findings);
    if block.is_empty() {
        let detail = "name at least one of skus, categories, brands, labels, promo, or leave the block out";
        findings.note(&node.pointer, "empty", detail);
    }
    block.finish(findings);
    Some(products)
}

fn order_total(node: &Node, findings: &mut Findings) -> Option<OrderTotal> {
    let mut block = node.block(findings)?;
    let min_node = block.optional("min");
    let min = min_node.as_ref().and_then(|node| node.money(1, findings));
    let below = block.optional("below").and_then(|node| node.money(1, findings));
    if block.is_empty() {
        findings.note(&node.pointer, "empty", "name min, below or both, or leave the block out");
    }
    if let (Some(node), Some(min), Some(below)) = (min_node, min, below)
        && min >= below
    {
        let detail = format!("no order is at least {} and below {}", text::money(min), text::money(below));
        findings.note(&node.pointer, "unreachable", detail);
    }
    block.finish(findings);
    Some(OrderTotal { min, below })
}

fn known_tiers(node: &Node, tiers: &Tiers, findings: &mut Findings) -> Option<BTreeSet<String>> {
    let words = node.words(MAX_TIERS, findings)?;
    if tiers.incomplete {
        return Some(words);
    }
    for entry in node.list(MAX_TIERS, findings)? {
        let id = entry.text("the id of a tier", findings)?;
        if !tiers.ids.contains(id) {
            let known: Vec<_> = tiers.ids.iter().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            findings.note(&entry.pointer, "unknown_tier", format!("the program's tiers are: {known}"));
        }
    }
    Some(words)
}
