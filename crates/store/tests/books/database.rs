//! SQLite in memory behind the store's trait, and a way to run what never waits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rusqlite::config::DbConfig;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};
use store::{Database, Row, StoreError, Value};

pub struct Sqlite(pub Connection);

impl Sqlite {
    pub fn in_memory() -> Self {
        let connection = Connection::open_in_memory().expect("memory is there");
        connection.set_prepared_statement_cache_capacity(64);
        // else a statement is prepared anew whenever a bound value might ask for another plan
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("SQLite knows it");
        Self(connection)
    }

    /// Runs statements by hand, past the store.
    #[track_caller]
    pub fn by_hand(&self, statements: &str) {
        if let Err(error) = self.0.execute_batch(statements) {
            panic!("{statements}: {error}");
        }
    }

    /// A number by hand.
    #[track_caller]
    pub fn number(&self, query: &str) -> i64 {
        self.0.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// A column of texts by hand.
    #[track_caller]
    pub fn texts(&self, query: &str) -> Vec<String> {
        let mut statement = self.0.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let rows = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// All rows of all tables.
    pub fn everything(&self) -> BTreeMap<String, Vec<Vec<Stored>>> {
        let tables = self.texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        let all = |table: &String| {
            let mut statement = self.0.prepare(&format!("SELECT * FROM {table} ORDER BY rowid")).expect("the table is there");
            let width = statement.column_count();
            let rows = statement.query_map([], |row| (0..width).map(|column| row.get(column)).collect());
            rows.and_then(Iterator::collect).expect("a row is read")
        };
        tables.iter().map(|table| (table.clone(), all(table))).collect()
    }
}

impl Database for Sqlite {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let failed = |error: rusqlite::Error| StoreError::from_message(&error.to_string());
        let mut prepared = self.0.prepare_cached(statement).map_err(failed)?;
        let width = prepared.column_count();
        let parameters = parameters.into_iter().map(|value| match value {
            Value::Null => Stored::Null,
            Value::Integer(number) => Stored::Integer(number),
            Value::Text(text) => Stored::Text(text),
        });
        let mut rows = prepared.query(params_from_iter(parameters)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let value = |column: usize| match row.get(column).map_err(failed)? {
                Stored::Null => Ok(Value::Null),
                Stored::Integer(number) => Ok(Value::Integer(number)),
                Stored::Text(text) => Ok(Value::Text(text)),
                other => Err(StoreError::Unreadable(format!("{other:?}"))),
            };
            found.push((0..width).map(value).collect::<Result<Row, StoreError>>()?);
        }
        Ok(found)
    }
}

/// Runs a future that never waits to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("SQLite in the process never waits"),
    }
}
