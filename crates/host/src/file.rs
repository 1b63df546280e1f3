//! A component's connection to a file. Its statements run on connections that all components share: as long as nothing is said that
//! only one connection knows of, it makes no difference on which. There are some that read and one that writes, each with its
//! statements planned and its pages in memory, and statements wait for them without a thread, first come, first served. So what only
//! reads does not wait while a commit reaches the disk. In WAL mode it sees all that was committed before.
//!
//! With the first word that another connection would not know of (a setting, a temporary table, a transaction, the number of rows
//! that the last statement changed), a component's connection becomes one of its own, without a turn: it gets SQLite's lock, or not,
//! as other processes do. What is sent while a statement before it has no answer yet may overtake it: a SELECT an INSERT, or the
//! other way round, `changes` whatever it should tell of. On Spin each connection is one from the beginning, and rows that are not
//! read keep everything else that is said to it waiting. So components collect what they read, and wait for what they rely on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Statement, StatementStatus};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::database::open;
use crate::reuse::{Reusable, Unused};
use crate::words::{Needs, is_harmless};

/// Statements that read at once, and connections that are kept for them.
const READERS: usize = 8;
/// How long a statement waits for its turn to write. For a writer that has no turn it waits as long again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file, with the connections to it that components share.
pub(crate) struct File {
    path: PathBuf,
    /// A place for each that reads.
    reading: Arc<Semaphore>,
    readers: Arc<Unused>,
    /// The turn to write.
    writing: Arc<Semaphore>,
    /// How long a statement waits for either.
    patience: Duration,
    writers: Arc<Unused>,
}

/// A component's connection to a file.
pub(crate) struct FileConnection {
    file: Arc<File>,
    /// What its last statement that wrote left behind in the connection that all share.
    last: std::sync::Mutex<Last>,
    has_its_own: AtomicBool,
    own: Arc<Mutex<Option<Connection>>>,
}

/// What a connection tells of its last statement.
#[derive(Clone, Copy, Default)]
struct Last {
    changes: u64,
    total_changes: u64,
    rowid: i64,
}

/// Where a statement may run.
pub(crate) enum Place {
    Reader(OwnedSemaphorePermit),
    Writer(OwnedSemaphorePermit),
    Own(OwnedMutexGuard<Option<Connection>>),
}

/// The turn to write did not come in time, or no place to read.
#[derive(Debug)]
pub(crate) struct Busy;

impl File {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        let (reading, writing) = (Arc::new(Semaphore::new(READERS)), Arc::new(Semaphore::new(1)));
        let (readers, writers) = (Unused::new(READERS), Unused::new(1));
        Arc::new(Self { path, reading, readers, writing, patience: PATIENCE, writers })
    }

    /// A connection for a component. Blocks.
    ///
    /// # Errors
    /// What opening the file says.
    pub(crate) fn connect(self: &Arc<Self>) -> rusqlite::Result<FileConnection> {
        drop(self.readers.take(&self.path, open)?);
        let (last, has_its_own, own) = (std::sync::Mutex::default(), AtomicBool::new(false), Arc::default());
        Ok(FileConnection { file: self.clone(), last, has_its_own, own })
    }

    /// Closes the connections that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        self.readers.close();
        self.writers.close();
    }
}

impl FileConnection {
    /// Waits until a statement may run: on its own connection behind the one before it, for its turn to write, or for a place to read.
    /// Whoever has got a place keeps others from it, so that it is not to be waited for where something else may hold one up.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) async fn place(&self, statement: &str) -> Result<Place, Busy> {
        let needs = Needs::of(statement);
        if needs == Needs::ItsOwn || self.has_its_own.load(Ordering::Acquire) {
            self.has_its_own.store(true, Ordering::Release);
            return Ok(Place::Own(self.own.clone().lock_owned().await));
        }
        let patience = self.file.patience;
        Ok(match needs {
            Needs::AnyWriter => Place::Writer(place_in(&self.file.writing, patience).await?),
            Needs::AnyReader | Needs::ItsOwn => Place::Reader(place_in(&self.file.reading, patience).await?),
        })
    }

    /// Has a statement prepared in its place and does something with it, before which it makes room where it waits for somebody in
    /// the middle of reading. Blocks.
    ///
    /// # Errors
    /// What SQLite says to the statement; what is done with it; [`Busy`] where it writes although its words do not tell.
    pub(crate) fn with<T, E: From<Busy> + From<rusqlite::Error>>(
        &self,
        place: Place,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>, &mut dyn FnMut()) -> Result<T, E>,
    ) -> Result<T, E> {
        match place {
            Place::Own(mut own) => {
                let connection = match &mut *own {
                    Some(connection) => connection,
                    none => none.insert(self.like_the_shared_one()?),
                };
                act(&mut *connection.prepare_cached(statement)?, &mut || ())
            }
            Place::Writer(turn) => self.with_writer(turn, statement, act),
            Place::Reader(place) => {
                let mut place = Some(place);
                let mut reader = self.file.readers.take(&self.file.path, open)?;
                let prepared = reader.prepare_cached(statement).map_err(E::from);
                if prepared.as_ref().is_ok_and(|prepared| !prepared.readonly() && !is_harmless(statement)) {
                    // its words have not told that it writes
                    drop(prepared);
                    drop((reader, place));
                    let turn = Handle::current().block_on(place_in(&self.file.writing, self.file.patience))?;
                    return self.with_writer(turn, statement, act);
                }
                let done = prepared.and_then(|mut prepared| act(&mut prepared, &mut || drop(place.take())));
                back(&mut reader, &done);
                done
            }
        }
    }

    fn with_writer<T, E: From<rusqlite::Error>>(
        &self,
        turn: OwnedSemaphorePermit,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>, &mut dyn FnMut()) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.file.writers.take(&self.file.path, open)?;
        let done = self.write(&writer, statement, |prepared| act(prepared, &mut || ()));
        back(&mut writer, &done);
        // for the next one, whose turn is not before it is there
        drop(writer);
        drop(turn);
        done
    }

    fn write<T, E: From<rusqlite::Error>>(
        &self,
        writer: &Connection,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut prepared = writer.prepare_cached(statement)?;
        let (before, runs) = (writer.total_changes(), prepared.get_status(StatementStatus::Run));
        set_last_insert_rowid(writer, self.last().rowid);
        let done = act(&mut prepared);
        // one that failed before it ran leaves there what the last one of somebody else did
        let ran = prepared.get_status(StatementStatus::Run) != runs;
        if ran && !prepared.readonly() {
            drop(prepared);
            let mut last = self.last();
            last.changes = writer.changes();
            last.total_changes += writer.total_changes().saturating_sub(before);
            last.rowid = writer.last_insert_rowid();
        }
        done
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
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
            None => shared(*self.last()),
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
        let Last { changes, total_changes, rowid } = *self.last();
        if (total_changes, rowid) != (0, 0) {
            connection.execute_batch("CREATE TEMP TABLE changed (a)")?;
            let rows = "WITH RECURSIVE n (a) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT a + 1 FROM n WHERE a < ?1)
                INSERT INTO temp.changed SELECT a FROM n";
            for count in [total_changes.saturating_sub(changes), changes] {
                connection.execute(rows, [i64::try_from(count).unwrap_or(i64::MAX)])?;
            }
            connection.execute_batch("DROP TABLE temp.changed")?;
            set_last_insert_rowid(&connection, rowid);
        }
        Ok(connection)
    }
}

async fn place_in(places: &Arc<Semaphore>, patience: Duration) -> Result<OwnedSemaphorePermit, Busy> {
    match timeout(patience, places.clone().acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(Busy), // they are never closed
    }
}

/// Keeps a connection from going back that an error has shown to be of no use: whoever came next would find the same.
fn back<T, E>(connection: &mut Reusable, done: &Result<T, E>) {
    if done.is_err() && !is_sound(connection) {
        connection.spoil();
    }
}

/// Whether its last error, if any, was of the statement and not of the connection, the file or the machine.
fn is_sound(connection: &Connection) -> bool {
    use rusqlite::ffi;
    // SAFETY: the handle is open as long as the connection.
    let code = unsafe { ffi::sqlite3_errcode(connection.handle()) } & 0xff;
    let unsound = [
        ffi::SQLITE_IOERR,
        ffi::SQLITE_CORRUPT,
        ffi::SQLITE_NOTADB,
        ffi::SQLITE_CANTOPEN,
        ffi::SQLITE_NOMEM,
        ffi::SQLITE_PROTOCOL,
    ];
    !unsound.contains(&code)
}

/// Makes a connection tell that its last INSERT gave this rowid.
fn set_last_insert_rowid(connection: &Connection, rowid: i64) {
    // SAFETY: the handle is open as long as the connection, and the function takes any number.
    unsafe { rusqlite::ffi::sqlite3_set_last_insert_rowid(connection.handle(), rowid) }
}

#[cfg(test)]
#[path = "file/tests.rs"]
mod tests;
