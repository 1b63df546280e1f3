//! Programs that nobody can have meant: each is refused where it is wrong, with what would be right.

mod common;

use common::{document_with, findings_of, moment, program_with};
use rules::Program;
use rules::presets::{PRESETS, preset};
use serde_json::{Value, json};

/// Exactly this is wrong.
#[track_caller]
fn refused(blocks: Value, pointer: &str, code: &str) {
    assert_eq!(findings_of(blocks), [(pointer.to_owned(), code.to_owned())]);
}

#[track_caller]
fn accepted(blocks: Value) {
    assert_eq!(findings_of(blocks), []);
}

fn earning(fields: Value) -> Value {
    let mut rule = json!({"id": "a", "type": "fixed", "points": "10"});
    for (name, value) in fields.as_object().expect("fields") {
        rule[name] = value.clone();
    }
    json!({"earning": [rule]})
}

#[test]
fn a_price_names_the_goods_that_are_sold_for_it() {
    let price = |when: Value| json!({"discounts": [{"id": "a", "type": "price", "price": "99", "when": when}]});
    refused(json!({"discounts": [{"id": "a", "type": "price", "price": "99"}]}), "/discounts/0/when", "no_goods");
    refused(price(json!({"segments": ["press"]})), "/discounts/0/when/products", "no_goods");
    refused(price(json!({"products": {"promo": true}})), "/discounts/0/when/products", "no_goods");
    accepted(price(json!({"products": {"categories": ["toys"]}})));
}

#[test]
fn what_a_tier_says_some_rule_gives() {
    let step = json!({"id": "gold", "name": "Gold", "threshold": "0", "discount": "5"});
    let rule = |tiers: &str| json!([{"id": "level", "type": "tier", "when": {"tiers": [tiers]}}]);
    refused(json!({"tiers": [step]}), "/tiers/0/discount", "unused");
    refused(json!({"tiers": {"steps": [step]}}), "/tiers/steps/0/discount", "unused");
    accepted(json!({"tiers": [step], "discounts": rule("gold")}));
    let other = json!({"id": "vip", "name": "VIP", "threshold": "1", "discount": "7"});
    refused(json!({"tiers": [step, other], "discounts": rule("vip")}), "/tiers/0/discount", "unused");
    let rate = json!([{"id": "gold", "name": "Gold", "threshold": "0", "rate": "5"}]);
    refused(json!({"tiers": rate, "earning": [{"id": "a", "type": "percent", "rate": "1"}]}), "/tiers/0/rate", "unused");
    accepted(json!({"tiers": rate, "earning": [{"id": "a", "type": "percent"}]}));
    let findings = Program::parse(&document_with(json!({"tiers": [step]})).to_string()).unwrap_err();
    assert!(findings[0].detail.contains(r#"{"id": "level", "type": "tier"}"#), "{findings:?}");
}

#[test]
fn a_first_order_is_no_second_and_no_fifth() {
    let orders = |orders: Value| earning(json!({"when": {"first_order": true, "orders": orders}}));
    refused(orders(json!({"min": 2})), "/earning/0/when/orders/min", "unreachable");
    refused(orders(json!({"every": 5})), "/earning/0/when/orders/every", "unreachable");
    refused(orders(json!({"every": 5, "within_days": 30})), "/earning/0/when/orders/every", "unreachable");
    accepted(orders(json!({"min": 1})));
    accepted(earning(json!({"when": {"first_order": false, "orders": {"min": 2}}})));
}

#[test]
fn a_rate_of_nothing_is_no_rule() {
    let rates = |rates: Value| json!({"earning": [rates]});
    refused(rates(json!({"id": "a", "type": "percent", "rate": "0"})), "/earning/0/rate", "out_of_range");
    refused(rates(json!({"id": "a", "type": "percent", "rate": 0, "rate_promo": "0.0"})), "/earning/0/rate", "out_of_range");
    accepted(rates(json!({"id": "a", "type": "percent", "rate": "0", "rate_promo": "3"})));
    accepted(rates(json!({"id": "a", "type": "percent", "rate": "3", "rate_promo": "0"})));
}

#[test]
fn promo_goods_are_excluded_or_not_named() {
    let exclude = |exclude: Value| json!({"redemption": {"max_share": "50", "exclude": exclude}});
    refused(exclude(json!({"promo": false})), "/redemption/exclude/promo", "no_effect");
    refused(exclude(json!({"promo": false, "skus": ["card"]})), "/redemption/exclude/promo", "no_effect");
    accepted(exclude(json!({"promo": true})));
    accepted(earning(json!({"when": {"products": {"promo": false}}})));
}

#[test]
fn an_event_has_no_limit_of_orders() {
    let event = |limits: Value| json!({"events": [{"id": "a", "type": "review", "points": "50", "limits": limits}]});
    refused(event(json!({"per_order": "10"})), "/events/0/limits/per_order", "not_of_events");
    accepted(event(json!({"per_day": "100"})));
    accepted(earning(json!({"limits": {"per_order": "10"}})));
}

#[test]
fn a_key_stands_once_in_its_object() {
    let found = |text: &str| -> Vec<_> {
        Program::parse(text).unwrap_err().into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    };
    let gw_tools = preset("gw-tools").unwrap();
    let twice = gw_tools.replace(r#""rate": "5""#, r#""rate": "5", "rate": "50""#);
    assert_eq!(found(&twice), [("/earning/0/rate".to_owned(), "duplicate_key".to_owned())]);
    let twice = gw_tools.replacen('{', r#"{"name": "first","#, 1);
    assert_eq!(found(&twice), [("/name".to_owned(), "duplicate_key".to_owned())]);
    // the same key, written otherwise
    let escaped = gw_tools.replace(r#""rate": "5""#, r#""rate": "5", "\u0072ate": "5""#);
    assert_eq!(found(&escaped), [("/earning/0/rate".to_owned(), "duplicate_key".to_owned())]);
}

#[test]
fn every_block_may_carry_a_description_and_nothing_else_that_is_unknown() {
    let blocks = json!({
        "description": "d",
        "points": {
            "name": "points", "scale": 2, "conversion_rate": "1", "description": "d",
            "rounding": {"mode": "up", "description": "d"}
        },
        "earning_basis": {"of": "items", "description": "d"},
        "returns": {"clawback": "allow_negative", "description": "d"},
        "enrolment": {"description": "d", "welcome": {"id": "w", "points": "5", "description": "d"}},
        "tiers": {"description": "d", "steps": [{
            "id": "gold", "name": "Gold", "threshold": "0", "description": "d",
            "perks": [{"id": "courier", "name": "Courier", "description": "d"}]
        }]},
        "earning": [{
            "id": "a", "type": "fixed", "points": "1", "description": "d",
            "when": {"description": "d", "order_total": {"min": "1", "description": "d"}},
            "limits": {"per_order": "10", "description": "d"}, "expiry": {"type": "never", "description": "d"}
        }],
        "perks": [{"id": "p", "name": "P", "description": "d"}],
        "margin_guard": {"floor": "10", "covers": ["discounts"], "description": "d"},
        "redemption": {"max_share": "50", "description": "d", "exclude": {"promo": true, "description": "d"}}
    });
    accepted(blocks.clone());
    let mut wrong = blocks;
    wrong["redemption"]["description"] = json!(7);
    refused(wrong, "/redemption/description", "wrong_type");
    let only_described = json!({"redemption": {"max_share": "50", "exclude": {"description": "nothing"}}});
    refused(only_described, "/redemption/exclude", "empty");
}

#[test]
fn a_campaign_that_is_over_is_named_and_still_read() {
    let dates = |to: &str| json!({"dates": {"from": "2026-01-01", "to": to}});
    let program = program_with(json!({
        "earning": [
            {"id": "a", "type": "fixed", "points": "1"},
            {"id": "b", "type": "fixed", "points": "1", "when": dates("2026-01-31"), "priority": 5}
        ],
        "discounts": [{"id": "c", "type": "percent", "rate": "5", "when": dates("2026-02-28")}],
        "perks": [{"id": "d", "name": "D", "when": dates("2026-03-31")}],
        "events": [{"id": "e", "type": "visit", "points": "1", "when": dates("2026-04-30")}]
    }));
    let ended = |at: &str| -> Vec<_> { program.ended(moment(at)).into_iter().map(|finding| finding.pointer).collect() };
    assert_eq!(ended("2026-01-31T20:59:59Z"), [""; 0], "the last day is not over in Moscow");
    assert_eq!(ended("2026-01-31T21:00:00Z"), ["/earning/1/when/dates/to"]);
    let all = ["/discounts/0", "/earning/1", "/perks/0", "/events/0"].map(|rule| format!("{rule}/when/dates/to"));
    assert_eq!(ended("2027-01-01T00:00:00Z"), all);
    let said = &program.ended(moment("2026-02-01T00:00:00Z"))[0];
    assert_eq!(said.code, "ended");
    assert!(said.detail.contains("2026-01-31"), "{said:?}");
}

#[test]
fn a_preset_can_be_published_at_any_time() {
    for (name, document) in PRESETS {
        let program = Program::parse(document).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        assert_eq!(program.ended(moment("2999-01-01T00:00:00Z")), [], "{name}");
    }
}
