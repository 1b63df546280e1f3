//! Evaluations a second of the same 50 rules on the same carts of 20 lines. Every engine gives the same points on every
//! cart before any time is taken.

mod cases;
mod wit;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use cases::{Cart, carts, document, facts};
use rules::Program;
use rules::engine::{Judgement, Payment};
use serde_json::{Value, json};
use wit::{Asked, Instance};

const CARTS: usize = 200;
const ROUNDS: usize = 5;
const SECONDS: u64 = 2;

fn main() {
    let (rules, carts) = (document(), carts(CARTS));
    let text = rules.to_string();
    let program = Program::parse(&text).unwrap_or_else(|findings| panic!("{findings:?}"));
    let judged: Vec<Judgement> = carts.iter().map(|cart| judge(&program, cart)).collect();
    let points: Vec<i64> = judged.iter().map(|judged| judged.earned).collect();
    assert!(points.iter().all(|points| *points > 0), "every cart earns something");

    let mut instance = Instance::new(&text);
    let asked: Vec<_> = carts.iter().map(|cart| Asked::new(&cart.member, &cart.order)).collect();
    for (asked, judged) in asked.iter().zip(&judged) {
        // the generated types have the same names and fields
        assert_eq!(format!("{:?}", instance.judge(asked)), format!("{judged:?}"), "the same judgement, sentences included");
    }

    let native = measure(|index| judge(&program, &carts[index % CARTS]));
    let through_wit = measure(|index| instance.judge(&asked[index % CARTS]));
    write_cases(&carts, &points);
    let zen = peer("cargo", &["run", "--quiet", "--release", "--manifest-path", "zen/Cargo.toml"]);
    let node = peer("node", &["json-rules-engine.mjs"]);
    let parse = measure(|_| Program::parse(&text).is_ok());
    let parse_through_wit = measure(|_| instance.parse(&text));
    println!("{:<34} {:>12}", "one core, median of 5 rounds", "a second");
    for (name, rate) in [
        ("rules, native", native),
        ("rules, in Wasm through WIT", through_wit),
        ("zen-engine 2.1.6, native", zen),
        ("json-rules-engine 7.3.1, node", node),
        ("parsing the 50 rules, native", parse),
        ("parsing the 50 rules, through WIT", parse_through_wit),
    ] {
        println!("{name:<34} {rate:>12.0}");
    }
    println!("through WIT: {:.1} times the faster of the other two", through_wit / zen.max(node));
    println!("a parse costs as much as {:.1} evaluations through WIT", through_wit / parse_through_wit);
}

fn judge(program: &Program, cart: &Cart) -> Judgement {
    program.judge_order(&cart.member, &cart.order, &Payment::None).expect("a judgement")
}

/// Calls a second: the median of the rounds.
fn measure<T>(mut call: impl FnMut(usize) -> T) -> f64 {
    let mut round = || {
        let (begun, mut count) = (Instant::now(), 0);
        while begun.elapsed() < Duration::from_secs(SECONDS) {
            black_box(call(count));
            count += 1;
        }
        count as f64 / begun.elapsed().as_secs_f64()
    };
    round(); // warms up
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// What the other engines read: the document, each cart and its points.
fn write_cases(carts: &[Cart], points: &[i64]) {
    let cases = json!({
        "document": document(), "carts": carts.iter().map(facts).collect::<Vec<Value>>(), "points": points,
        "rounds": ROUNDS, "seconds": SECONDS
    });
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/cases.json"), cases.to_string()).expect("cases.json is written");
}

/// Evaluations a second of another engine. It refuses to measure when any cart's points differ.
fn peer(program: &str, arguments: &[&str]) -> f64 {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("evaluations a second")
}
