//! What a rule gave, or took off the price, and how it came to it.

use crate::document::ONE_HUNDRED_PERCENT;
use crate::engine::Explanation;

use super::Teller;
use super::said::Said;

/// How a rule came to its points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gift<'d> {
    /// A percentage of the lines' earning basis (hundredths); the parts are none when no line has them.
    Percent {
        /// The tier whose rates these are, by name; none when they are the rule's own.
        tier: Option<&'d str>,
        /// Rate in parts per million and basis of regular goods.
        regular: Option<(i64, i64)>,
        /// The same of promo goods.
        promo: Option<(i64, i64)>,
        /// Whether points paid a part of these lines.
        after_points: bool,
    },
    /// A fixed number of points.
    Fixed,
    /// So often a number of points.
    PerAmount {
        /// Hundredths.
        basis: i64,
        /// Hundredths.
        every: i64,
        /// How often it is contained.
        times: i64,
    },
    /// What other rules gave, times a factor.
    Multiplied {
        /// Minor units.
        base: i64,
        /// Parts per million.
        factor: i64,
    },
    /// One of the others, held back.
    Capped {
        /// How it came to what it wanted to give.
        gift: Box<Gift<'d>>,
        /// Minor units.
        wanted: i64,
        /// What held it back.
        cap: Cap,
    },
}

/// What holds a rule back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Its cap for one order.
    Order,
    /// Its cap for one member and day.
    Day,
    /// Its cap for one member.
    Member,
    /// Its budget.
    Budget,
    /// The margin floor.
    MarginFloor,
}

/// How a rule came to what it takes off. Rates are parts per million, money is hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken<'d> {
    /// A percentage.
    Percent {
        /// The rate.
        rate: i64,
        /// Of so much.
        of: i64,
        /// The tier whose discount it is, by name.
        tier: Option<&'d str>,
    },
    /// A fixed amount.
    Amount,
    /// A special price for one unit.
    Price {
        /// The price.
        price: i64,
    },
    /// Some pieces are cheaper.
    BuyGet {
        /// So many.
        pieces: i64,
        /// By so much.
        rate: i64,
    },
}

impl Teller<'_> {
    /// An earning rule that fired.
    pub fn gift(&self, rule_id: &str, points: i64, gift: &Gift) -> Explanation {
        let (code, sentence) = self.tell_gift(self.blank(), points, gift);
        self.explanation(rule_id, true, points, 0, code, sentence, None)
    }

    fn tell_gift(&self, said: Said, points: i64, gift: &Gift) -> (&'static str, Said) {
        match gift {
            Gift::Fixed => ("fixed_points", self.points(said, points).words(" for this order", " за этот заказ")),
            Gift::PerAmount { basis, every, times } => {
                let said = said.money(*every);
                // the amounts change places in Russian
                let often = Said::default().count(*times, ["time", "times"], ["раз", "раза", "раз"]);
                let english = Said::default().text(&often.english).text(" in ").money(*basis).english;
                let russian = Said::default().money(*basis).text(" ").text(&often.russian).russian;
                let said = said.words(" is contained ", " содержится в ").words(&english, &russian).text(": ");
                ("points_per_amount", self.points(said, points))
            }
            Gift::Multiplied { base, factor } => {
                let said = self.points(said, *base).words(" times ", " умножить на ").factor(*factor).words(": ", ": ещё ");
                ("multiplied", self.points(said, points).words(" more", ""))
            }
            Gift::Capped { gift, wanted, cap } => {
                let (_, said) = self.tell_gift(said, *wanted, gift);
                let (english, russian) = cap.bound();
                (cap.code(), self.points(said.text("; ").words(english, russian).text(": "), points))
            }
            Gift::Percent { tier, regular, promo, after_points } => {
                let (code, said) = match tier {
                    Some(tier) => ("tier_percent_of_items", said.text(tier).text(": ")),
                    None => ("percent_of_items", said),
                };
                let of = |said: Said, (rate, basis): (i64, i64)| said.percent(rate).words(" of ", " от ").money(basis);
                let of_promo = |said, part| of(said, part).words(" of promo goods", " за акционные товары");
                let (said, verb) = match (*regular, *promo) {
                    (Some(regular), Some(promo)) => (of_promo(of(said, regular).words(" and ", " и "), promo), " give "),
                    (Some(regular), None) => (of(said, regular), " gives "),
                    (None, Some(promo)) => (of_promo(said, promo), " gives "),
                    (None, None) => (said.money(0), " gives "),
                };
                let said = if *after_points {
                    let said = said.words(", the part not paid with ", " (без части, оплаченной с помощью ");
                    said.words(self.english, self.russian).words(",", ")")
                } else {
                    said
                };
                (code, self.points(said.words(verb, ": "), points))
            }
        }
    }

    /// A discount that fired; `cut` is what the margin guard kept back.
    pub fn taken(&self, rule_id: &str, money: i64, taken: &Taken, cut: i64) -> Explanation {
        let said = self.blank();
        let (code, said) = match *taken {
            Taken::Percent { rate, of, tier } => {
                let (code, said) = match tier {
                    Some(tier) => ("tier_discount", said.text(tier).text(": ")),
                    None => ("percent_discount", said),
                };
                let said = said.words("", "скидка ").percent(rate).words(" off ", " с ").money(of);
                (code, said.text(": ").money(money))
            }
            Taken::Amount => {
                let said = said.words("", "скидка ").money(money);
                ("amount_discount", said.words(" off this order", " на этот заказ"))
            }
            Taken::Price { price } => {
                let said = said.words("your price is ", "ваша цена ").money(price).words(" each: ", " за штуку: скидка ");
                ("personal_price", said.money(money).words(" off", ""))
            }
            Taken::BuyGet { pieces, rate: ONE_HUNDRED_PERCENT } => {
                let said = said.words("", "бесплатно ").count(pieces, ["piece is free", "pieces are free"], ["шт."; 3]);
                let said = said.words(": ", ": скидка ");
                ("buy_get", said.money(money).words(" off", ""))
            }
            Taken::BuyGet { pieces, rate } => {
                let said = said.words("", "скидка ").percent(rate).words(" off ", " на ");
                ("buy_get", said.count(pieces, ["piece", "pieces"], ["шт."; 3]).text(": ").money(money))
            }
        };
        let said = if cut > 0 {
            let said = said.words("; ", "; на ").money(cut);
            said.words(" less, because the price is as low as it can be", " меньше, потому что цена уже минимальна")
        } else {
            said
        };
        self.explanation(rule_id, true, 0, money, code, said, None)
    }
}

impl Cap {
    /// The stable word.
    pub(super) fn code(self) -> &'static str {
        match self {
            Cap::Order => "order_cap",
            Cap::Day => "day_cap",
            Cap::Member => "member_cap",
            Cap::Budget => "budget",
            Cap::MarginFloor => "margin_floor",
        }
    }

    /// What it is, in each language.
    pub(super) fn bound(self) -> (&'static str, &'static str) {
        match self {
            Cap::Order => ("there is a limit for one order", "есть лимит на один заказ"),
            Cap::Day => ("there is a limit for one day", "есть лимит на один день"),
            Cap::Member => ("there is a limit for each member", "есть лимит на участника"),
            Cap::Budget => ("the campaign has a budget", "у акции есть бюджет"),
            Cap::MarginFloor => ("the price is as low as it can be", "цена уже минимальна"),
        }
    }
}
