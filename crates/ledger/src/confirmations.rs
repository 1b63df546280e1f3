//! The one-time code of a redemption above the program's amount: a right one makes it a hold, the third wrong one ends it.

use domain::Instant;
use domain::judgement::Explanation;
use domain::plan::{Confirmation, Plan, RedemptionUpdate};
use domain::snapshot::{RedemptionStatus, Snapshot};

use crate::Command;
use crate::account::{Account, Cause, Terms};
use crate::balance::Balance;
use crate::redemptions::{belongs_to, hold_of, release_overdue, status_at};
use crate::refusal::Refusal;

/// How long a code is good, and with it a hold that waits for one.
pub const CODE_SECONDS: u32 = 300;

/// Wrong codes that end a redemption.
pub const MOST_ATTEMPTS: i64 = 3;

/// What a code brings about.
#[derive(Clone, Debug)]
pub struct Confirmed {
    pub plan: Plan,
    pub right: bool,
    pub status: RedemptionStatus,
    pub attempts_left: i64,
    pub hold_expires_at: Instant,
    pub balance: Balance,
}

/// Takes a code that is `right` or wrong. A wrong one is an effect too: it is counted.
///
/// # Errors
/// The redemption must be the member's and wait for its code; [`Refusal::HoldExpired`] when the code's time is over.
pub fn confirm(snapshot: &Snapshot, right: bool, terms: &Terms, mut command: Command) -> Result<Confirmed, Refusal> {
    let redemption = snapshot.redemption.as_ref().ok_or(Refusal::RedemptionNotFound)?;
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    command.ids.next();
    belongs_to(redemption, member)?;
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    // a code posts nothing: holds that are overdue are released to look at only
    let now = command.now;
    let settled = || Account::open_settled(member, snapshot, terms, now);
    match status_at(redemption, command.now) {
        RedemptionStatus::AwaitingConfirmation => {}
        // the right code once more changes nothing
        RedemptionStatus::Held if right => {
            return Ok(Confirmed {
                plan: Plan::default(),
                right,
                status: RedemptionStatus::Held,
                attempts_left: MOST_ATTEMPTS - redemption.attempts,
                hold_expires_at: redemption.hold_expires_at,
                balance: settled()?.balance(),
            });
        }
        RedemptionStatus::Expired => return Err(Refusal::HoldExpired { deadline: redemption.hold_expires_at }),
        status => return Err(Refusal::RedemptionClosed { status: status.word() }),
    }
    let attempts_left = MOST_ATTEMPTS - redemption.attempts - i64::from(!right);
    let (status, hold_expires_at) = if right {
        (RedemptionStatus::Held, command.now.plus_seconds(terms.hold_seconds).max(redemption.hold_expires_at))
    } else {
        (RedemptionStatus::AwaitingConfirmation, redemption.hold_expires_at)
    };
    let mut plan = Plan {
        confirmations: vec![Confirmation {
            id: redemption.id,
            attempts: redemption.attempts,
            wrong: i64::from(!right),
            status: status.word(),
            hold_expires_at,
        }],
        ..Plan::default()
    };
    if attempts_left > 0 {
        return Ok(Confirmed { plan, right, status, attempts_left, hold_expires_at, balance: settled()?.balance() });
    }
    plan.redemption_updates = release_overdue(&mut account, snapshot, Some(redemption.id), &mut command)?;
    let cause = Cause { occurred_at: command.now, order_id: None, redemption_id: Some(redemption.id) };
    let reason = "The code was wrong three times".to_owned();
    let reason = Explanation::fact("redemption", redemption.points, "wrong_code", reason);
    account.release(hold_of(snapshot, redemption)?, cause, &[reason], &mut command.ids)?;
    plan.redemption_updates.push(RedemptionUpdate {
        id: redemption.id,
        from: redemption.status.word(),
        status: RedemptionStatus::Released.word(),
        captured: domain::Points::ZERO,
        capture_entry: None,
        order_ref: None,
    });
    let balance = account.balance();
    plan.entries = account.into_entries();
    Ok(Confirmed { plan, right, status: RedemptionStatus::Released, attempts_left: 0, hold_expires_at, balance })
}
