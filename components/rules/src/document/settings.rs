//! The heading of a document: name, currency, zone, points, and what a return does to points that are spent already.

use crate::calendar::{Expiry, Zone};
use crate::engine::{ClawbackPolicy, Settings, Tier};
use crate::limits::{MAX_POINTS_SCALE, MAX_TEXT};

use super::lifetime;
use super::reader::{Block, Findings, Node};

/// What was read of the heading; a part is none when it has a finding.
pub struct Heading {
    name: Option<String>,
    currency: Option<String>,
    zone: Option<(String, Zone)>,
    points_name: Option<String>,
    /// Decimal places of a point. With a wrong scale the most lenient one, so that only the scale is found wrong.
    pub scale: u8,
    conversion_rate: Option<i64>,
    clawback: ClawbackPolicy,
    /// How long points live that come back to a lot that is over; none: they are lost with it.
    pub returned_grace: Option<Expiry>,
}

/// The policies by their names in the document.
const CLAWBACK_POLICIES: [(&str, ClawbackPolicy); 4] = [
    ("clamp_to_zero", ClawbackPolicy::ClampToZero),
    ("allow_negative", ClawbackPolicy::AllowNegative),
    ("within_balance", ClawbackPolicy::WithinBalance),
    ("pending_only", ClawbackPolicy::PendingOnly),
];

/// Reads the fields of the heading from the document's outermost block.
pub fn read(document: &mut Block, findings: &mut Findings) -> Heading {
    let name = document.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let currency = document.required("currency", findings).and_then(|node| currency(&node, findings));
    let zone = document.required("time_zone", findings).and_then(|node| zone(&node, findings));
    let points = document.required("points", findings);
    let (points_name, scale, conversion_rate) =
        points.and_then(|node| points_block(&node, findings)).unwrap_or((None, MAX_POINTS_SCALE, None));
    let returns = document.optional("returns");
    let (clawback, returned_grace) = returns.and_then(|node| returns_block(&node, findings)).unwrap_or_default();
    let clawback = clawback.unwrap_or(ClawbackPolicy::AllowNegative);
    Heading { name, currency, zone, points_name, scale, conversion_rate, clawback, returned_grace }
}

impl Heading {
    /// The settings and their zone; none when a part is missing.
    pub fn complete(self, tiers: Vec<Tier>, hold_seconds: u32) -> Option<(Settings, Zone)> {
        let (time_zone, zone) = self.zone?;
        let settings = Settings {
            name: self.name?,
            currency: self.currency?,
            points_name: self.points_name?,
            points_scale: self.scale,
            time_zone,
            conversion_rate: self.conversion_rate?,
            hold_seconds,
            clawback: self.clawback,
            tiers,
        };
        Some((settings, zone))
    }
}

fn currency(node: &Node, findings: &mut Findings) -> Option<String> {
    let code = node.text("a currency code", findings)?;
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(code.to_owned());
    }
    findings.note(&node.pointer, "invalid_currency", "a currency is three capital letters (ISO 4217): \"RUB\"");
    None
}

fn zone(node: &Node, findings: &mut Findings) -> Option<(String, Zone)> {
    let name = node.text("the name of a time zone", findings)?;
    match Zone::named(name) {
        Ok(zone) => Some((name.to_owned(), zone)),
        Err(unknown) => {
            let detail = match unknown.meant {
                Some(meant) => format!("the zone is written \"{meant}\""),
                None => "no IANA zone has this name; one is \"Europe/Moscow\"".to_owned(),
            };
            findings.note(&node.pointer, "unknown_time_zone", detail);
            None
        }
    }
}

/// Name, scale and conversion rate (money that one whole point pays, in hundredths).
fn points_block(node: &Node, findings: &mut Findings) -> Option<(Option<String>, u8, Option<i64>)> {
    let mut block = node.block(findings)?;
    let name = block.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let scale = block.required("scale", findings).and_then(|node| node.integer(0, MAX_POINTS_SCALE.into(), findings));
    let rate = block.required("conversion_rate", findings).and_then(|node| node.money(1, findings));
    block.finish(findings);
    let scale = scale.and_then(|scale| u8::try_from(scale).ok()).unwrap_or(MAX_POINTS_SCALE);
    Some((name, scale, rate))
}

fn returns_block(node: &Node, findings: &mut Findings) -> Option<(Option<ClawbackPolicy>, Option<Expiry>)> {
    let mut block = node.block(findings)?;
    let policy = block.optional("clawback").and_then(|node| {
        let name = node.text("the name of a policy", findings)?;
        let found = CLAWBACK_POLICIES.iter().find(|(policy, _)| *policy == name).map(|(_, policy)| *policy);
        if found.is_none() {
            let known = CLAWBACK_POLICIES.map(|(policy, _)| policy).join(", ");
            findings.note(&node.pointer, "unknown_policy", format!("a clawback policy is one of {known}"));
        }
        found
    });
    let grace = block.optional("returned_grace").and_then(|node| {
        let expiry = lifetime::expiry(&node, findings)?;
        if expiry == Expiry::Never {
            findings.note(
                &node.pointer,
                "never_expires",
                "points whose time was over come back for a time: days, months or calendar",
            );
        }
        Some(expiry)
    });
    block.finish(findings);
    Some((policy, grace))
}
