//! `/v1/webhooks`: endpoints of the shop's systems that get signed messages. A secret follows from the endpoint's id, so that no
//! store holds it and a repeated request gets the same answer.

use std::net::IpAddr;

use domain::plan::{NewWebhook, Plan, Rotation};
use domain::{Id, Instant};
use edge::webhook::Secret;
use edge::{Call, Change, Problem, Reply, authorize, books, change, from_store, now, say, wire};
use http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};
use store::WebhookRow;

use crate::deliver::{self, OVERLAP_SECONDS};

const LONGEST_URL: usize = 2_000;
const MOST_KINDS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    url: String,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    recipient: bool,
}

/// `POST /v1/webhooks`
pub async fn create(call: &Call) -> Result<Reply, Problem> {
    let body: WebhookBody = call.json()?;
    check_url(&body.url)?;
    check_kinds(&body.kinds)?;
    let reply = change(call, &[], None, async |_, id, now| {
        let WebhookBody { url, kinds, recipient } = &body;
        let answer = json!({
            "id": id.external("whk"), "url": url, "kinds": kinds, "recipient": recipient, "generation": 1,
            "created_at": now.to_string(),
        });
        let webhook = NewWebhook { id, url: url.clone(), kinds: kinds.clone(), with_recipient: *recipient };
        let plan = Plan { webhooks: vec![webhook], ..Plan::default() };
        Ok(Change { id, status: 201, answer: answer.to_string(), plan })
    })
    .await?;
    with_secret(reply).await
}

/// `GET /v1/webhooks`: newest first.
pub async fn list(call: &Call) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    let below = match call.parameter("cursor") {
        None => Id(i64::MAX),
        Some(cursor) => {
            Id::parse(cursor, "whk").map_err(|_| Problem::field("/cursor", "invalid", "is no cursor of this list"))?
        }
    };
    authorize(call, &[]).await?;
    let rows = store::webhooks(&books(), below, limit + 1).await.map_err(|error| from_store(&error))?;
    let shown = usize::try_from(limit).unwrap_or_default();
    let items: Vec<Value> = rows.iter().take(shown).map(listed).collect();
    let next = if rows.len() > shown { rows.get(shown - 1).map(|last| last.id.external("whk")) } else { None };
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

/// `POST /v1/webhooks/{id}/rotations`: a new secret. For a day both sign, so that the receiver can be told in peace.
pub async fn rotate(call: &Call, id: &str) -> Result<Reply, Problem> {
    let webhook = webhook_id(id)?;
    let reply = change(call, &[], None, async |_, id, now| {
        let found = known(webhook).await?;
        if found.disabled_at.is_some() {
            return Err(Problem::new(409, "webhook_disabled", "This endpoint said that it is gone: make another one"));
        }
        let answer = json!({
            "id": webhook.external("whk"), "generation": found.generation + 1, "rotated_at": now.to_string(),
            "previous_ends_at": now.plus_seconds(OVERLAP_SECONDS).to_string(),
        });
        let rotations = vec![Rotation { webhook_id: webhook, from: found.generation }];
        Ok(Change { id, status: 201, answer: answer.to_string(), plan: Plan { rotations, ..Plan::default() } })
    })
    .await?;
    with_secret(reply).await
}

/// `DELETE /v1/webhooks/{id}`
pub async fn delete(call: &Call, id: &str) -> Result<Reply, Problem> {
    let webhook = webhook_id(id)?;
    let reply = change(call, &[], None, async |_, id, _| {
        known(webhook).await?;
        let answer = json!({"id": webhook.external("whk"), "deleted": true});
        let plan = Plan { deleted_webhooks: vec![webhook], ..Plan::default() };
        Ok(Change { id, status: 200, answer: answer.to_string(), plan })
    })
    .await?;
    // it is deleted whatever becomes of this: the job gives up what is left
    if let Err(problem) = deliver::close(webhook, now()).await {
        say(&json!({"level": "warn", "detail": format!("messages still wait for a deleted webhook: {}", problem.detail)}));
    }
    Ok(reply)
}

/// An address to which what is sent is seen by nobody on the way, or of this very machine.
fn check_url(url: &str) -> Result<(), Problem> {
    wire::bounded(url, LONGEST_URL, "/url")?;
    let wrong = |why: &str| Err(Problem::field("/url", "invalid", why));
    let Ok(uri) = url.parse::<Uri>() else { return wrong("is no address such as https://shop.example/hooks") };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host().filter(|host| !host.is_empty())) else {
        return wrong("must be a whole address, such as https://shop.example/hooks");
    };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || url.contains('#') {
        return wrong("must have no user name and no fragment");
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let own = host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok(()),
        "http" if own => Ok(()),
        _ => wrong("must begin with https:// (http:// only to this machine)"),
    }
}

fn check_kinds(kinds: &[String]) -> Result<(), Problem> {
    if kinds.len() > MOST_KINDS {
        return Err(Problem::field("/kinds", "out_of_range", format!("has at most {MOST_KINDS} kinds")));
    }
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    for (index, kind) in kinds.iter().enumerate() {
        if kind.len() > 100 || !kind.split('.').all(word) {
            let detail = "is no kind of message: words in lower case with dots between them, such as points.expired";
            return Err(Problem::field(format!("/kinds/{index}"), "invalid", detail));
        }
    }
    Ok(())
}

fn unknown() -> Problem {
    Problem::not_found("webhook_not_found", "There is no such webhook")
}

fn webhook_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "whk").map_err(|_| unknown())
}

async fn known(webhook: Id) -> Result<WebhookRow, Problem> {
    store::webhook(&books(), webhook).await.map_err(|error| from_store(&error))?.ok_or_else(unknown)
}

fn listed(row: &WebhookRow) -> Value {
    let moment = |at: Option<Instant>| at.map(|at| at.to_string());
    json!({
        "id": row.id.external("whk"), "url": row.url, "kinds": row.kinds, "recipient": row.with_recipient,
        "generation": row.generation, "status": row.disabled_reason.as_deref().unwrap_or("active"),
        "created_at": row.created_at.to_string(), "rotated_at": moment(row.rotated_at), "disabled_at": moment(row.disabled_at),
    })
}

/// The answer as it is kept, and the secret that follows from what it tells.
async fn with_secret(reply: Reply) -> Result<Reply, Problem> {
    let mut answer: Value = wire::parse(reply.body.as_bytes())?;
    let id = answer["id"].as_str().and_then(|id| Id::parse(id, "whk").ok());
    let (Some(id), Some(generation)) = (id, answer["generation"].as_i64()) else {
        return Err(Problem::new(500, "internal_error", "The stored answer names no webhook"));
    };
    answer["secret"] = Secret::of(id, generation).await?.text().into();
    Ok(Reply { body: answer.to_string(), ..reply })
}
