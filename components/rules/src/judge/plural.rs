//! The form of a noun by its number. Points have one form only, the one that the program names: sentences keep to it.

/// 1 order, 2 orders.
pub fn english(count: i64, [one, other]: [&str; 2]) -> &str {
    if count == 1 { one } else { other }
}

/// 1 заказ, 2 заказа, 5 заказов: by the last two digits.
pub fn russian(count: i64, [one, few, many]: [&str; 3]) -> &str {
    let last = |digits: i64| count.checked_rem(digits).unwrap_or(0).abs();
    match (last(10), last(100)) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digits_choose_the_form() {
        for (counts, expected) in [
            ([1, 21, 101], "заказ"),
            ([2, 4, 22], "заказа"),
            ([0, 5, 10], "заказов"),
            ([11, 12, 14], "заказов"),
            ([20, 25, 111], "заказов"),
        ] {
            for count in counts {
                assert_eq!(russian(count, ["заказ", "заказа", "заказов"]), expected, "{count}");
            }
        }
        assert_eq!([1, 2, 21].map(|count| english(count, ["order", "orders"])), ["order", "orders", "orders"]);
    }
}
