//! The rules as they are deployed, asked through `wit/rules.wit` for random programs, orders, members and payments: never a
//! trap (the stack, memory, time), and to the last letter what the same rules say natively.

#[path = "../../components/rules/tests/properties/chance.rs"]
mod chance;
#[path = "../../components/rules/tests/common/mod.rs"]
mod common;
mod instance;
mod told;

use std::time::Instant;

use chance::Chance;
use common::{NOON, document_with, member, order};
use instance::{Component, Held, Instance};
use rules::Program;
use rules::engine::{Channel, Discounts, Payment, Referral};
use rules::presets::PRESETS;
use serde_json::{Value, json};
use told::same;

/// Carts that each valid document judges.
const CARTS: u64 = 20;
/// Documents for one instance: hosts, too, take a new one from time to time.
const KEPT: u64 = 128;

/// What was tried.
#[derive(Debug, Default)]
struct Tried {
    valid: u64,
    refused: u64,
    judged: u64,
    failed: u64,
}

/// Random documents and carts for 5 seconds. `KOPILKA_WASM_CARTS`, `KOPILKA_WASM_SECONDS` and `KOPILKA_WASM_SEED` (the first
/// seed) say otherwise.
#[test]
fn the_component_says_what_the_rules_say_natively_and_never_traps() {
    let component = Component::built();
    let (carts, seconds) = (number("KOPILKA_WASM_CARTS", 1_000_000), number("KOPILKA_WASM_SECONDS", 5));
    let first = number("KOPILKA_WASM_SEED", 0);
    let (begun, mut tried, mut seed, mut memory) = (Instant::now(), Tried::default(), first, 0);
    while tried.valid * CARTS + tried.refused < carts && begun.elapsed().as_secs() < seconds {
        let mut instance = Instance::new(component);
        for _ in 0..KEPT {
            let told = Told(seed);
            try_document(&mut instance, seed, &mut tried);
            seed += 1;
            drop(told);
        }
        memory = memory.max(instance.memory());
    }
    println!("{tried:?} in {:?}; seeds {first} to {}; at most {memory} bytes of memory", begun.elapsed(), seed - 1);
    assert!(tried.valid > tried.refused / 2 && tried.judged > tried.failed, "{tried:?}");
}

/// One random document, and carts if it is valid.
fn try_document(instance: &mut Instance, seed: u64, tried: &mut Tried) {
    let mut chance = Chance(seed << 32);
    let (_, preset) = chance.pick(&PRESETS);
    let mut document: Value = serde_json::from_str(preset).expect("JSON");
    chance.extend(&mut document);
    for _ in 0..chance.pick(&[0, 0, 0, 1, 1, 2, 3]) {
        chance.mutate(&mut document);
    }
    let Some((native, held)) = parsed(instance, &document.to_string()) else {
        tried.refused += 1;
        return;
    };
    tried.valid += 1;
    same(native.settings(), &instance.settings(&held));
    for _ in 0..CARTS {
        let (member, mut order, payment) = (chance.member(), chance.order(), chance.payment());
        if chance.one_in(10) {
            order.discounts = Discounts::Settled(order.lines.iter().map(|_| chance.amount()).collect());
        }
        let judged = native.judge_order(&member, &order, &payment);
        same(&judged, &instance.judge_order(&held, &member, &order, &payment));
        *if judged.is_ok() { &mut tried.judged } else { &mut tried.failed } += 1;
    }
    let (at, somebody, event) = (chance.next() as i64, chance.member(), chance.event());
    for at in [at, NOON] {
        for purchase in [None, Some(0), Some(100_000)] {
            let referral = Referral { at, purchase, friends_paid: 2, paid_at: vec![at, NOON] };
            same(native.judge_referral(&referral), &instance.judge_referral(&held, &referral));
        }
        same(native.judge_enrolment(at, "site"), &instance.judge_enrolment(&held, at, "site"));
        same(native.standing(&somebody, at), &instance.standing(&held, &somebody, at));
        same(native.needs(at), &instance.needs(&held, at));
        same(native.ended(at), &instance.ended(&held, at));
        let agenda = native.agenda(NOON, at);
        same(&agenda, &instance.agenda(&held, NOON, at));
        for trigger in &agenda.triggers {
            same(native.scheduled(&trigger.id, at), &instance.scheduled(&held, &trigger.id, at));
        }
        for zone in ["", "Asia/Vladivostok", "Mars/Olympus"] {
            same(native.quiet_until(zone, at), &instance.quiet_until(&held, zone, at));
        }
        same(native.returned_until(at), &instance.returned_until(&held, at));
    }
    same(native.judge_event(&somebody, &event), &instance.judge_event(&held, &somebody, &event));
    let messaging = native.messaging();
    same(&messaging, &instance.messaging(&held));
    for kind in messaging.iter().flat_map(|messaging| &messaging.kinds) {
        for (channel, language) in [(Channel::Email, "ru"), (Channel::Sms, "en")] {
            let values = chance.values();
            let written = native.write(&kind.kind, kind.of_id.as_deref(), channel, language, &values);
            same(written, &instance.write(&held, &kind.kind, kind.of_id.as_deref(), channel, language, &values));
        }
    }
    instance.forget(held);
}

/// What both make of a document; none where both refuse it for the same reasons, each with its pointer.
fn parsed(instance: &mut Instance, document: &str) -> Option<(Program, Held)> {
    match (Program::parse(document), instance.parse(document)) {
        (Ok(native), Ok(held)) => Some((native, held)),
        (Err(findings), Err(told)) => {
            assert!(!findings.is_empty());
            same(findings, &told);
            None
        }
        (native, _) => panic!("only one of both refuses it, natively {:?}: {document}", native.err()),
    }
}

#[test]
fn any_text_is_parsed_or_refused() {
    let component = Component::built();
    let mut instance = Instance::new(component);
    let mut chance = Chance(7);
    for (_, document) in PRESETS {
        for _ in 0..50 {
            let mut bytes = document.as_bytes().to_vec();
            for _ in 0..=chance.below(3) {
                let index = chance.below(bytes.len() as u64) as usize;
                bytes[index] = chance.next() as u8;
            }
            if let Some((_, held)) = parsed(&mut instance, &String::from_utf8_lossy(&bytes)) {
                instance.forget(held);
            }
        }
    }
}

#[test]
fn the_deepest_and_the_longest_documents_are_refused() {
    let component = Component::built();
    let mut instance = Instance::new(component);
    let most = 1 << 20;
    for document in [
        "[".repeat(most),
        "{\"a\":".repeat(most / 5),
        "[".repeat(most / 2) + &"]".repeat(most / 2),
        format!("[{}0]", "0,".repeat(most / 2 - 2)),
        format!("{{\"name\": \"{}\"}}", "я".repeat(most / 2 - 10)),
        format!("{{{}\"a\": 1}}", "\"b\":1,".repeat(most / 6 - 2)),
        " ".repeat(most + 1),
        "9".repeat(most),
    ] {
        assert!(parsed(&mut instance, &document).is_none(), "{}…", &document[..20]);
    }
}

#[test]
fn the_largest_orders_are_judged_by_a_program_with_as_many_rules() {
    let component = Component::built();
    let mut instance = Instance::new(component);
    let mut chance = Chance(11);
    let rules = |chance: &mut Chance, count: usize, kind: &str, ids: &str| -> Vec<Value> {
        (0..count)
            .map(|number| {
                json!({"id": format!("{ids}{number}"), "type": kind, "rate": chance.below(9) + 1,
                       "when": {"order_total": {"min": 1 + chance.below(9_000_000)}}})
            })
            .collect()
    };
    let document = document_with(json!({
        "discounts": rules(&mut chance, 200, "percent", "d"), "earning": rules(&mut chance, 200, "percent", "e"),
        "redemption": {"max_share": "100"}
    }));
    let (native, held) = parsed(&mut instance, &document.to_string()).expect("a valid document");
    for lines in [1_000, 1_001] {
        let mut order = order((0..lines).map(|id| common::line(&id.to_string(), 1 + chance.below(1_000_000) as i64)).collect());
        order.lines.iter_mut().for_each(|line| line.sku = "x".repeat(200));
        for payment in [Payment::None, Payment::Maximum] {
            let judged = native.judge_order(&member(1_000_000), &order, &payment);
            assert_eq!(judged.is_ok(), lines == 1_000, "{:?}", judged.err());
            same(&judged, &instance.judge_order(&held, &member(1_000_000), &order, &payment));
        }
    }
}

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Tells the seed of a document that failed.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!(
                "KOPILKA_WASM_SEED={seed} KOPILKA_WASM_CARTS=1 shows it again, unless an earlier document of its instance is needed"
            );
        }
    }
}
