//! SQLite in memory behind the store's trait, or a libSQL server, and a way to run what never waits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rusqlite::config::DbConfig;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};
use store::{Database, Row, StoreError, Value};

use crate::hosted::Hosted;

/// The database in memory is the one in use unless there is a hosted one.
pub struct Sqlite(pub Connection, Option<Hosted>);

impl Sqlite {
    /// An empty database: in memory, or hosted where `KOPILKA_TEST_STORES` says so.
    pub fn empty() -> Self {
        let hosted = std::env::var("KOPILKA_TEST_STORES").is_ok_and(|stores| stores == "hosted").then(Hosted::empty);
        Self(Self::in_memory().0, hosted)
    }

    /// An empty database in memory, for what can't be done to a hosted one.
    pub fn in_memory() -> Self {
        let connection = Connection::open_in_memory().expect("memory is there");
        connection.set_prepared_statement_cache_capacity(64);
        // else a statement is prepared anew whenever a bound value might ask for another plan
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("SQLite knows it");
        Self(connection, None)
    }

    /// Runs statements by hand, past the store.
    #[track_caller]
    pub fn by_hand(&self, statements: &str) {
        let done = match &self.1 {
            None => self.0.execute_batch(statements).map_err(|error| error.to_string()),
            Some(hosted) => hosted.by_hand(statements),
        };
        if let Err(error) = done {
            panic!("{statements}: {error}");
        }
    }

    /// A number by hand.
    #[track_caller]
    pub fn number(&self, query: &str) -> i64 {
        match self.rows(query).remove(0).as_slice() {
            [Value::Integer(number)] => *number,
            other => panic!("{query}: {other:?}"),
        }
    }

    /// A column of texts by hand.
    #[track_caller]
    pub fn texts(&self, query: &str) -> Vec<String> {
        let text = |row: Row| match row.into_iter().next() {
            Some(Value::Text(text)) => text,
            other => panic!("{query}: {other:?}"),
        };
        self.rows(query).into_iter().map(text).collect()
    }

    /// All rows of all tables.
    pub fn everything(&self) -> BTreeMap<String, Vec<Row>> {
        let tables = self.texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        let all = |table: String| {
            let rows = self.rows(&format!("SELECT * FROM {table} ORDER BY rowid"));
            (table, rows)
        };
        tables.into_iter().map(all).collect()
    }

    #[track_caller]
    fn rows(&self, query: &str) -> Vec<Row> {
        self.query(query, Vec::new()).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The rows of a statement, or the server's message.
    pub fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, String> {
        match &self.1 {
            None => self.query_in_memory(statement, parameters).map_err(|error| error.to_string()),
            Some(hosted) => hosted.query(statement, parameters),
        }
    }

    fn query_in_memory(&self, statement: &str, parameters: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
        let mut prepared = self.0.prepare_cached(statement)?;
        let width = prepared.column_count();
        let parameters = parameters.into_iter().map(|value| match value {
            Value::Null => Stored::Null,
            Value::Integer(number) => Stored::Integer(number),
            Value::Text(text) => Stored::Text(text),
        });
        let mut rows = prepared.query(params_from_iter(parameters))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let value = |column: usize| match row.get(column)? {
                Stored::Null => Ok(Value::Null),
                Stored::Integer(number) => Ok(Value::Integer(number)),
                Stored::Text(text) => Ok(Value::Text(text)),
                other => Err(rusqlite::Error::FromSqlConversionFailure(column, other.data_type(), "no such values".into())),
            };
            found.push((0..width).map(value).collect::<rusqlite::Result<Row>>()?);
        }
        Ok(found)
    }
}

impl Database for Sqlite {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.query(statement, parameters).map_err(|message| StoreError::from_message(&message))
    }
}

/// Runs a future that never waits to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("SQLite in the process never waits"),
    }
}
