//! A balance at a moment: activation and expiry are time, not operations.

use domain::{Instant, Points};
use ledger::Dated;

use crate::books::{NOW, day, member_with};
use crate::purchase::purchase;

#[test]
fn the_same_lots_are_pending_then_available_then_expired() {
    let mut anna = member_with(&[("lot", 100, day(14), Some(day(44)))]);
    for (at, available, pending, expired) in [
        (NOW, 0, 100, 0),
        (Instant(day(14).0 - 1), 0, 100, 0),
        (day(14), 100, 0, 0),
        (Instant(day(44).0 - 1), 100, 0, 0),
        (day(44), 0, 0, 100),
        (day(400), 0, 0, 100),
    ] {
        anna.until(at).has((available, pending, 0, 0));
        let balance = anna.balance();
        assert_eq!((balance.lifetime_expired.0, balance.as_of), (expired, at));
        assert_eq!(balance.lifetime_earned, Points(100));
    }
}

#[test]
fn what_expires_is_told_by_date_soonest_first() {
    let anna = member_with(&[
        ("a", 10, day(-1), Some(day(30))),
        ("b", 20, day(-1), Some(day(10))),
        ("c", 30, day(-1), Some(day(30))),
        ("never", 40, day(-1), None),
        ("over", 50, day(-1), Some(NOW)),
        ("pending", 60, day(1), Some(day(2))),
    ]);
    let dated = |points, at| Dated { points: Points(points), at };
    let balance = anna.balance();
    assert_eq!(balance.expiring, [dated(20, day(10)), dated(40, day(30))]);
    assert_eq!(balance.activating, [dated(60, day(1))]);
}

#[test]
fn points_that_are_held_neither_expire_nor_are_available() {
    let mut anna = member_with(&[("lot", 100, day(-1), Some(day(10)))]);
    anna.holds(&purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]));
    assert_eq!(anna.balance().expiring, [Dated { points: Points(40), at: day(10) }]);
    anna.until(day(11)).has((0, 0, 60, 0));
    assert_eq!(anna.balance().lifetime_expired, Points(40));
}

#[test]
fn lifetime_figures_add_up() {
    let mut anna = member_with(&[("lot", 100, day(-1), Some(day(10))), ("pending", 30, day(20), None)]);
    let red = anna.holds(&purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]));
    anna.captures(red, 45);
    anna.holds(&purchase("B").line("a", 1_000, 1_000).paid(&[(5, 5)]));
    for at in [NOW, day(10), day(20)] {
        let balance = anna.until(at).balance();
        let parts = [balance.available, balance.pending, balance.held, balance.lifetime_redeemed, balance.lifetime_expired];
        assert_eq!(parts.into_iter().sum::<Points>(), balance.lifetime_earned, "at {at}");
    }
}
