//! The log: JSON lines on stderr, which Spin and the embedded host pass on. No personal data and no keys; of a request neither its
//! path nor its query nor its body.

use std::cell::Cell;
use std::io::Write as _;

use serde::Serialize;

use crate::access::variable;
use crate::call::Reply;
use crate::platform::now;
use crate::problem::Problem;
use crate::record::{Cost, OfRules, OfStores, milliseconds};
use crate::routes::route_of;
use crate::trace::Trace;

/// Which requests and jobs leave a line: the variable `request_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    /// All of them.
    On,
    /// Those in which something was not as it should be.
    Errors,
    Off,
}

thread_local! {
    static SETTING: Cell<Option<Setting>> = const { Cell::new(None) };
}

impl Setting {
    /// The setting of the deployment, read once by an instance. A word that is none leaves the log on and says so.
    async fn of_deployment() -> Self {
        if let Some(setting) = SETTING.get() {
            return setting;
        }
        let setting = match variable("request_log").await.as_deref() {
            Ok("off") => Self::Off,
            Ok("errors") => Self::Errors,
            Ok("on") | Err(_) => Self::On,
            Ok(_) => {
                say(&serde_json::json!({"level": "warn", "detail": "The Spin variable request_log is on, errors or off"}));
                Self::On
            }
        };
        SETTING.set(Some(setting));
        setting
    }
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Leaves a line in the log, written at once: other instances write to the same place.
pub fn say(line: &impl Serialize) {
    let Ok(mut text) = serde_json::to_string(line) else { return };
    text.push('\n');
    // a log that can't be written keeps nobody from an answer
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Leaves a line about work that is done, where the deployment wants to have one.
pub async fn tell(level: Level, line: &impl Serialize) {
    match Setting::of_deployment().await {
        Setting::On => say(line),
        Setting::Errors if level != Level::Info => say(line),
        Setting::Errors | Setting::Off => {}
    }
}

/// What of a request may be told.
pub(crate) struct Asked {
    method: &'static str,
    route: &'static str,
    trace: Option<Trace>,
}

impl Asked {
    pub(crate) fn of<B>(request: &http::Request<B>) -> Self {
        Self {
            method: method(request.method().as_str()),
            route: route_of(request.uri().path()),
            trace: Trace::told_by(request.headers()),
        }
    }

    /// The trace that it belongs to.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.trace.clone()
    }
}

/// A method, if it is a usual one; whatever else was sent has one name, that of OpenTelemetry.
fn method(sent: &str) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    usual.into_iter().find(|usual| *usual == sent).unwrap_or("_OTHER")
}

/// A request and its answer.
#[derive(Serialize)]
struct Line<'a> {
    level: Level,
    time: String,
    message: &'static str,
    method: &'static str,
    route: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    ms: f64,
    store: OfStores,
    rules: OfRules,
    replayed: bool,
    tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

/// Tells of a request.
pub(crate) async fn tell_request(asked: &Asked, outcome: &Result<Reply, Problem>, cost: &Cost) {
    // a refusal that is kept: a wrong one-time code
    let kept = outcome.as_ref().ok().filter(|reply| reply.status >= 400);
    let kept = kept.and_then(|reply| serde_json::from_str::<serde_json::Value>(&reply.body).ok());
    let (status, code, detail, replayed) = match outcome {
        Ok(reply) => (reply.status, kept.as_ref().and_then(|kept| kept["code"].as_str()), None, reply.replayed),
        // what is wrong with a request is told in words of the request, and those of a failure are our own
        Err(problem) => {
            let detail = (problem.status >= 500).then_some(problem.detail.as_str());
            (problem.status, Some(problem.code), detail, false)
        }
    };
    let level = match status {
        500.. => Level::Error,
        _ if cost.trouble.is_some() => Level::Warn,
        _ => Level::Info,
    };
    let line = Line {
        level,
        time: now().to_string(),
        message: "request",
        method: asked.method,
        route: asked.route,
        status,
        code,
        detail,
        ms: milliseconds(cost.total),
        store: cost.of_stores(),
        rules: cost.of_rules(),
        replayed,
        tries: cost.tries.max(1),
        trouble: cost.trouble.as_deref(),
        trace_id: asked.trace.as_ref().map(Trace::id),
    };
    tell(level, &line).await;
}
