//! Tiers that time moves, and those that the staff gives; members' segments.

use serde_json::{Value, json};
use tests::{Member, Shop, line};

/// 3 %, and 10 % from 10 000 within this window; lost like this.
fn program(terms: &Value) -> Value {
    let mut tiers = terms.clone();
    tiers["steps"] = json!([
        {"id": "base", "name": "Base", "threshold": "0", "rate": "3"},
        {"id": "gold", "name": "Gold", "threshold": "10000", "rate": "10"},
    ]);
    json!({
        "name": "tiers", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": tiers,
        "earning": [
            {"id": "purchase", "type": "percent"},
            {"id": "circle", "type": "fixed", "points": "7", "when": {"segments": ["circle"]}},
        ],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"},
    })
}

async fn tier(shop: &Shop, member: &Member<'_>) -> Value {
    shop.get(&format!("/v1/members/{}", member.id)).await.expect(200)["tier"].clone()
}

fn changes(shop: &Shop) -> i64 {
    shop.number_in("default", "SELECT count(*) FROM outbox WHERE kind = 'tier.changed'")
}

#[tokio::test]
async fn a_tier_of_a_rolling_year_ends_with_the_order_that_leaves_it() {
    let shop = Shop::with_program(&program(&json!({"window": "rolling_12_months"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    assert_eq!(anna.buys(json!([line("1", "10000.00")])).await["tier"]["id"], "gold");
    assert_eq!(anna.quote(json!([line("1", "100.00")])).await["earn"]["points"], "10.00");
    shop.at("2027-01-14T09:00:00Z").await;
    assert_eq!(anna.quote(json!([line("1", "100.00")])).await["tier"]["id"], "gold", "the year is not over");
    let before = changes(&shop);
    shop.days_pass(3).await;
    assert_eq!(anna.quote(json!([line("1", "100.00")])).await["earn"]["points"], "3.00");
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    assert_eq!(changes(&shop) - before, 1, "the member is told once");
    assert_eq!(shop.run_job("tiers").await, json!({"processed": 0, "remaining": 0, "set_aside": 0, "next_cursor": null}));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_tier_that_is_no_longer_fulfilled_is_kept_for_the_grace() {
    let shop = Shop::with_program(&program(&json!({"window": "calendar_year", "grace_days": 30}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "10000.00")])).await;
    shop.at("2027-01-02T09:00:00Z").await;
    let held = tier(&shop, &anna).await;
    assert_eq!(held["id"], "gold");
    let until = held["until"].as_str().expect("it ends").to_owned();
    assert!(until.starts_with("2027-01-3") || until.starts_with("2027-02-0"), "{until}");
    // looking again does not make it longer
    shop.days_pass(10).await;
    assert_eq!(tier(&shop, &anna).await["until"].as_str(), Some(until.as_str()));
    shop.days_pass(30).await;
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    let now = "SELECT tier FROM statistics WHERE tier IS NOT NULL";
    assert_eq!(shop.text_in("default", now), "base", "the job has written it down");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_tier_is_lost_one_step_a_year_and_a_return_makes_no_second_one() {
    let mut document = program(&json!({"window": "rolling_12_months", "downgrade": "one_step"}));
    document["tiers"]["steps"] = json!([
        {"id": "base", "name": "Base", "threshold": "0", "rate": "3"},
        {"id": "silver", "name": "Silver", "threshold": "5000", "rate": "5"},
        {"id": "gold", "name": "Gold", "threshold": "10000", "rate": "10"},
    ]);
    let shop = Shop::with_program(&document).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    assert_eq!(anna.buys(json!([line("1", "10000.00")])).await["tier"]["id"], "gold");
    let before = changes(&shop);
    // the order left the window: one step, and not another one the day after
    shop.at("2027-01-17T09:00:00Z").await;
    let held = tier(&shop, &anna).await;
    assert_eq!((&held["id"], &held["until"]), (&json!("silver"), &json!("2028-01-15T21:00:00Z")));
    let order = anna.buys(json!([line("1", "5000.00")])).await;
    assert_eq!((&order["tier"]["id"], &tier(&shop, &anna).await["until"]), (&json!("silver"), &Value::Null), "fulfilled");
    let back = shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await;
    assert_eq!(back.expect(201)["balance"]["tier"]["id"], "silver");
    assert_eq!(tier(&shop, &anna).await, held);
    shop.at("2028-01-15T20:59:59Z").await;
    assert_eq!(tier(&shop, &anna).await, held);
    shop.days_pass(1).await;
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    assert_eq!(changes(&shop) - before, 2, "the member is told of each step once");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_return_takes_the_window_into_account() {
    let shop = Shop::with_program(&program(&json!({"window": "rolling_12_months"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let first = anna.buys(json!([line("1", "9000.00"), line("2", "1000.00")])).await;
    assert_eq!(first["tier"]["id"], "gold");
    let back = shop.takes_back(first["order_id"].as_str().unwrap(), "r-1", Some(json!([{"id": "2", "quantity": 1}]))).await;
    assert_eq!(back.expect(201)["balance"]["tier"]["id"], "base");
    let missing = anna.balance().await["next_tier"]["remaining"].clone();
    assert_eq!(missing, "1000.00");
    // an order of two years ago is in no window
    let mut old = anna.order(json!([line("1", "5000.00")]));
    old["occurred_at"] = "2024-01-15T09:00:00Z".into();
    anna.orders(&old).await.expect(201);
    anna.has(json!({"next_tier": {"id": "gold", "name": "Gold", "threshold": "10000.00", "remaining": "1000.00"}})).await;
    shop.cancels(first["order_id"].as_str().unwrap()).await.expect(201);
    anna.has(json!({"next_tier": {"id": "gold", "name": "Gold", "threshold": "10000.00", "remaining": "10000.00"}})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_claim_counts_when_it_happened() {
    let shop = Shop::with_program(&program(&json!({"window": "calendar_year"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (id, happened, tier) in [("a", "2025-12-31T09:00:00Z", "base"), ("b", "2026-01-02T09:00:00Z", "gold")] {
        let mut receipt = tests::cart(json!([line("1", "10000.00")]));
        (receipt["id"], receipt["occurred_at"]) = (id.into(), happened.into());
        shop.post("/v1/orders", &receipt).await.expect(201);
        shop.post("/v1/orders/claims", &json!({"order_id": id, "member": {"id": anna.id}})).await.expect(201);
        assert_eq!(anna.balance().await["tier"]["id"], tier, "{happened}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn the_staff_gives_a_tier_for_a_time_as_a_floor_and_takes_it_away() {
    let shop = Shop::with_program(&program(&json!({"window": "lifetime"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let path = format!("/v1/members/{}/tier", anna.id);
    let unknown = shop.put(&path, &json!({"tier": "ruby", "reason": "a friend"})).await.refused_at(422, "/tier");
    assert!(unknown["detail"].as_str().unwrap().contains("base, gold"), "{unknown}");
    shop.put(&path, &json!({"tier": "gold", "until": "2026-01-15T08:00:00Z", "reason": "x"})).await.refused_at(422, "/until");
    let given = json!({"tier": "gold", "until": "2026-02-01T00:00:00Z", "reason": "a complaint"});
    let given = shop.put(&path, &given).await.expect(200);
    assert_eq!((&given["tier"]["id"], &given["tier"]["until"]), (&json!("gold"), &json!("2026-02-01T00:00:00Z")));
    assert_eq!(tier(&shop, &anna).await, given["tier"]);
    shop.days_pass(20).await;
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    shop.put(&path, &json!({"tier": "gold", "reason": "a friend of the house"})).await.expect(200);
    shop.days_pass(400).await;
    let floor = tier(&shop, &anna).await;
    assert_eq!((&floor["id"], &floor["until"]), (&json!("gold"), &Value::Null));
    let taken = shop.put(&path, &json!({"tier": null, "reason": "no friend any more"})).await.expect(200);
    assert_eq!(taken["tier"]["id"], "base");
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    assert_eq!(changes(&shop), 4, "up, over, up, down");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_floor_goes_to_whoever_takes_over() {
    let shop = Shop::with_program(&program(&json!({"window": "rolling_12_months"}))).await;
    let (anna, double) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    shop.put(&format!("/v1/members/{}/tier", double.id), &json!({"tier": "gold", "reason": "x"})).await.expect(200);
    shop.put(&format!("/v1/members/{}/segments", double.id), &json!({"segments": ["circle"]})).await.expect(200);
    let merged = shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id})).await.expect(201);
    assert_eq!(merged["balance"]["tier"]["id"], "gold");
    assert_eq!(tier(&shop, &anna).await["id"], "gold");
    assert_eq!(anna.buys(json!([line("1", "100.00")])).await["earned"]["points"], "17.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn segments_are_what_the_staff_says() {
    let shop = Shop::with_program(&program(&json!({"window": "lifetime"}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let goods = || json!([line("1", "100.00")]);
    assert_eq!(anna.quote(goods()).await["earn"]["points"], "3.00");
    let path = format!("/v1/members/{}/segments", anna.id);
    let set = shop.put(&path, &json!({"segments": ["circle", "spring"]})).await.expect(200);
    assert_eq!(set, json!({"id": anna.id, "segments": ["circle", "spring"]}));
    assert_eq!(shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200)["segments"], json!(["circle", "spring"]));
    assert_eq!(anna.buys(goods()).await["earned"]["points"], "10.00");
    shop.put(&path, &json!({"segments": []})).await.expect(200);
    assert_eq!(anna.quote(goods()).await["earn"]["points"], "3.00");
    shop.put(&path, &json!({"segments": ["a", "a"]})).await.refused_at(422, "/segments/1");
    let till = shop.key(&["till"], Some("shop-7")).await.secret;
    let body = Some(json!({"segments": ["circle"]}).to_string());
    shop.send_with(Some(&till), http::Method::PUT, &path, body, Some("k")).await.refused(403, "scope_missing");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_new_program_has_the_members_looked_at_whose_tier_it_changes() {
    let shop = Shop::with_program(&program(&json!({"window": "lifetime"}))).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    assert_eq!(anna.buys(json!([line("1", "10000.00")])).await["tier"]["id"], "gold");
    boris.buys(json!([line("1", "5000.00")])).await;
    let ran = async || {
        let run = shop.run_job("tiers").await;
        (run["processed"].clone(), run["remaining"].clone())
    };
    assert_eq!(ran().await, (json!(2), json!(0)), "the first program is asked about both, too");
    let before = changes(&shop);
    // gold is dearer now: Anna is shown as what she is at once, and the job writes it down and tells her
    let mut dearer = program(&json!({"window": "lifetime"}));
    dearer["tiers"]["steps"][1]["threshold"] = "20000".into();
    shop.publish(&dearer).await.expect(200);
    assert_eq!((tier(&shop, &anna).await["id"].clone(), changes(&shop) - before), (json!("base"), 0));
    assert_eq!(ran().await, (json!(2), json!(1)), "asked about both, of one it says otherwise");
    assert_eq!(ran().await, (json!(1), json!(0)));
    assert_eq!((ran().await, changes(&shop) - before), ((json!(0), json!(0)), 1));
    // gold is cheaper: the hourly run finds whom it lifts
    dearer["tiers"]["steps"][1]["threshold"] = "4000".into();
    shop.publish(&dearer).await.expect(200);
    shop.minutes_pass(61).await;
    assert_eq!(changes(&shop) - before, 3, "both are gold");
    assert_eq!(shop.text_in("default", "SELECT group_concat(tier) FROM statistics"), "gold,gold");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_member_whom_the_books_refuse_keeps_nobody_else_s_tier_waiting_and_is_named() {
    let shop = Shop::with_program(&program(&json!({"window": "rolling_12_months"}))).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    for member in [&anna, &boris] {
        member.buys(json!([line("1", "10000.00")])).await;
    }
    let id = i64::from_str_radix(anna.id.strip_prefix("mem_").unwrap(), 16).unwrap();
    let refuses = format!(
        "CREATE TRIGGER refuses BEFORE UPDATE OF tier ON statistics WHEN NEW.member_id = {id} BEGIN SELECT RAISE(ABORT, 'E_LINES');\nEND;"
    );
    shop.alter("default", &refuses);
    shop.at("2027-02-01T09:00:00Z").await;
    for (member, kept) in [(&anna, "gold"), (&boris, "base")] {
        let query = format!("SELECT tier FROM statistics WHERE printf('mem_%x', member_id) = '{}'", member.id);
        assert_eq!(shop.text_in("default", &query), kept);
    }
    let aside = shop.get("/v1/jobs/set_aside").await.expect(200)["items"][0].clone();
    assert_eq!((&aside["job"], &aside["subject"]), (&json!("tiers"), &json!(anna.id)));
    shop.alter("default", "DROP TRIGGER refuses");
    let again = shop.post("/v1/jobs/tiers/runs", &json!({"retry": true})).await.expect(200);
    assert_eq!((&again["processed"], &again["set_aside"], &again["remaining"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(tier(&shop, &anna).await["id"], "base");
    shop.audit_is_clean().await;
}
