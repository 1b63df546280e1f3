//! Dodo: 5 % of every order, spent in the app only; points for games are a scenario of events.

use serde_json::json;
use tests::{Shop, cart, line};

#[tokio::test]
async fn points_are_earned_everywhere_and_spent_in_the_app_only() {
    let shop = Shop::open("dodo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([line("1", "2000.00")])).await;
    assert_eq!(order["earned"]["points"], "100.00");
    let quote = async |channel: &str| {
        let mut order = cart(json!([line("1", "500.00")]));
        order["channel"] = channel.into();
        shop.post("/v1/quotes", &json!({"member": {"id": anna.id}, "order": order, "points": "max"})).await.expect(200)
    };
    let app = quote("app").await;
    assert_eq!((&app["redemption"]["points"], &app["payable"]), (&json!("100.00"), &json!("400.00")));
    let site = quote("site").await;
    assert_eq!((&site["redemption"]["points"], &site["payable"]), (&json!("0.00"), &json!("500.00")));
    let said = site["explanation"].as_array().unwrap().last().unwrap();
    assert_eq!((&said["code"], &said["fired"]), (&json!("other_channel"), &json!(false)), "{said}");
    let mut order = cart(json!([line("1", "500.00")]));
    order["channel"] = "site".into();
    let hold = shop.post("/v1/redemptions", &json!({"member": {"id": anna.id}, "order": order, "points": "50"})).await;
    hold.refused(422, "redemption_limit_exceeded");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_game_gives_50_to_200_points() {
    let shop = Shop::open("dodo").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let plays = async |points: &str| {
        let id = format!("game-{points}");
        let game =
            json!({"id": id, "member": {"id": anna.id}, "type": "game", "occurred_at": shop.now(), "data": {"points": points}});
        shop.post("/v1/events", &game).await
    };
    for points in ["50.00", "200.00"] {
        assert_eq!(plays(points).await.expect(201)["earned"]["points"], points);
    }
    for points in ["49.99", "200.01"] {
        plays(points).await.refused_at(422, "/data/points");
    }
    anna.has(json!({"available": "250.00"})).await;
    shop.audit_is_clean().await;
}
