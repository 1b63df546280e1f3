//! What the ledger refuses, and in which words: every variant of [`Refusal`].

use domain::{Id, Instant, LIMIT, Money, Points, Quantity};
use ledger::Refusal;

use crate::books::{Books, NOW, day, member_with, member_with_points, new_member};
use crate::purchase::{Purchase, purchase};

fn cart(points: i64) -> Purchase {
    purchase("A").line("a", 1_000, 1_000).paid(&[(points, points)])
}

#[track_caller]
fn refused<T>(result: Result<T, Refusal>, expected: Refusal) {
    assert_eq!(result.err(), Some(expected));
}

/// Nothing was posted meanwhile.
#[track_caller]
fn unchanged(anna: &mut Books, act: impl FnOnce(&mut Books)) {
    let before = (anna.entries.len(), anna.member.clone());
    act(anna);
    assert_eq!((anna.entries.len(), anna.member.clone()), before);
}

#[test]
fn a_member_who_does_not_exist_is_not_found() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10));
    let mut nobody = anna.snapshot(None, Some(red));
    nobody.member = None;
    let (terms, order) = (anna.terms.clone(), cart(10));
    refused(ledger::hold(&nobody, &order.order, &order.judgement, &terms, anna.command(), None), Refusal::MemberNotFound);
    refused(ledger::capture(&nobody, None, None, &terms, anna.command()), Refusal::MemberNotFound);
    refused(ledger::release(&nobody, &terms, anna.command()), Refusal::MemberNotFound);
    let recorded = ledger::record_order(&nobody, &order.order, &order.judgement, &terms, "content", anna.command());
    refused(recorded, Refusal::MemberNotFound);
    let adjustment = ledger::Adjustment { points: Points(1), reason: String::new(), activates_at: None, expires_at: None };
    refused(ledger::adjust(&nobody, &adjustment, &terms, anna.command()), Refusal::MemberNotFound);
}

#[test]
fn an_order_of_a_member_is_not_returned_without_that_member() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns("purchase", &[50]));
    let terms = anna.terms.clone();
    let mut others = anna.snapshot(Some("A"), None);
    if let Some(member) = &mut others.member {
        member.id = Id(99);
    }
    let mut nobodys = anna.snapshot(Some("A"), None);
    nobodys.member = None;
    for snapshot in [others, nobodys] {
        let cancelled = ledger::cancel(&snapshot, "content", |_| unreachable!("it is refused"), &terms, anna.command());
        refused(cancelled, Refusal::OrderNotFound);
    }
}

#[test]
fn an_order_that_does_not_exist_is_not_found() {
    let mut anna = new_member();
    refused(anna.try_to_return("A", None), Refusal::OrderNotFound);
    refused(anna.try_to_cancel("A"), Refusal::OrderNotFound);
}

#[test]
fn a_redemption_that_does_not_exist_is_not_found() {
    let mut anna = new_member();
    refused(anna.try_to_capture(Id(404), None, None), Refusal::RedemptionNotFound);
    refused(anna.try_to_release(Id(404)), Refusal::RedemptionNotFound);
}

#[test]
fn more_points_than_can_be_spent_are_refused_with_what_can_be() {
    let mut anna = member_with(&[("live", 100, day(-1), None), ("pending", 50, day(1), None), ("over", 50, day(-1), Some(NOW))]);
    let short = |available, deficit| Refusal::InsufficientPoints { available: Points(available), deficit: Points(deficit) };
    unchanged(&mut anna, |anna| refused(anna.try_to_hold(&cart(101)), short(100, 0)));
    unchanged(&mut anna, |anna| refused(anna.try_to_hold(&cart(0)), short(100, 0)));
    unchanged(&mut anna, |anna| refused(anna.try_to_adjust(-151, None, None), short(150, 0)));
    let red = anna.holds(&cart(60));
    unchanged(&mut anna, |anna| refused(anna.try_to_capture(red, Some(61), None), short(60, 0)));
    unchanged(&mut anna, |anna| refused(anna.try_to_hold(&cart(41)), short(40, 0)));
}

#[test]
fn a_deficit_is_told_with_the_refusal() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns("purchase", &[50]));
    let red = anna.holds(&cart(50));
    anna.returns_everything("A");
    anna.captures(red, 50);
    refused(anna.try_to_hold(&cart(1)), Refusal::InsufficientPoints { available: Points::ZERO, deficit: Points(50) });
}

#[test]
fn an_order_or_a_return_known_with_other_content_is_refused() {
    let mut anna = new_member();
    let order = purchase("A").line("a", 2_000, 1_000);
    anna.buys(&order);
    let (terms, snapshot) = (anna.terms.clone(), anna.snapshot(Some("A"), None));
    let again = ledger::record_order(&snapshot, &order.order, &order.judgement, &terms, "other content", anna.command());
    refused(again, Refusal::OtherContent { what: "order" });
    anna.try_to_return_as("R", "content", "A", Some(&[("a", 1_000)])).expect("nothing was returned yet");
    let again = anna.try_to_return_as("R", "other content", "A", Some(&[("a", 500)]));
    refused(again, Refusal::OtherContent { what: "return" });
}

#[test]
fn another_members_redemption_is_foreign() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10));
    let mut snapshot = anna.snapshot(None, Some(red));
    if let Some(redemption) = &mut snapshot.redemption {
        redemption.account_id = Id(99);
    }
    let (terms, order) = (anna.terms.clone(), cart(10));
    let recorded = ledger::record_order(&snapshot, &order.order, &order.judgement, &terms, "content", anna.command());
    refused(recorded, Refusal::ForeignRedemption);
    refused(ledger::capture(&snapshot, None, None, &terms, anna.command()), Refusal::ForeignRedemption);
    refused(ledger::release(&snapshot, &terms, anna.command()), Refusal::ForeignRedemption);
}

#[test]
fn a_redemption_ends_once() {
    let mut anna = member_with_points(100);
    let (captured, released) = (anna.holds(&cart(10)), anna.holds(&cart(10)));
    anna.captures(captured, 10);
    anna.releases(released);
    for (red, status) in [(captured, "captured"), (released, "released")] {
        refused(anna.try_to_capture(red, None, None), Refusal::RedemptionClosed { status });
        refused(anna.try_to_release(red), Refusal::RedemptionClosed { status });
    }
    refused(anna.try_to_buy(&cart(10), Some(released)), Refusal::RedemptionClosed { status: "released" });
}

#[test]
fn a_redemption_pays_one_order() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10));
    anna.pays_with(red, &cart(10));
    let mut next = cart(10);
    next.order.reference = "B".to_owned();
    refused(anna.try_to_buy(&next, Some(red)), Refusal::RedemptionClosed { status: "captured" });
}

#[test]
fn a_hold_past_its_deadline_pays_nothing() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10));
    let deadline = Instant(NOW.0 + 1_800_000);
    anna.until(deadline);
    refused(anna.try_to_capture(red, None, None), Refusal::HoldExpired { deadline });
    refused(anna.try_to_buy(&cart(10), Some(red)), Refusal::HoldExpired { deadline });
    refused(anna.try_to_release(red), Refusal::HoldExpired { deadline });
    // and so when it was released for that reason
    anna.is_adjusted(1);
    refused(anna.try_to_capture(red, None, None), Refusal::HoldExpired { deadline });
    refused(anna.try_to_buy(&cart(10), Some(red)), Refusal::HoldExpired { deadline });
    refused(anna.try_to_release(red), Refusal::HoldExpired { deadline });
}

#[test]
fn a_redemption_that_awaits_its_code_pays_nothing_yet() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10).confirmed_by_code());
    refused(anna.try_to_capture(red, None, None), Refusal::ConfirmationRequired);
    refused(anna.try_to_buy(&cart(10), Some(red)), Refusal::ConfirmationRequired);
    anna.releases(red);
    anna.has((100, 0, 0, 0));
}

#[test]
fn a_redemption_captured_for_an_order_pays_no_other() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(10));
    anna.try_to_capture(red, None, Some("Z")).expect("the hold is open");
    refused(anna.try_to_buy(&cart(10), Some(red)), Refusal::OtherOrder { order_ref: "Z".to_owned() });
}

#[test]
fn more_goods_than_are_left_are_refused_with_what_is_left() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 3_000, 1_000).earns("purchase", &[50]));
    let over = |line: Option<&str>, left| Refusal::AlreadyReturned { line: line.map(str::to_owned), left: Quantity(left) };
    refused(anna.try_to_return("A", Some(&[("a", 3_001)])), over(Some("a"), 3_000));
    anna.returns("A", &[("a", 2_000)]);
    unchanged(&mut anna, |anna| refused(anna.try_to_return("A", Some(&[("a", 1_001)])), over(Some("a"), 1_000)));
    anna.returns_everything("A");
    refused(anna.try_to_return("A", Some(&[("a", 1)])), over(Some("a"), 0));
    refused(anna.try_to_return("A", None), over(None, 0));
}

#[test]
fn a_return_of_no_goods_or_less_is_out_of_range() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 3_000, 1_000).earns("purchase", &[50]));
    anna.returns("A", &[("a", 2_000)]);
    for quantity in [0, -1, -2_000, i64::MIN, i64::MAX] {
        unchanged(&mut anna, |anna| refused(anna.try_to_return("A", Some(&[("a", quantity)])), Refusal::Overflow));
    }
}

#[test]
fn a_line_that_the_order_does_not_have_is_named_by_its_place() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("a", 1_000, 1_000));
    refused(anna.try_to_return("A", Some(&[("a", 1_000), ("x", 1_000)])), Refusal::NoSuchLine { index: 1 });
}

#[test]
fn an_order_that_was_judged_with_another_payment_than_its_redemption_makes_is_refused() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(60));
    let changed = purchase("A").line("a", 1_000, 40).paid(&[(40, 40)]);
    let expected = Refusal::OrderChanged { held_for: Money(1_000), items: Money(40) };
    unchanged(&mut anna, |anna| refused(anna.try_to_buy(&changed, Some(red)), expected));
    // points that nobody holds pay nothing
    let expected = Refusal::OrderChanged { held_for: Money::ZERO, items: Money(1_000) };
    unchanged(&mut anna, |anna| refused(anna.try_to_buy(&cart(60), None), expected));
}

#[test]
fn amounts_beyond_what_one_operation_may_move_overflow() {
    let mut anna = new_member();
    anna.is_adjusted(LIMIT);
    refused(anna.try_to_adjust(LIMIT + 1, None, None), Refusal::Overflow);
    refused(anna.try_to_adjust(0, None, None), Refusal::Overflow);
    refused(anna.try_to_adjust(i64::MIN, None, None), Refusal::Overflow);
    let order = purchase("A").line("a", 1_000, 1_000).earns("one", &[LIMIT]).earns("two", &[1]);
    refused(anna.try_to_buy(&order, None), Refusal::Overflow);
    // many operations together may
    anna.is_adjusted(LIMIT);
    anna.has((2 * LIMIT, 0, 0, 0));
    refused(anna.try_to_hold(&cart(LIMIT + 1)), Refusal::Overflow);
    let red = anna.holds(&cart(LIMIT));
    for points in [0, -1] {
        refused(anna.try_to_capture(red, Some(points), None), Refusal::Overflow);
    }
}
