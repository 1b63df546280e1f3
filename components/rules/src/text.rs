//! Amounts as people write and read them: `"4990.00"`, `"249.5"`, `5 %`. Decimals only; no float is ever made.

use rust_decimal::Decimal;

use crate::limits::MAX_UNITS;

/// Decimal places of money: hundredths of the currency.
pub const MONEY_SCALE: u8 = 2;

/// Decimal places of a percentage: 0.0001 % is one part per million.
pub const PERCENT_SCALE: u8 = 4;

/// Decimal places of a quantity.
pub const QUANTITY_SCALE: u8 = 3;

/// Decimal places of a factor: parts per million.
pub const FACTOR_SCALE: u8 = 6;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnAmount {
    /// It is not of the form `-12.34`: digits, and at most one point between them.
    Malformed,
    /// It has more decimals than the scale.
    TooPrecise,
    /// It is beyond 10^12 minor units.
    TooLarge,
}

/// Reads `text` into minor units of `scale` decimals: `"249.5"` with scale 2 is 24 950. Zeros behind the last
/// significant decimal don't count as precision.
pub fn parse_amount(text: &str, scale: u8) -> Result<i64, NotAnAmount> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !only_digits(whole) || !only_digits(fraction) {
        return Err(NotAnAmount::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(NotAnAmount::TooPrecise);
    }
    let amount = Decimal::from_str_exact(&format!("{sign}{whole}.{fraction}0")).map_err(|_| NotAnAmount::TooLarge)?;
    let per_whole = Decimal::from(10_u64.checked_pow(u32::from(scale)).ok_or(NotAnAmount::TooLarge)?);
    let units = amount.checked_mul(per_whole).ok_or(NotAnAmount::TooLarge)?;
    let units = i64::try_from(units).map_err(|_| NotAnAmount::TooLarge)?;
    if (-MAX_UNITS..=MAX_UNITS).contains(&units) { Ok(units) } else { Err(NotAnAmount::TooLarge) }
}

/// An amount as it is written, without memory of its own: sentences are made of thousands of them.
pub struct Written {
    /// The text is at the end.
    bytes: [u8; Written::LONGEST],
    length: usize,
}

impl Written {
    /// Nineteen digits, a sign, a point; more than any amount needs.
    const LONGEST: usize = 24;

    /// Minor units as a decimal with all places of `scale`: 24 950 with scale 2 is `249.50`.
    pub fn amount(units: i64, scale: u8) -> Self {
        let mut written = Self { bytes: [b'0'; Self::LONGEST], length: 0 };
        let (mut left, mut digits) = (units.unsigned_abs(), 0_u8);
        let mut cells = written.bytes.iter_mut().rev();
        let mut put = |byte: u8| {
            if let Some(cell) = cells.next() {
                *cell = byte;
                written.length = written.length.saturating_add(1);
            }
        };
        loop {
            if digits == scale && scale > 0 {
                put(b'.');
            }
            put(u8::try_from(left % 10).unwrap_or(0).saturating_add(b'0'));
            (left, digits) = (left.checked_div(10).unwrap_or(0), digits.saturating_add(1));
            if left == 0 && digits > scale {
                break;
            }
        }
        if units < 0 {
            put(b'-');
        }
        written
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let from = self.bytes.len().saturating_sub(self.length);
        self.bytes.get(from..).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The text without idle zeros.
    pub fn trimmed(&self) -> &str {
        self.as_str().trim_end_matches('0').trim_end_matches('.')
    }
}

/// Minor units as a decimal with all places of `scale`: 24 950 with scale 2 is `249.50`.
pub fn amount(units: i64, scale: u8) -> String {
    Written::amount(units, scale).as_str().to_owned()
}

/// Hundredths of the currency: `30000.00`.
pub fn money(units: i64) -> String {
    amount(units, MONEY_SCALE)
}

/// Thousandths of a piece without idle zeros: 2 000 is `2`.
pub fn quantity(units: i64) -> String {
    Written::amount(units, QUANTITY_SCALE).trimmed().to_owned()
}

/// Parts per million as a percentage without idle zeros: 25 000 is `2.5 %`.
pub fn percent(rate: i64) -> String {
    format!("{} %", Written::amount(rate, PERCENT_SCALE).trimmed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, scale, expected) in [
            ("4990.00", 2, 499_000),
            ("249.5", 2, 24_950),
            ("0", 2, 0),
            ("-50", 2, -5_000),
            ("007", 0, 7),
            ("1.000", 0, 1),
            ("0.0001", 4, 1),
            ("10000000000.00", 2, MAX_UNITS),
        ] {
            assert_eq!(parse_amount(text, scale), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1_000", "1,5", "1e3", " 1", "--1", "1.2.3", "٣", "NaN"] {
            assert_eq!(parse_amount(text, 2), Err(NotAnAmount::Malformed), "{text}");
        }
        assert_eq!(parse_amount("1.001", 2), Err(NotAnAmount::TooPrecise));
        assert_eq!(parse_amount("10000000000.01", 2), Err(NotAnAmount::TooLarge));
        assert_eq!(parse_amount(&"9".repeat(400), 2), Err(NotAnAmount::TooLarge));
        assert_eq!(parse_amount(&format!("1.{}", "0".repeat(400)), 2), Ok(100));
    }

    #[test]
    fn writes_all_places() {
        assert_eq!(money(3_000_000), "30000.00");
        assert_eq!(money(-5), "-0.05");
        assert_eq!(amount(7, 0), "7");
        assert_eq!(amount(i64::MIN, 4), "-922337203685477.5808");
        assert_eq!(amount(0, 4), "0.0000");
        assert_eq!(percent(50_000), "5 %");
        assert_eq!(percent(25_000), "2.5 %");
        assert_eq!(percent(0), "0 %");
        assert_eq!(percent(1_000_000), "100 %");
    }
}
