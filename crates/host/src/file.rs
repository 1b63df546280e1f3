//! A component's connection to a file. Its statements run on connections that all components share: as long as nothing is said that
//! only one connection knows of, it makes no difference on which. There are some that read and one that writes, each with its
//! statements planned and its pages in memory, and statements wait for them without a thread, first come, first served. So what only
//! reads does not wait while a commit reaches the disk. In WAL mode it sees all that was committed before.
//!
//! With the first word that another connection would not know of (a setting, a temporary table, a transaction, the number of rows
//! that the last statement changed), a component's connection becomes one of its own. On Spin each is one from the beginning: rows
//! that are not read keep it from writing there, and a SELECT that is sent while an INSERT has no answer yet comes after it, here
//! perhaps before it. Components collect what they read, and wait for what they rely on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Statement};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::database::open;
use crate::reuse::Unused;
use crate::words::{Needs, is_harmless};

/// Statements that read at once, and connections that are kept for them.
const READERS: usize = 8;
/// After so long a statement reads by a connection of its own: those before it may have rows that nobody reads.
const READERS_ARE_STUCK: Duration = Duration::from_millis(50);
/// How long a statement waits for its turn to write: as long as SQLite waits for another process, which comes after it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file, with the connections to it that components share.
pub(crate) struct File {
    path: PathBuf,
    /// A place for each that reads.
    reading: Arc<Semaphore>,
    readers: Arc<Unused>,
    /// The turn to write.
    writing: Arc<Semaphore>,
    /// How long a statement waits for it.
    patience: Duration,
    writers: Arc<Unused>,
}

/// A component's connection to a file.
pub(crate) struct FileConnection {
    file: Arc<File>,
    /// What its last statement that wrote left behind in the connection that all share.
    last: parking_lot::Mutex<Last>,
    has_its_own: AtomicBool,
    own: Arc<Mutex<Option<Connection>>>,
}

/// What a connection tells of its last statement.
#[derive(Clone, Copy, Default)]
struct Last {
    changes: u64,
    rowid: i64,
}

/// Where a statement may run.
pub(crate) enum Place {
    Reader(Option<OwnedSemaphorePermit>),
    Writer(OwnedSemaphorePermit),
    Own(OwnedMutexGuard<Option<Connection>>),
}

/// The turn to write did not come in time.
#[derive(Debug)]
pub(crate) struct Busy;

impl File {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        let (reading, writing) = (Arc::new(Semaphore::new(READERS)), Arc::new(Semaphore::new(1)));
        let (readers, writers) = (Unused::new(READERS), Unused::new(1));
        Arc::new(Self { path, reading, readers, writing, patience: PATIENCE, writers })
    }

    /// A connection for a component.
    pub(crate) fn connect(self: &Arc<Self>) -> FileConnection {
        let (last, has_its_own, own) = (parking_lot::Mutex::default(), AtomicBool::new(false), Arc::default());
        FileConnection { file: self.clone(), last, has_its_own, own }
    }

    /// Closes the connections that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        self.readers.close();
        self.writers.close();
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Busy> {
        let turn = timeout(self.patience, self.writing.clone().acquire_owned()).await.map_err(|_| Busy)?;
        turn.map_err(|_| Busy) // it is never closed
    }
}

impl FileConnection {
    /// Waits until a statement may run: on its own connection behind the one before it, for its turn to write, or for a place to read.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) async fn place(&self, statement: &str) -> Result<Place, Busy> {
        let needs = Needs::of(statement);
        if needs == Needs::ItsOwn || self.has_its_own.load(Ordering::Acquire) {
            self.has_its_own.store(true, Ordering::Release);
            return Ok(Place::Own(self.own.clone().lock_owned().await));
        }
        if needs == Needs::AnyWriter {
            return Ok(Place::Writer(self.file.turn().await?));
        }
        let place = timeout(READERS_ARE_STUCK, self.file.reading.clone().acquire_owned()).await;
        Ok(Place::Reader(place.ok().and_then(Result::ok)))
    }

    /// Has a statement prepared in its place and does something with it. Blocks.
    ///
    /// # Errors
    /// What SQLite says to the statement; what is done with it; [`Busy`] where it writes contrary to its first word.
    pub(crate) fn with<T, E: From<Busy> + From<rusqlite::Error>>(
        &self,
        place: Place,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match place {
            Place::Own(mut own) => {
                let connection = match &mut *own {
                    Some(connection) => connection,
                    none => none.insert(self.like_the_shared_one()?),
                };
                act(&mut *connection.prepare_cached(statement)?)
            }
            Place::Writer(turn) => self.write(turn, statement, act),
            Place::Reader(place) => {
                let reader = self.file.readers.take(&self.file.path, open)?;
                {
                    let mut prepared = reader.prepare_cached(statement)?;
                    if prepared.readonly() || is_harmless(statement) {
                        return act(&mut prepared);
                    }
                }
                drop((reader, place));
                let turn = Handle::current().block_on(self.file.turn())?;
                self.write(turn, statement, act)
            }
        }
    }

    fn write<T, E: From<rusqlite::Error>>(
        &self,
        turn: OwnedSemaphorePermit,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let writer = self.file.writers.take(&self.file.path, open)?;
        let mut prepared = writer.prepare_cached(statement)?;
        set_last_insert_rowid(&writer, self.last.lock().rowid);
        let done = act(&mut prepared);
        drop(prepared);
        *self.last.lock() = Last { changes: writer.changes(), rowid: writer.last_insert_rowid() };
        // for the next one, whose turn is not before it is there
        drop(writer);
        drop(turn);
        done
    }

    /// How many rows its last statement that wrote changed.
    pub(crate) async fn changes(&self) -> u64 {
        self.ask(Connection::changes, |last| last.changes).await
    }

    /// The rowid that its last INSERT gave.
    pub(crate) async fn last_insert_rowid(&self) -> i64 {
        self.ask(Connection::last_insert_rowid, |last| last.rowid).await
    }

    async fn ask<T>(&self, own: fn(&Connection) -> T, shared: fn(Last) -> T) -> T {
        match &*self.own.lock().await {
            Some(connection) => own(connection),
            None => shared(*self.last.lock()),
        }
    }

    /// Sets something in a connection of its own. Blocks.
    pub(crate) fn set(&self, name: &str, value: i64) -> rusqlite::Result<()> {
        self.has_its_own.store(true, Ordering::Release);
        let connection = self.like_the_shared_one()?;
        connection.pragma_update(None, name, value)?;
        *self.own.blocking_lock() = Some(connection);
        Ok(())
    }

    /// Another connection, which tells of the last statement what the shared one has told.
    fn like_the_shared_one(&self) -> rusqlite::Result<Connection> {
        let connection = open(&self.file.path)?;
        let Last { changes, rowid } = *self.last.lock();
        if (changes, rowid) != (0, 0) {
            connection.execute_batch("CREATE TEMP TABLE changed (a)")?;
            let rows = "WITH RECURSIVE n (a) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT a + 1 FROM n WHERE a < ?1)
                INSERT INTO temp.changed SELECT a FROM n";
            connection.execute(rows, [i64::try_from(changes).unwrap_or(i64::MAX)])?;
            set_last_insert_rowid(&connection, rowid);
            connection.execute("UPDATE temp.changed SET a = 0", [])?;
            connection.execute_batch("DROP TABLE temp.changed")?;
        }
        Ok(connection)
    }
}

/// Makes a connection tell that its last INSERT gave this rowid.
fn set_last_insert_rowid(connection: &Connection, rowid: i64) {
    // SAFETY: the handle is open as long as the connection, and the function takes any number.
    unsafe { rusqlite::ffi::sqlite3_set_last_insert_rowid(connection.handle(), rowid) }
}

#[cfg(test)]
#[path = "file/tests.rs"]
mod tests;
