//! A purchase: it earns lots, captures the hold that pays it, counts toward the tiers.

use domain::{Id, Instant, Money, Points};
use ledger::Command;

use crate::books::{NOW, day, member_with, member_with_points, new_member};
use crate::purchase::purchase;

#[test]
fn an_order_earns_one_lot_for_each_rule() {
    let mut anna = new_member();
    let order = purchase("A").line("shoes", 1_000, 1_000).line("hat", 1_000, 500);
    let recorded =
        anna.buys(&order.earns("five percent", &[50, 25]).earns_for("product of the month", &[100, 0], day(14), Some(day(44))));
    anna.has((75, 100, 0, 0));
    assert_eq!(recorded.earned, Points(175));
    assert_eq!(recorded.lots.iter().map(|lot| lot.issued.0).collect::<Vec<_>>(), [75, 100]);
    assert_eq!(anna.entries.len(), 1, "one entry for all of its lots");
    let lots: Vec<Id> = recorded.lots.iter().map(|lot| lot.id).collect();
    let lines = &anna.order("A").lines;
    assert_eq!(lines[0].shares, [(lots[0], Points(50)), (lots[1], Points(100))]);
    assert_eq!(lines[1].shares, [(lots[0], Points(25))]);
}

#[test]
fn an_order_that_earns_nothing_is_recorded_without_an_entry() {
    let mut anna = new_member();
    let recorded = anna.buys(&purchase("A").line("shoes", 1_000, 1_000));
    assert!(recorded.plan.entries.is_empty() && recorded.plan.outbox.is_empty());
    assert_eq!(anna.member.orders, 1);
}

#[test]
fn an_order_counts_toward_the_tiers() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).line("hat", 1_000, 500).reaching("silver"));
    assert_eq!((anna.member.orders, anna.member.qualifying_spend), (1, Money(1_500)));
    assert_eq!((anna.member.tier.as_deref(), anna.member.tier_since), (Some("silver"), Some(NOW)));
    // a tier that is kept is held since it was reached
    anna.until(day(5)).buys(&purchase("B").line("shoes", 1_000, 1_000).reaching("silver"));
    assert_eq!(anna.member.tier_since, Some(NOW));
    anna.until(day(6)).buys(&purchase("C").line("shoes", 1_000, 1_000).reaching("gold"));
    assert_eq!(anna.member.tier_since, Some(day(6)));
}

#[test]
fn an_order_captures_the_hold_that_pays_it() {
    let mut anna = member_with_points(100);
    let order = purchase("A").line("shoes", 1_000, 1_000).paid(&[(60, 60)]).earns("purchase", &[47]);
    let red = anna.holds(&order);
    let recorded = anna.pays_with(red, &order);
    anna.posted_last(&[("capture", &[("welcome", 60)]), ("earn", &[("purchase", 47)])]);
    anna.has((87, 0, 0, 0));
    assert_eq!((recorded.redeemed, recorded.redeemed_money), (Points(60), Money(60)));
    assert_eq!(anna.redemption(red).order_ref.as_deref(), Some("A"));
    let (capture, earn) = (&anna.entries[anna.entries.len() - 2], &anna.entries[anna.entries.len() - 1]);
    assert_eq!(capture.order_id, earn.order_id);
    assert_eq!((capture.redemption_id, earn.redemption_id), (Some(red), None));
}

#[test]
fn what_an_order_earns_can_not_pay_it() {
    let mut anna = new_member();
    let order = purchase("A").line("shoes", 1_000, 1_000).earns("purchase", &[60]).paid(&[(60, 60)]);
    assert!(anna.try_to_hold(&order).is_err());
}

#[test]
fn an_order_is_paid_by_a_hold_that_was_captured_before_it_came() {
    let mut anna = member_with_points(100);
    let cart = purchase("A").line("shoes", 1_000, 1_000).paid(&[(60, 60)]);
    let red = anna.holds(&cart);
    anna.try_to_capture(red, Some(40), Some("A")).expect("the hold is open");
    let entries = anna.entries.len();
    let recorded = anna.pays_with(red, &purchase("A").line("shoes", 1_000, 1_000).paid(&[(40, 40)]));
    assert_eq!((recorded.redeemed, anna.entries.len()), (Points(40), entries), "nothing is captured twice");
    // and what it paid comes back with the goods
    anna.returns_everything("A");
    anna.has((100, 0, 0, 0));
}

#[test]
fn an_order_releases_other_holds_that_are_overdue_but_not_its_own() {
    let mut anna = member_with_points(100);
    anna.holds(&purchase("X").line("hat", 1_000, 1_000).paid(&[(30, 30)]));
    anna.until(Instant(NOW.0 + 1_000_000));
    let order = purchase("A").line("shoes", 1_000, 1_000).paid(&[(60, 60)]);
    let own = anna.holds(&order);
    anna.until(Instant(NOW.0 + 1_800_000));
    anna.pays_with(own, &order);
    anna.posted_last(&[("release", &[("welcome", 30)]), ("capture", &[("welcome", 60)])]);
    anna.has((40, 0, 0, 0));
}

#[test]
fn an_order_of_the_past_is_posted_now_with_lots_dated_from_its_day() {
    let mut anna = new_member();
    let day_of_order = day(-100);
    let order = purchase("A").line("shoes", 1_000, 1_000).happened(day_of_order);
    anna.buys(&order.earns_for("purchase", &[50], day_of_order, Some(day(-10))).earns_for("gift", &[7], day(-86), Some(day(5))));
    let entry = anna.entries.last().expect("it earned");
    assert_eq!((entry.at, entry.occurred_at), (NOW, day_of_order));
    // one of its lots is over already
    anna.has((7, 0, 0, 0));
    assert_eq!(anna.balance().lifetime_expired, Points(50));
    assert_eq!(anna.balance().lifetime_earned, Points(57));
}

#[test]
fn entries_never_go_back_in_time_where_clocks_differ() {
    let mut anna = member_with(&[("welcome", 100, day(-1), Some(NOW))]);
    anna.is_adjusted(5);
    anna.until(Instant(NOW.0 - 600_000)).is_adjusted(6);
    let last = anna.entries.last().expect("it was adjusted");
    assert_eq!(last.at, NOW);
    // what is over stays over
    assert_eq!(anna.account().spendable().0, 11);
    assert_eq!(anna.balance().as_of, NOW);
}

#[test]
fn a_deficit_is_paid_by_the_next_earning_from_what_would_expire_soonest() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).earns("first", &[100]));
    let red = anna.holds(&purchase("X").line("hat", 1_000, 1_000).paid(&[(100, 100)]));
    anna.captures(red, 100);
    anna.returns_everything("A");
    anna.has((0, 0, 0, 100));
    let order = purchase("B").line("shoes", 1_000, 1_000);
    let recorded = anna.buys(&order.earns_for("late", &[80], NOW, None).earns_for("soon", &[50], NOW, Some(day(5))));
    anna.has((30, 0, 0, 0)).has_on_lots(&[("late", 30)]);
    assert_eq!(recorded.earned, Points(130), "all of it is earned");
    let entry = anna.entries.last().expect("it earned");
    assert_eq!((entry.amount, entry.deficit_change, entry.postings.len()), (Points(130), Points(-100), 1));
}

#[test]
fn a_deficit_larger_than_the_earning_takes_all_of_it() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).earns("first", &[100]));
    let red = anna.holds(&purchase("X").line("hat", 1_000, 1_000).paid(&[(100, 100)]));
    anna.captures(red, 100);
    anna.returns_everything("A");
    anna.buys(&purchase("B").line("shoes", 1_000, 1_000).earns("second", &[30]));
    anna.has((0, 0, 0, 70));
    let entry = anna.entries.last().expect("it earned");
    assert!(entry.postings.is_empty() && entry.lots.len() == 1);
}

#[test]
fn an_order_without_a_member_is_kept_and_earns_nothing() {
    let order = purchase("A").line("shoes", 1_000, 1_000).earns("purchase", &[50]).delivered_for(300);
    let terms = new_member().terms;
    let command = Command { now: NOW, ids: domain::Ids::new(NOW, 1) };
    let recorded = ledger::record_anonymous(&order.order, &order.judgement, &terms, "content", command);
    assert!(recorded.plan.entries.is_empty() && recorded.plan.statistics.is_empty() && recorded.balance.is_none());
    let row = &recorded.plan.orders[0];
    assert_eq!((row.member_id, row.earned, row.payable), (None, Points::ZERO, Money(1_300)));
    assert!(recorded.plan.lines[0].shares.is_empty());
}

#[test]
fn every_row_of_a_command_has_its_own_id() {
    let mut anna = member_with_points(100);
    let order = purchase("A").line("shoes", 1_000, 1_000).paid(&[(60, 60)]);
    let order = order.earns("one", &[10]).earns("two", &[20]).earns("three", &[30]);
    let red = anna.holds(&order);
    let plan = anna.pays_with(red, &order).plan;
    let mut ids: Vec<Id> = plan.orders.iter().map(|order| order.id).collect();
    ids.extend(plan.entries.iter().map(|entry| entry.id));
    ids.extend(plan.entries.iter().flat_map(|entry| &entry.lots).map(|lot| lot.id));
    let count = ids.len();
    assert_eq!(count, 6);
    assert!(ids.is_sorted(), "and they follow the sequence of events: {ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn what_the_rules_said_is_kept_with_the_entry() {
    let mut anna = new_member();
    anna.buys(&purchase("A").line("shoes", 1_000, 1_000).earns("five percent", &[1_250]));
    let entry = anna.entries.last().expect("it earned");
    assert_eq!(
        entry.explanation,
        serde_json::json!([{"rule_id": "five percent", "program_version": 1, "fired": true, "points": "12.50",
                            "code": "percent_of_items", "reason": "five percent fired"}])
    );
}
