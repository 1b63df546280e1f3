//! Connections to a file that outlive the instance that opened them: the next one that opens the database takes a used connection
//! with the statements that are prepared on it, instead of planning all of them anew. Only of those to which nothing was said but
//! statements on rows: whatever else (settings, temporary tables, an open transaction) could be left behind has them closed with
//! their instance. What a connection tells of its last statement (`last_insert_rowid`, `changes`) may be of the one before.

use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Connections that wait for the next instance, at most: each keeps pages of the file in memory.
const MOST: usize = 8;

/// What components say to a file beside statements on tables, and what may be said again: it sets what is set already.
const HARMLESS: &str = "PRAGMA journal_mode = WAL";
/// How statements begin that leave nothing behind in their connection.
const ON_ROWS: [&str; 7] = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "EXPLAIN"];

/// The connections to a file that nobody uses; none are kept any more once it is closed.
pub(crate) struct Unused(Mutex<Option<Waiting>>);

type Waiting = Vec<(Connection, Option<Identity>)>;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    /// None where there is no file of that name, or nobody may look.
    fn of(file: &Path) -> Option<Self> {
        let found = std::fs::metadata(file).ok()?;
        Some(Self(found.dev(), found.ino()))
    }
}

impl Unused {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Vec::new()))))
    }

    /// A used connection, or what `open` makes. One to a file that has gone, or in whose place there is another, is closed.
    pub(crate) fn take(
        self: &Arc<Self>,
        file: &Path,
        open: impl FnOnce(&Path) -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Reusable> {
        let there = Identity::of(file);
        let used = self.lock().as_mut().and_then(|waiting| {
            waiting.retain(|(_, identity)| there.is_some() && *identity == there);
            waiting.pop()
        });
        let (connection, identity) = match used {
            Some(used) => used,
            None => {
                let opened = open(file)?;
                (opened, Identity::of(file))
            }
        };
        Ok(Reusable { connection: Some(connection), identity, unused: self.clone(), like_new: true })
    }

    /// Closes those that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back when it is dropped, unless it is not like a new one any more.
pub(crate) struct Reusable {
    /// There until it is dropped.
    connection: Option<Connection>,
    identity: Option<Identity>,
    unused: Arc<Unused>,
    like_new: bool,
}

impl Reusable {
    /// Notes what is said to it: true where that leaves something behind, now or before.
    pub(crate) fn says(&mut self, statement: &str) -> bool {
        self.like_new = self.like_new && leaves_nothing_behind(statement);
        !self.like_new
    }

    /// It is closed when it is dropped.
    pub(crate) fn spoil(&mut self) {
        self.like_new = false;
    }
}

impl Drop for Reusable {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.like_new || !connection.is_autocommit() {
            return;
        }
        if let Some(waiting) = self.unused.lock().as_mut()
            && waiting.len() < MOST
        {
            waiting.push((connection, self.identity));
        }
    }
}

impl Deref for Reusable {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Reusable {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is there until it is dropped")
    }
}

fn leaves_nothing_behind(statement: &str) -> bool {
    let first = first_word(statement);
    ON_ROWS.iter().any(|known| first.eq_ignore_ascii_case(known)) || without_comments(statement) == HARMLESS
}

/// The word with which a statement begins, after comments of a line each.
pub(crate) fn first_word(statement: &str) -> &str {
    without_comments(statement).split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default()
}

fn without_comments(statement: &str) -> &str {
    let mut text = statement.trim_start();
    while text.starts_with("--") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct File {
        folder: tempfile::TempDir,
        unused: Arc<Unused>,
    }

    impl File {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), unused: Unused::new() }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("books.db")
        }

        fn take(&self) -> Reusable {
            self.unused.take(&self.path(), |file| Connection::open(file)).unwrap()
        }

        /// Whether the next one is a connection that was marked before.
        fn is_used(&self) -> bool {
            self.take().pragma_query_value(None, "cache_size", |row| row.get(0)) == Ok(MARK)
        }
    }

    /// A setting that a new connection does not have.
    const MARK: i64 = 77;

    fn mark(connection: &Connection) {
        connection.pragma_update(None, "cache_size", MARK).unwrap();
    }

    /// Whether the next one is the same connection, after these statements.
    fn is_used_again(statements: &[&str]) -> bool {
        let file = File::new();
        let mut first = file.take();
        first.execute_batch("CREATE TABLE known (a)").unwrap();
        mark(&first);
        for statement in statements {
            first.says(statement);
            first.execute_batch(statement).unwrap();
        }
        drop(first);
        file.is_used()
    }

    #[test]
    fn a_connection_is_used_again_unless_something_is_left_behind_in_it() {
        assert!(is_used_again(&["PRAGMA journal_mode = WAL", "-- why\nINSERT INTO known VALUES (1)", "select * from known"]));
        assert!(is_used_again(&["with n as (select 1) select * from n"]));
        for left_behind in [
            "PRAGMA foreign_keys = OFF",
            "CREATE TEMP TABLE mine (a)",
            "create table temp.known (a)",
            "CREATE TABLE other (a)",
            "ATTACH ':memory:' AS other",
            "BEGIN",
            "SAVEPOINT here",
            "/* INSERT */ PRAGMA case_sensitive_like = 1",
        ] {
            assert!(!is_used_again(&[left_behind]), "{left_behind}");
        }
    }

    #[test]
    fn no_more_are_kept_than_may_wait_and_none_once_the_file_is_closed() {
        let file = File::new();
        let many: Vec<Reusable> = (0..MOST + 3).map(|_| file.take()).collect();
        drop(many);
        assert_eq!(file.unused.lock().as_ref().map(Vec::len), Some(MOST));
        let late = file.take();
        file.unused.close();
        drop(late);
        assert!(file.unused.lock().is_none());
    }

    #[test]
    fn a_spoilt_one_is_closed() {
        let file = File::new();
        let mut spoilt = file.take();
        mark(&spoilt);
        spoilt.spoil();
        drop(spoilt);
        assert!(!file.is_used());
    }

    #[test]
    fn a_connection_to_a_file_that_has_gone_is_closed() {
        let file = File::new();
        let first = file.take();
        first.execute_batch("CREATE TABLE known (a)").unwrap();
        mark(&first);
        drop(first);
        assert!(file.is_used());
        std::fs::rename(file.path(), file.folder.path().join("elsewhere.db")).unwrap();
        assert!(!file.is_used(), "nothing is there");
        assert!(!file.take().table_exists(None, "known").unwrap(), "another file is there now");
    }
}
