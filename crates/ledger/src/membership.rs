//! Enrolment with its welcome points, and adjustments by the staff.

use domain::judgement::{Enrolment, Explanation};
use domain::plan::{Identity, Message, NewAcceptance, NewConsent, NewLot, NewMember, Plan};
use domain::referral::NewDevice;
use domain::snapshot::{Member, Snapshot};
use domain::{Id, Instant, Money, Points, amount};
use serde_json::json;

use crate::Command;
use crate::account::{Account, Cause, Kind, Terms};
use crate::balance::Balance;
use crate::codes::send;
use crate::orders::single_grant;
use crate::redemptions::{NewCode, release_overdue};
use crate::referrals::{Brought, Decided, on_joining};
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
    /// (channel, granted): said on enrolling, in the channel of the enrolment.
    pub consents: Vec<(String, bool)>,
    /// The version of the program's rules that was accepted.
    pub accepts: Option<String>,
    /// The code that confirms who it is; none: nobody asks for one.
    pub code: Option<NewCode>,
    /// The welcome comes with the right code.
    pub awaits_welcome: bool,
    /// Keyed hash of the device on which it happens.
    pub device: Option<String>,
    /// The code with which they come.
    pub brought: Option<Brought>,
}

impl Applicant {
    /// Somebody who is known by nothing and says nothing.
    #[must_use]
    pub fn new(id: Id, channel: &str, referral_code: &str) -> Self {
        let (channel, referral_code) = (channel.to_owned(), referral_code.to_owned());
        Self {
            id,
            channel,
            referral_code,
            identities: Vec::new(),
            consents: Vec::new(),
            accepts: None,
            code: None,
            awaits_welcome: false,
            device: None,
            brought: None,
        }
    }
}

/// What enrolling brings about.
#[derive(Clone, Debug)]
pub struct Enrolled {
    pub plan: Plan,
    pub member: Member,
    pub balance: Balance,
    /// What becomes of the code with which they came.
    pub referral: Option<Decided>,
}

/// Makes a member and grants what the program gives to a new one.
///
/// # Errors
/// [`Refusal::Overflow`] when the grants are beyond what one operation may move.
pub fn enrol(applicant: Applicant, judged: &Enrolment, terms: &Terms, mut command: Command) -> Result<Enrolled, Refusal> {
    command.ids.next();
    let status = if applicant.code.is_some() { "not_confirmed" } else { "active" };
    let tier = judged.standing.tier.as_ref().map(|tier| tier.id.clone());
    let member = Member {
        id: applicant.id,
        channel: applicant.channel.clone(),
        status: status.to_owned(),
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
        largest_order: Money::ZERO,
        tier: tier.clone(),
        tier_since: tier.is_some().then_some(command.now),
        merged: Vec::new(),
        merged_profiles: Vec::new(),
        profile: applicant.id,
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
    let mut plan = Plan::default();
    let referral = match &applicant.brought {
        Some(brought) => {
            Some(on_joining(brought, (applicant.id, applicant.code.is_some()), &mut account, &mut plan, terms, &mut command)?)
        }
        None => None,
    };
    let alone = u8::from(referral.as_ref().is_some_and(|decided| decided.outcome != "refused"));
    let devices = applicant.device.into_iter().map(|hash| NewDevice { hash, member_id: applicant.id, alone }).collect();
    let welcome: Points = judged.grants.iter().map(|grant| grant.points).sum();
    let balance = account.balance();
    let code = applicant.code;
    let source = applicant.channel.clone();
    let consented = |channel, granted| NewConsent { member_id: applicant.id, channel, granted, source: source.clone() };
    let mut plan = Plan {
        members: vec![NewMember {
            id: applicant.id,
            channel: applicant.channel,
            status,
            referral_code: applicant.referral_code,
            joined_at: command.now,
            tier,
            awaits_welcome: applicant.awaits_welcome,
        }],
        identities: applicant
            .identities
            .into_iter()
            .map(|(kind, hash)| Identity { hash, kind, member_id: applicant.id })
            .collect(),
        consents: applicant.consents.into_iter().map(|(channel, granted)| consented(channel, granted)).collect(),
        acceptances: applicant
            .accepts
            .into_iter()
            .map(|rules_version| NewAcceptance { member_id: applicant.id, rules_version })
            .collect(),
        entries: account.into_entries().into_iter().chain(plan.entries).collect(),
        outbox: std::iter::once(Message {
            member_id: Some(applicant.id),
            kind: "member.enrolled",
            payload: json!({"welcome": amount::format(welcome.0, terms.points_scale)}),
        })
        .chain(plan.outbox)
        .collect(),
        devices,
        ..plan
    };
    if let Some(code) = code {
        send(&mut plan, applicant.id, code, None, &command);
    }
    Ok(Enrolled { plan, member, balance, referral })
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
        payload: json!({"points": amount::format(points.0, terms.points_scale), "entry": entry.external("ent")}),
    }];
    let plan = Plan { redemption_updates, entries: account.into_entries(), outbox, ..Plan::default() };
    Ok(Adjusted { plan, entry, lots, taken, balance })
}
