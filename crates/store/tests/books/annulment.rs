//! Points that are annulled only after a notice: without one they never end, with one as it says.

use std::collections::BTreeMap;

use domain::judgement::Extension;
use domain::plan::{NewReceipt, Plan, Redelivery};
use domain::{Id, Ids, Instant, Points};
use ledger::Adjustment;

use crate::database::{Sqlite, run};
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

impl Shop {
    /// A shop whose program wants 30 days of notice, with an endpoint that gets the person.
    pub fn with_notices() -> (Self, Id) {
        Self::with_notices_on(Sqlite::empty())
    }

    /// The same on this empty database.
    pub fn with_notices_on(db: Sqlite) -> (Self, Id) {
        let mut shop = Self::open_on(db, 2);
        shop.terms.notice_days = Some(30);
        let webhook = shop.webhook(&["points.annulment"], true);
        (shop, webhook)
    }

    /// The job, once: how many notices it wrote. What is told of now ends so many days later at the earliest.
    pub fn gives_notices(&self) -> usize {
        let days = run(store::notices_due(&self.db, self.now, 100, false)).expect("the store answers");
        let ends: BTreeMap<i64, Instant> =
            days.into_iter().map(|days| (days, Instant(self.now.0 + day(days).0 - NOW.0))).collect();
        run(store::give_notices(&self.db, self.now, 100, &ends, false)).expect("nothing is in its way")
    }

    /// The job, once: how many notices it gave an end.
    pub fn ends_what_was_told(&self) -> usize {
        let sent = run(store::notices_sent(&self.db, 100)).expect("the store answers");
        let end = |notice: &store::SentNotice| {
            let earliest = Instant(notice.sent_at.0 + day(notice.days).0 - NOW.0);
            (notice.message, notice.told.max(earliest).max(Instant(self.now.0 + day(1).0 - NOW.0)))
        };
        let ends: Vec<(Id, Instant)> = sent.iter().map(end).collect();
        run(store::date_notices(&self.db, &ends, self.now)).expect("nothing is in its way")
    }

    /// An attempt of everything that is due comes to this.
    pub fn attempts(&self, status: &'static str) {
        self.fans_out();
        let claimed = run(store::claim_deliveries(&self.db, self.now, 100, Instant(self.now.0 + 1))).expect("the store answers");
        assert!(!claimed.is_empty(), "something is sent");
        self.settles(&claimed, status);
    }

    pub fn receives(&mut self, message: Id, status: &'static str, at: Instant) {
        let command = self.command();
        let receipt = NewReceipt { message_id: message, channel: "sms".to_owned(), status, at, reason: None };
        self.post(&command, &Plan { receipts: vec![receipt], ..Plan::default() });
    }

    pub fn last_message(&self) -> Id {
        Id(self.db.number("SELECT max(id) FROM outbox"))
    }

    fn available(&self, member: Id) -> i64 {
        self.balance(member).available.0
    }

    fn expires(&self) -> i64 {
        let due = run(store::due(&self.db, self.now, 100)).expect("the store answers").expire;
        run(store::expire(&self.db, self.now, 100, Id(Ids::new(self.now, 7).next().0), 1)).expect("nothing is in its way");
        due
    }

    fn notices_due(&self) -> i64 {
        run(store::due(&self.db, self.now, 100)).expect("the store answers").notices(false)
    }

    fn told(&self) -> Vec<String> {
        self.db.texts("SELECT kind || ' ' || payload FROM outbox WHERE kind LIKE 'points.annulment%' ORDER BY id")
    }
}

#[test]
fn without_a_notice_points_never_end_however_late_it_is() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    let shown = shop.balance(anna).expiring;
    assert_eq!((shown.len(), shown[0].points, shown[0].at), (1, Points(500), day(40)), "what is planned is shown");
    for days in [9, 40, 41, 400] {
        shop.now = day(days);
        assert_eq!((shop.available(anna), shop.expires()), (500, 0), "on day {days}");
    }
    let entry = "INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at,
                                          program_version, explanation, lots, postings)
                 SELECT 1, a.id, a.seq + 1, 'expire', 500, 0, 0, a.last_at + 1000000000000, 1, 1, '[]', '[]',
                        json_array(json_array(l.id, 500))
                   FROM account a JOIN lot l ON l.account_id = a.id";
    let refused = shop.db.query(entry, vec![]).expect_err("nothing ends that has no end");
    assert!(refused.contains("E_LOT"), "{refused}");
    shop.hold(anna, &purchase("A").line("a", 1_000, 5_000).paid(&[(500, 500)]));
    shop.is_in_order();
}

#[test]
fn a_notice_that_is_sent_in_time_leaves_the_planned_end() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40))), ("gift", 70, NOW, Some(day(40))), ("other", 9, NOW, None)]);
    shop.now = Instant(day(9).0 - 1);
    assert_eq!((shop.notices_due(), shop.gives_notices()), (0, 0), "a day and 30 are left");
    shop.now = day(9);
    assert_eq!((shop.notices_due(), shop.gives_notices(), shop.gives_notices()), (2, 1, 0), "one for both lots, once");
    assert_eq!(shop.told(), [r#"points.annulment {"points":"5.70","expires_at":"2026-02-10T00:00:00Z","days":30}"#]);
    assert_eq!((shop.notices_due(), shop.ends_what_was_told()), (0, 0), "it was not sent yet");
    shop.attempts("delivered");
    assert_eq!((shop.notices_due(), shop.ends_what_was_told(), shop.ends_what_was_told()), (1, 1, 0));
    assert_eq!(shop.told().len(), 1, "it is the end that was told");
    shop.is_in_order();
    shop.now = Instant(day(40).0 - 1);
    assert_eq!((shop.available(anna), shop.expires()), (579, 0));
    shop.now = day(40);
    assert_eq!((shop.available(anna), shop.expires(), shop.available(anna)), (9, 2, 9));
    shop.is_in_order();
}

#[test]
fn a_notice_that_is_sent_late_puts_the_end_off_and_that_is_told() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    shop.attempts("parked");
    assert_eq!(shop.ends_what_was_told(), 0, "one that was given up was not sent");
    shop.now = day(45);
    let (message, webhook) = (shop.last_message(), Id(shop.db.number("SELECT id FROM webhook")));
    let command = shop.command();
    shop.post(&command, &Plan { redeliveries: vec![Redelivery { message_id: message, webhook_id: webhook }], ..Plan::default() });
    shop.attempts("delivered");
    assert_eq!(shop.ends_what_was_told(), 1);
    let moved = r#"points.annulment_moved {"points":"5.00","expires_at":"2026-03-17T00:00:00Z","told_expires_at":"2026-02-10T00:00:00Z"}"#;
    assert_eq!(shop.told()[1..], [moved]);
    shop.now = Instant(day(75).0 - 1);
    assert_eq!((shop.available(anna), shop.expires()), (500, 0));
    shop.now = day(75);
    assert_eq!((shop.expires(), shop.available(anna)), (1, 0));
    shop.is_in_order();
}

#[test]
fn what_is_given_its_end_late_does_not_end_in_the_past() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    shop.attempts("delivered");
    shop.now = day(100);
    assert_eq!((shop.available(anna), shop.ends_what_was_told(), shop.available(anna)), (500, 1, 500));
    assert_eq!(shop.told().len(), 2, "the end that was told is over");
    shop.now = day(101);
    assert_eq!(shop.available(anna), 0);
    let past = format!("UPDATE notice SET expires_at = {}", day(50).0);
    assert!(shop.db.query(&past, vec![]).expect_err("it has an end").contains("E_IMMUTABLE"));
    shop.is_in_order();
}

#[test]
fn a_notice_ends_nothing_sooner_than_its_days_after_it_was_sent() {
    let (mut shop, _) = Shop::with_notices();
    shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    let message = shop.last_message();
    let ends = |end| run(store::date_notices(&shop.db, &[(message, end)], day(20)));
    assert_eq!(ends(day(90)), Ok(0), "it was not sent");
    let unsent = format!("UPDATE notice SET expires_at = {}, dated_at = {}", day(90).0, day(20).0);
    assert!(shop.db.query(&unsent, vec![]).is_err());
    shop.now = day(20);
    shop.receives(message, "opened", day(9));
    for soon in [day(39), day(40), Instant(day(50).0 - 1)] {
        assert!(run(store::date_notices(&shop.db, &[(message, soon)], day(20))).is_err(), "{soon}");
    }
    assert_eq!(run(store::date_notices(&shop.db, &[(message, day(50))], day(20))), Ok(1));
    shop.is_in_order();
}

#[test]
fn only_who_gets_the_person_sends_it_and_a_receipt_says_so_too() {
    let (mut shop, _) = Shop::with_notices();
    let nameless = shop.webhook(&["points.annulment"], false);
    shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    let message = shop.last_message();
    shop.fans_out();
    let claimed = run(store::claim_deliveries(&shop.db, shop.now, 100, day(10))).expect("the store answers");
    assert_eq!(claimed.len(), 2);
    for claimed in claimed {
        shop.settles(&[claimed], if claimed.webhook == nameless { "delivered" } else { "waiting" });
    }
    shop.receives(message, "failed", shop.now);
    assert_eq!(shop.ends_what_was_told(), 0);
    // a provider may name any moment: what was recorded counts
    shop.now = day(12);
    shop.receives(message, "delivered", day(-30));
    shop.receives(message, "opened", day(11));
    assert_eq!(shop.db.number("SELECT sent_at FROM notice"), day(12).0);
    assert_eq!(shop.ends_what_was_told(), 1);
    assert_eq!(shop.db.number("SELECT expires_at FROM lot"), day(42).0);
    for change in
        ["UPDATE notice SET sent_at = 1", "DELETE FROM notice", "UPDATE notice_lot SET lot_id = 1", "DELETE FROM notice_lot"]
    {
        let error = shop.db.query(change, vec![]).expect_err(change);
        assert!(error.contains("E_IMMUTABLE"), "{change}: {error}");
    }
    shop.is_in_order();
}

#[test]
fn nothing_is_told_of_what_is_spent_and_of_the_rest_once_it_is_back() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.hold(anna, &purchase("A").line("a", 1_000, 5_000).paid(&[(500, 500)]));
    shop.now = day(9);
    assert_eq!((shop.notices_due(), shop.gives_notices()), (0, 0));
    shop.now = day(50);
    run(store::release_overdue(&shop.db, shop.now, 10, Id(Ids::new(shop.now, 9).next().0), None)).expect("it is overdue");
    assert_eq!((shop.available(anna), shop.gives_notices()), (500, 1), "the planned end is over, and nobody was told");
    assert!(shop.told()[0].contains("2026-03-22T00:00:00Z"), "{:?}", shop.told());
    shop.is_in_order();
}

#[test]
fn nothing_is_written_while_no_endpoint_would_get_it() {
    let mut shop = Shop::open();
    shop.terms.notice_days = Some(30);
    shop.webhook(&["points.expired"], true);
    shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(60);
    assert_eq!((shop.notices_due(), shop.gives_notices()), (0, 0));
    shop.webhook(&[], true);
    assert_eq!((shop.notices_due(), shop.gives_notices()), (1, 1));
    shop.attempts("delivered");
    assert_eq!(shop.ends_what_was_told(), 1);
    assert_eq!(shop.db.number("SELECT expires_at FROM lot"), day(90).0);
    shop.is_in_order();
}

#[test]
fn a_notice_that_no_endpoint_will_get_any_more_is_written_anew() {
    let (mut shop, first) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    let lost = shop.last_message();
    shop.attempts("parked");
    let command = shop.command();
    shop.post(&command, &Plan { deleted_webhooks: vec![first], ..Plan::default() });
    assert_eq!(shop.notices_due(), 0, "nobody would get it");
    shop.is_in_order();
    shop.now = day(20);
    shop.webhook(&[], true);
    assert_eq!((shop.notices_due(), shop.gives_notices(), shop.gives_notices()), (1, 1, 0));
    // the last one counts, whatever becomes of the other
    shop.receives(lost, "delivered", shop.now);
    assert_eq!((shop.ends_what_was_told(), shop.db.number("SELECT count(*) FROM lot WHERE expires_at IS NULL")), (1, 1));
    shop.is_in_order();
    shop.now = day(22);
    shop.attempts("delivered");
    assert_eq!((shop.ends_what_was_told(), shop.db.number("SELECT expires_at FROM lot")), (1, day(52).0));
    shop.is_in_order();
    shop.now = day(52);
    assert_eq!((shop.available(anna), shop.expires()), (0, 1));
    shop.is_in_order();
}

#[test]
fn a_notice_that_another_endpoint_still_has_is_not_written_anew() {
    let (mut shop, first) = Shop::with_notices();
    let second = shop.webhook(&["points.annulment"], true);
    shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    // before it stands beside any, and after
    run(store::webhooks_gone(&shop.db, &[first], shop.now)).expect("nothing is in its way");
    assert_eq!(shop.notices_due(), 0);
    shop.attempts("parked");
    let third = shop.webhook(&["points.annulment"], true);
    assert_eq!(shop.notices_due(), 0, "it may be sent again");
    run(store::webhooks_gone(&shop.db, &[second], shop.now)).expect("nothing is in its way");
    assert_eq!((shop.notices_due(), shop.gives_notices()), (1, 1));
    // one that was sent is not lost
    shop.attempts("delivered");
    run(store::webhooks_gone(&shop.db, &[third], shop.now)).expect("nothing is in its way");
    assert_eq!((shop.ends_what_was_told(), shop.notices_due()), (1, 0));
    shop.is_in_order();
}

#[test]
fn lots_keep_the_terms_under_which_they_were_granted() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.terms.notice_days = None;
    let boris = shop.enrol(&[("welcome", 70, NOW, Some(day(40)))]);
    shop.terms.notice_days = Some(10);
    let command = shop.command();
    let adjustment =
        Adjustment { points: Points(60), reason: "as agreed".to_owned(), activates_at: None, expires_at: Some(day(40)) };
    let adjusted = ledger::adjust(&shop.snapshot(boris), &adjustment, &shop.terms, command.clone()).expect("it is in order");
    shop.post(&command, &adjusted.plan);
    shop.now = day(41);
    assert_eq!((shop.available(anna), shop.available(boris), shop.expires()), (500, 60, 1));
    assert_eq!(shop.gives_notices(), 2);
    let days = shop.db.texts(
        "SELECT payload ->> 'days' || ' ' || (payload ->> 'points') FROM outbox WHERE kind = 'points.annulment' ORDER BY 1",
    );
    assert_eq!(days, ["10 0.60", "30 5.00"]);
    shop.is_in_order();
}

#[test]
fn the_lot_that_is_to_end_first_is_spent_first_and_pays_what_is_owed() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("late", 100, NOW, Some(day(80))), ("soon", 100, NOW, Some(day(40))), ("ever", 100, NOW, None)]);
    shop.adjust(anna, -150);
    let left = shop.db.texts("SELECT rule_id || ' ' || remaining FROM lot WHERE remaining > 0 ORDER BY rule_id");
    assert_eq!(left, ["ever 100", "late 50"]);
    shop.is_in_order();
}

#[test]
fn activity_puts_the_planned_end_off_and_makes_a_notice_void() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("live", 400, NOW, Some(day(40))), ("told", 300, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    shop.attempts("delivered");
    assert_eq!(shop.ends_what_was_told(), 1);
    let mut longer = purchase("X").line("a", 1_000, 1_000);
    longer.judgement.extensions = vec![Extension { rule_id: "live".to_owned(), expires_at: day(90) }];
    shop.order(anna, &longer, None);
    let ends = "SELECT rule_id || ' ' || coalesce(expires_at, 'open') || ' ' || planned_expires_at || ' ' || awaits_notice
                  FROM lot ORDER BY 1";
    let (first, second) = (day(40).0, day(90).0);
    assert_eq!(shop.db.texts(ends), [format!("live open {second} 1"), format!("told {first} {first} 0")]);
    shop.is_in_order();
    shop.now = day(91);
    assert_eq!((shop.available(anna), shop.gives_notices()), (400, 1), "the new end needs a notice of its own");
    // a notice on its way says nothing of an end that is put off meanwhile
    longer.order.reference = "Y".to_owned();
    longer.judgement.extensions = vec![Extension { rule_id: "live".to_owned(), expires_at: day(200) }];
    shop.order(anna, &longer, None);
    shop.attempts("delivered");
    assert_eq!((shop.ends_what_was_told(), shop.available(anna)), (1, 400));
    shop.is_in_order();
    shop.now = day(201);
    assert_eq!((shop.available(anna), shop.gives_notices()), (400, 1));
    shop.is_in_order();
}

#[test]
fn points_that_go_to_somebody_else_are_told_of_there() {
    let (mut shop, _) = Shop::with_notices();
    let (anna, boris) = (shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]), shop.enrol(&[]));
    shop.now = day(9);
    shop.gives_notices();
    shop.attempts("delivered");
    shop.ends_what_was_told();
    shop.transfer(anna, boris, 200);
    assert_eq!(shop.balance(boris).expiring[0].at, day(40));
    shop.now = day(40);
    assert_eq!((shop.available(anna), shop.available(boris)), (0, 200), "he was not told");
    assert_eq!(shop.gives_notices(), 1);
    // a duplicate's lots go with what was told of them
    let vera = shop.enrol(&[]);
    shop.merge(boris, vera);
    shop.is_in_order();
    shop.attempts("delivered");
    assert_eq!((shop.ends_what_was_told(), shop.available(vera)), (1, 200));
    assert_eq!(shop.db.number(&format!("SELECT expires_at FROM lot WHERE account_id = {}", vera.0)), day(70).0);
    shop.is_in_order();
}

#[test]
fn points_that_come_back_late_need_a_notice_where_their_lots_did() {
    let (mut shop, _) = Shop::with_notices();
    let anna = shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]);
    shop.now = day(9);
    shop.gives_notices();
    shop.attempts("delivered");
    shop.ends_what_was_told();
    let cart = |reference: &str| purchase(reference).line("a", 1_000, 5_000).paid(&[(200, 200)]);
    let held = shop.hold(anna, &cart("A"));
    shop.order(anna, &cart("A"), Some(held));
    shop.hold(anna, &cart("B"));
    shop.now = day(50);
    shop.terms.returned_until = Some(day(60));
    // by hand: a return; by the job: a hold that ran out
    shop.take_back("R", "A", &[("a", 1_000)]);
    run(store::release_overdue(&shop.db, shop.now, 10, Id(Ids::new(shop.now, 9).next().0), Some(day(60))))
        .expect("it is overdue");
    let graces = "SELECT remaining || ' ' || coalesce(expires_at, 'open') || ' ' || planned_expires_at || ' ' || notice_days
                    FROM lot WHERE rule_id = 'returned_grace'";
    assert_eq!(shop.db.texts(graces), vec![format!("200 open {} 30", day(60).0); 2]);
    shop.now = day(61);
    assert_eq!((shop.available(anna), shop.gives_notices()), (400, 1));
    shop.is_in_order();
}

#[test]
fn nobody_who_was_erased_is_told_and_nothing_of_theirs_is_annulled() {
    let (mut shop, _) = Shop::with_notices();
    let (anna, boris) =
        (shop.enrol(&[("welcome", 500, NOW, Some(day(40)))]), shop.enrol(&[("welcome", 300, NOW, Some(day(80)))]));
    shop.now = day(9);
    shop.gives_notices();
    for member in [anna, boris] {
        let plan = ledger::erase(&shop.snapshot(member), Id(3)).expect("the member is there");
        let command = shop.command();
        shop.post(&command, &plan);
    }
    // the message goes out without a person
    shop.attempts("delivered");
    assert_eq!((shop.ends_what_was_told(), shop.told().len()), (0, 1));
    shop.now = day(100);
    assert_eq!((shop.notices_due(), shop.gives_notices(), shop.expires()), (0, 0, 0));
    shop.is_in_order();
}
