//! Promo codes: good once, perhaps for one member, some goods, a time.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Member, Shop, cart, line};

use crate::concurrency::at_once;

/// 20 % off with a code.
fn program() -> Value {
    json!({
        "name": "vouchers", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "discounts": [{"id": "comeback", "type": "percent", "rate": "20", "when": {"voucher": true}}],
        "earning": [{"id": "purchase", "type": "percent", "rate": "5"}],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
    })
}

fn goods() -> Value {
    json!([line("1", "100.00"), line("2", "200.00")])
}

async fn voucher(shop: &Shop, wishes: Value) -> String {
    let mut body = json!({"rule_id": "comeback"});
    for (name, value) in wishes.as_object().unwrap() {
        body[name] = value.clone();
    }
    shop.post("/v1/vouchers", &body).await.expect(201)["code"].as_str().unwrap().to_owned()
}

fn order(member: &Member<'_>, code: &str) -> Value {
    let mut order = member.order(goods());
    order["vouchers"] = json!([code]);
    order
}

async fn status(shop: &Shop, code: &str) -> Value {
    shop.get(&format!("/v1/vouchers/{code}")).await.expect(200)["status"].clone()
}

#[tokio::test]
async fn a_code_takes_a_fifth_off_once() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let code = voucher(&shop, json!({})).await;
    assert_eq!(code.len(), 16, "nobody guesses it");
    let mut wanted = cart(goods());
    wanted["vouchers"] = json!([code]);
    let quote = shop.quote(&wanted).await;
    assert_eq!((&quote["discount"]["money"], &quote["payable"]), (&json!("60.00"), &json!("240.00")));
    assert_eq!(status(&shop, &code).await, "unused", "a quote uses nothing");
    let paid = anna.orders(&order(&anna, &code)).await.expect(201);
    assert_eq!(paid["payable"], "240.00");
    let used = shop.get(&format!("/v1/vouchers/{code}")).await.expect(200);
    assert_eq!((&used["status"], &used["order_id"]), (&json!("used"), &paid["order_id"]));
    let again = anna.orders(&order(&anna, &code)).await.refused_at(422, "/vouchers/0");
    assert_eq!(again["errors"][0]["code"], "voucher_used");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_code_that_is_not_good_says_why() {
    let shop = Shop::with_program(&program()).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    let why = async |member: &Member<'_>, codes: Value| {
        let mut order = member.order(goods());
        order["vouchers"] = codes;
        let index = order["vouchers"].as_array().unwrap().len() - 1;
        let refused = member.orders(&order).await.refused_at(422, &format!("/vouchers/{index}"));
        refused["errors"][0]["code"].clone()
    };
    assert_eq!(why(&anna, json!(["NOTHING"])).await, "voucher_unknown");
    let own = voucher(&shop, json!({"code": "FOR-ANNA", "member": {"id": anna.id}})).await;
    assert_eq!(why(&boris, json!([own])).await, "voucher_of_other_member");
    let other = voucher(&shop, json!({})).await;
    assert_eq!(why(&anna, json!([other, own, own])).await, "voucher_used");
    let soon = voucher(&shop, json!({"expires_at": "2026-01-16T00:00:00Z"})).await;
    shop.days_pass(1).await;
    assert_eq!(why(&anna, json!([soon])).await, "voucher_expired");
    assert_eq!(status(&shop, &soon).await, "expired");
    shop.post("/v1/vouchers", &json!({"rule_id": "comeback", "code": "FOR-ANNA"})).await.refused(409, "voucher_taken");
    shop.get("/v1/vouchers/NOTHING").await.refused(404, "voucher_not_found");
    let body = json!({"member": {"id": anna.id}, "order": {"lines": goods(), "vouchers": ["NOTHING"]}, "points": "max"});
    shop.post("/v1/redemptions", &body).await.refused_at(422, "/order/vouchers/0");
}

#[tokio::test]
async fn a_code_is_made_for_a_rule_that_asks_for_one() {
    let shop = Shop::with_program(&program()).await;
    for rule in ["nothing", "purchase"] {
        let refused = shop.post("/v1/vouchers", &json!({"rule_id": rule})).await.refused_at(422, "/rule_id");
        assert_eq!(refused["errors"][0]["code"], "unknown_rule");
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.ends_with("those that do: comeback"), "{detail}");
    }
    // with the program that asks for one no longer it can be made no longer
    let mut document = program();
    document.as_object_mut().unwrap().remove("discounts");
    shop.put("/v1/program", &document).await.expect(200);
    let refused = shop.post("/v1/vouchers", &json!({"rule_id": "comeback"})).await.refused_at(422, "/rule_id");
    assert!(refused["errors"][0]["detail"].as_str().unwrap().ends_with("those that do: none"), "{refused}");
}

#[tokio::test]
async fn a_code_for_the_goods_of_a_cart_is_for_these_goods_only() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let code = voucher(&shop, json!({"skus": ["sku-2"]})).await;
    assert_eq!(anna.orders(&order(&anna, &code)).await.expect(201)["payable"], "260.00");
    // where the rule does not fire the code is not used
    let code = voucher(&shop, json!({"skus": ["sku-9"]})).await;
    assert_eq!(anna.orders(&order(&anna, &code)).await.expect(201)["payable"], "300.00");
    assert_eq!(status(&shop, &code).await, "unused");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_undoes_the_order_frees_the_code() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let code = voucher(&shop, json!({})).await;
    let id = |order: &Value| order["order_id"].as_str().unwrap().to_owned();
    let first = id(&anna.orders(&order(&anna, &code)).await.expect(201));
    shop.takes_back(&first, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!(status(&shop, &code).await, "used");
    shop.takes_back(&first, "r-2", None).await.expect(201);
    assert_eq!(status(&shop, &code).await, "unused");
    let second = id(&anna.orders(&order(&anna, &code)).await.expect(201));
    shop.cancels(&second).await.expect(201);
    assert_eq!(status(&shop, &code).await, "unused");
    anna.orders(&order(&anna, &code)).await.expect(201);
    assert_eq!(shop.get("/v1/rebuild").await.expect(200)["ok"], true);
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_at_once_one_uses_the_code() {
    let shop = Arc::new(Shop::with_program(&program()).await);
    let code = voucher(&shop, json!({})).await;
    let mut orders = Vec::new();
    for number in 0..8 {
        let member = shop.enrol(&format!("+7 900 000-00-{number:02}")).await;
        orders.push(("/v1/orders".to_owned(), order(&member, &code)));
    }
    let answers = at_once(&shop, orders).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.refused_at(422, "/vouchers/0")["errors"][0]["code"], "voucher_used");
    }
    shop.audit_is_clean().await;
}
