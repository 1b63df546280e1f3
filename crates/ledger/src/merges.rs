//! Duplicates: one member takes over another, with lots, identities, orders, redemptions and statistics.

use domain::judgement::{Explanation, Standing};
use domain::plan::{Merge, Message, Plan, StatisticsUpdate};
use domain::snapshot::Snapshot;
use domain::{Id, Money, Points};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Terms};
use crate::balance::Balance;
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;

/// What a merge brings about.
#[derive(Clone, Debug)]
pub struct Merged {
    pub plan: Plan,
    pub from: Id,
    pub balance: Balance,
    /// Of both together.
    pub qualifying_spend: Money,
    pub orders: i64,
}

/// Lets the snapshot's member take over the other one. `standing` says where a qualifying spend stands among the tiers.
/// Open holds go on, returns of the other's orders find their lots, and its ids mean this member from now on.
///
/// # Errors
/// [`Refusal::SameMember`] when both are one already, [`Refusal::OtherMemberNotFound`] without the other one.
pub fn merge(
    snapshot: &Snapshot,
    standing: impl FnOnce(Money) -> Standing,
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
    account.take_over(&mut leaving, cause, explain, &mut command.ids)?;

    let qualifying_spend = member.qualifying_spend.checked_add(other.qualifying_spend).ok_or(Refusal::Overflow)?;
    let orders = member.orders.checked_add(other.orders).ok_or(Refusal::Overflow)?;
    let tier = standing(qualifying_spend).tier.map(|tier| tier.id);
    let tier_since = if tier == member.tier {
        member.tier_since
    } else if tier == other.tier {
        other.tier_since
    } else {
        Some(command.now)
    };
    let gains = StatisticsUpdate {
        member_id: member.id,
        revision: member.revision,
        orders: other.orders,
        qualifying_spend: other.qualifying_spend,
        tier,
        tier_since,
        order_at: None,
    };
    let loses = StatisticsUpdate {
        member_id: other.id,
        revision: other.revision,
        orders: -other.orders,
        qualifying_spend: Money(-other.qualifying_spend.0),
        tier: None,
        tier_since: None,
        order_at: None,
    };
    // overdue holds of both are left to the job, and released to look at only
    let holds = snapshot.holds.iter().chain(&snapshot.other_holds).cloned().collect();
    let mut shown = account.clone();
    release_overdue(&mut shown, &Snapshot { holds, ..Snapshot::default() }, None, &mut command)?;
    let balance = shown.balance();
    let plan = Plan {
        merges: vec![Merge { from: other.id, into: member.id }],
        entries: leaving.into_entries().into_iter().chain(account.into_entries()).collect(),
        statistics: vec![gains, loses],
        outbox: vec![Message {
            member_id: Some(member.id),
            kind: "member.merged",
            payload: json!({"from": other.id.external("mem")}),
        }],
        ..Plan::default()
    };
    Ok(Merged { plan, from: other.id, balance, qualifying_spend, orders })
}
