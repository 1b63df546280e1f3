//! Points of returned goods that are no longer on the order's own lots: what each policy does.

use domain::Points;
use domain::judgement::ClawbackPolicy::{self, AllowNegative, ClampToZero, PendingOnly, WithinBalance};

use crate::books::{Books, NOW, day, new_member};
use crate::purchase::purchase;

/// An order earned 100. Meanwhile so many were spent, and other lots hold (available, pending).
fn spent_meanwhile(policy: ClawbackPolicy, spent: i64, available: i64, pending: i64) -> Books {
    let mut anna = new_member().under(policy);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns("own", &[100]));
    if spent > 0 {
        let red = anna.holds(&purchase("B").line("b", 1_000, 1_000).paid(&[(spent, spent)]));
        anna.captures(red, spent);
    }
    if available > 0 {
        anna.buys(&purchase("C").line("c", 1_000, 1_000).earns("other", &[available]));
    }
    if pending > 0 {
        anna.buys(&purchase("D").line("d", 1_000, 1_000).earns_for("later", &[pending], day(14), None));
    }
    anna
}

/// After its return: (clawed back, deficit, forgiven), and (available, pending, held, deficit).
#[track_caller]
fn check(mut anna: Books, given: (i64, i64, i64), left: (i64, i64, i64, i64)) {
    let found = anna.returns_everything("A");
    assert_eq!((found.clawed_back.0, found.deficit.0, found.forgiven.0), given, "(clawed back, deficit, forgiven)");
    anna.has(left);
}

#[test]
fn points_still_on_the_own_lot_are_taken_by_every_policy_but_one() {
    for policy in [ClampToZero, AllowNegative, WithinBalance] {
        check(spent_meanwhile(policy, 0, 50, 0), (100, 0, 0), (50, 0, 0, 0));
    }
    check(spent_meanwhile(PendingOnly, 0, 50, 0), (0, 0, 100), (150, 0, 0, 0));
}

#[test]
fn clamp_to_zero_takes_other_lots_pending_ones_too_and_forgives_the_rest() {
    check(spent_meanwhile(ClampToZero, 70, 90, 0), (100, 0, 0), (20, 0, 0, 0));
    check(spent_meanwhile(ClampToZero, 100, 30, 20), (50, 0, 50), (0, 0, 0, 0));
    check(spent_meanwhile(ClampToZero, 100, 0, 0), (0, 0, 100), (0, 0, 0, 0));
}

#[test]
fn allow_negative_takes_other_lots_and_makes_the_rest_a_deficit() {
    check(spent_meanwhile(AllowNegative, 70, 90, 0), (100, 0, 0), (20, 0, 0, 0));
    check(spent_meanwhile(AllowNegative, 100, 30, 20), (100, 50, 0), (0, 0, 0, 50));
    check(spent_meanwhile(AllowNegative, 100, 0, 0), (100, 100, 0), (0, 0, 0, 100));
}

#[test]
fn within_balance_takes_what_is_available_now_and_forgives_the_rest() {
    check(spent_meanwhile(WithinBalance, 70, 90, 0), (100, 0, 0), (20, 0, 0, 0));
    check(spent_meanwhile(WithinBalance, 100, 30, 20), (30, 0, 70), (0, 20, 0, 0));
    check(spent_meanwhile(WithinBalance, 100, 0, 20), (0, 0, 100), (0, 20, 0, 0));
}

#[test]
fn pending_only_takes_nothing_but_points_that_are_pending_on_the_own_lots() {
    let mut anna = new_member().under(PendingOnly);
    anna.buys(&purchase("A").line("a", 2_000, 1_000).earns_for("own", &[100], day(14), None).earns("at once", &[10]));
    let given = anna.returns("A", &[("a", 1_000)]);
    assert_eq!((given.clawed_back, given.forgiven), (Points(50), Points(5)));
    anna.has((10, 50, 0, 0));
    let given = anna.until(day(14)).returns("A", &[("a", 1_000)]);
    assert_eq!((given.clawed_back, given.forgiven), (Points::ZERO, Points(55)), "they are active now");
    anna.has((60, 0, 0, 0));
}

#[test]
fn what_is_taken_and_what_is_forgiven_sum_to_what_was_earned() {
    for policy in [ClampToZero, AllowNegative, WithinBalance, PendingOnly] {
        for (spent, available, pending) in [(0, 0, 0), (1, 0, 0), (99, 98, 0), (100, 7, 5), (100, 0, 300)] {
            let mut anna = spent_meanwhile(policy, spent, available, pending);
            let given = anna.returns_everything("A");
            assert_eq!(given.clawed_back.0 + given.forgiven.0, 100, "{policy:?}, {spent} spent");
            assert!(policy == AllowNegative || given.deficit.is_zero());
        }
    }
}

#[test]
fn the_own_lots_come_first_then_what_expires_soonest() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns_for("own", &[100], NOW, None));
    anna.buys(&purchase("B").line("b", 1_000, 1_000).earns_for("late", &[40], NOW, Some(day(30))));
    anna.buys(&purchase("C").line("c", 1_000, 1_000).earns_for("soon", &[40], NOW, Some(day(10))));
    let red = anna.holds(&purchase("D").line("d", 1_000, 1_000).paid(&[(90, 90)]));
    anna.captures(red, 90);
    anna.has_on_lots(&[("own", 90)]);
    anna.buys(&purchase("E").line("e", 1_000, 1_000).earns_for("later", &[40], NOW, Some(day(40))));
    anna.buys(&purchase("F").line("f", 1_000, 1_000).earns_for("sooner", &[5], NOW, Some(day(5))));
    anna.returns_everything("A");
    anna.posted_last(&[("clawback", &[("own", 90), ("sooner", 5), ("later", 5)])]);
}

#[test]
fn points_that_are_held_are_missing_until_the_hold_ends() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns("own", &[100]));
    let red = anna.holds(&purchase("B").line("b", 1_000, 1_000).paid(&[(100, 100)]));
    anna.returns_everything("A");
    anna.has((0, 0, 100, 100));
    anna.captures(red, 100);
    anna.has((0, 0, 0, 100));
}

#[test]
fn points_of_a_hold_that_ends_pay_what_is_owed_before_they_can_expire() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns_for("own", &[100], NOW, Some(day(10))));
    let red = anna.holds(&purchase("B").line("b", 1_000, 1_000).paid(&[(70, 70)]));
    anna.returns_everything("A");
    anna.has((0, 0, 70, 70));
    anna.releases(red);
    anna.posted_last(&[("release", &[("own", 70)]), ("settle", &[("own", 70)])]);
    anna.has((0, 0, 0, 0));
    assert_eq!(anna.balance().lifetime_earned, Points(0));
}

#[test]
fn returns_of_what_points_bought_and_of_what_earned_them_end_alike_in_either_sequence() {
    let ends = ["AB", "BA"].map(|sequence| {
        let mut anna = new_member().under(AllowNegative);
        anna.buys(&purchase("A").line("a", 1_000, 1_000).earns_for("own", &[100], NOW, Some(day(10))));
        let order = purchase("B").line("b", 1_000, 1_000).paid(&[(80, 80)]);
        let red = anna.holds(&order);
        anna.pays_with(red, &order);
        sequence.chars().for_each(|order| drop(anna.returns_everything(&order.to_string())));
        anna.until(day(20));
        anna.buys(&purchase("N").line("n", 1_000, 1_000).earns("next", &[60]));
        anna.balance()
    });
    assert_eq!(ends[0], ends[1]);
    assert_eq!((ends[0].available, ends[0].deficit, ends[0].lifetime_redeemed), (Points(60), Points(0), Points(0)));
}

#[test]
fn restored_points_are_back_before_earned_ones_are_taken() {
    // the order was paid by points, and what it earned is spent: what comes back covers what is missing
    let mut anna = new_member().under(AllowNegative);
    anna.is_adjusted(60);
    let order = purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]).earns("own", &[50]);
    let red = anna.holds(&order);
    anna.pays_with(red, &order);
    anna.is_adjusted(-50);
    let given = anna.returns_everything("A");
    assert_eq!((given.restored, given.clawed_back, given.deficit), (Points(60), Points(50), Points::ZERO));
    anna.has((10, 0, 0, 0));
}

#[test]
fn a_deficit_grows_by_return_and_is_paid_by_what_comes_next() {
    let mut anna = spent_meanwhile(AllowNegative, 100, 0, 0);
    anna.returns_everything("A");
    anna.has((0, 0, 0, 100));
    anna.buys(&purchase("N").line("n", 1_000, 1_000).earns("next", &[60]));
    anna.has((0, 0, 0, 40));
    anna.is_adjusted(30);
    anna.has((0, 0, 0, 10));
    anna.buys(&purchase("O").line("o", 1_000, 1_000).earns_for("pending", &[25], day(14), None));
    anna.has((0, 15, 0, 0));
    // of 215 given 100 were taken back: what is earned is the 100 that were spent, and the 15 that are left
    assert_eq!(anna.balance().lifetime_earned, Points(115));
}

#[test]
fn the_member_is_told_what_was_kept() {
    let mut anna = spent_meanwhile(ClampToZero, 100, 30, 0);
    anna.returns_everything("A");
    let reason = &anna.entries.last().expect("30 were taken").explanation[0];
    assert_eq!((reason["points"].as_str(), reason["code"].as_str()), (Some("-0.30"), Some("returned")));
    assert!(reason["reason"].as_str().is_some_and(|text| text.contains("came back") && text.contains("stays with you")));
}

#[test]
fn points_that_expired_unspent_are_not_taken_from_elsewhere() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns_for("own", &[100], NOW, Some(day(30))));
    anna.buys(&purchase("B").line("b", 1_000, 1_000).earns("other", &[40]));
    let given = anna.until(day(30)).returns_everything("A");
    assert_eq!((given.clawed_back, given.deficit, given.forgiven), (Points(0), Points(0), Points(100)));
    anna.has((40, 0, 0, 0));
}

#[test]
fn nothing_is_taken_twice_when_the_rest_expires_between_two_returns() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 2_000, 1_000).earns_for("own", &[100], NOW, Some(day(30))));
    anna.buys(&purchase("B").line("b", 1_000, 1_000).earns("other", &[40]));
    let first = anna.returns("A", &[("a", 1_000)]);
    assert_eq!((first.clawed_back, first.forgiven), (Points(50), Points(0)), "from the lot itself");
    let second = anna.until(day(30)).returns_everything("A");
    assert_eq!((second.clawed_back, second.deficit, second.forgiven), (Points(0), Points(0), Points(50)), "that expired");
    anna.has((40, 0, 0, 0));
}

#[test]
fn what_was_spent_of_points_that_expired_is_still_owed() {
    let mut anna = new_member().under(AllowNegative);
    anna.buys(&purchase("A").line("a", 1_000, 1_000).earns_for("own", &[100], NOW, Some(day(30))));
    let held = anna.holds(&purchase("B").line("b", 1_000, 1_000).paid(&[(60, 60)]));
    anna.captures(held, 60);
    let given = anna.until(day(30)).returns_everything("A");
    assert_eq!((given.deficit, given.forgiven), (Points(60), Points(40)), "40 expired unspent");
}

#[test]
fn points_that_are_over_when_they_are_earned_pay_no_deficit() {
    let mut anna = spent_meanwhile(AllowNegative, 100, 0, 0);
    anna.returns_everything("A");
    anna.has((0, 0, 0, 100));
    anna.until(day(30)).buys(&purchase("old").line("a", 1_000, 1_000).earns_for("old", &[70], NOW, Some(day(20))));
    anna.has((0, 0, 0, 100));
}
