//! What members do beside buying: reviews, visits, games.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Answer, Member, Shop, hundredths, line};

use crate::concurrency::at_once;

/// 50 points for a review once; 50 to 200 for a game, as it says, 250 a day; silver for a month for a survey.
fn program() -> Value {
    json!({
        "name": "events", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": [
            {"id": "base", "name": "Base", "threshold": "0", "rate": "3"},
            {"id": "silver", "name": "Silver", "threshold": "10000", "rate": "5"},
        ],
        "earning": [{"id": "purchase", "type": "percent"}],
        "events": [
            {"id": "review", "type": "review", "points": "50", "limits": {"times_per_member": 1}},
            {"id": "game", "type": "game", "points_from_event": {"min": "50", "max": "200"}, "limits": {"per_day": "250"}},
            {"id": "survey", "type": "survey", "tier": {"id": "silver", "days": 30}, "limits": {"times_per_member": 1}},
        ],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
    })
}

fn event(member: &Member<'_>, shop: &Shop, kind: &str, data: Value) -> Value {
    json!({
        "id": format!("event-{}", shop.number()), "member": {"id": member.id}, "type": kind, "occurred_at": shop.now(),
        "data": data,
    })
}

async fn happens(member: &Member<'_>, shop: &Shop, kind: &str, data: Value) -> Answer {
    shop.post("/v1/events", &event(member, shop, kind, data)).await
}

#[tokio::test]
async fn a_review_gives_its_points_once() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let first = happens(&anna, &shop, "review", json!({"stars": 5})).await.expect(201);
    assert_eq!((&first["earned"]["points"], &first["member_id"]), (&json!("50.00"), &json!(anna.id)));
    assert_eq!((&first["balance"]["available"], &first["tier"]["id"]), (&json!("50.00"), &json!("base")));
    assert_eq!(first["explanation"][0]["fired"], true);
    let second = happens(&anna, &shop, "review", json!({})).await.expect(201);
    assert_eq!((&second["earned"]["points"], &second["explanation"][0]["fired"]), (&json!("0.00"), &json!(false)));
    anna.has(json!({"available": "50.00"})).await;
    assert_eq!(anna.entries().await.len(), 1);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_game_gives_what_it_says_within_its_bounds_and_its_day() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    happens(&anna, &shop, "game", json!({})).await.refused_at(422, "/data/points");
    happens(&anna, &shop, "game", json!({"points": "201"})).await.refused_at(422, "/data/points");
    happens(&anna, &shop, "game", json!({"points": 1.5})).await.refused_at(422, "/data/points");
    for (said, given) in [("200", "200.00"), ("100", "50.00"), ("50", "0.00")] {
        let answer = happens(&anna, &shop, "game", json!({"points": said, "level": {"name": "moon"}})).await.expect(201);
        assert_eq!(answer["earned"]["points"], given);
    }
    shop.days_pass(1).await;
    assert_eq!(happens(&anna, &shop, "game", json!({"points": "60"})).await.expect(201)["earned"]["points"], "60.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_event_that_no_rule_names_is_kept_and_gives_nothing() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let visit = event(&anna, &shop, "visit", json!({"page": "/shoes"}));
    let first = shop.post("/v1/events", &visit).await;
    assert_eq!((&first.json["earned"]["points"], &first.json["explanation"]), (&json!("0.00"), &json!([])));
    // the same under another key is the same; other content is a conflict
    let again = shop.post("/v1/events", &visit).await;
    assert_eq!((again.status.as_u16(), again.replayed, &again.text), (201, true, &first.text));
    let mut other = visit.clone();
    other["data"] = json!({"page": "/hats"});
    shop.post("/v1/events", &other).await.refused(409, "conflict");
    assert_eq!(crate::privacy::rows_of(&shop, "event"), 1);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut unknown = event(&anna, &shop, "visit", json!({}));
    unknown["kind"] = "visit".into();
    shop.post("/v1/events", &unknown).await.refused(422, "invalid_request");
    let mut future = event(&anna, &shop, "visit", json!({}));
    future["occurred_at"] = "2026-01-15T09:06:00Z".into();
    shop.post("/v1/events", &future).await.refused_at(422, "/occurred_at");
    future["occurred_at"] = "2026-01-15T09:04:00Z".into();
    shop.post("/v1/events", &future).await.expect(201);
    let mut nobody = event(&anna, &shop, "visit", json!({}));
    nobody["member"] = json!({"phone": "+7 900 000-00-09"});
    shop.post("/v1/events", &nobody).await.refused(404, "member_not_found");
    let staff = shop.key(&["staff"], None).await.secret;
    shop.post_with(&staff, "/v1/events", &event(&anna, &shop, "visit", json!({}))).await.refused(403, "scope_missing");
}

#[tokio::test]
async fn a_tier_given_for_a_survey_ends_by_itself() {
    let shop = Shop::with_program(&program()).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let answer = happens(&anna, &shop, "survey", json!({})).await.expect(201);
    assert_eq!((&answer["tier"]["id"], &answer["earned"]["points"]), (&json!("silver"), &json!("0.00")));
    assert_eq!(anna.buys(json!([line("1", "100.00")])).await["earned"]["points"], "5.00");
    let tier = shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["tier"].clone();
    assert_eq!((&tier["id"], &tier["until"]), (&json!("silver"), &json!("2026-02-14T21:00:00Z")));
    // a second survey gives no second month
    happens(&anna, &shop, "survey", json!({})).await.expect(201);
    shop.days_pass(31).await;
    assert_eq!(anna.quote(json!([line("1", "100.00")])).await["tier"]["id"], "base");
    let told = "SELECT payload ->> 'to' FROM outbox WHERE kind = 'tier.changed' ORDER BY id DESC LIMIT 1";
    assert_eq!(shop.text_in("default", told), "base", "the job tells of the end");
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_at_once_stay_within_their_limit() {
    let shop = Arc::new(Shop::with_program(&program()).await);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let reviews = (0..8).map(|_| ("/v1/events".to_owned(), event(&anna, &shop, "review", json!({}))));
    let games = (0..8).map(|_| ("/v1/events".to_owned(), event(&anna, &shop, "game", json!({"points": "100"}))));
    let answers = at_once(&shop, reviews.chain(games).collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let earned: i64 = answers.iter().map(|answer| hundredths(&answer.json["earned"]["points"])).sum();
    assert_eq!(earned, 5_000 + 25_000);
    shop.audit_is_clean().await;
}
