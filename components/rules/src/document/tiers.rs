//! The block `tiers`: steps that a member reaches by lifetime qualifying spend.

use std::collections::BTreeSet;

use crate::engine::Tier;
use crate::limits::{MAX_TEXT, MAX_TIERS};
use crate::text;

use super::reader::{Findings, Node};
use super::take_id;

/// The tiers, and the ids that rules may name.
#[derive(Default)]
pub struct Tiers {
    /// Ascending by threshold. Incomplete when the block has findings.
    pub tiers: Vec<Tier>,
    /// Ids of all tiers in the document, also of those that are wrong elsewhere.
    pub ids: BTreeSet<String>,
    /// True when some tier has no readable id or rate, so that nothing can be said about rules that rely on them.
    pub incomplete: bool,
}

/// Reads the list and checks that each tier lies above the one before.
pub fn read(node: &Node, findings: &mut Findings) -> Tiers {
    let Some(nodes) = node.list(MAX_TIERS, findings) else {
        return Tiers { incomplete: true, ..Tiers::default() };
    };
    let mut read = Tiers::default();
    let mut below: Option<i64> = None;
    for node in nodes {
        let threshold_at = format!("{}/threshold", node.pointer);
        let Some(tier) = tier(&node, &mut read.ids, findings) else {
            read.incomplete = true;
            continue;
        };
        if let Some(below) = below.filter(|below| tier.threshold <= *below) {
            let detail = format!("tiers ascend: this threshold must be above {}, the one before", text::money(below));
            findings.note(&threshold_at, "not_ascending", detail);
        }
        below = Some(tier.threshold);
        read.tiers.push(tier);
    }
    read
}

fn tier(node: &Node, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Tier> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    let name = block.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let threshold = block.required("threshold", findings).and_then(|node| node.money(0, findings));
    let strictly_over = block.optional("strictly_over").and_then(|node| node.boolean(findings)).unwrap_or(false);
    let rates = super::earning::read_rates(&mut block, findings);
    block.finish(findings);
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let (rate, rate_promo) = rates?;
    Some(Tier { id: id?, name: name?, threshold: threshold?, strictly_over, rate, rate_promo })
}
