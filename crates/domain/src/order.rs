//! A purchase as the shop reports it, in minor units.

use crate::{Instant, Money, Quantity};

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
}
