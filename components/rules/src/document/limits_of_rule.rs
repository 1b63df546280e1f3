//! The block `limits` of a rule: how much and how often it gives.

use crate::engine::Budget;
use crate::limits::{MAX_DAYS, MAX_TIMES};

use super::reader::{Findings, Node};

/// Caps of a rule. Points are minor units above 0; what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Points on one order.
    pub per_order: Option<i64>,
    /// Points for one member on one local day.
    pub per_day: Option<i64>,
    /// Points for one member in all.
    pub per_member: Option<i64>,
    /// Points for all members together.
    pub budget: Option<i64>,
    /// How often it fires for one member.
    pub times_per_member: Option<u32>,
    /// It does not fire again within so many days of 24 hours.
    pub cooldown_days: Option<i64>,
}

impl Limits {
    /// Whether what the rule gave so far must be known.
    pub fn look_back(&self) -> bool {
        self.per_day.is_some()
            || self.per_member.is_some()
            || self.budget.is_some()
            || self.times_per_member.is_some()
            || self.cooldown_days.is_some()
    }

    /// The budget of the rule with this id.
    pub fn budget_of(&self, rule_id: &str) -> Option<Budget> {
        self.budget.map(|points| Budget { rule_id: rule_id.to_owned(), points })
    }
}

/// Reads `limits`.
pub fn read(node: &Node, scale: u8, findings: &mut Findings) -> Option<Limits> {
    let mut block = node.block(findings)?;
    let mut points = |name| block.optional(name).map(|node| node.points(scale, 1, findings));
    let (per_order, per_day) = (points("per_order"), points("per_day"));
    let (per_member, budget) = (points("per_member"), points("budget"));
    let times = block.optional("times_per_member").map(|node| node.integer(1, MAX_TIMES, findings));
    let cooldown = block.optional("cooldown_days").map(|node| node.integer(1, MAX_DAYS, findings));
    if block.is_empty() {
        findings.note(&node.pointer, "empty", "name at least one limit, or leave the block out");
    }
    block.finish(findings);
    let limits = Limits {
        per_order: whole(per_order)?,
        per_day: whole(per_day)?,
        per_member: whole(per_member)?,
        budget: whole(budget)?,
        times_per_member: whole(times)?.and_then(|times| u32::try_from(times).ok()),
        cooldown_days: whole(cooldown)?,
    };
    check_order(node, &limits, findings);
    Some(limits)
}

/// A narrower limit above a wider one never matters: somebody has mixed them up.
fn check_order(node: &Node, limits: &Limits, findings: &mut Findings) {
    let steps = [
        ("per_order", limits.per_order),
        ("per_day", limits.per_day),
        ("per_member", limits.per_member),
        ("budget", limits.budget),
    ];
    let mut widest: Option<(&str, i64)> = None;
    for (name, limit) in steps {
        let Some(limit) = limit else { continue };
        if let Some((narrower, points)) = widest
            && points > limit
        {
            let detail = format!("{narrower} is more than {name} and can never be reached; lower it, or raise {name}");
            findings.note(&format!("{}/{narrower}", node.pointer), "unreachable", detail);
        }
        widest = Some((name, limit));
    }
}

/// A field that was read well or is absent.
fn whole<T>(field: Option<Option<T>>) -> Option<Option<T>> {
    match field {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}
