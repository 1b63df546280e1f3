//! Sends to the collector, by the client that components call out with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use wasmtime_wasi_http::default_send_request;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A collector's answer has some bytes.
const LARGEST_ANSWER: usize = 64 << 10;

/// The way to the collector.
#[derive(Debug)]
pub(super) struct Exchange {
    /// What sends has threads of its own, and the client needs these.
    runtime: Handle,
    what: &'static str,
    /// Whether the last one failed: it is told once, and not each time.
    failing: AtomicBool,
}

impl Exchange {
    pub(super) fn new(what: &'static str) -> Self {
        Self { runtime: Handle::current(), what, failing: AtomicBool::new(false) }
    }

    fn tell(&self, failed: Option<&str>) {
        let failed_before = self.failing.swap(failed.is_some(), Ordering::Relaxed);
        match failed {
            Some(reason) if !failed_before => eprintln!("host: the collector does not take {}: {reason}", self.what),
            None if failed_before => eprintln!("host: the collector takes {} again", self.what),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Exchange {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent =
            self.runtime.spawn(async { tokio::time::timeout(PATIENCE, send(request)).await.context("it takes too long")? });
        match sent.await.map_err(anyhow::Error::from).and_then(|answer| answer) {
            Ok(answer) => {
                let refused = (!answer.status().is_success()).then(|| answer.status().to_string());
                self.tell(refused.as_deref());
                Ok(answer)
            }
            Err(error) => {
                self.tell(Some(&format!("{error:#}")));
                Err(error.into())
            }
        }
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<Bytes>> {
    let mut request = request.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
    let host = request.uri().authority().context("the collector's address has no host")?.as_str().parse()?;
    request.headers_mut().insert(http::header::HOST, host);
    let (response, rest) = default_send_request(request, None).await?;
    let rest = tokio::spawn(rest);
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    rest.abort();
    Ok(Response::from_parts(head, body))
}
