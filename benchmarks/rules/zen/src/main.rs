//! Evaluations a second of `zen-engine` on `cases.json`, which the benchmark writes.
//!
//! The same rules as a decision: an expression node makes each sum once a cart, and a decision table that
//! collects has a row for each rule. Compiled beforehand, with the index that the engine makes of a table.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use serde_json::{Value, json};
use zen_engine::model::GraphContent;
use zen_engine::{Decision, Variable};

fn main() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../cases.json")).expect("cases.json is there");
    let cases: Value = serde_json::from_str(&text).expect("JSON");
    let content: GraphContent = serde_json::from_value(graph(&cases["document"])).expect("a decision");
    let mut decision = Decision::from(content);
    decision.validate().expect("a valid decision");
    decision.compile();
    let carts: Vec<Variable> = cases["carts"].as_array().expect("carts").iter().cloned().map(Variable::from).collect();
    for (place, cart) in carts.iter().enumerate() {
        assert_eq!(judge(&decision, cart), cases["points"][place].as_i64().expect("points"), "cart {place}");
    }

    let seconds = Duration::from_secs(cases["seconds"].as_u64().expect("seconds"));
    let round = || {
        let (begun, mut count) = (Instant::now(), 0);
        while begun.elapsed() < seconds {
            black_box(judge(&decision, &carts[count % carts.len()]));
            count += 1;
        }
        count as f64 / begun.elapsed().as_secs_f64()
    };
    round(); // warms up
    let mut rounds: Vec<f64> = (0..cases["rounds"].as_u64().expect("rounds")).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    println!("{}", rounds[rounds.len() / 2]);
}

/// The points of a cart, which is of the engine's own kind of value already.
fn judge(decision: &Decision, cart: &Variable) -> i64 {
    let answer = block_on(decision.evaluate(cart.clone())).expect("an answer");
    let given = answer.result.as_array().expect("the rows that hold");
    let points = given.borrow().iter().map(points).sum();
    points
}

fn points(row: &Variable) -> i64 {
    let points = row.dot("points").and_then(|points| points.as_number()).expect("a number");
    i64::try_from(points).expect("a whole number")
}

fn graph(document: &Value) -> Value {
    let rules = document["earning"].as_array().expect("rules");
    let rows: Vec<_> = rules.iter().map(row).collect();
    let column = |id: &str| json!({"id": id, "name": id, "field": id});
    json!({
        "nodes": [
            {"id": "cart", "name": "cart", "type": "inputNode"},
            {"id": "sums", "name": "sums", "type": "expressionNode", "content": {"expressions": sums(rules), "passThrough": true}},
            {"id": "rules", "name": "rules", "type": "decisionTableNode", "content": {
                "hitPolicy": "collect", "rules": rows,
                "inputs": [column("channel"), column("tier"), column("total"), {"id": "goods", "name": "goods"}],
                "outputs": [column("points")]
            }},
            {"id": "points", "name": "points", "type": "outputNode"}
        ],
        "edges": [
            {"id": "1", "sourceId": "cart", "targetId": "sums"},
            {"id": "2", "sourceId": "sums", "targetId": "rules"},
            {"id": "3", "sourceId": "rules", "targetId": "points"}
        ]
    })
}

/// The total, and the sum of each group of goods that a rule names.
fn sums(rules: &[Value]) -> Value {
    let mut sums = vec![json!({"id": "total", "key": "total", "value": "sum(map(lines, #.amount))"})];
    for rule in rules {
        let Some(key) = group(rule) else { continue };
        let products = &rule["when"]["products"];
        let meant = match products["categories"][0].as_str() {
            Some(category) => format!("#.category == '{category}'"),
            None => format!("{} in #.labels", products["labels"][0].to_string().replace('"', "'")),
        };
        if sums.iter().all(|sum| sum["key"] != *key) {
            sums.push(json!({"id": key, "key": key, "value": format!("sum(map(filter(lines, {meant}), #.amount))")}));
        }
    }
    sums.into()
}

/// The name of the sum of a rule's goods. The benchmark's rules name one category or one label.
fn group(rule: &Value) -> Option<String> {
    let products = rule["when"].get("products")?;
    let word = products["categories"][0].as_str().or(products["labels"][0].as_str())?;
    Some(format!("of_{}", word.replace('-', "_")))
}

/// Money and points are whole hundredths; a rate is parts per million.
fn row(rule: &Value) -> Value {
    let (when, group) = (&rule["when"], group(rule));
    let hundredths = |text: &Value| text.to_string().trim_matches('"').parse::<i64>().expect("a whole number") * 100;
    let words = |list: &Value| list.as_array().map(|words| words.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    let total = when["order_total"].get("min").map(|least| format!(">= {}", hundredths(least)));
    let points = match rule["rate"].as_str() {
        Some(rate) => {
            let parts = rate.strip_prefix("0.").expect("a rate below one").parse::<i64>().expect("two decimals") * 100;
            format!("floor({} * {parts} / 1000000)", group.as_deref().unwrap_or("total"))
        }
        None => hundredths(&rule["points"]).to_string(),
    };
    json!({
        "_id": rule["id"],
        "channel": words(&when["channels"]).unwrap_or_default(),
        "tier": words(&when["tiers"]).unwrap_or_default(),
        "total": total.unwrap_or_default(),
        "goods": group.map(|group| format!("{group} > 0")).unwrap_or_default(),
        "points": points
    })
}
