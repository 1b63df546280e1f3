//! The block `events`: points for what members do beside buying.

use std::collections::BTreeSet;

use crate::calendar::Lifetime;
use crate::limits::{MAX_DAYS, MAX_RULES, MAX_TEXT};

use super::conditions::{self, Conditions};
use super::limits_of_rule::{self, Limits};
use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;
use super::{lifetime, take_id};

/// One rule for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRule {
    /// Unique among all rules.
    pub id: String,
    /// The type of events that it is for: "review".
    pub type_name: String,
    /// Points that it gives; none: it gives a tier only.
    pub points: Option<EventPoints>,
    /// A tier that it gives.
    pub tier: Option<EventTier>,
    /// When it fires.
    pub when: Conditions,
    /// How much and how often it gives.
    pub limits: Limits,
    /// How long its points live.
    pub lifetime: Lifetime,
}

/// Points for an event, in minor units above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPoints {
    /// Always so many.
    Fixed(i64),
    /// As many as the event says, such as a game's result, within these bounds, both included.
    FromEvent {
        /// The fewest.
        min: i64,
        /// The most.
        max: i64,
    },
}

/// A tier for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTier {
    /// Which.
    pub id: String,
    /// For so many local days, the day of the event not counted.
    pub days: i64,
}

/// Reads the list.
pub fn read(node: &Node, scale: u8, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<EventRule> {
    let nodes = node.list(MAX_RULES, findings).unwrap_or_default();
    nodes.iter().filter_map(|node| rule(node, scale, tiers, ids, findings)).collect()
}

fn rule(node: &Node, scale: u8, tiers: &Tiers, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<EventRule> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let type_name = block.required("type", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let (fixed, from_event) = (block.optional("points"), block.optional("points_from_event"));
    let points = match (fixed, from_event) {
        (Some(_), Some(node)) => {
            findings.note(&node.pointer, "two_rewards", "give points or points_from_event, not both");
            None
        }
        (Some(node), None) => node.points(scale, 1, findings).map(|points| Some(EventPoints::Fixed(points))),
        (None, Some(node)) => bounds(&node, scale, findings).map(Some),
        (None, None) => Some(None),
    };
    let tier = match block.optional("tier") {
        Some(node) => tier(&node, tiers, findings).map(Some),
        None => Some(None),
    };
    if let (Some(None), Some(None)) = (&points, &tier) {
        findings.note(&node.pointer, "empty", "a rule gives points, points_from_event or a tier");
    }
    let when = match block.optional("when") {
        Some(node) => {
            only_what_events_have(&node, findings);
            conditions::read(&node, tiers, findings)
        }
        None => Some(Conditions::default()),
    };
    let limits = match block.optional("limits") {
        Some(node) => {
            no_limit_of_orders(&node, findings);
            limits_of_rule::read(&node, scale, findings)
        }
        None => Some(Limits::default()),
    };
    let lifetime = lifetime::read(&mut block, findings);
    block.finish(findings);
    Some(EventRule { id: id?, type_name: type_name?, points: points?, tier: tier?, when: when?, limits: limits?, lifetime })
}

fn bounds(node: &Node, scale: u8, findings: &mut Findings) -> Option<EventPoints> {
    let mut block = node.block(findings)?;
    let min = block.required("min", findings).and_then(|node| node.points(scale, 1, findings));
    let max = block.required("max", findings).and_then(|node| node.points(scale, 1, findings));
    block.finish(findings);
    let (min, max) = (min?, max?);
    if min > max {
        findings.note(&node.pointer, "unreachable", "min must not be more than max");
    }
    Some(EventPoints::FromEvent { min, max })
}

fn tier(node: &Node, tiers: &Tiers, findings: &mut Findings) -> Option<EventTier> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let (Some(node), Some(id)) = (&id_node, &id) {
        conditions::check_tier(node, id, tiers, findings);
    }
    let days = block.required("days", findings).and_then(|node| node.integer(1, MAX_DAYS, findings));
    block.finish(findings);
    Some(EventTier { id: id?, days: days? })
}

/// An event has no goods and no total.
fn only_what_events_have(node: &Node, findings: &mut Findings) {
    let Some(mut block) = node.block(&mut Findings::default()) else { return };
    for name in ["order_total", "stores", "first_order", "orders", "voucher", "products", "new_category", "quantity"] {
        note_foreign(&mut block, name, findings);
    }
}

/// What a rule gives for one event stands in the rule itself; no order caps it.
fn no_limit_of_orders(node: &Node, findings: &mut Findings) {
    let Some(mut block) = node.block(&mut Findings::default()) else { return };
    if let Some(node) = block.optional("per_order") {
        let detail = "an event is no order; bound its points by points_from_event.max, per_day, per_member or budget";
        findings.note(&node.pointer, "not_of_events", detail);
    }
}

fn note_foreign(block: &mut Block, name: &'static str, findings: &mut Findings) {
    if let Some(node) = block.optional(name) {
        let detail = "only orders have this; events know channels, tiers, segments, weekdays, hours and dates";
        findings.note(&node.pointer, "not_of_events", detail);
    }
}
