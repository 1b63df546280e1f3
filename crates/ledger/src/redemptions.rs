//! Paying with points: a hold with a deadline, then its capture or release.

use domain::judgement::{Explanation, Judgement};
use domain::order::Order;
use domain::plan::{Message, NewRedemption, Plan, RedemptionUpdate};
use domain::snapshot::{Hold, Member, Redemption, RedemptionStatus, Snapshot};
use domain::{Id, Ids, Instant, Money, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Terms};
use crate::balance::Balance;
use crate::confirmations::CODE_SECONDS;
use crate::refusal::Refusal;

/// A one-time code, never in the clear: what the books keep of it, and what its message carries, sealed.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub hash: String,
    pub sealed: String,
}

/// A hold that was made.
#[derive(Clone, Debug)]
pub struct Held {
    pub plan: Plan,
    pub redemption: NewRedemption,
    pub balance: Balance,
}

/// A redemption that was captured or released.
#[derive(Clone, Debug)]
pub struct Ended {
    pub plan: Plan,
    pub status: RedemptionStatus,
    pub captured: Points,
    pub captured_money: Money,
    pub balance: Balance,
}

/// Sets points aside for an order, as the judgement says. Overdue holds of the member give their points back first.
/// `code` is for a judgement that asks for one: the redemption then waits for it.
///
/// # Errors
/// [`Refusal::InsufficientPoints`] when fewer can be spent, [`Refusal::ConfirmationRequired`] without the code.
pub fn hold(
    snapshot: &Snapshot,
    order: &Order,
    judgement: &Judgement,
    terms: &Terms,
    mut command: Command,
    code: Option<NewCode>,
) -> Result<Held, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    let id = command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let cause = Cause { occurred_at: order.occurred_at, order_id: None, redemption_id: Some(id) };
    let payment = &judgement.payment;
    if payment.points.is_zero() {
        return Err(account.insufficient());
    }
    let entry = account.hold(payment.points, cause, &judgement.payment_explanations, &mut command.ids)?;
    let (status, seconds) = if payment.confirmation_required {
        (RedemptionStatus::AwaitingConfirmation, terms.hold_seconds.min(CODE_SECONDS))
    } else {
        (RedemptionStatus::Held, terms.hold_seconds)
    };
    let hold_expires_at = command.now.plus_seconds(seconds);
    let code = code.filter(|_| payment.confirmation_required);
    if payment.confirmation_required && code.is_none() {
        return Err(Refusal::ConfirmationRequired);
    }
    let outbox = code.iter().map(|code| Message {
        member_id: Some(member.id),
        kind: "redemption.code",
        payload: json!({"redemption": id.external("red"), "code": code.sealed, "expires_at": hold_expires_at.to_string()}),
    });
    let outbox = outbox.collect();
    let redemption = NewRedemption {
        id,
        account_id: member.id,
        status: status.word(),
        points: payment.points,
        money: payment.money,
        items: judgement.items,
        payable: judgement.payable,
        lines: order
            .lines
            .iter()
            .zip(&judgement.lines)
            .map(|(line, judged)| (line.id.clone(), judged.paid_points, judged.paid_money))
            .collect(),
        store: order.store.clone(),
        hold_expires_at,
        hold_entry: entry,
        code_hash: code.map(|code| code.hash),
        program_version: terms.program_version,
    };
    let balance = account.balance();
    let plan = Plan {
        redemptions: vec![redemption.clone()],
        redemption_updates,
        entries: account.into_entries(),
        outbox,
        ..Plan::default()
    };
    Ok(Held { plan, redemption, balance })
}

/// Spends a hold, whole or in part; the rest goes back. `points` none: whole.
///
/// # Errors
/// The redemption must be the member's, open and within its deadline, and hold as many points.
pub fn capture(
    snapshot: &Snapshot,
    points: Option<Points>,
    order_ref: Option<&str>,
    terms: &Terms,
    mut command: Command,
) -> Result<Ended, Refusal> {
    let redemption = snapshot.redemption.as_ref().ok_or(Refusal::RedemptionNotFound)?;
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    command.ids.next();
    belongs_to(redemption, member)?;
    open_for_capture(redemption, command.now)?;
    let points = points.unwrap_or(redemption.points);
    if points > redemption.points {
        return Err(Refusal::InsufficientPoints { available: redemption.points, deficit: Points::ZERO });
    }
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let overdue = release_overdue(&mut account, snapshot, Some(redemption.id), &mut command)?;
    let cause = Cause { occurred_at: command.now, order_id: None, redemption_id: Some(redemption.id) };
    let money = money_of(redemption, points);
    let reason = Explanation::fact(
        "redemption",
        points,
        "points_paid",
        format!("{} points paid {}", amount::format(points.0, terms.points_scale), amount::format(money.0, domain::MONEY_SCALE)),
    );
    let entry = account.capture(hold_of(snapshot, redemption)?, points, cause, &[reason], &mut command.ids)?;
    let update = RedemptionUpdate {
        id: redemption.id,
        from: redemption.status.word(),
        status: RedemptionStatus::Captured.word(),
        captured: points,
        capture_entry: Some(entry),
        order_ref: order_ref.map(str::to_owned),
    };
    Ok(ended(account, overdue, update, RedemptionStatus::Captured, points, money, terms.points_scale))
}

/// Gives a hold's points back to their lots. Past its deadline there is nothing to give back, whether the job has been
/// there or not: the answer does not depend on when the job runs.
///
/// # Errors
/// The redemption must be the member's, open, and before its deadline.
pub fn release(snapshot: &Snapshot, terms: &Terms, mut command: Command) -> Result<Ended, Refusal> {
    let redemption = snapshot.redemption.as_ref().ok_or(Refusal::RedemptionNotFound)?;
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    command.ids.next();
    belongs_to(redemption, member)?;
    match status_at(redemption, command.now) {
        RedemptionStatus::Held | RedemptionStatus::AwaitingConfirmation => {}
        RedemptionStatus::Expired => return Err(Refusal::HoldExpired { deadline: redemption.hold_expires_at }),
        status => return Err(Refusal::RedemptionClosed { status: status.word() }),
    }
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let overdue = release_overdue(&mut account, snapshot, Some(redemption.id), &mut command)?;
    let cause = Cause { occurred_at: command.now, order_id: None, redemption_id: Some(redemption.id) };
    let reason = Explanation::fact("redemption", redemption.points, "hold_released", "The hold was released".to_owned());
    account.release(hold_of(snapshot, redemption)?, cause, &[reason], &mut command.ids)?;
    let update = RedemptionUpdate {
        id: redemption.id,
        from: redemption.status.word(),
        status: RedemptionStatus::Released.word(),
        captured: Points::ZERO,
        capture_entry: None,
        order_ref: None,
    };
    Ok(ended(account, overdue, update, RedemptionStatus::Released, Points::ZERO, Money::ZERO, terms.points_scale))
}

/// The status as it is at `now`: an open redemption is over with its deadline, however late the job is.
pub(crate) fn status_at(redemption: &Redemption, now: Instant) -> RedemptionStatus {
    match redemption.status {
        RedemptionStatus::Held | RedemptionStatus::AwaitingConfirmation if redemption.hold_expires_at <= now => {
            RedemptionStatus::Expired
        }
        status => status,
    }
}

/// A member's command is about that member's redemption.
pub(crate) fn belongs_to(redemption: &Redemption, member: &Member) -> Result<(), Refusal> {
    if redemption.account_id == member.id { Ok(()) } else { Err(Refusal::ForeignRedemption) }
}

impl Account {
    /// The account as it is to be seen at `now`: overdue holds count as released, however late the job is. For looking,
    /// not for posting.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] when the books are beyond 64 bits.
    pub fn open_settled(member: &Member, snapshot: &Snapshot, terms: &Terms, now: Instant) -> Result<Self, Refusal> {
        let mut account = Self::open(member, &snapshot.lots, terms, now);
        let mut command = Command { now, ids: Ids::new(now, 0) };
        release_overdue(&mut account, snapshot, None, &mut command)?;
        Ok(account)
    }
}

/// What so many of a redemption's points pay, by the terms of its hold.
#[must_use]
pub(crate) fn money_of(redemption: &Redemption, points: Points) -> Money {
    Money(amount::share(redemption.money.0, points.0, redemption.points.0))
}

/// The open hold of a redemption.
pub(crate) fn hold_of<'a>(snapshot: &'a Snapshot, redemption: &Redemption) -> Result<&'a Hold, Refusal> {
    snapshot
        .holds
        .iter()
        .find(|hold| hold.id == redemption.id)
        .ok_or(Refusal::RedemptionClosed { status: redemption.status.word() })
}

/// Gives back the points of every hold whose deadline has passed, but for the one that the command is about.
pub(crate) fn release_overdue(
    account: &mut Account,
    snapshot: &Snapshot,
    but_for: Option<Id>,
    command: &mut Command,
) -> Result<Vec<RedemptionUpdate>, Refusal> {
    let mut updates = Vec::new();
    let mut overdue: Vec<&Hold> =
        snapshot.holds.iter().filter(|hold| hold.hold_expires_at <= command.now && Some(hold.id) != but_for).collect();
    // the store loads them in no particular sequence
    overdue.sort_by_key(|hold| (hold.hold_expires_at, hold.id));
    for hold in overdue {
        let cause = Cause { occurred_at: hold.hold_expires_at, order_id: None, redemption_id: Some(hold.id) };
        account.release(hold, cause, &[deadline_passed(hold.points, hold.hold_expires_at)], &mut command.ids)?;
        updates.push(RedemptionUpdate {
            id: hold.id,
            from: hold.status.word(),
            status: RedemptionStatus::Expired.word(),
            captured: Points::ZERO,
            capture_entry: None,
            order_ref: None,
        });
    }
    Ok(updates)
}

fn deadline_passed(points: Points, deadline: Instant) -> Explanation {
    Explanation::fact("redemption", points, "hold_expired", format!("The hold was not used by {deadline}"))
}

fn open_for_capture(redemption: &Redemption, now: Instant) -> Result<(), Refusal> {
    match status_at(redemption, now) {
        RedemptionStatus::Held => Ok(()),
        RedemptionStatus::AwaitingConfirmation => Err(Refusal::ConfirmationRequired),
        RedemptionStatus::Expired => Err(Refusal::HoldExpired { deadline: redemption.hold_expires_at }),
        status => Err(Refusal::RedemptionClosed { status: status.word() }),
    }
}

fn ended(
    account: Account,
    overdue: Vec<RedemptionUpdate>,
    update: RedemptionUpdate,
    status: RedemptionStatus,
    captured: Points,
    money: Money,
    points_scale: u8,
) -> Ended {
    let balance = account.balance();
    let member_id = account.planned().first().map(|entry| entry.account_id);
    let outbox = if captured.is_zero() {
        Vec::new()
    } else {
        let payload = json!({"redemption": update.id.external("red"), "points": amount::format(captured.0, points_scale)});
        vec![Message { member_id, kind: "points.redeemed", payload }]
    };
    let redemption_updates = overdue.into_iter().chain([update]).collect();
    let plan = Plan { redemption_updates, entries: account.into_entries(), outbox, ..Plan::default() };
    Ended { plan, status, captured, captured_money: money, balance }
}
