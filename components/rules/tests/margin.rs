//! The margin guard: no benefit takes a line that carries its cost below the floor, and the judgement says what was cut.

mod common;

use common::{findings_of, judge_for, line, member, order, pay, program_with, said};
use rules::Program;
use rules::engine::{Agreed, Failure, Line, Payment};
use serde_json::{Value, json};

/// Goods for 100.00 that cost the shop so much.
fn costing(id: &str, cost: i64) -> Line {
    Line { cost: Some(cost), ..line(id, 10_000) }
}

fn guarded(blocks: Value) -> Program {
    let mut blocks = blocks;
    blocks["margin_guard"] = json!({"floor": "20"});
    program_with(blocks)
}

#[test]
fn a_discount_stops_at_the_floor_of_each_line() {
    let program = guarded(json!({"discounts": [{"id": "a", "type": "percent", "rate": "30"}]}));
    // 72.00 at a margin of 20 % is 90.00 at least
    let judgement = judge_for(&program, &member(0), &order(vec![costing("1", 7_200), costing("2", 1_000), line("3", 10_000)]));
    let off: Vec<_> = judgement.lines.iter().map(|line| line.discount).collect();
    assert_eq!(off, [1_000, 3_000, 3_000]);
    let cuts: Vec<_> = judgement.lines.iter().map(|line| line.cuts.len()).collect();
    assert_eq!(cuts, [1, 0, 0]);
    let cut = &judgement.lines[0].cuts[0];
    assert_eq!((cut.rule_id.as_str(), cut.money, cut.points), ("a", 2_000, 0));
    let said = &judgement.explanations[0];
    assert_eq!(
        (said.money, said.reason.as_str()),
        (7_000, "30 % off 300.00: 70.00; 20.00 less, because the price is as low as it can be")
    );
}

#[test]
fn points_pay_only_down_to_the_floor() {
    let program = guarded(json!({"redemption": {"max_share": "50"}}));
    let judged = pay(&program, vec![costing("1", 7_200), line("2", 10_000)], Payment::Maximum).unwrap();
    // half of 200.00 would be 100.00; line 1 has room for 10.00, line 2 for all of it
    assert_eq!(judged.redemption.points, 10_000);
    assert!(judged.lines[0].paid_money <= 1_000, "{:?}", judged.lines[0]);
    assert!(judged.lines.iter().all(|line| line.cuts.is_empty()), "line 2 pays what line 1 may not");
    let alone = pay(&program, vec![costing("1", 7_200)], Payment::Maximum).unwrap();
    assert_eq!(alone.redemption.points, 1_000);
    assert_eq!((alone.lines[0].cuts[0].rule_id.as_str(), alone.lines[0].cuts[0].money), ("redemption", 4_000));
    let both = pay(&program, vec![costing("1", 7_200), costing("2", 5_600)], Payment::Maximum).unwrap();
    // 100.00 would be the half, 10.00 and 30.00 is the room: line 1 lacks 40.00 of its 50.00, line 2 lacks 20.00
    assert_eq!(both.redemption.points, 4_000);
    let cuts: Vec<_> = both.lines.iter().map(|line| line.cuts[0].money).collect();
    assert_eq!(cuts, [4_000, 2_000]);
    let none = pay(&program, vec![costing("1", 8_000)], Payment::Maximum).unwrap();
    assert_eq!((none.redemption.points, none.redemption_explanations[0].code.as_str()), (0, "margin_floor"));
}

#[test]
fn more_points_than_the_floor_lets_pay_are_refused_because_of_the_floor() {
    let program = guarded(json!({"redemption": {"max_share": "50"}}));
    for asked in [4_000, 6_000] {
        match pay(&program, vec![costing("1", 7_200)], Payment::Exact(asked)) {
            Err(Failure::LimitExceeded(limit)) => assert_eq!((limit.code.as_str(), limit.max_points), ("margin_floor", 1_000)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn where_points_do_not_pay_the_floor_takes_nothing_from_them() {
    let program = guarded(json!({"redemption": {"max_share": "50", "channels": ["app"]}}));
    let judged = judge_for(&program, &member(0), &order(vec![costing("1", 7_200)]));
    assert!(judged.lines[0].cuts.is_empty());
}

#[test]
fn what_a_hold_agreed_is_not_judged_again() {
    let program = guarded(json!({"redemption": {"max_share": "50"}}));
    let agreed = Payment::Agreed(Agreed { points: 4_000, money: 4_000 });
    assert_eq!(pay(&program, vec![costing("1", 9_000)], agreed).unwrap().redemption.money, 4_000);
}

#[test]
fn points_are_earned_only_as_far_as_the_margin_bears_them() {
    let program =
        guarded(json!({"earning": [{"id": "a", "type": "percent", "rate": "30"}, {"id": "b", "type": "fixed", "points": "5"}]}));
    let judgement = judge_for(&program, &member(0), &order(vec![costing("1", 7_200)]));
    assert_eq!((said(&judgement, "a"), said(&judgement, "b").1), ((true, "margin_floor", 1_000, 0), "margin_floor"));
    assert_eq!(judgement.lines[0].cuts[0].points, 2_000);
    let free = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    assert_eq!(free.earned, 3_500, "goods without a cost are not guarded");
}

#[test]
fn the_guard_covers_what_the_program_says() {
    let blocks = json!({
        "margin_guard": {"floor": "20", "covers": ["earning"]},
        "discounts": [{"id": "a", "type": "percent", "rate": "30"}],
        "earning": [{"id": "b", "type": "percent", "rate": "10"}]
    });
    let judgement = judge_for(&program_with(blocks), &member(0), &order(vec![costing("1", 7_200)]));
    assert_eq!((judgement.discount, judgement.earned), (3_000, 0), "70.00 is below 90.00 already");
}

#[test]
fn a_rate_that_no_margin_bears_is_refused() {
    let found = |blocks: Value| {
        let mut blocks = blocks;
        blocks["margin_guard"] = json!({"floor": "80"});
        findings_of(blocks)
    };
    let exceeds = |pointer: &str| [(pointer.to_owned(), "rate_exceeds_margin".to_owned())];
    assert_eq!(found(json!({"discounts": [{"id": "a", "type": "percent", "rate": "20.5"}]})), exceeds("/discounts/0/rate"));
    assert_eq!(found(json!({"discounts": [{"id": "a", "type": "percent", "rate": "20"}]})), []);
    assert_eq!(found(json!({"earning": [{"id": "a", "type": "percent", "rate": "21"}]})), exceeds("/earning/0/rate"));
    let promo = json!({"earning": [{"id": "a", "type": "percent", "rate": "2", "rate_promo": "21"}]});
    assert_eq!(found(promo), exceeds("/earning/0/rate_promo"));
    let steps = json!([{"from": "0", "rate": "20"}, {"from": "100", "rate": "21"}]);
    let steps = json!({"discounts": [{"id": "a", "type": "steps", "by": "order_total", "steps": steps}]});
    assert_eq!(found(steps), exceeds("/discounts/0/steps/1/rate"));
    let tiers = |fields: Value| {
        let mut gold = json!({"id": "gold", "name": "Gold", "threshold": "1"});
        gold.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({
            "tiers": {"steps": [{"id": "base", "name": "Base", "threshold": "0", "rate": "1", "discount": "1"}, gold]},
            "discounts": [{"id": "d", "type": "tier"}], "earning": [{"id": "e", "type": "percent"}]
        })
    };
    assert_eq!(found(tiers(json!({"rate": "5", "discount": "21"}))), exceeds("/tiers/steps/1/discount"));
    assert_eq!(found(tiers(json!({"rate": "21"}))), exceeds("/tiers/steps/1/rate"));
    assert_eq!(found(tiers(json!({"rate": "5", "rate_promo": "21"}))), exceeds("/tiers/steps/1/rate_promo"));
    let floor = json!({"margin_guard": {"floor": "100"}});
    assert_eq!(findings_of(floor), [("/margin_guard/floor".to_owned(), "out_of_range".to_owned())]);
    let covers = json!({"margin_guard": {"floor": "10", "covers": ["gifts"]}});
    assert_eq!(findings_of(covers), [("/margin_guard/covers".to_owned(), "unknown_word".to_owned())]);
}

fn guarded_at_80(blocks: Value) -> Vec<(String, String)> {
    let mut blocks = blocks;
    blocks["margin_guard"] = json!({"floor": "80"});
    findings_of(blocks)
}

fn exceeds(pointer: &str) -> [(String, String); 1] {
    [(pointer.to_owned(), "rate_exceeds_margin".to_owned())]
}

#[test]
fn points_for_each_amount_weigh_what_they_pay() {
    let per_amount = |points: &str| json!({"earning": [{"id": "a", "type": "per_amount", "points": points, "every": "100"}]});
    assert_eq!(guarded_at_80(per_amount("100")), exceeds("/earning/0/points"));
    assert_eq!(guarded_at_80(per_amount("20.01")), exceeds("/earning/0/points"));
    assert_eq!(guarded_at_80(per_amount("20")), []);
}

#[test]
fn a_multiplier_weighs_with_the_largest_rate_before_it() {
    let times = |factor: &str, when: Value| {
        json!({"earning": [
            {"id": "small", "type": "percent", "rate": "2"},
            {"id": "base", "type": "percent", "rate": "20", "when": {"channels": ["site"]}},
            {"id": "more", "type": "multiplier", "factor": factor, "priority": -1, "when": when}
        ]})
    };
    assert_eq!(guarded_at_80(times("3", json!({}))), exceeds("/earning/2/factor"));
    assert_eq!(guarded_at_80(times("10", json!({"channels": ["app"]}))), [], "it never meets the larger rate");
    assert_eq!(guarded_at_80(times("10.1", json!({"channels": ["app"]}))), exceeds("/earning/2/factor"));
    let of_tiers = json!({
        "tiers": [{"id": "gold", "name": "Gold", "threshold": "0", "rate": "11"}],
        "earning": [{"id": "a", "type": "percent"}, {"id": "b", "type": "multiplier", "factor": "2", "priority": -1}]
    });
    assert_eq!(guarded_at_80(of_tiers), exceeds("/earning/1/factor"));
}

#[test]
fn free_pieces_weigh_among_those_that_are_paid() {
    let buy_get =
        |buy: i64, rate: &str| json!({"discounts": [{"id": "a", "type": "buy_get", "buy": buy, "get": 1, "rate": rate}]});
    assert_eq!(guarded_at_80(buy_get(1, "100")), exceeds("/discounts/0/get"));
    assert_eq!(guarded_at_80(buy_get(4, "100")), []);
    assert_eq!(guarded_at_80(buy_get(1, "40")), []);
}

#[test]
fn points_may_not_pay_what_the_floor_keeps() {
    let paying = |share: &str| json!({"redemption": {"max_share": share}});
    assert_eq!(guarded_at_80(paying("100")), exceeds("/redemption/max_share"));
    assert_eq!(guarded_at_80(paying("20")), []);
    let mut uncovered = paying("100");
    uncovered["margin_guard"] = json!({"floor": "80", "covers": ["discounts", "earning"]});
    assert_eq!(findings_of(uncovered), []);
}

#[test]
fn discounts_that_come_together_weigh_together() {
    let two = |fields: Value, first: Value, second: Value| {
        let mut rules = json!([
            {"id": "a", "type": "percent", "rate": "15", "when": first}, {"id": "b", "type": "percent", "rate": "15", "when": second}
        ]);
        rules[1].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"discounts": rules})
    };
    let on = |condition: Value| two(json!({}), condition, json!({"segments": ["press"]}));
    assert_eq!(guarded_at_80(on(json!({"channels": ["app"]}))), exceeds("/discounts/1/rate"));
    assert_eq!(guarded_at_80(two(json!({"stackable": false}), json!({"channels": ["app"]}), json!({}))), []);
    assert_eq!(guarded_at_80(two(json!({"rate": "5.8"}), json!({"channels": ["app"]}), json!({}))), [], "19.93 % together");
    for (one, other) in [
        (json!({"channels": ["app"]}), json!({"channels": ["site"]})),
        (json!({"products": {"categories": ["toys"]}}), json!({"products": {"categories": ["books"]}})),
        (json!({"products": {"promo": true}}), json!({"products": {"promo": false}})),
        (json!({"first_order": true}), json!({"first_order": false})),
        (json!({"order_total": {"below": "100"}}), json!({"order_total": {"min": "100"}})),
        (json!({"hours": {"from": "22:00", "to": "02:00"}}), json!({"hours": {"from": "02:00", "to": "22:00"}})),
        (json!({"dates": {"to": "2026-03-01"}}), json!({"dates": {"from": "2026-03-02"}})),
        (json!({"weekdays": ["monday"]}), json!({"weekdays": ["friday"]})),
    ] {
        assert_eq!(guarded_at_80(two(json!({}), one, other)), [], "they never meet");
    }
    let may_be_the_same = two(json!({}), json!({"products": {"skus": ["bear"]}}), json!({"products": {"categories": ["toys"]}}));
    assert_eq!(guarded_at_80(may_be_the_same), exceeds("/discounts/1/rate"));
}
