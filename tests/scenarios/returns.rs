//! Returns are exact in both directions: any sequence of them sums to the whole order, and spent points are back in their
//! lots with the old expiry.

use serde_json::{Value, json};
use tests::{Member, Shop, hundredths, line, pieces};

/// A member with two gifts of different ends, so that a payment takes from two lots.
async fn member_with_gifts(shop: &Shop) -> Member<'_> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100.01", "2026-02-01T00:00:00Z").await;
    anna.is_given_until("60", "2026-03-01T00:00:00Z").await;
    anna.is_given("40").await;
    anna
}

/// What returns gave back in all: points taken back, points restored, money.
fn sums(returns: &[Value]) -> (i64, i64, i64) {
    let sum = |field: &str| returns.iter().map(|given| hundredths(&given[field])).sum();
    (sum("clawed_back"), sum("restored"), sum("refund_money"))
}

/// Buys these lines, partly with points, and returns them in these steps of (line, quantity): the steps must sum to the
/// whole order, and the member must stand where they stood before.
async fn check(lines: Value, points: &str, steps: &[(&str, &str)]) {
    let shop = Shop::open("fixed").await;
    let anna = member_with_gifts(&shop).await;
    let before = anna.books().await;
    let order = anna.buys_with(points, lines).await;
    let id = order["order_id"].as_str().unwrap();
    let mut returns = Vec::new();
    for (number, (line, quantity)) in steps.iter().enumerate() {
        let lines = json!([{"id": line, "quantity": quantity}]);
        returns.push(shop.takes_back(id, &format!("r-{number}"), Some(lines)).await.expect(201));
        shop.audit_is_clean().await;
    }
    let whole = (hundredths(&order["earned"]["points"]), hundredths(&order["redeemed"]), hundredths(&order["payable"]));
    assert_eq!(sums(&returns), whole, "clawed back, restored and refunded in {steps:?}");
    assert_eq!(anna.books().await, before, "spent points are in their old lots, earned ones are gone");
    shop.takes_back(id, "r-more", None).await.refused(409, "already_returned");
}

#[tokio::test]
async fn three_equal_lines_returned_one_by_one_sum_to_the_whole_order() {
    let lines = json!([line("1", "333.33"), line("2", "333.33"), line("3", "333.33")]);
    check(lines, "120.55", &[("1", "1"), ("2", "1"), ("3", "1")]).await;
}

#[tokio::test]
async fn three_pieces_of_a_line_returned_one_by_one_sum_to_the_whole_order() {
    check(json!([pieces("1", "333.33", 3)]), "120.55", &[("1", "1"), ("1", "1"), ("1", "1")]).await;
}

#[tokio::test]
async fn awkward_amounts_sum_to_the_whole_order() {
    let seven = || json!([pieces("1", "333.33", 7)]);
    check(seven(), "200.01", &[("1", "1"); 7]).await;
    check(seven(), "0.07", &[("1", "2"), ("1", "4"), ("1", "1")]).await;
    let cheese =
        json!([{"id": "1", "sku": "cheese", "quantity": "1.337", "price": "999.99", "discount": "0.01"}, line("2", "0.01")]);
    check(cheese, "33.33", &[("1", "0.001"), ("2", "1"), ("1", "1.3"), ("1", "0.036")]).await;
}

#[tokio::test]
async fn spent_points_go_back_to_the_lots_that_they_came_from_the_last_taken_first() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_gifts(&shop).await;
    let order = anna.buys_with("130", json!([pieces("1", "500.00", 2)])).await;
    anna.has(json!({"expiring": [{"points": "30.01", "expires_at": "2026-03-01T00:00:00Z"}]})).await;
    let id = order["order_id"].as_str().unwrap();
    let half = shop.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!(half["restored"], "65.00");
    let lots: Vec<_> = half["lots"].as_array().unwrap().iter().map(|lot| (&lot["points"], &lot["expires_at"])).collect();
    assert_eq!(lots, [(&json!("29.99"), &json!("2026-03-01T00:00:00Z")), (&json!("35.01"), &json!("2026-02-01T00:00:00Z"))]);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_that_go_back_to_a_lot_past_its_end_are_gone_with_it() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100", "2026-02-01T00:00:00Z").await;
    let order = anna.buys_with("100", json!([line("1", "500.00")])).await;
    shop.at("2026-02-03T00:00:00Z").await;
    let back = shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
    assert_eq!((&back["restored"], &back["balance"]["available"]), (&json!("100.00"), &json!("0.00")));
    anna.has(json!({"available": "0.00", "lifetime_expired": "100.00", "lifetime_redeemed": "0.00"})).await;
    shop.days_pass(1).await;
    assert_eq!(anna.entries().await[0]["kind"], "expire");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_same_return_again_changes_nothing() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_gifts(&shop).await;
    let order = anna.buys_with("100", json!([pieces("1", "500.00", 3)])).await;
    let path = format!("/v1/orders/{}/returns", order["order_id"].as_str().unwrap());
    let body = json!({"return_id": "r-1", "lines": [{"id": "1", "quantity": 1}]});
    let first = shop.post_as("the-return", &path, &body).await;
    let (books, counts) = (anna.books().await, shop.counts().await);
    for key in ["the-return", "another-key"] {
        let again = shop.post_as(key, &path, &body).await;
        assert!(again.replayed, "{key}");
        assert_eq!(again.text, first.text, "{key}");
    }
    let other = json!({"return_id": "r-1", "lines": [{"id": "1", "quantity": 2}]});
    shop.post_as("third-key", &path, &other).await.refused(409, "conflict");
    assert_eq!((anna.books().await, shop.counts().await), (books, counts));
    first.expect(201);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn no_more_comes_back_than_is_left() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([pieces("1", "500.00", 3), line("2", "10.00")])).await;
    let id = order["order_id"].as_str().unwrap();
    shop.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 2}]))).await.expect(201);
    let (books, counts) = (anna.books().await, shop.counts().await);
    for (lines, detail) in [
        (json!([{"id": "1", "quantity": 2}]), "Of line 1 only 1.000 is left to return"),
        (json!([{"id": "1", "quantity": 1}, {"id": "1", "quantity": "0.001"}]), "Of line 1 only 0.000 is left to return"),
        (json!([{"id": "2", "quantity": 1}, {"id": "1", "quantity": 3}]), "Of line 1 only 1.000 is left to return"),
    ] {
        let refusal = shop.takes_back(id, "r-2", Some(lines)).await.refused(409, "already_returned");
        assert_eq!(refusal["detail"], detail);
    }
    shop.takes_back(id, "r-2", Some(json!([{"id": "3", "quantity": 1}]))).await.refused_at(422, "/lines/0/id");
    shop.takes_back("no-such-order", "r-2", None).await.refused(404, "order_not_found");
    assert_eq!((anna.books().await, shop.counts().await), (books, counts));
    shop.takes_back(id, "r-2", None).await.expect(201);
    shop.takes_back(id, "r-3", None).await.refused(409, "already_returned");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_cancellation_after_a_partial_return_undoes_the_rest_with_delivery() {
    let shop = Shop::open("fixed").await;
    let anna = member_with_gifts(&shop).await;
    let before = anna.books().await;
    let lines = json!([pieces("1", "333.33", 7), line("2", "0.01")]);
    let mut order = anna.order(lines.clone());
    order["delivery"] = json!({"cost": "300"});
    order["redemption_id"] = anna.holds("111.11", lines).await.into();
    let order = anna.orders(&order).await.expect(201);
    let id = order["order_id"].as_str().unwrap();
    let part = shop.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 3}]))).await.expect(201);
    let rest = shop.cancels(id).await.expect(201);
    let whole = (hundredths(&order["earned"]["points"]), hundredths(&order["redeemed"]), hundredths(&order["payable"]));
    assert_eq!(sums(&[part, rest.clone()]), whole);
    assert_eq!(anna.books().await, before);
    let again = shop.cancels(id).await;
    assert!(again.replayed);
    assert_eq!(again.json, rest);
    shop.takes_back(id, "r-2", None).await.refused(409, "already_returned");
    let shown = shop.get(&format!("/v1/orders/{id}")).await.expect(200);
    assert_eq!((&shown["status"], shown["returns"].as_array().unwrap().len()), (&json!("cancelled"), 2));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_that_came_back_whole_can_still_be_cancelled_for_its_delivery() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut order = anna.order(json!([line("1", "100.00")]));
    order["delivery"] = json!({"cost": "300.00"});
    anna.orders(&order).await.expect(201);
    let id = order["id"].as_str().unwrap();
    assert_eq!(shop.takes_back(id, "r-1", None).await.expect(201)["refund_money"], "100.00");
    assert_eq!(shop.cancels(id).await.expect(201)["refund_money"], "300.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn points_that_were_spent_before_their_goods_came_back_are_owed_and_paid_by_the_next_purchase() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "10000.00")])).await;
    anna.buys_with("300", json!([line("1", "300.00")])).await;
    let back = shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
    assert_eq!(
        (&back["clawed_back"], &back["deficit"], &back["refund_money"]),
        (&json!("300.00"), &json!("300.00"), &json!("10000.00"))
    );
    anna.has(json!({"available": "0.00", "deficit": "300.00"})).await;
    let refused = anna.redeems("max", json!([line("1", "300.00")])).await.refused(409, "insufficient_points");
    assert_eq!(refused["available"], "0.00");
    anna.buys(json!([line("1", "15000.00")])).await;
    anna.has(json!({"available": "150.00", "deficit": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn goods_of_nobody_come_back_for_money_only() {
    let shop = Shop::open("fixed").await;
    let mut order = tests::cart(json!([pieces("1", "333.33", 3)]));
    order["id"] = "anonymous".into();
    order["occurred_at"] = shop.now().into();
    let recorded = shop.post("/v1/orders", &order).await.expect(201);
    assert_eq!((&recorded["member_id"], &recorded["earned"]["points"]), (&Value::Null, &json!("0.00")));
    let mut returns = Vec::new();
    for number in 0..3 {
        let lines = json!([{"id": "1", "quantity": 1}]);
        returns.push(shop.takes_back("anonymous", &format!("r-{number}"), Some(lines)).await.expect(201));
    }
    assert_eq!(sums(&returns), (0, 0, 99_999));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn random_purchases_returned_in_random_parts_sum_to_the_whole() {
    let shop = Shop::open("sela").await;
    let anna = member_with_gifts(&shop).await;
    let before = anna.books().await;
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..10 {
        let mut left: Vec<u64> = (0..=draw(4)).map(|_| 1 + draw(5_000)).collect();
        let amount = |thousandths: u64| format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        let lines: Vec<Value> = left
            .iter()
            .enumerate()
            .map(|(number, quantity)| {
                let price = format!("{}.{:02}", draw(2_000), draw(100));
                json!({"id": number.to_string(), "sku": "any", "quantity": amount(*quantity), "price": price, "promo": draw(2) == 0})
            })
            .collect();
        let order = match anna.redeems("max", json!(lines)).await {
            held if held.status == 201 => {
                let mut order = anna.order(json!(lines));
                order["redemption_id"] = held.json["id"].clone();
                anna.orders(&order).await.expect(201)
            }
            _ => anna.buys(json!(lines)).await, // too cheap to be paid with points
        };
        let mut returns = Vec::new();
        while left.iter().any(|left| *left > 0) {
            let number = usize::try_from(draw(left.len() as u64)).unwrap();
            if left[number] == 0 {
                continue;
            }
            let quantity = 1 + draw(left[number]);
            left[number] -= quantity;
            let lines = json!([{"id": number.to_string(), "quantity": amount(quantity)}]);
            let id = order["order_id"].as_str().unwrap();
            returns.push(shop.takes_back(id, &format!("r-{}", returns.len()), Some(lines)).await.expect(201));
        }
        let whole = (hundredths(&order["earned"]["points"]), hundredths(&order["redeemed"]), hundredths(&order["payable"]));
        assert_eq!(sums(&returns), whole, "round {round}: {lines:?}");
        assert_eq!(anna.books().await, before, "round {round}: {lines:?}");
    }
    shop.audit_is_clean().await;
}
