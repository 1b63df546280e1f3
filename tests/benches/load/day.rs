//! A shop's day: of a hundred calls 70 are quotes, 20 orders, 8 redemptions and 2 returns, in a sequence that is the same in every
//! run. What a redemption holds pays a later order; what was recorded comes back.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Id, Instant};
use hyper::Method;
use serde_json::{Value, json};

use crate::cart::{Call, Cart, mixed};
use crate::clients::Exchange;

/// What is waiting for its order, or to be returned, at most.
const WAITING: usize = 10_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Quote,
    Order,
    Redemption,
    Return,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Quote, Self::Order, Self::Redemption, Self::Return];

    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Order => "order",
            Self::Redemption => "redemption",
            Self::Return => "return",
        }
    }
}

/// A call of the day.
pub struct Asked {
    pub kind: Kind,
    cart: Cart,
}

/// The day so far.
pub struct Day {
    numbers: AtomicU64,
    members: Vec<Id>,
    /// Redemptions that no order took yet, with what they are for.
    held: Mutex<VecDeque<(String, Cart)>>,
    /// Orders that nothing came back of.
    recorded: Mutex<VecDeque<String>>,
}

impl Day {
    /// `from` is the number of the first cart: those of two days in one shop must not be the same.
    pub fn new(members: Vec<Id>, from: u64) -> Self {
        Self { numbers: AtomicU64::new(from), members, held: Mutex::default(), recorded: Mutex::default() }
    }

    /// The next call, of something that happened at a moment.
    pub fn next(&self, occurred_at: Instant) -> (Asked, Exchange) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let cart = Cart::next(number, &self.members, occurred_at);
        match mixed(!number) % 100 {
            0..70 => asked(Kind::Quote, cart, Call::Quote.path(), cart.body(Call::Quote)),
            70..90 => self.order(cart),
            90..98 => asked(Kind::Redemption, cart, Call::Redemption.path(), cart.body(Call::Redemption)),
            _ => match take(&self.recorded) {
                None => self.order(cart), // nothing was bought yet
                Some(order) => {
                    let goods = json!([{"id": "drill", "quantity": 1}]);
                    let body = json!({"return_id": cart.reference(), "occurred_at": occurred_at.to_string(), "lines": goods});
                    asked(Kind::Return, cart, &format!("/v1/orders/{order}/returns"), body.to_string())
                }
            },
        }
    }

    /// An order, paid with points where somebody holds any.
    fn order(&self, cart: Cart) -> (Asked, Exchange) {
        let Some((redemption, goods)) = take(&self.held) else {
            return asked(Kind::Order, cart, Call::Order.path(), cart.body(Call::Order));
        };
        let mut body: Value = serde_json::from_str(&goods.body(Call::Order)).expect("an order");
        body["redemption_id"] = redemption.into();
        asked(Kind::Order, goods, Call::Order.path(), body.to_string())
    }

    /// A call succeeded with this answer.
    pub fn answered(&self, asked: &Asked, answer: &str) {
        match asked.kind {
            Kind::Redemption => {
                let hold: Value = serde_json::from_str(answer).expect("a redemption");
                put(&self.held, (hold["id"].as_str().expect("its id").to_owned(), asked.cart));
            }
            Kind::Order => put(&self.recorded, asked.cart.reference()),
            Kind::Quote | Kind::Return => {}
        }
    }
}

fn asked(kind: Kind, cart: Cart, path: &str, body: String) -> (Asked, Exchange) {
    // the order that a redemption is for has a key of its own
    let idempotency_key = (kind != Kind::Quote).then(|| format!("{}-{}", kind.name(), cart.idempotency_key()));
    (Asked { kind, cart }, Exchange { method: Method::POST, path: path.to_owned(), body, idempotency_key })
}

fn take<T>(waiting: &Mutex<VecDeque<T>>) -> Option<T> {
    waiting.lock().expect("nobody panics with it").pop_front()
}

fn put<T>(waiting: &Mutex<VecDeque<T>>, one: T) {
    let mut waiting = waiting.lock().expect("nobody panics with it");
    if waiting.len() < WAITING {
        waiting.push_back(one);
    }
}
