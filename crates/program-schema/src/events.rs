//! `enrolment`, `events` and `perks`: what members get beside points for orders.

use schemars::JsonSchema;

use crate::amounts::{PositiveMoney, PositivePoints};
use crate::conditions::{Conditions, EventConditions};
use crate::earning::EventLimits;
use crate::lifetime::{Activation, Expiry};
use crate::limits::{MAX_DAYS, MAX_LIST};
use crate::words::{Description, Id, PersonField, Text};

/// What joining gives, and the purchase with which the membership starts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Enrolment {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Points for joining; none where it is absent.
    pub welcome: Option<Welcome>,
    /// Before one such order nobody has a tier; absent: the membership starts with joining. It needs tiers.
    pub membership_starts_with: Option<MembershipStart>,
    /// New members confirm their phone or e-mail by a one-time code before they spend; absent: nobody is asked.
    pub confirmation: Option<Confirmation>,
    /// The rules that members accept; absent: nobody is asked.
    pub accepted_rules: Option<AcceptedRules>,
    /// The event `profile_filled` happens by itself, once for a member; absent: only when the shop sends it. It needs a rule
    /// for that event.
    pub profile_filled: Option<ProfileFilled>,
}

/// What makes a profile a filled one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ProfileFilled {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// All of these are known.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub fields: Vec<PersonField>,
}

/// A one-time code for new members.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Confirmation {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// When the welcome comes.
    pub welcome: WelcomeTime,
}

/// When the welcome comes to a member who is asked for a code.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum WelcomeTime {
    /// With joining.
    AtOnce,
    /// With the right code.
    After,
}

/// Rules that members accept: `POST /v1/members/{id}/acceptances`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AcceptedRules {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The shop's own name of the version. Another one asks all members anew.
    pub version: Text,
    /// What nobody does without having accepted it.
    pub before: Before,
}

/// What nobody does without having accepted the rules.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Before {
    /// Redemptions and gifts of points to other members.
    Spending,
}

/// The order with which the membership starts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MembershipStart {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// What is paid in money for the goods of that one order at least, net of what comes back.
    pub order_min: PositiveMoney,
}

/// Points for joining.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Welcome {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// Above 0.
    pub points: PositivePoints,
    /// Only for those who enrol through one of these.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub channels: Option<Vec<Text>>,
    /// When the points become available.
    pub activation: Option<Activation>,
    /// When the points expire.
    pub expiry: Option<Expiry>,
}

/// What a member gets for something else than buying: points (`points` or `points_from_event`, not both), a tier, or both.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "anyOf" = [{"required": ["points"]}, {"required": ["points_from_event"]}, {"required": ["tier"]}],
        "not" = {"required": ["points", "points_from_event"]}
    )
)]
pub struct EventRule {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// The type of events that it is for, in the shop's own words: "review", "survey", "visit", "game".
    #[schemars(rename = "type")]
    pub type_name: Text,
    /// Always so many points.
    pub points: Option<PositivePoints>,
    /// As many points as the event says, such as the result of a game.
    pub points_from_event: Option<PointsBounds>,
    /// A tier.
    pub tier: Option<GivenTier>,
    /// When it fires.
    pub when: Option<EventConditions>,
    /// How much and how often it gives.
    pub limits: Option<EventLimits>,
    /// When its points become available.
    pub activation: Option<Activation>,
    /// When its points expire.
    pub expiry: Option<Expiry>,
}

/// Bounds of what an event may say, both included.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PointsBounds {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The fewest points.
    pub min: PositivePoints,
    /// The most points.
    pub max: PositivePoints,
}

/// A tier that is given for a time and then returns by itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GivenTier {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// One of the program's tiers.
    pub id: Id,
    /// For so many local days, the day of the event not counted: 1 to 36500.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub days: i64,
}

/// What an order brings without points or money: free delivery from an amount on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PerkRule {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// What the member reads.
    pub name: Text,
    /// When it is given; always where it is absent.
    pub when: Option<Conditions>,
}
