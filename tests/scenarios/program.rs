//! The program: published whole, versioned, immutable; ready-made presets; and what the ledger says of it.

use http::Method;
use serde_json::{Value, json};
use tests::{BEGINNING, Shop, line};

const PRESETS: [&str; 11] = [
    "gw-tools",
    "sela",
    "estilo",
    "estilo-calendar",
    "toy69",
    "madrobots",
    "progressive",
    "fixed",
    "segmented",
    "abm",
    "return-guard",
];

#[tokio::test]
async fn every_preset_is_listed_shown_and_can_be_published() {
    let shop = Shop::bare(BEGINNING).await;
    let list = shop.get("/v1/program/presets").await.expect(200);
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    for preset in PRESETS {
        assert!(names.contains(&preset), "{preset} is listed");
    }
    for (version, name) in (1..).zip(names) {
        let preset = shop.get(&format!("/v1/program/presets/{name}")).await.expect(200);
        assert_eq!((&preset["name"], &preset["document"]["name"]), (&json!(name), &json!(name)));
        assert_eq!(shop.publish(&preset["document"]).await.expect(200), json!({"version": version}));
        assert_eq!(shop.get("/v1/program").await.expect(200)["document"], preset["document"]);
        shop.quote(&tests::cart(json!([line("1", "1000.00")]))).await;
    }
    shop.get("/v1/program/presets/no-such-preset").await.refused(404, "preset_not_found");
}

#[tokio::test]
async fn a_document_comes_back_letter_by_letter() {
    let shop = Shop::open("fixed").await;
    let text = r#"{ "currency":"RUB", "name":"Мой \u043c\u0430\u0433\u0430\u0437\u0438\u043d",
        "time_zone":"Europe/Moscow","points":{"scale":2,"name":"баллы","conversion_rate":"1.0"} }"#;
    shop.send(Method::PUT, "/v1/program", Some(text.to_owned()), Some("the-publication")).await.expect(200);
    let current = shop.get("/v1/program").await;
    assert_eq!(current.etag.as_deref(), Some("\"2\""));
    assert!(current.text.contains(&format!("\"document\":{text}")), "{}", current.text);
    let first = shop.get("/v1/program/versions/1").await;
    assert_eq!(first.etag.as_deref(), Some("\"1\""));
    assert_eq!(first.expect(200)["document"]["name"], "fixed");
    shop.get("/v1/program/versions/3").await.refused(404, "program_not_found");
    shop.get("/v1/program/versions/first").await.refused(404, "program_not_found");
}

#[tokio::test]
async fn a_campaign_that_is_over_stays_in_force_and_is_not_published_again() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let campaign = json!({"id": "winter", "type": "fixed", "points": "7", "when": {"dates": {"to": "2026-01-31"}}});
    document["earning"].as_array_mut().unwrap().push(campaign);
    shop.publish(&document).await.expect(200);
    shop.at("2026-01-31T20:59:59Z").await;
    shop.publish(&document).await.expect(200); // the last day is not over in Moscow
    shop.at("2026-01-31T21:00:00Z").await;
    assert_eq!(anna.buys(json!([line("1", "100.00")])).await["earned"]["points"], "3.00", "the rest of the program goes on");
    let over = shop.publish(&document).await.refused_at(422, "/earning/1/when/dates/to");
    assert_eq!((&over["code"], &over["errors"][0]["code"]), (&json!("program_invalid"), &json!("ended")), "{over}");
    let dry = shop.send(Method::PUT, "/v1/program?dry_run=true", Some(document.to_string()), None).await;
    dry.refused_at(422, "/earning/1/when/dates/to");
    document["earning"].as_array_mut().unwrap().pop();
    shop.publish(&document).await.expect(200);
}

#[tokio::test]
async fn versions_are_listed_newest_first() {
    let shop = Shop::open("fixed").await;
    let document = shop.get("/v1/program").await.expect(200)["document"].clone();
    shop.minutes_pass(1).await;
    shop.publish(&document).await.expect(200);
    shop.publish(&document).await.expect(200);
    let versions =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["version"].as_i64().unwrap()).collect::<Vec<_>>();
    let page = shop.get("/v1/program/versions?limit=2").await.expect(200);
    assert_eq!((versions(&page), &page["items"][1]["published_at"]), (vec![3, 2], &json!("2026-01-15T09:01:00Z")));
    let page =
        shop.get(&format!("/v1/program/versions?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((versions(&page), &page["next_cursor"]), (vec![1], &Value::Null));
}

#[tokio::test]
async fn a_new_version_applies_to_the_next_order_and_old_entries_keep_theirs() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "1000.00")])).await;
    let old = anna.entries().await.remove(0);
    let document = shop.get("/v1/program/presets/gw-tools").await.expect(200)["document"].clone();
    shop.publish(&document).await.expect(200);
    assert_eq!(anna.quote(json!([line("1", "1000.00")])).await["program_version"], 2);
    let order = anna.buys(json!([line("1", "1000.00")])).await;
    assert_eq!(order["earned"]["points"], "50.00", "5 % now");
    let entries = anna.entries().await;
    assert_eq!((&entries[0]["program_version"], &entries[0]["explanation"][0]["program_version"]), (&json!(2), &json!(2)));
    assert_eq!(entries[0]["explanation"][0]["reason"], "5 % of 1000.00 gives 50.00 points");
    assert_eq!(entries[1], old, "the old entry is what it was");
    assert_eq!(
        (&old["program_version"], &old["explanation"][0]["reason"]),
        (&json!(1), &json!("3 % of 1000.00 gives 30.00 points"))
    );
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn entries_come_in_pages_newest_first_and_each_says_why() {
    let shop = Shop::open("return-guard").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("100", "2026-02-01T00:00:00Z").await;
    anna.is_given("-10").await;
    let order = anna.buys_with("50", json!([line("1", "1000.00")])).await;
    anna.holds("5", json!([line("1", "1000.00")])).await;
    shop.minutes_pass(31).await; // the hold is over
    shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
    shop.at("2026-02-01T00:00:00Z").await;
    let entries = anna.entries().await;
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["expire", "clawback", "redemption_rollback", "release", "hold", "earn", "capture", "hold", "adjust", "adjust"]
    );
    let points: Vec<_> = entries.iter().map(|entry| entry["points"].as_str().unwrap()).collect();
    assert_eq!(points, ["-90.00", "-47.50", "50.00", "5.00", "-5.00", "47.50", "0.00", "-50.00", "-10.00", "100.00"]);
    for entry in &entries {
        let explanation = entry["explanation"].as_array().unwrap();
        let whole = |reason: &Value| ["rule_id", "reason", "points", "code"].iter().all(|field| reason[field].is_string());
        assert!(!explanation.is_empty() && explanation.iter().all(whole), "{entry}");
        assert!(explanation.iter().all(|reason| reason["fired"].is_boolean() && reason["program_version"] == 1), "{entry}");
        assert!(entry["lots"].as_array().is_some_and(|lots| !lots.is_empty()), "{entry}");
    }
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/v1/members/{}/entries?limit=3{cursor}", anna.id)).await.expect(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, entries);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_scale_of_points_is_the_program_s() {
    let shop = Shop::open("fixed").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    for (scale, earned) in [(0, "3"), (1, "3.7"), (4, "3.7035")] {
        let shop = Shop::bare(BEGINNING).await;
        document["points"]["scale"] = scale.into();
        shop.publish(&document).await.expect(200);
        let anna = shop.enrol("+7 900 000-00-01").await;
        let order = anna.buys(json!([line("1", "123.45")])).await;
        assert_eq!(order["earned"]["points"], earned);
        assert_eq!(anna.balance().await["available"], earned);
        let back = shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
        assert_eq!(back["clawed_back"], earned);
        shop.audit_is_clean().await;
    }
}

#[test]
fn the_api_s_document_knows_every_block_of_a_program() {
    let blocks = |schema: &Value| schema["properties"].as_object().expect("blocks").keys().cloned().collect::<Vec<_>>();
    let schema: Value = serde_json::from_str(include_str!("../../components/registration/program.schema.json")).unwrap();
    assert_eq!(blocks(&tests::routes::document()["components"]["schemas"]["Program"]), blocks(&schema));
}
