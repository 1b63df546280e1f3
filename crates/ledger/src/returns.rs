//! Returns and cancellation, exact in both directions: what a line earned, what points paid of it and what it counted
//! toward the tiers go back in proportion to the quantity. Each is taken cumulatively, `floor(whole x returned / quantity)`
//! after the step less the same before it, so that any sequence of partial returns sums to the whole.

use domain::judgement::{Explanation, Standing};
use domain::plan::{Message, NewReturn, Plan, StatisticsUpdate};
use domain::snapshot::{Member, RecordedLine, RecordedOrder, Snapshot, Taken};
use domain::{Id, Instant, Money, Points, Quantity, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, ClawedBack, Kind, OwnShare, Terms};
use crate::balance::Balance;
use crate::orders::step;
use crate::redemptions::release_overdue;
use crate::referrals::{self, Decided};
use crate::refusal::Refusal;
use crate::standing::{Change, record, statistics, with_change};

/// A line to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnLine {
    /// The shop's own id of the line.
    pub id: String,
    pub quantity: Quantity,
}

/// What is returned, under the shop's own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRequest {
    pub reference: String,
    pub occurred_at: Instant,
    /// None: everything that is left.
    pub lines: Option<Vec<ReturnLine>>,
    pub content_hash: String,
}

/// What a return or cancellation brings about.
#[derive(Clone, Debug)]
pub struct Given {
    pub plan: Plan,
    pub clawed_back: Points,
    pub forgiven: Points,
    pub restored: Points,
    /// What this return added to the member's deficit.
    pub deficit: Points,
    /// Money to pay back.
    pub refund: Money,
    /// Lots that got points back.
    pub lots: Vec<Taken>,
    /// None for an anonymous order.
    pub balance: Option<Balance>,
    /// Where the member stands then.
    pub standing: Standing,
    /// The referral that the order had paid, when it was taken back.
    pub referral: Option<Decided>,
}

/// Takes goods back. `standing` says where a member stands among the tiers.
///
/// # Errors
/// [`Refusal::AlreadyReturned`] for more than is left, [`Refusal::NoSuchLine`] for a line that the order does not have,
/// [`Refusal::OtherContent`] for a return that is known already, [`Refusal::Overflow`] for a quantity that is not above 0.
pub fn take_back(
    snapshot: &Snapshot,
    request: &ReturnRequest,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    command: Command,
) -> Result<Given, Refusal> {
    let order = live_order(snapshot)?;
    let known = order.returns.iter().find(|known| known.reference.as_ref() == Some(&request.reference));
    if known.is_some_and(|known| known.content_hash != request.content_hash) {
        return Err(Refusal::OtherContent { what: "return" });
    }
    let steps = match &request.lines {
        None => everything_left(order)?,
        Some(lines) => chosen_lines(order, lines)?,
    };
    give_back(snapshot, order, &steps, Some(request), request.occurred_at, &request.content_hash, standing, terms, command)
}

/// Undoes everything that the order did and earlier returns did not, delivery included.
///
/// # Errors
/// [`Refusal::AlreadyReturned`] when it was cancelled before.
pub fn cancel(
    snapshot: &Snapshot,
    content_hash: &str,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    command: Command,
) -> Result<Given, Refusal> {
    let order = live_order(snapshot)?;
    let steps = everything_left(order).unwrap_or_default();
    let now = command.now;
    give_back(snapshot, order, &steps, None, now, content_hash, standing, terms, command)
}

/// One line's step: how much was returned before, and how much after.
struct Step<'a> {
    line: &'a RecordedLine,
    before: Quantity,
    after: Quantity,
}

impl Step<'_> {
    /// This step's part of an amount of the line.
    fn part(&self, whole: i64) -> i64 {
        let quantity = self.line.quantity.0;
        amount::share(whole, self.after.0, quantity) - amount::share(whole, self.before.0, quantity)
    }

    fn quantity(&self) -> Quantity {
        self.after.less(self.before)
    }
}

fn live_order(snapshot: &Snapshot) -> Result<&RecordedOrder, Refusal> {
    let order = snapshot.order.as_ref().ok_or(Refusal::OrderNotFound)?;
    // the points of a member's order are that member's only
    if order.member_id != snapshot.member.as_ref().map(|member| member.id) {
        return Err(Refusal::OrderNotFound);
    }
    if order.status == "cancelled" {
        return Err(Refusal::AlreadyReturned { line: None, left: Quantity::ZERO });
    }
    Ok(order)
}

fn everything_left(order: &RecordedOrder) -> Result<Vec<Step<'_>>, Refusal> {
    let steps: Vec<Step> = order
        .lines
        .iter()
        .filter(|line| line.returned < line.quantity)
        .map(|line| Step { line, before: line.returned, after: line.quantity })
        .collect();
    if steps.is_empty() { Err(Refusal::AlreadyReturned { line: None, left: Quantity::ZERO }) } else { Ok(steps) }
}

fn chosen_lines<'a>(order: &'a RecordedOrder, chosen: &[ReturnLine]) -> Result<Vec<Step<'a>>, Refusal> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, wanted) in chosen.iter().enumerate() {
        let line = order.lines.iter().find(|line| line.id == wanted.id).ok_or(Refusal::NoSuchLine { index })?;
        // the same line named twice adds up
        let earlier = steps.iter().position(|step| step.line.n == line.n);
        let before = earlier.and_then(|at| steps.get(at)).map_or(line.returned, |step| step.after);
        let after = before.checked_add(wanted.quantity).filter(|after| *after > before).ok_or(Refusal::Overflow)?;
        if after > line.quantity {
            return Err(Refusal::AlreadyReturned { line: Some(line.id.clone()), left: line.quantity.less(before) });
        }
        match earlier.and_then(|at| steps.get_mut(at)) {
            Some(step) => step.after = after,
            None => steps.push(Step { line, before, after }),
        }
    }
    Ok(steps)
}

#[expect(clippy::too_many_arguments, reason = "the one place where returns and cancellation meet")]
fn give_back(
    snapshot: &Snapshot,
    order: &RecordedOrder,
    steps: &[Step<'_>],
    request: Option<&ReturnRequest>,
    occurred_at: Instant,
    content_hash: &str,
    standing: impl Fn(&Member) -> Standing,
    terms: &Terms,
    mut command: Command,
) -> Result<Given, Refusal> {
    let id = command.ids.next();
    let cancelled = request.is_none();
    let mut refund: Money = steps
        .iter()
        .map(|step| {
            let line = step.line;
            Money(step.part(line.amount.less(line.program_discount).less(line.paid_money).0))
        })
        .sum();
    if cancelled {
        refund = refund.checked_add(order.delivery).ok_or(Refusal::Overflow)?;
    }
    let mut given = Given {
        plan: Plan::default(),
        clawed_back: Points::ZERO,
        forgiven: Points::ZERO,
        restored: Points::ZERO,
        deficit: Points::ZERO,
        refund,
        lots: Vec::new(),
        balance: None,
        standing: Standing::default(),
        referral: None,
    };
    let mut taken_of = Vec::new();
    if let Some(member) = &snapshot.member {
        let mut account = Account::open(member, &snapshot.lots, terms, command.now);
        let cause = Cause { occurred_at, order_id: Some(order.id), redemption_id: order.redemption_id };
        given.plan.redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
        restore(&mut account, order, steps, cause, &mut given, &mut command)?;
        taken_of = claw_back(&mut account, order, steps, cause, &mut given, &mut command)?;
        let qualifying: Money = steps.iter().map(|step| Money(step.part(step.line.qualifying.0))).sum();
        let kept = counted(order).less(qualifying);
        let orders = if cancelled { -1 } else { 0 };
        given.referral = referrals::take_back_of_order(
            snapshot,
            order,
            left_to_pay(order, steps),
            &mut account,
            &mut given.plan,
            terms,
            &mut command,
        )?;
        let balance = account.balance();
        let change = Change {
            orders,
            spend: Money(-qualifying.0),
            largest_order: order.largest_other.max(kept),
            earned: Points(-given.clawed_back.0),
            lifetime_earned: balance.lifetime_earned,
            occurred_at: order.occurred_at,
        };
        given.standing = standing(&with_change(member, &snapshot.windows, change)?);
        let update =
            StatisticsUpdate { orders, qualifying_spend: change.spend, ..statistics(member, &given.standing, command.now) };
        record(&mut given.plan, member, &given.standing, update);
        given.plan.outbox.push(Message {
            member_id: Some(member.id),
            kind: if cancelled { "order.cancelled" } else { "order.returned" },
            payload: json!({
                "order": order.reference,
                "clawed_back": amount::format(given.clawed_back.0, terms.points_scale),
                "restored": amount::format(given.restored.0, terms.points_scale),
            }),
        });
        given.balance = Some(balance);
        given.plan.entries.splice(0..0, account.into_entries());
    }
    let plan = &mut given.plan;
    plan.order_updates.push(step(order, if cancelled { "cancelled" } else { "recorded" }));
    plan.returned = steps.iter().map(|step| (order.id, step.line.n, step.after)).collect();
    plan.returns.push(NewReturn {
        id,
        order_id: order.id,
        reference: request.map(|request| request.reference.clone()),
        content_hash: content_hash.to_owned(),
        occurred_at,
        lines: steps.iter().map(|step| (step.line.n, step.quantity())).collect(),
        clawed_back: given.clawed_back,
        lots: taken_of,
        forgiven: given.forgiven,
        restored: given.restored,
        refund: given.refund,
    });
    Ok(given)
}

/// What is left of what was paid in money for goods, after this step.
fn left_to_pay(order: &RecordedOrder, steps: &[Step<'_>]) -> Money {
    let left = |line: &RecordedLine| {
        let returned = steps.iter().find(|step| step.line.n == line.n).map_or(line.returned, |step| step.after);
        let paid = line.amount.less(line.program_discount).less(line.paid_money);
        Money(paid.0 - amount::share(paid.0, returned.0, line.quantity.0))
    };
    order.lines.iter().map(left).sum()
}

/// What is left of what the order counts, before this step.
fn counted(order: &RecordedOrder) -> Money {
    let left = |line: &RecordedLine| line.qualifying.0 - amount::share(line.qualifying.0, line.returned.0, line.quantity.0);
    order.lines.iter().map(|line| Money(left(line))).sum()
}

/// Spent points go back to the lots that they came from, with the old expiry.
fn restore(
    account: &mut Account,
    order: &RecordedOrder,
    steps: &[Step<'_>],
    cause: Cause,
    given: &mut Given,
    command: &mut Command,
) -> Result<(), Refusal> {
    given.restored = steps.iter().map(|step| Points(step.part(step.line.paid_points.0))).sum();
    if let (Some(capture), false) = (order.capture_entry, given.restored.is_zero()) {
        let reason = Explanation::fact(
            "redemption",
            given.restored,
            "returned",
            "Points that paid for goods which came back are where they came from".to_owned(),
        );
        given.lots = account.roll_back(capture, given.restored, &order.paid, cause, &[reason], &mut command.ids)?;
    }
    Ok(())
}

/// What the returned goods earned is taken back, lot by lot. Returns what was taken back for each of the order's lots.
fn claw_back(
    account: &mut Account,
    order: &RecordedOrder,
    steps: &[Step<'_>],
    cause: Cause,
    given: &mut Given,
    command: &mut Command,
) -> Result<Vec<(Id, Points)>, Refusal> {
    let own = own_shares(order, steps, |lot| account.points_over(lot))?;
    if let (Some(earn), false) = (order.earn_entry, own.is_empty()) {
        let explain = |taken: Points, forgiven: Points| {
            let kept = if forgiven.is_zero() { "" } else { "; the rest stays with you" };
            Explanation::fact("clawback", Points(-taken.0), "returned", format!("Earned with goods that came back{kept}"))
        };
        let ClawedBack { amount, owed, forgiven, lots } =
            account.claw_back(Kind::Clawback, earn, &own, cause, explain, &mut command.ids)?;
        (given.clawed_back, given.deficit, given.forgiven) = (amount, owed, forgiven);
        return Ok(lots);
    }
    Ok(Vec::new())
}

/// What this step takes from each of the order's lots. Points that expired unspent were of no use to the member: they
/// cover the last part of what a lot must lose, counted over all returns, and are not taken from elsewhere.
/// `over` is what is left on a lot whose time is over.
fn own_shares(order: &RecordedOrder, steps: &[Step<'_>], over: impl Fn(Id) -> Points) -> Result<Vec<OwnShare>, Refusal> {
    let mut own: Vec<OwnShare> = Vec::new();
    for lot in &order.lots {
        let (mut before, mut after, mut shares) = (0_i64, 0_i64, 0_i64);
        for line in &order.lines {
            let Some((_, points)) = line.shares.iter().find(|(id, _)| *id == lot.id) else { continue };
            let now = steps.iter().find(|step| step.line.n == line.n).map_or(line.returned, |step| step.after);
            let sum = |total: i64, part: i64| total.checked_add(part).ok_or(Refusal::Overflow);
            before = sum(before, amount::share(points.0, line.returned.0, line.quantity.0))?;
            after = sum(after, amount::share(points.0, now.0, line.quantity.0))?;
            shares = sum(shares, points.0)?;
        }
        if after == before {
            continue;
        }
        // of a claimed order the lot is smaller than its shares by what was returned before
        let earlier = shares - lot.issued.0;
        let lost = lot.expired.checked_add(over(lot.id)).ok_or(Refusal::Overflow)?.0;
        // the last of the lot's points are those that expired: earlier returns took what was there then
        let covered = (after - earlier).saturating_sub((before - earlier).max(lot.issued.0.saturating_sub(lost)));
        own.push(OwnShare { lot: lot.id, points: Points(after - before), covered: Points(covered.max(0)) });
    }
    Ok(own)
}
