//! Orders, carts and references to members, as callers write them.

use domain::judgement::Judgement;
use domain::order::{Discounts, Line, Order, Voucher};
use domain::snapshot::{Member, Redemption, Snapshot};
use domain::{Id, Instant, MONEY_SCALE, Money, Points, amount};
use serde::Deserialize;
use store::{Caller, Load};

use super::{Amount, LONGEST_TEXT, bounded, moment};
use crate::identity;
use crate::problem::{FieldError, Problem};
use crate::rules::{ActiveProgram, AskedPayment, RulesFailure};

/// Lines of an order: a wholesale invoice of the shared data has 600.
const MOST_LINES: usize = 1_000;

/// Vouchers of an order.
const MOST_VOUCHERS: usize = 20;

/// A member by exactly one of these.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct MemberRef {
    pub id: Option<String>,
    pub external_id: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub card: Option<String>,
    pub telegram: Option<String>,
}

/// A reference, or just an id.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum AnyMemberRef {
    Id(String),
    Reference(MemberRef),
}

impl AnyMemberRef {
    /// As [`MemberRef::subject`].
    ///
    /// # Errors
    /// As [`MemberRef::subject`].
    pub async fn subject(&self, pointer: &str) -> Result<Subject, Problem> {
        match self {
            Self::Id(id) => Ok(Subject { member: Some(member_id(id)?), identity: None }),
            Self::Reference(reference) => reference.subject(pointer).await,
        }
    }
}

/// Whom a call is about, as the store finds them.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub member: Option<Id>,
    pub identity: Option<String>,
}

impl Subject {
    /// Puts the member into a load.
    #[must_use]
    pub fn into_load(self, load: Load) -> Load {
        Load { member: self.member, identity: self.identity, ..load }
    }

    /// Puts the member into a load as the other one.
    #[must_use]
    pub fn into_load_as_other(self, load: Load) -> Load {
        Load { other: self.member, other_identity: self.identity, ..load }
    }
}

impl MemberRef {
    /// Finds out whom it means; the store is not asked.
    ///
    /// # Errors
    /// 422 unless it is exactly one well-formed reference; 404 for an id that can be no member's.
    pub async fn subject(&self, pointer: &str) -> Result<Subject, Problem> {
        let fields = [&self.external_id, &self.phone, &self.email, &self.card, &self.telegram];
        let identities: Vec<(&str, &String)> =
            identity::KINDS.into_iter().zip(fields).filter_map(|(kind, text)| text.as_ref().map(|text| (kind, text))).collect();
        match (&self.id, identities.as_slice()) {
            (Some(id), []) => Ok(Subject { member: Some(member_id(id)?), identity: None }),
            (None, [(kind, text)]) => {
                let normalized = identity::normalize(kind, text, &format!("{pointer}/{kind}")).await?;
                Ok(Subject { member: None, identity: Some(identity::keyed_hash(kind, &normalized).await?) })
            }
            _ => {
                Err(Problem::field(pointer, "one_reference", "give exactly one of id, external_id, phone, email, card, telegram"))
            }
        }
    }
}

/// A member's id.
///
/// # Errors
/// 404 for a text that can be no member's id.
pub fn member_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "mem")
        .map_err(|_| Problem::not_found("member_not_found", "There is no such member; POST /v1/members enrols one"))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineBody {
    id: String,
    sku: String,
    name: Option<String>,
    category: Option<String>,
    brand: Option<String>,
    labels: Option<Vec<String>>,
    quantity: Amount,
    price: Amount,
    discount: Option<Amount>,
    cost: Option<Amount>,
    tax: Option<Amount>,
    promo: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryBody {
    cost: Amount,
}

/// An order or a cart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    id: Option<String>,
    pub member: Option<MemberRef>,
    occurred_at: Option<String>,
    channel: Option<String>,
    store: Option<String>,
    currency: Option<String>,
    lines: Vec<LineBody>,
    delivery: Option<DeliveryBody>,
    pub redemption_id: Option<String>,
    vouchers: Option<Vec<String>>,
    device: Option<String>,
}

impl OrderBody {
    /// The codes of its vouchers.
    #[must_use]
    pub fn vouchers(&self) -> &[String] {
        self.vouchers.as_deref().unwrap_or_default()
    }

    /// A purchase that happened: everything that the contract demands must be there.
    ///
    /// # Errors
    /// 422 with a pointer.
    pub fn purchase(&self, prefix: &str, now: Instant) -> Result<Order, Problem> {
        let required = |field: &Option<String>, name: &str| match field {
            Some(_) => Ok(()),
            None => Err(Problem::field(format!("{prefix}/{name}"), "required", format!("an order needs {name}"))),
        };
        required(&self.id, "id")?;
        required(&self.occurred_at, "occurred_at")?;
        required(&self.channel, "channel")?;
        required(&self.currency, "currency")?;
        self.cart(prefix, now)
    }

    /// A cart: it may lack an id, a time, a channel and a currency.
    ///
    /// # Errors
    /// 422 with a pointer.
    pub fn cart(&self, prefix: &str, now: Instant) -> Result<Order, Problem> {
        let at = |name: &str| format!("{prefix}/{name}");
        let texts = [("id", &self.id), ("channel", &self.channel), ("store", &self.store), ("device", &self.device)];
        for (name, text) in texts {
            if let Some(text) = text {
                bounded(text, 200, &at(name))?;
            }
        }
        if self.vouchers().len() > MOST_VOUCHERS {
            return Err(Problem::field(at("vouchers"), "out_of_range", format!("an order has at most {MOST_VOUCHERS} vouchers")));
        }
        if self.lines.is_empty() || self.lines.len() > MOST_LINES {
            return Err(Problem::field(at("lines"), "out_of_range", format!("an order has 1 to {MOST_LINES} lines")));
        }
        let lines: Result<Vec<Line>, Problem> =
            self.lines.iter().enumerate().map(|(index, line)| line_of(line, &at(&format!("lines/{index}")))).collect();
        Ok(Order {
            reference: self.id.clone().unwrap_or_else(|| "cart".to_owned()),
            occurred_at: moment(self.occurred_at.as_deref(), now, &at("occurred_at"))?,
            channel: self.channel.clone().unwrap_or_else(|| "site".to_owned()),
            store: self.store.clone(),
            device: self.device.clone(),
            currency: self.currency.clone().unwrap_or_default(),
            lines: lines?,
            delivery: match &self.delivery {
                None => Money::ZERO,
                Some(delivery) => not_negative(&delivery.cost, &at("delivery/cost"))?,
            },
            // what they are is not known before the load
            vouchers: Vec::new(),
            discounts: Discounts::ByRules,
            with_offers: false,
        })
    }
}

/// The order with its vouchers, each of which must be there, unused, in time and the member's. `prefix` is where the order
/// stands.
///
/// # Errors
/// 422 with a pointer to the voucher.
pub fn with_vouchers(order: Order, codes: &[String], snapshot: &Snapshot, prefix: &str) -> Result<Order, Problem> {
    let member = snapshot.member.as_ref().map(|member| member.id);
    let mut vouchers: Vec<Voucher> = Vec::with_capacity(codes.len());
    for (index, code) in codes.iter().enumerate() {
        let refused = |word: &str, detail: String| Problem::field(format!("{prefix}/vouchers/{index}"), word, detail);
        let found = snapshot.vouchers.iter().find(|voucher| voucher.code == *code);
        let Some(found) = found else { return Err(refused("voucher_unknown", "is no voucher".to_owned())) };
        if let Some(end) = found.expires_at.filter(|end| *end <= order.occurred_at) {
            return Err(refused("voucher_expired", format!("was good until {end}")));
        }
        if found.member_id.is_some() && found.member_id != member {
            return Err(refused("voucher_of_other_member", "is another member's".to_owned()));
        }
        if found.used_by.is_some() || vouchers.iter().any(|other| other.id == found.id) {
            return Err(refused("voucher_used", "was used already; a voucher is good once".to_owned()));
        }
        vouchers.push(Voucher {
            id: found.id,
            code: found.code.clone(),
            rule_id: found.rule_id.clone(),
            skus: found.skus.clone(),
        });
    }
    Ok(Order { vouchers, ..order })
}

fn line_of(line: &LineBody, pointer: &str) -> Result<Line, Problem> {
    let at = |name: &str| format!("{pointer}/{name}");
    bounded(&line.id, 200, &at("id"))?;
    bounded(&line.sku, 200, &at("sku"))?;
    for (name, text) in [("name", &line.name), ("category", &line.category), ("brand", &line.brand)] {
        if let Some(text) = text
            && text.chars().count() > LONGEST_TEXT
        {
            return Err(Problem::field(at(name), "out_of_range", format!("has at most {LONGEST_TEXT} characters")));
        }
    }
    let labels = line.labels.clone().unwrap_or_default();
    if labels.len() > 50 {
        return Err(Problem::field(at("labels"), "out_of_range", "a line has at most 50 labels"));
    }
    let optional =
        |amount: &Option<Amount>, name: &str| amount.as_ref().map(|amount| not_negative(amount, &at(name))).transpose();
    Ok(Line {
        id: line.id.clone(),
        sku: line.sku.clone(),
        name: line.name.clone(),
        category: line.category.clone(),
        brand: line.brand.clone(),
        labels,
        quantity: line.quantity.quantity(&at("quantity"))?,
        price: not_negative(&line.price, &at("price"))?,
        discount: optional(&line.discount, "discount")?.unwrap_or_default(),
        cost: optional(&line.cost, "cost")?,
        tax: optional(&line.tax, "tax")?,
        promo: line.promo.unwrap_or_default(),
    })
}

fn not_negative(amount: &Amount, pointer: &str) -> Result<Money, Problem> {
    let money = amount.money(pointer)?;
    if money < Money::ZERO { Err(Problem::field(pointer, "out_of_range", "must not be below 0")) } else { Ok(money) }
}

/// The order with its currency and store settled: the currency must be the program's, the store a till's own.
///
/// # Errors
/// 422 `currency_mismatch`, 403 for another store.
pub fn check_currency(order: &Order, program: &ActiveProgram, caller: &Caller, prefix: &str) -> Result<Order, Problem> {
    let mut order = order.clone();
    if order.currency.is_empty() {
        program.currency().clone_into(&mut order.currency);
    } else if order.currency != program.currency() {
        let detail = format!("{prefix}/currency: the program runs in {}, the order is in {}", program.currency(), order.currency);
        let error =
            FieldError { pointer: format!("{prefix}/currency"), code: "currency_mismatch".to_owned(), detail: detail.clone() };
        return Err(Problem { errors: vec![error], ..Problem::new(422, "currency_mismatch", detail) });
    }
    if let Some(own) = &caller.store {
        match &order.store {
            None => order.store = Some(own.clone()),
            Some(store) if store == own => {}
            Some(_) => return Err(Problem::new(403, "foreign_store", format!("This key is for the store {own} only"))),
        }
    }
    Ok(order)
}

/// A till uses the redemptions of its own store, and those made without one: on the site, for a pick-up.
#[must_use]
pub fn may_use(caller: &Caller, redemption: &Redemption) -> bool {
    caller.store.is_none() || redemption.store.is_none() || caller.store == redemption.store
}

/// What is to be paid with points: `"500"`, `"max"`, or nothing.
///
/// # Errors
/// 422 at `/points` unless it is above 0.
pub fn asked_payment(points: Option<&Amount>, scale: u8) -> Result<AskedPayment, Problem> {
    match points {
        None => Ok(AskedPayment::None),
        Some(amount) if amount.is_max() => Ok(AskedPayment::Maximum),
        Some(amount) => match amount.points(scale, "/points")? {
            points if points > Points::ZERO => Ok(AskedPayment::Exact(points.0)),
            _ => Err(Problem::field("/points", "out_of_range", "must be above 0, or \"max\"")),
        },
    }
}

/// The rules component said what can't be: a fault of the tenant's own engine, not of the caller.
#[must_use]
pub fn inconsistent(what: &str) -> Problem {
    Problem::new(500, "rules_inconsistent", format!("The rules component gave {what}; nothing was written"))
}

/// The program's judgement of an order, or why there is none in the API's words. `prefix` is where the order stands.
///
/// # Errors
/// 422 for an order or an amount of points that the program refuses, 409 for more points than the member has.
pub fn judged(
    program: &ActiveProgram,
    member: Option<&Member>,
    available: Points,
    order: &Order,
    payment: &AskedPayment,
    prefix: &str,
) -> Result<Judgement, Problem> {
    let points = |points: Points| amount::format(points.0, program.scale());
    program.judge_order(member, available, order, payment).map_err(|failure| match failure {
        RulesFailure::Invalid(error) => {
            let pointer = match error.pointer.as_str() {
                "/delivery" => format!("{prefix}/delivery/cost"),
                "/points" => error.pointer,
                pointer => format!("{prefix}{pointer}"),
            };
            Problem::field(pointer, &error.code, error.detail)
        }
        RulesFailure::LimitExceeded { max_points, max_money, code, reason } => {
            let error = FieldError { pointer: "/points".to_owned(), code, detail: reason.clone() };
            Problem { errors: vec![error], ..Problem::new(422, "redemption_limit_exceeded", reason) }
                .with("max_points", points(max_points))
                .with("max_money", amount::format(max_money.0, MONEY_SCALE))
        }
        RulesFailure::Insufficient(_) => {
            Problem::new(409, "insufficient_points", format!("Only {} points can be spent", points(available)))
                .with("available", points(available))
        }
        RulesFailure::Inconsistent(what) => inconsistent(what),
        RulesFailure::Overflow => Problem::field(prefix, "out_of_range", "an amount is beyond 10^12 minor units"),
    })
}
