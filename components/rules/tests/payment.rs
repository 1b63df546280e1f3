//! How much points may pay, how much they do, and of which lines.

mod common;

use common::{line, member, order, pay, program, program_of, promo};
use rules::Program;
use rules::engine::{Agreed, Failure, Judgement, Line, Payment, Shortfall};
use serde_json::{Value, json};

/// 5 % of everything; points pay as the block says.
fn redeeming(conversion_rate: &str, redemption: Value) -> Program {
    program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": conversion_rate},
        "earning": [{"id": "purchase", "type": "percent", "rate": "5"}],
        "redemption": redemption
    }))
}

/// Asking for so many points of an order of 1 000.00 is refused with this code, and with this maximum.
#[track_caller]
fn refused(program: &Program, points: i64, code: &str, max_points: i64) {
    match pay(program, vec![line("1", 100_000)], Payment::Exact(points)) {
        Err(Failure::LimitExceeded(limit)) => {
            assert_eq!((limit.code.as_str(), limit.max_points), (code, max_points), "{}", limit.reason);
        }
        other => panic!("{code} expected, got {other:?}"),
    }
}

/// Paying as much as possible of these lines pays so many points, and so much money.
#[track_caller]
fn pays_at_most(program: &Program, lines: Vec<Line>, points: i64, money: i64) -> Judgement {
    let judgement = pay(program, lines, Payment::Maximum).unwrap();
    assert_eq!((judgement.redemption.points, judgement.redemption.money), (points, money));
    judgement
}

#[test]
fn the_share_of_the_order_limits() {
    refused(&program("gw-tools"), 20_001, "share_of_order", 20_000);
    let judgement = pay(&program("gw-tools"), vec![line("1", 100_000)], Payment::Exact(20_000)).unwrap();
    assert_eq!(judgement.payable, 80_000);
    assert_eq!(
        judgement.redemption_explanations[0].reason,
        "200.00 points paid 200.00 of 1000.00; at most 20 % may be paid with points"
    );
    // Rounded down: 20 % of 0.09 is 0.018.
    pays_at_most(&program("gw-tools"), vec![line("1", 9)], 1, 1);
}

#[test]
fn the_balance_limits_before_the_program() {
    let mut poor = member(0);
    poor.available = 5_000;
    let bought = order(vec![line("1", 100_000)]);
    let asked = |points| program("gw-tools").judge_order(&poor, &bought, &Payment::Exact(points));
    assert_eq!(asked(5_001).unwrap_err(), Failure::Insufficient(5_000));
    assert_eq!(asked(99_999).unwrap_err(), Failure::Insufficient(5_000));
    let judgement = program("gw-tools").judge_order(&poor, &bought, &Payment::Maximum).unwrap();
    let redemption = judgement.redemption;
    assert_eq!((redemption.points, redemption.max_points, redemption.limit_points), (5_000, 5_000, 20_000));
}

#[test]
fn who_is_in_deficit_pays_nothing() {
    let mut poor = member(0);
    poor.available = -5_000;
    let bought = order(vec![line("1", 100_000)]);
    let judgement = program("gw-tools").judge_order(&poor, &bought, &Payment::Maximum).unwrap();
    assert_eq!(judgement.redemption.points, 0);
    let explanation = &judgement.redemption_explanations[0];
    assert_eq!((explanation.fired, explanation.code.as_str()), (false, "balance"));
    let asked = program("gw-tools").judge_order(&poor, &bought, &Payment::Exact(1));
    assert_eq!(asked.unwrap_err(), Failure::Insufficient(0));
}

#[test]
fn a_payment_is_above_zero() {
    for points in [0, -1, i64::MIN] {
        let judged = pay(&program("gw-tools"), vec![line("1", 100_000)], Payment::Exact(points));
        assert!(matches!(judged, Err(Failure::Invalid(finding)) if finding.pointer == "/points"));
    }
}

#[test]
fn without_the_block_points_do_not_pay() {
    let mut document: Value = serde_json::from_str(rules::presets::preset("gw-tools").unwrap()).unwrap();
    document.as_object_mut().unwrap().remove("redemption");
    let program = program_of(&document);
    refused(&program, 1, "redemption_off", 0);
    let judgement = pays_at_most(&program, vec![line("1", 100_000)], 0, 0);
    assert_eq!(judgement.redemption_explanations[0].reason, "orders can't be paid with points");
    let judgement = pay(&program, vec![line("1", 100_000)], Payment::None).unwrap();
    assert!(judgement.redemption_explanations.is_empty());
}

#[test]
fn a_channel_may_be_asked_for() {
    let program = redeeming("1.00", json!({"max_share": "50", "channels": ["app"]}));
    refused(&program, 1, "other_channel", 0);
}

#[test]
fn a_minimum_and_an_increment() {
    let program = redeeming("1.00", json!({"max_share": "25", "min_points": "100", "increment": "50"}));
    refused(&program, 9_999, "minimum", 25_000);
    refused(&program, 12_500, "increment", 25_000);
    refused(&program, 30_000, "share_of_order", 25_000);
    pays_at_most(&program, vec![line("1", 119_999)], 25_000, 25_000);
    let judgement = pays_at_most(&program, vec![line("1", 20_000)], 0, 0);
    let explanation = &judgement.redemption_explanations[0];
    assert_eq!((explanation.code.as_str(), &explanation.shortfall), ("minimum", &Some(Shortfall::Points(5_000))));
}

#[test]
fn an_order_that_allows_less_than_an_increment_says_what_the_increment_is() {
    let program = redeeming("1.00", json!({"max_share": "100", "increment": "100"}));
    let judgement = pays_at_most(&program, vec![line("1", 5_000)], 0, 0);
    let explanation = &judgement.redemption_explanations[0];
    assert_eq!(explanation.code, "increment");
    assert!(explanation.reason.contains("100.00") && explanation.reason.contains("50.00"), "{explanation:?}");
}

#[test]
fn excluded_goods_are_not_paid() {
    let program = redeeming("1.00", json!({"max_share": "50", "exclude": {"promo": true, "skus": ["sku-9"]}}));
    let judgement = pays_at_most(&program, vec![line("1", 10_000), promo("2", 50_000), line("9", 7)], 5_000, 5_000);
    let paid: Vec<_> = judgement.lines.iter().map(|line| line.paid_money).collect();
    assert_eq!(paid, [5_000, 0, 0]);
    let asked = |lines, points| match pay(&program, lines, Payment::Exact(points)) {
        Err(Failure::LimitExceeded(limit)) => limit.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(vec![promo("2", 50_000)], 1), "not_for_these_goods");
    assert_eq!(asked(vec![line("1", 10_000), promo("2", 50_000)], 5_001), "not_for_these_goods");
    assert_eq!(asked(vec![line("1", 10_000), promo("2", 50_000)], 30_001), "share_of_order");
}

#[test]
fn points_pay_at_their_rate() {
    let program = redeeming("0.30", json!({"max_share": "100"}));
    // 1.00 is worth 3.333... points: 3.33 of them pay 0.999, rounded down.
    pays_at_most(&program, vec![line("1", 100)], 333, 99);
    let judged = pay(&program, vec![line("1", 100)], Payment::Exact(3));
    assert!(matches!(judged, Err(Failure::Invalid(finding)) if finding.code == "worth_nothing"));
}

#[test]
fn the_limit_stays_within_the_contract() {
    let program = program_of(&json!({
        "name": "test", "currency": "RUB", "time_zone": "UTC",
        "points": {"name": "points", "scale": 4, "conversion_rate": "0.01"},
        "redemption": {"max_share": "100"}
    }));
    let judgement = pay(&program, vec![line("1", 1_000_000_000_000)], Payment::None).unwrap();
    assert_eq!(judgement.redemption.limit_points, 1_000_000_000_000);
    assert_eq!(judgement.redemption.limit_money, 100_000_000);
}

#[test]
fn what_is_paid_is_shared_exactly() {
    let lines = vec![line("1", 3_333), line("2", 3_333), line("3", 3_334)];
    let judgement = pay(&program("fixed"), lines, Payment::Exact(100)).unwrap();
    let money: Vec<_> = judgement.lines.iter().map(|line| line.paid_money).collect();
    let points: Vec<_> = judgement.lines.iter().map(|line| line.paid_points).collect();
    assert_eq!((money, points), (vec![33, 33, 34], vec![33, 33, 34]));
}

#[test]
fn a_large_payment_needs_a_code() {
    let program = redeeming("1.00", json!({"max_share": "100", "confirmation_above": "100"}));
    let needs = |payment| {
        let judgement = pay(&program, vec![line("1", 100_000)], payment).unwrap();
        judgement.redemption.confirmation_required
    };
    assert!(!needs(Payment::None));
    assert!(!needs(Payment::Exact(10_000)));
    assert!(needs(Payment::Exact(10_001)));
    assert!(needs(Payment::Maximum));
}

#[test]
fn agreed_terms_stand() {
    let agreed = |points, money| Payment::Agreed(Agreed { points, money });
    // More than 20 %, and at another rate: the hold was made under other terms.
    let judgement = pay(&program("gw-tools"), vec![line("1", 100_000)], agreed(30_000, 60_000)).unwrap();
    assert_eq!((judgement.redemption.points, judgement.redemption.money), (30_000, 60_000));
    assert_eq!((judgement.payable, judgement.earned), (40_000, 2_000));
    assert_eq!(judgement.redemption_explanations[0].code, "paid_as_agreed");
    let judgement = pay(&program("gw-tools"), vec![line("1", 100_000), line("2", 1)], agreed(7, 0)).unwrap();
    assert_eq!(judgement.lines[0].paid_points, 7);
    for (points, money) in [(1, 100_001), (0, 1), (1, -1)] {
        let judged = pay(&program("gw-tools"), vec![line("1", 100_000)], agreed(points, money));
        assert!(matches!(judged, Err(Failure::Invalid(_))), "{points} for {money}");
    }
    let free = vec![Line { discount: 5, ..line("1", 5) }];
    assert!(matches!(pay(&program("gw-tools"), free, agreed(1, 0)), Err(Failure::Invalid(_))));
}
