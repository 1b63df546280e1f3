//! The main path against its floors: what a quote, an order and a redemption cost through HTTP, the components and the
//! host, beside the same SQL statements run natively on the same file, and beside a component that does nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Instant;
use host::ClockMode;
use hyper::Method;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::{self, Application};
use crate::cart::{Call, Cart};
use crate::clients::{Exchange, Spans};
use crate::native::{self, Disk, Native, Step};
use crate::report::{self, Report, ms};
use crate::samples::Samples;

/// Members that buy.
const MEMBERS: usize = 2_000;
/// One after another, and as many at once as Spin gives to one instance.
const CLIENTS: [usize; 2] = [1, 16];
/// Native calls before those that count.
const NATIVE_WARM_UP: usize = 200;

pub fn section(runtime: &Runtime, folder: &Path, spans: Spans) {
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
    let data = data.path();
    let application = Application::open(runtime, &data.join("shop"), None, ClockMode::Real);
    let members = application.enrol(MEMBERS);
    let (empty, shop) = application::open_empty(runtime, &data.join("empty"));
    let requests = CLIENTS.map(|clients| {
        let nothing = || Exchange { method: Method::POST, path: "/".to_owned(), body: "{}".to_owned(), idempotency_key: None };
        shop.measure(clients, spans, nothing)
    });
    runtime.block_on(empty.stop()).expect("the empty component stops");

    let mut report = Report::new(folder, "floors", "The main path beside its floors");
    report.paragraph(&format!(
        "gw-tools, {MEMBERS} members at random, 3 lines a cart; closed loop of 1 and of 16 clients; {} s warm-up, {} s a row.",
        spans.warm_up.as_secs_f64(),
        spans.measured.as_secs_f64(),
    ));
    let purchases = Arc::new(Purchases::new(members, 1));
    let (mut rows, mut means) = (Vec::new(), Vec::new());
    for call in Call::ALL {
        let copies = [Disk::Waited, Disk::NotWaited].map(|disk| copy(&application.books, data, &format!("{call:?}-{disk:?}.db")));
        let (statements, pages) = (application.host.statements(), bytes(&application.books));
        let answer = application.shop.send_all(1, vec![purchases.exchange(call)]).remove(0);
        let cpu = report::cpu();
        let measured = CLIENTS.map(|clients| {
            let purchases = purchases.clone();
            application.shop.measure(clients, spans, move || purchases.exchange(call))
        });
        let sent = measured.iter().map(|samples| samples.sent).sum::<u64>() + 1;
        let cpu = (report::cpu() - cpu).as_secs_f64() / sent as f64;
        let statements = (application.host.statements() - statements) as f64 / sent as f64;
        let bytes = (bytes(&application.books) - pages) as f64 / sent as f64;

        // as many calls as the application answered, so that the books grow alike
        let native =
            |file: &Path, disk| natively(call, &Native::open(file, disk, &application.document), &purchases, &answer, sent);
        let floor = Floor::new(&native(&copies[0], Disk::Waited));
        let without_disk = call.writes().then(|| Floor::new(&native(&copies[1], Disk::NotWaited)));
        for ((clients, samples), request) in CLIENTS.into_iter().zip(&measured).zip(&requests) {
            rows.push(floor.row(call, clients, samples, request));
        }
        let (applied, grown) = match &without_disk {
            Some(without) => (format!("{} ({} without the disk)", ms(floor.apply), ms(without.apply)), format!("{bytes:.0}")),
            None => Default::default(),
        };
        means.push(vec![call.name().to_owned(), ms(cpu), format!("{statements:.2}"), ms(floor.load), applied, grown]);
    }
    let columns = [
        "call",
        "clients",
        "a second",
        "p50 ms",
        "p99 ms",
        "empty component: a second",
        "p50 ms",
        "its SQL, natively: a second",
        "p50 ms",
        "load to apply, natively: p50 ms",
        "ratio of time",
        "ratio of p50",
    ];
    report.table(&columns, &rows);
    let columns =
        ["mean of a request", "processor ms", "statements", "natively load ms", "natively apply ms", "bytes of database"];
    report.table(&columns, &means);
    report.paragraph(
        "Ratio: the application's time / (time of its SQL natively + time of an empty request); time is 1 / throughput at as many \
         clients, native SQL being one connection, one statement after another, in both rows. With several clients the median is \
         mostly waiting for the others: no ratio of it is given. A statement too many now and then: an instance serves 128 requests, \
         and the next one opens its own connection.",
    );
    report.end();
    application.audit_is_clean();
    runtime.block_on(application.host.stop()).expect("the application stops");
}

/// Calls that were carried out natively.
struct Floor {
    /// The statements alone.
    sql: Samples,
    /// With the rules and the ledger.
    whole: Samples,
    /// Mean seconds of the SELECT and of the INSERT.
    load: f64,
    apply: f64,
}

impl Floor {
    fn new(steps: &[Step]) -> Self {
        let mean =
            |part: fn(&Step) -> Duration| steps.iter().map(|step| part(step).as_secs_f64()).sum::<f64>() / steps.len() as f64;
        Self {
            sql: Samples::in_sequence(steps.iter().map(Step::sql).collect()),
            whole: Samples::in_sequence(steps.iter().map(|step| step.whole).collect()),
            load: mean(|step| step.load),
            apply: mean(|step| step.apply),
        }
    }

    fn row(&self, call: Call, clients: usize, application: &Samples, request: &Samples) -> Vec<String> {
        let time = application.time() / (self.sql.time() + request.time());
        let p50 = application.p50() / (self.sql.p50() + request.p50());
        vec![
            call.name().to_owned(),
            clients.to_string(),
            format!("{:.0}", application.a_second()),
            ms(application.p50()),
            ms(application.p99()),
            format!("{:.0}", request.a_second()),
            ms(request.p50()),
            format!("{:.0}", self.sql.a_second()),
            ms(self.sql.p50()),
            ms(self.whole.p50()),
            format!("{time:.2}"),
            if clients == 1 { format!("{p50:.2}") } else { String::new() },
        ]
    }
}

/// Purchases that never repeat.
pub struct Purchases {
    numbers: AtomicU64,
    members: Vec<domain::Id>,
    occurred_at: Instant,
}

impl Purchases {
    /// `from` is the number of the first: those of two in one shop must not be the same.
    pub fn new(members: Vec<domain::Id>, from: u64) -> Self {
        Self { numbers: AtomicU64::new(from), members, occurred_at: Instant(native::now().0 / 1_000 * 1_000) }
    }

    pub fn next(&self) -> Cart {
        Cart::next(self.numbers.fetch_add(1, Ordering::Relaxed), &self.members, self.occurred_at)
    }

    pub fn exchange(&self, call: Call) -> Exchange {
        let cart = self.next();
        let idempotency_key = call.writes().then(|| cart.idempotency_key());
        Exchange { method: Method::POST, path: call.path().to_owned(), body: cart.body(call), idempotency_key }
    }
}

/// The same call so many times, one after another.
fn natively(call: Call, native: &Native, purchases: &Purchases, answer: &str, times: u64) -> Vec<Step> {
    let times = NATIVE_WARM_UP + usize::try_from(times).expect("a number of calls");
    let mut steps: Vec<Step> = (0..times).map(|_| native.call(call, &purchases.next(), answer)).collect();
    steps.split_off(NATIVE_WARM_UP)
}

/// A copy of the books as they are now. Nobody writes meanwhile.
fn copy(books: &Path, folder: &Path, name: &str) -> PathBuf {
    let copy = folder.join(name);
    let connection = native::open(books, Disk::Waited);
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("the journal is written back");
    std::fs::copy(books, &copy).expect("a copy");
    copy
}

/// How large the books are.
pub fn bytes(books: &Path) -> i64 {
    let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    native::open(books, Disk::Waited).query_row(size, [], |row| row.get(0)).expect("the size of the books")
}
