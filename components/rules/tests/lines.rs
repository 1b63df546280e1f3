//! What an order must be, and what its lines are worth.

mod common;

use common::{NOON, line, member, order, program};
use rules::engine::{Failure, Line, Order, Payment};

/// An order of one line of 100.00 and how it is spoilt; expected is where and what is found.
#[track_caller]
fn check(spoil: impl FnOnce(&mut Order), pointer: &str, code: &str) {
    let mut spoilt = order(vec![line("1", 10_000)]);
    spoil(&mut spoilt);
    match program("gw-tools").judge_order(&member(0), &spoilt, &Payment::None) {
        Err(Failure::Invalid(finding)) => {
            assert_eq!((finding.pointer.as_str(), finding.code.as_str()), (pointer, code));
            assert!(!finding.detail.is_empty());
        }
        other => panic!("{pointer} {code} expected, got {other:?}"),
    }
}

/// A line and its amount, both in hundredths.
#[track_caller]
fn check_amount(line: Line, expected: i64) {
    let judgement = program("gw-tools").judge_order(&member(0), &order(vec![line]), &Payment::None).unwrap();
    assert_eq!((judgement.lines[0].amount, judgement.items, judgement.payable), (expected, expected, expected));
}

#[track_caller]
fn overflows(spoil: impl FnOnce(&mut Order)) {
    let mut spoilt = order(vec![line("1", 10_000)]);
    spoil(&mut spoilt);
    let judged = program("gw-tools").judge_order(&member(0), &spoilt, &Payment::None);
    assert_eq!(judged, Err(Failure::Overflow));
}

#[test]
fn amounts_are_rounded_half_up() {
    check_amount(Line { quantity: 2_500, ..line("1", 10_001) }, 25_003); // 250.025
    check_amount(Line { quantity: 333, ..line("1", 100) }, 33); // 0.333
    check_amount(Line { quantity: 1, ..line("1", 499) }, 0); // 0.00499
    check_amount(Line { quantity: 1, ..line("1", 500) }, 1); // 0.005
    check_amount(Line { quantity: 3_000, discount: 30_000, ..line("1", 10_000) }, 0);
}

#[test]
fn an_order_that_makes_no_sense_is_refused_by_pointer() {
    check(|order| order.lines.clear(), "/lines", "empty");
    check(|order| order.lines = (0..1_001).map(|id| line(&id.to_string(), 1)).collect(), "/lines", "too_many");
    check(|order| order.lines.push(line("1", 5)), "/lines/1/id", "duplicate_id");
    check(|order| order.lines[0].id.clear(), "/lines/0/id", "empty");
    check(|order| order.lines[0].quantity = 0, "/lines/0/quantity", "out_of_range");
    check(|order| order.lines[0].quantity = -1, "/lines/0/quantity", "out_of_range");
    check(|order| order.lines[0].price = -1, "/lines/0/price", "out_of_range");
    check(|order| order.lines[0].discount = -1, "/lines/0/discount", "out_of_range");
    check(|order| order.lines[0].discount = 10_001, "/lines/0/discount", "out_of_range");
    check(|order| order.lines[0].cost = Some(-1), "/lines/0/cost", "out_of_range");
    check(|order| order.lines[0].tax = Some(i64::MIN), "/lines/0/tax", "out_of_range");
    check(|order| order.lines[0].labels = vec![String::new(); 101], "/lines/0/labels", "too_many");
    check(|order| order.delivery = -1, "/delivery", "out_of_range");
    check(|order| order.occurred_at = i64::MAX, "/occurred_at", "out_of_range");
    check(|order| order.occurred_at = NOON * 1_000, "/occurred_at", "out_of_range"); // microseconds
}

#[test]
fn amounts_beyond_the_contract_overflow() {
    overflows(|order| order.lines[0].price = i64::MAX);
    overflows(|order| order.lines[0].quantity = i64::MAX);
    overflows(|order| (order.lines[0].price, order.lines[0].quantity) = (1_000_000_000_000, 1_001));
    overflows(|order| order.delivery = 1_000_000_000_000);
    overflows(|order| order.lines[0].cost = Some(i64::MAX));
    overflows(|order| order.lines.extend((2..4).map(|id| line(&id.to_string(), 500_000_000_000))));
}

#[test]
fn a_member_beyond_the_contract_overflows() {
    let bought = order(vec![line("1", 1)]);
    for spend in [i64::MAX, i64::MIN, 1_000_000_000_000] {
        let judged = program("gw-tools").judge_order(&member(spend), &bought, &Payment::None);
        assert_eq!(judged, Err(Failure::Overflow), "{spend}");
    }
    let mut rich = member(0);
    rich.available = i64::MAX;
    assert_eq!(program("gw-tools").judge_order(&rich, &bought, &Payment::Maximum), Err(Failure::Overflow));
}

#[test]
fn an_enrolment_has_a_moment_too() {
    for at in [i64::MIN, i64::MAX] {
        let judged = program("gw-tools").judge_enrolment(at, "site");
        assert!(matches!(judged, Err(Failure::Invalid(finding)) if finding.pointer == "/at"));
    }
}
