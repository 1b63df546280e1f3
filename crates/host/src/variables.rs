//! `spin:variables@3.0.0`: the variables of a component, made from those of the application.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use wasmtime::component::Accessor;

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::manifest::{Component, Manifest};
use crate::state::{Spin, State};

/// A value with `{{ name }}` in it.
#[derive(Debug, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = vec![];
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once("{{") {
            let (name, after) = opened.split_once("}}").context("\"{{\" without \"}}\"")?;
            check_name(name.trim())?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Name(name.trim().to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The variables that it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    pub(crate) fn fill(&self, values: &BTreeMap<String, String>) -> Result<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Name(name) => values.get(name).cloned().with_context(|| format!("there is no variable {name:?}")),
        };
        self.0.iter().map(text).collect()
    }
}

/// The rule for names of variables, which is Spin's: lower-case letters, digits and single underscores between them.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(name.chars().all(allowed), "{name:?}: lower-case letters, digits and underscores only");
    ensure!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name:?}: must start with a lower-case letter");
    ensure!(!name.ends_with('_') && !name.contains("__"), "{name:?}: underscores stand alone between other characters");
    Ok(())
}

/// The values of the application's variables: given ones first, then `SPIN_VARIABLE_NAME` from the environment,
/// then defaults.
pub fn resolve(
    manifest: &Manifest,
    given: &BTreeMap<String, String>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>> {
    if let Some(unknown) = given.keys().find(|name| !manifest.variables.contains_key(*name)) {
        bail!("{} declares no variable {unknown:?}", manifest.file.display());
    }
    let value = |(name, variable): (&String, &crate::manifest::Variable)| {
        let value = given
            .get(name)
            .cloned()
            .or_else(|| environment(&environment_name(name)))
            .or_else(|| variable.default.clone())
            .with_context(|| format!("the variable {name:?} is required: give it a value, or set {}", environment_name(name)))?;
        Ok((name.clone(), value))
    };
    manifest.variables.iter().map(value).collect()
}

/// The environment variable that gives a variable its value.
pub fn environment_name(variable: &str) -> String {
    format!("SPIN_VARIABLE_{}", variable.to_ascii_uppercase())
}

/// What one component sees.
pub(crate) fn of_component(component: &Component, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    component.variables.iter().map(|(name, template)| Ok((name.clone(), template.fill(values)?))).collect()
}

impl Host for State {}

impl<T: Send> HostWithStore<T> for Spin {
    async fn get(store: &Accessor<T, Self>, name: String) -> wasmtime::Result<std::result::Result<String, Error>> {
        if let Err(error) = check_name(&name) {
            return Ok(Err(Error::InvalidName(error.to_string())));
        }
        Ok(store.with(|mut access| {
            let component = &access.get().component;
            let undefined = || Error::Undefined(format!("no variable for {:?}.{name:?}", component.id));
            component.variables.get(&name).cloned().ok_or_else(undefined)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled() {
        let values = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b_c".to_owned(), "2".to_owned())]);
        for (text, filled) in [("x", "x"), ("", ""), ("{{ a }}", "1"), ("-{{a}}-{{ b_c }}-", "-1-2-"), ("{ a }", "{ a }")] {
            assert_eq!(Template::parse(text).unwrap().fill(&values).unwrap(), filled, "{text:?}");
        }
        for wrong in ["{{ a", "{{ A }}", "{{ a b }}", "{{ }}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_follow_spin() {
        for good in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            check_name(good).unwrap();
        }
        for bad in ["", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
