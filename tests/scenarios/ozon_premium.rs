//! Ozon Premium: 2 % cashback; subscribers have 5 %, free couriers from 499, closed sales and priority support.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn whoever_has_no_subscription_earns_2_percent_and_reads_what_it_would_bring() {
    let shop = Shop::open("ozon-premium").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let quote = anna.quote(json!([line("1", "500.00")])).await;
    assert_eq!((&quote["earn"]["points"], &quote["perks"]), (&json!("10.00"), &json!([])));
    let missed: Vec<_> = quote["explanation"].as_array().unwrap().iter().filter(|said| said["fired"] == false).collect();
    assert!(missed.iter().all(|said| said["code"] == "other_segment"), "{missed:?}");
    assert_eq!(missed.len(), 4, "the higher cashback and three perks");
    let order = anna.buys(json!([line("1", "500.00")])).await;
    assert_eq!(order["earned"]["points"], "10.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_subscriber_earns_5_percent_and_has_free_couriers_from_499() {
    let shop = Shop::open("ozon-premium").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    shop.put(&format!("/v1/members/{}/segments", anna.id), &json!({"segments": ["premium"]})).await.expect(200);
    let perks = async |price: &str| {
        let quote = anna.quote(json!([line("1", price)])).await;
        quote["perks"].as_array().unwrap().iter().map(|perk| perk["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(perks("499.00").await, ["free-courier", "closed-sales", "priority-support"]);
    assert_eq!(perks("498.99").await, ["closed-sales", "priority-support"]);
    assert_eq!(anna.buys(json!([line("1", "500.00")])).await["earned"]["points"], "25.00");
    shop.audit_is_clean().await;
}
