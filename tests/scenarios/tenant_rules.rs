//! A tenant's own rules: the same application, and in `spin.toml` another component behind the same contract.

use std::io::Write as _;

use serde_json::{Value, json};
use tests::{BEGINNING, Shop, hundredths, line, pieces, tenant};

/// Midnight in Moscow, where the program's days begin.
const BEGIN_OF_8_MARCH: &str = "2026-03-07T21:00:00Z";
const END_OF_8_MARCH: &str = "2026-03-08T21:00:00Z";

async fn shop_with_a_holiday(preset: &str, now: &str) -> Shop {
    let manifest = tenant::built("examples/holiday-rules").await.expect("the wrapper is built");
    Shop::of_tenant(&manifest, preset, now).await
}

/// (rule, points) of each lot that an answer tells of.
fn lots(earned: &Value) -> Vec<(&str, &str)> {
    let lots = earned["lots"].as_array().expect("lots");
    lots.iter().map(|lot| (lot["rule_id"].as_str().unwrap(), lot["points"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn points_are_doubled_on_the_holiday_and_on_no_other_day() {
    let shop = shop_with_a_holiday("fixed", "2026-03-07T20:59:59Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(lots(&order["earned"]), [("purchase", "30.00")]);
    assert_eq!(order["explanation"][1]["code"], "not_today");

    shop.at(BEGIN_OF_8_MARCH).await;
    let quote = anna.quote(json!([line("1", "1000.00")])).await;
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    for earned in [&quote["earn"], &order["earned"]] {
        assert_eq!(earned["points"], "60.00");
        assert_eq!(lots(earned), [("purchase", "30.00"), ("holiday", "30.00")]);
    }
    let told = &order["explanation"];
    assert_eq!((&told[0]["points"], &told[1]["points"]), (&json!("30.00"), &json!("30.00")), "they sum to what is earned");
    assert_eq!(told[1]["reason"], "It is 8 March: 30.00 points more, as many again");
    let order = anna.buys(json!([line("1", "0.33")])).await;
    assert_eq!((&order["earned"]["points"], &order["explanation"][1]["code"]), (&json!("0.00"), &json!("nothing_to_double")));

    shop.at("2026-03-08T20:59:59Z").await;
    assert_eq!(anna.buys(json!([line("1", "1000.00")])).await["earned"]["points"], "60.00");
    shop.at(END_OF_8_MARCH).await;
    assert_eq!(anna.buys(json!([line("1", "1000.00")])).await["earned"]["points"], "30.00");
    anna.has(json!({"available": "180.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_the_holiday_gave_is_taken_back_with_the_goods_to_the_last_hundredth() {
    let shop = shop_with_a_holiday("fixed", BEGIN_OF_8_MARCH).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([pieces("1", "33.33", 3), line("2", "77.77")])).await;
    assert_eq!(order["earned"]["points"], "10.66", "twice 5.33");
    let id = order["order_id"].as_str().unwrap();
    shop.days_pass(1).await;
    for (number, lines, left) in [
        (1, json!([{"id": "1", "quantity": 1}]), "8.66"),
        (2, json!([{"id": "2", "quantity": 1}]), "4.00"),
        (3, json!([{"id": "1", "quantity": 2}]), "0.00"),
    ] {
        shop.takes_back(id, &format!("return-{number}"), Some(lines)).await.expect(201);
        anna.has(json!({"available": left})).await;
    }

    let order = anna.buys(json!([line("1", "500.00")])).await;
    shop.cancels(order["order_id"].as_str().unwrap()).await.expect(201);
    anna.has(json!({"available": "0.00", "deficit": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn on_the_holiday_each_sum_and_each_offer_of_a_quote_is_twice_the_engines() {
    for preset in ["madrobots", "toy69", "sela"] {
        let (plain, holiday) =
            (Shop::open_at(preset, BEGIN_OF_8_MARCH).await, shop_with_a_holiday(preset, BEGIN_OF_8_MARCH).await);
        let cart = tests::cart(json!([line("1", "2999.99"), line("2", "10.01")]));
        let (quote, doubled) = (plain.quote(&cart).await, holiday.quote(&cart).await);
        assert_eq!(hundredths(&doubled["earn"]["points"]), 2 * hundredths(&quote["earn"]["points"]), "{preset}: {doubled}");
        for what in ["redemption", "payable", "discount", "tier", "next_tier"] {
            assert_eq!(doubled[what], quote[what], "{preset}: {what}");
        }
        let explained: i64 = doubled["explanation"].as_array().unwrap().iter().map(|line| hundredths(&line["points"])).sum();
        assert_eq!(explained, hundredths(&doubled["earn"]["points"]), "{preset}: {doubled}");
        let (offered, before) = (doubled["offers"].as_array().unwrap(), quote["offers"].as_array().unwrap());
        assert_eq!((offered.len(), before.len()), if preset == "madrobots" { (1, 1) } else { (0, 0) });
        for (twice, once) in offered.iter().zip(before) {
            assert_eq!(hundredths(&twice["points"]), 2 * hundredths(&once["points"]), "{preset}: {twice}");
            assert_eq!(twice["shortfall"], once["shortfall"]);
        }
    }
}

/// None where npm is not to be had: a line then says so, and there is nothing to test.
async fn shop_with_javascript() -> Option<Shop> {
    let manifest = match tenant::built("examples/js-rules").await {
        Ok(manifest) => manifest,
        Err(why) => {
            assert!(why.contains("\"npm install"), "npm has installed what it needs, but {why}");
            // past the test's captured output
            let _ = writeln!(std::io::stderr(), "skipped: scenarios of rules in JavaScript need npm, and {why}");
            return None;
        }
    };
    let shop = Shop::of_tenant_without_program(&manifest, BEGINNING).await;
    shop.publish(&json!({"name": "Loyal", "currency": "RUB", "percent": "7.5"})).await.expect(200);
    Some(shop)
}

#[tokio::test]
async fn rules_in_javascript_earn_their_percentage_and_let_points_pay() {
    let Some(shop) = shop_with_javascript().await else { return };
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (price, earned) in [("1000.00", "75.00"), ("0.13", "0.00"), ("0.14", "0.01"), ("1234.56", "92.59")] {
        let order = anna.buys(json!([line("1", price)])).await;
        assert_eq!(order["earned"]["points"], earned, "{price}: {order}");
    }
    anna.has(json!({"available": "167.60"})).await;
    let order = anna.buys_with("100", json!([line("1", "300.00"), pieces("2", "33.33", 3)])).await;
    assert_eq!(
        (&order["redeemed"], &order["payable"], &order["earned"]["points"]),
        (&json!("100.00"), &json!("299.99"), &json!("22.49"))
    );
    assert_eq!(order["explanation"][0]["reason"], "7.5 % of 299.99 gives 22.49 points");
    anna.redeems("1000", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
    anna.redeems("80", json!([line("1", "50.00")])).await.refused(422, "redemption_limit_exceeded");

    let id = order["order_id"].as_str().unwrap();
    shop.takes_back(id, "first", Some(json!([{"id": "2", "quantity": 2}]))).await.expect(201);
    shop.takes_back(id, "rest", None).await.expect(201);
    anna.has(json!({"available": "167.60", "deficit": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn rules_in_javascript_take_a_receipt_at_the_discounts_that_it_was_paid_with() {
    let Some(shop) = shop_with_javascript().await else { return };
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut order = tests::cart(json!([line("1", "300.00"), pieces("2", "33.33", 3)]));
    (order["id"], order["occurred_at"]) = ("receipt".into(), shop.now().into());
    shop.post("/v1/orders", &order).await.expect(201);
    // these rules give none: the shop had others before
    shop.alter("default", "UPDATE order_line SET program_discount = 5000 + n, qualifying = qualifying - 5000 - n");
    let settled = "UPDATE orders SET discount = 10001, payable = payable - 10001, qualifying = qualifying - 10001";
    shop.alter("default", settled);
    let claim = json!({"order_id": "receipt", "member": {"id": anna.id}});
    let claimed = shop.post("/v1/orders/claims", &claim).await.expect(201);
    assert_eq!((&claimed["payable"], &claimed["earned"]["points"]), (&json!("299.98"), &json!("22.49")), "{claimed}");
    assert_eq!(claimed["explanation"][0]["reason"], "7.5 % of 299.98 gives 22.49 points");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn rules_in_javascript_say_what_is_wrong_with_a_document_and_where() {
    let Some(shop) = shop_with_javascript().await else { return };
    let preset = shop.get("/v1/program/presets/fixed").await.expect(200)["document"].clone();
    for (document, findings) in [
        (preset, vec!["/percent missing_field", "/time_zone unknown_field", "/points unknown_field"]),
        (
            json!({"name": "", "currency": "RUR1", "percent": 5}),
            vec!["/name out_of_range", "/currency out_of_range", "/percent wrong_type"],
        ),
        (
            json!({"name": "x", "currency": "RUB", "percent": "100.5", "a/b": 1}),
            vec!["/percent out_of_range", "/a~1b unknown_field"],
        ),
        (json!([]), vec![" wrong_type"]),
    ] {
        let answer = shop.publish(&document).await;
        let errors = answer.json["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
        let told: Vec<_> =
            errors.iter().map(|one| format!("{} {}", one["pointer"].as_str().unwrap(), one["code"].as_str().unwrap())).collect();
        for finding in findings {
            assert!(told.contains(&finding.to_owned()), "{finding}: {}", answer.text);
        }
        answer.refused(422, "program_invalid");
    }
}
