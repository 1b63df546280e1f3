//! A purchase as the shop reports it, in minor units.

use serde::Deserialize;
use serde_json::Value;

use crate::{Id, Instant, Money, Points, Quantity};

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The shop's own id of the line, unique in the order.
    pub id: String,
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
    pub brand: Option<String>,
    pub labels: Vec<String>,
    pub quantity: Quantity,
    /// For one unit, before the discount.
    pub price: Money,
    /// For the whole line.
    pub discount: Money,
    /// What one unit cost the shop.
    pub cost: Option<Money>,
    /// Tax contained in the line's amount.
    pub tax: Option<Money>,
    /// Promo goods.
    pub promo: bool,
}

/// A promo code of an order that is good for its member.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Voucher {
    pub id: Id,
    pub code: String,
    /// The rule that it unlocks.
    pub rule_id: String,
    /// The goods that it is for; empty: whatever the rule means.
    pub skus: Vec<String>,
}

/// Something that a member did beside buying.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The shop's own id.
    pub reference: String,
    /// "review", "visit", or any that the program names.
    pub type_name: String,
    pub occurred_at: Instant,
    pub channel: Option<String>,
    /// Whatever the shop says of it.
    pub data: Value,
    /// What it says that a game or the like gave.
    pub points: Option<Points>,
}

/// Which of the program's discounts an order gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Discounts {
    /// Those that the rules give its member.
    #[default]
    ByRules,
    /// Those that ask nothing of a member: it has none.
    ForAnybody,
    /// These, one amount for each line, and no others: it was paid so before.
    Settled(Vec<Money>),
}

/// A purchase or a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The shop's own id.
    pub reference: String,
    pub occurred_at: Instant,
    pub channel: String,
    pub store: Option<String>,
    pub device: Option<String>,
    /// ISO 4217.
    pub currency: String,
    pub lines: Vec<Line>,
    pub delivery: Money,
    pub vouchers: Vec<Voucher>,
    pub discounts: Discounts,
    /// Whether to say what a larger order would give.
    pub with_offers: bool,
}
