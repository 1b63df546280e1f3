//! What the requirements name and no other file tries: `docs/capabilities.md` names a test for each capability.

mod common;

use common::{NOON, document_with, judge_for, labelled, line, member, moment, order, pay, program_with, promo, said};
use rules::Program;
use rules::engine::{ClawbackPolicy, Event, Line, Payment};
use serde_json::{Value, json};

#[test]
fn a_rule_has_a_rate_of_its_own_for_promo_goods() {
    let cart = || order(vec![line("1", 10_000), promo("2", 10_000)]);
    let earned = |rates: Value| {
        let mut rule = json!({"id": "a", "type": "percent"});
        for (name, rate) in rates.as_object().unwrap() {
            rule[name] = rate.clone();
        }
        judge_for(&program_with(json!({"earning": [rule]})), &member(0), &cart()).earned
    };
    assert_eq!(earned(json!({"rate": "10", "rate_promo": "3"})), 1_300);
    assert_eq!(earned(json!({"rate": "10", "rate_promo": "0"})), 1_000);
    assert_eq!(earned(json!({"rate": "10"})), 2_000, "promo goods earn as the others do");
}

#[test]
fn whatever_a_shop_calls_an_event_gives_its_points() {
    let names = ["profile_filled", "consent_to_mailings", "review", "survey", "visit", "game"];
    let rule = |name: &&str| json!({"id": format!("for-{name}"), "type": name, "points": name.len()});
    let program = program_with(json!({"events": names.iter().map(rule).collect::<Vec<_>>()}));
    for name in names {
        let event = Event { type_name: name.to_owned(), occurred_at: NOON, channel: None, points: None };
        let given = program.judge_event(&member(0), &event).unwrap();
        let [grant] = given.grants.as_slice() else { panic!("one grant for {name}") };
        assert_eq!((grant.rule_id.clone(), grant.points), (format!("for-{name}"), name.len() as i64 * 100));
    }
}

#[test]
fn a_promo_of_a_few_hours_multiplies_what_is_earned_in_them() {
    let program = program_with(json!({"earning": [
        {"id": "base", "type": "percent", "rate": "5"},
        {"id": "happy-hours", "type": "multiplier", "factor": "2", "priority": -1,
         "when": {"weekdays": ["friday"], "hours": {"from": "16:00", "to": "20:00"}}}
    ]}));
    for (at, earned) in [
        ("2026-03-06T15:59:59+03:00", 500),
        ("2026-03-06T16:00:00+03:00", 1_000),
        ("2026-03-06T20:00:00+03:00", 500),
        ("2026-03-05T17:00:00+03:00", 500),
    ] {
        let bought = rules::engine::Order { occurred_at: moment(at), ..order(vec![line("1", 10_000)]) };
        assert_eq!(judge_for(&program, &member(0), &bought).earned, earned, "{at}");
    }
}

#[test]
fn a_tier_discount_is_that_of_the_tier_held_before_the_order() {
    let program = program_with(json!({
        "tiers": [
            {"id": "base", "name": "Base", "threshold": "0"},
            {"id": "silver", "name": "Silver", "threshold": "100", "discount": "5"},
            {"id": "gold", "name": "Gold", "threshold": "500", "discount": "10"}
        ],
        "discounts": [{"id": "a", "type": "tier"}]
    }));
    for (spend, off) in [(0, 0), (9_999, 0), (10_000, 5_000), (49_999, 5_000), (50_000, 10_000)] {
        let judgement = judge_for(&program, &member(spend), &order(vec![line("1", 100_000)]));
        assert_eq!((judgement.discount, judgement.payable), (off, 100_000 - off), "{spend}");
    }
}

#[test]
fn goods_of_excluded_categories_brands_and_labels_are_not_paid_with_points() {
    let cards = |id| Line { category: Some("gift cards".to_owned()), ..line(id, 10_000) };
    let bricks = |id| Line { brand: Some("lego".to_owned()), ..line(id, 10_000) };
    let cart = || vec![line("1", 10_000), cards("2"), bricks("3"), labelled("4", 10_000, "last-chance")];
    for (exclude, points) in [
        (json!({"categories": ["gift cards"]}), 30_000),
        (json!({"brands": ["lego"]}), 30_000),
        (json!({"labels": ["last-chance"]}), 30_000),
        (json!({"categories": ["gift cards"], "brands": ["lego"], "labels": ["last-chance"]}), 10_000),
    ] {
        let program = program_with(json!({"redemption": {"max_share": "100", "exclude": exclude}}));
        assert_eq!(pay(&program, cart(), Payment::Maximum).unwrap().redemption.points, points, "{exclude}");
    }
}

#[test]
fn each_kind_of_expiry_ends_with_a_local_day() {
    // bought on 31 January at 22:30 UTC, which is 1 February in Moscow
    let bought = rules::engine::Order { occurred_at: moment("2026-01-31T22:30:00Z"), ..order(vec![line("1", 10_000)]) };
    for (expiry, end) in [
        (json!({"type": "never"}), None),
        (json!({"type": "days", "days": 30}), Some("2026-03-04T00:00:00+03:00")),
        (json!({"type": "months", "months": 1}), Some("2026-03-02T00:00:00+03:00")),
        (json!({"type": "end_of_month"}), Some("2026-03-01T00:00:00+03:00")),
        (json!({"type": "end_of_month", "months": 2}), Some("2026-05-01T00:00:00+03:00")),
        (json!({"type": "calendar", "dates": ["01-01", "05-01", "09-01"]}), Some("2026-05-01T00:00:00+03:00")),
        (json!({"type": "inactivity", "days": 30}), Some("2026-03-04T00:00:00+03:00")),
    ] {
        let program = program_with(json!({"earning": [{"id": "a", "type": "percent", "rate": "10", "expiry": expiry.clone()}]}));
        let judgement = judge_for(&program, &member(0), &bought);
        assert_eq!(judgement.grants[0].expires_at, end.map(moment), "{expiry}");
    }
}

#[test]
fn points_wait_as_many_local_days_as_the_rule_says() {
    let program = program_with(json!({"earning": [
        {"id": "now", "type": "fixed", "points": "1", "activation": {"type": "immediately"}},
        {"id": "later", "type": "fixed", "points": "1", "activation": {"type": "days", "days": 14}}
    ]}));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    let starts: Vec<_> = judgement.grants.iter().map(|grant| grant.activates_at).collect();
    assert_eq!(starts, [NOON, moment("2026-03-15T12:00:00+03:00")]);
}

#[test]
fn every_clawback_policy_is_told_to_the_books() {
    for (name, policy) in [
        ("clamp_to_zero", ClawbackPolicy::ClampToZero),
        ("allow_negative", ClawbackPolicy::AllowNegative),
        ("within_balance", ClawbackPolicy::WithinBalance),
        ("pending_only", ClawbackPolicy::PendingOnly),
    ] {
        assert_eq!(program_with(json!({"returns": {"clawback": name}})).settings().clawback, policy, "{name}");
    }
    assert_eq!(program_with(json!({})).settings().clawback, ClawbackPolicy::AllowNegative, "unless it says otherwise");
}

#[test]
fn a_judgement_names_the_line_that_the_guard_cut_and_the_rule() {
    let program = program_with(json!({
        "margin_guard": {"floor": "20"},
        "discounts": [{"id": "sale", "type": "percent", "rate": "50"}]
    }));
    let dear = Line { cost: Some(7_200), ..line("dear", 10_000) };
    let judgement = judge_for(&program, &member(0), &order(vec![line("cheap", 10_000), dear]));
    let cut: Vec<_> = judgement.lines.iter().filter(|line| !line.cuts.is_empty()).collect();
    let [line] = cut.as_slice() else { panic!("one line is cut: {judgement:?}") };
    assert_eq!((line.id.as_str(), line.cuts[0].rule_id.as_str(), line.cuts[0].money), ("dear", "sale", 4_000));
    assert_eq!(said(&judgement, "sale"), (true, "percent_discount", 0, 6_000));
    assert!(judgement.explanations[0].reason.contains("40.00 less"), "{}", judgement.explanations[0].reason);
}

#[test]
fn money_that_a_point_pays_is_declared() {
    let program = program_with(json!({
        "points": {"name": "madcoins", "scale": 0, "conversion_rate": "0.50"}, "redemption": {"max_share": "100"}
    }));
    let redemption = pay(&program, vec![line("1", 10_000)], Payment::Maximum).unwrap().redemption;
    assert_eq!((redemption.points, redemption.money), (200, 10_000));
}

#[test]
fn what_is_not_declared_is_not_given() {
    let program = Program::parse(&document_with(json!({})).to_string()).unwrap();
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    assert_eq!((judgement.earned, judgement.discount, judgement.explanations.len()), (0, 0, 0));
    assert!(program.judge_enrolment(NOON, "site").unwrap().grants.is_empty());
}
