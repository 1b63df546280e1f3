//! Dividing an amount among lines so that the parts sum to it exactly.

use crate::money::{Overflow, Rounding, multiply_divide};

/// Divides `total` in proportion to the weights by largest remainder: everyone gets the whole units of the exact
/// part, and what is left goes, a unit each, to the largest fractions; of equal ones to the earlier line.
///
/// No part exceeds its weight when `total` does not exceed the weights' sum. All numbers are at least 0. When all
/// weights are 0 the result is none, unless `total` is 0 too.
pub fn share(total: i64, weights: &[i128]) -> Result<Option<Vec<i64>>, Overflow> {
    let whole = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight)).ok_or(Overflow)?;
    if total == 0 {
        return Ok(Some(vec![0; weights.len()]));
    }
    if whole == 0 {
        return Ok(None);
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    for weight in weights {
        let exact = multiply_divide(total.into(), *weight, whole, Rounding::Down)?;
        let given = exact.checked_mul(whole).ok_or(Overflow)?;
        let product = i128::from(total).checked_mul(*weight).ok_or(Overflow)?;
        fractions.push(product.checked_sub(given).ok_or(Overflow)?);
        parts.push(i64::try_from(exact).map_err(|_| Overflow)?);
    }
    let given = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part)).ok_or(Overflow)?;
    let left = total.checked_sub(given).and_then(|left| usize::try_from(left).ok()).ok_or(Overflow)?;
    let mut places: Vec<_> = fractions.iter().zip(parts.iter_mut()).collect();
    places.sort_by_key(|(fraction, _)| std::cmp::Reverse(**fraction)); // stable: the earlier line stays first
    for (_, part) in places.into_iter().take(left) {
        *part = part.checked_add(1).ok_or(Overflow)?;
    }
    Ok(Some(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total: i64, weights: &[i128], expected: &[i64]) {
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
            let weights: Vec<i128> = (0..next(9)).map(|_| i128::from(next(1_000))).collect();
            let whole: i128 = weights.iter().sum();
            if whole == 0 {
                continue;
            }
            let total = next(u64::try_from(whole).unwrap() + 1) as i64;
            let parts = share(total, &weights).unwrap().unwrap();
            assert_eq!(parts.iter().sum::<i64>(), total);
            assert!(parts.iter().zip(&weights).all(|(part, weight)| i128::from(*part) <= *weight && *part >= 0));
        }
    }
}
