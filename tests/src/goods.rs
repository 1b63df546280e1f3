//! What is in a cart, and what it is worth.

use serde_json::{Value, json};

/// A cart of these lines, in roubles.
pub fn cart(lines: Value) -> Value {
    json!({"channel": "site", "currency": "RUB", "lines": lines})
}

/// One piece of regular goods.
pub fn line(id: &str, price: &str) -> Value {
    json!({"id": id, "sku": format!("sku-{id}"), "quantity": 1, "price": price})
}

/// So many pieces of regular goods.
pub fn pieces(id: &str, price: &str, quantity: u32) -> Value {
    json!({"id": id, "sku": format!("sku-{id}"), "quantity": quantity, "price": price})
}

/// One piece of promo goods.
pub fn promo(id: &str, price: &str) -> Value {
    json!({"id": id, "sku": format!("sku-{id}"), "quantity": 1, "price": price, "promo": true})
}

/// An amount of an answer in hundredths.
#[track_caller]
pub fn hundredths(amount: &Value) -> i64 {
    let text = amount.as_str().unwrap_or_else(|| panic!("an amount is a text: {amount}"));
    let (whole, fraction) = text.split_once('.').unwrap_or_else(|| panic!("money and points have a decimal point: {text}"));
    assert_eq!(fraction.len(), 2, "two decimals: {text}");
    format!("{whole}{fraction}").parse().unwrap_or_else(|_| panic!("a number: {text}"))
}
