use rusqlite::Error;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::*;

#[derive(Debug)]
struct Failed(#[expect(dead_code, reason = "it is printed")] String);

impl From<Busy> for Failed {
    fn from(_: Busy) -> Self {
        Self("database is locked".to_owned())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

struct Shop {
    folder: tempfile::TempDir,
    file: Arc<File>,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = Self { file: File::new(folder.path().join("books.db")), folder };
        say(&shop.connect(), "CREATE TABLE t (a)").await;
        shop
    }

    fn connect(&self) -> Arc<FileConnection> {
        Arc::new(self.file.connect().unwrap())
    }
}

/// The numbers that a statement finds.
async fn say(connection: &Arc<FileConnection>, statement: &'static str) -> Vec<i64> {
    let place = connection.place(statement).await.unwrap();
    let connection = connection.clone();
    let all = |prepared: &mut Statement<'_>, _: &mut dyn FnMut()| {
        let mut rows = prepared.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(row.get(0)?);
        }
        Ok::<_, Failed>(found)
    };
    let said = spawn_blocking(move || connection.with(place, statement, all)).await.unwrap();
    said.unwrap_or_else(|error| panic!("{statement}: {error:?}"))
}

/// A statement with a row that is not read before somebody says so.
struct Unread {
    read: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Failed>>,
}

impl Unread {
    async fn begin(connection: &Arc<FileConnection>, statement: &'static str) -> Self {
        let place = connection.place(statement).await.unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (read, to_read) = oneshot::channel();
        let connection = connection.clone();
        let wait = |prepared: &mut Statement<'_>, make_room: &mut dyn FnMut()| {
            let mut rows = prepared.query([])?;
            assert!(rows.next()?.is_some());
            make_room();
            begun.send(()).unwrap();
            to_read.blocking_recv().unwrap();
            Ok(())
        };
        let ended = spawn_blocking(move || connection.with(place, statement, wait));
        has_begun.await.unwrap();
        Self { read, ended }
    }

    async fn end(self) {
        self.read.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn whoever_reads_sees_what_was_written_before() {
    let shop = Shop::open().await;
    let connection = shop.connect();
    for number in 1..=3 {
        say(&connection, "INSERT INTO t VALUES (1)").await;
        assert_eq!(say(&connection, "-- how many\nselect count(*) from t").await, [number]);
        assert_eq!(say(&shop.connect(), "WITH n AS (SELECT count(*) FROM t) SELECT * FROM n").await, [number]);
    }
}

#[tokio::test]
async fn nobody_waits_with_reading_for_whoever_writes() {
    let shop = Shop::open().await;
    let connection = shop.connect();
    let writing = Unread::begin(&connection, "INSERT INTO t VALUES (1) RETURNING a").await;
    assert_eq!(say(&connection, "SELECT count(*) FROM t").await, [0]);
    writing.end().await;
    assert_eq!(say(&connection, "SELECT count(*) FROM t").await, [1]);
}

#[tokio::test]
async fn rows_that_nobody_reads_keep_nobody_else_from_reading_or_writing() {
    let shop = Shop::open().await;
    say(&shop.connect(), "INSERT INTO t VALUES (1)").await;
    let mut unread = Vec::new();
    for _ in 0..3 * READERS {
        unread.push(Unread::begin(&shop.connect(), "SELECT a FROM t").await);
    }
    say(&shop.connect(), "INSERT INTO t VALUES (2)").await;
    assert_eq!(say(&shop.connect(), "SELECT a FROM t").await, [1, 2]);
    for statement in unread {
        statement.end().await;
    }
}

#[tokio::test]
async fn whoever_comes_first_writes_first() {
    let shop = Shop::open().await;
    let first = Unread::begin(&shop.connect(), "INSERT INTO t VALUES (0) RETURNING a").await;
    let statements =
        ["INSERT INTO t VALUES (1)", "UPDATE t SET a = a + 10", "INSERT INTO t VALUES (2)", "DELETE FROM t WHERE a < 11"];
    let connections: Vec<_> = statements.iter().map(|_| shop.connect()).collect();
    let writers = connections.iter().zip(statements).map(|(connection, statement)| say(connection, statement));
    let written = async {
        tokio::task::yield_now().await;
        first.end().await;
    };
    tokio::join!(futures::future::join_all(writers), written);
    assert_eq!(say(&shop.connect(), "SELECT a FROM t").await, [11]);
}

#[tokio::test]
async fn who_waits_too_long_for_the_turn_to_write_hears_that_the_file_is_busy() {
    let mut shop = Shop::open().await;
    Arc::get_mut(&mut shop.file).unwrap().patience = Duration::from_millis(20);
    let first = Unread::begin(&shop.connect(), "INSERT INTO t VALUES (1) RETURNING a").await;
    assert!(shop.connect().place("DELETE FROM t").await.is_err());
    assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t").await, [0]);
    first.end().await;
    say(&shop.connect(), "DELETE FROM t").await;
    assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t").await, [0]);
}

#[tokio::test]
async fn what_only_one_connection_knows_it_tells_itself() {
    let shop = Shop::open().await;
    let connection = shop.connect();
    say(&connection, "INSERT INTO t VALUES (1), (2)").await;
    assert_eq!(say(&connection, "WITH n AS (SELECT 3) INSERT INTO t SELECT * FROM n RETURNING a").await, [3]);
    say(&connection, "BEGIN").await;
    say(&connection, "DELETE FROM t").await;
    assert_eq!(say(&connection, "SELECT count(*) FROM t").await, [0], "in its own transaction");
    assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t").await, [3]);
    say(&connection, "ROLLBACK").await;
    say(&connection, "CREATE TEMP TABLE mine AS SELECT 7 AS a").await;
    assert_eq!(say(&connection, "SELECT a FROM mine").await, [7]);
}

#[tokio::test]
async fn of_the_last_statement_a_connection_tells_its_own_whoever_else_has_written_since() {
    let shop = Shop::open().await;
    let (one, other, idle) = (shop.connect(), shop.connect(), shop.connect());
    say(&one, "INSERT INTO t VALUES (1), (2), (3)").await;
    say(&one, "UPDATE t SET a = 0 WHERE rowid > 1").await;
    say(&other, "INSERT INTO t VALUES (4)").await;
    assert_eq!((one.changes().await, one.last_insert_rowid().await), (2, 3));
    assert_eq!((other.changes().await, other.last_insert_rowid().await), (1, 4));
    assert_eq!((idle.changes().await, idle.last_insert_rowid().await), (0, 0));

    assert_eq!(say(&one, "SELECT changes()").await, [2]);
    assert_eq!(say(&one, "SELECT last_insert_rowid()").await, [3]);
    assert_eq!(say(&other, "SELECT changes() * 10 + last_insert_rowid()").await, [14]);
    assert_eq!(say(&idle, "SELECT changes() + last_insert_rowid()").await, [0]);
    say(&one, "INSERT INTO t VALUES (5)").await;
    assert_eq!(say(&one, "SELECT total_changes()").await, [6]);
    assert_eq!(say(&idle, "SELECT total_changes()").await, [0]);
    say(&other, "DELETE FROM t WHERE rowid = 77").await;
    assert_eq!((other.changes().await, other.last_insert_rowid().await), (0, 4));
    assert_eq!(say(&other, "SELECT count(*) FROM sqlite_temp_schema").await, [0]);
}

#[tokio::test]
async fn of_a_statement_that_failed_a_connection_tells_what_sqlite_does() {
    let shop = Shop::open().await;
    let (one, other) = (shop.connect(), shop.connect());
    say(&other, "CREATE UNIQUE INDEX each ON t (a)").await;
    let other = shop.connect();
    let fails = |statement: &'static str| {
        let place = other.place(statement);
        let other = &other;
        async move {
            let unbound = |prepared: &mut Statement<'_>, _: &mut dyn FnMut()| Ok::<_, Failed>(prepared.execute([])?);
            assert!(other.with(place.await.unwrap(), statement, unbound).is_err());
            (other.changes().await, other.last_insert_rowid().await)
        }
    };
    say(&other, "INSERT INTO t VALUES (1), (2)").await;
    say(&one, "INSERT INTO t VALUES (3)").await;
    assert_eq!(fails("INSERT INTO t VALUES (?1)").await, (2, 2), "it did not run");
    assert_eq!(fails("INSERT OR FAIL INTO t VALUES (4), (4)").await, (1, 4), "it came half the way");
    assert_eq!(fails("UPDATE t SET a = 5").await, (0, 4), "it was taken back");
    assert_eq!(say(&shop.connect(), "SELECT a FROM t").await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_writes_without_a_word_of_it_waits_for_its_turn_all_the_same() {
    let shop = Shop::open().await;
    let connection = shop.connect();
    // SQLite takes this sign for a space
    let statement = "WITH n AS (SELECT 1)\u{FEFF}INSERT INTO t SELECT 1";
    assert!(matches!(connection.place(statement).await, Ok(Place::Reader(_))));
    say(&connection, statement).await;
    assert_eq!(connection.changes().await, 1);
}

#[tokio::test]
async fn whoever_has_a_turn_gives_it_back_whatever_comes_of_it() {
    let shop = Shop::open().await;
    let (one, other) = (shop.connect(), shop.connect());
    let turn = one.place("DELETE FROM t").await.unwrap();
    let gone = tokio::spawn(async move { other.place("DELETE FROM t").await.map(drop) });
    tokio::task::yield_now().await;
    gone.abort();
    let statement = "DELETE FROM t";
    let panics = |_: &mut Statement<'_>, _: &mut dyn FnMut()| -> Result<(), Failed> { panic!("in the middle of it") };
    assert!(spawn_blocking(move || one.with(turn, statement, panics)).await.is_err());
    say(&shop.connect(), "INSERT INTO t VALUES (1)").await;
    assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_waits_for_a_transaction_of_another_component() {
    let shop = Shop::open().await;
    let (one, other) = (shop.connect(), shop.connect());
    say(&one, "BEGIN IMMEDIATE").await;
    say(&one, "INSERT INTO t VALUES (1)").await;
    let writing = tokio::spawn(async move { say(&other, "INSERT INTO t SELECT count(*) FROM t").await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(say(&shop.connect(), "SELECT count(*) FROM t").await, [0]);
    say(&one, "COMMIT").await;
    writing.await.unwrap();
    assert_eq!(say(&shop.connect(), "SELECT a FROM t").await, [1, 1]);
}

#[test]
fn an_error_of_the_file_tells_that_a_connection_is_of_no_use_and_one_of_a_statement_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let books = open(&folder.path().join("books.db")).unwrap();
    assert!(is_sound(&books));
    books.execute_batch("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)").unwrap();
    assert!(books.execute("INSERT INTO t VALUES (1)", []).is_err() && is_sound(&books));
    assert!(books.prepare("SELECT b FROM t").is_err() && is_sound(&books));
    let other = folder.path().join("other.db");
    std::fs::write(&other, "no database at all ".repeat(100)).unwrap();
    let other = Connection::open(other).unwrap();
    assert!(other.prepare("SELECT a FROM t").is_err() && !is_sound(&other));
}

#[tokio::test]
async fn a_file_that_is_put_in_the_place_of_another_is_read_and_written() {
    let shop = Shop::open().await;
    let connection = shop.connect();
    say(&connection, "INSERT INTO t VALUES (1)").await;
    for name in ["books.db", "books.db-wal", "books.db-shm"] {
        std::fs::rename(shop.folder.path().join(name), shop.folder.path().join(format!("former-{name}"))).unwrap();
    }
    say(&shop.connect(), "CREATE TABLE t (a)").await;
    say(&connection, "INSERT INTO t VALUES (2)").await;
    assert_eq!(say(&connection, "SELECT a FROM t").await, [2]);
}
