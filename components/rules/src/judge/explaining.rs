//! The sentence for each rule: why it gave what it gave, or how far it was from firing.
//!
//! Codes are for programs and stay as they are; sentences are for members and may be improved.

use crate::document::ONE_HUNDRED_PERCENT;
use crate::engine::{Explanation, Offer, Settings, Shortfall};
use crate::text;

/// The rule id under which a payment with points is explained: it is no earning rule.
const REDEMPTION: &str = "redemption";

/// Writes amounts as the program's members read them.
#[derive(Clone, Copy)]
pub struct Teller<'s> {
    points_name: &'s str,
    points_scale: u8,
}

/// How a rule came to its points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gift {
    /// A percentage of the lines' earning basis (hundredths); the parts are none when no line has them.
    Percent {
        /// The tier whose rates these are, by name; none when they are the rule's own.
        tier: Option<String>,
        /// Rate in parts per million and basis of regular goods.
        regular: Option<(i64, i64)>,
        /// The same of promo goods.
        promo: Option<(i64, i64)>,
        /// Whether points paid a part of these lines.
        after_points: bool,
    },
    /// A fixed number of points.
    Fixed,
}

/// Why a rule gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It is for other channels.
    OtherChannel,
    /// It is for other stores.
    OtherStore,
    /// It is for other tiers; the spend (hundredths) missing to the nearest of them, if the member can still reach one.
    OtherTier(Option<i64>),
    /// It is for first orders.
    NotFirstOrder,
    /// It is for later orders.
    FirstOrder,
    /// None of the goods are meant.
    NoMatchingGoods,
    /// A rule before it has rewarded all the goods that are meant.
    LinesTaken,
    /// The items total is below the minimum.
    BelowMinimum {
        /// Hundredths.
        minimum: i64,
        /// Hundredths, above 0.
        missing: i64,
    },
    /// The items total is not below this (hundredths).
    NotBelow(i64),
    /// It takes the tier's rate, and no tier is held; the spend (hundredths) missing to the first.
    NoTier(Option<i64>),
    /// Points paid for all the goods that are meant, or they cost nothing.
    NothingPaid,
    /// The result is below the smallest fraction of a point.
    RoundsToZero,
}

/// Why points may not pay so much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Points never pay in this program.
    RedemptionOff,
    /// They don't in this channel.
    OtherChannel {
        /// The order's.
        channel: String,
    },
    /// Goods that points don't pay are in the order.
    NotForTheseGoods {
        /// Points that the other goods allow, minor units.
        eligible: i64,
    },
    /// A payment has a minimum.
    Minimum {
        /// Minor units.
        minimum: i64,
        /// What the share of the order allows.
        allowed: i64,
    },
    /// Points are paid in multiples.
    Increment {
        /// Minor units.
        increment: i64,
    },
    /// The share of the order is exceeded.
    ShareOfOrder {
        /// Parts per million.
        share: i64,
        /// The limit in points, minor units.
        limit: i64,
    },
    /// The member has too few.
    Balance {
        /// Minor units.
        available: i64,
    },
    /// The order is worth nothing that points could pay.
    NothingToPay,
}

impl<'s> Teller<'s> {
    /// A teller that uses the program's name and scale of points.
    pub fn of(settings: &'s Settings) -> Self {
        Self { points_name: &settings.points_name, points_scale: settings.points_scale }
    }

    /// `500.00 points`.
    fn points(&self, points: i64) -> String {
        format!("{} {}", text::amount(points, self.points_scale), self.points_name)
    }

    /// A rule that fired.
    pub fn gift(&self, rule_id: &str, points: i64, gift: &Gift) -> Explanation {
        let given = self.points(points);
        let (code, reason) = match gift {
            Gift::Fixed => ("fixed_points", format!("{given} for this order")),
            Gift::Percent { tier, regular, promo, after_points } => {
                let of = |(rate, basis): (i64, i64), goods| format!("{} of {}{goods}", text::percent(rate), text::money(basis));
                let (parts, verb) = match (*regular, *promo) {
                    (Some(regular), Some(promo)) => (format!("{} and {}", of(regular, ""), of(promo, " of promo goods")), "give"),
                    (Some(regular), None) => (of(regular, ""), "gives"),
                    (None, Some(promo)) => (of(promo, " of promo goods"), "gives"),
                    (None, None) => (text::money(0), "gives"),
                };
                let rest = if *after_points { ", the part not paid with points," } else { "" };
                match tier {
                    Some(tier) => ("tier_percent_of_items", format!("{tier}: {parts}{rest} {verb} {given}")),
                    None => ("percent_of_items", format!("{parts}{rest} {verb} {given}")),
                }
            }
        };
        explanation(rule_id, true, points, code, reason, None)
    }

    /// A rule that gave nothing.
    pub fn miss(&self, rule_id: &str, miss: &Miss) -> Explanation {
        let (code, reason, missing) = match miss {
            Miss::OtherChannel => ("other_channel", "only for orders made through other channels".to_owned(), None),
            Miss::OtherStore => ("other_store", "only for orders made in other stores".to_owned(), None),
            Miss::OtherTier(missing) => {
                let reason = match missing {
                    Some(missing) => format!("only for other tiers: {} of spend short of the nearest", text::money(*missing)),
                    None => "only for other tiers".to_owned(),
                };
                ("other_tier", reason, *missing)
            }
            Miss::NotFirstOrder => ("not_first_order", "only for the first order".to_owned(), None),
            Miss::FirstOrder => ("first_order", "only from the second order on".to_owned(), None),
            Miss::NoMatchingGoods => ("no_matching_goods", "none of the goods of this rule are in the order".to_owned(), None),
            Miss::LinesTaken => ("lines_taken", "its goods were rewarded by an earlier rule already".to_owned(), None),
            Miss::BelowMinimum { minimum, missing } => {
                let reason = format!("{} short of the minimum of {}", text::money(*missing), text::money(*minimum));
                ("below_minimum", reason, Some(*missing))
            }
            Miss::NotBelow(below) => ("not_below_maximum", format!("only for orders below {}", text::money(*below)), None),
            Miss::NoTier(missing) => {
                let reason = match missing {
                    Some(missing) => format!("{} of spend short of the first tier", text::money(*missing)),
                    None => "the tier held has no rate".to_owned(),
                };
                ("no_tier", reason, *missing)
            }
            Miss::NothingPaid => ("nothing_paid", "nothing is left of these goods to pay in money".to_owned(), None),
            Miss::RoundsToZero => ("rounds_to_zero", format!("less than {} after rounding down", self.points(1)), None),
        };
        explanation(rule_id, false, 0, code, reason, missing.map(Shortfall::Money))
    }

    /// Points for enrolling.
    pub fn welcome(&self, rule_id: &str, points: i64) -> Explanation {
        explanation(rule_id, true, points, "welcome", format!("{} for joining", self.points(points)), None)
    }

    /// No points for enrolling through this channel.
    pub fn no_welcome(&self, rule_id: &str) -> Explanation {
        let reason = "only for those who join through other channels".to_owned();
        explanation(rule_id, false, 0, "other_channel", reason, None)
    }

    /// Points that paid, of goods worth `eligible`, at most `share` (parts per million).
    pub fn paid(&self, points: i64, money: i64, eligible: i64, share: i64) -> Explanation {
        let paid = format!("{} paid {} of {}", self.points(points), text::money(money), text::money(eligible));
        let reason = if share < ONE_HUNDRED_PERCENT {
            format!("{paid}; at most {} may be paid with {}", text::percent(share), self.points_name)
        } else {
            paid
        };
        explanation(REDEMPTION, true, points, "paid_with_points", reason, None)
    }

    /// Points that a hold had set aside.
    pub fn paid_as_agreed(&self, points: i64, money: i64, items: i64) -> Explanation {
        let reason = format!("{} held earlier paid {} of {}", self.points(points), text::money(money), text::money(items));
        explanation(REDEMPTION, true, points, "paid_as_agreed", reason, None)
    }

    /// As many points as possible were to pay, and none could.
    pub fn not_paid(&self, obstacle: &Obstacle) -> Explanation {
        let missing = match obstacle {
            Obstacle::Minimum { minimum, allowed } => Some(Shortfall::Points(minimum.saturating_sub(*allowed))),
            _ => None,
        };
        explanation(REDEMPTION, false, 0, obstacle.code(), self.obstacle(obstacle), missing)
    }

    /// The sentence for an obstacle.
    pub fn obstacle(&self, obstacle: &Obstacle) -> String {
        let name = self.points_name;
        match obstacle {
            Obstacle::RedemptionOff => format!("orders can't be paid with {name}"),
            Obstacle::OtherChannel { channel } => format!("{name} can't be paid through \"{channel}\""),
            Obstacle::NotForTheseGoods { eligible: 0 } => format!("these goods can't be paid with {name}"),
            Obstacle::NotForTheseGoods { eligible } => {
                format!("some of these goods can't be paid with {name}; at most {} may be paid", self.points(*eligible))
            }
            Obstacle::Minimum { minimum, allowed } if allowed < minimum => {
                let (minimum, allowed) = (self.points(*minimum), self.points(*allowed));
                format!("at least {minimum} are paid at once, and this order allows only {allowed}")
            }
            Obstacle::Minimum { minimum, .. } => format!("at least {} are paid at once", self.points(*minimum)),
            Obstacle::Increment { increment } => {
                format!("{name} are paid in multiples of {}", text::amount(*increment, self.points_scale))
            }
            Obstacle::ShareOfOrder { share, limit } => {
                format!("at most {} may be paid with {name}: {}", text::percent(*share), self.points(*limit))
            }
            Obstacle::Balance { available } => format!("{} are available, too few to pay with", self.points(*available)),
            Obstacle::NothingToPay => format!("this order has nothing to pay with {name}"),
        }
    }

    /// "Buy 340.00 more, get 50.00 points".
    pub fn offer(&self, rule_id: &str, shortfall: i64, points: i64) -> Offer {
        let reason = format!("Buy {} more, get {}", text::money(shortfall), self.points(points));
        Offer { rule_id: rule_id.to_owned(), shortfall, points, reason }
    }
}

impl Obstacle {
    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Obstacle::RedemptionOff => "redemption_off",
            Obstacle::OtherChannel { .. } => "other_channel",
            Obstacle::NotForTheseGoods { .. } => "not_for_these_goods",
            Obstacle::Minimum { .. } => "minimum",
            Obstacle::Increment { .. } => "increment",
            Obstacle::ShareOfOrder { .. } => "share_of_order",
            Obstacle::Balance { .. } => "balance",
            Obstacle::NothingToPay => "nothing_to_pay",
        }
    }
}

fn explanation(rule_id: &str, fired: bool, points: i64, code: &str, reason: String, shortfall: Option<Shortfall>) -> Explanation {
    Explanation { rule_id: rule_id.to_owned(), fired, points, code: code.to_owned(), reason, shortfall }
}
