//! What the rules said of an order or an enrolment, as the ledger reads it. The words are those of `wit/rules.wit`.

use serde_json::{Value, json};

use crate::{Instant, MONEY_SCALE, Money, Points, amount};

/// What happens to points of a returned order that are no longer on the order's own lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClawbackPolicy {
    /// Taken from the member's other lots, pending ones too; what is missing then is forgiven.
    ClampToZero,
    /// Taken from the member's other lots; what is missing becomes a deficit that the next earning pays.
    AllowNegative,
    /// Taken from the member's other lots that are available now; what is missing is forgiven.
    WithinBalance,
    /// Only points that are still pending on the order's own lots are taken.
    PendingOnly,
}

/// A tier as answers show it. `rate` is in parts per million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    pub id: String,
    pub name: String,
    pub threshold: Money,
    pub rate: Option<i64>,
    pub rate_promo: Option<i64>,
}

/// The tier after the one held, and the qualifying spend missing to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTier {
    pub id: String,
    pub name: String,
    pub threshold: Money,
    pub remaining: Money,
}

/// Where a qualifying spend stands among the tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub tier: Option<Tier>,
    pub next: Option<NextTier>,
}

/// Points that become one lot. `expires_at` none: never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub rule_id: String,
    pub points: Points,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
}

/// How far a rule was from firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    Money(Money),
    Points(Points),
    Count(u32),
}

/// Why a rule gave what it gave, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub rule_id: String,
    pub fired: bool,
    pub points: Points,
    /// A stable word.
    pub code: String,
    /// A sentence that a member can read.
    pub reason: String,
    pub shortfall: Option<Shortfall>,
}

impl Explanation {
    /// Of something that is no rule of the program but a fact of the books: a hold's release, an expiry.
    #[must_use]
    pub fn fact(rule_id: &str, points: Points, code: &str, reason: String) -> Self {
        Self { rule_id: rule_id.to_owned(), fired: true, points, code: code.to_owned(), reason, shortfall: None }
    }

    /// As it is stored with an entry and shown in answers. `points_scale` is the program's.
    #[must_use]
    pub fn to_json(&self, program_version: i64, points_scale: u8) -> Value {
        let mut json = json!({
            "rule_id": self.rule_id, "program_version": program_version, "fired": self.fired,
            "points": amount::format(self.points.0, points_scale), "code": self.code, "reason": self.reason,
        });
        if let Some(shortfall) = &self.shortfall {
            json["shortfall"] = match shortfall {
                Shortfall::Money(money) => amount::format(money.0, MONEY_SCALE),
                Shortfall::Points(points) => amount::format(points.0, points_scale),
                Shortfall::Count(count) => count.to_string(),
            }
            .into();
        }
        json
    }
}

/// A line as the rules priced it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgedLine {
    pub amount: Money,
    pub discount: Money,
    pub paid_points: Points,
    pub paid_money: Money,
    pub qualifying: Money,
    /// (index into the grants, points).
    pub shares: Vec<(usize, Points)>,
}

/// How much of the order points may pay, and how much they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    pub max_points: Points,
    pub max_money: Money,
    pub points: Points,
    pub money: Money,
    pub confirmation_required: bool,
}

/// "Buy for 340.00 more, get 50 points."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub rule_id: String,
    pub shortfall: Money,
    pub points: Points,
    pub reason: String,
}

/// What the program gives for an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub items: Money,
    pub discount: Money,
    pub delivery: Money,
    pub payable: Money,
    pub lines: Vec<JudgedLine>,
    pub earned: Points,
    pub grants: Vec<Grant>,
    pub payment: Payment,
    pub qualifying: Money,
    pub before: Standing,
    pub after: Standing,
    pub offers: Vec<Offer>,
    pub explanations: Vec<Explanation>,
    pub payment_explanations: Vec<Explanation>,
}

/// What a new member gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolment {
    pub grants: Vec<Grant>,
    pub standing: Standing,
    pub explanations: Vec<Explanation>,
}
