//! Which lots points are taken from: nearest expiry first, never-expiring last, then oldest; only what is live.

use domain::Instant;

use crate::books::{NOW, day, member_with, member_with_points};
use crate::purchase::purchase;

type Given<'a> = (&'a str, i64, Instant, Option<Instant>);

/// From these lots (name, points, activates, expires) so many points are held: which lots give them?
#[track_caller]
fn check(lots: &[Given], points: i64, expected: &[(&str, i64)]) {
    let mut anna = member_with(lots);
    anna.holds(&purchase("A").line("shoes", 1_000, points).paid(&[(points, points)]));
    anna.posted_last(&[("hold", expected)]);
}

#[test]
fn the_lot_that_expires_soonest_is_spent_first() {
    let lots = [("late", 100, day(-1), Some(day(30))), ("soon", 100, day(-1), Some(day(10)))];
    check(&lots, 60, &[("soon", 60)]);
    check(&lots, 100, &[("soon", 100)]);
    check(&lots, 150, &[("soon", 100), ("late", 50)]);
    check(&lots, 200, &[("soon", 100), ("late", 100)]);
}

#[test]
fn a_lot_that_never_expires_is_spent_last() {
    let lots = [("for ever", 100, day(-1), None), ("for years", 100, day(-1), Some(day(3_650)))];
    check(&lots, 101, &[("for years", 100), ("for ever", 1)]);
}

#[test]
fn of_lots_that_expire_together_the_oldest_is_spent_first() {
    let end = Some(day(10));
    check(&[("older", 10, day(-1), end), ("newer", 10, day(-1), end)], 15, &[("older", 10), ("newer", 5)]);
    check(&[("older", 10, day(-1), None), ("newer", 10, day(-1), None)], 15, &[("older", 10), ("newer", 5)]);
}

#[test]
fn a_lot_is_live_from_its_activation_and_until_its_expiry() {
    let just_before = |moment: Instant| Instant(moment.0 - 1);
    let just_after = |moment: Instant| Instant(moment.0 + 1);
    for (activates_at, expires_at, live) in [
        (NOW, Some(just_after(NOW)), true),
        (just_before(NOW), None, true),
        (just_after(NOW), None, false),
        (just_before(NOW), Some(NOW), false),
    ] {
        let anna = member_with(&[("lot", 5, activates_at, expires_at)]);
        assert_eq!(anna.account().spendable().0 == 5, live, "from {activates_at} until {expires_at:?}, asked at {NOW}");
    }
}

#[test]
fn what_is_pending_or_over_is_passed_by_even_where_it_expires_soonest() {
    let lots = [("over", 100, day(-1), Some(NOW)), ("pending", 100, day(1), Some(day(2))), ("live", 100, day(-1), Some(day(30)))];
    check(&lots, 100, &[("live", 100)]);
}

#[test]
fn a_deficit_is_set_aside_before_anything_is_spent() {
    let mut anna = member_with_points(100);
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).earns("purchase", &[40]));
    let red = anna.holds(&purchase("B").line("hat", 1_000, 1_000).paid(&[(140, 140)]));
    anna.captures(red, 140);
    anna.returns_everything("A");
    anna.has((0, 0, 0, 40));
    // staff may give points that pay a deficit; what is left of them can be spent
    anna.is_adjusted(50);
    anna.has((10, 0, 0, 0));
    assert_eq!(anna.account().spendable().0, 10);
}

#[test]
fn points_given_back_to_an_old_lot_pay_a_deficit() {
    let mut anna = member_with_points(0);
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).earns("purchase", &[40]));
    let red = anna.holds(&purchase("B").line("hat", 1_000, 1_000).paid(&[(40, 40)]));
    anna.returns_everything("A");
    anna.has((0, 0, 40, 40));
    anna.releases(red);
    anna.has((0, 0, 0, 0));
    assert_eq!(anna.account().spendable().0, 0);
}
