//! Events that happen by themselves: a filled profile, an occasion, a trigger. Each is a command like the shop's own events, under
//! a key that no caller can send, so that it happens once however often it is tried.

use domain::order::Event;
use domain::plan::{Message, NewVoucher};
use domain::snapshot::Member;
use domain::{Id, Ids, Instant, Points, amount};
use ledger::Command;
use serde_json::{Value, json};
use store::{Commit, Load};

use crate::database::books;
use crate::platform::random;
use crate::problem::{FieldError, Problem, from_refusal};
use crate::replica::note_written;
use crate::rules::{ActiveProgram, Look, RulesFailure};
use crate::shop::{Failed, load_known};
use crate::wire;

/// Letters of codes: none that look alike.
const CODE_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Now,
    /// It had happened before.
    Before,
    /// There is nobody it could happen to, or it does not hold.
    Not,
}

/// What happens.
#[derive(Clone, Debug)]
pub struct Happening<'a> {
    /// What makes it happen once for a member: with a space in it, so that no caller's key is like it.
    pub key: &'a str,
    /// The type of the event.
    pub type_name: &'a str,
    /// When it happens for the program: what it gives is dated from here, however late it is done.
    pub at: Instant,
    /// How the member and the shop's systems are told of it: the kind of message, and what it says beside the event, its points and
    /// its voucher. None: by its points alone.
    pub told: Option<(&'static str, Value)>,
    pub voucher: Option<GivenVoucher>,
}

/// A promo code that goes with it.
#[derive(Clone, Debug)]
pub struct GivenVoucher {
    pub rule_id: String,
    pub skus: Vec<String>,
    pub expires_at: Instant,
}

/// Lets it happen to a member, or to whoever took the member over, unless it did already, the member is gone, or `holds` says no.
///
/// # Errors
/// Those of the store, of `holds`, or what the rules can't judge.
pub async fn happen(
    member: Id,
    now: Instant,
    what: &Happening<'_>,
    holds: impl AsyncFn(&Member, &ActiveProgram) -> Result<bool, Problem>,
) -> Result<Happened, Failed> {
    let look = Look::Judging { at: what.at, categories: Vec::new() };
    let mut member = member;
    let (key, loaded, program) = loop {
        let key = format!("{} {}", what.key, member.external("mem"));
        let load = Load { member: Some(member), event: Some(key.clone()), ..Load::default() };
        let (loaded, program) = load_known(&load, &look, now).await?;
        match &loaded.snapshot.member {
            None => return Ok(Happened::Not),
            Some(known) if known.id == member => break (key, loaded, program?),
            // whoever took over
            Some(known) => member = known.id,
        }
    };
    let Some(known) = loaded.snapshot.member.as_ref().filter(|known| !known.is_erased()) else { return Ok(Happened::Not) };
    if loaded.snapshot.event.is_some() {
        return Ok(Happened::Before);
    }
    if !holds(known, &program).await? {
        return Ok(Happened::Not);
    }
    let event = Event {
        reference: key.clone(),
        type_name: what.type_name.to_owned(),
        occurred_at: what.at,
        channel: None,
        data: json!({}),
        points: None,
    };
    let rewarded = program.judge_event(known, Points::ZERO, &event).map_err(|failure| not_judged(&failure))?;
    let ids = Ids::new(now, random());
    let (id, terms) = (ids.clone().next(), program.terms(now));
    let standing = |member: &Member| program.standing(member, now);
    let command = Command { now, ids };
    let happened = ledger::record_event(&loaded.snapshot, &event, &rewarded, standing, &terms, what.type_name, command)
        .map_err(|refusal| from_refusal(&refusal, program.scale()))?;
    let mut plan = happened.plan;
    let voucher = what.voucher.as_ref().map(|given| NewVoucher {
        id,
        code: letters(random()) + &letters(random()),
        rule_id: given.rule_id.clone(),
        member_id: Some(known.id),
        skus: given.skus.clone(),
        expires_at: Some(given.expires_at),
    });
    if let Some((kind, says)) = &what.told {
        let mut payload = says.clone();
        payload["event"] = what.type_name.into();
        payload["points"] = amount::format(happened.earned.0, program.scale()).into();
        if let Some(voucher) = &voucher {
            payload["voucher"] = json!({
                "code": voucher.code, "rule_id": voucher.rule_id, "skus": voucher.skus,
                "expires_at": voucher.expires_at.map(|at| at.to_string()),
            });
        }
        plan.outbox.push(Message { member_id: Some(known.id), kind, payload });
    }
    plan.vouchers.extend(voucher);
    let commit =
        Commit { id, idempotency_key: &key, fingerprint: what.type_name, status: 201, answer: Some("{}"), now, plan: &plan };
    store::apply(&books(), &commit).await?;
    note_written(&plan);
    Ok(Happened::Now)
}

fn not_judged(failure: &RulesFailure) -> Problem {
    match failure {
        RulesFailure::Invalid(FieldError { code, detail, .. }) => Problem::new(500, "not_judged", format!("{code}: {detail}")),
        RulesFailure::Inconsistent(what) => wire::inconsistent(what),
        _ => Problem::new(
            500,
            "not_judged",
            "The program can't judge what happens by itself: an amount is beyond 10^12 minor units",
        ),
    }
}

/// Eight letters of 40 random bits: not to be guessed, easy to say. A collision is refused by the store and tried again.
#[must_use]
pub fn letters(random: u64) -> String {
    (0..8)
        .map(|place| {
            let index = usize::try_from((random >> (place * 5)) & 31).unwrap_or_default();
            char::from(CODE_LETTERS[index])
        })
        .collect()
}
