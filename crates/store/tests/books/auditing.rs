//! Each way in which the books could disagree: a row is corrupted by hand, and the audit names it. Facts that contradict each
//! other are in `contradictions`.

use domain::Id;
use store::Finding;

use crate::database::Sqlite;
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

/// A shop that has seen everything, its protection removed.
fn shop() -> Shop {
    let mut shop = Shop::open_on(Sqlite::in_memory(), 2); // a hosted one can't be broken like this
    let anna = shop.enrol(&[("welcome", 1_000, NOW, None), ("over", 50, day(-2), Some(day(-1)))]);
    let order = purchase("A").line("a", 2_000, 50_000).paid(&[(100, 100)]).earns("purchase", &[70]);
    let redemption = shop.hold(anna, &order);
    shop.order(anna, &order, Some(redemption));
    shop.take_back("R", "A", &[("a", 1_000)]);
    shop.hold(anna, &purchase("B").line("b", 1_000, 1_000).paid(&[(30, 30)]));
    shop.adjust(anna, -10);
    crate::database::run(store::expire(&shop.db, NOW, 10, Id(1), 1)).expect("a lot is over");
    assert_eq!(shop.audit(), [], "nothing is wrong yet");
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop.db.by_hand("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    shop
}

/// After this statement the audit has this finding, of the row that this query names.
#[track_caller]
pub fn check(corruption: &str, finding: &str, of: &str) {
    let shop = shop();
    let expected = Finding { finding: finding.to_owned(), id: shop.db.number(of) };
    shop.db.by_hand(corruption);
    let found = shop.audit();
    assert!(found.contains(&expected), "{corruption}: {found:?}, not {expected:?}");
}

pub const ANNA: &str = "SELECT id FROM account";
pub const LOT: &str = "SELECT id FROM lot WHERE rule_id = 'purchase'";
pub const ORDER: &str = "SELECT id FROM orders";
pub const CAPTURE: &str = "SELECT id FROM entry WHERE kind = 'capture'";

#[test]
fn a_lot_that_differs_from_its_postings() {
    for change in [
        "remaining = remaining + 1",
        "held = held + 1",
        "spent = spent + 1",
        "expired = expired + 1",
        "revoked = revoked - 1",
        "issued = issued + 1",
        "remaining = remaining - 1, spent = spent + 1",
    ] {
        check(&format!("UPDATE lot SET {change} WHERE rule_id = 'purchase'"), "lot differs from its postings", LOT);
    }
    let changed = format!("UPDATE posting SET points = points + 1 WHERE lot_id = ({LOT})");
    check(&changed, "lot differs from its postings", LOT);
    check(&format!("DELETE FROM posting WHERE lot_id = ({LOT})"), "lot differs from its postings", LOT);
}

#[test]
fn an_account_that_differs_from_its_lots() {
    for column in ["remaining", "held", "redeemed", "expired", "earned"] {
        check(&format!("UPDATE account SET {column} = {column} + 1"), "account differs from its lots", ANNA);
    }
    check("DELETE FROM lot WHERE rule_id = 'purchase'", "account differs from its lots", ANNA);
}

#[test]
fn an_account_that_differs_from_its_entries() {
    for column in ["seq", "deficit", "remaining", "last_at"] {
        check(&format!("UPDATE account SET {column} = {column} + 1"), "account differs from its entries", ANNA);
    }
    check("DELETE FROM entry WHERE kind = 'adjust_out'", "account differs from its entries", ANNA);
    check("UPDATE entry SET seq = seq + 1 WHERE kind = 'expire'", "account differs from its entries", ANNA);
}

#[test]
fn an_entry_that_differs_from_its_postings() {
    for change in ["amount = amount + 1", "points = points + 1", "deficit_change = 1"] {
        let changed = format!("UPDATE entry SET {change} WHERE kind = 'capture'");
        check(&changed, "entry differs from its postings", CAPTURE);
    }
    check(&format!("DELETE FROM posting WHERE entry_id = ({CAPTURE})"), "entry differs from its postings", CAPTURE);
}

#[test]
fn a_running_balance_that_is_broken() {
    let changed = "UPDATE entry SET balance_after = balance_after + 1 WHERE kind = 'capture'";
    check(changed, "running balance is broken", CAPTURE);
}

#[test]
fn rows_that_belong_to_nothing() {
    check("DELETE FROM account", "entry of an account that does not exist", "SELECT min(id) FROM entry");
    check("DELETE FROM account", "member without an account", "SELECT id FROM member");
    let of_lot = format!("SELECT min(rowid) FROM posting WHERE lot_id = ({LOT})");
    check("DELETE FROM lot WHERE rule_id = 'purchase'", "posting of a lot or an entry that does not exist", &of_lot);
    let of_entry = format!("SELECT min(rowid) FROM posting WHERE entry_id = ({CAPTURE})");
    check("DELETE FROM entry WHERE kind = 'capture'", "posting of a lot or an entry that does not exist", &of_entry);
}

#[test]
fn held_points_that_differ_from_the_open_redemptions() {
    for change in ["UPDATE redemption SET status = 'released' WHERE status = 'held'", "UPDATE redemption SET points = points + 1"]
    {
        check(change, "held points differ from the open redemptions", ANNA);
    }
}

#[test]
fn an_order_that_differs_from_its_lines() {
    for column in ["amount", "program_discount", "paid_points", "paid_money"] {
        let changed = format!("UPDATE order_line SET {column} = {column} + 1");
        check(&changed, "order differs from its lines", ORDER);
    }
    check("DELETE FROM order_line", "order differs from its lines", ORDER);
}

#[test]
fn an_order_that_earned_something_else_than_its_lots() {
    check("UPDATE orders SET earned = earned + 1", "order earned something else than its lots", ORDER);
    check("DELETE FROM entry WHERE kind = 'earn'", "order earned something else than its lots", ORDER);
}

#[test]
fn an_order_that_got_back_other_points_than_its_returns_say() {
    let finding = "order got back other points than its returns say";
    check("UPDATE order_return SET clawed_back = clawed_back + 1", finding, ORDER);
    check("UPDATE order_return SET restored = restored + 1", finding, ORDER);
    check("DELETE FROM entry WHERE kind = 'redemption_rollback'", finding, ORDER);
    check("DELETE FROM order_return", finding, ORDER);
}

#[test]
fn an_order_that_was_paid_with_other_points_than_its_redemption() {
    let finding = "order was paid with other points than its redemption";
    check("UPDATE redemption SET captured = captured - 1 WHERE status = 'captured'", finding, ORDER);
    check("UPDATE orders SET redemption_id = NULL", finding, ORDER);
}

#[test]
fn statistics_that_differ_from_the_orders() {
    check("UPDATE statistics SET orders = orders + 1", "statistics differ from the orders", ANNA);
    check("UPDATE orders SET status = 'cancelled'", "statistics differ from the orders", ANNA);
}

#[test]
fn a_member_without_statistics() {
    check("DELETE FROM statistics", "member without statistics", ANNA);
}

#[test]
fn a_qualifying_spend_that_differs_from_the_orders() {
    let finding = "qualifying spend differs from the orders";
    check("UPDATE statistics SET qualifying_spend = qualifying_spend + 1", finding, ANNA);
    check("UPDATE order_line SET qualifying = qualifying + 2", finding, ANNA);
}

#[test]
fn an_order_that_counts_or_keeps_something_else() {
    let finding = "order counts or keeps something else than its lines and returns say";
    check("UPDATE orders SET qualifying = qualifying + 1", finding, ORDER);
    check("UPDATE orders SET kept = kept + 1", finding, ORDER);
    check("UPDATE order_line SET qualifying = qualifying + 2", finding, ORDER);
}

#[test]
fn a_lot_that_lost_something_else_than_the_returns_took_back() {
    let finding = "lot lost something else than the returns of its order took back";
    check("UPDATE lot SET returned = returned + 1 WHERE rule_id = 'purchase'", finding, LOT);
    check("UPDATE order_return SET lots = '[]'", finding, LOT);
}

#[test]
fn a_rule_that_gave_something_else_than_its_lots() {
    let total = "SELECT rowid FROM rule_total WHERE rule_id = 'purchase'";
    check("UPDATE rule_total SET points = points + 1", "rule gave something else than its lots", total);
    check("DELETE FROM rule_total WHERE rule_id = 'purchase'", "rule gave points that nobody counted", LOT);
}

#[test]
fn a_lot_that_ends_at_another_moment() {
    let finding = "lot ends at another moment than its extensions say";
    let extension = format!(
        "INSERT INTO extension (lot_id, command_id, was, expires_at) SELECT id, 1, expires_at, expires_at + 1 FROM lot WHERE id = ({LOT})"
    );
    check(&extension, finding, LOT);
}

#[test]
fn a_voucher_that_another_order_uses() {
    let finding = "voucher is used by another order than its uses say";
    let voucher = "INSERT INTO voucher (id, code, rule_id, created_at, order_id) VALUES (1, 'V', 'purchase', 1, 404)";
    check(voucher, finding, "SELECT 1");
}

#[test]
fn lines_returned_that_differ_from_the_returns() {
    let finding = "lines returned differ from the returns";
    check("UPDATE order_line SET returned = returned + 1", finding, ORDER);
    check("DELETE FROM order_return", finding, ORDER);
}

#[test]
fn a_redemption_that_captured_something_else_than_its_entry() {
    let captured = "SELECT id FROM redemption WHERE status = 'captured'";
    let finding = "redemption captured something else than its entry";
    check("UPDATE redemption SET captured = captured - 1 WHERE status = 'captured'", finding, captured);
    check("DELETE FROM entry WHERE kind = 'capture'", finding, captured);
}

/// Anna has given points to Boris, and has taken over Vera, who had an order.
pub fn shop_of_three() -> (Shop, Id, Id, Id) {
    let (mut shop, anna) = Shop::with_member(1_000);
    let (boris, vera) = (shop.enrol(&[]), shop.enrol(&[("welcome", 70, NOW, None)]));
    shop.order(vera, &purchase("V").line("a", 1_000, 1_000).earns("purchase", &[5]), None);
    shop.is_known_for_everything(vera);
    shop.transfer(anna, boris, 100);
    shop.merge(vera, anna);
    assert_eq!(shop.audit(), [], "nothing is wrong yet");
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop.db.by_hand("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    (shop, anna, boris, vera)
}

/// After this statement the audit has this finding, of the row that this query names.
#[track_caller]
pub fn check_of_three(corruption: impl FnOnce(Id, Id, Id) -> String, finding: &str, of: impl FnOnce(Id, Id, Id) -> String) {
    let (shop, anna, boris, vera) = shop_of_three();
    let expected = Finding { finding: finding.to_owned(), id: shop.db.number(&of(anna, boris, vera)) };
    shop.db.by_hand(&corruption(anna, boris, vera));
    let found = shop.audit();
    assert!(found.contains(&expected), "{found:?}, not {expected:?}");
}

#[test]
fn a_transfer_that_did_not_arrive_as_it_left() {
    let finding = "what left the account arrived nowhere, or differently";
    let sent = |_, _, _| "SELECT id FROM entry WHERE kind = 'transfer_out'".to_owned();
    check_of_three(|_, _, _| "UPDATE entry SET amount = 99 WHERE kind = 'transfer_in'".to_owned(), finding, sent);
    check_of_three(|_, _, _| "DELETE FROM entry WHERE kind = 'transfer_in'".to_owned(), finding, sent);
    let left = |_, _, _| "SELECT id FROM entry WHERE kind = 'merge_out'".to_owned();
    check_of_three(|_, _, _| "DELETE FROM entry WHERE kind = 'merge_in'".to_owned(), finding, left);
}

#[test]
fn a_posting_on_the_lot_of_somebody_else() {
    let finding = "posting of another account's lot";
    let earned =
        |_, _, vera: Id| format!("SELECT id FROM entry WHERE kind = 'earn' AND account_id = {} AND order_id IS NULL", vera.0);
    check_of_three(
        |_, boris: Id, vera: Id| {
            format!(
                "UPDATE lot SET account_id = {} WHERE rule_id = 'welcome' AND entry_id IN (SELECT id FROM entry WHERE account_id = {})",
                boris.0, vera.0
            )
        },
        finding,
        earned,
    );
}

#[test]
fn something_that_is_left_with_a_merged_member() {
    let finding = "something is left with a merged member";
    let vera = |_, _, vera: Id| format!("SELECT {}", vera.0);
    for change in ["UPDATE account SET remaining = 1 WHERE id = ", "UPDATE account SET deficit = 1 WHERE id = "] {
        check_of_three(|_, _, vera: Id| format!("{change}{}", vera.0), finding, vera);
    }
    for table in ["identity", "orders", "event", "granted_tier", "voucher"] {
        check_of_three(|_, _, vera: Id| format!("UPDATE {table} SET member_id = {}", vera.0), finding, vera);
    }
}

/// An endpoint with a message that it has, and two of a member's that wait.
fn shop_that_tells() -> (Shop, Id) {
    let (mut shop, anna) = Shop::with_member(100);
    let webhook = shop.webhook(&[], false);
    for member in [None, Some(anna), Some(anna)] {
        shop.tells(member, "a");
    }
    shop.fans_out();
    let command = shop.command();
    let receipt = domain::plan::NewReceipt {
        message_id: Id(shop.db.number("SELECT min(outbox_id) FROM delivery")),
        channel: "sms".to_owned(),
        status: "opened",
        at: NOW,
        reason: None,
    };
    shop.post(&command, &domain::plan::Plan { receipts: vec![receipt], ..domain::plan::Plan::default() });
    shop.takes(&serde_json::json!({"a": {"purpose": "service"}}));
    let due = shop.due_dispatches().remove(0);
    shop.decides(&due, "sent", Some("email"), None);
    assert_eq!(shop.audit(), [], "nothing is wrong yet");
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop.db.by_hand("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    (shop, webhook)
}

#[test]
fn endpoints_deliveries_and_receipts_that_contradict_the_outbox() {
    let webhook = "SELECT id FROM webhook";
    let (nobodys, first, second) = (
        "SELECT outbox_id FROM delivery WHERE member_id IS NULL",
        "SELECT min(outbox_id) FROM delivery WHERE member_id IS NOT NULL",
        "SELECT max(outbox_id) FROM delivery",
    );
    let stray = "delivery of a message or to a webhook that is not there, or of another member";
    let turn = "delivery that is not in its turn";
    for (corruption, finding, of) in [
        ("UPDATE webhook SET created_at = created_at + 1", "webhook that no command made", webhook),
        ("UPDATE webhook SET after_message = 1000", "webhook that begins after messages that are not there", webhook),
        ("UPDATE delivery SET member_id = 1 WHERE member_id IS NULL", stray, "SELECT min(outbox_id) FROM delivery"),
        ("UPDATE webhook SET after_message = after_message + 1", stray, nobodys),
        ("UPDATE delivery SET next_at = NULL WHERE member_id IS NULL", turn, nobodys),
        ("UPDATE delivery SET next_at = 1 WHERE next_at IS NULL", turn, second),
        ("UPDATE delivery SET next_at = NULL", turn, first),
        (
            "UPDATE receipt SET command_id = 404",
            "receipt of a message that is not there, or that no command brought",
            "SELECT id FROM receipt",
        ),
        (
            "UPDATE dispatch SET member_id = 1 WHERE status = 'waiting'",
            "dispatch of a message that is not there, or of another member",
            "SELECT outbox_id FROM dispatch WHERE status = 'waiting'",
        ),
        (
            "UPDATE dispatch SET sent_at = sent_at + 1",
            "dispatch that says otherwise than its letters",
            "SELECT outbox_id FROM dispatch WHERE status = 'sent'",
        ),
        ("UPDATE letter SET channel = 'push'", "letter that is no message of its dispatch", "SELECT id FROM letter"),
    ] {
        let (shop, _) = shop_that_tells();
        let expected = Finding { finding: finding.to_owned(), id: shop.db.number(of) };
        shop.db.by_hand(corruption);
        let found = shop.audit();
        assert!(found.contains(&expected), "{corruption}: {found:?}, not {expected:?}");
    }
}

#[test]
fn every_finding_of_the_audit_is_tried_here() {
    let sql = include_str!("../../../../sql/statements/audit.sql");
    let findings: Vec<&str> = sql
        .lines()
        .filter_map(|line| line.trim().strip_prefix("SELECT '")?.rsplit_once("',"))
        .map(|(finding, _)| finding)
        .collect();
    assert!(findings.len() >= 40, "{findings:?}");
    let tried = concat!(
        include_str!("auditing.rs"),
        include_str!("auditing_notices.rs"),
        include_str!("contradictions.rs"),
        include_str!("persons.rs"),
        include_str!("referrals.rs")
    );
    for finding in findings {
        assert!(tried.contains(&format!("\"{}\"", finding.replace("''", "'"))), "{finding}");
    }
}
