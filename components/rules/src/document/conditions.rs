//! The block `when` of a rule: what must be true of an order for the rule to fire, and on which of its lines.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::limits::{MAX_DAYS, MAX_LIST, MAX_ORDERS, MAX_TIERS};
use crate::text;

use super::reader::{Block, Findings, Node};
use super::tiers::Tiers;

/// All that are present must hold. What is absent always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Bounds of the items total.
    pub order_total: Option<OrderTotal>,
    /// The order came through one of these channels.
    pub channels: Option<BTreeSet<String>>,
    /// The order was made in one of these stores.
    pub stores: Option<BTreeSet<String>>,
    /// The member holds one of these tiers.
    pub tiers: Option<BTreeSet<String>>,
    /// The member is in one of these segments.
    pub segments: Option<BTreeSet<String>>,
    /// True: it is the member's first order. False: it is not.
    pub first_order: Option<bool>,
    /// Which of the member's orders it is.
    pub orders: Option<Orders>,
    /// Local days of the week, Monday is 1.
    pub weekdays: Option<BTreeSet<i8>>,
    /// Local hours of the day.
    pub hours: Option<Hours>,
    /// Local days.
    pub dates: Option<Dates>,
    /// A promo code for the rule is in the order.
    pub voucher: bool,
    /// The rule looks at these lines only.
    pub products: Option<Products>,
    /// The rule looks only at lines of categories in which the member never bought.
    pub new_category: bool,
    /// Bounds of the pieces (thousandths) of the lines that the rule looks at.
    pub quantity: Option<Quantity>,
}

impl Conditions {
    /// Whether it asks something of a member, which nobody knows of an order without one.
    #[must_use]
    pub fn ask_of_the_member(&self) -> bool {
        self.tiers.is_some()
            || self.segments.is_some()
            || self.first_order.is_some()
            || self.orders.is_some()
            || self.new_category
    }
}

/// Bounds of the items total (line amounts less their discounts, without delivery), in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTotal {
    /// At least this much.
    pub min: Option<i64>,
    /// Less than this.
    pub below: Option<i64>,
}

/// Bounds of a quantity, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// At least so many.
    pub min: Option<i64>,
    /// Fewer than this.
    pub below: Option<i64>,
}

/// The order's number among the member's orders, itself counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// At least this number.
    pub min: Option<i64>,
    /// Every so many: 5 is the 5th, the 10th ...
    pub every: Option<i64>,
    /// Counted are the orders of the last so many local days, today included; none: all.
    pub within_days: Option<i64>,
}

/// Hours of the day in minutes after midnight, half-open; over midnight when `from` is after `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// 0 to 1 439.
    pub from: i16,
    /// 1 to 1 440.
    pub to: i16,
}

/// Days, the last one included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
}

/// Which goods. A line is meant when any of the lists names it (or there is no list), and `promo` is as asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Products {
    /// Stock keeping units.
    pub skus: Option<BTreeSet<String>>,
    /// Categories, compared as a whole.
    pub categories: Option<BTreeSet<String>>,
    /// Brands.
    pub brands: Option<BTreeSet<String>>,
    /// Labels; one of the line's suffices.
    pub labels: Option<BTreeSet<String>>,
    /// Promo goods only, or regular goods only.
    pub promo: Option<bool>,
}

impl Products {
    /// Whether some goods are named, by whatever list.
    pub fn names_goods(&self) -> bool {
        self.lists().into_iter().any(Option::is_some)
    }

    /// All lists: SKUs, categories, brands, labels.
    pub fn lists(&self) -> [&Option<BTreeSet<String>>; 4] {
        [&self.skus, &self.categories, &self.brands, &self.labels]
    }
}

/// The names of the days, Monday first.
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads a `when`. Its tiers must exist.
pub fn read(node: &Node, tiers: &Tiers, findings: &mut Findings) -> Option<Conditions> {
    let mut block = node.block(findings)?;
    let order_total = block.optional("order_total").and_then(|node| order_total(&node, findings));
    let channels = words(&mut block, "channels", findings);
    let stores = words(&mut block, "stores", findings);
    let members = block.optional("tiers").and_then(|node| known_tiers(&node, tiers, findings));
    let segments = words(&mut block, "segments", findings);
    let first_order = block.optional("first_order").and_then(|node| node.boolean(findings));
    let orders_node = block.optional("orders");
    let orders = orders_node.as_ref().and_then(|node| orders(node, findings));
    if let (Some(node), Some(true), Some(orders)) = (&orders_node, first_order, orders) {
        check_first_order_counts(node, orders, findings);
    }
    let weekdays = block.optional("weekdays").and_then(|node| weekdays(&node, findings));
    let hours = block.optional("hours").and_then(|node| hours(&node, findings));
    let dates_node = block.optional("dates");
    let dates = dates_node.as_ref().and_then(|node| dates(node, findings));
    if let (Some(node), Some(days), Some(weekdays)) = (&dates_node, dates, &weekdays) {
        check_weekdays_come(node, days, weekdays, findings);
    }
    let voucher = block.optional("voucher").and_then(|node| node.boolean(findings)).unwrap_or(false);
    let products = block.optional("products").and_then(|node| products(&node, findings));
    let new_category = block.optional("new_category").and_then(|node| node.boolean(findings)).unwrap_or(false);
    let quantity = block.optional("quantity").and_then(|node| quantity(&node, findings));
    block.finish(findings);
    Some(Conditions {
        order_total,
        channels,
        stores,
        tiers: members,
        segments,
        first_order,
        orders,
        weekdays,
        hours,
        dates,
        voucher,
        products,
        new_category,
        quantity,
    })
}

/// Reads the lists of goods and `promo` from a block that may have further fields.
pub fn read_products(block: &mut Block, findings: &mut Findings) -> Products {
    Products {
        skus: words(block, "skus", findings),
        categories: words(block, "categories", findings),
        brands: words(block, "brands", findings),
        labels: words(block, "labels", findings),
        promo: block.optional("promo").and_then(|node| node.boolean(findings)),
    }
}

/// An optional list of words.
pub fn words(block: &mut Block, name: &'static str, findings: &mut Findings) -> Option<BTreeSet<String>> {
    block.optional(name).and_then(|node| node.words(MAX_LIST, findings))
}

/// Reads a block of goods; it must say something.
pub fn products(node: &Node, findings: &mut Findings) -> Option<Products> {
    let mut block = node.block(findings)?;
    let products = read_products(&mut block, findings);
    if block.is_empty() {
        let detail = "name at least one of skus, categories, brands, labels, promo, or leave the block out";
        findings.note(&node.pointer, "empty", detail);
    }
    block.finish(findings);
    Some(products)
}

fn order_total(node: &Node, findings: &mut Findings) -> Option<OrderTotal> {
    let (min, below) = bounds(node, |node, findings| node.money(1, findings), text::money, findings)?;
    Some(OrderTotal { min, below })
}

fn quantity(node: &Node, findings: &mut Findings) -> Option<Quantity> {
    let (min, below) = bounds(node, |node, findings| node.quantity(findings), text::quantity, findings)?;
    Some(Quantity { min, below })
}

/// Reads `min` and `below`, of which one must be there.
fn bounds(
    node: &Node,
    read: impl Fn(&Node, &mut Findings) -> Option<i64>,
    write: impl Fn(i64) -> String,
    findings: &mut Findings,
) -> Option<(Option<i64>, Option<i64>)> {
    let mut block = node.block(findings)?;
    let min_node = block.optional("min");
    let min = min_node.as_ref().and_then(|node| read(node, findings));
    let below = block.optional("below").and_then(|node| read(&node, findings));
    if block.is_empty() {
        findings.note(&node.pointer, "empty", "name min, below or both, or leave the block out");
    }
    if let (Some(node), Some(min), Some(below)) = (min_node, min, below)
        && min >= below
    {
        let detail = format!("no order is at least {} and below {}", write(min), write(below));
        findings.note(&node.pointer, "unreachable", detail);
    }
    block.finish(findings);
    Some((min, below))
}

fn orders(node: &Node, findings: &mut Findings) -> Option<Orders> {
    let mut block = node.block(findings)?;
    let min = block.optional("min").and_then(|node| node.integer(1, MAX_ORDERS, findings));
    let every = block.optional("every").and_then(|node| node.integer(2, MAX_ORDERS, findings));
    let within_days = block.optional("within_days").and_then(|node| node.integer(1, MAX_DAYS, findings));
    block.finish(findings);
    if min.is_none() && every.is_none() {
        findings.note(&node.pointer, "empty", "name min (the order's least number), every, or both");
    }
    Some(Orders { min, every, within_days })
}

/// A first order is number one in every window: it is no second one, and no fifth.
fn check_first_order_counts(node: &Node, orders: Orders, findings: &mut Findings) {
    let field = match orders {
        Orders { every: Some(_), .. } => "every",
        Orders { min: Some(2..), .. } => "min",
        _ => return,
    };
    let detail = "a first order is number 1 and never this one; leave out first_order, or this";
    findings.note(&format!("{}/{field}", node.pointer), "unreachable", detail);
}

fn weekdays(node: &Node, findings: &mut Findings) -> Option<BTreeSet<i8>> {
    let nodes = node.list(WEEKDAYS.len(), findings)?;
    if nodes.is_empty() {
        findings.note(&node.pointer, "empty", "an empty list matches nothing; leave the field out or name a day");
        return None;
    }
    let mut days = BTreeSet::new();
    for node in &nodes {
        let name = node.text("the name of a day", findings)?;
        match WEEKDAYS.iter().zip(1_i8..).find(|(day, _)| **day == name) {
            Some((_, number)) => days.insert(number),
            None => {
                findings.note(&node.pointer, "unknown_weekday", format!("the days are {}", WEEKDAYS.join(", ")));
                return None;
            }
        };
    }
    Some(days)
}

/// A window of local hours, half-open; it may pass midnight.
pub fn hours(node: &Node, findings: &mut Findings) -> Option<Hours> {
    let mut block = node.block(findings)?;
    let from = block.required("from", findings).and_then(|node| time(&node, findings));
    let to = block.required("to", findings).and_then(|node| time(&node, findings));
    block.finish(findings);
    let (from, to) = (from?, to?);
    if from == to || from == MINUTES_OF_DAY {
        let detail = "a window of no length never comes; it goes from a time to a later one, or over midnight to an earlier";
        findings.note(&node.pointer, "never_comes", detail);
        return None;
    }
    Some(Hours { from, to: if to == 0 { MINUTES_OF_DAY } else { to } })
}

const MINUTES_OF_DAY: i16 = 1_440;

/// "18:30" as minutes after midnight; "24:00" is the end of the day.
fn time(node: &Node, findings: &mut Findings) -> Option<i16> {
    let text = node.text("a time of the day, like \"18:30\"", findings)?;
    let minutes = text.split_once(':').and_then(|(hour, minute)| {
        let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !two_digits(hour) || !two_digits(minute) {
            return None;
        }
        let (hour, minute): (i16, i16) = (hour.parse().ok()?, minute.parse().ok()?);
        let minutes = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && minutes <= MINUTES_OF_DAY).then_some(minutes)
    });
    if minutes.is_none() {
        findings.note(&node.pointer, "invalid_time", "a time is two digits, a colon, two digits, up to 24:00: \"18:30\"");
    }
    minutes
}

fn dates(node: &Node, findings: &mut Findings) -> Option<Dates> {
    let mut block = node.block(findings)?;
    let from = block.optional("from").and_then(|node| date(&node, findings));
    let to_node = block.optional("to");
    let to = to_node.as_ref().and_then(|node| date(node, findings));
    if block.is_empty() {
        findings.note(&node.pointer, "empty", "name the first day (from), the last day (to) or both");
    }
    if let (Some(node), Some(from), Some(to)) = (to_node, from, to)
        && to < from
    {
        findings.note(&node.pointer, "never_comes", format!("the last day must not be before the first, {from}"));
    }
    block.finish(findings);
    Some(Dates { from, to })
}

/// Reads a day: "2026-03-08".
pub fn date(node: &Node, findings: &mut Findings) -> Option<Date> {
    let text = node.text("a day, like \"2026-03-08\"", findings)?;
    let date = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    if date.is_none() {
        findings.note(&node.pointer, "invalid_date", "a day that exists is written year, month, day: \"2026-03-08\"");
    }
    date
}

/// Some day of the window must be one of the weekdays.
fn check_weekdays_come(node: &Node, dates: Dates, weekdays: &BTreeSet<i8>, findings: &mut Findings) {
    let (Some(from), Some(to)) = (dates.from, dates.to) else { return };
    let mut day = from;
    for _ in 0..WEEKDAYS.len() {
        if day > to {
            break;
        }
        if weekdays.contains(&day.weekday().to_monday_one_offset()) {
            return;
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => return,
        }
    }
    findings.note(&node.pointer, "never_comes", "none of the weekdays lies between these days");
}

fn known_tiers(node: &Node, tiers: &Tiers, findings: &mut Findings) -> Option<BTreeSet<String>> {
    let words = node.words(MAX_TIERS, findings)?;
    if tiers.incomplete {
        return Some(words);
    }
    for entry in node.list(MAX_TIERS, findings)? {
        let id = entry.text("the id of a tier", findings)?;
        check_tier(&entry, id, tiers, findings);
    }
    Some(words)
}

/// Notes a tier that the program does not have.
pub fn check_tier(node: &Node, id: &str, tiers: &Tiers, findings: &mut Findings) {
    if !tiers.incomplete && !tiers.ids.contains(id) {
        let known: Vec<_> = tiers.ids.iter().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        findings.note(&node.pointer, "unknown_tier", format!("the program's tiers are: {known}"));
    }
}
