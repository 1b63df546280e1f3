//! What a start costs: of an instance, of the whole application with compiled components, and how large the components are.

use std::path::Path;
use std::time::{Duration, Instant};

use host::{ClockMode, Host, Options};
use hyper::Method;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::{self, Application};
use crate::clients::{Client, Exchange, Shop};
use crate::report::{Report, ms};
use crate::samples::Samples;

/// Instances that are started.
const TIMES: usize = 40;
/// An instance without requests goes after a second.
const UNTIL_GONE: Duration = Duration::from_millis(1_150);
/// Requests that the instance answers after its first one.
const FURTHER: usize = 20;

pub fn section(runtime: &Runtime, folder: &Path) {
    let mut report = Report::new(folder, "start", "Start and size");
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
    let (empty, nothing) = application::open_empty(runtime, &data.path().join("empty"));
    let application = Application::open(runtime, &data.path().join("shop"), None, ClockMode::Real);
    let asked: [(&str, &Shop, &str); 5] = [
        ("empty", &nothing, "/"),
        ("registration", &application.shop, "/healthz"),
        ("accrual", &application.shop, "/v1/orders/none"),
        ("redemption", &application.shop, "/v1/redemptions/none"),
        ("jobs", &application.shop, "/v1/messages/none"),
    ];
    let mut rows = Vec::new();
    for (component, shop, path) in asked {
        let (first, later) = starts(shop, path);
        rows.push(vec![
            component.to_owned(),
            ms(first.p50()),
            ms(first.percentile(0.9)),
            ms(later.p50()),
            ms(first.p50() - later.p50()),
        ]);
    }
    report.paragraph(&format!(
        "The first request to a new instance, from sending to the last byte, beside those that the same instance answers next; \
         {TIMES} instances. What is asked reaches the component and is refused by it, at registration it is answered; where the \
         books are asked the first request also looks for a connection."
    ));
    report.table(&["component", "first request p50 ms", "p90 ms", "further requests p50 ms", "difference ms"], &rows);
    runtime.block_on(empty.stop()).expect("the empty component stops");
    runtime.block_on(application.host.stop()).expect("the application stops");

    let mut begun = Vec::new();
    for number in 0..5 {
        let mut options = Options::new(application::manifest("../spin.toml"), data.path().join(format!("again-{number}")));
        options.variables.insert("admin_key".to_owned(), "admin-key-of-the-benchmark".to_owned());
        options.variables.insert("people_key".to_owned(), "people-key-of-the-benchmark".to_owned());
        options.build = false;
        let started = Instant::now();
        let host = runtime.block_on(Host::start(options)).expect("the application starts");
        begun.push(started.elapsed());
        runtime.block_on(host.stop()).expect("the application stops");
    }
    let begun = Samples::in_sequence(begun);
    report.paragraph(&format!(
        "The application in a process that has loaded its components before: {} ms until it listens (p50 of 5).",
        ms(begun.p50())
    ));
    let root = application::manifest("..");
    let file = |place: &str| std::fs::metadata(root.join(place)).expect("the component is built").len();
    let rules = "target/wasm32-unknown-unknown/edge/rules.component.wasm";
    let sizes: Vec<Vec<String>> = ["accrual", "redemption", "registration", "jobs", "telegram", "empty"]
        .iter()
        .map(|name| (*name, format!("target/wasm32-wasip2/edge/{name}.wasm")))
        .chain([("rules", rules.to_owned())])
        .map(|(name, place)| vec![name.to_owned(), file(&place).to_string()])
        .collect();
    report.table(&["component", "bytes of .wasm"], &sizes);
    report.end();
}

/// First requests to new instances, and further ones.
fn starts(shop: &Shop, path: &str) -> (Samples, Samples) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for the client");
    runtime.block_on(async {
        let mut client = Client::connect(shop.clone()).await;
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            tokio::time::sleep(UNTIL_GONE).await;
            for number in 0..=FURTHER {
                let exchange =
                    Exchange { method: Method::GET, path: path.to_owned(), body: String::new(), idempotency_key: None };
                let request = client.request(exchange);
                let started = Instant::now();
                let (status, body) = client.send(request).await;
                assert!(status.as_u16() < 500, "{status}: {body}");
                if number == 0 { first.push(started.elapsed()) } else { later.push(started.elapsed()) }
            }
        }
        (Samples::in_sequence(first), Samples::in_sequence(later))
    })
}
