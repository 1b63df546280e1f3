//! Plays a plan through the program's endpoints.
//!
//! Everything of one moment happens before the clock moves on. Within a moment customers come side by side, and each
//! does one thing after the other, so that every sum is the same in every run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures::StreamExt as _;
use http::{Method, StatusCode};
use indicatif::ProgressBar;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::books::{Balance, Points, amount};
use super::plan::{Deed, Order, Return, Step};
use crate::cli::client::Answer;
use crate::cli::shop::Shop;

/// Customers that come at the same time.
const SIDE_BY_SIDE: usize = 16;
/// How many refusals are kept in words; the rest is counted.
const MOST_WORDS: usize = 20;

/// Plays plans.
pub struct Driver<'a> {
    shop: &'a Shop,
    currency: &'a str,
    requests: AtomicU64,
}

/// A member, and what the answers about them said.
#[derive(Clone, Debug)]
struct Member {
    id: String,
    points: Points,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Tally {
    pub member_orders: u64,
    pub anonymous_orders: u64,
    pub lines: u64,
    /// Orders that points paid a part of.
    pub paid_orders: u64,
    /// Orders of members who wanted to pay with points, but had none, or none that the program would take.
    pub unpaid_orders: u64,
    pub redemptions: u64,
    pub returns: u64,
    pub members: u64,
    pub requests: u64,
    /// Runs of the scheduled work.
    pub runs: u64,
    /// From the first order to the last one.
    pub time: Duration,
    /// As the answers said it.
    pub points: Points,
    /// As the balances say it at the end.
    pub books: Balance,
    pub trouble: Trouble,
}

/// What should not have happened, the first few in words.
#[derive(Debug, Default)]
pub struct Trouble {
    pub count: u64,
    pub words: Vec<String>,
}

impl Trouble {
    /// Notes it.
    pub fn add(&mut self, words: String) {
        self.count += 1;
        if self.words.len() < MOST_WORDS {
            self.words.push(words);
        }
    }
}

/// What one customer did in one moment.
#[derive(Default)]
struct Visit {
    customer: Option<String>,
    member: Option<Member>,
    tally: Tally,
}

impl<'a> Driver<'a> {
    pub fn new(shop: &'a Shop, currency: &'a str) -> Self {
        Self { shop, currency, requests: AtomicU64::new(0) }
    }

    /// Plays everything, then compares the members' balances with the answers.
    pub async fn play(&self, steps: &[Step], bar: &ProgressBar) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut members: BTreeMap<String, Member> = BTreeMap::new();
        let started = Instant::now();
        for moment in steps.chunk_by(|one, other| one.at == other.at) {
            let at = moment[0].at;
            let advance = self.shop.host.advance_to(at).await?;
            tally.runs += advance.runs;
            for _ in 0..advance.failed {
                tally.trouble.add(format!("a scheduled run before {at} failed"));
            }
            let visits = by_customer(moment).into_iter().map(|(customer, steps)| {
                let member = customer.and_then(|customer| members.remove(customer));
                self.visit(customer, member, steps)
            });
            // Made before any is awaited: the members are lent out by then.
            let visits: Vec<_> = visits.collect();
            let visits: Vec<Visit> = futures::stream::iter(visits).buffered(SIDE_BY_SIDE).collect().await;
            for visit in visits {
                tally.add(visit.tally);
                members.extend(visit.customer.zip(visit.member));
            }
            bar.inc(u64::try_from(moment.len())?);
            bar.set_message(at.strftime("%F").to_string());
        }
        tally.time = started.elapsed();
        tally.requests = self.requests.load(Ordering::Relaxed);
        bar.set_message("balances");
        self.balance(&members, &mut tally).await;
        Ok(tally)
    }

    /// Compares every member's balance with what the answers said.
    async fn balance(&self, members: &BTreeMap<String, Member>, tally: &mut Tally) {
        let balances = members.iter().map(async |(customer, member)| (customer, member, self.balance_of(&member.id).await));
        // Collected first: what borrows the members must not be asked for while it is awaited.
        let balances: Vec<_> = balances.collect();
        let mut balances = futures::stream::iter(balances).buffered(SIDE_BY_SIDE);
        while let Some((customer, member, balance)) = balances.next().await {
            tally.members += 1;
            tally.points += &member.points;
            match balance {
                Ok(balance) => {
                    tally.books += &balance;
                    for disagreement in balance.disagreements(&member.points) {
                        tally.trouble.add(format!("customer {customer}: {disagreement}"));
                    }
                }
                Err(error) => tally.trouble.add(format!("the balance of customer {customer}: {error:#}")),
            }
        }
        for disagreement in tally.books.disagreements(&tally.points) {
            tally.trouble.add(format!("all members: {disagreement}"));
        }
    }

    async fn balance_of(&self, member: &str) -> Result<Balance> {
        let answer = self.send(Method::GET, &format!("/v1/members/{member}/balance"), None, None).await?;
        Balance::read(&refused(answer)?)
    }

    async fn visit(&self, customer: Option<&str>, member: Option<Member>, steps: Vec<&Step>) -> Visit {
        let mut visit = Visit { customer: customer.map(str::to_owned), member, tally: Tally::default() };
        for step in steps {
            let (what, done) = match &step.deed {
                Deed::Order(order) => (format!("order {}", order.number), self.order(&mut visit, step, order).await),
                Deed::Return(given) => {
                    let what = format!("return {} of order {}", given.number, given.order);
                    (what, self.take_back(&mut visit, step, given).await)
                }
            };
            if let Err(error) = done {
                visit.tally.trouble.add(format!("{what}: {error:#}"));
            }
        }
        visit
    }

    async fn order(&self, visit: &mut Visit, step: &Step, order: &Order) -> Result<()> {
        let mut body = order_body(step, order, self.currency);
        let mut held = Decimal::ZERO;
        if let Some(customer) = visit.customer.clone() {
            if visit.member.is_none() {
                visit.member = Some(self.enrol(&customer).await?);
            }
            let member = json!({"external_id": customer});
            if order.pays {
                let redemption = json!({"member": member, "order": body, "points": "max"});
                match self.hold(&mut visit.tally, &order.number, &redemption).await? {
                    Some((id, points)) => {
                        held = points;
                        body["redemption_id"] = id.into();
                        visit.tally.paid_orders += 1;
                    }
                    None => visit.tally.unpaid_orders += 1,
                }
            }
            body["member"] = member;
        }
        let answer = refused(self.post("/v1/orders", &body, &format!("order-{}", order.number)).await?)?;
        let (earned, redeemed) = (amount(&answer, "/earned/points")?, amount(&answer, "/redeemed")?);
        visit.tally.lines += u64::try_from(order.lines.len())?;
        match &mut visit.member {
            Some(member) => {
                visit.tally.member_orders += 1;
                member.points.earned += earned;
                member.points.redeemed += redeemed;
            }
            None => {
                visit.tally.anonymous_orders += 1;
                ensure!(earned.is_zero(), "nobody bought, and earned {earned}");
            }
        }
        ensure!(redeemed == held, "{held} were held to pay it, {redeemed} were redeemed");
        Ok(())
    }

    /// Enrols a customer, whose first balance is the welcome.
    async fn enrol(&self, customer: &str) -> Result<Member> {
        let body = json!({"external_id": customer, "channel": "store"});
        let answer = refused(self.post("/v1/members", &body, &format!("enrol-{customer}")).await?)?;
        let Some(id) = answer["id"].as_str() else { bail!("a member without an id") };
        let welcome = self.balance_of(id).await?.earned;
        Ok(Member { id: id.to_owned(), points: Points { welcome, ..Points::default() } })
    }

    /// Holds as many points as the program allows: the redemption and its points, if there are any.
    async fn hold(&self, tally: &mut Tally, order: &str, body: &Value) -> Result<Option<(String, Decimal)>> {
        let answer = self.post("/v1/redemptions", body, &format!("redemption-{order}")).await?;
        let code = answer.body["code"].as_str();
        if let (StatusCode::CONFLICT, Some("insufficient_points"))
        | (StatusCode::UNPROCESSABLE_ENTITY, Some("redemption_limit_exceeded")) = (answer.status, code)
        {
            return Ok(None);
        }
        let answer = refused(answer)?;
        let Some(id) = answer["id"].as_str() else { bail!("a redemption without an id") };
        tally.redemptions += 1;
        if answer["status"] != "held" {
            // Nobody is there to say the code that was sent.
            refused(self.post(&format!("/v1/redemptions/{id}/release"), &json!({}), &format!("release-{order}")).await?)?;
            return Ok(None);
        }
        Ok(Some((id.to_owned(), amount(&answer, "/points")?)))
    }

    async fn take_back(&self, visit: &mut Visit, step: &Step, given: &Return) -> Result<()> {
        let line = |(line, quantity): &(usize, u64)| json!({"id": line.to_string(), "quantity": quantity});
        let lines: Vec<_> = given.lines.iter().map(line).collect();
        let body = json!({"return_id": given.number, "occurred_at": step.at.to_string(), "lines": lines});
        let (path, key) = (format!("/v1/orders/{}/returns", given.order), format!("return-{}-{}", given.number, given.order));
        let answer = refused(self.post(&path, &body, &key).await?)?;
        visit.tally.returns += 1;
        let Some(member) = &mut visit.member else { bail!("a return of a customer who is no member") };
        member.points.clawed_back += amount(&answer, "/clawed_back")?;
        member.points.forgiven += amount(&answer, "/forgiven")?;
        member.points.restored += amount(&answer, "/restored")?;
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value, key: &str) -> Result<Answer> {
        self.send(Method::POST, path, Some(body), Some(key)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<Answer> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.shop.client.send(method, path, body, key).await
    }
}

/// The body of a success; a refusal is an error, with its code.
fn refused(answer: Answer) -> Result<Value> {
    let code = answer.body["code"].as_str().unwrap_or("no code").to_owned();
    answer.success().map_err(|error| error.context(code))
}

/// The steps of a moment by customer, in the sequence of the file; whoever is unknown comes alone.
fn by_customer(moment: &[Step]) -> Vec<(Option<&str>, Vec<&Step>)> {
    let mut visits: Vec<(Option<&str>, Vec<&Step>)> = Vec::new();
    for step in moment {
        let customer = step.customer.as_deref();
        match visits.iter_mut().find(|(known, _)| customer.is_some() && *known == customer) {
            Some((_, steps)) => steps.push(step),
            None => visits.push((customer, vec![step])),
        }
    }
    visits
}

fn order_body(step: &Step, order: &Order, currency: &str) -> Value {
    let lines = order.lines.iter().map(|line| {
        let mut body = json!({
            "id": line.position.to_string(), "sku": line.sku, "quantity": line.quantity, "price": line.price.to_string(),
        });
        if !line.name.is_empty() {
            body["name"] = line.name.as_str().into();
        }
        body
    });
    let mut body = json!({
        "id": order.number, "occurred_at": step.at.to_string(), "channel": "store", "currency": currency,
        "lines": lines.collect::<Vec<_>>(),
    });
    if !order.delivery.is_zero() {
        body["delivery"] = json!({"cost": order.delivery.to_string()});
    }
    body
}

impl Tally {
    /// Adds what happened in a visit.
    fn add(&mut self, visit: Self) {
        self.member_orders += visit.member_orders;
        self.anonymous_orders += visit.anonymous_orders;
        self.lines += visit.lines;
        self.paid_orders += visit.paid_orders;
        self.unpaid_orders += visit.unpaid_orders;
        self.redemptions += visit.redemptions;
        self.returns += visit.returns;
        self.trouble.count += visit.trouble.count;
        self.trouble.words.extend(visit.trouble.words);
        self.trouble.words.truncate(MOST_WORDS);
    }

    pub fn orders(&self) -> u64 {
        self.member_orders + self.anonymous_orders
    }
}
