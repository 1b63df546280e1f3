//! `earning`: the rules by which orders earn points.

use schemars::JsonSchema;

use crate::amounts::{Factor, Percent, PositiveMoney, PositivePoints};
use crate::conditions::Conditions;
use crate::lifetime::{Activation, Expiry};
use crate::limits::{MAX_DAYS, MAX_PRIORITY, MAX_TIMES};
use crate::words::{Description, Id};

/// An earning rule.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EarningRule {
    /// A percentage of the lines. Without a rate: at that of the member's tier.
    #[schemars(extend("dependentRequired" = {"rate_promo": ["rate"]}))]
    Percent {
        /// On regular goods.
        rate: Option<Percent>,
        /// On promo goods; as on regular goods where it is absent.
        rate_promo: Option<Percent>,
        #[schemars(flatten)]
        terms: EarningTerms,
    },
    /// So many points, however much the order is worth.
    Fixed {
        /// Above 0.
        points: PositivePoints,
        #[schemars(flatten)]
        terms: EarningTerms,
    },
    /// So many points for each full amount: 10 points for every 100.00.
    PerAmount {
        /// Above 0.
        points: PositivePoints,
        /// The amount.
        every: PositiveMoney,
        #[schemars(flatten)]
        terms: EarningTerms,
    },
    /// What earlier rules gave on the lines, times this factor: the rule gives what comes on top.
    Multiplier {
        /// Above 1.
        factor: Factor,
        #[schemars(flatten)]
        terms: EarningTerms,
    },
}

/// What every earning rule has.
#[derive(JsonSchema)]
pub struct EarningTerms {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// When it fires, and on which lines; always and on all where it is absent.
    pub when: Option<Conditions>,
    /// Higher ones come first: -1000000 to 1000000; 0 where it is absent.
    #[schemars(range(min = -MAX_PRIORITY, max = MAX_PRIORITY))]
    pub priority: Option<i64>,
    /// True: lines that this rule rewards are not given to later rules.
    pub stop: Option<bool>,
    /// False: lines that an earlier rule rewarded are not for this one. True where it is absent.
    pub stackable: Option<bool>,
    /// True: it fires only if no earlier rule did, and then no later one does.
    pub exclusive: Option<bool>,
    /// How much and how often it gives.
    pub limits: Option<Limits>,
    /// When its points become available.
    pub activation: Option<Activation>,
    /// When its points expire.
    pub expiry: Option<Expiry>,
}

/// Caps of a rule, at least one, each at most the next wider one; what is absent is not limited.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["per_order"]}, {"required": ["per_day"]}, {"required": ["per_member"]}, {"required": ["budget"]}, {"required": ["times_per_member"]}, {"required": ["cooldown_days"]}]))]
pub struct Limits {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Points on one order.
    pub per_order: Option<PositivePoints>,
    /// Points for one member on one local day.
    pub per_day: Option<PositivePoints>,
    /// Points for one member in all.
    pub per_member: Option<PositivePoints>,
    /// Points for all members together.
    pub budget: Option<PositivePoints>,
    /// How often it fires for one member: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TIMES))]
    pub times_per_member: Option<i64>,
    /// It does not fire again within so many days of 24 hours: 1 to 36500.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub cooldown_days: Option<i64>,
}

/// Caps of a rule for events, at least one, each at most the next wider one; what is absent is not limited.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["per_day"]}, {"required": ["per_member"]}, {"required": ["budget"]}, {"required": ["times_per_member"]}, {"required": ["cooldown_days"]}]))]
pub struct EventLimits {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Points for one member on one local day.
    pub per_day: Option<PositivePoints>,
    /// Points for one member in all.
    pub per_member: Option<PositivePoints>,
    /// Points for all members together.
    pub budget: Option<PositivePoints>,
    /// How often it fires for one member: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TIMES))]
    pub times_per_member: Option<i64>,
    /// It does not fire again within so many days of 24 hours: 1 to 36500.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub cooldown_days: Option<i64>,
}
