//! `spin:key-value@3.0.0`, kept in a SQLite file of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use rusqlite::OptionalExtension as _;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::state::{Spin, State, trace_of};
use crate::telemetry::{Telemetry, Trace};

/// The table that Spin keeps its stores in, so that a file can move between the two.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

type Answer<T> = std::result::Result<T, Error>;

/// A file with key-value stores in it.
pub(crate) struct StoreFile {
    file: PathBuf,
    connection: Mutex<Option<rusqlite::Connection>>,
}

impl StoreFile {
    pub(crate) fn new(file: PathBuf) -> Result<Self> {
        let opened = crate::database::open(&file).and_then(|connection| {
            connection.execute_batch(TABLE)?;
            Ok(connection)
        });
        let connection = opened.with_context(|| format!("cannot open the key-value stores in {}", file.display()))?;
        Ok(Self { file, connection: Mutex::new(Some(connection)) })
    }

    pub(crate) fn file(&self) -> &PathBuf {
        &self.file
    }

    /// Closes the file; whoever still uses it gets errors.
    pub(crate) fn close(&self) {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn with<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Answer<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connection.as_ref().ok_or_else(|| Error::Other("the store is closed".into()))?;
        work(connection).map_err(|error| Error::Other(error.to_string()))
    }
}

/// A store that a component has opened.
#[derive(Clone)]
pub struct OpenStore {
    file: Arc<StoreFile>,
    name: String,
    telemetry: Option<Arc<Telemetry>>,
}

/// A store, and the trace of whoever uses it, where that is told.
struct Used {
    store: OpenStore,
    trace: Option<Trace>,
}

impl Used {
    async fn with<T: Send + 'static>(
        self,
        operation: &'static str,
        work: impl FnOnce(&rusqlite::Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let Self { store, trace } = self;
        let telemetry = store.telemetry.as_ref();
        let asked = telemetry.map(|telemetry| telemetry.key_value(trace.as_ref(), &store.name, operation));
        let run = move || store.file.with(|connection| work(connection, &store.name));
        let done = tokio::task::spawn_blocking(run).await.unwrap_or_else(|error| Err(Error::Other(error.to_string())));
        if let Some(asked) = asked {
            asked.done(done.is_ok());
        }
        done
    }
}

impl Host for State {}

impl HostStore for State {
    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl<T: Send> HostStoreWithStore<T> for Spin {
    async fn open(store: &Accessor<T, Self>, label: String) -> wasmtime::Result<Answer<Resource<OpenStore>>> {
        store.with(|mut access| {
            let state = access.get();
            let Some(file) = state.component.key_value_stores.get(&label) else { return Ok(Err(Error::AccessDenied)) };
            let opened = OpenStore { file: file.clone(), name: label, telemetry: state.component.telemetry.clone() };
            Ok(Ok(state.table.push(opened)?))
        })
    }

    async fn get(store: &Accessor<T, Self>, of: Resource<OpenStore>, key: String) -> wasmtime::Result<Answer<Option<Vec<u8>>>> {
        let find = move |connection: &rusqlite::Connection, name: &str| {
            let mut statement = connection.prepare_cached("SELECT value FROM spin_key_value WHERE store = ? AND key = ?")?;
            statement.query_row((name, key), |row| row.get(0)).optional()
        };
        Ok(opened(store, &of)?.with("get", find).await)
    }

    async fn set(
        store: &Accessor<T, Self>,
        of: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Answer<()>> {
        let write = move |connection: &rusqlite::Connection, name: &str| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO spin_key_value (store, key, value) VALUES (?, ?, ?)
                 ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
            )?;
            statement.execute((name, key, value)).map(drop)
        };
        Ok(opened(store, &of)?.with("set", write).await)
    }

    async fn delete(store: &Accessor<T, Self>, of: Resource<OpenStore>, key: String) -> wasmtime::Result<Answer<()>> {
        let delete = move |connection: &rusqlite::Connection, name: &str| {
            let mut statement = connection.prepare_cached("DELETE FROM spin_key_value WHERE store = ? AND key = ?")?;
            statement.execute((name, key)).map(drop)
        };
        Ok(opened(store, &of)?.with("delete", delete).await)
    }

    async fn exists(store: &Accessor<T, Self>, of: Resource<OpenStore>, key: String) -> wasmtime::Result<Answer<bool>> {
        let find = move |connection: &rusqlite::Connection, name: &str| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM spin_key_value WHERE store = ? AND key = ?")?;
            statement.exists((name, key))
        };
        Ok(opened(store, &of)?.with("exists", find).await)
    }

    async fn get_keys(
        store: &Accessor<T, Self>,
        of: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Answer<()>>)> {
        let list = |connection: &rusqlite::Connection, name: &str| {
            let mut statement = connection.prepare_cached("SELECT key FROM spin_key_value WHERE store = ? ORDER BY key")?;
            statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        };
        let (keys, end) = match opened(store, &of)?.with("get-keys", list).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (vec![], Err(error)),
        };
        store.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            Ok((keys, FutureReader::new(&mut access, async { wasmtime::error::Ok(end) })?))
        })
    }
}

fn opened<T>(store: &Accessor<T, Spin>, of: &Resource<OpenStore>) -> wasmtime::Result<Used> {
    store.with(|mut access| {
        let store = access.get().table.get(of)?.clone();
        let trace = store.telemetry.as_ref().and_then(|_| trace_of(&mut access));
        Ok(Used { store, trace })
    })
}
