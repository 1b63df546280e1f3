//! Adding goods never takes points away, for the programs of which the document says so.

use rules::Program;
use rules::engine::{Line, Member, Payment};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::common::{document_with, order};

const PROGRAMS: u64 = 1_500;

/// Points of an order with these lines.
fn earned(program: &Program, member: &Member, lines: &[Line]) -> i64 {
    let order = order(lines.to_vec());
    program.judge_order(member, &order, &Payment::None).expect("an everyday order").earned
}

/// A line of everyday goods.
fn goods(chance: &mut Chance, id: usize) -> Line {
    let price = chance.below(30_000) as i64;
    Line { price, quantity: chance.pick(&[1_000, 2_000, 333]), discount: 0, cost: None, tax: None, ..chance.line(id as u64) }
}

fn rounding(chance: &mut Chance, per: &str) -> Value {
    json!({"mode": chance.pick(&["down", "half_up", "half_even", "up"]), "scale": chance.below(3), "per": per})
}

/// Tries programs: a cart grows line by line, and its points never fall.
fn never_falls(seed: u64, mut blocks: impl FnMut(&mut Chance) -> (Value, Value)) {
    let mut chance = Chance(seed);
    let mut tried = 0;
    for _ in 0..PROGRAMS {
        let (rounding, rules) = blocks(&mut chance);
        let mut document = document_with(json!({"earning": rules}));
        document["points"]["rounding"] = rounding;
        // some of them have rules that can't be reached
        let Ok(program) = Program::parse(&document.to_string()) else { continue };
        let member = Member { orders: 3, ..Member::default() };
        let (mut lines, mut before) = (Vec::new(), 0);
        for id in 0..6 {
            lines.push(Line { id: id.to_string(), ..goods(&mut chance, id) });
            let now = earned(&program, &member, &lines);
            assert!(now >= before, "{before} then {now}: {document} {lines:?}");
            before = now;
        }
        tried += 1;
    }
    assert!(tried > PROGRAMS / 2, "only {tried} programs were tried");
}

#[test]
fn adding_goods_takes_no_points_away_where_all_rules_add_up() {
    never_falls(1, |chance| {
        let rounding = rounding(chance, "rule");
        let rules = (0..chance.below(4) + 1).map(|number| {
            let (rate, rate_promo) = (chance.below(20), chance.below(20));
            let mut rule = chance.pick(&[
                json!({"type": "percent", "rate": rate, "rate_promo": rate_promo}),
                json!({"type": "fixed", "points": rate + 1}),
                json!({"type": "per_amount", "points": rate + 1, "every": (rate + 1) * 10}),
                json!({"type": "multiplier", "factor": "1.5", "priority": -1}),
            ]);
            rule["id"] = format!("r{number}").into();
            let minimum = (rate + 1) * 20;
            let mut conditions = vec![json!({}), json!({"order_total": {"min": minimum}}), json!({"quantity": {"min": 3}})];
            if rule["type"] != "multiplier" {
                conditions
                    .push(json!({"products": {"categories": ["toys"], "labels": ["new"]}, "order_total": {"min": minimum}}));
                conditions.push(json!({"products": {"promo": true}}));
            }
            rule["when"] = chance.pick(&conditions);
            if chance.one_in(3) {
                rule["limits"] = json!({"per_order": rate + 1});
            }
            rule
        });
        let rules = rules.collect();
        (rounding, rules)
    });
}

#[test]
fn adding_goods_takes_no_points_away_where_each_line_is_judged_for_itself() {
    never_falls(2, |chance| {
        let rounding = rounding(chance, "line");
        let rules = (0..chance.below(4) + 1).map(|number| {
            let mut rule = json!({
                "id": format!("r{number}"), "type": "percent", "rate": chance.below(20), "rate_promo": chance.below(3),
                "stop": chance.one_in(2), "stackable": chance.one_in(2)
            });
            if chance.one_in(2) {
                rule["when"] = json!({"products": {"categories": ["toys"], "labels": ["new"]}});
            }
            rule
        });
        let rules = rules.collect();
        (rounding, rules)
    });
}
