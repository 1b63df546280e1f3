//! Purchases go through a referee of their own, which is the whole one without what never concerns them: a hosted store plans a
//! statement with all its triggers anew each time, and that of the whole referee takes as long as all the rest of an order.

use std::fmt::Write as _;

use domain::plan::Plan;
use store::PURCHASE_PARTS;

use crate::database::Sqlite;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/default/0008_purchases.sql");
const WHOLE: &str = include_str!("../../../../sql/default/0002_referee.sql");
const BEGINNING: &str = "CREATE TRIGGER IF NOT EXISTS apply_plan INSTEAD OF INSERT ON apply BEGIN\n";

/// The statements of the whole referee, each with the comments before it.
fn statements() -> Vec<String> {
    let (_, rest) = WHOLE.split_once(BEGINNING).expect("the referee begins");
    let (body, _) = rest.split_once("\nEND;").expect("and ends");
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

fn derived() -> String {
    let known = PURCHASE_PARTS.map(|part| format!("'{part}'")).join(", ");
    let mut text = format!(
        "-- Purchases and redemptions: what of the referee (`apply_plan` in 0002_referee.sql) reads any of {known},\n\
         -- word for word. A test of the store makes this file and holds it against that one.\n\n\
         CREATE VIEW IF NOT EXISTS apply_purchase AS\n  \
         SELECT 0 AS id, '' AS key, '' AS fingerprint, 0 AS status, '' AS answer, 0 AS at, '' AS plan WHERE 0;\n\n\
         CREATE TRIGGER IF NOT EXISTS apply_purchase_plan INSTEAD OF INSERT ON apply_purchase BEGIN\n  \
         -- whatever else is in a plan would not be posted\n  \
         SELECT RAISE(ABORT, 'E_PLAN') FROM json_each(NEW.plan)\n   WHERE key NOT IN ({known});\n"
    );
    for statement in statements() {
        let parts = parts(&statement);
        if parts.is_empty() || parts.iter().any(|part| PURCHASE_PARTS.contains(part)) {
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
    assert!(statements().len() > 60 && derived.len() < WHOLE.len() / 3);
}

#[test]
fn it_refuses_a_plan_with_anything_else_in_it() {
    let mut shop = crate::shop::Shop::open_on(Sqlite::in_memory(), 2);
    let plan = Plan { revoked_keys: vec![domain::Id(1)], ..Plan::default() };
    assert!(!store::is_purchase(&serde_json::to_value(&plan).expect("a plan is JSON")));
    let id = shop.command().ids.next();
    let parameters = vec![
        id.into(),
        "a key".into(),
        "fingerprint".into(),
        201.into(),
        "answer".into(),
        shop.now.into(),
        r#"{"revoked_keys":[1]}"#.into(),
    ];
    let refused = shop.db.query(include_str!("../../../../sql/statements/apply_purchase.sql"), parameters);
    assert!(refused.as_ref().is_err_and(|error| error.contains("E_PLAN")), "{refused:?}");
}
