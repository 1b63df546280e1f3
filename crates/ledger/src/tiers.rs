//! Tiers that are given or taken away by the staff, and the review of those that time changes.

use domain::Instant;
use domain::judgement::Standing;
use domain::plan::{NewGrantedTier, Plan};
use domain::snapshot::{GrantedTier, Member, Snapshot};

use crate::Command;
use crate::refusal::Refusal;
use crate::standing::{record, statistics};

/// A tier given by the staff: until a moment, or (without one) as a floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    pub tier: String,
    pub until: Option<Instant>,
    pub reason: String,
}

/// What a look at a member's tier brings about.
#[derive(Clone, Debug)]
pub struct Placed {
    pub plan: Plan,
    pub standing: Standing,
    /// Since when the tier is held.
    pub tier_since: Option<Instant>,
}

/// Gives a tier; none takes away all that were given.
///
/// # Errors
/// [`Refusal::MemberNotFound`].
pub fn give_tier(
    snapshot: &Snapshot,
    gift: Option<&Gift>,
    standing: impl Fn(&Member) -> Standing,
    mut command: Command,
) -> Result<Placed, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    command.ids.next();
    let mut after = member.clone();
    let mut plan = Plan::default();
    match gift {
        Some(gift) => {
            after.granted_tiers.push(GrantedTier { id: gift.tier.clone(), until: gift.until });
            plan.granted_tiers.push(NewGrantedTier {
                id: command.ids.next(),
                member_id: member.id,
                tier: gift.tier.clone(),
                until: gift.until,
                event_id: None,
                reason: Some(gift.reason.clone()),
            });
        }
        None => {
            // they end now: a tier that was only given is then not kept
            let now = command.now;
            for given in &mut after.granted_tiers {
                given.until = Some(given.until.map_or(now, |until| until.min(now)));
            }
            plan.ended_tiers.push(member.id);
        }
    }
    Ok(placed(member, &standing(&after), plan, command.now))
}

/// Looks again at a member whose tier time may have changed.
///
/// # Errors
/// [`Refusal::MemberNotFound`].
pub fn review(snapshot: &Snapshot, standing: impl Fn(&Member) -> Standing, command: &Command) -> Result<Placed, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    Ok(placed(member, &standing(member), Plan::default(), command.now))
}

fn placed(member: &Member, standing: &Standing, mut plan: Plan, now: Instant) -> Placed {
    let update = statistics(member, standing, now);
    let tier_since = update.tier_since;
    record(&mut plan, member, standing, update);
    Placed { plan, standing: standing.clone(), tier_since }
}
