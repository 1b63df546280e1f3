//! What a program may ask of a member: activity in windows, uses of rules, categories; and what else is known: segments, given
//! tiers, vouchers, events. Budgets of rules are the referee's.

use domain::judgement::{Budget, Extension, Rewarded, Standing};
use domain::order::Event;
use domain::plan::{NewGrantedTier, NewVoucher, Plan, Segments, UsedVoucher};
use domain::snapshot::{Activity, Member, Needs, RuleUse};
use domain::{Id, Money, Points};
use ledger::{Command, Gift};
use store::{Load, StoreError};

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

impl Shop {
    /// An event, a given tier, a segment and a voucher of this member.
    pub fn is_known_for_everything(&mut self, member: Id) {
        self.happens(member, "visit", &Rewarded::default());
        let command = self.command();
        let mut ids = command.ids.clone();
        ids.next();
        let gift = NewGrantedTier {
            id: ids.next(),
            member_id: member,
            tier: "gold".to_owned(),
            until: None,
            event_id: None,
            reason: Some("as agreed".to_owned()),
        };
        let voucher = NewVoucher {
            id: ids.next(),
            code: format!("code of {}", member.0),
            rule_id: "comeback".to_owned(),
            member_id: Some(member),
            skus: vec!["sku-a".to_owned()],
            expires_at: Some(day(10)),
        };
        let segments = Segments { member_id: member, segments: vec!["circle".to_owned()] };
        let plan = Plan { granted_tiers: vec![gift], vouchers: vec![voucher], segments: vec![segments], ..Plan::default() };
        self.post(&command, &plan);
    }

    pub fn happens(&mut self, member: Id, kind: &str, rewarded: &Rewarded) -> Id {
        let command = self.command();
        let id = command.ids.clone().next();
        let event = Event {
            reference: format!("event {}", id.0),
            type_name: kind.to_owned(),
            occurred_at: self.now,
            channel: None,
            data: serde_json::json!({}),
            points: None,
        };
        let stays = |_: &Member| Standing::default();
        let happened =
            ledger::record_event(&self.snapshot(member), &event, rewarded, stays, &self.terms, "content", command.clone());
        self.post(&command, &happened.expect("it is in order").plan);
        id
    }

    fn member_with(&self, member: Id, needs: Needs) -> Member {
        self.load(&Load { member: Some(member), needs, ..Load::default() }).member.expect("the member has enrolled")
    }
}

fn since(windows: &[i64]) -> Needs {
    Needs { windows: windows.iter().map(|days| day(*days)).collect(), ..Needs::default() }
}

fn uses(rules: &[&str], at: i64) -> Needs {
    Needs { rules: rules.iter().map(|rule| (*rule).to_owned()).collect(), day: day(at), ..Needs::default() }
}

#[test]
fn activity_counts_what_happened_since_each_moment_net_of_returns() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    for (reference, happened, amount, earned) in [("A", -10, 1_000, 10), ("B", -5, 3_001, 30), ("C", -5, 500, 5)] {
        let order = purchase(reference).happened(day(happened)).line("a", 3_000, amount).earns("purchase", &[earned]);
        shop.order(anna, &order, None);
    }
    shop.take_back("R", "B", &[("a", 1_000)]);
    shop.cancel("C");
    let found = shop.member_with(anna, since(&[-10, -9, -5, -4])).activity;
    let activity = |orders, spend, earned| Activity { orders, spend: Money(spend), earned: Points(earned) };
    assert_eq!(found, [activity(2, 3_001, 30), activity(1, 2_001, 20), activity(1, 2_001, 20), activity(0, 0, 0)]);
    assert_eq!(shop.member_with(anna, Needs::default()).activity, []);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn the_largest_order_is_told_net_of_returns_and_beside_the_one_that_is_asked_for() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let asked = || Needs { largest_order: true, ..Needs::default() };
    assert_eq!(shop.member_with(anna, asked()).largest_order, Money(0));
    for (reference, amount) in [("A", 1_000), ("B", 3_001), ("C", 5_000)] {
        shop.order(anna, &purchase(reference).line("a", 3_000, amount), None);
    }
    shop.take_back("R", "B", &[("a", 1_000)]);
    let beside = |shop: &Shop, reference: &str| {
        let load = Load { member: Some(anna), order: Some(reference.to_owned()), needs: asked(), ..Load::default() };
        shop.load(&load).order.expect("it is recorded").largest_other
    };
    assert_eq!((shop.member_with(anna, asked()).largest_order, beside(&shop, "A")), (Money(5_000), Money(5_000)));
    assert_eq!(beside(&shop, "C"), Money(2_001));
    shop.cancel("C");
    assert_eq!((shop.member_with(anna, asked()).largest_order, beside(&shop, "B")), (Money(2_001), Money(1_000)));
    assert_eq!(shop.member_with(anna, Needs::default()).largest_order, Money(0), "where nobody asks");
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn uses_of_a_rule_count_orders_that_stand_and_events() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    for (reference, happened) in [("A", -3), ("B", 0), ("C", 0)] {
        let order = purchase(reference).happened(day(happened)).line("a", 2_000, 1_000).earns("purchase", &[10]);
        shop.order(anna, &order.earns("bonus", &[4]), None);
    }
    shop.take_back("R", "B", &[("a", 1_000)]);
    shop.cancel("C");
    let reviewed = Rewarded {
        explanations: vec![domain::judgement::Explanation::fact("review", Points::ZERO, "event", "for a review".to_owned())],
        ..Rewarded::default()
    };
    shop.happens(anna, "review", &reviewed);
    let found = shop.member_with(anna, uses(&["purchase", "review", "nothing"], 0)).uses;
    let used = |rule: &str, times, points, today, last_at, of_all| RuleUse {
        rule_id: rule.to_owned(),
        times,
        points: Points(points),
        points_today: Points(today),
        last_at,
        points_of_all: Points(of_all),
    };
    assert_eq!(
        found,
        [used("purchase", 2, 15, 5, Some(NOW), 15), used("review", 1, 0, 0, Some(NOW), 0), used("nothing", 0, 0, 0, None, 0)]
    );
    let boris = shop.enrol(&[]);
    shop.merge(anna, boris);
    let moved = shop.member_with(boris, uses(&["purchase", "review"], -3)).uses;
    assert_eq!(moved, [used("purchase", 2, 15, 15, Some(NOW), 15), used("review", 1, 0, 0, Some(NOW), 0)]);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn an_order_that_came_back_as_a_whole_frees_the_rules_that_fired_on_it() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let lines = |reference: &str| purchase(reference).line("a", 2_000, 1_000).line("b", 1_000, 500);
    shop.order(anna, &lines("A").happened(day(-3)).earns("purchase", &[10, 5]), None);
    shop.order(anna, &lines("B").earns("purchase", &[10, 5]), None);
    let used = |shop: &Shop| {
        let used = shop.member_with(anna, uses(&["purchase"], 0)).uses.remove(0);
        (used.times, used.points, used.last_at)
    };
    shop.take_back("R1", "B", &[("a", 2_000)]);
    assert_eq!(used(&shop), (2, Points(20), Some(NOW)), "something of it is kept");
    shop.take_back("R2", "B", &[("b", 1_000)]);
    assert_eq!(used(&shop), (1, Points(15), Some(day(-3))));
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn what_a_return_takes_from_other_lots_counts_against_the_rule_that_gave_it() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("welcome", 100, NOW, None)]);
    shop.order(anna, &purchase("A").line("a", 1_000, 1_000).earns("purchase", &[40]), None);
    // everything that could be spent is, but for 10 of the welcome
    let paid = purchase("B").line("a", 1_000, 1_000).paid(&[(130, 130)]);
    let redemption = shop.hold(anna, &paid);
    shop.order(anna, &paid, Some(redemption));
    let given = shop.take_back("R", "A", &[("a", 1_000)]);
    assert_eq!((given.clawed_back, given.deficit), (Points(40), Points(30)));
    let points = |rule| shop.member_with(anna, uses(&[rule], 0)).uses[0].points;
    assert_eq!((points("purchase"), points("welcome")), (Points::ZERO, Points(100)));
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn categories_are_those_bought_in_and_kept() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    for (reference, category) in [("A", "shoes"), ("B", "hats"), ("C", "bags")] {
        let mut order = purchase(reference).line("a", 1_000, 1_000);
        order.order.lines[0].category = Some(category.to_owned());
        shop.order(anna, &order, None);
    }
    shop.take_back("R", "B", &[("a", 1_000)]);
    shop.cancel("C");
    let categories = ["bags", "hats", "shoes", "coats"].map(str::to_owned).to_vec();
    assert_eq!(shop.member_with(anna, Needs { categories, ..Needs::default() }).categories, ["shoes"]);
}

#[test]
fn no_plan_gives_more_than_a_budget() {
    let mut shop = Shop::open();
    let (anna, boris) = (shop.enrol(&[]), shop.enrol(&[]));
    shop.terms.budgets = vec![Budget { rule_id: "campaign".to_owned(), points: Points(100) }];
    let order = |reference: &str, points| purchase(reference).line("a", 2_000, 1_000).earns("campaign", &[points]);
    let late = shop.command();
    let planned = shop.plan_order(boris, &order("B", 60), None, late.clone()).expect("it is in order").plan;
    shop.order(anna, &order("A", 60), None);
    assert_eq!(shop.apply(&late, &planned), Err(StoreError::Stale));
    shop.order(boris, &order("C", 40), None);
    let over = shop.command();
    let planned = shop.plan_order(boris, &order("D", 1), None, over.clone()).expect("it is in order").plan;
    assert_eq!(shop.apply(&over, &planned), Err(StoreError::Stale));
    shop.take_back("R", "A", &[("a", 1_000)]);
    shop.order(boris, &order("E", 30), None);
    assert_eq!(shop.db.number("SELECT points FROM rule_total WHERE rule_id = 'campaign'"), 100);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn a_voucher_is_used_once_and_freed_by_what_undoes_the_order() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    shop.is_known_for_everything(anna);
    let code = format!("code of {}", anna.0);
    let voucher = |shop: &Shop| {
        let what = Load { vouchers: vec![code.clone(), "no such code".to_owned()], ..Load::default() };
        let mut found = shop.load(&what).vouchers;
        assert_eq!(found.len(), 1);
        found.remove(0)
    };
    let id = voucher(&shop).id;
    assert_eq!((voucher(&shop).skus, voucher(&shop).expires_at), (vec!["sku-a".to_owned()], Some(day(10))));
    let order = |reference: &str| purchase(reference).line("a", 1_000, 1_000);
    let command = shop.command();
    let mut plan = shop.plan_order(anna, &order("A"), None, command.clone()).expect("it is in order").plan;
    plan.used_vouchers = vec![UsedVoucher { voucher_id: id, order_id: plan.orders[0].id }];
    shop.post(&command, &plan);
    assert_eq!(voucher(&shop).used_by.as_deref(), Some("A"));
    let other = shop.command();
    let mut plan = shop.plan_order(anna, &order("B"), None, other.clone()).expect("it is in order").plan;
    plan.used_vouchers = vec![UsedVoucher { voucher_id: id, order_id: plan.orders[0].id }];
    assert_eq!(shop.apply(&other, &plan), Err(StoreError::Stale));
    shop.take_back("R", "A", &[("a", 1_000)]);
    assert_eq!(voucher(&shop).used_by, None);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn an_end_is_put_off_never_nearer_and_not_of_what_is_over() {
    let mut shop = Shop::open();
    let anna =
        shop.enrol(&[("live", 10, NOW, Some(day(5))), ("live", 20, NOW, Some(day(90))), ("live", 5, day(-9), Some(day(-1)))]);
    let mut order = purchase("A").line("a", 1_000, 1_000);
    order.judgement.extensions = vec![Extension { rule_id: "live".to_owned(), expires_at: day(30) }];
    shop.order(anna, &order, None);
    let ends: Vec<_> = shop.balance(anna).expiring.iter().map(|dated| (dated.points, dated.at)).collect();
    assert_eq!(ends, [(Points(10), day(30)), (Points(20), day(90))]);
    assert_eq!(shop.db.number("SELECT count(*) FROM extension"), 1);
    assert_eq!((shop.audit(), shop.differences()), (vec![], vec![]));
}

#[test]
fn given_tiers_are_loaded_until_their_end_was_looked_at() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let gold = |_: &Member| crate::purchase::standing("gold");
    let none = |_: &Member| Standing::default();
    let gift = Gift { tier: "gold".to_owned(), until: Some(day(2)), reason: "as agreed".to_owned() };
    let give = |shop: &mut Shop, gift: Option<&Gift>, standing: &dyn Fn(&Member) -> Standing| {
        let command: Command = shop.command();
        let placed = ledger::give_tier(&shop.snapshot(anna), gift, standing, command.clone()).expect("she has enrolled");
        shop.post(&command, &placed.plan);
    };
    let given = |shop: &Shop| shop.snapshot(anna).member.expect("she has enrolled").granted_tiers.len();
    give(&mut shop, Some(&gift), &gold);
    assert_eq!(given(&shop), 1);
    shop.now = day(3);
    assert_eq!(given(&shop), 1, "it explains the tier that is still written down");
    let command = shop.command();
    let placed = ledger::review(&shop.snapshot(anna), none, &command).expect("she has enrolled");
    shop.post(&command, &placed.plan);
    assert_eq!(given(&shop), 0);
    give(&mut shop, Some(&Gift { until: None, ..gift }), &gold);
    shop.now = day(4);
    give(&mut shop, None, &none);
    assert_eq!(given(&shop), 0);
    assert_eq!(shop.db.number("SELECT count(*) FROM outbox WHERE kind = 'tier.changed'"), 4);
}

#[test]
fn a_step_down_is_remembered_as_long_as_the_tier_that_it_led_to() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let silver = crate::purchase::standing("silver");
    let stands = |shop: &mut Shop, standing: &Standing| {
        let command = shop.command();
        let placed = ledger::review(&shop.snapshot(anna), |_| standing.clone(), &command).expect("she has enrolled");
        shop.post(&command, &placed.plan);
        let member = shop.snapshot(anna).member.expect("she has enrolled");
        (member.stepped_at, member.grace_until)
    };
    let stepped = Standing { stepped_at: Some(NOW), grace_until: Some(day(365)), ..silver.clone() };
    assert_eq!(stands(&mut shop, &stepped), (Some(NOW), Some(day(365))));
    let due = |shop: &Shop, at| run(store::reviews(&shop.db, at, 10)).expect("the store answers").len();
    assert_eq!((due(&shop, day(364)), due(&shop, day(365))), (0, 1), "the next step is looked for when its time has come");
    let fulfilled = Standing { stepped_at: Some(NOW), ..silver };
    assert_eq!(stands(&mut shop, &fulfilled), (Some(NOW), None));
    assert_eq!(stands(&mut shop, &crate::purchase::standing("gold")), (None, None));
}

#[test]
fn members_of_orders_that_left_the_window_are_marked_once() {
    let mut shop = Shop::open();
    let (anna, boris) = (shop.enrol(&[]), shop.enrol(&[]));
    for (member, reference, happened) in [(anna, "A", -400), (anna, "B", -380), (boris, "C", -10)] {
        let order = purchase(reference).happened(day(happened)).line("a", 1_000, 1_000).reaching("gold");
        shop.order(member, &order, None);
    }
    let due = |shop: &Shop| {
        let reviews = run(store::reviews(&shop.db, shop.now, 10)).expect("the store answers");
        reviews.iter().map(|review| (review.member, review.since)).collect::<Vec<_>>()
    };
    assert_eq!(due(&shop), []);
    let mark = |shop: &Shop| run(store::mark_reviews(&shop.db, day(-365), shop.now, 1)).expect("nothing is in its way");
    assert_eq!([mark(&shop), mark(&shop), mark(&shop)], [true, true, false]);
    assert_eq!(due(&shop), [(anna, NOW)]);
    assert_eq!(run(store::due(&shop.db, shop.now, 10)).map(|due| due.tiers), Ok(1));
    let command = shop.command();
    let stays = |_: &Member| crate::purchase::standing("gold");
    let placed = ledger::review(&shop.snapshot(anna), stays, &command).expect("she has enrolled");
    shop.post(&command, &placed.plan);
    assert_eq!((due(&shop), mark(&shop)), (vec![], false));
}
