//! The sentence for each rule, in English and Russian: why it gave what it gave, or how far it was from firing.
//!
//! Codes are for programs and stay as they are; sentences are for members and may be improved.

use crate::document::{Document, Hours, ONE_HUNDRED_PERCENT};
use crate::engine::{Explanation, Offer, Perk, Shortfall, TierBasis, Translation};
use crate::text;

use super::plural;

/// The rule id under which a payment with points is explained: it is no earning rule.
pub const REDEMPTION: &str = "redemption";

/// The code of a rule that lacks a minimum of the order: such ones are offered.
pub const BELOW_MINIMUM: &str = "below_minimum";

/// A quantity of one piece: quantities are in thousandths.
const ONE_PIECE: i64 = 1_000;

/// A sentence in both languages.
struct Said {
    english: String,
    russian: String,
}

/// Both languages at once.
fn said(english: impl Into<String>, russian: impl Into<String>) -> Said {
    Said { english: english.into(), russian: russian.into() }
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
        gift: Box<Gift>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A percentage.
    Percent {
        /// The rate.
        rate: i64,
        /// Of so much.
        of: i64,
        /// The tier whose discount it is, by name.
        tier: Option<String>,
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

/// Why a rule gave nothing. Money is hundredths, quantities are thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It is for other channels.
    OtherChannel,
    /// It is for other stores.
    OtherStore,
    /// It begins on this day.
    NotYet(String),
    /// Its last day was this one.
    Over(String),
    /// It is for these days of the week, Monday is 1.
    OtherWeekday(Vec<i8>),
    /// It is for these hours.
    OtherHours(Hours),
    /// It is for other segments of members.
    OtherSegment,
    /// It is for other tiers; what is missing to the nearest of them, if the member can still reach one.
    OtherTier(Option<i64>),
    /// It is for first orders.
    NotFirstOrder,
    /// It is for later orders.
    FirstOrder,
    /// It is for a later order.
    TooFewOrders {
        /// Orders still missing.
        missing: i64,
        /// The window in which they are counted.
        within_days: Option<i64>,
    },
    /// It needs a promo code.
    NoVoucher,
    /// None of the goods are meant.
    NoMatchingGoods,
    /// A rule before it has rewarded all the goods that are meant.
    LinesTaken,
    /// Another rule fires alone.
    Excluded,
    /// The items total is below the minimum.
    BelowMinimum {
        /// Hundredths.
        minimum: i64,
        /// Hundredths, above 0.
        missing: i64,
    },
    /// The items total is not below this (hundredths).
    NotBelow(i64),
    /// The member's accumulated spend is below the minimum.
    SpendBelow {
        /// Hundredths.
        minimum: i64,
        /// Hundredths, above 0.
        missing: i64,
    },
    /// There are fewer pieces than the rule asks for.
    TooFewPieces {
        /// Thousandths.
        minimum: i64,
        /// Thousandths, above 0.
        missing: i64,
    },
    /// There are not fewer pieces than this (thousandths).
    TooManyPieces(i64),
    /// It takes the tier's rate, and the tier held has none; what is missing to the first that has.
    NoTier(Option<i64>),
    /// It fired not long ago; again from this instant on.
    Cooldown {
        /// Milliseconds.
        until: i64,
    },
    /// It has fired for this member as often as it does.
    TimesReached,
    /// It has given as much as it does.
    CapReached(Cap),
    /// The goods would be sold below the margin floor.
    MarginFloor,
    /// The special price is not lower.
    NotCheaper,
    /// No rule before it gave points for these goods.
    NothingToMultiply,
    /// Points or discounts took all that the goods cost, or they cost nothing.
    NothingPaid,
    /// The rate for these goods is 0.
    NoRate,
    /// The result is below the smallest fraction of a point.
    RoundsToZero,
    /// The result is below a hundredth.
    DiscountRoundsToZero,
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

/// Writes amounts as the program's members read them.
#[derive(Clone, Copy)]
pub struct Teller<'s> {
    document: &'s Document,
}

impl<'s> Teller<'s> {
    /// A teller that uses the program's names and scale.
    pub fn of(document: &'s Document) -> Self {
        Self { document }
    }

    /// What points are called.
    fn name(&self) -> Said {
        let english = &self.document.settings.points_name;
        let russian = self.document.names.iter().find(|(language, _)| language == "ru").map_or(english, |(_, name)| name);
        said(english.as_str(), russian.as_str())
    }

    /// `500.00 points`.
    fn points(&self, points: i64) -> Said {
        let amount = text::amount(points, self.document.settings.points_scale);
        let name = self.name();
        said(format!("{amount} {}", name.english), format!("{amount} {}", name.russian))
    }

    /// An earning rule that fired.
    pub fn gift(&self, rule_id: &str, points: i64, gift: &Gift) -> Explanation {
        let (code, sentence) = self.gift_sentence(points, gift);
        explanation(rule_id, true, points, 0, code, sentence, None)
    }

    fn gift_sentence(&self, points: i64, gift: &Gift) -> (&'static str, Said) {
        let given = self.points(points);
        match gift {
            Gift::Fixed => {
                ("fixed_points", said(format!("{} for this order", given.english), format!("{} за этот заказ", given.russian)))
            }
            Gift::PerAmount { basis, every, times } => {
                let (basis, every) = (text::money(*basis), text::money(*every));
                let often = said(plural::english(*times, "time", "times"), plural::russian(*times, "раз", "раза", "раз"));
                let english = format!("{every} is contained {} in {basis}: {}", often.english, given.english);
                let russian = format!("{every} содержится в {basis} {}: {}", often.russian, given.russian);
                ("points_per_amount", said(english, russian))
            }
            Gift::Multiplied { base, factor } => {
                let (base, factor) = (self.points(*base), text::factor(*factor));
                let english = format!("{} times {factor}: {} more", base.english, given.english);
                ("multiplied", said(english, format!("{} умножить на {factor}: ещё {}", base.russian, given.russian)))
            }
            Gift::Capped { gift, wanted, cap } => {
                let (_, sentence) = self.gift_sentence(*wanted, gift);
                let bound = cap.bound();
                let english = format!("{}; {}: {}", sentence.english, bound.english, given.english);
                (cap.code(), said(english, format!("{}; {}: {}", sentence.russian, bound.russian, given.russian)))
            }
            Gift::Percent { tier, regular, promo, after_points } => {
                let of = |(rate, basis): (i64, i64)| {
                    let (rate, basis) = (text::percent(rate), text::money(basis));
                    said(format!("{rate} of {basis}"), format!("{rate} от {basis}"))
                };
                let of_promo = |part| {
                    let part = of(part);
                    said(format!("{} of promo goods", part.english), format!("{} за акционные товары", part.russian))
                };
                let (parts, verb) = match (*regular, *promo) {
                    (Some(regular), Some(promo)) => {
                        let (regular, promo) = (of(regular), of_promo(promo));
                        let english = format!("{} and {}", regular.english, promo.english);
                        (said(english, format!("{} и {}", regular.russian, promo.russian)), "give")
                    }
                    (Some(regular), None) => (of(regular), "gives"),
                    (None, Some(promo)) => (of_promo(promo), "gives"),
                    (None, None) => (said(text::money(0), text::money(0)), "gives"),
                };
                let rest = if *after_points {
                    let name = self.name();
                    let english = format!(", the part not paid with {},", name.english);
                    said(english, format!(" (без части, оплаченной с помощью {})", name.russian))
                } else {
                    said("", "")
                };
                let english = format!("{}{} {verb} {}", parts.english, rest.english, given.english);
                let russian = format!("{}{}: {}", parts.russian, rest.russian, given.russian);
                match tier {
                    Some(tier) => ("tier_percent_of_items", said(format!("{tier}: {english}"), format!("{tier}: {russian}"))),
                    None => ("percent_of_items", said(english, russian)),
                }
            }
        }
    }

    /// A discount that fired; `cut` is what the margin guard kept back.
    pub fn taken(&self, rule_id: &str, money: i64, taken: &Taken, cut: i64) -> Explanation {
        let off = text::money(money);
        let (code, sentence) = match taken {
            Taken::Percent { rate, of, tier } => {
                let (rate, of) = (text::percent(*rate), text::money(*of));
                let sentence = said(format!("{rate} off {of}: {off}"), format!("скидка {rate} с {of}: {off}"));
                match tier {
                    Some(tier) => {
                        let Said { english, russian } = sentence;
                        ("tier_discount", said(format!("{tier}: {english}"), format!("{tier}: {russian}")))
                    }
                    None => ("percent_discount", sentence),
                }
            }
            Taken::Amount => ("amount_discount", said(format!("{off} off this order"), format!("скидка {off} на этот заказ"))),
            Taken::Price { price } => {
                let price = text::money(*price);
                let english = format!("your price is {price} each: {off} off");
                ("personal_price", said(english, format!("ваша цена {price} за штуку: скидка {off}")))
            }
            Taken::BuyGet { pieces, rate: ONE_HUNDRED_PERCENT } => {
                let free = plural::english(*pieces, "piece is", "pieces are");
                ("buy_get", said(format!("{free} free: {off} off"), format!("бесплатно {pieces} шт.: скидка {off}")))
            }
            Taken::BuyGet { pieces, rate } => {
                let rate = text::percent(*rate);
                let english = format!("{rate} off {}: {off}", plural::english(*pieces, "piece", "pieces"));
                ("buy_get", said(english, format!("скидка {rate} на {pieces} шт.: {off}")))
            }
        };
        let sentence = if cut > 0 {
            let cut = text::money(cut);
            let english = format!("{}; {cut} less, because the price is as low as it can be", sentence.english);
            said(english, format!("{}; на {cut} меньше, потому что цена уже минимальна", sentence.russian))
        } else {
            sentence
        };
        explanation(rule_id, true, 0, money, code, sentence, None)
    }

    /// A perk that the order has.
    pub fn perk(&self, perk: &Perk) -> Explanation {
        explanation(&perk.id, true, 0, 0, "perk", said(perk.name.as_str(), perk.name.as_str()), None)
    }

    /// A rule for events that fired; with the name of a tier that it gave.
    pub fn event(&self, rule_id: &str, points: i64, type_name: &str, tier: Option<&str>) -> Explanation {
        let given = self.points(points);
        let sentence = match (tier, points) {
            (Some(tier), 0) => said(format!("the tier {tier} for \"{type_name}\""), format!("уровень {tier} за «{type_name}»")),
            (Some(tier), _) => said(
                format!("{} and the tier {tier} for \"{type_name}\"", given.english),
                format!("{} и уровень {tier} за «{type_name}»", given.russian),
            ),
            (None, _) => said(format!("{} for \"{type_name}\"", given.english), format!("{} за «{type_name}»", given.russian)),
        };
        explanation(rule_id, true, points, 0, "event", sentence, None)
    }

    /// What is missing to a tier, as a sentence and as a shortfall.
    fn missing(&self, missing: i64) -> (Said, Shortfall) {
        match self.document.settings.tier_basis {
            TierBasis::Spend => {
                let money = text::money(missing);
                (said(format!("{money} of spend"), format!("покупок на {money}")), Shortfall::Money(missing))
            }
            TierBasis::Orders => {
                let count = u32::try_from(missing).unwrap_or(u32::MAX);
                let english = plural::english(missing, "order", "orders");
                // after "не хватает": the genitive, of which there are two forms
                (said(english, plural::russian(missing, "заказа", "заказов", "заказов")), Shortfall::Count(count))
            }
            TierBasis::Points => (self.points(missing), Shortfall::Points(missing)),
        }
    }

    /// A rule that gave nothing.
    pub fn miss(&self, rule_id: &str, miss: &Miss) -> Explanation {
        let (sentence, shortfall) = self.miss_sentence(miss);
        explanation(rule_id, false, 0, 0, miss.code(), sentence, shortfall)
    }

    fn miss_sentence(&self, miss: &Miss) -> (Said, Option<Shortfall>) {
        let sentence = match miss {
            Miss::OtherChannel => said("only for orders made through other channels", "только для заказов через другие каналы"),
            Miss::OtherStore => said("only for orders made in other stores", "только для заказов в других магазинах"),
            Miss::NotYet(day) => said(format!("from {day} on"), format!("действует с {day}")),
            Miss::Over(day) => said(format!("only until {day}"), format!("действовало до {day}")),
            Miss::OtherWeekday(days) => {
                let english = names(days, &ENGLISH_WEEKDAYS);
                said(format!("only on {english}"), format!("только в дни: {}", names(days, &RUSSIAN_WEEKDAYS)))
            }
            Miss::OtherHours(hours) => {
                let (from, to) = (clock(hours.from), clock(hours.to));
                said(format!("only from {from} to {to}"), format!("только с {from} до {to}"))
            }
            Miss::OtherSegment => said("only for another group of members", "только для другой группы участников"),
            Miss::OtherTier(None) => said("only for other tiers", "только для других уровней"),
            Miss::OtherTier(Some(missing)) => {
                let (lacks, shortfall) = self.missing(*missing);
                let english = format!("only for other tiers: {} short of the nearest", lacks.english);
                let russian = format!("только для других уровней: до ближайшего не хватает {}", lacks.russian);
                return (said(english, russian), Some(shortfall));
            }
            Miss::NotFirstOrder => said("only for the first order", "только для первого заказа"),
            Miss::FirstOrder => said("only from the second order on", "только начиная со второго заказа"),
            Miss::TooFewOrders { missing, within_days } => {
                let more = plural::english(*missing, "more order", "more orders");
                let russian = plural::russian(*missing, "покупка", "покупки", "покупок");
                let sentence = match within_days {
                    None => said(more, format!("ещё {russian}")),
                    Some(days) => {
                        let english = format!("{more} within {}", plural::english(*days, "day", "days"));
                        said(english, format!("ещё {russian} за {}", plural::russian(*days, "день", "дня", "дней")))
                    }
                };
                return (sentence, Some(Shortfall::Count(u32::try_from(*missing).unwrap_or(u32::MAX))));
            }
            Miss::NoVoucher => said("only with a promo code", "только по промокоду"),
            Miss::NoMatchingGoods => {
                said("none of the goods of this rule are in the order", "в заказе нет товаров, для которых действует правило")
            }
            Miss::LinesTaken => {
                said("an earlier rule has rewarded these goods already", "эти товары уже учтены в другом правиле")
            }
            Miss::Excluded => said("not together with the rule that fired", "не действует вместе со сработавшим правилом"),
            Miss::BelowMinimum { minimum, missing } => {
                let (missing_text, minimum) = (text::money(*missing), text::money(*minimum));
                let english = format!("{missing_text} short of the minimum of {minimum}");
                let russian = format!("не хватает {missing_text} до минимальной суммы {minimum}");
                return (said(english, russian), Some(Shortfall::Money(*missing)));
            }
            Miss::NotBelow(below) => {
                let below = text::money(*below);
                said(format!("only for orders below {below}"), format!("только для заказов меньше {below}"))
            }
            Miss::SpendBelow { minimum, missing } => {
                let (missing_text, minimum) = (text::money(*missing), text::money(*minimum));
                let english = format!("{missing_text} of spend short of {minimum}");
                let russian = format!("не хватает покупок на {missing_text} до {minimum}");
                return (said(english, russian), Some(Shortfall::Money(*missing)));
            }
            Miss::TooFewPieces { minimum, missing } => {
                let count = missing.checked_add(999).and_then(|up| up.checked_div(1_000)).unwrap_or(0);
                let noun = if *missing == ONE_PIECE { "piece" } else { "pieces" };
                let (missing, minimum) = (text::quantity(*missing), text::quantity(*minimum));
                let english = format!("{missing} more {noun}: at least {minimum}");
                let sentence = said(english, format!("ещё {missing} шт.: нужно не меньше {minimum}"));
                return (sentence, Some(Shortfall::Count(u32::try_from(count).unwrap_or(u32::MAX))));
            }
            Miss::TooManyPieces(below) => {
                let noun = if *below == ONE_PIECE { "piece" } else { "pieces" };
                let below = text::quantity(*below);
                said(format!("only for fewer than {below} {noun}"), format!("только если меньше {below} шт."))
            }
            Miss::NoTier(None) => said("this rule gives nothing at the current tier", "на текущем уровне правило ничего не даёт"),
            Miss::NoTier(Some(missing)) => {
                let (lacks, shortfall) = self.missing(*missing);
                let english = format!("{} short of the first tier at which this rule gives something", lacks.english);
                let russian = format!("до уровня, на котором правило что-то даёт, не хватает {}", lacks.russian);
                return (said(english, russian), Some(shortfall));
            }
            Miss::Cooldown { until } => {
                let at = self.document.zone.local(*until).map(|local| local.strftime("%Y-%m-%d %H:%M").to_string());
                let at = at.unwrap_or_default();
                let sentence = said(format!("again from {at} on"), format!("снова с {at}"));
                return (sentence, Some(Shortfall::Time(*until)));
            }
            Miss::TimesReached => said(
                "this rule has fired as often as it may for one member",
                "правило уже сработало столько раз, сколько может для одного участника",
            ),
            Miss::CapReached(cap) => {
                let bound = cap.bound();
                said(format!("{}, and it is reached", bound.english), format!("{}, и он исчерпан", bound.russian))
            }
            Miss::MarginFloor => said("the price is as low as it can be", "цена уже минимальна"),
            Miss::NotCheaper => said("the special price is not lower", "специальная цена не ниже"),
            Miss::NothingToMultiply => said(
                "no earlier rule gave points for these goods",
                "за эти товары нечего умножать: другие правила ничего не начислили",
            ),
            Miss::NothingPaid => {
                said("nothing is left of these goods to pay in money", "за эти товары не осталось оплаты деньгами")
            }
            Miss::NoRate => said("the rate for these goods is 0 %", "ставка для этих товаров 0 %"),
            Miss::DiscountRoundsToZero => {
                let nothing = text::money(0);
                said(format!("too little: {nothing} after rounding"), format!("слишком мало: после округления {nothing}"))
            }
            Miss::RoundsToZero => {
                let nothing = self.points(0);
                let english = format!("too little: {} after rounding", nothing.english);
                said(english, format!("слишком мало: после округления {}", nothing.russian))
            }
        };
        (sentence, None)
    }

    /// Points for enrolling.
    pub fn welcome(&self, rule_id: &str, points: i64) -> Explanation {
        let given = self.points(points);
        let sentence = said(format!("{} for joining", given.english), format!("{} за вступление", given.russian));
        explanation(rule_id, true, points, 0, "welcome", sentence, None)
    }

    /// No points for enrolling through this channel.
    pub fn no_welcome(&self, rule_id: &str) -> Explanation {
        let sentence = said("only for those who join through other channels", "только для тех, кто вступает через другие каналы");
        explanation(rule_id, false, 0, 0, "other_channel", sentence, None)
    }

    /// Points that paid, of goods worth `eligible`, at most `share` (parts per million).
    pub fn paid(&self, points: i64, money: i64, eligible: i64, share: i64) -> Explanation {
        let (given, name) = (self.points(points), self.name());
        let (money, eligible) = (text::money(money), text::money(eligible));
        let (mut english, mut russian) = (
            format!("{} paid {money} of {eligible}", given.english),
            format!("списано {}: оплачено {money} из {eligible}", given.russian),
        );
        if share < ONE_HUNDRED_PERCENT {
            let share = text::percent(share);
            english.push_str(&format!("; at most {share} may be paid with {}", name.english));
            russian.push_str(&format!("; можно оплатить не больше {share}"));
        }
        explanation(REDEMPTION, true, points, 0, "paid_with_points", said(english, russian), None)
    }

    /// Points that a hold had set aside.
    pub fn paid_as_agreed(&self, points: i64, money: i64, items: i64) -> Explanation {
        let (given, money, items) = (self.points(points), text::money(money), text::money(items));
        let english = format!("{} held earlier paid {money} of {items}", given.english);
        let russian = format!("списано {}, отложенных ранее: оплачено {money} из {items}", given.russian);
        explanation(REDEMPTION, true, points, 0, "paid_as_agreed", said(english, russian), None)
    }

    /// As many points as possible were to pay, and none could.
    pub fn not_paid(&self, obstacle: &Obstacle) -> Explanation {
        let missing = match obstacle {
            Obstacle::Minimum { minimum, allowed } => Some(Shortfall::Points(minimum.saturating_sub(*allowed))),
            _ => None,
        };
        explanation(REDEMPTION, false, 0, 0, obstacle.code(), self.obstacle_sentence(obstacle), missing)
    }

    /// The sentence for an obstacle, in English: for the storefront's developer.
    pub fn obstacle(&self, obstacle: &Obstacle) -> String {
        self.obstacle_sentence(obstacle).english
    }

    fn obstacle_sentence(&self, obstacle: &Obstacle) -> Said {
        let name = self.name();
        let (en, ru) = (name.english, name.russian);
        match obstacle {
            Obstacle::RedemptionOff => {
                said(format!("orders can't be paid with {en}"), format!("заказы нельзя оплачивать с помощью {ru}"))
            }
            Obstacle::OtherChannel { channel } => {
                let english = format!("orders through \"{channel}\" can't be paid with {en}");
                said(english, format!("заказы через канал «{channel}» нельзя оплачивать с помощью {ru}"))
            }
            Obstacle::NotForTheseGoods { eligible: 0 } => {
                said(format!("these goods can't be paid with {en}"), format!("эти товары нельзя оплатить с помощью {ru}"))
            }
            Obstacle::NotForTheseGoods { eligible } => {
                let most = self.points(*eligible);
                let english = format!("some of these goods can't be paid with {en}; at most {} may be paid", most.english);
                said(english, format!("часть товаров нельзя оплатить с помощью {ru}; можно не больше {}", most.russian))
            }
            Obstacle::Minimum { minimum, allowed } if allowed < minimum => {
                let (minimum, allowed) = (self.points(*minimum), self.points(*allowed));
                let english =
                    format!("a payment takes at least {}, and this order allows only {}", minimum.english, allowed.english);
                said(english, format!("списать можно не меньше {}, а этот заказ допускает {}", minimum.russian, allowed.russian))
            }
            Obstacle::Minimum { minimum, .. } => {
                let minimum = self.points(*minimum);
                said(
                    format!("a payment takes at least {}", minimum.english),
                    format!("списать можно не меньше {}", minimum.russian),
                )
            }
            Obstacle::Increment { increment, allowed } if allowed < increment => {
                let scale = self.document.settings.points_scale;
                let (step, allowed) = (text::amount(*increment, scale), text::amount(*allowed, scale));
                let english = format!("{en} are paid in multiples of {step}, and this order allows only {allowed}");
                said(english, format!("можно списать только количество {ru}, кратное {step}, а этот заказ допускает {allowed}"))
            }
            Obstacle::Increment { increment, .. } => {
                let step = text::amount(*increment, self.document.settings.points_scale);
                said(
                    format!("{en} are paid in multiples of {step}"),
                    format!("можно списать только количество {ru}, кратное {step}"),
                )
            }
            Obstacle::ShareOfOrder { share, limit } => {
                let (share, limit) = (text::percent(*share), self.points(*limit));
                let english = format!("at most {share} may be paid with {en}: {}", limit.english);
                said(english, format!("с помощью {ru} можно оплатить не больше {share}: {}", limit.russian))
            }
            Obstacle::Balance { available } => {
                let available = self.points(*available);
                let english = format!("{} are available, too few to pay with", available.english);
                said(english, format!("доступно {}: для оплаты мало", available.russian))
            }
            Obstacle::NothingToPay => said(
                format!("this order has nothing to pay with {en}"),
                format!("в этом заказе нечего оплачивать с помощью {ru}"),
            ),
            Obstacle::MarginFloor => said(
                format!("the price is as low as it can be, {en} can't pay more"),
                format!("цена уже минимальна, с помощью {ru} больше оплатить нельзя"),
            ),
        }
    }

    /// "Buy 340.00 more, get 50.00 points", or so much off; perhaps only with regular goods.
    pub fn offer(&self, rule_id: &str, shortfall: i64, regular: bool, points: i64, money: i64) -> Offer {
        let more = text::money(shortfall);
        let buy = if regular {
            said(format!("Buy regular goods for {more} more"), format!("Купите ещё неакционных товаров на {more}"))
        } else {
            said(format!("Buy {more} more"), format!("Купите ещё на {more}"))
        };
        let sentence = if points > 0 {
            let given = self.points(points);
            said(format!("{}, get {}", buy.english, given.english), format!("{} и получите {}", buy.russian, given.russian))
        } else {
            let off = text::money(money);
            said(format!("{}, get {off} off", buy.english), format!("{} и получите скидку {off}", buy.russian))
        };
        let Said { english, russian } = sentence;
        Offer { rule_id: rule_id.to_owned(), shortfall, points, money, reason: english, translations: translations(russian) }
    }
}

const ENGLISH_WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const RUSSIAN_WEEKDAYS: [&str; 7] = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"];

/// The names of days by their numbers, Monday is 1.
fn names(days: &[i8], names: &[&str; 7]) -> String {
    let name = |day: &i8| names.iter().zip(1_i8..).find(|(_, number)| number == day).map(|(name, _)| *name);
    days.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// Minutes after midnight as "18:30".
fn clock(minutes: i16) -> String {
    let (hour, minute) = (minutes.checked_div(60).unwrap_or(0), minutes.checked_rem(60).unwrap_or(0));
    format!("{hour:02}:{minute:02}")
}

impl Cap {
    /// The stable word.
    fn code(self) -> &'static str {
        match self {
            Cap::Order => "order_cap",
            Cap::Day => "day_cap",
            Cap::Member => "member_cap",
            Cap::Budget => "budget",
            Cap::MarginFloor => "margin_floor",
        }
    }

    fn bound(self) -> Said {
        match self {
            Cap::Order => said("there is a limit for one order", "есть лимит на один заказ"),
            Cap::Day => said("there is a limit for one day", "есть лимит на один день"),
            Cap::Member => said("there is a limit for each member", "есть лимит на участника"),
            Cap::Budget => said("the campaign has a budget", "у акции есть бюджет"),
            Cap::MarginFloor => said("the price is as low as it can be", "цена уже минимальна"),
        }
    }
}

impl Miss {
    /// The stable word.
    fn code(&self) -> &'static str {
        match self {
            Miss::OtherChannel => "other_channel",
            Miss::OtherStore => "other_store",
            Miss::NotYet(_) => "not_yet",
            Miss::Over(_) => "over",
            Miss::OtherWeekday(_) => "other_weekday",
            Miss::OtherHours(_) => "other_hours",
            Miss::OtherSegment => "other_segment",
            Miss::OtherTier(_) => "other_tier",
            Miss::NotFirstOrder => "not_first_order",
            Miss::FirstOrder => "first_order",
            Miss::TooFewOrders { .. } => "too_few_orders",
            Miss::NoVoucher => "no_voucher",
            Miss::NoMatchingGoods => "no_matching_goods",
            Miss::LinesTaken => "lines_taken",
            Miss::Excluded => "excluded",
            Miss::BelowMinimum { .. } => BELOW_MINIMUM,
            Miss::NotBelow(_) => "not_below_maximum",
            Miss::SpendBelow { .. } => "spend_below_minimum",
            Miss::TooFewPieces { .. } => "too_few_pieces",
            Miss::TooManyPieces(_) => "too_many_pieces",
            Miss::NoTier(_) => "no_tier",
            Miss::Cooldown { .. } => "cooldown",
            Miss::TimesReached => "times_reached",
            Miss::CapReached(cap) => cap.code(),
            Miss::MarginFloor => "margin_floor",
            Miss::NotCheaper => "not_cheaper",
            Miss::NothingToMultiply => "nothing_to_multiply",
            Miss::NothingPaid => "nothing_paid",
            Miss::NoRate => "no_rate_for_these_goods",
            Miss::RoundsToZero | Miss::DiscountRoundsToZero => "rounds_to_zero",
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

fn translations(russian: String) -> Vec<Translation> {
    vec![Translation { language: "ru".to_owned(), text: russian }]
}

fn explanation(
    rule_id: &str,
    fired: bool,
    points: i64,
    money: i64,
    code: &str,
    sentence: Said,
    shortfall: Option<Shortfall>,
) -> Explanation {
    let Said { english, russian } = sentence;
    Explanation {
        rule_id: rule_id.to_owned(),
        fired,
        points,
        money,
        code: code.to_owned(),
        reason: english,
        translations: translations(russian),
        shortfall,
    }
}
