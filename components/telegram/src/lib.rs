//! The shop's bot in Telegram: an update of the Bot API in, a message out.
//!
//! It knows nothing of books or rules. What it tells and what it changes goes through the application's own HTTP API, called within
//! the application (Spin's service chaining) with a key of the scope `storefront`, as a component of the shop's own would do.
//!
//! Telegram sends an update again until it is answered with 2xx. So one update is one message, each change is sent under a key that
//! follows from the update, and where the shop or Telegram does not answer, neither is the update.

mod bot;
mod card;
mod conversation;
mod exchange;
mod invitations;
mod log;
mod menu;
mod problem;
mod program;
mod settings;
mod shop;
mod tellings;
mod texts;
mod update;

use std::time::Instant;

use http::{HeaderValue, Method, StatusCode};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

use bot::Bot;
use problem::Problem;
use settings::Settings;
use shop::Shop;
use update::Update;

/// The largest body: those of Telegram have some kilobytes.
const BODY_LIMIT: usize = 2 << 20;

/// The header in which Telegram tells what was given to `setWebhook` as `secret_token`.
const SECRET: &str = "x-telegram-bot-api-secret-token";

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let began = Instant::now();
    let (is_post, path) = (request.method() == Method::POST, request.uri().path().to_owned());
    let outcome = route(request).await;
    log::tell(is_post, &path, &outcome, began).await;
    let (status, kind, body, retry_after) = match &outcome {
        Ok(()) => (200, "application/json", "{}".to_owned(), None),
        Err(problem) => (problem.status, "application/problem+json", problem.to_json().to_string(), problem.retry_after),
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
    }
    response
}

async fn route(request: Request) -> Result<(), Problem> {
    let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
    let path: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').filter(|part| !part.is_empty()).collect();
    match (method.as_str(), path.as_slice()) {
        ("POST", ["telegram", "updates"]) => take(request).await,
        _ => Err(Problem::new(404, "not_found", "There is no such call; /openapi.json lists the calls")),
    }
}

/// `POST /v1/telegram/updates`: whatever is no message of a person to the bot is taken and forgotten.
async fn take(request: Request) -> Result<(), Problem> {
    let settings = Settings::of_deployment().await?;
    let told = request.headers().get(SECRET).map(HeaderValue::as_bytes).unwrap_or_default();
    if !settings.is_from_telegram(told) {
        let detail = "Send what was given to setWebhook as secret_token in the header X-Telegram-Bot-Api-Secret-Token";
        return Err(Problem::new(401, "unauthorized", detail));
    }
    let trace = request.headers().get(exchange::TRACEPARENT).cloned();
    let body = exchange::read(request.into_body(), BODY_LIMIT).await.map_err(|unread| match unread {
        exchange::Unread::TooLong => Problem::new(413, "body_too_large", format!("A body has at most {BODY_LIMIT} bytes")),
        exchange::Unread::Broken => Problem::new(400, "body_unreadable", "The body broke off; send the request again"),
    })?;
    let update = Update::parse(&body)?;
    let Some(message) = &update.message else { return Ok(()) };
    let bot = Bot::new(&settings, message.chat, trace.clone());
    let shop = Shop::new(&settings, message.from.language, update.id, trace);
    conversation::answer(&shop, &bot, message).await
}
