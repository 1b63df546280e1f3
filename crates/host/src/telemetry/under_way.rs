//! What has begun and is told of when it ends.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::Telemetry;

/// A request under way.
pub(crate) struct Served {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) context: Option<Context>,
    pub(super) began: Instant,
    pub(super) method: &'static str,
    pub(super) route: String,
}

impl Served {
    /// What the component does for it belongs to this.
    pub(crate) fn trace(&self) -> Option<Context> {
        self.context.clone()
    }

    pub(crate) fn answered(self, status: StatusCode) {
        let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        if let Some(context) = &self.context {
            let span = context.span();
            span.set_attribute(status_code.clone());
            if status.is_server_error() {
                span.set_status(Status::error(""));
            }
            span.end();
        }
        let named = [KeyValue::new("http.request.method", self.method), KeyValue::new("http.route", self.route), status_code];
        self.telemetry.requests.record(self.began.elapsed().as_secs_f64(), &named);
    }
}

/// A run of the schedule under way.
pub(crate) struct Run(pub(super) Context);

impl Run {
    /// What the component does in it belongs to this.
    pub(crate) fn trace(&self) -> Context {
        self.0.clone()
    }

    pub(crate) fn ended(self, succeeded: bool) {
        if !succeeded {
            self.0.span().set_status(Status::error(""));
        }
        self.0.span().end();
    }
}

/// A call to another host under way.
pub(crate) struct Called {
    pub(super) context: Option<Context>,
}

impl Called {
    /// It was answered with this status, or not at all.
    pub(crate) fn answered(self, status: Option<StatusCode>) {
        let Some(context) = self.context else { return };
        let span = context.span();
        if let Some(status) = status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if status.is_none_or(|status| status.is_client_error() || status.is_server_error()) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// A statement under way.
pub(crate) struct Sent {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) context: Option<Context>,
    pub(super) began: Instant,
    pub(super) named: Vec<KeyValue>,
}

impl Sent {
    /// It had its effect, or failed: the reason may hold values and is not told.
    pub(crate) fn done(self, succeeded: bool) {
        if let Some(context) = &self.context {
            if !succeeded {
                context.span().set_status(Status::error(""));
            }
            context.span().end();
        }
        self.telemetry.statements.record(self.began.elapsed().as_secs_f64(), &self.named);
    }
}

/// An instance that lives as long as this.
pub(crate) struct Living {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) named: [KeyValue; 1],
}

impl Drop for Living {
    fn drop(&mut self) {
        self.telemetry.live.add(-1, &self.named);
    }
}
