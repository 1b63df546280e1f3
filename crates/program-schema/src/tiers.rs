//! `tiers`: steps that a member reaches by what the program counts, and how they are lost again.

use schemars::JsonSchema;

use crate::amounts::{Money, Percent, Points};
use crate::limits::{MAX_DAYS, MAX_ORDERS, MAX_PERKS, MAX_TIERS};
use crate::words::{Description, Id, Text};

/// The steps by themselves (by lifetime spend, lost as soon as it is below), or with the terms on which they are held.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Tiers {
    /// By lifetime spend. Ascending by threshold.
    Steps(#[schemars(length(max = MAX_TIERS))] Vec<TierBySpend>),
    /// By spend.
    BySpend(TiersBySpend),
    /// By the number of orders.
    ByOrders(TiersByOrders),
    /// By points earned.
    ByPoints(TiersByPoints),
}

/// Declares the block and its steps for one basis: they differ in what a threshold is.
macro_rules! tiers {
    ($block:ident, $block_doc:literal, $basis:ty, $step:ident, $step_doc:literal, $threshold_doc:literal, $threshold:ty $(, $range:meta)?) => {
        #[doc = $block_doc]
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields, extend("not" = grace_of_what_is_never_lost()))]
        pub struct $block {
            /// A note for whoever edits the document.
            pub description: Option<Description>,
            /// What thresholds are counted in.
            pub basis: $basis,
            /// Since when it is counted; the whole life where it is absent.
            pub window: Option<Window>,
            /// What becomes of a tier that is no longer fulfilled; `by_value` where it is absent.
            pub downgrade: Option<Downgrade>,
            /// A tier that is no longer fulfilled is kept so many local days: 0 to 36500; 0 where it is absent.
            #[schemars(range(min = 0, max = MAX_DAYS))]
            pub grace_days: Option<i64>,
            /// Ascending by threshold.
            #[schemars(length(max = MAX_TIERS))]
            pub steps: Vec<$step>,
        }

        #[doc = $step_doc]
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields, extend("dependentRequired" = {"rate_promo": ["rate"]}))]
        pub struct $step {
            /// A note for whoever edits the document.
            pub description: Option<Description>,
            /// Unique among the tiers.
            pub id: Id,
            /// What the member reads.
            pub name: Text,
            #[doc = $threshold_doc]
            $(#[$range])?
            pub threshold: $threshold,
            /// True: the threshold itself does not suffice. False where it is absent.
            pub strictly_over: Option<bool>,
            /// What rules of the type `percent` without a rate give on regular goods.
            pub rate: Option<Percent>,
            /// The same on promo goods; as on regular goods where it is absent.
            pub rate_promo: Option<Percent>,
            /// What discount rules of the type `tier` take off.
            pub discount: Option<Percent>,
            /// What its members have without points or money.
            #[schemars(length(max = MAX_PERKS))]
            pub perks: Option<Vec<Perk>>,
        }
    };
}

tiers!(
    TiersBySpend,
    "Tiers by spend net of returns.",
    Option<Spend>,
    TierBySpend,
    "A tier by spend.",
    "Held from so much spend on.",
    Money
);
tiers!(
    TiersByOrders,
    "Tiers by the number of orders.",
    OrderCount,
    TierByOrders,
    "A tier by the number of orders.",
    "Held from so many orders on: 0 to 100000, a JSON number.",
    i64,
    schemars(range(min = 0, max = MAX_ORDERS))
);
tiers!(
    TiersByPoints,
    "Tiers by points earned.",
    PointsEarned,
    TierByPoints,
    "A tier by points earned.",
    "Held from so many points earned on.",
    Points
);

/// A tier that is never lost needs no grace.
fn grace_of_what_is_never_lost() -> serde_json::Value {
    serde_json::json!({
        "required": ["downgrade", "grace_days"],
        "properties": {"downgrade": {"const": "none"}, "grace_days": {"minimum": 1}}
    })
}

/// Counted in money.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Spend {
    /// The basis where none is named.
    Spend,
}

/// Counted in orders.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum OrderCount {
    /// Orders that were not cancelled.
    Orders,
}

/// Counted in points.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum PointsEarned {
    /// Points earned, net of those taken back.
    Points,
}

/// Since when a member's orders count toward the tiers.
#[derive(JsonSchema)]
pub enum Window {
    /// Always.
    #[schemars(rename = "lifetime")]
    Lifetime,
    /// The twelve months up to the end of today.
    #[schemars(rename = "rolling_12_months")]
    Rolling12Months,
    /// The calendar year.
    #[schemars(rename = "calendar_year")]
    CalendarYear,
}

/// What becomes of a tier that is no longer fulfilled.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Downgrade {
    /// It is kept for good.
    None,
    /// The one below it is held.
    OneStep,
    /// The one that is fulfilled is held.
    ByValue,
}

/// Something that is neither points nor money: free delivery, early access.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Perk {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique in its tier.
    pub id: Id,
    /// What the member reads.
    pub name: Text,
}
