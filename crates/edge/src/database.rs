//! The Spin store behind [`store::Database`]: connections are kept in the instance, because opening is what costs. That is
//! safe because no request ever holds a transaction across an await. SQLite in the host's process has one connection, used
//! by all requests; a hosted store sends the statements of a connection one after another, so that it has a pool.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use spin_sdk::sqlite::{Connection, Error, Value as SpinValue};
use store::{Database, Row, StoreError, Value};

use crate::record::Statement;

/// How many connections to a hosted store are kept: as many as requests that Spin gives an instance at once.
const POOL: usize = 16;

/// The open connections to a store, at most so many.
struct Kept {
    most: usize,
    open: Vec<Rc<Connection>>,
}

thread_local! {
    static KEPT: RefCell<BTreeMap<&'static str, Kept>> = const { RefCell::new(BTreeMap::new()) };
}

/// A database of the application, by the label of `spin.toml`.
#[derive(Clone, Copy, Debug)]
pub struct SpinDatabase {
    label: &'static str,
    /// How long a statement is waited for; none: as long as the host waits.
    patience: Option<Duration>,
}

/// The store of the books.
#[must_use]
pub fn books() -> SpinDatabase {
    SpinDatabase { label: "default", patience: None }
}

/// A store that can be done without, by the label that the operator chose. Called once by an instance: the label stays.
pub(crate) fn dispensable(label: String, patience: Duration) -> SpinDatabase {
    SpinDatabase { label: Box::leak(label.into_boxed_str()), patience: Some(patience) }
}

/// The store of personal data.
#[must_use]
pub fn people() -> SpinDatabase {
    SpinDatabase { label: "people", patience: None }
}

impl Database for SpinDatabase {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let Some(patience) = self.patience else { return self.run_to_the_end(statement, parameters).await };
        let (run, late) = (pin!(self.run_to_the_end(statement, parameters)), pin!(spin_sdk::time::sleep(patience)));
        match select(run, late).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                // a statement that was given up still holds its connection
                KEPT.with_borrow_mut(|kept| kept.remove(self.label));
                Err(StoreError::Unavailable(format!("no answer within {} ms", patience.as_millis())))
            }
        }
    }
}

impl SpinDatabase {
    async fn run_to_the_end(self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let connection = match self.kept() {
            Some(kept) => kept,
            None => self.open().await?,
        };
        match self.run_on(&connection, statement, parameters.clone()).await {
            // A hosted store ends streams that were idle, and knows none from before its restart. Even a statement that had
            // its effect may be repeated: keys and locks then refuse it.
            Err(StoreError::Broken(_)) => self.run_on(&self.open().await?, statement, parameters).await,
            outcome => outcome,
        }
    }

    /// A connection that no statement uses; where no more may be opened, one that few use.
    fn kept(self) -> Option<Rc<Connection>> {
        KEPT.with_borrow(|kept| {
            let Kept { most, open } = kept.get(self.label)?;
            let idlest = open.iter().min_by_key(|connection| Rc::strong_count(connection))?;
            (Rc::strong_count(idlest) == 1 || open.len() >= *most).then(|| idlest.clone())
        })
    }

    /// Another connection; it is kept if there may be more.
    async fn open(self) -> Result<Rc<Connection>, StoreError> {
        let opened = Rc::new(Connection::open(self.label).await.map_err(|error| message(&error))?);
        let known = KEPT.with_borrow(|kept| kept.get(self.label).map(|kept| kept.most));
        let most = match known {
            Some(most) => most,
            None if is_in_process(&opened).await => 1,
            None => POOL,
        };
        KEPT.with_borrow_mut(|kept| {
            let kept = kept.entry(self.label).or_insert(Kept { most, open: Vec::new() });
            if kept.open.len() < kept.most {
                kept.open.push(opened.clone());
            }
        });
        Ok(opened)
    }

    async fn run_on(self, connection: &Rc<Connection>, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let parameters = parameters.into_iter().map(|value| match value {
            Value::Null => SpinValue::Null,
            Value::Integer(number) => SpinValue::Integer(number),
            Value::Text(text) => SpinValue::Text(text),
        });
        let sent = Statement::sent();
        // Errors of the statement itself arrive only with its end, so that every statement is read to its end.
        let outcome = match connection.execute(statement, parameters).await {
            Ok(answer) => answer.collect().await,
            Err(error) => Err(error),
        };
        drop(sent);
        match outcome {
            Ok(rows) => Ok(rows.into_iter().map(|row| row.values.into_iter().map(from_spin).collect()).collect()),
            Err(error) => {
                let error = message(&error);
                if matches!(error, StoreError::Broken(_) | StoreError::Unavailable(_)) {
                    self.forget(connection);
                }
                Err(error)
            }
        }
    }

    /// The label.
    pub(crate) fn label(self) -> &'static str {
        self.label
    }

    /// Lets go of a connection that may be broken.
    fn forget(self, broken: &Rc<Connection>) {
        KEPT.with_borrow_mut(|kept| {
            if let Some(kept) = kept.get_mut(self.label) {
                kept.open.retain(|connection| !Rc::ptr_eq(connection, broken));
            }
        });
    }
}

/// Has SQLite keep a journal ahead of its file: readers then do not wait for a writer. A hosted store has its own ways, and
/// refuses the pragma: that tells the two apart.
async fn is_in_process(connection: &Connection) -> bool {
    let sent = Statement::sent();
    let outcome = match connection.execute("PRAGMA journal_mode = WAL", []).await {
        Ok(answer) => answer.collect().await,
        Err(error) => Err(error),
    };
    drop(sent);
    match outcome {
        Ok(rows) => rows.iter().any(|row| matches!(row.values.first(), Some(SpinValue::Text(mode)) if mode == "wal")),
        // another connection is at it
        Err(error) => matches!(message(&error), StoreError::Busy(_)),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(number) => Value::Integer(number),
        SpinValue::Text(text) => Value::Text(text),
        // no statement of ours returns these
        SpinValue::Real(_) | SpinValue::Blob(_) => Value::Null,
    }
}

fn message(error: &Error) -> StoreError {
    match error {
        Error::Io(text) => StoreError::from_message(text),
        other => StoreError::Unavailable(format!("{other:?}")),
    }
}
