//! A running application: starting it, moving its clock, stopping it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::artifact;
use crate::chaining::Inside;
use crate::clock::{Clock, ClockMode};
use crate::cron::{Advance, AdvanceError, Destination, Schedules};
use crate::database::Database;
use crate::faults::{Faults, Injector};
use crate::instances::Entrance;
use crate::key_value::StoreFile;
use crate::manifest::{CronTrigger, Manifest, target_of};
use crate::output::Output;
use crate::random::Randomness;
use crate::routes::Routes;
use crate::runtime_config::{DatabasePlace, RuntimeConfig};
use crate::server::Server;
use crate::state::Component;
use crate::telemetry::{Collector, Telemetry};
use crate::{builder, outbound, variables};

/// How long instances may take to go when the host stops.
const LAST_INSTANCES: Duration = Duration::from_secs(5);

/// How an application is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The application's `spin.toml`.
    pub manifest: PathBuf,
    /// Where its data lies, if not in the data folder.
    pub runtime_config: Option<PathBuf>,
    /// The data folder.
    pub data: PathBuf,
    /// An address and a port; port 0 is any that is free.
    pub listen: String,
    /// Which time the components see.
    pub clock: ClockMode,
    /// Makes the components' random numbers repeatable.
    pub seed: Option<u64>,
    /// Values of the application's variables; they come before those in the environment.
    pub variables: BTreeMap<String, String>,
    /// Whether components that are older than their sources are built first.
    pub build: bool,
    /// What goes wrong with the stores: for trials, and only where nobody else can reach the host.
    pub faults: Option<Faults>,
    /// Whether what components write is kept for [`Host::output`] instead of going to stderr: for trials.
    pub keep_output: bool,
    /// Where traces and metrics are sent, if anywhere.
    pub collector: Option<Collector>,
}

impl Options {
    /// An application and its data folder; any free port, the real clock, built when it is stale.
    pub fn new(manifest: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            runtime_config: None,
            data: data.into(),
            listen: "127.0.0.1:0".into(),
            clock: ClockMode::Real,
            seed: None,
            variables: BTreeMap::new(),
            build: true,
            faults: None,
            keep_output: false,
            collector: None,
        }
    }
}

/// A running application. Dropped without [`Host::stop`] it takes no more requests; its data is safe either way.
pub struct Host {
    address: SocketAddr,
    clock: Clock,
    schedules: Arc<Schedules>,
    faults: Option<Arc<Injector>>,
    databases: BTreeMap<String, Arc<Database>>,
    key_value_stores: BTreeMap<String, Arc<StoreFile>>,
    stopping: CancellationToken,
    instances: TaskTracker,
    output: Output,
    telemetry: Option<Arc<Telemetry>>,
    serving: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts an application: when this returns it answers.
    pub async fn start(options: Options) -> Result<Self> {
        let manifest = Manifest::load(&options.manifest)?;
        let runtime_config = match &options.runtime_config {
            Some(file) => RuntimeConfig::load(file)?,
            None => RuntimeConfig::default(),
        };
        let values = variables::resolve(&manifest, &options.variables, |name| std::env::var(name).ok())?;
        let clock = Clock::new(options.clock)?;
        let listener = TcpListener::bind(&options.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
        let address = listener.local_addr()?;
        ensure!(
            options.clock == ClockMode::Real || address.ip().is_loopback(),
            "a virtual clock is for trials: it needs a loopback address, not {address}"
        );
        if let Some(faults) = &options.faults {
            ensure!(address.ip().is_loopback(), "faults are for trials: they need a loopback address, not {address}");
            ensure!(faults.are_possible(), "more faults than statements: {faults:?}");
        }
        let faults = options.faults.map(|faults| Arc::new(Injector::new(faults)));

        // Building, compiling and opening files block.
        let (data, build) = (options.data, options.build);
        let prepared = tokio::task::spawn_blocking(move || Prepared::new(manifest, &runtime_config, &data, build));
        let Prepared { manifest, artifacts, databases, key_value_stores } = prepared.await??;

        let telemetry = options.collector.as_ref().map(|collector| Telemetry::new(collector, &manifest.name)).transpose()?;
        let telemetry = telemetry.map(Arc::new);
        let (stopping, instances) = (CancellationToken::new(), TaskTracker::new());
        instances.close();
        let randomness = Randomness::new(options.seed);
        let (inside, output) = (Arc::new(Inside::default()), Output::new(options.keep_output));
        let mut components = BTreeMap::new();
        for (id, artifact) in artifacts {
            let described = &manifest.components[&id];
            let component = Component {
                databases: granted(&databases, &described.sqlite_databases),
                faults: faults.clone(),
                key_value_stores: granted(&key_value_stores, &described.key_value_stores),
                variables: variables::of_component(described, &values)?,
                environment: described.environment.clone().into_iter().collect(),
                allowed_hosts: outbound::allowed_hosts(described, &values)
                    .with_context(|| format!("component.{id}.allowed_outbound_hosts"))?,
                inside: inside.clone(),
                clock: clock.clone(),
                randomness: randomness.clone(),
                output: output.clone(),
                telemetry: telemetry.clone(),
                stopping: stopping.clone(),
                instances: instances.clone(),
                id: id.clone(),
                artifact,
            };
            components.insert(id, Arc::new(component));
        }
        let scheduled = manifest.cron.into_iter().map(|CronTrigger { component, expression }| {
            let target = components[&component].clone();
            (CronTrigger { component, expression }, target)
        });
        let schedules = Arc::new(Schedules::new(scheduled)?);
        if options.clock == ClockMode::Real {
            schedules.clone().start();
        }
        let mut entrances = BTreeMap::new();
        for id in manifest.http.iter().map(|trigger| &trigger.component).collect::<BTreeSet<_>>() {
            let entrance = Entrance::new(components[id].clone())
                .with_context(|| format!("the component {id:?} has an HTTP trigger, but doesn't export a handler"))?;
            entrances.insert(id.clone(), Arc::new(entrance));
        }
        inside.open(&entrances);
        let routes = manifest.http.iter().map(|trigger| (trigger.route.clone(), entrances[&trigger.component].clone()));
        let server = Server { routes: Routes::new(routes), clock: clock.clone(), schedules: schedules.clone() };
        let serving = tokio::spawn(Arc::new(server).serve(listener, stopping.clone()));
        let serving = Some(serving);
        Ok(Self {
            address,
            clock,
            schedules,
            faults,
            databases,
            key_value_stores,
            stopping,
            instances,
            output,
            telemetry,
            serving,
        })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The time that the components see.
    pub fn clock(&self) -> Timestamp {
        self.clock.time()
    }

    /// Moves a virtual clock on by an ISO 8601 duration (`P14D`); everything that is scheduled on the way happens.
    pub async fn advance(&self, duration: &str) -> Result<Advance, AdvanceError> {
        self.move_clock(Destination::After(duration.to_owned())).await
    }

    /// Moves a virtual clock on to a time; everything that is scheduled on the way happens.
    pub async fn advance_to(&self, time: Timestamp) -> Result<Advance, AdvanceError> {
        self.move_clock(Destination::At(time)).await
    }

    async fn move_clock(&self, destination: Destination) -> Result<Advance, AdvanceError> {
        if let Clock::Real = self.clock {
            return Err(AdvanceError::Failed(anyhow::anyhow!("the clock is the machine's: it can't be moved")));
        }
        self.schedules.advance(&self.clock, destination).await
    }

    /// How many statements the components have sent to all databases since the start.
    pub fn statements(&self) -> u64 {
        self.databases.values().map(|database| database.statements()).sum()
    }

    /// How many statements the components have sent to one database since the start.
    pub fn statements_of(&self, database: &str) -> u64 {
        self.databases.get(database).map_or(0, |database| database.statements())
    }

    /// The faults of the stores, if the host was started with any.
    pub fn faults(&self) -> Option<&Injector> {
        self.faults.as_deref()
    }

    /// What the components have written to stdout and stderr, if that is kept.
    pub fn output(&self) -> Option<String> {
        self.output.text()
    }

    /// Stops: no new requests, those in flight are finished, instances go, the last traces and metrics are sent, databases are
    /// written back and closed.
    pub async fn stop(mut self) -> Result<()> {
        self.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await?;
        }
        if tokio::time::timeout(LAST_INSTANCES, self.instances.wait()).await.is_err() {
            eprintln!("host: {} instances did not end", self.instances.len());
        }
        if let Some(telemetry) = self.telemetry.clone() {
            tokio::task::spawn_blocking(move || telemetry.stop()).await?;
        }
        let databases: Vec<_> = self.databases.values().cloned().collect();
        let stores: Vec<_> = self.key_value_stores.values().cloned().collect();
        let closed = tokio::task::spawn_blocking(move || {
            stores.iter().for_each(|store| store.close());
            databases.iter().try_for_each(|database| database.close())
        });
        closed.await?
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Builds what is stale and compiles everything that has a trigger, so that the next start does neither.
pub fn build(manifest: &Path, data: &Path) -> Result<Vec<String>> {
    let manifest = Manifest::load(manifest)?;
    let built = builder::build(&manifest)?;
    load_all(&manifest, data)?;
    Ok(built)
}

/// Whatever can be done before anything runs.
struct Prepared {
    manifest: Manifest,
    artifacts: BTreeMap<String, Arc<artifact::Artifact>>,
    databases: BTreeMap<String, Arc<Database>>,
    key_value_stores: BTreeMap<String, Arc<StoreFile>>,
}

impl Prepared {
    fn new(manifest: Manifest, runtime_config: &RuntimeConfig, data: &Path, build: bool) -> Result<Self> {
        if build {
            build_once(&manifest)?;
        }
        let artifacts = load_all(&manifest, data)?;
        std::fs::create_dir_all(data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
        let mut databases = BTreeMap::new();
        for name in manifest.databases().chain(runtime_config.sqlite_databases.keys().map(String::as_str)) {
            if !databases.contains_key(name) {
                let own = || DatabasePlace::File(data.join(format!("{name}.db")));
                let place = runtime_config.sqlite_databases.get(name).cloned().unwrap_or_else(own);
                databases.insert(name.to_owned(), Arc::new(Database::new(name, place)?));
            }
        }
        let mut key_value_stores: BTreeMap<String, Arc<StoreFile>> = BTreeMap::new();
        for name in manifest.key_value_stores() {
            let own = || data.join("key-value.db");
            let file = runtime_config.key_value_stores.get(name).cloned().unwrap_or_else(own);
            // Stores share a file unless the runtime configuration says otherwise.
            let open = key_value_stores.values().find(|store| *store.file() == file).cloned();
            let store = match open {
                Some(store) => store,
                None => Arc::new(StoreFile::new(file)?),
            };
            key_value_stores.insert(name.to_owned(), store);
        }
        Ok(Self { manifest, artifacts, databases, key_value_stores })
    }
}

/// Sources don't change while a process runs: the hosts that it starts look at them once.
fn build_once(manifest: &Manifest) -> Result<()> {
    static LOOKED_AT: LazyLock<Mutex<BTreeSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut looked_at = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    if !looked_at.contains(&manifest.file) {
        builder::build(manifest)?;
        looked_at.insert(manifest.file.clone());
    }
    Ok(())
}

/// Every component that has a trigger. What is compiled is kept in the folder `target` beside the manifest or, where there is
/// none, in the one that the source lies in: applications that share a source share it.
fn load_all(manifest: &Manifest, data: &Path) -> Result<BTreeMap<String, Arc<artifact::Artifact>>> {
    let own = manifest.folder.join("target");
    let folder = |id: &String| {
        let targets = [Some(own.as_path()), target_of(&manifest.components[id].source)];
        let target = targets.into_iter().flatten().find(|target| target.is_dir());
        target.unwrap_or(data).join("components")
    };
    let http = manifest.http.iter().map(|trigger| &trigger.component);
    let cron = manifest.cron.iter().map(|trigger| &trigger.component);
    let ids: BTreeSet<&String> = http.chain(cron).collect();
    ids.into_iter().map(|id| Ok((id.clone(), artifact::load(manifest, id, &folder(id))?))).collect()
}

/// Those that a component may use.
fn granted<T>(all: &BTreeMap<String, Arc<T>>, names: &[String]) -> BTreeMap<String, Arc<T>> {
    names.iter().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
}
