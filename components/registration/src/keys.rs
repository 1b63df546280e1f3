//! Keys of callers: made, and revoked. A key's secret follows from its id, so that no store holds it and a repeated
//! request gets the same answer.

use domain::Id;
use domain::plan::{ApiKey, Plan};
use edge::wire;
use edge::{Call, Problem, Reply, Scope, hash_of_key, secret_of_key};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::administration::{Change, change};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    name: Option<String>,
    scopes: Vec<String>,
    store: Option<String>,
}

/// `POST /v1/keys`
pub async fn create(call: &Call) -> Result<Reply, Problem> {
    let body: KeyBody = call.json()?;
    check(&body)?;
    let reply = change(call, &[], None, async |_, id, _| {
        let name = body.name.clone().unwrap_or_else(|| body.scopes.join(" "));
        let key = ApiKey {
            id,
            hash: hash_of_key(&secret_of_key(id).await?),
            name: name.clone(),
            scopes: body.scopes.clone(),
            store: body.store.clone(),
        };
        let answer = json!({"id": id.external("key"), "name": name, "scopes": body.scopes, "store": body.store}).to_string();
        Ok(Change { id, status: 201, answer, plan: Plan { api_keys: vec![key], ..Plan::default() } })
    })
    .await?;
    with_secret(reply).await
}

/// `DELETE /v1/keys/{id}`
pub async fn revoke(call: &Call, id: &str) -> Result<Reply, Problem> {
    let unknown = || Problem::not_found("key_not_found", "There is no such key in force");
    let key = Id::parse(id, "key").map_err(|_| unknown())?;
    change(call, &[], Some(key), async |loaded, id, _| {
        if !loaded.revocable {
            return Err(unknown());
        }
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

/// The answer as it is kept, and the secret that follows from its id.
async fn with_secret(reply: Reply) -> Result<Reply, Problem> {
    let mut answer: Value = wire::parse(reply.body.as_bytes())?;
    let id = answer["id"].as_str().and_then(|id| Id::parse(id, "key").ok());
    let id = id.ok_or_else(|| Problem::new(500, "internal_error", "The stored answer names no key"))?;
    answer["key"] = secret_of_key(id).await?.into();
    Ok(Reply { body: answer.to_string(), ..reply })
}
