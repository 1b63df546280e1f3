//! Days, clocks and sequences: the end of a local day in any zone, clocks that differ or step back, what comes late or out
//! of sequence.

use serde_json::{Value, json};
use tests::{BEGINNING, Member, Shop, hundredths, line, pieces};

/// A program whose welcome is good for a while, in a zone.
fn welcoming(zone: &str, expiry: &Value) -> Value {
    json!({
        "name": "welcome", "currency": "RUB", "time_zone": zone,
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "enrolment": {"welcome": {"id": "welcome", "points": "500", "expiry": expiry}},
        "earning": [{"id": "purchase", "type": "percent", "rate": "5", "expiry": expiry}],
        "redemption": {"max_share": "100"},
        "returns": {"clawback": "allow_negative"}
    })
}

async fn shop_at(now: &str, program: &Value) -> Shop {
    let shop = Shop::bare(now).await;
    shop.publish(program).await.expect(200);
    shop
}

/// A welcome for so many days in this zone can be spent at the last instant and is gone at the next.
async fn check(zone: &str, enrolled: &str, days: u32, last: &str, gone: &str) {
    let shop = shop_at(enrolled, &welcoming(zone, &json!({"type": "days", "days": days}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let ending = json!([{"points": "500.00", "expires_at": gone}]);
    anna.has(json!({"available": "500.00", "expiring": ending})).await;
    shop.at(last).await;
    anna.has(json!({"available": "500.00", "lifetime_expired": "0.00"})).await;
    let spent = anna.buys_with("500", json!([line("1", "500.00")])).await;
    assert_eq!(spent["redeemed"], "500.00", "{zone}: the last instant is good");
    shop.at(gone).await;
    boris.has(json!({"available": "0.00", "lifetime_expired": "500.00", "expiring": []})).await;
    boris.redeems("0.01", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_day_without_a_change_of_clocks_ends_at_its_own_midnight() {
    check("Europe/Moscow", "2026-01-15T20:59:59Z", 2, "2026-01-17T20:59:59.999Z", "2026-01-17T21:00:00Z").await;
    check("Asia/Vladivostok", "2026-01-15T13:59:59Z", 1, "2026-01-16T13:59:59.999Z", "2026-01-16T14:00:00Z").await;
    check("Asia/Vladivostok", "2026-01-15T14:00:00Z", 1, "2026-01-17T13:59:59.999Z", "2026-01-17T14:00:00Z").await;
    check("Asia/Kolkata", "2026-01-15T18:29:59Z", 1, "2026-01-16T18:29:59.999Z", "2026-01-16T18:30:00Z").await;
    check("Asia/Kathmandu", "2026-01-15T18:15:00Z", 1, "2026-01-17T18:14:59.999Z", "2026-01-17T18:15:00Z").await;
}

#[tokio::test]
async fn a_day_of_23_hours_ends_at_its_own_midnight() {
    check("Europe/London", "2026-03-28T12:00:00Z", 1, "2026-03-29T22:59:59.999Z", "2026-03-29T23:00:00Z").await;
    check("America/New_York", "2026-03-07T12:00:00Z", 1, "2026-03-09T03:59:59.999Z", "2026-03-09T04:00:00Z").await;
    check("America/St_Johns", "2026-03-07T12:00:00Z", 1, "2026-03-09T02:29:59.999Z", "2026-03-09T02:30:00Z").await;
}

#[tokio::test]
async fn a_day_of_25_hours_ends_at_its_own_midnight() {
    check("Europe/London", "2026-10-24T12:00:00Z", 1, "2026-10-25T23:59:59.999Z", "2026-10-26T00:00:00Z").await;
    check("America/New_York", "2026-10-31T12:00:00Z", 1, "2026-11-02T04:59:59.999Z", "2026-11-02T05:00:00Z").await;
    // Lord Howe sets its clocks by half an hour: from +11 to +10:30 on 5 April
    check("Australia/Lord_Howe", "2026-04-04T01:00:00Z", 1, "2026-04-05T13:29:59.999Z", "2026-04-05T13:30:00Z").await;
}

#[tokio::test]
async fn a_day_that_begins_at_one_in_the_morning_begins_there() {
    // the clocks go from 00:00 to 01:00: the day before ends when they do
    check("Asia/Beirut", "2026-03-27T12:00:00Z", 1, "2026-03-28T21:59:59.999Z", "2026-03-28T22:00:00Z").await;
    check("Africa/Cairo", "2026-04-22T12:00:00Z", 1, "2026-04-23T21:59:59.999Z", "2026-04-23T22:00:00Z").await;
    check("America/Sao_Paulo", "2018-11-02T12:00:00Z", 1, "2018-11-04T02:59:59.999Z", "2018-11-04T03:00:00Z").await;
}

#[tokio::test]
async fn months_end_with_the_same_day_or_with_the_month() {
    let shop = Shop::open_at("fixed", "2029-06-01T09:00:00Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for (months, bought, expires) in [
        (1, "2025-01-31", "2025-02-28T21:00:00Z"),
        (1, "2026-01-30", "2026-02-28T21:00:00Z"),
        (1, "2024-01-31", "2024-02-29T21:00:00Z"),
        (1, "2024-01-29", "2024-02-29T21:00:00Z"),
        (1, "2026-03-31", "2026-04-30T21:00:00Z"),
        (1, "2026-02-28", "2026-03-28T21:00:00Z"),
        (12, "2024-02-29", "2025-02-28T21:00:00Z"),
        (12, "2023-02-28", "2024-02-28T21:00:00Z"),
        (48, "2024-02-29", "2028-02-29T21:00:00Z"),
        (13, "2024-12-31", "2026-01-31T21:00:00Z"),
    ] {
        shop.publish(&welcoming("Europe/Moscow", &json!({"type": "months", "months": months}))).await.expect(200);
        let mut order = anna.order(json!([line("1", "1000.00")]));
        order["occurred_at"] = format!("{bought}T09:00:00Z").into();
        let recorded = anna.orders(&order).await.expect(201);
        assert_eq!(recorded["earned"]["lots"][0]["expires_at"], expires, "{bought} and {months} months");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_month_after_31_january_can_be_spent_to_the_end_of_february() {
    for (enrolled, last, gone) in [
        ("2026-01-31T09:00:00Z", "2026-02-28T20:59:59.999Z", "2026-02-28T21:00:00Z"),
        ("2028-01-31T09:00:00Z", "2028-02-29T20:59:59.999Z", "2028-02-29T21:00:00Z"),
    ] {
        let shop = shop_at(enrolled, &welcoming("Europe/Moscow", &json!({"type": "months", "months": 1}))).await;
        let anna = shop.enrol("+7 900 000-00-01").await;
        shop.at(last).await;
        let hold = anna.holds("500", json!([line("1", "500.00")])).await;
        shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
        shop.at(gone).await;
        anna.redeems("0.01", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
        shop.audit_is_clean().await;
    }
}

// ---- jobs that come late

#[tokio::test]
async fn days_without_any_job_change_nothing_that_anyone_sees() {
    let shop = shop_at(BEGINNING, &welcoming("Europe/Moscow", &json!({"type": "days", "days": 1}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let order = anna.buys_with("200", json!([pieces("1", "100.00", 4)])).await;
    let hold = anna.holds("100", json!([line("1", "100.00")])).await; // until 09:30
    // another host starts two days later: no job has run in between
    let later = shop.beside("2026-01-17T21:30:00Z").await;
    let anna = later.sees(&anna);
    let gone = json!({"available": "0.00", "held": "0.00", "lifetime_expired": "310.00", "expiring": []});
    anna.has(gone.clone()).await;
    anna.redeems("0.01", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
    let mut paid = anna.order(json!([line("1", "100.00")]));
    paid["redemption_id"] = hold.into();
    anna.orders(&paid).await.refused(409, "hold_expired");
    // what comes back goes to a lot that is over: nobody can spend it
    let id = order["order_id"].as_str().unwrap();
    let back = later.takes_back(id, "r-1", Some(json!([{"id": "1", "quantity": 2}]))).await.expect(201);
    assert_eq!((&back["restored"], &back["balance"]["available"]), (&json!("100.00"), &json!("0.00")));
    anna.redeems("0.01", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
    let before = anna.books().await;
    later.run_job("holds").await;
    later.run_job("expire").await;
    assert_eq!(anna.books().await, before, "the jobs write down what time did");
    anna.redeems("0.01", json!([line("1", "500.00")])).await.refused(409, "insufficient_points");
    later.audit_is_clean().await;
    agrees(&later).await;
}

// ---- clocks that differ, or step back

/// The member's entries are numbered without a gap, and time never goes back.
fn history_is_whole(shop: &Shop) {
    let query = "SELECT json_group_array(json_array(account_id, seq, at)) FROM (SELECT * FROM entry ORDER BY account_id, seq)";
    let entries: Vec<(i64, i64, i64)> = serde_json::from_str(&shop.text_in("default", query)).unwrap();
    assert!(entries.len() > 1, "there is a history: {entries:?}");
    for pair in entries.windows(2) {
        let ((account, seq, at), (next, next_seq, next_at)) = (pair[0], pair[1]);
        if account == next {
            assert_eq!(next_seq, seq + 1, "no number is missing");
            assert!(next_at >= at, "entry {next_seq} is before entry {seq}");
        } else {
            assert_eq!(next_seq, 1);
        }
    }
}

/// A rebuild would change nothing.
async fn agrees(shop: &Shop) {
    let rebuilt = shop.get("/v1/rebuild").await.expect(200);
    assert_eq!(rebuilt["differences"], json!([]));
}

/// Everything that a member does, on one of the hosts: gifts, purchases, payments, returns.
async fn a_day_of(member: &Member<'_>, shop: &Shop, number: i64) -> i64 {
    member.is_given("10").await;
    let order = member.buys(json!([pieces("1", "100.00", 3)])).await;
    let paid = member.buys_with("5", json!([line("1", "50.00")])).await;
    let back = Some(json!([{"id": "1", "quantity": 1}]));
    let back = shop.takes_back(order["order_id"].as_str().unwrap(), &format!("r-{number}"), back).await.expect(201);
    let hold = member.holds("1", json!([line("1", "50.00")])).await;
    shop.post(&format!("/v1/redemptions/{hold}/release"), &json!({})).await.expect(200);
    1_000 + hundredths(&order["earned"]["points"]) + hundredths(&paid["earned"]["points"])
        - hundredths(&paid["redeemed"])
        - hundredths(&back["clawed_back"])
}

#[tokio::test]
async fn two_hosts_whose_clocks_differ_keep_one_history() {
    let shop = Shop::open("fixed").await;
    let ahead = shop.beside("2026-01-15T09:07:00Z").await;
    let behind = shop.beside("2026-01-15T08:56:30Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut expected = 0;
    for number in 0..4 {
        for (host, place) in [(&ahead, 1), (&behind, 2), (&shop, 3)] {
            let member = host.sees(&anna);
            expected += a_day_of(&member, host, 10 * number + place).await;
            let books = anna.books().await;
            assert_eq!(hundredths(&books["available"]), expected);
            assert_eq!(ahead.sees(&anna).books().await, books, "the host ahead says the same");
            assert_eq!(behind.sees(&anna).books().await, books, "the host behind says the same");
        }
        for host in [&ahead, &behind] {
            host.minutes_pass(3).await;
        }
    }
    history_is_whole(&shop);
    for host in [&shop, &ahead, &behind] {
        host.audit_is_clean().await;
        agrees(host).await;
    }
}

#[tokio::test]
async fn a_host_whose_clock_is_behind_says_after_which_moment_points_may_end() {
    let shop = Shop::open("fixed").await;
    let ahead = shop.beside("2026-01-15T09:07:00Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    ahead.sees(&anna).is_given("10").await;
    let path = format!("/v1/members/{}/adjustments", anna.id);
    let body = json!({"points": "5", "reason": "a short gift", "expires_at": "2026-01-15T09:05:00Z"});
    let refused = shop.post(&path, &body).await.refused_at(422, "/expires_at");
    assert_eq!(refused["errors"][0]["detail"], "must be after 2026-01-15T09:07:00Z");
    anna.is_given_until("5", "2026-01-15T09:08:00Z").await;
    anna.has(json!({"available": "15.00"})).await;
    shop.audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_at_once_lose_and_double_nothing() {
    let shop = Shop::open("fixed").await;
    let ahead = shop.beside("2026-01-15T09:04:00Z").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let there = ahead.sees(&anna);
    let spend = async |member: &Member<'_>| {
        let mut held = 0;
        for _ in 0..8 {
            match member.redeems("10", json!([line("1", "100.00")])).await {
                answer if answer.status == 201 => held += 1,
                answer => drop(answer.refused(409, "insufficient_points")),
            }
        }
        held
    };
    let (here, there) = tokio::join!(spend(&anna), spend(&there));
    assert_eq!(here + there, 10, "{here} here and {there} there: exactly what was given");
    anna.has(json!({"available": "0.00", "held": "100.00"})).await;
    history_is_whole(&shop);
    shop.audit_is_clean().await;
    agrees(&ahead).await;
}

#[tokio::test]
async fn a_clock_that_steps_back_loses_nothing_and_revives_nothing() {
    let shop = shop_at(BEGINNING, &welcoming("Europe/Moscow", &json!({"type": "days", "days": 30}))).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given_until("40", "2026-01-15T09:50:00Z").await;
    shop.at("2026-01-15T10:00:00Z").await; // the job has expired the gift
    let order = anna.buys_with("100", json!([pieces("1", "500.00", 2)])).await;
    let books = anna.books().await;
    assert_eq!((&books["available"], &books["lifetime_expired"]), (&json!("445.00"), &json!("40.00")));

    let early = shop.beside("2026-01-15T09:40:00Z").await; // before the gift was over
    let anna = early.sees(&anna);
    assert_eq!(anna.books().await, books, "the account's time does not go back");
    anna.redeems("445.01", json!([line("1", "1000.00")])).await.refused(409, "insufficient_points");
    let whole = anna.holds("445", json!([line("1", "1000.00")])).await;
    early.post(&format!("/v1/redemptions/{whole}/release"), &json!({})).await.expect(200);
    assert_eq!(anna.books().await, books, "all of it could be spent");
    early.takes_back(order["order_id"].as_str().unwrap(), "r-1", None).await.expect(201);
    anna.has(json!({"available": "500.00", "lifetime_redeemed": "0.00", "lifetime_expired": "40.00"})).await;
    anna.is_given("7").await;
    for job in ["holds", "expire", "activate"] {
        early.run_job(job).await;
    }
    anna.has(json!({"available": "507.00"})).await;
    shop.sees(&anna).has(json!({"available": "507.00"})).await;
    history_is_whole(&early);
    early.audit_is_clean().await;
    agrees(&early).await;
}

// ---- what comes out of sequence

#[tokio::test]
async fn orders_of_an_offline_till_count_from_their_own_days_in_whatever_sequence_they_come() {
    let shop = Shop::open("gw-tools").await;
    let (anna, boris) = (shop.enrol("+7 900 000-00-01").await, shop.enrol("+7 900 000-00-02").await);
    let days = ["2026-01-12T09:00:00Z", "2025-12-01T09:00:00Z", "2026-01-14T09:00:00Z", "2025-11-30T09:00:00Z"];
    let buy = async |member: &Member<'_>, day: &str| {
        let mut order = member.order(json!([line("1", "1000.00")]));
        order["occurred_at"] = day.into();
        member.orders(&order).await.expect(201)
    };
    for day in days {
        buy(&anna, day).await;
    }
    let mut sorted = days;
    sorted.sort_unstable();
    for day in sorted {
        buy(&boris, day).await;
    }
    let books = anna.books().await;
    assert_eq!(books, boris.books().await, "the sequence of arrival makes no difference");
    assert_eq!(books["available"], "700.00");
    // nearest end first, whenever it came: 50 of 30 November, then 50 of 1 December
    let held = anna.holds("570", json!([line("1", "10000.00")])).await;
    let entries = anna.entries().await;
    let lots = entries[0]["lots"].as_array().unwrap().iter();
    let mut taken: Vec<_> = lots.map(|lot| (lot["expires_at"].as_str().unwrap(), lot["points"].as_str().unwrap())).collect();
    taken.sort_unstable();
    let nearest = [("2026-02-14T21:00:00Z", "500.00"), ("2026-02-28T21:00:00Z", "50.00"), ("2026-03-01T21:00:00Z", "20.00")];
    assert_eq!(taken, nearest);
    shop.post(&format!("/v1/redemptions/{held}/release"), &json!({})).await.expect(200);
    history_is_whole(&shop);
    shop.audit_is_clean().await;
    agrees(&shop).await;
}

#[tokio::test]
async fn a_return_that_says_it_was_before_its_order_is_exact_all_the_same() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let before = anna.books().await;
    let mut order = anna.order(json!([pieces("1", "333.33", 3)]));
    order["occurred_at"] = "2026-01-14T09:00:00Z".into();
    order["redemption_id"] = anna.holds("100", json!([pieces("1", "333.33", 3)])).await.into();
    let recorded = anna.orders(&order).await.expect(201);
    let path = format!("/v1/orders/{}/returns", recorded["order_id"].as_str().unwrap());
    let (mut refund, mut restored, mut clawed_back) = (0, 0, 0);
    for (number, day) in ["2026-01-13T09:00:00Z", "2026-01-15T09:00:00Z", "2025-12-31T09:00:00Z"].into_iter().enumerate() {
        let body = json!({"return_id": format!("r-{number}"), "occurred_at": day, "lines": [{"id": "1", "quantity": 1}]});
        let back = shop.post(&path, &body).await.expect(201);
        refund += hundredths(&back["refund_money"]);
        restored += hundredths(&back["restored"]);
        clawed_back += hundredths(&back["clawed_back"]);
    }
    let whole = (hundredths(&recorded["payable"]), 10_000, hundredths(&recorded["earned"]["points"]));
    assert_eq!((refund, restored, clawed_back), whole);
    assert_eq!(anna.books().await, before);
    history_is_whole(&shop);
    shop.audit_is_clean().await;
    agrees(&shop).await;
}
