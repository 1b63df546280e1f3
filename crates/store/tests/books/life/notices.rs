//! Points that are annulled only after a notice: told of, recorded as sent, given an end.

use std::collections::{BTreeMap, BTreeSet};

use domain::plan::{NewReceipt, Plan};
use domain::{Id, Instant};

use super::{DAY, Deed, Life};
use crate::database::run;

impl Life {
    /// The program asks for another notice from now on; lots that are there keep theirs.
    pub(super) fn change_program(&mut self) {
        self.shop.terms.notice_days = self.random.percent(60).then(|| self.random.between(1, 12));
    }

    /// The job, until no notice is due: one a member and end, each lot once.
    pub(super) fn give_notices(&mut self) -> Deed {
        let now = self.shop.now;
        let bound = self.random.between(1, 5);
        while run(store::due(&self.shop.db, now, 1)).expect("the store answers").notices(false) > 0 {
            let days = run(store::notices_due(&self.shop.db, now, bound, false)).expect("the store answers");
            // what was sent and has no end yet counts as due, too
            if days.is_empty() {
                break;
            }
            let ends = days.into_iter().map(|days| (days, Instant(now.0 + days * DAY))).collect();
            assert!(run(store::give_notices(&self.shop.db, now, bound, &ends, false)).expect("nothing is in its way") > 0);
        }
        let mut told: BTreeMap<(Id, Instant, i64), BTreeSet<Id>> = BTreeMap::new();
        for (member, account) in &mut self.members {
            for lot in account.lots.iter_mut().filter(|lot| lot.is_to_be_told_of(now)) {
                let (planned, days) = lot.planned.expect("it needs a notice");
                lot.told = Some(planned.max(Instant(now.0 + days * DAY)));
                told.entry((*member, planned, days)).or_default().insert(lot.id);
            }
        }
        let given: BTreeSet<BTreeSet<Id>> = self.unread_notices().into_iter().map(|(_, lots)| lots).collect();
        assert_eq!(given, told.into_values().collect(), "a notice for each member and end");
        if given.is_empty() { "nothing to give notice of" } else { "give notice" }
    }

    /// A provider says that some of them arrived.
    pub(super) fn notices_arrive(&mut self) -> Deed {
        let mut deed = "nothing was sent";
        for message in self.notices("sent_at IS NULL") {
            let status = *self.random.one_of(&["delivered", "opened", "failed", "lost"]).expect("there are four");
            if status == "lost" {
                continue;
            }
            let at = Instant(self.shop.now.0 - self.random.between(0, 30) * DAY);
            let command = self.command();
            let receipt = NewReceipt { message_id: message, channel: "sms".to_owned(), status, at, reason: None };
            self.shop.post(&command, &Plan { receipts: vec![receipt], ..Plan::default() });
            if status != "failed" {
                deed = "notice arrives";
            }
        }
        deed
    }

    /// The job gives what was told of its end, in whichever sequence, some of it twice.
    pub(super) fn end_what_was_told(&mut self) -> Deed {
        let now = self.shop.now;
        let bound = self.random.between(1, 5);
        let mut deed = "nothing to end";
        loop {
            let sent = run(store::notices_sent(&self.shop.db, bound)).expect("the store answers");
            if sent.is_empty() {
                return deed;
            }
            let end = |notice: &store::SentNotice| {
                notice.told.0.max(notice.sent_at.0 + notice.days * DAY).max(now.0 + 1).max(notice.sent_at.0 + 1)
            };
            let ends: Vec<(Id, Instant)> = sent.iter().map(|notice| (notice.message, Instant(end(notice)))).collect();
            assert_eq!(run(store::date_notices(&self.shop.db, &ends, now)), Ok(ends.len()));
            assert_eq!(run(store::date_notices(&self.shop.db, &ends, now)), Ok(0), "they have their ends");
            for (notice, (_, end)) in sent.iter().zip(&ends) {
                let lots = self.lots_of_notice(notice.message);
                let all = self.members.values_mut().flat_map(|account| &mut account.lots);
                for lot in all.filter(|lot| lots.contains(&lot.id)) {
                    assert_eq!(lot.told, Some(notice.told), "what it was told");
                    assert_eq!(lot.expires_at.replace(*end), None, "it had none");
                }
            }
            deed = "end what was told";
        }
    }

    fn notices(&self, which: &str) -> Vec<Id> {
        let ids = self.shop.db.texts(&format!("SELECT CAST(outbox_id AS TEXT) FROM notice WHERE {which} ORDER BY outbox_id"));
        ids.iter().map(|id| Id(id.parse().expect("an id"))).collect()
    }

    fn lots_of_notice(&self, message: Id) -> BTreeSet<Id> {
        let query = format!("SELECT CAST(lot_id AS TEXT) FROM notice_lot WHERE outbox_id = {}", message.0);
        self.shop.db.texts(&query).iter().map(|id| Id(id.parse().expect("an id"))).collect()
    }

    /// Notices since the last look, each with its lots.
    fn unread_notices(&mut self) -> Vec<(Id, BTreeSet<Id>)> {
        let fresh = self.notices(&format!("outbox_id > {}", self.last_notice.0));
        self.last_notice = fresh.last().copied().unwrap_or(self.last_notice);
        fresh.into_iter().map(|message| (message, self.lots_of_notice(message))).collect()
    }
}
