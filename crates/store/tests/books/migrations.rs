//! Both stores are migrated once, and again without effect.

use store::StoreError;
use store::schema::{BOOKS, Migration, PEOPLE, migrate};

use crate::NOW;
use crate::database::{Sqlite, run};
use crate::shop::Shop;

const STORES: [&[Migration]; 2] = [&BOOKS, &PEOPLE];

#[test]
fn a_migration_that_is_done_changes_nothing() {
    for migrations in STORES {
        let db = Sqlite::empty();
        assert_eq!(run(migrate(&db, migrations, NOW)), Ok(migrations.len()));
        let (schema, rows) = (db.texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"), db.everything());
        assert_eq!(run(migrate(&db, migrations, crate::day(1))), Ok(0));
        assert_eq!((db.texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"), db.everything()), (schema, rows));
    }
}

#[test]
fn every_statement_of_a_migration_may_run_again_on_a_living_store() {
    let (mut shop, anna) = Shop::with_member(100);
    shop.adjust(anna, -30);
    let schema = shop.db.texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
    // as after a migration that broke off before it was recorded
    shop.db.by_hand("DELETE FROM migration");
    let rows = shop.db.everything();
    assert_eq!(run(migrate(&shop.db, &BOOKS, NOW)), Ok(BOOKS.len()));
    shop.db.by_hand("DELETE FROM migration");
    assert_eq!(shop.db.everything(), rows);
    assert_eq!(shop.db.texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"), schema);
    shop.adjust(anna, -70);
    assert_eq!(shop.audit(), []);
}

#[test]
fn a_store_without_tables_says_so() {
    let db = Sqlite::empty();
    assert_eq!(run(store::audit(&db)), Err(StoreError::NotMigrated));
    assert_eq!(run(store::load(&db, &store::Load::default())).err(), Some(StoreError::NotMigrated));
}

#[test]
fn the_schema_sets_no_pragma_and_every_table_is_strict() {
    for migrations in STORES {
        assert!(migrations.iter().all(|migration| !migration.sql.to_uppercase().contains("PRAGMA")));
        let db = Sqlite::empty();
        run(migrate(&db, migrations, NOW)).expect("an empty store is migrated");
        let tables = db.texts("SELECT sql FROM sqlite_schema WHERE type = 'table'");
        assert!(tables.iter().all(|sql| sql.ends_with("STRICT")), "{tables:#?}");
        assert_eq!(db.texts("PRAGMA integrity_check"), ["ok"]);
    }
}
