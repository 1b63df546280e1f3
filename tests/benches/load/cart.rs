//! The same purchases for everybody: as bodies of requests, and as what the components make of them.

use domain::order::{Discounts, Line, Order};
use domain::{Id, Instant, Money, Quantity};
use serde_json::{Value, json};

/// Points that a redemption holds: with the members' welcome points nobody runs out of them.
pub const POINTS_HELD: i64 = 10;

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Quote,
    Order,
    Redemption,
}

impl Call {
    pub const ALL: [Self; 3] = [Self::Quote, Self::Order, Self::Redemption];

    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Order => "order",
            Self::Redemption => "redemption",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Quote => "/v1/quotes",
            Self::Order => "/v1/orders",
            Self::Redemption => "/v1/redemptions",
        }
    }

    pub fn writes(self) -> bool {
        self != Self::Quote
    }
}

/// A purchase of three lines by some member; the number makes it unlike all others.
#[derive(Clone, Copy, Debug)]
pub struct Cart {
    pub number: u64,
    pub member: Id,
    pub occurred_at: Instant,
}

impl Cart {
    /// The next purchase, by a member of these at random.
    pub fn next(number: u64, members: &[Id], occurred_at: Instant) -> Self {
        let at = usize::try_from(mixed(number) % members.len() as u64).expect("an index");
        Self { number, member: members[at], occurred_at }
    }

    pub fn reference(&self) -> String {
        format!("order-{:010}", self.number)
    }

    pub fn idempotency_key(&self) -> String {
        format!("key-{:010}", self.number)
    }

    /// The body of the request.
    pub fn body(&self, call: Call) -> String {
        let member = json!({"id": self.member.external("mem")});
        let lines: Vec<Value> = self.lines().iter().map(line_body).collect();
        let mut order =
            json!({"occurred_at": self.occurred_at.to_string(), "channel": "site", "currency": "RUB", "lines": lines});
        match call {
            Call::Quote => json!({"member": member, "order": order, "points": "max"}),
            Call::Order => {
                order["id"] = self.reference().into();
                order["member"] = member;
                order
            }
            Call::Redemption => json!({"member": member, "order": order, "points": POINTS_HELD}),
        }
        .to_string()
    }

    /// What the components read from the body.
    pub fn order(&self) -> Order {
        Order {
            reference: self.reference(),
            occurred_at: self.occurred_at,
            channel: "site".to_owned(),
            store: None,
            device: None,
            currency: "RUB".to_owned(),
            lines: self.lines().to_vec(),
            delivery: Money::ZERO,
            vouchers: Vec::new(),
            discounts: Discounts::ByRules,
            with_offers: false,
        }
    }

    fn lines(&self) -> [Line; 3] {
        ["drill", "gloves", "screws"].map(|sku| {
            let price = 10_000 + mixed(self.number ^ sku.len() as u64) % 990_000;
            Line {
                id: sku.to_owned(),
                sku: format!("sku-{sku}"),
                name: Some(format!("The usual {sku} of this shop")),
                category: Some("tools".to_owned()),
                brand: Some("Maker".to_owned()),
                labels: Vec::new(),
                quantity: Quantity(1_000),
                price: Money(i64::try_from(price).expect("a price")),
                discount: Money::ZERO,
                cost: None,
                tax: None,
                promo: false,
            }
        })
    }
}

fn line_body(line: &Line) -> Value {
    json!({
        "id": line.id, "sku": line.sku, "name": line.name, "category": line.category, "brand": line.brand, "quantity": 1,
        "price": domain::amount::format(line.price.0, domain::MONEY_SCALE),
    })
}

/// Well spread numbers from consecutive ones (SplitMix64), the same in every run.
pub fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
