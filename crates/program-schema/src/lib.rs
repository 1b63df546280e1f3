//! The JSON Schema (draft 2020-12) of the program document.
//!
//! The parser in `components/rules/src/document` is the truth, and the types here mirror it, one file a block. The tests
//! hold the two together: whatever the parser accepts the schema accepts, and fields that one refuses the other refuses.
//! What a schema can't say (ids are unique, tiers ascend and exist, a rule can fire at all) only the parser checks.
//!
//! The types are never filled: they exist for their names, their sentences and their bounds.

pub mod amounts;
pub mod conditions;
pub mod discounts;
pub mod earning;
pub mod events;
pub mod heading;
pub mod lifetime;
#[path = "../../../components/rules/src/limits.rs"]
pub mod limits;
pub mod messages;
pub mod redemption;
pub mod referral;
pub mod schedule;
pub mod tiers;
pub mod words;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

/// Where the schema is kept, from the root of the repository: the component that serves it includes this file.
pub const FILE: &str = "components/registration/program.schema.json";

/// The schema as the file has it.
#[must_use]
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    format!("{text}\n")
}

/// The schema of the whole document.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(NeverNull).with_transform(Plain);
    settings.into_generator().into_root_schema_for::<heading::Program>().to_value()
}

/// Descriptions are one line, and no format names a type of Rust: validators that know only standard ones would complain.
#[derive(Clone, Debug)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(fields) = schema.as_object_mut() else { return };
        if fields.get("format").is_some_and(|format| format != "date") {
            fields.remove("format");
        }
        if let Some(Value::String(description)) = fields.get_mut("description") {
            *description = description.replace('\n', " ");
        }
    }
}

/// A field that is not used is left out, never null: `Option` says the first here, not the second.
#[derive(Clone, Debug)]
struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(fields) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = fields.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                fields.insert("type".to_owned(), only);
            }
        }
        let Some(Value::Array(choices)) = fields.get_mut("anyOf") else { return };
        choices.retain(|choice| choice["type"] != "null");
        if choices.len() == 1
            && let Some(Value::Object(only)) = choices.pop()
        {
            fields.remove("anyOf");
            for (name, value) in only {
                fields.entry(name).or_insert(value);
            }
        }
    }
}
