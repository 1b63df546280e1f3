//! What is shown: entries, the program's versions, callers, persons.

use domain::plan::{ApiKey, EndingKey, Plan, Program};
use domain::{Id, Points};
use store::{Asking, Known, Meter, StoreError};

use crate::database::run;
use crate::purchase::purchase;
use crate::shop::{Shop, day};

#[test]
fn entries_come_newest_first_page_by_page() {
    let (mut shop, anna) = Shop::with_member(100);
    for points in [1, 2, 3, -4] {
        shop.adjust(anna, points);
    }
    let page = run(store::entries(&shop.db, anna, i64::MAX, 2)).expect("they can be read");
    assert_eq!(page.iter().map(|entry| entry.points.0).collect::<Vec<_>>(), [-4, 3]);
    let page = run(store::entries(&shop.db, anna, page[1].seq, 10)).expect("they can be read");
    assert_eq!(page.iter().map(|entry| entry.points.0).collect::<Vec<_>>(), [2, 1, 100]);
    assert_eq!(page.last().map(|entry| (entry.seq, entry.kind.as_str())), Some((1, "earn")));
    assert!(run(store::entries(&shop.db, Id(404), i64::MAX, 10)).expect("they can be read").is_empty());
}

#[test]
fn an_entry_tells_its_lots_its_order_and_its_balance() {
    let (mut shop, anna) = Shop::with_member(100);
    let order = purchase("A").line("a", 1_000, 1_000).earns_for("purchase", &[50], day(3), Some(day(9)));
    let recorded = shop.order(anna, &order, None);
    let entry = run(store::entries(&shop.db, anna, i64::MAX, 1)).expect("they can be read").remove(0);
    assert_eq!((entry.kind.as_str(), entry.points, entry.balance_after), ("earn", Points(50), Points(150)));
    assert_eq!(entry.order_ref.as_deref(), Some("A"));
    let lot = &entry.lots[0];
    assert_eq!((lot.id, lot.points, lot.activates_at), (recorded.lots[0].id, Points(50), day(3)));
    assert_eq!((lot.expires_at, lot.rule_id.as_str()), (Some(day(9)), "purchase"));
    assert_eq!(entry.explanation[0]["rule_id"], "purchase");
}

#[test]
fn entries_have_the_names_of_the_api() {
    let (mut shop, anna) = Shop::with_member(100);
    shop.adjust(anna, 5);
    shop.adjust(anna, -5);
    let entries = run(store::entries(&shop.db, anna, i64::MAX, 2)).expect("they can be read");
    assert!(entries.iter().all(|entry| entry.kind == "adjust"));
}

#[test]
fn a_clawback_that_made_a_deficit_shows_what_it_took_from_the_balance() {
    let mut shop = Shop::open();
    let anna = shop.enrol(&[]);
    shop.order(anna, &purchase("A").line("a", 1_000, 1_000).earns("purchase", &[50]), None);
    shop.adjust(anna, -20);
    shop.take_back("R", "A", &[("a", 1_000)]);
    let entry = run(store::entries(&shop.db, anna, i64::MAX, 1)).expect("they can be read").remove(0);
    assert_eq!((entry.amount, entry.points, entry.deficit_change), (Points(50), Points(-30), Points(20)));
    assert_eq!(shop.audit(), []);
}

#[test]
fn entries_of_an_order_come_in_their_sequence_whatever_the_ids() {
    let (mut shop, anna) = Shop::with_member(100);
    let order = purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]).earns("purchase", &[50]);
    let redemption = shop.hold(anna, &order);
    shop.commands = 900_000;
    let recorded = shop.order(anna, &order, Some(redemption));
    // within one second the ids of a later command may be lower
    shop.commands = 500;
    shop.take_back("R", "A", &[("a", 1_000)]);
    let entries = run(store::order_entries(&shop.db, recorded.plan.orders[0].id)).expect("they can be read");
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["capture", "earn", "redemption_rollback", "clawback"]);
}

#[test]
fn entries_of_an_order_begin_with_the_capture_that_came_before_it() {
    let (mut shop, anna) = Shop::with_member(100);
    let order = purchase("A").line("a", 1_000, 1_000).paid(&[(60, 60)]).earns("purchase", &[50]);
    let redemption = shop.hold(anna, &order);
    shop.capture(redemption, 60, "A");
    let recorded = shop.order(anna, &order, Some(redemption));
    shop.order(anna, &purchase("B").line("a", 1_000, 1_000).earns("purchase", &[1]), None);
    let entries = run(store::order_entries(&shop.db, recorded.plan.orders[0].id)).expect("they can be read");
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["capture", "earn"]);
}

#[test]
fn a_program_is_found_by_its_hash_or_its_version() {
    let mut shop = Shop::open();
    let second = Program {
        version: 2,
        hash: "second".to_owned(),
        document: "{\"name\": \"two\"}".to_owned(),
        currency: "RUB".to_owned(),
        points_scale: 2,
    };
    shop.now = day(1);
    let command = shop.command();
    shop.post(&command, &Plan { programs: vec![second], ..Plan::default() });
    let by_hash = run(store::program_document(&shop.db, Some("second"), None)).expect("it can be read");
    let by_version = run(store::program_document(&shop.db, None, Some(2))).expect("it can be read");
    assert_eq!(by_hash, by_version);
    let document = by_hash.expect("it is published");
    assert_eq!((document.version, document.published_at), (2, day(1)));
    assert_eq!(document.document, "{\"name\": \"two\"}");
    assert_eq!(run(store::program_document(&shop.db, Some("third"), Some(2))), Ok(None));
    let versions = run(store::program_versions(&shop.db, i64::MAX, 10)).expect("they can be read");
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [2, 1]);
    let versions = run(store::program_versions(&shop.db, 2, 10)).expect("they can be read");
    assert_eq!(versions.iter().map(|version| version.hash.as_str()).collect::<Vec<_>>(), ["hash of the first program"]);
}

#[test]
fn a_caller_is_known_until_the_key_is_revoked() {
    let mut shop = Shop::open();
    let key = ApiKey {
        id: Id(5),
        hash: "hash of a key".to_owned(),
        name: "till".to_owned(),
        scopes: vec!["till".into(), "storefront".into()],
        store: Some("north".to_owned()),
        expires_at: None,
        replaces: None,
    };
    let command = shop.command();
    shop.post(&command, &Plan { api_keys: vec![key], ..Plan::default() });
    let asking = Asking { key: Some("hash of a key".to_owned()), address: None };
    let caller = run(store::known(&shop.db, &asking)).expect("it can be read").key.expect("it is known");
    assert_eq!((caller.id, caller.store.as_deref()), (Id(5), Some("north")));
    assert_eq!(caller.scopes, ["till", "storefront"]);
    let command = shop.command();
    shop.post(&command, &Plan { revoked_keys: vec![Id(5)], ..Plan::default() });
    assert_eq!(run(store::known(&shop.db, &asking)), Ok(Known::default()));
}

#[test]
fn a_key_that_was_revoked_while_it_was_rotated_gets_no_successor() {
    let mut shop = Shop::open();
    let key = |id, replaces: Option<i64>| ApiKey {
        id: Id(id),
        hash: format!("key {id}"),
        name: "site".to_owned(),
        scopes: vec!["storefront".into()],
        store: None,
        expires_at: None,
        replaces: replaces.map(Id),
    };
    let command = shop.command();
    shop.post(&command, &Plan { api_keys: vec![key(5, None)], ..Plan::default() });
    let ending_keys = vec![EndingKey { id: Id(5), expires_at: day(7) }];
    let rotation = Plan { api_keys: vec![key(6, Some(5))], ending_keys, ..Plan::default() };
    let (rotating, revoking) = (shop.command(), shop.command());
    shop.post(&revoking, &Plan { revoked_keys: vec![Id(5)], ..Plan::default() });
    assert_eq!(shop.apply(&rotating, &rotation), Err(StoreError::Stale));
    assert_eq!(shop.db.texts("SELECT hash FROM api_key"), ["key 5"]);
}

#[test]
fn counts_tell_how_much_there_is() {
    let (mut shop, anna) = Shop::with_member(100);
    shop.order(anna, &purchase("A").line("a", 1_000, 1_000).earns("one", &[1]).earns("two", &[1]), None);
    shop.hold(anna, &purchase("B").line("a", 1_000, 1_000).paid(&[(100, 100)]));
    let counts = run(store::counts(&shop.db)).expect("they can be read");
    let expected = [("accounts", 1), ("lots", 3), ("entries", 3), ("postings", 6), ("orders", 1), ("redemptions", 1)];
    assert_eq!(counts, expected);
}

#[test]
fn meters_count_by_the_minute_and_forget_whoever_was_not_seen() {
    let shop = Shop::open();
    let count = |minute, subject: &str, calls, misses| {
        run(store::count_calls(&shop.db, minute, &[(subject.to_owned(), calls, misses)])).expect("it is counted")
    };
    let known = |key: &str, address: &str| {
        let asking = Asking { key: Some(key.to_owned()), address: Some(address.to_owned()) };
        run(store::known(&shop.db, &asking)).expect("it can be read").meters
    };
    assert_eq!(count(100, "a key", 30, 0), [("a key".to_owned(), 0)]);
    assert_eq!(count(100, "a key", 30, 2), [("a key".to_owned(), 2)]);
    count(100, "an address", 1, 1);
    assert_eq!(known("a key", "an address"), [Meter("a key".to_owned(), 100, 60, 2), Meter("an address".to_owned(), 100, 1, 1)]);
    // a minute later; one whose clock is behind adds to it, too
    assert_eq!(count(101, "a key", 5, 1), [("a key".to_owned(), 1)]);
    assert_eq!(count(100, "a key", 5, 1), [("a key".to_owned(), 2)]);
    assert_eq!(known("a key", "nobody"), [Meter("a key".to_owned(), 101, 10, 2)]);
    for address in 0..5 {
        count(100, &format!("address {address}"), 1, 0);
    }
    count(103, "a key", 1, 0);
    assert_eq!(shop.db.number("SELECT count(*) FROM meter"), 7, "who is known is counted on");
    count(103, "another address", 1, 0);
    assert_eq!(shop.db.texts("SELECT subject FROM meter ORDER BY subject"), ["a key", "another address"]);
}
