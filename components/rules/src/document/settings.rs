//! The heading of a document: name, currency, zone, points, and what a return does to points that are spent already.

use crate::calendar::{Expiry, Zone};
use crate::engine::{Budget, ClawbackPolicy, Confirmation, Settings};
use crate::limits::{MAX_NOTICE_DAYS, MAX_POINTS_SCALE, MAX_TEXT};
use crate::money::Rounding;

use super::lifetime;
use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;

/// What was read of the heading; a part is none when it has a finding.
pub struct Heading {
    name: Option<String>,
    currency: Option<String>,
    zone: Option<(String, Zone)>,
    points_name: Option<String>,
    /// What points are called in other languages: (language, name).
    pub names: Vec<(String, String)>,
    /// How earned points are rounded.
    pub rounding: EarnedRounding,
    /// What points are earned on.
    pub basis: Basis,
    /// Decimal places of a point. With a wrong scale the most lenient one, so that only the scale is found wrong.
    pub scale: u8,
    conversion_rate: Option<i64>,
    clawback: ClawbackPolicy,
    /// How long points live that come back to a lot that is over; none: they are lost with it.
    pub returned_grace: Option<Expiry>,
    /// How many days before points expire a notice must have been recorded as sent; none: they need none.
    notice_days: Option<u32>,
}

/// How earned points are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarnedRounding {
    /// The mode.
    pub mode: Rounding,
    /// Decimal places that are left, at most those of a point.
    pub scale: u8,
    /// True: each line's points are rounded. False: a rule's sum is.
    pub by_line: bool,
}

/// What points are earned on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The delivery counts too, shared among the lines by their amounts.
    pub with_delivery: bool,
    /// The tax that the lines' amounts contain does not count.
    pub without_tax: bool,
    /// What points pay counts too.
    pub gross_of_points: bool,
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
    let Points { name: points_name, names, scale, conversion_rate, rounding } =
        points.and_then(|node| points_block(&node, findings)).unwrap_or_default();
    let basis = document.optional("earning_basis").and_then(|node| basis(&node, findings)).unwrap_or_default();
    let returns = document.optional("returns");
    let (clawback, returned_grace) = returns.and_then(|node| returns_block(&node, findings)).unwrap_or_default();
    let clawback = clawback.unwrap_or(ClawbackPolicy::AllowNegative);
    let rounding = rounding.unwrap_or(EarnedRounding { mode: Rounding::Down, scale, by_line: false });
    let notice_days = document.optional("annulment").and_then(|node| annulment(&node, findings));
    Heading {
        name,
        currency,
        zone,
        points_name,
        names,
        rounding,
        basis,
        scale,
        conversion_rate,
        clawback,
        returned_grace,
        notice_days,
    }
}

impl Heading {
    /// Money that one whole point pays, in hundredths; where it is wrong, one unit.
    pub fn conversion_rate(&self) -> i64 {
        self.conversion_rate.unwrap_or(100)
    }

    /// The settings and their zone; none when a part is missing.
    pub fn complete(
        self,
        tiers: &Tiers,
        budgets: Vec<Budget>,
        voucher_rules: Vec<String>,
        hold_seconds: u32,
    ) -> Option<(Settings, Zone)> {
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
            tier_basis: tiers.terms.basis,
            tiers: tiers.tiers.clone(),
            budgets,
            voucher_rules,
            confirmation: Confirmation::None,
            rules_version: None,
            profile_fields: Vec::new(),
            notice_days: self.notice_days,
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

/// The block `points`; a part is none when it has a finding.
struct Points {
    name: Option<String>,
    names: Vec<(String, String)>,
    scale: u8,
    /// Money that one whole point pays, in hundredths.
    conversion_rate: Option<i64>,
    rounding: Option<EarnedRounding>,
}

impl Default for Points {
    fn default() -> Self {
        Self { name: None, names: Vec::new(), scale: MAX_POINTS_SCALE, conversion_rate: None, rounding: None }
    }
}

fn points_block(node: &Node, findings: &mut Findings) -> Option<Points> {
    let mut block = node.block(findings)?;
    let name = block.required("name", findings).and_then(|node| node.name(MAX_TEXT, findings));
    let names = block.optional("names").map(|node| names(&node, findings)).unwrap_or_default();
    let scale = block.required("scale", findings).and_then(|node| node.integer(0, MAX_POINTS_SCALE.into(), findings));
    let conversion_rate = block.required("conversion_rate", findings).and_then(|node| node.money(1, findings));
    let scale = scale.and_then(|scale| u8::try_from(scale).ok()).unwrap_or(MAX_POINTS_SCALE);
    let rounding = block.optional("rounding").and_then(|node| rounding(&node, scale, findings));
    block.finish(findings);
    Some(Points { name, names, scale, conversion_rate, rounding })
}

/// The languages in which explanations are written beside English.
const LANGUAGES: [&str; 1] = ["ru"];

fn names(node: &Node, findings: &mut Findings) -> Vec<(String, String)> {
    let Some(mut block) = node.block(findings) else { return Vec::new() };
    let name = |language: &'static str| {
        let name = block.optional(language)?.name(MAX_TEXT, findings)?;
        Some((language.to_owned(), name))
    };
    let names = LANGUAGES.into_iter().filter_map(name).collect();
    block.finish(findings);
    names
}

fn rounding(node: &Node, points_scale: u8, findings: &mut Findings) -> Option<EarnedRounding> {
    let modes =
        [("down", Rounding::Down), ("half_up", Rounding::HalfUp), ("half_even", Rounding::HalfEven), ("up", Rounding::Up)];
    let mut block = node.block(findings)?;
    let mode = match block.optional("mode") {
        Some(node) => node.choice("a rounding", &modes, findings),
        None => Some(Rounding::Down),
    };
    let scale = match block.optional("scale") {
        Some(node) => node.integer(0, points_scale.into(), findings).and_then(|scale| u8::try_from(scale).ok()),
        None => Some(points_scale),
    };
    let by_line = match block.optional("per") {
        Some(node) => node.choice("what is rounded", &[("rule", false), ("line", true)], findings),
        None => Some(false),
    };
    block.finish(findings);
    Some(EarnedRounding { mode: mode?, scale: scale?, by_line: by_line? })
}

fn basis(node: &Node, findings: &mut Findings) -> Option<Basis> {
    let mut block = node.block(findings)?;
    let mut either = |name, wanted, no, yes| match block.optional(name) {
        Some(node) => node.choice(wanted, &[(no, false), (yes, true)], findings),
        None => Some(false),
    };
    let with_delivery = either("of", "what is earned on", "items", "items_and_delivery");
    let without_tax = either("tax", "what becomes of tax", "included", "excluded");
    let gross_of_points = either("points_paid", "what becomes of points paid", "net", "gross");
    block.finish(findings);
    Some(Basis { with_delivery: with_delivery?, without_tax: without_tax?, gross_of_points: gross_of_points? })
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
        if matches!(expiry, Expiry::Never | Expiry::Inactivity(_)) {
            findings.note(
                &node.pointer,
                "never_expires",
                "points whose time was over come back for a time: days, months, end_of_month or calendar",
            );
        }
        Some(expiry)
    });
    block.finish(findings);
    Some((policy, grace))
}

fn annulment(node: &Node, findings: &mut Findings) -> Option<u32> {
    let mut block = node.block(findings)?;
    let days = block.required("notice_days", findings).and_then(|node| node.integer(1, MAX_NOTICE_DAYS, findings));
    block.finish(findings);
    u32::try_from(days?).ok()
}
