//! From when to when what happens by itself is due: in local days, over changes of clocks, month ends and 29 February.

mod common;

use common::{findings_of, moment, program_with};
use rules::Program;
use rules::engine::Agenda;
use serde_json::{Value, json};

fn occasions(list: Value) -> Program {
    program_with(json!({"occasions": list}))
}

fn at(program: &Program, after: &str, now: &str) -> Agenda {
    program.agenda(moment(after), moment(now))
}

/// The moment of each occasion, its year, and its days.
fn told(agenda: &Agenda) -> Vec<(i64, i32, Vec<&str>)> {
    agenda.occasions.iter().map(|one| (one.at, one.year, one.days.iter().map(String::as_str).collect())).collect()
}

#[test]
fn each_local_day_that_began_has_its_occasions_once() {
    let program = occasions(json!([{"id": "b", "date": "birthday", "event": "birthday"}]));
    let agenda = at(&program, "2026-02-27T12:00:00+03:00", "2026-03-01T00:00:00+03:00");
    assert_eq!(
        told(&agenda),
        [
            (moment("2026-02-28T00:00:00+03:00"), 2026, vec!["02-28", "02-29"]),
            (moment("2026-03-01T00:00:00+03:00"), 2026, vec!["03-01"])
        ],
        "29 February is the 28th in a common year"
    );
    assert_eq!(agenda.occasions[1].told_before, moment("2026-01-30T00:00:00+03:00"), "thirty days before");
    let (begun, later) = ("2026-03-01T00:00:00+03:00", "2026-03-01T23:59:59+03:00");
    assert!(told(&at(&program, begun, later)).is_empty(), "the day has begun before");
}

#[test]
fn in_a_leap_year_29_february_is_itself() {
    let program = occasions(json!([{"id": "b", "date": "birthday", "event": "birthday"}]));
    let agenda = at(&program, "2028-02-27T12:00:00+03:00", "2028-02-29T12:00:00+03:00");
    let days: Vec<_> = told(&agenda).into_iter().map(|(_, _, days)| days).collect();
    assert_eq!(days, [vec!["02-28"], vec!["02-29"]]);
}

#[test]
fn a_week_before_a_birthday_in_january_lies_in_the_year_before() {
    let program = occasions(json!([
        {"id": "soon", "date": "birthday", "days_before": 7, "event": "soon"},
        {"id": "after", "date": "birthday", "days_after": 3, "event": "after"}
    ]));
    let agenda = at(&program, "2026-12-27T12:00:00+03:00", "2026-12-28T12:00:00+03:00");
    let day = moment("2026-12-28T00:00:00+03:00");
    assert_eq!(told(&agenda), [(day, 2027, vec!["01-04"]), (day, 2026, vec!["12-25"])]);
}

#[test]
fn an_anniversary_is_of_those_who_joined_on_that_day_in_years_before() {
    let program = occasions(json!([{"id": "year", "date": "anniversary", "event": "year"}]));
    let agenda = at(&program, "2026-02-27T12:00:00+03:00", "2026-02-28T12:00:00+03:00");
    let joined = &agenda.occasions[0].joined;
    let spans = |from: &str, until: &str| {
        joined.iter().any(|span| (span.from_instant, span.until_instant) == (moment(from), moment(until)))
    };
    assert!(spans("2025-02-28T00:00:00+03:00", "2025-03-01T00:00:00+03:00"));
    assert!(spans("2024-02-29T00:00:00+03:00", "2024-03-01T00:00:00+03:00"), "who joined on 29 February has the 28th");
    assert!(!spans("2026-02-28T00:00:00+03:00", "2026-03-01T00:00:00+03:00"), "not those who joined today");
}

#[test]
fn a_job_that_was_away_for_years_is_told_whole_days_and_asks_again() {
    let program = occasions(json!([
        {"id": "a", "date": "birthday", "event": "a"}, {"id": "b", "date": "birthday", "event": "b"},
        {"id": "c", "date": "birthday", "event": "c"}
    ]));
    let (mut after, now, mut days) = (moment("2020-01-01T12:00:00+03:00"), moment("2026-01-01T12:00:00+03:00"), 0);
    loop {
        let agenda = program.agenda(after, now);
        assert!(agenda.occasions.len() <= 400 && agenda.occasions.len().is_multiple_of(3));
        let Some(last) = agenda.occasions.last() else { break };
        (after, days) = (last.at, days + agenda.occasions.len() / 3);
    }
    assert_eq!(days, 2192, "six years, two of them leap years");
}

#[test]
fn a_trigger_of_days_fires_at_the_start_of_a_local_day_over_a_change_of_clocks() {
    let mut document = common::document_with(json!({"triggers": [{"id": "t", "on": "purchase", "days": 3, "event": "e"}]}));
    document["time_zone"] = json!("Europe/London");
    let program = common::program_of(&document);
    let fires = program.scheduled("t", moment("2026-03-27T20:00:00Z")).expect("it does");
    assert_eq!(fires.at, moment("2026-03-30T00:00:00+01:00"));
    let due = |now: &str| program.agenda(moment(now), moment(now)).triggers[0].due_before;
    assert_eq!(due("2026-03-30T00:00:00+01:00"), moment("2026-03-28T00:00:00Z"), "whatever happened on the 27th is due");
    assert_eq!(due("2026-03-29T23:59:59+01:00"), moment("2026-03-27T00:00:00Z"));
    assert_eq!(program.scheduled("unknown", moment("2026-03-27T20:00:00Z")), None);
}

#[test]
fn a_trigger_of_hours_fires_so_many_hours_later_and_one_without_a_wait_at_once() {
    let program = program_with(json!({"triggers": [
        {"id": "h", "on": "joined", "hours": 3, "event": "e"}, {"id": "now", "on": "joined", "event": "e"}
    ]}));
    let now = moment("2026-03-01T12:00:00Z");
    let triggers = program.agenda(now, now).triggers;
    assert_eq!((triggers[0].due_before, triggers[1].due_before), (moment("2026-03-01T09:00:00Z") + 1, now + 1));
    assert_eq!(program.scheduled("h", moment("2026-03-01T09:00:00Z")).map(|firing| firing.at), Some(now));
    assert_eq!((triggers[0].wait.as_str(), triggers[1].wait.as_str()), ("3h", "0h"));
}

#[test]
fn the_warning_of_a_tier_comes_days_before_its_grace_ends() {
    let program = program_with(json!({
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}],
        "triggers": [{"id": "t", "on": "tier_ending", "days": 14, "event": "e"}]
    }));
    let ends = moment("2026-03-15T00:00:00+03:00");
    assert_eq!(program.scheduled("t", ends).map(|firing| firing.at), Some(moment("2026-03-01T00:00:00+03:00")));
    let due = |now: &str| program.agenda(moment(now), moment(now)).triggers[0].due_before;
    assert!(due("2026-03-01T00:00:00+03:00") > ends && due("2026-02-28T23:59:59+03:00") <= ends);
}

#[test]
fn a_code_of_a_trigger_is_good_for_days_from_when_it_fires_however_late_the_job_comes() {
    let program = program_with(json!({
        "discounts": [{"id": "code", "type": "percent", "rate": "1", "when": {"voucher": true}}],
        "triggers": [{"id": "t", "on": "joined", "days": 1, "event": "e", "voucher": {"rule": "code", "days": 2}}]
    }));
    let fires = program.scheduled("t", moment("2026-03-01T12:00:00Z")).expect("it does");
    assert_eq!(
        fires.voucher_expires_at,
        Some(moment("2026-03-05T00:00:00+03:00")),
        "fires on the 2nd, good to the end of the 4th"
    );
}

#[test]
fn reminders_come_so_many_days_before_points_are_gone() {
    let program = program_with(json!({"reminders": {"days": [14, 1]}}));
    let gone = moment("2026-03-15T00:00:00+03:00");
    let due = |now: &str, place: usize| program.agenda(moment(now), moment(now)).reminders[place].due_before > gone;
    assert!(due("2026-03-01T00:00:00+03:00", 0) && !due("2026-02-28T23:59:59+03:00", 0));
    assert!(due("2026-03-14T00:00:00+03:00", 1) && !due("2026-03-13T23:59:59+03:00", 1));
}

#[test]
fn a_program_says_how_many_days_before_their_end_points_need_a_notice() {
    let notice = |blocks: Value| program_with(blocks).settings().notice_days;
    assert_eq!(notice(json!({})), None);
    assert_eq!(notice(json!({"annulment": {"notice_days": 30}})), Some(30));
}

#[test]
fn what_a_trigger_cannot_mean_is_refused_where_it_stands() {
    let refused = |trigger: Value, pointer: &str, code: &str| {
        let mut whole = json!({"id": "t", "on": "purchase", "event": "e"});
        for (name, value) in trigger.as_object().expect("fields") {
            whole[name] = value.clone();
        }
        let found = findings_of(json!({"triggers": [whole]}));
        assert_eq!(found, [(format!("/triggers/0{pointer}"), code.to_owned())]);
    };
    refused(json!({"on": "no_purchase"}), "/days", "missing_field");
    refused(json!({"on": "no_purchase", "hours": 3}), "/hours", "not_of_trigger");
    refused(json!({"on": "no_purchase", "days": 3, "unless": "bought"}), "/unless", "not_of_trigger");
    refused(json!({"on": "tier_reached"}), "/tiers", "missing_field");
    refused(json!({"on": "tier_reached", "tiers": ["gold"]}), "/tiers", "unknown_tier");
    refused(json!({"on": "tier_ending", "days": 3}), "/on", "no_tiers");
    refused(json!({"on": "event"}), "/type", "missing_field");
    refused(json!({"on": "event", "type": "e"}), "/event", "feeds_itself");
    let follows = |id: &str, of: &str, event: &str| json!({"id": id, "on": "event", "type": of, "hours": 1, "event": event});
    let ring = json!({"triggers": [follows("1", "a", "b"), follows("2", "b", "c"), follows("3", "c", "a")]});
    assert_eq!(findings_of(ring), [("/triggers/2/event".to_owned(), "feeds_itself".to_owned())]);
    refused(json!({"on": "joined", "skus": ["a"]}), "/skus", "not_of_trigger");
    refused(json!({"on": "joined", "unless": "bought_again"}), "/unless", "not_of_trigger");
    refused(json!({"unless": "profile_filled"}), "/unless", "no_profile");
    refused(json!({"days": 3, "hours": 3}), "/hours", "two_waits");
    refused(json!({"voucher": {"rule": "nothing", "days": 3}}), "/voucher/rule", "unknown_rule");
}

#[test]
fn what_an_occasion_or_a_reminder_cannot_mean_is_refused_where_it_stands() {
    let refused = |blocks: Value, pointer: &str, code: &str| {
        assert_eq!(findings_of(blocks), [(pointer.to_owned(), code.to_owned())]);
    };
    let occasion = |id: &str, more: Value| {
        let mut whole = json!({"id": id, "date": "birthday", "event": "a"});
        for (name, value) in more.as_object().expect("fields") {
            whole[name] = value.clone();
        }
        whole
    };
    let twice = json!([occasion("t", json!({})), occasion("t", json!({}))]);
    refused(json!({"occasions": twice}), "/occasions/1/id", "duplicate_id");
    let both = json!([occasion("t", json!({"days_before": 1, "days_after": 1}))]);
    refused(json!({"occasions": both}), "/occasions/0/days_after", "two_offsets");
    refused(json!({"occasions": [occasion("t", json!({"days_before": 181}))]}), "/occasions/0/days_before", "out_of_range");
    refused(json!({"reminders": {"days": [1, 7]}}), "/reminders/days/1", "not_descending");
    refused(json!({"reminders": {"days": []}}), "/reminders/days", "empty");
}
