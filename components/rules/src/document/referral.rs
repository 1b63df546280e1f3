//! The block `referral`: what both sides get when a member brings a friend, when, and for how many friends.

use std::collections::BTreeSet;

use crate::calendar::Lifetime;
use crate::limits::{MAX_DAYS, MAX_FRIENDS_IN_PERIOD, MAX_TIMES};

use super::reader::{Findings, Node};
use super::{lifetime, take_id};

/// How friends are paid for. At least one side gets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// When.
    pub paid_on: PaidOn,
    /// What the one gets who brings a friend.
    pub referrer: Option<ReferralPoints>,
    /// What the friend gets.
    pub referee: Option<ReferralPoints>,
    /// For how many friends a referrer is paid in all.
    pub per_referrer: Option<i64>,
    /// For how many friends within so many days.
    pub per_period: Option<Period>,
}

/// What pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidOn {
    /// The friend joins.
    Registration,
    /// The friend's first order of which at least this much is paid in money for goods (hundredths, above 0).
    FirstPurchase(i64),
}

/// The reward of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralPoints {
    /// Unique among all rules.
    pub id: String,
    /// Minor units, above 0.
    pub points: i64,
    /// How long the points live.
    pub lifetime: Lifetime,
}

/// A limit for a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// So many friends.
    pub friends: i64,
    /// Within so many days of 24 hours.
    pub days: i64,
}

/// Reads `referral`.
pub fn read(node: &Node, scale: u8, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Referral> {
    let mut block = node.block(findings)?;
    let by_purchase = block
        .required("paid_on", findings)
        .and_then(|node| node.choice("what pays", &[("registration", false), ("first_purchase", true)], findings));
    let order_min = block.optional("order_min");
    if let (Some(false), Some(node)) = (by_purchase, &order_min) {
        let detail = "who is paid for on registration buys nothing yet; leave it out, or pay on the first_purchase";
        findings.note(&node.pointer, "not_of_registration", detail);
    }
    // goods that nothing was paid for are no purchase
    let order_min = order_min.map_or(Some(1), |node| node.money(1, findings));
    let (referrer, referee) = (block.optional("referrer"), block.optional("referee"));
    if referrer.is_none() && referee.is_none() {
        findings.note(&node.pointer, "empty", "say what the referrer gets, the referee, or both");
    }
    let referrer = side(referrer, scale, ids, findings);
    let referee = side(referee, scale, ids, findings);
    let limits = match block.optional("limits") {
        Some(node) => limits(&node, findings),
        None => Some((None, None)),
    };
    block.finish(findings);
    let paid_on = if by_purchase? { PaidOn::FirstPurchase(order_min?) } else { PaidOn::Registration };
    let (per_referrer, per_period) = limits?;
    Some(Referral { paid_on, referrer: referrer?, referee: referee?, per_referrer, per_period })
}

fn side(node: Option<Node>, scale: u8, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Option<ReferralPoints>> {
    let Some(node) = node else { return Some(None) };
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let points = block.required("points", findings).and_then(|node| node.points(scale, 1, findings));
    let lifetime = lifetime::read(&mut block, findings);
    block.finish(findings);
    Some(Some(ReferralPoints { id: id?, points: points?, lifetime }))
}

fn limits(node: &Node, findings: &mut Findings) -> Option<(Option<i64>, Option<Period>)> {
    let mut block = node.block(findings)?;
    if block.is_empty() {
        findings.note(&node.pointer, "empty", "name at least one limit, or leave the block out");
    }
    let all = block.optional("per_referrer").map(|node| node.integer(1, MAX_TIMES, findings));
    let period_node = block.optional("per_period");
    let period = period_node.as_ref().map(|node| period(node, findings));
    block.finish(findings);
    if let (Some(node), Some(Some(Period { friends, .. })), Some(Some(all))) = (&period_node, period, all)
        && friends > all
    {
        let detail =
            "a period has more friends than a referrer has in all, and can never have them; lower it, or raise per_referrer";
        findings.note(&format!("{}/friends", node.pointer), "unreachable", detail);
    }
    let all = all.map_or(Some(None), |read| read.map(Some));
    let period = period.map_or(Some(None), |read| read.map(Some));
    Some((all?, period?))
}

fn period(node: &Node, findings: &mut Findings) -> Option<Period> {
    let mut block = node.block(findings)?;
    let friends = block.required("friends", findings).and_then(|node| node.integer(1, MAX_FRIENDS_IN_PERIOD, findings));
    let days = block.required("days", findings).and_then(|node| node.integer(1, MAX_DAYS, findings));
    block.finish(findings);
    Some(Period { friends: friends?, days: days? })
}
