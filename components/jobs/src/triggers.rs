//! The job `triggers`: what the program lets happen some time after something of a member, unless its reason is gone. Each trigger
//! goes through what it looks at in the sequence of its moments, and begins with what happens after it was published.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use edge::agenda::{Firing, Trigger, Unless, Watched as Source};
use edge::{GivenVoucher, Happened, Happening, Problem, books, from_store, now, person};
use serde_json::json;
use store::schedule::{self, Watch, Watched, lately, watch};

use crate::agenda::{END, Look, Step, happen_to, reached};

/// What one batch looks at.
const BATCH: i64 = 200;

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// One batch, of the first trigger that has something to look at.
///
/// # Errors
/// 503 when a store does not answer; the next run goes on.
pub async fn batch(look: &Look<'_>) -> Result<Step, Problem> {
    let (since, mut published) = (look.program.published_at, None);
    for trigger in look.program.agenda(look.at, look.at).triggers {
        let job = job(&trigger);
        let from = match look.progress.get(&job) {
            Some(place) => *place,
            // what was due when it was published is over
            None => {
                let then = published.get_or_insert_with(|| look.program.agenda(since, since).triggers);
                let then = then.iter().find(|known| known.id == trigger.id).map_or(trigger.due_before, |known| known.due_before);
                look.place(&job, (then - 1, END)).await?
            }
        };
        if from >= (trigger.due_before - 1, END) {
            continue;
        }
        let found = watch(&books(), &watched(&trigger, look.at), from, trigger.due_before, BATCH).await;
        let found = found.map_err(|error| from_store(&error))?;
        let mut step = Step::default();
        fire(look, &trigger, &job, &found, &mut step).await?;
        let done = i64::try_from(found.len()).unwrap_or(BATCH) < BATCH;
        let last = found.last().filter(|_| !done).map(|last| (last.at.0, last.id.0));
        reached(&job, last.unwrap_or((trigger.due_before - 1, END))).await?;
        // a look that found nothing is no work
        if !found.is_empty() {
            return Ok(step);
        }
    }
    Ok(Step::default())
}

/// Whether any of it may be due.
pub fn is_due(look: &Look<'_>) -> bool {
    let triggers = look.program.agenda(look.at, look.at).triggers;
    triggers.iter().any(|trigger| look.progress.get(&job(trigger)).is_none_or(|place| *place < (trigger.due_before - 1, END)))
}

/// A trigger that waits otherwise than before begins anew.
fn job(trigger: &Trigger) -> String {
    format!("trigger {} {}", trigger.id, trigger.wait)
}

fn watched(trigger: &Trigger, now: Instant) -> Watch {
    let unless = match trigger.unless {
        Unless::Never | Unless::ProfileFilled => schedule::Unless::Never,
        Unless::Bought => schedule::Unless::Bought,
        Unless::BoughtAgain => schedule::Unless::BoughtAgain,
    };
    match &trigger.watched {
        Source::LastOrder => Watch::LastOrder,
        Source::Purchase(goods) => {
            Watch::Purchases { categories: goods.categories.clone(), skus: goods.skus.clone(), first: false, unless }
        }
        Source::FirstPurchase => Watch::Purchases { categories: Vec::new(), skus: Vec::new(), first: true, unless },
        Source::Joined => Watch::Joined { unless },
        Source::TierReached(tiers) => Watch::TierSince { tiers: tiers.clone(), unless },
        Source::TierEnding => Watch::Grace { now },
        Source::Event(type_name) => Watch::Events { type_name: type_name.clone(), unless },
    }
}

async fn fire(look: &Look<'_>, trigger: &Trigger, job: &str, found: &[Watched], step: &mut Step) -> Result<(), Problem> {
    let standing = || found.iter().filter(|watched| watched.stands).filter_map(|watched| Some((watched.member?, watched)));
    let cooldown = i64::from(trigger.cooldown_days) * DAY;
    let mut last = fired_lately(trigger, standing().map(|(member, _)| member).collect(), found, cooldown).await?;
    for (member, watched) in standing() {
        let Some(firing) = look.program.scheduled(&trigger.id, watched.at) else { continue };
        let at = Instant(firing.at);
        if cooldown > 0 && last.get(&member).is_some_and(|last| at.0 < last.0.saturating_add(cooldown)) {
            continue;
        }
        // a code that is over by now is none
        if firing.voucher_expires_at.is_some_and(|end| end <= look.at.0) {
            continue;
        }
        // what it looked at makes it happen once
        let key = format!("trigger {} {:x} {}", trigger.id, watched.id.0, watched.at.0);
        let voucher = voucher(trigger, watched, &firing);
        let told = Some(("trigger", json!({"trigger": trigger.id, "at": at.to_string()})));
        let what = Happening { key: &key, type_name: &trigger.event_type, at, told, voucher };
        let became =
            happen_to(job, member, watched.at, now().max(look.at), &what, step, async |member, program| match trigger.unless {
                Unless::ProfileFilled => Ok(!person::behind(member).await?.fills(program.profile_fields())),
                _ => Ok(true),
            })
            .await?;
        if became != Happened::Not {
            last.insert(member, at);
        }
    }
    Ok(())
}

/// The promo code that goes with it. One for the goods of a cart is none for all goods: without goods there is no code.
fn voucher(trigger: &Trigger, watched: &Watched, firing: &Firing) -> Option<GivenVoucher> {
    let given = trigger.voucher.as_ref().filter(|given| !given.of_event || !watched.skus.is_empty())?;
    let skus = if given.of_event { watched.skus.clone() } else { Vec::new() };
    Some(GivenVoucher { rule_id: given.rule_id.clone(), skus, expires_at: Instant(firing.voucher_expires_at?) })
}

/// When the trigger last fired for these members, where that may keep it from firing again.
async fn fired_lately(
    trigger: &Trigger,
    members: Vec<Id>,
    found: &[Watched],
    cooldown: i64,
) -> Result<BTreeMap<Id, Instant>, Problem> {
    let first = found.iter().map(|watched| watched.at.0).min();
    let Some(first) = first.filter(|_| cooldown > 0 && !members.is_empty()) else { return Ok(BTreeMap::new()) };
    let since = Instant(first.saturating_sub(cooldown));
    let fired = lately(&books(), &members, &format!("trigger {} ", trigger.id), since).await;
    fired.map(|fired| fired.into_iter().collect()).map_err(|error| from_store(&error))
}
