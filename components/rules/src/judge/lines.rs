//! The first stage: is the order well formed, and what is each line worth.

use std::collections::BTreeSet;

use crate::document::Document;
use crate::engine::{Failure, Line, LineDiscount, MarginCut, Order};
use crate::limits::{END_OF_INSTANTS, FIRST_INSTANT, MAX_LABELS, MAX_LINES, MAX_VOUCHERS};
use crate::money::{self, Overflow, Rounding};
use crate::text;

use super::{guard, invalid};

/// A line and its worth.
#[derive(Clone, Debug)]
pub struct PricedLine<'o> {
    /// As ordered.
    pub line: &'o Line,
    /// Price times quantity, rounded half up to a hundredth, less the line's discount; at least 0.
    pub amount: i64,
    /// What the program takes off: sum of `discounts`.
    pub discount: i64,
    /// The same rule by rule.
    pub discounts: Vec<LineDiscount>,
    /// The least that the margin guard lets it bring; none: it is not guarded.
    pub lowest: Option<i64>,
    /// What the margin guard kept back.
    pub cuts: Vec<MarginCut>,
}

impl PricedLine<'_> {
    /// What is left of the amount after the program's discount.
    pub fn net(&self) -> Result<i64, Overflow> {
        money::subtract(self.amount, self.discount)
    }
}

/// A quantity of one piece: quantities are in thousandths.
const ONE_PIECE: i128 = 1_000;

/// Checks the order and prices its lines, in its sequence.
pub fn price<'o>(document: &Document, order: &'o Order) -> Result<Vec<PricedLine<'o>>, Failure> {
    check_instant(order.occurred_at, "/occurred_at")?;
    not_negative(order.delivery, || "/delivery".to_owned())?;
    if order.lines.is_empty() {
        return Err(invalid("/lines", "empty", "an order has at least one line"));
    }
    if order.lines.len() > MAX_LINES {
        return Err(invalid("/lines", "too_many", format!("an order has at most {MAX_LINES} lines")));
    }
    let mut ids = BTreeSet::new();
    let mut lines = Vec::with_capacity(order.lines.len());
    for (index, line) in order.lines.iter().enumerate() {
        let at = |field: &str| format!("/lines/{index}/{field}");
        if line.id.is_empty() {
            return Err(invalid(at("id"), "empty", "each line has an id, so that it can be returned"));
        }
        if !ids.insert(line.id.as_str()) {
            let detail = "an earlier line has this id; line ids are unique in an order";
            return Err(invalid(at("id"), "duplicate_id", detail));
        }
        if line.labels.len() > MAX_LABELS {
            return Err(invalid(at("labels"), "too_many", format!("a line has at most {MAX_LABELS} labels")));
        }
        let amount = amount(line, at)?;
        let lowest = guard::lowest(document, line)?;
        lines.push(PricedLine { line, amount, discount: 0, discounts: Vec::new(), lowest, cuts: Vec::new() });
    }
    if order.vouchers.len() > MAX_VOUCHERS {
        return Err(invalid("/vouchers", "too_many", format!("an order has at most {MAX_VOUCHERS} promo codes")));
    }
    let items = money::sum(lines.iter().map(|line| line.amount))?;
    money::add(items, order.delivery)?;
    Ok(lines)
}

/// Whether a moment lies in the years that the engine can date.
pub fn check_instant(instant: i64, pointer: &str) -> Result<(), Failure> {
    if (FIRST_INSTANT..END_OF_INSTANTS).contains(&instant) {
        return Ok(());
    }
    Err(invalid(pointer, "out_of_range", "a moment from the year 1900 to 2999 is needed, in milliseconds since 1970"))
}

fn amount(line: &Line, at: impl Fn(&str) -> String) -> Result<i64, Failure> {
    not_negative(line.price, || at("price"))?;
    not_negative(line.discount, || at("discount"))?;
    not_negative(line.cost.unwrap_or(0), || at("cost"))?;
    not_negative(line.tax.unwrap_or(0), || at("tax"))?;
    if line.quantity <= 0 {
        return Err(invalid(at("quantity"), "out_of_range", "a quantity is above 0; goods come back by a return"));
    }
    money::bounded(line.quantity.into())?;
    let gross = money::multiply_divide(line.price.into(), line.quantity.into(), ONE_PIECE, Rounding::HalfUp)?;
    let gross = money::bounded(gross)?;
    if line.discount > gross {
        let (discount, gross) = (text::money(line.discount), text::money(gross));
        let detail = format!("a discount of {discount} is more than the line's {gross}; it is for the whole line");
        return Err(invalid(at("discount"), "out_of_range", detail));
    }
    Ok(money::subtract(gross, line.discount)?)
}

fn not_negative(amount: i64, pointer: impl Fn() -> String) -> Result<(), Failure> {
    if amount < 0 {
        return Err(invalid(pointer(), "out_of_range", "this amount is at least 0"));
    }
    Ok(money::bounded(amount.into()).map(|_| ())?)
}
