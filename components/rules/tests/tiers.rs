//! Tiers: what is counted since when, how they are lost and kept, given for a time or for good.

mod common;

use common::{DAY, NOON, findings_of, judge_for, line, member, moment, order, program_with};
use rules::Program;
use rules::engine::{Activity, GrantedTier, Member, Standing};
use serde_json::{Value, json};

/// Base from 0, silver from 10, gold from 20 of whatever is counted.
fn tiered(terms: Value) -> Program {
    let step = |id: &str, threshold: i64| json!({"id": id, "name": id, "threshold": threshold, "rate": "5"});
    let mut tiers = terms;
    tiers["steps"] = json!([step("base", 0), step("silver", 10), step("gold", 20)]);
    program_with(json!({"tiers": tiers, "earning": [{"id": "purchase", "type": "percent"}]}))
}

fn held(standing: &Standing) -> &str {
    standing.tier.as_ref().map_or("none", |tier| &tier.id)
}

fn since(orders: u32, spend: i64, earned: i64) -> Vec<Activity> {
    vec![Activity { orders, spend, earned }]
}

#[test]
fn spend_orders_or_points_are_counted() {
    let nobody = Member::default();
    for (basis, member) in [
        ("spend", Member { qualifying_spend: 1_000, ..nobody.clone() }),
        ("orders", Member { orders: 10, ..nobody.clone() }),
        ("points", Member { earned: 1_000, ..nobody.clone() }),
    ] {
        let program = tiered(json!({"basis": basis}));
        let standing = program.standing(&member, NOON);
        assert_eq!(held(&standing), "silver", "{basis}");
        let next = standing.next.unwrap();
        let unit = if basis == "orders" { 1 } else { 100 };
        assert_eq!((next.threshold, next.remaining), (20 * unit, 10 * unit), "{basis}");
        assert_eq!(held(&program.standing(&nobody, NOON)), "base", "{basis}");
    }
}

#[test]
fn windows_begin_with_the_year_or_twelve_months_ago() {
    let at = moment("2026-03-01T12:00:00+03:00");
    let start = |window: &str| tiered(json!({"window": window})).needs(at).windows;
    assert_eq!(start("calendar_year"), [moment("2026-01-01T00:00:00+03:00")]);
    assert_eq!(start("rolling_12_months"), [moment("2025-03-02T00:00:00+03:00")], "today is the last day of the twelve months");
    assert!(start("lifetime").is_empty());
    let program = tiered(json!({"window": "calendar_year"}));
    let member = Member { qualifying_spend: 1_000_000, activity: since(1, 1_500, 0), ..Member::default() };
    assert_eq!(held(&program.standing(&member, at)), "silver", "only the window counts");
}

#[test]
fn the_tier_held_before_an_order_prices_it_and_the_one_after_may_be_another() {
    let program = tiered(json!({}));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 1_500)]));
    assert_eq!((held(&judgement.before), held(&judgement.after)), ("base", "silver"));
    let windowed = tiered(json!({"window": "rolling_12_months"}));
    let member = Member { activity: since(1, 500, 0), ..Member::default() };
    let judgement = judge_for(&windowed, &member, &order(vec![line("1", 1_500)]));
    assert_eq!((held(&judgement.before), held(&judgement.after)), ("base", "gold"), "5.00 and 15.00 in the window");
}

#[test]
fn a_tier_that_is_no_longer_fulfilled_is_lost_as_the_program_says() {
    let fallen = Member { tier: Some("gold".to_owned()), activity: since(0, 0, 0), ..Member::default() };
    for (downgrade, expected) in [("none", "gold"), ("one_step", "silver"), ("by_value", "base")] {
        let program = tiered(json!({"window": "rolling_12_months", "downgrade": downgrade}));
        assert_eq!(held(&program.standing(&fallen, NOON)), expected, "{downgrade}");
    }
}

#[test]
fn a_grace_keeps_it_to_the_end_of_its_last_day() {
    let program = tiered(json!({"window": "rolling_12_months", "grace_days": 30}));
    let fallen = Member { tier: Some("gold".to_owned()), activity: since(0, 0, 0), ..Member::default() };
    let first = program.standing(&fallen, NOON);
    assert_eq!((held(&first), first.grace_until), ("gold", Some(moment("2026-04-01T00:00:00+03:00"))));
    let remembered = Member { grace_until: first.grace_until, ..fallen };
    assert_eq!(held(&program.standing(&remembered, moment("2026-03-31T23:59:59+03:00"))), "gold");
    assert_eq!(held(&program.standing(&remembered, moment("2026-04-01T00:00:00+03:00"))), "base");
    let back = Member { activity: since(3, 2_500, 0), ..remembered };
    assert_eq!(program.standing(&back, NOON).grace_until, None, "fulfilled again");
}

/// Steps down one by one: gold that is fulfilled no longer.
fn stepping(window: &str, grace_days: i64) -> (Program, Member) {
    let program = tiered(json!({"window": window, "downgrade": "one_step", "grace_days": grace_days}));
    let fallen = Member { tier: Some("gold".to_owned()), activity: since(0, 0, 0), ..Member::default() };
    (program, fallen)
}

/// The member as the books keep them after a look.
fn looked_at(member: &Member, standing: &Standing) -> Member {
    let tier = standing.tier.as_ref().map(|tier| tier.id.clone());
    Member { tier, grace_until: standing.grace_until, stepped_at: standing.stepped_at, ..member.clone() }
}

#[test]
fn a_step_down_leads_to_a_tier_that_is_kept_for_a_whole_period() {
    for (window, first, second, third) in [
        ("rolling_12_months", "2026-03-02T12:00:00+03:00", "2027-03-03T00:00:00+03:00", "2028-03-04T00:00:00+03:00"),
        ("calendar_year", "2026-03-02T12:00:00+03:00", "2027-01-01T00:00:00+03:00", "2028-01-01T00:00:00+03:00"),
        ("lifetime", "2026-03-02T12:00:00+03:00", "2027-03-03T00:00:00+03:00", "2028-03-04T00:00:00+03:00"),
    ] {
        let (program, fallen) = stepping(window, 0);
        let (first, second, third) = (moment(first), moment(second), moment(third));
        let standing = program.standing(&fallen, first);
        assert_eq!(
            (held(&standing), standing.stepped_at, standing.grace_until),
            ("silver", Some(first), Some(second)),
            "{window}"
        );
        let member = looked_at(&fallen, &standing);
        // however often one looks at it meanwhile
        let again = program.standing(&member, second - 1);
        assert_eq!((held(&again), again.grace_until), ("silver", Some(second)), "{window}");
        let standing = program.standing(&looked_at(&member, &again), second);
        assert_eq!((held(&standing), standing.stepped_at, standing.grace_until), ("base", Some(second), None), "{window}");
        // and a look that comes years late finds the same
        let late = program.standing(&member, third + 900 * DAY);
        assert_eq!((held(&late), late.stepped_at), ("base", Some(second)), "{window}");
    }
}

#[test]
fn a_grace_comes_before_the_first_step_and_the_period_after_it() {
    let (program, fallen) = stepping("rolling_12_months", 30);
    let first = program.standing(&fallen, NOON);
    let grace_over = moment("2026-04-01T00:00:00+03:00");
    assert_eq!((held(&first), first.grace_until, first.stepped_at), ("gold", Some(grace_over), None));
    let stepped = program.standing(&looked_at(&fallen, &first), grace_over + 5 * DAY);
    let until = moment("2027-04-02T00:00:00+03:00");
    assert_eq!((held(&stepped), stepped.stepped_at, stepped.grace_until), ("silver", Some(grace_over), Some(until)));
    assert_eq!(held(&program.standing(&looked_at(&fallen, &stepped), until)), "base");
}

#[test]
fn what_comes_back_after_a_step_down_makes_no_second_one_in_the_period() {
    let (program, fallen) = stepping("rolling_12_months", 0);
    let stepped = looked_at(&fallen, &program.standing(&fallen, NOON));
    // an order fulfils silver, and its return does so no longer
    let ordered = Member { activity: since(1, 1_500, 0), ..stepped };
    let standing = program.standing(&ordered, NOON + 10 * DAY);
    assert_eq!((held(&standing), standing.grace_until), ("silver", None));
    let returned = Member { activity: since(1, 0, 0), ..looked_at(&ordered, &standing) };
    let standing = program.standing(&returned, NOON + 20 * DAY);
    let until = moment("2027-03-02T00:00:00+03:00");
    assert_eq!((held(&standing), standing.grace_until), ("silver", Some(until)));
    // after the period a return steps down like any other
    assert_eq!(held(&program.standing(&Member { grace_until: None, ..returned }, until)), "base");
}

#[test]
fn a_tier_that_was_reached_again_is_not_kept_by_an_earlier_step() {
    let (program, fallen) = stepping("rolling_12_months", 0);
    let stepped = looked_at(&fallen, &program.standing(&fallen, NOON));
    let risen = Member { activity: since(1, 2_500, 0), ..stepped };
    let standing = program.standing(&risen, NOON + 10 * DAY);
    assert_eq!((held(&standing), standing.stepped_at), ("gold", None));
    let returned = Member { activity: since(0, 0, 0), ..looked_at(&risen, &standing) };
    assert_eq!(held(&program.standing(&returned, NOON + 20 * DAY)), "silver");
}

#[test]
fn a_tier_given_for_a_time_returns_by_itself_and_a_floor_stays() {
    let program = tiered(json!({}));
    let given = |id: &str, until| vec![GrantedTier { id: id.to_owned(), until }];
    let end = NOON + DAY;
    let member = Member { granted_tiers: given("gold", Some(end)), tier: Some("gold".to_owned()), ..Member::default() };
    let standing = program.standing(&member, NOON);
    assert_eq!((held(&standing), standing.until), ("gold", Some(end)));
    assert_eq!(held(&program.standing(&member, end)), "base", "and is not kept as one that was reached");
    let floor = Member { granted_tiers: given("silver", None), ..Member::default() };
    let standing = program.standing(&floor, NOON);
    assert_eq!((held(&standing), standing.until), ("silver", None));
    let higher = Member { qualifying_spend: 2_000, ..floor };
    assert_eq!(held(&program.standing(&higher, NOON)), "gold", "what is reached counts when it is more");
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let found = |terms: Value| {
        let mut tiers = terms;
        tiers["steps"] = json!([{"id": "a", "name": "A", "threshold": "0"}]);
        findings_of(json!({"tiers": tiers}))
    };
    for (terms, pointer, code) in [
        (json!({"basis": "moon"}), "/tiers/basis", "unknown_word"),
        (json!({"window": "week"}), "/tiers/window", "unknown_word"),
        (json!({"downgrade": "never"}), "/tiers/downgrade", "unknown_word"),
        (json!({"downgrade": "none", "grace_days": 30}), "/tiers/grace_days", "unreachable"),
        (json!({"grace_days": -1}), "/tiers/grace_days", "out_of_range"),
    ] {
        assert_eq!(found(terms.clone()), [(pointer.to_owned(), code.to_owned())], "{terms}");
    }
    let overlapping = json!({"tiers": {"basis": "orders", "steps": [
        {"id": "a", "name": "A", "threshold": 5}, {"id": "b", "name": "B", "threshold": 5}
    ]}});
    assert_eq!(findings_of(overlapping), [("/tiers/steps/1/threshold".to_owned(), "not_ascending".to_owned())]);
}
