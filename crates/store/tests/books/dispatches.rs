//! What members are written, as statements: which messages become dispatches, who decides of them, and what wakes them.

use domain::plan::{Merge, Message, NewReceipt, Plan};
use domain::{Id, Instant};
use serde_json::{Value, json};
use store::{Decided, DueDispatch};

use crate::database::run;
use crate::shop::{NOW, Shop, day};

impl Shop {
    /// Goes through the whole outbox, with an endpoint that sends to members.
    pub fn takes(&mut self, kinds: &Value) {
        self.webhook(&["message.send"], true);
        run(store::take_dispatches(&self.db, 1_000, kinds, Instant(0), Instant(0))).expect("nothing is in its way");
    }

    pub fn due_dispatches(&self) -> Vec<DueDispatch> {
        run(store::due_dispatches(&self.db, self.now, 100, Instant(self.now.0 - 7 * 86_400_000))).expect("the store answers")
    }

    pub fn decides(&self, due: &DueDispatch, status: &'static str, channel: Option<&'static str>, next_at: Option<Instant>) {
        let reason = (status == "not_sent").then_some("unreachable");
        let decided = Decided { id: due.id, revision: due.revision, status, channel, next_at, reason };
        run(store::decide_dispatches(&self.db, &[decided], self.now)).expect("nothing is in its way");
    }

    fn says(&mut self, letter: Id, status: &'static str) {
        let command = self.command();
        let receipt = NewReceipt { message_id: letter, channel: "email".to_owned(), status, at: self.now, reason: None };
        self.post(&command, &Plan { receipts: vec![receipt], ..Plan::default() });
    }

    fn dispatches(&self) -> Vec<String> {
        self.db.texts("SELECT o.kind || ' ' || n.purpose FROM dispatch n JOIN outbox o ON o.id = n.outbox_id ORDER BY o.id")
    }

    fn last_letter(&self) -> Id {
        Id(self.db.number("SELECT max(id) FROM letter"))
    }
}

fn with_anna() -> (Shop, Id) {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    (shop, anna)
}

#[test]
fn members_are_written_of_the_kinds_that_the_program_names_once_each() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.tells(Some(anna), "b");
    shop.tells(None, "a"); // nobody's
    let kinds = json!({"a": {"purpose": "service"}});
    shop.takes(&kinds);
    shop.takes(&kinds);
    assert_eq!(shop.dispatches(), ["a service"]);
}

#[test]
fn one_trigger_may_be_meant_otherwise_than_the_others() {
    let (mut shop, anna) = with_anna();
    for trigger in ["sleeping", "refill"] {
        let command = shop.command();
        let outbox = vec![Message { member_id: Some(anna), kind: "trigger", payload: json!({"trigger": trigger}) }];
        shop.post(&command, &Plan { outbox, ..Plan::default() });
    }
    shop.takes(&json!({"trigger": {"of": {"refill": "service"}}}));
    assert_eq!(shop.dispatches(), ["trigger service"], "nothing is said of the other one");
    let (mut shop, anna) = with_anna();
    let command = shop.command();
    let outbox = vec![Message { member_id: Some(anna), kind: "trigger", payload: json!({"trigger": "refill"}) }];
    shop.post(&command, &Plan { outbox, ..Plan::default() });
    shop.takes(&json!({"trigger": {"purpose": "marketing", "of": {"refill": "service"}}}));
    assert_eq!(shop.dispatches(), ["trigger service"]);
}

#[test]
fn without_an_endpoint_that_sends_to_members_nobody_is_written_later_neither() {
    let (mut shop, anna) = with_anna();
    shop.webhook(&["message.send"], false);
    shop.webhook(&["a"], true);
    shop.tells(Some(anna), "a");
    let kinds = json!({"a": {"purpose": "service"}});
    run(store::take_dispatches(&shop.db, 100, &kinds, Instant(0), Instant(0))).expect("nothing is in its way");
    shop.takes(&kinds);
    assert_eq!(shop.dispatches(), [""; 0]);
}

#[test]
fn what_happened_before_the_program_or_too_long_ago_is_not_written_of() {
    let (mut shop, anna) = with_anna();
    shop.webhook(&["message.send"], true);
    shop.tells(Some(anna), "a");
    let kinds = json!({"a": {"purpose": "service"}});
    run(store::take_dispatches(&shop.db, 100, &kinds, Instant(0), Instant(shop.now.0 + 1))).expect("nothing is in its way");
    assert_eq!(shop.dispatches(), [""; 0], "the program was published later");
    shop.tells(Some(anna), "a");
    run(store::take_dispatches(&shop.db, 100, &kinds, shop.now, Instant(0))).expect("nothing is in its way");
    assert_eq!(shop.dispatches(), [""; 0], "it is too late for it");
}

#[test]
fn of_two_runs_at_once_one_decides() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.takes(&json!({"a": {"purpose": "service"}}));
    let due = shop.due_dispatches().remove(0);
    shop.decides(&due, "sent", Some("email"), Some(day(1)));
    shop.decides(&due, "sent", Some("sms"), Some(day(1)));
    assert_eq!(shop.db.texts("SELECT payload ->> 'channel' FROM outbox WHERE kind = 'message.send'"), ["email"]);
    assert_eq!(shop.db.texts("SELECT status || ' ' || channel FROM dispatch"), ["sent email"]);
    assert!(shop.due_dispatches().is_empty(), "it waits for its time");
    assert_eq!(shop.audit(), []);
}

#[test]
fn what_the_provider_says_of_a_letter_is_looked_at_at_once() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.takes(&json!({"a": {"purpose": "service"}}));
    let due = shop.due_dispatches().remove(0);
    shop.decides(&due, "sent", Some("email"), Some(day(1)));
    shop.says(shop.last_letter(), "failed");
    let due = shop.due_dispatches().remove(0);
    assert_eq!(due.receipts, [("email".to_owned(), "failed".to_owned())]);
    assert_eq!((due.channel.as_deref(), due.tried_at), (Some("email"), Some(NOW)));
    shop.decides(&due, "failed", None, None);
    assert!(shop.due_dispatches().is_empty());
    shop.says(shop.last_letter(), "opened");
    assert_eq!(shop.due_dispatches().len(), 1, "it came through after all");
}

#[test]
fn the_same_words_within_a_day_are_told_from_others() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.takes(&json!({"a": {"purpose": "service"}, "b": {"purpose": "service"}}));
    let due = shop.due_dispatches().remove(0);
    assert!(!due.repeated);
    shop.decides(&due, "sent", Some("email"), None);
    shop.tells(Some(anna), "a");
    shop.tells(Some(anna), "b");
    shop.takes(&json!({"a": {"purpose": "service"}, "b": {"purpose": "service"}}));
    let repeated: Vec<bool> = shop.due_dispatches().iter().map(|due| due.repeated).collect();
    assert_eq!(repeated, [true, false]);
}

#[test]
fn marketing_that_a_member_got_lately_is_counted() {
    let (mut shop, anna) = with_anna();
    for kind in ["a", "b", "c"] {
        shop.tells(Some(anna), kind);
    }
    shop.takes(&json!({"a": {"purpose": "marketing"}, "b": {"purpose": "service"}, "c": {"purpose": "marketing"}}));
    for due in shop.due_dispatches().iter().take(2) {
        shop.decides(due, "sent", Some("email"), None);
    }
    assert_eq!(shop.due_dispatches()[0].lately, 1);
    shop.now = day(8);
    assert_eq!(shop.due_dispatches()[0].lately, 0);
}

#[test]
fn whoever_took_a_member_over_is_written_in_their_place() {
    let (mut shop, anna) = with_anna();
    let double = shop.enrol(&[]);
    shop.tells(Some(double), "a");
    shop.takes(&json!({"a": {"purpose": "service"}}));
    let own = shop.snapshot(anna).member.expect("she is there").profile;
    let command = shop.command();
    shop.post(&command, &Plan { merges: vec![Merge { into: anna, from: double }], ..Plan::default() });
    assert_eq!(shop.due_dispatches()[0].person.as_ref().map(|person| person.profile), Some(own));
}

#[test]
fn a_channel_that_was_tried_is_not_tried_again_and_keeps_the_rest_of_a_batch_from_nothing() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.tells(Some(anna), "b");
    shop.takes(&json!({"a": {"purpose": "service"}, "b": {"purpose": "service"}}));
    let due = shop.due_dispatches();
    shop.decides(&due[0], "sent", Some("email"), None);
    let decided = |due: &DueDispatch, revision| Decided {
        id: due.id,
        revision,
        status: "sent",
        channel: Some("email"),
        next_at: None,
        reason: None,
    };
    let both = [decided(&due[0], due[0].revision + 1), decided(&due[1], due[1].revision)];
    run(store::decide_dispatches(&shop.db, &both, shop.now)).expect("nothing is in its way");
    assert_eq!(shop.db.texts("SELECT channel FROM letter ORDER BY id"), ["email", "email"], "one each");
    assert_eq!(shop.db.texts("SELECT status FROM dispatch ORDER BY outbox_id"), ["sent", "sent"]);
    assert_eq!(shop.audit(), []);
}

#[test]
fn nothing_is_decided_while_no_endpoint_would_get_a_letter() {
    let (mut shop, anna) = with_anna();
    shop.tells(Some(anna), "a");
    shop.takes(&json!({"a": {"purpose": "service"}}));
    shop.db.by_hand("UPDATE webhook SET disabled_at = 1, disabled_reason = 'deleted'");
    assert_eq!(shop.due_dispatches(), []);
    assert_eq!(run(store::due(&shop.db, shop.now, 100)).expect("the store answers").notify, 0);
}
