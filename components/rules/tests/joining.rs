//! What a program asks of new members: a code, and the acceptance of its rules.

mod common;

use common::{findings_of, program_with};
use rules::engine::Confirmation;
use serde_json::{Value, json};

fn enrolment(fields: Value) -> Value {
    json!({"enrolment": fields})
}

fn welcome() -> Value {
    json!({"id": "welcome", "points": "500"})
}

#[test]
fn a_program_says_whether_new_members_are_asked_for_a_code_and_when_the_welcome_comes() {
    let asked = |fields: Value| program_with(enrolment(fields)).settings().confirmation;
    assert_eq!(asked(json!({"welcome": welcome()})), Confirmation::None);
    let both = |when: &str| json!({"welcome": welcome(), "confirmation": {"welcome": when}});
    assert_eq!(asked(both("at_once")), Confirmation::WelcomeAtOnce);
    assert_eq!(asked(both("after")), Confirmation::WelcomeAfter);
    assert_eq!(asked(json!({"confirmation": {"welcome": "at_once"}})), Confirmation::WelcomeAtOnce);
}

#[test]
fn a_program_names_the_rules_that_must_be_accepted_before_spending() {
    let named = |fields: Value| program_with(enrolment(fields)).settings().rules_version.clone();
    assert_eq!(named(json!({})), None);
    assert_eq!(named(json!({"accepted_rules": {"version": "2026-02", "before": "spending"}})).as_deref(), Some("2026-02"));
}

#[test]
fn a_program_names_what_makes_a_profile_a_filled_one() {
    let rule = json!({"id": "filled", "type": "profile_filled", "points": "50"});
    let with = |fields: Value| json!({"enrolment": {"profile_filled": {"fields": fields}}, "events": [rule.clone()]});
    let program = program_with(with(json!(["birthday", "attributes.size"])));
    assert_eq!(program.settings().profile_fields, ["attributes.size", "birthday"]);
    let at = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    let fields = "/enrolment/profile_filled/fields";
    assert_eq!(findings_of(with(json!([]))), at(fields, "empty"));
    assert_eq!(findings_of(with(json!(["height"]))), at(fields, "unknown_word"));
    assert_eq!(findings_of(with(json!(["attributes. "]))), at(fields, "unknown_word"));
    let nothing = enrolment(json!({"profile_filled": {"fields": ["birthday"]}}));
    assert_eq!(findings_of(nothing), at("/enrolment/profile_filled", "no_rule"));
}

#[test]
fn what_asks_for_nothing_or_comes_with_nothing_is_refused() {
    let at = |pointer: &str, code: &str| vec![(format!("/enrolment{pointer}"), code.to_owned())];
    let found = |fields: Value| findings_of(enrolment(fields));
    assert_eq!(found(json!({"confirmation": {}})), at("/confirmation/welcome", "missing_field"));
    assert_eq!(found(json!({"confirmation": {"welcome": "never"}})), at("/confirmation/welcome", "unknown_word"));
    assert_eq!(found(json!({"confirmation": {"welcome": "after"}})), at("/confirmation/welcome", "no_welcome"));
    assert_eq!(found(json!({"accepted_rules": {"version": "1"}})), at("/accepted_rules/before", "missing_field"));
    assert_eq!(found(json!({"accepted_rules": {"version": " ", "before": "spending"}})), at("/accepted_rules/version", "empty"));
}
