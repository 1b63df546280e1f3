//! Members: enrolment, adjustments, transfers, merges.

use domain::judgement::{Enrolment, Grant, Standing as Tiers};
use domain::{Instant, Points};
use ledger::{Adjustment, Applicant, Refusal};

use super::{About, DAY, Deed, Life};
use crate::model::{self, Lot};

impl Life {
    pub(super) fn enrol(&mut self) -> Deed {
        let grants = self.grants(self.shop.now);
        let command = self.command();
        let id = command.ids.clone().next();
        let applicant = Applicant {
            identities: vec![("phone", format!("phone {}", id.0))],
            ..Applicant::new(id, "site", &format!("code {}", id.0))
        };
        let judged = Enrolment { grants: grants.clone(), ..Enrolment::default() };
        let enrolled = ledger::enrol(applicant, &judged, &self.shop.terms, command.clone()).expect("it is in bounds");
        self.shop.post(&command, &enrolled.plan);
        let mut account = model::Account::default();
        account.grant("earn", self.lots_of(&enrolled.plan, &grants), self.shop.now);
        self.members.insert(id, account);
        self.agree(id, &enrolled.balance);
        "enrol"
    }

    pub(super) fn adjust(&mut self) -> Deed {
        let member = self.somebody();
        let now = self.shop.now;
        let [available, pending, ..] = self.settled(member).figures(now);
        let points = match self.random.between(1, 10) {
            1..=5 => self.random.between(1, 300),
            6 => -(available + pending + 1),
            _ => -self.random.between(1, (available + pending).clamp(1, 120)),
        };
        let activates_at = Instant(now.0 + self.random.between(0, 3) * DAY);
        let expires_at = self.random.percent(70).then(|| Instant(activates_at.0 + self.random.between(1, 20 * DAY)));
        let adjustment =
            Adjustment { points: Points(points), reason: "as agreed".to_owned(), activates_at: Some(activates_at), expires_at };
        let done = self.act(&About { member: Some(member), ..About::default() }, |shop, snapshot, command| {
            let adjusted = ledger::adjust(snapshot, &adjustment, &shop.terms, command)?;
            Ok((adjusted.plan, Some(adjusted.balance)))
        });
        // by the clock of another host the account may be further than these points live
        let begins = activates_at.max(self.members[&member].at(now));
        let lifeless = points > 0 && expires_at.is_some_and(|end| end <= begins);
        let Ok((plan, balance)) = done else {
            assert!(lifeless || -points > available + pending, "refused without a reason: {done:?}");
            return if lifeless { "give without a life" } else { "take too much" };
        };
        assert!(!lifeless, "points are over before they begin");
        let mut grace = self.grace(&plan);
        self.account(member).release_overdue(now, None, &mut grace);
        if points > 0 {
            let grant = Grant { rule_id: "adjustment".to_owned(), points: Points(points), activates_at, expires_at };
            let lots = self.lots_of(&plan, &[grant]);
            self.account(member).grant("adjust_in", lots, now);
        } else {
            self.account(member).deduct(-points, now);
        }
        self.agree(member, &balance.expect("a member has a balance"));
        if points > 0 { "give" } else { "take" }
    }

    pub(super) fn transfer(&mut self) -> Deed {
        let member = self.somebody();
        let Some(receiver) = self.somebody_else(member) else { return "nothing" };
        let now = self.shop.now;
        let spendable = self.settled(member).spendable(now);
        let points = if self.random.percent(20) {
            spendable + self.random.between(1, 30)
        } else {
            self.random.between(1, spendable.clamp(1, 90))
        };
        let about = About { member: Some(member), other: Some(self.some_id_of(receiver)), ..About::default() };
        let done = self.act(&about, |shop, snapshot, command| {
            let given = ledger::transfer(snapshot, Points(points), "a gift", &shop.terms, command)?;
            Ok((given.plan, Some(given.balance)))
        });
        let Ok((plan, balance)) = done else {
            assert!(points > spendable, "refused {points} of {spendable}: {done:?}");
            return "transfer too much";
        };
        assert!(points <= spendable, "sent {points} of {spendable}");
        let mut grace = self.grace(&plan);
        let sender = self.account(member);
        sender.release_overdue(now, None, &mut grace);
        let sent = sender.send(points, now);
        let arrived = plan.entries.last().expect("it arrived").lots.clone();
        assert_eq!(arrived.len(), sent.len(), "a lot for each of the sender's");
        let lots = arrived.iter().zip(sent).map(|(made, (activates_at, ends_at, notice_days, points))| {
            Lot::new(made.id, points, activates_at, ends_at, notice_days)
        });
        let lots = lots.collect();
        self.account(receiver).grant("transfer_in", lots, now);
        self.agree(member, &balance.expect("a member has a balance"));
        self.compare(receiver);
        "transfer"
    }

    pub(super) fn merge(&mut self) -> Deed {
        let member = self.somebody();
        let Some(duplicate) = self.somebody_else(member) else { return "nothing" };
        let now = self.shop.now;
        // by any of their ids
        let (known_as, other) = (self.some_id_of(member), self.some_id_of(duplicate));
        let about = About { member: Some(known_as), other: Some(other), ..About::default() };
        let done = self.act(&about, |shop, snapshot, command| {
            let merged = ledger::merge(snapshot, |_| Tiers::default(), &shop.terms, command)?;
            Ok((merged.plan, Some(merged.balance)))
        });
        let (_, balance) = done.expect("two members can be merged");
        let gone = self.members.remove(&duplicate).expect("the duplicate has enrolled");
        let gone = self.account(member).take_over(gone, now);
        self.merged.values_mut().filter(|into| **into == duplicate).for_each(|into| *into = member);
        self.merged.insert(duplicate, member);
        self.compare_entries(duplicate, gone.journal);
        self.agree(member, &balance.expect("a member has a balance"));
        let again = self.act(&about, |shop, snapshot, command| {
            let merged = ledger::merge(snapshot, |_| Tiers::default(), &shop.terms, command)?;
            Ok((merged.plan, Some(merged.balance)))
        });
        assert!(matches!(again, Err(Refusal::SameMember)), "both are one");
        "merge"
    }
}
