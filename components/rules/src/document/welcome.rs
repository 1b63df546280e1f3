//! The block `enrolment`: what a new member gets and confirms, the purchase with which the membership starts, and the rules that
//! members accept.

use std::collections::BTreeSet;

use crate::calendar::Lifetime;
use crate::engine::Confirmation;
use crate::limits::{MAX_LIST, MAX_TEXT};

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

/// The purchase with which a membership starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What one order counts at least (hundredths, above 0).
    pub order_min: i64,
}

/// What `enrolment` says; nothing where it is empty.
#[derive(Clone, Debug, Default)]
pub struct Enrolment {
    /// Points.
    pub welcome: Option<Welcome>,
    /// None: it starts with joining.
    pub start: Option<Start>,
    /// Whether new members are asked for a code.
    pub confirmation: Option<Confirmation>,
    /// The version of the rules for members that they must accept before they spend.
    pub rules_version: Option<String>,
    /// What must be known of a person for the event [`PROFILE_FILLED`] to happen by itself.
    pub profile_fields: Vec<String>,
}

/// The event that happens when all is known of a person that the program asks for.
pub const PROFILE_FILLED: &str = "profile_filled";

/// What may be known of a person, beside attributes.
const FIELDS: [&str; 9] = ["external_id", "phone", "email", "card", "telegram", "first_name", "last_name", "birthday", "dates"];

/// When the welcome comes, by its name in the document.
const CONFIRMATIONS: [(&str, Confirmation); 2] =
    [("at_once", Confirmation::WelcomeAtOnce), ("after", Confirmation::WelcomeAfter)];

/// The id under which members are told of the start of their membership; no rule has it where there is one.
pub const MEMBERSHIP: &str = "membership";

/// Reads `enrolment`.
pub fn read(node: &Node, scale: u8, tiers: bool, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Enrolment> {
    let mut block = node.block(findings)?;
    let start = block.optional("membership_starts_with").and_then(|node| start(&node, tiers, ids, findings));
    let welcome_node = block.optional("welcome");
    let welcome = welcome_node.as_ref().and_then(|node| welcome(node, scale, ids, findings));
    let confirmation_node = block.optional("confirmation");
    let confirmation = confirmation_node.as_ref().and_then(|node| confirmation(node, findings));
    let rules_version = block.optional("accepted_rules").and_then(|node| accepted_rules(&node, findings));
    let profile_fields = block.optional(PROFILE_FILLED).and_then(|node| profile_filled(&node, findings)).unwrap_or_default();
    block.finish(findings);
    if let (Some(node), Some(Confirmation::WelcomeAfter), None) = (&confirmation_node, confirmation, &welcome)
        && welcome_node.is_none()
    {
        let detail = "there is no welcome that could come after it; add \"welcome\", or write \"at_once\"";
        findings.note(&format!("{}/welcome", node.pointer), "no_welcome", detail);
    }
    Some(Enrolment { welcome, start, confirmation, rules_version, profile_fields })
}

fn confirmation(node: &Node, findings: &mut Findings) -> Option<Confirmation> {
    let mut block = node.block(findings)?;
    let when =
        block.required("welcome", findings).and_then(|node| node.choice("when the welcome comes", &CONFIRMATIONS, findings));
    block.finish(findings);
    when
}

/// The fields that make a profile a filled one.
fn profile_filled(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let mut block = node.block(findings)?;
    let fields = block.required("fields", findings);
    block.finish(findings);
    let (fields, mut known) = (fields?, true);
    let named = fields.words(MAX_LIST, findings)?;
    for field in &named {
        let attribute = field.strip_prefix("attributes.").is_some_and(|name| !name.trim().is_empty());
        if !attribute && !FIELDS.contains(&field.as_str()) {
            let detail = format!("{field:?} is no field of a person; there are {} and attributes.NAME", FIELDS.join(", "));
            findings.note(&fields.pointer, "unknown_word", detail);
            known = false;
        }
    }
    known.then(|| named.into_iter().collect())
}

/// The version that must be accepted before points are spent.
fn accepted_rules(node: &Node, findings: &mut Findings) -> Option<String> {
    let mut block = node.block(findings)?;
    let version = block.required("version", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let before = block.required("before", findings).and_then(|node| node.choice("what needs it", &[("spending", ())], findings));
    block.finish(findings);
    before.and(version)
}

fn start(node: &Node, tiers: bool, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Start> {
    ids.insert(MEMBERSHIP.to_owned());
    let mut block = node.block(findings)?;
    let order_min = block.required("order_min", findings).and_then(|node| node.money(1, findings));
    block.finish(findings);
    if !tiers {
        let detail = "without it no tier is held, and this program has none; add \"tiers\", or leave it out";
        findings.note(&node.pointer, "no_tiers", detail);
    }
    Some(Start { order_min: order_min? })
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
