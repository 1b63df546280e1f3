//! How much a caller may ask in a minute: each key, each client's address, and both less where they name what nobody knows.
//!
//! The counts of all instances stand in the store and come with every load, for no round trip of their own. An instance
//! counts for itself and adds that up in the store with every so many calls, so that a count lags behind by less than a step
//! for each instance at work; a miss is written at once. The shop's first key has no limit: it is the operator's.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::Instant;
use serde_json::json;
use store::{Asking, Known};

use crate::access::{Scope, variable};
use crate::call::Call;
use crate::client::Client;
use crate::database::books;
use crate::log::say;
use crate::platform::now;
use crate::problem::Problem;

/// Where the numbers stand, and what they are where nothing is said.
const SETTINGS: [(&str, i64); 4] = [
    ("key_calls_per_minute", 6_000),
    ("address_calls_per_minute", 12_000),
    ("unknown_members_per_minute", 120),
    ("unknown_keys_per_minute", 60),
];

/// Calls that an instance counts for itself at most. It lives for about 128 requests, so that most of a busy caller's are seen.
const LONGEST_STEP: i64 = 32;

/// Most limits are a whole number of such parts, which is what one instance may be behind with.
const STEPS_OF_LIMIT: i64 = 64;

/// What may be asked in a minute; 0 for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    key_calls: i64,
    address_calls: i64,
    unknown_members: i64,
    unknown_keys: i64,
}

impl Limits {
    /// The settings of the deployment, read once by an instance.
    ///
    /// # Errors
    /// 500 for a setting that is no whole number.
    pub(crate) async fn of_deployment() -> Result<Self, Problem> {
        if let Some(limits) = COUNTED.with_borrow(|counted| counted.limits) {
            return Ok(limits);
        }
        let mut numbers = [0; SETTINGS.len()];
        for (number, (name, unless_said)) in numbers.iter_mut().zip(SETTINGS) {
            let wrong = || Problem::new(500, "not_configured", format!("The Spin variable {name} is no whole number"));
            *number = match variable(name).await {
                Ok(text) => text.parse().ok().filter(|number| *number >= 0).ok_or_else(wrong)?,
                Err(_) => unless_said,
            };
        }
        let [key_calls, address_calls, unknown_members, unknown_keys] = numbers;
        let limits = Self { key_calls, address_calls, unknown_members, unknown_keys };
        COUNTED.with_borrow_mut(|counted| counted.limits = Some(limits));
        Ok(limits)
    }
}

/// What an instance has counted and not written yet.
#[derive(Default)]
struct Counted {
    limits: Option<Limits>,
    minute: i64,
    /// (calls, misses) of a subject.
    pending: BTreeMap<String, (i64, i64)>,
}

thread_local! {
    static COUNTED: RefCell<Counted> = RefCell::default();
}

/// Whom a call is counted for.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    limits: Limits,
    asking: Asking,
    client: Option<Client>,
    /// The caller in the words of the log, where the key is known.
    caller: Option<String>,
}

/// How much a key has left in this minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    limit: i64,
    left: i64,
    seconds: i64,
}

impl Quota {
    /// The fields of the IETF's draft "RateLimit header fields for HTTP".
    pub(crate) fn fields(self) -> [(&'static str, String); 2] {
        let Self { limit, left, seconds } = self;
        [("ratelimit-policy", format!(r#""key";q={limit};w=60"#)), ("ratelimit", format!(r#""key";r={left};t={seconds}"#))]
    }
}

impl Subjects {
    pub(crate) fn new(limits: Limits, asking: Asking, client: Option<Client>) -> Self {
        Self { limits, asking, client, caller: None }
    }

    /// Refuses whoever asked too much, by what all instances have counted.
    ///
    /// # Errors
    /// 429 with the seconds until the minute is over.
    pub(crate) fn check(mut self, call: &Call, known: &Known) -> Result<(), Problem> {
        let (limits, now) = (self.limits, now());
        let of = |subject: &Option<String>| subject.as_ref().map_or((0, 0), |subject| counted(subject, known, now));
        let (key, address) = (of(&self.asking.key), of(&self.asking.address));
        // what can be guessed is no key that we made, but the first one, which a person chose
        let may_be_a_guess = known.key.is_none();
        if may_be_a_guess && is_over(address.1, limits.unknown_keys) {
            return Err(too_many(limits.unknown_keys, "unknown keys from one address", now));
        }
        if self.asking.key.is_some() && is_over(address.0, limits.address_calls) {
            return Err(too_many(limits.address_calls, "calls from one address", now));
        }
        if let Some(caller) = &known.key {
            let quota = Quota { limit: limits.key_calls, left: (limits.key_calls - key.0 - 1).max(0), seconds: left_of(now) };
            if limits.key_calls > 0 {
                call.quota.set(Some(quota));
            }
            if is_over(key.0, limits.key_calls) {
                return Err(too_many(limits.key_calls, "calls with one key", now));
            }
            if call.names_by_identity.get() && is_over(key.1, limits.unknown_members) {
                return Err(too_many(limits.unknown_members, "unknown members with one key", now));
            }
            let of_member = caller.scopes.iter().any(|scope| scope == Scope::Member.word());
            self.caller = Some(caller.id.external(if of_member { "mem" } else { "key" }));
        }
        call.subjects.replace(Some(self));
        Ok(())
    }

    /// Counts a call that was let through, and what it missed.
    async fn count(self, missed: Option<Missed>) {
        let minute = minute_of(now());
        let limits = self.limits;
        let known = self.caller.is_some();
        let mut counts = Vec::new();
        if let (Some(key), true) = (&self.asking.key, known) {
            let misses = i64::from(missed == Some(Missed::Member));
            counts.push((key.clone(), limits.key_calls, limits.unknown_members, misses));
        }
        // the operator's calls are not counted, a wrong guess is
        if let (Some(address), true) = (&self.asking.address, self.asking.key.is_some()) {
            let misses = i64::from(missed == Some(Missed::Key));
            counts.push((address.clone(), limits.address_calls, limits.unknown_keys, misses));
        }
        let due = COUNTED.with_borrow_mut(|counted| {
            if counted.minute != minute {
                counted.pending.clear();
                counted.minute = minute;
            }
            let mut due = missed.is_some();
            for (subject, calls_limit, misses_limit, misses) in counts {
                let calls = i64::from(calls_limit > 0);
                let misses = if misses_limit > 0 { misses } else { 0 };
                if calls + misses > 0 {
                    let pending = counted.pending.entry(subject).or_default();
                    *pending = (pending.0 + calls, pending.1 + misses);
                    due |= pending.0 >= step(calls_limit);
                }
            }
            if due { std::mem::take(&mut counted.pending) } else { BTreeMap::new() }
        });
        let due: Vec<_> = due.into_iter().map(|(subject, (calls, misses))| (subject, calls, misses)).collect();
        if due.is_empty() {
            return;
        }
        match store::count_calls(&books(), minute, &due).await {
            Ok(misses) => self.tell(&due, &misses),
            // the limits wait for the store as everything does; nobody is refused for want of them
            Err(error) => say(&json!({"level": "warn", "detail": format!("calls were not counted: {error}")})),
        }
    }

    /// Tells the operator of whoever reaches a limit of misses: once a minute.
    fn tell(&self, added: &[(String, i64, i64)], misses: &[(String, i64)]) {
        let reached = |subject: &Option<String>, limit: i64| {
            let Some(subject) = subject.as_ref().filter(|_| limit > 0) else { return false };
            let after = misses.iter().find(|(counted, _)| counted == subject).map_or(0, |(_, misses)| *misses);
            let added = added.iter().find(|(counted, ..)| counted == subject).map_or(0, |(.., misses)| *misses);
            after >= limit && after - added < limit
        };
        if reached(&self.asking.key, self.limits.unknown_members) {
            say(&json!({
                "level": "warn", "limit": "unknown_members_per_minute", "reached": self.limits.unknown_members,
                "key": self.caller, "detail": "this key asks for members whom nobody knows",
            }));
        }
        if reached(&self.asking.address, self.limits.unknown_keys) {
            say(&json!({
                "level": "warn", "limit": "unknown_keys_per_minute", "reached": self.limits.unknown_keys,
                "network": self.client.map(Client::network), "detail": "keys that nobody knows come from there",
            }));
        }
    }
}

/// What a call named that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    Member,
    Key,
}

impl Missed {
    /// An answer from which a caller learns whether a member is there counts as well. That is every one to a call that gives a
    /// member another phone: it is taken, or it was free.
    fn by(call: &Call, refused: Option<&Problem>) -> Option<Self> {
        match refused.map(|problem| problem.code) {
            Some("unauthorized" | "token_expired") => Some(Self::Key),
            Some("member_not_found" | "identity_taken") if call.names_by_identity.get() => Some(Self::Member),
            _ if call.adds_identity.get() => Some(Self::Member),
            _ => None,
        }
    }
}

/// Counts a call after its answer is known.
pub(crate) async fn count(call: &Call, refused: Option<&Problem>) {
    // whoever asked too much already is not counted on
    let subjects = call.subjects.take();
    if let Some(subjects) = subjects {
        subjects.count(Missed::by(call, refused)).await;
    }
}

/// (calls, misses) of a subject in this minute, by the store and by this instance.
fn counted(subject: &str, known: &Known, now: Instant) -> (i64, i64) {
    let minute = minute_of(now);
    let stored =
        known.meters.iter().find(|meter| meter.0 == subject && meter.1 == minute).map_or((0, 0), |meter| (meter.2, meter.3));
    let pending = COUNTED.with_borrow(|counted| {
        let of = counted.pending.get(subject).copied().unwrap_or_default();
        if counted.minute == minute { of } else { (0, 0) }
    });
    (stored.0 + pending.0, stored.1 + pending.1)
}

fn is_over(counted: i64, limit: i64) -> bool {
    limit > 0 && counted >= limit
}

fn step(limit: i64) -> i64 {
    (limit / STEPS_OF_LIMIT).clamp(1, LONGEST_STEP)
}

fn minute_of(now: Instant) -> i64 {
    now.0.div_euclid(60_000)
}

/// Whole seconds until the minute is over, at least 1.
fn left_of(now: Instant) -> i64 {
    (60_000 - now.0.rem_euclid(60_000)).div_euclid(1_000).max(1)
}

fn too_many(limit: i64, what: &str, now: Instant) -> Problem {
    let seconds = left_of(now);
    let detail = format!("More than {limit} {what} in a minute: nothing was done; send the same request again in {seconds} s");
    Problem { retry_after: u32::try_from(seconds).ok(), ..Problem::new(429, "too_many_requests", detail) }
}
