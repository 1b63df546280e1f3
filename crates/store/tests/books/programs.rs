//! Random programs and orders, as odd as the rules take them.

use domain::order::{Discounts, Line, Order};
use domain::{Instant, Money, Quantity, amount};
use rules::Program;
use serde_json::{Value, json};

use crate::random::Random;

const CATEGORIES: [&str; 3] = ["tools", "toys", "food"];

/// A program of one to four earning rules, so that an order may have as many lots.
pub fn program(random: &mut Random) -> (Program, Value) {
    loop {
        let document = document(random);
        // points that might expire before they activate are refused: another draw
        if let Ok(program) = Program::parse(&document.to_string()) {
            return (program, document);
        }
    }
}

fn document(random: &mut Random) -> Value {
    let scale = u8::try_from(random.between(0, 4)).unwrap_or(2);
    let points = |random: &mut Random, most: i64| amount::format(random.between(1, most), scale);
    let tiered = random.percent(25);
    let earning: Vec<Value> = (1..=random.between(1, 4))
        .map(|n| {
            let mut rule = json!({
                "id": format!("rule-{n}"), "priority": random.between(-3, 3), "stop": random.percent(15),
                "expiry": expiry(random),
            });
            if random.percent(30) {
                rule["activation"] = json!({"type": "days", "days": random.between(1, 20)});
            }
            if random.percent(25) {
                rule["type"] = "fixed".into();
                rule["points"] = points(random, 50_000).into();
            } else {
                rule["type"] = "percent".into();
                if !tiered || random.percent(50) {
                    rule["rate"] = rate(random).into();
                    if random.percent(50) {
                        rule["rate_promo"] = rate(random).into();
                    }
                }
            }
            match random.between(1, 6) {
                1 => rule["when"] = json!({"products": {"promo": random.percent(50)}}),
                2 => rule["when"] = json!({"products": {"categories": [random.one_of(&CATEGORIES)]}}),
                3 => rule["when"] = json!({"order_total": {"min": money(random.between(1, 300_000))}}),
                _ => {}
            }
            rule
        })
        .collect();
    let policies = ["clamp_to_zero", "allow_negative", "within_balance", "pending_only"];
    let worth = [1, 7, 30, 100, 100, 100, 333, 777, 10_000];
    let mut document = json!({
        "name": "any", "currency": "RUB",
        "time_zone": random.one_of(&["Europe/Moscow", "Europe/London", "Asia/Vladivostok", "America/St_Johns"]),
        "points": {
            "name": "points", "scale": scale, "conversion_rate": money(random.one_of(&worth).copied().unwrap_or(100)),
        },
        "earning": earning,
        "redemption": {"max_share": random.one_of(&["100", "99.9999", "50", "33.3333", "20", "0.7"])},
        "returns": {"clawback": random.one_of(&policies)},
    });
    if random.percent(30) {
        document["returns"]["returned_grace"] = json!({"type": "days", "days": random.between(1, 30)});
    }
    if random.percent(20) {
        document["redemption"]["increment"] = points(random, 500).into();
    }
    if random.percent(20) {
        document["redemption"]["exclude"] = json!({"promo": true});
    }
    if tiered {
        document["tiers"] = json!([
            {"id": "base", "name": "Base", "threshold": "0", "rate": rate(random)},
            {"id": "gold", "name": "Gold", "threshold": money(random.between(1, 500_000)), "rate": rate(random), "rate_promo": "0.5"}
        ]);
    }
    document
}

/// A percentage with up to four decimals.
fn rate(random: &mut Random) -> String {
    let most = if random.percent(80) { 150_000 } else { 1_000_000 };
    amount::format(random.between(1, most), 4)
}

fn expiry(random: &mut Random) -> Value {
    match random.between(1, 4) {
        1 => json!({"type": "never"}),
        2 => json!({"type": "days", "days": random.between(1, 120)}),
        3 => json!({"type": "months", "months": random.between(1, 12)}),
        _ => json!({"type": "calendar", "dates": ["01-31", "03-01", "07-15"]}),
    }
}

fn money(hundredths: i64) -> String {
    amount::format(hundredths, 2)
}

/// An order of one to six lines.
pub fn order(random: &mut Random, reference: &str, occurred_at: Instant) -> Order {
    Order {
        reference: reference.to_owned(),
        occurred_at,
        channel: "site".to_owned(),
        store: None,
        device: None,
        currency: "RUB".to_owned(),
        lines: (0..random.between(1, 6)).map(|n| line(random, n)).collect(),
        vouchers: Vec::new(),
        discounts: Discounts::ByRules,
        with_offers: true,
        delivery: Money(if random.percent(40) { random.between(1, 50_000) } else { 0 }),
    }
}

fn line(random: &mut Random, n: i64) -> Line {
    let quantity = match random.between(1, 4) {
        1 => random.between(1, 20),
        2 => random.between(1, 20_000),
        _ => 1_000 * random.between(1, 12),
    };
    let price = match random.between(1, 10) {
        1 => 0,
        2 => random.between(1, 3),
        3 => 33_333,
        _ => random.between(1, 200_000),
    };
    let worth = price * quantity / 1_000;
    Line {
        id: format!("line {n}"),
        sku: format!("sku {n}"),
        name: None,
        category: random.one_of(&CATEGORIES).map(|category| (*category).to_owned()),
        brand: None,
        labels: Vec::new(),
        quantity: Quantity(quantity),
        price: Money(price),
        discount: Money(if random.percent(40) { random.between(0, worth) } else { 0 }),
        cost: None,
        tax: None,
        promo: random.percent(30),
    }
}
