//! Numbers with their nouns. Points have one form only, the one that the program names: sentences keep to it.

/// `1 order`, `2 orders`.
pub fn english(count: i64, one: &str, other: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { other })
}

/// `1 заказ`, `2 заказа`, `5 заказов`: by the last two digits.
pub fn russian(count: i64, one: &str, few: &str, many: &str) -> String {
    let last = |digits: i64| count.checked_rem(digits).unwrap_or(0).abs();
    let noun = match (last(10), last(100)) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digits_choose_the_form() {
        for (count, expected) in [
            (0, "0 раз"),
            (1, "1 раз"),
            (2, "2 раза"),
            (5, "5 раз"),
            (11, "11 раз"),
            (12, "12 раз"),
            (21, "21 раз"),
            (22, "22 раза"),
            (111, "111 раз"),
        ] {
            assert_eq!(russian(count, "раз", "раза", "раз"), expected);
        }
        assert_eq!(english(1, "time", "times"), "1 time");
        assert_eq!(english(21, "time", "times"), "21 times");
    }
}
