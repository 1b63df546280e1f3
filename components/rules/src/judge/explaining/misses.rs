//! Why a rule gave nothing, and how far it was from firing.

use jiff::civil::Date;

use crate::document::Hours;
use crate::engine::{Explanation, Shortfall, TierBasis};

use super::Teller;
use super::gifts::Cap;
use super::said::Said;

/// The code of a rule that lacks a minimum of the order: such ones are offered.
pub const BELOW_MINIMUM: &str = "below_minimum";

/// Why a rule gave nothing. Money is hundredths, quantities are thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It is for other channels.
    OtherChannel,
    /// It is for other stores.
    OtherStore,
    /// It begins on this day.
    NotYet(Date),
    /// Its last day was this one.
    Over(Date),
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
    /// It asks something of a member, and the order has none.
    MembersOnly,
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

impl Teller<'_> {
    /// A rule that gave nothing.
    pub fn miss(&self, rule_id: &str, miss: &Miss) -> Explanation {
        let (sentence, shortfall) = self.tell_miss(miss);
        self.explanation(rule_id, false, 0, 0, miss.code(), sentence, shortfall)
    }

    fn tell_miss(&self, miss: &Miss) -> (Said, Option<Shortfall>) {
        let blank = self.blank();
        let count = |missing: i64| Some(Shortfall::Count(u32::try_from(missing).unwrap_or(u32::MAX)));
        let sentence = match *miss {
            Miss::OtherChannel => {
                blank.words("only for orders made through other channels", "только для заказов через другие каналы")
            }
            Miss::OtherStore => blank.words("only for orders made in other stores", "только для заказов в других магазинах"),
            Miss::NotYet(day) => blank.words(&format!("from {day} on"), &format!("действует с {day}")),
            Miss::Over(day) => blank.words(&format!("only until {day}"), &format!("действовало до {day}")),
            Miss::OtherWeekday(ref days) => {
                let english = names(days, &ENGLISH_WEEKDAYS);
                blank.words(&format!("only on {english}"), &format!("только в дни: {}", names(days, &RUSSIAN_WEEKDAYS)))
            }
            Miss::OtherHours(hours) => {
                let (from, to) = (clock(hours.from), clock(hours.to));
                blank.words(&format!("only from {from} to {to}"), &format!("только с {from} до {to}"))
            }
            Miss::OtherSegment => blank.words("only for another group of members", "только для другой группы участников"),
            Miss::OtherTier(None) => blank.words("only for other tiers", "только для других уровней"),
            Miss::OtherTier(Some(missing)) => {
                let said = blank.words("only for other tiers: ", "только для других уровней: до ближайшего не хватает ");
                let (said, shortfall) = self.missing(said, missing);
                return (said.words(" short of the nearest", ""), Some(shortfall));
            }
            Miss::NotFirstOrder => blank.words("only for the first order", "только для первого заказа"),
            Miss::FirstOrder => blank.words("only from the second order on", "только начиная со второго заказа"),
            Miss::TooFewOrders { missing, within_days } => {
                let said = blank.words("", "ещё ");
                let said = said.count(missing, ["more order", "more orders"], ["покупка", "покупки", "покупок"]);
                let said = match within_days {
                    None => said,
                    Some(days) => said.words(" within ", " за ").count(days, ["day", "days"], ["день", "дня", "дней"]),
                };
                return (said, count(missing));
            }
            Miss::MembersOnly => blank.words("only for members", "только для участников программы"),
            Miss::NoVoucher => blank.words("only with a promo code", "только по промокоду"),
            Miss::NoMatchingGoods => blank
                .words("none of the goods of this rule are in the order", "в заказе нет товаров, для которых действует правило"),
            Miss::LinesTaken => {
                blank.words("an earlier rule has rewarded these goods already", "эти товары уже учтены в другом правиле")
            }
            Miss::Excluded => blank.words("not together with the rule that fired", "не действует вместе со сработавшим правилом"),
            Miss::BelowMinimum { minimum, missing } => {
                let said = blank.words("", "не хватает ").money(missing);
                let said = said.words(" short of the minimum of ", " до минимальной суммы ").money(minimum);
                return (said, Some(Shortfall::Money(missing)));
            }
            Miss::NotBelow(below) => blank.words("only for orders below ", "только для заказов меньше ").money(below),
            Miss::SpendBelow { minimum, missing } => {
                let said = blank.words("", "не хватает покупок на ").money(missing);
                return (said.words(" of spend short of ", " до ").money(minimum), Some(Shortfall::Money(missing)));
            }
            Miss::TooFewPieces { minimum, missing } => {
                let whole = missing.checked_add(999).and_then(|up| up.checked_div(1_000)).unwrap_or(0);
                let said = blank.words("", "ещё ").quantity(missing);
                let said = said
                    .words(" more ", " шт.")
                    .words(pieces(missing), "")
                    .words(": at least ", ": нужно не меньше ")
                    .quantity(minimum);
                return (said, count(whole));
            }
            Miss::TooManyPieces(below) => {
                let said = blank.words("only for fewer than ", "только если меньше ").quantity(below);
                said.words(" ", " шт.").words(pieces(below), "")
            }
            Miss::NoTier(None) => {
                blank.words("this rule gives nothing at the current tier", "на текущем уровне правило ничего не даёт")
            }
            Miss::NoTier(Some(missing)) => {
                let (said, shortfall) =
                    self.missing(blank.words("", "до уровня, на котором правило что-то даёт, не хватает "), missing);
                return (said.words(" short of the first tier at which this rule gives something", ""), Some(shortfall));
            }
            Miss::Cooldown { until } => {
                let at = self.document.zone.local(until).map(|local| local.strftime("%Y-%m-%d %H:%M").to_string());
                let at = at.unwrap_or_default();
                return (blank.words(&format!("again from {at} on"), &format!("снова с {at}")), Some(Shortfall::Time(until)));
            }
            Miss::TimesReached => blank.words(
                "this rule has fired as often as it may for one member",
                "правило уже сработало столько раз, сколько может для одного участника",
            ),
            Miss::CapReached(cap) => {
                let (english, russian) = cap.bound();
                blank.words(english, russian).words(", and it is reached", ", и он исчерпан")
            }
            Miss::MarginFloor => blank.words("the price is as low as it can be", "цена уже минимальна"),
            Miss::NotCheaper => blank.words("the special price is not lower", "специальная цена не ниже"),
            Miss::NothingToMultiply => blank.words(
                "no earlier rule gave points for these goods",
                "за эти товары нечего умножать: другие правила ничего не начислили",
            ),
            Miss::NothingPaid => {
                blank.words("nothing is left of these goods to pay in money", "за эти товары не осталось оплаты деньгами")
            }
            Miss::RoundsToZero => {
                self.points(blank.words("too little: ", "слишком мало: после округления "), 0).words(" after rounding", "")
            }
            Miss::DiscountRoundsToZero => {
                blank.words("too little: ", "слишком мало: после округления ").money(0).words(" after rounding", "")
            }
            Miss::NoRate => blank.words("the rate for these goods is 0 %", "ставка для этих товаров 0 %"),
        };
        (sentence, None)
    }

    /// What is missing to a tier, as a part of a sentence and as a shortfall.
    fn missing(&self, said: Said, missing: i64) -> (Said, Shortfall) {
        match self.document.settings.tier_basis {
            TierBasis::Spend => (said.words("", "покупок на ").money(missing).words(" of spend", ""), Shortfall::Money(missing)),
            TierBasis::Orders => {
                let count = u32::try_from(missing).unwrap_or(u32::MAX);
                // after "не хватает": the genitive, of which there are two forms
                (said.count(missing, ["order", "orders"], ["заказа", "заказов", "заказов"]), Shortfall::Count(count))
            }
            TierBasis::Points => (self.points(said, missing), Shortfall::Points(missing)),
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
            Miss::MembersOnly => "members_only",
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

const ENGLISH_WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const RUSSIAN_WEEKDAYS: [&str; 7] = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"];

/// The names of days by their numbers, Monday is 1.
fn names(days: &[i8], names: &[&str; 7]) -> String {
    let name = |day: &i8| names.iter().zip(1_i8..).find(|(_, number)| number == day).map(|(name, _)| *name);
    days.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// The noun of so many thousandths of a piece.
fn pieces(quantity: i64) -> &'static str {
    if quantity == 1_000 { "piece" } else { "pieces" }
}

/// Minutes after midnight as "18:30".
fn clock(minutes: i16) -> String {
    let (hour, minute) = (minutes.checked_div(60).unwrap_or(0), minutes.checked_rem(60).unwrap_or(0));
    format!("{hour:02}:{minute:02}")
}
