//! Every kind of discount: what it takes off, from which lines, and how rules get on with each other.

mod common;

use common::{findings_of, judge_for, line, member, order, pay, program_with, promo, said};
use rules::Program;
use rules::engine::{Discounts, Failure, Judgement, Line, Member, Order, Payment};
use serde_json::{Value, json};

fn with(discounts: Value) -> Program {
    program_with(json!({"discounts": discounts}))
}

fn off(judgement: &Judgement) -> Vec<i64> {
    judgement.lines.iter().map(|line| line.discount).collect()
}

fn pieces(id: &str, price: i64, pieces: i64) -> Line {
    Line { quantity: pieces * 1_000, ..line(id, price) }
}

#[test]
fn a_percentage_is_rounded_once_and_shared_exactly() {
    let program = with(json!([{"id": "a", "type": "percent", "rate": "10"}]));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 333), line("2", 333), line("3", 339)]));
    assert_eq!((judgement.discount, off(&judgement)), (101, vec![34, 33, 34]), "100.5 rounds up");
    assert_eq!(judgement.payable, 1_005 - 101);
    assert_eq!(judgement.qualifying, 904, "what was paid counts toward the tiers");
}

#[test]
fn a_personal_price_is_for_a_segment_and_only_where_it_is_lower() {
    let program = with(json!([
        {"id": "a", "type": "price", "price": "80.00", "when": {"segments": ["press"], "products": {"skus": ["sku-1", "sku-2"]}}}
    ]));
    let press = Member { segments: vec!["press".to_owned()], ..member(0) };
    let cart = order(vec![pieces("1", 10_000, 3), line("2", 7_000), line("3", 10_000)]);
    assert_eq!(off(&judge_for(&program, &press, &cart)), [6_000, 0, 0]);
    assert_eq!(off(&judge_for(&program, &member(0), &cart)), [0, 0, 0]);
    let cheap = order(vec![line("2", 7_000)]);
    assert_eq!(said(&judge_for(&program, &press, &cheap), "a").1, "not_cheaper");
}

#[test]
fn of_each_three_pieces_the_cheapest_is_free() {
    let program = with(json!([{"id": "a", "type": "buy_get", "buy": 2, "get": 1}]));
    let judgement = judge_for(&program, &member(0), &order(vec![pieces("1", 50_000, 4), pieces("2", 10_000, 3)]));
    assert_eq!(off(&judgement), [0, 20_000], "seven pieces: two free, the cheapest");
    let short = judge_for(&program, &member(0), &order(vec![pieces("1", 50_000, 2)]));
    assert_eq!(said(&short, "a").1, "too_few_pieces");
    let half = with(json!([{"id": "a", "type": "buy_get", "buy": 1, "get": 1, "rate": "50"}]));
    assert_eq!(off(&judge_for(&half, &member(0), &order(vec![pieces("1", 999, 2)]))), [500]);
}

#[test]
fn a_fixed_amount_is_never_more_than_the_goods() {
    let program = with(json!([{"id": "a", "type": "amount", "amount": "500"}]));
    assert_eq!(off(&judge_for(&program, &member(0), &order(vec![line("1", 30_000), line("2", 90_000)]))), [12_500, 37_500]);
    let cheap = judge_for(&program, &member(0), &order(vec![line("1", 30_000)]));
    assert_eq!((cheap.discount, cheap.payable), (30_000, 0));
}

#[test]
fn a_discount_that_takes_nothing_says_why() {
    let code = |rule: Value, price| {
        let program = with(json!([rule]));
        let judgement = judge_for(&program, &member(0), &order(vec![line("1", price)]));
        said(&judgement, "a").1.to_owned()
    };
    let percent = json!({"id": "a", "type": "percent", "rate": "1"});
    assert_eq!(code(percent.clone(), 30), "rounds_to_zero");
    assert_eq!(code(percent, 0), "nothing_paid");
    let steps = json!([{"from": "100", "rate": "5"}, {"from": "200", "rate": "0"}]);
    assert_eq!(code(json!({"id": "a", "type": "steps", "by": "order_total", "steps": steps}), 20_000), "no_rate_for_these_goods");
}

#[test]
fn steps_by_the_order_offer_the_next_one() {
    let steps = json!([{"from": "1000", "rate": "5"}, {"from": "5000", "rate": "10"}]);
    let program = with(json!([{"id": "a", "type": "steps", "by": "order_total", "steps": steps}]));
    let at = |price| judge_for(&program, &member(0), &order(vec![line("1", price)]));
    for (price, expected) in [(99_999, 0), (100_000, 5_000), (499_999, 25_000), (500_000, 50_000)] {
        assert_eq!(at(price).discount, expected, "{price}");
    }
    let below = at(90_000);
    assert_eq!(said(&below, "a").1, "below_minimum");
    let offer = &below.offers[0];
    assert_eq!((offer.shortfall, offer.money, offer.reason.as_str()), (10_000, 5_000, "Buy 100.00 more, get 50.00 off"));
    let offer = &at(400_000).offers[0];
    assert_eq!((offer.shortfall, offer.money), (100_000, 30_000), "500.00 then instead of 200.00 now");
    assert!(at(500_000).offers.is_empty());
}

#[test]
fn steps_by_what_was_bought_before_are_an_accumulative_discount() {
    let steps = json!([{"from": "1000", "rate": "5"}, {"from": "5000", "rate": "10"}]);
    let program = with(json!([{"id": "a", "type": "steps", "by": "qualifying_spend", "steps": steps}]));
    for (spend, expected) in [(0, 0), (99_999, 0), (100_000, 500), (500_000, 1_000)] {
        assert_eq!(judge_for(&program, &member(spend), &order(vec![line("1", 10_000)])).discount, expected, "{spend}");
    }
    assert_eq!(said(&judge_for(&program, &member(99_000), &order(vec![line("1", 10_000)])), "a").1, "spend_below_minimum");
}

#[test]
fn discounts_of_lines_come_before_those_of_the_order_and_each_sees_what_is_left() {
    let program = with(json!([
        {"id": "order", "type": "amount", "amount": "10", "priority": 100},
        {"id": "half", "type": "percent", "rate": "50"},
        {"id": "tenth", "type": "percent", "rate": "10", "priority": -1}
    ]));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    let parts: Vec<_> = judgement.lines[0].discounts.iter().map(|part| (part.rule_id.as_str(), part.money)).collect();
    assert_eq!(parts, [("half", 5_000), ("tenth", 500), ("order", 1_000)]);
    assert_eq!(judgement.lines[0].discount, 6_500);
}

#[test]
fn stop_stackable_and_exclusive_decide_who_shares_a_line() {
    let promo_first = |flags: Value, other: Value| {
        let mut first =
            json!({"id": "promo", "type": "percent", "rate": "20", "priority": 9, "when": {"products": {"promo": true}}});
        let mut second = json!({"id": "all", "type": "percent", "rate": "10"});
        for (rule, flags) in [(&mut first, flags), (&mut second, other)] {
            for (name, value) in flags.as_object().unwrap() {
                rule[name] = value.clone();
            }
        }
        let cart = order(vec![promo("1", 10_000), line("2", 10_000)]);
        off(&judge_for(&with(json!([first, second])), &member(0), &cart))
    };
    assert_eq!(promo_first(json!({}), json!({})), [2_800, 1_000], "both, one after the other");
    assert_eq!(promo_first(json!({"stop": true}), json!({})), [2_000, 1_000]);
    assert_eq!(promo_first(json!({}), json!({"stackable": false})), [2_000, 1_000]);
    assert_eq!(promo_first(json!({"exclusive": true}), json!({})), [2_000, 0], "alone on the whole order");
    assert_eq!(promo_first(json!({}), json!({"exclusive": true})), [2_000, 0], "an exclusive one comes only first");
}

#[test]
fn a_cap_for_one_order_is_shared_too() {
    let program = with(json!([{"id": "a", "type": "percent", "rate": "50", "per_order": "10"}]));
    assert_eq!(off(&judge_for(&program, &member(0), &order(vec![line("1", 3_000), line("2", 1_000)]))), [750, 250]);
}

#[test]
fn discounted_goods_may_be_kept_from_payment_with_points() {
    let blocks = |combinable: bool| {
        json!({
            "discounts": [{"id": "a", "type": "percent", "rate": "10", "when": {"products": {"skus": ["sku-1"]}}}],
            "redemption": {"max_share": "50", "combinable_with_discounts": combinable}
        })
    };
    let cart = || vec![line("1", 10_000), line("2", 10_000)];
    let most = |combinable| pay(&program_with(blocks(combinable)), cart(), Payment::Maximum).unwrap().redemption.points;
    assert_eq!((most(true), most(false)), (9_500, 5_000));
}

#[test]
fn a_wrong_discount_is_refused_with_its_place() {
    let rule = |rule: Value| findings_of(json!({"discounts": [rule]}));
    for (given, pointer, code) in [
        (json!({"id": "a", "type": "percent", "rate": "0"}), "/rate", "out_of_range"),
        (json!({"id": "a", "type": "percent", "rate": "100.5"}), "/rate", "out_of_range"),
        (json!({"id": "a", "type": "percent"}), "/rate", "missing_field"),
        (json!({"id": "a", "type": "tier"}), "/type", "missing_rate"),
        (json!({"id": "a", "type": "buy_get", "buy": 0, "get": 1}), "/buy", "out_of_range"),
        (json!({"id": "a", "type": "steps", "by": "moon", "steps": [{"from": "1", "rate": "1"}]}), "/by", "unknown_word"),
        (json!({"id": "a", "type": "steps", "by": "order_total", "steps": []}), "/steps", "empty"),
        (
            json!({"id": "a", "type": "steps", "by": "order_total", "steps": [{"from": "5", "rate": "1"}, {"from": "5", "rate": "2"}]}),
            "/steps/1/from",
            "not_ascending",
        ),
        (json!({"id": "a", "type": "gift"}), "/type", "unknown_type"),
    ] {
        assert_eq!(rule(given.clone()), [(format!("/discounts/0{pointer}"), code.to_owned())], "{given}");
    }
}

#[test]
fn a_rule_that_can_never_fire_is_refused() {
    let two = |first: Value, second: Value| findings_of(json!({"discounts": [first, second]}));
    let all = json!({"id": "all", "type": "percent", "rate": "10", "stop": true});
    let never = [("/discounts/1".to_owned(), "unreachable".to_owned())];
    assert_eq!(two(all.clone(), json!({"id": "b", "type": "percent", "rate": "20", "when": {"channels": ["app"]}})), never);
    assert_eq!(two(all, json!({"id": "b", "type": "percent", "rate": "20", "priority": 1})), [], "it comes first");
    let open = json!({"id": "all", "type": "percent", "rate": "10"});
    assert_eq!(two(open.clone(), json!({"id": "b", "type": "percent", "rate": "20", "exclusive": true})), never);
    assert_eq!(two(open, json!({"id": "b", "type": "percent", "rate": "20", "stackable": false})), never);
}

#[test]
fn a_tier_or_step_without_a_discount_says_what_is_missing_to_the_first_that_has_one() {
    let tiers = json!([
        {"id": "guest", "name": "Guest", "threshold": "0", "discount": "0"},
        {"id": "friend", "name": "Friend", "threshold": "100", "discount": "5"}
    ]);
    let program = program_with(json!({"tiers": tiers, "discounts": [{"id": "a", "type": "tier"}]}));
    let judgement = judge_for(&program, &member(4_000), &order(vec![line("1", 10_000)]));
    assert_eq!(judgement.explanations[0].reason, "60.00 of spend short of the first tier at which this rule gives something");
    let steps = json!([{"from": "0", "rate": "0"}, {"from": "200", "rate": "5"}]);
    let program = with(json!([{"id": "a", "type": "steps", "by": "order_total", "steps": steps}]));
    let judgement = judge_for(&program, &member(0), &order(vec![line("1", 10_000)]));
    assert_eq!(judgement.explanations[0].reason, "100.00 short of the minimum of 200.00");
}

#[test]
fn an_order_without_a_member_gets_only_what_asks_nothing_of_one() {
    let program = with(json!([
        {"id": "first", "type": "percent", "rate": "20", "when": {"first_order": true}},
        {"id": "spend", "type": "steps", "by": "qualifying_spend", "steps": [{"from": "0", "rate": "5"}]},
        {"id": "anybody", "type": "percent", "rate": "10"},
    ]));
    let stranger = Order { discounts: Discounts::ForAnybody, ..order(vec![line("1", 100_000)]) };
    let judgement = judge_for(&program, &member(0), &stranger);
    assert_eq!(off(&judgement), [10_000]);
    assert_eq!((said(&judgement, "first").1, said(&judgement, "spend").1), ("members_only", "members_only"));
}

#[test]
fn an_order_that_is_claimed_is_judged_at_the_discounts_that_it_was_paid_with() {
    let program = program_with(json!({
        "discounts": [{"id": "a", "type": "percent", "rate": "15"}],
        "earning": [{"id": "b", "type": "percent", "rate": "5"}],
    }));
    let paid = Order { discounts: Discounts::Settled(vec![0, 2_500]), ..order(vec![line("1", 50_000), line("2", 50_000)]) };
    let judgement = judge_for(&program, &member(0), &paid);
    assert_eq!((off(&judgement), judgement.qualifying, judgement.earned), (vec![0, 2_500], 97_500, 4_875));
    assert!(judgement.explanations.iter().all(|said| said.rule_id != "a"), "nobody took anything off now");
    let wrong = Order { discounts: Discounts::Settled(vec![0]), ..paid };
    assert!(matches!(program.judge_order(&member(0), &wrong, &Payment::None), Err(Failure::Invalid(_))));
}
