//! The floor of the benchmark: a component that answers every request with `{}`.

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(_: Request) -> impl IntoResponse {
    http::Response::builder().status(200).header("content-type", "application/json").body("{}".to_owned())
}
