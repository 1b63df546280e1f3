//! "Buy 340.00 more, get 100.00 points": what the nearest minimum would bring.

use crate::engine::Offer;
use crate::limits::MAX_OFFERS;
use crate::money::{self, Overflow};

use super::earning::{self, Purchase, Supposition, Verdict};
use super::explaining::{Miss, Teller};

/// One offer for each rule that only lacks the minimum of the order, nearest first.
///
/// The rule is tried as if the order had just reached its minimum with regular goods; what it gives replaces what
/// later rules give now for the lines that it would take.
pub fn offers(purchase: &Purchase, verdicts: &[Verdict], earned: i64) -> Vec<Offer> {
    let mut near: Vec<_> = verdicts.iter().enumerate().filter_map(|(rule, verdict)| lacking(rule, verdict)).collect();
    near.sort_by_key(|supposition| supposition.extra);
    let teller = Teller::of(&purchase.document.settings);
    let offer = |supposition: Supposition| {
        let points = money::subtract(total(purchase, supposition).ok()?, earned).ok()?;
        let rule = purchase.document.earning.get(supposition.rule)?;
        (points > 0).then(|| teller.offer(&rule.id, supposition.extra, points))
    };
    near.into_iter().take(MAX_OFFERS).filter_map(offer).collect()
}

fn lacking(rule: usize, verdict: &Verdict) -> Option<Supposition> {
    match verdict {
        Verdict::Misses(Miss::BelowMinimum { missing, .. }) => Some(Supposition { rule, extra: *missing }),
        _ => None,
    }
}

/// What all rules would give.
fn total(purchase: &Purchase, supposition: Supposition) -> Result<i64, Overflow> {
    let verdicts = earning::judge(purchase, Some(supposition))?;
    money::sum(verdicts.iter().map(Verdict::points))
}
