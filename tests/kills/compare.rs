//! One thing as it was answered against the same thing as it is there.

use std::collections::BTreeMap;

use host::Timestamp;
use serde_json::Value;
use tests::hundredths;

use crate::exchange::{Answer, Exchange};
use crate::expected::{Account, Effect, Fact, Order};

/// In which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Answered, but not there.
    Lost,
    /// There more often than it was answered.
    Doubled,
    /// There, but otherwise than answered.
    Differs,
}

/// Something wrong, and the request that shows it.
#[derive(Clone, Debug)]
pub struct Finding {
    pub wrong: Wrong,
    /// The idempotency key of the request, where there is one.
    pub key: String,
    pub detail: String,
}

impl Finding {
    fn new(wrong: Wrong, key: &str, detail: impl Into<String>) -> Self {
        Self { wrong, key: key.to_owned(), detail: detail.into() }
    }

    pub fn differs(key: &str, detail: impl Into<String>) -> Self {
        Self::new(Wrong::Differs, key, detail)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, key {:?}: {}", self.wrong, self.key, self.detail)
    }
}

/// A change that was answered, and its answer to the same request now.
pub fn repeated(done: &Exchange, again: Option<&Answer>) -> Option<Finding> {
    let (first, key) = (&done.answer, done.key());
    let Some(again) = again else { return Some(Finding::differs(&key, "its repeat gets no answer")) };
    if again.status.is_server_error() {
        return Some(Finding::differs(&key, format!("its repeat fails: {} {}", again.status, again.text)));
    }
    let told = || format!("first {} {}, then {} {}", first.status, first.text, again.status, again.text);
    match again.replayed {
        true if (again.status, &again.text) == (first.status, &first.text) => None,
        true => Some(Finding::differs(&key, format!("another answer: {}", told()))),
        // done anew, or refused because the books moved on: either way what was answered is not known any more
        false => Some(Finding::new(Wrong::Lost, &key, format!("the repeat is not known: {}", told()))),
    }
}

/// As many as were answered.
pub fn counted(what: &str, answered: u64, there: u64) -> Option<Finding> {
    let detail = format!("{answered} {what} were answered, {there} are there");
    match there.cmp(&answered) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => Some(Finding::new(Wrong::Lost, "", detail)),
        std::cmp::Ordering::Greater => Some(Finding::new(Wrong::Doubled, "", detail)),
    }
}

/// A member's entries, each effect exactly once, and the figures of the balance.
pub fn member(member: &str, account: &Account, entries: &[Value], balance: &Value) -> Vec<Finding> {
    if balance.is_null() {
        let keys = account.effects.iter().map(|effect| &*effect.key);
        return vec![Finding::new(Wrong::Lost, keys.min().unwrap_or_default(), format!("there is no member {member}"))];
    }
    let now: Timestamp = balance["as_of"].as_str().unwrap_or_default().parse().expect("the moment of a balance");
    let mut findings = effects(account, entries, now);
    // by the id of a merged member the balance is that of who took over
    if !account.merged {
        findings.extend(figures(account, balance, now));
    }
    for finding in &mut findings {
        finding.detail = format!("member {member}: {}", finding.detail);
    }
    findings
}

fn effects(account: &Account, entries: &[Value], now: Timestamp) -> Vec<Finding> {
    let mut unexplained: BTreeMap<Fact, usize> = BTreeMap::new();
    // nobody asks for an expiry, or for points to pay what is owed when they come back: the figures tell of both
    let asked = |entry: &&Value| entry["kind"] != "expire" && entry["explanation"][0]["code"] != "deficit_settled";
    for entry in entries.iter().filter(asked) {
        *unexplained.entry(fact(entry)).or_default() += 1;
    }
    let mut findings = Vec::new();
    for Effect { fact, key } in &account.effects {
        match unexplained.get_mut(fact) {
            Some(left) if *left > 0 => *left -= 1,
            _ => findings.push(Finding::new(Wrong::Lost, key, format!("no entry {fact:?}"))),
        }
    }
    // whoever comes past the deadline gives a hold's points back, once
    for (redemption, hold) in account.holds.iter().filter(|(_, hold)| hold.until <= now) {
        if let Some(left @ 1..) = unexplained.get_mut(&Fact::new("release", redemption, hold.points)) {
            *left -= 1;
        }
    }
    for (fact, left) in unexplained.into_iter().filter(|(_, left)| *left > 0) {
        let detail = format!("{left} more than answered of {fact:?}");
        findings.push(match twin(account, &fact) {
            Some(key) => Finding::new(Wrong::Doubled, key, detail),
            None => Finding::differs("", format!("nobody asked for this: {detail}")),
        });
    }
    findings
}

/// The request that had an effect like this: for the same thing, or else of the same amount, because what is done again
/// may have got an id of its own.
fn twin<'a>(account: &'a Account, fact: &Fact) -> Option<&'a str> {
    let same_kind = || account.effects.iter().filter(|effect| effect.fact.kind == fact.kind);
    let same_cause = same_kind().find(|effect| effect.fact.cause == fact.cause);
    let same_amount = || same_kind().find(|effect| effect.fact.amount == fact.amount);
    let overdue = || account.holds.get(&fact.cause).map(|hold| &*hold.key);
    same_cause.or_else(same_amount).map(|effect| &*effect.key).or_else(overdue)
}

fn fact(entry: &Value) -> Fact {
    let kind = entry["kind"].as_str().unwrap_or_default();
    // two of them make a merge, of whatever was there
    if entry["explanation"][0]["rule_id"] == "merge" {
        return Fact::new("merge", "", 0);
    }
    let cause = match kind {
        "adjust" => &entry["id"],
        "hold" | "capture" | "release" => &entry["redemption_id"],
        _ if entry["order_id"].is_null() => &entry["event_id"],
        _ => &entry["order_id"],
    };
    Fact::new(kind, cause.as_str().unwrap_or_default(), hundredths(&entry["amount"]))
}

fn figures(account: &Account, balance: &Value, now: Timestamp) -> Vec<Finding> {
    let of = |field: &str| hundredths(&balance[field]);
    let held: i64 = account.holds.values().filter(|hold| hold.until > now).map(|hold| hold.points).sum();
    let (earned, redeemed, expired) = (of("lifetime_earned"), of("lifetime_redeemed"), of("lifetime_expired"));
    let all = of("available") + of("pending") + of("held") + redeemed + expired;
    let pairs = [
        ("lifetime_earned less deficit", account.granted, earned - of("deficit")),
        ("lifetime_redeemed", account.redeemed, redeemed),
        ("held", held, of("held")),
        ("available, pending, held, redeemed and expired in all", earned, all),
        ("points expired of those that could", expired.clamp(0, account.mortal), expired),
    ];
    let differing = pairs.into_iter().filter(|(_, answered, there)| answered != there);
    differing
        .map(|(what, answered, there)| Finding::differs("", format!("{what}: {answered} by the answers, {there} there")))
        .collect()
}

/// An order with its returns.
pub fn order(id: &str, order: &Order, there: &Value) -> Vec<Finding> {
    if there.is_null() {
        return vec![Finding::new(Wrong::Lost, &order.key, format!("there is no order {id}"))];
    }
    let mut findings = Vec::new();
    let status = if order.cancelled { "cancelled" } else { "recorded" };
    let member = there["member_id"].as_str().map(str::to_owned);
    if there["status"] != status || member != order.member {
        let (known, is) = (&order.member, &there["status"]);
        findings.push(Finding::differs(&order.key, format!("order {id} is {status} of {known:?}, there {is} of {member:?}")));
    }
    let returns = there["returns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut left: Vec<Option<&str>> = returns.iter().map(|given| given["return_id"].as_str()).collect();
    for (return_id, key) in &order.returns {
        match left.iter().position(|known| *known == return_id.as_deref()) {
            Some(place) => drop(left.swap_remove(place)),
            None => findings.push(Finding::new(Wrong::Lost, key, format!("order {id} has no return {return_id:?}"))),
        }
    }
    for return_id in left {
        let key = order.returns.get(&return_id.map(str::to_owned)).map_or("", String::as_str);
        findings.push(Finding::new(Wrong::Doubled, key, format!("order {id} has one return {return_id:?} too many")));
    }
    findings
}
