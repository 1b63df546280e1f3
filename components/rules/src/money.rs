//! Checked arithmetic on minor units, and the two ways in which the engine rounds.
//!
//! Amounts are `i64` of at most [`MAX_UNITS`] in magnitude; products are made in `i128`. What leaves the range is an
//! [`Overflow`], which the contract knows as a failure.

use crate::engine::Failure;
use crate::limits::MAX_UNITS;

/// An amount left the range of 10^12 minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl From<Overflow> for Failure {
    fn from(_: Overflow) -> Self {
        Failure::Overflow
    }
}

/// How a quotient becomes an integer. The numbers here are never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Down, as points and what they pay are rounded unless a program says otherwise: it never gives more than it declares.
    #[default]
    Down,
    /// Half a unit and more up, as a shop rounds the amount of a line.
    HalfUp,
    /// The nearest; of two equally near the even one, so that many roundings have no drift.
    HalfEven,
    /// Any fraction up.
    Up,
}

/// `value`, if its magnitude is at most [`MAX_UNITS`].
pub fn bounded(value: i128) -> Result<i64, Overflow> {
    within(i64::try_from(value).ok())
}

fn within(units: Option<i64>) -> Result<i64, Overflow> {
    units.filter(|units| (-MAX_UNITS..=MAX_UNITS).contains(units)).ok_or(Overflow)
}

/// `a + b` in minor units.
pub fn add(a: i64, b: i64) -> Result<i64, Overflow> {
    within(a.checked_add(b))
}

/// `a - b` in minor units.
pub fn subtract(a: i64, b: i64) -> Result<i64, Overflow> {
    within(a.checked_sub(b))
}

/// The sum in minor units; every partial sum must be in range too.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, Overflow> {
    amounts.into_iter().try_fold(0, add)
}

/// `value * numerator / denominator`, rounded. All three at least 0, `denominator` above 0; otherwise an overflow.
pub fn multiply_divide(value: i128, numerator: i128, denominator: i128, rounding: Rounding) -> Result<i128, Overflow> {
    let (quotient, remainder) = match narrow(value, numerator, denominator) {
        Some(result) => result,
        None => wide(value, numerator, denominator)?,
    };
    let half = remainder.checked_mul(2).ok_or(Overflow)?.cmp(&denominator);
    let odd = quotient & 1 == 1;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::HalfUp => half.is_ge(),
        Rounding::HalfEven => half.is_gt() || (half.is_eq() && odd),
        Rounding::Up => remainder > 0,
    };
    if up { quotient.checked_add(1).ok_or(Overflow) } else { Ok(quotient) }
}

/// Quotient and remainder in one register, as everyday amounts allow: Wasm has no division of 128 bits.
fn narrow(value: i128, numerator: i128, denominator: i128) -> Option<(i128, i128)> {
    let product = u64::try_from(value).ok()?.checked_mul(u64::try_from(numerator).ok()?)?;
    let denominator = u64::try_from(denominator).ok()?;
    Some((product.checked_div(denominator)?.into(), product.checked_rem(denominator)?.into()))
}

fn wide(value: i128, numerator: i128, denominator: i128) -> Result<(i128, i128), Overflow> {
    let product = value.checked_mul(numerator).ok_or(Overflow)?;
    if product < 0 || denominator <= 0 {
        return Err(Overflow);
    }
    product.checked_div(denominator).zip(product.checked_rem(denominator)).ok_or(Overflow)
}

/// The largest multiple of `step` that is not above `value`. Both at least 0; a step of 0 changes nothing.
pub fn round_down_to_step(value: i64, step: i64) -> i64 {
    let above = value.checked_rem(step).unwrap_or(0);
    value.checked_sub(above).unwrap_or(0)
}

/// 10^`scale` minor units make one whole unit.
pub fn units_per_whole(scale: u8) -> Result<i128, Overflow> {
    10_i64.checked_pow(u32::from(scale)).map(i128::from).ok_or(Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_named() {
        assert_eq!(multiply_divide(10, 5, 100, Rounding::Down), Ok(0));
        assert_eq!(multiply_divide(10, 5, 100, Rounding::HalfUp), Ok(1));
        assert_eq!(multiply_divide(149, 1, 100, Rounding::HalfUp), Ok(1));
        assert_eq!(multiply_divide(199, 1, 100, Rounding::Down), Ok(1));
        for (value, rounded) in [(149, 1), (150, 2), (151, 2), (249, 2), (250, 2), (251, 3)] {
            assert_eq!(multiply_divide(value, 1, 100, Rounding::HalfEven), Ok(rounded), "{value}");
        }
        assert_eq!(multiply_divide(101, 1, 100, Rounding::Up), Ok(2));
        assert_eq!(multiply_divide(100, 1, 100, Rounding::Up), Ok(1));
    }

    #[test]
    fn refuses_what_has_no_answer() {
        assert_eq!(multiply_divide(1, 1, 0, Rounding::Down), Err(Overflow));
        assert_eq!(multiply_divide(-1, 1, 1, Rounding::Down), Err(Overflow));
        assert_eq!(multiply_divide(i128::MAX, 2, 1, Rounding::Down), Err(Overflow));
    }

    #[test]
    fn keeps_the_range_of_the_contract() {
        assert_eq!(add(MAX_UNITS, 0), Ok(MAX_UNITS));
        assert_eq!(add(MAX_UNITS, 1), Err(Overflow));
        assert_eq!(subtract(-MAX_UNITS, 1), Err(Overflow));
        assert_eq!(add(i64::MAX, i64::MAX), Err(Overflow));
        assert_eq!(sum([MAX_UNITS, 1, -1]), Err(Overflow));
        assert_eq!(sum([]), Ok(0));
    }

    #[test]
    fn steps_round_down() {
        assert_eq!(round_down_to_step(2_999, 1_000), 2_000);
        assert_eq!(round_down_to_step(2_999, 0), 2_999);
        assert_eq!(round_down_to_step(0, 7), 0);
    }
}
