//! Compares what was answered with what is there. Knows nothing of how it came to be: no clients, no kills.

use std::net::SocketAddr;

use serde_json::Value;

use crate::compare::{self, Finding};
use crate::exchange::{Answer, Exchange, Request, send_all};
use crate::expected::Expected;

/// Entries of one page.
const PAGE: usize = 200;

/// Sends changes that were answered again: each must give the same answer, byte for byte, and say that it is a repeat.
pub async fn repeats(address: SocketAddr, done: &[Exchange]) -> Vec<Finding> {
    let answers = send_all(address, done.iter().map(|done| done.request.clone()).collect()).await;
    done.iter().zip(answers).filter_map(|(done, again)| compare::repeated(done, again.as_ref())).collect()
}

/// Has the program check its books.
pub async fn audit(address: SocketAddr) -> (Value, Vec<Finding>) {
    let mut audit = answers(address, vec!["/v1/audit".to_owned()]).await.remove(0);
    let findings = if audit["ok"] == true { Vec::new() } else { vec![Finding::differs("", format!("the audit says {audit}"))] };
    (audit["checked"].take(), findings)
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub members: u64,
    pub orders: u64,
    pub redemptions: u64,
    pub programs: u64,
}

impl Counts {
    /// As an audit counted them.
    pub fn of(checked: &Value) -> Self {
        let count = |what: &str| checked[what].as_u64().unwrap_or_else(|| panic!("the audit counts {what}: {checked}"));
        let (members, orders) = (count("accounts"), count("orders"));
        Self { members, orders, redemptions: count("redemptions"), programs: count("program_version") }
    }
}

/// As many of everything as was there before, and what was answered since.
pub fn counts(before: Counts, checked: &Value, expected: &Expected) -> Vec<Finding> {
    let there = Counts::of(checked);
    let members = before.members + u64::try_from(expected.members.len()).unwrap_or_default();
    let orders = before.orders + u64::try_from(expected.orders.len()).unwrap_or_default();
    let pairs = [
        ("members", members, there.members),
        ("orders", orders, there.orders),
        ("redemptions", before.redemptions + expected.redemptions, there.redemptions),
        ("programs", before.programs + expected.programs, there.programs),
    ];
    pairs.into_iter().filter_map(|(what, answered, there)| compare::counted(what, answered, there)).collect()
}

/// Reads everything that was answered back: each member's entries and balance, and each order.
pub async fn read_back(address: SocketAddr, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    let entries = entries(address, expected).await;
    // after the entries: a hold that ended meanwhile is over by the balance, too
    let balances = answers(address, expected.members.keys().map(|id| format!("/v1/members/{id}/balance")).collect()).await;
    for (((member, account), entries), balance) in expected.members.iter().zip(&entries).zip(&balances) {
        findings.extend(compare::member(member, account, entries, balance));
    }
    let orders = answers(address, expected.orders.keys().map(|id| format!("/v1/orders/{id}")).collect()).await;
    for ((id, order), there) in expected.orders.iter().zip(&orders) {
        findings.extend(compare::order(id, order, there));
    }
    findings
}

/// All entries of each member, page by page.
async fn entries(address: SocketAddr, expected: &Expected) -> Vec<Vec<Value>> {
    let mut all = vec![Vec::new(); expected.members.len()];
    let mut wanted: Vec<_> =
        expected.members.keys().map(|id| format!("/v1/members/{id}/entries?limit={PAGE}")).enumerate().collect();
    while !wanted.is_empty() {
        let (places, paths): (Vec<_>, Vec<_>) = wanted.drain(..).unzip();
        let pages = answers(address, paths.clone()).await;
        for ((place, path), mut page) in places.into_iter().zip(paths).zip(pages) {
            if let Value::Array(items) = page["items"].take() {
                all[place].extend(items);
            }
            if let Some(cursor) = page["next_cursor"].as_str() {
                let first = path.split('&').next().unwrap_or_default();
                wanted.push((place, format!("{first}&cursor={cursor}")));
            }
        }
    }
    all
}

/// What is answered to these questions; null where there is no such thing, or no answer.
async fn answers(address: SocketAddr, paths: Vec<String>) -> Vec<Value> {
    let answers = send_all(address, paths.into_iter().map(Request::get).collect()).await;
    answers
        .into_iter()
        .map(|answer| answer.filter(|answer| answer.status.is_success()).map(|answer| Answer::json(&answer)).unwrap_or_default())
        .collect()
}
