//! What becomes of a friend whom a member brought.

mod common;

use common::{DAY, NOON, program_with};
use rules::Program;
use rules::engine::{JudgedReferral, Referral, ReferralOutcome, Shortfall};
use serde_json::{Value, json};

/// Both sides are paid after the time for returns.
fn program(more: Value) -> Program {
    let mut referral = json!({
        "paid_on": "first_purchase",
        "referrer": {"id": "brought", "points": "500", "activation": {"type": "days", "days": 14}},
        "referee": {"id": "invited", "points": "300", "activation": {"type": "days", "days": 14},
                    "expiry": {"type": "days", "days": 90}}
    });
    for (name, value) in more.as_object().unwrap() {
        referral[name] = value.clone();
    }
    program_with(json!({"referral": referral}))
}

fn on_joining() -> Referral {
    Referral { at: NOON, purchase: None, friends_paid: 0, paid_at: Vec::new() }
}

fn bought_for(purchase: i64) -> Referral {
    Referral { purchase: Some(purchase), ..on_joining() }
}

fn judged(program: &Program, referral: &Referral) -> JudgedReferral {
    program.judge_referral(referral).expect("it can be judged")
}

fn told(program: &Program, referral: &Referral) -> (ReferralOutcome, String) {
    let judged = judged(program, referral);
    (judged.outcome, judged.why.code)
}

#[test]
fn both_sides_are_paid_with_the_first_purchase_and_wait_for_the_time_for_returns() {
    let program = program(json!({}));
    assert_eq!(told(&program, &on_joining()), (ReferralOutcome::Waiting, "waits_for_purchase".to_owned()));
    let paid = judged(&program, &bought_for(1));
    assert_eq!((paid.outcome, paid.keep), (ReferralOutcome::Paid, 1));
    let ([brought], [invited]) = (paid.referrer.grants.as_slice(), paid.referee.grants.as_slice()) else { panic!("{paid:?}") };
    assert_eq!((brought.rule_id.as_str(), brought.points), ("brought", 50_000));
    assert_eq!((brought.activates_at, brought.expires_at), (NOON + 14 * DAY, None));
    assert_eq!((invited.rule_id.as_str(), invited.points), ("invited", 30_000));
    assert!(invited.expires_at.is_some_and(|end| end > invited.activates_at));
    assert_eq!(paid.referrer.explanations[0].reason, "500.00 points for a friend whom you brought");
    assert_eq!(paid.referee.explanations[0].reason, "300.00 points for coming on a friend's invitation");
}

#[test]
fn goods_that_nothing_was_paid_for_are_no_purchase() {
    assert_eq!(told(&program(json!({})), &bought_for(0)), (ReferralOutcome::Waiting, "below_minimum".to_owned()));
}

#[test]
fn a_purchase_below_the_minimum_is_told_what_it_lacks_and_the_next_one_may_pay() {
    let program = program(json!({"order_min": "1000"}));
    let lacking = judged(&program, &bought_for(99_999));
    assert_eq!(lacking.outcome, ReferralOutcome::Waiting);
    assert!(matches!(lacking.why.shortfall, Some(Shortfall::Money(1))), "{lacking:?}");
    let paid = judged(&program, &bought_for(100_000));
    assert_eq!((paid.outcome, paid.keep), (ReferralOutcome::Paid, 100_000));
}

#[test]
fn joining_pays_where_the_program_says_so() {
    let paid = judged(&program(json!({"paid_on": "registration"})), &on_joining());
    assert_eq!((paid.outcome, paid.keep), (ReferralOutcome::Paid, 0));
}

#[test]
fn one_side_alone_may_be_paid() {
    let program = program_with(json!({"referral": {"paid_on": "registration", "referee": {"id": "invited", "points": 5}}}));
    let paid = judged(&program, &on_joining());
    assert_eq!((paid.referrer.grants.len(), paid.referee.grants.len()), (0, 1));
}

#[test]
fn a_referrer_is_paid_for_so_many_friends_in_all() {
    let program = program(json!({"limits": {"per_referrer": 3}}));
    for (friends_paid, outcome) in [(2, ReferralOutcome::Paid), (3, ReferralOutcome::Refused), (4, ReferralOutcome::Refused)] {
        let asked = Referral { friends_paid, ..bought_for(1) };
        assert_eq!(judged(&program, &asked).outcome, outcome, "{friends_paid}");
    }
    let asked = Referral { friends_paid: 3, ..on_joining() };
    assert_eq!(told(&program, &asked), (ReferralOutcome::Refused, "limit_reached".to_owned()));
}

#[test]
fn a_referrer_is_paid_for_so_many_friends_within_some_days_of_24_hours() {
    let program = program(json!({"limits": {"per_period": {"friends": 2, "days": 30}}}));
    let asked = |first: i64| Referral { friends_paid: 9, paid_at: vec![first, NOON - DAY], ..bought_for(1) };
    let full = "period_limit_reached".to_owned();
    assert_eq!(told(&program, &asked(NOON - 30 * DAY + 1)), (ReferralOutcome::Waiting, full.clone()), "for a later purchase");
    let joins = Referral { purchase: None, ..asked(NOON - 30 * DAY + 1) };
    assert_eq!(told(&program, &joins), (ReferralOutcome::Waiting, "waits_for_purchase".to_owned()));
    let limits = json!({"paid_on": "registration", "limits": {"per_period": {"friends": 2, "days": 30}}});
    assert_eq!(told(&self::program(limits), &joins), (ReferralOutcome::Refused, full));
    assert_eq!(judged(&program, &asked(NOON - 30 * DAY)).outcome, ReferralOutcome::Paid);
}

#[test]
fn a_program_without_the_block_pays_for_no_friends() {
    let told = told(&program_with(json!({})), &on_joining());
    assert_eq!(told, (ReferralOutcome::Refused, "not_offered".to_owned()));
    // who came while friends were paid for may still be, by a later version
    let program = program_with(json!({}));
    assert_eq!(judged(&program, &bought_for(1)).outcome, ReferralOutcome::Waiting);
}

#[test]
fn what_can_not_be_meant_is_refused_with_its_place() {
    let side = json!({"id": "a", "points": 1});
    let refused = |block: Value| {
        let mut document = common::document_with(json!({}));
        document["referral"] = block;
        let findings = Program::parse(&document.to_string()).expect_err("it is refused");
        findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect::<Vec<_>>()
    };
    let cases = [
        (json!({"paid_on": "registration"}), "/referral", "empty"),
        (json!({"paid_on": "birth", "referee": side}), "/referral/paid_on", "unknown_word"),
        (json!({"referee": side}), "/referral/paid_on", "missing_field"),
        (json!({"paid_on": "registration", "order_min": 5, "referee": side}), "/referral/order_min", "not_of_registration"),
        (json!({"paid_on": "registration", "referee": side, "referrer": side}), "/referral/referee/id", "duplicate_id"),
        (json!({"paid_on": "registration", "referee": {"id": "a", "points": 0}}), "/referral/referee/points", "out_of_range"),
        (json!({"paid_on": "registration", "referee": side, "limits": {}}), "/referral/limits", "empty"),
        (
            json!({"paid_on": "registration", "referee": side,
                   "limits": {"per_referrer": 2, "per_period": {"friends": 3, "days": 1}}}),
            "/referral/limits/per_period/friends",
            "unreachable",
        ),
    ];
    for (block, pointer, code) in cases {
        let found = refused(block);
        assert!(found.contains(&(pointer.to_owned(), code.to_owned())), "{pointer} {code}: {found:?}");
    }
}

#[test]
fn a_moment_out_of_the_calendar_and_a_negative_purchase_are_no_referral() {
    let program = program(json!({}));
    assert!(program.judge_referral(&Referral { at: i64::MAX, ..on_joining() }).is_err());
    assert!(program.judge_referral(&bought_for(-1)).is_err());
}
