//! Facts that contradict each other, where nothing that is derived from them differs: the audit names them too.

use domain::Id;

use crate::auditing::{CAPTURE, LOT, ORDER, check, check_of_three};
use crate::purchase::purchase;
use crate::shop::{NOW, Shop};

const RETURN: &str = "SELECT id FROM order_return";
const EARNED: &str = "SELECT entry_id FROM lot WHERE rule_id = 'purchase'";

#[test]
fn lines_that_share_other_points_than_were_issued() {
    let finding = "lot was issued with other points than the lines of its order share";
    check("UPDATE order_line SET shares = '[]'", finding, LOT);
    check(&format!("UPDATE order_line SET shares = json_array(json_array(({LOT}), 69))"), finding, LOT);
    let welcome = "UPDATE order_line SET shares = (SELECT json_array(json_array(id, 70)) FROM lot WHERE rule_id = 'welcome')";
    check(welcome, "line shares a lot that its order did not earn", ORDER);
}

/// Nobody's order of three pieces for 30 points, of which one came back before Anna claimed it and one later.
fn claimed() -> Shop {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("welcome", 100, NOW, None)]);
    let nobodys = purchase("A").line("a", 3_000, 3_000).line("b", 1_000, 1_000).earns("purchase", &[30, 5]);
    let command = shop.command();
    let anonymous = ledger::record_anonymous(&nobodys.order, &nobodys.judgement, &shop.terms, "content", command.clone());
    shop.post(&command, &anonymous.plan);
    shop.take_back("before", "A", &[("a", 1_000)]);
    shop.claim(anna, "A", &nobodys);
    shop.take_back("after", "A", &[("a", 1_000)]);
    shop
}

#[test]
fn a_claimed_order_shares_what_was_left_when_it_was_claimed() {
    let shop = claimed();
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
    assert_eq!(shop.db.number("SELECT issued FROM lot WHERE rule_id = 'purchase'"), 25);
    let unclaimed = "SELECT group_concat(unclaimed) FROM (SELECT unclaimed FROM order_return ORDER BY id)";
    assert_eq!(shop.db.texts(unclaimed), ["1,0"]);
    shop.db.by_hand("UPDATE order_line SET shares = '[]' WHERE id = 'b'");
    let found: Vec<String> = shop.audit().into_iter().map(|found| found.finding).collect();
    assert_eq!(found, ["lot was issued with other points than the lines of its order share"]);
}

#[test]
fn returns_that_gave_back_something_else() {
    let finding = "returns gave back something else than their goods had cost and earned";
    for column in ["refund", "restored", "forgiven"] {
        check(&format!("UPDATE order_return SET {column} = {column} + 1"), finding, ORDER);
    }
}

#[test]
fn a_return_of_nobodys_order_that_is_somebodys() {
    let finding = "return before a claim of an order that nobody claimed, or after it of nobody's";
    check("UPDATE order_return SET unclaimed = 1", finding, RETURN);
    check("UPDATE orders SET member_id = NULL", finding, RETURN);
}

#[test]
fn a_line_that_costs_something_else() {
    let finding = "line costs something else than its price and quantity say";
    for change in ["price = price + 2", "discount = discount + 2", "quantity = quantity + 1000", "amount = amount - 2"] {
        check(&format!("UPDATE order_line SET {change}"), finding, ORDER);
    }
    check("UPDATE order_line SET n = 1", "lines of the order are not numbered one after another", ORDER);
}

#[test]
fn an_order_that_was_changed_more_often_than_it_says() {
    check("UPDATE orders SET revision = 0", "order was changed more or less often than its revision says", ORDER);
}

#[test]
fn lots_that_are_not_what_their_entry_gave() {
    let finding = "entry made other lots than its amount";
    check("UPDATE lot SET issued = issued + 1, revoked = revoked + 1 WHERE rule_id = 'purchase'", finding, EARNED);
}

#[test]
fn children_that_are_not_their_parents() {
    let finding = "entry completes or undoes none of the kind and the account that it should";
    for parent in ["NULL", "404", "(SELECT min(id) FROM entry)"] {
        check(&format!("UPDATE entry SET parent_id = {parent} WHERE kind = 'capture'"), finding, CAPTURE);
    }
    let more = "entry was completed or undone by more than it moved";
    check("UPDATE entry SET amount = 71 WHERE kind = 'clawback'", more, EARNED);
    let hold = "SELECT parent_id FROM entry WHERE kind = 'capture'";
    check(&format!("UPDATE posting SET points = 101 WHERE entry_id = ({CAPTURE})"), more, hold);
}

#[test]
fn points_beside_a_deficit() {
    check("UPDATE account SET deficit = 5", "account has points beside a deficit", "SELECT id FROM account");
}

#[test]
fn time_that_goes_back_in_an_account() {
    let finding = "entry is dated otherwise than its command and the entry before it";
    for change in ["at = at - 1", "at = at + 1", "command_id = 404"] {
        check(&format!("UPDATE entry SET {change} WHERE kind = 'capture'"), finding, CAPTURE);
    }
    check("UPDATE entry SET at = at - 1 WHERE kind = 'expire'", finding, "SELECT id FROM entry WHERE kind = 'expire'");
}

#[test]
fn an_entry_that_happened_otherwise_than_its_cause() {
    let finding = "entry happened otherwise than its order, its return or its event";
    for kind in ["earn", "capture", "clawback", "redemption_rollback", "adjust_out"] {
        let entry = format!("SELECT id FROM entry WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1");
        check(&format!("UPDATE entry SET occurred_at = occurred_at + 1 WHERE id = ({entry})"), finding, &entry);
    }
}

#[test]
fn names_of_what_does_not_exist() {
    let finding = "entry names an order, a redemption or a program that does not exist";
    for column in ["order_id", "redemption_id", "program_version"] {
        check(&format!("UPDATE entry SET {column} = 404 WHERE kind = 'capture'"), finding, CAPTURE);
    }
    let finding = "order names a claim, a redemption or a program that does not exist";
    for column in ["claim_command", "redemption_id", "program_version"] {
        check(&format!("UPDATE orders SET {column} = 404"), finding, ORDER);
    }
    let identity = "SELECT rowid FROM identity";
    check("UPDATE identity SET member_id = 404", "something is a member's who does not exist", identity);
    let used = "voucher that does not exist was used";
    check("INSERT INTO voucher_use (voucher_id, order_id) VALUES (404, 404)", used, "SELECT 1");
}

#[test]
fn moments_that_are_not_those_of_the_command() {
    let finding = "something is dated otherwise than its command";
    check("UPDATE orders SET recorded_at = recorded_at + 1", finding, ORDER);
    check("UPDATE order_return SET recorded_at = recorded_at + 1", finding, RETURN);
    check("UPDATE order_return SET command_id = 404", finding, RETURN);
    check("UPDATE member SET joined_at = joined_at + 1", finding, "SELECT id FROM member");
    let held = "SELECT id FROM redemption WHERE status = 'held'";
    check("UPDATE redemption SET created_at = created_at + 1 WHERE status = 'held'", finding, held);
}

#[test]
fn a_redemption_that_holds_something_else() {
    let finding = "redemption differs from its hold or from its lines";
    let captured = "SELECT id FROM redemption WHERE status = 'captured'";
    for change in ["points = points + 1", "money = money + 1", "hold_entry = 404", "lines = '[]'", "release_entry = 404"] {
        check(&format!("UPDATE redemption SET {change} WHERE status = 'captured'"), finding, captured);
    }
}

#[test]
fn a_member_that_was_merged_into_somebody_else() {
    let finding = "member was merged otherwise than the entries say";
    let vera = |_, _, vera: Id| format!("SELECT {}", vera.0);
    let into = |_, boris: Id, vera: Id| format!("UPDATE member SET merged_into = {} WHERE id = {}", boris.0, vera.0);
    check_of_three(into, finding, vera);
    check_of_three(|_, _, vera: Id| format!("UPDATE member SET merged_into = NULL WHERE id = {}", vera.0), finding, vera);
}

#[test]
fn an_event_and_what_it_brought() {
    let event = |_, _, _| "SELECT id FROM event".to_owned();
    let earned = |_, _, _| "UPDATE event SET earned = 5".to_owned();
    check_of_three(earned, "event earned something else than its lots", event);
    let fired = |_, _, _| "INSERT INTO firing SELECT id, 'visit', member_id, occurred_at + 1 FROM event".to_owned();
    check_of_three(fired, "rule fired otherwise than its event", |_, _, _| "SELECT 1".to_owned());
    let given = |_, _, _| "UPDATE granted_tier SET event_id = 404".to_owned();
    let tier = |_, _, _| "SELECT id FROM granted_tier".to_owned();
    check_of_three(given, "tier was given by an event that does not exist", tier);
}

#[test]
fn an_end_that_was_put_off_by_nobody() {
    let finding = "end of a lot was put off by nobody, or not from where it was";
    let extension = |command: &str, was: &str| {
        format!(
            "INSERT INTO extension (lot_id, command_id, was, expires_at) SELECT id, {command}, {was}, {was} + 5 FROM lot WHERE id = ({LOT});"
        )
    };
    let known = "(SELECT max(id) FROM command)";
    check(&extension("404", "expires_at"), finding, "SELECT 1");
    let gap = extension("(SELECT min(id) FROM command)", "expires_at") + &extension(known, "expires_at + 6");
    check(&gap, finding, "SELECT 2");
}
