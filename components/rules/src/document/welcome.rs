//! The block `enrolment`: what a new member gets.

use std::collections::BTreeSet;

use crate::calendar::Lifetime;

use super::reader::{Findings, Node};
use super::{conditions, lifetime, take_id};

/// Points for enrolling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The rule's id, unique among all rules.
    pub id: String,
    /// Minor units, above 0.
    pub points: i64,
    /// Only through these channels.
    pub channels: Option<BTreeSet<String>>,
    /// How long the points live.
    pub lifetime: Lifetime,
}

/// Reads `enrolment`; an empty one gives nothing.
pub fn read(node: &Node, scale: u8, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Welcome> {
    let mut block = node.block(findings)?;
    let welcome = block.optional("welcome").and_then(|node| welcome(&node, scale, ids, findings));
    block.finish(findings);
    welcome
}

fn welcome(node: &Node, scale: u8, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Welcome> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    let points = block.required("points", findings).and_then(|node| node.points(scale, 1, findings));
    let channels = conditions::words(&mut block, "channels", findings);
    let lifetime = lifetime::read(&mut block, findings);
    block.finish(findings);
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    Some(Welcome { id: id?, points: points?, channels, lifetime })
}
