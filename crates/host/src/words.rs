//! What the words of a statement tell before any connection has seen it. What hides them is not seen: a view over `changes()`, or
//! `"changes"()`.

/// What components say to a file beside statements on tables, and what may be said again: it sets what is set already.
const HARMLESS: &str = "PRAGMA journal_mode = WAL";
/// How statements begin that may only read, and leave nothing behind in their connection.
const MAY_READ: [&str; 3] = ["SELECT", "WITH", "EXPLAIN"];
/// How statements begin that write rows, and leave nothing behind in their connection.
const WRITE: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
/// Functions that tell of a connection's own last statement.
const OF_THE_LAST: [&str; 3] = ["changes", "total_changes", "last_insert_rowid"];

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
        let mut writes = begins(&WRITE);
        let may_write = writes || begins(&["WITH"]);
        let (mut before, mut last) = ("", first);
        for token in tokens {
            match token {
                Token::Word(word) => {
                    writes = writes || may_write && WRITE.iter().any(|known| word.eq_ignore_ascii_case(known));
                    (before, last) = (last, word);
                }
                // not the columns of a table of that name
                Token::Opening if OF_THE_LAST.iter().any(|function| last.eq_ignore_ascii_case(function)) => {
                    if !before.eq_ignore_ascii_case("INTO") {
                        return Self::ItsOwn;
                    }
                }
                Token::Opening | Token::Other => (before, last) = ("", ""),
            }
        }
        if writes {
            Self::AnyWriter
        } else if begins(&MAY_READ) || is_harmless(statement) {
            Self::AnyReader
        } else {
            Self::ItsOwn
        }
    }
}

/// Whether it sets what is set already: it may run where others read.
pub(crate) fn is_harmless(statement: &str) -> bool {
    statement.trim() == HARMLESS
}

/// Whether a statement may change something of the file's content.
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

/// A part of a statement.
#[derive(Debug)]
enum Token<'a> {
    Word(&'a str),
    /// Of parentheses.
    Opening,
    /// What stands in quotes, signs.
    Other,
}

/// The parts of a statement, without spaces and comments.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn of(statement: &'a str) -> Self {
        Self(statement)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let after = |text: &'a str, end| text.split_once(end).map_or("", |(_, rest)| rest);
        loop {
            self.0 = self.0.trim_ascii_start();
            self.0 = match (self.0.strip_prefix("--"), self.0.strip_prefix("/*")) {
                (Some(comment), _) => after(comment, "\n"),
                (_, Some(comment)) => after(comment, "*/"),
                (None, None) => break,
            };
        }
        // a quote within quotes is doubled: what follows are quotes again
        for (begin, end) in [('\'', "'"), ('"', "\""), ('`', "`"), ('[', "]")] {
            if let Some(quoted) = self.0.strip_prefix(begin) {
                self.0 = after(quoted, end);
                return Some(Token::Other);
            }
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
            "/* trace */ SELECT account_changes(1), 'changes()', \"INSERT\"",
            "WITH n AS (SELECT 'it''s no DELETE', [update]) SELECT * FROM n",
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
            "WITH n AS (SELECT '--' AS a) INSERT INTO t SELECT a FROM n",
            "WITH n AS (SELECT 1) /* -- why */ DELETE FROM t",
            "INSERT INTO changes (a) VALUES (1)",
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
            "INSERT INTO changes (a) VALUES (changes())",
            "SELECT '--', changes()",
            "'",
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
