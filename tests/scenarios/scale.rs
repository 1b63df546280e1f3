//! Many members: what a run of the jobs costs follows what is due, not how many members there are. `KOPILKA_SCALE` is how many times
//! as many members as in `cargo test` there are; 500 makes a million of them, and a million lots. The figures are printed.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde_json::json;
use tests::Shop;
use tests::population::{self, History};

/// Noon in Moscow.
const NOW: &str = "2026-03-15T09:00:00Z";
/// The next midnight in Moscow, in milliseconds.
const MIDNIGHT: i64 = 1_773_608_400_000;
const DAY: i64 = 86_400_000;

/// Rows are written into the file of an embedded store: a server's file is its own.
fn hosted() -> bool {
    let hosted = std::env::var_os("KOPILKA_TEST_STORES").is_some();
    if hosted {
        println!("only with embedded stores");
    }
    hosted
}

fn scale() -> i64 {
    std::env::var("KOPILKA_SCALE").map_or(1, |scale| scale.parse().expect("KOPILKA_SCALE is a number"))
}

/// Points that are told of and expire, and members who are woken.
fn program() -> serde_json::Value {
    json!({
        "name": "Many", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "earning": [{"id": "purchase", "type": "percent", "rate": "5", "expiry": {"type": "months", "months": 3}}],
        "triggers": [{"id": "sleeping", "on": "no_purchase", "days": 60, "event": "sleeping"}],
        "reminders": {"days": [14]}
    })
}

/// Members with `lots` lots of a point each, written as the books have them. The lots of the first `due` members expire at the next
/// midnight, those of as many others fourteen days later, and as many bought nothing for sixty days; nothing of the rest is due.
fn populate(shop: &Shop, members: i64, lots: i64, due: i64) {
    let mut books = Connection::open(shop.data().join("default.db")).expect("the database opens");
    books.busy_timeout(Duration::from_secs(60)).expect("a wait");
    let part = books.transaction().expect("a transaction");
    let earned = MIDNIGHT - 90 * DAY;
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
    let run = |statement: &str, parameters: &[&dyn rusqlite::ToSql]| {
        part.execute(&format!("{numbers} {statement}"), parameters).unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    run(
        "INSERT INTO command (id, key, fingerprint, status, answer, at) SELECT i, 'seed ' || i, '', 201, NULL, ?2 FROM n",
        params![members, earned],
    );
    run(
        "INSERT INTO member (id, channel, status, referral_code, joined_at, profile, awaits_welcome)
         SELECT i, 'till', 'active', 'R' || i, ?2, i, 0 FROM n",
        params![members, earned],
    );
    run(
        "INSERT INTO account (id, seq, last_at, remaining, earned) SELECT i, 1, ?2, 100 * ?3, 100 * ?3 FROM n",
        params![members, earned, lots],
    );
    run(
        "INSERT INTO statistics (member_id, first_order_at, last_order_at)
         SELECT i, NULL, iif(i BETWEEN 2 * ?3 + 1 AND 3 * ?3, ?2 - 60 * ?4 + 3600000, NULL) FROM n",
        params![members, MIDNIGHT, due, DAY],
    );
    run(
        "INSERT INTO entry (id, account_id, seq, kind, amount, points, balance_after, at, occurred_at, command_id, program_version, explanation)
         SELECT i, i, 1, 'adjust_in', 100 * ?3, 100 * ?3, 100 * ?3, ?2, ?2, i, 1, '[]' FROM n",
        params![members, earned, lots],
    );
    run(
        "INSERT INTO lot (id, account_id, entry_id, rule_id, issued, remaining, activates_at, expires_at)
         SELECT (i - 1) * ?3 + l.value + 1, i, i, 'adjustment', 100, 100, ?2,
                CASE WHEN i <= ?4 THEN ?5 WHEN i <= 2 * ?4 THEN ?5 + 14 * ?6 ELSE ?5 + 200 * ?6 END
           FROM n, json_each(?7) l",
        params![members, earned, lots, due, MIDNIGHT, DAY, json!((0..lots).collect::<Vec<_>>()).to_string()],
    );
    part.execute("INSERT INTO posting (entry_id, lot_id, points) SELECT entry_id, id, issued FROM lot", []).expect("postings");
    part.commit().expect("they are there");
}

/// Resident memory of this process, which is the host's: now and at most so far, in MiB.
fn memory() -> (i64, i64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<i64>().ok()).unwrap_or_default() / 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

async fn shop_with(members: i64, lots: i64, due: i64) -> Shop {
    let shop = Shop::bare(NOW).await;
    shop.publish(&program()).await.expect(200);
    // what is new begins with its publication: the first hour writes down where
    shop.at("2026-03-15T10:00:00Z").await;
    populate(&shop, members, lots, due);
    shop
}

#[tokio::test]
async fn every_due_lot_of_many_members_expires_once_batch_by_batch() {
    if hosted() {
        return;
    }
    let members = 200 * scale();
    let shop = shop_with(members, 10, members).await;
    let late = shop.beside("2026-03-16T09:00:00Z").await;
    let (before, begun) = (memory().0, Instant::now());
    let (mut expired, mut longest) = (0, Duration::ZERO);
    loop {
        let asked = Instant::now();
        let run = late.run_job("expire").await;
        longest = longest.max(asked.elapsed());
        expired += run["processed"].as_i64().unwrap();
        if run["remaining"] == 0 {
            break;
        }
    }
    let (took, (after, most)) = (begun.elapsed(), memory());
    println!(
        "{expired} lots of {members} members in {took:.1?}: {:.0} lots a second; the longest call {longest:.1?}; memory {before} MiB before, {after} after, {most} at most",
        expired as f64 / took.as_secs_f64()
    );
    assert_eq!(expired, members * 10);
    let told = "SELECT count(*) = count(DISTINCT member_id) AND count(*) = (SELECT count(*) FROM member) FROM outbox WHERE kind = 'points.expired'";
    assert!(scale() > 1 || shop.number_in("default", told) == 1, "each member once");
    assert_eq!(shop.number_in("default", "SELECT sum(remaining) FROM account"), 0);
    if scale() == 1 {
        shop.audit_is_clean().await;
    }
}

#[tokio::test]
async fn a_day_of_ten_times_as_many_members_with_as_large_a_part_due_costs_as_much_for_each_that_is_due() {
    if hosted() {
        return;
    }
    let mut costs = Vec::new();
    for members in [200 * scale(), 2_000 * scale()] {
        let due = members / 100;
        let shop = shop_with(members, 1, due).await;
        let begun = Instant::now();
        shop.at("2026-03-15T21:00:00Z").await; // midnight in Moscow
        let took = begun.elapsed();
        costs.push(took.as_secs_f64() / due as f64);
        println!("{members} members, {due} lots expire, {due} are told of, {due} members woken: {took:.1?}");
        let count = |what: &str| shop.number_in("default", &format!("SELECT count(*) FROM outbox WHERE kind = '{what}'"));
        assert_eq!((count("points.expired"), count("points.expiring"), count("trigger")), (due, due, due));
        if scale() == 1 {
            shop.audit_is_clean().await;
        }
    }
    println!("each that is due costs {:.2} times as much among ten times as many members", costs[1] / costs[0]);
}

#[tokio::test]
async fn members_whose_history_was_written_as_rows_have_books_that_agree_and_go_on_buying() {
    let shop = Shop::with_settings_at("gw-tools", &[], NOW).await;
    let now = NOW.parse::<host::Timestamp>().unwrap().as_millisecond();
    let history = History { now, answer: json!({"order_id": "it's old"}).to_string(), explanation: "[]".to_owned() };
    for statement in history.statements(1..=60).iter().chain(&history.statements(61..=100)) {
        shop.alter("default", statement);
    }
    shop.audit_is_clean().await;
    assert_eq!(shop.counts().await["orders"], 100 * population::ORDERS);

    let anna = tests::Member::of(&shop, &domain::Id(population::member(77)).external("mem"));
    let before = tests::hundredths(&anna.balance().await["available"]);
    let goods = || json!([tests::line("1", "1000.00")]);
    assert_eq!(anna.buys(goods()).await["earned"]["points"], "50.00");
    anna.buys_with("100", goods()).await;
    shop.takes_back("history-77-1", "back", Some(json!([{"id": "line-0", "quantity": 1}]))).await.expect(201);
    assert!(tests::hundredths(&anna.balance().await["available"]) < before);
    shop.audit_is_clean().await;
}
