//! Reads from a replica of the books: a real libSQL primary, and a real replica that follows it on a way that can be cut.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tests::latency::LongWay;
use tests::{ADMIN_KEY, Member, Shop, cart, line};

/// How long a replica may take to follow.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the books have come to: whatever is written is a command, or a job's entry.
const STATE: &str = "SELECT (SELECT count(*) FROM command) || ' ' || (SELECT count(*) FROM entry) || ' ' \
                     || (SELECT coalesce(sum(revision), 0) FROM statistics)";

/// Waits until the replica has everything that the primary has.
async fn follows(shop: &Shop) {
    let begun = Instant::now();
    let state = shop.server("default").unwrap().text(STATE);
    while shop.server("replica").unwrap().text(STATE) != state {
        assert!(begun.elapsed() < PATIENCE, "the replica follows");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

/// A member with 1 000 points, whom the replica knows, and then nothing reaches it any more.
async fn cut_off<'a>(shop: &'a Shop, way: &LongWay) -> Member<'a> {
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    follows(shop).await;
    way.cut();
    anna
}

fn points(balance: &Value) -> &str {
    balance["available"].as_str().expect("a balance")
}

/// What a shop sees whose instances remember nothing, because they have just been started.
async fn beside(shop: &Shop) -> Shop {
    shop.beside(&shop.now()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_s_year_is_the_same_with_reads_from_a_replica() {
    let Some((shop, _way)) = Shop::with_replica("gw-tools").await else { return };
    let told = crate::hosted::story(&shop, async || follows(&shop).await).await;
    let embedded = crate::hosted::story(&Shop::open("gw-tools").await, async || {}).await;
    assert_eq!(told, embedded);
    assert!(shop.host.statements_of("replica") >= 6, "a quote, four balances and the entries are read from it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_makes_one_round_trip_to_the_replica_while_the_primary_says_who_calls() {
    let Some((shop, _way)) = Shop::with_replica("fixed").await else { return };
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let order = &anna.buys(goods()).await["order_id"].as_str().unwrap().to_owned();
    let hold = &anna.holds("1", goods()).await;
    let storefront = &shop.key(&["storefront"], None).await.secret;
    let path = |what: &str| format!("/v1/members/{}/{what}", anna.id);
    let given = shop.post(&path("tokens"), &json!({})).await.expect(201);
    let token = given["token"].as_str().unwrap();
    follows(&shop).await;
    let shop = &shop;
    let get = async |path: String| drop(shop.get(&path).await.expect(200));
    let quote = &json!({"member": {"id": anna.id}, "order": cart(goods())});

    check(shop, "a quote", (0, 1), async || drop(anna.quote(goods()).await)).await;
    check(shop, "a quote for nobody", (0, 1), async || drop(shop.quote(&cart(goods())).await)).await;
    check(shop, "a balance", (0, 1), async || drop(anna.balance().await)).await;
    check(shop, "the entries", (0, 2), async || get(path("entries")).await).await;
    check(shop, "an order that is shown", (0, 2), async || get(format!("/v1/orders/{order}")).await).await;
    check(shop, "a redemption that is shown", (0, 1), async || get(format!("/v1/redemptions/{hold}")).await).await;
    // whose key it is, and how much was asked, the primary says at the same time
    let with_a_key = async || drop(shop.post_with(storefront, "/v1/quotes", quote).await.expect(200));
    check(shop, "a quote with a key", (1, 1), with_a_key).await;
    let with_a_token = async || drop(shop.get_with(token, "/v1/members/me/balance").await.expect(200));
    check(shop, "a balance with a token", (1, 1), with_a_token).await;
    check(shop, "a member", (1, 0), async || get(format!("/v1/members/{}", anna.id)).await).await;
    check(shop, "an order", (2, 0), async || drop(anna.buys(goods()).await)).await;
    let before = shop.host.statements_of("replica");
    shop.audit_is_clean().await;
    shop.days_pass(1).await;
    assert_eq!(shop.host.statements_of("replica"), before, "jobs and the audit are the primary's");
}

/// A call sends so many statements to the primary and to the replica, once its component runs with open connections.
async fn check(shop: &Shop, call: &str, expected: (u64, u64), once: impl AsyncFn()) {
    let sent = || (shop.host.statements_of("default"), shop.host.statements_of("replica"));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let before = sent();
        once().await;
        let after = sent();
        seen.push((after.0 - before.0, after.1 - before.1));
        // what an order wrote, the replica need not know yet
        follows(shop).await;
        if seen.len() > 1 && seen.ends_with(&[expected]) {
            return;
        }
    }
    panic!("{call} sends {expected:?} statements, not {seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_who_tells_what_it_has_seen_is_never_shown_less() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &cut_off(&shop, &way).await;
    let bought = shop.post("/v1/orders", &anna.order(goods())).await;
    let seen = bought.sequence.clone().expect("the answer to an order says how much of the account it knows");
    let earned = bought.expect(201)["balance"]["available"].clone();
    assert_eq!(earned, "1030.00");

    let other = beside(&shop).await;
    let balance = format!("/v1/members/{}/balance", anna.id);
    let behind = other.get(&balance).await;
    assert_ne!(behind.sequence.as_ref(), Some(&seen), "the replica says how old its answer is");
    assert_eq!(points(&behind.expect(200)), "1000.00", "it is behind, and nobody asked for more");
    let caught = other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &seen)], &balance).await;
    assert_eq!(caught.sequence.as_ref(), Some(&seen), "it was read again from the primary");
    assert_eq!(points(&caught.expect(200)), "1030.00");
    // and whoever was shown more once is not shown less without a word
    let mut again = Vec::new();
    for _ in 0..6 {
        other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &seen)], &balance).await.expect(200);
        again.push(points(&other.get(&balance).await.expect(200)).to_owned());
    }
    assert!(again.contains(&"1030.00".to_owned()), "an instance remembers what it saw: {again:?}");
    // there is nothing newer than the primary
    let beyond =
        other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &format!("{}:999.999", anna.id))], &balance).await.expect(200);
    assert_eq!(points(&beyond), "1030.00");
    for nonsense in ["", "7", "-1.0", "a.b", "1.2.3", "99999999999999999999.0"] {
        for nonsense in [nonsense.to_owned(), format!("{}:{nonsense}", anna.id)] {
            let refused = other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &nonsense)], &balance).await;
            refused.refused(400, "min_sequence_invalid");
        }
    }
    for of_nobody in ["1.0", ":1.0", "mem_0:1.0", "red_1:1.0", "mem_1:mem_1:1.0"] {
        let refused = other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", of_nobody)], &balance).await;
        refused.refused(400, "min_sequence_invalid");
    }

    way.mend();
    follows(&shop).await;
    check(&shop, "a replica that has caught up", (0, 1), async || anna.has(json!({"available": "1030.00"})).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_merged_member_is_shown_with_the_points_of_both_though_the_replica_knows_of_no_merge() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let double = shop.enrol("+7 900 000-00-02").await;
    // the account of before has come further than the one that takes over will
    for _ in 0..9 {
        double.is_given("10").await;
    }
    double.buys(goods()).await;
    double.buys(goods()).await;
    let anna = cut_off(&shop, &way).await;
    let merged = shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": double.id})).await;
    let seen = merged.sequence.clone().expect("the answer to a merge says how much of the account it knows");
    assert!(seen.starts_with(&format!("{}:", anna.id)), "{seen}");
    assert_eq!(points(&merged.expect(201)["balance"]), "1150.00");

    let other = beside(&shop).await;
    let balance = format!("/v1/members/{}/balance", double.id);
    let behind = other.get(&balance).await;
    let before = behind.sequence.clone().expect("a sequence");
    assert_eq!(points(&behind.expect(200)), "150.00", "nobody told it of the merge");
    let numbers = |sequence: &str| -> Vec<u64> {
        let (_, numbers) = sequence.split_once(':').expect("an account");
        numbers.split('.').map(|number| number.parse().expect("a number")).collect()
    };
    let pairs = || numbers(&before).into_iter().zip(numbers(&seen)).collect::<Vec<_>>();
    assert!(pairs().iter().all(|(before, seen)| before >= seen), "by the numbers alone it would do: {:?}", pairs());
    let caught = other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &seen)], &balance).await;
    assert_eq!(caught.sequence.as_ref(), Some(&seen));
    assert_eq!(points(&caught.expect(200)), "1150.00");
    let by_phone = json!({"member": {"phone": "+7 900 000-00-02"}, "order": cart(goods())});
    let quote = other.post_told(&[("kopilka-min-sequence", &seen)], "/v1/quotes", &by_phone).await;
    assert_eq!(quote.sequence.as_ref(), Some(&seen), "{}", quote.text);
    quote.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_who_asked_too_much_waits_though_the_replica_has_not_counted_it() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let token = shop.post(&format!("/v1/members/{}/tokens", anna.id), &json!({})).await.expect(201)["token"].clone();
    let token = token.as_str().expect("a token");
    follows(&shop).await;
    way.cut();
    shop.get_with(token, "/v1/members/me/balance").await.expect(200);
    let number = i64::from_str_radix(anna.id.trim_start_matches("mem_"), 16).expect("a member's id");
    shop.server("default").unwrap().execute(&[format!(
        "INSERT OR REPLACE INTO meter (subject, minute, calls, misses) VALUES ('member {number}', unixepoch('{}') / 60, 6000, 0)",
        shop.now()
    )]);
    for shop in [&shop, &beside(&shop).await] {
        shop.get_with(token, "/v1/members/me/balance").await.refused(429, "too_many_requests");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_instance_has_written_it_shows_though_the_replica_is_behind() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &cut_off(&shop, &way).await;
    // another instance may get the second request: that one knows of nothing
    let mut shown = Vec::new();
    for given in 1..=6 {
        let expected = format!("{}.00", 1_000 + given);
        anna.is_given("1").await;
        shown.push(points(&anna.balance().await) == expected && anna.entries().await.len() == 1 + given);
    }
    assert!(shown.contains(&true), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_is_shown_with_the_return_that_the_caller_has_seen() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys(json!([tests::pieces("1", "1000.00", 2)])).await["order_id"].as_str().unwrap().to_owned();
    follows(&shop).await;
    way.cut();
    let half = json!([{"id": "1", "quantity": 1}]);
    let returned = shop.takes_back(&order, &shop.new_key(), Some(half)).await;
    let seen = returned.sequence.clone().expect("the answer to a return says how much of the account it knows");
    returned.expect(201);

    let other = beside(&shop).await;
    let path = format!("/v1/orders/{order}");
    let returns = |order: &Value| order["returns"].as_array().map(Vec::len);
    assert_eq!(returns(&other.get(&path).await.expect(200)), Some(0), "the replica knows the order as it was");
    let shown = other.get_told(ADMIN_KEY, &[("kopilka-min-sequence", &seen)], &path).await;
    assert_eq!(shown.sequence.as_ref(), Some(&seen));
    assert_eq!(returns(&shown.expect(200)), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_program_that_an_instance_has_sold_by_is_the_oldest_that_it_quotes() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &cut_off(&shop, &way).await;
    let old = shop.quote(&cart(goods())).await["program_version"].as_i64().unwrap();
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["confirmation_above"] = "100".into();
    shop.publish(&document).await.expect(200);
    assert_eq!(beside(&shop).await.quote(&cart(goods())).await["program_version"], old, "it is heard of late");
    let mut quoted = Vec::new();
    for _ in 0..6 {
        anna.buys(goods()).await;
        quoted.push(shop.quote(&cart(goods())).await["program_version"].as_i64().unwrap());
    }
    assert!(quoted.contains(&(old + 1)), "{quoted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_refused_because_the_replica_is_behind() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &cut_off(&shop, &way).await;
    // somebody of whom the replica has not heard, and what they did
    let boris = shop.enrol("+7 900 000-00-02").await;
    let order = boris.buys(goods()).await["order_id"].as_str().unwrap().to_owned();
    let hold = boris.holds("1", goods()).await;
    let key = shop.key(&["storefront"], None).await.secret;

    let other = beside(&shop).await;
    let stranger = &other.sees(&boris);
    stranger.has(json!({"available": "29.00"})).await;
    assert_eq!(stranger.entries().await.len(), 2);
    assert_eq!(stranger.quote(goods()).await["redemption"]["max_points"], "29.00");
    let by_phone = json!({"member": {"phone": "+7 900 000-00-02"}, "order": cart(goods())});
    assert_eq!(other.post("/v1/quotes", &by_phone).await.expect(200)["redemption"]["max_points"], "29.00");
    assert_eq!(other.get(&format!("/v1/orders/{order}")).await.expect(200)["earned"], "30.00");
    assert_eq!(other.get(&format!("/v1/redemptions/{hold}")).await.expect(200)["status"], "held");
    let balance = format!("/v1/members/{}/balance", boris.id);
    assert_eq!(points(&other.get_with(&key, &balance).await.expect(200)), "29.00", "a key of which it has not heard");
    // more points than the replica knows of
    anna.is_given("500").await;
    let all = json!({"member": {"id": anna.id}, "order": cart(json!([line("1", "9000.00")])), "points": "1500"});
    assert_eq!(other.post("/v1/quotes", &all).await.expect(200)["redemption"]["points"], "1500.00");
    // what is nobody's on the primary either
    other.get("/v1/orders/none").await.refused(404, "order_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revoked_key_reads_nothing_though_the_replica_has_not_heard_of_it() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let key = shop.key(&["storefront"], None).await;
    let anna = &cut_off(&shop, &way).await;
    let balance = format!("/v1/members/{}/balance", anna.id);
    assert_eq!(points(&shop.get_with(&key.secret, &balance).await.expect(200)), "1000.00");
    shop.delete(&format!("/v1/keys/{}", key.id)).await;
    let quote = json!({"order": cart(goods())});
    for shop in [&shop, &beside(&shop).await] {
        shop.get_with(&key.secret, &balance).await.refused(401, "unauthorized");
        shop.post_with(&key.secret, "/v1/quotes", &quote).await.refused(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_of_nobody_and_a_confirmed_redemption_are_shown_as_they_are() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["redemption"]["confirmation_above"] = "100".into();
    shop.publish(&document).await.expect(200);
    let anna = &shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    let waits = anna.holds("300", goods()).await;
    let mut order = anna.order(goods());
    order.as_object_mut().unwrap().remove("member");
    let receipt = shop.post("/v1/orders", &order).await.expect(201)["order_id"].as_str().unwrap().to_owned();
    follows(&shop).await;
    way.cut();
    // neither moves the account's own numbers
    let code = shop.code_of(&waits);
    shop.post(&format!("/v1/redemptions/{waits}/confirmation"), &json!({"code": code})).await.expect(200);
    shop.cancels(&receipt).await.expect(201);

    let other = beside(&shop).await;
    assert_eq!(other.get(&format!("/v1/redemptions/{waits}")).await.expect(200)["status"], "held");
    assert_eq!(other.get(&format!("/v1/orders/{receipt}")).await.expect(200)["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_decided_while_the_replica_is_behind_counts_once_and_in_full() {
    let Some((shop, way)) = Shop::with_replica("fixed").await else { return };
    let anna = &cut_off(&shop, &way).await;
    let other = &beside(&shop).await;
    // the replica would let each of them spend everything
    let mut held = 0;
    for shop in [&shop, other, &shop, other] {
        let asked = shop.sees(anna).redeems("400", json!([line("1", "9000.00")])).await;
        if asked.status == 201 {
            held += 1;
        } else {
            asked.refused(409, "insufficient_points");
        }
    }
    assert_eq!(held, 2, "1 000 points are twice 400");
    let order = anna.order(goods());
    for shop in [other, &shop] {
        let sent = shop.send(Method::POST, "/v1/orders", Some(order.to_string()), Some("once")).await;
        assert_eq!(sent.expect(201)["balance"]["available"], "230.00");
    }
    let earned = other.post("/v1/orders", &other.sees(anna).order(goods())).await.expect(201);
    assert_eq!(earned["balance"]["available"], "260.00");
    assert_eq!(shop.counts().await["orders"], 2);
    shop.audit_is_clean().await;
    way.mend();
    follows(&shop).await;
    anna.has(json!({"available": "260.00", "held": "800.00"})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_go_on_from_the_primary_while_the_replica_is_down_or_stands_still() {
    let Some((shop, _way)) = Shop::with_replica("fixed").await else { return };
    let anna = &shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    follows(&shop).await;
    let replica = shop.server("replica").unwrap();
    let looks = async || {
        anna.has(json!({"available": "1000.00"})).await;
        assert_eq!(anna.quote(goods()).await["earn"]["points"], "30.00");
        assert_eq!(anna.entries().await.len(), 1);
    };
    looks().await;
    // with connections that were open before, too
    replica.stop();
    looks().await;
    replica.start_again();

    tokio::time::sleep(Duration::from_millis(1_500)).await; // idle instances are thrown away: the next ones ask it again
    follows(&shop).await;
    looks().await;
    replica.stand_still();
    let begun = Instant::now();
    looks().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: each instance waits for it once", begun.elapsed());
    looks().await;
    replica.go_on();
}

#[tokio::test]
async fn a_replica_that_the_components_may_not_open_is_done_without() {
    let shop = Shop::with_settings("fixed", &[("read_database", "nowhere")]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("1000").await;
    anna.has(json!({"available": "1000.00"})).await;
    assert_eq!(anna.quote(goods()).await["earn"]["points"], "30.00");
}
