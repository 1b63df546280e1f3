//! What the clients of a shop do: every change that the API has, drawn from a seed. That none is left out is shown in
//! `routes`.

mod between;

use std::sync::Arc;
use std::time::Duration;

use host::Timestamp;
use hyper::Method;
use serde_json::{Value, json};

use crate::codes::Codes;
use crate::exchange::{Exchange, Request};
use crate::random::Random;
use crate::wishes::{Hold, Wish};

/// What every member starts with, whichever program is in force: [`documents`] see to it.
pub const WELCOME_POINTS: &str = "500.00";
/// What every program gives for an event.
pub const EVENT_POINTS: &str = "7.00";
/// Orders that may still come back.
const REMEMBERED_ORDERS: usize = 20;

/// When clients act: the time that the program sees, and how long it takes there for something to happen soon.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Timestamp,
    pub soon: Duration,
}

/// Somebody who sends one request after another, and remembers what came of them.
#[derive(Clone, Debug)]
pub struct Client {
    /// What its keys and ids begin with.
    name: String,
    random: Random,
    sent: u64,
    /// Members that all clients deal with at once.
    regulars: Arc<Vec<String>>,
    documents: Arc<Vec<Value>>,
    own: Vec<String>,
    holds: Vec<Hold>,
    /// Held until the code comes that the member was sent.
    waiting: Vec<Hold>,
    codes: Codes,
    /// Captured by a call of their own, before their order came.
    captured: Vec<Hold>,
    /// With their lines.
    orders: Vec<(String, Value)>,
    /// Orders that nobody has claimed, with their lines.
    receipts: Vec<(String, Value)>,
    keys: Vec<String>,
}

impl Client {
    pub fn new(name: String, random: Random, regulars: Arc<Vec<String>>, documents: Arc<Vec<Value>>, codes: Codes) -> Self {
        let (own, holds, waiting, captured) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (orders, receipts, keys) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, random, sent: 0, regulars, documents, own, holds, waiting, codes, captured, orders, receipts, keys }
    }

    /// The next request. Without what it needs, such as a hold to release, it becomes an order.
    pub fn next(&mut self, moment: Moment) -> Request {
        let wanted = match self.random.below(100) {
            0..8 => Some(self.enrol()),
            8..18 => Some(self.adjust(moment)),
            18..36 => Some(self.hold()),
            36..42 => self.capture(),
            42..48 => self.release(),
            48..58 => self.pay(moment),
            58..70 => self.take_back(),
            70..73 => self.cancel(),
            73..75 => self.publish(),
            75 => Some(self.rotate_or_make_key()),
            76 => self.revoke_key(),
            77..81 => Some(self.job()),
            81..84 => Some(self.event(moment)),
            84 => Some(self.tell()),
            85 => Some(self.make_voucher()),
            86..89 => Some(self.transfer()),
            89 => self.merge(),
            90..93 => self.claim(),
            93..97 => self.confirm(),
            _ => None,
        };
        wanted.unwrap_or_else(|| self.buy(moment))
    }

    /// Remembers what a change brought.
    pub fn learn(&mut self, done: &Exchange) {
        let answer = done.answer.json();
        let id = || answer["id"].as_str().unwrap_or_else(|| panic!("an id in {answer}")).to_owned();
        match &done.request.wish {
            Wish::Enrol => self.own.push(id()),
            Wish::Hold { member, lines } => {
                let hold = Hold { redemption: id(), member: member.clone(), lines: lines.clone() };
                let waits = answer["status"] == "awaiting_confirmation";
                let holds = if waits { &mut self.waiting } else { &mut self.holds };
                holds.push(hold);
            }
            Wish::Confirm(hold) => self.holds.push(hold.clone()),
            Wish::Capture(hold) => self.captured.push(hold.clone()),
            Wish::Order { order, member, lines, .. } => {
                if member.is_none() {
                    self.receipts.push((order.clone(), lines.clone()));
                }
                self.remember(order, lines);
            }
            Wish::Claim { order, lines, .. } => self.remember(order, lines),
            Wish::MakeKey => self.keys.push(id()),
            _ => {}
        }
    }

    fn remember(&mut self, order: &str, lines: &Value) {
        if self.orders.len() == REMEMBERED_ORDERS {
            self.orders.remove(0);
        }
        self.orders.push((order.to_owned(), lines.clone()));
    }

    /// A member that all clients deal with.
    pub fn regular(&self) -> String {
        self.regulars.first().cloned().unwrap_or_default()
    }

    /// Somebody new.
    pub fn enrol(&mut self) -> Request {
        let id = self.new_id();
        let body = json!({"external_id": id, "email": format!("{id}@example.com"), "first_name": "Anna", "channel": "site"});
        post(id, "/v1/members", &body, Wish::Enrol)
    }

    /// Points given or taken by the staff: some at once, some later, some not for long.
    fn adjust(&mut self, moment: Moment) -> Request {
        let member = self.member();
        let at = |times: u32| (moment.now + moment.soon * times).to_string();
        let given = self.amount(300);
        let (body, ends) = match self.random.below(6) {
            0 => (json!({"points": format!("-{}", self.amount(50))}), false),
            1 | 2 => (json!({"points": given, "expires_at": at(1)}), true),
            3 => (json!({"points": given, "activates_at": at(1), "expires_at": at(2)}), true),
            _ => (json!({"points": given}), false),
        };
        self.give(member, body, ends)
    }

    /// Many points for good.
    pub fn endow(&mut self, member: &str) -> Request {
        self.give(member.to_owned(), json!({"points": "1000"}), false)
    }

    fn give(&mut self, member: String, mut body: Value, ends: bool) -> Request {
        body["reason"] = "a trial".into();
        post(self.new_id(), format!("/v1/members/{member}/adjustments"), &body, Wish::Adjust { member, ends })
    }

    fn hold(&mut self) -> Request {
        let points = if self.random.once_in(4) { "max".to_owned() } else { self.amount(150) };
        let (member, lines) = (self.member(), self.lines());
        self.set_aside(member, &points, lines)
    }

    /// So many points of a member for a cart.
    pub fn set_aside(&mut self, member: String, points: &str, lines: Value) -> Request {
        let body = json!({"member": {"id": member}, "order": cart(&lines), "points": points});
        post(self.new_id(), "/v1/redemptions", &body, Wish::Hold { member, lines })
    }

    fn capture(&mut self) -> Option<Request> {
        let hold = self.random.take(&mut self.holds)?;
        let body = if self.random.once_in(3) { json!({"points": "1.5"}) } else { json!({}) };
        Some(post(self.new_id(), format!("/v1/redemptions/{}/capture", hold.redemption), &body, Wish::Capture(hold)))
    }

    fn release(&mut self) -> Option<Request> {
        let hold = self.random.take(&mut self.holds)?;
        Some(post(self.new_id(), format!("/v1/redemptions/{}/release", hold.redemption), &json!({}), Wish::Release(hold)))
    }

    /// An order paid in part with points that are held or captured for it.
    fn pay(&mut self, moment: Moment) -> Option<Request> {
        let hold = match self.random.take(&mut self.captured) {
            Some(captured) => captured,
            None => self.random.take(&mut self.holds)?,
        };
        Some(self.order(moment, Some(hold.member), Some(hold.redemption), hold.lines))
    }

    /// An order; one of ten by nobody in particular.
    fn buy(&mut self, moment: Moment) -> Request {
        let member = if self.random.once_in(10) { None } else { Some(self.member()) };
        self.buy_for(member, moment)
    }

    /// An order of this member's.
    pub fn buy_for(&mut self, member: Option<String>, moment: Moment) -> Request {
        let lines = self.lines();
        self.order(moment, member, None, lines)
    }

    fn order(&mut self, moment: Moment, member: Option<String>, redemption: Option<String>, lines: Value) -> Request {
        let order = self.new_id();
        let mut body = cart(&lines);
        body["id"] = order.as_str().into();
        body["occurred_at"] = moment.now.to_string().into();
        if let Some(member) = &member {
            body["member"] = json!({"id": member});
        }
        if let Some(redemption) = &redemption {
            body["redemption_id"] = redemption.as_str().into();
        }
        if self.random.once_in(4) {
            body["delivery"] = json!({"cost": "300"});
        }
        post(order.clone(), "/v1/orders", &body, Wish::Order { order, member, redemption, lines })
    }

    /// A piece of a line comes back, or everything.
    fn take_back(&mut self) -> Option<Request> {
        let (order, lines) = self.random.choose(&self.orders)?.clone();
        let return_id = self.new_id();
        let line = self.random.choose(lines.as_array()?)?["id"].clone();
        let body = if self.random.once_in(5) {
            json!({"return_id": return_id, "all": true})
        } else {
            json!({"return_id": return_id, "lines": [{"id": line, "quantity": 1}]})
        };
        Some(post(return_id.clone(), format!("/v1/orders/{order}/returns"), &body, Wish::Return { order, return_id }))
    }

    fn cancel(&mut self) -> Option<Request> {
        let (order, _) = self.random.take(&mut self.orders)?;
        Some(post(self.new_id(), format!("/v1/orders/{order}/cancellation"), &json!({}), Wish::Cancel { order }))
    }

    pub fn publish(&mut self) -> Option<Request> {
        let document = self.random.choose(&self.documents)?.clone();
        Some(Request { method: Method::PUT, ..post(self.new_id(), "/v1/program", &document, Wish::Publish) })
    }

    /// A key of which there is a successor is not rotated again.
    fn rotate_or_make_key(&mut self) -> Request {
        if self.random.once_in(2)
            && let Some(key) = self.random.take(&mut self.keys)
        {
            return post(self.new_id(), format!("/v1/keys/{key}/rotation"), &json!({}), Wish::MakeKey);
        }
        post(self.new_id(), "/v1/keys", &json!({"scopes": ["till"], "store": "shop-7"}), Wish::MakeKey)
    }

    fn revoke_key(&mut self) -> Option<Request> {
        let key = self.random.take(&mut self.keys)?;
        let request = post(self.new_id(), format!("/v1/keys/{key}"), &json!({}), Wish::RevokeKey);
        Some(Request { method: Method::DELETE, ..request })
    }

    fn event(&mut self, moment: Moment) -> Request {
        let (event, member) = (self.new_id(), self.member());
        let body = json!({
            "id": event, "member": {"id": member}, "type": "visit", "occurred_at": moment.now.to_string(), "data": {"page": "/"},
        });
        post(event.clone(), "/v1/events", &body, Wish::Event { member, event })
    }

    /// The staff says in which groups a member is, or takes away given tiers; members tell of themselves.
    fn tell(&mut self) -> Request {
        let (member, key) = (self.member(), self.new_id());
        let (method, what, body) = match self.random.below(6) {
            0 => (Method::PUT, "/segments", json!({"segments": [key]})),
            1 => (Method::PUT, "/tier", json!({"tier": null, "reason": "a trial"})),
            2 => (Method::POST, "/consents", json!({"channel": "sms", "granted": true, "source": key})),
            3 => (Method::POST, "/acceptances", json!({"rules_version": key})),
            4 => (Method::POST, "/tokens", json!({"expires_in": 60})),
            _ => (Method::PATCH, "", json!({"attributes": {"told": key}})),
        };
        Request { method, ..post(key, format!("/v1/members/{member}{what}"), &body, Wish::Tell) }
    }

    fn make_voucher(&mut self) -> Request {
        let member = self.member();
        post(self.new_id(), "/v1/vouchers", &json!({"rule_id": "letter", "member": {"id": member}}), Wish::MakeVoucher)
    }

    fn job(&mut self) -> Request {
        let name = ["holds", "expire", "activate", "tiers"][self.random.place(&[(); 4]).unwrap_or_default()];
        Request { key: None, ..post(String::new(), format!("/v1/jobs/{name}/runs"), &json!({}), Wish::Nothing) }
    }

    /// A key or an id that nothing else has.
    fn new_id(&mut self) -> String {
        self.sent += 1;
        format!("{}-{}", self.name, self.sent)
    }

    /// Rather one that other clients deal with at the same time.
    fn member(&mut self) -> String {
        let members = if self.own.is_empty() || self.random.below(5) < 3 { &*self.regulars } else { &self.own };
        self.random.choose(members).cloned().unwrap_or_default()
    }

    /// An amount up to so many whole units.
    fn amount(&mut self, end: u64) -> String {
        format!("{}.{:02}", self.random.below(end), 1 + self.random.below(99))
    }

    fn lines(&mut self) -> Value {
        let lines = (0..=self.random.below(4)).map(|number| {
            let (quantity, price) = (1 + self.random.below(3), self.amount(3_000));
            let promo = self.random.once_in(4);
            json!({"id": number.to_string(), "sku": format!("sku-{number}"), "quantity": quantity, "price": price, "promo": promo})
        });
        lines.collect()
    }
}

/// Programs that follow one another: other rates, tiers and policies, the same welcome, and holds of a minute.
pub fn documents(presets: &[Value]) -> Vec<Value> {
    let policies = ["allow_negative", "clamp_to_zero", "within_balance", "pending_only"];
    let variant = |(preset, policy): (&Value, &&str)| {
        let mut document = preset.clone();
        let expiry = json!({"type": "days", "days": 30});
        document["enrolment"] = json!({"welcome": {"id": "welcome", "points": WELCOME_POINTS, "expiry": expiry}});
        document["events"] = json!([{"id": "visit", "type": "visit", "points": EVENT_POINTS}]);
        // what vouchers are made for; no order brings one
        let letter = json!({"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}});
        match document["discounts"].as_array_mut() {
            Some(discounts) => discounts.push(letter),
            None => document["discounts"] = json!([letter]),
        }
        document["redemption"]["hold_minutes"] = 1.into();
        document["redemption"]["confirmation_above"] = "100".into();
        document["returns"]["clawback"] = (*policy).into();
        document
    };
    presets.iter().zip(policies.iter().cycle()).map(variant).collect()
}

fn cart(lines: &Value) -> Value {
    json!({"channel": "site", "currency": "RUB", "lines": lines})
}

fn post(key: String, path: impl Into<String>, body: &Value, wish: Wish) -> Request {
    Request { method: Method::POST, path: path.into(), body: body.to_string(), key: Some(key), wish }
}
