//! The projections compared with what the facts alone say of them.

use crate::{Database, StoreError, Value, integer, text};

/// Differences that are named; more are only counted.
const MOST_NAMED: i64 = 100;

/// A column of a row that says something else than the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub table: String,
    /// The row's id in hexadecimal; of an order's line, the order's.
    pub id: String,
    /// Position of an order's line.
    pub line: Option<i64>,
    /// The key of the table when the whole row is missing.
    pub column: String,
    pub stored: Option<String>,
    pub rebuilt: Option<String>,
}

/// What a rebuild would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// At most 100, by table and id.
    pub named: Vec<Difference>,
    pub total: i64,
}

/// Rebuilds every projection from the facts and compares; nothing is written.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn differences(db: &impl Database) -> Result<Differences, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/rebuild.sql"), vec![MOST_NAMED.into()]).await?;
    let named = rows.iter().map(|row| {
        let word = |column| text(Some(row), column).map(str::to_owned);
        let (Some(table), Some(id), Some(name)) = (word(0), word(1), word(3)) else {
            return Err(StoreError::Unreadable(format!("a difference without its place: {row:?}")));
        };
        Ok(Difference { table, id, line: integer(Some(row), 2), column: name, stored: word(4), rebuilt: word(5) })
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let total = match rows.first().and_then(|row| row.get(6)) {
        None => 0,
        Some(Value::Integer(total)) => *total,
        Some(other) => return Err(StoreError::Unreadable(format!("a count of differences: {other:?}"))),
    };
    Ok(Differences { named, total })
}
