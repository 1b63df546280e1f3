//! Who writes to a file next. SQLite lets in whoever asks at the right moment, and the others ask again after pauses, each with a
//! connection in hand that reads nothing meanwhile. So writers of this process stand in line before they take theirs.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::reuse::first_word;

/// How long a writer stands in line: as long as SQLite waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long whoever has the turn waits for a connection that another statement holds, perhaps for good: its rows may have no reader.
const CONNECTION_IS_BUSY: Duration = Duration::from_millis(50);
/// How statements begin that write. What begins otherwise and writes waits for SQLite's lock alone.
const WRITES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];

/// The line of those who want to write to a file.
#[derive(Default)]
pub(crate) struct Line(Mutex<()>);

/// The right to write next, given back when it is dropped.
pub(crate) struct Turn<'a> {
    _next: MutexGuard<'a, ()>,
}

impl Line {
    /// The turn, and with it a connection. None where the turn did not come in time; without the turn where another statement held
    /// the connection for long. Blocks.
    pub(crate) fn next<'a, T>(&'a self, connection: &'a Mutex<T>) -> Option<(Option<Turn<'a>>, MutexGuard<'a, T>)> {
        let turn = Turn { _next: self.0.try_lock_for(PATIENCE)? };
        if let Some(connection) = connection.try_lock_for(CONNECTION_IS_BUSY) {
            return Some((Some(turn), connection));
        }
        drop(turn);
        Some((None, connection.lock()))
    }
}

/// Whether it is to stand in line, outside of a transaction.
pub(crate) fn stands_in_line(statement: &str) -> bool {
    let first = first_word(statement);
    WRITES.iter().any(|known| first.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_writer_waits_for_the_writer_before_it_and_leaves_its_connection_to_others() {
        let (line, one, other) = (Line::default(), Mutex::new(1), Mutex::new(2));
        let (written, order) = mpsc::channel();
        thread::scope(|scope| {
            let first = line.next(&one).unwrap();
            assert!(first.0.is_some());
            scope.spawn(|| {
                let second = line.next(&other).unwrap();
                written.send("second").unwrap();
                drop(second);
            });
            // it stands in line by now, or will: its connection is free either way
            thread::sleep(Duration::from_millis(20));
            drop(other.lock());
            written.send("first").unwrap();
            drop(first);
        });
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["first", "second"]);
    }

    #[test]
    fn a_connection_that_stays_taken_keeps_nobody_else_from_writing() {
        let (line, stuck, other) = (Line::default(), Mutex::new(1), Mutex::new(2));
        thread::scope(|scope| {
            // a statement whose rows nobody reads
            let unread = stuck.lock();
            let waiting = scope.spawn(|| line.next(&stuck).unwrap().0.is_some());
            thread::sleep(Duration::from_millis(20));
            assert!(line.next(&other).unwrap().0.is_some(), "another one writes meanwhile");
            drop(unread);
            // it had the turn or has lost it: it goes on either way
            waiting.join().unwrap();
        });
    }

    #[test]
    fn what_writes_is_told_by_its_first_word() {
        for statement in
            ["INSERT INTO t VALUES (1)", "  -- INSERT\n-- x\nupdate t SET a = 1", "delete from t", "REPLACE INTO t VALUES (1)"]
        {
            assert!(stands_in_line(statement), "{statement}");
        }
        for statement in ["SELECT 1", "-- INSERT\nSELECT 1", "WITH n AS (SELECT 1) SELECT * FROM n", "BEGIN", "", "--"] {
            assert!(!stands_in_line(statement), "{statement}");
        }
    }
}
