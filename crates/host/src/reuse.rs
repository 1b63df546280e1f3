//! Connections to a file that outlive the instance that opened them: the next one that opens the database takes a used connection
//! with the statements that are prepared on it, instead of planning all of them anew. Only of those that nobody can tell from a new
//! one: once a component has said more to a connection than statements on tables, it is closed with its instance.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

/// Connections that wait for the next instance, at most: each keeps pages of the file in memory.
const MOST: usize = 8;

/// What components say to a file beside statements on tables, and what may be said again: it sets what is set already.
const HARMLESS: &str = "PRAGMA journal_mode = WAL";
/// How statements begin that leave nothing behind in their connection.
const ON_TABLES: [&str; 7] = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "EXPLAIN"];
/// The same of those that change what there is; what is temporary is the connection's own.
const ON_THE_SCHEMA: [&str; 3] = ["CREATE", "ALTER", "DROP"];

/// The connections to a file that nobody uses; none are kept any more once it is closed.
pub(crate) struct Unused(Mutex<Option<Vec<Connection>>>);

impl Unused {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Vec::new()))))
    }

    /// A used connection, or what `open` makes.
    pub(crate) fn take(self: &Arc<Self>, open: impl FnOnce() -> rusqlite::Result<Connection>) -> rusqlite::Result<Reusable> {
        let used = self.lock().as_mut().and_then(Vec::pop);
        let connection = used.map_or_else(open, Ok)?;
        Ok(Reusable { connection: Some(connection), unused: self.clone(), like_new: true })
    }

    /// Closes those that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back when it is dropped, unless it is not like a new one any more.
pub(crate) struct Reusable {
    /// There until it is dropped.
    connection: Option<Connection>,
    unused: Arc<Unused>,
    like_new: bool,
}

impl Reusable {
    /// Notes what is said to it.
    pub(crate) fn says(&mut self, statement: &str) {
        self.like_new = self.like_new && leaves_nothing_behind(statement);
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
            waiting.push(connection);
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
    let mut text = statement.trim_start();
    while text.starts_with("--") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    let mut words = text.split(|letter: char| !letter.is_ascii_alphabetic());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is = |word: &str, known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    is(first, &ON_TABLES) || is(first, &ON_THE_SCHEMA) && !is(second, &["TEMP", "TEMPORARY"]) || text == HARMLESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> rusqlite::Result<Connection> {
        Connection::open_in_memory()
    }

    /// Whether the next one is the same connection, after these statements.
    fn is_used_again(statements: &[&str]) -> bool {
        let unused = Unused::new();
        let mut first = unused.take(open).unwrap();
        first.execute_batch("CREATE TABLE known (a)").unwrap();
        for statement in statements {
            first.says(statement);
            first.execute_batch(statement).unwrap();
        }
        drop(first);
        unused.take(open).unwrap().table_exists(None, "known").unwrap()
    }

    #[test]
    fn a_connection_is_used_again_unless_something_is_left_behind_in_it() {
        assert!(is_used_again(&["PRAGMA journal_mode = WAL", "-- why\nINSERT INTO known VALUES (1)", "select * from known"]));
        assert!(is_used_again(&["CREATE TABLE other (a)", "with n as (select 1) select * from n"]));
        for left_behind in [
            "PRAGMA foreign_keys = OFF",
            "CREATE TEMP TABLE mine (a)",
            "create temporary table mine (a)",
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
        let unused = Unused::new();
        let many: Vec<Reusable> = (0..MOST + 3).map(|_| unused.take(open).unwrap()).collect();
        drop(many);
        assert_eq!(unused.lock().as_ref().map(Vec::len), Some(MOST));
        let late = unused.take(open).unwrap();
        unused.close();
        drop(late);
        assert!(unused.lock().is_none());
        let mut spoilt = unused.take(open).unwrap();
        spoilt.spoil();
        drop(spoilt);
    }
}
