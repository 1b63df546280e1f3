//! Keys of callers: made, listed, replaced by successors, and revoked. A key's secret follows from its id, so that no store
//! holds it and a repeated request gets the same answer.

use domain::plan::{ApiKey, EndingKey, Plan};
use domain::{Id, Instant};
use edge::wire;
use edge::{Call, Change, Problem, Reply, Scope, authorize, books, change, from_store, hash_of_key, now, secret_of_key};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{KeyRow, ProgramLoad};

/// How long a key goes on beside its successor, unless the call says otherwise: a week, within which every till is online.
const OVERLAP_SECONDS: u32 = 7 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    name: Option<String>,
    scopes: Vec<String>,
    store: Option<String>,
    expires_at: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationBody {
    replaced_ends_at: Option<String>,
}

/// `POST /v1/keys`
pub async fn create(call: &Call) -> Result<Reply, Problem> {
    let body: KeyBody = call.json()?;
    check(&body)?;
    let reply = change(call, &[], None, async |_, id, now| {
        let name = body.name.clone().unwrap_or_else(|| body.scopes.join(" "));
        let expires_at = later_than(now, body.expires_at.as_deref(), "/expires_at")?;
        let key = ApiKey {
            id,
            hash: hash_of_key(&secret_of_key(id).await?),
            name,
            scopes: body.scopes.clone(),
            store: body.store.clone(),
            expires_at,
            replaces: None,
        };
        let answer = made(&key).to_string();
        Ok(Change { id, status: 201, answer, plan: Plan { api_keys: vec![key], ..Plan::default() } })
    })
    .await?;
    with_secret(reply).await
}

/// `GET /v1/keys`: newest first.
pub async fn list(call: &Call) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    let below = match call.parameter("cursor") {
        None => Id(i64::MAX),
        Some(cursor) => {
            Id::parse(cursor, "key").map_err(|_| Problem::field("/cursor", "invalid", "is no cursor of this list"))?
        }
    };
    authorize(call, &[]).await?;
    let rows = store::keys(&books(), below, limit + 1).await.map_err(|error| from_store(&error))?;
    let shown = usize::try_from(limit).unwrap_or_default();
    let now = now();
    let items: Vec<Value> = rows.iter().take(shown).map(|row| listed(row, now)).collect();
    let next = if rows.len() > shown { rows.get(shown - 1).map(|last| last.id.external("key")) } else { None };
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

/// `POST /v1/keys/{id}/rotation`: a successor that may do the same. The old key goes on for a while, so that each caller can
/// be told of the new one before the old one ends.
pub async fn rotate(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: RotationBody = if call.body.is_empty() { RotationBody::default() } else { call.json()? };
    let replaced = key_id(id)?;
    let reply = change(call, &[], Some(replaced), async |loaded, id, now| {
        let old = in_force(loaded, now)?;
        if let Some(successor) = old.replaced_by {
            let detail = "This key has a successor already: rotate that one, or make a key by POST /v1/keys";
            return Err(Problem::new(409, "already_rotated", detail).with("successor_id", successor.external("key")));
        }
        let asked = later_than(now, body.replaced_ends_at.as_deref(), "/replaced_ends_at")?;
        let ends = asked.unwrap_or_else(|| now.plus_seconds(OVERLAP_SECONDS));
        let ends = old.expires_at.map_or(ends, |end| end.min(ends));
        let key = ApiKey {
            id,
            hash: hash_of_key(&secret_of_key(id).await?),
            name: old.name.clone(),
            scopes: old.scopes.clone(),
            store: old.store.clone(),
            // a key that was made for so long is followed by one for as long
            expires_at: old.expires_at.map(|end| Instant(now.0.saturating_add(end.0 - old.created_at.0))),
            replaces: Some(replaced),
        };
        let mut answer = made(&key);
        answer["replaced_ends_at"] = ends.to_string().into();
        let ending_keys = vec![EndingKey { id: replaced, expires_at: ends }];
        let plan = Plan { api_keys: vec![key], ending_keys, ..Plan::default() };
        Ok(Change { id, status: 201, answer: answer.to_string(), plan })
    })
    .await?;
    with_secret(reply).await
}

/// `DELETE /v1/keys/{id}`
pub async fn revoke(call: &Call, id: &str) -> Result<Reply, Problem> {
    let key = key_id(id)?;
    change(call, &[], Some(key), async |loaded, id, now| {
        in_force(loaded, now)?;
        let answer = json!({"id": key.external("key"), "revoked": true}).to_string();
        Ok(Change { id, status: 200, answer, plan: Plan { revoked_keys: vec![key], ..Plan::default() } })
    })
    .await
}

fn check(body: &KeyBody) -> Result<(), Problem> {
    let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
    if body.scopes.is_empty() {
        return Err(Problem::field("/scopes", "required", format!("give one or more of {}", words.join(", "))));
    }
    for (index, scope) in body.scopes.iter().enumerate() {
        if !words.contains(&scope.as_str()) {
            return Err(Problem::field(format!("/scopes/{index}"), "unknown_scope", format!("is none of {}", words.join(", "))));
        }
    }
    for (pointer, text) in [("/name", &body.name), ("/store", &body.store)] {
        if let Some(text) = text {
            wire::bounded(text, 200, pointer)?;
        }
    }
    if body.store.is_none() && body.scopes.iter().any(|scope| scope == Scope::Till.word()) {
        return Err(Problem::field("/store", "required", "a till's key is for one store: name it"));
    }
    Ok(())
}

fn later_than(now: Instant, text: Option<&str>, pointer: &str) -> Result<Option<Instant>, Problem> {
    let moment = text.map(Instant::parse).transpose();
    let moment = moment.map_err(|error| Problem::field(pointer, "not_a_time", error.to_string()))?;
    match moment {
        Some(moment) if moment <= now => Err(Problem::field(pointer, "out_of_range", format!("must be after {now}"))),
        moment => Ok(moment),
    }
}

fn unknown() -> Problem {
    Problem::not_found("key_not_found", "There is no such key in force")
}

fn key_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "key").map_err(|_| unknown())
}

fn in_force(loaded: &ProgramLoad, now: Instant) -> Result<&KeyRow, Problem> {
    loaded.key.as_ref().filter(|key| key.is_in_force(now)).ok_or_else(unknown)
}

/// A new key as its answer is kept, without the secret.
fn made(key: &ApiKey) -> Value {
    json!({
        "id": key.id.external("key"), "name": key.name, "scopes": key.scopes, "store": key.store,
        "expires_at": key.expires_at.map(|at| at.to_string()), "replaces": key.replaces.map(|id| id.external("key")),
    })
}

fn listed(key: &KeyRow, now: Instant) -> Value {
    let moment = |at: Option<Instant>| at.map(|at| at.to_string());
    let other = |id: Option<Id>| id.map(|id| id.external("key"));
    let status = if key.is_in_force(now) {
        "active"
    } else if key.revoked_at.is_some() {
        "revoked"
    } else {
        "expired"
    };
    json!({
        "id": key.id.external("key"), "name": key.name, "scopes": key.scopes, "store": key.store, "status": status,
        "created_at": key.created_at.to_string(), "expires_at": moment(key.expires_at), "revoked_at": moment(key.revoked_at),
        "replaces": other(key.replaces), "replaced_by": other(key.replaced_by),
    })
}

/// The answer as it is kept, and the secret that follows from its id.
async fn with_secret(reply: Reply) -> Result<Reply, Problem> {
    let mut answer: Value = wire::parse(reply.body.as_bytes())?;
    let id = answer["id"].as_str().and_then(|id| Id::parse(id, "key").ok());
    let id = id.ok_or_else(|| Problem::new(500, "internal_error", "The stored answer names no key"))?;
    answer["key"] = secret_of_key(id).await?.into();
    Ok(Reply { body: answer.to_string(), ..reply })
}
