//! Members: enrolment, adjustments, transfers, merges.

use domain::{Id, Instant};
use serde_json::json;

use super::model::{Account, Lot};
use super::program::{Grant, decimal};
use super::{DAY, Deed, Life, id_of};

impl Life {
    pub(super) async fn enrol(&mut self) -> Deed {
        let phones: Vec<String> = self.phones.values().cloned().collect();
        if self.random.percent(15)
            && let Some(phone) = self.random.one_of(&phones).cloned()
        {
            return self.enrol_again(&phone).await;
        }
        let phone = format!("+7900{:07}", self.phones.len());
        let enrolled = self.say("/v1/members", &json!({"phone": phone, "channel": "site"})).await.expect(201);
        let id = id_of(&enrolled["id"], "mem");
        assert_eq!((&enrolled["phone"], &enrolled["tier"]["id"]), (&json!(phone), &json!("base")));
        let welcome = self.program.welcome(self.now);
        let entries = self.new_entries(id).await;
        let lots = self.compare_new_lots(&entries[0]["lots"], std::slice::from_ref(&welcome));
        let mut account = Account::default();
        account.grant("earn", lots_of(&lots, &[welcome]), self.now);
        self.members.insert(id, account);
        self.phones.insert(id, phone);
        self.agree(id, entries, None).await;
        "enrol"
    }

    async fn enrol_again(&mut self, phone: &str) -> Deed {
        let owner = *self.phones.iter().find(|(_, known)| *known == phone).expect("it is somebody's").0;
        let member = self.merged.get(&owner).copied().unwrap_or(owner);
        let refused = self.say("/v1/members", &json!({"phone": phone, "channel": "site"})).await;
        assert_eq!(refused.json["member_id"], member.external("mem"));
        self.agree_on_refusal(member, refused, (409, "identity_taken")).await;
        "enrol again"
    }

    pub(super) async fn adjust(&mut self) -> Deed {
        let member = self.somebody();
        let scale = self.program.scale;
        let [available, pending, ..] = self.settled(member).figures(self.now);
        let points = match self.random.between(1, 10) {
            1..=5 => self.random.between(1, 400),
            6 => -(available + pending + self.random.between(1, 50)),
            _ => -self.random.between(1, (available + pending).clamp(1, 300)),
        };
        let mut body = json!({"points": decimal(points, scale), "reason": "as agreed"});
        let starts = self.random.percent(40).then(|| Instant(self.now.0 + self.random.between(-DAY, 3 * DAY)));
        let ends = self.random.percent(80).then(|| {
            let from = starts.unwrap_or(self.now).max(self.now);
            Instant(from.0 + self.random.between(-DAY / 8, 5 * DAY))
        });
        if points > 0 {
            body["activates_at"] = json!(starts.map(|at| at.to_string()));
            body["expires_at"] = json!(ends.map(|at| at.to_string()));
        }
        let id = self.some_id_of(member).external("mem");
        let answer = self.say(&format!("/v1/members/{id}/adjustments"), &body).await;
        if points > 0 && ends.is_some_and(|end| end <= starts.unwrap_or(self.now).max(self.now)) {
            self.agree_on_refusal(member, answer, (422, "invalid_request")).await;
            return "give what is over";
        }
        if -points > available + pending {
            assert_eq!(answer.json["available"], decimal(available + pending, scale));
            self.agree_on_refusal(member, answer, (409, "insufficient_points")).await;
            return "take too much";
        }
        let answer = answer.expect(201);
        assert_eq!(answer["points"], decimal(points, scale));
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        self.account(member).release_overdue(now, None, &mut grace);
        if points > 0 {
            let activates_at = starts.unwrap_or(now);
            let grant = Grant { rule: "adjustment", points, activates_at, expires_at: ends };
            let lots = self.compare_new_lots(&answer["lots"], std::slice::from_ref(&grant));
            self.account(member).grant("adjust_in", lots_of(&lots, &[grant]), now);
            self.await_activation(member, &lots);
        } else {
            self.account(member).deduct(-points, now);
        }
        self.agree(member, entries, Some(&answer["balance"])).await;
        if points > 0 { "give" } else { "take" }
    }

    /// Delayed ones of these lots are to be announced once.
    pub(super) fn await_activation(&mut self, member: Id, lots: &[Id]) {
        let account = &self.members[&member];
        let delayed = account.lots.iter().filter(|lot| lots.contains(&lot.id) && lot.activates_at > self.now);
        self.waiting.extend(delayed.map(|lot| (lot.id, lot.activates_at)));
    }

    pub(super) async fn transfer(&mut self) -> Deed {
        let member = self.somebody();
        let Some(receiver) = self.somebody_else(member) else { return "nothing" };
        let spendable = self.spendable(member);
        let points = if self.random.percent(20) {
            spendable + self.random.between(1, 30)
        } else {
            self.random.between(1, spendable.clamp(1, 300))
        };
        let scale = self.program.scale;
        let path = format!("/v1/members/{}/transfers", self.some_id_of(member).external("mem"));
        let named = if self.random.percent(5) { member } else { receiver };
        let to = self.reference_to(named);
        let answer = self.say(&path, &json!({"to": to, "points": decimal(points, scale), "reason": "a gift"})).await;
        if named == member {
            self.agree_on_refusal(member, answer, (409, "same_member")).await;
            return "transfer to oneself";
        }
        if points > spendable {
            assert_eq!(answer.json["available"], decimal(spendable, scale));
            self.agree_on_refusal(member, answer, (409, "insufficient_points")).await;
            return "transfer too much";
        }
        let answer = answer.expect(201);
        let (entries, received) = (self.new_entries(member).await, self.new_entries(receiver).await);
        let (mut grace, now) = (self.grace(&entries), self.now);
        let sender = self.account(member);
        sender.release_overdue(now, None, &mut grace);
        let sent = sender.send(points, now);
        let grant = |(activates_at, expires_at, _, points): &(Instant, Option<Instant>, Option<i64>, i64)| Grant {
            rule: "transfer",
            points: *points,
            activates_at: *activates_at,
            expires_at: *expires_at,
        };
        let grants: Vec<Grant> = sent.iter().map(grant).collect();
        let lots = self.compare_new_lots(&answer["lots"], &grants);
        self.account(receiver).grant("transfer_in", lots_of(&lots, &grants), now);
        self.agree(member, entries, Some(&answer["balance"])).await;
        self.agree(receiver, received, None).await;
        "transfer"
    }

    pub(super) async fn merge(&mut self) -> Deed {
        let member = self.somebody();
        let Some(duplicate) = self.somebody_else(member) else { return "nothing" };
        // by any of their ids
        let path = format!("/v1/members/{}/merges", self.some_id_of(member).external("mem"));
        let from = json!({"from": self.reference_to(duplicate)});
        let merged = self.say(&path, &from).await.expect(201);
        assert_eq!((&merged["id"], &merged["from"]), (&json!(member.external("mem")), &json!(duplicate.external("mem"))));
        let (entries, left) = (self.new_entries(member).await, self.new_entries(duplicate).await);
        let gone = self.members.remove(&duplicate).expect("the duplicate has enrolled");
        let now = self.now;
        let account = self.account(member);
        let gone = account.take_over(gone, now);
        let (orders, spent) = (account.orders, account.qualifying);
        assert_eq!((&merged["orders"], &merged["qualifying_spend"]), (&json!(orders), &json!(decimal(spent, 2))));
        self.merged.values_mut().filter(|into| **into == duplicate).for_each(|into| *into = member);
        self.merged.insert(duplicate, member);
        self.compare_entries(duplicate, left, gone.journal);
        self.agree(member, entries, Some(&merged["balance"])).await;
        let again = self.say(&path, &from).await;
        self.agree_on_refusal(member, again, (409, "same_member")).await;
        "merge"
    }
}

/// The lots that these grants became.
pub(super) fn lots_of(ids: &[Id], grants: &[Grant]) -> Vec<Lot> {
    let lot = |(id, grant): (&Id, &Grant)| Lot::new(*id, grant.points, grant.activates_at, grant.expires_at, None);
    ids.iter().zip(grants).map(lot).collect()
}
