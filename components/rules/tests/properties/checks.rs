//! What must hold of every judgement, computed from the document as it is written.

use rules::Program;
use rules::engine::{Explanation, JudgedLine, Judgement, Line, Member, Order, Payment, UseOfRule};
use serde_json::Value;

/// What must hold of every judgement.
pub fn check(document: &Value, member: &Member, order: &Order, payment: &Payment, judged: &Judgement) {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.sum::<i64>();
    let lines = &judged.lines;
    assert_eq!(judged.items, sum(&mut lines.iter().map(|line| line.amount)));
    assert_eq!(judged.discount, sum(&mut lines.iter().map(|line| line.discount)));
    assert_eq!(judged.qualifying, sum(&mut lines.iter().map(|line| line.qualifying)));
    assert_eq!(judged.redemption.points, sum(&mut lines.iter().map(|line| line.paid_points)));
    assert_eq!(judged.redemption.money, sum(&mut lines.iter().map(|line| line.paid_money)));
    assert_eq!(judged.earned, sum(&mut judged.grants.iter().map(|grant| grant.points)));
    let fired = judged.explanations.iter().filter(|said| said.fired);
    assert_eq!(judged.earned, sum(&mut fired.map(|said| said.points)));
    let off = judged.explanations.iter().filter(|said| said.fired);
    assert_eq!(judged.discount, sum(&mut off.map(|said| said.money)), "what rules say they took off");
    assert!(judged.explanations.iter().all(|said| said.fired || (said.points, said.money) == (0, 0)));
    let translated = |said: &Explanation| !said.reason.is_empty() && said.translations.iter().any(|said| said.language == "ru");
    assert!(judged.explanations.iter().chain(&judged.redemption_explanations).all(translated));
    assert_eq!(judged.payable, judged.items - judged.discount - judged.redemption.money + judged.delivery);
    assert!(judged.payable >= judged.delivery && judged.earned >= 0);
    for (index, grant) in judged.grants.iter().enumerate() {
        let shares = lines.iter().flat_map(|line| &line.shares).filter(|share| share.grant as usize == index);
        assert_eq!(grant.points, sum(&mut shares.map(|share| share.points)));
        assert!(grant.points > 0 && grant.activates_at >= order.occurred_at);
        assert!(grant.expires_at.is_none_or(|end| end > grant.activates_at));
    }
    for (line, asked) in lines.iter().zip(&order.lines) {
        assert_eq!(line.id, asked.id);
        assert!(line.amount >= 0 && line.paid_points >= 0 && line.paid_money >= 0 && line.qualifying >= 0);
        assert_eq!(line.qualifying, line.amount - line.discount - line.paid_money);
        assert!(line.shares.iter().all(|share| share.points > 0));
        assert_eq!(line.discount, sum(&mut line.discounts.iter().map(|part| part.money)));
        assert!(line.discounts.iter().all(|part| part.money > 0));
        assert!(line.cuts.iter().all(|cut| cut.money >= 0 && cut.points >= 0 && cut.money + cut.points > 0));
        above_the_floor(document, line, asked, payment);
    }
    let redemption = &judged.redemption;
    assert!(redemption.max_points <= redemption.limit_points && redemption.limit_money <= judged.items);
    assert!(redemption.max_points <= member.available.max(0));
    match payment {
        Payment::None => assert_eq!((redemption.points, redemption.money), (0, 0)),
        Payment::Exact(points) => {
            assert_eq!(redemption.points, *points);
            assert!(redemption.points <= redemption.max_points && redemption.money <= redemption.max_money);
        }
        Payment::Maximum => {
            assert_eq!((redemption.points, redemption.money), (redemption.max_points, redemption.max_money));
        }
        Payment::Agreed(agreed) => {
            assert_eq!((redemption.points, redemption.money), (agreed.points, agreed.money));
        }
    }
    assert_eq!(judged.redemption_explanations.len(), usize::from(*payment != Payment::None));
    assert!(judged.offers.iter().all(|offer| offer.points + offer.money > 0 && offer.shortfall > 0));
    within_limits(document, member, judged);
    assert!(judged.before.next.iter().chain(&judged.after.next).all(|next| next.remaining >= 1));
}

/// Whoever buys what an offer asks for gets what it promises: the rule's part of what the larger order has more.
pub fn offers_come_true(
    document: &Value,
    program: &Program,
    (member, order, payment): (&Member, &Order, &Payment),
    judged: &Judgement,
) {
    for offer in &judged.offers {
        let taxed = order.lines.iter().zip(&judged.lines).filter(|(_, judged)| judged.amount > 0);
        let taxes =
            taxed.filter_map(|(line, judged)| Some((i128::from(line.tax?.min(judged.amount)), i128::from(judged.amount))));
        let extra = i128::from(offer.shortfall);
        let tax = taxes.map(|(tax, amount)| (extra * tax + amount - 1) / amount).max();
        let without_tax = document["earning_basis"]["tax"] == "excluded";
        let mut larger = order.clone();
        larger.lines.push(Line {
            tax: tax.filter(|_| without_tax).map(|tax| tax as i64),
            ..crate::common::line("what is bought beyond the order", offer.shortfall)
        });
        let then = program.judge_order(member, &larger, payment).expect("an offered order can be judged");
        let of_rule = |judged: &Judgement| {
            let said =
                judged.explanations.iter().find(|said| said.rule_id == offer.rule_id).expect("each rule has its explanation");
            (said.points, said.money)
        };
        let ((points_now, money_now), (points, money)) = (of_rule(judged), of_rule(&then));
        let expected = if offer.money > 0 {
            (0, (money - money_now).min(then.discount - judged.discount))
        } else {
            ((points - points_now).min(then.earned - judged.earned), 0)
        };
        assert_eq!((offer.points, offer.money), expected, "{offer:?}");
    }
}

/// A decimal of the document, in units of so many places.
fn units(value: &Value, places: usize) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction: String = fraction.chars().chain("0000000000".chars()).take(places).collect();
    format!("{whole}{fraction}").parse().expect("a decimal of a valid document")
}

/// A line that carries its cost keeps the floor, unless its own price is below it already: then nothing was taken.
fn above_the_floor(document: &Value, line: &JudgedLine, asked: &Line, payment: &Payment) {
    let guard = &document["margin_guard"];
    let (Some(cost), false) = (asked.cost, guard.is_null()) else { return };
    let covers = |benefit: &str| guard["covers"].as_array().is_none_or(|covers| covers.iter().any(|covered| covered == benefit));
    let floor = units(&guard["floor"], 4); // of a million
    let cost = i128::from(cost) * i128::from(asked.quantity); // in hundredths of a thousandth
    // what it brings, less its cost, is at least the floor of what it brings
    let keeps = |brings: i128| brings * (1_000_000 - floor) * 1_000 >= cost * 1_000_000;
    let (discounted, paid) = (line.amount - line.discount, line.amount - line.discount - line.paid_money);
    if covers("discounts") && line.discount > 0 {
        assert!(keeps(discounted.into()), "discounts of {line:?} at a cost of {cost}");
    }
    if covers("redemption") && line.paid_money > 0 && !matches!(payment, Payment::Agreed(_)) {
        assert!(keeps(paid.into()), "points paid of {line:?} at a cost of {cost}");
    }
    let earned: i64 = line.shares.iter().map(|share| share.points).sum();
    if covers("earning") && earned > 0 {
        let scale = document["points"]["scale"].as_u64().expect("a scale") as u32;
        let rate = units(&document["points"]["conversion_rate"], 2);
        let worth = i128::from(earned) * rate / 10_i128.pow(scale);
        assert!(keeps(i128::from(paid) - worth), "points earned on {line:?} at a cost of {cost}");
    }
}

/// No rule gives more than its caps leave.
fn within_limits(document: &Value, member: &Member, judged: &Judgement) {
    let scale = document["points"]["scale"].as_u64().expect("a scale") as usize;
    for rule in document["earning"].as_array().into_iter().flatten() {
        let Some(grant) = judged.grants.iter().find(|grant| rule["id"] == grant.rule_id.as_str()) else { continue };
        let used = member.uses.iter().find(|used| used.rule_id == grant.rule_id);
        let so_far = |points: fn(&UseOfRule) -> i64| used.map_or(0, points);
        let bounds = [
            ("per_order", 0),
            ("per_day", so_far(|used| used.points_today)),
            ("per_member", so_far(|used| used.points)),
            ("budget", so_far(|used| used.points_of_all)),
        ];
        for (name, given) in bounds {
            if let Some(limit) = rule["limits"].get(name) {
                assert!(i128::from(grant.points + given) <= units(limit, scale), "{name} of {rule}: {grant:?} after {used:?}");
            }
        }
        if let Some(times) = rule["limits"]["times_per_member"].as_u64() {
            assert!(u64::from(so_far_times(used)) < times, "{rule} after {used:?}");
        }
    }
    for rule in document["discounts"].as_array().into_iter().flatten() {
        let taken = judged.lines.iter().flat_map(|line| &line.discounts).filter(|part| rule["id"] == part.rule_id.as_str());
        if let Some(most) = rule.get("per_order") {
            assert!(i128::from(taken.map(|part| part.money).sum::<i64>()) <= units(most, 2), "{rule}");
        }
    }
}

fn so_far_times(used: Option<&UseOfRule>) -> u32 {
    used.map_or(0, |used| used.times)
}
