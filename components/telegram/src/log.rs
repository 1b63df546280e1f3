//! A line in the log for each update, as the other components leave one for each request. Nothing about a person is in it.

use std::cell::Cell;
use std::io::Write as _;
use std::time::Instant;

use serde_json::{Value, json};

use crate::problem::Problem;

/// The only route. Other paths that lead here are not repeated.
const ROUTE: &str = "/v1/telegram/updates";

thread_local! {
    /// The variable `request_log`, read once by an instance.
    static SETTING: Cell<Option<Setting>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    On,
    Errors,
    Off,
}

impl Setting {
    async fn of_deployment() -> Self {
        if let Some(setting) = SETTING.get() {
            return setting;
        }
        let setting = match spin_sdk::variables::get("request_log").await.as_deref() {
            Ok("off") => Self::Off,
            Ok("errors") => Self::Errors,
            _ => Self::On,
        };
        SETTING.set(Some(setting));
        setting
    }
}

/// An update that came, and the answer that it got.
pub async fn tell(is_post: bool, path: &str, outcome: &Result<(), Problem>, began: Instant) {
    let setting = Setting::of_deployment().await;
    let status = outcome.as_ref().map_or_else(|problem| problem.status, |()| 200);
    if setting == Setting::Off || (setting == Setting::Errors && status < 500) {
        return;
    }
    let mut line = json!({
        "level": if status >= 500 { "error" } else { "info" }, "message": "request",
        "method": if is_post { "POST" } else { "_OTHER" }, "route": if path == ROUTE { ROUTE } else { "unmatched" },
        "status": status, "ms": f64::from(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)) / 1_000.0,
    });
    if let Err(problem) = outcome {
        line["code"] = problem.code.into();
        if status >= 500 {
            line["detail"] = problem.detail.as_str().into();
        }
    }
    say(&line);
}

/// Leaves a line, written at once: other instances write to the same place.
pub fn say(line: &Value) {
    // a log that can't be written keeps nobody from an answer
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
