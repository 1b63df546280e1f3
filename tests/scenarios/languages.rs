//! Explanations are told in the member's language: English or Russian, by `Accept-Language`.

use http::Method;
use serde_json::{Value, json};
use tests::{Shop, cart, line};

#[tokio::test]
async fn quotes_orders_and_entries_speak_the_language_that_was_asked_for() {
    let shop = Shop::open("abm").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let quote = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "660.00")]))}).to_string();
    let asked =
        async |language: &str| shop.send_in(language, Method::POST, "/v1/quotes", Some(quote.clone()), None).await.expect(200);
    let (english, russian) = (asked("en").await, asked("ru-RU,ru;q=0.9").await);
    assert_eq!(english["offers"][0]["reason"], "Buy 340.00 more, get 100.00 points");
    assert_eq!(russian["offers"][0]["reason"], "Купите ещё на 340.00 и получите 100.00 баллов");
    assert_eq!(english["explanation"][0]["reason"], "340.00 short of the minimum of 1000.00");
    assert_eq!(russian["explanation"][0]["reason"], "не хватает 340.00 до минимальной суммы 1000.00");
    let same = |answer: &Value| (answer["explanation"][0]["code"].clone(), answer["explanation"][0]["shortfall"].clone());
    assert_eq!(same(&english), same(&russian), "codes and numbers are the same");

    let mut order = cart(json!([line("1", "1000.00")]));
    order["id"] = "order-1".into();
    order["occurred_at"] = shop.now().into();
    order["member"] = json!({"id": anna.id});
    let order = order.to_string();
    let buys =
        async |language: &str| shop.send_in(language, Method::POST, "/v1/orders", Some(order.clone()), Some("the-order")).await;
    let first = buys("ru").await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.json["explanation"][0]["reason"], "10 % от 1000.00: 100.00 баллов");
    let again = buys("en").await;
    assert_eq!((again.replayed, &again.text), (true, &first.text), "the stored answer is repeated byte for byte");

    let entries = format!("/v1/members/{}/entries", anna.id);
    for (language, reason) in [("en", "10 % of 1000.00 gives 100.00 points"), ("ru", "10 % от 1000.00: 100.00 баллов")] {
        let entries = shop.send_in(language, Method::GET, &entries, None, None).await.expect(200);
        let said = &entries["items"][0]["explanation"][0];
        assert_eq!((&said["reason"], said.get("translations")), (&json!(reason), None), "{said}");
    }
}
