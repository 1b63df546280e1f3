//! A wrong document is refused with a pointer, a code and help; all problems at once.

use serde_json::{Value, json};

use super::Document;
use crate::engine::Finding;
use crate::presets::preset;

fn gw_tools() -> Value {
    serde_json::from_str(preset("gw-tools").unwrap()).unwrap()
}

fn findings(document: &Value) -> Vec<Finding> {
    Document::parse(&document.to_string()).err().unwrap_or_default()
}

/// Sets one place of gw-tools and expects exactly this finding.
#[track_caller]
fn check(place: &str, value: Value, pointer: &str, code: &str) {
    let mut document = gw_tools();
    set(&mut document, place, value);
    let found: Vec<_> = findings(&document).into_iter().map(|finding| (finding.pointer, finding.code)).collect();
    assert_eq!(found, [(pointer.to_owned(), code.to_owned())]);
}

/// Sets one place of gw-tools and expects no finding.
#[track_caller]
fn accepts(place: &str, value: Value) {
    let mut document = gw_tools();
    set(&mut document, place, value);
    assert_eq!(findings(&document), []);
}

fn set(document: &mut Value, place: &str, value: Value) {
    let (parent, field) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        Value::Array(entries) if field == "-" => entries.push(value),
        Value::Array(entries) => entries[field.parse::<usize>().unwrap()] = value,
        _ => panic!("{parent} has no fields"),
    }
}

#[test]
fn unknown_fields_are_named_wherever_they_stand() {
    for place in [
        "/extra",
        "/points/extra",
        "/enrolment/extra",
        "/enrolment/welcome/extra",
        "/enrolment/welcome/expiry/months",
        "/earning/0/extra",
        "/earning/0/points",
        "/redemption/extra",
        "/returns/extra",
    ] {
        check(place, json!(1), place, "unknown_field");
    }
    check("/a~b", json!(1), "/a~0b", "unknown_field");
    let mut document = gw_tools();
    document.as_object_mut().unwrap().insert("a/b".to_owned(), json!(1));
    assert_eq!(findings(&document)[0].pointer, "/a~1b");
}

#[test]
fn the_heading() {
    check("/name", json!(""), "/name", "empty");
    check("/name", json!("x".repeat(201)), "/name", "too_long");
    check("/name", json!(7), "/name", "wrong_type");
    check("/currency", json!("rub"), "/currency", "invalid_currency");
    check("/currency", json!("RUBL"), "/currency", "invalid_currency");
    check("/time_zone", json!("Moscow"), "/time_zone", "unknown_time_zone");
    check("/points/scale", json!(5), "/points/scale", "out_of_range");
    check("/points/scale", json!("2"), "/points/scale", "wrong_type");
    check("/points/scale", json!(2.0), "/points/scale", "wrong_type");
    check("/points/conversion_rate", json!("0"), "/points/conversion_rate", "out_of_range");
    check("/points/conversion_rate", json!("0.001"), "/points/conversion_rate", "too_precise");
    check("/points/conversion_rate", json!(1.5), "/points/conversion_rate", "float");
    check("/returns/clawback", json!("forgive"), "/returns/clawback", "unknown_policy");
    accepts("/returns/clawback", json!("pending_only"));
    check("/returns/returned_grace", json!({"type": "never"}), "/returns/returned_grace", "never_expires");
    check("/returns/returned_grace", json!({"type": "days", "days": 0}), "/returns/returned_grace/days", "out_of_range");
    accepts("/returns/returned_grace", json!({"type": "days", "days": 14}));
    accepts("/points/conversion_rate", json!(1));
    for days in [json!(0), json!(366), json!(-1)] {
        check("/annulment", json!({"notice_days": days}), "/annulment/notice_days", "out_of_range");
    }
    check("/annulment", json!({"notice_days": "30"}), "/annulment/notice_days", "wrong_type");
    check("/annulment", json!({}), "/annulment/notice_days", "missing_field");
    check("/annulment", json!({"notice_days": 30, "days": 3}), "/annulment/days", "unknown_field");
    check("/annulment", json!(30), "/annulment", "wrong_type");
    for days in [1, 365] {
        accepts("/annulment", json!({"notice_days": days}));
    }
}

#[test]
fn everything_missing_is_named_at_once() {
    let found: Vec<_> = findings(&json!({})).into_iter().map(|finding| (finding.pointer, finding.code)).collect();
    let expected = ["/name", "/currency", "/time_zone", "/points"];
    assert_eq!(found, expected.map(|pointer| (pointer.to_owned(), "missing_field".to_owned())));
}

#[test]
fn all_problems_are_reported_at_once() {
    let mut document = gw_tools();
    set(&mut document, "/currency", json!("roubles"));
    set(&mut document, "/earning/0/rate", json!("101"));
    set(&mut document, "/earning/0/expiry/type", json!("weeks"));
    set(&mut document, "/redemption/max_share", json!("-1"));
    set(&mut document, "/redemption/max_shares", json!("1"));
    let found: Vec<_> = findings(&document).into_iter().map(|finding| finding.pointer).collect();
    assert_eq!(
        found,
        ["/currency", "/earning/0/expiry/type", "/earning/0/rate", "/redemption/max_share", "/redemption/max_shares"]
    );
}

#[test]
fn ids_are_used_once() {
    let again = json!({"id": "purchase", "type": "percent", "rate": "1"});
    check("/earning/-", again, "/earning/1/id", "duplicate_id");
    let welcome = json!({"id": "welcome", "type": "fixed", "points": "1"});
    check("/earning/-", welcome, "/earning/1/id", "duplicate_id");
    check("/earning/0/id", json!("with blank"), "/earning/0/id", "invalid_id");
}

#[test]
fn tiers() {
    let tier = |id: &str, threshold: &str| json!({"id": id, "name": id, "threshold": threshold});
    accepts("/tiers", json!([tier("a", "1500"), tier("b", "1500.01")]));
    accepts("/tiers", json!([]));
    check("/tiers", json!([tier("a", "0"), tier("a", "1")]), "/tiers/1/id", "duplicate_id");
    check("/tiers", json!([tier("a", "5"), tier("b", "5")]), "/tiers/1/threshold", "not_ascending");
    check("/tiers", json!([tier("a", "-1")]), "/tiers/0/threshold", "out_of_range");
    let promo_alone = json!([{"id": "a", "name": "A", "threshold": "0", "rate_promo": "3"}]);
    check("/tiers", promo_alone, "/tiers/0/rate", "missing_field");
    check("/tiers", json!({}), "/tiers/steps", "missing_field");
    check("/tiers", json!("gold"), "/tiers", "wrong_type");
}

#[test]
fn rules() {
    check("/earning/0/type", json!("cashback"), "/earning/0/type", "unknown_type");
    check("/earning/0/rate", json!("5.00001"), "/earning/0/rate", "too_precise");
    check("/earning/0/rate", json!("5%"), "/earning/0/rate", "malformed_amount");
    check("/earning/0/rate_promo", json!("100.5"), "/earning/0/rate_promo", "out_of_range");
    check("/earning/0/stop", json!("yes"), "/earning/0/stop", "wrong_type");
    check("/earning/0/stop", json!(null), "/earning/0/stop", "wrong_type");
    check("/earning/0/priority", json!(1.5), "/earning/0/priority", "wrong_type");
    let fixed = |points: &str| json!({"id": "gift", "type": "fixed", "points": points});
    accepts("/earning/-", fixed("100"));
    check("/earning/-", fixed("0.001"), "/earning/1/points", "too_precise");
    check("/earning/-", fixed("0"), "/earning/1/points", "out_of_range");
    check("/earning/-", fixed("99999999999"), "/earning/1/points", "out_of_range");
    check("/earning/-", json!({"id": "gift", "type": "fixed"}), "/earning/1/points", "missing_field");
    check("/earning/-", json!("gift"), "/earning/1", "wrong_type");
    let many: Vec<_> = (0..201).map(|number| json!({"id": format!("r{number}"), "type": "percent", "rate": 1})).collect();
    check("/earning", json!(many), "/earning", "too_many");
}

#[test]
fn a_rule_without_a_rate_needs_it_in_each_tier() {
    check("/earning/-", json!({"id": "tier", "type": "percent"}), "/earning/1/rate", "missing_rate");
    let mut document = gw_tools();
    let tiers = json!([
        {"id": "a", "name": "A", "threshold": "0", "rate": "1"},
        {"id": "b", "name": "B", "threshold": "1"}
    ]);
    set(&mut document, "/tiers", tiers);
    set(&mut document, "/earning/-", json!({"id": "tier", "type": "percent"}));
    assert_eq!((findings(&document)[0].pointer.as_str(), findings(&document).len()), ("/earning/1/rate", 1));
    set(&mut document, "/earning/1/when", json!({"tiers": ["a"]}));
    assert_eq!(findings(&document), []);
}

#[test]
fn conditions() {
    let when = "/earning/0/when";
    accepts(when, json!({}));
    accepts(when, json!({"order_total": {"min": "1", "below": "1.01"}, "first_order": false, "stores": ["a"]}));
    check(when, json!({"order_total": {"min": "5", "below": "5"}}), "/earning/0/when/order_total/min", "unreachable");
    check(when, json!({"order_total": {}}), "/earning/0/when/order_total", "empty");
    check(when, json!({"order_total": {"max": "5"}}), "/earning/0/when/order_total/max", "unknown_field");
    check(when, json!({"channels": []}), "/earning/0/when/channels", "empty");
    check(when, json!({"channels": ["site", ""]}), "/earning/0/when/channels/1", "empty");
    check(when, json!({"channels": "site"}), "/earning/0/when/channels", "wrong_type");
    check(when, json!({"tiers": ["gold"]}), "/earning/0/when/tiers/0", "unknown_tier");
    check(when, json!({"products": {}}), "/earning/0/when/products", "empty");
    check(when, json!({"products": {"skus": [1]}}), "/earning/0/when/products/skus/0", "wrong_type");
    check(when, json!({"products": {"promo": 1}}), "/earning/0/when/products/promo", "wrong_type");
    check(when, json!({"weekday": ["mon"]}), "/earning/0/when/weekday", "unknown_field");
}

#[test]
fn lives() {
    let expiry = "/earning/0/expiry";
    check(expiry, json!({"type": "days", "days": 0}), "/earning/0/expiry/days", "out_of_range");
    check(expiry, json!({"type": "months"}), "/earning/0/expiry/months", "missing_field");
    check(expiry, json!({"type": "calendar", "dates": []}), "/earning/0/expiry/dates", "empty");
    check(expiry, json!({"type": "calendar", "dates": ["02-29"]}), "/earning/0/expiry/dates/0", "invalid_date");
    check(expiry, json!({"days": 3}), "/earning/0/expiry/type", "missing_field");
    let later = json!({"type": "days", "days": 100});
    check("/earning/0/activation", later, "/earning/0/expiry", "expires_before_activation");
    accepts("/earning/0/activation", json!({"type": "days", "days": 89}));
}

#[test]
fn paying() {
    check("/redemption", json!({}), "/redemption/max_share", "missing_field");
    check("/redemption/max_share", json!("100.01"), "/redemption/max_share", "out_of_range");
    check("/redemption/hold_minutes", json!(0), "/redemption/hold_minutes", "out_of_range");
    check("/redemption/hold_minutes", json!(10_081), "/redemption/hold_minutes", "out_of_range");
    check("/redemption/increment", json!("0.001"), "/redemption/increment", "too_precise");
    check("/redemption/min_points", json!("0"), "/redemption/min_points", "out_of_range");
    check("/redemption/exclude", json!({}), "/redemption/exclude", "empty");
    check("/redemption/channels", json!([]), "/redemption/channels", "empty");
    accepts("/redemption/confirmation_above", json!("0"));
    accepts("/redemption/exclude", json!({"promo": true, "categories": ["gift cards"]}));
}

#[test]
fn what_is_no_document_at_all() {
    for (text, code) in [("", "invalid_json"), ("{", "invalid_json"), ("[]", "wrong_type"), ("null", "wrong_type")] {
        let found = Document::parse(text).unwrap_err();
        assert_eq!((found[0].pointer.as_str(), found[0].code.as_str(), found.len()), ("", code, 1), "{text}");
    }
    assert_eq!(Document::parse(&"[".repeat(100_000)).unwrap_err()[0].code, "invalid_json");
    assert_eq!(Document::parse(&" ".repeat(1_048_577)).unwrap_err()[0].code, "too_large");
}

#[test]
fn the_list_of_findings_is_bounded() {
    let fields = (0..2_000).map(|number| (format!("f{number}"), json!(1)));
    assert_eq!(findings(&Value::Object(fields.collect())).len(), crate::limits::MAX_FINDINGS);
}
