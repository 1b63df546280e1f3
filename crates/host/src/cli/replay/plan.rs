//! What each invoice becomes: an order, returns, or nothing, and why.

use std::collections::BTreeMap;

use host::Timestamp;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use super::matching::{Purchases, Taken};
use super::retail::{Invoice, Line};

/// Carriage: the cost of the order's delivery.
const DELIVERY: [&str; 3] = ["POST", "DOT", "C2"];
/// Fees, discounts, samples, bad debt: neither goods nor delivery.
const CHARGES: [&str; 6] = ["BANK CHARGES", "AMAZONFEE", "CRUK", "D", "S", "B"];

/// How many of 100 orders of members are to be paid with points, as far as the program allows.
const PAYING_PERCENT: u64 = 25;
/// Chooses which orders these are; another seed chooses others.
const PAYING_SEED: &str = "kopilka";

/// Everything that happens, by its time.
#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Lines that nothing became of.
    pub skipped: BTreeMap<Skipped, u64>,
    /// Invoices of which no line was left.
    pub empty_invoices: u64,
    pub credit_notes: u64,
    pub unmatched: BTreeMap<Unmatched, Pieces>,
}

/// Something that happens in the shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub at: Timestamp,
    pub customer: Option<String>,
    pub deed: Deed,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Order(Order),
    Return(Return),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub number: String,
    pub lines: Vec<Line>,
    pub delivery: Decimal,
    /// Whether the customer wants to pay with points.
    pub pays: bool,
}

/// The part of a credit note that is about one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    pub number: String,
    pub order: String,
    /// (line, quantity).
    pub lines: Vec<(usize, u64)>,
}

/// Why a line of an invoice was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    Negative,
    Zero,
    BadDebt,
    Charge,
    Worthless,
}

impl Skipped {
    pub fn words(self) -> &'static str {
        match self {
            Self::Negative => "quantity below 0 without a credit note",
            Self::Zero => "quantity 0",
            Self::BadDebt => "adjustment of a bad debt",
            Self::Charge => "fee, discount or sample",
            Self::Worthless => "nothing on the invoice has a price, or only its delivery",
        }
    }
}

/// Why a line of a credit note, or a part of it, is no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmatched {
    NotGoods,
    NotNegative,
    NoCustomer,
    NotBought,
    NothingLeft,
}

impl Unmatched {
    pub fn words(self) -> &'static str {
        match self {
            Self::NotGoods => "delivery, fee or discount, not goods",
            Self::NotNegative => "quantity not below 0",
            Self::NoCustomer => "no customer",
            Self::NotBought => "never bought by the customer, or before the file begins",
            Self::NothingLeft => "more than is left of what the customer bought",
        }
    }
}

/// Lines, and the pieces of goods on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    pub lines: u64,
    pub pieces: u64,
}

fn is_one_of(codes: &[&str], sku: &str) -> bool {
    codes.iter().any(|code| code.eq_ignore_ascii_case(sku))
}

/// Whether an order is among those to be paid with points: the same ones in every run.
pub fn pays(number: &str) -> bool {
    let hash = Sha256::digest(format!("{PAYING_SEED} {number}"));
    let drawn = hash.iter().take(8).fold(0_u64, |drawn, byte| drawn << 8 | u64::from(*byte));
    drawn % 100 < PAYING_PERCENT
}

impl Plan {
    /// Plans the invoices in their sequence.
    pub fn new(invoices: Vec<Invoice>) -> Self {
        let (mut plan, mut purchases) = (Self::default(), Purchases::default());
        for invoice in invoices {
            if invoice.is_credit_note() { plan.take_back(invoice, &mut purchases) } else { plan.sell(invoice, &mut purchases) }
        }
        plan
    }

    fn skip(&mut self, why: Skipped, lines: usize) {
        *self.skipped.entry(why).or_default() += u64::try_from(lines).unwrap_or(u64::MAX);
    }

    fn sell(&mut self, invoice: Invoice, purchases: &mut Purchases) {
        let adjusts = !invoice.number.starts_with(|first: char| first.is_ascii_digit());
        let (mut lines, mut carriage) = (Vec::new(), Vec::new());
        for line in invoice.lines {
            match line.quantity {
                _ if adjusts || line.price.is_sign_negative() && !line.price.is_zero() => self.skip(Skipped::BadDebt, 1),
                ..0 => self.skip(Skipped::Negative, 1),
                0 => self.skip(Skipped::Zero, 1),
                _ if is_one_of(&CHARGES, &line.sku) => self.skip(Skipped::Charge, 1),
                _ if is_one_of(&DELIVERY, &line.sku) => carriage.push(line),
                _ => lines.push(line),
            }
        }
        let sum = |lines: &[Line]| lines.iter().map(|line| line.price * Decimal::from(line.quantity)).sum::<Decimal>();
        if sum(&lines).is_zero() {
            self.empty_invoices += 1;
            if !lines.is_empty() || !carriage.is_empty() {
                self.skip(Skipped::Worthless, lines.len() + carriage.len());
            }
            return;
        }
        if let Some(customer) = &invoice.customer {
            for line in &lines {
                purchases.buy(customer, &line.sku, &invoice.number, line.position, line.quantity.unsigned_abs());
            }
        }
        let pays = invoice.customer.is_some() && pays(&invoice.number);
        let order = Order { delivery: sum(&carriage), number: invoice.number, lines, pays };
        self.steps.push(Step { at: invoice.time, customer: invoice.customer, deed: Deed::Order(order) });
    }

    fn take_back(&mut self, note: Invoice, purchases: &mut Purchases) {
        self.credit_notes += 1;
        let mut returns: Vec<Return> = Vec::new();
        for line in &note.lines {
            let quantity = line.quantity.unsigned_abs();
            let (why, missing) = match &note.customer {
                _ if is_one_of(&CHARGES, &line.sku) || is_one_of(&DELIVERY, &line.sku) => (Unmatched::NotGoods, quantity),
                _ if line.quantity >= 0 => (Unmatched::NotNegative, quantity),
                None => (Unmatched::NoCustomer, quantity),
                Some(customer) => {
                    let matched = purchases.give_back(customer, &line.sku, quantity);
                    matched.taken.into_iter().for_each(|taken| collect(&mut returns, &note.number, taken));
                    (if matched.bought { Unmatched::NothingLeft } else { Unmatched::NotBought }, matched.missing)
                }
            };
            if missing > 0 || line.quantity >= 0 {
                let unmatched = self.unmatched.entry(why).or_default();
                unmatched.lines += 1;
                unmatched.pieces += missing;
            }
        }
        let step = |deed| Step { at: note.time, customer: note.customer.clone(), deed: Deed::Return(deed) };
        self.steps.extend(returns.into_iter().map(step));
    }
}

/// One return for each order, one quantity for each of its lines.
fn collect(returns: &mut Vec<Return>, number: &str, taken: Taken) {
    let place = returns.iter().position(|known| known.order == taken.order).unwrap_or_else(|| {
        returns.push(Return { number: number.to_owned(), order: taken.order, lines: Vec::new() });
        returns.len() - 1
    });
    let lines = &mut returns[place].lines;
    match lines.iter_mut().find(|(line, _)| *line == taken.line) {
        Some((_, quantity)) => *quantity += taken.quantity,
        None => lines.push((taken.line, taken.quantity)),
    }
}

#[cfg(test)]
mod tests;
