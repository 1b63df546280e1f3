//! Whether two rules can reward the same line of the same order.

use std::collections::BTreeSet;

use super::conditions::{Conditions, Hours, Products};
use super::earning::Company;

/// Whether a rule leaves a later one its lines, and the later one takes lines that are rewarded already.
pub fn get_on(earlier: Company, later: Company) -> bool {
    !earlier.stop && !earlier.exclusive && !later.exclusive && later.stackable
}

/// Whether both conditions can hold for one line. Where that is not known, they can.
pub fn may_meet(one: &Conditions, other: &Conditions) -> bool {
    let apart = disjoint(&one.channels, &other.channels)
        || disjoint(&one.stores, &other.stores)
        || disjoint(&one.tiers, &other.tiers)
        || disjoint(&one.weekdays, &other.weekdays)
        || differ(one.first_order, other.first_order)
        || one.hours.zip(other.hours).is_some_and(|(one, other)| hours_apart(one, other))
        || one.dates.zip(other.dates).is_some_and(|(one, other)| before(one.to, other.from) || before(other.to, one.from))
        || one
            .order_total
            .zip(other.order_total)
            .is_some_and(|(one, other)| ends_by(one.below, other.min) || ends_by(other.below, one.min))
        || one.products.as_ref().zip(other.products.as_ref()).is_some_and(|(one, other)| goods_apart(one, other));
    !apart
}

fn disjoint<T: Ord>(one: &Option<BTreeSet<T>>, other: &Option<BTreeSet<T>>) -> bool {
    one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one.is_disjoint(other))
}

fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

fn before<T: PartialOrd>(end: Option<T>, start: Option<T>) -> bool {
    end.zip(start).is_some_and(|(end, start)| end < start)
}

fn ends_by<T: PartialOrd>(below: Option<T>, min: Option<T>) -> bool {
    below.zip(min).is_some_and(|(below, min)| below <= min)
}

/// Neither begins within the other.
fn hours_apart(one: Hours, other: Hours) -> bool {
    let within = |minute: i16, hours: Hours| match hours.from < hours.to {
        true => (hours.from..hours.to).contains(&minute),
        false => minute >= hours.from || minute < hours.to,
    };
    !within(one.from, other) && !within(other.from, one)
}

/// A line has one SKU, one category and one brand; but what one rule names by SKU another may name by category.
fn goods_apart(one: &Products, other: &Products) -> bool {
    let (one_lists, other_lists) = (one.lists(), other.lists());
    let kinds = |lists: [&Option<BTreeSet<String>>; 4]| lists.into_iter().flatten().count();
    let same_kind = kinds(one_lists) == 1 && kinds(other_lists) == 1 && one.labels.is_none();
    differ(one.promo, other.promo) || same_kind && one_lists.into_iter().zip(other_lists).any(|(one, other)| disjoint(one, other))
}
