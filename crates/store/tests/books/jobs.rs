//! Scheduled work: each job is one bounded statement, safe at any time and in any number.

use domain::{Id, Ids, Instant, LIMIT, Points, amount};
use store::{Due, StoreError};

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

fn expire(shop: &Shop, bound: i64) {
    let ids = Id(Ids::new(shop.now, shop.commands * 1_000 + 500).next().0);
    run(store::expire(&shop.db, shop.now, bound, ids, 1)).expect("nothing is in its way");
}

fn release_overdue(shop: &Shop, bound: i64) -> usize {
    let ids = Id(Ids::new(shop.now, shop.commands * 1_000 + 700).next().0);
    run(store::release_overdue(&shop.db, shop.now, bound, ids, shop.terms.returned_until)).expect("nothing is in its way")
}

fn due(shop: &Shop) -> (i64, i64, i64) {
    let Due { activate, expire, holds, .. } = run(store::due(&shop.db, shop.now, 100)).expect("the store answers");
    (activate, expire, holds)
}

fn cart(points: i64) -> crate::purchase::Purchase {
    purchase("A").line("a", 1_000, 100_000).paid(&[(points, points)])
}

#[test]
fn what_is_over_expires_with_one_entry_an_account() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("a", 100, NOW, Some(day(1))), ("b", 50, NOW, Some(day(2))), ("c", 25, NOW, Some(day(3)))]);
    let boris = shop.enrol(&[("a", 10, NOW, Some(day(1)))]);
    assert_eq!(due(&shop), (0, 0, 0));
    shop.now = day(2);
    assert_eq!(due(&shop), (0, 3, 0));
    let before = [shop.balance(anna), shop.balance(boris)];
    expire(&shop, 100);
    assert_eq!([shop.balance(anna), shop.balance(boris)], before, "the job only writes down what time did");
    assert_eq!(shop.db.number("SELECT count(*) FROM entry WHERE kind = 'expire'"), 2);
    assert_eq!((due(&shop), shop.audit()), ((0, 0, 0), vec![]));
    let rows = shop.db.everything();
    expire(&shop, 100);
    assert_eq!(shop.db.everything(), rows, "again there is nothing to do");
}

#[test]
fn a_bounded_job_goes_on_where_it_stopped() {
    let mut shop = Shop::open();
    for _ in 0..3 {
        shop.enrol(&[("a", 100, NOW, Some(day(1))), ("b", 50, NOW, Some(day(1)))]);
    }
    shop.now = day(1);
    for left in [4, 2, 0] {
        expire(&shop, 2);
        assert_eq!(due(&shop), (0, left, 0));
        assert_eq!(shop.audit(), []);
        shop.commands += 1;
    }
}

#[test]
fn what_a_member_loses_at_one_moment_is_told_at_once_wherever_a_batch_ends() {
    let mut shop = Shop::open();
    for _ in 0..3 {
        shop.enrol(&[("a", 100, NOW, Some(day(1))), ("b", 50, NOW, Some(day(1)))]);
    }
    shop.now = day(1);
    let told = || shop.db.texts("SELECT payload ->> 'points' FROM outbox WHERE kind = 'points.expired' ORDER BY id");
    for (bound, left) in [(3, 4), (2, 2), (5, 0)] {
        expire(&shop, bound);
        assert_eq!(due(&shop), (0, left, 0));
        shop.commands += 1;
    }
    assert_eq!(told(), ["1.50", "1.50", "1.50"]);
    assert_eq!(shop.audit(), []);
}

#[test]
fn an_account_that_lost_more_at_once_than_one_operation_may_move_expires_in_several() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("small", 5, NOW, Some(day(1)))]);
    for _ in 0..3 {
        let command = shop.command();
        let large = ledger::Adjustment {
            points: Points(LIMIT),
            reason: "as agreed".to_owned(),
            activates_at: None,
            expires_at: Some(day(1)),
        };
        let plan = ledger::adjust(&shop.snapshot(anna), &large, &shop.terms, command.clone()).expect("it is in bounds").plan;
        shop.post(&command, &plan);
    }
    let boris = shop.enrol(&[("small", 5, NOW, Some(day(1)))]);
    shop.now = day(1);
    for _ in 0..5 {
        expire(&shop, 100);
        shop.commands += 1;
    }
    assert_eq!(due(&shop), (0, 0, 0));
    assert_eq!(shop.balance(anna).lifetime_expired, Points(3 * LIMIT + 5));
    assert_eq!(shop.balance(boris).lifetime_expired, Points(5));
    assert_eq!(shop.audit(), []);
}

#[test]
fn an_expiry_says_what_was_lost_and_when_at_every_scale() {
    for scale in 0..=4 {
        let mut shop = Shop::open_at_scale(scale);
        let anna = shop.enrol(&[("a", 12_345, NOW, Some(day(1))), ("b", 7, NOW, Some(day(1)))]);
        shop.now = day(1);
        expire(&shop, 100);
        let entries = run(store::entries(&shop.db, anna, i64::MAX, 1)).expect("they can be read");
        let entry = &entries[0];
        let mut told: Vec<&str> =
            entry.explanation.as_array().expect("one a lot").iter().filter_map(|reason| reason["points"].as_str()).collect();
        told.sort_unstable();
        let mut expected = [amount::format(-12_345, scale), amount::format(-7, scale)];
        expected.sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(entry.explanation[0]["reason"], "Not spent before 2026-01-02T00:00:00Z");
        assert_eq!(entry.explanation[0]["fired"], true);
        assert_eq!((entry.kind.as_str(), entry.points, entry.occurred_at), ("expire", Points(-12_352), day(1)));
    }
}

#[test]
fn points_that_are_held_do_not_expire_until_they_are_released() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("a", 100, NOW, Some(day(1)))]);
    shop.now = Instant(day(1).0 - 60_000);
    shop.hold(anna, &cart(60));
    shop.now = day(1);
    expire(&shop, 100);
    assert_eq!((shop.balance(anna).held, shop.balance(anna).lifetime_expired), (Points(60), Points(40)));
    shop.now = day(2);
    assert_eq!(due(&shop), (0, 0, 1));
    release_overdue(&shop, 100);
    assert_eq!(due(&shop), (0, 1, 0));
    shop.commands += 1;
    expire(&shop, 100);
    assert_eq!((shop.balance(anna).held, shop.balance(anna).lifetime_expired), (Points::ZERO, Points(100)));
    assert_eq!(shop.audit(), []);
}

#[test]
fn two_overdue_holds_of_one_account_end_in_one_statement() {
    let (mut shop, anna) = Shop::with_member(100);
    let (first, second) = (shop.hold(anna, &cart(60)), shop.hold(anna, &cart(30)));
    let boris = shop.enrol(&[("a", 10, NOW, None)]);
    shop.hold(boris, &cart(10));
    shop.now = Instant(NOW.0 + 1_800_000 - 1);
    assert_eq!((due(&shop), release_overdue(&shop, 100)), ((0, 0, 0), 0));
    shop.now = Instant(NOW.0 + 1_800_000);
    assert_eq!((due(&shop), release_overdue(&shop, 100)), ((0, 0, 3), 3));
    assert_eq!((shop.balance(anna).available, shop.balance(boris).available), (Points(100), Points(10)));
    assert_eq!(shop.audit(), []);
    let entries = run(store::entries(&shop.db, anna, i64::MAX, 2)).expect("they can be read");
    assert!(entries.iter().all(|entry| entry.kind == "release"));
    assert_eq!(entries[0].seq, entries[1].seq + 1);
    for redemption in [first, second] {
        let row = format!("FROM redemption WHERE id = {} AND status = 'expired' AND released_at = {}", redemption.0, shop.now.0);
        let entry = Id(shop.db.number(&format!("SELECT release_entry {row}")));
        assert!(entries.iter().any(|other| other.id == entry && other.redemption_id == Some(redemption)));
    }
}

#[test]
fn holds_end_in_the_sequence_of_their_deadlines_whichever_was_made_first() {
    for by_job in [true, false] {
        let (mut shop, anna) = Shop::with_member(100);
        shop.terms.hold_seconds = 3_600;
        let long = shop.hold(anna, &cart(60));
        shop.terms.hold_seconds = 60;
        let short = shop.hold(anna, &cart(30));
        shop.now = day(1);
        if by_job {
            assert_eq!(release_overdue(&shop, 100), 2);
        } else {
            shop.adjust(anna, 1);
        }
        let entries = run(store::entries(&shop.db, anna, 6, 2)).expect("they can be read");
        assert_eq!(
            entries.iter().map(|entry| entry.redemption_id).collect::<Vec<_>>(),
            [Some(long), Some(short)],
            "newest first"
        );
        assert_eq!(shop.audit(), []);
    }
}

#[test]
fn the_release_of_an_overdue_hold_is_told_alike_by_the_job_and_by_the_ledger() {
    for scale in 0..=4 {
        let told = |by_job: bool| {
            let mut shop = Shop::open_at_scale(scale);
            let anna = shop.enrol(&[("a", 1_000, NOW, None)]);
            shop.hold(anna, &cart(123));
            shop.now = day(1);
            if by_job {
                release_overdue(&shop, 10);
            } else {
                shop.adjust(anna, 1);
            }
            let entries = run(store::entries(&shop.db, anna, 4, 1)).expect("they can be read");
            assert_eq!((entries[0].kind.as_str(), entries[0].points), ("release", Points(123)));
            entries[0].explanation.clone()
        };
        assert_eq!(told(true), told(false));
    }
}

#[test]
fn the_job_leaves_what_was_captured_or_released() {
    let (mut shop, anna) = Shop::with_member(100);
    let red = shop.hold(anna, &cart(60));
    shop.capture(red, 60, "A");
    shop.now = day(1);
    assert_eq!((due(&shop), release_overdue(&shop, 100)), ((0, 0, 0), 0));
}

#[test]
fn a_lot_that_becomes_available_is_announced_once() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("now", 1, NOW, None), ("soon", 20, day(1), None), ("later", 300, day(2), None)]);
    shop.now = day(1);
    assert_eq!(due(&shop), (1, 0, 0));
    assert_eq!(run(store::activate(&shop.db, shop.now, 10)), Ok(1));
    assert_eq!(run(store::activate(&shop.db, shop.now, 10)), Ok(0));
    let told = shop.db.texts("SELECT payload FROM outbox WHERE kind = 'points.activated'");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"points\":\"0.20\""), "{told:?}");
    assert_eq!(shop.db.number("SELECT member_id FROM outbox WHERE kind = 'points.activated'"), anna.0);
}

#[test]
fn a_lot_that_was_taken_back_before_it_became_available_is_not_announced() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("soon", 20, day(1), None)]);
    shop.adjust(anna, -20);
    shop.now = day(1);
    assert_eq!(run(store::activate(&shop.db, shop.now, 10)), Ok(1));
    assert_eq!(shop.db.number("SELECT count(*) FROM outbox WHERE kind = 'points.activated'"), 0);
    assert_eq!(due(&shop), (0, 0, 0));
}

#[test]
fn an_expiry_is_told() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("a", 100, NOW, Some(day(1)))]);
    shop.now = day(1);
    expire(&shop, 10);
    assert_eq!(shop.db.number("SELECT payload ->> 'points' = '1.00' FROM outbox WHERE kind = 'points.expired'"), 1);
    assert_eq!(shop.db.number("SELECT member_id FROM outbox WHERE kind = 'points.expired'"), anna.0);
}

#[test]
fn ids_that_are_taken_are_told_from_everything_else() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("a", 100, NOW, Some(day(1)))]);
    let taken = shop.db.number(&format!("SELECT id FROM entry WHERE account_id = {}", anna.0));
    shop.now = day(1);
    let rows = shop.db.everything();
    assert_eq!(run(store::expire(&shop.db, shop.now, 10, Id(taken - 1), 1)), Err(StoreError::Stale));
    assert_eq!(shop.db.everything(), rows);
}

#[test]
fn a_job_whose_clock_is_behind_does_not_set_an_account_back() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("a", 100, NOW, Some(Instant(NOW.0 + 1_000))), ("b", 5, NOW, None)]);
    shop.now = Instant(NOW.0 + 600_000);
    shop.adjust(anna, 1);
    shop.now = Instant(NOW.0 + 60_000);
    expire(&shop, 10);
    let entries = run(store::entries(&shop.db, anna, i64::MAX, 1)).expect("they can be read");
    assert_eq!(entries[0].kind, "expire");
    assert_eq!(shop.db.number("SELECT last_at FROM account"), NOW.0 + 600_000);
    assert_eq!(shop.audit(), []);
}
