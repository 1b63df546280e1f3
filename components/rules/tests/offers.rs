//! Offers: "buy so much more, get so many points". Whoever does gets them.

mod common;

use common::{judge_for, labelled, line, member, order, pay, program_with};
use rules::Program;
use rules::engine::{Line, Member, Order, Payment};
use serde_json::{Value, json};

/// What is offered: rule, what is missing, points, money.
fn offered(program: &Program, member: &Member, order: &Order) -> Vec<(String, i64, i64, i64)> {
    let offers = judge_for(program, member, order).offers;
    offers.into_iter().map(|offer| (offer.rule_id, offer.shortfall, offer.points, offer.money)).collect()
}

/// The same for one line of regular goods.
fn offered_at(blocks: Value, price: i64) -> Vec<(String, i64, i64, i64)> {
    offered(&program_with(blocks), &member(0), &order(vec![line("1", price)]))
}

fn ten_percent_from_1000() -> Value {
    json!([{"id": "a", "type": "percent", "rate": "10", "when": {"order_total": {"min": "1000"}}}])
}

fn one(rule: &str, missing: i64, points: i64, money: i64) -> Vec<(String, i64, i64, i64)> {
    vec![(rule.to_owned(), missing, points, money)]
}

#[test]
fn an_offer_of_points_counts_the_discounts_of_the_larger_order() {
    let blocks = json!({
        "tiers": [{"id": "gold", "name": "Gold", "threshold": "0", "discount": "10"}],
        "discounts": [{"id": "of-tier", "type": "tier"}],
        "earning": ten_percent_from_1000()
    });
    assert_eq!(offered_at(blocks, 66_000), one("a", 34_000, 9_000, 0));
}

#[test]
fn a_rule_for_some_goods_is_not_offered_for_any() {
    let rule = |when: Value| json!({"earning": [{"id": "a", "type": "percent", "rate": "10", "when": when}]});
    let cart = order(vec![labelled("1", 10_000, "x"), line("2", 56_000)]);
    for when in [
        json!({"order_total": {"min": "1000"}, "products": {"labels": ["x"]}}),
        json!({"order_total": {"min": "1000"}, "new_category": true}),
        json!({"order_total": {"min": "1000"}, "quantity": {"min": "2"}}),
    ] {
        assert_eq!(offered(&program_with(rule(when)), &member(0), &cart), []);
    }
}

#[test]
fn where_points_are_earned_without_tax_the_missing_goods_are_taxed_like_those_of_the_order() {
    let blocks = json!({"earning_basis": {"tax": "excluded"}, "earning": ten_percent_from_1000()});
    let taxed = Line { tax: Some(11_000), ..line("1", 66_000) };
    // 1 000.00 contain 166.67 of tax
    assert_eq!(offered(&program_with(blocks), &member(0), &order(vec![taxed])), one("a", 34_000, 8_333, 0));
}

#[test]
fn where_promo_goods_earn_less_the_offer_asks_for_regular_ones() {
    let rule = json!({"id": "a", "type": "percent", "rate": "10", "rate_promo": "1", "when": {"order_total": {"min": "1000"}}});
    let judged = judge_for(&program_with(json!({"earning": [rule]})), &member(0), &order(vec![line("1", 66_000)]));
    assert_eq!(judged.offers[0].reason, "Buy regular goods for 340.00 more, get 100.00 points");
    assert_eq!(judged.offers[0].translations[0].text, "Купите ещё неакционных товаров на 340.00 и получите 100.00 баллов");
}

#[test]
fn a_discount_is_offered_for_what_the_earlier_ones_leave() {
    let blocks = json!({"discounts": [
        {"id": "always", "type": "percent", "rate": "50", "priority": 1},
        {"id": "a", "type": "percent", "rate": "10", "when": {"order_total": {"min": "1000"}}}
    ]});
    assert_eq!(offered_at(blocks, 66_000), one("a", 34_000, 0, 5_000));
    let kept = json!({"discounts": [
        {"id": "always", "type": "percent", "rate": "50", "priority": 1, "stop": true, "when": {"channels": ["site"]}},
        {"id": "a", "type": "percent", "rate": "10", "when": {"order_total": {"min": "1000"}}}
    ]});
    assert_eq!(offered_at(kept, 66_000), [], "the first rule keeps all goods");
}

#[test]
fn a_discount_is_offered_only_as_far_as_the_margin_bears_it() {
    let blocks = json!({
        "margin_guard": {"floor": "0"},
        "discounts": [{"id": "a", "type": "percent", "rate": "10", "when": {"order_total": {"min": "1000"}}}]
    });
    let at_cost = Line { cost: Some(66_000), ..line("1", 66_000) };
    assert_eq!(offered(&program_with(blocks), &member(0), &order(vec![at_cost])), one("a", 34_000, 0, 3_400));
}

#[test]
fn a_step_below_the_minimum_of_its_rule_is_not_offered() {
    let steps = json!([{"from": "1000", "rate": "5"}, {"from": "5000", "rate": "10"}]);
    let rule = json!({"id": "a", "type": "steps", "by": "order_total", "steps": steps, "when": {"order_total": {"min": "3000"}}});
    let at = |price| offered_at(json!({"discounts": [rule]}), price);
    assert_eq!(at(50_000), one("a", 250_000, 0, 15_000), "5 % of 3 000, not of 1 000");
    assert_eq!(at(300_000), one("a", 200_000, 0, 35_000), "then the next step");
}

#[test]
fn an_amount_is_offered_within_its_cap() {
    let rule =
        json!({"id": "a", "type": "amount", "amount": "500", "per_order": "200", "when": {"order_total": {"min": "1000"}}});
    assert_eq!(offered_at(json!({"discounts": [rule]}), 66_000), one("a", 34_000, 0, 20_000));
}

#[test]
fn points_that_would_cost_a_discount_are_not_offered() {
    let blocks = json!({
        "discounts": [{"id": "small", "type": "percent", "rate": "20", "when": {"order_total": {"below": "1000"}}}],
        "earning": ten_percent_from_1000()
    });
    assert_eq!(offered_at(blocks, 66_000), []);
}

#[test]
fn an_offer_counts_that_points_pay_as_asked() {
    let program = program_with(json!({"redemption": {"max_share": "50"}, "earning": ten_percent_from_1000()}));
    let judged = pay(&program, vec![line("1", 66_000)], Payment::Maximum).unwrap();
    assert_eq!((judged.offers[0].shortfall, judged.offers[0].points), (34_000, 5_000), "half of 1 000 is paid with points");
}

#[test]
fn at_most_five_larger_orders_are_judged_nearest_first() {
    let rule = |step: i64| json!({"id": format!("r{step}"), "type": "fixed", "points": "1", "when": {"order_total": {"min": step * 100}}});
    let rules: Vec<_> = (1..9).rev().map(rule).collect();
    let offers = offered_at(json!({"earning": rules}), 5_000);
    let missing: Vec<_> = offers.iter().map(|(_, missing, ..)| *missing).collect();
    assert_eq!(missing, [5_000, 15_000, 25_000, 35_000, 45_000]);
}
