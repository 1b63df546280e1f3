//! Returns are exact in both directions: points, money and what counted toward the tiers, in any sequence of parts.

use std::cell::Cell;

use domain::judgement::Standing;
use domain::snapshot::{Member, RedemptionStatus};
use domain::{Money, Points, Quantity};
use ledger::{ReturnLine, ReturnRequest};

use crate::books::{Books, NOW, day, member_with, member_with_points, new_member};
use crate::purchase::{Purchase, purchase};

/// An order that points paid in part and that earned, by a member who has exactly those points.
fn bought(order: &Purchase) -> Books {
    let paid = order.judgement.payment.points.0;
    let mut anna = member_with_points(paid);
    if paid == 0 {
        anna.buys(order);
    } else {
        let red = anna.holds(order);
        anna.pays_with(red, order);
    }
    anna
}

/// Returned in these steps of (line, thousandths), each step gives back (clawed back, restored, refund), and in the end
/// nothing is left of the order.
#[track_caller]
fn check(order: &Purchase, steps: &[(&str, i64)], expected: &[(i64, i64, i64)]) {
    let mut anna = bought(order);
    let found: Vec<(i64, i64, i64)> = steps
        .iter()
        .map(|step| {
            let given = anna.returns("A", &[*step]);
            (given.clawed_back.0, given.restored.0, given.refund.0)
        })
        .collect();
    assert_eq!(found, expected, "(clawed back, restored, refund)");
    let judged = &order.judgement;
    assert_eq!(found.iter().map(|given| given.0).sum::<i64>(), judged.earned.0, "all that was earned is taken back");
    assert_eq!(found.iter().map(|given| given.1).sum::<i64>(), judged.payment.points.0, "all that was paid is back");
    let refunded = found.iter().map(|given| given.2).sum::<i64>();
    assert_eq!(refunded, judged.payable.0 - judged.delivery.0, "all money for goods is back");
    assert_eq!(anna.member.qualifying_spend, Money::ZERO);
    anna.has((judged.payment.points.0, 0, 0, 0));
}

#[test]
fn three_equal_lines_returned_one_by_one_sum_to_the_whole() {
    let order = purchase("A").line("a", 1_000, 3_333).line("b", 1_000, 3_333).line("c", 1_000, 3_334);
    let order = order.paid(&[(334, 33), (333, 33), (333, 34)]).earns("purchase", &[34, 33, 33]);
    check(&order, &[("a", 1_000), ("b", 1_000), ("c", 1_000)], &[(34, 334, 3_300), (33, 333, 3_300), (33, 333, 3_300)]);
    check(&order, &[("c", 1_000), ("a", 1_000), ("b", 1_000)], &[(33, 333, 3_300), (34, 334, 3_300), (33, 333, 3_300)]);
}

#[test]
fn a_line_of_three_pieces_returned_piece_by_piece_sums_to_the_whole() {
    let order = purchase("A").line("a", 3_000, 10_000).paid(&[(100, 100)]).earns("purchase", &[500]);
    check(&order, &[("a", 1_000), ("a", 1_000), ("a", 1_000)], &[(166, 33, 3_300), (167, 33, 3_300), (167, 34, 3_300)]);
}

#[test]
fn odd_amounts_and_fractions_of_a_piece_sum_to_the_whole() {
    let order = purchase("A").line("cheese", 1_001, 997).paid(&[(13, 7)]).earns("purchase", &[7]);
    check(
        &order,
        &[("cheese", 1), ("cheese", 499), ("cheese", 500), ("cheese", 1)],
        &[(0, 0, 0), (3, 6, 494), (3, 6, 495), (1, 1, 1)],
    );
    // one point and one hundredth go with the last piece
    let order = purchase("A").line("a", 3_000, 1).earns("purchase", &[1]);
    check(&order, &[("a", 1_000), ("a", 1_000), ("a", 1_000)], &[(0, 0, 0), (0, 0, 0), (1, 0, 1)]);
}

#[test]
fn a_line_that_earned_several_lots_takes_its_share_from_each() {
    let order = purchase("A").line("a", 2_000, 10_000).line("b", 1_000, 5_000);
    let order = order.earns("percent", &[101, 50]).earns_for("gift", &[33, 0], day(14), None);
    let mut anna = bought(&order);
    anna.returns("A", &[("a", 1_000)]);
    anna.posted_last(&[("clawback", &[("percent", 50), ("gift", 16)])]);
    anna.returns("A", &[("a", 1_000)]);
    anna.posted_last(&[("clawback", &[("percent", 51), ("gift", 17)])]);
    anna.has_on_lots(&[("percent", 50)]);
}

#[test]
fn several_lines_in_one_return_are_one_entry_each_way() {
    let order = purchase("A").line("a", 1_000, 1_000).line("b", 1_000, 1_000);
    let order = order.paid(&[(10, 10), (20, 20)]).earns("purchase", &[7, 8]);
    let mut anna = bought(&order);
    let given = anna.returns("A", &[("a", 1_000), ("b", 1_000)]);
    anna.posted_last(&[("redemption_rollback", &[("welcome", 30)]), ("clawback", &[("purchase", 15)])]);
    assert_eq!((given.clawed_back, given.restored, given.refund), (Points(15), Points(30), Money(1_970)));
}

#[test]
fn the_same_line_named_twice_adds_up() {
    let order = purchase("A").line("a", 3_000, 1_000).earns("purchase", &[100]);
    let mut anna = bought(&order);
    let given = anna.returns("A", &[("a", 1_000), ("a", 1_000)]);
    assert_eq!(given.clawed_back, Points(66));
    assert_eq!(given.plan.returns[0].lines.len(), 1);
    assert!(anna.try_to_return("A", Some(&[("a", 500), ("a", 501)])).is_err(), "one piece is left");
}

#[test]
fn everything_left_is_returned_after_parts() {
    let order = purchase("A").line("a", 3_000, 1_000).line("b", 1_000, 500).delivered_for(200);
    let order = order.earns("purchase", &[100, 11]);
    let mut anna = bought(&order);
    anna.returns("A", &[("a", 1_000)]);
    let given = anna.returns_everything("A");
    assert_eq!((given.clawed_back, given.refund), (Points(67 + 11), Money(667 + 500)), "the delivery was made");
    anna.has((0, 0, 0, 0));
}

#[test]
fn what_the_program_took_off_is_not_refunded() {
    let order = purchase("A").line("a", 2_000, 1_000).discounted(&[101]).paid(&[(50, 50)]);
    check(&order, &[("a", 1_000), ("a", 1_000)], &[(0, 25, 424), (0, 25, 425)]);
}

#[test]
fn spent_points_go_back_to_their_lots_last_taken_first() {
    let mut anna = member_with(&[
        ("never", 100, day(-1), None),
        ("late", 100, day(-1), Some(day(30))),
        ("soon", 100, day(-1), Some(day(10))),
    ]);
    let order = purchase("A").line("a", 3_000, 1_000).paid(&[(250, 250)]);
    let red = anna.holds(&order);
    anna.pays_with(red, &order);
    anna.posted_last(&[("capture", &[("soon", 100), ("late", 100), ("never", 50)])]);
    anna.returns("A", &[("a", 1_000)]);
    anna.posted_last(&[("redemption_rollback", &[("never", 50), ("late", 33)])]);
    anna.returns("A", &[("a", 1_000)]);
    anna.posted_last(&[("redemption_rollback", &[("late", 67), ("soon", 16)])]);
    anna.returns("A", &[("a", 1_000)]);
    anna.posted_last(&[("redemption_rollback", &[("soon", 84)])]);
    anna.has_on_lots(&[("never", 100), ("late", 100), ("soon", 100)]);
}

#[test]
fn points_given_back_keep_the_expiry_that_they_had() {
    let mut anna = member_with(&[("soon", 100, day(-1), Some(day(10)))]);
    let order = purchase("A").line("a", 1_000, 1_000).paid(&[(100, 100)]);
    let red = anna.holds(&order);
    anna.pays_with(red, &order);
    anna.until(day(9)).returns_everything("A");
    assert_eq!(anna.balance().expiring[0].at, day(10));

    let mut boris = member_with(&[("soon", 100, day(-1), Some(day(10)))]);
    let red = boris.holds(&order);
    boris.pays_with(red, &order);
    boris.until(day(10)).returns_everything("A");
    boris.has((0, 0, 0, 0));
    assert_eq!(boris.balance().lifetime_expired, Points(100), "back, and over");
}

#[test]
fn a_part_of_a_hold_that_was_not_captured_does_not_come_back_twice() {
    let mut anna = member_with(&[("late", 100, day(-1), Some(day(30))), ("soon", 100, day(-1), Some(day(10)))]);
    let red = anna.holds(&purchase("A").line("a", 1_000, 1_000).paid(&[(150, 150)]));
    anna.try_to_capture(red, Some(70), Some("A")).expect("the hold is open");
    anna.pays_with(red, &purchase("A").line("a", 1_000, 1_000).paid(&[(70, 70)]));
    anna.returns_everything("A");
    anna.has((200, 0, 0, 0)).has_on_lots(&[("late", 100), ("soon", 100)]);
}

#[test]
fn an_earning_that_paid_a_deficit_and_is_returned_makes_it_again() {
    let mut anna = new_member();
    anna.buys(&purchase("X").line("a", 1_000, 1_000).earns("first", &[40]));
    let red = anna.holds(&purchase("Y").line("a", 1_000, 1_000).paid(&[(40, 40)]));
    anna.captures(red, 40);
    anna.returns_everything("X");
    anna.has((0, 0, 0, 40));
    anna.buys(&purchase("A").line("a", 2_000, 1_000).earns("second", &[100]));
    anna.has((60, 0, 0, 0));
    let given = anna.returns("A", &[("a", 1_000)]);
    assert_eq!((given.clawed_back, given.deficit), (Points(50), Points::ZERO));
    let given = anna.returns("A", &[("a", 1_000)]);
    assert_eq!((given.clawed_back, given.deficit), (Points(50), Points(40)));
    anna.has((0, 0, 0, 40));
}

#[test]
fn several_returns_in_one_second_follow_each_other() {
    let order = purchase("A").line("a", 3_000, 1_000).paid(&[(99, 99)]).earns("purchase", &[30]);
    let mut anna = bought(&order);
    for _ in 0..3 {
        anna.returns("A", &[("a", 1_000)]);
    }
    assert!(anna.entries.is_sorted_by_key(|entry| entry.seq));
    assert_eq!(anna.order("A").revision, 3);
    assert_eq!(anna.order("A").returns.len(), 3);
}

#[test]
fn a_return_releases_overdue_holds_and_may_take_their_points() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns("purchase", &[40]));
    let red = anna.holds(&purchase("B").line("a", 1_000, 1_000).paid(&[(40, 40)]));
    anna.until(day(1)).returns_everything("A");
    anna.has((0, 0, 0, 0));
    assert_eq!(anna.redemption(red).status, RedemptionStatus::Expired);
}

#[test]
fn a_return_of_an_order_that_never_moved_points_only_counts_goods() {
    let mut anna = bought(&purchase("A").line("a", 2_000, 1_000));
    let entries = anna.entries.len();
    let given = anna.returns("A", &[("a", 1_000)]);
    assert_eq!((given.refund, anna.entries.len()), (Money(500), entries));
    assert_eq!(anna.member.qualifying_spend, Money(500));
    assert_eq!(anna.member.orders, 1, "it is an order still");
}

#[test]
fn an_order_without_a_member_is_returned_for_its_money() {
    let mut anna = bought(&purchase("A").line("a", 2_000, 1_000));
    let mut snapshot = anna.snapshot(Some("A"), None);
    snapshot.member = None;
    if let Some(order) = &mut snapshot.order {
        order.member_id = None;
    }
    let request =
        ledger::ReturnRequest { reference: "R".to_owned(), occurred_at: NOW, lines: None, content_hash: "content".to_owned() };
    let given = ledger::take_back(&snapshot, &request, |_| panic!("nobody has tiers"), &anna.terms.clone(), anna.command())
        .expect("nothing speaks against it");
    assert_eq!((given.refund, given.balance.is_none()), (Money(1_000), true));
    assert!(given.plan.statistics.is_empty() && given.plan.entries.is_empty());
    assert_eq!(given.plan.returned.len(), 1);
}

#[test]
fn the_largest_order_is_what_is_left_of_it_or_another_one() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 3_000, 10_001));
    for (returned, largest) in [(None, 4_000), (Some(1_000), 6_668), (Some(2_000), 4_000), (Some(3_000), 4_000)] {
        let mut snapshot = anna.snapshot(Some("A"), None);
        snapshot.order.as_mut().expect("it is recorded").largest_other = Money(4_000);
        let (told, command) = (Cell::new(Money(0)), anna.command());
        let standing = |member: &Member| {
            told.set(member.largest_order);
            Standing::default()
        };
        let given = match returned {
            None => ledger::cancel(&snapshot, "content", standing, &anna.terms, command),
            Some(quantity) => {
                let lines = Some(vec![ReturnLine { id: "a".to_owned(), quantity: Quantity(quantity) }]);
                let content_hash = "content".to_owned();
                let request = ReturnRequest { reference: "R".to_owned(), occurred_at: NOW, lines, content_hash };
                ledger::take_back(&snapshot, &request, standing, &anna.terms, command)
            }
        };
        given.expect("nothing speaks against it");
        assert_eq!(told.get(), Money(largest), "after {returned:?} of 3 pieces");
    }
}

#[test]
fn any_sequence_of_partial_returns_sums_to_the_whole() {
    // every way to cut seven pieces into parts, over amounts that do not divide
    for cuts in 0..64_u32 {
        let order = purchase("A").line("a", 7_000, 12_345).line("b", 1_000, 1);
        let order = order.paid(&[(1_001, 1_001), (1, 1)]).earns("one", &[617, 0]).earns("two", &[3, 1]);
        let mut anna = bought(&order);
        let mut quantity = 0;
        let (mut clawed_back, mut restored, mut refund) = (0, 0, 0);
        for piece in 0..7 {
            quantity += 1_000;
            if piece == 6 || cuts & (1 << piece) != 0 {
                let given = anna.returns("A", &[("a", quantity)]);
                clawed_back += given.clawed_back.0;
                restored += given.restored.0;
                refund += given.refund.0;
                quantity = 0;
            }
        }
        assert_eq!((clawed_back, restored, refund), (620, 1_001, 11_344), "cut as {cuts:b}");
        anna.returns_everything("A");
        anna.has((1_002, 0, 0, 0));
    }
}
