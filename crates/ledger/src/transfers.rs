//! Points given by one member to another.

use domain::judgement::Explanation;
use domain::plan::{Message, NewLot, Plan};
use domain::snapshot::Snapshot;
use domain::{Id, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Terms};
use crate::balance::Balance;
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;

/// What a transfer brings about.
#[derive(Clone, Debug)]
pub struct Transferred {
    pub plan: Plan,
    /// The sender's entry.
    pub entry: Id,
    pub to: Id,
    /// The receiver's new lots.
    pub lots: Vec<NewLot>,
    /// The sender's.
    pub balance: Balance,
}

/// Gives points that can be spent now to another member, nearest expiry first. They keep their dates.
///
/// # Errors
/// [`Refusal::InsufficientPoints`] when there are fewer, [`Refusal::SameMember`] for a member's transfer to itself,
/// [`Refusal::OtherMemberNotFound`] without a receiver.
pub fn transfer(
    snapshot: &Snapshot,
    points: Points,
    reason: &str,
    terms: &Terms,
    mut command: Command,
) -> Result<Transferred, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    let receiver = snapshot.other.as_ref().ok_or(Refusal::OtherMemberNotFound)?;
    if member.id == receiver.id {
        return Err(Refusal::SameMember);
    }
    command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let mut receiving = Account::open(receiver, &snapshot.other_lots, terms, command.now);
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    let explain = |points: Points, code: &str| [Explanation::fact("transfer", points, code, reason.to_owned())];
    let (entry, taken) = account.send(points, cause, &explain(Points(-points.0), "sent"), &mut command.ids)?;
    let lots = receiving.receive((entry, &taken), cause, &explain(points, "received"), &mut command.ids)?;
    let told = |member_id: Id, kind: &'static str, points: i64| Message {
        member_id: Some(member_id),
        kind,
        payload: json!({"points": amount::format(points, terms.points_scale)}),
    };
    let balance = account.balance();
    let plan = Plan {
        redemption_updates,
        entries: account.into_entries().into_iter().chain(receiving.into_entries()).collect(),
        outbox: vec![told(member.id, "points.sent", points.0), told(receiver.id, "points.received", points.0)],
        ..Plan::default()
    };
    Ok(Transferred { plan, entry, to: receiver.id, lots, balance })
}
