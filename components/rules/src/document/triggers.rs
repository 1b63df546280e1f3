//! The block `triggers`: what happens by itself some time after something of a member, unless its reason is gone.

use std::collections::BTreeSet;

use crate::engine::{Goods, Unless, Watched};
use crate::limits::{MAX_COOLDOWN, MAX_LIST, MAX_TEXT, MAX_TRIGGERS, MAX_WAIT_DAYS, MAX_WAIT_HOURS};

use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;
use super::{conditions, take_id};

/// What happens some time after (or before) something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Unique among occasions and triggers.
    pub id: String,
    /// What it looks at.
    pub watched: Watched,
    /// How long after it; before the end of a grace.
    pub wait: Wait,
    /// What keeps it from firing.
    pub unless: Unless,
    /// The type of the event that happens.
    pub event: String,
    /// Not again within so many days of 24 hours; 0: every time.
    pub cooldown_days: u32,
    /// A promo code that it gives.
    pub voucher: Option<TriggerVoucher>,
}

/// How long a trigger waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So many hours; 0: it doesn't.
    Hours(i64),
    /// Until the start of the local day so many days later (or before), at least 1.
    Days(i64),
}

/// A promo code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerVoucher {
    /// The rule that it unlocks.
    pub rule: String,
    /// Good to the end of the local day so many days later.
    pub days: i64,
    /// Only for the goods of the event.
    pub of_event: bool,
}

/// What a trigger looks at, by its name in the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    NoPurchase,
    Purchase,
    FirstPurchase,
    Joined,
    TierReached,
    TierEnding,
    Event,
}

const ON: [(&str, On); 7] = [
    ("no_purchase", On::NoPurchase),
    ("purchase", On::Purchase),
    ("first_purchase", On::FirstPurchase),
    ("joined", On::Joined),
    ("tier_reached", On::TierReached),
    ("tier_ending", On::TierEnding),
    ("event", On::Event),
];

const UNLESS: [(&str, Unless); 3] =
    [("bought", Unless::Bought), ("bought_again", Unless::BoughtAgain), ("profile_filled", Unless::ProfileFilled)];

/// What of the rest of the document a trigger refers to.
pub struct Referred<'d> {
    /// The program's tiers.
    pub tiers: &'d Tiers,
    /// Rules that ask for a promo code.
    pub voucher_rules: &'d [String],
    /// Whether the program says what makes a filled profile.
    pub knows_filled: bool,
}

/// Reads `triggers`.
pub fn read(node: &Node, referred: &Referred, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<Trigger> {
    let nodes = node.list(MAX_TRIGGERS, findings).unwrap_or_default();
    let read: Vec<(&Node, Trigger)> =
        nodes.iter().filter_map(|node| Some((node, trigger(node, referred, ids, findings)?))).collect();
    check_rings(&read, findings);
    read.into_iter().map(|(_, trigger)| trigger).collect()
}

/// Triggers of events may follow each other, but in a ring they would go on for ever.
fn check_rings(read: &[(&Node, Trigger)], findings: &mut Findings) {
    let edge = |trigger: &Trigger| match &trigger.watched {
        Watched::Event(of) if *of != trigger.event => Some((of.clone(), trigger.event.clone())),
        // one that looks at its own event is named already
        _ => None,
    };
    let mut edges: Vec<(String, String)> = Vec::new();
    for (node, trigger) in read {
        let Some((of, event)) = edge(trigger) else { continue };
        let mut reached = BTreeSet::from([event.clone()]);
        loop {
            let next: Vec<_> = edges.iter().filter(|(from, to)| reached.contains(from) && !reached.contains(to)).collect();
            if next.is_empty() {
                break;
            }
            reached.extend(next.into_iter().map(|(_, to)| to.clone()));
        }
        if reached.contains(&of) {
            let detail = "what happens brings about, by the triggers above, what it looks at: it would go on for ever";
            findings.note(&format!("{}/event", node.pointer), "feeds_itself", detail);
        }
        edges.push((of, event));
    }
}

fn trigger(node: &Node, referred: &Referred, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Trigger> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let on = block.required("on", findings).and_then(|node| node.choice("what a trigger looks at", &ON, findings));
    let watched = watched(&mut block, on, referred.tiers, findings);
    let wait = wait(&mut block, on, &node.pointer, findings);
    let unless_node = block.optional("unless");
    let unless = match &unless_node {
        Some(node) => node.choice("what keeps a trigger from firing", &UNLESS, findings),
        None => Some(Unless::Never),
    };
    if let (Some(node), Some(unless), Some(on)) = (&unless_node, unless, on) {
        check_unless(node, unless, on, referred.knows_filled, findings);
    }
    let event = block.required("event", findings).and_then(|node| node.name(MAX_TEXT, findings));
    if let (Some(Watched::Event(of)), Some(event)) = (&watched, &event)
        && of == event
    {
        findings.note(&format!("{}/event", node.pointer), "feeds_itself", "what happens is what it looks at; name another event");
    }
    let cooldown = block.optional("cooldown_days").map_or(Some(0), |node| node.integer(1, MAX_COOLDOWN, findings));
    let voucher = match block.optional("voucher") {
        Some(node) => voucher(&node, on, referred.voucher_rules, findings).map(Some),
        None => Some(None),
    };
    block.finish(findings);
    Some(Trigger {
        id: id?,
        watched: watched?,
        wait: wait?,
        unless: unless?,
        event: event?,
        cooldown_days: u32::try_from(cooldown?).ok()?,
        voucher: voucher?,
    })
}

/// A field that only one kind of trigger has.
fn of<'v>(block: &mut Block<'v>, on: Option<On>, name: &'static str, own: On, findings: &mut Findings) -> Option<Node<'v>> {
    let node = block.optional(name)?;
    if on.is_some_and(|on| on != own) {
        let owner = ON.iter().find(|(_, known)| *known == own).map_or("", |(word, _)| *word);
        findings.note(&node.pointer, "not_of_trigger", format!("only a trigger on \"{owner}\" has it; leave it out"));
    }
    Some(node)
}

fn watched(block: &mut Block, on: Option<On>, tiers: &Tiers, findings: &mut Findings) -> Option<Watched> {
    let categories = of(block, on, "categories", On::Purchase, findings);
    let skus = of(block, on, "skus", On::Purchase, findings);
    let reached = of(block, on, "tiers", On::TierReached, findings);
    let type_node = of(block, on, "type", On::Event, findings);
    let mut words = |node: Option<Node>| match node {
        Some(node) => node.words(MAX_LIST, findings).map(|words| words.into_iter().collect::<Vec<_>>()),
        None => Some(Vec::new()),
    };
    let (categories, skus) = (words(categories), words(skus));
    Some(match on? {
        On::NoPurchase => Watched::LastOrder,
        On::Purchase => Watched::Purchase(Goods { categories: categories?, skus: skus? }),
        On::FirstPurchase => Watched::FirstPurchase,
        On::Joined => Watched::Joined,
        On::TierEnding => {
            if !tiers.incomplete && tiers.tiers.is_empty() {
                findings.note(
                    &block.pointer_to("on"),
                    "no_tiers",
                    "this program has no tiers; add \"tiers\", or another trigger",
                );
            }
            Watched::TierEnding
        }
        On::TierReached => {
            let node = needed(block, "tiers", reached, findings)?;
            let ids = node.words(MAX_LIST, findings)?;
            ids.iter().for_each(|id| conditions::check_tier(&node, id, tiers, findings));
            Watched::TierReached(ids.into_iter().collect())
        }
        On::Event => Watched::Event(needed(block, "type", type_node, findings)?.name(MAX_TEXT, findings)?),
    })
}

fn needed<'v>(block: &Block, name: &str, node: Option<Node<'v>>, findings: &mut Findings) -> Option<Node<'v>> {
    if node.is_none() {
        findings.note(&block.pointer_to(name), "missing_field", format!("the field \"{name}\" is needed here"));
    }
    node
}

fn wait(block: &mut Block, on: Option<On>, pointer: &str, findings: &mut Findings) -> Option<Wait> {
    let (days, hours) = (block.optional("days"), block.optional("hours"));
    match (days, hours) {
        (Some(_), Some(node)) => {
            findings.note(&node.pointer, "two_waits", "give days or hours, not both");
            None
        }
        (Some(node), None) => node.integer(1, MAX_WAIT_DAYS, findings).map(Wait::Days),
        (None, Some(node)) => {
            if matches!(on, Some(On::NoPurchase | On::TierEnding)) {
                findings.note(&node.pointer, "not_of_trigger", "this trigger goes by local days; write days");
            }
            node.integer(1, MAX_WAIT_HOURS, findings).map(Wait::Hours)
        }
        (None, None) => {
            if matches!(on, Some(On::NoPurchase | On::TierEnding)) {
                findings.note(&format!("{pointer}/days"), "missing_field", "the field \"days\" is needed here");
            }
            Some(Wait::Hours(0))
        }
    }
}

fn check_unless(node: &Node, unless: Unless, on: On, knows_filled: bool, findings: &mut Findings) {
    match unless {
        Unless::BoughtAgain if on != On::Purchase => {
            let detail = "only a trigger on \"purchase\" knows which goods are meant; write \"bought\"";
            findings.note(&node.pointer, "not_of_trigger", detail);
        }
        Unless::Bought if on == On::NoPurchase => {
            let detail = "a purchase always ends the wait of this trigger; leave it out";
            findings.note(&node.pointer, "not_of_trigger", detail);
        }
        Unless::ProfileFilled if !knows_filled => {
            let detail = "nothing says what makes a filled profile; add profile_filled to \"enrolment\"";
            findings.note(&node.pointer, "no_profile", detail);
        }
        _ => {}
    }
}

fn voucher(node: &Node, on: Option<On>, rules: &[String], findings: &mut Findings) -> Option<TriggerVoucher> {
    let mut block = node.block(findings)?;
    let rule_node = block.required("rule", findings);
    let rule = rule_node.as_ref().and_then(|node| node.id(findings));
    if let (Some(node), Some(rule)) = (&rule_node, &rule)
        && !rules.contains(rule)
    {
        let known = if rules.is_empty() { "none".to_owned() } else { rules.join(", ") };
        findings.note(&node.pointer, "unknown_rule", format!("no rule of this id asks for a voucher; those that do: {known}"));
    }
    let days = block.required("days", findings).and_then(|node| node.integer(1, MAX_WAIT_DAYS, findings));
    let goods = block.optional("goods");
    if let (Some(node), Some(on)) = (&goods, on)
        && on != On::Event
    {
        findings.note(&node.pointer, "not_of_trigger", "only an event names goods; leave it out");
    }
    let of_event = match &goods {
        Some(node) => node.choice("for which goods the code is", &[("of_event", true)], findings),
        None => Some(false),
    };
    block.finish(findings);
    Some(TriggerVoucher { rule: rule?, days: days?, of_event: of_event? })
}
