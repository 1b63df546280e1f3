//! Small typed readers over JSON that collect findings instead of stopping at the first.
//!
//! A block is read in two steps: first every field, each reader noting what is wrong with it, then the value is put
//! together from the parts, if all are there. So one parse names all problems. A reader that answers `None` has left
//! at least one finding.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::engine::Finding;
use crate::limits::{MAX_DESCRIPTION, MAX_FACTOR, MAX_FINDINGS, MAX_ID, MAX_TEXT, MAX_UNITS};
use crate::text::{self, FACTOR_SCALE, MONEY_SCALE, NotAnAmount, PERCENT_SCALE, QUANTITY_SCALE};

/// What was found wrong so far.
#[derive(Default)]
pub struct Findings {
    found: Vec<Finding>,
}

/// A value and where it stands in the document.
#[derive(Clone)]
pub struct Node<'v> {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    value: &'v Value,
}

/// An object that is being read; it remembers which fields were asked for.
pub struct Block<'v> {
    pointer: String,
    fields: &'v Map<String, Value>,
    known: Vec<&'static str>,
}

impl Findings {
    /// Notes a problem. Beyond [`MAX_FINDINGS`] only the first ones are kept.
    pub fn note(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push(Finding { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.into() });
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All findings, in the order in which the document was read.
    pub fn into_vec(self) -> Vec<Finding> {
        self.found
    }
}

impl<'v> Node<'v> {
    /// The whole document.
    pub fn root(value: &'v Value) -> Self {
        Self { pointer: String::new(), value }
    }

    /// An object.
    pub fn block(&self, findings: &mut Findings) -> Option<Block<'v>> {
        match self.value.as_object() {
            Some(fields) => Some(Block { pointer: self.pointer.clone(), fields, known: Vec::new() }),
            None => self.wrong_type("an object", findings),
        }
    }

    /// Whether it is a list at all.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// A list of at most `most` entries. An empty one is left to the caller.
    pub fn list(&self, most: usize, findings: &mut Findings) -> Option<Vec<Node<'v>>> {
        let Some(entries) = self.value.as_array() else {
            return self.wrong_type("a list", findings);
        };
        if entries.len() > most {
            findings.note(&self.pointer, "too_many", format!("{} entries; at most {most} are allowed", entries.len()));
            return None;
        }
        let node = |(index, value)| Node { pointer: format!("{}/{index}", self.pointer), value };
        Some(entries.iter().enumerate().map(node).collect())
    }

    /// A list of one or more words, as conditions have them.
    pub fn words(&self, most: usize, findings: &mut Findings) -> Option<BTreeSet<String>> {
        let nodes = self.list(most, findings)?;
        if nodes.is_empty() {
            findings.note(&self.pointer, "empty", "an empty list matches nothing; leave the field out or name something");
            return None;
        }
        let words: Vec<_> = nodes.iter().map(|node| node.name(MAX_TEXT, findings)).collect();
        words.into_iter().collect()
    }

    /// A text of 1 to `most` characters, not only blanks.
    pub fn name(&self, most: usize, findings: &mut Findings) -> Option<String> {
        let text = self.text("a text", findings)?;
        if text.trim().is_empty() {
            findings.note(&self.pointer, "empty", "a text that is not blank is needed");
            return None;
        }
        if text.chars().count() > most {
            findings.note(&self.pointer, "too_long", format!("at most {most} characters are allowed"));
            return None;
        }
        Some(text.to_owned())
    }

    /// An id: ASCII letters, digits, `-` and `_`.
    pub fn id(&self, findings: &mut Findings) -> Option<String> {
        let id = self.name(MAX_ID, findings)?;
        if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Some(id);
        }
        findings.note(&self.pointer, "invalid_id", "ids are made of the letters a to z, digits, - and _: \"big-order\"");
        None
    }

    /// Any text.
    pub fn text(&self, wanted: &str, findings: &mut Findings) -> Option<&'v str> {
        match self.value.as_str() {
            Some(text) => Some(text),
            None => self.wrong_type(wanted, findings),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, findings: &mut Findings) -> Option<bool> {
        match self.value.as_bool() {
            Some(value) => Some(value),
            None => self.wrong_type("true or false", findings),
        }
    }

    /// A whole JSON number in the range, both ends included.
    pub fn integer(&self, least: i64, most: i64, findings: &mut Findings) -> Option<i64> {
        let Some(value) = self.value.as_i64() else {
            return self.wrong_type(&format!("a whole number from {least} to {most}"), findings);
        };
        if (least..=most).contains(&value) {
            return Some(value);
        }
        findings.note(&self.pointer, "out_of_range", format!("{value} is not from {least} to {most}"));
        None
    }

    /// Money in hundredths, at least `least`.
    pub fn money(&self, least: i64, findings: &mut Findings) -> Option<i64> {
        self.decimal("money", MONEY_SCALE, least, MAX_UNITS, findings)
    }

    /// Points in minor units of the program's scale, at least `least`.
    pub fn points(&self, scale: u8, least: i64, findings: &mut Findings) -> Option<i64> {
        self.decimal("points", scale, least, MAX_UNITS, findings)
    }

    /// A quantity above 0 in thousandths.
    pub fn quantity(&self, findings: &mut Findings) -> Option<i64> {
        self.decimal("a quantity", QUANTITY_SCALE, 1, MAX_UNITS, findings)
    }

    /// A factor above 1, in parts per million.
    pub fn factor(&self, findings: &mut Findings) -> Option<i64> {
        self.decimal("a factor", FACTOR_SCALE, ONE_HUNDRED_PERCENT.saturating_add(1), MAX_FACTOR, findings)
    }

    /// One of these words, with what it stands for.
    pub fn choice<T: Copy>(&self, wanted: &str, choices: &[(&str, T)], findings: &mut Findings) -> Option<T> {
        let text = self.text(wanted, findings)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            findings.note(&self.pointer, "unknown_word", format!("{wanted} is one of: {}", known.join(", ")));
        }
        found
    }

    /// A percentage from 0 to 100, in parts per million.
    pub fn percent(&self, findings: &mut Findings) -> Option<i64> {
        self.decimal("percent", PERCENT_SCALE, 0, ONE_HUNDRED_PERCENT, findings)
    }

    fn decimal(&self, what: &str, scale: u8, least: i64, most: i64, findings: &mut Findings) -> Option<i64> {
        let read = match self.value {
            Value::String(text) => text::parse_amount(text, scale),
            Value::Number(number) if number.is_i64() || number.is_u64() => text::parse_amount(&number.to_string(), scale),
            Value::Number(_) => {
                let detail = "numbers with a decimal point lose digits; write the amount as a text: \"249.50\"";
                findings.note(&self.pointer, "float", detail);
                return None;
            }
            _ => return self.wrong_type(&format!("{what} as a text, like \"249.50\", or a whole number"), findings),
        };
        let range = || format!("from {} to {}", text::amount(least, scale), text::amount(most, scale));
        let (code, detail) = match read {
            Ok(units) if (least..=most).contains(&units) => return Some(units),
            Ok(_) | Err(NotAnAmount::TooLarge) => ("out_of_range", format!("{what} must be {} here", range())),
            Err(NotAnAmount::Malformed) => {
                ("malformed_amount", format!("{what} is written with digits and a decimal point: \"249.50\""))
            }
            Err(NotAnAmount::TooPrecise) => {
                ("too_precise", format!("{what} has at most {scale} decimals here, with no further ones"))
            }
        };
        findings.note(&self.pointer, code, detail);
        None
    }

    /// Notes that something else is needed here.
    fn wrong_type<T>(&self, wanted: &str, findings: &mut Findings) -> Option<T> {
        let is = match self.value {
            Value::Null => "null; leave the field out instead, or write",
            Value::Bool(_) => "true or false; needed is",
            Value::Number(_) => "a number; needed is",
            Value::String(_) => "a text; needed is",
            Value::Array(_) => "a list; needed is",
            Value::Object(_) => "an object; needed is",
        };
        findings.note(&self.pointer, "wrong_type", format!("this is {is} {wanted}"));
        None
    }
}

impl<'v> Block<'v> {
    /// A field that may be left out.
    pub fn optional(&mut self, name: &'static str) -> Option<Node<'v>> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.fields.get(name).map(|value| Node { pointer: self.pointer_to(name), value })
    }

    /// A field that must be there.
    pub fn required(&mut self, name: &'static str, findings: &mut Findings) -> Option<Node<'v>> {
        let node = self.optional(name);
        if node.is_none() {
            findings.note(&self.pointer_to(name), "missing_field", format!("the field \"{name}\" is needed here"));
        }
        node
    }

    /// Where a field of this name stands, or would stand.
    pub fn pointer_to(&self, name: &str) -> String {
        pointer_to(&self.pointer, name)
    }

    /// Whether the block says nothing, or has nothing but its description.
    pub fn is_empty(&self) -> bool {
        self.fields.keys().all(|name| name == DESCRIPTION)
    }

    /// Reads the description that every block may carry, and notes every field that nobody asked for.
    pub fn finish(mut self, findings: &mut Findings) {
        if let Some(node) = self.optional(DESCRIPTION) {
            node.name(MAX_DESCRIPTION, findings);
        }
        for name in self.fields.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let pointer = self.pointer_to(name);
            findings.note(&pointer, "unknown_field", format!("known here: {}", self.known.join(", ")));
        }
    }
}

/// The JSON pointer of a field of the object at another.
pub fn pointer_to(object: &str, field: &str) -> String {
    format!("{object}/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// A note of the author, for people; nothing is computed from it.
const DESCRIPTION: &str = "description";

/// 100 % in parts per million.
pub const ONE_HUNDRED_PERCENT: i64 = 1_000_000;
