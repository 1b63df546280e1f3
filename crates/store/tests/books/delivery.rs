//! Delivery of the outbox, as statements: whom a message stands beside, whose turn it is, and what becomes of attempts.

use domain::plan::{Message, NewReceipt, NewWebhook, Plan, Redelivery, Rotation};
use domain::{Id, Instant};
use serde_json::json;
use store::{Attempted, Claimed, StoreError};

use crate::database::run;
use crate::shop::{NOW, Shop, day};

impl Shop {
    /// An endpoint that wants these kinds.
    pub fn webhook(&mut self, kinds: &[&str], with_recipient: bool) -> Id {
        let command = self.command();
        let id = command.ids.clone().next();
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let webhook = NewWebhook { id, url: "https://shop.example/hooks".to_owned(), kinds, with_recipient };
        self.post(&command, &Plan { webhooks: vec![webhook], ..Plan::default() });
        id
    }

    /// A message to a member, or to nobody in particular. Returns its id.
    pub fn tells(&mut self, member: Option<Id>, kind: &'static str) -> Id {
        let command = self.command();
        let outbox = vec![Message { member_id: member, kind, payload: json!({}) }];
        self.post(&command, &Plan { outbox, ..Plan::default() });
        Id(self.db.number("SELECT max(id) FROM outbox"))
    }

    pub fn fans_out(&self) {
        run(store::fan_out(&self.db, 100)).expect("nothing is in its way");
    }

    fn claims(&self) -> Vec<Claimed> {
        let mut claimed =
            run(store::claim_deliveries(&self.db, self.now, 100, Instant(self.now.0 + 1_000))).expect("the store answers");
        claimed.sort_by_key(|claimed| (claimed.message, claimed.webhook));
        claimed
    }

    fn claimed(&self) -> Vec<Id> {
        self.claims().iter().map(|claimed| claimed.message).collect()
    }

    /// What attempts came to: those that wait are tried again a second later.
    pub fn settles(&self, claimed: &[Claimed], status: &'static str) {
        let next_at = (status == "waiting").then_some(Instant(self.now.0 + 1_000));
        let attempted = |claimed: &Claimed| Attempted {
            claimed: *claimed,
            status,
            next_at,
            last_status: Some(if status == "delivered" { 200 } else { 500 }),
            last_error: None,
        };
        let attempted: Vec<_> = claimed.iter().map(attempted).collect();
        run(store::finish_deliveries(&self.db, &attempted, self.now)).expect("nothing is in its way");
    }

    fn deliver_due(&self) -> i64 {
        run(store::due(&self.db, self.now, 100)).expect("the store answers").deliver
    }

    fn statuses(&self) -> Vec<String> {
        self.db.texts("SELECT status FROM delivery ORDER BY outbox_id, webhook_id")
    }
}

#[test]
fn messages_stand_beside_the_endpoints_that_want_them_once() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    assert_eq!(shop.deliver_due(), 0, "there is no endpoint");
    let (all, some) = (shop.webhook(&[], false), shop.webhook(&["b"], false));
    assert_eq!(shop.deliver_due(), 0, "what was before an endpoint is not sent to it");
    let (a, b) = (shop.tells(Some(anna), "a"), shop.tells(None, "b"));
    assert_eq!(shop.deliver_due(), 2);
    for _ in 0..2 {
        shop.fans_out();
        let beside = shop.db.texts("SELECT outbox_id || ' ' || webhook_id FROM delivery ORDER BY outbox_id, webhook_id");
        let expected = [(a, all), (b, all), (b, some)].map(|(message, webhook)| format!("{} {}", message.0, webhook.0));
        assert_eq!(beside, expected);
    }
    assert_eq!((shop.deliver_due(), shop.audit()), (3, vec![]));
    // whoever comes later finds what comes later
    let late = shop.webhook(&[], false);
    let c = shop.tells(None, "c");
    shop.fans_out();
    assert_eq!(shop.db.number(&format!("SELECT min(outbox_id) FROM delivery WHERE webhook_id = {}", late.0)), c.0);
}

#[test]
fn messages_that_nobody_wants_cost_nothing_later() {
    let mut shop = Shop::open();
    for _ in 0..5 {
        shop.tells(None, "a");
    }
    shop.webhook(&["b"], false);
    let last = shop.tells(None, "a");
    run(store::fan_out(&shop.db, 1)).expect("nothing is in its way");
    assert_eq!(shop.db.number("SELECT until FROM progress WHERE job = 'deliver'"), last.0, "what is older is passed over");
    assert_eq!((shop.deliver_due(), shop.statuses()), (0, vec![]));
}

#[test]
fn of_a_member_s_messages_only_the_oldest_is_taken_and_of_others_each() {
    let mut shop = Shop::open();
    let (anna, boris) = (shop.enrol(&[]), shop.enrol(&[]));
    shop.webhook(&[], false);
    let told = [Some(anna), Some(anna), Some(boris), None, None, Some(anna)].map(|member| shop.tells(member, "a"));
    shop.fans_out();
    let claimed = shop.claims();
    assert_eq!(claimed.iter().map(|claimed| claimed.message).collect::<Vec<_>>(), [told[0], told[2], told[3], told[4]]);
    assert!(claimed.iter().all(|claimed| (claimed.attempt, claimed.first_at) == (1, NOW)));
    assert_eq!(shop.claimed(), [], "nobody else takes them");
    shop.settles(&claimed[1..], "delivered");
    assert_eq!(shop.claimed(), [], "the second waits for the first");
    shop.settles(&claimed[..1], "waiting");
    assert_eq!((shop.claimed(), shop.audit()), (vec![], vec![]));
    shop.now = Instant(NOW.0 + 1_000);
    let again = shop.claims();
    assert_eq!((again.len(), again[0].message, again[0].attempt, again[0].first_at), (1, told[0], 2, NOW));
    shop.settles(&again, "delivered");
    for message in [told[1], told[5]] {
        let next = shop.claims();
        assert_eq!(next.iter().map(|claimed| claimed.message).collect::<Vec<_>>(), [message]);
        shop.settles(&next, "delivered");
    }
    assert_eq!((shop.claimed(), shop.deliver_due(), shop.audit()), (vec![], 0, vec![]));
    assert!(shop.statuses().iter().all(|status| status == "delivered"));
}

#[test]
fn what_is_heard_late_counts_as_a_success_only() {
    let mut shop = Shop::open();
    shop.webhook(&[], false);
    let (lost, late) = (shop.tells(None, "a"), shop.tells(None, "a"));
    shop.fans_out();
    let first = shop.claims();
    // nothing is heard of them: they are taken once more
    shop.now = Instant(NOW.0 + 1_000);
    let second = shop.claims();
    assert_eq!(second.iter().map(|claimed| (claimed.message, claimed.attempt)).collect::<Vec<_>>(), [(lost, 2), (late, 2)]);
    shop.settles(&first[..1], "parked");
    shop.settles(&first[1..], "delivered");
    assert_eq!(shop.statuses(), ["waiting", "delivered"]);
    shop.settles(&second, "waiting");
    assert_eq!(shop.statuses(), ["waiting", "delivered"], "what was delivered stays so");
}

#[test]
fn what_stood_behind_a_message_that_was_given_up_has_waited_as_long() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    shop.webhook(&[], false);
    shop.tells(Some(anna), "a");
    shop.fans_out();
    let first = shop.claims();
    shop.settles(&first, "waiting");
    shop.now = day(1);
    shop.tells(Some(anna), "b");
    shop.now = day(2);
    shop.tells(Some(anna), "c");
    shop.fans_out();
    shop.now = day(3);
    let first = shop.claims();
    assert_eq!((first.len(), first[0].first_at), (1, NOW));
    shop.settles(&first, "parked");
    let second = shop.claims();
    assert_eq!((second.len(), second[0].first_at), (1, day(1)), "since it was told");
    shop.settles(&second, "delivered");
    let third = shop.claims();
    assert_eq!((third.len(), third[0].first_at), (1, day(3)), "the endpoint answers again");
    assert_eq!(shop.audit(), []);
}

#[test]
fn one_that_is_sent_again_comes_before_the_younger_ones() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let webhook = shop.webhook(&[], false);
    let (a, b) = (shop.tells(Some(anna), "a"), shop.tells(Some(anna), "b"));
    shop.fans_out();
    shop.settles(&shop.claims(), "parked");
    let under_way = shop.claims();
    assert_eq!(under_way[0].message, b);
    let command = shop.command();
    let again = Plan { redeliveries: vec![Redelivery { message_id: a, webhook_id: webhook }], ..Plan::default() };
    shop.post(&command, &again);
    assert_eq!(shop.audit(), []);
    shop.settles(&under_way, "waiting");
    assert_eq!((shop.claimed(), shop.audit()), (vec![a], vec![]), "the younger one waits for it");
    let command = shop.command();
    assert_eq!(shop.apply(&command, &again), Err(StoreError::Stale), "it is not parked any more");
}

#[test]
fn an_endpoint_that_is_gone_or_deleted_gets_nothing_any_more() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let (gone, deleted) = (shop.webhook(&[], false), shop.webhook(&[], false));
    let told = [shop.tells(Some(anna), "a"), shop.tells(Some(anna), "b"), shop.tells(None, "c")];
    shop.fans_out();
    run(store::webhooks_gone(&shop.db, &[gone], NOW)).expect("nothing is in its way");
    let command = shop.command();
    shop.post(&command, &Plan { deleted_webhooks: vec![deleted], ..Plan::default() });
    let command = shop.command();
    let rotation = Plan { rotations: vec![Rotation { webhook_id: gone, from: 1 }], ..Plan::default() };
    assert_eq!(shop.apply(&command, &rotation), Err(StoreError::Stale));
    for (webhook, status) in [(gone, "parked"), (deleted, "skipped")] {
        assert_eq!(run(store::close_deliveries(&shop.db, webhook, NOW, 2)), Ok(2));
        assert_eq!(shop.audit(), [], "in the middle of it, too");
        assert_eq!(run(store::close_deliveries(&shop.db, webhook, NOW, 2)), Ok(1));
        let closed = format!("SELECT count(*) FROM delivery WHERE webhook_id = {} AND status = '{status}'", webhook.0);
        assert_eq!(shop.db.number(&closed), 3);
    }
    let listed = run(store::webhooks(&shop.db, Id(i64::MAX), 10)).expect("the store answers");
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), [gone]);
    shop.tells(None, "d");
    assert_eq!((shop.deliver_due(), shop.audit()), (0, vec![]));
    let again = Plan { redeliveries: vec![Redelivery { message_id: told[0], webhook_id: gone }], ..Plan::default() };
    let command = shop.command();
    assert_eq!(shop.apply(&command, &again), Err(StoreError::Stale));
}

#[test]
fn a_secret_is_changed_under_the_lock_of_its_generation() {
    let mut shop = Shop::open();
    let webhook = shop.webhook(&[], true);
    let rotation = |from| Plan { rotations: vec![Rotation { webhook_id: webhook, from }], ..Plan::default() };
    let command = shop.command();
    shop.post(&command, &rotation(1));
    let command = shop.command();
    assert_eq!(shop.apply(&command, &rotation(1)), Err(StoreError::Stale));
    let row = run(store::webhook(&shop.db, webhook)).expect("the store answers").expect("it is there");
    assert_eq!((row.generation, row.rotated_at, row.with_recipient), (2, Some(NOW), true));
}

#[test]
fn receipts_are_facts_and_lose_their_reason_with_the_person() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    let message = Id(shop.db.number("SELECT max(id) FROM outbox"));
    let receipt = NewReceipt {
        message_id: message,
        channel: "sms".to_owned(),
        status: "failed",
        at: NOW,
        reason: Some("no such number".to_owned()),
    };
    let command = shop.command();
    shop.post(&command, &Plan { receipts: vec![receipt], ..Plan::default() });
    for change in ["UPDATE receipt SET status = 'opened'", "UPDATE receipt SET reason = 'x'", "DELETE FROM receipt"] {
        let error = shop.db.query(change, vec![]).expect_err(change);
        assert!(error.contains("E_IMMUTABLE"), "{change}: {error}");
    }
    let found = run(store::message(&shop.db, message)).expect("the store answers").expect("it is there");
    assert_eq!(found.receipts[0].reason.as_deref(), Some("no such number"));
    let plan = ledger::erase(&shop.snapshot(anna), Id(3)).expect("the member is there");
    let command = shop.command();
    shop.post(&command, &plan);
    let found = run(store::message(&shop.db, message)).expect("the store answers").expect("it is there");
    assert_eq!((found.receipts.len(), &found.receipts[0].reason), (1, &None));
    assert_eq!(shop.audit(), []);
}
