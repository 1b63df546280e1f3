//! What is measured: the shop's application with its members, and one component that does nothing, on the embedded host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::Id;
use host::{ClockMode, Host, Options};
use hyper::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tests::Sqld;
use tests::latency::LongWay;
use tests::population::{self, History};
use tokio::runtime::Runtime;

use crate::clients::{Exchange, Shop};
use crate::native;

const ADMIN_KEY: &str = "admin-key-of-the-benchmark";
/// Enough for every redemption of a run.
const WELCOME_POINTS: &str = "100000";
/// How many members are enrolled at once.
const ENROLLING: usize = 16;
/// Members whose history is written in one transaction: into a file, and by a request to a server.
const WRITTEN_AT_ONCE: usize = 20_000;
const SENT_AT_ONCE: usize = 2_000;

/// Servers for the stores, at the end of a way that takes so much time.
pub struct Servers {
    pub books: Sqld,
    /// It only has to be there.
    _people: Sqld,
    ways: [LongWay; 2],
}

impl Servers {
    /// None where there is no way to have the program: a line then says so.
    pub fn start(runtime: &Runtime, added: Duration) -> Option<Self> {
        let (books, people) = (Sqld::start()?, Sqld::start()?);
        let ways = [&books, &people].map(|server| runtime.block_on(LongWay::to(server.address(), added)).expect("a port"));
        Some(Self { books, _people: people, ways })
    }

    /// Where the books are, at the end of the way.
    pub fn url(&self) -> String {
        self.ways[0].url()
    }

    fn runtime_config(&self) -> String {
        let named = ["default", "people"].iter().zip(&self.ways);
        named
            .map(|(name, way)| format!("[sqlite_database.{name}]\ntype = \"libsql\"\nurl = \"{}\"\ntoken = \"\"\n", way.url()))
            .collect()
    }
}

/// The application.
pub struct Application<'a> {
    pub host: Host,
    pub shop: Shop,
    /// Its program's document.
    pub document: String,
    /// The file of the books, if they are in one.
    pub books: PathBuf,
    servers: Option<&'a Servers>,
}

impl<'a> Application<'a> {
    /// A shop with gw-tools and generous welcome points; its stores are files, or hosted.
    pub fn open(runtime: &Runtime, data: &Path, servers: Option<&'a Servers>, clock: ClockMode) -> Self {
        let mut options = Options::new(manifest("../spin.toml"), data);
        options.clock = clock;
        options.variables.insert("admin_key".to_owned(), ADMIN_KEY.to_owned());
        options.variables.insert("request_log".to_owned(), "off".to_owned());
        options.variables.insert("people_key".to_owned(), "people-key-of-the-benchmark".to_owned());
        // every call is counted, none is refused
        options.variables.insert("key_calls_per_minute".to_owned(), "1000000000".to_owned());
        options.runtime_config = servers.map(|servers| {
            let file = data.join("runtime-config.toml");
            std::fs::create_dir_all(data).expect("a folder for data");
            std::fs::write(&file, servers.runtime_config()).expect("a file can be written");
            file
        });
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
        Self { host, shop, document: document.to_string(), books: data.join("default.db"), servers }
    }

    /// So many members without a history, through the API.
    pub fn enrol(&self, members: usize) -> Vec<Id> {
        eprintln!("Enrolling {members} members");
        let enrolments = (0..members).map(|number| {
            let body = json!({"external_id": format!("member-{number}"), "channel": "site"});
            exchange("/v1/members", body, &format!("enrol-{number}"))
        });
        let enrolled = self.shop.send_all(ENROLLING, enrolments.collect());
        let mut members: Vec<Id> = enrolled.iter().map(|body| member_id(body)).collect();
        members.sort_unstable();
        members
    }

    /// So many members with a history, written past the application. Their orders hold what `example`, the answer to an order,
    /// holds.
    pub fn populate(&self, members: usize, example: &str) -> Vec<Id> {
        eprintln!("Writing the history of {members} members");
        let answer: Value = serde_json::from_str(example).expect("the answer to an order");
        let history =
            History { now: native::now().0, answer: example.to_owned(), explanation: answer["explanation"].to_string() };
        let numbers: Vec<i64> = (1..=i64::try_from(members).expect("a number of members")).collect();
        let at_once = if self.servers.is_some() { SENT_AT_ONCE } else { WRITTEN_AT_ONCE };
        let mut file = self.servers.is_none().then(|| native::open(&self.books, native::Disk::NotWaited));
        for part in numbers.chunks(at_once) {
            let statements = history.statements(part[0]..=part[part.len() - 1]);
            match (&mut file, self.servers) {
                (Some(file), _) => write(file, &statements),
                (None, Some(servers)) => servers.books.execute(&statements),
                (None, None) => unreachable!("the books are in a file or on a server"),
            }
        }
        if let Some(file) = file {
            file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("the journal is written back");
        }
        numbers.into_iter().map(|number| Id(population::member(number))).collect()
    }

    /// Nothing in the books contradicts anything else there.
    pub fn audit_is_clean(&self) {
        let admin = Shop { address: self.host.address(), key: ADMIN_KEY.to_owned() };
        let audit = Exchange { method: Method::GET, path: "/v1/audit".to_owned(), body: String::new(), idempotency_key: None };
        let found: Value = serde_json::from_str(&admin.send_all(1, vec![audit])[0]).expect("an audit");
        assert_eq!(found["ok"], true, "{found}");
    }
}

fn write(file: &mut Connection, statements: &[String]) {
    let part = file.transaction().expect("a transaction");
    for statement in statements {
        part.execute(statement, []).unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    part.commit().expect("they are there");
}

/// The component that does nothing.
pub fn open_empty(runtime: &Runtime, data: &Path) -> (Host, Shop) {
    let host =
        runtime.block_on(Host::start(Options::new(manifest("empty/spin.toml"), data))).expect("the empty component starts");
    let shop = Shop { address: host.address(), key: ADMIN_KEY.to_owned() };
    (host, shop)
}

/// A file of this crate.
pub fn manifest(file: &str) -> PathBuf {
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
