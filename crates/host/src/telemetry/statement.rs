//! What a statement is called: what it does and to which table first, in few and always the same words, and never a value.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Words after which the name of a table stands.
const BEFORE_A_TABLE: [&str; 4] = ["FROM", "INTO", "UPDATE", "TABLE"];

/// What a statement does.
const OPERATIONS: [&str; 10] = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "CREATE", "DROP", "ALTER", "PRAGMA"];

/// Statements whose names are kept: more than a component has. They are long, and always the same.
const KEPT: usize = 1_024;

/// What statements are called, of those that were sent before.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<String, Name>>);

/// What a statement is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) operation: &'static str,
    pub(super) summary: String,
}

impl Names {
    pub(super) fn of(&self, statement: &str) -> Name {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.get(statement) {
            return name.clone();
        }
        let name = Name { operation: operation(statement), summary: summary(statement) };
        if names.len() < KEPT {
            names.insert(statement.to_owned(), name.clone());
        }
        name
    }
}

/// What it does: the first word of SQL outside of brackets, and what follows what a `WITH` names.
fn operation(statement: &str) -> &'static str {
    let outside = Words::of(statement).filter(|(_, depth)| *depth == 0);
    let mut known = outside.filter_map(|(word, _)| known(word));
    match known.next() {
        Some("WITH") => known.next().unwrap_or("WITH"),
        first => first.unwrap_or("OTHER"),
    }
}

/// The operation, and the first table that it names: rather outside of brackets than within.
fn summary(statement: &str) -> String {
    let operation = operation(statement);
    let mut table: Option<(&str, usize)> = None;
    let mut before = "";
    for (word, depth) in Words::of(statement) {
        let follows = BEFORE_A_TABLE.iter().any(|known| before.eq_ignore_ascii_case(known));
        if follows && word.starts_with(is_of_a_name) && known(word).is_none() && table.is_none_or(|(_, known)| depth < known) {
            table = Some((word, depth));
        }
        before = word;
    }
    table.map_or_else(|| operation.to_owned(), |(table, _)| format!("{operation} {table}"))
}

fn known(word: &str) -> Option<&'static str> {
    OPERATIONS.into_iter().find(|operation| word.eq_ignore_ascii_case(operation))
}

/// What stands for whatever was in quotes.
const QUOTED: &str = "''";

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The names and keywords of a statement, each with the number of brackets around it. Brackets are words, too, so that nothing behind
/// one is taken for a table; comments are none.
struct Words<'a> {
    text: &'a str,
    depth: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, depth: 0 }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<(&'a str, usize)> {
        loop {
            let text = self.text.trim_start();
            let first = text.chars().next()?;
            if let Some(comment) = text.strip_prefix("--") {
                self.text = comment.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            if first == '\'' || first == '"' {
                let quoted = text.get(1..).unwrap_or_default();
                self.text = quoted.split_once(first).map_or("", |(_, rest)| rest);
                return Some((QUOTED, self.depth));
            }
            let length = text.find(|c| !is_of_a_name(c)).unwrap_or(text.len()).max(first.len_utf8());
            let (word, rest) = text.split_at(length);
            self.text = rest;
            match first {
                '(' => self.depth += 1,
                ')' => self.depth = self.depth.saturating_sub(1),
                _ if !is_of_a_name(first) => continue,
                _ => {}
            }
            return Some((word, self.depth));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_called_by_what_it_does_and_to_what() {
        for (statement, expected) in [
            ("SELECT balance FROM account WHERE id = ?1", "SELECT account"),
            ("-- takes from somebody\nselect 1 from (select 2 from lot)", "SELECT lot"),
            ("INSERT INTO apply (plan) VALUES ('FROM secret')", "INSERT apply"),
            ("UPDATE lot SET n = 1", "UPDATE lot"),
            ("INSERT INTO meter (n) VALUES (1) ON CONFLICT DO UPDATE SET n = 2", "INSERT meter"),
            ("WITH due AS (SELECT id FROM review) UPDATE account SET n = 1", "UPDATE account"),
            ("WITH a AS (SELECT 1) SELECT (SELECT n FROM b), c FROM d JOIN (SELECT 2 FROM e)", "SELECT d"),
            ("WITH a AS (SELECT 1 FROM b) SELECT (SELECT n FROM c)", "SELECT b"),
            ("PRAGMA journal_mode = WAL", "PRAGMA"),
            ("DELETE FROM \"it's\" WHERE a = 'x", "DELETE"),
            ("", "OTHER"),
            ("зелёный", "OTHER"),
            ("BEGIN 'secret", "OTHER"),
        ] {
            assert_eq!(summary(statement), expected, "{statement}");
        }
        let names = Names::default();
        let once = names.of("UPDATE lot SET n = 1");
        assert_eq!(once, Name { operation: "UPDATE", summary: "UPDATE lot".to_owned() });
        assert_eq!(names.of("UPDATE lot SET n = 1"), once, "and again");
    }
}
