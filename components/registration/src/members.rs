//! Members: enrolment, look-up, balance, entries, adjustments by the staff.

use std::cell::RefCell;

use domain::id::Ids;
use domain::snapshot::Snapshot;
use domain::{Id, Instant, MONEY_SCALE};
use edge::wire::{self, Amount, MemberRef, member_id};
use edge::{
    Access, ActiveProgram, Call, Decision, Outcome, Problem, Read, Reply, RulesFailure, Scope, books, from_refusal, from_store,
    mutate, now, own_fingerprint, people, program_by_head, random, read, replay, with_retries,
};
use ledger::{Account, Adjustment, Applicant, Command, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Commit, Load};

use crate::person::{self, MemberBody, Person, member_json};

const READERS: [Scope; 3] = [Scope::Storefront, Scope::Till, Scope::Staff];

/// Letters of codes: none that look alike.
const CODE_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// `POST /v1/members`: three round trips, because personal data has a store of its own and is written first.
pub async fn enrol(call: &Call) -> Result<Reply, Problem> {
    let body: MemberBody = call.json()?;
    let idempotency_key = call.idempotency_key()?;
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint();
    let (person, identities) = body.person(now()).await?;
    let hashes: Vec<String> = identities.iter().map(|(_, hash)| hash.clone()).collect();
    // persons of tries that did not succeed; whether one of a broken connection did is known only with the next answer
    let written: RefCell<Vec<Id>> = RefCell::default();
    let outcome = with_retries(async || {
        let now = now();
        let loaded = store::load_enrolment(&books(), access.hash().as_deref(), idempotency_key, &hashes).await?;
        let caller = access.permit(call, loaded.caller, &READERS)?;
        let fingerprint = own_fingerprint(&fingerprint, &caller);
        if let Some(answered) = loaded.answered {
            // a try whose answer was lost: its person is the member
            written.borrow_mut().retain(|id| *id != answered.id);
            let reply = replay(&answered, &fingerprint)?;
            // the answer holds personal data: it is kept with the person
            let kept = person::find(answered.id).await?.and_then(|person| person.answer);
            let body = kept.ok_or_else(|| Problem::new(410, "person_erased", "The person behind this enrolment was erased"))?;
            return Ok(Reply { body, ..reply });
        }
        if let Some((kind, member)) = loaded.taken.first() {
            return Err(taken(kind, *member).into());
        }
        let program = program_by_head(loaded.program.as_ref()).await?;
        let ids = Ids::new(now, random());
        let id = ids.clone().next();
        let applicant =
            Applicant { id, channel: body.channel.clone(), referral_code: letters(random()), identities: identities.clone() };
        let judged = program.judge_enrolment(now, &body.channel).map_err(|failure| not_judged(&failure))?;
        let enrolled = ledger::enrol(applicant, &judged, &program.terms(now), Command { now, ids })
            .map_err(|refusal| from_refusal(&refusal, program.scale()))?;
        let answer = member_json(&enrolled.member, &person, &program, now).to_string();
        written.borrow_mut().push(id);
        person::write(id, &Person { answer: Some(answer.clone()), ..person.clone() }, now).await?;
        let commit =
            Commit { id, idempotency_key, fingerprint: &fingerprint, status: 201, answer: None, now, plan: &enrolled.plan };
        store::apply(&books(), &commit).await?;
        written.borrow_mut().retain(|written| *written != id);
        Ok(Reply::new(201, answer))
    })
    .await;
    // refused, or answered by another request under the same key; after a failure of the store nobody knows
    if outcome.as_ref().map_or_else(|problem| problem.status < 500, |_| true) {
        for id in written.take() {
            if let Err(error) = store::remove_person(&people(), id).await {
                // a sealed person without a member can't be reached by any call
                eprintln!("{}", json!({"level": "warn", "detail": format!("a refused person is left: {error}")}));
            }
        }
    }
    outcome
}

/// `GET /v1/members?phone=...`
pub async fn look_up(call: &Call) -> Result<Reply, Problem> {
    let value = |name: &str| call.parameter(name).map(str::to_owned);
    let reference = MemberRef {
        id: value("id"),
        external_id: value("external_id"),
        // a plus sign that was not escaped reads as a space
        phone: value("phone").map(|phone| if phone.starts_with(' ') { format!("+{}", phone.trim_start()) } else { phone }),
        email: value("email"),
        card: value("card"),
        telegram: value("telegram"),
    };
    let load = reference.subject("").await?.into_load(Load::default());
    show_loaded(read(call, &READERS, load).await?).await
}

/// `GET /v1/members/{id}`
pub async fn show(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    show_loaded(read(call, &READERS, load).await?).await
}

async fn show_loaded(shop: Read) -> Result<Reply, Problem> {
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    let mut person = person::find(member.id).await?.unwrap_or_default();
    for merged in &member.merged {
        if let Some(earlier) = person::find(*merged).await? {
            person.take_over(earlier);
        }
    }
    Ok(Reply::ok(&member_json(member, &person, &shop.program, now())))
}

/// `GET /v1/members/{id}/balance`
pub async fn balance(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    let shop = read(call, &READERS, load).await?;
    let value =
        balance_json(&shop.snapshot, &shop.program, now()).map_err(|refusal| from_refusal(&refusal, shop.program.scale()))?;
    Ok(Reply::ok(&value))
}

fn balance_json(snapshot: &Snapshot, program: &ActiveProgram, now: Instant) -> Result<Value, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    let account = Account::open_settled(member, snapshot, &program.terms(now), now)?;
    Ok(wire::balance(&account.balance(), &program.standing(member, now), program))
}

/// `GET /v1/members/{id}/entries`: newest first, each with its explanation.
pub async fn entries(call: &Call, id: &str) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    let below = match call.parameter("cursor") {
        None => i64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| Problem::field("/cursor", "invalid", "is no cursor of this list"))?,
    };
    let shop = read(call, &READERS, Load { member: Some(member_id(id)?), ..Load::default() }).await?;
    if shop.snapshot.member.is_none() {
        return Err(from_refusal(&Refusal::MemberNotFound, shop.program.scale()));
    }
    // of a member that was merged: what happened until then
    let rows = store::entries(&books(), member_id(id)?, below, limit + 1).await.map_err(|error| from_store(&error))?;
    let shown = usize::try_from(limit).unwrap_or_default();
    let items: Vec<Value> = rows.iter().take(shown).map(|row| wire::entry(row, &shop.program)).collect();
    let next = if rows.len() > shown { rows.get(shown - 1).map(|last| last.seq.to_string()) } else { None };
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustmentBody {
    points: Amount,
    reason: String,
    activates_at: Option<String>,
    expires_at: Option<String>,
}

/// `POST /v1/members/{id}/adjustments`
pub async fn adjust(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: AdjustmentBody = call.json()?;
    wire::bounded(&body.reason, wire::LONGEST_TEXT, "/reason")?;
    let time = |text: &Option<String>, pointer: &str| {
        let parsed = text.as_deref().map(Instant::parse).transpose();
        parsed.map_err(|error| Problem::field(pointer, "not_a_time", error.to_string()))
    };
    let activates_at = time(&body.activates_at, "/activates_at")?;
    let expires_at = time(&body.expires_at, "/expires_at")?;
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    mutate(call, &[Scope::Staff], load, |context| {
        let program = &context.program;
        let points = body.points.points(program.scale(), "/points")?;
        if points.is_zero() {
            return Err(Problem::field("/points", "out_of_range", "must not be 0"));
        }
        if points.0 < 0 && (activates_at.is_some() || expires_at.is_some()) {
            return Err(Problem::field(
                "/points",
                "out_of_range",
                "points that are taken away have no activates_at and no expires_at",
            ));
        }
        let adjustment = Adjustment { points, reason: body.reason.clone(), activates_at, expires_at };
        let adjusted =
            ledger::adjust(&context.snapshot, &adjustment, &program.terms(context.command.now), context.command.clone())
                .map_err(|refusal| context.refuse(&refusal))?;
        let taken: Vec<Value> = adjusted
            .taken
            .iter()
            .map(|(lot, points)| json!({"id": lot.external("lot"), "points": wire::points(*points, program)}))
            .collect();
        let answer = json!({
            "id": adjusted.entry.external("ent"), "points": wire::points(points, program), "reason": body.reason,
            "lots": if points.0 > 0 { wire::new_lots(&adjusted.lots, program) } else { taken },
            "balance": wire::balance(&adjusted.balance, &context.standing(), program),
        });
        let id = context.command.ids.clone().next();
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan: adjusted.plan })))
    })
    .await
}

fn taken(kind: &str, member: Id) -> Problem {
    let id = member.external("mem");
    Problem::new(409, "identity_taken", format!("This {kind} is member {id}'s already")).with("member_id", id)
}

fn not_judged(failure: &RulesFailure) -> Problem {
    match failure {
        RulesFailure::Invalid(error) => Problem::field("/channel", &error.code, error.detail.clone()),
        RulesFailure::Inconsistent(what) => wire::inconsistent(what),
        RulesFailure::Overflow => Problem::field("", "out_of_range", "the program's welcome points are beyond 10^12 minor units"),
        RulesFailure::LimitExceeded { reason, max_money, .. } => {
            Problem::field("", "not_judged", format!("{reason} ({})", domain::amount::format(max_money.0, MONEY_SCALE)))
        }
        RulesFailure::Insufficient(_) => Problem::field("", "not_judged", "the rules can't judge this enrolment"),
    }
}

/// Eight letters of 40 random bits: not to be guessed, easy to say. A collision is refused by the store and tried again.
pub fn letters(random: u64) -> String {
    (0..8)
        .map(|place| {
            let index = usize::try_from((random >> (place * 5)) & 31).unwrap_or_default();
            char::from(CODE_LETTERS[index])
        })
        .collect()
}
