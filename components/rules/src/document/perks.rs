//! The block `perks`: what an order brings without points or money, such as free delivery from an amount on.

use std::collections::BTreeSet;

use crate::engine::Perk;
use crate::limits::MAX_PERKS;

use super::conditions::{self, Conditions};
use super::reader::{Findings, Node};
use super::tiers::{self, Tiers};

/// A perk and when it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerkRule {
    /// What is given; its id is unique among all rules.
    pub perk: Perk,
    /// When.
    pub when: Conditions,
}

/// Reads the list.
pub fn read(node: &Node, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<PerkRule> {
    let nodes = node.list(MAX_PERKS, findings).unwrap_or_default();
    let rule = |node: &Node| {
        let mut block = node.block(findings)?;
        let perk = tiers::perk(&mut block, ids, findings);
        let when = match block.optional("when") {
            Some(node) => conditions::read(&node, tiers, findings),
            None => Some(Conditions::default()),
        };
        block.finish(findings);
        Some(PerkRule { perk: perk?, when: when? })
    };
    nodes.iter().filter_map(rule).collect()
}
