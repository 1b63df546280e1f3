//! Why points paid what they paid, or why they may not pay so much.

use crate::document::ONE_HUNDRED_PERCENT;
use crate::engine::{Explanation, Shortfall};

use super::Teller;
use super::said::Said;

/// The rule id under which a payment with points is explained: it is no earning rule.
pub const REDEMPTION: &str = "redemption";

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
        /// What the share of the order allows.
        allowed: i64,
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
    /// The goods would be sold below the margin floor.
    MarginFloor,
}

impl Teller<'_> {
    /// Points that paid, of goods worth `eligible`, at most `share` (parts per million).
    pub fn paid(&self, points: i64, money: i64, eligible: i64, share: i64) -> Explanation {
        let said = self.points(self.blank().words("", "списано "), points).words(" paid ", ": оплачено ").money(money);
        let said = said.words(" of ", " из ").money(eligible);
        let said = if share < ONE_HUNDRED_PERCENT {
            let said = said.words("; at most ", "; можно оплатить не больше ").percent(share);
            said.words(" may be paid with ", "").words(self.english, "")
        } else {
            said
        };
        self.explanation(REDEMPTION, true, points, 0, "paid_with_points", said, None)
    }

    /// Points that a hold had set aside.
    pub fn paid_as_agreed(&self, points: i64, money: i64, items: i64) -> Explanation {
        let said = self.points(self.blank().words("", "списано "), points);
        let said = said.words(" held earlier paid ", ", отложенных ранее: оплачено ");
        let said = said.money(money).words(" of ", " из ").money(items);
        self.explanation(REDEMPTION, true, points, 0, "paid_as_agreed", said, None)
    }

    /// As many points as possible were to pay, and none could.
    pub fn not_paid(&self, obstacle: &Obstacle) -> Explanation {
        let missing = match obstacle {
            Obstacle::Minimum { minimum, allowed } => Some(Shortfall::Points(minimum.saturating_sub(*allowed))),
            _ => None,
        };
        self.explanation(REDEMPTION, false, 0, 0, obstacle.code(), self.obstacle_sentence(obstacle), missing)
    }

    /// The sentence for an obstacle, in English: for the storefront's developer.
    pub fn obstacle(&self, obstacle: &Obstacle) -> String {
        self.obstacle_sentence(obstacle).english
    }

    fn obstacle_sentence(&self, obstacle: &Obstacle) -> Said {
        let (blank, en, ru) = (self.blank(), self.english, self.russian);
        match *obstacle {
            Obstacle::RedemptionOff => {
                blank.words("orders can't be paid with ", "заказы нельзя оплачивать с помощью ").words(en, ru)
            }
            Obstacle::OtherChannel { ref channel } => {
                let said = blank.words("orders through \"", "заказы через канал «").text(channel);
                said.words("\" can't be paid with ", "» нельзя оплачивать с помощью ").words(en, ru)
            }
            Obstacle::NotForTheseGoods { eligible: 0 } => {
                blank.words("these goods can't be paid with ", "эти товары нельзя оплатить с помощью ").words(en, ru)
            }
            Obstacle::NotForTheseGoods { eligible } => {
                let said = blank.words("some of these goods can't be paid with ", "часть товаров нельзя оплатить с помощью ");
                let said = said.words(en, ru).words("; at most ", "; можно не больше ");
                self.points(said, eligible).words(" may be paid", "")
            }
            Obstacle::Minimum { minimum, allowed } => {
                let said = self.points(blank.words("a payment takes at least ", "списать можно не меньше "), minimum);
                if allowed < minimum {
                    self.points(said.words(", and this order allows only ", ", а этот заказ допускает "), allowed)
                } else {
                    said
                }
            }
            Obstacle::Increment { increment, allowed } => {
                let scale = self.document.settings.points_scale;
                let said = blank.words("", "можно списать только количество ").words(en, ru);
                let said = said.words(" are paid in multiples of ", ", кратное ").amount(increment, scale);
                if allowed < increment {
                    said.words(", and this order allows only ", ", а этот заказ допускает ").amount(allowed, scale)
                } else {
                    said
                }
            }
            Obstacle::ShareOfOrder { share, limit } => {
                let said =
                    blank.words("at most ", "с помощью ").words("", ru).words("", " можно оплатить не больше ").percent(share);
                self.points(said.words(" may be paid with ", "").words(en, "").text(": "), limit)
            }
            Obstacle::Balance { available } => {
                let said = self.points(blank.words("", "доступно "), available);
                said.words(" are available, too few to pay with", ": для оплаты мало")
            }
            Obstacle::NothingToPay => {
                blank.words("this order has nothing to pay with ", "в этом заказе нечего оплачивать с помощью ").words(en, ru)
            }
            Obstacle::MarginFloor => blank
                .words("the price is as low as it can be, ", "цена уже минимальна, с помощью ")
                .words(en, ru)
                .words(" can't pay more", " больше оплатить нельзя"),
        }
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
            Obstacle::MarginFloor => "margin_floor",
        }
    }
}
