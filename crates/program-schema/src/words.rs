//! Texts of the document: ids, words, days and times.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::limits::{MAX_DESCRIPTION, MAX_ID, MAX_TEMPLATE, MAX_TEXT};

/// Declares a text: a type that has nothing but its schema.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $schema:tt;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

/// Something else than blanks. The parser knows more kinds of blanks than a pattern can name for all validators.
const NOT_BLANK: &str = r"[^ \t\n\r]";

words! {
    /// A name or a listed word.
    Text = {
        "description": "A text that is not blank.",
        "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": NOT_BLANK
    };

    /// A note of the author.
    Description = {
        "description": "A note for whoever edits the document. Nothing is computed from it.",
        "type": "string", "minLength": 1, "maxLength": MAX_DESCRIPTION, "pattern": NOT_BLANK
    };

    /// Words with values and filters.
    TemplateText = {
        "description": "A template: Jinja's values, filters and `if`.",
        "type": "string", "minLength": 1, "maxLength": MAX_TEMPLATE, "pattern": NOT_BLANK,
        "examples": ["{{ points | number }} {{ points | plural('point', 'points') }} until {{ expires_at | last_day }}"]
    };

    /// An id: it goes into each entry of the ledger.
    Id = {
        "description": "Letters a to z, digits, - and _. Unique among all rules and welcomes of the document, or among its tiers.",
        "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{MAX_ID}}}$"), "examples": ["big-order"]
    };

    /// Something that is known of a person.
    PersonField = {
        "description": "A field of a member, or an attribute: `attributes.` and its name.",
        "type": "string", "maxLength": MAX_TEXT,
        "pattern": r"^(external_id|phone|email|card|telegram|first_name|last_name|birthday|dates|attributes\..*[^ \t\n\r].*)$",
        "examples": ["birthday", "attributes.shoe_size"]
    };

    /// ISO 4217.
    Currency = {
        "description": "ISO 4217. Stays as it is once orders or points are recorded.",
        "type": "string", "pattern": "^[A-Z]{3}$", "examples": ["RUB"]
    };

    /// A zone of the IANA database.
    TimeZone = {
        "description": "IANA name in its official spelling. The days of this zone count.",
        "type": "string", "minLength": 1, "examples": ["Europe/Moscow"]
    };

    /// A day.
    Day = {
        "description": "A day of the program's zone: year, month, day.",
        "type": "string", "format": "date", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        "examples": ["2026-03-08"]
    };

    /// A day that every year has.
    DayOfYear = {
        "description": "A day that every year has, month first. Instead of 29 February take 02-28 or 03-01.",
        "type": "string",
        "pattern": "^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$",
        "examples": ["05-01"]
    };

    /// From when.
    TimeOfDay = {
        "description": "Hours and minutes of the program's zone.",
        "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["18:30"]
    };

    /// Until when.
    EndOfHours = {
        "description": "Hours and minutes of the program's zone; 24:00 is the end of the day.",
        "type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "examples": ["24:00"]
    };
}
