//! What the bot needs of the program to tell things in its words: the zone of its days, the name of its points, its terms.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::texts::Language;

/// A program as the API shows it.
pub struct Program {
    document: Value,
    zone: TimeZone,
    language: Language,
}

impl Program {
    /// Of a document (`GET /v1/program`).
    #[must_use]
    pub fn new(document: Value, language: Language) -> Self {
        let zone = document["time_zone"].as_str().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        Self { document, zone, language }
    }

    /// What points are called.
    #[must_use]
    pub fn unit(&self) -> &str {
        let points = &self.document["points"];
        points["names"][self.language.code()].as_str().or(points["name"].as_str()).unwrap_or_default()
    }

    /// An amount of the API without idle zeros: "100.00" is "100".
    #[must_use]
    pub fn amount(&self, amount: &Value) -> String {
        let whole = amount.as_i64().map(|amount| amount.to_string());
        let text = amount.as_str().map(str::to_owned).or(whole).unwrap_or_default();
        match text.split_once('.') {
            Some((whole, parts)) if parts.bytes().all(|digit| digit == b'0') => whole.to_owned(),
            Some((whole, parts)) => format!("{whole}{}{parts}", self.language.decimal_point()),
            None => text,
        }
    }

    /// Money with its currency.
    #[must_use]
    pub fn money(&self, amount: &Value) -> String {
        format!("{} {}", self.amount(amount), self.document["currency"].as_str().unwrap_or_default())
    }

    /// What is missing to a tier, in what the program counts.
    #[must_use]
    pub fn progress(&self, remaining: &Value) -> String {
        match self.document["tiers"]["basis"].as_str() {
            Some("orders") => format!("{} {}", self.amount(remaining), self.language.orders()),
            Some("points") => format!("{} {}", self.amount(remaining), self.unit()),
            // a list of tiers counts what was spent
            _ => self.money(remaining),
        }
    }

    /// The day of a moment.
    #[must_use]
    pub fn day(&self, moment: &Value) -> String {
        moment.as_str().and_then(|text| text.parse().ok()).map_or_else(String::new, |moment| self.day_of(moment))
    }

    /// The last day before a moment: points that expire at midnight are good through the day before.
    #[must_use]
    pub fn last_day(&self, end: &Value) -> String {
        let end: Option<Timestamp> = end.as_str().and_then(|text| text.parse().ok());
        let last = end.and_then(|end| end.checked_sub(1.millisecond()).ok());
        last.map_or_else(String::new, |last| self.day_of(last))
    }

    fn day_of(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime(self.language.day()).to_string()
    }

    /// What the program gives for friends; nothing where it gives nothing.
    #[must_use]
    pub fn referral_terms(&self) -> Option<String> {
        let terms = self.document.get("referral").filter(|terms| terms.is_object())?;
        let gift = |side: &str| terms[side].get("points").map(|points| self.amount(points));
        let (to_member, to_friend) = (gift("referrer"), gift("referee"));
        let purchase = (terms["paid_on"] == "first_purchase")
            .then(|| terms.get("order_min").map_or_else(String::new, |from| self.money(from)));
        let language = self.language;
        let gifts = language.referral_terms(to_member.as_deref(), to_friend.as_deref(), self.unit(), purchase.as_deref());
        let limits = &terms["limits"];
        let in_all = limits["per_referrer"].as_i64().map(|friends| language.friends_limit(friends, None));
        let period = &limits["per_period"];
        let of_period = period["friends"].as_i64().map(|friends| language.friends_limit(friends, period["days"].as_i64()));
        Some(
            [Some(gifts), in_all, of_period].into_iter().flatten().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn program(language: Language) -> Program {
        let document = json!({
            "currency": "RUB", "time_zone": "Asia/Kamchatka",
            "points": {"name": "points", "names": {"ru": "баллов"}},
            "referral": {
                "paid_on": "first_purchase", "order_min": "1000", "referrer": {"id": "a", "points": "500"},
                "referee": {"id": "b", "points": "300"}, "limits": {"per_referrer": 10, "per_period": {"friends": 2, "days": 30}},
            },
        });
        Program::new(document, language)
    }

    #[test]
    fn amounts_have_no_idle_zeros_and_the_language_s_comma() {
        let (russian, english) = (program(Language::Russian), program(Language::English));
        for (amount, told, told_in_english) in
            [("100.00", "100", "100"), ("249.50", "249,50", "249.50"), ("-5.00", "-5", "-5"), ("7", "7", "7"), ("0.00", "0", "0")]
        {
            assert_eq!(russian.amount(&json!(amount)), told);
            assert_eq!(english.amount(&json!(amount)), told_in_english);
        }
        assert_eq!(english.amount(&json!(1_000)), "1000");
        assert_eq!(russian.amount(&Value::Null), "");
        assert_eq!((russian.unit(), english.unit()), ("баллов", "points"));
    }

    #[test]
    fn days_are_those_of_the_program_s_zone() {
        let (russian, english) = (program(Language::Russian), program(Language::English));
        // midnight of 1 March in Kamchatka, which is 12 hours ahead
        let midnight = json!("2026-02-28T12:00:00Z");
        assert_eq!((russian.day(&midnight), russian.last_day(&midnight)), ("01.03.2026".into(), "28.02.2026".into()));
        assert_eq!((english.day(&midnight), english.last_day(&midnight)), ("1 Mar 2026".into(), "28 Feb 2026".into()));
        assert_eq!((russian.day(&json!("soon")), russian.last_day(&Value::Null)), (String::new(), String::new()));
    }

    #[test]
    fn terms_for_friends_are_told_where_there_are_any() {
        assert_eq!(
            program(Language::English).referral_terms().as_deref(),
            Some(
                "You get 500 points, your friend 300, with the friend's first purchase of 1000 RUB or more.\n\
                 At most 10 friends in all.\nAt most 2 friends in 30 days."
            )
        );
        let none = Program::new(json!({"points": {"name": "points"}}), Language::Russian);
        assert_eq!(none.referral_terms(), None);
        let at_once = json!({"points": {"name": "b"}, "referral": {"paid_on": "registration", "referee": {"points": "5"}}});
        let terms = Program::new(at_once, Language::Russian).referral_terms();
        assert_eq!(terms.as_deref(), Some("Другу — 5 b, когда друг вступит."));
    }
}
