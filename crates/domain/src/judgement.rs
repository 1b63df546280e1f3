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

/// What the thresholds of tiers are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TierBasis {
    /// Qualifying spend, in hundredths.
    #[default]
    Spend,
    Orders,
    /// Points earned, in minor units.
    Points,
}

/// What a member has without points or money: free delivery, early access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Perk {
    pub id: String,
    pub name: String,
}

/// A tier as answers show it. Rates are in parts per million, the threshold is in units of the tiers' basis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    pub id: String,
    pub name: String,
    pub threshold: i64,
    pub rate: Option<i64>,
    pub rate_promo: Option<i64>,
    pub discount: Option<i64>,
    pub perks: Vec<Perk>,
}

/// The tier after the one held, and what is missing to it, in units of the tiers' basis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTier {
    pub id: String,
    pub name: String,
    pub threshold: i64,
    pub remaining: i64,
    /// The membership has not started: a single order that counts at least this much must be among what is missing.
    pub order_min: Option<Money>,
}

/// Where a member stands among the tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub tier: Option<Tier>,
    pub next: Option<NextTier>,
    /// The tier ends by itself: it was given for a time.
    pub until: Option<Instant>,
    /// The tier held without gifts: reached, or kept.
    pub own_tier: Option<String>,
    /// That one is no longer fulfilled and kept until then.
    pub grace_until: Option<Instant>,
    /// A step down led to that one then.
    pub stepped_at: Option<Instant>,
}

/// Points that become one lot. `expires_at` none: never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub rule_id: String,
    pub points: Points,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
}

/// Lots of a rule whose points expire by inactivity: their end is put off, where it is not later already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub rule_id: String,
    pub expires_at: Instant,
}

/// The most that a rule gives all members together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Budget {
    pub rule_id: String,
    pub points: Points,
}

/// How far a rule was from firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    Money(Money),
    Points(Points),
    Count(u32),
    Time(Instant),
}

/// Why a rule gave what it gave, or why it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    pub rule_id: String,
    pub fired: bool,
    pub points: Points,
    /// What it took off the price.
    pub money: Money,
    /// A stable word.
    pub code: String,
    /// A sentence that a member can read, in English.
    pub reason: String,
    /// The sentence in other languages: (ISO 639-1, text).
    pub translations: Vec<(String, String)>,
    pub shortfall: Option<Shortfall>,
}

impl Explanation {
    /// Of something that is no rule of the program but a fact of the books: a hold's release, an expiry.
    #[must_use]
    pub fn fact(rule_id: &str, points: Points, code: &str, reason: String) -> Self {
        Self { rule_id: rule_id.to_owned(), fired: true, points, code: code.to_owned(), reason, ..Self::default() }
    }

    /// As it is stored with an entry; answers choose one of its languages. `points_scale` is the program's.
    #[must_use]
    pub fn to_json(&self, program_version: i64, points_scale: u8) -> Value {
        let mut json = json!({
            "rule_id": self.rule_id, "program_version": program_version, "fired": self.fired,
            "points": amount::format(self.points.0, points_scale), "code": self.code, "reason": self.reason,
        });
        if !self.money.is_zero() {
            json["money"] = amount::format(self.money.0, MONEY_SCALE).into();
        }
        if !self.translations.is_empty() {
            json["translations"] = self.translations.iter().map(|(language, text)| (language.clone(), json!(text))).collect();
        }
        if let Some(shortfall) = &self.shortfall {
            json["shortfall"] = match shortfall {
                Shortfall::Money(money) => amount::format(money.0, MONEY_SCALE),
                Shortfall::Points(points) => amount::format(points.0, points_scale),
                Shortfall::Count(count) => count.to_string(),
                Shortfall::Time(at) => at.to_string(),
            }
            .into();
        }
        json
    }
}

/// A benefit that was cut, because the line would have fallen below the program's margin floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginCut {
    pub rule_id: String,
    pub money: Money,
    pub points: Points,
}

/// A line as the rules priced it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgedLine {
    pub amount: Money,
    pub discount: Money,
    /// What each rule takes off: (rule id, money). Sums to `discount`.
    pub discounts: Vec<(String, Money)>,
    /// What the margin guard kept back.
    pub cuts: Vec<MarginCut>,
    pub paid_points: Points,
    pub paid_money: Money,
    pub qualifying: Money,
    /// (index into the grants, points).
    pub shares: Vec<(usize, Points)>,
}

/// How much of the order points may pay, and how much they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// What the program and the balance allow.
    pub max_points: Points,
    pub max_money: Money,
    /// What the program allows, whatever the balance.
    pub limit_points: Points,
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
    /// What would be taken off the price.
    pub money: Money,
    pub reason: String,
    pub translations: Vec<(String, String)>,
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
    /// Points that were earned before and live longer by this order.
    pub extensions: Vec<Extension>,
    pub qualifying: Money,
    pub before: Standing,
    pub after: Standing,
    pub offers: Vec<Offer>,
    pub perks: Vec<Perk>,
    pub explanations: Vec<Explanation>,
    pub payment_explanations: Vec<Explanation>,
    /// What becomes of the referral by which the member came, where one waits.
    pub referral: Option<JudgedReferral>,
}

/// What an event gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewarded {
    pub grants: Vec<Grant>,
    pub explanations: Vec<Explanation>,
    /// A tier that is given.
    pub tier: Option<crate::snapshot::GrantedTier>,
}

/// What a new member gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolment {
    pub grants: Vec<Grant>,
    pub standing: Standing,
    pub explanations: Vec<Explanation>,
}

/// What becomes of a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferralOutcome {
    /// Nobody is paid for this friend, now or later.
    Refused,
    /// A purchase of the friend is waited for.
    Waiting,
    /// Both sides are paid now.
    Paid,
}

/// What one side of a referral gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferralReward {
    pub grants: Vec<Grant>,
    pub explanations: Vec<Explanation>,
}

/// What the program says of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedReferral {
    pub outcome: ReferralOutcome,
    /// Why.
    pub why: Explanation,
    pub referrer: ReferralReward,
    pub referee: ReferralReward,
    /// What the friend must keep of the purchase that pays.
    pub keep: Money,
}
