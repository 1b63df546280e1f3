//! What is shown: entries, the program's versions, callers, persons.

use domain::plan::{ApiKey, Plan, Program};
use domain::{Id, Instant, Points};

use crate::database::{Sqlite, run};
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

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
    };
    let command = shop.command();
    shop.post(&command, &Plan { api_keys: vec![key], ..Plan::default() });
    let caller = run(store::caller(&shop.db, "hash of a key")).expect("it can be read").expect("it is known");
    assert_eq!((caller.id, caller.store.as_deref()), (Id(5), Some("north")));
    assert_eq!(caller.scopes, ["till", "storefront"]);
    let command = shop.command();
    shop.post(&command, &Plan { revoked_keys: vec![Id(5)], ..Plan::default() });
    assert_eq!(run(store::caller(&shop.db, "hash of a key")), Ok(None));
}

#[test]
fn persons_are_written_replaced_and_taken_back_in_a_store_of_their_own() {
    let people = Sqlite::empty();
    run(store::schema::migrate(&people, &store::schema::PEOPLE, NOW)).expect("an empty store is migrated");
    let (anna, at) = (Id(7), Instant(5));
    assert_eq!(run(store::person(&people, anna)), Ok(None));
    run(store::write_person(&people, anna, "sealed", at)).expect("it is written");
    run(store::write_person(&people, anna, "sealed again", at)).expect("it is written again");
    assert_eq!(run(store::person(&people, anna)), Ok(Some("sealed again".to_owned())));
    run(store::remove_person(&people, anna)).expect("it is removed");
    assert_eq!(run(store::person(&people, anna)), Ok(None));
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
fn a_sweep_looks_at_each_person_once_and_finds_those_without_a_member() {
    let (shop, anna) = Shop::with_member(0);
    let people = Sqlite::in_memory();
    run(store::schema::migrate(&people, &store::schema::PEOPLE, NOW)).expect("an empty store is migrated");
    let (stranger, late) = (Id(anna.0 + 1), Id(anna.0 + 2));
    for (person, at) in [(anna, NOW), (stranger, NOW), (late, day(1))] {
        run(store::write_person(&people, person, "sealed", at)).expect("it is written");
    }
    let unswept = |bound| run(store::unswept(&people, day(1), bound)).expect("they are read");
    assert_eq!((unswept(1), unswept(9)), (vec![anna], vec![anna, stranger]));
    assert_eq!(run(store::strangers(&shop.db, &[anna, stranger])), Ok(vec![stranger]));
    run(store::remove_persons(&people, &[stranger])).expect("it is removed");
    run(store::swept(&people, stranger)).expect("it is kept");
    run(store::swept(&people, anna)).expect("one that was slower changes nothing");
    assert_eq!(unswept(9), []);
    assert_eq!(run(store::unswept(&people, day(2), 9)), Ok(vec![late]));
    assert_eq!(run(store::person(&people, stranger)), Ok(None));
    assert_eq!(run(store::person(&people, anna)), Ok(Some("sealed".to_owned())));
}
