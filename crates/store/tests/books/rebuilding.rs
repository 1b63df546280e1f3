//! The projections rebuilt from the facts: identical after any life (see `life`), and each column that was corrupted by
//! hand is named, with the row and both values.

use domain::{Id, Points, Quantity};
use ledger::{Adjustment, ReturnLine, ReturnRequest};
use store::{Difference, Differences};

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

impl Shop {
    /// Where the stored projections differ from the rebuilt ones.
    #[track_caller]
    pub fn differences(&self) -> Vec<Difference> {
        let Differences { named, total } = run(store::differences(&self.db)).expect("the comparison runs");
        assert_eq!(i64::try_from(named.len()), Ok(total), "all of them are named");
        named
    }
}

/// A shop that has seen everything, its protection removed.
fn shop() -> Shop {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("welcome", 1_000, NOW, None), ("over", 50, day(-2), Some(day(-1)))]);
    let order = purchase("A").line("a", 3_000, 50_000).line("b", 1_000, 100).paid(&[(100, 100)]).earns("purchase", &[70]);
    let redemption = shop.hold(anna, &order);
    shop.order(anna, &order, Some(redemption));
    shop.take_back("R", "A", &[("a", 1_000)]);
    shop.hold(anna, &purchase("B").line("b", 1_000, 1_000).paid(&[(30, 30)]));
    let late = shop.hold(anna, &purchase("C").line("c", 1_000, 1_000).paid(&[(20, 20)]));
    let part = shop.hold(anna, &purchase("D").line("d", 1_000, 1_000).paid(&[(10, 10)]));
    shop.capture(part, 4, "D");
    shop.adjust(anna, -10);
    run(store::expire(&shop.db, NOW, 10, Id(1), 1)).expect("a lot is over");
    shop.order(anna, &purchase("E").happened(day(-30)).line("e", 1_000, 700), None);
    shop.cancel("E");
    shop.now = day(1);
    run(store::release_overdue(&shop.db, shop.now, 1, Id(1_000), None)).expect("two holds are overdue");
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]), "nothing is wrong yet");
    assert_eq!(shop.db.number(&format!("SELECT count(*) FROM redemption WHERE id = {} AND status = 'held'", late.0)), 1);
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop.db.by_hand("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    shop
}

/// Sets a column of the row that this condition chooses to what this expression says: exactly that is named.
#[track_caller]
fn check(table: &str, chosen: &str, column: &str, expression: &str) {
    let shop = shop();
    let key = match table {
        "statistics" => "member_id",
        "order_line" => "order_id",
        _ => "id",
    };
    let text = |expression: &str| {
        let query = format!("SELECT coalesce(CAST({expression} AS TEXT), 'null') FROM {table} WHERE {chosen}");
        let found = shop.db.texts(&query);
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        Some(found[0].clone()).filter(|text| text != "null")
    };
    let shown = if ["capture_entry", "account_id"].contains(&column) {
        format!("iif({column} IS NULL, NULL, printf('%x', {column}))")
    } else {
        column.to_owned()
    };
    let rebuilt = text(&shown);
    let id = text(&format!("printf('%x', {key})")).expect("a row has an id");
    let line = (table == "order_line").then(|| shop.db.number(&format!("SELECT n FROM {table} WHERE {chosen}")));
    shop.db.by_hand(&format!("UPDATE {table} SET {column} = {expression} WHERE {chosen}"));
    // the expression may have left the condition: the row is found by its key
    let place = line.map_or_else(String::new, |line| format!(" AND n = {line}"));
    let stored = shop
        .db
        .texts(&format!("SELECT coalesce(CAST({shown} AS TEXT), 'null') FROM {table} WHERE printf('%x', {key}) = '{id}'{place}"));
    let stored = stored.first().cloned().filter(|text| text != "null");
    assert_ne!(stored, rebuilt, "{table}.{column} was corrupted");
    let expected = Difference { table: table.to_owned(), id, line, column: column.to_owned(), stored, rebuilt };
    assert_eq!(shop.differences(), [expected], "{table}.{column}");
}

#[test]
fn each_bucket_of_a_lot() {
    for column in ["remaining", "held", "spent", "expired", "revoked"] {
        for lot in ["rule_id = 'welcome'", "rule_id = 'purchase'", "rule_id = 'over'"] {
            check("lot", lot, column, &format!("{column} + 7"));
        }
        check("lot", "rule_id = 'welcome'", column, "-1");
    }
    check("lot", "rule_id = 'welcome'", "account_id", "account_id + 1");
}

#[test]
fn each_total_of_an_account() {
    for column in ["seq", "last_at", "remaining", "held", "deficit", "earned", "redeemed", "expired"] {
        check("account", "1", column, &format!("{column} + 1"));
        check("account", "1", column, &format!("{column} - 1"));
    }
}

#[test]
fn each_figure_of_the_statistics() {
    for column in ["orders", "qualifying_spend", "first_order_at", "last_order_at"] {
        check("statistics", "1", column, &format!("{column} + 1"));
    }
    check("statistics", "1", "first_order_at", "NULL");
}

#[test]
fn what_a_line_gave_back() {
    check("order_line", "id = 'a'", "returned", "returned + 1");
    check("orders", "ref = 'A'", "status", "'cancelled'");
    check("orders", "ref = 'E'", "status", "'recorded'");
}

#[test]
fn what_is_left_of_orders_and_of_what_they_earned() {
    check("orders", "ref = 'A'", "qualifying", "qualifying + 1");
    check("orders", "ref = 'A'", "kept", "kept - 1");
    check("lot", "rule_id = 'purchase'", "returned", "returned + 1");
}

#[test]
fn what_a_rule_gave_all_members() {
    let shop = shop();
    shop.db.by_hand("UPDATE rule_total SET points = points + 1 WHERE rule_id = 'purchase'");
    let found = shop.differences();
    assert_eq!((found.len(), found[0].table.as_str(), found[0].column.as_str()), (1, "rule_total", "points"));
    shop.db.by_hand("DELETE FROM rule_total WHERE rule_id = 'purchase'");
    let found = shop.differences();
    assert_eq!((found.len(), found[0].column.as_str(), found[0].rebuilt.as_deref()), (1, "rule_id", Some("purchase")));
}

#[test]
fn an_end_that_was_put_off_and_a_voucher_that_nobody_used() {
    let shop = shop();
    shop.db.by_hand("INSERT INTO extension (command_id, lot_id, was, expires_at) SELECT 1, id, expires_at, expires_at + 1 FROM lot WHERE rule_id = 'purchase'");
    shop.db.by_hand("INSERT INTO voucher (id, code, rule_id, created_at, order_id) VALUES (1, 'V', 'purchase', 1, 404)");
    let columns: Vec<String> = shop.differences().into_iter().map(|found| found.column).collect();
    assert_eq!(columns, ["expires_at", "order_id"]);
}

#[test]
fn how_a_redemption_ended() {
    check("redemption", "captured = 100", "status", "'released'");
    check("redemption", "captured = 4", "status", "'released'");
    check("redemption", "captured = 4", "captured", "10");
    check("redemption", "captured = 4", "capture_entry", "capture_entry + 1");
    check("redemption", "captured = 4", "capture_entry", "NULL");
    check("redemption", "status = 'expired'", "status", "'released'");
    check("redemption", "status = 'expired'", "status", "'held'");
    check("redemption", "status = 'expired'", "captured", "1");
    check("redemption", "status = 'held'", "status", "'expired'");
    check("redemption", "status = 'held'", "status", "'captured'");
}

#[test]
fn a_hold_that_was_released_by_hand() {
    let (mut shop, anna) = Shop::with_member(100);
    let redemption = shop.hold(anna, &purchase("A").line("a", 1_000, 1_000).paid(&[(30, 30)]));
    let command = shop.command();
    let what = store::Load { redemption: Some(redemption), ..store::Load::default() };
    let ended = ledger::release(&shop.load(&what), &shop.terms, command.clone()).expect("it is open");
    shop.post(&command, &ended.plan);
    assert_eq!(shop.differences(), []);
    shop.db.by_hand("UPDATE redemption SET status = 'expired'");
    let found = shop.differences();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].stored.as_deref(), found[0].rebuilt.as_deref()), (Some("expired"), Some("released")));
}

#[test]
fn a_row_that_is_gone_is_named_by_its_key() {
    for (table, column) in [("account", "id"), ("statistics", "member_id"), ("lot", "id")] {
        let shop = shop();
        let (key, chosen) = if table == "lot" { ("id", "rule_id = 'over'") } else { (column, "1") };
        let id = shop.db.texts(&format!("SELECT printf('%x', {key}) FROM {table} WHERE {chosen}")).remove(0);
        shop.db.by_hand(&format!("DELETE FROM {table} WHERE {chosen}"));
        let missing = Difference {
            table: table.to_owned(),
            id: id.clone(),
            line: None,
            column: column.to_owned(),
            stored: None,
            rebuilt: Some(id),
        };
        assert!(shop.differences().contains(&missing), "{missing:?} is not in {:?}", shop.differences());
    }
}

#[test]
fn a_fact_that_is_gone_is_seen_in_what_is_derived_from_it() {
    let shop = shop();
    shop.db.by_hand("DELETE FROM posting WHERE lot_id = (SELECT id FROM lot WHERE rule_id = 'over')");
    let found: Vec<(String, String)> = shop.differences().into_iter().map(|found| (found.table, found.column)).collect();
    let expected = [("account", "earned"), ("account", "expired"), ("lot", "expired"), ("lot", "revoked")];
    assert_eq!(found, expected.map(|(table, column)| (table.to_owned(), column.to_owned())));
}

#[test]
fn a_hundred_differences_are_named_and_all_are_counted() {
    let mut shop = Shop::open();
    for _ in 0..60 {
        shop.enrol(&[("welcome", 10, NOW, None)]);
    }
    shop.db.by_hand("PRAGMA ignore_check_constraints = ON; UPDATE lot SET remaining = remaining + 1, spent = spent + 1");
    shop.db.by_hand("UPDATE account SET redeemed = 5");
    let found = run(store::differences(&shop.db)).expect("the comparison runs");
    assert_eq!((found.named.len(), found.total), (100, 180));
}

#[test]
fn figures_of_a_large_order_are_rebuilt_exactly() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    // 2 000 000 pieces of 5 000.01: the product of spend and quantity is beyond 64 bits
    let order = purchase("A").line("a", 2_000_000_000, 999_999_999_999).earns("purchase", &[999_999_999_999]);
    shop.order(anna, &order, None);
    shop.take_back("R", "A", &[("a", 1_333_333_333)]);
    assert_eq!((shop.differences(), shop.audit()), (vec![], vec![]));
}

#[test]
fn nothing_is_written_by_the_comparison() {
    let shop = shop();
    shop.db.by_hand("UPDATE account SET redeemed = 5");
    let before = shop.db.everything();
    assert_eq!(shop.differences().len(), 1);
    assert_eq!(shop.db.everything(), before);
}

#[test]
fn points_that_are_owed_are_rebuilt_too() {
    let (mut shop, anna) = Shop::with_member(100);
    let order = purchase("A").line("a", 2_000, 10_000).earns("purchase", &[500]);
    shop.order(anna, &order, None);
    shop.adjust(anna, -550);
    let command = shop.command();
    let request = ReturnRequest {
        reference: "R".to_owned(),
        occurred_at: NOW,
        lines: Some(vec![ReturnLine { id: "a".to_owned(), quantity: Quantity(1_000) }]),
        content_hash: "content".to_owned(),
    };
    let what = store::Load { order: Some("A".to_owned()), return_ref: Some("R".to_owned()), ..store::Load::default() };
    let standing = |_: &domain::snapshot::Member| domain::judgement::Standing::default();
    let given = ledger::take_back(&shop.load(&what), &request, standing, &shop.terms, command.clone()).expect("it is there");
    shop.post(&command, &given.plan);
    assert_eq!(given.deficit, Points(200), "50 are left of 250");
    assert_eq!(shop.differences(), []);
    // the next grant pays the debt first
    let command = shop.command();
    let gift = Adjustment { points: Points(300), reason: "a gift".to_owned(), activates_at: None, expires_at: None };
    let adjusted = ledger::adjust(&shop.snapshot(anna), &gift, &shop.terms, command.clone()).expect("it is in bounds");
    shop.post(&command, &adjusted.plan);
    assert_eq!(shop.balance(anna).deficit, Points::ZERO);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}
