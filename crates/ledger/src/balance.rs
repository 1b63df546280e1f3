//! What a member has at a moment, computed from the lots: activation and expiry are time, not operations.

use std::collections::BTreeMap;

use domain::snapshot::Lot;
use domain::{Instant, Points};

/// Points with a date, as a sum over lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    pub points: Points,
    pub at: Instant,
}

/// A member's balance at `as_of`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Active now. A deficit is set aside before any of it can be spent.
    pub available: Points,
    /// Granted, not active yet.
    pub pending: Points,
    pub held: Points,
    /// Owed: taken back after they were spent. The next earning pays it.
    pub deficit: Points,
    /// Granted in all, less what was taken back.
    pub lifetime_earned: Points,
    pub lifetime_redeemed: Points,
    pub lifetime_expired: Points,
    /// What is available now and will expire, soonest first.
    pub expiring: Vec<Dated>,
    /// What is pending, soonest first.
    pub activating: Vec<Dated>,
    pub as_of: Instant,
}

/// Sums of the lots at a moment: (available, pending, due but not expired by the job yet).
pub(crate) fn by_state(lots: &[Lot], at: Instant) -> (Points, Points, Points) {
    let sum = |chosen: &dyn Fn(&Lot) -> bool| lots.iter().filter(|lot| chosen(lot)).map(|lot| lot.remaining).sum();
    (sum(&|lot| lot.is_live(at)), sum(&|lot| lot.activates_at > at && !lot.is_due(at)), sum(&|lot| lot.is_due(at)))
}

/// The lots' points by date, soonest first; lots without a date are left out.
pub(crate) fn by_date<'a>(lots: impl Iterator<Item = (&'a Lot, Option<Instant>)>) -> Vec<Dated> {
    let mut dates: BTreeMap<Instant, i64> = BTreeMap::new();
    for (lot, date) in lots {
        if let Some(date) = date {
            let sum = dates.entry(date).or_default();
            *sum = sum.saturating_add(lot.remaining.0);
        }
    }
    dates.into_iter().map(|(at, points)| Dated { points: Points(points), at }).collect()
}
