//! `messages`: of what members are written, in which words, and how they are reached.

use schemars::JsonSchema;

use crate::conditions::Hours;
use crate::limits::{MAX_CAP, MAX_CAP_DAYS, MAX_CASCADE_HOURS, MAX_TEMPLATES};
use crate::words::{Description, Id, TemplateText};

/// Of what members are written, in which words, and how they are reached. Letters go to the webhooks that get recipients, as messages
/// of kind `message.send`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Messages {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The channels in the sequence in which they are tried, each once.
    #[schemars(length(min = 1, max = 4))]
    pub cascade: Vec<CascadeStep>,
    /// When nobody is disturbed, by the member's clock (`attributes.time_zone`, else the program's). Only codes come at any hour.
    pub quiet_hours: Option<Hours>,
    /// How much marketing a member gets.
    pub cap: Option<MessageCap>,
    /// The words: at most one template for a kind, and for each of its occasions or triggers; all in the same languages.
    #[schemars(length(min = 1, max = MAX_TEMPLATES))]
    pub templates: Vec<Template>,
}

/// One try of a cascade.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CascadeStep {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// By what the member is reached. One without an address, or with a no, is passed over.
    pub channel: Channel,
    /// The next channel is tried so many hours later: 1 to 336, 24 where it is absent. At once where the provider says that it failed.
    #[schemars(range(min = 1, max = MAX_CASCADE_HOURS))]
    pub wait_hours: Option<i64>,
    /// What the provider must have said by then, so that it is not: `delivered` where it is absent.
    pub until: Option<Until>,
}

/// A way to reach a member.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Channel {
    /// The member's e-mail.
    Email,
    /// The member's phone.
    Sms,
    /// The member's Telegram.
    Messenger,
    /// The shop's app: of members who said yes to it.
    Push,
}

/// What is enough of a message.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Until {
    /// It was delivered, or opened.
    Delivered,
    /// It was opened.
    Opened,
}

/// How many messages of marketing a member gets at most.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MessageCap {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// So many: 1 to 1000.
    #[schemars(range(min = 1, max = MAX_CAP))]
    pub messages: i64,
    /// Within so many days of 24 hours: 1 to 366.
    #[schemars(range(min = 1, max = MAX_CAP_DAYS))]
    pub days: i64,
}

/// The words of one kind of message.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["en"]}, {"required": ["ru"]}]))]
pub struct Template {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Of what.
    pub kind: Kind,
    /// Only of this occasion or trigger.
    pub of: Option<Id>,
    /// How it is meant; by the kind where it is absent: codes are urgent, occasions and triggers marketing, the rest is service.
    pub purpose: Option<Purpose>,
    /// In English.
    pub en: Option<Words>,
    /// In Russian.
    pub ru: Option<Words>,
}

/// Of what members are written, with what a template may say of it beside `program`, `points_name`, `first_name` and `available`.
#[derive(JsonSchema)]
pub enum Kind {
    /// A code for the member's phone or e-mail: `code`, `expires_at`.
    #[schemars(rename = "member.code")]
    MemberCode,
    /// A code before points pay: `code`, `expires_at`.
    #[schemars(rename = "redemption.code")]
    RedemptionCode,
    /// Joining: `welcome`.
    #[schemars(rename = "member.enrolled")]
    MemberEnrolled,
    /// A right code.
    #[schemars(rename = "member.confirmed")]
    MemberConfirmed,
    /// Points earned: `points`, `order` or `event`.
    #[schemars(rename = "points.earned")]
    PointsEarned,
    /// Points that can be spent from now on: `points`, `activates_at`, `expires_at`.
    #[schemars(rename = "points.activated")]
    PointsActivated,
    /// Points given or taken by hand: `points`.
    #[schemars(rename = "points.adjusted")]
    PointsAdjusted,
    /// Points that paid: `points`.
    #[schemars(rename = "points.redeemed")]
    PointsRedeemed,
    /// Points that will expire: `points` (what is left of them when it is sent), `expires_at`, `days`.
    #[schemars(rename = "points.expiring")]
    PointsExpiring,
    /// Points that expired: `points`.
    #[schemars(rename = "points.expired")]
    PointsExpired,
    /// Points that will be annulled: `points` (what is left of them when it is sent), `expires_at`, `days`.
    #[schemars(rename = "points.annulment")]
    PointsAnnulment,
    /// They end later than was told: `points`, `expires_at`, `told_expires_at`.
    #[schemars(rename = "points.annulment_moved")]
    PointsAnnulmentMoved,
    /// A receipt that was brought later: `points`, `order`.
    #[schemars(rename = "order.claimed")]
    OrderClaimed,
    /// Another tier: `tier`, `until`.
    #[schemars(rename = "tier.changed")]
    TierChanged,
    /// A day that came round: `points`, `event`, `at`.
    #[schemars(rename = "occasion")]
    Occasion,
    /// A trigger that fired: `points`, `event`, `at`, `voucher_code`, `voucher_expires_at`.
    #[schemars(rename = "trigger")]
    Trigger,
}

/// How a message is meant.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Purpose {
    /// At once at any hour, unless the member said no to the channel.
    Urgent,
    /// Outside quiet hours, unless the member said no to the channel.
    Service,
    /// Outside quiet hours, within the cap, and only where the member said yes to the channel.
    Marketing,
}

/// A template in one language: Jinja's, with values and `if`, and the filters `day`, `last_day` (before a moment), `time`, `number`,
/// `plural` (one, few, many) and `or` (instead of nothing).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Words {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Of an e-mail, or the title of a push message.
    pub subject: Option<TemplateText>,
    /// For every channel.
    pub text: TemplateText,
    /// For a text message and push, where it is another.
    pub short: Option<TemplateText>,
}
