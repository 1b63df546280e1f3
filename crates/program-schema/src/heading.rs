//! The document as a whole, and its heading.

use schemars::JsonSchema;

use crate::amounts::PositiveMoney;
use crate::discounts::DiscountRule;
use crate::earning::EarningRule;
use crate::events::{Enrolment, EventRule, PerkRule};
use crate::lifetime::Grace;
use crate::limits::{MAX_NOTICE_DAYS, MAX_OCCASIONS, MAX_PERKS, MAX_POINTS_SCALE, MAX_RULES, MAX_TRIGGERS};
use crate::messages::Messages;
use crate::redemption::{MarginGuard, Redemption};
use crate::referral::Referral;
use crate::schedule::{Occasion, Reminders, Trigger};
use crate::tiers::Tiers;
use crate::words::{Currency, Description, Text, TimeZone};

/// A loyalty program as a document: what `PUT /v1/program` takes, at most 1 MiB. Fields that are not used are left out,
/// never null, and unknown ones are refused; a key stands in its object once. Beyond this schema it is checked that ids are
/// unique, tiers ascend, rules name tiers that exist and find a rate, what a tier gives some rule gives, a price names its
/// goods, every rule can fire and is not over, rates leave the margin floor, and points don't expire before they activate; `?dry_run=true` tells all of it, each with a JSON pointer. Money, points and percentages are decimal texts or
/// whole numbers; a JSON number with a decimal point is refused, which a schema can't say of 5.0.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "Kopilka program")]
pub struct Program {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The program's name.
    pub name: Text,
    /// The currency of all money.
    pub currency: Currency,
    /// Whose days count.
    pub time_zone: TimeZone,
    /// What points are.
    pub points: PointsBlock,
    /// What points are earned on. Without it: goods, tax included, net of points paid.
    pub earning_basis: Option<EarningBasis>,
    /// What returns do to points.
    pub returns: Option<Returns>,
    /// Steps that a member reaches.
    pub tiers: Option<Tiers>,
    /// What joining gives, and the purchase with which the membership starts.
    pub enrolment: Option<Enrolment>,
    /// What both sides get when a member brings a friend; nothing where it is absent.
    pub referral: Option<Referral>,
    /// What happens on days that come round: birthdays.
    #[schemars(length(max = MAX_OCCASIONS))]
    pub occasions: Option<Vec<Occasion>>,
    /// What happens some time after something of a member, unless its reason is gone.
    #[schemars(length(max = MAX_TRIGGERS))]
    pub triggers: Option<Vec<Trigger>>,
    /// When members are told of points that expire; absent: they are not.
    pub reminders: Option<Reminders>,
    /// Of what members are written, and how they are reached.
    pub messages: Option<Messages>,
    /// Rules by which orders cost less. Those of lines come first, then those of the order, each by priority.
    #[schemars(length(max = MAX_RULES))]
    pub discounts: Option<Vec<DiscountRule>>,
    /// Rules by which orders earn points, evaluated by priority, equal ones as they stand here.
    #[schemars(length(max = MAX_RULES))]
    pub earning: Option<Vec<EarningRule>>,
    /// What orders bring without points or money.
    #[schemars(length(max = MAX_PERKS))]
    pub perks: Option<Vec<PerkRule>>,
    /// Points and tiers for what members do beside buying.
    #[schemars(length(max = MAX_RULES))]
    pub events: Option<Vec<EventRule>>,
    /// The floor under the price of goods that carry their cost.
    pub margin_guard: Option<MarginGuard>,
    /// How points pay; without it they can't be spent on orders.
    pub redemption: Option<Redemption>,
    /// Points expire only after a notice; without it they need none.
    pub annulment: Option<Annulment>,
}

/// What points are called, and what they are worth.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PointsBlock {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// What members call them in English: "points", "madcoins".
    pub name: Text,
    /// What members call them in other languages.
    pub names: Option<Names>,
    /// Decimals of a point, 0 to 4. Stays as it is once points are recorded.
    #[schemars(range(min = 0, max = MAX_POINTS_SCALE))]
    pub scale: u8,
    /// Money that one whole point pays: "1.00" is 1 point = 1 rouble.
    pub conversion_rate: PositiveMoney,
    /// How earned points are rounded. Without it: down to the scale, once a rule.
    pub rounding: Option<Rounding>,
}

/// Names by language.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Names {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// In Russian, in the genitive plural: "баллов".
    pub ru: Option<Text>,
}

/// How earned points are rounded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rounding {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Down where it is absent.
    pub mode: Option<RoundingMode>,
    /// Decimals that are left, at most those of a point; all of them where it is absent.
    #[schemars(range(min = 0, max = MAX_POINTS_SCALE))]
    pub scale: Option<u8>,
    /// What is rounded; each rule's sum where it is absent.
    pub per: Option<RoundedWhole>,
}

/// A mode of rounding.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum RoundingMode {
    /// Toward zero.
    Down,
    /// To the nearest, halves up.
    HalfUp,
    /// To the nearest, halves to the even digit.
    HalfEven,
    /// Away from zero.
    Up,
}

/// What is rounded.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum RoundedWhole {
    /// The sum of a rule, once.
    Rule,
    /// Each line by itself.
    Line,
}

/// What points are earned on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EarningBasis {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Goods, or goods and delivery; goods where it is absent.
    pub of: Option<EarnedOn>,
    /// Whether the tax in the prices counts; it does where it is absent.
    pub tax: Option<Tax>,
    /// Whether what points pay counts; net of it where it is absent.
    pub points_paid: Option<PointsPaid>,
}

/// What counts.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum EarnedOn {
    /// The goods.
    Items,
    /// The goods, and the delivery shared among them.
    ItemsAndDelivery,
}

/// What becomes of tax.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Tax {
    /// It counts.
    Included,
    /// It does not count.
    Excluded,
}

/// What becomes of points paid.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum PointsPaid {
    /// What they pay earns nothing.
    Net,
    /// What they pay earns too.
    Gross,
}

/// What returns do to points.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Returns {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// What happens to earned points that were spent already; `allow_negative` where it is absent.
    pub clawback: Option<Clawback>,
    /// How long spent points live that come back to a lot which is over; without it they are lost with it.
    pub returned_grace: Option<Grace>,
}

/// Points expire only after a notice.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Annulment {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// So many days before, a notice must have been recorded as sent, 1 to 365: a late one puts the end off.
    #[schemars(range(min = 1, max = MAX_NOTICE_DAYS))]
    pub notice_days: i64,
}

/// What happens to points of a returned order that the member no longer has on the order's own lots.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Clawback {
    /// They are taken from other lots, pending ones too; what is missing is forgiven.
    ClampToZero,
    /// They are taken from other lots; what is missing is a deficit that the next earning pays.
    AllowNegative,
    /// They are taken from other lots that are available now; what is missing is forgiven.
    WithinBalance,
    /// Only points that are still pending on the order's own lots are taken.
    PendingOnly,
}
