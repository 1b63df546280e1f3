//! Between members: transfers, merges of duplicates, and receipts that are claimed later.

use serde_json::{Value, json};
use tests::{Member, Shop, cart, line, pieces};

async fn transfers(shop: &Shop, from: &Member<'_>, to: Value, points: &str) -> tests::Answer {
    shop.post(&format!("/v1/members/{}/transfers", from.id), &json!({"to": to, "points": points, "reason": "a gift"})).await
}

async fn merges(shop: &Shop, into: &Member<'_>, from: Value) -> tests::Answer {
    shop.post(&format!("/v1/members/{}/merges", into.id), &json!({"from": from})).await
}

#[tokio::test]
async fn points_given_to_another_member_keep_their_dates() {
    let shop = Shop::open("fixed").await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.is_given_until("100", "2026-02-01T00:00:00Z").await;
    anna.is_given("100").await;
    let given = transfers(&shop, &anna, json!({"phone": "8 (900) 000-00-02"}), "130").await.expect(201);
    assert_eq!((&given["to"], &given["points"]), (&json!(boris.id), &json!("130.00")));
    anna.has(json!({"available": "70.00", "expiring": []})).await;
    boris.has(json!({"available": "130.00", "expiring": [{"points": "100.00", "expires_at": "2026-02-01T00:00:00Z"}]})).await;
    assert_eq!(anna.entries().await[0]["kind"], "transfer");
    assert_eq!((&anna.entries().await[0]["points"], &boris.entries().await[0]["points"]), (&json!("-130.00"), &json!("130.00")));
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn nobody_gives_what_can_not_be_spent() {
    let shop = Shop::open("fixed").await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.is_given("100").await;
    anna.holds("40", json!([line("1", "1000.00")])).await;
    let refused = transfers(&shop, &anna, json!(boris.id), "60.01").await.refused(409, "insufficient_points");
    assert_eq!(refused["available"], "60.00");
    transfers(&shop, &anna, json!(anna.id), "1").await.refused(409, "same_member");
    transfers(&shop, &anna, json!({"phone": "+79000000003"}), "1").await.refused(404, "member_not_found");
    for points in ["0", "-5"] {
        transfers(&shop, &anna, json!(boris.id), points).await.refused(422, "invalid_request");
    }
    boris.has(json!({"available": "0.00"})).await;
}

#[tokio::test]
async fn two_transfers_against_each_other_and_many_at_once_lose_nothing() {
    let shop = Shop::open("fixed").await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.is_given("500").await;
    boris.is_given("500").await;
    let all = async |from: &Member<'_>, to: &Member<'_>| {
        for _ in 0..10 {
            transfers(&shop, from, json!(to.id), "10").await.expect(201);
        }
    };
    tokio::join!(all(&anna, &boris), all(&boris, &anna), all(&anna, &boris));
    anna.has(json!({"available": "400.00"})).await;
    boris.has(json!({"available": "600.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_duplicate_is_merged_with_everything_and_its_orders_can_still_be_returned() {
    let shop = Shop::open("fixed").await;
    let (anna, double) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    anna.is_given("50").await;
    double.is_given("200").await;
    let paid = double.buys_with("100", json!([pieces("1", "500.00", 2)])).await;
    let hold = double.holds("20", json!([line("1", "1000.00")])).await;
    let before = double.balance().await;
    assert_eq!(before["available"], "107.00", "3 % of the 900.00 that were paid in money");

    let merged = merges(&shop, &anna, json!(double.id)).await.expect(201);
    assert_eq!(
        (&merged["from"], &merged["orders"], &merged["qualifying_spend"]),
        (&json!(double.id), &json!(1), &json!("900.00"))
    );
    anna.has(json!({"available": "157.00", "held": "20.00", "lifetime_redeemed": "100.00"})).await;
    // by any identity and by the old id it is one member now
    for path in [format!("/v1/members/{}", double.id), "/v1/members?phone=%2B79000000002".to_owned()] {
        let found = shop.get(&path).await.expect(200);
        assert_eq!((&found["id"], &found["merged"]), (&json!(anna.id), &json!([double.id])));
    }
    assert_eq!(double.books().await, anna.books().await);
    assert_eq!(double.entries().await.len(), 6, "its history stays readable: {:?}", double.entries().await);

    // what the duplicate did is undone with whoever took over
    let order = paid["order_id"].as_str().expect("an order");
    let returned = shop.takes_back(order, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    assert_eq!((&returned["clawed_back"], &returned["restored"]), (&json!("13.50"), &json!("50.00")));
    shop.post(&format!("/v1/redemptions/{hold}/capture"), &json!({})).await.expect(200);
    anna.has(json!({"available": "193.50", "held": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn holds_that_are_overdue_at_a_merge_are_shown_as_they_are_a_moment_later() {
    let shop = Shop::open("fixed").await;
    let (anna, double) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    for member in [&anna, &double] {
        member.is_given("100").await;
        member.holds("40", json!([line("1", "1000.00")])).await;
    }
    shop.minutes_pass(31).await; // no job has come
    let merged = merges(&shop, &anna, json!(double.id)).await.expect(201);
    assert_eq!((&merged["balance"]["available"], &merged["balance"]["held"]), (&json!("200.00"), &json!("0.00")));
    assert_eq!(merged["balance"], anna.balance().await);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn who_said_no_as_either_of_two_members_has_said_no_and_a_yes_of_the_duplicate_is_not_carried_over() {
    let shop = Shop::open("fixed").await;
    let enrol = async |phone: &str, consents: Value| {
        let body = json!({"phone": phone, "channel": "site", "consents": consents});
        shop.post("/v1/members", &body).await.expect(201)["id"].as_str().expect("an id").to_owned()
    };
    let anna = enrol("+79000000001", json!({"email": true, "sms": true})).await;
    let double = enrol("+79000000002", json!({"sms": false, "messenger": true, "push": false})).await;
    merges(&shop, &Member::of(&shop, &anna), json!(double)).await.expect(201);
    let merged = shop.get(&format!("/v1/members/{anna}")).await.expect(200);
    assert_eq!(merged["consents"], json!({"email": true, "sms": false, "push": false}));
}

#[tokio::test]
async fn a_merge_happens_once_and_by_staff_only() {
    let shop = Shop::open("fixed").await;
    let (anna, double) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    let till = shop.key(&["till"], Some("shop-1")).await;
    let path = format!("/v1/members/{}/merges", anna.id);
    shop.post_with(&till.secret, &path, &json!({"from": double.id})).await.refused(403, "scope_missing");
    let first = shop.post_as("merge", &path, &json!({"from": double.id})).await;
    let again = shop.post_as("merge", &path, &json!({"from": double.id})).await;
    assert!(again.replayed && first.text == again.text);
    merges(&shop, &anna, json!(double.id)).await.refused(409, "same_member");
    merges(&shop, &anna, json!({"id": "mem_404"})).await.refused(404, "member_not_found");
    // and the phone is still somebody's
    let taken = json!({"phone": "+79000000002", "channel": "site"});
    let refused = shop.post("/v1/members", &taken).await.refused(409, "identity_taken");
    assert_eq!(refused["member_id"], json!(anna.id));
}

#[tokio::test]
async fn a_receipt_is_claimed_once_and_earns_what_was_not_returned() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let mut order = cart(json!([pieces("1", "1000.00", 3), line("2", "500.00")]));
    order["id"] = "receipt-1".into();
    order["occurred_at"] = shop.now().into();
    shop.post("/v1/orders", &order).await.expect(201);
    shop.takes_back("receipt-1", "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);

    let claim = json!({"order_id": "receipt-1", "member": {"id": anna.id}});
    let claimed = shop.post("/v1/orders/claims", &claim).await;
    let repeat = shop.post("/v1/orders/claims", &claim).await;
    assert!(repeat.replayed && repeat.text == claimed.text, "the same claim under another key gets the first answer");
    let claimed = claimed.expect(201);
    assert_eq!(claimed["earned"]["points"], "75.00", "3 % of the 2 500.00 that were kept");
    let other = json!({"order_id": "receipt-1", "member": {"id": boris.id}});
    shop.post("/v1/orders/claims", &other).await.refused(409, "already_claimed");
    anna.has(json!({"available": "75.00"})).await;
    let shown = shop.get("/v1/orders/receipt-1").await.expect(200);
    assert_eq!((&shown["member_id"], &shown["earned"]), (&json!(anna.id), &json!("75.00")));
    // the rest comes back piece by piece, exactly
    for (n, back) in [("r-2", "30.00"), ("r-3", "30.00")] {
        let returned = shop.takes_back("receipt-1", n, Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
        assert_eq!(returned["clawed_back"], back);
    }
    assert_eq!(shop.cancels("receipt-1").await.expect(201)["clawed_back"], "15.00");
    anna.has(json!({"available": "0.00", "deficit": "0.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_order_that_has_a_member_or_does_not_exist_can_not_be_claimed() {
    let shop = Shop::open("fixed").await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    let bought = anna.buys(json!([line("1", "1000.00")])).await["order_id"].clone();
    for member in [&anna, &boris] {
        let claim = json!({"order_id": bought, "member": {"id": member.id}});
        shop.post("/v1/orders/claims", &claim).await.refused(409, "already_claimed");
    }
    let claim = json!({"order_id": "nothing", "member": {"id": anna.id}});
    shop.post("/v1/orders/claims", &claim).await.refused(404, "order_not_found");
}
