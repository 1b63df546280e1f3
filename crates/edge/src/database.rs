//! The Spin store behind [`store::Database`]: one connection for each database, kept in the instance. That is safe
//! because no request ever holds a transaction across an await, and fast because opening is what costs.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::sqlite::{Connection, Error, Value as SpinValue};
use store::{Database, Row, StoreError, Value};

thread_local! {
    static KEPT: RefCell<Vec<(&'static str, Rc<Connection>)>> = const { RefCell::new(Vec::new()) };
}

/// A database of the application, by the label of `spin.toml`.
#[derive(Clone, Copy, Debug)]
pub struct SpinDatabase(&'static str);

/// The store of the books.
#[must_use]
pub fn books() -> SpinDatabase {
    SpinDatabase("default")
}

/// The store of personal data.
#[must_use]
pub fn people() -> SpinDatabase {
    SpinDatabase("people")
}

impl SpinDatabase {
    async fn connection(self) -> Result<Rc<Connection>, StoreError> {
        let kept = KEPT.with_borrow(|kept| kept.iter().find(|(label, _)| *label == self.0).map(|(_, kept)| kept.clone()));
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let opened = Rc::new(Connection::open(self.0).await.map_err(|error| message(&error))?);
        // Readers then do not wait for a writer. A hosted store refuses the pragma, and needs none.
        if let Ok(answer) = opened.execute("PRAGMA journal_mode = WAL", []).await {
            drop(answer.collect().await);
        }
        KEPT.with_borrow_mut(|kept| kept.push((self.0, opened.clone())));
        Ok(opened)
    }

    /// Lets go of a connection that may be broken; the next statement opens another.
    fn forget(self, broken: &Rc<Connection>) {
        KEPT.with_borrow_mut(|kept| kept.retain(|(_, connection)| !Rc::ptr_eq(connection, broken)));
    }
}

impl Database for SpinDatabase {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self.run_once(statement, parameters.clone()).await {
            // A hosted store ends idle streams, before the statement began: on a new one it is run for the first time.
            Err(StoreError::Busy(message)) if message.contains("STREAM_EXPIRED") => self.run_once(statement, parameters).await,
            outcome => outcome,
        }
    }
}

impl SpinDatabase {
    async fn run_once(self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection().await?;
        let parameters = parameters.into_iter().map(|value| match value {
            Value::Null => SpinValue::Null,
            Value::Integer(number) => SpinValue::Integer(number),
            Value::Text(text) => SpinValue::Text(text),
        });
        // Errors of the statement itself arrive only with its end, so that every statement is read to its end.
        let outcome = match connection.execute(statement, parameters).await {
            Ok(answer) => answer.collect().await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(rows) => Ok(rows.into_iter().map(|row| row.values.into_iter().map(from_spin).collect()).collect()),
            Err(error) => {
                let error = message(&error);
                let broken = match &error {
                    StoreError::Unavailable(_) => true,
                    StoreError::Busy(message) => message.contains("STREAM_EXPIRED"),
                    _ => false,
                };
                if broken {
                    self.forget(&connection);
                }
                Err(error)
            }
        }
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
