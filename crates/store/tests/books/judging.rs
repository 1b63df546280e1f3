//! The real rules engine, natively, in the domain's types: what the component `rules` and its client do in WebAssembly.

use domain::judgement::{
    ClawbackPolicy, Explanation, Grant, JudgedLine, Judgement, NextTier, Payment, Shortfall, Standing, Tier,
};
use domain::order::Order;
use domain::snapshot::Member;
use domain::{Instant, Money, Points};
use ledger::Terms;
use rules::Program;
use rules::engine;

/// What the ledger must know of a program at a moment.
pub fn terms(program: &Program, now: Instant) -> Terms {
    let settings = program.settings();
    Terms {
        program_version: 1,
        points_scale: settings.points_scale,
        clawback: match settings.clawback {
            engine::ClawbackPolicy::ClampToZero => ClawbackPolicy::ClampToZero,
            engine::ClawbackPolicy::AllowNegative => ClawbackPolicy::AllowNegative,
            engine::ClawbackPolicy::WithinBalance => ClawbackPolicy::WithinBalance,
            engine::ClawbackPolicy::PendingOnly => ClawbackPolicy::PendingOnly,
        },
        hold_seconds: settings.hold_seconds,
        returned_until: program.returned_until(now.0).map(Instant),
        notice_days: settings.notice_days.map(i64::from),
        budgets: Vec::new(),
    }
}

/// What the program says to an order of a member who can spend so much.
pub fn judge(
    program: &Program,
    member: &Member,
    available: Points,
    order: &Order,
    payment: engine::Payment,
) -> Result<Judgement, engine::Failure> {
    let facts = engine::Member {
        orders: u32::try_from(member.orders).unwrap_or(u32::MAX),
        qualifying_spend: member.qualifying_spend.0,
        available: available.0,
        ..engine::Member::default()
    };
    program.judge_order(&facts, &asked(order), &payment).map(judgement)
}

/// Where a qualifying spend stands.
pub fn standing(program: &Program, spend: Money) -> Standing {
    stands(program.standing(&engine::Member { qualifying_spend: spend.0, ..engine::Member::default() }, 0))
}

fn asked(order: &Order) -> engine::Order {
    let line = |line: &domain::order::Line| engine::Line {
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
    };
    engine::Order {
        occurred_at: order.occurred_at.0,
        channel: order.channel.clone(),
        store: order.store.clone(),
        lines: order.lines.iter().map(line).collect(),
        delivery: order.delivery.0,
        vouchers: Vec::new(),
        discounts: engine::Discounts::ByRules,
        with_offers: order.with_offers,
    }
}

fn judgement(judged: engine::Judgement) -> Judgement {
    let paid = judged.redemption;
    let line = |line: engine::JudgedLine| JudgedLine {
        amount: Money(line.amount),
        discount: Money(line.discount),
        discounts: line.discounts.into_iter().map(|part| (part.rule_id, Money(part.money))).collect(),
        cuts: Vec::new(),
        paid_points: Points(line.paid_points),
        paid_money: Money(line.paid_money),
        qualifying: Money(line.qualifying),
        shares: line.shares.into_iter().map(|share| (share.grant as usize, Points(share.points))).collect(),
    };
    let grant = |grant: engine::Grant| Grant {
        rule_id: grant.rule_id,
        points: Points(grant.points),
        activates_at: Instant(grant.activates_at),
        expires_at: grant.expires_at.map(Instant),
    };
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
        before: stands(judged.before),
        after: stands(judged.after),
        extensions: Vec::new(),
        offers: Vec::new(),
        perks: Vec::new(),
        explanations: judged.explanations.into_iter().map(explanation).collect(),
        payment_explanations: judged.redemption_explanations.into_iter().map(explanation).collect(),
        referral: None,
    }
}

fn explanation(given: engine::Explanation) -> Explanation {
    Explanation {
        rule_id: given.rule_id,
        fired: given.fired,
        points: Points(given.points),
        money: Money(given.money),
        code: given.code,
        reason: given.reason,
        translations: Vec::new(),
        shortfall: given.shortfall.map(|shortfall| match shortfall {
            engine::Shortfall::Money(money) => Shortfall::Money(Money(money)),
            engine::Shortfall::Points(points) => Shortfall::Points(Points(points)),
            engine::Shortfall::Count(count) => Shortfall::Count(count),
            engine::Shortfall::Time(at) => Shortfall::Time(Instant(at)),
        }),
    }
}

fn stands(given: engine::Standing) -> Standing {
    let tier = |tier: engine::Tier| Tier {
        id: tier.id,
        name: tier.name,
        threshold: tier.threshold,
        rate: tier.rate,
        rate_promo: tier.rate_promo,
        ..Tier::default()
    };
    let next = |next: engine::NextTier| NextTier {
        id: next.id,
        name: next.name,
        threshold: next.threshold,
        remaining: next.remaining,
        order_min: next.order_min.map(Money),
    };
    Standing { tier: given.tier.map(tier), next: given.next.map(next), ..Standing::default() }
}
