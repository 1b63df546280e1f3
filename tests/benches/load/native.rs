//! The floor below the main path: the same statements with the same parameters, without host, components and HTTP.
//!
//! Each call is loaded, judged, decided and applied as the components do it, by the same libraries; only the rules are
//! called directly, and the answer is a text of the right length. The statements' own time is taken apart from the rest.

use std::cell::RefCell;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{Ids, Points};
use ledger::{Account, Command};
use rules::{Program, engine};
use rusqlite::types::{Value as Stored, ValueRef};
use store::{Asking, Commit, Database, Load, Loaded, Row, StoreError, Value};

use crate::cart::{Call, Cart, POINTS_HELD, mixed};
use crate::judging;

/// How often a call is made whose ids somebody else took.
const TRIES: u32 = 10;

/// Whether a commit waits until the disk has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// `synchronous = FULL`, as the host has it.
    Waited,
    /// `synchronous = OFF`: what the statements take without the disk.
    NotWaited,
}

/// Opens a file as the host does.
pub fn open(file: &Path, disk: Disk) -> rusqlite::Connection {
    let set_up = || -> rusqlite::Result<rusqlite::Connection> {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", if disk == Disk::Waited { "FULL" } else { "OFF" })?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(connection)
    };
    set_up().expect("the file opens")
}

/// A connection that notes how long each of its statements took.
struct Timed {
    connection: rusqlite::Connection,
    spent: RefCell<Vec<Duration>>,
}

impl Timed {
    fn rows(&self, statement: &str, parameters: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
        let parameters = parameters.into_iter().map(|value| match value {
            Value::Null => Stored::Null,
            Value::Integer(number) => Stored::Integer(number),
            Value::Text(text) => Stored::Text(text),
        });
        let mut prepared = self.connection.prepare_cached(statement)?;
        let width = prepared.column_count();
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            read.push((0..width).map(|column| Ok(value(row.get_ref(column)?))).collect::<rusqlite::Result<Row>>()?);
        }
        Ok(read)
    }
}

impl Database for Timed {
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let started = Instant::now();
        let rows = self.rows(statement, parameters).map_err(|error| StoreError::from_message(&error.to_string()));
        self.spent.borrow_mut().push(started.elapsed());
        rows
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).expect("UTF-8").to_owned()),
        // no statement returns the others
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Value::Null,
    }
}

/// What one call took.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The SELECT, that of tries that were stale included.
    pub load: Duration,
    /// The INSERT, if there is one, with those of such tries.
    pub apply: Duration,
    /// Everything: the statements, the rules, the ledger.
    pub whole: Duration,
}

impl Step {
    pub fn sql(&self) -> Duration {
        self.load + self.apply
    }
}

/// The main path without a host, over a file.
pub struct Native {
    database: Timed,
    till: Till,
}

impl Native {
    /// Over a copy of the shop's books.
    pub fn open(file: &Path, disk: Disk, document: &str) -> Self {
        let connection = open(file, disk);
        let key = connection.query_row("SELECT hash FROM api_key", [], |row| row.get(0)).expect("the shop's one key");
        Self { database: Timed { connection, spent: RefCell::default() }, till: Till::new(document, key) }
    }

    /// Carries out a call. `answer` is what an application answered to such a call.
    pub fn call(&self, call: Call, cart: &Cart, answer: &str) -> Step {
        let started = Instant::now();
        let mut tries = 0;
        while let Err(error) = ready(self.till.call(&self.database, call, cart, answer)) {
            tries += 1;
            // several calls in a millisecond: now and then two of them make the same id, and the application tries again, too
            assert!(matches!(error, StoreError::Stale) && tries < TRIES, "the call is not carried out: {error}");
        }
        let whole = started.elapsed();
        // a SELECT, and perhaps an INSERT, of each try
        let spent = self.database.spent.take();
        let every_second = |first| spent.iter().skip(first).step_by(2).sum();
        Step { load: every_second(0), apply: every_second(1), whole }
    }
}

/// What the components do between their statements.
pub struct Till {
    program: Program,
    /// Hash of the caller's key.
    caller: Option<String>,
}

impl Till {
    pub fn new(document: &str, caller: Option<String>) -> Self {
        Self { program: Program::parse(document).expect("a program"), caller }
    }

    /// Carries out a call by two statements, a quote by one.
    pub async fn call(&self, database: &impl Database, call: Call, cart: &Cart, answer: &str) -> Result<(), StoreError> {
        let now = now();
        let loaded = self.load(database, call, cart).await?;
        let snapshot = &loaded.snapshot;
        let member = snapshot.member.as_ref().expect("the member");
        let order = cart.order();
        let terms = judging::terms(&self.program);
        let spendable = || Account::open_settled(member, snapshot, &terms, now).expect("an account").spendable();
        let judge = |available, payment| judging::judge(&self.program, member, available, &order, payment);
        let command = Command { now, ids: Ids::new(now, mixed(cart.number)) };
        let id = command.ids.clone().next();
        let plan = match call {
            Call::Quote => {
                std::hint::black_box(judge(spendable(), engine::Payment::Maximum));
                return Ok(());
            }
            Call::Order => {
                let judgement = judge(Points::ZERO, engine::Payment::None);
                ledger::record_order(snapshot, &order, &judgement, &terms, &digest(cart), command).expect("an order").plan
            }
            Call::Redemption => {
                let points = POINTS_HELD * 10_i64.pow(terms.points_scale.into());
                let judgement = judge(spendable(), engine::Payment::Exact(points));
                ledger::hold(snapshot, &order, &judgement, &terms, command, None).expect("a hold").plan
            }
        };
        let commit = Commit {
            id,
            idempotency_key: &cart.idempotency_key(),
            fingerprint: &digest(cart),
            status: 201,
            answer: Some(answer),
            now,
            plan: &plan,
        };
        store::apply(database, &commit).await
    }

    async fn load(&self, database: &impl Database, call: Call, cart: &Cart) -> Result<Loaded, StoreError> {
        let load = Load {
            caller: Asking { key: self.caller.clone(), address: None },
            idempotency_key: call.writes().then(|| cart.idempotency_key()),
            member: Some(cart.member),
            order: (call == Call::Order).then(|| cart.reference()),
            referrals: call == Call::Order,
            whether_order: true,
            whether_referrals: true,
            agreed: call == Call::Redemption,
            ..Load::default()
        };
        store::load(database, &load).await
    }
}

/// As long as a SHA-256 in hexadecimal digits.
fn digest(cart: &Cart) -> String {
    format!("{:064x}", cart.number)
}

/// By the machine's clock.
pub fn now() -> domain::Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    domain::Instant(i64::try_from(since.as_millis()).expect("a moment"))
}

/// The result of a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a native statement is done when it returns"),
    }
}
