//! The claim of an anonymous order: a receipt scanned later. What the order cost stays as it was paid; what it earns is
//! judged as of the member who claims it. Goods that were returned before earn nothing.

use domain::judgement::{Explanation, Grant, Judgement, Standing};
use domain::plan::{Claim, Message, NewLot, Plan, StatisticsUpdate};
use domain::snapshot::{Member, RecordedOrder, Snapshot};
use domain::{Money, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::orders::{put_off, relied_on};
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;
use crate::standing::{Change, record, reviewed_if_late, statistics, with_change};

/// What a claim brings about.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub plan: Plan,
    pub earned: Points,
    pub lots: Vec<NewLot>,
    /// Where the member stands then.
    pub standing: Standing,
    pub balance: Balance,
}

/// Gives an anonymous order to the snapshot's member, once. `standing` says where a member stands among the tiers.
///
/// # Errors
/// [`Refusal::AlreadyClaimed`] for an order that has a member, [`Refusal::AlreadyReturned`] for a cancelled one.
pub fn claim(
    snapshot: &Snapshot,
    judgement: &Judgement,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    mut command: Command,
) -> Result<Claimed, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    let order = snapshot.order.as_ref().ok_or(Refusal::OrderNotFound)?;
    if order.member_id.is_some() {
        return Err(Refusal::AlreadyClaimed);
    }
    if order.status == "cancelled" {
        return Err(Refusal::AlreadyReturned { line: None, left: domain::Quantity::ZERO });
    }
    command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let cause = Cause { occurred_at: order.occurred_at, order_id: Some(order.id), redemption_id: None };
    let (grants, kept) = grants_of_what_is_kept(order, judgement);
    let earned: Points = grants.iter().map(|grant| grant.points).sum();
    let mut explanations = judgement.explanations.clone();
    if earned < judgement.earned {
        let less = Points(earned.0 - judgement.earned.0);
        let reason = "Goods that were returned before the claim earn nothing".to_owned();
        explanations.push(Explanation::fact("clawback", less, "returned", reason));
    }
    let lots = account.grant(Kind::Earn, &grants, cause, &explanations, &mut command.ids)?;
    let lot_of = |grant: usize| kept.get(grant).copied().flatten().and_then(|place| lots.get(place)).map(|lot| lot.id);
    let lines = order.lines.iter().zip(&judgement.lines);
    let claimed_lines = lines
        .clone()
        .map(|(line, judged)| {
            let shares = judged.shares.iter().filter_map(|(grant, points)| Some((lot_of(*grant)?, *points))).collect();
            (order.id, line.n, judged.qualifying, shares)
        })
        .collect();
    let qualifying: Money =
        lines.map(|(line, judged)| Money(left_of(judged.qualifying.0, line.returned.0, line.quantity.0))).sum();
    let extensions = put_off(&mut account, member.id, snapshot, judgement);
    let balance = account.balance();
    let change = Change {
        orders: 1,
        spend: qualifying,
        largest_order: member.largest_order.max(qualifying),
        earned,
        lifetime_earned: balance.lifetime_earned,
        occurred_at: order.occurred_at,
    };
    let stands = standing(&with_change(member, &snapshot.windows, change)?);
    let mut update = StatisticsUpdate {
        orders: 1,
        qualifying_spend: qualifying,
        order_at: Some(order.occurred_at),
        ..statistics(member, &stands, command.now)
    };
    reviewed_if_late(&snapshot.windows, order.occurred_at, command.now, &mut update);
    let mut plan = Plan {
        claims: vec![Claim { id: order.id, revision: order.revision, member_id: member.id, earned }],
        claimed_lines,
        entries: account.into_entries(),
        redemption_updates,
        budgets: relied_on(terms, &grants),
        extensions,
        outbox: vec![Message {
            member_id: Some(member.id),
            kind: "order.claimed",
            payload: json!({"order": order.reference, "points": amount::format(earned.0, terms.points_scale)}),
        }],
        ..Plan::default()
    };
    record(&mut plan, member, &stands, update);
    Ok(Claimed { plan, earned, lots, standing: stands, balance })
}

/// What is left of a line's amount after its returns, which take cumulative shares of the whole.
fn left_of(whole: i64, returned: i64, quantity: i64) -> i64 {
    whole.saturating_sub(amount::share(whole, returned, quantity))
}

/// The grants less the shares of returned goods, without those of which nothing is left; and for each grant of the
/// judgement its place among them.
fn grants_of_what_is_kept(order: &RecordedOrder, judgement: &Judgement) -> (Vec<Grant>, Vec<Option<usize>>) {
    let mut grants: Vec<Grant> = Vec::new();
    let places = judgement.grants.iter().enumerate().map(|(index, grant)| {
        let points: Points = order
            .lines
            .iter()
            .zip(&judgement.lines)
            .flat_map(|(line, judged)| judged.shares.iter().map(move |share| (line, share)))
            .filter(|(_, (of, _))| *of == index)
            .map(|(line, (_, points))| Points(left_of(points.0, line.returned.0, line.quantity.0)))
            .sum();
        if points.is_zero() {
            return None;
        }
        grants.push(Grant { points, ..grant.clone() });
        Some(grants.len() - 1)
    });
    let places = places.collect();
    (grants, places)
}
