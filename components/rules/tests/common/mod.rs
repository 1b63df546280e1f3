//! What the tests of the engine share: programs by preset, orders in a line, and moments.
#![allow(dead_code)] // each test file uses a part

use rules::Program;
use rules::engine::{Discounts, Failure, Judgement, Line, Member, Order, Payment};
use rules::presets::preset;

/// 1 March 2026, 12:00 in Moscow.
pub const NOON: i64 = 1_772_355_600_000;

/// A day of 24 hours in milliseconds; Moscow has no other.
pub const DAY: i64 = 86_400_000;

/// The preset with this name, parsed.
pub fn program(name: &str) -> Program {
    Program::parse(preset(name).expect("a preset")).expect("a valid preset")
}

/// A program from a JSON document.
pub fn program_of(document: &serde_json::Value) -> Program {
    Program::parse(&document.to_string()).expect("a valid document")
}

/// A member with so much lifetime spend, and a million points.
pub fn member(qualifying_spend: i64) -> Member {
    Member { orders: 1, qualifying_spend, available: 100_000_000, ..Member::default() }
}

/// One piece of regular goods at a price in hundredths.
pub fn line(id: &str, price: i64) -> Line {
    Line {
        id: id.to_owned(),
        sku: format!("sku-{id}"),
        category: None,
        brand: None,
        labels: Vec::new(),
        quantity: 1_000,
        price,
        discount: 0,
        cost: None,
        tax: None,
        promo: false,
    }
}

/// The same as promo goods.
pub fn promo(id: &str, price: i64) -> Line {
    Line { promo: true, ..line(id, price) }
}

/// The same with a label.
pub fn labelled(id: &str, price: i64, label: &str) -> Line {
    Line { labels: vec![label.to_owned()], ..line(id, price) }
}

/// An order on the site at noon of 1 March 2026.
pub fn order(lines: Vec<Line>) -> Order {
    Order {
        occurred_at: NOON,
        channel: "site".to_owned(),
        store: None,
        lines,
        delivery: 0,
        vouchers: Vec::new(),
        discounts: Discounts::ByRules,
        with_offers: true,
    }
}

/// What the program says to these lines, bought by a member with so much spend, without points.
pub fn judge(program: &Program, spend: i64, lines: Vec<Line>) -> Judgement {
    program.judge_order(&member(spend), &order(lines), &Payment::None).expect("a judgement")
}

/// The same, paid with points.
pub fn pay(program: &Program, lines: Vec<Line>, payment: Payment) -> Result<Judgement, Failure> {
    program.judge_order(&member(0), &order(lines), &payment)
}

/// A moment from RFC 3339, in milliseconds.
pub fn moment(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a moment").as_millisecond()
}

/// A program with these blocks, and nothing else: points of scale 2 that pay a rouble each, in Moscow.
pub fn program_with(blocks: serde_json::Value) -> Program {
    Program::parse(&document_with(blocks).to_string()).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// The document of such a program.
pub fn document_with(blocks: serde_json::Value) -> serde_json::Value {
    let mut document = serde_json::json!({
        "name": "trial", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "names": {"ru": "баллов"}, "scale": 2, "conversion_rate": "1.00"}
    });
    for (name, block) in blocks.as_object().expect("blocks") {
        document[name] = block.clone();
    }
    document
}

/// What is found wrong with such a document: pointers and codes.
pub fn findings_of(blocks: serde_json::Value) -> Vec<(String, String)> {
    let findings = Program::parse(&document_with(blocks).to_string()).err().unwrap_or_default();
    assert!(findings.iter().all(|finding| !finding.detail.is_empty()));
    findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
}

/// What a rule said: whether it fired, its code, points and money.
pub fn said<'j>(judgement: &'j Judgement, rule: &str) -> (bool, &'j str, i64, i64) {
    let said = judgement.explanations.iter().find(|said| said.rule_id == rule).unwrap_or_else(|| panic!("{rule}: {judgement:?}"));
    (said.fired, said.code.as_str(), said.points, said.money)
}

/// What a program says to an order of a member.
pub fn judge_for(program: &Program, member: &Member, order: &Order) -> Judgement {
    program.judge_order(member, order, &Payment::None).unwrap_or_else(|failure| panic!("{failure:?}"))
}
