//! `redemption` and `margin_guard`: how points pay for an order, and what no benefit goes below.

use schemars::JsonSchema;

use crate::amounts::{MarginFloor, Percent, Points, PositivePoints};
use crate::conditions::Products;
use crate::limits::{MAX_HOLD_MINUTES, MAX_LIST};
use crate::words::{Description, Text};

/// How points pay.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Redemption {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// The largest share of the eligible goods that points may pay.
    pub max_share: Percent,
    /// The fewest points in one payment.
    pub min_points: Option<PositivePoints>,
    /// Points are paid in multiples of this.
    pub increment: Option<PositivePoints>,
    /// Goods that points don't pay: whatever any of the lists names, and promo goods if `promo` is true.
    pub exclude: Option<Products>,
    /// False: goods with a discount, the shop's or the program's, can't be paid with points. True where it is absent.
    pub combinable_with_discounts: Option<bool>,
    /// Only through these channels.
    #[schemars(length(min = 1, max = MAX_LIST))]
    pub channels: Option<Vec<Text>>,
    /// Minutes that a hold lasts: 1 to 10080; 30 where it is absent.
    #[schemars(range(min = 1, max = MAX_HOLD_MINUTES))]
    pub hold_minutes: Option<i64>,
    /// More points than this ask for a one-time code.
    pub confirmation_above: Option<Points>,
}

/// A line that carries its cost never falls below the floor by what the program gives.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MarginGuard {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// What must be left of a line's price above its cost.
    pub floor: MarginFloor,
    /// What is cut; everything where it is absent.
    #[schemars(length(min = 1, max = 3))]
    pub covers: Option<Vec<Benefit>>,
}

/// What a margin guard holds back.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Benefit {
    /// The program's discounts.
    Discounts,
    /// Payments with points.
    Redemption,
    /// Points earned, at what they pay.
    Earning,
}
