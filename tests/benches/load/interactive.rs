//! What the main path would be with an interactive transaction, as most backends have it: BEGIN, read, decide, write, COMMIT, each
//! a round trip to the server, which keeps all others from writing meanwhile. In two manners, see [`Manner`].

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Database, Row, StoreError, Value};

use crate::cart::Call;
use crate::floors::Purchases;
use crate::native::Till;
use crate::samples::Samples;

/// How long a client waits before it tries again what another client's transaction was in the way of.
const AGAIN: Duration = Duration::from_millis(5);

/// What is said between BEGIN and COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The two statements of the main path: nobody needs a transaction for these, and no transaction can be shorter.
    OurStatements,
    /// The same SELECT, then a statement for each table, as an application sends them that has no referee in the store: what the
    /// referee writes, word for word, without its checks. An entry with its lots, its postings and its account is still one.
    StatementForEachTable,
}

/// A connection to a server, without components: the host's own client.
struct Remote {
    connection: libsql::Connection,
    manner: Manner,
    statements: Cell<u64>,
}

impl Remote {
    fn open(url: &str, manner: Manner) -> Self {
        let client = host::libsql_client(url, "").expect("a client");
        Self { connection: client.connect().expect("a connection"), manner, statements: Cell::new(0) }
    }

    async fn say(&self, statement: &str) -> Result<(), StoreError> {
        self.run(statement, Vec::new()).await.map(drop)
    }

    async fn rows(&self, statement: &str, parameters: Vec<Value>) -> libsql::Result<Vec<Row>> {
        self.statements.set(self.statements.get() + 1);
        let parameters: Vec<libsql::Value> = parameters
            .into_iter()
            .map(|value| match value {
                Value::Null => libsql::Value::Null,
                Value::Integer(number) => libsql::Value::Integer(number),
                Value::Text(text) => libsql::Value::Text(text),
            })
            .collect();
        let mut rows = self.connection.query(statement, parameters).await?;
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
        let failed = |error: libsql::Error| StoreError::from_message(&error.to_string());
        if self.manner == Manner::OurStatements || !statement.contains("INTO apply_purchase ") {
            return self.rows(statement, parameters).await.map_err(failed);
        }
        let Some(Value::Text(plan)) = parameters.last() else { panic!("the plan is the last parameter") };
        for (statement, highest) in writes(&serde_json::from_str(plan).expect("a plan is JSON")) {
            self.rows(&statement, parameters[..highest].to_vec()).await.map_err(failed)?;
        }
        Ok(Vec::new())
    }
}

/// The statements with which the referee of purchases writes this plan, and how many parameters each has.
fn writes(plan: &serde_json::Value) -> Vec<(String, usize)> {
    let sql = store::schema::BOOKS.iter().find(|migration| migration.sql.contains("VIEW IF NOT EXISTS apply_purchase AS"));
    let (_, body) = sql.expect("there is one").sql.split_once("ON apply_purchase BEGIN\n").expect("the referee begins");
    let code: String = body.lines().filter(|line| !line.trim_start().starts_with("--")).flat_map(|line| [line, "\n"]).collect();
    let parts = plan.as_object().expect("a plan has parts");
    let has = |statement: &str| parts.keys().any(|part| statement.contains(&format!("NEW.plan, '$.{part}'")));
    let of_plan = |statement: &&str| statement.starts_with("INSERT INTO command ") || has(statement);
    code.split(";\n")
        .map(str::trim)
        .filter(|statement| statement.starts_with("INSERT") || statement.starts_with("UPDATE"))
        .filter(of_plan)
        .map(|statement| {
            let columns = ["id", "key", "fingerprint", "status", "answer", "at", "plan"];
            let mut highest = 0;
            let numbered = columns.iter().zip(1..).fold(statement.to_owned(), |text, (column, number)| {
                let replaced = text.replace(&format!("NEW.{column}"), &format!("?{number}"));
                highest = if replaced == text { highest } else { number };
                replaced
            });
            (numbered, highest)
        })
        .collect()
}

/// How long a statement that asks nothing takes: the round trip itself, by the same client.
pub async fn round_trip(url: &str) -> Samples {
    let remote = Remote::open(url, Manner::OurStatements);
    let mut durations = Vec::new();
    for _ in 0..60 {
        let started = Instant::now();
        remote.say("SELECT 1").await.expect("the server answers");
        durations.push(started.elapsed());
    }
    Samples::in_sequence(durations.split_off(10))
}

/// What came of interactive transactions.
pub struct Outcome {
    pub orders: Samples,
    /// How often one was in another's way.
    pub refused: u64,
    /// Statements of an order, those of tries that were refused included.
    pub statements: f64,
}

/// Clients that record orders, each in transactions of its own connection, for so long.
pub fn orders(
    manner: Manner,
    url: &str,
    clients: usize,
    purchases: &Arc<Purchases>,
    document: &str,
    answer: &str,
    measured: Duration,
) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for the clients");
    let (refused, statements) = (Cell::new(0), Cell::new(0));
    let client = async || {
        let (remote, till) = (Remote::open(url, manner), Till::new(document, None));
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
                refused.set(refused.get() + 1);
                assert!(started.elapsed() < Duration::from_secs(60), "no transaction for a minute: {error}");
                // one that did not begin has nothing to take back
                let _ = remote.say("ROLLBACK").await;
                tokio::time::sleep(AGAIN).await;
            }
            durations.push(started.elapsed());
        }
        statements.set(statements.get() + remote.statements.get());
        durations
    };
    let durations = runtime.block_on(async { futures::future::join_all((0..clients).map(|_| client())).await });
    let durations: Vec<Duration> = durations.into_iter().flatten().collect();
    let sent = durations.len() as u64;
    let statements = statements.get() as f64 / sent as f64;
    Outcome { orders: Samples::within(measured, durations, sent), refused: refused.get(), statements }
}
