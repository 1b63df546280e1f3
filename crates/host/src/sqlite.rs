//! `spin:sqlite@3.1.0`, with SQLite in the process or a libSQL server.
//!
//! As on Spin, `execute-async` never fails because of the statement: errors of any kind arrive by the future beside the
//! rows. Unlike there, rows that are not read yet keep no other statement waiting: see `file`.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use rusqlite::types::{Value as Stored, ValueRef};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult, VecBuffer};

use crate::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::database::{Database, Link};
use crate::faults::{self, Fault};
use crate::file::{Busy, FileConnection, Place};
use crate::hosted;
use crate::state::{Spin, State, trace_of};
use crate::telemetry::{Telemetry, Trace};

/// How many rows wait for their reader, as many as on Spin.
const UNREAD_ROWS: usize = 4;

pub(crate) type Answer<T> = std::result::Result<T, Error>;
type Streamed = (Vec<String>, StreamReader<RowResult>, FutureReader<Answer<()>>);

/// What a component may connect to.
struct Granted {
    database: Arc<Database>,
    fate: faults::Link,
    telemetry: Option<Arc<Telemetry>>,
}

/// An open connection.
#[derive(Clone)]
pub struct Connection {
    link: Link,
    database: Arc<Database>,
    /// What goes wrong with it, in trials.
    fate: faults::Link,
    telemetry: Option<Arc<Telemetry>>,
}

impl Connection {
    async fn open(Granted { database, fate, telemetry }: Granted) -> Answer<Self> {
        let (opened, full) = (database.clone(), fate.disk_is_full());
        let link = blocking(move || {
            let link = opened.connect().map_err(io)?;
            if let (Link::File(connection), true) = (&link, full) {
                // as many pages as there are
                connection.set("max_page_count", 1).map_err(io)?;
            }
            Ok(link)
        });
        Ok(Self { link: link.await?, database, fate, telemetry })
    }

    /// How many rows the last statement changed. A hosted one has no answer but this, there as on Spin.
    async fn changes(&self) -> u64 {
        match &self.link {
            Link::File(connection) => connection.changes().await,
            Link::Hosted(_) => 0,
        }
    }

    /// The rowid that the last INSERT gave, of a hosted one as of its changes.
    async fn last_insert_rowid(&self) -> i64 {
        match &self.link {
            Link::File(connection) => connection.last_insert_rowid().await,
            Link::Hosted(_) => 0,
        }
    }

    /// Has a statement run as soon as it may, by `run`, whether or not anybody waits for it.
    fn start(self, statement: String, run: impl FnOnce(Ready) + Send + 'static) {
        let mut ready = Box::pin(self.ready(statement));
        match ready.as_mut().now_or_never() {
            Some(ready) => drop(tokio::task::spawn_blocking(move || run(ready))),
            // Not within the component's own call: its instance may compute for long when the statement's turn comes, and nobody
            // else would get one meanwhile.
            None => drop(tokio::spawn(async move {
                let ready = ready.await;
                tokio::task::spawn_blocking(move || run(ready)).await
            })),
        }
    }

    /// Waits until a statement may run, or hears what a fault makes of it.
    async fn ready(self, statement: String) -> Ready {
        self.database.count_statement();
        let fault = self.fate.next(&statement);
        if !fault.wait_before.is_zero() {
            tokio::time::sleep(fault.wait_before).await;
        }
        let way = match (fault.instead, self.link) {
            (Some(error), _) => Err(io(error)),
            (None, Link::File(connection)) => match connection.place(&statement).await {
                Ok(place) => Ok(Way::File(connection, place)),
                Err(busy) => Err(busy.into()),
            },
            (None, Link::Hosted(connection)) => Ok(Way::Hosted(connection, self.database.place().await)),
        };
        Ready { statement, way, fault }
    }
}

/// A statement that may run now, or what keeps it from that.
struct Ready {
    statement: String,
    way: Answer<Way>,
    fault: Fault,
}

enum Way {
    File(Arc<FileConnection>, Place),
    Hosted(libsql::Connection, Option<OwnedSemaphorePermit>),
}

impl Ready {
    /// Runs it; the rows go out as they are found, each with what makes room for others if it has to wait. Blocks.
    fn run(
        self,
        parameters: Vec<Value>,
        columns: impl FnOnce(Vec<String>),
        row: impl FnMut(RowResult, &mut dyn FnMut()) -> Answer<()>,
    ) -> Answer<()> {
        let Self { statement, way, fault } = self;
        let done = way.and_then(|way| way.run(&statement, parameters, columns, row));
        std::thread::sleep(fault.wait_after);
        fault.answer_lost.map_or(done, |error| Err(io(error)))
    }
}

impl Way {
    fn run(
        self,
        statement: &str,
        parameters: Vec<Value>,
        columns: impl FnOnce(Vec<String>),
        mut row: impl FnMut(RowResult, &mut dyn FnMut()) -> Answer<()>,
    ) -> Answer<()> {
        let (connection, place) = match self {
            Self::File(connection, place) => (connection, place),
            Self::Hosted(connection, mut place) => {
                let row = |found| row(found, &mut || drop(place.take()));
                return hosted::run(&connection, hosted::LONGEST, statement, parameters, columns, row);
            }
        };
        let mut written = Vec::new();
        let act = |prepared: &mut rusqlite::Statement<'_>, make_room: &mut dyn FnMut()| {
            let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
            let width = names.len();
            columns(names);
            // what is written is written before the first row is there: others have their turn before these are read
            let writes = !prepared.readonly();
            let mut rows = prepared.query(rusqlite::params_from_iter(parameters.into_iter().map(to_stored))).map_err(io)?;
            while let Some(found) = rows.next().map_err(io)? {
                let value = |column| found.get_ref(column).map_err(io).and_then(from_stored);
                let found = RowResult { values: (0..width).map(value).collect::<Answer<_>>()? };
                if writes { written.push(found) } else { row(found, make_room)? }
            }
            Ok::<_, Error>(())
        };
        connection.with(place, statement, act)?;
        written.into_iter().try_for_each(|found| row(found, &mut || ()))
    }
}

impl From<Busy> for Error {
    /// In SQLite's own words.
    fn from(_: Busy) -> Self {
        io("database is locked")
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        io(error)
    }
}

/// SQLite blocks: it never runs on a thread that serves requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io(error)))
}

pub(crate) fn io(error: impl std::fmt::Display) -> Error {
    Error::Io(error.to_string())
}

fn to_stored(value: Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Integer(number) => Stored::Integer(number),
        Value::Real(number) => Stored::Real(number),
        Value::Text(text) => Stored::Text(text),
        Value::Blob(bytes) => Stored::Blob(bytes),
    }
}

fn from_stored(value: ValueRef<'_>) -> Answer<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(io)?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// The answer to a statement, held back until there is all of it or as much as fits: one change of threads instead of
/// three.
struct Unsent {
    columns: Vec<String>,
    to: Option<oneshot::Sender<Vec<String>>>,
}

impl Unsent {
    fn send(&mut self) {
        if let Some(to) = self.to.take() {
            drop(to.send(std::mem::take(&mut self.columns)));
        }
    }
}

/// Sends a row, or waits until there is room for it.
fn pass_on(row: RowResult, make_room: &mut dyn FnMut(), answer: &RefCell<Unsent>, to: &mpsc::Sender<RowResult>) -> Answer<()> {
    match to.try_send(row) {
        Err(TrySendError::Full(row)) => {
            // The component must begin to read before there can be more.
            make_room();
            answer.borrow_mut().send();
            to.blocking_send(row).map_err(unread)
        }
        sent => sent.map_err(unread),
    }
}

fn abandoned() -> Error {
    io("the statement was abandoned")
}

fn unread<T>(_: T) -> Error {
    io("the rows were dropped before the last one was read")
}

/// The rows of a statement on their way to the component.
struct Rows(mpsc::Receiver<RowResult>);

impl<D> StreamProducer<D> for Rows {
    type Item = RowResult;
    type Buffer = VecBuffer<RowResult>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut rows = Vec::with_capacity(UNREAD_ROWS);
        match self.get_mut().0.poll_recv_many(context, &mut rows, UNREAD_ROWS) {
            Poll::Ready(0) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(_) => {
                destination.set_buffer(rows.into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl State {
    /// The database of that name, if the component may open it and no fault keeps it from that.
    fn granted_database(&self, name: &str) -> Answer<Granted> {
        let database = self.component.databases.get(name).cloned().ok_or(Error::AccessDenied)?;
        let fate = faults::Link::open(self.component.faults.clone()).map_err(io)?;
        Ok(Granted { database, fate, telemetry: self.component.telemetry.clone() })
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, database: String) -> wasmtime::Result<Answer<Resource<Connection>>> {
        let database = match self.granted_database(&database) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        match Connection::open(database).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Answer<QueryResult>> {
        self.taken.asked();
        let connection = self.table.get(&connection)?.clone();
        let (send, answer) = oneshot::channel();
        connection.start(statement, move |ready| {
            let (mut columns, mut rows) = (vec![], vec![]);
            let row = |row, _: &mut dyn FnMut()| {
                rows.push(row);
                Ok(())
            };
            let done = ready.run(parameters, |names| columns = names, row);
            // nobody waits for it when the instance has gone
            drop(send.send(done.map(|()| QueryResult { columns, rows })));
        });
        Ok(answer.await.unwrap_or_else(|_| Err(abandoned())))
    }

    async fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.clone().last_insert_rowid().await)
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&connection)?.clone().changes().await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for Spin {
    async fn open_async(store: &Accessor<T, Self>, database: String) -> wasmtime::Result<Answer<Resource<Connection>>> {
        let database = match store.with(|mut access| access.get().granted_database(&database)) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        match Connection::open(database).await {
            Ok(connection) => Ok(Ok(store.with(|mut access| access.get().table.push(connection))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute_async(
        store: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Answer<Streamed>> {
        let (connection, trace) = get(store, &connection)?;
        let sent =
            connection.telemetry.as_ref().map(|telemetry| telemetry.statement(trace.as_ref(), &connection.database, &statement));
        let (send_columns, columns) = oneshot::channel();
        let (send_row, rows) = mpsc::channel(UNREAD_ROWS);
        let (send_end, end) = oneshot::channel();
        connection.start(statement, move |ready| {
            let answer = RefCell::new(Unsent { columns: vec![], to: Some(send_columns) });
            let columns = |names| answer.borrow_mut().columns = names;
            let done = ready.run(parameters, columns, |row, make_room| pass_on(row, make_room, &answer, &send_row));
            if let Some(sent) = sent {
                sent.done(done.is_ok());
            }
            // Nobody waits for it when the instance has gone.
            drop(send_end.send(done));
            answer.borrow_mut().send();
        });
        let columns = columns.await.unwrap_or_default();
        let end = async { wasmtime::error::Ok(end.await.unwrap_or_else(|_| Err(abandoned()))) };
        store.with(|mut access| {
            let rows = StreamReader::new(&mut access, Rows(rows))?;
            let end = FutureReader::new(&mut access, end)?;
            Ok(Ok((columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(store: &Accessor<T, Self>, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(get(store, &connection)?.0.last_insert_rowid().await)
    }

    async fn changes_async(store: &Accessor<T, Self>, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(get(store, &connection)?.0.changes().await)
    }
}

/// A connection, and the trace of whoever uses it, where that is told.
fn get<T>(store: &Accessor<T, Spin>, connection: &Resource<Connection>) -> wasmtime::Result<(Connection, Option<Trace>)> {
    store.with(|mut access| {
        let state = access.get();
        state.taken.asked();
        let connection = state.table.get(connection)?.clone();
        let trace = connection.telemetry.as_ref().and_then(|_| trace_of(&mut access));
        Ok((connection, trace))
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;
    use std::time::Duration;

    use super::*;
    use crate::runtime_config::DatabasePlace;

    async fn connection(database: &Arc<Database>) -> Connection {
        let fate = faults::Link::open(None).unwrap();
        Connection::open(Granted { database: database.clone(), fate, telemetry: None }).await.unwrap()
    }

    /// What a statement answers: how many rows.
    fn ask(connection: &Connection, statement: &str) -> oneshot::Receiver<Answer<usize>> {
        let (send, answer) = oneshot::channel();
        connection.clone().start(statement.to_owned(), move |ready| {
            let mut rows = 0;
            let row = |_, _: &mut dyn FnMut()| {
                rows += 1;
                Ok(())
            };
            let done = ready.run(Vec::new(), drop, row);
            drop(send.send(done.map(|()| rows)));
        });
        answer
    }

    /// Has a statement run whose rows nobody reads before the answer's other half is dropped.
    fn ask_and_not_read(connection: &Connection, statement: &str) -> (mpsc::Receiver<RowResult>, oneshot::Receiver<Vec<String>>) {
        let ((send, rows), (send_columns, columns)) = (mpsc::channel(UNREAD_ROWS), oneshot::channel());
        connection.clone().start(statement.to_owned(), move |ready| {
            let answer = RefCell::new(Unsent { columns: vec![], to: Some(send_columns) });
            let done = ready.run(Vec::new(), drop, |row, make_room| pass_on(row, make_room, &answer, &send));
            assert!(done.is_err(), "nobody read them");
        });
        (rows, columns)
    }

    async fn books(folder: &tempfile::TempDir) -> Arc<Database> {
        let place = DatabasePlace::File(folder.path().join("books.db"));
        let database = Arc::new(Database::new("default", place).unwrap());
        ask(&connection(&database).await, "CREATE TABLE t (a)").await.unwrap().unwrap();
        database
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_that_nobody_reads_keep_no_other_statement_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let database = books(&folder).await;
        let six = "WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 6)";
        let mut unread = Vec::new();
        let [own, other] = [connection(&database).await, connection(&database).await];
        ask(&own, "PRAGMA foreign_keys = ON").await.unwrap().unwrap();
        for writer in [connection(&database).await, own] {
            let (rows, columns) = ask_and_not_read(&writer, &format!("{six} INSERT INTO t SELECT a FROM n RETURNING a"));
            columns.await.unwrap();
            unread.push(rows);
        }
        for _ in 0..20 {
            let (rows, columns) = ask_and_not_read(&connection(&database).await, &format!("{six} SELECT a FROM n"));
            columns.await.unwrap();
            unread.push(rows);
        }
        assert_eq!(ask(&other, "UPDATE t SET a = 0 RETURNING a").await.unwrap().unwrap(), 12);
        assert_eq!(ask(&other, "SELECT a FROM t").await.unwrap().unwrap(), 12);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_component_that_is_busy_when_its_turn_comes_keeps_nobody_else_from_writing() {
        let folder = tempfile::tempdir().unwrap();
        let database = books(&folder).await;
        let [first, busy, other] = [connection(&database).await, connection(&database).await, connection(&database).await];
        let Link::File(file) = &first.link else { panic!("it is a file") };
        let turn = file.place("DELETE FROM t").await.ok();
        // neither of them looks after its statement
        let waiting = [ask(&busy, "INSERT INTO t VALUES (1)"), ask(&busy, "SELECT a FROM t")];
        let mut last = pin!(ask(&other, "INSERT INTO t VALUES (2) RETURNING a"));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(last.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(turn);
        assert_eq!(last.await.unwrap().unwrap(), 1);
        drop(waiting);
        assert_eq!(ask(&other, "SELECT a FROM t").await.unwrap().unwrap(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_says_nothing_leaves_threads_for_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let books = books(&folder).await;
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let people = Arc::new(Database::new("people", DatabasePlace::Hosted { url, token: String::new() }).unwrap());
        let people = connection(&people).await;
        // more than there are threads
        let unanswered: Vec<_> = (0..600).map(|_| ask(&people, "SELECT 1")).collect();
        let file = connection(&books).await;
        // they have the threads that they can have by now
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = ask(&file, "SELECT a FROM t");
        let in_time = tokio::time::timeout(Duration::from_secs(5), answer).await;
        assert_eq!(in_time.expect("it has a thread").unwrap().unwrap(), 0);
        drop((silent, unanswered));
    }
}
