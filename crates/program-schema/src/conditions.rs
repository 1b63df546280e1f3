//! `when`: what must be true of an order or an event for a rule to fire, and on which lines.

use schemars::JsonSchema;

use crate::amounts::{PositiveMoney, Quantity};
use crate::limits::{MAX_DAYS, MAX_LIST, MAX_ORDERS, MAX_TIERS};
use crate::words::{Day, Description, EndOfHours, Id, Text, TimeOfDay};

/// All that are present must hold; what is absent always holds.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Conditions {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Bounds of the items total, after the goods' own discounts and without delivery.
    pub order_total: Option<OrderTotal>,
    /// The order came through one of these channels: "site", "app", "store".
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub channels: Option<Vec<Text>>,
    /// The order was made in one of these stores.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub stores: Option<Vec<Text>>,
    /// The member holds one of these tiers of the program.
    #[schemars(length(min = 1, max = MAX_TIERS))]
    pub tiers: Option<Vec<Id>>,
    /// The member is in one of these segments.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub segments: Option<Vec<Text>>,
    /// True: it is the member's first order. False: it is a later one.
    pub first_order: Option<bool>,
    /// Which of the member's orders it is.
    pub orders: Option<Orders>,
    /// Days of the week of the program's zone.
    #[schemars(length(min = 1, max = 7))]
    pub weekdays: Option<Vec<Weekday>>,
    /// Hours of the day of the program's zone.
    pub hours: Option<Hours>,
    /// Days of the program's zone.
    pub dates: Option<Dates>,
    /// True: a promo code for this rule is in the order.
    pub voucher: Option<bool>,
    /// The rule looks at these lines only.
    pub products: Option<Products>,
    /// True: the rule looks only at lines of categories in which the member never bought.
    pub new_category: Option<bool>,
    /// Bounds of how much there is of the lines that the rule looks at.
    pub quantity: Option<QuantityBounds>,
}

/// The conditions that make sense for events, which have no goods and no total. All that are present must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EventConditions {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The event came through one of these channels.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub channels: Option<Vec<Text>>,
    /// The member holds one of these tiers of the program.
    #[schemars(length(min = 1, max = MAX_TIERS))]
    pub tiers: Option<Vec<Id>>,
    /// The member is in one of these segments.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub segments: Option<Vec<Text>>,
    /// Days of the week of the program's zone.
    #[schemars(length(min = 1, max = 7))]
    pub weekdays: Option<Vec<Weekday>>,
    /// Hours of the day of the program's zone.
    pub hours: Option<Hours>,
    /// Days of the program's zone.
    pub dates: Option<Dates>,
}

/// One bound or both; the order's total is at least `min` and less than `below`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["min"]}, {"required": ["below"]}]))]
pub struct OrderTotal {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// At least this much.
    pub min: Option<PositiveMoney>,
    /// Less than this; above `min`.
    pub below: Option<PositiveMoney>,
}

/// One bound or both; the quantity is at least `min` and less than `below`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["min"]}, {"required": ["below"]}]))]
pub struct QuantityBounds {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// At least so many.
    pub min: Option<Quantity>,
    /// Fewer than this; above `min`.
    pub below: Option<Quantity>,
}

/// The number of this order among the member's; `min`, `every` or both.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["min"]}, {"required": ["every"]}]))]
pub struct Orders {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// From this one on: 3 is the third and all later ones.
    #[schemars(range(min = 1, max = MAX_ORDERS))]
    pub min: Option<i64>,
    /// Every so many: 5 is the 5th, the 10th, the 15th.
    #[schemars(range(min = 2, max = MAX_ORDERS))]
    pub every: Option<i64>,
    /// Counted are the orders of the last so many local days, today included; all where it is absent.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub within_days: Option<i64>,
}

/// A day of the week.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// From a time of the day to another, which does not belong to it; over midnight when `from` is the later one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hours {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The first minute.
    pub from: TimeOfDay,
    /// The first minute after; another than `from`.
    pub to: EndOfHours,
}

/// A first day, a last day or both. The last one belongs to it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["from"]}, {"required": ["to"]}]))]
pub struct Dates {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The first day.
    pub from: Option<Day>,
    /// The last day, not before the first.
    pub to: Option<Day>,
}

/// Goods: a line is meant when any of the lists names it (or there is no list), and `promo` is as asked.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["skus"]}, {"required": ["categories"]}, {"required": ["brands"]}, {"required": ["labels"]}, {"required": ["promo"]}]))]
pub struct Products {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Stock keeping units.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub skus: Option<Vec<Text>>,
    /// Categories, compared as a whole.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub categories: Option<Vec<Text>>,
    /// Brands.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub brands: Option<Vec<Text>>,
    /// Labels; one of the line's suffices.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub labels: Option<Vec<Text>>,
    /// True: promo goods only. False: regular goods only.
    pub promo: Option<bool>,
}
