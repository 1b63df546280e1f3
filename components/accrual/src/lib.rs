//! Accrual: quotes, orders, claims, returns and cancellation, events; and simulations, which judge stored orders again.

mod claims;
mod events;
mod orders;
mod quotes;
mod returns;
mod simulations;

use edge::{Call, Problem, Reply, Scope, serve};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

/// Who sells.
const SELLERS: [Scope; 2] = [Scope::Storefront, Scope::Till];

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, route).await
}

async fn route(call: &Call) -> Result<Reply, Problem> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["quotes"]) => quotes::quote(call).await,
        ("POST", ["events"]) => events::record(call).await,
        ("POST", ["orders"]) => orders::record(call).await,
        ("POST", ["orders", "claims"]) => claims::claim(call).await,
        ("GET", ["orders", id]) => orders::show(call, id).await,
        ("POST", ["orders", id, "returns"]) => returns::take_back(call, id).await,
        ("POST", ["orders", id, "cancellation"]) => returns::cancel(call, id).await,
        ("POST", ["simulations"]) => simulations::simulate(call).await,
        _ => Err(Problem::no_such_call(call)),
    }
}
