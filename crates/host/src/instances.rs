//! Reuse of instances for HTTP requests, with the limits that Spin has by default.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, Request, Response, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::state::{Component, State};
use crate::telemetry::{Telemetry, Trace};

/// After so many requests an instance is thrown away.
const REQUESTS_AN_INSTANCE: usize = 128;
/// So many requests at once are given to one instance.
const REQUESTS_AT_ONCE: usize = 16;
/// An instance without requests is thrown away after this time.
const IDLE: Duration = Duration::from_secs(1);
/// How long a component may take for an answer.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// An instance that answers none of its requests is thrown away so long after the last one's time is over: each of them is
/// to be told that it took too long, and not that the component was stopped.
const AFTER_THE_LAST: Duration = Duration::from_secs(5);
/// How long a component may compute for a request without a statement to a store in between: then it is stopped where it
/// is. A request here computes for some milliseconds; the rest is for a machine that has much else to do.
pub(crate) const COMPUTING: Duration = Duration::from_secs(5);

/// Where the requests of a component come in.
///
/// An instance that waits for a store counts as ready for another request, and a request that comes then waits for that
/// instance, even if it has begun to compute without end. So once an instance has computed for a while, those that come
/// get other instances; who came before waits until the instance is ready or stopped.
pub(crate) struct Entrance {
    handler: Mutex<ProxyHandler<Instances>>,
    pub(crate) telemetry: Option<Arc<Telemetry>>,
}

impl Entrance {
    pub(crate) fn new(component: Arc<Component>) -> anyhow::Result<Self> {
        let (service, telemetry) = (component.artifact.http()?, component.telemetry.clone());
        let instances = Instances { component, service, occupied: Arc::default() };
        Ok(Self { handler: Mutex::new(ProxyHandler::new(instances)), telemetry })
    }

    pub(crate) async fn handle(&self, request: Request, trace: Option<Trace>) -> wasmtime::Result<Response> {
        let handler = self.handler();
        handler.handle(trace, request).await
    }

    /// The id of the component.
    pub(crate) fn component(&self) -> String {
        self.handler().state().component.id.clone()
    }

    fn handler(&self) -> ProxyHandler<Instances> {
        let mut handler = self.handler.lock().unwrap_or_else(PoisonError::into_inner);
        if handler.state().occupied.load(Ordering::Relaxed) {
            let Instances { component, service, .. } = handler.state();
            let others = Instances { component: component.clone(), service: service.clone(), occupied: Arc::default() };
            *handler = ProxyHandler::new(others);
        }
        handler.clone()
    }
}

/// Makes the instances of a component.
pub(crate) struct Instances {
    component: Arc<Component>,
    service: ServicePre<State>,
    /// Whether one of them has computed for a while without an end.
    occupied: Arc<AtomicBool>,
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Limits;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Limits>> {
        let mut store = self.component.new_store(COMPUTING);
        store.data_mut().taken.tell(self.occupied.clone());
        let service = self.service.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: |state| state.http(),
            expiration: Expiration {
                stopping: Box::pin(self.component.stopping.clone().cancelled_owned()),
                sleep: Box::pin(tokio::time::sleep(IDLE)),
            },
            state: Limits { component: self.component.clone() },
        })
    }
}

/// When an instance is thrown away.
pub(crate) struct Expiration {
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        let (allowed, idle) = match status {
            WorkerStatus::Idle => (IDLE, true),
            WorkerStatus::Requests | WorkerStatus::PostReturn => (REQUEST_TIMEOUT + AFTER_THE_LAST, false),
        };
        if idle && self.stopping.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let end = tokio::time::Instant::from_std(since + allowed);
        if self.sleep.deadline() != end {
            self.sleep.as_mut().reset(end);
        }
        self.sleep.as_mut().poll(context)
    }
}

/// How many requests an instance gets, and how long it may take for each.
pub(crate) struct Limits {
    component: Arc<Component>,
}

impl WorkerState for Limits {
    type StoreData = State;
    /// The trace that the request belongs to.
    type RequestData = Option<Trace>;

    fn should_accept_request(&self, at_once: usize, so_far: usize) -> ShouldAccept {
        if so_far >= REQUESTS_AN_INSTANCE {
            ShouldAccept::Never
        } else if at_once >= REQUESTS_AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, State>,
        trace: Option<Trace>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let state = store.data_mut();
        state.taken.begin(COMPUTING);
        if let Some(trace) = trace {
            state.request_begins(task, trace);
        }
        Box::pin(tokio::time::sleep(REQUEST_TIMEOUT))
    }

    fn drop(&self, store: Store<State>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            if let Some(telemetry) = &self.component.telemetry {
                telemetry.instance_failed(&self.component.id);
            }
            let refusal = store.data().taken.refusal().map(|refusal| format!("{refusal}; ")).unwrap_or_default();
            eprintln!("host: an instance of {:?} failed: {refusal}{error:?}", self.component.id);
        }
        drop(store);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn idle_instances_go_after_a_second_or_when_the_host_stops() {
        let stopping = tokio_util::sync::CancellationToken::new();
        let mut expiration = Box::pin(Expiration {
            stopping: Box::pin(stopping.clone().cancelled_owned()),
            sleep: Box::pin(tokio::time::sleep(IDLE)),
        });
        // Whether an instance ends that has been in a state for so long.
        let mut ends = async |status, milliseconds| {
            let since = Instant::now() - Duration::from_millis(milliseconds);
            std::future::poll_fn(|context| Poll::Ready(expiration.as_mut().poll(context, status, since).is_ready())).await
        };
        assert!(!ends(WorkerStatus::Idle, 0).await);
        assert!(!ends(WorkerStatus::Requests, 1_100).await);
        assert!(ends(WorkerStatus::Idle, 1_100).await);
        assert!(!ends(WorkerStatus::Requests, 31_000).await, "its requests were told before");
        assert!(ends(WorkerStatus::Requests, 36_000).await);
        stopping.cancel();
        assert!(!ends(WorkerStatus::Requests, 1_100).await, "a request may finish");
        assert!(ends(WorkerStatus::Idle, 0).await);
    }
}
