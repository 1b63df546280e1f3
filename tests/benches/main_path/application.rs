//! What is measured: the shop's application with its members, and one component that does nothing, on the embedded host.

use std::path::{Path, PathBuf};

use domain::Id;
use host::{Host, Options};
use hyper::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::clients::{Exchange, Shop};

const ADMIN_KEY: &str = "admin-key-of-the-benchmark";
/// Enough for every redemption of a run.
const WELCOME_POINTS: &str = "100000";
/// How many members are enrolled at once.
const ENROLLING: usize = 16;

/// The application.
pub struct Application {
    pub host: Host,
    pub shop: Shop,
    pub members: Vec<Id>,
    /// Its program's document.
    pub document: String,
    /// The file of the books.
    pub books: PathBuf,
}

impl Application {
    /// A shop with gw-tools, generous welcome points and so many members.
    pub fn open(runtime: &Runtime, data: &Path, members: usize) -> Self {
        let mut options = Options::new(manifest("../spin.toml"), data);
        options.variables.insert("admin_key".to_owned(), ADMIN_KEY.to_owned());
        options.variables.insert("request_log".to_owned(), "off".to_owned());
        options.variables.insert("people_key".to_owned(), "people-key-of-the-benchmark".to_owned());
        // every call is counted, none is refused
        options.variables.insert("key_calls_per_minute".to_owned(), "1000000000".to_owned());
        let host = runtime.block_on(Host::start(options)).expect("the application starts");
        let admin = Shop { address: host.address(), key: ADMIN_KEY.to_owned() };

        admin.send_all(1, vec![exchange("/v1/jobs/migrate/runs", Value::Null, "migrate")]);
        let preset = rules::presets::preset("gw-tools").expect("the preset");
        let mut document: Value = serde_json::from_str(preset).expect("a document");
        document["enrolment"]["welcome"]["points"] = WELCOME_POINTS.into();
        let publish = Exchange { method: Method::PUT, ..exchange("/v1/program", document.clone(), "publish") };
        admin.send_all(1, vec![publish]);
        let key = exchange("/v1/keys", json!({"scopes": ["storefront"]}), "storefront");
        let key: Value = serde_json::from_str(&admin.send_all(1, vec![key])[0]).expect("a key");
        let shop = Shop { address: host.address(), key: key["key"].as_str().expect("the key's secret").to_owned() };

        let enrolments = (0..members).map(|number| {
            let body = json!({"external_id": format!("member-{number}"), "channel": "site"});
            exchange("/v1/members", body, &format!("enrol-{number}"))
        });
        let mut members: Vec<Id> = shop.send_all(ENROLLING, enrolments.collect()).iter().map(|body| member_id(body)).collect();
        members.sort_unstable();
        Self { host, shop, members, document: document.to_string(), books: data.join("default.db") }
    }
}

/// The component that does nothing.
pub fn open_empty(runtime: &Runtime, data: &Path) -> (Host, Shop) {
    let host =
        runtime.block_on(Host::start(Options::new(manifest("empty/spin.toml"), data))).expect("the empty component starts");
    let shop = Shop { address: host.address(), key: ADMIN_KEY.to_owned() };
    (host, shop)
}

fn manifest(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn exchange(path: &str, body: Value, key: &str) -> Exchange {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Exchange { method: Method::POST, path: path.to_owned(), body, idempotency_key: Some(key.to_owned()) }
}

fn member_id(body: &str) -> Id {
    let member: Value = serde_json::from_str(body).expect("a member");
    Id::parse(member["id"].as_str().expect("a member has an id"), "mem").expect("a member's id")
}
