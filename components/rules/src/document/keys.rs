//! Keys that stand twice in one object. JSON allows them and readers keep the last, so that a rate which somebody sees
//! in the document might not be the one that counts.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::reader::{Findings, pointer_to};
use crate::limits::MAX_ID;

/// Notes each key that stands in its object again. The text is JSON.
pub fn check(document: &str, findings: &mut Findings) {
    let mut json = serde_json::Deserializer::from_str(document);
    // what is no JSON was refused before: nothing is left to say of it
    let _ = Keys { path: &mut Vec::new(), findings }.deserialize(&mut json);
}

/// Walks a value; nothing of it is kept.
struct Keys<'k> {
    /// The steps to the value.
    path: &'k mut Vec<String>,
    findings: &'k mut Findings,
}

impl Keys<'_> {
    /// The same for what lies a step below.
    fn below(&mut self, step: String) -> Keys<'_> {
        self.path.push(step);
        Keys { path: &mut *self.path, findings: &mut *self.findings }
    }
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            // no field has such a name: it is refused as unknown, and what it holds does not matter
            if name.len() > MAX_ID {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            fields.next_value_seed(self.below(name.clone()))?;
            if seen.contains(&name) {
                let pointer = self.path.iter().fold(String::new(), |object, field| pointer_to(&object, field));
                let detail = format!("\"{name}\" stands here twice, and only one can count; leave one of them out");
                self.findings.note(&pointer, "duplicate_key", detail);
            }
            self.path.pop();
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut index: usize = 0;
        while entries.next_element_seed(self.below(index.to_string()))?.is_some() {
            self.path.pop();
            index = index.saturating_add(1);
        }
        self.path.pop();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
