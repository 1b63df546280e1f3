//! The block `redemption`: how points pay for an order.

use std::collections::BTreeSet;

use crate::limits::{DEFAULT_HOLD_MINUTES, MAX_HOLD_MINUTES};

use super::conditions::{self, Products};
use super::reader::{Findings, Node};

/// What points may pay, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The largest share of the eligible goods, in parts per million.
    pub max_share: i64,
    /// The fewest points in one payment, in minor units; 0: no such limit.
    pub min_points: i64,
    /// Points are paid in multiples of this, in minor units; 0: no such limit.
    pub increment: i64,
    /// Goods that points don't pay: whatever any of the lists names, and promo goods if `promo` is true. Unlike in a
    /// condition all of them are alternatives.
    pub exclude: Products,
    /// False: goods with a discount, the shop's or the program's, can't be paid with points.
    pub combinable: bool,
    /// Only through these channels.
    pub channels: Option<BTreeSet<String>>,
    /// Minutes that a hold lasts.
    pub hold_minutes: i64,
    /// More points than this ask for a one-time code.
    pub confirmation_above: Option<i64>,
}

/// Reads `redemption`.
pub fn read(node: &Node, scale: u8, findings: &mut Findings) -> Option<Redemption> {
    let mut block = node.block(findings)?;
    let max_share = block.required("max_share", findings).and_then(|node| node.percent(findings));
    let min_points = block.optional("min_points").and_then(|node| node.points(scale, 1, findings));
    let increment = block.optional("increment").and_then(|node| node.points(scale, 1, findings));
    let exclude = block.optional("exclude").and_then(|node| excluded(&node, findings));
    let combinable = block.optional("combinable_with_discounts").and_then(|node| node.boolean(findings)).unwrap_or(true);
    let channels = conditions::words(&mut block, "channels", findings);
    let hold_minutes = block.optional("hold_minutes").and_then(|node| node.integer(1, MAX_HOLD_MINUTES, findings));
    let confirmation_above = block.optional("confirmation_above").and_then(|node| node.points(scale, 0, findings));
    block.finish(findings);
    Some(Redemption {
        max_share: max_share?,
        min_points: min_points.unwrap_or(0),
        increment: increment.unwrap_or(0),
        exclude: exclude.unwrap_or_default(),
        combinable,
        channels,
        hold_minutes: hold_minutes.unwrap_or(DEFAULT_HOLD_MINUTES),
        confirmation_above,
    })
}

/// Reads the goods that points don't pay. Promo goods are among them or not: regular ones can't be told to be.
fn excluded(node: &Node, findings: &mut Findings) -> Option<Products> {
    let products = conditions::products(node, findings)?;
    if products.promo == Some(false) {
        let detail = "this excludes nothing; write true to exclude promo goods, or leave the field out";
        findings.note(&format!("{}/promo", node.pointer), "no_effect", detail);
    }
    Some(products)
}

/// Seconds that a hold lasts, also in a program that does not say.
pub fn hold_seconds(redemption: Option<&Redemption>) -> u32 {
    let minutes = redemption.map_or(DEFAULT_HOLD_MINUTES, |redemption| redemption.hold_minutes);
    u32::try_from(minutes.saturating_mul(60)).unwrap_or(u32::MAX)
}
