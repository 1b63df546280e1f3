//! One-time codes by which new members confirm who they are: sent, told, and what a right one brings.

use domain::Id;
use domain::judgement::{Enrolment, JudgedReferral};
use domain::plan::{MemberCode, MemberConfirmation, Message, Plan};
use domain::snapshot::{Agreed, Member, Snapshot};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::confirmations::MOST_ATTEMPTS;
use crate::redemptions::{NewCode, release_overdue};
use crate::referrals::{Decided, on_waiting};
use crate::refusal::Refusal;

/// How long a member's code is good.
pub const MEMBER_CODE_SECONDS: u32 = 900;

/// How long it takes until another code can be asked for.
pub const PAUSE_SECONDS: u32 = 60;

/// Codes of one day: each is three guesses at six digits, and costs a message.
pub const MOST_CODES_A_DAY: i64 = 10;

const DAY_SECONDS: i64 = 86_400;

/// A code that a member is sent, as a part of a plan.
pub(crate) fn send(plan: &mut Plan, member: Id, code: NewCode, replaces: Option<Id>, command: &Command) {
    let expires_at = command.now.plus_seconds(MEMBER_CODE_SECONDS);
    let day = command.now.0.div_euclid(DAY_SECONDS * 1_000);
    plan.member_codes.push(MemberCode { member_id: member, code_hash: code.hash, expires_at, replaces, day });
    let payload = json!({"code": code.sealed, "expires_at": expires_at.to_string()});
    plan.outbox.push(Message { member_id: Some(member), kind: "member.code", payload });
}

/// Another code takes the place of the one before it.
///
/// # Errors
/// [`Refusal::AlreadyConfirmed`]; [`Refusal::TooManyCodes`] within [`PAUSE_SECONDS`], or after [`MOST_CODES_A_DAY`].
pub fn send_code(snapshot: &Snapshot, code: NewCode, command: &Command) -> Result<Plan, Refusal> {
    let member = waiting(snapshot)?;
    let sent = snapshot.agreed.as_ref().and_then(|agreed| agreed.code.as_ref());
    let again = sent.map_or(0, |sent| {
        let tomorrow = (sent.day + 1) * DAY_SECONDS * 1_000;
        if sent.sent < MOST_CODES_A_DAY { sent.sent_at.plus_seconds(PAUSE_SECONDS).0 } else { tomorrow }
    });
    let wait = again.saturating_sub(command.now.0);
    if wait > 0 {
        return Err(Refusal::TooManyCodes { wait_seconds: u32::try_from((wait + 999) / 1_000).unwrap_or(PAUSE_SECONDS) });
    }
    let mut plan = Plan::default();
    send(&mut plan, member.id, code, sent.map(|sent| sent.id), command);
    Ok(plan)
}

/// What a code brings about.
#[derive(Clone, Debug)]
pub struct MemberConfirmed {
    pub plan: Plan,
    pub right: bool,
    pub attempts_left: i64,
    pub balance: Balance,
    /// What becomes of the referral by which the member came and that waited for this.
    pub referral: Option<Decided>,
}

/// Takes a code that is `right` or wrong, with what the program then gives. A wrong one is an effect too: it is counted.
///
/// # Errors
/// [`Refusal::AlreadyConfirmed`], [`Refusal::CodeExpired`]; [`Refusal::Overflow`] beyond what one operation may move.
pub fn confirm_member(
    snapshot: &Snapshot,
    right: bool,
    judged: &Enrolment,
    referral: Option<&JudgedReferral>,
    terms: &Terms,
    mut command: Command,
) -> Result<MemberConfirmed, Refusal> {
    let member = waiting(snapshot)?;
    let sent = snapshot.agreed.as_ref().and_then(|agreed| agreed.code.as_ref());
    let sent = sent.filter(|sent| sent.expires_at > command.now && sent.attempts < MOST_ATTEMPTS).ok_or(Refusal::CodeExpired)?;
    command.ids.next();
    let confirmation = MemberConfirmation { member_id: member.id, code_id: sent.id, attempts: sent.attempts, right };
    let mut plan = Plan { member_confirmations: vec![confirmation], ..Plan::default() };
    let attempts_left = MOST_ATTEMPTS - sent.attempts - i64::from(!right);
    if !right {
        let balance = Account::open_settled(member, snapshot, terms, command.now)?.balance();
        return Ok(MemberConfirmed { plan, right, attempts_left, balance, referral: None });
    }
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    plan.redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    account.grant(Kind::Earn, &judged.grants, cause, &judged.explanations, &mut command.ids)?;
    let referral = on_waiting(snapshot, referral, None, &mut account, &mut plan, terms, &mut command)?;
    let balance = account.balance();
    // the referrer's entries are there already
    plan.entries.splice(0..0, account.into_entries());
    plan.outbox.push(Message { member_id: Some(member.id), kind: "member.confirmed", payload: json!({}) });
    Ok(MemberConfirmed { plan, right, attempts_left, balance, referral })
}

/// What a program asks of whoever spends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// New members are to confirm who they are.
    pub code: bool,
    /// This version of the rules for members is to be accepted.
    pub rules_version: Option<&'a str>,
}

/// Whether a member may spend: confirmed where the program asks for it, and with the rules accepted that it names, whatever else
/// was accepted since.
///
/// # Errors
/// [`Refusal::MemberNotConfirmed`], [`Refusal::AcceptanceRequired`].
pub fn may_spend(member: &Member, agreed: Option<&Agreed>, asked: Asked<'_>) -> Result<(), Refusal> {
    if asked.code && member.is_unconfirmed() {
        return Err(Refusal::MemberNotConfirmed);
    }
    let accepted = |wanted: &str| agreed.is_some_and(|agreed| agreed.versions.iter().any(|version| version == wanted));
    match asked.rules_version {
        Some(wanted) if !accepted(wanted) => Err(Refusal::AcceptanceRequired { rules_version: wanted.to_owned() }),
        _ => Ok(()),
    }
}

/// The member, who is still to confirm.
fn waiting(snapshot: &Snapshot) -> Result<&Member, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    if member.is_unconfirmed() { Ok(member) } else { Err(Refusal::AlreadyConfirmed) }
}
