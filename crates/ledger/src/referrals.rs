//! Friends whom members bring: who is refused whatever the program says, both sides' rewards, and what takes them back.
//!
//! A referral stands for two persons of whom the one was a member before the other. Whoever joins twice, on a device of somebody
//! who is a member or with their name and birthday, is not paid for; and what a merge shows later is taken back then. So no
//! ring is paid: in a ring somebody would have been a member before they were one.

use domain::id::Ids;
use domain::judgement::{Explanation, JudgedReferral, ReferralOutcome};
use domain::plan::{Message, Plan};
use domain::referral::{NewReferral, RecordedReferral, ReferralVerdict, Referrer};
use domain::snapshot::{EarnedLot, Member, RecordedOrder, Snapshot};
use domain::{Id, Money, Points};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, OwnShare, Terms};
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;

/// A code that somebody enrols with: whose it is, and what the program says of it.
#[derive(Clone, Debug)]
pub struct Brought {
    pub referrer: Referrer,
    pub judged: JudgedReferral,
}

/// What became of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// `waiting`, `paid`, `refused` or `taken_back`.
    pub outcome: &'static str,
    pub why: Explanation,
}

/// What the books say against a referral, whatever the program says: (a stable word, a sentence).
fn objection(referrer: &Referrer) -> Result<&Member, (&'static str, &'static str)> {
    let Some(member) = &referrer.member else { return Err(("unknown_code", "nobody has this code")) };
    if member.is_erased() || member.status == "merged" {
        return Err(("referrer_left", "whoever had this code has left"));
    }
    let same: Vec<Id> = referrer.same_device.iter().chain(&referrer.alike).copied().collect();
    if same.contains(&member.id) {
        return Err(("self_referral", "the referrer and the friend are the same person, or share a device"));
    }
    if same.iter().any(|id| referrer.above.contains(id)) {
        return Err(("ring", "the friend brought the referrer, or shares a device with who did"));
    }
    if !same.is_empty() {
        return Err(("existing_member", "the friend is a member already, or shares a device with one"));
    }
    Ok(member)
}

/// Decides on a referral, and pays both sides where that is due. `at` is the row so far: who, from where, by which order.
fn decide(
    referrer: &Referrer,
    judged: &JudgedReferral,
    row: ReferralVerdict,
    referee: &mut Account,
    plan: &mut Plan,
    terms: &Terms,
    command: &mut Command,
) -> Result<Decided, Refusal> {
    let member = match (objection(referrer), judged.outcome) {
        (Err((code, sentence)), _) => {
            let why = Explanation { fired: false, ..fact(code, sentence.to_owned(), 0) };
            return Ok(note(plan, row, "refused", why));
        }
        (Ok(_), ReferralOutcome::Refused) => return Ok(note(plan, row, "refused", judged.why.clone())),
        (Ok(_), ReferralOutcome::Waiting) => return Ok(note(plan, row, "waiting", judged.why.clone())),
        (Ok(member), ReferralOutcome::Paid) => member,
    };
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    let mut account = Account::open(member, &[], terms, command.now);
    let mut pay = |account: &mut Account, reward: &domain::judgement::ReferralReward| -> Result<Option<Id>, Refusal> {
        let lots = account.grant(Kind::Referral, &reward.grants, cause, &reward.explanations, &mut command.ids)?;
        Ok(account.planned().last().filter(|_| !lots.is_empty()).map(|entry| entry.id))
    };
    let referee_entry = pay(referee, &judged.referee)?;
    let referrer_entry = pay(&mut account, &judged.referrer)?;
    plan.entries.extend(account.into_entries());
    plan.outbox.push(told(member.id, "referral.paid", "paid"));
    let row = ReferralVerdict {
        keep: Some(judged.keep).filter(|_| row.order_id.is_some()),
        referrer_id: Some(member.id),
        friends_paid: referrer.friends_paid,
        referrer_entry,
        referee_entry,
        ..row
    };
    Ok(note(plan, row, "paid", judged.why.clone()))
}

/// Of whoever enrols with a code. Nobody is paid for a friend who is still to confirm who they are.
pub(crate) fn on_joining(
    brought: &Brought,
    (referee_id, awaits_code): (Id, bool),
    account: &mut Account,
    plan: &mut Plan,
    terms: &Terms,
    command: &mut Command,
) -> Result<Decided, Refusal> {
    let referrer_id = brought.referrer.member.as_ref().map(|member| member.id);
    plan.referrals.push(NewReferral { referee_id, referrer_id });
    if awaits_code && objection(&brought.referrer).is_ok() {
        let sentence = "is paid for once the friend has told the code that was sent".to_owned();
        let why = Explanation { fired: false, ..fact("waits_for_confirmation", sentence, 0) };
        return Ok(note(plan, verdict(referee_id, "waiting"), "waiting", why));
    }
    decide(&brought.referrer, &brought.judged, verdict(referee_id, "waiting"), account, plan, terms, command)
}

/// Of whoever came by a referral that waits, and buys or has confirmed who they are (`order_id`: none).
pub(crate) fn on_waiting(
    snapshot: &Snapshot,
    judged: Option<&JudgedReferral>,
    order_id: Option<Id>,
    account: &mut Account,
    plan: &mut Plan,
    terms: &Terms,
    command: &mut Command,
) -> Result<Option<Decided>, Refusal> {
    let waiting = snapshot.referrals.iter().find(|referral| referral.of_member && !referral.paid);
    let (Some(referral), Some(judged)) = (waiting, judged) else { return Ok(None) };
    if judged.outcome == ReferralOutcome::Waiting {
        return Ok(None);
    }
    let row = ReferralVerdict { order_id, ..verdict(referral.referee_id, "waiting") };
    decide(&referral.referrer, judged, row, account, plan, terms, command).map(Some)
}

/// Goods come back of the order that paid a referral: where too little of them is kept, both rewards are taken back.
pub(crate) fn take_back_of_order(
    snapshot: &Snapshot,
    order: &RecordedOrder,
    kept: Money,
    referee: &mut Account,
    plan: &mut Plan,
    terms: &Terms,
    command: &mut Command,
) -> Result<Option<Decided>, Refusal> {
    let paid_by = |referral: &&RecordedReferral| referral.paid && referral.order_id == Some(order.id);
    let Some(referral) = snapshot.referrals.iter().find(paid_by) else { return Ok(None) };
    if kept >= referral.keep.unwrap_or_default() {
        return Ok(None);
    }
    // the referrer reads it too, whose order it is not
    let sentence = "Too little is kept of the order that paid for a friend".to_owned();
    let why = fact("returned", sentence, 0);
    take_side(referee, referral.referee_entry, &referral.referee_given, &why, command)?;
    if let Some(member) = &referral.referrer.member {
        let mut account = Account::open(member, &referral.referrer_lots, terms, command.now);
        let holds = Snapshot { holds: referral.referrer_holds.clone(), ..Snapshot::default() };
        plan.redemption_updates.extend(release_overdue(&mut account, &holds, None, command)?);
        take_side(&mut account, referral.referrer_entry, &referral.referrer_given, &why, command)?;
        plan.entries.extend(account.into_entries());
        plan.outbox.push(told(member.id, "referral.taken_back", "returned"));
    }
    Ok(Some(note(plan, verdict(referral.referee_id, "paid"), "taken_back", why)))
}

/// Two memberships turn out to be one person's: a referral does not stand by which somebody came who was a member before, or
/// who brought the referrer. `member` and `other` are their accounts, before the one takes over the other.
pub(crate) fn on_merge(
    snapshot: &Snapshot,
    member: &mut Account,
    other: &mut Account,
    plan: &mut Plan,
    terms: &Terms,
    command: &mut Command,
) -> Result<(), Refusal> {
    let both: Vec<Id> = [&snapshot.member, &snapshot.other].into_iter().flatten().map(|member| member.id).collect();
    let mut falls: Vec<(&RecordedReferral, &str, &str)> = Vec::new();
    for referral in &snapshot.referrals {
        let referrer = referral.referrer.member.as_ref().map(|member| member.id);
        if referrer.is_some_and(|id| both.contains(&id)) {
            falls.push((referral, "self_referral", "The referrer and the friend are one person"));
        } else if referral.referrer.above.iter().any(|id| both.contains(id)) {
            falls.push((referral, "ring", "The friend had brought the referrer"));
        } else if referral.referee_id != referral.first {
            falls.push((referral, "existing_member", "The friend was a member already"));
        }
    }
    let mut others: Vec<(Id, Account)> = Vec::new();
    for (referral, code, sentence) in falls {
        let why = fact(code, sentence.to_owned(), 0);
        if !referral.paid {
            note(plan, verdict(referral.referee_id, "waiting"), "refused", why);
            continue;
        }
        let referee = if referral.of_member { &mut *member } else { &mut *other };
        take_side(referee, referral.referee_entry, &referral.referee_given, &why, command)?;
        let referrer = referral.referrer.member.as_ref();
        match referrer {
            Some(referrer) if Some(referrer.id) == both.first().copied() => {
                take_side(member, referral.referrer_entry, &referral.referrer_given, &why, command)?;
            }
            Some(referrer) if Some(referrer.id) == both.last().copied() => {
                take_side(other, referral.referrer_entry, &referral.referrer_given, &why, command)?;
            }
            Some(referrer) => {
                let known = others.iter().position(|(id, _)| *id == referrer.id);
                let place = match known {
                    Some(place) => place,
                    None => {
                        let mut account = Account::open(referrer, &referral.referrer_lots, terms, command.now);
                        let holds = Snapshot { holds: referral.referrer_holds.clone(), ..Snapshot::default() };
                        plan.redemption_updates.extend(release_overdue(&mut account, &holds, None, command)?);
                        others.push((referrer.id, account));
                        others.len() - 1
                    }
                };
                if let Some((_, account)) = others.get_mut(place) {
                    take_side(account, referral.referrer_entry, &referral.referrer_given, &why, command)?;
                }
                plan.outbox.push(told(referrer.id, "referral.taken_back", code));
            }
            None => {}
        }
        note(plan, verdict(referral.referee_id, "paid"), "taken_back", why);
    }
    plan.entries.extend(others.into_iter().flat_map(|(_, account)| account.into_entries()));
    Ok(())
}

/// Takes back what one side got; what expired unspent is gone already.
fn take_side(
    account: &mut Account,
    entry: Option<Id>,
    given: &[EarnedLot],
    why: &Explanation,
    command: &mut Command,
) -> Result<(), Refusal> {
    let Some(entry) = entry else { return Ok(()) };
    let gone = |lot: &EarnedLot| lot.expired.0.saturating_add(account.points_over(lot.id).0).min(lot.issued.0);
    let own: Vec<OwnShare> =
        given.iter().map(|lot| OwnShare { lot: lot.id, points: lot.issued, covered: Points(gone(lot)) }).collect();
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    let ids: &mut Ids = &mut command.ids;
    let explain = |taken: Points, _| Explanation { points: Points(-taken.0), ..why.clone() };
    account.claw_back(Kind::ReferralClawback, entry, &own, cause, explain, ids).map(drop)
}

fn fact(code: &str, sentence: String, points: i64) -> Explanation {
    Explanation::fact("referral", Points(points), code, sentence)
}

fn verdict(referee_id: Id, from: &'static str) -> ReferralVerdict {
    ReferralVerdict {
        referee_id,
        from,
        outcome: "waiting",
        reason: String::new(),
        order_id: None,
        keep: None,
        referrer_entry: None,
        referee_entry: None,
        referrer_id: None,
        friends_paid: 0,
    }
}

fn note(plan: &mut Plan, row: ReferralVerdict, outcome: &'static str, why: Explanation) -> Decided {
    plan.verdicts.push(ReferralVerdict { outcome, reason: why.code.clone(), ..row });
    Decided { outcome, why }
}

fn told(member_id: Id, kind: &'static str, reason: &str) -> Message {
    Message { member_id: Some(member_id), kind, payload: json!({"reason": reason}) }
}
