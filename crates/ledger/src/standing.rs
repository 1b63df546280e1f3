//! Where a member stands once a command counts, and what the statistics keep of it.

use domain::judgement::Standing;
use domain::plan::{Message, Plan, StatisticsUpdate};
use domain::snapshot::Member;
use domain::{Instant, Money, Points};
use serde_json::json;

use crate::refusal::Refusal;

/// Milliseconds of a day: an order that is older came late.
const DAY: i64 = 86_400_000;

/// What a command changes in what the program counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    /// +1, 0 or -1.
    pub orders: i64,
    pub spend: Money,
    /// What the member's largest order counts, afterwards.
    pub largest_order: Money,
    /// What the order concerned earned, or lost again.
    pub earned: Points,
    /// All that the member ever earned, afterwards.
    pub lifetime_earned: Points,
    /// When the order concerned happened.
    pub occurred_at: Instant,
}

/// The member with a change; it lies in the windows that began before the order. `windows` are those of the activity.
pub(crate) fn with_change(member: &Member, windows: &[Instant], change: Change) -> Result<Member, Refusal> {
    let mut member = member.clone();
    let overflow = Refusal::Overflow;
    member.orders = member.orders.checked_add(change.orders).ok_or(overflow.clone())?;
    member.qualifying_spend = member.qualifying_spend.checked_add(change.spend).ok_or(overflow.clone())?;
    member.largest_order = change.largest_order;
    member.earned = change.lifetime_earned;
    for (since, begins) in member.activity.iter_mut().zip(windows) {
        if *begins <= change.occurred_at {
            since.orders = since.orders.checked_add(change.orders).ok_or(overflow.clone())?;
            since.spend = since.spend.checked_add(change.spend).ok_or(overflow.clone())?;
            since.earned = since.earned.checked_add(change.earned).ok_or(overflow.clone())?;
        }
    }
    Ok(member)
}

/// The row of the statistics for a member who stands so now. It adds nothing yet: orders and spend are the caller's.
pub(crate) fn statistics(member: &Member, standing: &Standing, now: Instant) -> StatisticsUpdate {
    let tier = standing.tier.as_ref().map(|tier| tier.id.clone());
    StatisticsUpdate {
        member_id: member.id,
        revision: member.revision,
        orders: 0,
        qualifying_spend: Money::ZERO,
        // unchanged unless it becomes another one now
        tier_since: if member.tier == tier { member.tier_since } else { Some(now) },
        tier,
        grace_until: standing.grace_until,
        stepped_at: standing.stepped_at,
        own_tier: standing.own_tier.clone(),
        review_at: [standing.until, standing.grace_until].into_iter().flatten().min(),
        order_at: None,
    }
}

/// Where time moves the windows, an order that came late says where the member stood then: the review looks again.
pub(crate) fn reviewed_if_late(windows: &[Instant], occurred_at: Instant, now: Instant, update: &mut StatisticsUpdate) {
    if !windows.is_empty() && occurred_at.0 < now.0.saturating_sub(DAY) {
        update.review_at = Some(now);
    }
}

/// Puts the row into the plan, and tells of another tier.
pub(crate) fn record(plan: &mut Plan, member: &Member, standing: &Standing, update: StatisticsUpdate) {
    if update.tier != member.tier {
        plan.outbox.push(Message {
            member_id: Some(member.id),
            kind: "tier.changed",
            payload: json!({
                "from": member.tier, "to": update.tier, "until": standing.until.map(|until| until.to_string()),
            }),
        });
    }
    plan.statistics.push(update);
}
