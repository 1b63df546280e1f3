//! The program document: JSON in, typed blocks out, or everything that is wrong with it.
//!
//! One file a block. Nothing is judged here; but whatever could only fail at run time is refused here: unknown fields,
//! conditions that can't be met, rates nobody declared, points that would expire before they can be spent.

mod conditions;
mod earning;
mod lifetime;
mod reader;
mod redemption;
mod settings;
mod tiers;
mod welcome;

use std::collections::BTreeSet;

use serde_json::Value;

pub use conditions::{Conditions, Products};
pub use earning::{EarningRule, Rates, Reward};
pub use reader::ONE_HUNDRED_PERCENT;
pub use redemption::Redemption;
pub use welcome::Welcome;

use crate::calendar::{Activation, Expiry, Lifetime, Zone};
use crate::engine::{Finding, Settings};
use crate::limits::MAX_DOCUMENT_BYTES;
use reader::{Findings, Node};

/// A document that passed every check.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the other components must know, tiers included (ascending by threshold).
    pub settings: Settings,
    /// The zone named in the settings.
    pub zone: Zone,
    /// What enrolling gives.
    pub welcome: Option<Welcome>,
    /// The earning rules in the order of evaluation.
    pub earning: Vec<EarningRule>,
    /// How points pay; none: they can't be spent on orders.
    pub redemption: Option<Redemption>,
    /// How long points live that come back to a lot that is over; none: they are lost with it.
    pub returned_grace: Option<Lifetime>,
}

impl Document {
    /// Reads and checks a document. The findings are not empty.
    pub fn parse(document: &str) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::default();
        if document.len() > MAX_DOCUMENT_BYTES {
            findings.note("", "too_large", format!("a program document has at most {MAX_DOCUMENT_BYTES} bytes"));
            return Err(findings.into_vec());
        }
        let value: Value = match serde_json::from_str(document) {
            Ok(value) => value,
            Err(error) => {
                findings.note("", "invalid_json", format!("the document is not JSON: {error}"));
                return Err(findings.into_vec());
            }
        };
        let parsed = read(&Node::root(&value), &mut findings);
        match parsed {
            Some(document) if findings.is_empty() => Ok(document),
            _ => {
                if findings.is_empty() {
                    findings.note("", "unreadable", "the document can't be read");
                }
                Err(findings.into_vec())
            }
        }
    }
}

fn read(root: &Node, findings: &mut Findings) -> Option<Document> {
    let mut block = root.block(findings)?;
    let heading = settings::read(&mut block, findings);
    let scale = heading.scale;
    let (tiers, welcome) = (block.optional("tiers"), block.optional("enrolment"));
    let (rules, paying) = (block.optional("earning"), block.optional("redemption"));
    let tiers = tiers.map(|node| tiers::read(&node, findings)).unwrap_or_default();
    let mut rule_ids = BTreeSet::new();
    let welcome = welcome.and_then(|node| welcome::read(&node, scale, &mut rule_ids, findings));
    let earning = rules.map(|node| earning::read(&node, scale, &tiers, &mut rule_ids, findings)).unwrap_or_default();
    let redemption = paying.and_then(|node| redemption::read(&node, scale, findings));
    block.finish(findings);

    let hold_seconds = redemption::hold_seconds(redemption.as_ref());
    let live = |expiry: Expiry| Lifetime { activation: Activation::Immediately, expiry };
    let returned_grace = heading.returned_grace.clone().map(live);
    let (settings, zone) = heading.complete(tiers.tiers, hold_seconds)?;
    Some(Document { settings, zone, welcome, earning, redemption, returned_grace })
}

/// Notes an id that is taken already; otherwise takes it.
fn take_id(node: &Node, id: &Option<String>, taken: &mut BTreeSet<String>, findings: &mut Findings) {
    if let Some(id) = id
        && !taken.insert(id.clone())
    {
        findings.note(&node.pointer, "duplicate_id", format!("\"{id}\" is used above already; each id is used once"));
    }
}

#[cfg(test)]
mod tests;
