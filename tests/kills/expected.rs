//! What the books must hold, from the answers alone: an account of its own that knows nothing of the ledger.

use std::collections::BTreeMap;

use host::Timestamp;
use serde_json::Value;
use tests::hundredths;

use crate::commands::WELCOME_POINTS;
use crate::exchange::Exchange;
use crate::wishes::Wish;

/// Everything that was answered, summed up.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub members: BTreeMap<String, Account>,
    pub orders: BTreeMap<String, Order>,
    pub redemptions: u64,
    pub programs: u64,
    /// Whoever was merged, and into whom.
    merged: BTreeMap<String, String>,
}

/// What a member must have.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub effects: Vec<Effect>,
    /// Points granted less those taken back: what was earned in a lifetime, less what is owed.
    pub granted: i64,
    pub redeemed: i64,
    /// Of those granted: points that may be over by now.
    pub mortal: i64,
    /// Holds that nobody ended.
    pub holds: BTreeMap<String, Hold>,
    /// What was here is another member's now; the entries until then stay.
    pub merged: bool,
}

/// One entry that must be in the ledger, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    pub fact: Fact,
    /// The idempotency key of the request that brought it about.
    pub key: String,
}

/// What tells an entry from others: an order earns once, a redemption is held once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    pub kind: String,
    /// The order, the redemption or the adjustment that it belongs to.
    pub cause: String,
    pub amount: i64,
}

impl Fact {
    pub fn new(kind: &str, cause: &str, amount: i64) -> Self {
        Self { kind: kind.to_owned(), cause: cause.to_owned(), amount }
    }
}

/// Points set aside until a moment.
#[derive(Clone, Debug)]
pub struct Hold {
    pub points: i64,
    pub until: Timestamp,
    pub key: String,
}

/// What an order must look like.
#[derive(Clone, Debug)]
pub struct Order {
    pub member: Option<String>,
    pub cancelled: bool,
    /// The keys of its returns by their ids; the cancellation has none.
    pub returns: BTreeMap<Option<String>, String>,
    pub key: String,
}

impl Expected {
    /// The sum of all answers. What one needs comes before it: a client sends nothing before it knows.
    pub fn of<'a>(done: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let mut expected = Self::default();
        for exchange in done {
            expected.add(exchange);
        }
        expected
    }

    fn add(&mut self, done: &Exchange) {
        let (answer, key) = (done.answer.json(), done.key());
        match &done.request.wish {
            Wish::Nothing | Wish::MakeKey | Wish::RevokeKey | Wish::Tell | Wish::MakeVoucher => {}
            Wish::Event { member, event } => {
                let points = hundredths(&answer["earned"]["points"]);
                self.account(member).grant("earn", event, points, &key);
            }
            Wish::Publish => self.programs += 1,
            Wish::Enrol => {
                let account = self.members.entry(text(&answer["id"])).or_default();
                account.grant("earn", "", hundredths(&Value::from(WELCOME_POINTS)), &key);
            }
            Wish::Adjust { member, ends } => {
                let (account, points) = (self.account(member), hundredths(&answer["points"]));
                account.effects.push(Effect { fact: Fact::new("adjust", &text(&answer["id"]), points.abs()), key });
                account.granted += points;
                account.mortal += if *ends { points } else { 0 };
            }
            Wish::Transfer { from, to } => {
                let points = hundredths(&answer["points"]);
                self.account(from).grant("transfer", "", -points, &key);
                let receiver = self.account(to);
                receiver.grant("transfer", "", points, &key);
                // they keep the dates that they had
                receiver.mortal += points;
            }
            Wish::Merge { from, into } => self.merge(from, into, &key),
            Wish::Claim { order, member, .. } => {
                let owner = self.owner(member);
                self.orders.get_mut(order).expect("an order that was answered").member = Some(owner.clone());
                self.account(&owner).grant("earn", order, hundredths(&answer["earned"]["points"]), &key);
            }
            Wish::Confirm(hold) => {
                let until = text(&answer["hold_expires_at"]).parse().expect("a deadline");
                if let Some(hold) = self.account(&hold.member).holds.get_mut(&hold.redemption) {
                    hold.until = until;
                }
            }
            Wish::Order { order, member, redemption, .. } => {
                let member = member.as_ref().map(|member| self.owner(member));
                if let Some(member) = &member {
                    let account = self.account(member);
                    // captured already, if its hold was ended before
                    if let Some(redemption) = redemption.as_ref().filter(|id| account.holds.contains_key(*id)) {
                        account.spend(redemption, hundredths(&answer["redeemed"]), &key);
                    }
                    account.grant("earn", order, hundredths(&answer["earned"]["points"]), &key);
                }
                let known = Order { member, cancelled: false, returns: BTreeMap::new(), key };
                self.orders.insert(order.clone(), known);
            }
            Wish::Hold { member, .. } => {
                let (redemption, points) = (text(&answer["id"]), hundredths(&answer["points"]));
                let until = text(&answer["hold_expires_at"]).parse().expect("a deadline");
                let account = self.account(member);
                account.effects.push(Effect { fact: Fact::new("hold", &redemption, points), key: key.clone() });
                account.holds.insert(redemption, Hold { points, until, key });
                self.redemptions += 1;
            }
            Wish::Capture(hold) => {
                self.account(&hold.member).spend(&hold.redemption, hundredths(&answer["captured"]), &key);
            }
            Wish::Release(hold) => self.account(&hold.member).spend(&hold.redemption, 0, &key),
            Wish::Return { order, return_id } => self.give_back(order, Some(return_id.clone()), &answer, &key),
            Wish::Cancel { order } => self.give_back(order, None, &answer, &key),
        }
    }

    fn give_back(&mut self, order: &str, return_id: Option<String>, answer: &Value, key: &str) {
        let known = self.orders.get_mut(order).expect("an order that was answered");
        known.cancelled |= return_id.is_none();
        known.returns.insert(return_id, key.to_owned());
        let Some(member) = known.member.clone() else { return };
        let account = self.account(&member);
        let (taken, restored) = (hundredths(&answer["clawed_back"]), hundredths(&answer["restored"]));
        account.note("clawback", order, taken, key);
        account.note("redemption_rollback", order, restored, key);
        account.granted -= taken;
        account.redeemed -= restored;
    }

    /// Everything of the one member becomes the other's. How much moved is told by the figures only: nobody was answered what
    /// had expired until then.
    fn merge(&mut self, from: &str, into: &str, key: &str) {
        let merge = Effect { fact: Fact::new("merge", "", 0), key: key.to_owned() };
        let gone = self.members.entry(from.to_owned()).or_default();
        gone.effects.push(merge.clone());
        gone.merged = true;
        // its holds stay here, too: one that was overdue may have been released before
        let Account { granted, redeemed, mortal, holds, .. } = gone.clone();
        let into = self.owner(into);
        let account = self.account(&into);
        account.effects.push(merge);
        account.granted += granted;
        account.redeemed += redeemed;
        account.mortal += mortal;
        account.holds.extend(holds);
        let orders = self.orders.values_mut().filter(|order| order.member.as_deref() == Some(from));
        orders.for_each(|order| order.member = Some(into.clone()));
        self.merged.insert(from.to_owned(), into);
    }

    /// Whom this id means by now.
    fn owner(&self, member: &str) -> String {
        let mut owner = member;
        while let Some(into) = self.merged.get(owner) {
            owner = into;
        }
        owner.to_owned()
    }

    fn account(&mut self, member: &str) -> &mut Account {
        let owner = self.owner(member);
        self.members.entry(owner).or_default()
    }
}

impl Account {
    /// An entry, if it moves anything at all.
    fn note(&mut self, kind: &str, cause: &str, amount: i64, key: &str) {
        if amount != 0 {
            self.effects.push(Effect { fact: Fact::new(kind, cause, amount.abs()), key: key.to_owned() });
        }
    }

    fn grant(&mut self, kind: &str, cause: &str, points: i64, key: &str) {
        self.note(kind, cause, points, key);
        self.granted += points;
    }

    /// Ends a hold: so much of it is spent, the rest goes back.
    fn spend(&mut self, redemption: &str, points: i64, key: &str) {
        let hold = self.holds.remove(redemption).expect("a hold that was answered");
        self.note("capture", redemption, points, key);
        self.note("release", redemption, hold.points - points, key);
        self.redeemed += points;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
