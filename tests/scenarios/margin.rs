//! The margin guard over HTTP: a quote says what was kept back of each line.

use serde_json::json;
use tests::{Shop, line};

#[tokio::test]
async fn a_quote_tells_line_by_line_what_the_margin_guard_keeps_back() {
    let program = json!({
        "name": "guarded", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "margin_guard": {"floor": "20"},
        "discounts": [{"id": "sale", "type": "percent", "rate": "30"}],
        "earning": [{"id": "purchase", "type": "percent", "rate": "10"}],
    });
    let shop = Shop::with_program(&program).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    // 72.00 at a margin of 20 % is 90.00 at least: 10.00 of the 30.00 are given, and then nothing is left to earn
    let mut costly = line("1", "100.00");
    costly["cost"] = json!("72.00");
    let quote = anna.quote(json!([costly, line("2", "100.00")])).await;
    assert_eq!(quote["discount"]["money"], "40.00");
    assert_eq!(
        quote["cuts"],
        json!([
            {"line_id": "1", "rule_id": "sale", "money": "20.00", "points": "0.00", "code": "margin_floor"},
            {"line_id": "1", "rule_id": "purchase", "money": "0.00", "points": "9.00", "code": "margin_floor"},
        ])
    );
}
