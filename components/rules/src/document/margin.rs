//! The block `margin_guard`: a line that carries its cost is never sold below the floor.

use super::reader::{Findings, Node, ONE_HUNDRED_PERCENT};

/// The floor, and the benefits that it holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginGuard {
    /// What must be left of a line's price above its cost, in parts per million of that price; below 100 %.
    pub floor: i64,
    /// The program's discounts are cut.
    pub discounts: bool,
    /// Payments with points are cut.
    pub redemption: bool,
    /// Points earned are cut, at what they pay.
    pub earning: bool,
}

/// Reads `margin_guard`.
pub fn read(node: &Node, findings: &mut Findings) -> Option<MarginGuard> {
    let mut block = node.block(findings)?;
    let floor_node = block.required("floor", findings);
    let floor = floor_node.as_ref().and_then(|node| node.percent(findings));
    if let (Some(node), Some(ONE_HUNDRED_PERCENT)) = (floor_node, floor) {
        findings.note(&node.pointer, "out_of_range", "no price has a margin of 100 % unless the goods cost nothing");
    }
    let covers = block.optional("covers").map(|node| node.words(3, findings).map(|words| (node, words)));
    block.finish(findings);
    let all = ["discounts", "redemption", "earning"];
    let [discounts, redemption, earning] = match covers {
        None => [true; 3],
        Some(covers) => {
            let (node, words) = covers?;
            if words.iter().any(|word| !all.contains(&word.as_str())) {
                findings.note(&node.pointer, "unknown_word", format!("the guard covers {}", all.join(", ")));
            }
            all.map(|benefit| words.contains(benefit))
        }
    };
    Some(MarginGuard { floor: floor?, discounts, redemption, earning })
}
