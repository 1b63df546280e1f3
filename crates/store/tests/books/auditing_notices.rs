//! Each way in which notices of annulment could disagree with the rest of the books: a row is corrupted by hand, and the audit or
//! the rebuild names it.

use crate::database::Sqlite;
use crate::shop::{NOW, Shop, day};

/// A shop in which somebody was told that points will be annulled, and when.
fn told_shop() -> Shop {
    let (mut shop, _) = Shop::with_notices_on(Sqlite::in_memory());
    shop.enrol(&[("welcome", 500, NOW, Some(day(20)))]);
    assert_eq!(shop.gives_notices(), 1);
    shop.attempts("delivered");
    assert_eq!(shop.ends_what_was_told(), 1);
    assert_eq!(shop.audit(), []);
    // a hosted one can't be broken like this
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop
}

#[test]
fn a_lot_that_ends_without_a_notice_or_otherwise_than_it_says() {
    let finding = "lot that needs a notice ends otherwise than its notice says";
    for change in [
        "UPDATE lot SET expires_at = expires_at + 1",
        "UPDATE lot SET expires_at = NULL",
        "DELETE FROM notice_lot",
        "UPDATE notice SET expires_at = expires_at + 1",
        "UPDATE notice SET expires_at = NULL, dated_at = NULL",
    ] {
        let shop = told_shop();
        shop.db.by_hand(change);
        let found = shop.audit();
        let lot = shop.db.number("SELECT id FROM lot");
        assert!(found.iter().any(|found| found.finding == finding && found.id == lot), "{change}: {found:?}");
    }
}

#[test]
fn a_notice_of_something_else_than_it_told() {
    let about = "notice of something else than its message or its lots";
    let lot = "notice told of a lot that it could not be about";
    let sent = "notice was recorded as sent though nobody took it, or otherwise than somebody did";
    for (change, finding) in [
        ("UPDATE outbox SET kind = 'points.expired' WHERE kind = 'points.annulment'", about),
        ("DELETE FROM outbox WHERE kind = 'points.annulment'", about),
        ("UPDATE outbox SET payload = json_set(payload, '$.days', 3)", about),
        ("UPDATE outbox SET payload = json_set(payload, '$.expires_at', '2026-01-01T00:00:00Z')", about),
        ("DELETE FROM notice_lot", about),
        ("UPDATE notice SET days = 7", lot),
        ("UPDATE notice SET planned_expires_at = planned_expires_at - 1", lot),
        ("UPDATE lot SET planned_expires_at = planned_expires_at - 1", lot),
        ("DELETE FROM lot", lot),
        ("UPDATE delivery SET status = 'parked'", sent),
        ("UPDATE webhook SET with_recipient = 0", sent),
        ("UPDATE notice SET sent_at = sent_at - 1", sent),
        ("UPDATE notice SET sent_at = NULL, expires_at = NULL, dated_at = NULL", sent),
    ] {
        let shop = told_shop();
        shop.db.by_hand("PRAGMA foreign_keys = OFF");
        shop.db.by_hand(change);
        let found = shop.audit();
        assert!(found.iter().any(|found| found.finding == finding), "{change}: {found:?}");
    }
}

#[test]
fn a_rebuild_knows_the_end_that_a_notice_gave_and_the_one_that_was_put_off() {
    let shop = told_shop();
    shop.db.by_hand("UPDATE lot SET expires_at = expires_at + 1");
    let found = shop.differences();
    assert_eq!((found.len(), found[0].table.as_str(), found[0].column.as_str()), (1, "lot", "expires_at"));
    assert_eq!(found[0].rebuilt, Some(shop.db.number("SELECT expires_at FROM notice").to_string()));
    let shop = told_shop();
    shop.db.by_hand("INSERT INTO extension (command_id, lot_id, was, expires_at) SELECT 1, id, planned_expires_at, planned_expires_at + 1 FROM lot");
    let columns: Vec<String> = shop.differences().into_iter().map(|found| found.column).collect();
    assert_eq!(columns, ["expires_at", "planned_expires_at"], "it has no end before the next notice");
}
