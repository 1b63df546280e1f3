//! Leonardo: membership starts with a purchase of 1 500 or more; then 5 % off, from 10 000 bought in all 10 % and from 30 000 15 %.

use http::Method;
use serde_json::{Value, json};
use tests::{Member, Shop, cart, line, pieces};

/// The tier held, and what is told of the next one: its id, what is missing, the single order that it takes.
async fn standing(member: &Member<'_>) -> (Value, [Value; 3]) {
    let balance = member.balance().await;
    let next = &balance["next_tier"];
    (balance["tier"]["id"].clone(), [next["id"].clone(), next["remaining"].clone(), next["order_min"].clone()])
}

/// Nobody's tier, and the way to this one.
fn outside(next: &str) -> (Value, [Value; 3]) {
    (Value::Null, [json!(next), json!("1500.00"), json!("1500.00")])
}

fn id(order: &Value) -> &str {
    order["order_id"].as_str().expect("an order has its id")
}

#[tokio::test]
async fn what_was_bought_before_makes_the_next_purchase_cheaper() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let cart = || json!([line("1", "1000.00"), line("2", "500.00")]);
    let quote = anna.quote(cart()).await;
    assert_eq!((&quote["tier"], &quote["discount"]["money"]), (&json!(null), &json!("0.00")), "the first one costs its price");
    let next = json!({"id": "member", "name": "Member", "threshold": "1500.00", "remaining": "1500.00", "order_min": "1500.00"});
    assert_eq!(quote["next_tier"], next);
    for (buys, tier, off) in [("1500.00", "member", "75.00"), ("9000.00", "regular", "150.00"), ("24000.00", "friend", "225.00")]
    {
        anna.buys(json!([line("1", buys)])).await;
        let quote = anna.quote(cart()).await;
        assert_eq!((&quote["tier"]["id"], &quote["discount"]["money"]), (&json!(tier), &json!(off)), "after {buys}: {quote}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_discount_is_shared_among_the_lines_and_explained() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1500.00")])).await;
    let quote = anna.quote(json!([line("1", "99.99"), line("2", "0.03")])).await;
    assert_eq!(
        quote["discount"],
        json!({"money": "5.00", "lines": [{"line_id": "1", "money": "5.00", "rule_id": "accumulated"}]})
    );
    assert_eq!(quote["payable"], "95.02");
    let said = &quote["explanation"][0];
    assert_eq!((&said["code"], &said["money"]), (&json!("tier_discount"), &json!("5.00")));
    assert_eq!(said["reason"], "Member: 5 % off 100.02: 5.00");
}

#[tokio::test]
async fn goods_that_come_back_are_refunded_at_the_price_paid_and_the_level_falls() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1500.00")])).await;
    let order = anna.buys(json!([line("1", "10000.00"), line("2", "100.00")])).await;
    assert_eq!((&order["payable"], &order["tier"]["id"]), (&json!("9595.00"), &json!("regular")), "{order}");
    let order = order["order_id"].as_str().unwrap();
    let back = shop.takes_back(order, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!((&back["refund_money"], &back["balance"]["tier"]["id"]), (&json!("9500.00"), &json!("member")), "{back}");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn two_purchases_of_800_open_no_membership_and_one_of_1500_does() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for _ in 0..2 {
        let order = anna.buys(json!([line("1", "800.00")])).await;
        assert_eq!((&order["payable"], &order["tier"]), (&json!("800.00"), &json!(null)), "{order}");
        assert_eq!(standing(&anna).await, outside("member"));
    }
    let order = anna.buys(json!([line("1", "1499.99")])).await;
    assert_eq!((&order["payable"], &order["tier"]), (&json!("1499.99"), &json!(null)), "{order}");
    let order = anna.buys(json!([line("1", "1500.00")])).await;
    assert_eq!((&order["payable"], &order["tier"]["id"]), (&json!("1500.00"), &json!("member")), "{order}");
    // 4 599.99 in all: what was bought before counts
    assert_eq!(standing(&anna).await, (json!("member"), [json!("regular"), json!("5400.01"), json!(null)]));
    assert_eq!(anna.quote(json!([line("1", "800.00")])).await["discount"]["money"], "40.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_member_reads_how_to_get_in_in_both_languages() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let told = |quote: &Value| {
        let told = quote["explanation"].as_array().unwrap().iter().find(|said| said["rule_id"] == "membership").cloned();
        told.map(|said| (said["fired"].clone(), said["reason"].clone(), said["shortfall"].clone()))
    };
    let quote = anna.quote(json!([line("1", "800.00")])).await;
    let reason = "membership starts with a purchase of 1500.00; 700.00 more in one order";
    assert_eq!(told(&quote), Some((json!(false), json!(reason), json!("700.00"))), "{quote}");
    let asked = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "800.00")]))}).to_string();
    let russian = shop.send_in("ru", Method::POST, "/v1/quotes", Some(asked), None).await.expect(200);
    let reason = "участие начинается с покупки на 1500.00: не хватает 700.00 в одном заказе";
    assert_eq!(told(&russian), Some((json!(false), json!(reason), json!("700.00"))), "{russian}");
    let order = anna.buys(json!([line("1", "1500.00")])).await;
    assert_eq!(told(&order), Some((json!(true), json!("membership starts with this purchase"), json!(null))), "{order}");
    assert_eq!(told(&anna.quote(json!([line("1", "800.00")])).await), None);
}

#[tokio::test]
async fn when_the_purchase_that_opened_it_comes_back_the_membership_is_closed_again() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1400.00")])).await;
    let opened = anna.buys(json!([pieces("1", "500.00", 3), line("2", "100.00")])).await;
    assert_eq!(opened["tier"]["id"], "member");
    // 100 back: the order still counts 1 500
    let back = |number: u32, line: &str| (format!("r-{number}"), json!([{"id": line, "quantity": 1}]));
    let (reference, lines) = back(1, "2");
    let kept = shop.takes_back(id(&opened), &reference, Some(lines)).await.expect(201);
    assert_eq!(kept["balance"]["tier"]["id"], "member", "{kept}");
    let (reference, lines) = back(2, "1");
    let closed = shop.takes_back(id(&opened), &reference, Some(lines)).await.expect(201);
    assert_eq!(closed["balance"]["tier"], json!(null), "2 400 in all, and 1 400 at once: {closed}");
    assert_eq!(standing(&anna).await, outside("member"));
    assert_eq!(anna.quote(json!([line("1", "800.00")])).await["discount"]["money"], "0.00");

    // two that open it: one of them is enough
    let first = anna.buys(json!([line("1", "2000.00")])).await;
    let second = anna.buys(json!([line("1", "3000.00")])).await;
    assert_eq!((&second["payable"], &second["tier"]["id"]), (&json!("2850.00"), &json!("member")));
    let cancelled = shop.cancels(id(&second)).await.expect(201);
    assert_eq!(cancelled["balance"]["tier"]["id"], "member", "{cancelled}");
    let cancelled = shop.cancels(id(&first)).await.expect(201);
    assert_eq!(cancelled["balance"]["tier"], json!(null), "{cancelled}");
    assert_eq!(standing(&anna).await, outside("member"));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_that_comes_late_opens_it_and_a_version_without_it_asks_for_nothing() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut late = anna.order(json!([line("1", "1500.00")]));
    late["occurred_at"] = shop.now().into();
    shop.days_pass(40).await;
    anna.buys(json!([line("1", "1000.00")])).await;
    let order = anna.orders(&late).await.expect(201);
    assert_eq!(order["tier"]["id"], "member", "{order}");
    shop.cancels(id(&order)).await.expect(201);
    anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(standing(&anna).await, outside("member"));

    // another version: 2 000 in all are enough; and back to the one before
    let asking = shop.get("/v1/program").await.expect(200)["document"].clone();
    let mut open = asking.clone();
    open.as_object_mut().unwrap().remove("enrolment");
    for (document, tier) in [(&open, json!("member")), (&asking, json!(null))] {
        shop.publish(document).await.expect(200);
        anna.has(json!({"tier": if tier.is_null() { Value::Null } else { json!({"id": tier, "name": "Member"}) }})).await;
        shop.run_job("tiers").await;
        assert_eq!(shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["tier"]["id"], tier);
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_receipt_that_is_scanned_later_opens_it_with_what_is_kept_of_it() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (receipt, returned, tier) in [("a", true, json!(null)), ("b", false, json!("member"))] {
        let mut order = cart(json!([line("1", "1000.00"), line("2", "500.00")]));
        (order["id"], order["occurred_at"]) = (receipt.into(), shop.now().into());
        shop.post("/v1/orders", &order).await.expect(201);
        if returned {
            shop.takes_back(receipt, "r-1", Some(json!([{"id": "2", "quantity": 1}]))).await.expect(201);
        }
        let claim = json!({"order_id": receipt, "member": {"id": anna.id}});
        let claimed = shop.post("/v1/orders/claims", &claim).await.expect(201);
        assert_eq!(claimed["tier"].get("id").cloned().unwrap_or_default(), tier, "{claimed}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn whoever_takes_over_a_member_has_what_opened_their_membership() {
    let shop = Shop::open("leonardo").await;
    let mut members = Vec::new();
    for (phone, price, times) in
        [("+7 900 000-00-01", "9000.00", 1), ("+7 900 000-00-02", "1000.00", 9), ("+7 900 000-00-03", "800.00", 2)]
    {
        let member = shop.enrol(phone).await;
        for _ in 0..times {
            member.buys(json!([line("1", price)])).await;
        }
        members.push(member);
    }
    let [once, often, seldom] = members.as_slice() else { panic!("three members") };
    assert_eq!(standing(often).await, outside("regular"), "9 000 in all, and never 1 500 at once");
    let merges = async |into: &Member<'_>, from: &Member<'_>| {
        shop.post(&format!("/v1/members/{}/merges", into.id), &json!({"from": from.id})).await.expect(201)
    };
    merges(often, seldom).await;
    assert_eq!(standing(often).await, outside("regular"), "10 600 in all, and never 1 500 at once");
    merges(often, once).await;
    assert_eq!(standing(often).await.0, json!("regular"), "19 600 in all");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_backtest_opens_it_as_the_shop_would_have() {
    let shop = Shop::open("leonardo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let asking = shop.get("/v1/program").await.expect(200)["document"].clone();
    for price in ["800.00", "800.00", "1500.00", "1000.00"] {
        anna.buys(json!([line("1", price)])).await;
        shop.minutes_pass(5).await;
    }
    let simulated = async |document: &Value| shop.post("/v1/simulations", &json!({"document": document})).await.expect(200);
    let again = simulated(&asking).await;
    assert_eq!(again["difference"]["discount"], "0.00", "{again}");
    // what adds up opens it with the second order: 75 off the third
    let mut open = asking.clone();
    open.as_object_mut().unwrap().remove("enrolment");
    let opened = simulated(&open).await;
    let off = (&opened["current"]["discount"], &opened["difference"]["discount"]);
    assert_eq!(off, (&json!("50.00"), &json!("75.00")), "{opened}");
}

#[tokio::test]
async fn a_start_without_tiers_is_not_published() {
    let shop = Shop::open("leonardo").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let fields = document.as_object_mut().unwrap();
    fields.remove("tiers");
    fields.remove("discounts");
    shop.publish(&document).await.refused_at(422, "/enrolment/membership_starts_with");
}
