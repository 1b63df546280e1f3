//! Caps, cooldowns, multipliers and who fires beside whom: how much a rule gives in the end.

mod common;

use common::{DAY, NOON, findings_of, judge_for, line, member, order, program_with, promo, said};
use rules::Program;
use rules::engine::{Judgement, Member, Shortfall, UseOfRule};
use serde_json::{Value, json};

/// A program that earns 10 % within these limits.
fn limited(limits: Value) -> Program {
    program_with(json!({"earning": [{"id": "a", "type": "percent", "rate": "10", "limits": limits}]}))
}

fn used(points: i64, today: i64, of_all: i64) -> Member {
    let used = UseOfRule {
        rule_id: "a".to_owned(),
        times: 2,
        points,
        points_today: today,
        last_at: Some(NOON - DAY),
        points_of_all: of_all,
    };
    Member { uses: vec![used], ..member(0) }
}

/// 100.00 points without limits.
fn judge(program: &Program, member: &Member) -> Judgement {
    judge_for(program, member, &order(vec![line("1", 60_000), line("2", 40_000)]))
}

#[test]
fn the_least_of_all_caps_counts_and_is_shared_among_the_lines() {
    for (limits, member, code, points) in [
        (json!({"per_order": "70"}), used(0, 0, 0), "order_cap", 7_000),
        (json!({"per_day": "70"}), used(9_000, 3_000, 0), "day_cap", 4_000),
        (json!({"per_member": "150"}), used(9_000, 0, 0), "member_cap", 6_000),
        (json!({"budget": "1000"}), used(0, 0, 95_000), "budget", 5_000),
        (json!({"per_order": "90", "per_day": "100", "budget": "1000"}), used(0, 2_000, 92_500), "budget", 7_500),
    ] {
        let judgement = judge(&limited(limits.clone()), &member);
        assert_eq!(said(&judgement, "a"), (true, code, points, 0), "{limits}");
        let shares: Vec<_> = judgement.lines.iter().map(|line| line.shares[0].points).collect();
        assert_eq!(shares, [points * 6 / 10, points * 4 / 10], "{limits}");
    }
}

#[test]
fn an_exhausted_cap_gives_nothing_and_says_which() {
    for (limits, member, code) in [
        (json!({"per_day": "70"}), used(9_000, 7_000, 0), "day_cap"),
        (json!({"per_member": "150"}), used(15_000, 0, 0), "member_cap"),
        (json!({"budget": "1000"}), used(0, 0, 100_001), "budget"),
        (json!({"times_per_member": 2}), used(0, 0, 0), "times_reached"),
    ] {
        let program = limited(limits.clone());
        assert_eq!(said(&judge(&program, &member), "a"), (false, code, 0, 0), "{limits}");
        assert!(said(&judge(&program, &common::member(0)), "a").0, "somebody new is not held back: {limits}");
    }
}

#[test]
fn a_cooldown_tells_when_it_is_over() {
    let program = limited(json!({"cooldown_days": 2}));
    let judgement = judge(&program, &used(0, 0, 0));
    assert_eq!(said(&judgement, "a").1, "cooldown");
    assert_eq!(judgement.explanations[0].shortfall, Some(Shortfall::Time(NOON + DAY)));
    assert_eq!(judgement.explanations[0].reason, "again from 2026-03-02 12:00 on");
    assert!(said(&judge(&limited(json!({"cooldown_days": 1})), &used(0, 0, 0)), "a").0, "a day has passed");
}

#[test]
fn only_rules_that_look_back_are_asked_for() {
    let program = program_with(json!({"earning": [
        {"id": "free", "type": "percent", "rate": "1"},
        {"id": "capped", "type": "percent", "rate": "1", "limits": {"per_order": "5"}},
        {"id": "daily", "type": "percent", "rate": "1", "limits": {"per_day": "5"}}
    ]}));
    let needs = program.needs(NOON);
    assert_eq!((needs.rules, needs.day), (vec!["daily".to_owned()], NOON - DAY / 2));
    assert!(needs.windows.is_empty() && !needs.categories);
}

#[test]
fn budgets_are_told_to_the_books() {
    let budgets = limited(json!({"budget": "1000.50"})).settings().budgets.clone();
    assert_eq!((budgets[0].rule_id.as_str(), budgets[0].points), ("a", 100_050));
}

#[test]
fn points_per_amount_count_full_amounts_only() {
    let program = program_with(json!({"earning": [{"id": "a", "type": "per_amount", "points": "3", "every": "100"}]}));
    let earned = |price| judge_for(&program, &member(0), &order(vec![line("1", price)])).earned;
    assert_eq!((earned(10_000), earned(29_999), earned(30_000)), (300, 600, 900));
    let below = judge_for(&program, &member(0), &order(vec![line("1", 9_900)]));
    assert_eq!((said(&below, "a").1, below.offers[0].points), ("below_minimum", 300), "buy 1.00 more");
}

#[test]
fn a_multiplier_adds_to_what_earlier_rules_gave_on_its_lines() {
    let program = program_with(json!({"earning": [
        {"id": "base", "type": "percent", "rate": "5"},
        {"id": "double", "type": "multiplier", "factor": "2", "priority": -1, "when": {"products": {"promo": true}}}
    ]}));
    let judgement = judge_for(&program, &member(0), &order(vec![promo("1", 10_000), line("2", 10_000)]));
    assert_eq!((said(&judgement, "base").2, said(&judgement, "double").2), (1_000, 500));
    assert!(judgement.lines[1].shares.iter().all(|share| share.grant == 0), "only promo goods are doubled");
    let none = judge_for(&program, &member(0), &order(vec![line("2", 10_000)]));
    assert_eq!(said(&none, "double").1, "no_matching_goods");
}

#[test]
fn exclusive_and_not_stackable_rules_keep_their_distance() {
    let rules = |second: Value| {
        let mut all = json!([
            {"id": "promo", "type": "fixed", "points": "7", "priority": 9, "when": {"products": {"promo": true}}},
            {"id": "all", "type": "percent", "rate": "10"}
        ]);
        for (name, value) in second.as_object().unwrap() {
            all[1][name] = value.clone();
        }
        judge_for(&program_with(json!({"earning": all})), &member(0), &order(vec![promo("1", 10_000), line("2", 10_000)]))
    };
    assert_eq!(said(&rules(json!({})), "all").2, 2_000);
    assert_eq!(said(&rules(json!({"stackable": false})), "all").2, 1_000, "the other line only");
    assert_eq!(said(&rules(json!({"exclusive": true})), "all"), (false, "excluded", 0, 0));
}

#[test]
fn limits_that_can_never_be_reached_are_refused() {
    let found = |limits: Value| findings_of(json!({"earning": [{"id": "a", "type": "fixed", "points": "1", "limits": limits}]}));
    for (limits, pointer, code) in [
        (json!({"per_order": "10", "per_day": "5"}), "/per_order", "unreachable"),
        (json!({"per_member": "10", "budget": "5"}), "/per_member", "unreachable"),
        (json!({}), "", "empty"),
        (json!({"per_day": "0"}), "/per_day", "out_of_range"),
        (json!({"cooldown_days": 0}), "/cooldown_days", "out_of_range"),
        (json!({"per_week": "5"}), "/per_week", "unknown_field"),
    ] {
        assert_eq!(found(limits.clone()), [(format!("/earning/0/limits{pointer}"), code.to_owned())], "{limits}");
    }
    let multiplier = json!({"earning": [{"id": "a", "type": "multiplier", "factor": "2"}]});
    assert_eq!(findings_of(multiplier), [("/earning/0".to_owned(), "unreachable".to_owned())], "nothing to multiply");
    let factor =
        json!({"earning": [{"id": "b", "type": "fixed", "points": "1"}, {"id": "a", "type": "multiplier", "factor": "1"}]});
    assert_eq!(findings_of(factor), [("/earning/1/factor".to_owned(), "out_of_range".to_owned())]);
}
