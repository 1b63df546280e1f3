//! A table of a TOML file that knows its path and which of its keys nobody has read yet.

use anyhow::{Context as _, Result, bail};
use toml::{Table, Value};

/// A table, read key by key: what is left at the end is an error that names it.
pub(crate) struct Section {
    path: String,
    rest: Table,
}

impl Section {
    /// A whole file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self { path: String::new(), rest: text.parse().context("not valid TOML")? })
    }

    /// How a key of this table is called in messages.
    pub(crate) fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let key = if key.chars().all(bare) { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    /// The keys that have not been read yet.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.rest.keys().cloned().collect()
    }

    /// Refuses the keys that nobody asked for.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.keys().next() {
            Some(key) => bail!("{}: not supported", self.path_of(key)),
            None => Ok(()),
        }
    }

    /// A text, if there is one.
    pub(crate) fn string(&mut self, key: &str) -> Result<Option<String>> {
        match self.rest.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => bail!("{}: must be text, not {}", self.path_of(key), other.type_str()),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_string(&mut self, key: &str) -> Result<String> {
        let found = self.string(key)?;
        found.with_context(|| format!("{} is missing", self.path_of(key)))
    }

    /// A number, if there is one.
    pub(crate) fn integer(&mut self, key: &str) -> Result<Option<i64>> {
        match self.rest.remove(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(other) => bail!("{}: must be a whole number, not {}", self.path_of(key), other.type_str()),
        }
    }

    /// `true` or `false`, if it is there.
    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>> {
        match self.rest.remove(key) {
            None => Ok(None),
            Some(Value::Boolean(yes)) => Ok(Some(yes)),
            Some(other) => bail!("{}: must be true or false, not {}", self.path_of(key), other.type_str()),
        }
    }

    /// A list of texts; nothing is an empty list.
    pub(crate) fn strings(&mut self, key: &str) -> Result<Vec<String>> {
        match self.rest.get(key) {
            None | Some(Value::Array(_)) => self.string_or_strings(key),
            Some(other) => bail!("{}: must be a list, not {}", self.path_of(key), other.type_str()),
        }
    }

    /// A list of texts, or one text; nothing is an empty list.
    pub(crate) fn string_or_strings(&mut self, key: &str) -> Result<Vec<String>> {
        let items = match self.rest.remove(key) {
            None => return Ok(vec![]),
            Some(Value::Array(items)) => items,
            Some(one) => vec![one],
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => bail!("{}: must be text, not {}", self.path_of(key), other.type_str()),
        };
        items.into_iter().map(text).collect()
    }

    /// A table, if there is one.
    pub(crate) fn section(&mut self, key: &str) -> Result<Option<Section>> {
        let path = self.path_of(key);
        match self.rest.remove(key) {
            None => Ok(None),
            Some(Value::Table(rest)) => Ok(Some(Section { path, rest })),
            Some(other) => bail!("{path}: must be a table, not {}", other.type_str()),
        }
    }

    /// A table that must be there.
    pub(crate) fn required_section(&mut self, key: &str) -> Result<Section> {
        let found = self.section(key)?;
        found.with_context(|| format!("{} is missing", self.path_of(key)))
    }

    /// A table of tables: the name and the content of each.
    pub(crate) fn sections(&mut self, key: &str) -> Result<Vec<(String, Section)>> {
        let Some(mut section) = self.section(key)? else { return Ok(vec![]) };
        let names = section.keys();
        names.into_iter().map(|name| Ok((name.clone(), section.required_section(&name)?))).collect()
    }

    /// A list of tables (`[[key]]`).
    pub(crate) fn list(&mut self, key: &str) -> Result<Vec<Section>> {
        let path = self.path_of(key);
        let items = match self.rest.remove(key) {
            None => return Ok(vec![]),
            Some(Value::Array(items)) => items,
            Some(other) => bail!("{path}: must be a list of tables, not {}", other.type_str()),
        };
        let section = |(number, item)| match item {
            Value::Table(rest) => Ok(Section { path: format!("{path}[{number}]"), rest }),
            other => bail!("{path}[{number}]: must be a table, not {}", Value::type_str(&other)),
        };
        items.into_iter().enumerate().map(section).collect()
    }
}
