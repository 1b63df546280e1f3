//! What the referee refuses: plans that would break the books. A refused plan writes nothing at all.

use domain::plan::{Entry, NewLot, NewRedemption, OrderUpdate, Plan, Program, RedemptionUpdate, StatisticsUpdate};
use domain::{Id, Instant, LIMIT, Money, Points, Quantity};
use serde_json::json;
use store::{StoreError, Value};

use crate::purchase::{Purchase, purchase};
use crate::shop::{NOW, Shop, day};

/// Two members. Anna has lots that are live, over and pending, an order that earned and was paid by points, and a hold.
struct Scene {
    shop: Shop,
    anna: Id,
    boris: Id,
    live: Id,
    over: Id,
    pending: Id,
    earned: Id,
    order: Id,
    redemption: Id,
    held: Id,
}

fn scene() -> Scene {
    let mut shop = Shop::open();
    let anna =
        shop.enrol(&[("live", 1_000, NOW, None), ("over", 100, day(-2), Some(day(-1))), ("pending", 100, day(1), Some(day(2)))]);
    let boris = shop.enrol(&[("live", 1_000, NOW, None)]);
    let order = bought("A").earns("purchase", &[70, 30]);
    let redemption = shop.hold(anna, &order);
    let recorded = shop.order(anna, &order, Some(redemption));
    let held = shop.hold(anna, &bought("B"));
    let lot =
        |rule: &str| Id(shop.db.number(&format!("SELECT id FROM lot WHERE account_id = {} AND rule_id = '{rule}'", anna.0)));
    let (live, over, pending, earned) = (lot("live"), lot("over"), lot("pending"), lot("purchase"));
    Scene { anna, boris, live, over, pending, earned, order: recorded.plan.orders[0].id, redemption, held, shop }
}

/// Two lines of 500.00 that 100 points pay.
fn bought(reference: &str) -> Purchase {
    purchase(reference).line("a", 2_000, 50_000).line("b", 1_000, 50_000).paid(&[(60, 60), (40, 40)])
}

impl Scene {
    /// An entry that would be the next of Anna's and changes nothing yet.
    fn entry(&mut self, kind: &'static str, amount: i64, postings: &[(Id, i64)]) -> Entry {
        self.entry_of(self.anna, kind, amount, postings)
    }

    fn entry_of(&mut self, member: Id, kind: &'static str, amount: i64, postings: &[(Id, i64)]) -> Entry {
        let snapshot = self.shop.snapshot(member);
        let member = snapshot.member.expect("the member has enrolled");
        let sign = match kind {
            "hold" | "expire" | "clawback" | "adjust_out" => -1,
            "capture" => 0,
            _ => 1,
        };
        let posted: i64 = postings.iter().map(|(_, points)| points).sum();
        Entry {
            id: self.shop.command().ids.next(),
            account_id: member.id,
            seq: member.seq + 1,
            kind,
            amount: Points(amount),
            deficit_change: Points::ZERO,
            balance_after: Points(member.remaining.0 + sign * posted),
            at: self.shop.now,
            occurred_at: self.shop.now,
            parent_id: None,
            order_id: None,
            redemption_id: None,
            program_version: 1,
            explanation: json!([]),
            lots: Vec::new(),
            postings: postings.iter().map(|(lot, points)| (*lot, Points(*points))).collect(),
        }
    }

    fn entry_id(&self, kind: &str) -> Option<Id> {
        let newest =
            format!("SELECT id FROM entry WHERE account_id = {} AND kind = '{kind}' ORDER BY seq DESC LIMIT 1", self.anna.0);
        Some(Id(self.shop.db.number(&newest)))
    }

    /// The statement fails with a text that has this word in it, and nothing is written.
    #[track_caller]
    fn refuses(&mut self, plan: &Plan, word: &str) {
        let id = self.shop.command().ids.next();
        self.refuses_as(id, &format!("key {}", id.0), plan, word);
    }

    #[track_caller]
    fn refuses_as(&mut self, id: Id, key: &str, plan: &Plan, word: &str) {
        let before = self.shop.db.everything();
        let json = serde_json::to_string(plan).expect("a plan is JSON");
        let parameters: Vec<Value> = vec![
            id.into(),
            key.into(),
            "fingerprint".into(),
            201.into(),
            "answer".into(),
            self.shop.now.into(),
            json.as_str().into(),
        ];
        // the referee of purchases refuses what the whole one does
        if store::is_purchase(&serde_json::to_value(plan).expect("a plan is JSON")) {
            let posted = self.shop.db.query(include_str!("../../../../sql/statements/apply_purchase.sql"), parameters.clone());
            assert!(posted.as_ref().is_err_and(|error| error.contains(word)), "{posted:?}, not {word}");
        }
        let posted = self.shop.db.query(include_str!("../../../../sql/statements/apply.sql"), parameters);
        let error = posted.err().unwrap_or_else(|| panic!("it was posted: {plan:#?}"));
        assert!(error.contains(word), "{error}, not {word}");
        // what may be planned again is told from what never will do
        let again = ["E_STALE", "E_ANSWERED", "UNIQUE"].contains(&word);
        match StoreError::from_message(&error) {
            StoreError::Stale => assert!(again, "{error} is not worth another plan"),
            StoreError::Refused(_) => assert!(!again, "{error} is worth another plan"),
            other => panic!("{error} became {other:?}"),
        }
        assert_eq!(self.shop.db.everything(), before, "a refused plan writes nothing");
    }

    #[track_caller]
    fn refuses_entry(&mut self, entry: Entry, word: &str) {
        self.refuses(&entries(vec![entry]), word);
    }

    #[track_caller]
    fn posts(&mut self, plan: &Plan) {
        let command = self.shop.command();
        self.shop.post(&command, plan);
    }
}

fn entries(entries: Vec<Entry>) -> Plan {
    Plan { entries, ..Plan::default() }
}

fn new_lot(id: i64, issued: i64) -> NewLot {
    NewLot {
        id: Id(id),
        rule_id: "rule".to_owned(),
        issued: Points(issued),
        activates_at: NOW,
        expires_at: None,
        notice_days: None,
    }
}

#[test]
fn what_the_referee_posts_is_what_its_refusals_differ_from() {
    let mut scene = scene();
    let mut hold = scene.entry("hold", 5, &[(scene.live, 5)]);
    hold.redemption_id = Some(hold.id);
    let redemption = NewRedemption {
        id: hold.id,
        account_id: scene.anna,
        status: "held",
        points: Points(5),
        money: Money(5),
        items: Money(100),
        payable: Money(95),
        lines: vec![("a".to_owned(), Points(5), Money(5))],
        store: None,
        hold_expires_at: day(1),
        hold_entry: hold.id,
        code_hash: None,
        program_version: 1,
    };
    scene.posts(&Plan { redemptions: vec![redemption], ..entries(vec![hold]) });
    let expire = scene.entry("expire", 100, &[(scene.over, 100)]);
    scene.posts(&entries(vec![expire]));
    let mut earn = scene.entry("adjust_in", 9, &[(Id(901), 9)]);
    earn.lots = vec![new_lot(901, 9)];
    scene.posts(&entries(vec![earn]));
    assert_eq!(scene.shop.audit(), []);
}

#[test]
fn a_plan_made_before_the_books_moved_is_stale() {
    let mut scene = scene();
    let (first, second) = (scene.shop.command(), scene.shop.command());
    let plan = |command| scene.shop.plan_adjustment(scene.anna, 5, command).expect("it is in bounds").plan;
    let (plan, rival) = (plan(first.clone()), plan(second));
    scene.shop.post(&first, &plan);
    scene.refuses(&rival, "UNIQUE");
}

#[test]
fn a_plan_made_before_a_job_ran_is_stale() {
    let mut scene = scene();
    let command = scene.shop.command();
    let plan = scene.shop.plan_adjustment(scene.anna, 5, command).expect("it is in bounds").plan;
    crate::database::run(store::expire(&scene.shop.db, NOW, 100, Id(1), 1)).expect("a lot is over");
    scene.refuses(&plan, "UNIQUE");
}

#[test]
fn an_entry_follows_the_one_before_it_in_number_time_and_balance() {
    let mut scene = scene();
    let entry = scene.entry("adjust_out", 5, &[(scene.live, 5)]);
    scene.refuses_entry(Entry { seq: entry.seq + 1, ..entry.clone() }, "E_STALE");
    scene.refuses_entry(Entry { seq: entry.seq - 1, ..entry.clone() }, "UNIQUE");
    scene.refuses_entry(Entry { at: Instant(NOW.0 - 1), ..entry.clone() }, "E_STALE");
    scene.refuses_entry(Entry { balance_after: Points(entry.balance_after.0 + 1), ..entry.clone() }, "E_STALE");
    scene.refuses_entry(Entry { account_id: Id(404), ..entry }, "E_LOT");
}

#[test]
fn points_are_taken_from_lots_of_the_account_only() {
    let mut scene = scene();
    let foreign = Id(scene.shop.db.number(&format!("SELECT id FROM lot WHERE account_id = {}", scene.boris.0)));
    for (kind, lot) in [("hold", foreign), ("adjust_out", foreign), ("hold", Id(404)), ("adjust_out", Id(404))] {
        let entry = scene.entry(kind, 5, &[(lot, 5)]);
        scene.refuses_entry(entry, "E_LOT");
    }
}

#[test]
fn no_more_points_are_taken_than_a_lot_has() {
    let mut scene = scene();
    // the account has as many, the lot has not
    for kind in ["adjust_out", "hold"] {
        let entry = scene.entry(kind, 901, &[(scene.live, 901)]);
        scene.refuses_entry(entry, "CHECK constraint failed");
    }
    // all of these are held
    let entry = scene.entry("adjust_out", 1, &[(scene.earned, 1)]);
    scene.refuses_entry(entry, "CHECK constraint failed");
}

#[test]
fn points_are_held_from_live_lots_only() {
    let mut scene = scene();
    for lot in [scene.over, scene.pending] {
        let entry = scene.entry("hold", 5, &[(lot, 5)]);
        scene.refuses_entry(entry, "E_LOT");
    }
    // at the very moment of expiry, and just before the activation
    for (at, word) in
        [(Instant(day(1).0 - 1), Some("E_LOT")), (day(1), None), (Instant(day(2).0 - 1), None), (day(2), Some("E_LOT"))]
    {
        scene.shop.now = at;
        let entry = scene.entry("hold", 1, &[(scene.pending, 1)]);
        match word {
            Some(word) => scene.refuses_entry(entry, word),
            None => scene.posts(&entries(vec![entry])),
        }
    }
}

#[test]
fn nothing_expires_before_its_time() {
    let mut scene = scene();
    for lot in [scene.live, scene.pending] {
        let entry = scene.entry("expire", 5, &[(lot, 5)]);
        scene.refuses_entry(entry, "E_LOT");
    }
}

#[test]
fn a_child_is_never_more_than_its_parent() {
    let mut scene = scene();
    let (hold, lot) = (scene.entry_id("hold"), scene.earned);
    let child = |scene: &mut Scene, kind, amount: i64| {
        let mut entry = scene.entry(kind, amount, &[(lot, amount)]);
        entry.parent_id = hold;
        entry
    };
    let capture = child(&mut scene, "capture", 101);
    scene.refuses_entry(capture, "E_PARENT");
    let release = child(&mut scene, "release", 101);
    scene.refuses_entry(release, "E_PARENT");
    // a part is captured, more than the rest is released
    let capture = child(&mut scene, "capture", 60);
    scene.posts(&entries(vec![capture]));
    let release = child(&mut scene, "release", 41);
    scene.refuses_entry(release, "E_PARENT");
    let capture = child(&mut scene, "capture", 41);
    scene.refuses_entry(capture, "E_PARENT");
    let release = child(&mut scene, "release", 40);
    scene.posts(&entries(vec![release]));
    let release = child(&mut scene, "release", 1);
    scene.refuses_entry(release, "E_PARENT");
}

#[test]
fn points_go_back_to_the_lots_that_they_came_from_and_no_more_of_them() {
    let mut scene = scene();
    let capture = scene.entry_id("capture");
    for (lot, points) in [(scene.live, 101), (scene.earned, 1), (scene.over, 1)] {
        let mut back = scene.entry("redemption_rollback", points, &[(lot, points)]);
        back.parent_id = capture;
        scene.refuses_entry(back, "E_PARENT");
    }
}

#[test]
fn no_more_is_clawed_back_than_was_earned() {
    let mut scene = scene();
    let earn = scene.entry_id("earn");
    let mut clawback = scene.entry("clawback", 101, &[(scene.live, 101)]);
    clawback.parent_id = earn;
    scene.refuses_entry(clawback, "E_PARENT");
    let mut owed = scene.entry("clawback", 101, &[(scene.live, 1)]);
    (owed.parent_id, owed.deficit_change) = (earn, Points(100));
    scene.refuses_entry(owed, "E_PARENT");
    let mut first = scene.entry("clawback", 99, &[(scene.live, 99)]);
    first.parent_id = earn;
    scene.posts(&entries(vec![first]));
    let mut second = scene.entry("clawback", 2, &[(scene.live, 2)]);
    second.parent_id = earn;
    scene.refuses_entry(second, "E_PARENT");
}

#[test]
fn a_parent_is_of_the_right_kind_and_of_the_same_account() {
    let mut scene = scene();
    let (earn, hold, live) = (scene.entry_id("earn"), scene.entry_id("hold"), scene.live);
    for (kind, parent) in [
        ("capture", None),
        ("capture", earn),
        ("capture", Some(Id(404))),
        ("release", None),
        ("release", earn),
        ("clawback", None),
        ("clawback", hold),
        ("redemption_rollback", hold),
        ("hold", hold),
        ("adjust_out", earn),
    ] {
        let mut entry = scene.entry(kind, 1, &[(live, 1)]);
        entry.parent_id = parent;
        scene.refuses_entry(entry, "E_PARENT");
    }
    let boris = scene.boris;
    let foreign = Id(scene.shop.db.number(&format!("SELECT id FROM lot WHERE account_id = {}", boris.0)));
    let mut capture = scene.entry_of(boris, "capture", 1, &[(foreign, 1)]);
    capture.parent_id = hold;
    scene.refuses_entry(capture, "E_PARENT");
    let mut clawback = scene.entry_of(boris, "clawback", 1, &[(foreign, 1)]);
    clawback.parent_id = earn;
    scene.refuses_entry(clawback, "E_PARENT");
}

#[test]
fn postings_and_the_deficit_are_the_amount() {
    let mut scene = scene();
    let entry = scene.entry("adjust_out", 5, &[(scene.live, 5)]);
    scene.refuses_entry(Entry { amount: Points(6), ..entry.clone() }, "E_AMOUNT");
    scene.refuses_entry(Entry { amount: Points(4), ..entry.clone() }, "E_AMOUNT");
    scene.refuses_entry(Entry { postings: Vec::new(), ..entry.clone() }, "E_AMOUNT");
    // only a clawback makes a deficit
    scene.refuses_entry(Entry { amount: Points(6), deficit_change: Points(1), ..entry.clone() }, "E_AMOUNT");
    // only new lots pay one
    scene.refuses_entry(Entry { amount: Points(6), deficit_change: Points(-1), ..entry }, "E_AMOUNT");
}

#[test]
fn no_more_of_a_deficit_is_paid_than_is_owed() {
    let mut scene = scene();
    let mut earn = scene.entry("earn", 10, &[(Id(901), 9)]);
    (earn.lots, earn.deficit_change) = (vec![new_lot(901, 10)], Points(-1));
    scene.refuses_entry(earn, "CHECK constraint failed");
}

#[test]
fn what_is_granted_is_what_the_new_lots_were_issued_for() {
    let mut scene = scene();
    let live = scene.live;
    let earn = |scene: &mut Scene, amount, lots: Vec<NewLot>, postings: &[(Id, i64)]| {
        let entry = scene.entry("earn", amount, postings);
        Entry { lots, ..entry }
    };
    let entry = earn(&mut scene, 10, vec![new_lot(901, 11)], &[(Id(901), 10)]);
    scene.refuses_entry(entry, "E_AMOUNT");
    let entry = earn(&mut scene, 10, Vec::new(), &[(live, 10)]);
    scene.refuses_entry(entry, "E_AMOUNT");
    // points on a lot of another entry, or more than was issued on one of two
    let entry = earn(&mut scene, 10, vec![new_lot(901, 10)], &[(live, 10)]);
    scene.refuses_entry(entry, "E_LOT");
    let entry = earn(&mut scene, 10, vec![new_lot(901, 4), new_lot(902, 6)], &[(Id(901), 5), (Id(902), 5)]);
    scene.refuses_entry(entry, "E_LOT");
    // an entry of another kind makes no lots
    let entry = scene.entry("adjust_out", 10, &[(scene.live, 10)]);
    scene.refuses_entry(Entry { lots: vec![new_lot(901, 10)], ..entry }, "E_AMOUNT");
    // a lot ends after it begins
    let lot = NewLot { expires_at: Some(NOW), ..new_lot(901, 10) };
    let entry = earn(&mut scene, 10, vec![lot], &[(Id(901), 10)]);
    scene.refuses_entry(entry, "CHECK constraint failed");
}

#[test]
fn amounts_are_above_nothing_and_in_bounds() {
    let mut scene = scene();
    for amount in [0, -1, LIMIT + 1] {
        let entry = scene.entry("adjust_in", amount, &[(Id(901), amount)]);
        scene.refuses_entry(Entry { lots: vec![new_lot(901, amount)], ..entry }, "CHECK constraint failed");
    }
    let entry = scene.entry("adjust_out", 1, &[(scene.live, 2), (scene.earned, -1)]);
    scene.refuses_entry(entry, "CHECK constraint failed");
}

#[test]
fn a_lot_has_one_share_in_an_entry() {
    let mut scene = scene();
    let entry = scene.entry("adjust_out", 3, &[(scene.live, 2), (scene.live, 1)]);
    scene.refuses_entry(entry, "posting");
}

#[test]
fn a_kind_that_does_not_exist_is_refused() {
    let mut scene = scene();
    let entry = scene.entry("gift", 5, &[(scene.live, 5)]);
    scene.refuses_entry(entry, "E_KIND");
}

#[test]
fn ids_that_are_taken_are_planned_again() {
    let mut scene = scene();
    let hold = scene.entry_id("hold").expect("there is one");
    let entry = scene.entry("adjust_out", 5, &[(scene.live, 5)]);
    scene.refuses_entry(Entry { id: hold, ..entry }, "UNIQUE");
    let entry = scene.entry("earn", 5, &[(scene.live, 5)]);
    scene.refuses_entry(Entry { lots: vec![new_lot(scene.live.0, 5)], ..entry }, "UNIQUE");
    let command = Id(scene.shop.db.number("SELECT max(id) FROM command"));
    scene.refuses_as(command, "another key", &Plan::default(), "UNIQUE");
}

#[test]
fn a_key_is_answered_once_and_a_repeated_statement_changes_nothing() {
    let mut scene = scene();
    let command = scene.shop.command();
    let plan = scene.shop.plan_adjustment(scene.anna, 5, command.clone()).expect("it is in bounds").plan;
    let id = command.ids.clone().next();
    scene.shop.apply_as(id, "the key", &plan).expect("it is the first");
    scene.refuses_as(id, "the key", &plan, "E_ANSWERED");
    let command = scene.shop.command();
    let plan = scene.shop.plan_adjustment(scene.anna, 5, command.clone()).expect("it is in bounds").plan;
    scene.refuses_as(command.ids.clone().next(), "the key", &plan, "E_ANSWERED");
    scene.refuses_as(command.ids.clone().next(), "", &plan, "CHECK constraint failed");
}

#[test]
fn lines_sum_to_their_order() {
    let mut scene = scene();
    let order = bought("C").discounted(&[10, 20]);
    let (redemption, command) = (scene.shop.hold(scene.anna, &order), scene.shop.command());
    let plan = scene.shop.plan_order(scene.anna, &order, Some(redemption), command).expect("the order is in order").plan;
    let change = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan
    };
    scene.refuses(&change(&|plan| plan.lines[0].amount = Money(50_001)), "E_LINES");
    scene.refuses(&change(&|plan| plan.lines[1].program_discount = Money(21)), "E_LINES");
    scene.refuses(&change(&|plan| plan.lines[1].paid_points = Points(41)), "E_LINES");
    scene.refuses(&change(&|plan| plan.lines[0].paid_money = Money(59)), "E_LINES");
    scene.refuses(&change(&|plan| drop(plan.lines.pop())), "E_LINES");
    scene.refuses(&change(&|plan| plan.lines.clear()), "E_LINES");
    scene.refuses(&change(&|plan| plan.orders[0].payable = Money(1)), "CHECK constraint failed");
    scene.refuses(&change(&|plan| plan.lines[0].line.quantity = Quantity(0)), "CHECK constraint failed");
    scene.posts(&plan);
}

#[test]
fn an_order_is_paid_with_what_its_redemption_captured() {
    let mut scene = scene();
    let command = scene.shop.command();
    let plan = scene.shop.plan_order(scene.anna, &bought("C"), Some(scene.held), command).expect("it is held").plan;
    let mut less = plan.clone();
    less.redemption_updates[0].captured = Points(99);
    scene.refuses(&less, "E_LINES");
    let mut without = plan;
    without.orders[0].redemption_id = None;
    scene.refuses(&without, "E_LINES");
}

#[test]
fn an_order_that_is_known_is_not_recorded_again() {
    let mut scene = scene();
    let order = purchase("A").line("a", 1_000, 1_000);
    let command = scene.shop.command();
    let plan = scene.shop.plan_order(scene.anna, &order, None, command).expect("its content is the same").plan;
    scene.refuses(&plan, "UNIQUE");
}

#[test]
fn a_redemption_pays_one_order() {
    let mut scene = scene();
    let order = bought("C");
    let command = scene.shop.command();
    let mut plan = scene.shop.plan_order(scene.anna, &order, Some(scene.held), command).expect("it is held").plan;
    plan.orders[0].redemption_id = Some(scene.redemption);
    scene.refuses(&plan, "UNIQUE");
}

#[test]
fn a_redemption_ends_once() {
    let mut scene = scene();
    let update =
        |id, status| RedemptionUpdate { id, from: "held", status, captured: Points::ZERO, capture_entry: None, order_ref: None };
    let ends = |updates| Plan { redemption_updates: updates, ..Plan::default() };
    scene.refuses(&ends(vec![update(scene.redemption, "released")]), "E_STALE");
    scene.refuses(&ends(vec![update(Id(404), "released")]), "E_STALE");
    scene.refuses(&ends(vec![update(scene.held, "released"), update(scene.held, "expired")]), "E_STALE");
    scene.refuses(&ends(vec![update(scene.held, "forgotten")]), "CHECK constraint failed");
    let more = RedemptionUpdate { captured: Points(101), ..update(scene.held, "captured") };
    scene.refuses(&ends(vec![more]), "CHECK constraint failed");
}

#[test]
fn an_order_is_changed_under_its_lock() {
    let mut scene = scene();
    let update = |revision| Plan {
        order_updates: vec![OrderUpdate { id: scene.order, revision, status: "cancelled" }],
        ..Plan::default()
    };
    let (too_early, unknown) = (
        update(1),
        Plan { order_updates: vec![OrderUpdate { id: Id(404), revision: 0, status: "recorded" }], ..Plan::default() },
    );
    scene.refuses(&too_early, "E_STALE");
    scene.refuses(&unknown, "E_STALE");
    let (first, second) = (scene.shop.command(), scene.shop.command());
    let plan = scene.shop.plan_return("R", "A", &[("a", 1_000)], first.clone()).expect("it is there").plan;
    let rival = scene.shop.plan_return("S", "A", &[("a", 1_000)], second).expect("it is there").plan;
    scene.shop.post(&first, &plan);
    scene.refuses(&rival, "E_STALE");
    scene.shop.cancel("A");
    let update = OrderUpdate { id: scene.order, revision: 2, status: "recorded" };
    scene.refuses(&Plan { order_updates: vec![update], ..Plan::default() }, "E_STALE");
}

#[test]
fn a_return_is_known_by_its_own_id_within_the_order() {
    let mut scene = scene();
    scene.shop.take_back("R", "A", &[("a", 1_000)]);
    let command = scene.shop.command();
    let plan = scene.shop.plan_return("R", "A", &[("a", 1_000)], command).expect("its content is the same").plan;
    scene.refuses(&plan, "UNIQUE");
}

#[test]
fn what_is_returned_is_a_line_of_the_order_and_grows_up_to_its_quantity() {
    let mut scene = scene();
    scene.shop.take_back("R", "A", &[("a", 1_000)]);
    let returned = |n, quantity| Plan { returned: vec![(scene.order, n, Quantity(quantity))], ..Plan::default() };
    let plans = [
        (returned(0, 2_001), "CHECK constraint failed"),
        (returned(0, 1_000), "E_LINES"),
        (returned(0, 999), "E_LINES"),
        (returned(2, 1_000), "E_LINES"),
        (Plan { returned: vec![(Id(404), 0, Quantity(1))], ..Plan::default() }, "E_LINES"),
    ];
    for (plan, word) in plans {
        scene.refuses(&plan, word);
    }
}

#[test]
fn statistics_are_changed_under_their_lock() {
    let mut scene = scene();
    let update = |revision| StatisticsUpdate {
        member_id: scene.anna,
        revision,
        orders: 1,
        qualifying_spend: Money::ZERO,
        tier: None,
        tier_since: None,
        grace_until: None,
        stepped_at: None,
        own_tier: None,
        review_at: None,
        order_at: None,
    };
    let changes = |update| Plan { statistics: vec![update], ..Plan::default() };
    let (behind, ahead, unknown) =
        (changes(update(0)), changes(update(2)), changes(StatisticsUpdate { member_id: Id(404), ..update(1) }));
    let (fewer, less) = (
        changes(StatisticsUpdate { orders: -2, ..update(1) }),
        changes(StatisticsUpdate { qualifying_spend: Money(-100_001), ..update(1) }),
    );
    for plan in [behind, ahead, unknown] {
        scene.refuses(&plan, "E_STALE");
    }
    for plan in [fewer, less] {
        scene.refuses(&plan, "CHECK constraint failed");
    }
}

#[test]
fn two_orders_of_one_member_do_not_count_past_each_other() {
    let mut scene = scene();
    let (first, second) = (scene.shop.command(), scene.shop.command());
    // neither moves points, so that only the statistics are in both
    let plan = |reference, command| {
        let order = purchase(reference).line("a", 1_000, 1_000);
        scene.shop.plan_order(scene.anna, &order, None, command).expect("the order is in order").plan
    };
    let (plan, rival) = (plan("C", first.clone()), plan("D", second));
    scene.shop.post(&first, &plan);
    scene.refuses(&rival, "E_STALE");
}

#[test]
fn an_identity_belongs_to_one_member() {
    let mut scene = scene();
    let phone = scene.shop.db.texts("SELECT hash FROM identity LIMIT 1").remove(0);
    let taken = domain::plan::Identity { hash: phone, kind: "phone", member_id: scene.boris };
    scene.refuses(&Plan { identities: vec![taken], ..Plan::default() }, "UNIQUE");
}

#[test]
fn facts_can_be_neither_changed_nor_deleted() {
    let scene = scene();
    let before = scene.shop.db.everything();
    for statement in [
        "UPDATE entry SET points = 0",
        "UPDATE entry SET explanation = '[]' WHERE seq = 1",
        "DELETE FROM entry",
        "UPDATE posting SET points = 1",
        "DELETE FROM posting",
        "UPDATE program SET document = ''",
        "DELETE FROM program",
    ] {
        let error = scene.shop.db.query(statement, vec![]).expect_err(statement);
        assert!(error.contains("E_IMMUTABLE"), "{statement}: {error}");
        assert!(matches!(StoreError::from_message(&error), StoreError::Refused(_)));
    }
    assert_eq!(scene.shop.db.everything(), before);
}

#[test]
fn a_hold_is_not_ended_as_overdue_before_its_deadline() {
    let scene = scene();
    let before = scene.shop.db.everything();
    for (redemption, released_at) in [(scene.held, NOW), (scene.redemption, day(1))] {
        let statement = format!(
            "UPDATE redemption SET status = 'expired', release_entry = 5, released_at = {} WHERE id = {}",
            released_at.0, redemption.0
        );
        let error = scene.shop.db.query(&statement, vec![]).expect_err("it is not overdue");
        assert!(error.contains("E_HOLD"), "{error}");
    }
    assert_eq!(scene.shop.db.everything(), before);
}

#[test]
fn a_plan_is_posted_whole_or_not_at_all() {
    let mut scene = scene();
    // everything is right but the last row
    let order = bought("C").earns("purchase", &[7, 3]);
    let command = scene.shop.command();
    let mut plan = scene.shop.plan_order(scene.anna, &order, Some(scene.held), command).expect("it is held").plan;
    plan.statistics[0].revision += 1;
    scene.refuses(&plan, "E_STALE");
    plan.statistics[0].revision -= 1;
    scene.posts(&plan);
    assert_eq!(scene.shop.audit(), []);
}

#[test]
fn a_text_where_a_number_belongs_is_a_planners_mistake() {
    let scene = scene();
    let error = scene.shop.db.query("UPDATE account SET held = 'much'", vec![]).expect_err("tables are strict");
    assert!(matches!(StoreError::from_message(&error), StoreError::Refused(_)), "{error}");
}

#[test]
fn messages_of_other_servers_are_understood_inside_other_texts() {
    let says = |text: &str| StoreError::from_message(text);
    assert_eq!(says("step failed: Error { message: \"SQLite error: E_STALE\" }"), StoreError::Stale);
    assert_eq!(
        says("Hrana: `api error: `SQLITE_CONSTRAINT: SQLite error: UNIQUE constraint failed: orders.ref``"),
        StoreError::Stale
    );
    for text in ["database is locked", "SQLITE_BUSY: database is locked"] {
        assert_eq!(says(text), StoreError::Busy(text.to_owned()));
    }
    for text in [
        "Hrana: `api error: `{\"message\":\"The stream has expired due to inactivity\",\"code\":\"STREAM_EXPIRED\"}``",
        "Hrana: `api error: `Received an invalid baton``",
        "Hrana: `http error: `connection closed before message completed``",
        "Hrana: `http error: `connection error: Connection reset by peer (os error 104)``",
        "Hrana: `cursor error: `error reading a body from connection: unexpected EOF during chunk size line``",
        "Hrana: `cursor error: `error at step 0: (error code: SQLITE_INTERRUPT) `SQLite error: interrupted```",
    ] {
        assert_eq!(says(text), StoreError::Broken(text.to_owned()));
    }
    let refused = "Hrana: `http error: `error trying to connect: tcp connect error: Connection refused (os error 111)``";
    assert_eq!(says(refused), StoreError::Unavailable(refused.to_owned()));
    assert_eq!(says("SQLite error: no such table: main.member"), StoreError::NotMigrated);
    assert_eq!(says("connection refused"), StoreError::Unavailable("connection refused".to_owned()));
    assert_eq!(says("database or disk is full"), StoreError::Unavailable("database or disk is full".to_owned()));
}

fn version(version: i64, currency: &str, points_scale: u8) -> Program {
    Program { version, hash: "hash".to_owned(), document: "{}".to_owned(), currency: currency.to_owned(), points_scale }
}

#[test]
fn the_currency_and_the_scale_stand_once_points_were_posted() {
    for (currency, scale) in [("RUB", 0), ("USD", 2)] {
        let published = Plan { programs: vec![version(2, currency, scale)], ..Plan::default() };
        let mut scene = scene();
        scene.refuses(&published, "E_STALE");
        let mut empty = Shop::open();
        let command = empty.command();
        empty.post(&command, &published);
    }
    let mut scene = scene();
    scene.posts(&Plan { programs: vec![version(2, "RUB", 2)], ..Plan::default() });
}

#[test]
fn nothing_is_posted_by_a_program_of_another_scale_than_the_newest() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let order = bought("A").paid(&[]).earns("purchase", &[70]);
    let late = shop.command();
    let judged_before = shop.plan_order(anna, &order, None, late.clone()).expect("the order is in order").plan;
    let publishing = shop.command();
    shop.post(&publishing, &Plan { programs: vec![version(2, "RUB", 0)], ..Plan::default() });
    assert_eq!(shop.apply(&late, &judged_before), Err(StoreError::Stale), "it was judged in hundredths");
}
