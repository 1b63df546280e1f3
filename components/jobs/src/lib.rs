//! Scheduled work behind two doors: the cron trigger, once an hour, and `POST /v1/jobs/{name}/runs` for every other
//! scheduler; the audit, and the rebuild's comparison; webhooks and the messages that they get.

mod agenda;
mod annulment;
mod audit;
mod deliver;
mod envelope;
mod messages;
mod notify;
mod occasions;
mod rebuild;
mod remind;
mod reseal;
mod runs;
mod sweep;
mod tiers;
mod triggers;
mod webhooks;
mod work;

use edge::{Call, Problem, Record, Reply, Scope, authorize, now, serve};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

mod cron {
    spin_sdk::wit_bindgen::generate!({
        path: "wit/cron.wit",
        world: "spin-cron",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}
use cron::spin::cron::cron_types::{Error, Metadata};

struct Hourly;

impl cron::Guest for Hourly {
    /// The event's timestamp is when it was planned; what is due is judged by the clock, so that a late event does more.
    async fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        let (outcome, cost) = Record::of(None, work::run_whatever_is_due(now())).await;
        runs::tell_hour(outcome.as_ref().err(), &cost).await;
        outcome.map_err(|problem| Error::Other(problem.detail))
    }
}
cron::export!(Hourly with_types_in cron);

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, route).await
}

async fn route(call: &Call) -> Result<Reply, Problem> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["jobs", "migrate", "runs"]) => work::migrate(call).await,
        ("POST", ["jobs", name, "runs"]) => work::run(call, name).await,
        ("GET", ["jobs", "runs"]) => runs::list(call).await,
        ("GET", ["jobs", "set_aside"]) => runs::aside(call).await,
        ("GET", ["audit"]) => {
            authorize(call, &[Scope::Staff, Scope::Jobs]).await?;
            audit::audit().await
        }
        ("GET", ["rebuild"]) => {
            authorize(call, &[Scope::Staff, Scope::Jobs]).await?;
            rebuild::check().await
        }
        ("POST", ["webhooks"]) => webhooks::create(call).await,
        ("GET", ["webhooks"]) => webhooks::list(call).await,
        ("DELETE", ["webhooks", id]) => webhooks::delete(call, id).await,
        ("POST", ["webhooks", id, "rotations"]) => webhooks::rotate(call, id).await,
        ("GET", ["messages"]) => messages::list(call).await,
        ("POST", ["messages", id, "deliveries"]) => messages::redeliver(call, id).await,
        ("POST", ["messages", id, "receipts"]) => messages::receipt(call, id).await,
        _ => Err(Problem::no_such_call(call)),
    }
}
