//! `referral`: what both sides get when a member brings a friend.

use schemars::JsonSchema;

use crate::amounts::{PositiveMoney, PositivePoints};
use crate::lifetime::{Activation, Expiry};
use crate::limits::{MAX_DAYS, MAX_FRIENDS_IN_PERIOD, MAX_TIMES};
use crate::words::{Description, Id};

/// What both sides get when a member brings a friend; at least one of them gets something.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "anyOf" = [{"required": ["referrer"]}, {"required": ["referee"]}],
        "not" = {"required": ["order_min"], "properties": {"paid_on": {"const": "registration"}}}
    )
)]
pub struct Referral {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// What pays.
    pub paid_on: PaidOn,
    /// What the friend pays in money for the goods of the order that pays, at least, net of what comes back: below it both
    /// rewards are taken back. Only with `first_purchase`; anything at all where it is absent.
    pub order_min: Option<PositiveMoney>,
    /// What the one gets who brings a friend.
    pub referrer: Option<ReferralPoints>,
    /// What the friend gets.
    pub referee: Option<ReferralPoints>,
    /// For how many friends a referrer is paid; any number where it is absent.
    pub limits: Option<ReferralLimits>,
}

/// When a referral is paid.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum PaidOn {
    /// When the friend joins.
    Registration,
    /// With the friend's first order that is worth enough.
    FirstPurchase,
}

/// The reward of one side.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReferralPoints {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// Above 0.
    pub points: PositivePoints,
    /// When the points become available: after the time for returns, so that what is taken back was not spent.
    pub activation: Option<Activation>,
    /// When the points expire.
    pub expiry: Option<Expiry>,
}

/// For how many friends a referrer is paid. Those count whose reward was taken back.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["per_referrer"]}, {"required": ["per_period"]}]))]
pub struct ReferralLimits {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// In all: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TIMES))]
    pub per_referrer: Option<i64>,
    /// Within some days.
    pub per_period: Option<Period>,
}

/// So many friends within so many days.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Period {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// 1 to 1000.
    #[schemars(range(min = 1, max = MAX_FRIENDS_IN_PERIOD))]
    pub friends: i64,
    /// Of 24 hours: 1 to 36500.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub days: i64,
}
