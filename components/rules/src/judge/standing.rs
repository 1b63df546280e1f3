//! Where a member stands among the tiers: reached, kept for a while, or given.

use crate::document::{Document, Downgrade, Window};
use crate::engine::{Member, NextTier, Standing, Tier, TierBasis};
use crate::limits::{FIRST_INSTANT, MAX_UNITS};

/// The tier held, and why it will not last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held<'d> {
    /// None: the first one is not reached.
    pub tier: Option<&'d Tier>,
    /// It was given until then.
    pub until: Option<i64>,
    /// It is no longer fulfilled and kept until then.
    pub grace_until: Option<i64>,
}

/// The tier held at an instant, and what is missing to the next.
pub fn standing(document: &Document, member: &Member, at: i64) -> Standing {
    let tiers = &document.settings.tiers;
    let held = held(document, member, at);
    let counted = counted(document, member);
    let rank = rank_of(tiers, held.tier.map(|tier| tier.id.as_str()));
    let above = tiers.iter().skip(rank);
    let next = above.map(|tier| (tier, missing(tier, counted))).find(|(_, missing)| *missing > 0);
    Standing {
        tier: held.tier.cloned(),
        next: next.map(|(tier, remaining)| NextTier {
            id: tier.id.clone(),
            name: tier.name.clone(),
            threshold: tier.threshold,
            remaining,
        }),
        until: held.until,
        grace_until: held.grace_until,
    }
}

/// The highest of: the tier fulfilled, the one kept after it was fulfilled, the ones given.
pub fn held<'d>(document: &'d Document, member: &Member, at: i64) -> Held<'d> {
    let tiers = &document.settings.tiers;
    let fulfilled = fulfilled(tiers, counted(document, member));
    let kept = rank_of(tiers, member.tier.as_deref());
    let (own, grace_until) = own_rank(document, member, fulfilled, kept, at);
    let given = member.granted_tiers.iter().filter(|given| given.until.is_none_or(|until| at < until));
    let given = given.map(|given| (rank_of(tiers, Some(&given.id)), given.until)).filter(|(rank, _)| *rank > own);
    // of two grants of one tier the longer one counts, and one without an end longest
    let best = given.max_by_key(|(rank, until)| (*rank, until.is_none(), *until));
    let tier = |rank: usize| rank.checked_sub(1).and_then(|place| tiers.get(place));
    match best {
        Some((rank, until)) => Held { tier: tier(rank), until, grace_until: None },
        None => Held { tier: tier(own), until: None, grace_until },
    }
}

/// The rank without gifts: 0 is none. A tier that is no longer fulfilled is kept for the grace, then lost as the program
/// says.
fn own_rank(document: &Document, member: &Member, fulfilled: usize, kept: usize, at: i64) -> (usize, Option<i64>) {
    let terms = &document.tier_terms;
    if fulfilled >= kept || given(document, member, kept) {
        return (fulfilled, None);
    }
    let lower = match terms.downgrade {
        Downgrade::None => return (kept, None),
        Downgrade::ByValue => fulfilled,
        Downgrade::OneStep => kept.saturating_sub(1).max(fulfilled),
    };
    if terms.grace_days == 0 {
        return (lower, None);
    }
    // the grace begins with the first look at what is no longer fulfilled
    let until = member.grace_until.or_else(|| document.zone.end_of_day(at, terms.grace_days).ok());
    match until {
        Some(until) if at < until => (kept, Some(until)),
        _ => (lower, None),
    }
}

/// Whether the tier that was held had only been given: such a one is not kept.
fn given(document: &Document, member: &Member, rank: usize) -> bool {
    member.granted_tiers.iter().any(|given| rank_of(&document.settings.tiers, Some(&given.id)) == rank)
}

/// How many tiers there are up to this one; 0 for none, or one that the program does not have.
fn rank_of(tiers: &[Tier], id: Option<&str>) -> usize {
    let place = id.and_then(|id| tiers.iter().position(|tier| tier.id == id));
    place.map_or(0, |place| place.saturating_add(1))
}

/// How many tiers are fulfilled by so much.
fn fulfilled(tiers: &[Tier], counted: i64) -> usize {
    tiers.iter().take_while(|tier| missing(tier, counted) == 0).count()
}

/// What the program counts of the member toward the tiers.
pub fn counted(document: &Document, member: &Member) -> i64 {
    let since = has_window(document).then(|| member.activity.first()).flatten();
    match (document.tier_terms.basis, since) {
        (TierBasis::Spend, None) => member.qualifying_spend,
        (TierBasis::Orders, None) => member.orders.into(),
        (TierBasis::Points, None) => member.earned,
        (TierBasis::Spend, Some(since)) => since.spend,
        (TierBasis::Orders, Some(since)) => since.orders.into(),
        (TierBasis::Points, Some(since)) => since.earned,
    }
}

/// Whether tiers look at a window: its activity is then the first one of the needs.
pub fn has_window(document: &Document) -> bool {
    !document.settings.tiers.is_empty() && document.tier_terms.window != Window::Lifetime
}

/// When the window of the tiers began.
pub fn window_start(document: &Document, at: i64) -> Option<i64> {
    if !has_window(document) {
        return None;
    }
    let start = match document.tier_terms.window {
        Window::Lifetime => return None,
        Window::Rolling12Months => document.zone.months_before(at, 12),
        Window::CalendarYear => document.zone.start_of_year(at),
    };
    Some(start.unwrap_or(FIRST_INSTANT))
}

/// What is missing to a tier, in units of the basis; 0 when it is fulfilled.
pub fn missing(tier: &Tier, counted: i64) -> i64 {
    let needed = tier.threshold.saturating_add(i64::from(tier.strictly_over));
    needed.saturating_sub(counted.clamp(0, MAX_UNITS)).max(0)
}
