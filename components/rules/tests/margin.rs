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
    assert_eq!(found(json!({"discounts": [{"id": "a", "type": "percent", "rate": "20.5"}]})), exceeds("/discounts/0"));
    assert_eq!(found(json!({"discounts": [{"id": "a", "type": "percent", "rate": "20"}]})), []);
    assert_eq!(found(json!({"earning": [{"id": "a", "type": "percent", "rate": "21"}]})), exceeds("/earning/0"));
    let floor = json!({"margin_guard": {"floor": "100"}});
    assert_eq!(findings_of(floor), [("/margin_guard/floor".to_owned(), "out_of_range".to_owned())]);
    let covers = json!({"margin_guard": {"floor": "10", "covers": ["gifts"]}});
    assert_eq!(findings_of(covers), [("/margin_guard/covers".to_owned(), "unknown_word".to_owned())]);
}
