//! Where a member stands among the tiers: reached, kept for a while, or given; and whether the membership has started at all.

use crate::document::{Document, Downgrade, Start, Window};
use crate::engine::{Member, NextTier, Standing, Tier, TierBasis};
use crate::limits::{END_OF_INSTANTS, FIRST_INSTANT, MAX_UNITS};

/// The tier held, and the one held without gifts, and why they will not last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held<'d> {
    /// None: the first one is not reached.
    pub tier: Option<&'d Tier>,
    /// It was given until then.
    pub until: Option<i64>,
    /// The tier held without gifts: reached, or kept.
    pub own: Option<&'d Tier>,
    /// That one is no longer fulfilled and kept until then.
    pub grace_until: Option<i64>,
    /// A step down led to that one then.
    pub stepped_at: Option<i64>,
}

/// The rank that is held without gifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own {
    /// How many tiers there are up to it; 0 is none.
    rank: usize,
    grace_until: Option<i64>,
    stepped_at: Option<i64>,
}

/// The tier held at an instant, and what is missing to the next.
pub fn standing(document: &Document, member: &Member, at: i64) -> Standing {
    let tiers = &document.settings.tiers;
    let held = held(document, member, at);
    let rank = rank_of(tiers, held.tier.map(|tier| tier.id.as_str()));
    let above: Vec<_> = tiers.iter().skip(rank).map(|tier| (tier, missing_to(document, member, tier))).collect();
    let start = missing_start(document, member);
    let next = match (start, above.first()) {
        // the order that starts the membership may lead to one that lies further up
        (Some(_), Some((_, nearest))) => above.iter().take_while(|(_, missing)| missing == nearest).last(),
        _ => above.iter().find(|(_, missing)| *missing > 0),
    };
    Standing {
        tier: held.tier.cloned(),
        next: next.map(|(tier, remaining)| NextTier {
            id: tier.id.clone(),
            name: tier.name.clone(),
            threshold: tier.threshold,
            remaining: *remaining,
            order_min: start.map(|start| start.order_min),
        }),
        until: held.until,
        grace_until: held.grace_until,
        stepped_at: held.stepped_at,
        own_tier: held.own.map(|tier| tier.id.clone()),
    }
}

/// The highest of: the tier fulfilled, the one kept after it was fulfilled, the ones given.
pub fn held<'d>(document: &'d Document, member: &Member, at: i64) -> Held<'d> {
    let tiers = &document.settings.tiers;
    let own = match missing_start(document, member) {
        // nothing was reached, and nothing is kept
        Some(_) => Own { rank: 0, grace_until: None, stepped_at: None },
        None => {
            let fulfilled = fulfilled(tiers, counted(document, member));
            own_rank(document, member, fulfilled, rank_of(tiers, member.tier.as_deref()), at)
        }
    };
    let given = member.granted_tiers.iter().filter(|given| given.until.is_none_or(|until| at < until));
    let given = given.map(|given| (rank_of(tiers, Some(&given.id)), given.until)).filter(|(rank, _)| *rank > own.rank);
    // of two grants of one tier the longer one counts, and one without an end longest
    let best = given.max_by_key(|(rank, until)| (*rank, until.is_none(), *until));
    let tier = |rank: usize| rank.checked_sub(1).and_then(|place| tiers.get(place));
    let (rank, until) = best.unwrap_or((own.rank, None));
    let Own { grace_until, stepped_at, .. } = own;
    Held { tier: tier(rank), until, own: tier(own.rank), grace_until, stepped_at }
}

/// The rank without gifts. A tier that is no longer fulfilled is kept for the grace, then lost as the program says.
fn own_rank(document: &Document, member: &Member, fulfilled: usize, kept: usize, at: i64) -> Own {
    let reached = Own { rank: fulfilled, grace_until: None, stepped_at: None };
    if fulfilled > kept {
        return reached;
    }
    if fulfilled == kept {
        // fulfilled again, and the step that led to it may still protect it
        return Own { stepped_at: member.stepped_at, ..reached };
    }
    match document.tier_terms.downgrade {
        Downgrade::None => Own { rank: kept, ..reached },
        Downgrade::OneStep => stepped_down(document, member, fulfilled, kept, at),
        Downgrade::ByValue => match grace_end(document, member, at) {
            Some(until) if at < until => Own { rank: kept, grace_until: Some(until), ..reached },
            _ => reached,
        },
    }
}

/// Until when a tier is kept for the grace; none without one. It begins with the first look at what is no longer fulfilled.
fn grace_end(document: &Document, member: &Member, at: i64) -> Option<i64> {
    let days = document.tier_terms.grace_days;
    if days == 0 {
        return None;
    }
    member.grace_until.or_else(|| document.zone.end_of_day(at, days).ok())
}

/// One step down a period: the tier that a step leads to is kept for a whole one, whatever comes back meanwhile. Steps that
/// nobody looked at happened each at its time, so that a look that comes late finds what an earlier one would have.
fn stepped_down(document: &Document, member: &Member, fulfilled: usize, kept: usize, at: i64) -> Own {
    let protected = member.stepped_at.map(|stepped_at| period_end(document, stepped_at));
    let mut until = match (member.grace_until, protected) {
        // it was no longer fulfilled the last time, either: what it was told then stands
        (Some(until), Some(_)) => until,
        (None, Some(protected)) if at < protected => protected,
        _ => grace_end(document, member, at).unwrap_or(at),
    };
    let (mut rank, mut stepped_at) = (kept, member.stepped_at);
    while rank > fulfilled && until <= at {
        rank = rank.saturating_sub(1);
        stepped_at = Some(until);
        until = period_end(document, until);
    }
    Own { rank, grace_until: (rank > fulfilled).then_some(until), stepped_at }
}

/// Until when the tier is kept that a step down led to: to the end of the calendar year where that is the window, else for
/// twelve months.
fn period_end(document: &Document, stepped_at: i64) -> i64 {
    let end = match document.tier_terms.window {
        Window::CalendarYear => document.zone.start_of_next_year(stepped_at),
        Window::Lifetime | Window::Rolling12Months => document.zone.end_of_day_after_months(stepped_at, 12),
    };
    end.unwrap_or(END_OF_INSTANTS)
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

/// The purchase with which the membership starts, where it has not started yet.
pub fn missing_start(document: &Document, member: &Member) -> Option<Start> {
    document.start.filter(|start| member.largest_order < start.order_min)
}

/// What is missing to a tier, in units of the basis, with the order that starts the membership; 0 when it is fulfilled.
pub fn missing_to(document: &Document, member: &Member, tier: &Tier) -> i64 {
    let missing = missing(tier, counted(document, member));
    match (missing_start(document, member), document.tier_terms.basis) {
        (None, _) => missing,
        (Some(start), TierBasis::Spend) => missing.max(start.order_min),
        (Some(_), TierBasis::Orders | TierBasis::Points) => missing.max(1),
    }
}

/// What is missing to a tier, in units of the basis; 0 when it is fulfilled.
fn missing(tier: &Tier, counted: i64) -> i64 {
    let needed = tier.threshold.saturating_add(i64::from(tier.strictly_over));
    needed.saturating_sub(counted.clamp(0, MAX_UNITS)).max(0)
}
