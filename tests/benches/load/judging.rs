//! The rules, natively: what the components do with them across the WIT boundary, for what the ledger reads.

use domain::judgement::{ClawbackPolicy, Explanation, Grant, JudgedLine, Judgement, Payment};
use domain::order::Order;
use domain::snapshot::Member;
use domain::{Instant, Money, Points};
use ledger::Terms;
use rules::{Program, engine};

/// What the ledger must know of the program. Its version is the first.
pub fn terms(program: &Program) -> Terms {
    let settings = program.settings();
    Terms {
        program_version: 1,
        points_scale: settings.points_scale,
        clawback: ClawbackPolicy::AllowNegative,
        hold_seconds: settings.hold_seconds,
        returned_until: None,
        notice_days: settings.notice_days.map(i64::from),
        budgets: Vec::new(),
    }
}

/// The program's judgement of an order.
pub fn judge(program: &Program, member: &Member, available: Points, order: &Order, payment: engine::Payment) -> Judgement {
    let facts = engine::Member {
        orders: u32::try_from(member.orders).expect("a number of orders"),
        qualifying_spend: member.qualifying_spend.0,
        available: available.0,
        ..engine::Member::default()
    };
    let judged = program.judge_order(&facts, &for_rules(order), &payment).expect("the order can be judged");
    let paid = judged.redemption;
    Judgement {
        items: Money(judged.items),
        discount: Money(judged.discount),
        delivery: Money(judged.delivery),
        payable: Money(judged.payable),
        lines: judged.lines.into_iter().map(line).collect(),
        earned: Points(judged.earned),
        grants: judged.grants.into_iter().map(grant).collect(),
        payment: Payment {
            max_points: Points(paid.max_points),
            max_money: Money(paid.max_money),
            limit_points: Points(paid.limit_points),
            points: Points(paid.points),
            money: Money(paid.money),
            confirmation_required: paid.confirmation_required,
        },
        qualifying: Money(judged.qualifying),
        explanations: judged.explanations.into_iter().map(explanation).collect(),
        payment_explanations: judged.redemption_explanations.into_iter().map(explanation).collect(),
        referral: None,
        // the program has no tiers, and offers are for quotes
        ..Judgement::default()
    }
}

fn for_rules(order: &Order) -> engine::Order {
    let lines = order.lines.iter().map(|line| engine::Line {
        id: line.id.clone(),
        sku: line.sku.clone(),
        category: line.category.clone(),
        brand: line.brand.clone(),
        labels: line.labels.clone(),
        quantity: line.quantity.0,
        price: line.price.0,
        discount: line.discount.0,
        cost: line.cost.map(|cost| cost.0),
        tax: line.tax.map(|tax| tax.0),
        promo: line.promo,
    });
    engine::Order {
        occurred_at: order.occurred_at.0,
        channel: order.channel.clone(),
        store: order.store.clone(),
        lines: lines.collect(),
        delivery: order.delivery.0,
        vouchers: Vec::new(),
        discounts: engine::Discounts::ByRules,
        with_offers: order.with_offers,
    }
}

fn line(line: engine::JudgedLine) -> JudgedLine {
    let shares = line.shares.into_iter().map(|share| (share.grant as usize, Points(share.points)));
    JudgedLine {
        amount: Money(line.amount),
        discount: Money(line.discount),
        discounts: line.discounts.into_iter().map(|part| (part.rule_id, Money(part.money))).collect(),
        cuts: Vec::new(),
        paid_points: Points(line.paid_points),
        paid_money: Money(line.paid_money),
        qualifying: Money(line.qualifying),
        shares: shares.collect(),
    }
}

fn grant(grant: engine::Grant) -> Grant {
    Grant {
        rule_id: grant.rule_id,
        points: Points(grant.points),
        activates_at: Instant(grant.activates_at),
        expires_at: grant.expires_at.map(Instant),
    }
}

fn explanation(given: engine::Explanation) -> Explanation {
    Explanation {
        rule_id: given.rule_id,
        fired: given.fired,
        points: Points(given.points),
        code: given.code,
        money: Money(given.money),
        reason: given.reason,
        translations: given.translations.into_iter().map(|said| (said.language, said.text)).collect(),
        shortfall: None,
    }
}
