//! Which lines a block of goods means.

use std::collections::BTreeSet;

use crate::document::Products;
use crate::engine::Line;

/// Whether a condition means the line: any list names it, or there is none, and `promo` is as asked.
pub fn selects(products: &Products, line: &Line) -> bool {
    let has_lists = [&products.skus, &products.categories, &products.brands, &products.labels].iter().any(|list| list.is_some());
    let promo_as_asked = products.promo.is_none_or(|promo| promo == line.promo);
    promo_as_asked && (!has_lists || named(products, line))
}

/// Whether an exclusion means the line: any list names it, or promo goods are excluded and it is one.
pub fn excludes(products: &Products, line: &Line) -> bool {
    named(products, line) || (products.promo == Some(true) && line.promo)
}

/// Whether an optional list allows an optional word: without a list everything is allowed.
pub fn allows(list: &Option<BTreeSet<String>>, word: Option<&str>) -> bool {
    list.as_ref().is_none_or(|list| word.is_some_and(|word| list.contains(word)))
}

fn named(products: &Products, line: &Line) -> bool {
    let names = |list: &Option<BTreeSet<String>>, word: Option<&str>| {
        list.as_ref().is_some_and(|list| word.is_some_and(|word| list.contains(word)))
    };
    names(&products.skus, Some(&line.sku))
        || names(&products.categories, line.category.as_deref())
        || names(&products.brands, line.brand.as_deref())
        || line.labels.iter().any(|label| names(&products.labels, Some(label)))
}
