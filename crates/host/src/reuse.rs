//! Connections to a file that outlive the statement that opened them: the next one takes a used connection with the statements that
//! are prepared on it, instead of planning all of them anew. Nothing is said to them that leaves anything behind.

use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// The connections to a file that nobody uses; none are kept any more once it is closed.
pub(crate) struct Unused {
    /// How many wait at most: each keeps pages of the file in memory.
    most: usize,
    waiting: Mutex<Option<Waiting>>,
}

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
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, waiting: Mutex::new(Some(Vec::new())) })
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
        Ok(Reusable { connection: Some(connection), identity, unused: self.clone(), is_sound: true })
    }

    /// Closes those that wait; whoever comes back is closed too.
    pub(crate) fn close(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back when it is dropped, unless it was found to be of no use.
pub(crate) struct Reusable {
    /// There until it is dropped.
    connection: Option<Connection>,
    identity: Option<Identity>,
    unused: Arc<Unused>,
    is_sound: bool,
}

impl Reusable {
    /// It is closed when it is dropped.
    pub(crate) fn spoil(&mut self) {
        self.is_sound = false;
    }
}

impl Drop for Reusable {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.is_sound || !connection.is_autocommit() {
            return;
        }
        if let Some(waiting) = self.unused.lock().as_mut()
            && waiting.len() < self.unused.most
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const MOST: usize = 3;

    struct File {
        folder: tempfile::TempDir,
        unused: Arc<Unused>,
    }

    impl File {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), unused: Unused::new(MOST) }
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
    fn one_of_no_use_or_within_a_transaction_is_closed() {
        let file = File::new();
        let mut spoilt = file.take();
        mark(&spoilt);
        spoilt.spoil();
        drop(spoilt);
        assert!(!file.is_used());
        let within = file.take();
        mark(&within);
        within.execute_batch("BEGIN").unwrap();
        drop(within);
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
