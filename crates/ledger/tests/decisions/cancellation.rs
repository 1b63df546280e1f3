//! A cancellation undoes everything that the order did and earlier returns did not.

use domain::{Money, Points, Quantity};
use ledger::Refusal;

use crate::books::{Books, day, member_with_points};
use crate::purchase::{Purchase, purchase};

fn order() -> Purchase {
    let order = purchase("A").line("a", 3_000, 10_000).line("b", 1_000, 501).delivered_for(300);
    order.paid(&[(100, 100), (1, 1)]).earns("purchase", &[500, 25])
}

fn bought() -> Books {
    let mut anna = member_with_points(101);
    let red = anna.holds(&order());
    anna.pays_with(red, &order());
    anna
}

#[test]
fn a_cancelled_order_leaves_the_member_as_before_it() {
    let mut anna = bought();
    anna.has((525, 0, 0, 0));
    let given = anna.cancels("A");
    assert_eq!((given.clawed_back, given.restored, given.refund), (Points(525), Points(101), Money(10_000 - 100 + 500 + 300)));
    anna.has((101, 0, 0, 0)).has_on_lots(&[("welcome", 101)]);
    assert_eq!((anna.member.orders, anna.member.qualifying_spend), (0, Money::ZERO));
    assert_eq!(anna.order("A").status, "cancelled");
}

#[test]
fn a_cancellation_after_partial_returns_undoes_the_rest_and_refunds_the_delivery() {
    let mut anna = bought();
    let first = anna.returns("A", &[("a", 1_000)]);
    let second = anna.returns("A", &[("b", 1_000)]);
    let last = anna.cancels("A");
    let sums = |of: fn(&ledger::Given) -> i64| of(&first) + of(&second) + of(&last);
    assert_eq!(sums(|given| given.clawed_back.0), 525);
    assert_eq!(sums(|given| given.restored.0), 101);
    assert_eq!(sums(|given| given.refund.0), order().judgement.payable.0);
    anna.has((101, 0, 0, 0));
    assert_eq!((anna.member.orders, anna.member.qualifying_spend), (0, Money::ZERO));
}

#[test]
fn an_order_whose_goods_are_all_returned_can_still_be_cancelled_for_its_delivery() {
    let mut anna = bought();
    anna.returns_everything("A");
    assert_eq!(anna.member.orders, 1);
    let entries = anna.entries.len();
    let given = anna.cancels("A");
    assert_eq!((given.clawed_back, given.restored, given.refund), (Points::ZERO, Points::ZERO, Money(300)));
    assert_eq!((anna.entries.len(), anna.member.orders), (entries, 0));
}

#[test]
fn a_cancelled_order_is_neither_cancelled_nor_returned_again() {
    let mut anna = bought();
    anna.cancels("A");
    let over = Refusal::AlreadyReturned { line: None, left: Quantity::ZERO };
    assert_eq!(anna.try_to_cancel("A").err(), Some(over.clone()));
    assert_eq!(anna.try_to_return("A", Some(&[("a", 1_000)])).err(), Some(over.clone()));
    assert_eq!(anna.try_to_return("A", None).err(), Some(over));
}

#[test]
fn a_cancellation_long_after_makes_a_deficit_of_what_is_gone() {
    let mut anna = bought();
    anna.is_adjusted(-525);
    anna.until(day(60)).cancels("A");
    anna.has((0, 0, 0, 525 - 101));
}
