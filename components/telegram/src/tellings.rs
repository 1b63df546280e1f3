//! Answers of the API as texts.

use serde_json::Value;

use crate::program::Program;
use crate::texts::Language;

/// The longest text of a message (Bot API), in units of UTF-16.
const LONGEST: usize = 4096;

/// Rows of a list.
pub const ROWS: usize = 10;

/// A balance with the tier.
#[must_use]
pub fn balance(balance: &Value, program: &Program, language: Language) -> String {
    let more_than_none = |field: &str| {
        let amount = &balance[field];
        let is_some = amount.as_str().is_some_and(|text| text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)));
        is_some.then(|| program.amount(amount))
    };
    let mut lines = vec![language.available(&program.amount(&balance["available"]), program.unit())];
    if let Some(pending) = more_than_none("pending") {
        let first = balance["activating"].get(0).map(|lot| program.day(&lot["activates_at"]));
        lines.push(language.pending(&pending, first.as_deref()));
    }
    lines.extend(more_than_none("held").map(|held| language.held(&held)));
    lines.extend(more_than_none("deficit").map(|deficit| language.deficit(&deficit)));
    lines.extend(balance["tier"]["name"].as_str().map(|name| language.tier(name)));
    let next = &balance["next_tier"];
    lines.extend(next["name"].as_str().map(|name| language.next_tier(name, &program.progress(&next["remaining"]))));
    lines.join("\n")
}

/// Until when points are good, the nearest first.
#[must_use]
pub fn expiry(balance: &Value, program: &Program, language: Language) -> String {
    let expiring: &[Value] = balance["expiring"].as_array().map(Vec::as_slice).unwrap_or_default();
    if expiring.is_empty() {
        return language.nothing_expires().to_owned();
    }
    let line =
        |lot: &Value| format!("{} — {} {}", program.last_day(&lot["expires_at"]), program.amount(&lot["points"]), program.unit());
    std::iter::once(language.expiring().to_owned()).chain(expiring.iter().take(ROWS).map(line)).collect::<Vec<_>>().join("\n")
}

/// The newest ledger entries, with what the rules say of each.
#[must_use]
pub fn history(entries: &Value, program: &Program, language: Language) -> String {
    let items: &[Value] = entries["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return language.no_history().to_owned();
    }
    let line = |entry: &Value| {
        let points = program.amount(&entry["points"]);
        let points = match points.as_str() {
            "0" => String::new(),
            negative if negative.starts_with('-') => format!("{} — ", negative.replacen('-', "−", 1)),
            positive => format!("+{positive} — "),
        };
        let kind = language.kind(entry["kind"].as_str().unwrap_or_default());
        format!("{}  {points}{}", program.day(&entry["occurred_at"]), why(entry).unwrap_or_else(|| kind.to_owned()))
    };
    std::iter::once(language.history().to_owned()).chain(items.iter().take(ROWS).map(line)).collect::<Vec<_>>().join("\n")
}

/// The gifts of a member who has just joined: what was earned without an order.
#[must_use]
pub fn gifts(entries: &Value, program: &Program, language: Language) -> Vec<String> {
    let items: &[Value] = entries["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let gifts = items.iter().rev().filter(|entry| entry["kind"] == "earn" && entry.get("order_id").is_none());
    gifts
        .map(|entry| {
            let points = format!("{} {}", program.amount(&entry["points"]), program.unit());
            let said = entry["points"].as_str().unwrap_or_default();
            language.gift(&match why(entry) {
                // what the rules say begins with the points, mostly
                Some(reason) if reason.contains(said) => reason,
                Some(reason) => format!("{points} — {reason}"),
                None => points,
            })
        })
        .collect()
}

/// The link with which a member brings friends, and what for.
#[must_use]
pub fn invitation(bot: &str, code: &str, program: &Program, language: Language) -> String {
    let link = format!("https://t.me/{bot}?start={code}");
    let lines = [Some(language.invite().to_owned()), Some(link), program.referral_terms().filter(|terms| !terms.is_empty())];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// What the rules say of an entry: those that did something.
fn why(entry: &Value) -> Option<String> {
    let reasons = entry["explanation"].as_array()?.iter().filter(|told| told["fired"] == true);
    let reasons: Vec<&str> = reasons.filter_map(|told| told["reason"].as_str()).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// A text that is no longer than a message may be.
#[must_use]
pub fn fitting(text: &str) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        // the last one may be a sign that something is missing
        units < LONGEST
    };
    let fitting: String = text.chars().take_while(fits).collect();
    if fitting.len() < text.len() { fitting + "…" } else { fitting }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn program() -> Program {
        let document = json!({
            "currency": "RUB", "time_zone": "Europe/Moscow", "points": {"name": "points"}, "tiers": {"basis": "orders"},
        });
        Program::new(document, Language::English)
    }

    #[test]
    fn a_balance_tells_what_there_is_and_nothing_of_what_there_is_not() {
        let full = json!({
            "available": "249.50", "pending": "10.00", "held": "5.00", "deficit": "1.00",
            "activating": [{"points": "10.00", "activates_at": "2026-01-31T21:00:00Z"}],
            "tier": {"id": "s", "name": "Silver"}, "next_tier": {"id": "g", "name": "Gold", "remaining": "3"},
        });
        assert_eq!(
            balance(&full, &program(), Language::English),
            "Available: 249.50 points\nPending: 10, the next from 1 Feb 2026\nSet aside for a purchase: 5\nOwed after a return: 1\n\
             Tier: Silver\nTo Gold: 3 orders more"
        );
        let bare =
            json!({"available": "0.00", "pending": "0.00", "held": "0.00", "deficit": "0.00", "tier": null, "next_tier": null});
        assert_eq!(balance(&bare, &program(), Language::English), "Available: 0 points");
    }

    #[test]
    fn history_tells_of_each_entry_what_the_rules_say() {
        let entries = json!({"items": [
            {"kind": "redeem", "points": "-50.00", "occurred_at": "2026-01-16T09:00:00Z", "explanation": []},
            {"kind": "earn", "points": "100.00", "occurred_at": "2026-01-15T22:00:00Z", "explanation": [
                {"fired": false, "reason": "not this one"}, {"fired": true, "reason": "100.00 points as a gift"},
            ]},
            {"kind": "capture", "points": "0.00", "occurred_at": "2026-01-15T09:00:00Z"},
        ]});
        assert_eq!(
            history(&entries, &program(), Language::English),
            "Latest operations:\n16 Jan 2026  −50 — Paid with points\n16 Jan 2026  +100 — 100.00 points as a gift\n\
             15 Jan 2026  Paid with points set aside"
        );
        assert_eq!(history(&json!({"items": []}), &program(), Language::English), "There are no operations yet.");
    }

    #[test]
    fn gifts_are_told_oldest_first_with_their_points_and_why() {
        let earned = |points: &str, reason: &str| json!({"kind": "earn", "points": points, "explanation": [{"fired": true, "reason": reason}]});
        let mut bought = earned("7.00", "7.00 points for a purchase");
        bought["order_id"] = "1".into();
        let unexplained = json!({"kind": "earn", "points": "1.50"});
        let entries = json!({"items": [
            bought, unexplained, earned("30.00", "from a friend"), earned("100.00", "100.00 points for joining"),
        ]});
        assert_eq!(
            gifts(&entries, &program(), Language::English),
            ["A gift: 100.00 points for joining", "A gift: 30 points — from a friend", "A gift: 1.50 points"]
        );
    }

    #[test]
    fn a_message_is_never_longer_than_telegram_takes() {
        assert_eq!(fitting("short"), "short");
        for text in ["x".repeat(10_000), "я".repeat(10_000), "😀".repeat(10_000), "x".repeat(4096)] {
            let fitting = fitting(&text);
            assert!(fitting.encode_utf16().count() <= LONGEST && fitting.ends_with('…'));
        }
        assert_eq!(fitting(&"x".repeat(4095)).len(), 4095);
    }
}
