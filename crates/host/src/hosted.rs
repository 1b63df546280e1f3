//! Statements of a hosted database, by the client that Spin uses: what it can't do there it can't do here.

mod framing;
mod sockets;

use std::time::Duration;

use futures::FutureExt as _;
use tokio::runtime::Handle;
use tokio::time::timeout;

use self::sockets::Connector;
use crate::bindings::spin::sqlite::sqlite::{RowResult, Value};
use crate::instances::REQUEST_TIMEOUT;
use crate::sqlite::{Answer, io};

/// A client of a server, which need not be there: it speaks to it with the first statement. All its connections share those of
/// TCP, so that a new one need not open another. Takes some milliseconds.
///
/// # Errors
/// For a URL that is none, and where this machine knows no roots of certificates.
pub fn client(url: &str, token: &str) -> libsql::Result<libsql::Database> {
    let connector = Connector::new().map_err(libsql::Error::InvalidTlsConfiguration)?;
    let built = libsql::Builder::new_remote(url.to_owned(), token.to_owned()).connector(connector).build();
    built.now_or_never().unwrap_or_else(|| Err(libsql::Error::ConnectionFailed("the client is not built at once".to_owned())))
}

/// How long a statement may take, or the next of its rows: as long as a component for its answer.
pub(crate) const LONGEST: Duration = REQUEST_TIMEOUT;

/// Runs a statement; the rows go out as they arrive. Blocks.
pub(crate) fn run(
    connection: &libsql::Connection,
    longest: Duration,
    statement: &str,
    parameters: Vec<Value>,
    columns: impl FnOnce(Vec<String>),
    mut row: impl FnMut(RowResult) -> Answer<()>,
) -> Answer<()> {
    let runtime = Handle::try_current().map_err(io)?;
    let parameters: Vec<libsql::Value> = parameters.into_iter().map(to_sent).collect();
    // in the words of the client's own errors
    let late = |_| io("Hrana: `http error: `operation timed out``");
    let answered = runtime.block_on(async { timeout(longest, connection.query(statement, parameters)).await });
    let mut rows = answered.map_err(late)?.map_err(io)?;
    let width = rows.column_count();
    columns((0..width).map(|column| rows.column_name(column).unwrap_or_default().to_owned()).collect());
    while let Some(found) = runtime.block_on(async { timeout(longest, rows.next()).await }).map_err(late)?.map_err(io)? {
        let value = |column| found.get_value(column).map(from_sent).map_err(io);
        row(RowResult { values: (0..width).map(value).collect::<Answer<_>>()? })?;
    }
    Ok(())
}

fn to_sent(value: Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(number) => libsql::Value::Integer(number),
        Value::Real(number) => libsql::Value::Real(number),
        Value::Text(text) => libsql::Value::Text(text),
        Value::Blob(bytes) => libsql::Value::Blob(bytes),
    }
}

fn from_sent(value: libsql::Value) -> Value {
    match value {
        libsql::Value::Null => Value::Null,
        libsql::Value::Integer(number) => Value::Integer(number),
        libsql::Value::Real(number) => Value::Real(number),
        libsql::Value::Text(text) => Value::Text(text),
        libsql::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::runtime::Runtime;

    use super::*;
    use crate::database::{Database, Link};
    use crate::runtime_config::DatabasePlace;

    /// Longer than an answer takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(2);

    #[derive(Clone, Copy, PartialEq)]
    enum Manner {
        Stays,
        /// Ends a connection after each answer.
        HangsUp,
        /// Ends it instead of answering the second statement.
        OwesAnAnswer,
        /// Takes a statement and says nothing.
        IsSilent,
        /// Answers with ten rows, and then with nothing.
        StopsAmidRows,
    }

    /// Answers every statement in the pieces in which sqld does, with as many rows as the statement is a number.
    struct Server {
        database: Database,
        connections: Arc<AtomicUsize>,
        statements: Arc<AtomicUsize>,
    }

    impl Server {
        fn start(manner: Manner) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let (connections, statements) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
            let (opened, asked) = (connections.clone(), statements.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    opened.fetch_add(1, Ordering::Relaxed);
                    let asked = asked.clone();
                    std::thread::spawn(move || {
                        let mut stream = stream.unwrap();
                        stream.set_nodelay(true).unwrap();
                        while let Some(request) = request(&mut stream) {
                            let statement = usize::from(request.contains("/v3/cursor"));
                            let second = asked.fetch_add(statement, Ordering::Relaxed) + statement == 2;
                            if second && manner == Manner::OwesAnAnswer {
                                return;
                            }
                            if manner == Manner::IsSilent {
                                continue;
                            }
                            if manner == Manner::StopsAmidRows {
                                answer(&mut stream, &request, 12).unwrap();
                                continue;
                            }
                            if answer(&mut stream, &request, usize::MAX).is_err() || manner == Manner::HangsUp {
                                return;
                            }
                        }
                    });
                }
            });
            let place = DatabasePlace::Hosted { url, token: String::new() };
            Self { database: Database::new("default", place).unwrap(), connections, statements }
        }

        /// How many connections it has seen, and how many statements.
        fn seen(&self) -> (usize, usize) {
            (self.connections.load(Ordering::Relaxed), self.statements.load(Ordering::Relaxed))
        }

        fn connect(&self) -> libsql::Connection {
            let Link::Hosted(connection) = self.database.connect().unwrap() else { panic!("a server is no file") };
            connection
        }
    }

    /// A request with its body; none at the end of the connection.
    fn request(stream: &mut TcpStream) -> Option<String> {
        let mut request = Vec::new();
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            request.push(byte[0]);
            if request.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(request).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some(head + &String::from_utf8(body).unwrap())
    }

    /// So many pieces of an answer: the head, the columns, the rows.
    fn answer(stream: &mut TcpStream, request: &str, most: usize) -> std::io::Result<()> {
        let piece = |line: &str| format!("{:X}\r\n{line}\n\r\n", line.len() + 1);
        let mut pieces = vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()];
        if request.contains("/v3/cursor") {
            let sql = request.split_once(r#""sql":""#).unwrap().1.split_once('"').unwrap().0;
            pieces[0] += &piece(r#"{"baton":"b","base_url":null}"#);
            pieces.push(piece(r#"{"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]}"#));
            let row = format!(r#"{{"type":"row","row":[{{"type":"text","value":"{}"}}]}}"#, "x".repeat(1_000));
            pieces.extend((0..sql.replace(|sign: char| !sign.is_ascii_digit(), "").parse().unwrap()).map(|_: u32| piece(&row)));
            pieces.push(piece(r#"{"type":"step_end","affected_row_count":0,"last_insert_rowid":null}"#));
            pieces.push(piece(r#"{"type":"replication_index","replication_index":null}"#));
        } else {
            pieces.push(piece(r#"{"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"close"}}]}"#));
        }
        pieces.push("0\r\n\r\n".to_owned());
        for (number, piece) in pieces.iter().enumerate().take(most) {
            if number + 4 > pieces.len() {
                std::thread::sleep(Duration::from_millis(1)); // a packet of its own
            }
            stream.write_all(piece.as_bytes())?;
        }
        Ok(())
    }

    /// How many rows a statement finds.
    fn rows(connection: &libsql::Connection, rows: usize) -> Answer<usize> {
        let mut found = 0;
        let row = |row: RowResult| {
            found += 1;
            assert!(matches!(&row.values[..], [Value::Text(text)] if text.len() == 1_000));
            Ok(())
        };
        run(connection, PATIENCE, &format!("SELECT {rows}"), Vec::new(), |columns| assert_eq!(columns, ["a"]), row)?;
        Ok(found)
    }

    #[test]
    fn statements_one_after_another_need_one_connection_to_the_server() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::Stays);
        let connection = server.connect();
        for number in 0..40 {
            let asked = [0, 1, 3, 300][number % 4];
            assert_eq!(rows(&connection, asked).unwrap(), asked);
        }
        assert_eq!(server.seen(), (1, 40));
    }

    #[test]
    fn the_connection_to_the_server_outlives_the_component_that_used_it() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::Stays);
        for _ in 0..3 {
            rows(&server.connect(), 1).unwrap();
            std::thread::sleep(Duration::from_millis(50)); // the stream of the statements is closed by a request too
        }
        assert_eq!(server.seen(), (1, 3));
    }

    #[test]
    fn a_statement_after_the_server_has_hung_up_goes_by_a_new_connection() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::HangsUp);
        let connection = server.connect();
        for _ in 0..3 {
            assert_eq!(rows(&connection, 1).unwrap(), 1);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(server.seen(), (3, 3));
    }

    #[test]
    fn a_statement_that_got_no_answer_is_an_error_and_not_sent_again() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::OwesAnAnswer);
        let connection = server.connect();
        rows(&connection, 1).unwrap();
        assert!(rows(&connection, 1).is_err());
        assert_eq!(server.seen(), (1, 2));
        assert_eq!(rows(&connection, 1).unwrap(), 1);
        assert_eq!(server.seen(), (2, 3));
    }

    #[test]
    fn a_server_that_takes_a_statement_and_says_nothing_is_not_waited_for_without_end() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::IsSilent);
        let error = rows(&server.connect(), 1).unwrap_err();
        assert!(error.to_string().contains("operation timed out"), "{error}");
        assert_eq!(server.seen(), (1, 1));
    }

    #[test]
    fn a_server_that_falls_silent_amid_the_rows_is_not_waited_for_either() {
        let runtime = Runtime::new().unwrap();
        let _entered = runtime.enter();
        let server = Server::start(Manner::StopsAmidRows);
        let mut found = 0;
        let row = |_| {
            found += 1;
            Ok(())
        };
        let error = run(&server.connect(), PATIENCE, "SELECT 20", Vec::new(), drop, row).unwrap_err();
        assert!(error.to_string().contains("operation timed out") && (1..=10).contains(&found), "{found}: {error}");
    }
}
