//! A purchase: captures the points held for it, earns, counts toward the tiers.

use domain::judgement::{Budget, Grant, Judgement};
use domain::order::Order;
use domain::plan::{
    Extension, Message, NewLine, NewLot, NewOrder, OrderUpdate, Plan, RedemptionUpdate, StatisticsUpdate, UsedVoucher,
};
use domain::referral::NewDevice;
use domain::snapshot::{Member, Redemption, RedemptionStatus, Snapshot};
use domain::{Id, Instant, Money, Points, amount};
use serde_json::json;

use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::redemptions::release_overdue;
use crate::referrals::{Decided, on_waiting};
use crate::refusal::Refusal;
use crate::standing::{record, reviewed_if_late, statistics};
use crate::{Command, redemptions};

/// What recording an order brings about.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub plan: Plan,
    /// None for an anonymous order.
    pub balance: Option<Balance>,
    pub earned: Points,
    pub lots: Vec<NewLot>,
    pub redeemed: Points,
    pub redeemed_money: Money,
    /// What became of the referral by which the member came, where this order decided it.
    pub referral: Option<Decided>,
}

/// What the member's redemption pays on an order, as it was agreed: (points, money).
///
/// # Errors
/// The redemption must be this member's, open or captured for this very order, and within its deadline.
pub fn pay_with(redemption: &Redemption, member: &Member, order_ref: &str, now: Instant) -> Result<(Points, Money), Refusal> {
    redemptions::belongs_to(redemption, member)?;
    if redemption.used_by.is_some() {
        return Err(Refusal::RedemptionClosed { status: redemption.status.word() });
    }
    match redemptions::status_at(redemption, now) {
        RedemptionStatus::Held => Ok((redemption.points, redemption.money)),
        // captured by its own call before the order came
        RedemptionStatus::Captured => match &redemption.order_ref {
            Some(other) if other != order_ref => Err(Refusal::OtherOrder { order_ref: other.clone() }),
            _ => Ok((redemption.captured, redemptions::money_of(redemption, redemption.captured))),
        },
        RedemptionStatus::AwaitingConfirmation => Err(Refusal::ConfirmationRequired),
        RedemptionStatus::Released => Err(Refusal::RedemptionClosed { status: redemption.status.word() }),
        RedemptionStatus::Expired => Err(Refusal::HoldExpired { deadline: redemption.hold_expires_at }),
    }
}

/// Records a member's order. The judgement must have been made with what [`pay_with`] says is paid.
///
/// # Errors
/// As [`pay_with`]; [`Refusal::OrderChanged`] for a judgement with another payment than that; [`Refusal::OtherContent`]
/// for an order that is known already; and when the member is unknown or an amount is beyond what one operation may move.
pub fn record_order(
    snapshot: &Snapshot,
    order: &Order,
    judgement: &Judgement,
    terms: &Terms,
    content_hash: &str,
    mut command: Command,
) -> Result<Recorded, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    if snapshot.order.as_ref().is_some_and(|known| known.content_hash != content_hash) {
        return Err(Refusal::OtherContent { what: "order" });
    }
    let order_id = command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let cause = Cause { occurred_at: order.occurred_at, order_id: Some(order_id), redemption_id: None };
    let paying = snapshot.redemption.as_ref();
    let mut plan = Plan {
        redemption_updates: release_overdue(&mut account, snapshot, paying.map(|paying| paying.id), &mut command)?,
        ..Plan::default()
    };

    let paid = match paying {
        None => (Points::ZERO, Money::ZERO),
        Some(redemption) => pay_with(redemption, member, &order.reference, command.now)?,
    };
    // what the lines say was paid is what returns give back: it must be what is captured
    if (judgement.payment.points, judgement.payment.money) != paid {
        let held_for = paying.map_or(Money::ZERO, |redemption| redemption.items);
        return Err(Refusal::OrderChanged { held_for, items: judgement.items });
    }
    if let Some(redemption) = paying
        && redemption.status == RedemptionStatus::Held
    {
        let hold = redemptions::hold_of(snapshot, redemption)?;
        let cause = Cause { redemption_id: Some(redemption.id), ..cause };
        let entry = account.capture(hold, paid.0, cause, &judgement.payment_explanations, &mut command.ids)?;
        plan.redemption_updates.push(RedemptionUpdate {
            id: redemption.id,
            from: redemption.status.word(),
            status: RedemptionStatus::Captured.word(),
            captured: paid.0,
            capture_entry: Some(entry),
            order_ref: Some(order.reference.clone()),
        });
    }

    let lots = account.grant(Kind::Earn, &judgement.grants, cause, &judgement.explanations, &mut command.ids)?;
    plan.extensions = put_off(&mut account, member.id, snapshot, judgement);
    plan.budgets = relied_on(terms, &judgement.grants);
    plan.used_vouchers = used_vouchers(order_id, order, judgement);
    if !judgement.earned.is_zero() {
        plan.outbox.push(Message {
            member_id: Some(member.id),
            kind: "points.earned",
            payload: json!({"order": order.reference, "points": amount::format(judgement.earned.0, terms.points_scale), "lots": lots.len()}),
        });
    }
    let mut update = StatisticsUpdate {
        orders: 1,
        qualifying_spend: judgement.qualifying,
        order_at: Some(order.occurred_at),
        ..statistics(member, &judgement.after, command.now)
    };
    reviewed_if_late(&snapshot.windows, order.occurred_at, command.now, &mut update);
    record(&mut plan, member, &judgement.after, update);
    plan.orders.push(order_row(order_id, Some(member.id), order, judgement, paying.map(|paying| paying.id), terms, content_hash));
    plan.lines = line_rows(order_id, order, judgement, &lots);
    // nobody is paid for a friend who is still to confirm who they are
    let judged = judgement.referral.as_ref().filter(|_| !member.is_unconfirmed());
    let referral = on_waiting(snapshot, judged, Some(order_id), &mut account, &mut plan, terms, &mut command)?;
    let alone = u8::from(referral.as_ref().is_some_and(|decided| decided.outcome == "paid"));
    plan.devices = snapshot.device.iter().map(|hash| NewDevice { hash: hash.clone(), member_id: member.id, alone }).collect();
    let balance = account.balance();
    plan.entries.splice(0..0, account.into_entries());
    let (redeemed, redeemed_money) = paid;
    Ok(Recorded { plan, balance: Some(balance), earned: judgement.earned, lots, redeemed, redeemed_money, referral })
}

/// Records an order without a member: priced and kept, it earns nothing.
#[must_use]
pub fn record_anonymous(
    order: &Order,
    judgement: &Judgement,
    terms: &Terms,
    content_hash: &str,
    mut command: Command,
) -> Recorded {
    let order_id = command.ids.next();
    let unearned = Judgement {
        earned: Points::ZERO,
        grants: Vec::new(),
        lines: judgement.lines.iter().map(|line| domain::judgement::JudgedLine { shares: Vec::new(), ..line.clone() }).collect(),
        ..judgement.clone()
    };
    let plan = Plan {
        orders: vec![order_row(order_id, None, order, &unearned, None, terms, content_hash)],
        lines: line_rows(order_id, order, &unearned, &[]),
        used_vouchers: used_vouchers(order_id, order, judgement),
        ..Plan::default()
    };
    Recorded {
        plan,
        balance: None,
        earned: Points::ZERO,
        lots: Vec::new(),
        redeemed: Points::ZERO,
        redeemed_money: Money::ZERO,
        referral: None,
    }
}

/// The budgets that these grants are taken from.
pub(crate) fn relied_on(terms: &Terms, grants: &[Grant]) -> Vec<Budget> {
    let granted = |budget: &&Budget| grants.iter().any(|grant| grant.rule_id == budget.rule_id);
    terms.budgets.iter().filter(granted).cloned().collect()
}

/// Lots that live longer by the order. Points that are wholly held are not among the account's lots: the books find them.
pub(crate) fn put_off(account: &mut Account, member_id: Id, snapshot: &Snapshot, judgement: &Judgement) -> Vec<Extension> {
    if !account.extend(&judgement.extensions) && snapshot.holds.is_empty() {
        return Vec::new();
    }
    let at = account.at();
    let longer = judgement.extensions.iter().map(|longer| Extension {
        member_id,
        rule_id: longer.rule_id.clone(),
        at,
        expires_at: longer.expires_at,
    });
    longer.collect()
}

/// Vouchers whose rule fired on the order: of several for the same rule only as many as it took to unlock the goods.
fn used_vouchers(order_id: Id, order: &Order, judgement: &Judgement) -> Vec<UsedVoucher> {
    let fired = |rule: &str| judgement.explanations.iter().any(|given| given.fired && given.rule_id == rule);
    let mut used: Vec<&domain::order::Voucher> = Vec::new();
    for voucher in order.vouchers.iter().filter(|voucher| fired(&voucher.rule_id)) {
        let meant = voucher.skus.is_empty() || order.lines.iter().any(|line| voucher.skus.contains(&line.sku));
        let unlocked = used.iter().any(|other| other.rule_id == voucher.rule_id && other.skus.is_empty());
        if meant && !unlocked {
            used.push(voucher);
        }
    }
    used.into_iter().map(|voucher| UsedVoucher { voucher_id: voucher.id, order_id }).collect()
}

/// An order's row for the plan's next step of its life.
pub(crate) fn step(order: &domain::snapshot::RecordedOrder, status: &'static str) -> OrderUpdate {
    OrderUpdate { id: order.id, revision: order.revision, status }
}

/// A grant that no rule gave, such as an adjustment.
pub(crate) fn single_grant(rule_id: &str, points: Points, activates_at: Instant, expires_at: Option<Instant>) -> Grant {
    Grant { rule_id: rule_id.to_owned(), points, activates_at, expires_at }
}

fn order_row(
    id: Id,
    member_id: Option<Id>,
    order: &Order,
    judgement: &Judgement,
    redemption_id: Option<Id>,
    terms: &Terms,
    content_hash: &str,
) -> NewOrder {
    NewOrder {
        id,
        reference: order.reference.clone(),
        member_id,
        content_hash: content_hash.to_owned(),
        occurred_at: order.occurred_at,
        channel: order.channel.clone(),
        store: order.store.clone(),
        device: order.device.clone(),
        currency: order.currency.clone(),
        items: judgement.items,
        discount: judgement.discount,
        delivery: judgement.delivery,
        paid_points: judgement.payment.points,
        paid_money: judgement.payment.money,
        payable: judgement.payable,
        earned: judgement.earned,
        qualifying: judgement.qualifying,
        redemption_id,
        program_version: terms.program_version,
    }
}

fn line_rows(order_id: Id, order: &Order, judgement: &Judgement, lots: &[NewLot]) -> Vec<NewLine> {
    let shares = |shares: &[(usize, Points)]| {
        shares.iter().filter_map(|(grant, points)| lots.get(*grant).map(|lot| (lot.id, *points))).collect()
    };
    order
        .lines
        .iter()
        .zip(&judgement.lines)
        .zip(0_i64..)
        .map(|((line, judged), n)| NewLine {
            order_id,
            n,
            line: line.clone(),
            amount: judged.amount,
            program_discount: judged.discount,
            paid_points: judged.paid_points,
            paid_money: judged.paid_money,
            qualifying: judged.qualifying,
            shares: shares(&judged.shares),
        })
        .collect()
}
