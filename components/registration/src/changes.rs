//! What changes of a member after the enrolment: the person, consents, accepted rules.

use std::cell::Cell;

use domain::id::Ids;
use edge::wire::{bounded, member_id};
use edge::{
    Access, Call, Decision, Look, Outcome, Problem, Reply, books, from_refusal, from_store, identity, load_known, mutate, now,
    own_fingerprint, random, read, with_retries,
};
use ledger::{Identities, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Asking, Coming, Commit, Load};

use crate::filled;
use crate::members::{OWN_READERS, READERS, named, taken};
use crate::profile::{Accepts, ProfileBody, consent_channel};
use edge::person::{self, Person, Written, member_json};

/// `PATCH /v1/members/{id}`: what is left out stays, null takes away. The person is written first, as on enrolling; the books
/// then say that this one stands.
pub async fn change(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: ProfileBody = call.json()?;
    body.is_a_change()?;
    if body.names_somebody() {
        call.names_by_identity();
    }
    let idempotency_key = call.idempotency_key()?;
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint().await?;
    let load = Load {
        caller: access.asking(),
        idempotency_key: Some(idempotency_key.to_owned()),
        member: Some(member_id(id)?),
        agreed: true,
        ..Load::default()
    };
    let written = Written::default();
    // whose profile may have been filled with this
    let filled = Cell::new(None);
    let outcome = with_retries(async || {
        let now = now();
        let (loaded, program) = load_known(&load, &Look::Standing, now).await?;
        let caller = access.permit(call, loaded.caller, &READERS)?;
        let fingerprint = own_fingerprint(&fingerprint, &caller);
        if let Some(answered) = loaded.answered {
            written.stands(answered.id);
            if filled::is_asked_for(loaded.program.as_ref()).await {
                filled.set(load.member);
            }
            return Ok(person::repeat(&answered, &fingerprint).await?);
        }
        let program = program?.told_in(&call.languages);
        let refused = |refusal: Refusal| from_refusal(&refusal, program.scale());
        let member = loaded.snapshot.member.as_ref().ok_or_else(|| refused(Refusal::MemberNotFound))?;
        let before = person::behind(member).await?;
        let after = body.applied_to(&before, now).await?;
        let identities = moved(&before, &after).await?;
        let after = Person { absorbed: member.merged_profiles.clone(), ..after };
        let hashes: Vec<String> = identities.added.iter().map(|(_, hash)| hash.clone()).collect();
        if !hashes.is_empty() {
            call.adds_identity();
            let known = store::load_enrolment(&books(), &Asking::default(), "", &hashes, &Coming::default()).await?;
            if let Some((kind, other)) = known.taken.iter().find(|(_, other)| *other != member.id) {
                return Err(taken(kind, *other).into());
            }
        }
        let plan = ledger::change_profile(&loaded.snapshot, identities).map_err(refused)?;
        let id = Ids::new(now, random()).next();
        let agreed = loaded.snapshot.agreed.clone().unwrap_or_default();
        let answer = member_json(member, &after, &agreed, &program, now).to_string();
        let filled_by_this = filled::is_filled(&after, &program).then_some(member.id);
        written.write(id, member.id, &Person { answer: Some(answer.clone()), ..after }, now).await?;
        let commit = Commit { id, idempotency_key, fingerprint: &fingerprint, status: 200, answer: None, now, plan: &plan };
        let applied = store::apply(&books(), &commit).await;
        written.is_told(id, &applied);
        applied?;
        filled.set(filled_by_this);
        Ok(Reply::new(200, answer))
    })
    .await;
    written.settle().await;
    if let (Ok(_), Some(member)) = (&outcome, filled.get()) {
        filled::reward(member).await;
    }
    outcome
}

/// Identities that a change takes away and gives.
async fn moved(before: &Person, after: &Person) -> Result<Identities, Problem> {
    let mut moved = Identities::default();
    for ((kind, was), (_, is)) in before.identities().into_iter().zip(after.identities()) {
        if was == is {
            continue;
        }
        moved.kinds.push(kind);
        if let Some(is) = is {
            moved.added.push((kind, identity::keyed_hash(kind, is).await?));
        }
    }
    Ok(moved)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentBody {
    channel: String,
    granted: bool,
    source: String,
}

/// `POST /v1/members/{id}/consents`: the last word on a channel stands, all words are kept.
pub async fn consent(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: ConsentBody = call.json()?;
    consent_channel(&body.channel, "/channel")?;
    bounded(&body.source, 100, "/source")?;
    let load = Load { member: Some(member_id(id)?), agreed: true, ..Load::default() };
    mutate(call, &READERS, load, |context| {
        let plan = ledger::consent(&context.snapshot, &body.channel, body.granted, &body.source)
            .map_err(|refusal| context.refuse(&refusal))?;
        let mut consents = context.snapshot.agreed.clone().unwrap_or_default().consents;
        consents.insert(body.channel.clone(), body.granted);
        let answer = json!({
            "channel": body.channel, "granted": body.granted, "source": body.source, "at": context.command.now.to_string(),
            "consents": consents,
        });
        Ok(Outcome::New(Box::new(Decision { id: context.command.ids.clone().next(), status: 201, answer, plan })))
    })
    .await
}

/// `POST /v1/members/{id}/acceptances`
pub async fn accept(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: Accepts = call.json()?;
    let rules_version = body.version("/rules_version")?;
    let load = Load { member: Some(member_id(id)?), ..Load::default() };
    mutate(call, &READERS, load, |context| {
        let plan = ledger::accept(&context.snapshot, &rules_version).map_err(|refusal| context.refuse(&refusal))?;
        let answer = json!({"rules_version": rules_version, "at": context.command.now.to_string()});
        Ok(Outcome::New(Box::new(Decision { id: context.command.ids.clone().next(), status: 201, answer, plan })))
    })
    .await
}

/// `GET /v1/members/{id}/consents`: what was said about channels, newest first, also as members who were merged into this one.
pub async fn consents(call: &Call, id: &str) -> Result<Reply, Problem> {
    history(call, id, History::Consents).await
}

/// `GET /v1/members/{id}/acceptances`: the rules that were accepted, newest first.
pub async fn acceptances(call: &Call, id: &str) -> Result<Reply, Problem> {
    history(call, id, History::Acceptances).await
}

enum History {
    Consents,
    Acceptances,
}

async fn history(call: &Call, id: &str, which: History) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    let below = call.cursor()?;
    let load = Load { member: Some(named(call, id).await?), ..Load::default() };
    let shop = read(call, &OWN_READERS, load).await?;
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    let rows: Vec<(i64, Value)> = match which {
        History::Consents => store::consents(&books(), member.id, below, limit + 1)
            .await
            .map_err(|error| from_store(&error))?
            .into_iter()
            .map(|row| (row.id, consent_json(&row)))
            .collect(),
        History::Acceptances => store::acceptances(&books(), member.id, below, limit + 1)
            .await
            .map_err(|error| from_store(&error))?
            .into_iter()
            .map(|row| (row.id, acceptance_json(&row)))
            .collect(),
    };
    Ok(Reply::ok(&edge::wire::page(rows, limit)))
}

/// What was said about a channel.
pub fn consent_json(row: &store::ConsentRow) -> Value {
    json!({
        "member_id": row.member_id.external("mem"), "channel": row.channel, "granted": row.granted == 1, "source": row.source,
        "at": row.at.to_string(),
    })
}

/// Rules that were accepted.
pub fn acceptance_json(row: &store::AcceptanceRow) -> Value {
    json!({"member_id": row.member_id.external("mem"), "rules_version": row.rules_version, "at": row.at.to_string()})
}
