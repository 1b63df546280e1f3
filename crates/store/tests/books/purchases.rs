//! Purchases go through a referee of their own, which is the whole one without what never concerns them: a hosted store plans a
//! statement with all its triggers anew each time, and that of the whole referee takes as long as all the rest of an order.

use std::fmt::Write as _;

use domain::plan::Plan;
use store::PURCHASE_PARTS;

use crate::database::Sqlite;
use crate::shop::Shop;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/default/0008_purchases.sql");
const WHOLE: &str = include_str!("../../../../sql/default/0002_referee.sql");
const PLANS: &str = "CREATE TRIGGER IF NOT EXISTS apply_plan INSTEAD OF INSERT ON apply BEGIN\n";
const ENTRIES: &str = "CREATE TRIGGER IF NOT EXISTS post_entry INSTEAD OF INSERT ON apply_entry\nWHEN NEW.kind NOT IN ('merge_out', 'merge_in') BEGIN\n";
const ENTRY: &str = "CREATE VIEW IF NOT EXISTS apply_entry AS\n";

/// What stands in the whole referee after a beginning, up to an end.
fn after(beginning: &str, end: &str) -> &'static str {
    let (_, rest) = WHOLE.split_once(beginning).expect("it begins");
    rest.split_once(end).expect("and ends").0
}

/// The statements of the whole referee, each with the comments before it.
fn statements() -> Vec<String> {
    let body = after(PLANS, "\nEND;");
    let mut statements = vec![String::new()];
    for line in body.lines().filter(|line| !line.trim().is_empty()) {
        let last = statements.last_mut().expect("there is one");
        last.push_str(line);
        last.push('\n');
        if !line.trim_start().starts_with("--") && line.ends_with(';') {
            statements.push(String::new());
        }
    }
    assert!(statements.pop().is_some_and(|rest| rest.is_empty()), "the last statement ends");
    statements
}

/// The parts of a plan that a statement reads.
fn parts(statement: &str) -> Vec<&str> {
    let named = statement.split("NEW.plan, '$.").skip(1).filter_map(|rest| rest.split_once('\'')).map(|(part, _)| part).collect();
    assert_eq!(statement.matches("NEW.plan").count(), statement.matches("NEW.plan, '$.").count(), "{statement}");
    named
}

/// A statement without what it selects from other parts by `UNION ALL`.
fn only_known(statement: &str) -> String {
    let Some((before, rest)) = statement.split_once("(SELECT value ->> 'member_id' AS id FROM json_each(NEW.plan, '$.") else {
        return statement.to_owned();
    };
    let (_, after) = rest.split_once(") named").expect("they are named");
    let arms = &statement[before.len() + 1..statement.len() - after.len() - ") named".len()];
    let known = |arm: &&str| parts(arm).iter().all(|part| PURCHASE_PARTS.contains(part));
    let kept: Vec<String> =
        arms.split("UNION ALL").map(|arm| arm.trim().replace(" AS id", "")).filter(|arm| known(&arm.as_str())).collect();
    let first = kept.join("\n          UNION ALL ").replacen("value ->> 'member_id'", "value ->> 'member_id' AS id", 1);
    format!("{before}({first}) named{after}")
}

fn derived() -> String {
    let known = PURCHASE_PARTS.map(|part| format!("'{part}'")).join(", ");
    let (entry, post) = (after(ENTRY, "\n\n"), after(ENTRIES, "\nEND;"));
    let mut text = format!(
        "-- Purchases and redemptions: what of the referee (`apply_plan` in 0002_referee.sql) reads any of {known},\n\
         -- word for word, and entries (`post_entry`) of all kinds but merges. A test of the store makes this file and holds it\n\
         -- against that one.\n\n\
         CREATE VIEW IF NOT EXISTS apply_purchase_entry AS\n{entry}\n\n\
         CREATE TRIGGER IF NOT EXISTS post_purchase_entry INSTEAD OF INSERT ON apply_purchase_entry BEGIN\n  \
         SELECT RAISE(ABORT, 'E_KIND') WHERE NEW.kind IN ('merge_out', 'merge_in');\n\n{post}\nEND;\n\n\
         CREATE VIEW IF NOT EXISTS apply_purchase AS\n  \
         SELECT 0 AS id, '' AS key, '' AS fingerprint, 0 AS status, '' AS answer, 0 AS at, '' AS plan WHERE 0;\n\n\
         CREATE TRIGGER IF NOT EXISTS apply_purchase_plan INSTEAD OF INSERT ON apply_purchase BEGIN\n  \
         -- whatever else is in a plan would not be posted\n  \
         SELECT RAISE(ABORT, 'E_PLAN') FROM json_each(NEW.plan)\n   WHERE key NOT IN ({known});\n"
    );
    for statement in statements() {
        let parts = parts(&statement);
        if parts.is_empty() || parts.iter().any(|part| PURCHASE_PARTS.contains(part)) {
            let statement = only_known(&statement).replace("INSERT INTO apply_entry (", "INSERT INTO apply_purchase_entry (");
            write!(text, "\n{statement}").expect("a text takes everything");
        }
    }
    text + "END;\n"
}

#[test]
fn the_referee_of_purchases_is_the_whole_one_without_what_does_not_concern_them() {
    let derived = derived();
    if std::env::var_os("KOPILKA_WRITE_PURCHASES").is_some() {
        std::fs::write(FILE, &derived).expect("the file can be written");
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(there == derived, "0002_referee.sql has changed: run this test once with KOPILKA_WRITE_PURCHASES=1");
    assert!(statements().len() > 60 && derived.len() < WHOLE.len() / 3, "{}", derived.len());
}

/// What the referee of purchases says to a plan that it should not get.
fn refusal(shop: &mut Shop, plan: &str) -> String {
    let id = shop.command().ids.next();
    let (key, fingerprint, answer) = ("a key".into(), "fingerprint".into(), "answer".into());
    let parameters = vec![id.into(), key, fingerprint, 201.into(), answer, shop.now.into(), plan.into()];
    let refused = shop.db.query(include_str!("../../../../sql/statements/apply_purchase.sql"), parameters);
    refused.expect_err("it is refused").to_string()
}

#[test]
fn it_refuses_a_plan_with_anything_else_in_it() {
    let mut shop = Shop::open_on(Sqlite::in_memory(), 2);
    let plan = Plan { revoked_keys: vec![domain::Id(1)], ..Plan::default() };
    assert!(!store::is_purchase(&serde_json::to_value(&plan).expect("a plan is JSON")));
    let refused = refusal(&mut shop, r#"{"revoked_keys":[1]}"#);
    assert!(refused.contains("E_PLAN"), "{refused}");
}

#[test]
fn it_posts_no_merge() {
    let (mut shop, anna) = Shop::with_member(0);
    let now = shop.now.0;
    let entry = serde_json::json!({
        "id": 1, "account_id": anna.0, "seq": 1, "kind": "merge_out", "amount": 0, "deficit_change": 0, "balance_after": 0,
        "at": now, "occurred_at": now, "program_version": 1, "explanation": "[]", "lots": "[]", "postings": "[]",
    });
    let refused = refusal(&mut shop, &serde_json::json!({"entries": [entry]}).to_string());
    assert!(refused.contains("E_KIND"), "{refused}");
}
