//! The fields `activation` and `expiry` of whatever gives points.

use crate::calendar::{Activation, DayOfYear, Expiry, Lifetime};
use crate::limits::{MAX_CALENDAR_DATES, MAX_DAYS, MAX_MONTHS};

use super::reader::{Block, Findings, Node};

/// Reads both fields; absent ones mean at once and never. Points must not expire before they can be spent.
pub fn read(block: &mut Block, findings: &mut Findings) -> Lifetime {
    let activation = block.optional("activation").and_then(|node| activation(&node, findings));
    let expiry_node = block.optional("expiry");
    let expiry = expiry_node.as_ref().and_then(|node| expiry(node, findings));
    let lifetime = Lifetime { activation: activation.unwrap_or_default(), expiry: expiry.unwrap_or_default() };
    if let Some(node) = expiry_node
        && lifetime.may_expire_before_activation()
    {
        let detail = "points earned on some days would expire before they activate; let them live longer, or activate \
                      them sooner. With fixed dates they must activate immediately";
        findings.note(&node.pointer, "expires_before_activation", detail);
    }
    lifetime
}

fn activation(node: &Node, findings: &mut Findings) -> Option<Activation> {
    let mut block = node.block(findings)?;
    let kind = block.required("type", findings)?;
    let activation = match kind.text("the type of an activation", findings)? {
        "immediately" => Some(Activation::Immediately),
        "days" => number(&mut block, "days", MAX_DAYS, findings).map(Activation::Days),
        _ => return unknown_type(&kind, "immediately, days", findings),
    };
    block.finish(findings);
    activation
}

/// Reads an expiry by itself.
pub fn expiry(node: &Node, findings: &mut Findings) -> Option<Expiry> {
    let mut block = node.block(findings)?;
    let kind = block.required("type", findings)?;
    let expiry = match kind.text("the type of an expiry", findings)? {
        "never" => Some(Expiry::Never),
        "days" => number(&mut block, "days", MAX_DAYS, findings).map(Expiry::Days),
        "months" => number(&mut block, "months", MAX_MONTHS, findings).map(Expiry::Months),
        "end_of_month" => {
            let months = block.optional("months").map(|node| node.integer(0, MAX_MONTHS, findings));
            months.unwrap_or(Some(0)).map(Expiry::EndOfMonth)
        }
        "calendar" => block.required("dates", findings).and_then(|node| dates(&node, findings)),
        "inactivity" => number(&mut block, "days", MAX_DAYS, findings).map(Expiry::Inactivity),
        _ => return unknown_type(&kind, "never, days, months, end_of_month, calendar, inactivity", findings),
    };
    block.finish(findings);
    expiry
}

fn number(block: &mut Block, name: &'static str, most: i64, findings: &mut Findings) -> Option<i64> {
    block.required(name, findings)?.integer(1, most, findings)
}

fn dates(node: &Node, findings: &mut Findings) -> Option<Expiry> {
    let nodes = node.list(MAX_CALENDAR_DATES, findings)?;
    if nodes.is_empty() {
        findings.note(&node.pointer, "empty", "name at least one date: \"01-01\"; or let the points never expire");
        return None;
    }
    let dates: Vec<_> = nodes.iter().map(|node| date(node, findings)).collect();
    dates.into_iter().collect::<Option<_>>().map(Expiry::Calendar)
}

fn date(node: &Node, findings: &mut Findings) -> Option<DayOfYear> {
    let text = node.text("a day of the year, like \"05-01\"", findings)?;
    let date = DayOfYear::parse(text);
    if date.is_none() {
        let detail = "a day that every year has, month first: \"05-01\" is 1 May. Instead of 29 February take 02-28 or 03-01";
        findings.note(&node.pointer, "invalid_date", detail);
    }
    date
}

fn unknown_type<T>(node: &Node, known: &str, findings: &mut Findings) -> Option<T> {
    findings.note(&node.pointer, "unknown_type", format!("known types: {known}"));
    None
}
