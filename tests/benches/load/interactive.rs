//! What the main path would be with an interactive transaction, as most backends have it: BEGIN, read, decide, write, COMMIT, each
//! a round trip to the server, which keeps all others from writing meanwhile. To be fair, what is read and what is written are the
//! two statements of the main path, not the dozen of a usual ORM.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use store::{Database, Row, StoreError, Value};

use crate::cart::Call;
use crate::floors::Purchases;
use crate::native::Till;
use crate::samples::Samples;

/// How long a client waits before it tries again what another client's transaction was in the way of.
const AGAIN: Duration = Duration::from_millis(5);

/// A connection to a server, without components: the host's own client.
struct Remote(libsql::Connection);

impl Remote {
    fn open(url: &str) -> Self {
        let client = host::libsql_client(url, "").expect("a client");
        Self(client.connect().expect("a connection"))
    }

    async fn say(&self, statement: &str) -> Result<(), StoreError> {
        self.run(statement, Vec::new()).await.map(drop)
    }

    async fn rows(&self, statement: &str, parameters: Vec<Value>) -> libsql::Result<Vec<Row>> {
        let parameters: Vec<libsql::Value> = parameters
            .into_iter()
            .map(|value| match value {
                Value::Null => libsql::Value::Null,
                Value::Integer(number) => libsql::Value::Integer(number),
                Value::Text(text) => libsql::Value::Text(text),
            })
            .collect();
        let mut rows = self.0.query(statement, parameters).await?;
        let width = rows.column_count();
        let mut read = Vec::new();
        while let Some(row) = rows.next().await? {
            let value = |column| {
                Ok(match row.get_value(column)? {
                    libsql::Value::Integer(number) => Value::Integer(number),
                    libsql::Value::Text(text) => Value::Text(text),
                    _ => Value::Null,
                })
            };
            read.push((0..width).map(value).collect::<libsql::Result<Row>>()?);
        }
        Ok(read)
    }
}

impl Database for Remote {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows(statement, parameters).await.map_err(|error| StoreError::from_message(&error.to_string()))
    }
}

/// How long a statement that asks nothing takes: the round trip itself, by the same client.
pub async fn round_trip(url: &str) -> Samples {
    let remote = Remote::open(url);
    let mut durations = Vec::new();
    for _ in 0..60 {
        let started = Instant::now();
        remote.say("SELECT 1").await.expect("the server answers");
        durations.push(started.elapsed());
    }
    Samples::in_sequence(durations.split_off(10))
}

/// Clients that record orders, each in transactions of its own connection, for so long. Also how often one was in another's way.
pub fn orders(
    url: &str,
    clients: usize,
    purchases: &Arc<Purchases>,
    document: &str,
    answer: &str,
    measured: Duration,
) -> (Samples, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for the clients");
    let refused = AtomicUsize::new(0);
    let client = async || {
        let (remote, till) = (Remote::open(url), Till::new(document, None));
        let (began, mut durations) = (Instant::now(), Vec::new());
        while began.elapsed() < measured {
            let (cart, started) = (purchases.next(), Instant::now());
            loop {
                let outcome: Result<(), StoreError> = async {
                    remote.say("BEGIN IMMEDIATE").await?;
                    till.call(&remote, Call::Order, &cart, answer).await?;
                    remote.say("COMMIT").await
                }
                .await;
                let Err(error) = outcome else { break };
                refused.fetch_add(1, Ordering::Relaxed);
                assert!(started.elapsed() < Duration::from_secs(60), "no transaction for a minute: {error}");
                // one that did not begin has nothing to take back
                let _ = remote.say("ROLLBACK").await;
                tokio::time::sleep(AGAIN).await;
            }
            durations.push(started.elapsed());
        }
        durations
    };
    let durations = runtime.block_on(async { futures::future::join_all((0..clients).map(|_| client())).await });
    let durations: Vec<Duration> = durations.into_iter().flatten().collect();
    let sent = durations.len() as u64;
    (Samples::within(measured, durations, sent), refused.into_inner())
}
