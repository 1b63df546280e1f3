//! Of what members are written, in which words, and when they are left in peace.

use rules::Program;
use rules::engine::{Channel, NamedValue, Purpose};
use serde_json::{Value, json};

fn document(messages: Value) -> Value {
    json!({
        "name": "Coffee club", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "beans", "names": {"ru": "зёрна"}, "scale": 2, "conversion_rate": "1.00"},
        "tiers": [{"id": "base", "name": "Base", "threshold": "0"}, {"id": "gold", "name": "Gold", "threshold": "10000"}],
        "triggers": [{"id": "sleeping", "on": "no_purchase", "days": 60, "event": "sleeping"}],
        "messages": messages
    })
}

fn with(templates: Value) -> Value {
    document(json!({"cascade": [{"channel": "email"}], "templates": templates}))
}

fn program(document: &Value) -> Program {
    Program::parse(&document.to_string()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// Pointer and code of everything that is wrong.
fn findings(document: &Value) -> Vec<(String, String)> {
    let found = Program::parse(&document.to_string()).map(drop).unwrap_err();
    found.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
}

fn values(said: &[(&str, &str)]) -> Vec<NamedValue> {
    said.iter().map(|(name, value)| NamedValue { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
}

fn at(moment: &str) -> i64 {
    moment.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

const EXPIRING: [(&str, &str); 5] = [
    ("points", "249.50"),
    ("expires_at", "2026-03-31T21:00:00Z"),
    ("days", "7"),
    ("first_name", "Anna"),
    ("available", "1249.50"),
];

fn expiring() -> Value {
    json!([{
        "kind": "points.expiring",
        "en": {
            "subject": "{{ points | number }} {{ points_name }} expire",
            "text": "{{ first_name | or('Hello') }}, spend {{ points | number }} of {{ available | number }} by {{ expires_at | last_day }}.",
            "short": "{{ program }}: {{ days }} {{ days | plural('day', 'days') }} left"
        },
        "ru": {"text": "{{ points | number }} {{ points_name }}, осталось {{ days }} {{ days | plural('день', 'дня', 'дней') }}"}
    }])
}

#[test]
fn a_member_reads_the_message_in_their_language_with_days_and_numbers_written_as_there() {
    let program = program(&with(expiring()));
    let write =
        |channel, language: &str| program.write("points.expiring", None, channel, language, &values(&EXPIRING)).unwrap().unwrap();
    let letter = write(Channel::Email, "en");
    assert_eq!(letter.subject.as_deref(), Some("249.5 beans expire"));
    assert_eq!(letter.text, "Anna, spend 249.5 of 1,249.5 by 31 March 2026.");
    assert_eq!(write(Channel::Messenger, "ru").text, "249,5 зёрна, осталось 7 дней");
    assert_eq!(write(Channel::Email, "de").language, "en", "whoever reads another language gets the first there is");
}

#[test]
fn a_text_message_is_short_and_has_no_subject() {
    let program = program(&with(expiring()));
    let written = program.write("points.expiring", None, Channel::Sms, "en", &values(&EXPIRING)).unwrap().unwrap();
    assert_eq!((written.subject, written.text), (None, "Coffee club: 7 days left".to_owned()));
}

#[test]
fn what_nobody_told_is_empty() {
    let program = program(&with(expiring()));
    let known = values(&EXPIRING[..3]);
    let nameless: Vec<_> = known.into_iter().chain(values(&[("available", "0.00")])).collect();
    let written = program.write("points.expiring", None, Channel::Email, "en", &nameless).unwrap().unwrap();
    assert_eq!(written.text, "Hello, spend 249.5 of 0 by 31 March 2026.");
}

#[test]
fn a_message_that_lacks_a_value_is_not_written() {
    let program = program(&with(expiring()));
    let error = program.write("points.expiring", None, Channel::Email, "en", &values(&EXPIRING[1..])).unwrap_err();
    assert!(error.contains("undefined value"), "{error}");
}

#[test]
fn a_trigger_may_have_words_of_its_own() {
    let words = |text: &str| json!({"text": text});
    let program = program(&with(json!([
        {"kind": "trigger", "en": words("Something for you")},
        {"kind": "trigger", "of": "sleeping", "en": words("We miss you: {{ points | number }} for you")}
    ])));
    let write = |of| program.write("trigger", of, Channel::Email, "en", &values(&[("points", "300.00")])).unwrap().unwrap().text;
    assert_eq!(write(Some("sleeping")), "We miss you: 300 for you");
    assert_eq!(write(Some("refill")), "Something for you");
}

#[test]
fn a_tier_is_told_by_its_name() {
    let program = program(&with(json!([{"kind": "tier.changed", "en": {"text": "You are {{ tier }} now"}}])));
    let told = |to| program.write("tier.changed", None, Channel::Email, "en", &values(&[("to", to)])).unwrap().unwrap().text;
    assert_eq!(told("gold"), "You are Gold now");
    assert_eq!(told("platinum"), "You are platinum now", "a tier that the program has no more");
}

#[test]
fn nothing_is_written_of_what_has_no_template() {
    let program = program(&with(expiring()));
    assert_eq!(program.write("points.earned", None, Channel::Email, "en", &[]), Ok(None));
    assert_eq!(program.messaging().unwrap().kinds.len(), 1);
}

#[test]
fn codes_are_urgent_and_what_happens_by_itself_is_marketing_unless_the_program_says_otherwise() {
    let words = json!({"text": "Hello"});
    let program = program(&with(json!([
        {"kind": "member.code", "en": words}, {"kind": "points.earned", "en": words}, {"kind": "trigger", "en": words},
        {"kind": "points.expired", "purpose": "marketing", "en": words}
    ])));
    let purposes: Vec<_> = program.messaging().unwrap().kinds.into_iter().map(|kind| kind.purpose).collect();
    assert_eq!(purposes, [Purpose::Urgent, Purpose::Service, Purpose::Marketing, Purpose::Marketing]);
}

#[test]
fn quiet_hours_end_by_the_member_s_clock() {
    let document = document(json!({
        "cascade": [{"channel": "email"}], "quiet_hours": {"from": "21:00", "to": "09:00"}, "templates": expiring()
    }));
    let program = program(&document);
    let quiet = |zone: &str, moment: &str| program.quiet_until(zone, at(moment));
    assert_eq!(quiet("Europe/Moscow", "2026-03-10T17:59:00Z"), None, "20:59 in Moscow");
    assert_eq!(quiet("Europe/Moscow", "2026-03-10T18:00:00Z"), Some(at("2026-03-11T06:00:00Z")));
    assert_eq!(quiet("Europe/Moscow", "2026-03-11T05:59:00Z"), Some(at("2026-03-11T06:00:00Z")));
    assert_eq!(quiet("Europe/Moscow", "2026-03-11T06:00:00Z"), None);
    assert_eq!(quiet("Asia/Vladivostok", "2026-03-10T11:30:00Z"), Some(at("2026-03-10T23:00:00Z")), "21:30 there");
    assert_eq!(quiet("Mars/Olympus", "2026-03-10T18:00:00Z"), Some(at("2026-03-11T06:00:00Z")), "the program's zone");
    // the clocks of Berlin go back in this night: half past two comes twice
    let late = document_with_quiet("22:00", "02:30");
    for (moment, until) in [("2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z"), ("2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z")] {
        assert_eq!(late.quiet_until("Europe/Berlin", at(moment)), Some(at(until)), "{moment}");
    }
    // and forward in this one
    assert_eq!(quiet("Europe/Berlin", "2026-03-28T22:00:00Z"), Some(at("2026-03-29T07:00:00Z")));
}

fn document_with_quiet(from: &str, to: &str) -> Program {
    program(&document(json!({
        "cascade": [{"channel": "email"}], "quiet_hours": {"from": from, "to": to}, "templates": expiring()
    })))
}

#[test]
fn quiet_hours_within_a_day_end_on_that_day() {
    let siesta = document_with_quiet("13:00", "15:00");
    assert_eq!(siesta.quiet_until("UTC", at("2026-03-10T13:30:00Z")), Some(at("2026-03-10T15:00:00Z")));
    assert_eq!(siesta.quiet_until("UTC", at("2026-03-10T15:00:00Z")), None);
    let evening = document_with_quiet("22:00", "24:00");
    assert_eq!(evening.quiet_until("UTC", at("2026-03-10T23:30:00Z")), Some(at("2026-03-11T00:00:00Z")));
}

#[test]
fn a_template_that_says_what_nobody_knows_is_refused_with_what_it_may_say() {
    let of = |kind: &str, text: &str| with(json!([{"kind": kind, "en": {"text": text}}]));
    let text = "/messages/templates/0/en/text".to_owned();
    for (kind, wrong) in
        [("points.expiring", "{{ name }}"), ("points.earned", "{{ expires_at | day }}"), ("member.enrolled", "{{ points }}")]
    {
        assert_eq!(findings(&of(kind, wrong)), [(text.clone(), "unknown_value".to_owned())], "{wrong}");
    }
    for wrong in [
        "{{ points",
        "{% if points %}",
        "{{ points | shout }}",
        "{{ first_name | day }}",
        "{{ points() }}",
        "{{ range(9) }}",
        "{% for a in points %}x{% endfor %}",
        "{% set points = 1 %}",
        "{% include 'x' %}",
        "{{ points | plural }}",
        "{{ points / 0 }}",
        "{% if days == '2' %}{{ points | pluralize }}{% endif %}",
    ] {
        let found = findings(&of("points.expiring", wrong));
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert_eq!(found[0].0, text, "{wrong}");
    }
    let subject = with(json!([{"kind": "points.expiring", "en": {"text": "x", "subject": "{{ x }}"}}]));
    assert_eq!(findings(&subject)[0].0, "/messages/templates/0/en/subject");
}

#[test]
fn a_template_must_bear_values_that_are_empty() {
    let of = |text: &str| with(json!([{"kind": "points.activated", "en": {"text": text}}]));
    program(&of("{% if expires_at %}until {{ expires_at | last_day }}{% else %}for ever{% endif %}"));
    assert_eq!(findings(&of("{{ 'x' * (first_name == 'Anna') / (first_name == 'Anna') }}")).len(), 1);
}

#[test]
fn what_can_t_be_meant_is_named() {
    let words = json!({"text": "x"});
    let template = |fields: Value| {
        let mut template = json!({"kind": "points.expiring", "en": words});
        for (name, value) in fields.as_object().unwrap() {
            template[name] = value.clone();
        }
        with(json!([template]))
    };
    let first = |document: &Value| findings(document).remove(0);
    let expected = |pointer: &str, code: &str| (format!("/messages{pointer}"), code.to_owned());
    assert_eq!(first(&template(json!({"kind": "points.lost"}))), expected("/templates/0/kind", "unknown_kind"));
    assert_eq!(first(&template(json!({"of": "sleeping"}))), expected("/templates/0/of", "not_of_this_kind"));
    assert_eq!(first(&template(json!({"kind": "trigger", "of": "waking"}))), expected("/templates/0/of", "unknown_id"));
    assert_eq!(
        first(&template(json!({"kind": "member.code", "purpose": "marketing"}))),
        expected("/templates/0/purpose", "code_is_urgent")
    );
    let annulment = json!({"kind": "points.annulment", "purpose": "marketing"});
    assert_eq!(first(&template(annulment)), expected("/templates/0/purpose", "must_be_told"));
    assert_eq!(first(&template(json!({"de": words}))), expected("/templates/0/de", "unknown_field"));
    assert_eq!(first(&with(json!([{"kind": "trigger"}]))), expected("/templates/0", "missing_language"));
    let both = json!([{"kind": "trigger", "en": words, "ru": words}, {"kind": "occasion", "en": words}]);
    assert_eq!(first(&with(both)), expected("/templates/1", "missing_language"));
    let twice = json!([{"kind": "trigger", "en": words}, {"kind": "trigger", "en": words}]);
    assert_eq!(first(&with(twice)), expected("/templates/1", "duplicate"));
    assert_eq!(first(&with(json!([]))), expected("/templates", "empty"));
    let of = |fields: Value| {
        let mut messages = json!({"cascade": [{"channel": "email"}], "templates": expiring()});
        for (name, value) in fields.as_object().unwrap() {
            messages[name] = value.clone();
        }
        document(messages)
    };
    assert_eq!(first(&of(json!({"cascade": []}))), expected("/cascade", "empty"));
    let again = json!({"cascade": [{"channel": "sms"}, {"channel": "sms"}]});
    assert_eq!(first(&of(again)), expected("/cascade/1/channel", "duplicate"));
    assert_eq!(first(&of(json!({"cascade": [{"channel": "pigeon"}]}))), expected("/cascade/0/channel", "unknown_word"));
    assert_eq!(
        first(&of(json!({"cascade": [{"channel": "sms", "wait_hours": 0}]}))),
        expected("/cascade/0/wait_hours", "out_of_range")
    );
    assert_eq!(first(&of(json!({"cap": {"messages": 0, "days": 7}}))), expected("/cap/messages", "out_of_range"));
    assert_eq!(first(&of(json!({"quiet_hours": {"from": "21:00", "to": "21:00"}}))), expected("/quiet_hours", "never_comes"));
}
