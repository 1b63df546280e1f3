//! Members: enrolment, look-up, balance, entries, adjustments by the staff.

use std::cell::Cell;

use domain::id::Ids;
use domain::judgement::Enrolment;
use domain::snapshot::{AcceptedRules, Agreed, Snapshot};
use domain::{Id, Instant, MONEY_SCALE};
use edge::sealing::Sealer;
use edge::wire::{self, Amount, MemberRef, member_id};
use edge::{
    Access, ActiveProgram, Call, Decision, Look, Outcome, Problem, Read, Reply, RulesFailure, Scope, books, from_refusal,
    from_store, identity, letters, mutate, now, own_fingerprint, people, program_by_head, random, read, read_nearby,
    with_retries,
};
use ledger::{Account, Adjustment, Applicant, Brought, Command, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Coming, Commit, Load};

use crate::codes::new_code;
use crate::filled;
use crate::profile::ProfileBody;
use edge::person::{self, Person, Written, member_json};

pub const READERS: [Scope; 3] = [Scope::Storefront, Scope::Till, Scope::Staff];

/// Whoever may read what is a member's own: members themselves too.
pub const OWN_READERS: [Scope; 4] = [Scope::Storefront, Scope::Till, Scope::Staff, Scope::Member];

/// A member of a path; `me` is the one whose token it is.
pub async fn named(call: &Call, id: &str) -> Result<Id, Problem> {
    if id != "me" {
        return member_id(id);
    }
    let own = Access::of(call).await?.member();
    own.ok_or_else(|| Problem::not_found("member_not_found", "me is the member whose token calls; with a key, name the member"))
}

/// `POST /v1/members`: three round trips, because personal data has a store of its own and is written first.
pub async fn enrol(call: &Call) -> Result<Reply, Problem> {
    let body: ProfileBody = call.json()?;
    let idempotency_key = call.idempotency_key()?;
    call.names_by_identity();
    let access = Access::of(call).await?;
    let fingerprint = call.fingerprint().await?;
    let (channel, consents) = (body.channel()?, body.consents()?);
    let accepts = body.accepts.as_ref().map(|accepts| accepts.version("/accepts/rules_version")).transpose()?;
    // what is refused today may have been taken, and answered, before
    let person = body.applied_to(&Person::default(), now()).await;
    let identities = match &person {
        Ok(person) => hashed(person).await?,
        Err(_) => Vec::new(),
    };
    let sealer = Sealer::ready().await?;
    let hashes: Vec<String> = identities.iter().map(|(_, hash)| hash.clone()).collect();
    let coming = match &person {
        Ok(person) => coming(&body, person).await?,
        Err(_) => Coming::default(),
    };
    let written = Written::default();
    // whose profile may have been filled with this
    let filled = Cell::new(None);
    let outcome = with_retries(async || {
        let now = now();
        let loaded = store::load_enrolment(&books(), &access.asking(), idempotency_key, &hashes, &coming).await?;
        let caller = access.permit(call, loaded.caller, &READERS)?;
        let fingerprint = own_fingerprint(&fingerprint, &caller);
        if let Some(answered) = loaded.answered {
            // a try whose answer was lost: its person is the member
            written.stands(answered.id);
            if filled::is_asked_for(loaded.program.as_ref()).await {
                filled.set(Some(answered.id));
            }
            return Ok(person::repeat(&answered, &fingerprint).await?);
        }
        if let Some((kind, member)) = loaded.taken.first() {
            return Err(taken(kind, *member).into());
        }
        let person = person.clone()?;
        let program = program_by_head(loaded.program.as_ref()).await?;
        if program.asks_for_a_code() && !person.can_be_sent_a_code() {
            let detail = "give a phone, an e-mail or a messenger: this program sends new members a code";
            return Err(Problem::field("", "identity_required", detail).into());
        }
        let ids = Ids::new(now, random());
        let id = ids.clone().next();
        let brought = loaded.referrer.map(|referrer| {
            let judged = program.judge_referral(now, &referrer, None).map_err(|failure| not_judged(&failure))?;
            Ok::<_, Problem>(Brought { referrer, judged })
        });
        let applicant = Applicant {
            device: coming.device.clone(),
            brought: brought.transpose()?,
            id,
            channel: channel.to_owned(),
            referral_code: letters(random()),
            identities: identities.clone(),
            consents: consents.clone(),
            accepts: accepts.clone(),
            code: program.asks_for_a_code().then(|| new_code(&sealer, id, id)).transpose()?,
            awaits_welcome: program.welcome_waits(),
        };
        let judged = program.judge_enrolment(now, channel).map_err(|failure| not_judged(&failure))?;
        let judged =
            if program.welcome_waits() { Enrolment { standing: judged.standing, ..Enrolment::default() } } else { judged };
        let enrolled = ledger::enrol(applicant, &judged, &program.terms(now), Command { now, ids })
            .map_err(|refusal| from_refusal(&refusal, program.scale()))?;
        let agreed = Agreed {
            consents: consents.iter().cloned().collect(),
            rules: accepts.clone().map(|rules_version| AcceptedRules { rules_version, at: now }),
            ..Agreed::default()
        };
        let mut answer = member_json(&enrolled.member, &person, &agreed, &program, now);
        if let Some(decided) = &enrolled.referral {
            answer["referral"] = wire::referral(decided, &program);
        }
        let answer = answer.to_string();
        written.write(id, id, &Person { answer: Some(answer.clone()), ..person.clone() }, now).await?;
        let commit =
            Commit { id, idempotency_key, fingerprint: &fingerprint, status: 201, answer: None, now, plan: &enrolled.plan };
        let applied = store::apply(&books(), &commit).await;
        written.is_told(id, &applied);
        applied?;
        filled.set(filled::is_filled(&person, &program).then_some(id));
        Ok(Reply::new(201, answer))
    })
    .await;
    written.settle().await;
    if let (Ok(_), Some(member)) = (&outcome, filled.get()) {
        filled::reward(member).await;
    }
    outcome
}

/// With what somebody enrols who names a member's code: the device, and members who are alike. Only then a statement looks for
/// those, and only where the person tells both names and the birthday.
async fn coming(body: &ProfileBody, person: &Person) -> Result<Coming, Problem> {
    let device = match body.device()? {
        None => None,
        Some(device) => Some(identity::keyed_hash("device", device).await?),
    };
    let Some(code) = &body.referral_code else { return Ok(Coming { device, ..Coming::default() }) };
    let alike = match person.likeness().await? {
        None => Vec::new(),
        Some(likeness) => store::members_alike(&people(), &likeness).await.map_err(|error| from_store(&error))?,
    };
    Ok(Coming { code: Some(code.trim().to_uppercase()), device, alike })
}

/// The keyed hashes of what a person is known by: (kind, hash).
///
/// # Errors
/// 500 without a usable key.
pub async fn hashed(person: &Person) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut hashes = Vec::new();
    for (kind, value) in person.identities() {
        if let Some(value) = value {
            hashes.push((kind, identity::keyed_hash(kind, value).await?));
        }
    }
    Ok(hashes)
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
    let load = reference.subject("").await?.into_load(Load { agreed: true, ..Load::default() });
    show_loaded(read(call, &READERS, load).await?).await
}

/// `GET /v1/members/{id}`
pub async fn show(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(named(call, id).await?), agreed: true, ..Load::default() };
    show_loaded(read(call, &OWN_READERS, load).await?).await
}

async fn show_loaded(shop: Read) -> Result<Reply, Problem> {
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    let person = person::behind(member).await?;
    let agreed = shop.snapshot.agreed.as_ref().cloned().unwrap_or_default();
    Ok(Reply::ok(&member_json(member, &person, &agreed, &shop.program, now())))
}

/// `GET /v1/members/{id}/balance`
pub async fn balance(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(named(call, id).await?), ..Load::default() };
    let shop = read_nearby(call, &OWN_READERS, load, &Look::Standing).await?;
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
    let below = call.cursor()?;
    let id = named(call, id).await?;
    let load = Load { member: Some(id), ..Load::default() };
    let shop = read_nearby(call, &OWN_READERS, load, &Look::Standing).await?;
    if shop.snapshot.member.is_none() {
        return Err(from_refusal(&Refusal::MemberNotFound, shop.program.scale()));
    }
    // of a member that was merged: what happened until then
    let mut rows = store::entries(&shop.books, id, below, limit + 1).await.map_err(|error| from_store(&error))?;
    if let Some(own) = &shop.caller.store {
        rows.iter_mut().for_each(|row| row.hide_other_stores(own));
    }
    let rows = rows.iter().map(|row| (row.seq, wire::entry(row, &shop.program)));
    Ok(Reply::ok(&wire::page(rows.collect(), limit)))
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

pub fn taken(kind: &str, member: Id) -> Problem {
    let id = member.external("mem");
    Problem::new(409, "identity_taken", format!("This {kind} is member {id}'s already")).with("member_id", id)
}

pub fn not_judged(failure: &RulesFailure) -> Problem {
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
