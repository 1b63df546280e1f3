//! What the host keeps for one instance, and how an instance comes to be.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wasmtime::component::{Access, GuestTaskId, HasData, ResourceTable};
use wasmtime::{AsContextMut as _, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::artifact::Artifact;
use crate::chaining::Inside;
use crate::clock::Clock;
use crate::database::Database;
use crate::faults::Injector;
use crate::key_value::StoreFile;
use crate::limits::{Taken, limit};
use crate::outbound::{AllowedHost, Outbound};
use crate::output::Output;
use crate::random::Randomness;
use crate::telemetry::{Living, Telemetry, Trace};

/// A component as one host runs it: its code, and what it is allowed to use.
pub(crate) struct Component {
    pub(crate) id: String,
    pub(crate) artifact: Arc<Artifact>,
    pub(crate) databases: BTreeMap<String, Arc<Database>>,
    pub(crate) faults: Option<Arc<Injector>>,
    pub(crate) key_value_stores: BTreeMap<String, Arc<StoreFile>>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) allowed_hosts: Arc<[AllowedHost]>,
    pub(crate) inside: Arc<Inside>,
    pub(crate) clock: Clock,
    pub(crate) randomness: Randomness,
    pub(crate) output: Output,
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    /// Cancelled when the host stops: idle instances go at once.
    pub(crate) stopping: CancellationToken,
    /// Counts the instances that live.
    pub(crate) instances: TaskTracker,
}

impl Component {
    /// A store for one instance, which may compute for so long until its first call begins.
    pub(crate) fn new_store(self: &Arc<Self>, computing: Duration) -> Store<State> {
        let mut wasi = WasiCtxBuilder::new();
        self.output.apply(&mut wasi);
        wasi.envs(&self.environment);
        wasi.wall_clock(self.clock.clone());
        self.randomness.apply(&mut wasi);
        let state = State {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Outbound {
                allowed: self.allowed_hosts.clone(),
                inside: self.inside.clone(),
                telemetry: self.telemetry.clone(),
                run: None,
            },
            component: self.clone(),
            taken: Taken::new(),
            requests: HashMap::new(),
            _living: self.telemetry.as_ref().map(|telemetry| telemetry.instance(&self.id)),
            _alive: self.instances.token(),
        };
        let mut store = Store::new(self.artifact.engine(), state);
        limit(&mut store, computing);
        store
    }
}

/// The state of one instance.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Outbound,
    pub(crate) component: Arc<Component>,
    pub(crate) taken: Taken,
    /// The traces of the requests that the instance got, by the tasks that they are in it: as many as an instance gets at most.
    requests: HashMap<GuestTaskId, Trace>,
    _living: Option<Living>,
    _alive: TaskTrackerToken,
}

impl State {
    /// What a task does belongs to this trace.
    pub(crate) fn request_begins(&mut self, task: GuestTaskId, trace: Trace) {
        self.requests.insert(task, trace);
    }

    /// What is done from now on belongs to this run of the schedule.
    pub(crate) fn run_begins(&mut self, trace: Option<Trace>) {
        self.hooks.run = trace;
    }
}

/// The trace of whoever calls the host, if it has one. An instance serves many requests at once: the tasks that led to the call, the
/// youngest first, tell which of them it is; otherwise it is the run of the schedule that the instance is in.
pub(crate) fn trace_of<T>(access: &mut Access<'_, T, Spin>) -> Option<Trace> {
    // a call that belongs to nothing is still made
    let tasks: Vec<GuestTaskId> = access.as_context_mut().async_call_stack().map(Iterator::collect).unwrap_or_default();
    let state = access.get();
    tasks.iter().find_map(|task| state.requests.get(task)).or(state.hooks.run.as_ref()).cloned()
}

/// Spin's interfaces, implemented on the state itself.
pub(crate) struct Spin;

impl HasData for Spin {
    type Data<'a> = &'a mut State;
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
