//! Enrolment with its welcome points, and adjustments by the staff.

use domain::judgement::{Enrolment, Explanation};
use domain::plan::{Identity, Message, NewLot, NewMember, Plan};
use domain::snapshot::{Member, Snapshot};
use domain::{Id, Instant, Money, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::orders::single_grant;
use crate::redemptions::release_overdue;
use crate::refusal::Refusal;

/// Who enrols: no personal data, only keyed hashes.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// The member's id, which is the command's.
    pub id: Id,
    pub channel: String,
    pub referral_code: String,
    /// (kind, keyed hash).
    pub identities: Vec<(&'static str, String)>,
}

/// What enrolling brings about.
#[derive(Clone, Debug)]
pub struct Enrolled {
    pub plan: Plan,
    pub member: Member,
    pub balance: Balance,
}

/// Makes a member and grants what the program gives to a new one.
///
/// # Errors
/// [`Refusal::Overflow`] when the grants are beyond what one operation may move.
pub fn enrol(applicant: Applicant, judged: &Enrolment, terms: &Terms, mut command: Command) -> Result<Enrolled, Refusal> {
    command.ids.next();
    let tier = judged.standing.tier.as_ref().map(|tier| tier.id.clone());
    let member = Member {
        id: applicant.id,
        channel: applicant.channel.clone(),
        status: "active".to_owned(),
        referral_code: applicant.referral_code.clone(),
        joined_at: command.now,
        seq: 0,
        last_at: Instant(0),
        remaining: Points::ZERO,
        held: Points::ZERO,
        deficit: Points::ZERO,
        earned: Points::ZERO,
        redeemed: Points::ZERO,
        expired: Points::ZERO,
        revision: 0,
        orders: 0,
        qualifying_spend: Money::ZERO,
        tier: tier.clone(),
        tier_since: tier.is_some().then_some(command.now),
        merged: Vec::new(),
        segments: Vec::new(),
        grace_until: None,
        stepped_at: None,
        own_tier: tier.clone(),
        granted_tiers: Vec::new(),
        activity: Vec::new(),
        uses: Vec::new(),
        categories: Vec::new(),
    };
    let mut account = Account::open(&member, &[], terms, command.now);
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    account.grant(Kind::Earn, &judged.grants, cause, &judged.explanations, &mut command.ids)?;
    let balance = account.balance();
    let plan = Plan {
        members: vec![NewMember {
            id: applicant.id,
            channel: applicant.channel,
            status: "active",
            referral_code: applicant.referral_code,
            joined_at: command.now,
            tier,
        }],
        identities: applicant
            .identities
            .into_iter()
            .map(|(kind, hash)| Identity { hash, kind, member_id: applicant.id })
            .collect(),
        entries: account.into_entries(),
        outbox: vec![Message {
            member_id: Some(applicant.id),
            kind: "member.enrolled",
            payload: json!({"welcome": amount::format(balance.lifetime_earned.0, terms.points_scale)}),
        }],
        ..Plan::default()
    };
    Ok(Enrolled { plan, member, balance })
}

/// Points given (above 0) or taken (below) by the staff.
#[derive(Clone, Debug)]
pub struct Adjustment {
    pub points: Points,
    pub reason: String,
    pub activates_at: Option<Instant>,
    /// None: never.
    pub expires_at: Option<Instant>,
}

/// What an adjustment brings about.
#[derive(Clone, Debug)]
pub struct Adjusted {
    pub plan: Plan,
    pub entry: Id,
    /// Lots that points were given to; empty when they were taken.
    pub lots: Vec<NewLot>,
    /// (lot, points) taken.
    pub taken: Vec<(Id, Points)>,
    pub balance: Balance,
}

/// Adjusts a balance.
///
/// # Errors
/// [`Refusal::InsufficientPoints`] when more is taken than is there, [`Refusal::OverBeforeItBegins`] for points without a life.
pub fn adjust(snapshot: &Snapshot, adjustment: &Adjustment, terms: &Terms, mut command: Command) -> Result<Adjusted, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    command.ids.next();
    let mut account = Account::open(member, &snapshot.lots, terms, command.now);
    let redemption_updates = release_overdue(&mut account, snapshot, None, &mut command)?;
    let cause = Cause { occurred_at: command.now, ..Cause::default() };
    let points = adjustment.points;
    let explanation = [Explanation::fact("adjustment", points, "adjusted", adjustment.reason.clone())];
    let (lots, taken) = if points.0 > 0 {
        let activates_at = adjustment.activates_at.unwrap_or(account.at());
        let begins = activates_at.max(account.at());
        if adjustment.expires_at.is_some_and(|end| end <= begins) {
            return Err(Refusal::OverBeforeItBegins { begins });
        }
        let grant = single_grant("adjustment", points, activates_at, adjustment.expires_at);
        (account.grant(Kind::AdjustIn, &[grant], cause, &explanation, &mut command.ids)?, Vec::new())
    } else {
        let taken = points.0.checked_neg().ok_or(Refusal::Overflow)?;
        (Vec::new(), account.deduct(Points(taken), cause, &explanation, &mut command.ids)?)
    };
    let balance = account.balance();
    let entry = account.planned().last().map(|entry| entry.id).ok_or(Refusal::Overflow)?;
    let outbox = vec![Message {
        member_id: Some(member.id),
        kind: "points.adjusted",
        payload: json!({"points": amount::format(points.0, terms.points_scale)}),
    }];
    let plan = Plan { redemption_updates, entries: account.into_entries(), outbox, ..Plan::default() };
    Ok(Adjusted { plan, entry, lots, taken, balance })
}
