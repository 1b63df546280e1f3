//! Amounts of points, money and goods: scaled integers, checked arithmetic, decimals only at the edges.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The most that one operation may move, in minor units of points or money (10^12): products of two amounts then fit
/// into 128 bits and sums of a million of them into 64.
pub const LIMIT: i64 = 1_000_000_000_000;

/// Decimal places of money: hundredths.
pub const MONEY_SCALE: u8 = 2;

/// Decimal places of a quantity: thousandths.
pub const QUANTITY_SCALE: u8 = 3;

/// Why a text or an amount can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a decimal number such as "249.5".
    NotADecimal,
    /// More decimal places than this scale has.
    TooPrecise(u8),
    /// Beyond [`LIMIT`] minor units in magnitude.
    TooLarge,
}

impl std::fmt::Display for AmountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotADecimal => write!(f, "is not a decimal number like \"249.50\""),
            Self::TooPrecise(0) => write!(f, "must be a whole number"),
            Self::TooPrecise(scale) => write!(f, "has more than {scale} decimal places"),
            Self::TooLarge => write!(f, "is beyond 10^12 minor units"),
        }
    }
}

impl std::error::Error for AmountError {}

/// Reads a decimal text as minor units of the scale: `("249.5", 2)` is 24 950.
///
/// # Errors
/// A text that is no plain decimal number, has more places than the scale, or is beyond [`LIMIT`].
pub fn parse(text: &str, scale: u8) -> Result<i64, AmountError> {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let well_formed = !plain.is_empty()
        && plain.len() <= 24
        && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && plain.as_bytes()[0].is_ascii_digit()
        && !plain.ends_with('.');
    if !well_formed {
        return Err(AmountError::NotADecimal);
    }
    let decimal = Decimal::from_str_exact(text).map_err(|_| AmountError::NotADecimal)?;
    let scaled = decimal.checked_mul(Decimal::from(10_i64.pow(u32::from(scale)))).ok_or(AmountError::TooLarge)?;
    if !scaled.fract().is_zero() {
        return Err(AmountError::TooPrecise(scale));
    }
    let minor = i64::try_from(scaled.trunc().mantissa()).map_err(|_| AmountError::TooLarge)?;
    // `trunc` leaves a scale of 0, so the mantissa is the number itself.
    if minor.checked_abs().is_none_or(|magnitude| magnitude > LIMIT) { Err(AmountError::TooLarge) } else { Ok(minor) }
}

/// Writes minor units as a decimal with all places of the scale: `(24 950, 2)` is "249.50".
#[must_use]
pub fn format(minor: i64, scale: u8) -> String {
    let digits = format!("{:0width$}", minor.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if minor < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `amount x part / whole`, rounded down. Cumulative shares taken with it sum to the amount exactly when the parts reach
/// the whole, in any number of steps.
///
/// Amounts are not negative, `part <= whole`, `whole > 0`; otherwise 0.
#[must_use]
pub fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if amount <= 0 || part <= 0 || whole <= 0 || part > whole {
        return 0;
    }
    i64::try_from(i128::from(amount) * i128::from(part) / i128::from(whole)).unwrap_or(0)
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            pub const ZERO: Self = Self(0);

            /// The sum; none beyond 64 bits.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference; none beyond 64 bits.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// The difference, at least 0.
            #[must_use]
            pub fn less(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0).max(0))
            }

            #[must_use]
            pub fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        /// Sums saturate: what is summed is bounded by [`LIMIT`] each, so that 64 bits hold millions of them.
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                Self(amounts.fold(0_i64, |sum, amount| sum.saturating_add(amount.0)))
            }
        }
    };
}

amount!(
    /// Points in minor units; the program's `points-scale` says how many make one point.
    Points
);
amount!(
    /// Money in hundredths of the program's currency.
    Money
);
amount!(
    /// Goods in thousandths of a piece, kilogram or metre.
    Quantity
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_text_becomes_minor_units_and_comes_back() {
        for (text, scale, minor, back) in [
            ("249.5", 2, 24_950, "249.50"),
            ("0.01", 2, 1, "0.01"),
            ("-50", 2, -5_000, "-50.00"),
            ("7", 0, 7, "7"),
            ("1.2345", 4, 12_345, "1.2345"),
            ("10000000000.00", 2, LIMIT, "10000000000.00"),
        ] {
            assert_eq!(parse(text, scale), Ok(minor), "{text}");
            assert_eq!(format(minor, scale), back);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        for text in ["", "-", ".5", "5.", "1e3", "1_000", "1,5", "+5", " 5", "1.2.3", "NaN", "5-", "99999999999999999999999999"] {
            assert_eq!(parse(text, 2), Err(AmountError::NotADecimal), "{text}");
        }
        assert_eq!(parse("0.001", 2), Err(AmountError::TooPrecise(2)));
        assert_eq!(parse("10000000000.01", 2), Err(AmountError::TooLarge));
        assert_eq!(parse("999999999999999999999999", 4), Err(AmountError::TooLarge));
    }

    #[test]
    fn cumulative_shares_sum_to_the_whole() {
        for amount in [0, 1, 2, 100, 33_333, LIMIT] {
            for whole in [1, 3, 7, 1_000] {
                let taken: i64 = (1..=whole).map(|part| share(amount, part, whole) - share(amount, part - 1, whole)).sum();
                assert_eq!(taken, amount, "{amount} in {whole} parts");
            }
        }
    }
}
