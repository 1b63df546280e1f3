//! Random orders of odd programs, returned in random parts, through the real components: the sum is exact in money and
//! points. Ten thousand such sequences run natively in `crates/store/tests/books/sequences`; these show that nothing is
//! lost on the way through WebAssembly and JSON.

use serde_json::{Value, json};
use tests::{Member, Shop};

/// A linear congruential generator: one seed, one sequence.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Minor units as a decimal with so many places.
fn decimal(minor: u64, places: u32) -> String {
    let whole = 10_u64.pow(places);
    if places == 0 { minor.to_string() } else { format!("{}.{:0width$}", minor / whole, minor % whole, width = places as usize) }
}

/// An amount of an answer in minor units, whatever its scale.
#[track_caller]
fn minor(amount: &Value) -> i64 {
    amount.as_str().and_then(|text| text.replace('.', "").parse().ok()).unwrap_or_else(|| panic!("an amount: {amount}"))
}

/// A program with three rules, so that an order earns up to three lots, at odd rates.
fn program(scale: u32, worth: &str, policy: &str) -> Value {
    json!({
        "name": "odd", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": scale, "conversion_rate": worth},
        "earning": [
            {"id": "goods", "type": "percent", "rate": "7.77", "rate_promo": "0.3333", "expiry": {"type": "days", "days": 33}},
            {"id": "toys", "type": "percent", "rate": "3.1415", "when": {"products": {"categories": ["toys"]}},
             "expiry": {"type": "months", "months": 2}},
            {"id": "gift", "type": "fixed", "points": "13", "priority": 2, "when": {"order_total": {"min": "500"}}}
        ],
        "redemption": {"max_share": "66.6667"},
        "returns": {"clawback": policy}
    })
}

/// A member with points of several ends, so that a payment takes from several lots.
async fn member_with_gifts(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("101", "2026-02-01T00:00:00Z").await;
    anna.is_given_until("67", "2026-03-01T00:00:00Z").await;
    anna.is_given_until("1000", "2026-02-15T00:00:00Z").await;
    anna.is_given("4000").await;
    anna
}

/// Six sequences of this program.
async fn check(scale: u32, worth: &str, policy: &str) {
    let shop = Shop::with_program(&program(scale, worth, policy)).await;
    let anna = member_with_gifts(&shop).await;
    let before = anna.books().await;
    let mut chance = Chance(u64::from(scale) + 1);
    let mut paid = 0;
    for round in 0..6 {
        let mut left: Vec<u64> = (0..=chance.below(6)).map(|_| 1 + chance.below(5_000)).collect();
        let lines: Vec<Value> = left
            .iter()
            .enumerate()
            .map(|(number, quantity)| {
                let price = 1_000 + chance.below(100_000);
                let most = price * quantity / 1_000;
                json!({
                    "id": number.to_string(), "sku": "any", "quantity": decimal(*quantity, 3), "price": decimal(price, 2),
                    "discount": decimal(if chance.below(3) == 0 { chance.below(most + 1) } else { 0 }, 2),
                    "promo": chance.below(3) == 0, "category": if chance.below(2) == 0 { "toys" } else { "tools" },
                })
            })
            .collect();
        let mut order = anna.order(json!(lines));
        order["delivery"] = json!({"cost": decimal(chance.below(30_000), 2)});
        let held = anna.redeems("max", json!(lines)).await;
        if held.status == 201 {
            order["redemption_id"] = held.json["id"].clone();
            paid += 1;
        }
        let recorded = anna.orders(&order).await.expect(201);
        let id = recorded["order_id"].as_str().unwrap();
        let cancelled = round % 3 == 2;
        let mut given = [0; 3];
        let mut returns = 0;
        while left.iter().any(|left| *left > 0) {
            if returns > 0 && cancelled {
                break;
            }
            let number = usize::try_from(chance.below(left.len() as u64)).unwrap();
            if left[number] == 0 {
                continue;
            }
            let quantity = if chance.below(3) == 0 { left[number] } else { 1 + chance.below(left[number]) };
            left[number] -= quantity;
            let part = json!([{"id": number.to_string(), "quantity": decimal(quantity, 3)}]);
            returns += 1;
            let back = shop.takes_back(id, &format!("r-{returns}"), Some(part)).await.expect(201);
            add(&mut given, &back);
        }
        if cancelled {
            add(&mut given, &shop.cancels(id).await.expect(201));
        }
        let delivery = if cancelled { 0 } else { minor(&order["delivery"]["cost"]) };
        let whole = [minor(&recorded["payable"]) - delivery, minor(&recorded["redeemed"]), minor(&recorded["earned"]["points"])];
        assert_eq!(given, whole, "scale {scale}, round {round}: {lines:?}");
        assert_eq!(anna.books().await, before, "scale {scale}, round {round}: {lines:?}");
    }
    assert!(paid > 3, "most orders are paid with points: {paid}");
    shop.audit_is_clean().await;
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["differences"], json!([]));
}

/// Adds what a return gave: money, points restored, points taken back or forgiven. Nothing is ever negative.
fn add(given: &mut [i64; 3], back: &Value) {
    let amount = |field: &str| minor(&back[field]);
    let step = [amount("refund_money"), amount("restored"), amount("clawed_back") + amount("forgiven")];
    assert!(step.iter().all(|amount| *amount >= 0), "{back}");
    given.iter_mut().zip(step).for_each(|(sum, amount)| *sum += amount);
}

#[tokio::test]
async fn points_without_decimals_that_are_worth_little() {
    check(0, "0.07", "clamp_to_zero").await;
}

#[tokio::test]
async fn points_with_one_decimal_that_are_worth_much() {
    check(1, "3.33", "within_balance").await;
}

#[tokio::test]
async fn points_with_two_decimals() {
    check(2, "1.00", "allow_negative").await;
}

#[tokio::test]
async fn points_with_four_decimals() {
    check(4, "0.30", "allow_negative").await;
}
