//! What must hold for any program, any order and any payment, tried on many of each. One seed replays a failure.

mod common;

use common::{NOON, member};
use rules::Program;
use rules::engine::{Agreed, Failure, Judgement, Line, Member, Order, Payment};
use rules::presets::PRESETS;
use serde_json::{Value, json};

/// A small generator of numbers (splitmix64): the tests need many cases, not good randomness.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Mostly everyday amounts, sometimes the edges of the contract and beyond.
    fn amount(&mut self) -> i64 {
        match self.below(40) {
            0 => self.pick(&[i64::MIN, -1, 1_000_000_000_000, 1_000_000_000_001, i64::MAX]),
            1..4 => 0,
            4..8 => self.below(10) as i64,
            8..12 => self.below(1_000_000_000_000) as i64,
            _ => self.below(5_000_000) as i64,
        }
    }

    fn line(&mut self, id: u64) -> Line {
        let price = self.amount();
        let quantity = self.pick(&[1_000, 1_000, 2_000, 333, 1, 12_345, 1_000]);
        let gross = (i128::from(price) * i128::from(quantity) / 1_000).clamp(0, 1_000_000_000_000) as u64;
        let word = |chance: &mut Self, words: &[&str]| chance.one_in(2).then(|| chance.pick(words).to_owned());
        Line {
            id: if self.one_in(400) { "same".to_owned() } else { id.to_string() },
            sku: format!("sku-{}", self.below(5)),
            category: word(self, &["toys", "gift cards"]),
            brand: word(self, &["lego", "acme"]),
            labels: word(self, &["product-of-the-month", "new"]).into_iter().collect(),
            quantity: if self.one_in(400) { self.amount() } else { quantity },
            price,
            discount: if self.one_in(3) { self.below(gross + 1) as i64 } else { 0 },
            cost: None,
            tax: None,
            promo: self.one_in(3),
        }
    }

    fn order(&mut self) -> Order {
        let lines = self.below(8) + u64::from(!self.one_in(50));
        Order {
            occurred_at: if self.one_in(100) { self.next() as i64 } else { NOON + self.below(100_000_000_000) as i64 },
            channel: self.pick(&["site", "app", "store"]).to_owned(),
            store: self.one_in(2).then(|| "nevsky".to_owned()),
            lines: (0..lines).map(|id| self.line(id)).collect(),
            delivery: if self.one_in(4) { self.amount() } else { 0 },
            vouchers: Vec::new(),
        }
    }

    fn member(&mut self) -> Member {
        Member { orders: self.below(3) as u32, qualifying_spend: self.amount(), available: self.amount(), ..Member::default() }
    }

    fn payment(&mut self) -> Payment {
        match self.below(6) {
            0 => Payment::None,
            1 => Payment::Exact(self.amount()),
            2 => Payment::Exact(self.below(1_000) as i64),
            3 => Payment::Agreed(Agreed { points: self.amount(), money: self.below(10_000) as i64 }),
            _ => Payment::Maximum,
        }
    }

    /// Changes something somewhere in the document.
    fn mutate(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && !self.one_in(12) => {
                let names: Vec<_> = fields.keys().cloned().collect();
                let name = self.pick(&names);
                match self.below(14) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert("surplus".to_owned(), json!(1))),
                    _ => self.mutate(&mut fields[&name]),
                }
            }
            Value::Array(entries) if !entries.is_empty() && !self.one_in(12) => {
                let index = self.below(entries.len() as u64) as usize;
                match self.below(10) {
                    0 => drop(entries.remove(index)),
                    1 => entries.push(entries[index].clone()),
                    2 => entries.reverse(),
                    _ => self.mutate(&mut entries[index]),
                }
            }
            _ => *value = self.value(),
        }
    }

    fn value(&mut self) -> Value {
        let number = self.below(120);
        self.pick(&[
            json!(number),
            json!(number.to_string()),
            json!(format!("{number}.5")),
            json!(format!("0.{number:02}")),
            json!("10000000000"),
            json!("-1"),
            json!(0),
            json!(2.5),
            json!(null),
            json!(true),
            json!(false),
            json!("percent"),
            json!("fixed"),
            json!("Asia/Yekaterinburg"),
            json!("America/Sao_Paulo"),
            json!([]),
            json!({}),
            json!({"type": "days", "days": number}),
            json!({"type": "months", "months": number}),
            json!({"type": "calendar", "dates": ["02-28", "03-01"]}),
            json!({"id": "gift", "type": "fixed", "points": number.to_string(), "stop": true}),
            json!({"max_share": number.to_string(), "increment": "0.5", "exclude": {"promo": true}}),
        ])
    }

    /// Blocks that the presets don't have.
    fn extend(&mut self, document: &mut Value) {
        let (rate, minimum) = (self.below(100), self.below(20_000) + 1);
        let rules = json!([
            {"id": "x1", "type": "percent", "rate": rate, "rate_promo": "0.0001", "stop": true,
             "when": {"products": {"categories": ["toys"], "labels": ["new"], "promo": self.one_in(2)}}},
            {"id": "x2", "type": "fixed", "points": (minimum).to_string(), "when": {"order_total": {"min": minimum}}, "priority": 3},
            {"id": "x3", "type": "percent", "rate": "33.3333", "when": {"first_order": self.one_in(2)}}
        ]);
        if let Some(earning) = document["earning"].as_array_mut() {
            let index = self.below(3) as usize;
            earning.insert(0, rules[index].clone());
        }
        if self.one_in(2) {
            document["redemption"] = json!({
                "max_share": rate, "min_points": self.below(50) + 1, "increment": self.pick(&["0.01", "7", "100"]),
                "exclude": {"skus": ["sku-1"], "brands": ["acme"]}, "confirmation_above": minimum
            });
        }
        if self.one_in(3) {
            document["points"]["scale"] = json!(2 + self.below(3));
            document["points"]["conversion_rate"] = json!(self.pick(&["0.01", "0.30", "1.00", "7.77", "10000000000"]));
        }
    }
}

/// What must hold of every judgement.
fn check(member: &Member, order: &Order, payment: &Payment, judged: &Judgement) {
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
    assert!(judged.offers.iter().all(|offer| offer.points > 0 && offer.shortfall > 0));
    assert!(judged.before.next.iter().chain(&judged.after.next).all(|next| next.remaining >= 1));
}

/// Judges one random order twice: the same both times, and as it must be. Answers whether it was judged.
fn try_order(program: &Program, chance: &mut Chance) -> bool {
    let (member, order, payment) = (chance.member(), chance.order(), chance.payment());
    let judged = program.judge_order(&member, &order, &payment);
    assert_eq!(judged, program.judge_order(&member, &order, &payment));
    match &judged {
        Ok(judgement) => check(&member, &order, &payment, judgement),
        Err(Failure::Invalid(finding)) => assert!(!finding.code.is_empty() && !finding.pointer.is_empty()),
        Err(Failure::LimitExceeded(limit)) => {
            assert!(!limit.reason.is_empty());
            assert!(matches!(payment, Payment::Exact(points) if points > limit.max_points || limit.code != "share_of_order"));
        }
        Err(Failure::Insufficient(available)) => assert_eq!(*available, member.available.max(0)),
        Err(Failure::Overflow) => {}
    }
    judged.is_ok()
}

#[test]
fn presets_judge_any_order() {
    for (seed, (_, document)) in PRESETS.iter().enumerate() {
        let program = Program::parse(document).unwrap();
        let mut chance = Chance(seed as u64);
        let judged = (0..2_000).filter(|_| try_order(&program, &mut chance)).count();
        assert!(judged > 800, "only {judged} orders were judged");
    }
}

#[test]
fn any_valid_document_judges_any_order() {
    let mut valid = 0;
    for seed in 0..6_000_u64 {
        let mut chance = Chance(seed << 32);
        let (_, preset) = chance.pick(&PRESETS);
        let mut document: Value = serde_json::from_str(preset).unwrap();
        chance.extend(&mut document);
        for _ in 0..chance.below(4) {
            chance.mutate(&mut document);
        }
        match Program::parse(&document.to_string()) {
            Ok(program) => {
                valid += 1;
                for _ in 0..20 {
                    try_order(&program, &mut chance);
                }
                let _ = program.judge_enrolment(chance.next() as i64, "site");
                let _ = program.standing(&member(chance.next() as i64), chance.next() as i64);
            }
            Err(findings) => {
                assert!(!findings.is_empty(), "seed {seed}");
                for finding in findings {
                    // The pointer leads into the document, or to a field that is missing in something that is there.
                    let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    assert!(document.pointer(parent).is_some(), "seed {seed}: {finding:?}");
                    assert!(!finding.code.is_empty() && !finding.detail.is_empty());
                }
            }
        }
    }
    assert!(valid > 1_500, "only {valid} documents were valid");
}

#[test]
fn any_text_is_parsed_or_refused() {
    let mut chance = Chance(7);
    for (_, document) in PRESETS {
        for _ in 0..500 {
            let mut bytes = document.as_bytes().to_vec();
            for _ in 0..=chance.below(3) {
                let index = chance.below(bytes.len() as u64) as usize;
                bytes[index] = chance.next() as u8;
            }
            let _ = Program::parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
