//! Points set aside for an order: hold, capture whole or in part, release, and deadlines that pass.

use domain::snapshot::RedemptionStatus;
use domain::{Instant, Money, Points};

use crate::books::{NOW, day, member_with, member_with_points};
use crate::purchase::{Purchase, purchase};

/// A cart that so many points pay in part.
fn cart(points: i64) -> Purchase {
    purchase("A").line("shoes", 1_000, 1_000_000).paid(&[(points, points)])
}

/// Half an hour after a moment, when a hold made then is over.
fn deadline(made: Instant) -> Instant {
    made.plus_seconds(1_800)
}

#[test]
fn a_hold_sets_points_aside_until_its_deadline() {
    let mut anna = member_with_points(100);
    let held = anna.try_to_hold(&cart(60)).expect("there are 100");
    anna.has((40, 0, 60, 0));
    assert_eq!(held.redemption.hold_expires_at, deadline(NOW));
    assert_eq!(held.redemption.status, "held");
    assert_eq!(held.redemption.lines, [("shoes".to_owned(), Points(60), Money(60))]);
}

#[test]
fn a_hold_above_the_declared_amount_awaits_its_code() {
    let mut anna = member_with_points(100);
    let held = anna.try_to_hold(&cart(60).confirmed_by_code()).expect("there are 100");
    assert_eq!(held.redemption.status, "awaiting_confirmation");
    anna.has((40, 0, 60, 0));
}

#[test]
fn a_captured_hold_is_redeemed() {
    let mut anna = member_with_points(100);
    let red = anna.holds(&cart(60));
    let ended = anna.captures(red, 60);
    anna.has((40, 0, 0, 0)).posted_last(&[("capture", &[("welcome", 60)])]);
    assert_eq!((ended.captured, ended.captured_money, ended.status), (Points(60), Money(60), RedemptionStatus::Captured));
    assert_eq!(anna.balance().lifetime_redeemed, Points(60));
    assert_eq!(anna.balance().lifetime_earned, Points(100));
}

#[test]
fn a_hold_captured_in_part_spends_what_expires_soonest_and_gives_back_the_rest() {
    // the lot made first expires last, so that the sequence of ids is not that of spending
    let mut anna = member_with(&[("late", 100, day(-1), Some(day(30))), ("soon", 100, day(-1), Some(day(10)))]);
    let red = anna.holds(&cart(150));
    anna.posted_last(&[("hold", &[("soon", 100), ("late", 50)])]);
    let ended = anna.captures(red, 70);
    anna.posted_last(&[("capture", &[("soon", 70)]), ("release", &[("soon", 30), ("late", 50)])]);
    anna.has((130, 0, 0, 0)).has_on_lots(&[("late", 100), ("soon", 30)]);
    assert_eq!(ended.captured_money, Money(70));
}

#[test]
fn money_of_a_part_is_in_proportion_and_rounded_down() {
    for (held, money, captured, paid) in [(3, 100, 1, 33), (3, 100, 2, 66), (3, 100, 3, 100), (1_000, 1, 999, 0)] {
        let mut anna = member_with_points(held);
        let mut cart = cart(held);
        cart.judgement.payment.money = Money(money);
        let red = anna.holds(&cart);
        assert_eq!(anna.captures(red, captured).captured_money, Money(paid), "{captured} of {held} that pay {money}");
    }
}

#[test]
fn a_released_hold_gives_the_points_back_to_their_lots() {
    let mut anna = member_with(&[("soon", 100, day(-1), Some(day(10))), ("late", 100, day(-1), Some(day(30)))]);
    let red = anna.holds(&cart(150));
    let ended = anna.releases(red);
    assert_eq!(ended.status, RedemptionStatus::Released);
    anna.has((200, 0, 0, 0)).has_on_lots(&[("soon", 100), ("late", 100)]);
}

#[test]
fn a_hold_may_be_captured_after_its_lot_has_expired() {
    let mut anna = member_with(&[("last day", 100, day(-1), Some(Instant(NOW.0 + 60_000)))]);
    let red = anna.holds(&cart(100));
    anna.until(Instant(NOW.0 + 60_000));
    anna.captures(red, 100);
    anna.has((0, 0, 0, 0));
    assert_eq!(anna.balance().lifetime_redeemed, Points(100));
}

#[test]
fn points_released_to_a_lot_that_has_expired_meanwhile_count_as_expired() {
    let mut anna = member_with(&[("last day", 100, day(-1), Some(Instant(NOW.0 + 60_000)))]);
    let red = anna.holds(&cart(100));
    anna.until(Instant(NOW.0 + 60_000));
    anna.releases(red);
    anna.has((0, 0, 0, 0));
    assert_eq!(anna.balance().lifetime_expired, Points(100));
    assert!(anna.try_to_hold(&cart(1)).is_err());
}

#[test]
fn a_hold_is_open_until_its_deadline_and_not_at_it() {
    for (milliseconds, open) in [(-1, true), (0, false), (1, false)] {
        let mut anna = member_with_points(100);
        let red = anna.holds(&cart(60));
        anna.until(Instant(deadline(NOW).0 + milliseconds));
        assert_eq!(anna.try_to_capture(red, None, None).is_ok(), open, "{milliseconds} ms after the deadline");
    }
}

#[test]
fn an_overdue_hold_gives_its_points_back_before_anything_else() {
    let mut anna = member_with_points(100);
    let overdue = anna.holds(&cart(100));
    anna.until(deadline(NOW));
    let next = anna.holds(&cart(80));
    anna.posted_last(&[("release", &[("welcome", 100)]), ("hold", &[("welcome", 80)])]);
    anna.has((20, 0, 80, 0));
    assert_eq!(anna.redemption(overdue).status, RedemptionStatus::Expired);
    assert_eq!(anna.redemption(next).status, RedemptionStatus::Held);
}

#[test]
fn two_overdue_holds_of_one_account_are_released_one_after_the_other() {
    let mut anna = member_with_points(100);
    let first = anna.holds(&cart(60));
    let second = anna.holds(&cart(40));
    anna.until(deadline(NOW));
    anna.is_adjusted(-100);
    anna.has((0, 0, 0, 0));
    anna.posted_last(&[("release", &[("welcome", 60)]), ("release", &[("welcome", 40)]), ("adjust_out", &[("welcome", 100)])]);
    for red in [first, second] {
        assert_eq!(anna.redemption(red).status, RedemptionStatus::Expired);
    }
}

#[test]
fn an_overdue_release_says_when_the_hold_ended() {
    let mut anna = member_with_points(100);
    anna.holds(&cart(60));
    anna.until(day(2));
    anna.is_adjusted(1);
    let release = anna.entries.iter().find(|entry| entry.kind == "release").expect("the hold was overdue");
    assert_eq!(release.occurred_at, deadline(NOW));
    assert_eq!(release.at, day(2));
    assert_eq!(release.explanation[0]["code"], "hold_expired");
    assert_eq!(release.explanation[0]["points"], "0.60");
}

#[test]
fn a_hold_spends_what_it_took_first_even_when_the_end_of_that_was_put_off_meanwhile() {
    let lots = [("early", 60, day(-1), Some(day(10))), ("late", 40, day(-1), Some(day(20)))];
    let mut anna = member_with(&lots);
    let red = anna.holds(&cart(100));
    anna.puts_off("early", day(60));
    anna.captures(red, 60);
    anna.posted_last(&[("capture", &[("early", 60)]), ("release", &[("late", 40)])]);
}
