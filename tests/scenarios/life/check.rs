//! The model and the shop are compared: balances after each command, each entry once when it is new and once more with all
//! others, all lots with all their buckets.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use serde_json::{Value, json};
use tests::Answer;

use super::model::{Posted, Standing};
use super::program::{Grant, decimal};
use super::{Life, Refusal, id_of};

/// What was read of an account's entries.
#[derive(Default)]
pub struct Read {
    /// All that were compared, oldest first.
    entries: Vec<Value>,
    balance: i64,
}

/// The kinds of entries: the model's, the API's, and what becomes of what remains.
const KINDS: [(&str, &str, i64); 14] = [
    ("earn", "earn", 1),
    ("hold", "hold", -1),
    ("capture", "capture", 0),
    ("release", "release", 1),
    ("redemption_rollback", "redemption_rollback", 1),
    ("expire", "expire", -1),
    ("clawback", "clawback", -1),
    ("settle", "clawback", -1),
    ("adjust_in", "adjust", 1),
    ("adjust_out", "adjust", -1),
    ("transfer_out", "transfer", -1),
    ("transfer_in", "transfer", 1),
    ("merge_out", "transfer", -1),
    ("merge_in", "transfer", 1),
];

impl Life {
    /// Entries that came since somebody looked, oldest first.
    pub(super) async fn new_entries(&self, account: Id) -> Vec<Value> {
        let known = self.read.get(&account).map_or(0, |read| read.entries.len());
        let mut entries: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        // a command rarely leaves more than one page
        loop {
            let page =
                self.shop.get(&format!("/v1/members/{}/entries?limit=6{cursor}", account.external("mem"))).await.expect(200);
            let items = page["items"].as_array().expect("a list");
            entries.extend(items.iter().filter(|entry| entry["seq"].as_u64() > Some(known as u64)).cloned());
            let all_new = items.last().is_some_and(|entry| entry["seq"].as_u64() > Some(known as u64));
            match page["next_cursor"].as_str() {
                Some(next) if all_new => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        entries.reverse();
        entries
    }

    /// New entries are those that the model has posted, in its sequence, with what they move in which lot.
    #[track_caller]
    pub(super) fn compare_entries(&mut self, account: Id, entries: Vec<Value>, posted: Vec<Posted>) {
        let scale = self.program.scale;
        let read = self.read.entry(account).or_default();
        let told: Vec<Value> = entries.iter().map(as_compared).collect();
        let mut expected = Vec::new();
        for posted in posted {
            let (_, kind, sign) = KINDS.iter().find(|(model, ..)| *model == posted.kind).expect("a known kind");
            let points = sign * (posted.amount - posted.deficit_change.abs());
            read.balance += points;
            let lots: BTreeMap<String, String> =
                posted.lots.iter().map(|(lot, points)| (lot.external("lot"), decimal(*points, scale))).collect();
            let seq = read.entries.len() + expected.len() + 1;
            let deficit = (posted.deficit_change != 0).then(|| decimal(posted.deficit_change, scale));
            expected.push(json!({
                "seq": seq, "kind": kind, "amount": decimal(posted.amount, scale), "points": decimal(points, scale),
                "balance_after": decimal(read.balance, scale), "deficit_change": deficit, "lots": lots,
            }));
        }
        assert_eq!(told, expected, "entries of {}", account.external("mem"));
        read.entries.extend(entries);
    }

    /// After a command that succeeded: what it posted, the balance of its answer and a balance that is asked for.
    pub(super) async fn agree(&mut self, member: Id, entries: Vec<Value>, answered: Option<&Value>) {
        let posted = std::mem::take(&mut self.account(member).journal);
        self.compare_entries(member, entries, posted);
        let expected = self.balance(member);
        if let Some(answered) = answered {
            assert_eq!(*answered, expected, "as answered");
        }
        assert_eq!(self.asked_balance(member).await, expected, "as asked for");
    }

    /// After a command that changed nothing.
    pub(super) async fn agree_that_nothing_changed(&mut self, member: Id) {
        assert_eq!(self.asked_balance(member).await, self.balance(member), "nothing has changed");
        assert_eq!(self.new_entries(member).await, Vec::<Value>::new());
    }

    /// A refusal that was foreseen.
    pub(super) async fn agree_on_refusal(&mut self, member: Id, answer: Answer, (status, code): Refusal) {
        answer.refused(status, code);
        self.agree_that_nothing_changed(member).await;
    }

    async fn asked_balance(&mut self, member: Id) -> Value {
        let id = self.some_id_of(member);
        self.shop.get(&format!("/v1/members/{}/balance", id.external("mem"))).await.expect(200)
    }

    /// A member's balance as the model sees it.
    fn balance(&self, member: Id) -> Value {
        let account = self.settled(member);
        let at = account.at(self.now);
        let points = |points: i64| decimal(points, self.program.scale);
        let [available, pending, held, deficit, earned, redeemed, expired] = account.figures(self.now);
        let (mut expiring, mut activating): (BTreeMap<Instant, i64>, BTreeMap<Instant, i64>) = Default::default();
        for lot in account.lots.iter().filter(|lot| lot.points > 0 && lot.expires_at.is_none_or(|end| end > at)) {
            match lot.expires_at {
                _ if lot.activates_at > at => *activating.entry(lot.activates_at).or_default() += lot.points,
                Some(end) => *expiring.entry(end).or_default() += lot.points,
                None => {}
            }
        }
        let dated = |sums: BTreeMap<Instant, i64>, name: &str| -> Vec<Value> {
            sums.into_iter().map(|(at, sum)| json!({"points": points(sum), name: at.to_string()})).collect()
        };
        let (tier, next_tier) = self.program.tiers(account.qualifying);
        json!({
            "available": points(available), "pending": points(pending), "held": points(held), "deficit": points(deficit),
            "lifetime_earned": points(earned), "lifetime_redeemed": points(redeemed), "lifetime_expired": points(expired),
            "expiring": dated(expiring, "expires_at"), "activating": dated(activating, "activates_at"),
            "tier": tier, "next_tier": next_tier, "as_of": at.to_string(),
        })
    }

    /// Lots of an answer are those that the program gives. Returns their ids.
    #[track_caller]
    pub(super) fn compare_new_lots(&self, lots: &Value, grants: &[Grant]) -> Vec<Id> {
        let lots = lots.as_array().expect("a list of lots");
        let told: Vec<Value> =
            lots.iter().map(|lot| json!([lot["rule_id"], lot["points"], lot["activates_at"], lot["expires_at"]])).collect();
        assert_eq!(told, self.as_told(grants), "lots");
        lots.iter().map(|lot| id_of(&lot["id"], "lot")).collect()
    }

    /// Grants as answers tell them: (rule, points, activates at, expires at).
    pub(super) fn as_told(&self, grants: &[Grant]) -> Vec<Value> {
        let told = |grant: &Grant| {
            let expires_at = grant.expires_at.map(|end| end.to_string());
            json!([grant.rule, decimal(grant.points, self.program.scale), grant.activates_at.to_string(), expires_at])
        };
        grants.iter().map(told).collect()
    }

    /// Everything that the shop shows and keeps.
    pub(super) async fn look_at_everything(&mut self) {
        let members: Vec<Id> = self.members.keys().copied().collect();
        for member in members {
            assert_eq!(self.asked_balance(member).await, self.balance(member));
        }
        for (account, read) in &self.read {
            let mut entries = Vec::new();
            let mut cursor = String::new();
            loop {
                let path = format!("/v1/members/{}/entries?limit=37{cursor}", account.external("mem"));
                let page = self.shop.get(&path).await.expect(200);
                entries.extend(page["items"].as_array().expect("a list").iter().cloned());
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            entries.reverse();
            assert_eq!(entries, read.entries, "all entries of {}", account.external("mem"));
        }
        self.compare_lots();
        self.compare_redemptions().await;
        let audit = self.shop.get("/v1/audit").await.expect(200);
        assert_eq!(audit["ok"], true, "{audit}");
        let counts = &audit["checked"];
        assert_eq!(counts["accounts"], self.read.len());
        assert_eq!(counts["entries"], self.read.values().map(|read| read.entries.len()).sum::<usize>());
        assert_eq!(counts["lots"], self.members.values().map(|account| account.lots.len()).sum::<usize>());
        assert_eq!(counts["redemptions"], self.redemptions.len());
        assert_eq!(counts["orders"], self.deliveries.len());
        assert_eq!(self.shop.get("/v1/rebuild").await.expect(200)["differences"], json!([]));
    }

    /// Where some of the redemptions stand.
    async fn compare_redemptions(&mut self) {
        for _ in 0..5 {
            let member = self.somebody_who_can_pay();
            let Some(id) = self.redemption_of(member) else { continue };
            let shown = self.shop.get(&format!("/v1/redemptions/{}", id.external("red"))).await.expect(200);
            let hold = &self.members[&member].holds[&id];
            let status = match hold.standing {
                Standing::Held | Standing::Awaiting(_) if hold.deadline <= self.now => "expired",
                Standing::Held => "held",
                Standing::Awaiting(_) => "awaiting_confirmation",
                Standing::Captured { .. } => "captured",
                Standing::Ended if self.redemptions[&id].released => "released",
                Standing::Ended => "expired",
            };
            let points = decimal(self.redemptions[&id].points, self.program.scale);
            let told = json!([shown["status"], shown["member_id"], shown["points"], shown["hold_expires_at"]]);
            assert_eq!(told, json!([status, member.external("mem"), points, hold.deadline.to_string()]), "{shown}");
        }
    }

    /// All buckets of all lots, also of those that are empty; the calls show them only as the entries that moved them.
    fn compare_lots(&self) {
        let query = "SELECT json_group_array(json_array(account_id, id, issued, remaining, held, spent, expired, activates_at, \
                     expires_at)) FROM (SELECT * FROM lot ORDER BY account_id, id)";
        let kept: Value = serde_json::from_str(&self.shop.text_in("default", query)).expect("a list");
        let mut expected: Vec<(Id, Id, Value)> = Vec::new();
        for (member, account) in &self.members {
            expected.extend(account.lots.iter().map(|lot| {
                let row = json!([
                    member,
                    lot.id,
                    lot.issued,
                    lot.points,
                    lot.held,
                    lot.spent,
                    lot.expired,
                    lot.activates_at,
                    lot.expires_at
                ]);
                (*member, lot.id, row)
            }));
            let read = self.read.get(member).map_or(0, |read| read.balance);
            assert_eq!(account.lots.iter().map(|lot| lot.points).sum::<i64>(), read, "the sum of the entries");
            assert_eq!(account.lots.iter().map(|lot| lot.held).sum::<i64>(), account.held);
            assert!(account.holds.values().all(|hold| hold.standing != Standing::Ended || hold.points.is_empty()));
        }
        expected.sort_by_key(|(member, lot, _)| (*member, *lot));
        assert_eq!(kept, json!(expected.into_iter().map(|(_, _, row)| row).collect::<Vec<Value>>()), "lots");
    }
}

/// What the model says of an entry, too.
fn as_compared(entry: &Value) -> Value {
    let lots = entry["lots"].as_array().expect("a list");
    let lots: BTreeMap<&str, &Value> = lots.iter().map(|lot| (lot["id"].as_str().expect("an id"), &lot["points"])).collect();
    json!({
        "seq": entry["seq"], "kind": entry["kind"], "amount": entry["amount"], "points": entry["points"],
        "balance_after": entry["balance_after"], "deficit_change": entry["deficit_change"], "lots": lots,
    })
}
