//! 50 rules and carts of 20 lines, the same ones on every run.

use rules::engine::{Discounts, Line, Member, Order};
use serde_json::{Value, json};

const CHANNELS: [&str; 3] = ["site", "app", "store"];
const CATEGORIES: [&str; 5] = ["toys", "books", "garden", "tools", "food"];
const LABELS: [&str; 3] = ["new", "eco", "last-chance"];
const TIERS: [(&str, i64); 3] = [("base", 0), ("silver", 30_000), ("gold", 100_000)];
/// 1 March 2026, 12:00 in Moscow.
const NOON: i64 = 1_772_355_600_000;

/// A cart and who buys it.
pub struct Cart {
    pub member: Member,
    pub tier: &'static str,
    pub order: Order,
}

/// Splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// The program: 40 percentages and 10 fixed rewards, on the total, channel, category, label and tier. Any may fire together.
pub fn document() -> Value {
    let tiers: Vec<_> = TIERS.iter().map(|(id, from)| json!({"id": id, "name": id, "threshold": from})).collect();
    json!({
        "name": "benchmark", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": tiers, "earning": (0..50).map(rule).collect::<Vec<_>>()
    })
}

fn rule(index: usize) -> Value {
    let when = match index % 6 {
        0 => json!({"order_total": {"min": (index + 1) * 500}}),
        1 => json!({"channels": [CHANNELS[index % 3], CHANNELS[(index / 3) % 3]]}),
        2 => json!({"products": {"categories": [CATEGORIES[index % 5]]}}),
        3 => json!({"products": {"labels": [LABELS[index % 3]]}}),
        4 => json!({"tiers": [TIERS[(index / 6) % 3].0]}),
        _ => json!({
            "order_total": {"min": (index + 1) * 200}, "channels": [CHANNELS[(index / 6) % 3]],
            "products": {"categories": [CATEGORIES[(index / 6) % 5]]}
        }),
    };
    let mut rule = match index % 5 {
        4 => json!({"type": "fixed", "points": (index + 1).to_string()}),
        _ => json!({"type": "percent", "rate": format!("0.{:02}", index % 7 * 10 + 5)}),
    };
    (rule["id"], rule["when"]) = (format!("rule-{index}").into(), when);
    rule
}

/// So many carts.
pub fn carts(count: usize) -> Vec<Cart> {
    let mut chance = Chance(7);
    (0..count).map(|_| cart(&mut chance)).collect()
}

fn cart(chance: &mut Chance) -> Cart {
    let (tier, from) = TIERS[chance.below(3)];
    let lines = (0..20).map(|id| line(chance, id)).collect();
    let channel = CHANNELS[chance.below(3)].to_owned();
    Cart {
        member: Member { orders: 3, qualifying_spend: from * 100, ..Member::default() },
        tier,
        order: Order {
            occurred_at: NOON,
            channel,
            store: None,
            lines,
            delivery: 0,
            vouchers: Vec::new(),
            discounts: Discounts::ByRules,
            with_offers: false,
        },
    }
}

fn line(chance: &mut Chance, id: usize) -> Line {
    Line {
        id: id.to_string(),
        sku: format!("sku-{id}"),
        category: Some(CATEGORIES[chance.below(5)].to_owned()),
        brand: None,
        labels: if chance.below(2) == 0 { vec![LABELS[chance.below(3)].to_owned()] } else { Vec::new() },
        quantity: 1_000 * (chance.below(3) as i64 + 1),
        price: chance.below(150_000) as i64 + 100,
        discount: 0,
        cost: None,
        tax: None,
        promo: false,
    }
}

/// A cart for engines that know no loyalty: the amount of each line is computed already.
pub fn facts(cart: &Cart) -> Value {
    let lines: Vec<_> = cart
        .order
        .lines
        .iter()
        .map(|line| json!({"category": line.category, "labels": line.labels, "amount": line.price * line.quantity / 1_000}))
        .collect();
    json!({"tier": cart.tier, "channel": cart.order.channel, "lines": lines})
}
