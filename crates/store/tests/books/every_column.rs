//! Every number in the books is told by something else in them: each one of every row is corrupted by hand, and a constraint
//! refuses it, the audit names something, or the rebuild differs. What nothing else tells is listed, with the reason.

use std::collections::BTreeSet;

use domain::judgement::{Explanation, Extension, Grant, Rewarded};
use domain::plan::{NewReceipt, Plan, Rotation, UsedVoucher};
use domain::{Id, Instant, Points};
use serde_json::json;
use store::Load;

use crate::database::{Sqlite, run};
use crate::purchase::purchase;
use crate::referrals::{KEEP, ON_JOINING, ON_PURCHASE, code_of};
use crate::shop::{NOW, Shop, day};

/// Tables of the books, each with what its rows differ by: every kind of row has every number corrupted.
const TABLES: [(&str, &str); 34] = [
    ("member", "status"),
    ("identity", "kind"),
    ("consent", "channel"),
    ("acceptance", "'acceptance'"),
    ("privacy_log", "kind"),
    ("member_code", "'code'"),
    ("statistics", "iif(orders > 0, 'buys', 'new')"),
    ("granted_tier", "iif(event_id IS NULL, 'staff', 'event')"),
    ("account", "iif(seq > 0, 'moved', 'new')"),
    ("kind", "kind"),
    ("lot", "rule_id"),
    ("extension", "'extension'"),
    ("rule_total", "rule_id"),
    ("entry", "kind || iif(order_id IS NULL, '', ' of an order')"),
    ("posting", "(SELECT kind FROM entry WHERE id = entry_id)"),
    ("orders", "status || iif(member_id IS NULL, ' of nobody', '') || iif(claim_command IS NULL, '', ' after a claim')"),
    ("order_line", "iif(returned = 0, 'kept', iif(returned < quantity, 'in part', 'returned'))"),
    ("order_return", "iif(ref IS NULL, 'cancellation', 'return') || unclaimed"),
    ("redemption", "status"),
    ("event", "type"),
    ("firing", "rule_id"),
    ("voucher", "iif(order_id IS NULL, 'free', 'used')"),
    ("voucher_use", "'use'"),
    ("device", "'device'"),
    ("former_identity", "'former'"),
    ("referral", "outcome || ' ' || reason"),
    ("referral_verdict", "outcome || iif(order_id IS NULL, '', ' by an order')"),
    ("webhook", "coalesce(disabled_reason, iif(generation > 1, 'rotated', 'new'))"),
    (
        "delivery",
        "status || iif(member_id IS NULL, ' of nobody', '') || iif(status = 'waiting' AND next_at IS NULL, ' in line', '')",
    ),
    ("receipt", "status"),
    ("dispatch", "status"),
    ("letter", "channel"),
    (
        "notice",
        "iif(expires_at IS NULL, iif(sent_at IS NULL, 'told', 'sent'),
             iif(planned_expires_at IN (SELECT l.planned_expires_at FROM notice_lot p JOIN lot l ON l.id = p.lot_id
                                         WHERE p.outbox_id = notice.outbox_id), 'ended', 'void'))",
    ),
    ("notice_lot", "'notice'"),
];

/// What nothing else in the books tells: (table, column, of which kinds of rows, why). A star means all of them.
const TOLD_NOWHERE_ELSE: &[(&str, &str, &[&str], &str)] = &[
    ("member", "awaits_welcome", &["not_confirmed"], "what the program said on joining"),
    ("member_code", "member_id", ALL, "who was sent it"),
    ("member_code", "expires_at", ALL, "how long a code is good"),
    ("member_code", "attempts", ALL, "wrong codes leave their answers only"),
    ("member_code", "day", ALL, "when it was sent"),
    ("member_code", "sent", ALL, "messages tell of each"),
    ("consent", "id", ALL, "the sequence of telling"),
    ("acceptance", "id", ALL, "the sequence of telling"),
    ("acceptance", "at", ALL, "a merge carries over when it was said"),
    ("privacy_log", "id", ALL, "nothing refers to it"),
    ("privacy_log", "at", ALL, "who looked says so"),
    ("privacy_log", "caller_id", ALL, "who looked says so"),
    ("privacy_log", "member_id", &["export"], "who looked says so"),
    ("statistics", "revision", ALL, "a lock counts what moves nothing, too"),
    ("statistics", "tier_since", ALL, WHAT_RULES_SAID),
    ("statistics", "grace_until", ALL, WHAT_RULES_SAID),
    ("statistics", "stepped_at", ALL, WHAT_RULES_SAID),
    ("statistics", "review_at", ALL, WHAT_RULES_SAID),
    ("granted_tier", "id", ALL, "nothing refers to it"),
    ("granted_tier", "until", ALL, "the staff or a rule said so"),
    ("granted_tier", "event_id", &["event"], "without one it would be the staff's"),
    ("granted_tier", "given_at", ALL, "the staff or a rule said so"),
    ("kind", "d_held", MERGES, "a merge posts nothing to lots"),
    ("kind", "d_spent", MERGES, "a merge posts nothing to lots"),
    ("kind", "d_expired", MERGES, "a merge posts nothing to lots"),
    ("kind", "d_revoked", MERGES, "a merge posts nothing to lots"),
    ("lot", "activates_at", ALL, WHAT_RULES_SAID),
    ("lot", "expires_at", ALL, "what rules said, as long as no extension or notice tells"),
    ("lot", "planned_expires_at", ALL, "what rules said, as long as no extension or notice tells"),
    ("lot", "notice_days", ALL, "what rules said, as long as no notice tells"),
    ("extension", "was", ALL, "what rules said, before the first extension"),
    ("entry", "id", &["merge_in"], "nothing refers to it"),
    ("entry", "at", &["expire"], "the job's own moment"),
    ("entry", "command_id", &["release", "transfer_out", "transfer_in"], "the job releases without a command"),
    ("entry", "occurred_at", &["hold", "release", "expire", "transfer_out", "transfer_in"], WHAT_THE_SHOP_SAID),
    ("orders", "occurred_at", ALL, "what the shop said, where the order earned nothing and is not the first or the last"),
    ("order_line", "cost", ALL, WHAT_THE_SHOP_SAID),
    ("order_line", "tax", ALL, WHAT_THE_SHOP_SAID),
    ("order_line", "qualifying", &["returned"], "nothing of it counts any more"),
    ("order_return", "occurred_at", ALL, "what the shop said, where no points moved"),
    ("redemption", "hold_expires_at", ALL, "what the program said, unless the hold ran out"),
    ("redemption", "items", ALL, "what the cart was worth"),
    ("redemption", "payable", ALL, "what the cart was worth"),
    ("redemption", "attempts", ALL, "wrong codes leave their answers only"),
    ("redemption", "release_entry", ALL, "a hold may also run out without the job"),
    ("redemption", "released_at", ALL, "the job's own moment"),
    ("redemption", "returned_until", ALL, WHAT_RULES_SAID),
    ("event", "occurred_at", &["visit"], "what the shop said, where no rule fired"),
    ("voucher", "member_id", ALL, "the staff said whose it is"),
    ("voucher", "id", &["free"], "nobody used it"),
    ("voucher", "expires_at", ALL, "the staff said so"),
    ("voucher", "created_at", ALL, "the staff said so"),
    ("former_identity", "member_id", ALL, "whose it was"),
    ("webhook", "with_recipient", ALL, WHAT_THE_SHOP_SAID),
    ("webhook", "generation", &["rotated", "gone", "deleted"], "no store knows the secret that it makes"),
    ("webhook", "rotated_at", &["rotated"], "when it was rotated"),
    ("webhook", "after_message", ALL, "when it was made, as far as its deliveries do not tell"),
    ("webhook", "disabled_at", &["gone", "deleted"], "when it said so, or was deleted"),
    ("delivery", "attempts", ALL, "the endpoint knows"),
    ("delivery", "first_at", ALL, "the job's own moment"),
    ("delivery", "next_at", &["waiting", "waiting of nobody"], "the job's own moment"),
    ("delivery", "done_at", ALL, "the job's own moment"),
    ("delivery", "last_status", ALL, "what the endpoint said"),
    ("notice", "told", ALL, "its message tells it to the second"),
    ("notice", "expires_at", &["void"], "what it told of was put off since"),
    ("notice", "dated_at", ALL, "the job's own moment"),
    ("receipt", "id", ALL, "nothing refers to it"),
    ("receipt", "at", ALL, "what the provider said"),
    ("notice", "by_letter", ALL, WHAT_RULES_SAID),
    ("dispatch", "revision", ALL, "what was decided leaves letters only"),
    ("dispatch", "next_at", ALL, "the job's own moment"),
    ("referral_verdict", "id", ALL, "the sequence of steps"),
    ("referral_verdict", "keep", &["paid by an order"], WHAT_RULES_SAID),
];
const ALL: &[&str] = &["*"];
const MERGES: &[&str] = &["merge_out", "merge_in"];
const WHAT_RULES_SAID: &str = "what the rules said, and nobody else";
const WHAT_THE_SHOP_SAID: &str = "what the shop said, and nobody else";

#[test]
fn every_number_that_is_corrupted_is_found() {
    let shop = a_shop_that_has_seen_everything();
    let (mut found, mut missed) = (0, BTreeSet::new());
    for (table, kind) in TABLES {
        let columns = shop.db.texts(&format!("SELECT name FROM pragma_table_info('{table}') WHERE type = 'INTEGER'"));
        let rows = shop.db.texts(&format!("SELECT CAST(rowid AS TEXT) || ' ' || {kind} FROM {table}"));
        assert!(!rows.is_empty(), "{table} has rows");
        for row in rows {
            let (rowid, kind) = row.split_once(' ').expect("a number and a kind");
            for column in columns.iter().filter(|column| !is_told_nowhere_else(table, column, kind)) {
                for value in corruptions(column) {
                    if is_found(&shop, table, rowid, column, &value) {
                        found += 1;
                    } else {
                        missed.insert(format!("{table}.{column} = {value} of {kind}"));
                    }
                }
            }
        }
    }
    assert!(found > 1_000, "{found} corruptions were found");
    assert_eq!(missed, BTreeSet::<String>::new(), "nothing tells of these");
}

fn is_told_nowhere_else(table: &str, column: &str, kind: &str) -> bool {
    let listed = TOLD_NOWHERE_ELSE.iter().filter(|(of, named, ..)| (*of, *named) == (table, column));
    listed.into_iter().any(|(_, _, kinds, _)| kinds.contains(&"*") || kinds.contains(&kind))
}

/// What a number is changed to. An id becomes one that nobody has, an amount or a moment another one; what is there is gone,
/// and what is not there is.
fn corruptions(column: &str) -> [String; 3] {
    let gone = format!("iif({column} IS NULL, 1, NULL)");
    if column == "id" || column.ends_with("_id") || column.ends_with("_entry") || column.ends_with("_command") {
        [format!("{column} + 1000003"), format!("{column} - 1000003"), gone]
    } else {
        [format!("{column} + 10"), format!("{column} - 10"), gone]
    }
}

/// Whether anything notices: a constraint, the audit or the rebuild.
fn is_found(shop: &Shop, table: &str, rowid: &str, column: &str, value: &str) -> bool {
    shop.db.by_hand("SAVEPOINT corruption");
    let update = format!("UPDATE {table} SET {column} = {value} WHERE rowid = {rowid} AND {column} IS NOT {value}");
    let changed = shop.db.0.execute(&update, []);
    let noticed = changed.map_or(true, |rows| rows == 0) || !shop.audit().is_empty() || shop.differs();
    shop.db.by_hand("ROLLBACK TO corruption; RELEASE corruption");
    noticed
}

impl Shop {
    fn differs(&self) -> bool {
        run(store::differences(&self.db)).expect("the comparison runs").total > 0
    }
}

/// Every kind of row is in its books; its protection is removed but for what each table checks by itself.
fn a_shop_that_has_seen_everything() -> Shop {
    let mut shop = Shop::open_on(Sqlite::in_memory(), 2);
    let welcome = [("welcome", 5_000, NOW, None), ("over", 50, day(-2), Some(day(-1))), ("live", 400, NOW, Some(day(5)))];
    let (anna, boris) = (shop.enrol(&welcome), shop.enrol(&[]));
    buys_and_takes_back(&mut shop, anna);
    sets_aside(&mut shop, anna);
    claims(&mut shop, anna);
    is_rewarded(&mut shop, anna);
    owes_and_pays(&mut shop);
    shop.adjust(anna, 30);
    shop.adjust(anna, -10);
    shop.transfer(anna, boris, 100);
    let vera = shop.enrol(&[("welcome", 70, NOW, None)]);
    shop.order(vera, &purchase("V").line("a", 1_000, 1_000).earns("purchase", &[5]), None);
    shop.merge(vera, anna);
    agrees_and_goes(&mut shop, anna);
    is_told(&mut shop, anna);
    is_told_of_annulment(&mut shop);
    brings_friends(&mut shop);
    run(store::expire(&shop.db, NOW, 10, Id(1), 1)).expect("a lot is over");
    shop.now = day(10);
    run(store::release_overdue(&shop.db, shop.now, 1, Id(1_000), Some(day(20)))).expect("a hold is overdue");
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]), "nothing is wrong yet");
    for trigger in shop.db.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
        shop.db.by_hand(&format!("DROP TRIGGER {trigger}"));
    }
    shop.db.by_hand("PRAGMA foreign_keys = OFF");
    shop
}

/// Orders of every fate: kept, paid with points and returned in part, cancelled.
fn buys_and_takes_back(shop: &mut Shop, anna: Id) {
    let order = purchase("A").line("a", 2_000, 50_000).line("b", 1_000, 30_000).discounted(&[100, 50]).delivered_for(300);
    let order = order.paid(&[(100, 100), (50, 50)]).earns("purchase", &[700, 300]);
    let redemption = shop.hold(anna, &order);
    shop.order(anna, &order, Some(redemption));
    shop.take_back("R", "A", &[("a", 1_000), ("b", 1_000)]);
    shop.order(anna, &purchase("C").happened(day(-30)).line("c", 1_000, 7_000).earns("purchase", &[40]), None);
    shop.cancel("C");
    let mut longer = purchase("X").line("a", 1_000, 1_000);
    longer.judgement.extensions = vec![Extension { rule_id: "live".to_owned(), expires_at: day(30) }];
    shop.order(anna, &longer, None);
    longer.order.reference = "Y".to_owned();
    longer.judgement.extensions = vec![Extension { rule_id: "live".to_owned(), expires_at: day(40) }];
    shop.order(anna, &longer, None);
}

/// Redemptions of every fate: captured in part, released, held, over, waiting for a code.
fn sets_aside(shop: &mut Shop, anna: Id) {
    let cart = |reference: &str, points| purchase(reference).line("a", 1_000, 1_000).paid(&[(points, points)]);
    let late = shop.hold(anna, &cart("E", 40));
    let ends = Instant(NOW.0 + 60_000);
    shop.db.by_hand(&format!("UPDATE redemption SET hold_expires_at = {} WHERE id = {}", ends.0, late.0));
    let part = shop.hold(anna, &cart("D", 10));
    shop.capture(part, 4, "D");
    let released = shop.hold(anna, &cart("F", 20));
    let command = shop.command();
    let what = Load { redemption: Some(released), ..Load::default() };
    let ended = ledger::release(&shop.load(&what), &shop.terms, command.clone()).expect("it is open");
    shop.post(&command, &ended.plan);
    shop.hold(anna, &cart("B", 30));
    shop.hold(anna, &cart("W", 15).confirmed_by_code());
}

/// Receipts without a member, one of which Anna claims after a piece came back.
fn claims(shop: &mut Shop, anna: Id) {
    for reference in ["N", "M"] {
        let nobodys = purchase(reference).line("a", 3_000, 9_000).line("b", 1_000, 2_000).earns("purchase", &[30, 5]);
        let command = shop.command();
        let anonymous = ledger::record_anonymous(&nobodys.order, &nobodys.judgement, &shop.terms, "content", command.clone());
        shop.post(&command, &anonymous.plan);
        shop.take_back("early", reference, &[("a", 1_000)]);
        if reference == "M" {
            shop.claim(anna, "M", &nobodys);
            shop.take_back("late", "M", &[("a", 1_000)]);
        }
    }
}

/// Events with points and without, tiers and vouchers.
fn is_rewarded(shop: &mut Shop, anna: Id) {
    shop.is_known_for_everything(anna);
    let grant = Grant { rule_id: "review".to_owned(), points: Points(7), activates_at: NOW, expires_at: None };
    let reviewed = Rewarded {
        explanations: vec![Explanation::fact("review", Points(7), "event", "for a review".to_owned())],
        grants: vec![grant],
        ..Rewarded::default()
    };
    let event = shop.happens(anna, "review", &reviewed);
    shop.db.by_hand(&format!(
        "INSERT INTO granted_tier (id, member_id, tier, given_at, event_id) VALUES (77, {}, 'gold', {}, {})",
        anna.0, NOW.0, event.0
    ));
    let code = format!("code of {}", anna.0);
    let voucher = shop.load(&Load { vouchers: vec![code], ..Load::default() }).vouchers.remove(0);
    let command = shop.command();
    let order = purchase("P").line("a", 1_000, 1_000);
    let mut plan = shop.plan_order(anna, &order, None, command.clone()).expect("it is in order").plan;
    plan.used_vouchers = vec![UsedVoucher { voucher_id: voucher.id, order_id: plan.orders[0].id }];
    shop.post(&command, &plan);
    shop.db.by_hand(&format!("INSERT INTO voucher (id, code, rule_id, created_at) VALUES (78, 'free', 'comeback', {})", NOW.0));
}

/// Somebody agrees to this and that and is erased; somebody else's data are taken out.
fn agrees_and_goes(shop: &mut Shop, anna: Id) {
    let zoya = shop.enrol(&[]);
    shop.joins_unconfirmed(true);
    let snapshot = shop.snapshot(zoya);
    let plans = [
        ledger::consent(&snapshot, "sms", true, "the site"),
        ledger::accept(&snapshot, "2026-01"),
        ledger::erase(&snapshot, Id(3)),
    ];
    for plan in plans {
        let command = shop.command();
        shop.post(&command, &plan.expect("the member is there"));
    }
    run(store::log_export(&shop.db, anna, Id(3), NOW)).expect("it is noted");
}

/// Endpoints of every fate, and messages on every way to them.
fn is_told(shop: &mut Shop, anna: Id) {
    let (rotated, gone, deleted) = (shop.webhook(&[], true), shop.webhook(&[], false), shop.webhook(&[], false));
    shop.webhook(&["nothing"], false);
    let command = shop.command();
    let rotations = vec![Rotation { webhook_id: rotated, from: 1 }];
    shop.post(&command, &Plan { rotations, ..Plan::default() });
    let mut told = vec![shop.tells(Some(anna), "a"), shop.tells(Some(anna), "b"), shop.tells(None, "c")];
    shop.fans_out();
    let claimed = run(store::claim_deliveries(&shop.db, NOW, 100, day(1))).expect("the store answers");
    for (claimed, status) in claimed.iter().zip(["waiting", "delivered", "skipped", "waiting", "parked", "waiting"]) {
        shop.settles(&[*claimed], status);
    }
    run(store::webhooks_gone(&shop.db, &[gone], NOW)).expect("nothing is in its way");
    let command = shop.command();
    shop.post(&command, &Plan { deleted_webhooks: vec![deleted], ..Plan::default() });
    let command = shop.command();
    let receipt = NewReceipt {
        message_id: told.remove(0),
        channel: "sms".to_owned(),
        status: "delivered",
        at: NOW,
        reason: Some("as told".to_owned()),
    };
    shop.post(&command, &Plan { receipts: vec![receipt], ..Plan::default() });
    is_written(shop, anna);
}

/// Dispatches of every fate.
fn is_written(shop: &mut Shop, anna: Id) {
    for kind in ["n1", "n2", "n3", "n4", "n5", "n6"] {
        shop.tells(Some(anna), kind);
    }
    shop.takes(&json!({
        "n1": {"purpose": "service"}, "n2": {"purpose": "urgent"}, "n3": {"purpose": "marketing"}, "n4": {"purpose": "service"},
        "n5": {"purpose": "service"}, "n6": {"purpose": "service"}
    }));
    let fates = ["waiting", "sent", "delivered", "opened", "failed", "not_sent"];
    for (due, status) in shop.due_dispatches().into_iter().zip(fates) {
        let is_sent = !["waiting", "not_sent"].contains(&status);
        shop.decides(&due, status, is_sent.then_some("email"), ["waiting", "sent"].contains(&status).then_some(day(2)));
    }
}

/// Points that need a notice: told of, sent to somebody, given their end; one was put off after that.
fn is_told_of_annulment(shop: &mut Shop) {
    shop.terms.notice_days = Some(5);
    let live = |points| [("long", points, NOW, Some(day(6))), ("longer", points, NOW, Some(day(100)))];
    let elena = shop.enrol(&live(11));
    assert_eq!(shop.gives_notices(), 1);
    let ended = shop.last_message();
    shop.receives(ended, "delivered", NOW);
    assert_eq!(shop.ends_what_was_told(), 1);
    let mut longer = purchase("L").line("a", 1_000, 1_000);
    longer.judgement.extensions = vec![Extension { rule_id: "long".to_owned(), expires_at: day(60) }];
    shop.order(elena, &longer, None);
    for status in ["delivered", "opened", "failed"] {
        shop.enrol(&live(12));
        assert_eq!(shop.gives_notices(), 1);
        let message = shop.last_message();
        shop.receives(message, status, NOW);
        if status == "delivered" {
            assert_eq!(shop.ends_what_was_told(), 1);
        }
    }
    shop.terms.notice_days = None;
}

/// Friends by joining and by a purchase, one who is still waited for, one who brings the goods back, one who is refused.
fn brings_friends(shop: &mut Shop) {
    let dina = shop.enrol(&[]);
    let code = code_of(dina);
    let identities = ledger::Identities { kinds: vec!["phone"], added: vec![("phone", "dina's new phone".to_owned())] };
    let plan = ledger::change_profile(&shop.snapshot(dina), identities).expect("the member is there");
    let command = shop.command();
    shop.post(&command, &plan);
    shop.buys(ON_PURCHASE, dina, "dina's", KEEP, Some("dina's phone"));
    shop.joins(ON_JOINING, &code, Some("a phone"), &[]);
    shop.joins(ON_PURCHASE, &code, None, &[]);
    shop.joins(ON_PURCHASE, &code, Some("dina's phone"), &[]);
    for (order, comes_back) in [("kept", false), ("returned", true)] {
        let (friend, ..) = shop.joins(ON_PURCHASE, &code, None, &[]);
        shop.buys(ON_PURCHASE, friend, order, KEEP, None);
        if comes_back {
            shop.brings_back(order, true);
        }
    }
}

/// Somebody spends what an order earned, and returns it: the next points pay the debt.
fn owes_and_pays(shop: &mut Shop) {
    let grigori = shop.enrol(&[]);
    shop.order(grigori, &purchase("G").line("a", 2_000, 10_000).earns("purchase", &[500]), None);
    shop.adjust(grigori, -450);
    shop.take_back("G", "G", &[("a", 1_000)]);
    assert_eq!(shop.balance(grigori).deficit, Points(200));
    shop.adjust(grigori, 300);
}
