//! `occasions`, `triggers` and `reminders`: what happens by itself.

use schemars::JsonSchema;

use crate::limits::{MAX_COOLDOWN, MAX_LIST, MAX_OFFSET, MAX_REMINDER_DAYS, MAX_REMINDERS, MAX_WAIT_DAYS, MAX_WAIT_HOURS};
use crate::words::{Description, Id, Text};

/// An event that happens by itself on a day that comes round, once a year. Rules of `events` say what it gives.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("not" = {"required": ["days_before", "days_after"]}))]
pub struct Occasion {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among occasions and triggers.
    pub id: Id,
    /// Which day.
    pub date: OccasionDate,
    /// So many local days before it: 1 to 180.
    #[schemars(range(min = 1, max = MAX_OFFSET))]
    pub days_before: Option<i64>,
    /// So many local days after it: 1 to 180.
    #[schemars(range(min = 1, max = MAX_OFFSET))]
    pub days_after: Option<i64>,
    /// The type of the event.
    pub event: Text,
}

/// A day that comes round. 29 February is the 28th in common years. A date that is told less than 30 days before it counts from the
/// next year on.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum OccasionDate {
    /// The member's birthday; one a year, whatever is told later.
    Birthday,
    /// A date that the member gave, such as a child's birthday; each of them.
    ImportantDate,
    /// The day on which the member joined, from the first year after it on.
    Anniversary,
}

/// An event that happens by itself some time after something of a member, unless its reason is gone. Rules of `events` say what it
/// gives.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "not" = {"required": ["days", "hours"]},
        "allOf" = [
            {"if": {"required": ["on"], "properties": {"on": {"const": "tier_reached"}}}, "then": {"required": ["tiers"]}},
            {"if": {"required": ["on"], "properties": {"on": {"const": "event"}}}, "then": {"required": ["type"]}},
            {"if": {"required": ["on"], "properties": {"on": {"enum": ["no_purchase", "tier_ending"]}}}, "then": {"required": ["days"]}}
        ]
    )
)]
pub struct Trigger {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among occasions and triggers. What happened before a trigger was published, or its wait was changed, never fires it.
    pub id: Id,
    /// What it looks at.
    pub on: On,
    /// Only goods of these categories, or those of `skus`. Only with `purchase`.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub categories: Option<Vec<Text>>,
    /// Only these goods, or those of `categories`. Only with `purchase`.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub skus: Option<Vec<Text>>,
    /// Which tiers. Only with `tier_reached`.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub tiers: Option<Vec<Text>>,
    /// The type of the event that it looks at. Only with `event`.
    #[schemars(rename = "type")]
    pub of_type: Option<Text>,
    /// It fires at the start of the local day so many days later (with `tier_ending`: before): 1 to 3650. Without `days` and `hours`
    /// it does not wait.
    #[schemars(range(min = 1, max = MAX_WAIT_DAYS))]
    pub days: Option<i64>,
    /// It fires so many hours later: 1 to 744.
    #[schemars(range(min = 1, max = MAX_WAIT_HOURS))]
    pub hours: Option<i64>,
    /// What keeps it from firing when it happens meanwhile.
    pub unless: Option<Unless>,
    /// The type of the event that happens.
    pub event: Text,
    /// Not again for the same member within so many days of 24 hours: 1 to 3650. Absent: every time.
    #[schemars(range(min = 1, max = MAX_COOLDOWN))]
    pub cooldown_days: Option<i64>,
    /// A promo code for the member.
    pub voucher: Option<TriggerVoucher>,
}

/// What a trigger looks at.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum On {
    /// The member bought nothing since the last order.
    NoPurchase,
    /// The member bought goods, and kept some of them.
    Purchase,
    /// The same of the member's first order.
    FirstPurchase,
    /// The member joined.
    Joined,
    /// The member came up to a tier.
    TierReached,
    /// The grace of the member's tier ends.
    TierEnding,
    /// An event happened.
    Event,
}

/// What keeps a trigger from firing.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Unless {
    /// The member bought anything.
    Bought,
    /// The member bought such goods again. Only with `purchase`.
    BoughtAgain,
    /// All is known of the member that `enrolment.profile_filled` names.
    ProfileFilled,
}

/// A promo code that a trigger gives.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TriggerVoucher {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The rule that it unlocks: one that asks for a voucher.
    pub rule: Id,
    /// Good to the end of the local day so many days later: 1 to 3650.
    #[schemars(range(min = 1, max = MAX_WAIT_DAYS))]
    pub days: i64,
    /// Only for the goods that the event names in `data.skus`; one that names none gives no code. Only with `event`.
    pub goods: Option<VoucherGoods>,
}

/// For which goods a trigger's promo code is.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum VoucherGoods {
    /// Those that the event names.
    OfEvent,
}

/// Members are told of points that expire.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Reminders {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// So many local days before, the earliest reminder first: 1 to 365. One that is late gives way to the next.
    #[schemars(length(min = 1, max = MAX_REMINDERS), inner(range(min = 1, max = MAX_REMINDER_DAYS)))]
    pub days: Vec<i64>,
}
