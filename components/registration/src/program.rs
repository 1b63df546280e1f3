//! The program: published as a whole, versioned, immutable; ready-made presets.

use domain::Instant;
use domain::plan::{Plan, Program};
use edge::{
    Access, Call, Change, FieldError, Problem, Reply, Scope, authorize, books, cache_program, change, from_store, hash_text, now,
    parse_program,
};
use serde_json::json;
use store::{Document, ProgramHead, ProgramLoad};

use crate::presets;

const READERS: [Scope; 3] = [Scope::Staff, Scope::Storefront, Scope::Till];

/// `GET /v1/program`
pub async fn current(call: &Call) -> Result<Reply, Problem> {
    let access = Access::of(call).await?;
    let loaded = store::load_program(&books(), &access.asking(), None, None).await.map_err(|error| from_store(&error))?;
    access.permit(call, loaded.caller, &READERS)?;
    let head = loaded.program.ok_or_else(not_published)?;
    let document = store::program_document(&books(), None, Some(head.version)).await.map_err(|error| from_store(&error))?;
    show(&document.ok_or_else(not_published)?)
}

/// `GET /v1/program/versions`
pub async fn versions(call: &Call) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    let below = match call.parameter("cursor") {
        None => i64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| Problem::field("/cursor", "invalid", "is no cursor of this list"))?,
    };
    authorize(call, &READERS).await?;
    let found = store::program_versions(&books(), below, limit + 1).await.map_err(|error| from_store(&error))?;
    let shown = usize::try_from(limit).unwrap_or_default();
    let items: Vec<_> = found
        .iter()
        .take(shown)
        .map(
            |version| json!({"version": version.version, "published_at": version.published_at.to_string(), "hash": version.hash}),
        )
        .collect();
    let next = if found.len() > shown { found.get(shown - 1).map(|last| last.version.to_string()) } else { None };
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}

/// `GET /v1/program/versions/{version}`
pub async fn version(call: &Call, version: &str) -> Result<Reply, Problem> {
    authorize(call, &READERS).await?;
    let unknown = || Problem::not_found("program_not_found", "There is no such version of the program");
    let version: i64 = version.parse().map_err(|_| unknown())?;
    let document = store::program_document(&books(), None, Some(version)).await.map_err(|error| from_store(&error))?;
    show(&document.ok_or_else(unknown)?)
}

/// `GET /v1/program/presets`
pub async fn presets(call: &Call) -> Result<Reply, Problem> {
    authorize(call, &READERS).await?;
    let items: Vec<_> = presets::PRESETS.iter().map(|(name, _)| json!({"name": name})).collect();
    Ok(Reply::ok(&json!({"items": items, "next_cursor": null})))
}

/// `GET /v1/program/presets/{name}`
pub async fn preset(call: &Call, name: &str) -> Result<Reply, Problem> {
    authorize(call, &READERS).await?;
    let document = presets::preset(name)
        .ok_or_else(|| Problem::not_found("preset_not_found", "GET /v1/program/presets lists the ready-made programs"))?;
    Ok(Reply::new(200, format!(r#"{{"name":"{name}","document":{}}}"#, document.trim())))
}

/// `PUT /v1/program`: the body is the document. `?dry_run=true` only checks.
pub async fn publish(call: &Call) -> Result<Reply, Problem> {
    let dry_run = match call.parameter("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("/dry_run", "invalid", "dry_run is true or false")),
    };
    let document = std::str::from_utf8(&call.body).map_err(|_| Problem::new(400, "invalid_json", "The body is no UTF-8 text"))?;
    if dry_run {
        let access = Access::of(call).await?;
        let loaded = store::load_program(&books(), &access.asking(), None, None).await.map_err(|error| from_store(&error))?;
        access.permit(call, loaded.caller.clone(), &[Scope::Staff])?;
        checked(document, &loaded, now())?;
        return Ok(Reply::ok(&json!({"valid": true, "version": null})));
    }
    let reply = change(call, &[Scope::Staff], None, async |loaded, id, now| {
        let (currency, points_scale) = checked(document, loaded, now)?;
        let version = loaded.program.as_ref().map_or(0, |program| program.version) + 1;
        let program = Program { version, hash: hash_text(document), document: document.to_owned(), currency, points_scale };
        let plan = Plan { programs: vec![program], ..Plan::default() };
        Ok(Change { id, status: 200, answer: json!({"version": version}).to_string(), plan })
    })
    .await?;
    cache_program(&hash_text(document), document).await;
    Ok(reply)
}

/// Checks a document completely: (currency, points scale).
///
/// A campaign that is over is refused here and not by the rules, which go on reading the documents of the past.
fn checked(document: &str, loaded: &ProgramLoad, now: Instant) -> Result<(String, u8), Problem> {
    let program = parse_program(document).map_err(invalid)?;
    let ended = program.ended(now);
    if !ended.is_empty() {
        return Err(invalid(ended));
    }
    let settled = (program.currency().to_owned(), program.scale());
    if let (true, Some(ProgramHead { currency: Some(currency), points_scale: Some(scale), .. })) =
        (loaded.frozen, &loaded.program)
    {
        let frozen = |pointer: &str, value: &str| FieldError {
            pointer: pointer.to_owned(),
            code: "frozen".to_owned(),
            detail: format!("stays {value} once orders or points are recorded"),
        };
        let mut errors = Vec::new();
        if settled.0 != *currency {
            errors.push(frozen("/currency", currency));
        }
        if settled.1 != *scale {
            errors.push(frozen("/points/scale", &scale.to_string()));
        }
        if !errors.is_empty() {
            return Err(invalid(errors));
        }
    }
    Ok(settled)
}

fn invalid(errors: Vec<FieldError>) -> Problem {
    let detail = match errors.as_slice() {
        [only] => format!(
            "The program was not published; {}: {}",
            if only.pointer.is_empty() { "the document" } else { &only.pointer },
            only.detail
        ),
        _ => format!("The program was not published; {} things are to be changed", errors.len()),
    };
    Problem { errors, ..Problem::new(422, "program_invalid", detail) }
}

fn not_published() -> Problem {
    Problem::not_found("program_not_found", "No program is published yet: PUT /v1/program")
}

/// The document is shown as it was published, letter by letter.
fn show(found: &Document) -> Result<Reply, Problem> {
    let Document { version, published_at, document, hash } = found;
    let body =
        format!(r#"{{"version":{version},"published_at":"{published_at}","hash":"{hash}","document":{}}}"#, document.trim());
    Ok(Reply { headers: vec![("etag", format!("\"{version}\""))], ..Reply::new(200, body) })
}
