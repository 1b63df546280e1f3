//! Enrolment with its welcome points, and adjustments by the staff.

use domain::judgement::{ClawbackPolicy, Enrolment, Standing};
use domain::{Id, Ids, Instant, Points};
use ledger::{Applicant, Command, Refusal, Terms};

use crate::books::{NOW, day, member_with, member_with_points, new_member};
use crate::purchase::{purchase, standing};

#[test]
fn enrolment_gives_what_the_program_gives_to_a_new_member() {
    let anna = member_with(&[("welcome", 500, day(-1), Some(day(29))), ("profile", 50, day(3), None)]);
    anna.has((500, 50, 0, 0));
    assert_eq!((anna.entries.len(), anna.entries[0].seq, anna.entries[0].kind), (1, 1, "earn"));
}

#[test]
fn enrolment_makes_the_member_the_identities_and_the_first_tier() {
    let terms = Terms {
        program_version: 1,
        points_scale: 0,
        clawback: ClawbackPolicy::ClampToZero,
        hold_seconds: 60,
        returned_until: None,
        notice_days: None,
        budgets: Vec::new(),
    };
    for (at_once, tier, since) in [(standing("base"), Some("base"), Some(NOW)), (Standing::default(), None, None)] {
        let ids = Ids::new(NOW, 5);
        let id = ids.clone().next();
        let applicant = Applicant {
            identities: vec![("phone", "hash of a phone".to_owned()), ("card", "hash of a card".to_owned())],
            ..Applicant::new(id, "store", "ANNA")
        };
        let judged = Enrolment { standing: at_once, ..Enrolment::default() };
        let enrolled = ledger::enrol(applicant, &judged, &terms, Command { now: NOW, ids }).expect("nothing is granted");
        assert_eq!((enrolled.member.tier.as_deref(), enrolled.member.tier_since), (tier, since));
        assert_eq!(enrolled.plan.members[0].tier.as_deref(), tier);
        assert!(enrolled.plan.identities.iter().all(|identity| identity.member_id == id));
        assert_eq!(enrolled.plan.identities.len(), 2);
        assert!(enrolled.plan.entries.is_empty());
    }
}

#[test]
fn the_staff_may_give_points_with_a_life_of_their_own() {
    let mut anna = new_member();
    let given = anna.try_to_adjust(30, Some(day(2)), Some(day(9))).expect("it is in bounds");
    anna.has((0, 30, 0, 0)).has_on_lots(&[("adjustment", 30)]);
    assert_eq!((given.lots[0].activates_at, given.lots[0].expires_at), (day(2), Some(day(9))));
    let given = anna.try_to_adjust(20, None, None).expect("it is in bounds");
    assert_eq!((given.lots[0].activates_at, given.lots[0].expires_at), (NOW, None));
    anna.has((20, 30, 0, 0));
}

#[test]
fn the_staff_may_take_points_pending_ones_too_nearest_expiry_first() {
    let mut anna = member_with(&[
        ("over", 10, day(-1), Some(NOW)),
        ("never", 10, day(-1), None),
        ("pending", 10, day(5), Some(day(6))),
        ("live", 10, day(-1), Some(day(30))),
    ]);
    let adjusted = anna.is_adjusted(-25);
    anna.posted_last(&[("adjust_out", &[("pending", 10), ("live", 10), ("never", 5)])]);
    assert_eq!(adjusted.taken.len(), 3);
    assert!(adjusted.lots.is_empty());
    assert!(anna.try_to_adjust(-6, None, None).is_err(), "what is over can't be taken");
}

#[test]
fn points_given_by_a_host_whose_clock_is_behind_live_longer_than_the_accounts_last_entry() {
    let minute = |minutes: i64| Instant(NOW.0 + minutes * 60_000);
    let mut anna = new_member();
    // the last entry is of a host whose clock is seven minutes ahead
    anna.until(minute(7)).is_adjusted(10);
    anna.now = NOW;
    let refused = |begins| Some(Refusal::OverBeforeItBegins { begins });
    for end in [minute(0), minute(5), minute(7)] {
        assert_eq!(anna.try_to_adjust(30, None, Some(end)).err(), refused(minute(7)));
        assert_eq!(anna.try_to_adjust(30, Some(NOW), Some(end)).err(), refused(minute(7)));
    }
    assert_eq!(anna.try_to_adjust(30, Some(day(1)), Some(day(1))).err(), refused(day(1)));
    let given = anna.try_to_adjust(30, None, Some(minute(8))).expect("there is a minute left");
    assert_eq!((given.lots[0].activates_at, given.lots[0].expires_at), (minute(7), Some(minute(8))));
}

#[test]
fn an_adjustment_keeps_its_reason() {
    let mut anna = member_with_points(100);
    let adjusted = anna.is_adjusted(-25);
    let entry = anna.entries.last().expect("it was adjusted");
    assert_eq!(entry.id, adjusted.entry);
    assert_eq!(
        (entry.explanation[0]["reason"].as_str(), entry.explanation[0]["points"].as_str()),
        (Some("as agreed"), Some("-0.25"))
    );
}

#[test]
fn an_adjustment_counts_as_earned_when_given_and_not_when_taken() {
    let mut anna = member_with_points(100);
    anna.is_adjusted(-25);
    anna.is_adjusted(5);
    assert_eq!(anna.balance().lifetime_earned, Points(80));
}

#[test]
fn an_adjustment_names_its_own_entry_after_an_overdue_hold_is_released() {
    let mut anna = member_with_points(100);
    anna.holds(&purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]));
    let adjusted = anna.until(Instant(NOW.0 + 1_800_000)).is_adjusted(-100);
    let last: Id = anna.entries.last().expect("it was adjusted").id;
    assert_eq!(adjusted.entry, last);
    anna.has((0, 0, 0, 0));
}
