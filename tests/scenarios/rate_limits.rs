//! How much a caller may ask in a minute, and how slow it is to try out members or keys. The clock stands still in here, so
//! that a minute lasts until the test lets it pass.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Answer, Shop, cart, line};
use tokio::task::JoinSet;

/// The header in which the proxy of these shops tells who calls.
const PROXY: (&str, &str) = ("client_address_header", "x-forwarded-for");

fn goods() -> Value {
    json!([line("1", "1000.00")])
}

#[track_caller]
fn is_told_to_wait(answer: Answer, seconds: &str) -> Value {
    assert_eq!(answer.retry_after.as_deref(), Some(seconds), "{}", answer.text);
    answer.refused(429, "too_many_requests")
}

#[tokio::test]
async fn a_key_that_asked_too_much_waits_until_the_minute_is_over() {
    let shop = Shop::with_settings("fixed", &[("key_calls_per_minute", "10")]).await;
    let (busy, calm) = (shop.key(&["storefront"], None).await.secret, shop.key(&["storefront"], None).await.secret);
    for left in (0..10).rev() {
        let answer = shop.get_with(&busy, "/v1/program").await;
        let told = (format!("\"key\";r={left};t=60"), "\"key\";q=10;w=60".to_owned());
        assert_eq!(answer.rate_limit, Some(told), "what is left is told with every answer");
        answer.expect(200);
    }
    let anna = shop.enrol("+7 900 000-00-01").await;
    let counts = shop.counts().await;
    is_told_to_wait(shop.get_with(&busy, "/v1/program").await, "60");
    is_told_to_wait(shop.post_with(&busy, "/v1/quotes", &json!({"order": cart(goods())})).await, "60");
    is_told_to_wait(shop.post_with(&busy, "/v1/members", &json!({"phone": "+7 900 000-00-02", "channel": "x"})).await, "60");
    is_told_to_wait(shop.post_with(&busy, "/v1/orders", &anna.order(goods())).await, "60");
    is_told_to_wait(shop.post_with(&busy, "/v1/orders", &json!({})).await, "60");
    assert_eq!(shop.counts().await, counts, "nothing was done");
    shop.get_with(&calm, "/v1/program").await.expect(200);
    assert_eq!(shop.get("/v1/program").await.rate_limit, None, "the first key has no limit");
    // refused calls are not counted on
    shop.minutes_pass(1).await;
    shop.post_with(&busy, "/v1/orders", &anna.order(goods())).await.expect(201);
}

#[tokio::test]
async fn a_refused_call_may_be_sent_again_with_the_same_key() {
    let shop = Shop::with_settings("fixed", &[("key_calls_per_minute", "1")]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let key = shop.key(&["storefront"], None).await.secret;
    let order = anna.order(goods()).to_string();
    let send = || shop.send_with(Some(&key), http::Method::POST, "/v1/orders", Some(order.clone()), Some("the-order"));
    shop.get_with(&key, "/v1/program").await.expect(200);
    is_told_to_wait(send().await, "60");
    shop.minutes_pass(1).await;
    assert!(!send().await.replayed);
    anna.has(json!({"available": "30.00"})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_instances_count_together() {
    let shop = Arc::new(Shop::with_settings("fixed", &[("key_calls_per_minute", "60")]).await);
    let key = shop.key(&["storefront"], None).await.secret;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (shop, key) = (shop.clone(), key.clone());
        callers.spawn(async move {
            let mut answered = 0;
            for _ in 0..40 {
                answered += i32::from(shop.get_with(&key, "/v1/program").await.status == 200);
            }
            answered
        });
    }
    let answered: i32 = callers.join_all().await.into_iter().sum();
    // whoever is on the way when the last one is counted comes through
    assert!((60..=60 + 8).contains(&answered), "{answered} of 320 calls were answered");
}

#[tokio::test]
async fn counting_costs_a_round_trip_for_every_32_calls_of_a_busy_key() {
    let shop = Shop::open("fixed").await;
    let key = shop.key(&["storefront"], None).await.secret;
    let before = shop.host.statements();
    for _ in 0..320 {
        shop.post_with(&key, "/v1/quotes", &json!({"order": cart(goods())})).await.expect(200);
    }
    let more = shop.host.statements() - before - 320;
    // ten to count; an instance ends after 128 requests, and the next one opens the store and reads the program
    assert!((5..=25).contains(&more), "{more} statements beside the quotes' own");
    assert!(shop.number_in("default", "SELECT calls FROM meter") >= 256);
}

#[tokio::test]
async fn members_are_not_found_by_trying_phones_out() {
    let shop = Shop::with_settings("fixed", &[("unknown_members_per_minute", "5")]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let (site, other) = (shop.key(&["storefront"], None).await.secret, shop.key(&["storefront"], None).await.secret);
    let quote = |phone: &str| json!({"member": {"phone": phone}, "order": cart(goods())});
    for phone in ["+79000000002", "+79000000003"] {
        shop.get_with(&site, &format!("/v1/members?phone=%2B{}", &phone[1..])).await.refused(404, "member_not_found");
    }
    shop.post_with(&site, "/v1/quotes", &quote("+7 900 000-00-04")).await.refused(404, "member_not_found");
    let mut order = anna.order(goods());
    order["member"] = json!({"email": "nobody@example.com"});
    shop.post_with(&site, "/v1/orders", &order).await.refused(404, "member_not_found");
    // that a phone is taken tells as much
    let enrolment = json!({"phone": "+7 900 000-00-01", "channel": "site"});
    shop.post_with(&site, "/v1/members", &enrolment).await.refused(409, "identity_taken");

    for known in [true, false] {
        let phone = if known { "79000000001" } else { "79000000009" };
        is_told_to_wait(shop.get_with(&site, &format!("/v1/members?phone=%2B{phone}")).await, "60");
        is_told_to_wait(shop.post_with(&site, "/v1/quotes", &quote(phone)).await, "60");
        is_told_to_wait(shop.post_with(&site, "/v1/members", &json!({"phone": phone, "channel": "site"})).await, "60");
    }
    let hold = json!({"member": {"phone": "+79000000001"}, "order": cart(goods()), "points": "1"});
    is_told_to_wait(shop.post_with(&site, "/v1/redemptions", &hold).await, "60");
    // who is there is served by what can't be guessed
    let by_id = json!({"member": {"id": anna.id}, "order": cart(goods())});
    shop.post_with(&site, "/v1/quotes", &by_id).await.expect(200);
    shop.get_with(&site, &format!("/v1/members/{}", anna.id)).await.expect(200);
    shop.post_with(&other, "/v1/quotes", &quote("+79000000001")).await.expect(200);
    shop.minutes_pass(1).await;
    shop.post_with(&site, "/v1/quotes", &quote("+79000000001")).await.expect(200);
}

#[tokio::test]
async fn members_are_not_found_by_giving_one_of_them_other_phones() {
    let shop = Shop::with_settings("fixed", &[("unknown_members_per_minute", "5")]).await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    let site = shop.key(&["storefront"], None).await.secret;
    let path = format!("/v1/members/{}", anna.id);
    let patch = |body: Value| {
        let (shop, site, path) = (&shop, &site, &path);
        async move { shop.send_with(Some(site), http::Method::PATCH, path, Some(body.to_string()), Some(&shop.new_key())).await }
    };
    // that a phone was free tells as much as that it is somebody's
    for last in 3..=6 {
        patch(json!({"phone": format!("+7 900 000-00-0{last}")})).await.expect(200);
    }
    let taken = patch(json!({"phone": "+7 900 000-00-02"})).await.refused(409, "identity_taken");
    assert_eq!(taken["member_id"], boris.id.as_str());
    for guess in [json!({"phone": "+7 900 000-00-07"}), json!({"email": "anna@example.com"}), json!({"card": "1234"})] {
        is_told_to_wait(patch(guess).await, "60");
    }
    // what names nobody else goes on
    patch(json!({"first_name": "Anna"})).await.expect(200);
    shop.get_with(&site, &path).await.expect(200);
    shop.minutes_pass(1).await;
    for _ in 0..6 {
        let own = patch(json!({"phone": "+7 900 000-00-06"})).await.expect(200);
        assert_eq!(own["phone"], "+79000000006", "her own phone is no guess");
    }
    patch(json!({"email": "anna@example.com"})).await.expect(200);
}

#[tokio::test]
async fn keys_are_not_found_by_trying_them_out() {
    let shop = Shop::with_settings("fixed", &[("unknown_keys_per_minute", "5"), PROXY]).await;
    let till = shop.key(&["till"], Some("moscow")).await.secret;
    let from = |address: &'static str, key: &str| {
        let key = key.to_owned();
        let shop = &shop;
        async move { shop.get_told(&key, &[("x-forwarded-for", address)], "/v1/program").await }
    };
    for guess in 0..5 {
        from("203.0.113.7", &format!("guess-{guess}")).await.refused(401, "unauthorized");
    }
    is_told_to_wait(from("203.0.113.7", "guess-5").await, "60");
    // the first key was chosen by a person: the right guess is not told from the others
    is_told_to_wait(from("203.0.113.7", tests::ADMIN_KEY).await, "60");
    // a till behind the same address has a key that nobody guesses
    from("203.0.113.7", &till).await.expect(200);
    // what the client says before the proxy does is nothing
    is_told_to_wait(from("198.51.100.1, 203.0.113.7", "guess-6").await, "60");
    from("198.51.100.1", "guess-7").await.refused(401, "unauthorized");
    from("198.51.100.1", tests::ADMIN_KEY).await.expect(200);
    shop.minutes_pass(1).await;
    from("203.0.113.7", tests::ADMIN_KEY).await.expect(200);
    // of IPv6 a client has a network of its own
    for guess in ["2001:db8:1:2::1", "2001:db8:1:2::2", "[2001:db8:1:2:3::]:4711", "2001:db8:1:2:ffff::", "2001:db8:1:2::5"] {
        from(guess, "a guess").await.refused(401, "unauthorized");
    }
    is_told_to_wait(from("2001:db8:1:2:abcd::9", "a guess").await, "60");
    from("2001:db8:1:3::1", "a guess").await.refused(401, "unauthorized");
    let books = shop.bytes_of("default");
    assert!(!books.windows(11).any(|window| window == b"203.0.113.7"), "an address is personal data");
}

#[tokio::test]
async fn whoever_sends_no_key_or_a_token_that_is_none_or_over_sends_a_wrong_key() {
    let shop = Shop::with_settings("fixed", &[("unknown_keys_per_minute", "4"), PROXY]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let (till, path) = (shop.key(&["till"], Some("moscow")).await.secret, format!("/v1/members/{}/tokens", anna.id));
    let token = async |body: Value| shop.post(&path, &body).await.expect(201)["token"].as_str().unwrap().to_owned();
    let (short, long) = (token(json!({"expires_in": 60})).await, token(json!({"expires_in": 3_600})).await);
    let made_up = format!("{}AAAA", &long[..long.len() - 4]);
    shop.minutes_pass(2).await;
    let from = async |address: &str, key: &str| shop.get_told(key, &[("x-forwarded-for", address)], "/v1/members/me").await;
    // each of them four times, from an address of its own
    for (address, key, code) in [
        ("203.0.113.1", "mt_", "unauthorized"),
        ("203.0.113.2", made_up.as_str(), "unauthorized"),
        ("203.0.113.3", short.as_str(), "token_expired"),
    ] {
        for _ in 0..4 {
            from(address, key).await.refused(401, code);
        }
        is_told_to_wait(from(address, key).await, "60");
        is_told_to_wait(from(address, "a guess").await, "60");
        from(address, &long).await.expect(200);
        let program = shop.get_told(&till, &[("x-forwarded-for", address)], "/v1/program").await;
        program.expect(200);
    }
    let keyless = async |address: &str| shop.get_without_key(&[("x-forwarded-for", address)], "/v1/members/me").await;
    for _ in 0..4 {
        keyless("203.0.113.4").await.refused(401, "unauthorized");
    }
    is_told_to_wait(keyless("203.0.113.4").await, "60");
    is_told_to_wait(from("203.0.113.4", tests::ADMIN_KEY).await, "60");
    keyless("203.0.113.5").await.refused(401, "unauthorized");
    shop.minutes_pass(1).await;
    keyless("203.0.113.4").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn an_address_that_asked_too_much_waits_with_all_its_keys() {
    let shop = Shop::with_settings("fixed", &[("address_calls_per_minute", "6"), PROXY]).await;
    let (first, second) = (shop.key(&["storefront"], None).await.secret, shop.key(&["staff"], None).await.secret);
    let from = |address: &'static str, key: &str| {
        let key = key.to_owned();
        let shop = &shop;
        async move { shop.get_told(&key, &[("x-forwarded-for", address)], "/v1/program").await }
    };
    for _ in 0..3 {
        from("203.0.113.7", &first).await.expect(200);
        from("203.0.113.7", &second).await.expect(200);
    }
    is_told_to_wait(from("203.0.113.7", &first).await, "60");
    is_told_to_wait(from("203.0.113.7", "no key of ours").await, "60");
    from("203.0.113.8", &first).await.expect(200);
    from("203.0.113.7", tests::ADMIN_KEY).await.expect(200);
    from("nonsense", &first).await.expect(200);
}

#[tokio::test]
async fn a_proxy_that_nobody_told_of_is_no_client() {
    let shop = Shop::with_settings("fixed", &[("unknown_keys_per_minute", "2"), ("address_calls_per_minute", "2")]).await;
    for _ in 0..10 {
        // whatever the header says: a client may have written it
        shop.get_told("a guess", &[("x-forwarded-for", "203.0.113.7")], "/v1/program").await.refused(401, "unauthorized");
    }
    shop.get("/v1/program").await.expect(200);
}

#[tokio::test]
async fn a_limit_of_0_is_none() {
    let none = ["key_calls_per_minute", "unknown_members_per_minute"].map(|name| (name, "0"));
    let shop = Shop::with_settings("fixed", &none).await;
    let key = shop.key(&["storefront"], None).await.secret;
    for _ in 0..200 {
        let answer = shop.get_with(&key, "/v1/members?phone=%2B79000000001").await;
        assert_eq!(answer.rate_limit, None);
        answer.refused(404, "member_not_found");
    }
    assert_eq!(crate::privacy::rows_of(&shop, "meter"), 0);
}
