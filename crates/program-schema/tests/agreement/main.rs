//! The schema and the parser agree: what the parser accepts the schema accepts, and what is wrong in a way that a schema can
//! say the schema refuses.

#[path = "../../../../components/rules/tests/properties/chance.rs"]
#[allow(dead_code)] // its orders and members are for the rules' own tests
mod chance;
#[path = "../../../../components/rules/tests/common/mod.rs"]
mod common;
mod documents;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chance::Chance;
use documents::documents;
use jsonschema::Validator;
use rules::Program;
use rules::presets::PRESETS;
use serde_json::{Value, json};

/// Findings of the parser that a schema can say, so that it must refuse the document too. The others depend on another
/// place of the document (a point's scale, ids, tiers, other rules) or on the calendar.
const SAID_BY_A_SCHEMA: [&str; 21] = [
    "unknown_field",
    "missing_field",
    "wrong_type",
    "float",
    "malformed_amount",
    "empty",
    "too_long",
    "too_many",
    "invalid_id",
    "invalid_currency",
    "invalid_time",
    "unknown_type",
    "unknown_policy",
    "unknown_word",
    "unknown_weekday",
    "two_rewards",
    "not_of_events",
    "never_expires",
    "not_of_registration",
    "two_offsets",
    "two_waits",
];

fn validator() -> Validator {
    jsonschema::draft202012::new(&program_schema::schema()).expect("a schema")
}

fn presets() -> impl Iterator<Item = Value> {
    PRESETS.into_iter().map(|(_, document)| serde_json::from_str(document).expect("JSON"))
}

/// Asks both. Answers whether the parser accepts the document.
fn check(validator: &Validator, document: &Value) -> bool {
    match Program::parse(&document.to_string()) {
        Ok(_) => {
            let errors: Vec<_> =
                validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert_eq!(errors, Vec::<String>::new(), "the parser accepts what the schema refuses: {document}");
            true
        }
        Err(findings) => {
            let sayable = findings.iter().find(|finding| SAID_BY_A_SCHEMA.contains(&finding.code.as_str()));
            if let Some(finding) = sayable {
                assert!(!validator.is_valid(document), "the schema accepts {finding:?} of {document}");
            }
            false
        }
    }
}

/// Calls `change` with a copy of the document and each place in it, deepest last.
fn at_each_place(document: &Value, mut change: impl FnMut(Value, &str)) {
    let mut open = vec![String::new()];
    while let Some(place) = open.pop() {
        change(document.clone(), &place);
        match document.pointer(&place).expect("a place") {
            Value::Object(fields) => open.extend(fields.keys().map(|name| format!("{place}/{name}"))),
            Value::Array(entries) => open.extend((0..entries.len()).map(|index| format!("{place}/{index}"))),
            _ => {}
        }
    }
}

#[test]
fn the_schema_is_a_schema() {
    let schema = program_schema::schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_preset_is_valid() {
    let validator = validator();
    assert!(presets().all(|document| check(&validator, &document)));
}

#[test]
fn every_field_of_the_schema_stands_in_a_valid_document() {
    let validator = validator();
    let mut used = BTreeSet::new();
    for document in documents() {
        if let Err(findings) = Program::parse(&document.to_string()) {
            panic!("{findings:?}");
        }
        check(&validator, &document);
        at_each_place(&document, |_, place| used.extend(place.rsplit_once('/').map(|(_, name)| name.to_owned())));
    }
    at_each_place(&program_schema::schema(), |schema, place| {
        if place.ends_with("/properties") && !place.contains("/not/") {
            for name in schema.pointer(place).and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys()) {
                assert!(used.contains(name), "{place}/{name} stands in no document of these tests");
            }
        }
    });
}

#[test]
fn unknown_fields_are_refused_by_both_at_every_level() {
    let validator = validator();
    let mut objects = 0;
    for document in documents().into_iter().chain(presets()) {
        at_each_place(&document, |mut changed, place| {
            let Some(Value::Object(fields)) = changed.pointer_mut(place) else { return };
            fields.insert("surplus".to_owned(), json!(1));
            objects += 1;
            assert!(!validator.is_valid(&changed), "the schema takes a surplus field at \"{place}\"");
            let findings = Program::parse(&changed.to_string()).err().unwrap_or_default();
            let named = findings.iter().any(|finding| finding.pointer == format!("{place}/surplus"));
            assert!(named, "the parser takes a surplus field at \"{place}\": {findings:?}");
        });
    }
    assert!(objects > 200, "{objects} objects");
}

#[test]
fn every_object_of_the_schema_closes_itself() {
    let schema = program_schema::schema();
    at_each_place(&schema, |_, place| {
        let value = schema.pointer(place).expect("a place");
        if value["type"] == "object" && value.is_object() {
            assert_eq!(value["additionalProperties"], json!(false), "{place}");
        }
    });
}

#[test]
fn a_missing_or_empty_field_is_the_same_to_both() {
    let validator = validator();
    for document in documents().into_iter().chain(presets()) {
        at_each_place(&document, |mut changed, place| {
            let Some((parent, field)) = place.rsplit_once('/') else { return };
            let Some(Value::Object(fields)) = changed.pointer_mut(parent) else { return };
            fields.insert(field.to_owned(), Value::Null);
            assert!(!check(&validator, &changed), "null at {place}");
            let Some(Value::Object(fields)) = changed.pointer_mut(parent) else { return };
            fields.remove(field);
            check(&validator, &changed);
        });
    }
}

#[test]
fn no_odd_value_in_any_field_sets_them_at_odds() {
    let validator = validator();
    let long = "x".repeat(201);
    let odd = [
        json!(true),
        json!(-1),
        json!(0),
        json!(1),
        json!(2.5),
        json!(100),
        json!(101),
        json!(1_000_001),
        json!(10_000_000_001_i64),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("0"),
        json!("-0"),
        json!("-0.0"),
        json!("-1"),
        json!("007"),
        json!("1."),
        json!(".5"),
        json!("+1"),
        json!("1e3"),
        json!("1,5"),
        json!("0.0001"),
        json!("0.00001"),
        json!("1.000000100"),
        json!("99.99990"),
        json!("100.0"),
        json!("100.0001"),
        json!("1000.000"),
        json!("10000000000.00"),
        json!("10000000000.01"),
        json!("1\n"),
        json!("٣"),
        json!("with blank"),
        json!("24:00"),
        json!("24:01"),
        json!("7:30"),
        json!("02-29"),
        json!("04-31"),
        json!("2026-02-29"),
        json!("2026-13-01"),
        json!("20260301T0"),
        json!("2026-W10-7"),
        json!("percent"),
        json!("never"),
        json!("none"),
        json!("spend"),
        json!("Pacific/Apia"),
        json!(long),
        json!([]),
        json!([""]),
        json!(["monday", "monday"]),
        json!(["discounts", "discounts", "discounts", "discounts"]),
        json!([{}]),
        json!({}),
        json!({"type": "days"}),
        json!({"type": "days", "days": 36_501}),
        json!({"type": "inactivity", "days": 1}),
        json!({"min": "1"}),
        json!({"below": "1", "min": 1}),
        json!({"promo": true}),
    ];
    let mut accepted = 0;
    for document in documents() {
        at_each_place(&document, |changed, place| {
            for value in &odd {
                let mut changed = changed.clone();
                *changed.pointer_mut(place).expect("a place") = value.clone();
                accepted += usize::from(check(&validator, &changed));
            }
        });
    }
    assert!(accepted > 500, "{accepted} changed documents are accepted");
}

/// As many random documents as `KOPILKA_SCHEMA_DOCUMENTS` says, or what 20 seconds allow.
#[test]
fn whatever_the_parser_accepts_the_schema_accepts() {
    let wanted = std::env::var("KOPILKA_SCHEMA_DOCUMENTS").map_or(20_000, |text| text.parse().expect("a number"));
    let (validator, begun) = (validator(), Instant::now());
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0_u64.. {
        if seed >= wanted || (begun.elapsed() > Duration::from_secs(20) && wanted <= 20_000) {
            break;
        }
        let mut chance = Chance(seed << 32);
        let (_, preset) = chance.pick(&PRESETS);
        let mut document: Value = serde_json::from_str(preset).expect("JSON");
        chance.extend(&mut document);
        for _ in 0..chance.pick(&[0, 0, 1, 1, 2, 3]) {
            chance.mutate(&mut document);
        }
        match check(&validator, &document) {
            true => accepted += 1,
            false => refused += 1,
        }
    }
    println!("{accepted} documents are accepted, {refused} refused");
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
}
