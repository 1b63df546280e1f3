//! What must hold for any program, any order and any payment, tried on many of each. One seed replays a failure.

mod chance;
mod checks;
#[path = "../common/mod.rs"]
mod common;
mod monotone;

use std::time::Instant;

use chance::Chance;
use checks::{check, offers_come_true};
use common::{DAY, NOON};
use rules::Program;
use rules::engine::{Channel, Failure, NamedValue, Payment};
use rules::presets::PRESETS;
use serde_json::Value;

/// Judges one random order twice: the same both times, and as it must be. Answers whether it was judged.
fn try_order(document: &Value, program: &Program, chance: &mut Chance) -> bool {
    let (member, order, payment) = (chance.member(), chance.order(), chance.payment());
    let judged = program.judge_order(&member, &order, &payment);
    assert_eq!(judged, program.judge_order(&member, &order, &payment));
    match &judged {
        Ok(judgement) => {
            check(document, &member, &order, &payment, judgement);
            offers_come_true(document, program, (&member, &order, &payment), judgement);
        }
        Err(Failure::Invalid(finding)) => assert!(!finding.code.is_empty() && !finding.pointer.is_empty()),
        Err(Failure::LimitExceeded(limit)) => {
            assert!(!limit.reason.is_empty());
            assert!(matches!(payment, Payment::Exact(points) if points > limit.max_points || limit.code != "share_of_order"));
        }
        Err(Failure::Insufficient(available)) => assert_eq!(*available, member.available.max(0)),
        Err(Failure::Overflow) => {}
    }
    judged.is_ok()
}

#[test]
fn presets_judge_any_order() {
    for (seed, (_, document)) in PRESETS.iter().enumerate() {
        let program = Program::parse(document).unwrap();
        let document = serde_json::from_str(document).unwrap();
        let mut chance = Chance(seed as u64);
        let judged = (0..2_000).filter(|_| try_order(&document, &program, &mut chance)).count();
        assert!(judged > 800, "only {judged} orders were judged");
    }
}

/// A million random documents and carts, or what 60 seconds allow: 20 carts for each document that is valid.
/// `KOPILKA_RULES_CARTS`, `KOPILKA_RULES_SECONDS` and `KOPILKA_RULES_SEED` (the first seed) say otherwise.
#[test]
fn any_valid_document_judges_any_order() {
    let carts = number("KOPILKA_RULES_CARTS", 1_000_000);
    let (begun, seconds) = (Instant::now(), number("KOPILKA_RULES_SECONDS", 60));
    let first = number("KOPILKA_RULES_SEED", 0);
    let (mut valid, mut refused, mut judged) = (0, 0, 0);
    let mut seed = first;
    while valid * CARTS + refused < carts && begun.elapsed().as_secs() < seconds {
        let told = Told(seed);
        let mut chance = Chance(seed << 32);
        seed += 1;
        let (_, preset) = chance.pick(&PRESETS);
        let mut document: Value = serde_json::from_str(preset).unwrap();
        chance.extend(&mut document);
        for _ in 0..chance.pick(&[0, 0, 0, 1, 1, 2, 3]) {
            chance.mutate(&mut document);
        }
        match Program::parse(&document.to_string()) {
            Ok(program) => {
                valid += 1;
                for _ in 0..CARTS {
                    judged += u64::from(try_order(&document, &program, &mut chance));
                }
                let _ = program.judge_enrolment(chance.next() as i64, "site");
                let _ = program.judge_event(&chance.member(), &chance.event());
                let _ = program.standing(&chance.member(), chance.next() as i64);
                let at = chance.next() as i64;
                for (after, at) in [(at, chance.next() as i64), (NOON, NOON + 400 * DAY), (NOON, NOON)] {
                    let agenda = program.agenda(after, at);
                    assert!(agenda.occasions.iter().all(|occasion| occasion.at > after && occasion.at <= at));
                    for trigger in &agenda.triggers {
                        let fires = program.scheduled(&trigger.id, at);
                        // whatever is just not due yet comes later than now
                        let next = program.scheduled(&trigger.id, trigger.due_before).filter(|_| fires.is_some());
                        assert!(next.is_none_or(|firing| firing.at > at), "{trigger:?} {next:?} {at}");
                    }
                }
                try_messages(&program, &mut chance);
                let needs = program.needs(chance.next() as i64);
                assert!(needs.windows.iter().all(|start| *start <= needs.day));
            }
            Err(findings) => {
                refused += 1;
                assert!(!findings.is_empty());
                for finding in findings {
                    // The pointer leads into the document, or to a field that is missing in something that is there.
                    let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    assert!(document.pointer(parent).is_some(), "{finding:?}");
                    assert!(!finding.code.is_empty() && !finding.detail.is_empty());
                }
            }
        }
        drop(told);
    }
    println!("{valid} valid documents, {refused} refused ones, {judged} carts judged; seeds {first} to {}", seed - 1);
    assert!(valid > refused / 2 && judged > valid * CARTS / 2, "{valid} valid, {refused} refused, {judged} carts judged");
}

/// Whatever was published can be written of what happened, and quiet hours end within a day.
fn try_messages(program: &Program, chance: &mut Chance) {
    let complete: Vec<NamedValue> =
        ["points", "welcome", "available", "days", "code", "to", "at", "activates_at", "expires_at", "told_expires_at"]
            .into_iter()
            .map(|name| {
                let value = if name == "at" || name.ends_with("_at") { "2026-03-31T21:00:00Z" } else { "12" };
                NamedValue { name: name.to_owned(), value: value.to_owned() }
            })
            .collect();
    for kind in program.messaging().iter().flat_map(|messaging| &messaging.kinds) {
        for channel in [Channel::Email, Channel::Push] {
            let written = program.write(&kind.kind, kind.of_id.as_deref(), channel, "ru", &complete);
            assert!(matches!(&written, Ok(Some(_))), "{kind:?} {written:?}");
            let _ = program.write(&kind.kind, kind.of_id.as_deref(), channel, "en", &chance.values());
        }
    }
    for at in [chance.next() as i64, NOON + (chance.below(400 * 24) as i64) * 3_600_000] {
        for zone in ["", "America/St_Johns", "Australia/Lord_Howe"] {
            let until = program.quiet_until(zone, at);
            assert!(until.is_none_or(|until| until > at && until - at <= DAY + 2 * 3_600_000), "{until:?} {at} {zone}");
        }
    }
}

/// Carts that each valid document judges.
const CARTS: u64 = 20;

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Tells the seed of a document that failed.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("KOPILKA_RULES_SEED={} KOPILKA_RULES_CARTS=1 shows it again", self.0);
        }
    }
}

#[test]
fn any_text_is_parsed_or_refused() {
    let mut chance = Chance(7);
    for (_, document) in PRESETS {
        for _ in 0..500 {
            let mut bytes = document.as_bytes().to_vec();
            for _ in 0..=chance.below(3) {
                let index = chance.below(bytes.len() as u64) as usize;
                bytes[index] = chance.next() as u8;
            }
            let _ = Program::parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
