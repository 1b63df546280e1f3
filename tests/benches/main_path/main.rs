//! The main path against its floors: what a quote, an order and a redemption cost through HTTP, the components and the
//! host, beside the same SQL statements run natively on the same file, and beside a component that does nothing.
//!
//! `cargo bench --bench main_path` at the workspace root. How long each row is measured, and how long it warms up, in
//! seconds: `MAIN_PATH_SECONDS` (8) and `MAIN_PATH_WARM_UP` (3). The data lies beside the other artifacts of the build,
//! so that a commit waits for the disk that a shop of this machine would wait for.
//!
//! Not a timed test: nothing fails because it is slow.

mod application;
mod cart;
mod clients;
mod judging;
mod native;
mod report;
mod samples;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::Instant;
use hyper::Method;
use tempfile::TempDir;

use application::Application;
use cart::{Call, Cart};
use clients::{Exchange, Spans};
use native::{Disk, Native, Step};
use report::{Floor, Row};

/// Members that buy.
const MEMBERS: usize = 2_000;
/// One after another, and as many at once as Spin gives to one instance.
const CLIENTS: [usize; 2] = [1, 16];
/// Native calls before those that count.
const NATIVE_WARM_UP: usize = 200;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("The benchmark runs with `cargo bench --bench main_path`.");
        return;
    }
    let spans = Spans { warm_up: seconds("MAIN_PATH_WARM_UP", 3.0), measured: seconds("MAIN_PATH_SECONDS", 8.0) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the application");
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");

    eprintln!("Enrolling {MEMBERS} members");
    let application = Application::open(&runtime, &folder.path().join("shop"), MEMBERS);
    report::settings(spans, MEMBERS);

    let (empty, shop) = application::open_empty(&runtime, &folder.path().join("empty"));
    let requests = CLIENTS.map(|clients| {
        let nothing = || Exchange { method: Method::POST, path: "/".to_owned(), body: "{}".to_owned(), idempotency_key: None };
        shop.measure(clients, spans, nothing)
    });
    runtime.block_on(empty.stop()).expect("the empty component stops");

    report::heading();
    let purchases = Arc::new(Purchases::new(application.members.clone()));
    let mut details = Vec::new();
    for call in Call::ALL {
        let copies =
            [Disk::Waited, Disk::NotWaited].map(|disk| copy(&application.books, folder.path(), &format!("{call:?}-{disk:?}.db")));
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
            report::row(&Row { call, clients, application: samples, request, floor: &floor });
        }
        details.push(report::detail(call, cpu, statements, bytes, &floor, without_disk.as_ref()));
    }
    report::end(&details);
    runtime.block_on(application.host.stop()).expect("the application stops");
}

/// A number of seconds from the environment.
fn seconds(name: &str, usual: f64) -> Duration {
    let given =
        std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number of seconds")));
    Duration::from_secs_f64(given.unwrap_or(usual))
}

/// Purchases that never repeat.
struct Purchases {
    numbers: AtomicU64,
    members: Vec<domain::Id>,
    occurred_at: Instant,
}

impl Purchases {
    fn new(members: Vec<domain::Id>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let occurred_at = Instant(i64::try_from(since).expect("a moment") * 1_000);
        Self { numbers: AtomicU64::new(1), members, occurred_at }
    }

    fn next(&self) -> Cart {
        Cart::next(self.numbers.fetch_add(1, Ordering::Relaxed), &self.members, self.occurred_at)
    }

    fn exchange(&self, call: Call) -> Exchange {
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
fn bytes(books: &Path) -> i64 {
    let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    native::open(books, Disk::Waited).query_row(size, [], |row| row.get(0)).expect("the size of the books")
}
