//! The databases of a host, SQLite files or hosted: where they lie, how they are opened, how many statements each has seen.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::file::{File, FileConnection};
use crate::hosted;
use crate::runtime_config::DatabasePlace;

/// How often a statement asks for the lock that another connection holds: for 5 s, as long as in Spin.
const BUSY_TRIES: i32 = 10_000;
/// How long it waits in between. SQLite's own waits grow to 100 ms, which shows in the slowest requests.
const BUSY_WAIT: Duration = Duration::from_micros(500);
/// Statements that a server has at once: each waits in a thread, and a server that says nothing is not to have all that there are.
const AT_A_SERVER: usize = 128;
/// More statements than a component has: each is prepared once a connection.
const PREPARED_STATEMENTS: usize = 256;

/// A database that components open by name.
pub(crate) struct Database {
    name: String,
    place: DatabasePlace,
    statements: AtomicU64,
    store: Store,
}

enum Store {
    File {
        file: Arc<File>,
        /// Kept open as long as the host runs: the last close of a file in WAL mode writes everything back into it.
        keeper: Mutex<Option<rusqlite::Connection>>,
    },
    Server {
        url: String,
        token: String,
        /// Once somebody has connected: it takes time to make.
        client: OnceLock<libsql::Database>,
        places: Arc<Semaphore>,
    },
}

/// What a connection speaks to.
#[derive(Clone)]
pub(crate) enum Link {
    File(Arc<FileConnection>),
    /// The client that Spin uses: it sends one statement after another, in a stream that the server keeps for it.
    Hosted(libsql::Connection),
}

impl Database {
    /// Opens a file, and makes it where it isn't there. A server need not be there yet.
    pub(crate) fn new(name: &str, place: DatabasePlace) -> Result<Self> {
        let store = match &place {
            DatabasePlace::File(path) => {
                let keeper = open(path).and_then(|keeper| {
                    // Only a connection that has read something keeps the journal.
                    keeper.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
                    Ok(keeper)
                });
                let keeper = keeper.with_context(|| format!("cannot open the database {place}"))?;
                Store::File { file: File::new(path.clone()), keeper: Mutex::new(Some(keeper)) }
            }
            DatabasePlace::Hosted { url, token } => {
                let places = Arc::new(Semaphore::new(AT_A_SERVER));
                Store::Server { url: url.clone(), token: token.clone(), client: OnceLock::new(), places }
            }
        };
        Ok(Self { name: name.to_owned(), place, statements: AtomicU64::new(0), store })
    }

    /// A connection for a component. To a file it shares those that are open with others; to a server each is another client, as on
    /// Spin, whose statements go by the connections of TCP that are there. Blocks.
    pub(crate) fn connect(&self) -> Result<Link> {
        Ok(match &self.store {
            Store::File { file, .. } => Link::File(Arc::new(file.connect()?)),
            Store::Server { url, token, client, .. } => {
                let client = match client.get() {
                    Some(client) => client,
                    // not made within the lock: who comes meanwhile makes another, and nobody waits for anybody
                    None => {
                        let made = hosted::client(url, token)?;
                        client.get_or_init(|| made)
                    }
                };
                Link::Hosted(client.connect()?)
            }
        })
    }

    /// A place among the statements that a server has at once; a file has places of its own.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let Store::Server { places, .. } = &self.store else { return None };
        places.clone().acquire_owned().await.ok()
    }

    /// The name by which components open it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in the words of OpenTelemetry where those have one.
    pub(crate) fn system(&self) -> &'static str {
        match self.store {
            Store::File { .. } => "sqlite",
            Store::Server { .. } => "libsql",
        }
    }

    pub(crate) fn count_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// How many statements components have sent.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Writes everything into the file itself and closes it.
    pub(crate) fn close(&self) -> Result<()> {
        let Store::File { file, keeper } = &self.store else { return Ok(()) };
        file.close();
        let Some(keeper) = keeper.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let written = keeper.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        written.with_context(|| format!("cannot write back the journal of {}", self.place))
    }
}

/// Opens a file for durable use: a commit is on the disk when it is answered.
pub(crate) fn open(file: &Path) -> rusqlite::Result<rusqlite::Connection> {
    if let Some(folder) = file.parent() {
        // If this fails, opening says why.
        let _ = std::fs::create_dir_all(folder);
    }
    let mut connection = rusqlite::Connection::open(file)?;
    connection.busy_handler(Some(wait_for_the_lock))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    Ok(connection)
}

/// Called by SQLite while another connection holds the lock: false gives up.
fn wait_for_the_lock(tries: i32) -> bool {
    if tries >= BUSY_TRIES {
        return false;
    }
    std::thread::sleep(BUSY_WAIT);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_durable_and_whole_after_close() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/books.db");
        let database = Database::new("default", DatabasePlace::File(file)).unwrap();
        let connection = open(&folder.path().join("new/books.db")).unwrap();
        for (pragma, value) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
            let set = connection.pragma_query_value(None, pragma, |row| {
                row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                })
            });
            assert_eq!(set.unwrap(), value, "{pragma}");
        }
        connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
        drop(connection);
        assert!(database.connect().is_ok(), "opened and closed once more");
        assert!(folder.path().join("new/books.db-wal").exists());
        database.close().unwrap();
        assert!(!folder.path().join("new/books.db-wal").exists());
    }
}
