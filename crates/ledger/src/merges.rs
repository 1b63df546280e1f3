//! Duplicates: one member takes over another, with lots, identities, orders, redemptions and statistics.

use domain::judgement::{Explanation, Standing};
use domain::plan::{Merge, Message, Plan, StatisticsUpdate};
use domain::snapshot::{Member, Snapshot};
use domain::{Id, Money, Points};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Terms};
use crate::balance::Balance;
use crate::redemptions::release_overdue;
use crate::referrals::on_merge;
use crate::refusal::Refusal;
use crate::standing::{record, statistics};

/// What a merge brings about.
#[derive(Clone, Debug)]
pub struct Merged {
    pub plan: Plan,
    pub from: Id,
    pub balance: Balance,
    /// Of both together.
    pub qualifying_spend: Money,
    pub orders: i64,
    /// Where the member stands then.
    pub standing: Standing,
}

/// Lets the snapshot's member take over the other one. `standing` says where a member stands among the tiers.
/// Open holds go on, returns of the other's orders find their lots, and its ids mean this member from now on.
///
/// # Errors
/// [`Refusal::SameMember`] when both are one already, [`Refusal::OtherMemberNotFound`] without the other one.
pub fn merge(
    snapshot: &Snapshot,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    mut command: Command,
) -> Result<Merged, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    let other = snapshot.other.as_ref().ok_or(Refusal::OtherMemberNotFound)?;
    if member.id == other.id {
        return Err(Refusal::SameMember);
    }
    command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let mut leaving = Account::open(other, &snapshot.other_lots, terms, command.now);
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    let explain = |points: Points| {
        let reason = "Two memberships of one person became one".to_owned();
        Explanation::fact("merge", points, "merged", reason)
    };
    let mut taken_back = Plan::default();
    on_merge(snapshot, &mut account, &mut leaving, &mut taken_back, terms, &mut command)?;
    account.take_over(&mut leaving, cause, explain, &mut command.ids)?;

    let qualifying_spend = member.qualifying_spend.checked_add(other.qualifying_spend).ok_or(Refusal::Overflow)?;
    let orders = member.orders.checked_add(other.orders).ok_or(Refusal::Overflow)?;
    let balance = account.balance();
    let both = together(member, other, balance.lifetime_earned)?;
    let as_other = Member {
        tier: other.tier.clone(),
        own_tier: other.own_tier.clone(),
        grace_until: other.grace_until,
        stepped_at: other.stepped_at,
        ..both.clone()
    };
    let stands = better(standing(&both), standing(&as_other));
    let gains = statistics(member, &stands, command.now);
    let tier_since = match &gains.tier {
        tier if *tier != member.tier && *tier == other.tier => other.tier_since,
        _ => gains.tier_since,
    };
    let gains = StatisticsUpdate { orders: other.orders, qualifying_spend: other.qualifying_spend, tier_since, ..gains };
    let loses = StatisticsUpdate {
        orders: -other.orders,
        qualifying_spend: Money(-other.qualifying_spend.0),
        tier_since: None,
        ..statistics(other, &Standing::default(), command.now)
    };
    // overdue holds of both are left to the job, and released to look at only
    let holds = snapshot.holds.iter().chain(&snapshot.other_holds).cloned().collect();
    let mut shown = account.clone();
    release_overdue(&mut shown, &Snapshot { holds, ..Snapshot::default() }, None, &mut command)?;
    let balance = shown.balance();
    let mut plan = Plan {
        merges: vec![Merge { from: other.id, into: member.id }],
        entries: leaving.into_entries().into_iter().chain(account.into_entries()).chain(taken_back.entries).collect(),
        outbox: std::iter::once(Message {
            member_id: Some(member.id),
            kind: "member.merged",
            payload: json!({"from": other.id.external("mem")}),
        })
        .chain(taken_back.outbox)
        .collect(),
        ..taken_back
    };
    record(&mut plan, member, &stands, gains);
    plan.statistics.push(loses);
    Ok(Merged { plan, from: other.id, balance, qualifying_spend, orders, standing: stands })
}

/// Both as one member, with what each had reached, was given and did.
fn together(member: &Member, other: &Member, lifetime_earned: Points) -> Result<Member, Refusal> {
    let mut both = member.clone();
    both.qualifying_spend = both.qualifying_spend.checked_add(other.qualifying_spend).ok_or(Refusal::Overflow)?;
    both.orders = both.orders.checked_add(other.orders).ok_or(Refusal::Overflow)?;
    both.largest_order = both.largest_order.max(other.largest_order);
    both.earned = lifetime_earned;
    both.granted_tiers.extend(other.granted_tiers.iter().cloned());
    for (since, theirs) in both.activity.iter_mut().zip(&other.activity) {
        since.orders = since.orders.checked_add(theirs.orders).ok_or(Refusal::Overflow)?;
        since.spend = since.spend.checked_add(theirs.spend).ok_or(Refusal::Overflow)?;
        since.earned = since.earned.checked_add(theirs.earned).ok_or(Refusal::Overflow)?;
    }
    Ok(both)
}

/// A tier that either of them keeps is kept: the higher one.
fn better(one: Standing, other: Standing) -> Standing {
    let threshold = |standing: &Standing| standing.tier.as_ref().map(|tier| tier.threshold);
    if threshold(&other) > threshold(&one) { other } else { one }
}
