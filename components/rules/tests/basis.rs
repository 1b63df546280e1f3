//! What points are earned on and how they are rounded, as programs declare it; points for events; perks; expiry.

mod common;

use common::{NOON, findings_of, judge_for, line, member, moment, order, pay, program_with, promo, said};
use rules::Program;
use rules::engine::{Event, Failure, Line, Member, Order, Payment, UseOfRule};
use serde_json::{Value, json};

fn earning(blocks: Value) -> Program {
    let mut blocks = blocks;
    blocks["earning"] = json!([{"id": "a", "type": "percent", "rate": "10"}]);
    blocks["redemption"] = json!({"max_share": "100"});
    program_with(blocks)
}

#[test]
fn delivery_tax_and_points_paid_count_as_the_program_declares() {
    let taxed = || Line { tax: Some(2_000), ..line("1", 12_000) };
    let cart = || Order { delivery: 3_000, ..order(vec![taxed()]) };
    for (basis, without, with_points) in [
        (json!({}), 1_200, 700),
        (json!({"of": "items_and_delivery"}), 1_500, 1_000),
        (json!({"tax": "excluded"}), 1_000, 583),
        (json!({"points_paid": "gross"}), 1_200, 1_200),
        (json!({"of": "items_and_delivery", "tax": "excluded", "points_paid": "gross"}), 1_300, 1_300),
    ] {
        let program = earning(json!({"earning_basis": basis}));
        let paid = program.judge_order(&member(0), &cart(), &Payment::Exact(5_000)).unwrap();
        assert_eq!((judge_for(&program, &member(0), &cart()).earned, paid.earned), (without, with_points), "{basis}");
        assert_eq!(paid.qualifying, 7_000, "what counts toward tiers is what was paid: {basis}");
    }
}

#[test]
fn points_are_rounded_in_the_declared_way_to_the_declared_places_where_declared() {
    let cart = || vec![line("1", 1_555), line("2", 1_555)];
    for (rounding, expected) in [
        (json!({}), 311),
        (json!({"scale": 0}), 300),
        (json!({"scale": 0, "mode": "up"}), 400),
        (json!({"scale": 1, "mode": "half_up"}), 310),
        (json!({"scale": 1, "mode": "half_up", "per": "line"}), 320),
        (json!({"per": "line"}), 310),
        (json!({"scale": 0, "mode": "half_even"}), 300),
    ] {
        let mut blocks = json!({"points": {"name": "points", "scale": 2, "conversion_rate": "1.00"}});
        blocks["points"]["rounding"] = rounding.clone();
        let judgement = judge_for(&earning(blocks), &member(0), &order(cart()));
        assert_eq!(judgement.earned, expected, "{rounding}");
        assert_eq!(judgement.lines.iter().flat_map(|line| &line.shares).map(|share| share.points).sum::<i64>(), expected);
    }
    let found = findings_of(json!({"points": {"name": "p", "scale": 1, "conversion_rate": "1", "rounding": {"scale": 2}}}));
    assert_eq!(found, [("/points/rounding/scale".to_owned(), "out_of_range".to_owned())]);
}

#[test]
fn where_lines_are_rounded_the_multiplier_rounds_each_of_them() {
    let more = |per: &str| {
        let program = program_with(json!({
            "points": {"name": "points", "scale": 2, "conversion_rate": "1.00", "rounding": {"scale": 0, "per": per}},
            "earning": [
                {"id": "a", "type": "percent", "rate": "10"},
                {"id": "b", "type": "multiplier", "factor": "1.5", "priority": -1}
            ]
        }));
        let judgement = judge_for(&program, &member(0), &order(vec![line("1", 3_000), line("2", 3_000)]));
        let parts: Vec<_> = judgement.lines.iter().map(|line| line.shares[1].points).collect();
        (said(&judgement, "b").2, parts)
    };
    assert_eq!(more("line"), (200, vec![100, 100]));
    assert_eq!(more("rule"), (300, vec![150, 150]));
}

#[test]
fn points_that_nobody_rounds_are_not_finer_than_the_rounding() {
    let found = |scale: u8, points: &str| {
        findings_of(json!({
            "points": {"name": "points", "scale": 2, "conversion_rate": "1.00", "rounding": {"scale": scale}},
            "earning": [
                {"id": "a", "type": "fixed", "points": points},
                {"id": "b", "type": "per_amount", "points": points, "every": "10"}
            ]
        }))
    };
    let too_precise = |pointer: &str| (pointer.to_owned(), "too_precise".to_owned());
    assert_eq!(found(0, "0.5"), [too_precise("/earning/0/points"), too_precise("/earning/1/points")]);
    assert_eq!(found(1, "0.5"), []);
}

#[test]
fn events_give_points_once_and_games_what_they_say() {
    let program = program_with(json!({"events": [
        {"id": "review", "type": "review", "points": "50", "limits": {"times_per_member": 1}, "expiry": {"type": "days", "days": 37}},
        {"id": "game", "type": "game", "points_from_event": {"min": "50", "max": "200"}, "when": {"channels": ["app"]}}
    ]}));
    let event = |type_name: &str, points| Event {
        type_name: type_name.to_owned(),
        occurred_at: NOON,
        channel: Some("app".to_owned()),
        points,
    };
    let review = program.judge_event(&member(0), &event("review", None)).unwrap();
    assert_eq!((review.grants[0].points, review.grants[0].expires_at), (5_000, Some(moment("2026-04-08T00:00:00+03:00"))));
    let used =
        UseOfRule { rule_id: "review".to_owned(), times: 1, points: 5_000, points_today: 0, last_at: None, points_of_all: 0 };
    let again = program.judge_event(&Member { uses: vec![used], ..member(0) }, &event("review", None)).unwrap();
    assert!(again.grants.is_empty() && again.explanations[0].code == "times_reached");
    assert_eq!(program.judge_event(&member(0), &event("game", Some(12_300))).unwrap().grants[0].points, 12_300);
    for points in [None, Some(4_999), Some(20_001), Some(-1)] {
        let refused = program.judge_event(&member(0), &event("game", points));
        assert!(matches!(&refused, Err(Failure::Invalid(found)) if found.pointer == "/data/points"), "{points:?}: {refused:?}");
    }
    let other = Event { channel: Some("site".to_owned()), ..event("game", Some(12_300)) };
    assert_eq!(program.judge_event(&member(0), &other).unwrap().explanations[0].code, "other_channel");
    let unknown = program.judge_event(&member(0), &event("sneeze", None)).unwrap();
    assert!(unknown.grants.is_empty() && unknown.explanations.is_empty());
}

#[test]
fn an_event_may_give_a_tier_for_a_time() {
    let program = program_with(json!({
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}, {"id": "gold", "name": "Gold", "threshold": "1000"}],
        "events": [{"id": "review", "type": "review", "tier": {"id": "gold", "days": 30}}]
    }));
    let event = Event { type_name: "review".to_owned(), occurred_at: NOON, channel: None, points: None };
    let given = program.judge_event(&member(0), &event).unwrap();
    let tier = given.tier.unwrap();
    assert_eq!((tier.id.as_str(), tier.until), ("gold", Some(moment("2026-04-01T00:00:00+03:00"))));
    assert_eq!((given.grants.len(), given.explanations[0].reason.as_str()), (0, "the tier Gold for \"review\""));
}

#[test]
fn events_that_can_give_nothing_are_refused() {
    let found = |rule: Value| findings_of(json!({"events": [rule]}));
    for (rule, pointer, code) in [
        (json!({"id": "a", "type": "x"}), "", "empty"),
        (
            json!({"id": "a", "type": "x", "points": "1", "points_from_event": {"min": "1", "max": "2"}}),
            "/points_from_event",
            "two_rewards",
        ),
        (json!({"id": "a", "type": "x", "points_from_event": {"min": "3", "max": "2"}}), "/points_from_event", "unreachable"),
        (
            json!({"id": "a", "type": "x", "points": "1", "when": {"order_total": {"min": "1"}}}),
            "/when/order_total",
            "not_of_events",
        ),
        (json!({"id": "a", "type": "x", "tier": {"id": "gold", "days": 1}}), "/tier/id", "unknown_tier"),
    ] {
        assert_eq!(found(rule.clone()), [(format!("/events/0{pointer}"), code.to_owned())], "{rule}");
    }
}

#[test]
fn perks_are_given_by_conditions_and_by_tiers() {
    let program = program_with(json!({
        "tiers": [{"id": "base", "name": "Base", "threshold": "0", "perks": [{"id": "early", "name": "Early access"}]}],
        "perks": [{"id": "courier", "name": "Free courier", "when": {"order_total": {"min": "499"}, "products": {"promo": true}}}]
    }));
    let perks = |lines| {
        let judgement = judge_for(&program, &member(0), &order(lines));
        judgement.perks.iter().map(|perk| perk.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(perks(vec![promo("1", 49_900)]), ["early", "courier"]);
    assert_eq!(perks(vec![promo("1", 49_899)]), ["early"]);
    assert_eq!(perks(vec![line("1", 49_900)]), ["early"]);
}

#[test]
fn points_that_expire_by_inactivity_live_longer_by_every_order() {
    let program = program_with(json!({"earning": [
        {"id": "a", "type": "percent", "rate": "10", "expiry": {"type": "inactivity", "days": 90}},
        {"id": "b", "type": "fixed", "points": "1", "expiry": {"type": "days", "days": 90}}
    ]}));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    let end = moment("2026-05-31T00:00:00+03:00");
    assert_eq!(judgement.grants.iter().map(|grant| grant.expires_at).collect::<Vec<_>>(), [Some(end), Some(end)]);
    let extended: Vec<_> = judgement.extensions.iter().map(|put_off| (put_off.rule_id.as_str(), put_off.expires_at)).collect();
    assert_eq!(extended, [("a", end)]);
}

#[test]
fn excluded_channels_and_shares_are_still_those_of_the_goods() {
    let program = earning(json!({}));
    let judged = pay(&program, vec![line("1", 10_000)], Payment::Maximum).unwrap();
    assert_eq!((judged.redemption.money, judged.earned), (10_000, 0), "points paid everything, nothing is earned");
}
