//! A tenant's own rules: the same application, and in `spin.toml` another component behind the same contract.

use serde_json::{Value, json};
use tests::{Shop, hundredths, line, pieces, tenant};

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
