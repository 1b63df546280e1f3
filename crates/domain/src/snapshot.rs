//! What the store knows at the moment of a decision: the rows of `sql/statements/load.sql`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::order::Line;
use crate::{Id, Instant, Money, Points, Quantity};

/// Everything that a decision needs, read in one statement. What does not apply is absent.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub program_version: i64,
    pub member: Option<Member>,
    /// Lots with points left, in no particular sequence.
    pub lots: Vec<Lot>,
    /// Redemptions that are still open, overdue ones too.
    pub holds: Vec<Hold>,
    pub redemption: Option<Redemption>,
    pub order: Option<RecordedOrder>,
    /// Whoever the command is about beside the member: the receiver of a transfer, the duplicate of a merge.
    pub other: Option<Member>,
    /// Their lots with points left.
    pub other_lots: Vec<Lot>,
    /// Their redemptions that are still open, overdue ones too.
    pub other_holds: Vec<Hold>,
    /// Vouchers with the codes that were asked for.
    pub vouchers: Vec<Voucher>,
    /// The event that is known under the id that was asked for.
    pub event: Option<RecordedEvent>,
    /// What stands of what the member agreed to; only where it was asked for.
    pub agreed: Option<Agreed>,
    /// When the windows of `member.activity` begin, in its sequence.
    pub windows: Vec<Instant>,
    /// Referrals by which the member and the other one came, as far as they wait or are paid; only where they were asked for.
    pub referrals: Vec<crate::referral::RecordedReferral>,
    /// The keyed hash of the order's device, as it was asked for.
    pub device: Option<String>,
}

/// What must be known of a member, beside the totals, to judge at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// What the member did since each of these moments.
    pub windows: Vec<Instant>,
    /// What these rules gave so far.
    pub rules: Vec<String>,
    /// The start of the local day.
    pub day: Instant,
    /// In which of these the member bought before.
    pub categories: Vec<String>,
    /// How much the largest order counts.
    pub largest_order: bool,
}

impl Needs {
    /// Whether nothing must be known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.rules.is_empty() && self.categories.is_empty() && !self.largest_order
    }
}

/// A member with the account's totals and the statistics of the orders.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Member {
    pub id: Id,
    pub channel: String,
    pub status: String,
    pub referral_code: String,
    pub joined_at: Instant,
    /// Number of the account's last entry.
    pub seq: i64,
    /// Time of the account's last entry; none is ever earlier than the one before it.
    pub last_at: Instant,
    /// Points on lots that nobody holds: available, pending, or due to expire.
    pub remaining: Points,
    pub held: Points,
    pub deficit: Points,
    /// Points ever granted less those taken back.
    pub earned: Points,
    pub redeemed: Points,
    pub expired: Points,
    /// Lock of the statistics.
    pub revision: i64,
    pub orders: i64,
    pub qualifying_spend: Money,
    /// The largest part of it that one order brought, where that was asked for.
    #[serde(default)]
    pub largest_order: Money,
    pub tier: Option<String>,
    pub tier_since: Option<Instant>,
    /// Members that this one took over.
    pub merged: Vec<Id>,
    /// Their `profile`s.
    #[serde(default)]
    pub merged_profiles: Vec<Id>,
    /// The command that wrote the person's data as they are now: their id in the store of persons, and their lock.
    pub profile: Id,
    /// Groups that the shop put the member into.
    #[serde(default)]
    pub segments: Vec<String>,
    /// Until when the tier is kept though it is no longer fulfilled.
    #[serde(default)]
    pub grace_until: Option<Instant>,
    /// When a step down led to the tier; none when the member came to it in another way.
    #[serde(default)]
    pub stepped_at: Option<Instant>,
    /// The tier held without gifts: reached, or kept. `grace_until` and `stepped_at` are about this one.
    #[serde(default)]
    pub own_tier: Option<String>,
    /// Tiers that were given instead of reached.
    #[serde(default)]
    pub granted_tiers: Vec<GrantedTier>,
    /// What the member did since each of the moments that were asked for.
    #[serde(default)]
    pub activity: Vec<Activity>,
    /// What the rules that were asked for gave so far.
    #[serde(default)]
    pub uses: Vec<RuleUse>,
    /// Those of the categories that were asked for in which the member bought before.
    #[serde(default)]
    pub categories: Vec<String>,
}

impl Member {
    /// Whether the person is gone and only the numbers are left.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.status == "erased"
    }

    /// Whether the member is still to confirm who they are.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.status == "not_confirmed"
    }
}

/// What stands of what a member said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Agreed {
    /// Whether a channel of messages is allowed; a channel of which nothing was said is absent.
    pub consents: BTreeMap<String, bool>,
    /// The program's rules that were accepted last.
    pub rules: Option<AcceptedRules>,
    /// All versions that were ever accepted.
    #[serde(default)]
    pub versions: Vec<String>,
    /// The code that was sent last.
    #[serde(default)]
    pub code: Option<SentCode>,
    /// 1 for a new member whose welcome comes with the right code.
    #[serde(default)]
    pub awaits_welcome: u8,
}

/// A one-time code that was sent to a member.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct SentCode {
    /// The command that made it.
    pub id: Id,
    /// Keyed hash.
    pub hash: String,
    pub sent_at: Instant,
    pub expires_at: Instant,
    /// Wrong codes so far.
    pub attempts: i64,
    /// The day in UTC, counted from 1970, on which it was sent, and how many were on that day.
    pub day: i64,
    pub sent: i64,
}

/// A version of the program's rules for members, by the shop's own name of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct AcceptedRules {
    pub rules_version: String,
    pub at: Instant,
}

/// A tier that was given: for a time, or (without an end) as a floor.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct GrantedTier {
    pub id: String,
    pub until: Option<Instant>,
}

/// What a member did since a moment, by when the orders happened, net of returns.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Activity {
    pub orders: i64,
    pub spend: Money,
    pub earned: Points,
}

/// What a rule gave the member so far, net of what returns took back.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RuleUse {
    pub rule_id: String,
    /// How often it fired.
    pub times: i64,
    pub points: Points,
    /// Since the moment that was asked for: the start of the local day.
    pub points_today: Points,
    pub last_at: Option<Instant>,
    /// What it gave all members, where that is counted.
    pub points_of_all: Points,
}

/// A promo code with its state.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Voucher {
    pub id: Id,
    pub code: String,
    /// The rule that it unlocks.
    pub rule_id: String,
    /// Whose it is; none: anybody's.
    pub member_id: Option<Id>,
    /// The goods that it is for; empty: whatever the rule means.
    pub skus: Vec<String>,
    /// The first moment at which it is over.
    pub expires_at: Option<Instant>,
    pub created_at: Instant,
    /// The order that used it, and the store that it was made in.
    pub used_by: Option<String>,
    pub used_in: Option<String>,
}

/// An event as it was recorded.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RecordedEvent {
    pub content_hash: String,
    pub answer: Answer,
}

/// A lot with points left: `[id, rule_id, remaining, activates_at, expires_at, planned_expires_at, notice_days]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Lot {
    pub id: Id,
    pub rule_id: String,
    pub remaining: Points,
    pub activates_at: Instant,
    /// The first moment at which the points can't be spent; none: never, or not before a notice was recorded as sent.
    pub expires_at: Option<Instant>,
    /// The end as it was planned, of a lot that needs a notice.
    #[serde(default)]
    pub planned_expires_at: Option<Instant>,
    /// How many days before a lot's end a notice must have been recorded as sent; none: it needs none.
    #[serde(default)]
    pub notice_days: Option<i64>,
}

impl Lot {
    /// When it ends, as far as is known: what needs a notice does not end before one was recorded as sent.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        self.expires_at.or(self.planned_expires_at)
    }

    /// What lots are spent by: nearest end first, never-ending last, then oldest.
    #[must_use]
    pub fn sequence(&self) -> (bool, Option<Instant>, Id) {
        (self.ends_at().is_none(), self.ends_at(), self.id)
    }

    /// Whether its points can be spent at this moment.
    #[must_use]
    pub fn is_live(&self, at: Instant) -> bool {
        self.activates_at <= at && !self.is_due(at)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_due(&self, at: Instant) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }
}

/// Points of a lot that a hold or a payment took: `[lot, points, activates_at, expires_at, place, planned_expires_at, notice_days]`.
/// The lot's dates are those of [`Lot`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Taken {
    pub lot: Id,
    pub points: Points,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
    /// Its place in the sequence in which they were taken; 0 where there is none. The lots' dates don't tell it: an end may
    /// be put off meanwhile.
    #[serde(default)]
    pub place: i64,
    #[serde(default)]
    pub planned_expires_at: Option<Instant>,
    #[serde(default)]
    pub notice_days: Option<i64>,
}

/// A redemption that is still open.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Hold {
    pub id: Id,
    pub status: RedemptionStatus,
    pub points: Points,
    pub hold_expires_at: Instant,
    pub hold_entry: Id,
    pub postings: Vec<Taken>,
}

/// Where a redemption stands.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RedemptionStatus {
    AwaitingConfirmation,
    Held,
    Captured,
    Released,
    Expired,
}

impl RedemptionStatus {
    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::Held => "held",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// A line's part of the points held: `[line id, points, money]`.
pub type PaidLine = (String, Points, Money);

/// Points set aside for an order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Redemption {
    pub id: Id,
    pub account_id: Id,
    pub status: RedemptionStatus,
    pub points: Points,
    pub money: Money,
    pub captured: Points,
    /// Amount of the goods that the points were agreed for.
    pub items: Money,
    pub payable: Money,
    pub lines: Vec<PaidLine>,
    pub store: Option<String>,
    pub hold_expires_at: Instant,
    pub created_at: Instant,
    pub hold_entry: Id,
    /// Keyed hash of the one-time code, where the program asked for one.
    pub code_hash: Option<String>,
    /// Wrong codes so far.
    pub attempts: i64,
    pub order_ref: Option<String>,
    /// The order that was paid with it, once it is recorded.
    pub used_by: Option<String>,
    pub program_version: i64,
}

/// A stored answer: the body of a command that succeeded.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// None where the body holds personal data and is kept elsewhere.
    pub answer: Option<String>,
}

/// An order as it was recorded, with what came of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RecordedOrder {
    pub id: Id,
    #[serde(rename = "ref")]
    pub reference: String,
    pub member_id: Option<Id>,
    pub content_hash: String,
    /// `recorded` or `cancelled`.
    pub status: String,
    /// Lock of returns and cancellation.
    pub revision: i64,
    pub occurred_at: Instant,
    pub recorded_at: Instant,
    pub channel: String,
    pub store: Option<String>,
    pub currency: String,
    pub items: Money,
    pub discount: Money,
    pub delivery: Money,
    pub paid_points: Points,
    pub paid_money: Money,
    pub payable: Money,
    pub earned: Points,
    pub redemption_id: Option<Id>,
    pub program_version: i64,
    pub answer: Answer,
    /// The answer to the claim of an anonymous order.
    pub claim_answer: Option<Answer>,
    pub earn_entry: Option<Id>,
    /// What became of the lots that it earned.
    pub lots: Vec<EarnedLot>,
    /// Vouchers that it used.
    #[serde(default)]
    pub vouchers: Vec<crate::order::Voucher>,
    pub capture_entry: Option<Id>,
    pub lines: Vec<RecordedLine>,
    /// What each lot paid and has not got back yet; empty for an order without points.
    pub paid: Vec<Taken>,
    pub returns: Vec<RecordedReturn>,
    /// What the largest other order of its member counts, where that was asked for.
    #[serde(default)]
    pub largest_other: Money,
}

/// A lot that an order earned: `[lot, issued, expired, expires_at]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct EarnedLot {
    pub id: Id,
    pub issued: Points,
    /// What expired unspent.
    pub expired: Points,
    pub expires_at: Option<Instant>,
}

/// A line as it was recorded, in the sequence of the array in `load.sql`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RecordedLine {
    /// Position in the order, from 0.
    pub n: i64,
    pub id: String,
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
    pub brand: Option<String>,
    pub labels: Option<Vec<String>>,
    pub quantity: Quantity,
    pub price: Money,
    pub discount: Money,
    pub cost: Option<Money>,
    pub tax: Option<Money>,
    pub promo: u8,
    pub amount: Money,
    pub program_discount: Money,
    pub paid_points: Points,
    pub paid_money: Money,
    pub qualifying: Money,
    /// (lot, points) that the line earned.
    pub shares: Vec<(Id, Points)>,
    pub returned: Quantity,
}

impl RecordedLine {
    /// The line as the rules judge it: what was bought, at the price that was paid.
    #[must_use]
    pub fn as_bought(&self) -> Line {
        Line {
            id: self.id.clone(),
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            brand: self.brand.clone(),
            labels: self.labels.clone().unwrap_or_default(),
            quantity: self.quantity,
            price: self.price,
            discount: self.discount,
            cost: self.cost,
            tax: self.tax,
            promo: self.promo == 1,
        }
    }
}

/// A return that was recorded before; the cancellation has no `ref`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RecordedReturn {
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub content_hash: String,
    pub occurred_at: Instant,
    /// (line position, quantity).
    pub lines: Vec<(i64, Quantity)>,
    pub clawed_back: Points,
    pub forgiven: Points,
    pub restored: Points,
    pub refund: Money,
    /// Only of the return that was asked for.
    pub answer: Option<Answer>,
}
