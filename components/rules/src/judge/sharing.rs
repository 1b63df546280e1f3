//! Dividing an amount among lines so that the parts sum to it exactly.

use std::cmp::Reverse;

use crate::money::Overflow;

/// Divides `total` in proportion to the weights by largest remainder: everyone gets the whole units of the exact
/// part, and what is left goes, a unit each, to the largest fractions; of equal ones to the earlier line.
///
/// No part exceeds its weight when `total` does not exceed the weights' sum. All numbers are at least 0. When all
/// weights are 0 the result is none, unless `total` is 0 too.
pub fn share(total: i64, weights: &[i64]) -> Result<Option<Vec<i64>>, Overflow> {
    let whole = weights.iter().try_fold(0_u64, |sum, weight| sum.checked_add(unsigned(*weight).ok()?)).ok_or(Overflow)?;
    let total = unsigned(total)?;
    if total == 0 {
        return Ok(Some(vec![0; weights.len()]));
    }
    if whole == 0 {
        return Ok(None);
    }
    // no product of the total and a weight is larger than this one
    let narrow = total.checked_mul(whole).is_some();
    let mut parts = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    let mut left = total;
    for (place, weight) in weights.iter().enumerate() {
        let weight = unsigned(*weight)?;
        let exact = if narrow { narrow_part(total, weight, whole) } else { wide_part(total, weight, whole) };
        let (part, fraction) = exact.ok_or(Overflow)?;
        left = left.checked_sub(part).ok_or(Overflow)?;
        parts.push(i64::try_from(part).map_err(|_| Overflow)?);
        if fraction > 0 {
            fractions.push((fraction, Reverse(place)));
        }
    }
    let left = usize::try_from(left).map_err(|_| Overflow)?;
    // what is left is a sum of fractions, each below one unit: there are more fractions than units
    if let Some(last) = left.checked_sub(1).filter(|last| *last < fractions.len()) {
        let (largest, last, _) = fractions.select_nth_unstable_by(last, |one, other| other.cmp(one));
        for (_, Reverse(place)) in largest.iter().chain([&*last]) {
            let part = parts.get_mut(*place).ok_or(Overflow)?;
            *part = part.checked_add(1).ok_or(Overflow)?;
        }
    }
    Ok(Some(parts))
}

fn unsigned(amount: i64) -> Result<u64, Overflow> {
    u64::try_from(amount).map_err(|_| Overflow)
}

/// Whole units of `total * weight / whole`, and what remains of the product.
fn narrow_part(total: u64, weight: u64, whole: u64) -> Option<(u64, u64)> {
    let product = total.checked_mul(weight)?;
    product.checked_div(whole).zip(product.checked_rem(whole))
}

/// The same for products beyond 64 bits.
fn wide_part(total: u64, weight: u64, whole: u64) -> Option<(u64, u64)> {
    let product = u128::from(total).checked_mul(weight.into())?;
    let (part, fraction) = product.checked_div(whole.into()).zip(product.checked_rem(whole.into()))?;
    u64::try_from(part).ok().zip(u64::try_from(fraction).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total: i64, weights: &[i64], expected: &[i64]) {
        assert_eq!(share(total, weights).unwrap().unwrap(), expected, "{total} by {weights:?}");
    }

    #[test]
    fn the_largest_remainder_gets_what_is_left() {
        check(100, &[1, 1, 1], &[34, 33, 33]);
        check(10, &[5, 3, 1], &[6, 3, 1]);
        check(2, &[1, 1, 1], &[1, 1, 0]);
        check(7, &[0, 7, 0], &[0, 7, 0]);
        check(0, &[0, 0], &[0, 0]);
        check(0, &[], &[]);
        check(10_i64.pow(12), &[10_i64.pow(18), 10_i64.pow(17)], &[909_090_909_091, 90_909_090_909]);
    }

    #[test]
    fn nothing_to_share_by() {
        assert_eq!(share(5, &[0, 0]), Ok(None));
        assert_eq!(share(5, &[]), Ok(None));
    }

    #[test]
    fn parts_sum_to_the_whole_and_stay_within_their_weights() {
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..20_000 {
            let weights: Vec<i64> = (0..next(9)).map(|_| next(1_000) as i64).collect();
            let whole: i64 = weights.iter().sum();
            if whole == 0 {
                continue;
            }
            let total = next(whole as u64 + 1) as i64;
            let parts = share(total, &weights).unwrap().unwrap();
            assert_eq!(parts.iter().sum::<i64>(), total);
            assert!(parts.iter().zip(&weights).all(|(part, weight)| part <= weight && *part >= 0));
        }
    }
}
