//! Registration: members with their balances, the program and its versions, keys; and whatever no other component answers.

mod between;
mod card;
mod changes;
mod codes;
mod documents;
mod duplicates;
mod filled;
mod groups;
mod join;
mod keys;
mod members;
// the list belongs to the rules; their crate would bring its engine and its exports along
#[path = "../../rules/src/presets.rs"]
mod presets;
mod privacy;
mod profile;
mod program;
mod qr;
mod ready;
mod referrals;
mod tokens;
mod vouchers;

use edge::{Call, Problem, Reply, serve};
use serde_json::json;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, route).await
}

async fn route(call: &Call) -> Result<Reply, Problem> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["/", "healthz"]) => Ok(Reply::ok(&json!({"status": "ok"}))),
        ("GET", ["/", "readyz"]) => ready::show().await,
        ("GET", ["/", "openapi.json"]) => documents::openapi(),
        ("GET", ["/", "program.schema.json"]) => documents::program_schema(),
        ("POST", ["members"]) => members::enrol(call).await,
        ("GET", ["members"]) => members::look_up(call).await,
        ("GET", ["members", "duplicates"]) => duplicates::list(call).await,
        ("GET", ["members", id]) => members::show(call, id).await,
        ("PATCH", ["members", id]) => changes::change(call, id).await,
        ("DELETE", ["members", id]) => privacy::erase(call, id).await,
        ("GET", ["members", id, "export"]) => privacy::export(call, id).await,
        ("GET", ["members", id, "consents"]) => changes::consents(call, id).await,
        ("POST", ["members", id, "consents"]) => changes::consent(call, id).await,
        ("GET", ["members", id, "acceptances"]) => changes::acceptances(call, id).await,
        ("POST", ["members", id, "acceptances"]) => changes::accept(call, id).await,
        ("GET", ["members", id, "balance"]) => members::balance(call, id).await,
        ("GET", ["members", id, "card.svg"]) => card::show(call, id).await,
        ("GET", ["members", id, "entries"]) => members::entries(call, id).await,
        ("GET", ["members", id, "referral.svg"]) => join::friend(call, id).await,
        ("GET", ["members", id, "referrals"]) => referrals::list(call, id).await,
        ("GET", ["join.svg"]) => join::counter(call).await,
        ("POST", ["members", id, "adjustments"]) => members::adjust(call, id).await,
        ("PUT", ["members", id, "segments"]) => groups::segments(call, id).await,
        ("PUT", ["members", id, "tier"]) => groups::tier(call, id).await,
        ("POST", ["members", id, "codes"]) => codes::send(call, id).await,
        ("POST", ["members", id, "confirmation"]) => codes::confirm(call, id).await,
        ("POST", ["members", id, "tokens"]) => tokens::create(call, id).await,
        ("POST", ["members", id, "transfers"]) => between::transfer(call, id).await,
        ("POST", ["members", id, "merges"]) => between::merge(call, id).await,
        ("GET", ["program"]) => program::current(call).await,
        ("PUT", ["program"]) => program::publish(call).await,
        ("GET", ["program", "versions"]) => program::versions(call).await,
        ("GET", ["program", "versions", version]) => program::version(call, version).await,
        ("GET", ["program", "presets"]) => program::presets(call).await,
        ("GET", ["program", "presets", name]) => program::preset(call, name).await,
        ("POST", ["vouchers"]) => vouchers::create(call).await,
        ("GET", ["vouchers", code]) => vouchers::show(call, code).await,
        ("GET", ["keys"]) => keys::list(call).await,
        ("POST", ["keys"]) => keys::create(call).await,
        ("POST", ["keys", id, "rotation"]) => keys::rotate(call, id).await,
        ("DELETE", ["keys", id]) => keys::revoke(call, id).await,
        _ => Err(Problem::no_such_call(call)),
    }
}
