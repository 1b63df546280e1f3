//! Membership that starts with one purchase of a minimum: before it nobody has a tier, with it what adds up decides.

mod common;

use common::{DAY, NOON, document_with, findings_of, judge_for, line, member, order, program_with, said};
use rules::Program;
use rules::engine::{Activity, Discounts, GrantedTier, Member, Shortfall, Standing};
use serde_json::{Value, json};

/// Membership starts with 1 500 in one order; member from 1 500, regular from 10 000, friend from 30 000.
fn leonardo_with(terms: &Value) -> Program {
    let step =
        |id: &str, threshold: i64, discount: i64| json!({"id": id, "name": id, "threshold": threshold, "discount": discount});
    let mut tiers = terms.clone();
    tiers["steps"] = json!([step("member", 1_500, 5), step("regular", 10_000, 10), step("friend", 30_000, 15)]);
    program_with(json!({
        "enrolment": {"membership_starts_with": {"order_min": "1500"}},
        "tiers": tiers, "discounts": [{"id": "accumulated", "type": "tier"}]
    }))
}

fn leonardo() -> Program {
    leonardo_with(&json!({}))
}

/// Who bought for so much in all, at most so much of it at once (hundredths).
fn bought(spend: i64, largest_order: i64) -> Member {
    Member { largest_order, ..member(spend) }
}

fn held(standing: &Standing) -> &str {
    standing.tier.as_ref().map_or("none", |tier| &tier.id)
}

/// The next tier: its id, what is missing to it, and the single order that it takes.
fn next(standing: &Standing) -> Option<(&str, i64, Option<i64>)> {
    standing.next.as_ref().map(|next| (next.id.as_str(), next.remaining, next.order_min))
}

#[test]
fn nobody_has_a_tier_before_one_purchase_of_the_minimum() {
    let program = leonardo();
    for (spend, largest, tier) in [
        (160_000, 80_000, "none"),
        (9_000_000, 149_999, "none"),
        (150_000, 150_000, "member"),
        (230_000, 150_000, "member"),
        (1_000_000, 150_000, "regular"),
        (3_000_000, 2_000_000, "friend"),
    ] {
        assert_eq!(held(&program.standing(&bought(spend, largest), NOON)), tier, "{spend}, at most {largest} at once");
    }
}

#[test]
fn without_a_membership_no_order_is_cheaper() {
    let program = leonardo();
    let off = |member: &Member| judge_for(&program, member, &order(vec![line("1", 10_000)])).discount;
    assert_eq!((off(&bought(9_000_000, 149_999)), off(&bought(9_000_000, 150_000))), (0, 1_500));
}

#[test]
fn the_purchase_that_opens_the_membership_pays_its_price_and_what_was_bought_before_it_counts() {
    let program = leonardo();
    let judged = judge_for(&program, &bought(900_000, 140_000), &order(vec![line("1", 150_000)]));
    assert_eq!((held(&judged.before), judged.discount, held(&judged.after)), ("none", 0, "regular"));
    let judged = judge_for(&program, &bought(900_000, 140_000), &order(vec![line("1", 149_999)]));
    assert_eq!(held(&judged.after), "none");
}

#[test]
fn what_an_order_counts_is_what_is_paid_for_its_goods() {
    let program = leonardo();
    let mut paid = order(vec![line("1", 160_000)]);
    paid.delivery = 50_000;
    paid.discounts = Discounts::Settled(vec![10_001]);
    assert_eq!(held(&judge_for(&program, &bought(0, 0), &paid).after), "none", "1 499.99 of goods and a delivery");
    paid.discounts = Discounts::Settled(vec![10_000]);
    assert_eq!(held(&judge_for(&program, &bought(0, 0), &paid).after), "member");
}

#[test]
fn the_way_to_the_next_tier_begins_with_that_purchase() {
    let program = leonardo();
    for (spend, largest, expected) in [
        (0, 0, Some(("member", 150_000, Some(150_000)))),
        (80_000, 80_000, Some(("member", 150_000, Some(150_000)))),
        // one such purchase leads at once to the tier of what was bought in all
        (900_000, 80_000, Some(("regular", 150_000, Some(150_000)))),
        (900_000, 150_000, Some(("regular", 100_000, None))),
        (9_000_000, 80_000, Some(("friend", 150_000, Some(150_000)))),
        (9_000_000, 150_000, None),
    ] {
        assert_eq!(next(&program.standing(&bought(spend, largest), NOON)), expected, "{spend}, at most {largest} at once");
    }
    let enrolled = program.judge_enrolment(NOON, "site").unwrap().standing;
    assert_eq!((held(&enrolled), next(&enrolled)), ("none", Some(("member", 150_000, Some(150_000)))));
}

#[test]
fn a_first_tier_from_nothing_waits_for_that_purchase_too() {
    let step = json!({"id": "base", "name": "Base", "threshold": 0, "rate": "3"});
    let program = |basis: &str| {
        program_with(json!({
            "enrolment": {"membership_starts_with": {"order_min": "100"}}, "tiers": {"basis": basis, "steps": [step]},
            "earning": [{"id": "purchase", "type": "percent"}]
        }))
    };
    for (basis, remaining) in [("spend", 10_000), ("orders", 1), ("points", 1)] {
        let program = program(basis);
        let standing = program.standing(&bought(5_000, 5_000), NOON);
        assert_eq!((held(&standing), next(&standing)), ("none", Some(("base", remaining, Some(10_000)))), "{basis}");
        assert_eq!(held(&program.standing(&bought(10_000, 10_000), NOON)), "base", "{basis}");
    }
}

#[test]
fn without_that_purchase_no_tier_is_kept_either() {
    for terms in [
        json!({"downgrade": "none"}),
        json!({"downgrade": "one_step", "grace_days": 30}),
        json!({"downgrade": "by_value", "grace_days": 30}),
    ] {
        let grace_until = Some(NOON + 10 * DAY);
        let before = Member { tier: Some("friend".to_owned()), grace_until, ..bought(3_000_000, 149_999) };
        let standing = leonardo_with(&terms).standing(&before, NOON);
        assert_eq!((held(&standing), &standing.own_tier, standing.grace_until, standing.stepped_at), ("none", &None, None, None));
    }
}

#[test]
fn that_purchase_may_have_left_the_window_of_the_tiers() {
    let program = leonardo_with(&json!({"window": "rolling_12_months"}));
    let activity = vec![Activity { orders: 2, spend: 160_000, earned: 0 }];
    let member = Member { activity, ..bought(9_000_000, 5_000_000) };
    assert_eq!(held(&program.standing(&member, NOON)), "member");
}

#[test]
fn a_tier_that_was_given_is_held_without_it() {
    let given = GrantedTier { id: "regular".to_owned(), until: None };
    let member = Member { granted_tiers: vec![given], ..bought(9_000_000, 80_000) };
    let standing = leonardo().standing(&member, NOON);
    assert_eq!((held(&standing), &standing.own_tier), ("regular", &None));
    assert_eq!(next(&standing), Some(("friend", 150_000, Some(150_000))));
}

#[test]
fn a_program_says_what_it_must_know() {
    assert!(leonardo().needs(NOON).largest_order);
    assert!(!common::program("sela").needs(NOON).largest_order);
}

#[test]
fn members_read_how_to_get_in() {
    let program = leonardo();
    let said_of = |price: i64| {
        let judged = judge_for(&program, &bought(900_000, 80_000), &order(vec![line("1", price)]));
        let told = judged.explanations.iter().find(|said| said.rule_id == "membership").unwrap().clone();
        (said(&judged, "membership").0, told.code, told.reason, told.translations[0].text.clone(), told.shortfall)
    };
    assert_eq!(
        said_of(80_000),
        (
            false,
            "membership_not_started".to_owned(),
            "membership starts with a purchase of 1500.00; 700.00 more in one order".to_owned(),
            "участие начинается с покупки на 1500.00: не хватает 700.00 в одном заказе".to_owned(),
            Some(Shortfall::Money(70_000)),
        )
    );
    let (fired, code, english, russian, shortfall) = said_of(150_000);
    assert_eq!((fired, code.as_str(), shortfall), (true, "membership_started", None));
    assert_eq!(
        (english.as_str(), russian.as_str()),
        ("membership starts with this purchase", "с этой покупки начинается участие")
    );
    let judged = judge_for(&program, &bought(900_000, 150_000), &order(vec![line("1", 100)]));
    assert!(judged.explanations.iter().all(|said| said.rule_id != "membership"), "{judged:?}");
}

#[test]
fn a_rule_of_the_tiers_says_what_is_missing_to_it() {
    let judged = judge_for(&leonardo(), &bought(140_000, 80_000), &order(vec![line("1", 100)]));
    let told = judged.explanations.iter().find(|said| said.rule_id == "accumulated").unwrap();
    assert_eq!((told.code.as_str(), told.shortfall), ("no_tier", Some(Shortfall::Money(150_000))), "{}", told.reason);
}

#[test]
fn a_start_that_leads_nowhere_is_refused() {
    let tiers = json!([{"id": "a", "name": "A", "threshold": 0, "discount": "5"}]);
    let start = |start: Value| {
        json!({
            "enrolment": {"membership_starts_with": start}, "tiers": tiers, "discounts": [{"id": "accumulated", "type": "tier"}]
        })
    };
    let at = |pointer: &str, code: &str| vec![(format!("/enrolment/membership_starts_with{pointer}"), code.to_owned())];
    assert_eq!(findings_of(start(json!({"order_min": "1500"}))), []);
    assert_eq!(findings_of(start(json!({}))), at("/order_min", "missing_field"));
    assert_eq!(findings_of(start(json!({"order_min": "0"}))), at("/order_min", "out_of_range"));
    assert_eq!(findings_of(start(json!({"order_min": "1500", "orders": 2}))), at("/orders", "unknown_field"));
    let mut taken = start(json!({"order_min": "1500"}));
    taken["discounts"][0]["id"] = "membership".into();
    assert_eq!(findings_of(taken), [("/discounts/0/id".to_owned(), "duplicate_id".to_owned())]);
    let without_tiers = json!({"enrolment": {"membership_starts_with": {"order_min": "1500"}}});
    assert_eq!(findings_of(without_tiers.clone()), at("", "no_tiers"));
    let found = Program::parse(&document_with(without_tiers).to_string()).unwrap_err();
    assert!(found[0].detail.contains("\"tiers\""), "{found:?}");
}
