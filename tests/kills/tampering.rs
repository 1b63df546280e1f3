//! The harness is shown to see what it is there for: answered changes are taken away, done twice or altered by hand
//! between a kill and the restart, and each must be reported with its key.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::compare::{Finding, Wrong};
use crate::exchange::send_all;
use crate::shop::{Place, Shop};
use crate::{Duration, report};

/// A shop that was killed at work and is well, so that whatever is found later is the tampering.
async fn shop_at_work(name: &str) -> (Place, Shop) {
    let place = Place { name: name.to_owned(), seed: 7, number: 0, runtime_config: None, real_time: true };
    let mut shop = Shop::open(&place).await;
    shop.work_until_killed(Duration::from_millis(250)).await;
    shop.start_again();
    let mut findings = shop.ask_again().await;
    findings.extend(shop.look(true).await);
    assert!(findings.is_empty(), "{}", report(&place, 1, &findings));
    (place, shop)
}

/// Something of this kind is reported under this key, and the report says how to come back to it.
#[track_caller]
fn reports(place: &Place, findings: &[Finding], wrong: Wrong, key: &str) {
    let report = report(place, 1, findings);
    assert!(findings.iter().any(|finding| finding.wrong == wrong && finding.key == key), "{wrong:?} {key}: {report}");
    assert!(report.contains(&format!("seed {}", place.seed)) && report.contains(key), "{report}");
}

/// Dear enough to be paid with points under every program.
fn goods() -> Value {
    json!([{"id": "1", "sku": "drill", "quantity": 1, "price": "10000.00"}])
}

fn books(shop: &Shop) -> Connection {
    Connection::open(shop.data().join("default.db")).expect("the books")
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("the data") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_changes_that_are_gone_without_a_trace_are_reported() {
    let (place, mut shop) = shop_at_work("gone").await;
    let member = shop.regular();
    let earlier = tempfile::tempdir().expect("a folder");
    shop.kill();
    copy_files(shop.data(), earlier.path());
    shop.start_again();
    let keys = [
        shop.change(|client, _| client.enrol()).await,
        shop.change(|client, _| client.endow(&member)).await,
        shop.change(|client, _| client.set_aside(member.clone(), "10", goods())).await,
        shop.change(|client, moment| client.buy_for(Some(member.clone()), moment)).await,
        shop.change(|client, _| client.publish().expect("a program")).await,
    ];
    shop.kill();
    std::fs::remove_dir_all(shop.data()).expect("the data can go");
    copy_files(earlier.path(), shop.data());
    shop.start_again();
    let findings = shop.look(false).await;
    keys.iter().for_each(|key| reports(&place, &findings, Wrong::Lost, key));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_taken_out_of_the_books_is_reported() {
    let (place, mut shop) = shop_at_work("torn-out").await;
    let member = shop.regular();
    let order = shop.change(|client, moment| client.buy_for(Some(member.clone()), moment)).await;
    shop.kill();
    let books = books(&shop);
    books.execute_batch("PRAGMA foreign_keys = OFF; DROP TRIGGER entry_no_delete").expect("facts can be deleted");
    let removed = books.execute("DELETE FROM entry WHERE order_id = (SELECT id FROM orders WHERE ref = ?1)", [&order]);
    assert_eq!(removed.expect("the entry goes"), 1);
    books.execute("DELETE FROM orders WHERE ref = ?1", [&order]).expect("the order goes");
    drop(books);
    shop.start_again();
    // its answer is still there: only the books can tell
    let findings = shop.look(true).await;
    let lost = findings.iter().filter(|finding| finding.wrong == Wrong::Lost && finding.key == order).count();
    assert_eq!(lost, 2, "the entry and the order: {}", report(&place, 1, &findings));
    reports(&place, &findings, Wrong::Lost, &order);
    assert!(findings.iter().any(|finding| finding.detail.contains("the audit says")), "{}", report(&place, 1, &findings));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_are_done_again_because_their_keys_were_forgotten_are_reported() {
    let (place, mut shop) = shop_at_work("forgotten").await;
    let member = shop.regular();
    let keys = [
        shop.change(|client, _| client.endow(&member)).await,
        shop.change(|client, _| client.set_aside(member.clone(), "12.34", goods())).await,
    ];
    shop.kill();
    let books = books(&shop);
    for key in &keys {
        assert_eq!(books.execute("DELETE FROM command WHERE key = ?1", [key]).expect("the key goes"), 1);
    }
    drop(books);
    shop.start_again();
    let findings = shop.look(false).await;
    for key in &keys {
        reports(&place, &findings, Wrong::Lost, key);
    }
    // the endowment's twin is any of the same amount
    let doubled = findings.iter().filter(|finding| finding.wrong == Wrong::Doubled && !finding.key.is_empty()).count();
    assert_eq!(doubled, 2, "{}", report(&place, 1, &findings));
    reports(&place, &findings, Wrong::Doubled, &keys[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_there_twice_is_reported_though_the_books_agree() {
    let (place, mut shop) = shop_at_work("twice").await;
    let member = shop.regular();
    shop.change(|client, _| client.endow(&member)).await;
    let key = shop.change(|client, _| client.set_aside(member.clone(), "11.11", goods())).await;
    let mut again = shop.latest().request.clone();
    again.key = Some("behind-the-back".to_owned());
    let answer = send_all(shop.address(), vec![again]).await.remove(0).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.text);
    shop.kill();
    shop.start_again();
    let findings = shop.look(true).await;
    reports(&place, &findings, Wrong::Doubled, &key);
    let audited = findings.iter().any(|finding| finding.detail.contains("the audit says"));
    assert!(!audited, "the audit can't know: {}", report(&place, 1, &findings));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_changed_is_reported() {
    let (place, mut shop) = shop_at_work("changed").await;
    let member = shop.regular();
    let key = shop.change(|client, _| client.endow(&member)).await;
    shop.kill();
    let changed = books(&shop).execute("UPDATE command SET answer = answer || ' ' WHERE key = ?1", [&key]);
    assert_eq!(changed.expect("the answer changes"), 1);
    shop.start_again();
    let findings = shop.look(false).await;
    reports(&place, &findings, Wrong::Differs, &key);
}
