//! The same store on a libSQL server, by the client that Spin uses: it prints every statement anew, and the server's SQLite is
//! older. `KOPILKA_TEST_STORES=hosted` runs everything there that does not need the database's own file or memory.

use std::cell::RefCell;

use libsql::{Builder, Connection};
use store::{Row, StoreError, Value};
use tokio::runtime::{self, Runtime};

use crate::sqld::Sqld;

/// A server of one's own; each statement is waited for.
pub struct Hosted {
    connection: RefCell<Connection>,
    runtime: Runtime,
    server: Sqld,
}

impl Hosted {
    pub fn empty() -> Self {
        let server = Sqld::start().expect("the tests are to run on a libSQL server");
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connection = RefCell::new(connect(&runtime, &server));
        Self { connection, runtime, server }
    }

    /// The rows of a statement. One whose connection broke is repeated on another, as the components do it.
    pub fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, String> {
        let outcome = self.query_once(statement, parameters.clone());
        if !outcome.as_ref().is_err_and(|message| matches!(StoreError::from_message(message), StoreError::Broken(_))) {
            return outcome;
        }
        self.connection.replace(connect(&self.runtime, &self.server));
        self.query_once(statement, parameters)
    }

    fn query_once(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, String> {
        let parameters: Vec<libsql::Value> = parameters.into_iter().map(to_sent).collect();
        let connection = self.connection.borrow().clone();
        let found = self.runtime.block_on(async {
            let mut rows = connection.query(statement, parameters).await?;
            let width = rows.column_count();
            let mut found = Vec::new();
            while let Some(row) = rows.next().await? {
                found.push((0..width).map(|column| row.get_value(column)).collect::<Result<Vec<_>, _>>()?);
            }
            Ok::<_, libsql::Error>(found)
        });
        let found = found.map_err(|error| error.to_string())?;
        found.into_iter().map(|row| row.into_iter().map(from_sent).collect()).collect()
    }

    /// Runs statements that return nothing.
    pub fn by_hand(&self, statements: &str) -> Result<(), String> {
        let connection = self.connection.borrow().clone();
        self.runtime.block_on(connection.execute_batch(statements)).map(drop).map_err(|error| error.to_string())
    }
}

fn connect(runtime: &Runtime, server: &Sqld) -> Connection {
    let client = runtime.block_on(Builder::new_remote(server.url(), String::new()).build());
    client.and_then(|client| client.connect()).expect("a client is made without asking the server")
}

fn to_sent(value: Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(number) => libsql::Value::Integer(number),
        Value::Text(text) => libsql::Value::Text(text),
    }
}

fn from_sent(value: libsql::Value) -> Result<Value, String> {
    match value {
        libsql::Value::Null => Ok(Value::Null),
        libsql::Value::Integer(number) => Ok(Value::Integer(number)),
        libsql::Value::Text(text) => Ok(Value::Text(text)),
        other => Err(format!("{other:?} is no value of ours")),
    }
}
