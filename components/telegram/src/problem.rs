//! Why an update was not taken, in the words of the API (RFC 9457).

use serde_json::{Value, json};

use crate::log;

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    /// A stable word.
    pub code: &'static str,
    /// What happened and what to do, without anything about a person: it goes into the log.
    pub detail: String,
    /// Seconds after which the same update may be taken.
    pub retry_after: Option<u32>,
}

impl Problem {
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    /// 503: Telegram is to send the update again.
    #[must_use]
    pub fn later(code: &'static str, detail: impl Into<String>, retry_after: Option<u32>) -> Self {
        Self { retry_after: retry_after.or(Some(1)), ..Self::new(503, code, detail) }
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": format!("urn:kopilka:problem:{}", self.code), "title": self.code.replace('_', " "), "status": self.status,
            "detail": self.detail, "code": self.code, "errors": [],
        })
    }

    /// Leaves a line in the log.
    pub fn log(&self, level: &str) {
        log::say(&json!({"level": level, "status": self.status, "code": self.code, "detail": self.detail}));
    }
}
