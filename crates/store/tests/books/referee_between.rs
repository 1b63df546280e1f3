//! What the referee refuses between accounts: transfers, merges, claims, codes, and a grace that the job grants.

use domain::plan::{Claim, Confirmation, Entry, Merge, NewEvent, NewGrantedTier, NewLot, NewVoucher, Plan, Segments};
use domain::{Id, Instant, Points};
use serde_json::json;
use store::StoreError;

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

/// Anna has 1 000 live points and 100 that are over, Boris 50.
fn scene() -> (Shop, Id, Id) {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("live", 1_000, NOW, None), ("over", 100, day(-2), Some(day(-1)))]);
    let boris = shop.enrol(&[("live", 50, NOW, None)]);
    (shop, anna, boris)
}

#[track_caller]
fn refuses(shop: &mut Shop, plan: &Plan, word: &str) {
    let command = shop.command();
    let before = shop.db.everything();
    let error = shop.apply(&command, plan).expect_err("it breaks the books");
    match &error {
        StoreError::Stale => assert_eq!(word, "stale"),
        StoreError::Refused(text) => assert!(text.contains(word), "{text}, not {word}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.db.everything(), before, "a refused plan writes nothing");
}

fn changed(plan: &Plan, change: impl FnOnce(&mut Vec<Entry>)) -> Plan {
    let mut plan = plan.clone();
    change(&mut plan.entries);
    plan
}

fn transfer(shop: &mut Shop, from: Id, to: Id) -> Plan {
    let command = shop.command();
    ledger::transfer(&shop.between(from, to), Points(100), "a gift", &shop.terms, command).expect("she has as many").plan
}

#[test]
fn what_is_sent_arrives_whole_and_once() {
    let (mut shop, anna, boris) = scene();
    let plan = transfer(&mut shop, anna, boris);
    refuses(&mut shop, &changed(&plan, |entries| drop(entries.pop())), "E_PARENT");
    let less = changed(&plan, |entries| {
        let arrives = &mut entries[1];
        (arrives.amount, arrives.balance_after) = (Points(99), Points(149));
        (arrives.postings[0].1, arrives.lots[0].issued) = (Points(99), Points(99));
    });
    refuses(&mut shop, &less, "E_PARENT");
    let twice = changed(&plan, |entries| {
        let mut again = entries[1].clone();
        let lot = Id(again.lots[0].id.0 + 1_000);
        (again.id, again.seq, again.balance_after) = (Id(again.id.0 + 1_000), again.seq + 1, Points(250));
        (again.lots[0].id, again.postings[0].0) = (lot, lot);
        entries.push(again);
    });
    refuses(&mut shop, &twice, "E_PARENT");
    let from_nowhere = changed(&plan, |entries| entries[1].parent_id = None);
    refuses(&mut shop, &from_nowhere, "E_PARENT");
    let command = shop.command();
    shop.post(&command, &plan);
    assert_eq!((shop.balance(anna).available, shop.balance(boris).available), (Points(900), Points(150)));
}

#[test]
fn nobody_gives_away_what_is_over() {
    let (mut shop, anna, boris) = scene();
    let over = Id(shop.db.number("SELECT id FROM lot WHERE rule_id = 'over'"));
    let plan = transfer(&mut shop, anna, boris);
    let dead = changed(&plan, |entries| entries[0].postings = vec![(over, Points(100))]);
    refuses(&mut shop, &dead, "E_LOT");
}

#[test]
fn a_merge_is_made_of_what_both_have_now() {
    let (mut shop, anna, boris) = scene();
    let command = shop.command();
    let plan = shop.plan_merge(boris, anna, command).expect("both are there").plan;
    shop.adjust(boris, 1);
    refuses(&mut shop, &plan, "stale");
    let command = shop.command();
    let plan = shop.plan_merge(boris, anna, command.clone()).expect("both are there").plan;
    refuses(&mut shop, &changed(&plan, |entries| drop(entries.pop())), "E_PARENT");
    let more = changed(&plan, |entries| (entries[1].amount, entries[1].balance_after) = (Points(52), Points(1_152)));
    refuses(&mut shop, &more, "E_PARENT");
    let into_itself = changed(&plan, |entries| (entries[1].account_id, entries[1].seq) = (boris, entries[0].seq + 1));
    refuses(&mut shop, &into_itself, "E_PARENT");
    shop.post(&command, &plan);
    assert_eq!(shop.balance(anna).available, Points(1_051));
    assert_eq!(shop.audit(), []);
}

#[test]
fn nobody_is_merged_twice_nor_into_somebody_who_is_gone() {
    let (mut shop, anna, boris) = scene();
    let vera = shop.enrol(&[]);
    shop.merge(boris, anna);
    let merges = |from, into| Plan { merges: vec![Merge { from, into }], ..Plan::default() };
    refuses(&mut shop, &merges(boris, vera), "stale");
    refuses(&mut shop, &merges(vera, boris), "stale");
    refuses(&mut shop, &merges(vera, vera), "constraint failed");
}

/// Everything that names a member and moves nothing of theirs: (what, plan).
fn what_names(shop: &mut Shop, member: Id) -> Vec<(&'static str, Plan)> {
    let mut ids = shop.command().ids;
    let event = NewEvent {
        id: ids.next(),
        reference: format!("visit of {}", member.0),
        member_id: member,
        type_name: "visit".to_owned(),
        content_hash: "content".to_owned(),
        occurred_at: NOW,
        channel: None,
        data: "{}".to_owned(),
        earned: Points::ZERO,
        program_version: 1,
        rules: Vec::new(),
    };
    let voucher = NewVoucher {
        id: ids.next(),
        code: format!("voucher of {}", member.0),
        rule_id: "comeback".to_owned(),
        member_id: Some(member),
        skus: Vec::new(),
        expires_at: None,
    };
    let gift =
        NewGrantedTier { id: ids.next(), member_id: member, tier: "gold".to_owned(), until: None, event_id: None, reason: None };
    let segments = Segments { member_id: member, segments: vec!["vip".to_owned()] };
    vec![
        ("event", Plan { events: vec![event], ..Plan::default() }),
        ("voucher", Plan { vouchers: vec![voucher], ..Plan::default() }),
        ("segments", Plan { segments: vec![segments], ..Plan::default() }),
        ("tier", Plan { granted_tiers: vec![gift], ..Plan::default() }),
        ("end of tiers", Plan { ended_tiers: vec![member], ..Plan::default() }),
    ]
}

/// A plan under a command: an event has its id.
fn of_a_command(shop: &mut Shop, mut plan: Plan) -> (ledger::Command, Plan) {
    let command = shop.command();
    plan.events.iter_mut().for_each(|event| event.id = command.ids.clone().next());
    (command, plan)
}

#[test]
fn nothing_is_written_of_a_member_who_was_merged_meanwhile() {
    let (mut shop, anna, boris) = scene();
    let seen_before = what_names(&mut shop, boris);
    shop.merge(boris, anna);
    for (what, plan) in seen_before {
        let (command, plan) = of_a_command(&mut shop, plan);
        assert_eq!(shop.apply(&command, &plan), Err(StoreError::Stale), "{what}");
    }
    for (_, plan) in what_names(&mut shop, anna) {
        let (command, plan) = of_a_command(&mut shop, plan);
        shop.post(&command, &plan);
    }
    assert_eq!(shop.audit(), []);
}

#[test]
fn a_merge_keeps_the_groups_that_were_said_while_it_was_planned() {
    let (mut shop, anna, boris) = scene();
    let say = |shop: &mut Shop, member_id, segments: &[&str]| {
        let command = shop.command();
        let segments = Segments { member_id, segments: segments.iter().map(|word| (*word).to_owned()).collect() };
        shop.post(&command, &Plan { segments: vec![segments], ..Plan::default() });
    };
    say(&mut shop, anna, &["old"]);
    let command = shop.command();
    let plan = shop.plan_merge(boris, anna, command.clone()).expect("both are there").plan;
    say(&mut shop, anna, &["vip", "circle"]);
    say(&mut shop, boris, &["circle", "spring"]);
    shop.post(&command, &plan);
    let member = shop.snapshot(anna).member.expect("she has enrolled");
    assert_eq!(member.segments, ["vip", "circle", "spring"]);
}

#[test]
fn points_of_a_duplicate_are_undone_with_whoever_took_over() {
    let (mut shop, anna, boris) = scene();
    let paid = purchase("B").line("a", 2_000, 1_000).paid(&[(50, 50)]).earns("purchase", &[10]);
    let redemption = shop.hold(boris, &paid);
    shop.order(boris, &paid, Some(redemption));
    let held = shop.hold(anna, &purchase("C").line("a", 1_000, 1_000).paid(&[(200, 200)]));
    let vera = shop.enrol(&[]);
    // twice: what Boris had is Vera's in the end, an open hold too
    shop.merge(boris, anna);
    shop.merge(anna, vera);
    assert_eq!(shop.balance(vera).held, Points(200));
    let given = shop.take_back("R", "B", &[("a", 2_000)]);
    assert_eq!((given.clawed_back, given.restored), (Points(10), Points(50)));
    shop.capture(held, 200, "C");
    assert_eq!((shop.balance(vera).available, shop.balance(vera).held), (Points(850), Points(0)));
    assert_eq!(shop.audit(), []);
}

#[test]
fn an_order_is_claimed_once_and_as_it_was_seen() {
    let (mut shop, anna, boris) = scene();
    let nobodys = purchase("A").line("a", 1_000, 1_000).earns("purchase", &[10]);
    let command = shop.command();
    let anonymous = ledger::record_anonymous(&nobodys.order, &nobodys.judgement, &shop.terms, "content", command.clone());
    shop.post(&command, &anonymous.plan);
    let order = anonymous.plan.orders[0].id;
    let claim = |member_id, revision| Claim { id: order, revision, member_id, earned: Points::ZERO };
    refuses(&mut shop, &Plan { claims: vec![claim(anna, 1)], ..Plan::default() }, "stale");
    let command = shop.command();
    shop.post(&command, &Plan { claims: vec![claim(anna, 0)], ..Plan::default() });
    for (member, revision) in [(boris, 0), (boris, 1), (anna, 1)] {
        refuses(&mut shop, &Plan { claims: vec![claim(member, revision)], ..Plan::default() }, "stale");
    }
    let line = vec![(order, 7, domain::Money::ZERO, Vec::new())];
    refuses(&mut shop, &Plan { claimed_lines: line, ..Plan::default() }, "E_LINES");
}

#[test]
fn a_code_is_counted_under_the_lock_of_those_before_it() {
    let (mut shop, anna, _) = scene();
    let waits = shop.hold(anna, &purchase("A").line("a", 1_000, 1_000).paid(&[(10, 10)]).confirmed_by_code());
    let code = |attempts, wrong, status| Plan {
        confirmations: vec![Confirmation { id: waits, attempts, wrong, status, hold_expires_at: day(1) }],
        ..Plan::default()
    };
    refuses(&mut shop, &code(1, 1, "awaiting_confirmation"), "stale");
    let command = shop.command();
    shop.post(&command, &code(0, 1, "awaiting_confirmation"));
    refuses(&mut shop, &code(0, 1, "awaiting_confirmation"), "stale");
    refuses(&mut shop, &code(1, 3, "awaiting_confirmation"), "constraint failed");
    let command = shop.command();
    shop.post(&command, &code(1, 0, "held"));
    refuses(&mut shop, &code(1, 0, "held"), "stale");
}

#[test]
fn a_hold_that_was_confirmed_meanwhile_is_not_ended_as_overdue() {
    let (mut shop, anna, _) = scene();
    let waits = shop.hold(anna, &purchase("A").line("a", 1_000, 1_000).paid(&[(10, 10)]).confirmed_by_code());
    let late = Instant(NOW.0 + 301_000);
    shop.now = late;
    let command = shop.command();
    let ends = shop.plan_adjustment(anna, 5, command.clone()).expect("points are given").plan;
    assert_eq!(ends.redemption_updates.len(), 1, "the plan ends what waits for its code");
    // by the clock of another host the code came in time
    shop.now = Instant(NOW.0 + 299_000);
    let load = store::Load { redemption: Some(waits), ..store::Load::default() };
    let code = shop.command();
    let confirmed = ledger::confirm(&shop.load(&load), true, &shop.terms, code.clone()).expect("it is right");
    shop.post(&code, &confirmed.plan);
    shop.now = late;
    refuses(&mut shop, &ends, "stale");
    assert_eq!(shop.balance(anna).held, Points(10));
}

/// Held from a lot that is over before the hold is: (shop, member, redemption).
fn held_from_a_lot_that_ends() -> (Shop, Id) {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("short", 100, NOW, Some(Instant(NOW.0 + 60_000)))]);
    shop.hold(anna, &purchase("A").line("a", 1_000, 1_000).paid(&[(70, 70)]));
    (shop, anna)
}

#[test]
fn what_is_held_does_not_expire_while_it_is_held() {
    let (mut shop, anna) = held_from_a_lot_that_ends();
    shop.now = Instant(NOW.0 + 10 * 60_000);
    run(store::expire(&shop.db, shop.now, 10, Id(1), 1)).expect("a lot is over");
    let balance = shop.balance(anna);
    assert_eq!((balance.held, balance.lifetime_expired), (Points(70), Points(30)));
}

#[test]
fn the_job_lets_points_that_come_back_late_live_on_for_the_grace_of_the_program() {
    let (mut shop, anna) = held_from_a_lot_that_ends();
    shop.now = day(1);
    let until = Some(day(15));
    assert_eq!(run(store::release_overdue(&shop.db, shop.now, 10, Id(1), until)), Ok(1));
    let balance = shop.balance(anna);
    assert_eq!((balance.available, balance.held, balance.lifetime_expired), (Points(70), Points(0), Points(30)));
    assert_eq!(balance.expiring.iter().map(|dated| dated.at).collect::<Vec<_>>(), [day(15)]);
    assert_eq!(shop.audit(), []);
}

#[test]
fn without_a_grace_they_end_with_their_lot() {
    let (mut shop, anna) = held_from_a_lot_that_ends();
    shop.now = day(1);
    assert_eq!(run(store::release_overdue(&shop.db, shop.now, 10, Id(1), None)), Ok(1));
    let balance = shop.balance(anna);
    assert_eq!((balance.available, balance.lifetime_expired), (Points(0), Points(100)));
}

#[test]
fn a_grant_from_nowhere_is_no_transfer() {
    let (mut shop, anna, _) = scene();
    let member = shop.snapshot(anna).member.expect("she has enrolled");
    let lot = NewLot {
        id: Id(901),
        rule_id: "transfer".to_owned(),
        issued: Points(5),
        activates_at: NOW,
        expires_at: None,
        notice_days: None,
    };
    let entry = Entry {
        id: Id(900),
        account_id: anna,
        seq: member.seq + 1,
        kind: "transfer_in",
        amount: Points(5),
        deficit_change: Points::ZERO,
        balance_after: Points(member.remaining.0 + 5),
        at: NOW,
        occurred_at: NOW,
        parent_id: Some(Id(404)),
        order_id: None,
        redemption_id: None,
        program_version: 1,
        explanation: json!([]),
        lots: vec![lot],
        postings: vec![(Id(901), Points(5))],
    };
    refuses(&mut shop, &Plan { entries: vec![entry], ..Plan::default() }, "E_PARENT");
}
