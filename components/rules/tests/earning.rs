//! Which rules fire, on which lines, and what the others lack.

mod common;

use common::{judge, labelled, line, member, order, pay, program_of, promo};
use rules::Program;
use rules::engine::{Judgement, Line, Member, Order, Payment, Shortfall};
use serde_json::{Value, json};

/// Tiers at 0 and 1 000.00, and these rules. The upper tier has a rate where a rule gives it.
fn earning(rules: Value) -> Program {
    let mut gold = json!({"id": "gold", "name": "Gold", "threshold": "1000"});
    if rules.as_array().expect("rules").iter().any(|rule| rule["type"] == "percent" && rule["rate"].is_null()) {
        gold["rate"] = json!("7");
    }
    program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}, gold],
        "earning": rules,
        "redemption": {"max_share": "100"}
    }))
}

/// A rule of 10 % with this condition.
fn when(condition: Value) -> Program {
    earning(json!([{"id": "rule", "type": "percent", "rate": "10", "when": condition}]))
}

/// What the rule says to a member's order: fired or not, by this code.
#[track_caller]
fn says(program: &Program, member: &Member, order: &Order, code: &str) -> Judgement {
    let judgement = program.judge_order(member, order, &Payment::None).unwrap();
    assert_eq!(judgement.explanations[0].code, code, "{}", judgement.explanations[0].reason);
    judgement
}

#[test]
fn channel_and_store() {
    let program = when(json!({"channels": ["app"], "stores": ["nevsky"]}));
    let mut bought = order(vec![line("1", 100)]);
    says(&program, &member(0), &bought, "other_channel");
    bought.channel = "app".to_owned();
    says(&program, &member(0), &bought, "other_store");
    bought.store = Some("nevsky".to_owned());
    says(&program, &member(0), &bought, "percent_of_items");
}

#[test]
fn tiers_and_the_way_to_them() {
    let program = when(json!({"tiers": ["gold"]}));
    let judgement = says(&program, &member(99_999), &order(vec![line("1", 100)]), "other_tier");
    assert_eq!(judgement.explanations[0].shortfall, Some(Shortfall::Money(1)));
    says(&program, &member(100_000), &order(vec![line("1", 100)]), "percent_of_items");
    let judgement = says(&when(json!({"tiers": ["base"]})), &member(100_000), &order(vec![line("1", 100)]), "other_tier");
    assert_eq!(judgement.explanations[0].shortfall, None);
}

#[test]
fn a_rule_takes_the_rate_of_the_tier() {
    let program = earning(json!([{"id": "gold", "type": "percent", "when": {"tiers": ["gold"]}}]));
    let judgement = says(&program, &member(100_000), &order(vec![line("1", 10_000)]), "tier_percent_of_items");
    assert_eq!(judgement.explanations[0].reason, "Gold: 7 % of 100.00 gives 7.00 points");
}

#[test]
fn without_a_tier_there_is_no_rate() {
    let program = program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "UTC",
        "points": {"name": "points", "scale": 0, "conversion_rate": "1"},
        "tiers": [{"id": "member", "name": "Member", "threshold": "1500", "rate": "5"}],
        "earning": [{"id": "purchase", "type": "percent"}]
    }));
    let judgement = says(&program, &member(0), &order(vec![line("1", 150_000)]), "no_tier");
    assert_eq!(judgement.explanations[0].shortfall, Some(Shortfall::Money(150_000)));
    assert_eq!((judgement.before.tier.is_none(), judgement.after.tier.unwrap().id.as_str()), (true, "member"));
}

#[test]
fn first_and_later_orders() {
    let (new, old) = (Member { orders: 0, ..member(0) }, member(0));
    let bought = order(vec![line("1", 100)]);
    says(&when(json!({"first_order": true})), &new, &bought, "percent_of_items");
    says(&when(json!({"first_order": true})), &old, &bought, "not_first_order");
    says(&when(json!({"first_order": false})), &new, &bought, "first_order");
    says(&when(json!({"first_order": false})), &old, &bought, "percent_of_items");
}

#[test]
fn goods_are_meant_by_any_list_and_by_promo() {
    let lines = || {
        let mut lines = vec![line("1", 10_000), promo("2", 20_000), labelled("3", 40_000, "new"), line("4", 80_000)];
        lines[3].category = Some("toys".to_owned());
        lines[3].brand = Some("lego".to_owned());
        lines
    };
    for (products, expected) in [
        (json!({"skus": ["sku-1"]}), 1_000),
        (json!({"labels": ["new", "old"]}), 4_000),
        (json!({"skus": ["sku-1"], "labels": ["new"], "brands": ["lego"]}), 13_000),
        (json!({"categories": ["toys"], "brands": ["lego"]}), 8_000),
        (json!({"promo": true}), 2_000),
        (json!({"promo": false}), 13_000),
        (json!({"promo": true, "skus": ["sku-1", "sku-2"]}), 2_000),
    ] {
        assert_eq!(judge(&when(json!({"products": products})), 0, lines()).earned, expected, "{products}");
    }
    let none = when(json!({"products": {"skus": ["other"]}}));
    says(&none, &member(0), &order(lines()), "no_matching_goods");
}

#[test]
fn the_total_counts_after_the_shops_own_discounts_before_those_of_the_program_and_before_points() {
    let program = when(json!({"order_total": {"min": "100", "below": "200"}}));
    let discounted = vec![Line { discount: 1, ..line("1", 10_000) }];
    let judgement = says(&program, &member(0), &order(discounted), "below_minimum");
    assert_eq!(judgement.explanations[0].reason, "0.01 short of the minimum of 100.00");
    says(&program, &member(0), &order(vec![line("1", 20_000)]), "not_below_maximum");
    let discounted_by_the_program = common::program_with(json!({
        "discounts": [{"id": "d", "type": "percent", "rate": "50"}],
        "earning": [{"id": "rule", "type": "percent", "rate": "10", "when": {"order_total": {"min": "100"}}}]
    }));
    assert_eq!(judge(&discounted_by_the_program, 0, vec![line("1", 10_000)]).earned, 500);
    let judgement = pay(&program, vec![line("1", 10_000)], Payment::Exact(5_000)).unwrap();
    assert_eq!(judgement.earned, 500); // 10 % of the 50.00 paid in money
    assert_eq!(judgement.explanations[0].reason, "10 % of 50.00, the part not paid with points, gives 5.00 points");
}

#[test]
fn what_points_paid_for_earns_nothing() {
    let judgement = pay(&when(json!({})), vec![line("1", 10_000)], Payment::Maximum).unwrap();
    assert_eq!((judgement.earned, judgement.qualifying, judgement.payable), (0, 0, 0));
    assert_eq!(judgement.explanations[0].code, "nothing_paid");
    assert_eq!(judge(&when(json!({})), 0, vec![line("1", 9)]).explanations[0].code, "rounds_to_zero");
}

#[test]
fn priority_decides_and_stop_keeps_the_lines() {
    let program = earning(json!([
        {"id": "base", "type": "percent", "rate": "1"},
        {"id": "gift", "type": "fixed", "points": "3", "when": {"products": {"promo": true}}, "priority": 5, "stop": true},
        {"id": "extra", "type": "percent", "rate": "2", "priority": 5}
    ]));
    let judgement = judge(&program, 0, vec![line("1", 10_000), promo("2", 10_000)]);
    let said: Vec<_> = judgement.explanations.iter().map(|said| (said.rule_id.as_str(), said.points)).collect();
    assert_eq!(said, [("gift", 300), ("extra", 200), ("base", 100)]);
    assert_eq!(judgement.earned, 600);
    assert_eq!(judgement.lines[1].shares.len(), 1);
}

#[test]
fn a_stop_rule_that_does_not_fire_keeps_nothing() {
    let program = earning(json!([
        {"id": "big", "type": "percent", "rate": "5", "when": {"order_total": {"min": "1000"}}, "stop": true},
        {"id": "base", "type": "percent", "rate": "1"}
    ]));
    assert_eq!(judge(&program, 0, vec![line("1", 10_000)]).earned, 100);
}

#[test]
fn a_fixed_reward_is_shared_by_amount_or_equally() {
    let program = earning(json!([{"id": "gift", "type": "fixed", "points": "1"}]));
    let shares = |lines| -> Vec<i64> {
        let judgement = judge(&program, 0, lines);
        judgement.lines.iter().map(|line| line.shares.iter().map(|share| share.points).sum()).collect()
    };
    assert_eq!(shares(vec![line("1", 3_000), line("2", 1_000)]), [75, 25]);
    assert_eq!(shares(vec![line("1", 0), line("2", 0), line("3", 0)]), [34, 33, 33]);
}

#[test]
fn rounded_once_on_the_total() {
    // 5 % of 3 times 0.33 is 0.0495: 0.04, not three times 0.01.
    let program = earning(json!([{"id": "rule", "type": "percent", "rate": "5"}]));
    let judgement = judge(&program, 0, vec![line("1", 33), line("2", 33), line("3", 33)]);
    assert_eq!(judgement.earned, 4);
    let shares: Vec<_> = judgement.lines.iter().map(|line| line.shares[0].points).collect();
    assert_eq!(shares, [2, 1, 1]);
}

#[test]
fn goods_at_a_rate_of_zero_are_not_told_as_paid_with_points() {
    let none_on_promo = earning(json!([{"id": "rule", "type": "percent", "rate": "5", "rate_promo": "0"}]));
    let judgement = says(&none_on_promo, &member(0), &order(vec![promo("1", 100_000)]), "no_rate_for_these_goods");
    assert_eq!(judgement.explanations[0].reason, "the rate for these goods is 0 %");
    says(&none_on_promo, &member(0), &order(vec![promo("1", 0)]), "nothing_paid");
    let of_tier = common::program_with(json!({
        "tiers": [{"id": "new", "name": "New", "threshold": "0", "rate": "0"}],
        "earning": [{"id": "rule", "type": "percent"}]
    }));
    says(&of_tier, &member(0), &order(vec![line("1", 100_000)]), "no_rate_for_these_goods");
}

#[test]
fn a_rule_keeps_only_the_goods_that_it_rewarded() {
    for company in [("stop", true), ("stackable", false)] {
        let mut rules = json!([
            {"id": "a", "type": "percent", "rate": "5", "rate_promo": "0", "priority": 1},
            {"id": "b", "type": "percent", "rate": "1"}
        ]);
        rules[usize::from(company.0 == "stackable")][company.0] = company.1.into();
        let judgement = judge(&earning(rules), 0, vec![line("1", 100_000), promo("2", 100_000)]);
        let points: Vec<_> =
            judgement.lines.iter().map(|line| line.shares.iter().map(|share| share.points).sum::<i64>()).collect();
        assert_eq!(points, [5_000, 1_000], "{company:?}");
    }
}

#[test]
fn an_offer_counts_what_comes_on_top() {
    let rules = |stop: bool| {
        earning(json!([
            {"id": "far", "type": "percent", "rate": "50", "when": {"order_total": {"min": "5000"}}, "priority": 2},
            {"id": "big", "type": "percent", "rate": "10", "when": {"order_total": {"min": "1000"}}, "priority": 1, "stop": stop},
            {"id": "base", "type": "percent", "rate": "5"}
        ]))
    };
    let offers = |stop| -> Vec<(i64, i64)> {
        let judgement = judge(&rules(stop), 0, vec![line("1", 66_000)]);
        judgement.offers.iter().map(|offer| (offer.shortfall, offer.points)).collect()
    };
    assert_eq!(offers(false), [(34_000, 10_000), (434_000, 250_000)]);
    assert_eq!(offers(true), [(34_000, 6_700), (434_000, 250_000)]); // 100.00 instead of the 33.00 of base
}

#[test]
fn no_offer_when_something_else_is_lacking() {
    let condition = json!({"order_total": {"min": "1000"}, "products": {"skus": ["other"]}});
    assert!(judge(&when(condition), 0, vec![line("1", 66_000)]).offers.is_empty());
}

#[test]
fn an_amount_of_points_beyond_the_contract_overflows() {
    let program = program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "UTC",
        "points": {"name": "points", "scale": 4, "conversion_rate": "1"},
        "earning": [{"id": "rule", "type": "percent", "rate": "100"}]
    }));
    let judged = program.judge_order(&member(0), &order(vec![line("1", 1_000_000_000_000)]), &Payment::None);
    assert_eq!(judged, Err(rules::engine::Failure::Overflow));
}

#[test]
fn a_welcome_may_ask_for_a_channel() {
    let program = program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "UTC",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1"},
        "enrolment": {"welcome": {"id": "hello", "points": "100", "channels": ["telegram"]}}
    }));
    let given = |channel| program.judge_enrolment(common::NOON, channel).unwrap();
    assert_eq!(given("telegram").grants[0].points, 10_000);
    let refused = given("site");
    assert!(refused.grants.is_empty() && !refused.explanations[0].fired);
}
