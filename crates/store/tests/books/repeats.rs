//! What a load returns for a request that was seen before, and whom it finds.

use domain::judgement::{Enrolment, Standing};
use domain::plan::{ApiKey, Plan};
use domain::snapshot::RedemptionStatus;
use domain::{Id, Money, Points, Quantity};
use ledger::Applicant;
use store::{Asking, Coming, Commit, Known, Load, Loaded, load, load_enrolment, load_program};

use crate::database::run;
use crate::purchase::{purchase, standing};
use crate::shop::{NOW, Shop, day};

impl Shop {
    fn loaded(&self, what: &Load) -> Loaded {
        run(load(&self.db, what)).expect("the store answers")
    }

    /// Posts a plan with an answer of its own.
    fn answer(&self, id: Id, key: &str, answer: Option<&str>, plan: &Plan) {
        let commit = Commit { id, idempotency_key: key, fingerprint: "of the body", status: 201, answer, now: self.now, plan };
        run(store::apply(&self.db, &commit)).expect("the plan is right");
    }
}

fn order(reference: &str) -> Load {
    Load { order: Some(reference.to_owned()), ..Load::default() }
}

#[test]
fn an_empty_shop_loads_nothing() {
    let shop = Shop::open();
    let what = Load {
        caller: Asking { key: Some("key".to_owned()), address: None },
        idempotency_key: Some("key".to_owned()),
        member: Some(Id(404)),
        identity: Some("hash".to_owned()),
        order: Some("A".to_owned()),
        redemption: Some(Id(404)),
        return_ref: Some("R".to_owned()),
        other: Some(Id(404)),
        event: Some("E".to_owned()),
        vouchers: vec!["V".to_owned()],
        ..Load::default()
    };
    for what in [what, Load::default()] {
        let loaded = shop.loaded(&what);
        assert!(loaded.caller == Known::default() && loaded.answered.is_none());
        let snapshot = loaded.snapshot;
        assert!(snapshot.member.is_none() && snapshot.order.is_none() && snapshot.redemption.is_none());
        assert!(snapshot.lots.is_empty() && snapshot.holds.is_empty());
        assert_eq!((snapshot.program_version, loaded.program.map(|program| program.version)), (1, Some(1)));
    }
}

#[test]
fn a_key_that_was_answered_brings_its_answer_byte_for_byte() {
    let (mut shop, anna) = Shop::with_member(100);
    let command = shop.command();
    let plan = shop.plan_adjustment(anna, 5, command.clone()).expect("it is in bounds").plan;
    let id = command.ids.clone().next();
    let body = "{\"b\": 1,  \"a\":\"\u{44f}\u{1f600}\\u0000\"}";
    shop.answer(id, "the key", Some(body), &plan);
    let answered = shop.loaded(&Load { idempotency_key: Some("the key".to_owned()), ..Load::default() }).answered;
    let answered = answered.expect("it was answered");
    assert_eq!((answered.id, answered.status, answered.answer.as_deref()), (id, 201, Some(body)));
    assert_eq!(answered.fingerprint, "of the body");
    let other = Load { idempotency_key: Some("The key".to_owned()), ..Load::default() };
    assert_eq!(shop.loaded(&other).answered, None);
}

#[test]
fn an_answer_that_holds_personal_data_is_kept_elsewhere() {
    let mut shop = Shop::open();
    let command = shop.command();
    shop.answer(command.ids.clone().next(), "the key", None, &Plan::default());
    let answered = shop.loaded(&Load { idempotency_key: Some("the key".to_owned()), ..Load::default() }).answered;
    assert_eq!(answered.map(|answered| answered.answer), Some(None));
}

#[test]
fn an_order_that_was_recorded_brings_its_answer() {
    let (mut shop, anna) = Shop::with_member(100);
    let bought = purchase("A").line("a", 2_000, 10_000).line("b", 1_000, 500).paid(&[(60, 70), (0, 0)]);
    let bought = bought.discounted(&[10, 20]).delivered_for(300).earns("purchase", &[51, 9]);
    let redemption = shop.hold(anna, &bought);
    let command = shop.command();
    let recorded = shop.plan_order(anna, &bought, Some(redemption), command.clone()).expect("the order is in order");
    shop.answer(command.ids.clone().next(), "the key", Some("{\"first\": true}"), &recorded.plan);
    let order = shop.load(&order("A")).order.expect("it is recorded");
    assert_eq!((order.answer.status, order.answer.answer.as_deref()), (201, Some("{\"first\": true}")));
    assert_eq!((order.member_id, order.content_hash.as_str(), order.status.as_str()), (Some(anna), "content", "recorded"));
    assert_eq!((order.items, order.discount, order.delivery), (Money(10_500), Money(30), Money(300)));
    assert_eq!((order.paid_points, order.paid_money, order.payable), (Points(60), Money(70), Money(10_700)));
    assert_eq!((order.earned, order.redemption_id), (Points(60), Some(redemption)));
    let entry = |kind: &str| Some(Id(shop.db.number(&format!("SELECT id FROM entry WHERE kind = '{kind}' ORDER BY seq DESC"))));
    assert_eq!((order.earn_entry, order.capture_entry), (entry("earn"), entry("capture")));
    assert_eq!((order.lines.len(), order.returns.len(), order.paid.len()), (2, 0, 1));
    let line = &order.lines[0];
    assert_eq!((line.n, line.id.as_str(), line.quantity, line.amount), (0, "a", Quantity(2_000), Money(10_000)));
    assert_eq!((line.paid_points, line.paid_money, line.program_discount), (Points(60), Money(70), Money(10)));
    assert_eq!((line.shares.as_slice(), line.returned), ([(recorded.lots[0].id, Points(51))].as_slice(), Quantity::ZERO));
}

#[test]
fn whoever_expects_a_new_order_is_told_only_that_it_is_there() {
    let (mut shop, anna) = Shop::with_member(100);
    let expected_new = Load { member: Some(anna), whether_order: true, ..order("A") };
    let before = shop.loaded(&expected_new);
    assert!(!before.lacks_order && before.snapshot.order.is_none());
    shop.order(anna, &purchase("A").line("a", 1_000, 500), None);
    let after = shop.loaded(&expected_new);
    assert!(after.lacks_order && after.snapshot.order.is_none());
    let whole = shop.loaded(&Load { whether_order: false, ..expected_new });
    assert!(!whole.lacks_order && whole.snapshot.order.is_some());
}

#[test]
fn everything_that_a_line_says_comes_back() {
    let (mut shop, anna) = Shop::with_member(0);
    let mut bought = purchase("A").line("a", 1_500, 1_000);
    let line = &mut bought.order.lines[0];
    line.name = Some("Shoes \"for ever\"".to_owned());
    line.category = Some("shoes".to_owned());
    line.brand = Some("x".to_owned());
    line.labels = vec!["new".to_owned(), "season, spring".to_owned()];
    (line.cost, line.tax, line.promo, line.discount) = (Some(Money(400)), Some(Money(166)), true, Money(7));
    bought.order.store = Some("north".to_owned());
    shop.order(anna, &bought, None);
    let order = shop.load(&order("A")).order.expect("it is recorded");
    let (line, told) = (&order.lines[0], &bought.order.lines[0]);
    assert_eq!((&line.name, &line.category, &line.brand), (&told.name, &told.category, &told.brand));
    assert_eq!((line.labels.as_ref(), line.cost, line.tax), (Some(&told.labels), told.cost, told.tax));
    assert_eq!((line.promo, line.discount, line.price), (1, Money(7), told.price));
    assert_eq!(order.store.as_deref(), Some("north"));
}

#[test]
fn a_return_that_was_recorded_brings_its_answer_and_no_other() {
    let (mut shop, anna) = Shop::with_member(100);
    shop.order(anna, &purchase("A").line("a", 3_000, 9_000).earns("purchase", &[30]), None);
    for (reference, answer) in [("R", "first"), ("S", "second")] {
        let command = shop.command();
        let given = shop.plan_return(reference, "A", &[("a", 1_000)], command.clone()).expect("it is there");
        shop.answer(command.ids.clone().next(), reference, Some(answer), &given.plan);
    }
    let what = Load { return_ref: Some("S".to_owned()), ..order("A") };
    let recorded = shop.load(&what).order.expect("it is recorded");
    let answers: Vec<(Option<&str>, Option<&str>)> = recorded
        .returns
        .iter()
        .map(|known| (known.reference.as_deref(), known.answer.as_ref().and_then(|answer| answer.answer.as_deref())))
        .collect();
    assert_eq!(answers, [(Some("R"), None), (Some("S"), Some("second"))]);
    let known = &recorded.returns[1];
    assert_eq!(
        (known.clawed_back, known.refund, known.lines.as_slice()),
        (Points(10), Money(3_000), [(0, Quantity(1_000))].as_slice())
    );
    assert_eq!((recorded.revision, recorded.lines[0].returned), (2, Quantity(2_000)));
}

#[test]
fn a_cancellation_that_was_recorded_brings_its_answer() {
    let (mut shop, anna) = Shop::with_member(100);
    shop.order(anna, &purchase("A").line("a", 3_000, 9_000), None);
    shop.take_back("R", "A", &[("a", 1_000)]);
    shop.cancel("A");
    let order = shop.load(&order("A")).order.expect("it is recorded");
    let cancellation = order.returns.iter().find(|known| known.reference.is_none()).expect("it was cancelled");
    assert_eq!(cancellation.answer.as_ref().and_then(|answer| answer.answer.as_deref()), Some("answer"));
    assert_eq!(order.status, "cancelled");
}

#[test]
fn what_each_lot_paid_and_has_not_got_back_is_known_after_every_return() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[("soon", 50, NOW, Some(day(9))), ("never", 50, NOW, None)]);
    let bought = purchase("A").line("a", 4_000, 9_000).paid(&[(80, 80)]);
    let redemption = shop.hold(anna, &bought);
    shop.order(anna, &bought, Some(redemption));
    let paid = |shop: &Shop| -> Vec<i64> {
        shop.load(&order("A")).order.expect("it is recorded").paid.iter().map(|taken| taken.points.0).collect()
    };
    assert_eq!(paid(&shop), [50, 30]);
    shop.take_back("R", "A", &[("a", 1_000)]);
    assert_eq!(paid(&shop), [50, 10]);
    shop.take_back("S", "A", &[("a", 2_000)]);
    assert_eq!(paid(&shop), [20, 0]);
    shop.take_back("T", "A", &[("a", 1_000)]);
    assert_eq!(paid(&shop), [0, 0]);
}

#[test]
fn a_member_is_found_by_id_identity_order_or_redemption() {
    let (mut shop, anna) = Shop::with_member(100);
    let bought = purchase("A").line("a", 1_000, 1_000).paid(&[(10, 10)]);
    let redemption = shop.hold(anna, &bought);
    shop.order(anna, &purchase("B").line("a", 1_000, 1_000), None);
    let boris = shop.enrol(&[]);
    let member = |what: Load| shop.load(&what).member.map(|member| member.id);
    let identity = Some(format!("phone {}", anna.0));
    assert_eq!(member(Load { member: Some(anna), ..Load::default() }), Some(anna));
    assert_eq!(member(Load { identity, ..Load::default() }), Some(anna));
    assert_eq!(member(order("B")), Some(anna));
    assert_eq!(member(Load { redemption: Some(redemption), ..Load::default() }), Some(anna));
    // whom the caller names comes first: that the two differ is for the ledger to refuse
    assert_eq!(member(Load { member: Some(boris), redemption: Some(redemption), ..order("B") }), Some(boris));
    let unknown = Some("phone of nobody".to_owned());
    assert_eq!(member(Load { identity: unknown, ..order("B") }), None);
}

#[test]
fn a_redemption_is_loaded_as_it_was_agreed() {
    let (mut shop, anna) = Shop::with_member(100);
    let bought = purchase("A").line("a", 1_000, 1_000).line("b", 1_000, 500).paid(&[(10, 20), (5, 10)]);
    let id = shop.hold(anna, &bought);
    let redemption = |shop: &Shop| {
        let what = Load { redemption: Some(id), ..Load::default() };
        shop.load(&what).redemption.expect("it was held")
    };
    let held = redemption(&shop);
    assert_eq!((held.account_id, held.status, held.points, held.money), (anna, RedemptionStatus::Held, Points(15), Money(30)));
    assert_eq!((held.items, held.payable, held.used_by), (Money(1_500), Money(1_470), None));
    assert_eq!(held.lines, [("a".to_owned(), Points(10), Money(20)), ("b".to_owned(), Points(5), Money(10))]);
    assert_eq!((held.created_at, held.hold_expires_at), (NOW, NOW.plus_seconds(1_800)));
    shop.order(anna, &bought, Some(id));
    let used = redemption(&shop);
    assert_eq!((used.status, used.captured), (RedemptionStatus::Captured, Points(15)));
    assert_eq!((used.order_ref.as_deref(), used.used_by.as_deref()), (Some("A"), Some("A")));
}

#[test]
fn identities_that_are_taken_are_told_to_an_enrolment() {
    let (shop, anna) = Shop::with_member(100);
    let wanted = [format!("phone {}", anna.0), "phone of nobody".to_owned()];
    let loaded =
        run(load_enrolment(&shop.db, &Asking::default(), "a new key", &wanted, &Coming::default())).expect("the store answers");
    assert_eq!(loaded.taken, [("phone".to_owned(), anna)]);
    assert!(loaded.answered.is_none() && loaded.caller == Known::default());
    assert_eq!(loaded.program.map(|program| program.version), Some(1));
    let answered = format!("key {}", anna.0);
    let loaded =
        run(load_enrolment(&shop.db, &Asking::default(), &answered, &[], &Coming::default())).expect("the store answers");
    assert_eq!(loaded.answered.map(|answered| answered.id), Some(anna));
    assert!(loaded.taken.is_empty());
}

#[test]
fn a_member_is_loaded_as_enrolment_told() {
    let mut shop = Shop::open();
    for reached in [Standing::default(), standing("base")] {
        let command = shop.command();
        let id = command.ids.clone().next();
        let applicant = Applicant::new(id, "store", &format!("code {}", id.0));
        let judged = Enrolment { standing: reached, ..Enrolment::default() };
        let enrolled = ledger::enrol(applicant, &judged, &shop.terms, command.clone()).expect("nothing is granted");
        shop.post(&command, &enrolled.plan);
        assert_eq!(shop.snapshot(id).member, Some(enrolled.member));
    }
}

#[test]
fn statistics_know_the_first_and_the_last_order_whatever_their_sequence() {
    let (mut shop, anna) = Shop::with_member(0);
    for (reference, at) in [("A", day(-5)), ("B", day(-9)), ("C", day(-1)), ("D", day(-3))] {
        shop.order(anna, &purchase(reference).line("a", 1_000, 100).happened(at), None);
    }
    shop.take_back("R", "C", &[("a", 1_000)]);
    let moment = |column: &str| shop.db.number(&format!("SELECT {column} FROM statistics"));
    assert_eq!((moment("first_order_at"), moment("last_order_at")), (day(-9).0, day(-1).0));
    assert_eq!((moment("orders"), moment("qualifying_spend")), (4, 300));
}

#[test]
fn a_program_is_frozen_by_the_first_points_or_the_first_order() {
    let mut shop = Shop::open();
    let frozen = |shop: &Shop| run(load_program(&shop.db, &Asking::default(), None, None)).expect("the store answers").frozen;
    assert!(!frozen(&shop));
    let anna = shop.enrol(&[]);
    assert!(!frozen(&shop), "nothing was posted");
    shop.order(anna, &purchase("A").line("a", 1_000, 100), None);
    assert!(frozen(&shop));
    let (shop, _) = Shop::with_member(1);
    assert!(frozen(&shop));
    let loaded = run(load_program(&shop.db, &Asking::default(), None, None)).expect("the store answers");
    let program = loaded.program.expect("it is published");
    assert_eq!((program.currency.as_deref(), program.points_scale), (Some("RUB"), Some(2)));
}

#[test]
fn the_key_check_joins_every_load() {
    let mut shop = Shop::open();
    let key = |id, store: Option<&str>| ApiKey {
        id: Id(id),
        hash: format!("key {id}"),
        name: "till".to_owned(),
        scopes: vec!["till".into()],
        store: store.map(str::to_owned),
        expires_at: None,
        replaces: None,
    };
    let command = shop.command();
    shop.post(&command, &Plan { api_keys: vec![key(5, Some("north")), key(6, None)], ..Plan::default() });
    let fifth = Asking { key: Some("key 5".to_owned()), address: None };
    let what = Load { caller: fifth.clone(), ..Load::default() };
    let callers = |shop: &Shop| {
        [
            shop.loaded(&what).caller.key,
            run(load_enrolment(&shop.db, &fifth, "a", &[], &Coming::default())).expect("the store answers").caller.key,
            run(load_program(&shop.db, &fifth, None, None)).expect("the store answers").caller.key,
        ]
    };
    for caller in callers(&shop) {
        assert_eq!(
            caller.map(|caller| (caller.id, caller.scopes, caller.store)),
            Some((Id(5), vec!["till".to_owned()], Some("north".to_owned())))
        );
    }
    let found =
        |shop: &Shop, id| run(load_program(&shop.db, &Asking::default(), None, Some(Id(id)))).expect("the store answers").key;
    let in_force = |shop: &Shop, id| found(shop, id).map(|key| key.is_in_force(shop.now));
    assert_eq!([5, 6, 7].map(|id| in_force(&shop, id)), [Some(true), Some(true), None]);
    let command = shop.command();
    shop.post(&command, &Plan { revoked_keys: vec![Id(5)], ..Plan::default() });
    assert_eq!(callers(&shop), [None, None, None]);
    assert_eq!([5, 6].map(|id| in_force(&shop, id)), [Some(false), Some(true)]);
}
