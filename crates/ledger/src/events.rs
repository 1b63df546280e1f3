//! What members do beside buying: an event is kept, and gives what the rules say of it.

use domain::judgement::{Rewarded, Standing};
use domain::order::Event;
use domain::plan::{Message, NewEvent, NewGrantedTier, NewLot, Plan};
use domain::snapshot::{GrantedTier, Member, Snapshot};
use domain::{Id, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::orders::relied_on;
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;
use crate::standing::{record, reviewed_if_late, statistics};

/// What an event brings about.
#[derive(Clone, Debug)]
pub struct Happened {
    pub plan: Plan,
    pub id: Id,
    pub earned: Points,
    pub lots: Vec<NewLot>,
    pub standing: Standing,
    pub balance: Balance,
}

/// Records an event of the snapshot's member. What it gives is locked by the statistics, like an order: caps and budgets
/// are judged by what was there before.
///
/// # Errors
/// [`Refusal::OtherContent`] for an event that is known already, [`Refusal::Overflow`] beyond what one operation may move.
pub fn record_event(
    snapshot: &Snapshot,
    event: &Event,
    rewarded: &Rewarded,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    content_hash: &str,
    mut command: Command,
) -> Result<Happened, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    if snapshot.event.as_ref().is_some_and(|known| known.content_hash != content_hash) {
        return Err(Refusal::OtherContent { what: "event" });
    }
    let id = command.ids.next();
    let rules: Vec<String> =
        rewarded.explanations.iter().filter(|given| given.fired).map(|given| given.rule_id.clone()).collect();
    let earned: Points = rewarded.grants.iter().map(|grant| grant.points).sum();
    let mut plan = Plan {
        events: vec![NewEvent {
            id,
            reference: event.reference.clone(),
            member_id: member.id,
            type_name: event.type_name.clone(),
            content_hash: content_hash.to_owned(),
            occurred_at: event.occurred_at,
            channel: event.channel.clone(),
            data: event.data.to_string(),
            earned,
            program_version: terms.program_version,
            rules: rules.clone(),
        }],
        ..Plan::default()
    };
    if rules.is_empty() {
        let account = Account::open_settled(member, snapshot, terms, command.now)?;
        let balance = account.balance();
        return Ok(Happened { plan, id, earned, lots: Vec::new(), standing: standing(member), balance });
    }
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    plan.redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let cause = Cause { occurred_at: event.occurred_at, ..Cause::default() };
    let lots = account.grant(Kind::Earn, &rewarded.grants, cause, &rewarded.explanations, &mut command.ids)?;
    let balance = account.balance();
    let mut after = Member { earned: balance.lifetime_earned, ..member.clone() };
    if let Some(given) = &rewarded.tier {
        after.granted_tiers.push(GrantedTier { id: given.id.clone(), until: given.until });
        plan.granted_tiers.push(NewGrantedTier {
            id: command.ids.next(),
            member_id: member.id,
            tier: given.id.clone(),
            until: given.until,
            event_id: Some(id),
            reason: None,
        });
    }
    let stands = standing(&after);
    if !earned.is_zero() {
        plan.outbox.push(Message {
            member_id: Some(member.id),
            kind: "points.earned",
            payload: json!({"event": event.reference, "points": amount::format(earned.0, terms.points_scale), "lots": lots.len()}),
        });
    }
    let mut update = statistics(member, &stands, command.now);
    reviewed_if_late(&snapshot.windows, event.occurred_at, command.now, &mut update);
    record(&mut plan, member, &stands, update);
    plan.budgets = relied_on(terms, &rewarded.grants);
    plan.entries = account.into_entries();
    Ok(Happened { plan, id, earned, lots, standing: stands, balance })
}
