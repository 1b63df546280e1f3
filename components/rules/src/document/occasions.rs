//! The blocks `occasions` and `reminders`: days that come round, and of what members are told before it is gone.

use std::collections::BTreeSet;

use crate::engine::OccasionDate;
use crate::limits::{MAX_OCCASIONS, MAX_OFFSET, MAX_REMINDER_DAYS, MAX_REMINDERS, MAX_TEXT};

use super::reader::{Findings, Node};
use super::take_id;

/// What happens on a day that comes round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Unique among occasions and triggers.
    pub id: String,
    /// Which day.
    pub date: OccasionDate,
    /// Local days after the day itself; below 0: before it.
    pub offset: i64,
    /// The type of the event that happens.
    pub event: String,
}

/// Which day, by its name in the document.
const DATES: [(&str, OccasionDate); 3] = [
    ("birthday", OccasionDate::Birthday),
    ("important_date", OccasionDate::ImportantDate),
    ("anniversary", OccasionDate::Anniversary),
];

/// Reads `occasions`.
pub fn read(node: &Node, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Vec<Occasion> {
    let nodes = node.list(MAX_OCCASIONS, findings).unwrap_or_default();
    nodes.iter().filter_map(|node| occasion(node, ids, findings)).collect()
}

fn occasion(node: &Node, ids: &mut BTreeSet<String>, findings: &mut Findings) -> Option<Occasion> {
    let mut block = node.block(findings)?;
    let id_node = block.required("id", findings);
    let id = id_node.as_ref().and_then(|node| node.id(findings));
    if let Some(node) = id_node {
        take_id(&node, &id, ids, findings);
    }
    let date = block.required("date", findings).and_then(|node| node.choice("a day that comes round", &DATES, findings));
    let (before, after) = (block.optional("days_before"), block.optional("days_after"));
    let offset = match (&before, &after) {
        (Some(_), Some(node)) => {
            findings.note(&node.pointer, "two_offsets", "give days_before or days_after, not both");
            None
        }
        (Some(node), None) => node.integer(1, MAX_OFFSET, findings).map(|days| 0_i64.saturating_sub(days)),
        (None, Some(node)) => node.integer(1, MAX_OFFSET, findings),
        (None, None) => Some(0),
    };
    let event = block.required("event", findings).and_then(|node| node.name(MAX_TEXT, findings));
    block.finish(findings);
    Some(Occasion { id: id?, date: date?, offset: offset?, event: event? })
}

/// Reads `reminders`: how many days before points expire members are told of it, the earliest first.
pub fn reminders(node: &Node, findings: &mut Findings) -> Option<Vec<u32>> {
    let mut block = node.block(findings)?;
    let days = block.required("days", findings);
    block.finish(findings);
    let days = days?;
    let nodes = days.list(MAX_REMINDERS, findings)?;
    if nodes.is_empty() {
        findings.note(&days.pointer, "empty", "name at least one number of days, or leave \"reminders\" out");
    }
    let mut read: Vec<u32> = Vec::new();
    for node in nodes {
        let days = node.integer(1, MAX_REMINDER_DAYS, findings).and_then(|days| u32::try_from(days).ok())?;
        if read.last().is_some_and(|earlier| *earlier <= days) {
            findings.note(&node.pointer, "not_descending", "the earliest reminder comes first, each once: 14, 7, 1");
        }
        read.push(days);
    }
    Some(read)
}
