//! The HTTP server: takes connections, finds the component for a path, answers when there is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::{ExpirationError, TrapOrPanicError};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::chaining::{self, Matched};
use crate::clock::Clock;
use crate::clock_endpoint;
use crate::cron::Schedules;
use crate::instances::{COMPUTING, Entrance, REQUEST_TIMEOUT};
use crate::limits::MEMORY;
use crate::problem::problem;
use crate::routes::{Route, Routes};
use crate::telemetry::Trace;

/// How long requests in flight may take when the host stops.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// When to try again what took too long or was stopped.
const LATER: Duration = Duration::from_secs(2);
/// After an error of `accept`, such as too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What answers requests.
pub(crate) struct Server {
    pub(crate) routes: Routes<Arc<Entrance>>,
    pub(crate) clock: Clock,
    pub(crate) schedules: Arc<Schedules>,
}

impl Server {
    /// Takes connections until it is told to stop, and then finishes what has begun.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stopping: CancellationToken) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, client)) => self.clone().take(stream, client, &graceful),
                Err(error) => {
                    eprintln!("host: cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        drop(listener);
        if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
            eprintln!("host: some requests were not finished within {} seconds", LAST_REQUESTS.as_secs());
        }
    }

    fn take(self: Arc<Self>, stream: TcpStream, client: SocketAddr, graceful: &GracefulShutdown) {
        // Without it an answer may wait 40 ms for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, std::convert::Infallible>(server.answer(request, client).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        // A connection that breaks is the client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }

    async fn answer(&self, mut request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        if path == clock_endpoint::PATH && matches!(self.clock, Clock::Virtual(_)) {
            return clock_endpoint::answer(&self.clock, &self.schedules, request).await;
        }
        let Some((route, info)) = self.routes.find(&path) else {
            return problem(StatusCode::NOT_FOUND, "not_found", format_args!("nothing answers {path}"));
        };
        if let Err(error) = prepare(&mut request, route, &info.to_string(), client) {
            return problem(StatusCode::BAD_REQUEST, "bad_request", format_args!("{error:#}"));
        }
        let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
        answered_by(&route.target, &route.text, request).await
    }
}

/// A component's answer to a request that is ready for it, or what is told instead of one.
pub(crate) async fn answered_by(entrance: &Entrance, route: &str, mut request: Request<WasiBody>) -> Response<WasiBody> {
    let Some(telemetry) = &entrance.telemetry else { return answer_of(entrance, route, request, None).await };
    let served = telemetry.request(&mut request, route, &entrance.component());
    let response = answer_of(entrance, route, request, served.trace()).await;
    served.answered(response.status());
    response
}

async fn answer_of(entrance: &Entrance, route: &str, request: Request<WasiBody>, trace: Option<Trace>) -> Response<WasiBody> {
    match tokio::time::timeout(REQUEST_TIMEOUT, entrance.handle(request, trace)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if is_full(&error) => full(),
        Ok(Err(error)) if error.is::<TrapOrPanicError>() => stopped(&entrance.component()),
        Ok(Err(error)) if !error.is::<ExpirationError>() => {
            eprintln!("host: {:?} did not answer {route}: {error:#}", entrance.component());
            problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request could not be answered")
        }
        _ => too_slow(),
    }
}

/// An instance that traps takes all its requests with it, and nobody knows which of them was the reason: so all are told
/// to come again, which every key makes safe. The log has the reason.
fn stopped(component: &str) -> Response<WasiBody> {
    let (seconds, memory) = (COMPUTING.as_secs(), MEMORY >> 20);
    later(problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "component_stopped",
        format_args!(
            "the component {component:?} was stopped while it answered this request or another one: it, or what is composed \
             into it, trapped, computed for more than {seconds} seconds or asked for more than {memory} MiB; send the same \
             again, with the same key"
        ),
    ))
}

/// More requests are under way than there is room for: this one has not begun.
fn full() -> Response<WasiBody> {
    later(problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "more requests are under way than there is room for, and this one has not begun; send the same again, with the same key",
    ))
}

/// Whether an instance could not be made because there are as many as there may be.
fn is_full(error: &wasmtime::Error) -> bool {
    error.is::<PoolConcurrencyLimitError>()
}

/// What the component does may still have its effect, as every key that is sent again finds out.
fn too_slow() -> Response<WasiBody> {
    let detail = format!("no answer within {} seconds; send the same again, with the same key", REQUEST_TIMEOUT.as_secs());
    later(problem(StatusCode::GATEWAY_TIMEOUT, "timeout", detail))
}

fn later(mut answer: Response<WasiBody>) -> Response<WasiBody> {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LATER.as_secs()));
    answer
}

/// Makes the request look as Spin hands it to a component: an absolute address, and where it was routed in headers.
fn prepare<T>(request: &mut Request<Incoming>, route: &Route<T>, info: &str, client: SocketAddr) -> Result<()> {
    let uri = absolute(request.uri(), request.headers())?;
    let matched = Matched { route: &route.text, prefix: route.prefix(), rest: info };
    chaining::tell(request.headers_mut(), &uri, matched, client)?;
    *request.uri_mut() = uri;
    Ok(())
}

fn absolute(uri: &Uri, headers: &HeaderMap) -> Result<Uri> {
    let mut parts = uri.clone().into_parts();
    if parts.authority.is_none() {
        let host = headers.get(header::HOST).context("the request has no Host header")?;
        let host: Authority = host.to_str().ok().and_then(|host| host.parse().ok()).context("the Host header is wrong")?;
        parts.authority = Some(host);
    }
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).context("the request has no path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_takes_too_long_is_worth_sending_again() {
        let answer = too_slow();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
        assert_eq!(stopped("till").headers()[header::RETRY_AFTER], "2");
        assert_eq!(
            (full().status(), &full().headers()[header::RETRY_AFTER]),
            (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap())
        );
    }

    #[test]
    fn an_instance_for_which_there_is_no_room_is_told_from_one_that_fails() {
        let mut pool = wasmtime::PoolingAllocationConfig::new();
        pool.total_core_instances(1);
        let mut config = wasmtime::Config::new();
        config.allocation_strategy(pool);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let module = |text: &str| wasmtime::Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let nothing = module("(module)");
        wasmtime::Instance::new(&mut store, &nothing, &[]).unwrap();
        assert!(is_full(&wasmtime::Instance::new(&mut store, &nothing, &[]).unwrap_err()));
        drop(store);
        let failing = module("(module (func unreachable) (start 0))");
        let failed = wasmtime::Instance::new(wasmtime::Store::new(&engine, ()), &failing, &[]).unwrap_err();
        assert!(!is_full(&failed), "{failed}");
    }
}
