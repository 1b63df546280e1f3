//! Statements of a hosted database, by the client that Spin uses: what it can't do there it can't do here.

use tokio::runtime::Handle;

use crate::bindings::spin::sqlite::sqlite::{RowResult, Value};
use crate::sqlite::{Answer, io};

/// Runs a statement; the rows go out as they arrive. Blocks.
pub(crate) fn run(
    connection: &libsql::Connection,
    statement: &str,
    parameters: Vec<Value>,
    columns: impl FnOnce(Vec<String>),
    mut row: impl FnMut(RowResult) -> Answer<()>,
) -> Answer<()> {
    let runtime = Handle::try_current().map_err(io)?;
    let parameters: Vec<libsql::Value> = parameters.into_iter().map(to_sent).collect();
    let mut rows = runtime.block_on(connection.query(statement, parameters)).map_err(io)?;
    let width = rows.column_count();
    columns((0..width).map(|column| rows.column_name(column).unwrap_or_default().to_owned()).collect());
    while let Some(found) = runtime.block_on(rows.next()).map_err(io)? {
        let value = |column| found.get_value(column).map(from_sent).map_err(io);
        row(RowResult { values: (0..width).map(value).collect::<Answer<_>>()? })?;
    }
    Ok(())
}

fn to_sent(value: Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(number) => libsql::Value::Integer(number),
        Value::Real(number) => libsql::Value::Real(number),
        Value::Text(text) => libsql::Value::Text(text),
        Value::Blob(bytes) => libsql::Value::Blob(bytes),
    }
}

fn from_sent(value: libsql::Value) -> Value {
    match value {
        libsql::Value::Null => Value::Null,
        libsql::Value::Integer(number) => Value::Integer(number),
        libsql::Value::Real(number) => Value::Real(number),
        libsql::Value::Text(text) => Value::Text(text),
        libsql::Value::Blob(bytes) => Value::Blob(bytes),
    }
}
