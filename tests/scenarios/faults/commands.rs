//! Random commands of every kind that changes something, and what their answers say that they did. That none is left out is
//! shown at the end.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use tests::{Random, cart, hundredths, pieces};

/// What the clients of a shop know of it by its answers.
#[derive(Debug, Default)]
pub struct Known {
    pub members: Vec<String>,
    /// Orders and whose they are.
    orders: Vec<(String, String)>,
    /// Orders that nobody has claimed.
    receipts: Vec<String>,
    holds: Vec<Hold>,
    /// Points set aside until the code comes.
    waiting: Vec<Hold>,
    /// Keys that were made: their ids.
    keys: Vec<String>,
    next: u64,
}

impl Known {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Points set aside.
#[derive(Clone, Debug)]
pub struct Hold {
    id: String,
    member: String,
    points: i64,
}

impl Hold {
    pub fn redemption(&self) -> &str {
        &self.id
    }
}

/// A change that a client wants.
#[derive(Clone, Debug)]
pub enum Command {
    Enrol {
        phone: u64,
    },
    Adjust {
        member: String,
        points: i64,
    },
    Order {
        id: String,
        member: String,
        paid_with: Option<Hold>,
    },
    Return {
        id: u64,
        order: (String, String),
    },
    Cancel {
        order: (String, String),
    },
    Hold {
        member: String,
        points: i64,
    },
    Capture {
        hold: Hold,
        points: i64,
    },
    Release {
        hold: Hold,
    },
    Publish {
        document: Value,
    },
    MakeKey {
        name: u64,
    },
    RotateKey {
        id: String,
    },
    RevokeKey {
        id: String,
    },
    Event {
        id: String,
        member: String,
    },
    /// The staff says in which group a member is, or takes away given tiers.
    Tell {
        member: String,
        group: Option<u64>,
    },
    /// Members tell of themselves, or are given a token.
    Say {
        member: String,
        number: u64,
    },
    MakeVoucher {
        member: String,
    },
    Transfer {
        from: String,
        to: String,
        points: i64,
    },
    Merge {
        from: String,
        into: String,
    },
    /// An order of nobody's.
    Receipt {
        id: String,
    },
    Claim {
        order: String,
        member: String,
    },
    /// `code` is what the member was sent.
    Confirm {
        hold: Hold,
        code: String,
    },
}

/// What a command did to a member's points, in hundredths: to what is theirs, and to what is set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points {
    pub own: i64,
    pub held: i64,
}

/// Members' points.
pub type Books = BTreeMap<String, Points>;

/// The program of the shop, with something to say to each of these commands.
pub fn program(mut document: Value) -> Value {
    document["events"] = json!([{"id": "visit", "type": "visit", "points": "7"}]);
    document["discounts"] = json!([{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}}]);
    document["redemption"]["confirmation_above"] = "80".into();
    document
}

/// Whoever was merged, and into whom, as the answers say: each of them once, whichever of its ids was named.
pub fn merged<'a>(done: impl Iterator<Item = (&'a Command, &'a Value)>) -> BTreeMap<String, String> {
    let merges = done.filter(|(command, _)| matches!(command, Command::Merge { .. }));
    let id = |id: &Value| id.as_str().unwrap_or_else(|| panic!("an id: {id}")).to_owned();
    merges.map(|(_, answer)| (id(&answer["from"]), id(&answer["id"]))).collect()
}

/// What merged members have is that of who took over in the end, whichever id a command named and when.
pub fn fold(books: &mut Books, merged: &BTreeMap<String, String>) {
    for (from, into) in merged {
        let mut owner = into;
        while let Some(next) = merged.get(owner) {
            owner = next;
        }
        let left = std::mem::take(books.get_mut(from).expect("a member"));
        let points = books.get_mut(owner).expect("a member");
        points.own += left.own;
        points.held += left.held;
    }
}

/// Five pieces for 100.00 each.
fn goods() -> Value {
    json!([pieces("1", "100.00", 5)])
}

impl Command {
    /// What a client thinks of next.
    pub fn choose(random: &mut Random, known: &mut Known, document: &Value) -> Self {
        let member = random.one_of(&known.members).expect("there are members").clone();
        let points = 100 + i64::try_from(random.below(9_900)).expect("a small number");
        let other = random.one_of(&known.members).expect("there are members").clone();
        let (order, hold) = (random.one_of(&known.orders).cloned(), random.one_of(&known.holds).cloned());
        match (random.below(130), order, hold) {
            // sometimes a phone that others may have
            (0..8, ..) if random.below(4) == 0 => Self::Enrol { phone: random.below(20) },
            (0..8, ..) => Self::Enrol { phone: 1_000 + known.number() },
            (8..20, ..) => Self::Adjust { member, points },
            (20..30, ..) => Self::Adjust { member, points: -points },
            (30..38, _, Some(hold)) => {
                Self::Order { id: format!("order-{}", known.number()), member: hold.member.clone(), paid_with: Some(hold) }
            }
            (38..50, Some(order), _) => Self::Return { id: known.number(), order },
            (50..54, Some(order), _) => {
                // once only: a second one is answered with the first one's answer, and has no effect to count
                known.orders.retain(|known| *known != order);
                Self::Cancel { order }
            }
            (54..68, ..) => Self::Hold { member, points },
            (68..74, _, Some(hold)) => Self::Capture { points: 1 + points % hold.points, hold },
            (74..80, _, Some(hold)) => Self::Release { hold },
            (80..82, ..) => {
                let mut document = document.clone();
                document["name"] = format!("version {}", known.number()).into();
                Self::Publish { document }
            }
            (82, ..) if !known.keys.is_empty() => {
                Self::RotateKey { id: random.one_of(&known.keys).expect("there are keys").clone() }
            }
            (82..84, ..) => Self::MakeKey { name: known.number() },
            (84..86, ..) if !known.keys.is_empty() => {
                Self::RevokeKey { id: random.one_of(&known.keys).expect("there are keys").clone() }
            }
            (100..105, ..) => Self::Event { id: format!("event-{}", known.number()), member },
            (105..108, ..) if random.below(2) == 0 => Self::Say { member, number: known.number() },
            (105..108, ..) => Self::Tell { member, group: (random.below(2) == 0).then(|| known.number()) },
            (108..110, ..) => Self::MakeVoucher { member },
            (110..116, ..) => Self::Transfer { from: member, to: other, points: points % 1_000 + 1 },
            // few, or nobody is left
            (116, ..) => Self::Merge { from: member, into: other },
            (117..121, ..) => Self::Receipt { id: format!("receipt-{}", known.number()) },
            (121..125, ..) if !known.receipts.is_empty() => {
                let place = usize::try_from(random.below(known.receipts.len() as u64)).expect("a place");
                // once only, like a cancellation
                Self::Claim { order: known.receipts.swap_remove(place), member }
            }
            (125..130, ..) if !known.waiting.is_empty() => {
                let place = usize::try_from(random.below(known.waiting.len() as u64)).expect("a place");
                Self::Confirm { hold: known.waiting.swap_remove(place), code: String::new() }
            }
            _ => Self::Order { id: format!("order-{}", known.number()), member, paid_with: None },
        }
    }

    /// Method, path and body.
    pub fn request(&self) -> (Method, String, Option<String>) {
        let amount =
            |points: i64| format!("{}{}.{:02}", if points < 0 { "-" } else { "" }, points.abs() / 100, points.abs() % 100);
        let (method, path, body) = match self {
            Self::Enrol { phone } => {
                let phone = format!("+7 900 {:03}-{:02}-{:02}", phone / 10_000, phone / 100 % 100, phone % 100);
                (Method::POST, "/v1/members".to_owned(), json!({"phone": phone, "channel": "site", "first_name": "Anna"}))
            }
            Self::Adjust { member, points } => {
                let body = json!({"points": amount(*points), "reason": "a trial"});
                (Method::POST, format!("/v1/members/{member}/adjustments"), body)
            }
            Self::Order { id, member, paid_with } => {
                let mut order = cart(goods());
                order["id"] = id.as_str().into();
                order["occurred_at"] = tests::BEGINNING.into();
                order["member"] = json!({"id": member});
                if let Some(hold) = paid_with {
                    order["redemption_id"] = hold.id.as_str().into();
                }
                (Method::POST, "/v1/orders".to_owned(), order)
            }
            Self::Return { id, order } => {
                let body = json!({"return_id": format!("return-{id}"), "lines": [{"id": "1", "quantity": 1 + id % 2}]});
                (Method::POST, format!("/v1/orders/{}/returns", order.0), body)
            }
            Self::Cancel { order } => (Method::POST, format!("/v1/orders/{}/cancellation", order.0), json!({})),
            Self::Hold { member, points } => {
                let body = json!({"member": {"id": member}, "order": cart(goods()), "points": amount(*points)});
                (Method::POST, "/v1/redemptions".to_owned(), body)
            }
            Self::Capture { hold, points } => {
                (Method::POST, format!("/v1/redemptions/{}/capture", hold.id), json!({"points": amount(*points)}))
            }
            Self::Release { hold } => (Method::POST, format!("/v1/redemptions/{}/release", hold.id), json!({})),
            Self::Publish { document } => (Method::PUT, "/v1/program".to_owned(), document.clone()),
            Self::MakeKey { name } => {
                (Method::POST, "/v1/keys".to_owned(), json!({"scopes": ["staff"], "name": format!("key {name}")}))
            }
            Self::RotateKey { id } => (Method::POST, format!("/v1/keys/{id}/rotation"), json!({})),
            Self::RevokeKey { id } => return (Method::DELETE, format!("/v1/keys/{id}"), None),
            Self::Event { id, member } => {
                let body = json!({
                    "id": id, "member": {"id": member}, "type": "visit", "occurred_at": tests::BEGINNING, "data": {"page": "/"},
                });
                (Method::POST, "/v1/events".to_owned(), body)
            }
            Self::Tell { member, group: Some(group) } => {
                let body = json!({"segments": [format!("group-{group}")]});
                (Method::PUT, format!("/v1/members/{member}/segments"), body)
            }
            Self::Tell { member, group: None } => {
                (Method::PUT, format!("/v1/members/{member}/tier"), json!({"tier": null, "reason": "a trial"}))
            }
            Self::Say { member, number } => {
                let (method, what, body) = match number % 4 {
                    0 => (Method::POST, "/consents", json!({"channel": "sms", "granted": true, "source": "a trial"})),
                    1 => (Method::POST, "/acceptances", json!({"rules_version": number})),
                    2 => (Method::POST, "/tokens", json!({"expires_in": 60})),
                    _ => (Method::PATCH, "", json!({"attributes": {"told": number}})),
                };
                (method, format!("/v1/members/{member}{what}"), body)
            }
            Self::MakeVoucher { member } => {
                (Method::POST, "/v1/vouchers".to_owned(), json!({"rule_id": "letter", "member": {"id": member}}))
            }
            Self::Transfer { from, to, points } => {
                let body = json!({"to": to, "points": amount(*points), "reason": "a trial"});
                (Method::POST, format!("/v1/members/{from}/transfers"), body)
            }
            Self::Merge { from, into } => (Method::POST, format!("/v1/members/{into}/merges"), json!({"from": from})),
            Self::Receipt { id } => {
                let mut order = cart(goods());
                order["id"] = id.as_str().into();
                order["occurred_at"] = tests::BEGINNING.into();
                (Method::POST, "/v1/orders".to_owned(), order)
            }
            Self::Claim { order, member } => {
                (Method::POST, "/v1/orders/claims".to_owned(), json!({"order_id": order, "member": {"id": member}}))
            }
            Self::Confirm { hold, code } => {
                (Method::POST, format!("/v1/redemptions/{}/confirmation", hold.id), json!({"code": code}))
            }
        };
        (method, path, Some(body.to_string()))
    }

    /// What a success adds to what is known.
    pub fn succeeded(&self, answer: &Value, known: &mut Known) {
        let id = || answer["id"].as_str().unwrap_or_else(|| panic!("the id of {answer}")).to_owned();
        match self {
            Self::Enrol { .. } => known.members.push(id()),
            Self::Order { id, member, .. } => known.orders.push((id.clone(), member.clone())),
            Self::Hold { member, points } => {
                let hold = Hold { id: id(), member: member.clone(), points: *points };
                let waits = answer["status"] == "awaiting_confirmation";
                let holds = if waits { &mut known.waiting } else { &mut known.holds };
                holds.push(hold);
            }
            Self::Confirm { hold, .. } => known.holds.push(hold.clone()),
            Self::Receipt { id } => known.receipts.push(id.clone()),
            Self::Claim { order, member } => known.orders.push((order.clone(), member.clone())),
            Self::MakeKey { .. } | Self::RotateKey { .. } => known.keys.push(id()),
            Self::RevokeKey { id } => known.keys.retain(|known| known != id),
            _ => {}
        }
    }

    /// Takes a success to the books. `captured` are the redemptions that calls of their own captured: an order that names
    /// one of them later spends nothing more.
    pub fn post(&self, answer: &Value, captured: &BTreeSet<&str>, books: &mut Books) {
        let mut of = |member: &str, own: i64, held: i64| {
            let points = books.entry(member.to_owned()).or_default();
            points.own += own;
            points.held += held;
        };
        match self {
            Self::Enrol { .. } => of(answer["id"].as_str().expect("a member has an id"), 0, 0),
            Self::Adjust { member, points } => of(member, *points, 0),
            Self::Order { member, paid_with, .. } => {
                let spent = paid_with.as_ref().filter(|hold| !captured.contains(hold.id.as_str()));
                let (held, redeemed) = spent.map_or((0, 0), |hold| (hold.points, hundredths(&answer["redeemed"])));
                of(member, hundredths(&answer["earned"]["points"]) + held - redeemed, -held);
            }
            Self::Return { order, .. } | Self::Cancel { order } => {
                of(&order.1, hundredths(&answer["restored"]) - hundredths(&answer["clawed_back"]), 0);
            }
            Self::Hold { member, points } => of(member, -points, *points),
            Self::Capture { hold, .. } => of(&hold.member, hold.points - hundredths(&answer["captured"]), -hold.points),
            Self::Release { hold } => of(&hold.member, hold.points, -hold.points),
            Self::Event { member, .. } | Self::Claim { member, .. } => {
                of(member, hundredths(&answer["earned"]["points"]), 0);
            }
            Self::Transfer { from, to, points } => {
                of(from, -points, 0);
                of(to, *points, 0);
            }
            // whose everything is then is seen when all is known: see `fold`
            Self::Merge { .. } => {}
            Self::Publish { .. } | Self::MakeKey { .. } | Self::RotateKey { .. } | Self::RevokeKey { .. } => {}
            Self::Tell { .. } | Self::Say { .. } | Self::MakeVoucher { .. } | Self::Receipt { .. } | Self::Confirm { .. } => {}
        }
    }

    /// The redemption that this call captures.
    pub fn captures(&self) -> Option<&str> {
        match self {
            Self::Capture { hold, .. } => Some(&hold.id),
            _ => None,
        }
    }

    /// A word for each kind, to count them by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Enrol { .. } => "enrol",
            Self::Adjust { .. } => "adjust",
            Self::Order { paid_with: None, .. } => "order",
            Self::Order { paid_with: Some(_), .. } => "paid order",
            Self::Return { .. } => "return",
            Self::Cancel { .. } => "cancel",
            Self::Hold { .. } => "hold",
            Self::Capture { .. } => "capture",
            Self::Release { .. } => "release",
            Self::Publish { .. } => "publish",
            Self::MakeKey { .. } => "make key",
            Self::RotateKey { .. } => "rotate key",
            Self::RevokeKey { .. } => "revoke key",
            Self::Event { .. } => "event",
            Self::Tell { .. } => "tell",
            Self::Say { number, .. } if number % 4 == 3 => "change of a person",
            Self::Say { .. } => "say",
            Self::MakeVoucher { .. } => "make voucher",
            Self::Transfer { .. } => "transfer",
            Self::Merge { .. } => "merge",
            Self::Receipt { .. } => "receipt",
            Self::Claim { .. } => "claim",
            Self::Confirm { .. } => "confirm",
        }
    }

    /// The codes with which the program may refuse it for good: others were faster, or the points are not there.
    pub fn refusals(&self) -> &'static [&'static str] {
        match self {
            Self::Enrol { .. } => &["identity_taken"],
            Self::Adjust { .. } | Self::Hold { .. } => &["insufficient_points"],
            Self::Order { paid_with: None, .. } | Self::Publish { .. } | Self::MakeKey { .. } => &[],
            Self::Event { .. }
            | Self::Tell { .. }
            | Self::Say { .. }
            | Self::MakeVoucher { .. }
            | Self::Receipt { .. }
            | Self::Claim { .. } => &[],
            // both may have become one
            Self::Transfer { .. } => &["insufficient_points", "same_member"],
            Self::Merge { .. } => &["same_member"],
            Self::Confirm { .. } | Self::Order { .. } | Self::Capture { .. } | Self::Release { .. } => &["redemption_closed"],
            Self::Return { .. } | Self::Cancel { .. } => &["already_returned", "conflict"],
            Self::RotateKey { .. } => &["already_rotated", "key_not_found"],
            Self::RevokeKey { .. } => &["key_not_found"],
        }
    }
}

#[test]
fn every_change_that_the_api_has_is_drawn() {
    let (mut random, mut known) =
        (Random::new(1), Known { members: vec!["mem_1".to_owned(), "mem_2".to_owned()], ..Known::default() });
    let mut drawn = BTreeSet::new();
    for number in 0..10_000 {
        let command = Command::choose(&mut random, &mut known, &json!({}));
        let (method, path, _) = command.request();
        drawn.insert((method.to_string(), path));
        // nobody answers: everything is taken to succeed
        let status = if number % 2 == 0 { "held" } else { "awaiting_confirmation" };
        command.succeeded(&json!({"id": format!("id_{number}"), "status": status}), &mut known);
    }
    // jobs have no key and no answer that is kept: the random life of `life` runs them
    // codes are for programs that ask for them, and nothing can be asked of a member who was erased
    let not_drawn = [
        ("POST", "/v1/jobs/{name}/runs"),
        ("POST", "/v1/members/{id}/codes"),
        ("POST", "/v1/members/{id}/confirmation"),
        ("DELETE", "/v1/members/{id}"),
        // endpoints of the shop's systems, and what they get: the scenarios of `webhooks`
        ("POST", "/v1/webhooks"),
        ("DELETE", "/v1/webhooks/{id}"),
        ("POST", "/v1/webhooks/{id}/rotations"),
        ("POST", "/v1/messages/{id}/deliveries"),
        ("POST", "/v1/messages/{id}/receipts"),
        // what it changes are changes of the API, sent again by Telegram: the scenarios of `telegram`
        ("POST", "/v1/telegram/updates"),
    ];
    assert_eq!(tests::routes::undrawn(&drawn, &not_drawn), [""; 0]);
}
