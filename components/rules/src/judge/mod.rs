//! Judging an order, stage by stage: line amounts, the program's discounts, points paid, earning, sharing, explaining.

mod earning;
mod enrolment;
mod explaining;
mod lines;
mod offers;
mod payment;
mod selection;
mod sharing;
mod standing;

pub use enrolment::judge_enrolment;
pub use standing::standing;

use crate::document::Document;
use crate::engine::{Failure, Finding, JudgedLine, Judgement, Member, Order, Payment};
use crate::money;
use earning::{EarningLine, Purchase};

/// Judges an order for a member who wants to pay so.
pub fn judge_order(document: &Document, member: &Member, order: &Order, payment: &Payment) -> Result<Judgement, Failure> {
    let tiers = &document.settings.tiers;
    money::bounded(member.qualifying_spend.into())?;
    money::bounded(member.available.into())?;
    let priced = lines::price(order)?;
    let items = money::sum(priced.iter().map(|line| line.amount))?;
    let discount = money::sum(priced.iter().map(|line| line.discount))?;
    let paid = payment::pay(document, member, order, &priced, items, payment)?;

    let mut lines = Vec::with_capacity(priced.len());
    let mut judged = Vec::with_capacity(priced.len());
    for (line, part) in priced.iter().zip(&paid.parts) {
        let basis = money::subtract(line.net()?, part.money)?;
        lines.push(EarningLine { line: line.line, amount: line.amount, basis });
        judged.push(JudgedLine {
            id: line.line.id.clone(),
            amount: line.amount,
            discount: line.discount,
            paid_points: part.points,
            paid_money: part.money,
            qualifying: basis,
            shares: Vec::new(),
        });
    }
    let qualifying = money::sum(judged.iter().map(|line| line.qualifying))?;
    let spend_after = money::add(member.qualifying_spend, qualifying)?;

    let tier = standing::held(tiers, member.qualifying_spend);
    let purchase = Purchase { document, member, order, items, lines, tier };
    let verdicts = earning::judge(&purchase, None)?;
    let earned_now = money::sum(verdicts.iter().map(earning::Verdict::points))?;
    let offers = offers::offers(&purchase, &verdicts, earned_now);
    let earned = earning::earn(&purchase, verdicts)?;
    for (line, shares) in judged.iter_mut().zip(earned.shares) {
        line.shares = shares;
    }

    let goods = money::subtract(money::subtract(items, discount)?, paid.redemption.money)?;
    Ok(Judgement {
        items,
        discount,
        delivery: order.delivery,
        payable: money::add(goods, order.delivery)?,
        lines: judged,
        earned: earned.points,
        grants: earned.grants,
        redemption: paid.redemption,
        qualifying,
        before: standing(tiers, member.qualifying_spend),
        after: standing(tiers, spend_after),
        offers,
        explanations: earned.explanations,
        redemption_explanations: paid.explanation.into_iter().collect(),
    })
}

/// An order that can't be judged as it stands.
fn invalid(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Failure {
    Failure::Invalid(Finding { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() })
}
