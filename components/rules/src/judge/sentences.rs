//! Every sentence in both languages, compared with `tests/sentences.txt`: for whoever translates them.
//! `KOPILKA_RULES_SENTENCES=write` writes the file anew.

use crate::document::{Document, Hours};
use crate::engine::{Explanation, Perk};

use super::explaining::{Cap, Gift, Miss, NotPaid, Obstacle, Taken, Teller};

const FILE: &str = "tests/sentences.txt";

/// A program whose points are called so, with tiers that are counted in this.
fn document(names: (&str, &str), basis: &str) -> Document {
    let document = serde_json::json!({
        "name": "trial", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": names.0, "names": {"ru": names.1}, "scale": 2, "conversion_rate": "1.00"},
        "tiers": {"basis": basis, "steps": [{"id": "gold", "name": "Gold", "threshold": 0}]}
    });
    Document::parse(&document.to_string()).expect("a valid document")
}

/// The sentences under a heading of their own.
fn heading(all: &mut String, title: &str, said: impl IntoIterator<Item = Explanation>) {
    all.push_str(&format!("== {title}\n\n"));
    for said in said {
        let russian = said.translations.first().map_or("", |russian| &russian.text);
        all.push_str(&format!("{}\n  {}\n  {russian}\n\n", said.code, said.reason));
    }
}

fn gifts() -> Vec<Gift<'static>> {
    let per_amount = |times| Gift::PerAmount { basis: 10_000 * times, every: 10_000, times };
    let percent = |tier, regular, promo, after_points| Gift::Percent { tier, regular, promo, after_points };
    let mut gifts = vec![
        percent(None, Some((50_000, 100_000)), None, false),
        percent(None, Some((50_000, 100_000)), None, true),
        percent(Some("Gold"), Some((50_000, 100_000)), Some((5_000, 20_000)), false),
        percent(None, None, Some((5_000, 20_000)), true),
        Gift::Fixed,
        Gift::Multiplied { base: 5_000, factor: 1_500_000 },
    ];
    gifts.extend([1, 2, 5, 21].map(per_amount));
    let capped = |cap| Gift::Capped { gift: Box::new(Gift::Fixed), wanted: 50_000, cap };
    gifts.extend([Cap::Order, Cap::Day, Cap::Member, Cap::Budget, Cap::MarginFloor].map(capped));
    gifts
}

fn discounts(teller: &Teller) -> Vec<Explanation> {
    let percent = |tier| Taken::Percent { rate: 100_000, of: 100_000, tier };
    let mut taken = vec![percent(None), percent(Some("Gold")), Taken::Amount, Taken::Price { price: 9_900 }];
    for rate in [1_000_000, 500_000] {
        taken.extend([1, 2, 5].map(|pieces| Taken::BuyGet { pieces, rate }));
    }
    let mut said: Vec<_> = taken.iter().map(|taken| teller.taken("rule", 10_000, taken, 0)).collect();
    said.push(teller.taken("rule", 8_000, &percent(None), 2_000));
    said
}

fn misses() -> Vec<Miss> {
    let mut misses = vec![
        Miss::OtherChannel,
        Miss::OtherStore,
        Miss::NotYet(jiff::civil::date(2026, 3, 1)),
        Miss::Over(jiff::civil::date(2026, 3, 31)),
        Miss::OtherWeekday(vec![1, 6]),
        Miss::OtherHours(Hours { from: 540, to: 1_080 }),
        Miss::OtherSegment,
        Miss::OtherTier(None),
        Miss::NotFirstOrder,
        Miss::FirstOrder,
    ];
    for missing in [1, 2, 5] {
        misses.push(Miss::TooFewOrders { missing, within_days: None });
        misses.push(Miss::TooFewOrders { missing, within_days: Some(missing) });
    }
    misses.extend([
        Miss::MembersOnly,
        Miss::NoVoucher,
        Miss::NoMatchingGoods,
        Miss::LinesTaken,
        Miss::Excluded,
        Miss::BelowMinimum { minimum: 100_000, missing: 34_000 },
        Miss::NotBelow(100_000),
        Miss::SpendBelow { minimum: 100_000, missing: 34_000 },
    ]);
    misses.extend([500, 1_000, 2_000, 5_000].map(|missing| Miss::TooFewPieces { minimum: 6_000, missing }));
    misses.extend([1_000, 2_000, 5_000].map(Miss::TooManyPieces));
    misses.extend([Miss::NoTier(None), Miss::Cooldown { until: 1_772_355_600_000 }, Miss::TimesReached]);
    misses.extend([Cap::Order, Cap::Day, Cap::Member, Cap::Budget].map(Miss::CapReached));
    misses.extend([
        Miss::MarginFloor,
        Miss::NotCheaper,
        Miss::NothingToMultiply,
        Miss::NothingPaid,
        Miss::NoRate,
        Miss::RoundsToZero,
        Miss::DiscountRoundsToZero,
    ]);
    misses
}

fn obstacles() -> [Obstacle; 12] {
    [
        Obstacle::RedemptionOff,
        Obstacle::OtherChannel { channel: "site".to_owned() },
        Obstacle::NotForTheseGoods { eligible: 0 },
        Obstacle::NotForTheseGoods { eligible: 5_000 },
        Obstacle::Minimum { minimum: 10_000, allowed: 5_000 },
        Obstacle::Minimum { minimum: 10_000, allowed: 20_000 },
        Obstacle::Increment { increment: 10_000, allowed: 5_000 },
        Obstacle::Increment { increment: 10_000, allowed: 20_000 },
        Obstacle::ShareOfOrder { share: 200_000, limit: 20_000 },
        Obstacle::Balance { available: 5_000 },
        Obstacle::NothingToPay,
        Obstacle::MarginFloor,
    ]
}

fn payments(teller: &Teller) -> Vec<Explanation> {
    let mut said = vec![
        teller.paid(20_000, 20_000, 100_000, 200_000),
        teller.paid(20_000, 20_000, 100_000, 1_000_000),
        teller.paid_as_agreed(50_000, 50_000, 100_000),
    ];
    said.extend(obstacles().iter().map(|obstacle| teller.not_paid(obstacle)));
    said
}

/// What lacks to a tier, so many times.
fn lacking(teller: &Teller, counts: [i64; 4]) -> Vec<Explanation> {
    let misses = counts.into_iter().flat_map(|missing| [Miss::OtherTier(Some(missing)), Miss::NoTier(Some(missing))]);
    misses.map(|miss| teller.miss("rule", &miss)).collect()
}

fn all() -> String {
    let (by_spend, by_orders) = (document(("points", "баллов"), "spend"), document(("points", "баллов"), "orders"));
    let coins = document(("madcoins", "мэдкоинов"), "points");
    let (teller, coins) = (Teller::of(&by_spend), Teller::of(&coins));
    let mut all = String::new();
    heading(&mut all, "Rules that give points", gifts().iter().map(|gift| teller.gift("rule", 5_000, gift)));
    heading(&mut all, "Rules that give a discount", discounts(&teller));
    heading(&mut all, "Rules that give nothing", misses().iter().map(|miss| teller.miss("rule", miss)));
    heading(&mut all, "What lacks to a tier by spend", lacking(&teller, [1, 100, 200, 500]));
    heading(&mut all, "What lacks to a tier by orders", lacking(&Teller::of(&by_orders), [1, 2, 5, 21]));
    heading(&mut all, "What lacks to a tier by points", lacking(&coins, [1, 100, 200, 500]));
    heading(&mut all, "Paying with points", payments(&teller));
    heading(&mut all, "Paying with points that are called otherwise", payments(&coins));
    let perk = Perk { id: "courier".to_owned(), name: "Free courier".to_owned() };
    let others = [
        teller.perk(&perk),
        teller.event("rule", 5_000, "review", None),
        teller.event("rule", 5_000, "review", Some("Gold")),
        teller.event("rule", 0, "review", Some("Gold")),
        teller.welcome("rule", 5_000),
        teller.no_welcome("rule"),
    ];
    heading(&mut all, "Perks, events, joining", others);
    let unpaid = [
        NotPaid::NotOffered,
        NotPaid::NoPurchase { minimum: 100_000 },
        NotPaid::BelowMinimum { minimum: 100_000, missing: 34_000 },
        NotPaid::LimitReached,
        NotPaid::PeriodLimitReached,
    ];
    let paid =
        [teller.referral_reward("rule", 5_000, true), teller.referral_reward("rule", 5_000, false), teller.referral_paid()];
    let unpaid = unpaid.map(|why| teller.referral_not_paid(why));
    heading(&mut all, "Friends whom members bring", paid.into_iter().chain(unpaid));
    all.push_str("== Offers\n\n");
    for offer in [
        teller.offer("rule", 34_000, false, 5_000, 0),
        teller.offer("rule", 34_000, true, 5_000, 0),
        teller.offer("rule", 34_000, false, 0, 5_000),
    ] {
        all.push_str(&format!("  {}\n  {}\n\n", offer.reason, offer.translations[0].text));
    }
    all
}

#[test]
fn the_sentences_are_those_of_the_file() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let all = all();
    if std::env::var("KOPILKA_RULES_SENTENCES").is_ok_and(|what| what == "write") {
        std::fs::write(&path, &all).expect("the file can be written");
    }
    let written = std::fs::read_to_string(&path).expect("the file can be read");
    for (number, (now, written)) in all.lines().zip(written.lines()).enumerate() {
        assert_eq!(now, written, "line {} of {FILE}", number + 1);
    }
    assert_eq!(all.lines().count(), written.lines().count(), "{FILE} ends otherwise");
}
