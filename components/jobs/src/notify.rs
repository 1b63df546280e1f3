//! The job `notify`: decides which messages of the outbox members are written of, by which channel, and when the next one is tried.
//! A letter stands in the outbox as `message.send`; the job `deliver` fills it with words and takes it to the shop's provider.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Id, Instant};
use edge::messaging::{self, Messaging, NamedValue};
use edge::person::{Person, Persons};
use edge::{ActiveProgram, Problem, books, from_store, now, say};
use ledger::dispatches::{self, Channel, Contact, Decision, Dispatch, Purpose, Receipt};
use serde_json::{Map, Value, json};
use store::{Addressee, Cause, Decided, DueDispatch, Outgoing, StoreError};

use crate::agenda::{Look, Step};
use crate::annulment;

/// Messages that one statement looks through, and dispatches of one batch.
const TAKEN: i64 = 500;
const BATCH: i64 = 100;

/// Of what is older nobody is written: the outbox gives up as late.
const LATEST: u32 = 3 * 86_400;

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 86_400;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Where in the outbox it stands.
const PROGRESS: &str = "notify";

/// Whether it has never begun though the program has something to say.
pub fn begins(look: &Look<'_>) -> bool {
    !look.progress.contains_key(PROGRESS) && look.program.messaging().is_some()
}

/// One batch.
///
/// # Errors
/// 503 when a store does not answer, 500 when persons can't be opened; the next run goes on.
pub async fn batch(look: &Look<'_>) -> Result<Step, Problem> {
    let messaging = look.program.messaging();
    let since = look.at.0.saturating_sub(i64::from(LATEST) * 1_000);
    match store::take_dispatches(&books(), TAKEN, &kinds(messaging.as_ref()), Instant(since), look.program.published_at).await {
        // another run took them
        Ok(()) | Err(StoreError::Stale) => {}
        Err(error) => return Err(from_store(&error)),
    }
    let days = messaging.as_ref().and_then(|messaging| messaging.cap).map_or(0, |cap| cap.days);
    let lately = Instant(look.at.0.saturating_sub(i64::from(days) * DAY));
    let found = store::due_dispatches(&books(), look.at, BATCH, lately).await.map_err(|error| from_store(&error))?;
    if found.is_empty() {
        return Ok(Step::default());
    }
    let versions: BTreeSet<Id> = found.iter().filter_map(|dispatch| dispatch.person.as_ref()).flat_map(versions_of).collect();
    let persons = Persons::of(&versions.into_iter().collect::<Vec<_>>()).await?;
    let mut decided = Vec::new();
    // what this batch itself sends counts as well
    let mut sent: BTreeMap<Id, u32> = BTreeMap::new();
    let mut written = BTreeSet::new();
    for dispatch in &found {
        let same = (dispatch.member_id, &dispatch.kind, Value::Object(dispatch.payload.clone()).to_string());
        let so_far = Batch {
            sent: sent.get(&dispatch.member_id).copied().unwrap_or_default(),
            written: dispatch.channel.is_none() && written.contains(&same),
        };
        let outcome = match decide(dispatch, &persons, messaging.as_ref(), look, so_far) {
            Ok(outcome) => outcome,
            // one person that can't be opened keeps nobody else waiting
            Err(problem) => {
                let subject = dispatch.id.external("msg");
                say(&json!({"level": "error", "job": PROGRESS, "subject": subject, "code": problem.code}));
                waits(dispatch, look.at.plus_seconds(HOUR_SECONDS))
            }
        };
        if outcome.channel.is_some() {
            written.insert(same);
        }
        if dispatch.purpose == word(Purpose::Marketing) && dispatch.channel.is_none() && outcome.channel.is_some() {
            *sent.entry(dispatch.member_id).or_default() += 1;
        }
        decided.push(outcome);
    }
    store::decide_dispatches(&books(), &decided, now().max(look.at)).await.map_err(|error| from_store(&error))?;
    Ok(Step::of(i64::try_from(decided.len()).unwrap_or(BATCH)))
}

/// The versions of the person behind a member.
pub fn versions_of(person: &Addressee) -> impl Iterator<Item = Id> + '_ {
    std::iter::once(person.profile).chain(person.merged_profiles.iter().copied())
}

/// How each kind of message is meant, as the store's statement wants it.
fn kinds(messaging: Option<&Messaging>) -> Value {
    let mut kinds = Map::new();
    for kind in messaging.iter().flat_map(|messaging| &messaging.kinds) {
        let entry = kinds.entry(kind.kind.clone()).or_insert_with(|| json!({}));
        let purpose = word(purpose(kind.purpose));
        match &kind.of_id {
            Some(id) => entry["of"][id] = purpose.into(),
            None => entry["purpose"] = purpose.into(),
        }
    }
    Value::Object(kinds)
}

/// What a batch has decided of before, as far as it matters for a dispatch.
struct Batch {
    /// Letters of marketing to the same member.
    sent: u32,
    /// Whether the same was written to the member.
    written: bool,
}

fn waits(due: &DueDispatch, until: Instant) -> Decided {
    let status = if due.channel.is_some() { "sent" } else { "waiting" };
    Decided { id: due.id, revision: due.revision, status, channel: None, next_at: Some(until), reason: None }
}

fn decide(
    due: &DueDispatch,
    persons: &Persons,
    messaging: Option<&Messaging>,
    look: &Look<'_>,
    so_far: Batch,
) -> Result<Decided, Problem> {
    let cascade: Vec<dispatches::Step> = messaging.iter().flat_map(|messaging| &messaging.cascade).map(step).collect();
    let contact = match &due.person {
        Some(addressee) => Some(contact(&persons.behind(addressee.profile, &addressee.merged_profiles)?, addressee, look)),
        None => None,
    };
    let channel = due.channel.as_deref().and_then(Channel::of);
    let dispatch = Dispatch {
        purpose: [Purpose::Urgent, Purpose::Service]
            .into_iter()
            .find(|known| word(*known) == due.purpose)
            .unwrap_or(Purpose::Marketing),
        tried: channel.zip(due.tried_at),
        receipts: due.receipts.iter().filter_map(|(channel, said)| Some((Channel::of(channel)?, receipt(said)?))).collect(),
        channels: due.channels.iter().filter_map(|channel| Channel::of(channel)).collect(),
        stale: stale(due, look.at, so_far.written).or_else(|| messaging.is_none().then_some("program_changed")),
        lately: due.lately.saturating_add(so_far.sent),
        cap: messaging.and_then(|messaging| messaging.cap).map(|cap| cap.messages),
    };
    let decision = dispatches::decide(&dispatch, contact.as_ref(), &cascade, look.at);
    let (status, channel, next_at, reason) = match decision {
        Decision::Wait { until } => return Ok(waits(due, until)),
        // points do not end before it was sent: whoever can't be reached is looked for again
        Decision::NotSent("unreachable" | "no_consent") if due.kind == annulment::KIND => {
            return Ok(waits(due, look.at.plus_seconds(DAY_SECONDS)));
        }
        Decision::Send { channel, look_at } => ("sent", Some(channel.word()), Some(look_at), None),
        Decision::Arrived(Receipt::Opened) => ("opened", None, None, None),
        Decision::Arrived(_) => ("delivered", None, None, None),
        Decision::Sent => ("sent", None, None, None),
        Decision::Failed => ("failed", None, None, None),
        Decision::NotSent(why) => ("not_sent", None, None, Some(why)),
    };
    Ok(Decided { id: due.id, revision: due.revision, status, channel, next_at, reason })
}

/// Why nobody has any use of it any more.
fn stale(due: &DueDispatch, at: Instant, written: bool) -> Option<&'static str> {
    let ends = due.payload.get("expires_at").and_then(Value::as_str).and_then(|ends| Instant::parse(ends).ok());
    // a notice comes late rather than never: its points end after it
    let is_over = ends.is_some_and(|ends| ends <= at) && !["points.activated", "points.annulment"].contains(&due.kind.as_str());
    if is_over {
        Some("over")
    } else if due.left == Some(0) {
        Some("spent")
    } else if due.superseded {
        Some("superseded")
    } else if due.channel.is_some() || due.kind == annulment::KIND {
        None
    } else if at > due.at.plus_seconds(LATEST) {
        Some("late")
    } else {
        (due.repeated || written).then_some("repeated")
    }
}

fn contact(person: &Person, addressee: &Addressee, look: &Look<'_>) -> Contact {
    let reachable = Channel::ALL.into_iter().filter(|channel| match channel {
        // who has the shop's app, only the provider knows: whoever agreed to it
        Channel::Push => addressee.consents.get(channel.word()).copied().unwrap_or_default(),
        _ => address(person, *channel).is_some(),
    });
    let consents = addressee.consents.iter().filter_map(|(channel, granted)| Some((Channel::of(channel)?, *granted)));
    let quiet_until = look.program.quiet_until(zone(person), look.at);
    Contact { reachable: reachable.collect(), consents: consents.collect(), quiet_until }
}

/// Whether a letter that was decided of may still go: none, now; a moment, then.
///
/// # Errors
/// Why it may not at all.
pub fn may_go(
    message: &Outgoing,
    cause: &Cause,
    person: &Person,
    addressee: &Addressee,
    program: &ActiveProgram,
    now: Instant,
) -> Result<Option<Instant>, &'static str> {
    let channel = message.payload.get("channel").and_then(Value::as_str).and_then(Channel::of);
    if channel.is_some_and(|channel| channel != Channel::Push && address(person, channel).is_none()) {
        return Err("the member has no such address any more");
    }
    let said = channel.and_then(|channel| addressee.consents.get(channel.word()));
    if said == Some(&false) || said.is_none() && cause.purpose == word(Purpose::Marketing) {
        return Err("the member said no meanwhile");
    }
    let is_urgent = cause.purpose == word(Purpose::Urgent);
    Ok(if is_urgent { None } else { program.quiet_until(zone(person), now).filter(|until| *until > now) })
}

fn zone(person: &Person) -> &str {
    person.attributes.get("time_zone").and_then(Value::as_str).unwrap_or_default()
}

/// Where a channel reaches a person.
pub fn address(person: &Person, channel: Channel) -> Option<&String> {
    match channel {
        Channel::Email => person.email.as_ref(),
        Channel::Sms => person.phone.as_ref(),
        Channel::Messenger => person.telegram.as_ref(),
        Channel::Push => None,
    }
}

/// The words of a letter for a channel, in the person's language; none: the program has none any more.
///
/// # Errors
/// What the template can't say.
pub fn words(
    program: &ActiveProgram,
    kind: &str,
    of_id: Option<&str>,
    channel: Channel,
    person: &Person,
    values: Vec<NamedValue>,
) -> Result<Option<messaging::Written>, String> {
    let language = person.attributes.get("language").and_then(Value::as_str).unwrap_or_default();
    let language = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let channel = match channel {
        Channel::Email => messaging::Channel::Email,
        Channel::Sms => messaging::Channel::Sms,
        Channel::Messenger => messaging::Channel::Messenger,
        Channel::Push => messaging::Channel::Push,
    };
    program.write(kind, of_id, channel, &language, &values)
}

fn step(step: &messaging::CascadeStep) -> dispatches::Step {
    let channel = match step.channel {
        messaging::Channel::Email => Channel::Email,
        messaging::Channel::Sms => Channel::Sms,
        messaging::Channel::Messenger => Channel::Messenger,
        messaging::Channel::Push => Channel::Push,
    };
    dispatches::Step { channel, wait: i64::from(step.wait_minutes) * MINUTE, until_opened: step.until_opened }
}

fn purpose(purpose: messaging::Purpose) -> Purpose {
    match purpose {
        messaging::Purpose::Urgent => Purpose::Urgent,
        messaging::Purpose::Service => Purpose::Service,
        messaging::Purpose::Marketing => Purpose::Marketing,
    }
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Urgent => "urgent",
        Purpose::Service => "service",
        Purpose::Marketing => "marketing",
    }
}

fn receipt(said: &str) -> Option<Receipt> {
    match said {
        "delivered" => Some(Receipt::Delivered),
        "opened" => Some(Receipt::Opened),
        "failed" => Some(Receipt::Failed),
        _ => None,
    }
}
