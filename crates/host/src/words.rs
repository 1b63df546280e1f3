//! What the words of a statement tell before any connection has seen it. What hides them is not seen: a view over `changes()`.

/// What components say to a file beside statements on tables, and what may be said again: it sets what is set already.
const HARMLESS: &str = "PRAGMA journal_mode = WAL";
/// How statements begin that may only read, and leave nothing behind in their connection.
const MAY_READ: [&str; 3] = ["SELECT", "WITH", "EXPLAIN"];
/// How statements begin that write rows, and leave nothing behind in their connection.
const WRITE: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
/// Functions that tell of a connection's own last statement.
const OF_THE_LAST: [&str; 2] = ["changes", "last_insert_rowid"];

/// Which connection a statement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    AnyReader,
    /// Any that writes; what only reads may be taken for it (`WITH` and a word that could write).
    AnyWriter,
    /// The same as the component's statements before and after it: a setting, a temporary table, a transaction.
    ItsOwn,
}

impl Needs {
    pub(crate) fn of(statement: &str) -> Self {
        let code = without_comments(statement);
        let first = code.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        let is_one_of = |known: &[&str]| known.iter().any(|word| first.eq_ignore_ascii_case(word));
        if OF_THE_LAST.iter().any(|function| calls(code, function)) {
            Self::ItsOwn
        } else if is_one_of(&WRITE) || first.eq_ignore_ascii_case("WITH") && may_change(code) {
            Self::AnyWriter
        } else if is_one_of(&MAY_READ) || code == HARMLESS {
            Self::AnyReader
        } else {
            Self::ItsOwn
        }
    }
}

/// Whether a statement may change something, of whatever kind.
pub(crate) fn may_change(statement: &str) -> bool {
    let code = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect::<String>().to_uppercase();
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    match words.next() {
        None | Some("SELECT" | "VALUES" | "EXPLAIN" | "PRAGMA") => false,
        Some("WITH") => words.any(|word| matches!(word, "INSERT" | "UPDATE" | "DELETE" | "REPLACE")),
        Some(_) => true,
    }
}

/// Whether a function of that name, or of one that ends so, is called in it.
fn calls(code: &str, function: &str) -> bool {
    code.split('(').rev().skip(1).any(|before| {
        let before = before.trim_end().as_bytes();
        before.len().checked_sub(function.len()).is_some_and(|from| before[from..].eq_ignore_ascii_case(function.as_bytes()))
    })
}

/// It without the lines of comment before it.
fn without_comments(statement: &str) -> &str {
    let mut text = statement.trim_start();
    while text.starts_with("--") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_needs_is_told_by_its_words() {
        for statement in [
            "SELECT 1",
            "-- INSERT\nselect 1",
            "WITH n AS (SELECT 1 AS updated) SELECT * FROM n",
            "EXPLAIN DELETE FROM t",
            "SELECT changes FROM rules WHERE (changes) > (1)",
            "PRAGMA journal_mode = WAL",
        ] {
            assert_eq!(Needs::of(statement), Needs::AnyReader, "{statement}");
        }
        for statement in [
            "INSERT INTO t VALUES (1)",
            "  -- SELECT\n-- x\nupdate t SET a = 1",
            "delete from t",
            "REPLACE INTO t VALUES (1)",
            "with n AS (SELECT 1) insert INTO t SELECT * FROM n",
            "WITH n AS (SELECT replace('a', 'b', 'c')) SELECT * FROM n",
        ] {
            assert_eq!(Needs::of(statement), Needs::AnyWriter, "{statement}");
        }
        for statement in [
            "BEGIN",
            "PRAGMA foreign_keys = OFF",
            "CREATE TEMP TABLE mine (a)",
            "create table temp.known (a)",
            "CREATE TABLE other (a)",
            "ATTACH ':memory:' AS other",
            "SAVEPOINT here",
            "/* INSERT */ PRAGMA case_sensitive_like = 1",
            "SELECT Last_Insert_RowId ()",
            "SELECT total_changes()",
            "INSERT INTO t VALUES (changes())",
            "",
            "--",
        ] {
            assert_eq!(Needs::of(statement), Needs::ItsOwn, "{statement}");
        }
    }

    #[test]
    fn whether_a_statement_may_change_something_is_told_by_its_words() {
        for statement in [
            "INSERT INTO t VALUES (1)",
            "  -- select\nupdate t SET a = 1",
            "WITH a AS (SELECT 1) DELETE FROM t",
            "CREATE TABLE t (a)",
        ] {
            assert!(may_change(statement), "{statement}");
        }
        for statement in [
            "SELECT 'INSERT'",
            "-- INSERT\nselect 1",
            "WITH a AS (SELECT 1) SELECT updated FROM a",
            "PRAGMA journal_mode = WAL",
            "",
        ] {
            assert!(!may_change(statement), "{statement}");
        }
    }
}
