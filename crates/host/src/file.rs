//! A component's connection to a file. Behind it are two of SQLite's, one that reads and one that writes: what only reads does not
//! wait while a commit reaches the disk. In WAL mode whoever reads sees all that was committed before, not what is being written,
//! and once it has said anything that a single connection knows of (a setting, a temporary table, a transaction), that one reads
//! as well. On Spin there is one, and rows that are not read keep it from writing: components collect what they read first.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use rusqlite::Statement;

use crate::database::open;
use crate::reuse::{Reusable, Unused, first_word};
use crate::turn::{Line, Turn, stands_in_line};

/// How statements begin that may only read.
const MAY_READ: [&str; 2] = ["SELECT", "WITH"];
/// What a connection tells of its own last statement: the reading one does not know it.
const OF_THE_LAST: [&str; 2] = ["changes", "last_insert_rowid"];

/// A file, with the connections to it that wait for the next component.
pub(crate) struct File {
    path: PathBuf,
    line: Line,
    readers: Arc<Unused>,
    writers: Arc<Unused>,
}

/// A component's connection to a file.
pub(crate) struct FileConnection {
    file: Arc<File>,
    writer: Mutex<Reusable>,
    /// From the first statement on that only reads.
    reader: Mutex<Option<Reusable>>,
    /// The writer knows nothing that the reader does not.
    is_plain: AtomicBool,
}

/// The turn to write did not come in time.
pub(crate) struct Busy;

impl File {
    pub(crate) fn new(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), line: Line::default(), readers: Unused::new(), writers: Unused::new() })
    }

    /// A connection for a component. Blocks.
    pub(crate) fn connect(self: &Arc<Self>) -> rusqlite::Result<FileConnection> {
        let writer = Mutex::new(self.writers.take(&self.path, open)?);
        Ok(FileConnection { file: self.clone(), writer, reader: Mutex::default(), is_plain: AtomicBool::new(true) })
    }

    /// Closes the connections that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        self.readers.close();
        self.writers.close();
    }
}

impl FileConnection {
    /// Has a statement prepared where it belongs and does something with it. Blocks, also for its turn where it writes.
    ///
    /// # Errors
    /// [`Busy`]; what SQLite says to the statement; what is done with it.
    pub(crate) fn with<T, E: From<Busy> + From<rusqlite::Error>>(
        &self,
        statement: &str,
        act: impl FnOnce(&mut Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.may_read(statement)
            && let Some(reader) = self.reader()
        {
            let mut prepared = reader.prepare_cached(statement)?;
            if prepared.readonly() {
                return act(&mut prepared);
            }
        }
        let (_turn, mut writer) = self.writer(statement)?;
        if writer.says(statement) {
            self.is_plain.store(false, Ordering::Relaxed);
        }
        act(&mut *writer.prepare_cached(statement)?)
    }

    /// Asks the connection that writes, when no statement holds it.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        question(&self.writer.lock())
    }

    /// Sets something that other components must not find: the connection is nobody else's afterwards.
    pub(crate) fn set(&self, name: &str, value: i64) -> rusqlite::Result<()> {
        self.is_plain.store(false, Ordering::Relaxed);
        let mut writer = self.writer.lock();
        writer.spoil();
        writer.pragma_update(None, name, value)
    }

    fn may_read(&self, statement: &str) -> bool {
        let begins = first_word(statement);
        let has = |word: &str| statement.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        self.is_plain.load(Ordering::Relaxed)
            && MAY_READ.iter().any(|known| begins.eq_ignore_ascii_case(known))
            && !OF_THE_LAST.iter().any(|word| has(word))
    }

    /// None where there is none to be had: the other connection then says why, or reads itself.
    fn reader(&self) -> Option<MappedMutexGuard<'_, Reusable>> {
        let mut reader = self.reader.lock();
        if reader.is_none() {
            *reader = self.file.readers.take(&self.file.path, open).ok();
        }
        MutexGuard::try_map(reader, Option::as_mut).ok()
    }

    fn writer(&self, statement: &str) -> Result<(Option<Turn<'_>>, MutexGuard<'_, Reusable>), Busy> {
        // whoever has begun a transaction has SQLite's lock already
        if self.is_plain.load(Ordering::Relaxed) && stands_in_line(statement) {
            self.file.line.next(&self.writer).ok_or(Busy)
        } else {
            Ok((None, self.writer.lock()))
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Error;

    use super::*;

    #[derive(Debug)]
    struct Failed(#[expect(dead_code, reason = "it is printed")] String);

    impl From<Busy> for Failed {
        fn from(_: Busy) -> Self {
            Self("database is locked".to_owned())
        }
    }

    impl From<Error> for Failed {
        fn from(error: Error) -> Self {
            Self(error.to_string())
        }
    }

    struct Shop {
        _folder: tempfile::TempDir,
        file: Arc<File>,
    }

    impl Shop {
        fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = File::new(&folder.path().join("books.db"));
            say(&file.connect().unwrap(), "CREATE TABLE t (a)");
            Self { _folder: folder, file }
        }

        fn connect(&self) -> FileConnection {
            self.file.connect().unwrap()
        }
    }

    fn say(connection: &FileConnection, statement: &str) -> Vec<i64> {
        let all = |prepared: &mut Statement<'_>| {
            let mut rows = prepared.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(row.get(0)?);
            }
            Ok::<_, Failed>(found)
        };
        connection.with(statement, all).unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    #[test]
    fn whoever_reads_sees_what_was_written_before() {
        let shop = Shop::open();
        let connection = shop.connect();
        for number in 1..=3 {
            say(&connection, "INSERT INTO t VALUES (1)");
            assert_eq!(say(&connection, "-- how many\nselect count(*) from t"), [number]);
            assert_eq!(say(&shop.connect(), "WITH n AS (SELECT count(*) FROM t) SELECT * FROM n"), [number]);
        }
    }

    #[test]
    fn nobody_waits_with_reading_for_whoever_writes() {
        let shop = Shop::open();
        let connection = shop.connect();
        let found = connection.with("INSERT INTO t VALUES (1)", |_| {
            // the writer is taken by this very statement
            Ok::<_, Failed>(say(&connection, "SELECT count(*) FROM t"))
        });
        assert_eq!(found.unwrap(), [0]);
    }

    #[test]
    fn what_only_one_connection_knows_it_tells_itself() {
        let shop = Shop::open();
        let connection = shop.connect();
        say(&connection, "INSERT INTO t VALUES (1), (2)");
        assert_eq!(say(&connection, "SELECT changes()"), [2]);
        assert_eq!(say(&connection, "SELECT Last_Insert_RowId()"), [2]);
        assert_eq!(connection.ask(rusqlite::Connection::changes), 2);
        assert_eq!(say(&connection, "WITH n AS (SELECT 3) INSERT INTO t SELECT * FROM n RETURNING a"), [3]);
        say(&connection, "BEGIN");
        say(&connection, "DELETE FROM t");
        assert_eq!(say(&connection, "SELECT count(*) FROM t"), [0], "in its own transaction");
        assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t"), [3]);
        say(&connection, "ROLLBACK");
        say(&connection, "CREATE TEMP TABLE mine AS SELECT 7 AS a");
        assert_eq!(say(&connection, "SELECT a FROM mine"), [7]);
    }
}
