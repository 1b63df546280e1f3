//! Dividing an amount among lines so that the parts sum to it exactly.

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
    narrow(total, weights, whole).or_else(|| wide(total, weights, whole)).map(Some).ok_or(Overflow)
}

fn unsigned(amount: i64) -> Result<u64, Overflow> {
    u64::try_from(amount).map_err(|_| Overflow)
}

/// Both widths have the same text. Everyday amounts fit into 64 bits, which are far quicker, above all in Wasm.
macro_rules! by_largest_remainder {
    ($name:ident, $width:ty) => {
        /// None when a number does not fit.
        fn $name(total: u64, weights: &[i64], whole: u64) -> Option<Vec<i64>> {
            let (total, whole) = (<$width>::from(total), <$width>::from(whole));
            let count = <$width>::try_from(weights.len()).ok()?;
            let (mut left, mut from_the_end) = (total, count);
            let mut parts = Vec::with_capacity(weights.len());
            // a fraction and its place as one number: the larger fraction is larger, of equal ones the earlier line's
            let mut fractions = Vec::with_capacity(weights.len());
            for weight in weights {
                let product = total.checked_mul(<$width>::try_from(*weight).ok()?)?;
                let part = product.checked_div(whole)?;
                left = left.checked_sub(part)?;
                from_the_end = from_the_end.checked_sub(1)?;
                parts.push(i64::try_from(part).ok()?);
                fractions.push(product.checked_rem(whole)?.checked_mul(count)?.checked_add(from_the_end)?);
            }
            // what is left is the sum of the fractions in wholes, so that there are more fractions than that
            let left = usize::try_from(left).ok()?;
            if left > 0 && left < fractions.len() {
                fractions.select_nth_unstable_by(left, |one, other| other.cmp(one));
            }
            for fraction in fractions.iter().take(left) {
                let from_the_end = usize::try_from(fraction.checked_rem(count)?).ok()?;
                let part = parts.iter_mut().rev().nth(from_the_end)?;
                *part = part.checked_add(1)?;
            }
            Some(parts)
        }
    };
}
by_largest_remainder!(narrow, u64);
by_largest_remainder!(wide, u128);

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
