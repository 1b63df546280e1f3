//! The migrations of both stores, statement by statement: a store runs one statement a call.

use domain::Instant;

use crate::{Database, StoreError, integer};

/// A file of statements, each safe to run again.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub version: i64,
    pub sql: &'static str,
}

/// The migrations of the store `default`, in their sequence.
pub const BOOKS: [Migration; 8] = [
    Migration { version: 1, sql: include_str!("../../../sql/default/0001_books.sql") },
    Migration { version: 2, sql: include_str!("../../../sql/default/0002_referee.sql") },
    Migration { version: 3, sql: include_str!("../../../sql/default/0003_meters.sql") },
    Migration { version: 4, sql: include_str!("../../../sql/default/0004_delivery.sql") },
    Migration { version: 5, sql: include_str!("../../../sql/default/0005_schedule.sql") },
    Migration { version: 6, sql: include_str!("../../../sql/default/0006_annulment.sql") },
    Migration { version: 7, sql: include_str!("../../../sql/default/0007_dispatches.sql") },
    Migration { version: 8, sql: include_str!("../../../sql/default/0008_purchases.sql") },
];

/// The migrations of the store `people`.
pub const PEOPLE: [Migration; 3] = [
    Migration { version: 1, sql: include_str!("../../../sql/people/0001_people.sql") },
    Migration { version: 2, sql: include_str!("../../../sql/people/0002_sweep.sql") },
    Migration { version: 3, sql: include_str!("../../../sql/people/0003_days.sql") },
];

/// Runs the migrations that the store does not have yet. Returns how many.
///
/// # Errors
/// [`StoreError`] of a statement; what ran before it stays, and running again goes on.
pub async fn migrate(db: &impl Database, migrations: &[Migration], now: Instant) -> Result<usize, StoreError> {
    let done = version(db).await?;
    let mut count = 0;
    for migration in migrations.iter().filter(|migration| migration.version > done) {
        for statement in statements(migration.sql) {
            db.run(&statement, Vec::new()).await?;
        }
        let record = "INSERT INTO migration (version, applied_at) VALUES (?1, ?2) ON CONFLICT (version) DO NOTHING";
        db.run(record, vec![migration.version.into(), now.into()]).await?;
        count += 1;
    }
    Ok(count)
}

/// The newest migration that a store has; 0 without any.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub async fn version(db: &impl Database) -> Result<i64, StoreError> {
    match db.run("SELECT coalesce(max(version), 0) FROM migration", Vec::new()).await {
        Ok(rows) => Ok(integer(rows.first(), 0).unwrap_or_default()),
        Err(StoreError::NotMigrated) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Whether a store of this version has all of these migrations. One that a newer build made has more.
#[must_use]
pub fn is_current(version: i64, migrations: &[Migration]) -> bool {
    migrations.iter().all(|migration| migration.version <= version)
}

/// How far the books are set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The newest migration; 0 without any.
    pub version: i64,
    /// Whether a program is published.
    pub published: bool,
}

/// How far the books are set up: one statement.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub async fn readiness(books: &impl Database) -> Result<Readiness, StoreError> {
    match books.run(include_str!("../../../sql/statements/readiness.sql"), Vec::new()).await {
        Ok(rows) => Ok(Readiness {
            version: integer(rows.first(), 0).unwrap_or_default(),
            published: integer(rows.first(), 1) == Some(1),
        }),
        Err(StoreError::NotMigrated) => Ok(Readiness::default()),
        Err(error) => Err(error),
    }
}

/// The statements of a file. By convention of `sql/` a statement ends with the first line that ends with a semicolon,
/// a trigger with the line `END;`; comments stand on lines of their own between and inside statements.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in sql.lines() {
        let code = line.trim();
        if code.is_empty() || code.starts_with("--") {
            continue;
        }
        lines.push(line);
        let in_trigger = lines.first().is_some_and(|first| first.trim_start().starts_with("CREATE TRIGGER"));
        let ends = if in_trigger { code == "END;" } else { code.ends_with(';') };
        if ends {
            statements.push(lines.join("\n"));
            lines.clear();
        }
    }
    if !lines.is_empty() {
        statements.push(lines.join("\n"));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_one_statement_and_everything_else_ends_at_its_semicolon() {
        let sql = "-- a comment;\nCREATE TABLE a (\n  b TEXT\n) STRICT;\nCREATE TRIGGER t BEFORE UPDATE ON a BEGIN\n  SELECT 1;\n  \
                   -- inside\n  SELECT 2;\nEND;\nCREATE INDEX i ON a (b);\n";
        let found = statements(sql);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("CREATE TRIGGER") && found[1].ends_with("END;"));
    }

    #[test]
    fn every_statement_of_the_migrations_is_whole() {
        for migration in BOOKS.iter().chain(&PEOPLE) {
            for statement in statements(migration.sql) {
                assert!(statement.trim_end().ends_with(';'), "{statement}");
                assert!(statement.starts_with("CREATE ") || statement.starts_with("INSERT "), "{statement}");
            }
        }
    }
}
