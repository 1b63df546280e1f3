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
        let mut tokens = Tokens::of(statement);
        let Some(Token::Word(first)) = tokens.next() else { return Self::ItsOwn };
        let begins = |known: &[&str]| known.iter().any(|word| first.eq_ignore_ascii_case(word));
        let (mut writes, mut before) = (begins(&WRITE), first);
        let may_write = writes || begins(&["WITH"]);
        for token in tokens {
            match token {
                Token::Word(word) => {
                    writes = writes || may_write && WRITE.iter().any(|known| word.eq_ignore_ascii_case(known));
                    before = word;
                }
                Token::Opening if OF_THE_LAST.iter().any(|function| ends_with(before, function)) => return Self::ItsOwn,
                Token::Opening | Token::Other => before = "",
            }
        }
        if writes {
            Self::AnyWriter
        } else if begins(&MAY_READ) || statement.trim() == HARMLESS {
            Self::AnyReader
        } else {
            Self::ItsOwn
        }
    }
}

/// Whether a statement may change something, of whatever kind.
pub(crate) fn may_change(statement: &str) -> bool {
    let mut tokens = Tokens::of(statement);
    let is = |word: &str, known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    match tokens.next() {
        None => false,
        Some(Token::Word(first)) if is(first, &["SELECT", "VALUES", "EXPLAIN", "PRAGMA"]) => false,
        Some(Token::Word(first)) if is(first, &["WITH"]) => {
            tokens.any(|token| matches!(token, Token::Word(word) if is(word, &WRITE)))
        }
        Some(_) => true,
    }
}

fn ends_with(word: &str, end: &str) -> bool {
    word.len().checked_sub(end.len()).is_some_and(|from| word.as_bytes()[from..].eq_ignore_ascii_case(end.as_bytes()))
}

/// A part of a statement. What stands in quotes is taken for words, too.
#[derive(Debug)]
enum Token<'a> {
    Word(&'a str),
    /// Of parentheses.
    Opening,
    Other,
}

/// The parts of a statement, without spaces and the comments that take a line each.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn of(statement: &'a str) -> Self {
        Self(statement)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.0 = self.0.trim_ascii_start();
            let Some(comment) = self.0.strip_prefix("--") else { break };
            self.0 = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let bytes = self.0.as_bytes();
        let length = bytes.iter().position(|byte| !is_of_word(*byte)).unwrap_or(bytes.len());
        // neither end is in the middle of a letter: those of several bytes are of words
        let (token, rest) = self.0.split_at_checked(length.max(1))?;
        self.0 = rest;
        Some(match token {
            word if length > 0 => Token::Word(word),
            "(" => Token::Opening,
            _ => Token::Other,
        })
    }
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
            "SELECT changes FROM rules WHERE (changes) > (1) AND name = 'ё (' -- changes()",
            "SELECT changes -- of rules\n, (1) FROM rules",
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
            "WITH n AS (SELECT 1) SELECT a, changes(\n) FROM n",
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
