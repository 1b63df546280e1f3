//! Every preset gives the numbers of the program that it models.

mod common;

use common::{DAY, NOON, judge, judge_for, labelled, line, member, moment, order, pay, program, promo};
use rules::engine::{ClawbackPolicy, Event, Member, Payment, Shortfall, UseOfRule};
use rules::presets::PRESETS;

/// A member with so much spend buys one regular thing; expected are the points, both in hundredths.
fn check_earned(preset: &str, spend: i64, price: i64, expected: i64) {
    let judgement = judge(&program(preset), spend, vec![line("1", price)]);
    assert_eq!(judgement.earned, expected, "{preset}: {price} bought with {spend} of spend");
}

#[test]
fn all_presets_have_the_same_heading() {
    for (name, document) in PRESETS {
        let program = rules::Program::parse(document).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        let settings = program.settings();
        assert_eq!(settings.name, name);
        assert_eq!((settings.currency.as_str(), settings.time_zone.as_str()), ("RUB", "Europe/Moscow"));
        assert_eq!((settings.points_scale, settings.conversion_rate, settings.hold_seconds), (2, 100, 1_800));
        assert_eq!(settings.clawback, ClawbackPolicy::AllowNegative);
    }
}

#[test]
fn gw_tools_welcomes_with_500_points_for_30_days() {
    let enrolment = program("gw-tools").judge_enrolment(NOON, "site").unwrap();
    let [welcome] = enrolment.grants.as_slice() else { panic!("one grant") };
    assert_eq!((welcome.rule_id.as_str(), welcome.points, welcome.activates_at), ("welcome", 50_000, NOON));
    assert_eq!(welcome.expires_at, Some(moment("2026-04-01T00:00:00+03:00"))); // still there on 31 March, day 30
    assert_eq!(enrolment.explanations[0].reason, "500.00 points for joining");
    assert_eq!(enrolment.explanations[0].points, 50_000);
}

#[test]
fn gw_tools_earns_five_percent_for_three_months() {
    let judgement = judge(&program("gw-tools"), 0, vec![line("1", 1_000_000)]);
    assert_eq!(judgement.earned, 50_000);
    assert_eq!(judgement.grants[0].expires_at, Some(moment("2026-06-02T00:00:00+03:00")));
    assert_eq!(judgement.explanations[0].reason, "5 % of 10000.00 gives 500.00 points");
}

#[test]
fn gw_tools_lets_points_pay_twenty_percent() {
    let judgement = pay(&program("gw-tools"), vec![line("1", 1_000_000)], Payment::Maximum).unwrap();
    assert_eq!((judgement.redemption.max_points, judgement.redemption.max_money), (200_000, 200_000));
    assert_eq!((judgement.payable, judgement.earned), (800_000, 40_000)); // 5 % of the 8 000 paid in money
    assert_eq!(
        judgement.redemption_explanations[0].reason,
        "2000.00 points paid 2000.00 of 10000.00; at most 20 % may be paid with points"
    );
}

#[test]
fn delivery_neither_earns_nor_is_paid_with_points() {
    let mut bought = order(vec![line("1", 1_000_000)]);
    bought.delivery = 50_000;
    let judgement = program("gw-tools").judge_order(&member(0), &bought, &Payment::Maximum).unwrap();
    assert_eq!((judgement.redemption.points, judgement.earned, judgement.payable), (200_000, 40_000, 850_000));
}

#[test]
fn sela_earns_five_percent_for_a_year_and_lets_points_pay_thirty() {
    let judgement = judge(&program("sela"), 0, vec![line("1", 100_000)]);
    assert_eq!((judgement.earned, judgement.redemption.max_points), (5_000, 30_000));
    assert_eq!(judgement.grants[0].expires_at, Some(moment("2027-03-02T00:00:00+03:00")));
}

#[test]
fn sela_gives_500_points_for_a_birthday_once_a_year_and_for_37_days() {
    let sela = program("sela");
    let birthday = Event { type_name: "birthday".to_owned(), occurred_at: NOON, channel: None, points: None };
    let given = sela.judge_event(&member(0), &birthday).unwrap();
    let [gift] = given.grants.as_slice() else { panic!("one grant") };
    assert_eq!((gift.rule_id.as_str(), gift.points), ("birthday", 50_000));
    assert_eq!(gift.expires_at, Some(moment("2026-04-08T00:00:00+03:00")), "the end of 7 April, 37 days later");
    let days_later = |days: i64| {
        let used = UseOfRule {
            rule_id: "birthday".to_owned(),
            times: 1,
            points: 50_000,
            points_today: 0,
            last_at: Some(NOON),
            points_of_all: 50_000,
        };
        let anna = Member { uses: vec![used], ..member(0) };
        let again = Event { occurred_at: NOON + days * DAY, ..birthday.clone() };
        sela.judge_event(&anna, &again).unwrap().grants.len()
    };
    assert_eq!((days_later(1), days_later(329), days_later(365)), (0, 0, 1));
}

#[test]
fn leonardo_takes_off_by_what_was_bought_in_all_once_one_purchase_was_1500() {
    for (spend, largest_order, off) in [
        (160_000, 80_000, 0),
        (150_000, 150_000, 500),
        (1_000_000, 149_999, 0),
        (1_000_000, 150_000, 1_000),
        (3_000_000, 150_000, 1_500),
    ] {
        let buyer = Member { largest_order, ..member(spend) };
        let judged = judge_for(&program("leonardo"), &buyer, &order(vec![line("1", 10_000)]));
        assert_eq!(judged.discount, off, "{spend} in all, {largest_order} at once");
    }
}

#[test]
fn estilo_has_three_tiers() {
    for (spend, expected) in [(0, 3_000), (2_999_999, 3_000), (3_000_000, 5_000), (10_000_000, 7_000)] {
        check_earned("estilo", spend, 100_000, expected);
        check_earned("estilo-calendar", spend, 100_000, expected);
    }
    let expires = |preset: &str| judge(&program(preset), 0, vec![line("1", 100_000)]).grants[0].expires_at;
    assert_eq!(expires("estilo"), Some(moment("2026-07-02T00:00:00+03:00")));
    assert_eq!(expires("estilo-calendar"), Some(moment("2026-05-01T00:00:00+03:00")));
}

#[test]
fn estilo_tells_the_way_to_the_next_tier() {
    let judgement = judge(&program("estilo"), 2_900_000, vec![line("1", 100_000)]);
    let next = judgement.before.next.unwrap();
    assert_eq!((next.id.as_str(), next.threshold, next.remaining), ("silver", 3_000_000, 100_000));
    assert_eq!(judgement.after.tier.unwrap().id, "silver"); // held after this order, which it did not price
    assert_eq!(judgement.earned, 3_000);
}

#[test]
fn toy69_has_its_own_rate_for_promo_goods() {
    for (spend, expected) in [(0, 8_000), (5_000_000, 16_000), (10_000_000, 24_000), (30_000_000, 45_000)] {
        let judgement = judge(&program("toy69"), spend, vec![line("1", 100_000), promo("2", 100_000)]);
        assert_eq!((judgement.earned, judgement.grants.len()), (expected, 1), "at {spend}");
    }
    let judgement = judge(&program("toy69"), 0, vec![line("1", 100_000), promo("2", 100_000)]);
    let shares: Vec<_> = judgement.lines.iter().map(|line| line.shares[0].points).collect();
    assert_eq!(shares, [5_000, 3_000]);
    assert_eq!(judgement.explanations[0].reason, "Standart: 5 % of 1000.00 and 3 % of 1000.00 of promo goods give 80.00 points");
}

#[test]
fn madrobots_gives_five_percent_from_thirty_thousand() {
    check_earned("madrobots", 0, 2_999_999, 59_999);
    check_earned("madrobots", 0, 3_000_000, 150_000);
    let judgement = judge(&program("madrobots"), 0, vec![line("1", 2_995_200)]);
    let [big, base] = judgement.explanations.as_slice() else { panic!("two rules") };
    assert_eq!((big.fired, big.reason.as_str()), (false, "48.00 short of the minimum of 30000.00"));
    assert_eq!(big.shortfall, Some(Shortfall::Money(4_800)));
    assert_eq!((base.fired, base.reason.as_str()), (true, "2 % of 29952.00 gives 599.04 madcoins"));
    // The 5 % replace the 2 %: 1500.00 instead of 599.04.
    assert_eq!((judgement.offers[0].shortfall, judgement.offers[0].points), (4_800, 90_096));
}

#[test]
fn madrobots_says_who_took_the_lines() {
    let judgement = judge(&program("madrobots"), 0, vec![line("1", 3_000_000)]);
    let codes: Vec<_> = judgement.explanations.iter().map(|explanation| explanation.code.as_str()).collect();
    assert_eq!(codes, ["percent_of_items", "lines_taken"]);
    assert!(judgement.offers.is_empty());
}

#[test]
fn progressive_counts_strictly_over_a_threshold() {
    for (spend, expected) in [(0, 3_000), (1_000_000, 3_000), (1_000_001, 5_000), (2_000_000, 5_000), (2_000_001, 10_000)] {
        check_earned("progressive", spend, 100_000, expected);
    }
    assert_eq!(program("progressive").standing(&member(1_000_000), NOON).next.unwrap().remaining, 1);
}

#[test]
fn fixed_gives_three_percent_and_a_point_is_a_rouble() {
    check_earned("fixed", 0, 123_456, 3_703);
    let judgement = pay(&program("fixed"), vec![line("1", 10_000)], Payment::Exact(7_550)).unwrap();
    assert_eq!((judgement.redemption.money, judgement.payable), (7_550, 2_450));
}

#[test]
fn segmented_doubles_the_product_of_the_month() {
    for label in ["product_of_the_month", "product-of-the-month"] {
        let lines = vec![line("1", 100_000), labelled("2", 50_000, label)];
        let judgement = judge(&program("segmented"), 0, lines);
        assert_eq!(judgement.earned, 10_000);
        let grants: Vec<_> = judgement.grants.iter().map(|grant| (grant.rule_id.as_str(), grant.points)).collect();
        assert_eq!(grants, [("product-of-the-month", 5_000), ("base", 5_000)]);
        assert_eq!(judgement.lines[0].shares[0].grant, 1);
        assert_eq!(judgement.lines[1].shares[0].grant, 0);
    }
}

#[test]
fn abm_offers_what_is_missing() {
    check_earned("abm", 0, 100_000, 10_000);
    let judgement = judge(&program("abm"), 0, vec![line("1", 66_000)]);
    assert_eq!(judgement.earned, 0);
    let offer = &judgement.offers[0];
    assert_eq!((offer.shortfall, offer.points), (34_000, 10_000));
    assert_eq!(offer.reason, "Buy 340.00 more, get 100.00 points");
}

#[test]
fn return_guard_waits_fourteen_days() {
    let judgement = judge(&program("return-guard"), 0, vec![line("1", 100_000)]);
    let grant = &judgement.grants[0];
    assert_eq!((grant.points, grant.expires_at), (5_000, None));
    assert_eq!(grant.activates_at, moment("2026-03-15T12:00:00+03:00"));
}
