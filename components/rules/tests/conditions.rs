//! Every condition that a rule can have: it fires where the condition holds, and says how far it was where it does not.

mod common;

use common::{findings_of, judge_for, line, member, moment, order, program_with, said};
use rules::Program;
use rules::engine::{Activity, Member, Order, Shortfall, Voucher};
use serde_json::{Value, json};

/// A program that gives 10 points when this holds.
fn when(condition: Value) -> Program {
    program_with(json!({"earning": [{"id": "gift", "type": "fixed", "points": "10", "when": condition}]}))
}

/// The code with which the rule speaks of an order.
#[track_caller]
fn code(program: &Program, member: &Member, order: &Order, fires: bool) -> String {
    let judgement = judge_for(program, member, order);
    let (fired, code, points, _) = said(&judgement, "gift");
    assert_eq!((fired, points), (fires, if fires { 1_000 } else { 0 }), "{judgement:?}");
    code.to_owned()
}

fn shortfall(program: &Program, member: &Member, order: &Order) -> Option<Shortfall> {
    judge_for(program, member, order).explanations[0].shortfall
}

fn at(when: &str) -> Order {
    Order { occurred_at: moment(when), ..order(vec![line("1", 10_000)]) }
}

#[test]
fn days_of_the_week_are_those_of_the_programs_zone() {
    let program = when(json!({"weekdays": ["saturday", "sunday"]}));
    assert_eq!(code(&program, &member(0), &at("2026-03-06T21:00:00Z"), true), "fixed_points", "Saturday begins in Moscow");
    assert_eq!(code(&program, &member(0), &at("2026-03-06T20:59:59Z"), false), "other_weekday");
}

#[test]
fn hours_are_half_open_and_may_pass_midnight() {
    let day = when(json!({"hours": {"from": "10:00", "to": "14:00"}}));
    for (time, fires) in [("09:59", false), ("10:00", true), ("13:59", true), ("14:00", false)] {
        code(&day, &member(0), &at(&format!("2026-03-06T{time}:00+03:00")), fires);
    }
    let night = when(json!({"hours": {"from": "22:00", "to": "02:00"}}));
    for (time, fires) in [("21:59", false), ("22:00", true), ("00:00", true), ("01:59", true), ("02:00", false)] {
        code(&night, &member(0), &at(&format!("2026-03-06T{time}:00+03:00")), fires);
    }
    assert_eq!(code(&night, &member(0), &at("2026-03-06T12:00:00+03:00"), false), "other_hours");
}

#[test]
fn dates_include_their_last_day() {
    let program = when(json!({"dates": {"from": "2026-03-08", "to": "2026-03-09"}}));
    for (when, expected) in [
        ("2026-03-07T23:59:59+03:00", "not_yet"),
        ("2026-03-08T00:00:00+03:00", "fixed_points"),
        ("2026-03-09T23:59:59+03:00", "fixed_points"),
        ("2026-03-10T00:00:00+03:00", "over"),
    ] {
        assert_eq!(code(&program, &member(0), &at(when), expected == "fixed_points"), expected, "{when}");
    }
}

#[test]
fn segments_are_groups_of_members() {
    let program = when(json!({"segments": ["staff", "press"]}));
    let press = Member { segments: vec!["press".to_owned()], ..member(0) };
    code(&program, &press, &at("2026-03-06T12:00:00Z"), true);
    assert_eq!(code(&program, &member(0), &at("2026-03-06T12:00:00Z"), false), "other_segment");
}

#[test]
fn the_third_order_and_every_third_one() {
    let third = when(json!({"orders": {"min": 3}}));
    let every = when(json!({"orders": {"every": 3}}));
    let after = |orders| Member { orders, ..member(0) };
    let order = at("2026-03-06T12:00:00Z");
    for (orders, third_fires, every_fires) in
        [(0, false, false), (1, false, false), (2, true, true), (3, true, false), (5, true, true)]
    {
        code(&third, &after(orders), &order, third_fires);
        code(&every, &after(orders), &order, every_fires);
    }
    assert_eq!(shortfall(&third, &after(0), &order), Some(Shortfall::Count(2)), "2 more visits");
    assert_eq!(judge_for(&third, &after(0), &order).explanations[0].reason, "2 more orders");
    assert_eq!(shortfall(&every, &after(4), &order), Some(Shortfall::Count(1)));
}

#[test]
fn orders_are_counted_within_a_window_of_days() {
    let program = when(json!({"orders": {"min": 2, "within_days": 30}}));
    let order = at("2026-03-31T12:00:00+03:00");
    assert_eq!(program.needs(order.occurred_at).windows, [moment("2026-03-02T00:00:00+03:00")], "today is one of the 30 days");
    let frequent = |orders| Member { orders: 7, activity: vec![Activity { orders, spend: 0, earned: 0 }], ..member(0) };
    code(&program, &frequent(1), &order, true);
    assert_eq!(code(&program, &frequent(0), &order, false), "too_few_orders");
}

#[test]
fn a_first_purchase_in_a_new_category_rewards_its_lines_only() {
    let program = program_with(json!({"earning": [
        {"id": "gift", "type": "percent", "rate": "10", "when": {"new_category": true}}
    ]}));
    assert!(program.needs(0).categories);
    let of = |id: &str, category: &str| rules::engine::Line { category: Some(category.to_owned()), ..line(id, 10_000) };
    let order = order(vec![of("1", "toys"), of("2", "books")]);
    let knows_toys = Member { categories: vec!["toys".to_owned()], ..member(0) };
    let judgement = judge_for(&program, &knows_toys, &order);
    assert_eq!(judgement.earned, 1_000);
    assert!(judgement.lines[0].shares.is_empty() && judgement.lines[1].shares.len() == 1);
    let knows_both = Member { categories: vec!["toys".to_owned(), "books".to_owned()], ..member(0) };
    assert_eq!(said(&judge_for(&program, &knows_both, &order), "gift").1, "no_matching_goods");
}

#[test]
fn a_quantity_is_counted_over_the_goods_that_are_meant() {
    let program = when(json!({"products": {"skus": ["sku-1", "sku-2"]}, "quantity": {"min": "3", "below": "5"}}));
    let pieces = |quantity| rules::engine::Line { quantity, ..line("1", 10_000) };
    let cart = |quantity| order(vec![pieces(quantity), line("2", 100), line("3", 100)]);
    code(&program, &member(0), &cart(2_000), true);
    assert_eq!(code(&program, &member(0), &cart(1_500), false), "too_few_pieces");
    assert_eq!(shortfall(&program, &member(0), &cart(1_500)), Some(Shortfall::Count(1)), "half a piece is one more to buy");
    assert_eq!(code(&program, &member(0), &cart(4_000), false), "too_many_pieces");
}

#[test]
fn a_promo_code_unlocks_its_rule_and_perhaps_for_some_goods_only() {
    let program = program_with(json!({"discounts": [
        {"id": "gift", "type": "percent", "rate": "50", "when": {"voucher": true}}
    ]}));
    let cart = || order(vec![line("1", 10_000), line("2", 10_000)]);
    assert_eq!(said(&judge_for(&program, &member(0), &cart()), "gift"), (false, "no_voucher", 0, 0));
    let voucher = |rule: &str, skus: &[&str]| Voucher {
        code: "ABC".to_owned(),
        rule_id: rule.to_owned(),
        skus: skus.iter().map(|sku| (*sku).to_owned()).collect(),
    };
    let with = |voucher| Order { vouchers: vec![voucher], ..cart() };
    assert_eq!(judge_for(&program, &member(0), &with(voucher("gift", &[]))).discount, 10_000);
    let judgement = judge_for(&program, &member(0), &with(voucher("gift", &["sku-2"])));
    assert_eq!((judgement.lines[0].discount, judgement.lines[1].discount), (0, 5_000), "the forgotten goods only");
    assert_eq!(judge_for(&program, &member(0), &with(voucher("other", &[]))).discount, 0);
}

#[test]
fn the_rules_that_ask_for_a_promo_code_are_told() {
    let asks = json!({"voucher": true});
    let program = program_with(json!({
        "perks": [{"id": "gift-wrap", "name": "Gift wrap", "when": asks}],
        "earning": [{"id": "purchase", "type": "percent", "rate": "5"}, {"id": "more", "type": "fixed", "points": "5", "when": asks}],
        "discounts": [
            {"id": "less", "type": "percent", "rate": "50", "when": asks},
            {"id": "open", "type": "percent", "rate": "5", "when": {"voucher": false}}
        ]
    }));
    assert_eq!(program.settings().voucher_rules, ["less", "more", "gift-wrap"]);
}

#[test]
fn what_never_comes_is_refused_with_its_place() {
    let at = |condition: Value| findings_of(json!({"earning": [{"id": "a", "type": "fixed", "points": "1", "when": condition}]}));
    for (condition, pointer, code) in [
        (json!({"dates": {"from": "2026-02-30"}}), "/dates/from", "invalid_date"),
        (json!({"dates": {"from": "2026-03-02", "to": "2026-03-01"}}), "/dates/to", "never_comes"),
        (json!({"dates": {"from": "2026-03-02", "to": "2026-03-03"}, "weekdays": ["sunday"]}), "/dates", "never_comes"),
        (json!({"hours": {"from": "10:00", "to": "10:00"}}), "/hours", "never_comes"),
        (json!({"hours": {"from": "25:00", "to": "10:00"}}), "/hours/from", "invalid_time"),
        (json!({"weekdays": ["montag"]}), "/weekdays/0", "unknown_weekday"),
        (json!({"weekdays": []}), "/weekdays", "empty"),
        (json!({"orders": {}}), "/orders", "empty"),
        (json!({"quantity": {"min": "2", "below": "2"}}), "/quantity/min", "unreachable"),
        (json!({"segments": []}), "/segments", "empty"),
        (json!({"moon": "full"}), "/moon", "unknown_field"),
    ] {
        let expected = (format!("/earning/0/when{pointer}"), code.to_owned());
        assert_eq!(at(condition.clone()), [expected], "{condition}");
    }
}
