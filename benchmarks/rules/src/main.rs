//! Evaluations a second of the same 50 rules on the same carts of 20 lines. Every engine gives the same points on every
//! cart before any time is taken.

mod cases;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use cases::{Cart, carts, document, facts};
use rules::Program;
use rules::engine::Payment;
use serde_json::{Value, json};

const CARTS: usize = 200;
const ROUNDS: usize = 5;
const SECONDS: u64 = 2;

fn main() {
    let (text, carts) = (document().to_string(), carts(CARTS));
    let program = Program::parse(&text).unwrap_or_else(|findings| panic!("{findings:?}"));
    let points: Vec<i64> = carts.iter().map(|cart| judge(&program, cart)).collect();
    assert!(points.iter().all(|points| *points > 0), "every cart earns something");

    let native = measure(|index| judge(&program, &carts[index % CARTS]));
    let parse = measure(|_| Program::parse(&text).map_or(0, |program| program.settings().conversion_rate));
    let node = json_rules_engine(&carts, &points);
    println!("{:<34} {:>12}", "one core, median of 5 rounds", "a second");
    println!("{:<34} {native:>12.0}", "rules, native");
    println!("{:<34} {node:>12.0}", "json-rules-engine 7.3.1");
    println!("{:<34} {parse:>12.0}", "rules, native: parsing 50 rules");
    println!(
        "native is {:.1} times json-rules-engine; a parse costs as much as {:.1} evaluations",
        native / node,
        native / parse
    );
}

fn judge(program: &Program, cart: &Cart) -> i64 {
    program.judge_order(&cart.member, &cart.order, &Payment::None).expect("a judgement").earned
}

/// Calls a second: the median of the rounds.
fn measure(mut call: impl FnMut(usize) -> i64) -> f64 {
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

/// Runs the script with the same cases; it refuses to measure when any cart's points differ.
fn json_rules_engine(carts: &[Cart], points: &[i64]) -> f64 {
    let folder = env!("CARGO_MANIFEST_DIR");
    let cases = json!({
        "document": document(), "carts": carts.iter().map(facts).collect::<Vec<Value>>(), "points": points,
        "rounds": ROUNDS, "seconds": SECONDS
    });
    std::fs::write(format!("{folder}/cases.json"), cases.to_string()).expect("cases.json is written");
    let output = Command::new("node").arg("json-rules-engine.mjs").current_dir(folder).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("evaluations a second")
}
