//! An order together with what a program might have judged of it, built line by line.

use domain::judgement::{Explanation, Grant, JudgedLine, Judgement, Payment, Standing, Tier};
use domain::order::{Discounts, Line, Order};
use domain::{Instant, Money, Points, Quantity};

use crate::{NOW, day};

#[derive(Clone)]
pub struct Purchase {
    pub order: Order,
    pub judgement: Judgement,
}

/// A purchase without lines yet, made now.
pub fn purchase(reference: &str) -> Purchase {
    Purchase {
        order: Order {
            reference: reference.to_owned(),
            occurred_at: NOW,
            channel: "site".to_owned(),
            store: None,
            device: None,
            currency: "RUB".to_owned(),
            lines: Vec::new(),
            delivery: Money::ZERO,
            vouchers: Vec::new(),
            discounts: Discounts::ByRules,
            with_offers: false,
        },
        judgement: Judgement::default(),
    }
}

impl Purchase {
    /// So many thousandths of goods for this amount in all, which counts toward the tiers. Where no price of a piece comes to
    /// it, the next higher one does, less a discount.
    pub fn line(mut self, id: &str, quantity: i64, amount: i64) -> Self {
        let price = (amount * 1_000 + quantity - 1) / quantity;
        let discount = price * (quantity / 1_000) + (price * (quantity % 1_000) + 500) / 1_000 - amount;
        self.order.lines.push(Line {
            id: id.to_owned(),
            sku: format!("sku-{id}"),
            name: None,
            category: None,
            brand: None,
            labels: Vec::new(),
            quantity: Quantity(quantity),
            price: Money(price),
            discount: Money(discount),
            cost: None,
            tax: None,
            promo: false,
        });
        let qualifying = Money(amount);
        self.judgement.lines.push(JudgedLine { amount: Money(amount), qualifying, ..JudgedLine::default() });
        let judged = &mut self.judgement;
        judged.items = Money(judged.items.0 + amount);
        judged.payable = Money(judged.payable.0 + amount);
        judged.qualifying = Money(judged.qualifying.0 + amount);
        self
    }

    /// One lot, shared by the lines as given; it can be spent at once for 90 days.
    pub fn earns(self, rule: &str, shares: &[i64]) -> Self {
        self.earns_for(rule, shares, NOW, Some(day(90)))
    }

    /// One lot with its own life.
    pub fn earns_for(mut self, rule: &str, shares: &[i64], activates_at: Instant, expires_at: Option<Instant>) -> Self {
        let judged = &mut self.judgement;
        let points = Points(shares.iter().sum());
        let grant = judged.grants.len();
        judged.grants.push(Grant { rule_id: rule.to_owned(), points, activates_at, expires_at });
        judged.earned = Points(judged.earned.0 + points.0);
        for (line, share) in judged.lines.iter_mut().zip(shares).filter(|(_, share)| **share > 0) {
            line.shares.push((grant, Points(*share)));
        }
        let reason = format!("{rule} fired");
        judged.explanations.push(Explanation::fact(rule, points, "percent_of_items", reason));
        self
    }

    /// Points pay these parts of the lines: (points, money).
    pub fn paid(mut self, parts: &[(i64, i64)]) -> Self {
        let judged = &mut self.judgement;
        for (line, (points, money)) in judged.lines.iter_mut().zip(parts) {
            line.paid_points = Points(*points);
            line.paid_money = Money(*money);
        }
        let points = Points(parts.iter().map(|part| part.0).sum());
        let money = Money(parts.iter().map(|part| part.1).sum());
        judged.payment =
            Payment { max_points: points, max_money: money, limit_points: points, points, money, confirmation_required: false };
        judged.payable = Money(judged.payable.0 - money.0);
        self
    }

    /// The program takes these amounts off the lines.
    pub fn discounted(mut self, discounts: &[i64]) -> Self {
        let judged = &mut self.judgement;
        for (line, discount) in judged.lines.iter_mut().zip(discounts) {
            line.discount = Money(*discount);
        }
        judged.discount = Money(discounts.iter().sum());
        judged.payable = Money(judged.payable.0 - judged.discount.0);
        self
    }

    pub fn delivered_for(mut self, cost: i64) -> Self {
        self.order.delivery = Money(cost);
        self.judgement.delivery = Money(cost);
        self.judgement.payable = Money(self.judgement.payable.0 + cost);
        self
    }

    pub fn confirmed_by_code(mut self) -> Self {
        self.judgement.payment.confirmation_required = true;
        self
    }

    pub fn happened(mut self, at: Instant) -> Self {
        self.order.occurred_at = at;
        self
    }

    /// The order lifts its member to this tier.
    pub fn reaching(mut self, tier: &str) -> Self {
        self.judgement.after = standing(tier);
        self
    }
}

/// A standing in a tier.
pub fn standing(tier: &str) -> Standing {
    let tier = Tier { id: tier.to_owned(), name: tier.to_owned(), ..Tier::default() };
    Standing { tier: Some(tier), ..Standing::default() }
}
