//! Where an accumulated qualifying spend stands among the tiers.

use crate::engine::{NextTier, Standing, Tier};
use crate::limits::MAX_UNITS;

/// The tier held with so much spend (hundredths), and what is missing to the next. Negative spend counts as none.
pub fn standing(tiers: &[Tier], qualifying_spend: i64) -> Standing {
    let next = tiers.iter().find(|tier| missing(tier, qualifying_spend) > 0);
    Standing {
        tier: held(tiers, qualifying_spend).cloned(),
        next: next.map(|tier| NextTier {
            id: tier.id.clone(),
            name: tier.name.clone(),
            threshold: tier.threshold,
            remaining: missing(tier, qualifying_spend),
        }),
    }
}

/// The tier held with so much spend.
pub fn held(tiers: &[Tier], qualifying_spend: i64) -> Option<&Tier> {
    tiers.iter().take_while(|tier| missing(tier, qualifying_spend) == 0).last()
}

/// Spend (hundredths) still missing to a tier; 0 when it is held.
pub fn missing(tier: &Tier, qualifying_spend: i64) -> i64 {
    let needed = tier.threshold.saturating_add(i64::from(tier.strictly_over));
    needed.saturating_sub(qualifying_spend.clamp(0, MAX_UNITS)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(id: &str, threshold: i64, strictly_over: bool) -> Tier {
        Tier { id: id.to_owned(), name: id.to_uppercase(), threshold, strictly_over, rate: None, rate_promo: None }
    }

    /// Expected: the tier held, and the next with what is missing to it.
    fn check(tiers: &[Tier], spend: i64, expected: Option<&str>, next: Option<(&str, i64)>) {
        let standing = standing(tiers, spend);
        assert_eq!(standing.tier.as_ref().map(|tier| tier.id.as_str()), expected, "tier at {spend}");
        let found = standing.next.as_ref().map(|next| (next.id.as_str(), next.remaining));
        assert_eq!(found, next, "next tier at {spend}");
    }

    #[test]
    fn a_threshold_suffices_unless_it_must_be_exceeded() {
        let tiers = [tier("a", 0, false), tier("b", 1_000, false), tier("c", 2_000, true)];
        check(&tiers, -1, Some("a"), Some(("b", 1_000)));
        check(&tiers, 0, Some("a"), Some(("b", 1_000)));
        check(&tiers, 999, Some("a"), Some(("b", 1)));
        check(&tiers, 1_000, Some("b"), Some(("c", 1_001)));
        check(&tiers, 2_000, Some("b"), Some(("c", 1)));
        check(&tiers, 2_001, Some("c"), None);
        check(&tiers, i64::MAX, Some("c"), None);
        check(&tiers, i64::MIN, Some("a"), Some(("b", 1_000)));
    }

    #[test]
    fn the_first_tier_may_be_out_of_reach() {
        check(&[tier("member", 150_000, false)], 0, None, Some(("member", 150_000)));
        check(&[], 5, None, None);
    }
}
