//! A shop with its members.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use host::{ClockMode, Faults, Host, Injector, Options};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::collector::Collector;
use crate::latency::LongWay;
use crate::member::Member;
use crate::sealed::unseal;
use crate::sqld::Sqld;
use crate::tenant;

/// The shop's first key.
pub const ADMIN_KEY: &str = "admin-key-of-the-tests";

pub const PEOPLE_KEY: &str = "people-key-of-the-tests";

/// When every scenario begins, unless it says otherwise: noon in Moscow on a Thursday.
pub const BEGINNING: &str = "2026-01-15T09:00:00Z";

/// Says that all shops have hosted stores: every scenario can be played on them.
const STORES: &str = "KOPILKA_TEST_STORES";

/// A server that stands still so often in one trial has another trouble.
const MOST_WAKINGS: usize = 20;

/// Stands among a shop's settings for the address of its collector; it is no variable.
const COLLECTOR: &str = "collector";

/// In the data folder, if the stores are hosted.
const RUNTIME_CONFIG: &str = "runtime-config.toml";

/// A running shop.
pub struct Shop {
    pub host: Host,
    http: Client<HttpConnector, Full<Bytes>>,
    key: String,
    data: Arc<TempDir>,
    numbers: Arc<AtomicU64>,
    /// Round trips to the stores, as the answers told them.
    told: AtomicU64,
    /// The servers of its stores, by the names of the databases, if they are hosted.
    servers: Arc<Vec<(&'static str, Sqld)>>,
    /// When the servers were restarted because they stood still.
    woken: Arc<Mutex<Vec<Instant>>>,
    faults: Option<Faults>,
    manifest: PathBuf,
    settings: Settings,
}

/// Variables of the deployment beside its secrets.
type Settings = Vec<(&'static str, &'static str)>;

impl Shop {
    /// A shop with a preset's program, at the usual beginning.
    pub async fn open(preset: &str) -> Self {
        Self::open_at(preset, BEGINNING).await
    }

    /// A shop with a preset's program, at a moment.
    pub async fn open_at(preset: &str, now: &str) -> Self {
        let shop = Self::bare(now).await;
        shop.publish_preset(preset).await;
        shop
    }

    /// A shop with a preset's program, whose stores are going to fail. Nothing fails until the faults are switched on.
    pub async fn with_faults(preset: &str, faults: Faults) -> Self {
        let shop = Self::on(possibly_hosted(), BEGINNING, Some(faults)).await;
        shop.faults().switch(false);
        shop.migrate().await;
        shop.publish_preset(preset).await;
        shop
    }

    /// A shop like [`Shop::open`] with hosted stores: the books on one libSQL server, the persons on another. None where such
    /// servers can't be had: a line then says so, and there is nothing to test.
    pub async fn hosted(preset: &str) -> Option<Self> {
        let shop = Self::on(servers()?, BEGINNING, None).await;
        shop.migrate().await;
        shop.publish_preset(preset).await;
        Some(shop)
    }

    /// A shop with hosted stores whose reads go to a replica of the books, and the way on which the replica follows them. None as
    /// for [`Shop::hosted`].
    pub async fn with_replica(preset: &str) -> Option<(Self, LongWay)> {
        let primary = Sqld::start_primary()?;
        let way = LongWay::to(primary.grpc_address(), Duration::ZERO).await.expect("a port");
        let servers = vec![("default", primary), ("people", Sqld::start()?), ("replica", Sqld::start_replica(&way.url())?)];
        let manifest = tenant::with_replica("replica").await;
        let shop = Self::on_settings(&manifest, servers, BEGINNING, None, vec![("read_database", "replica")]).await;
        shop.migrate().await;
        shop.publish_preset(preset).await;
        let begun = Instant::now();
        while !shop.server("replica").is_some_and(Sqld::reads_itself) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the replica does not begin to follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some((shop, way))
    }

    /// A shop with a program of its own.
    pub async fn with_program(document: &Value) -> Self {
        let shop = Self::bare(BEGINNING).await;
        shop.publish(document).await.expect(200);
        shop
    }

    /// A shop with tables, but without a program.
    pub async fn bare(now: &str) -> Self {
        let shop = Self::without_tables(now).await;
        shop.migrate().await;
        shop
    }

    /// A shop with a preset's program, whose deployment sets these variables.
    pub async fn with_settings(preset: &str, settings: &[(&'static str, &'static str)]) -> Self {
        Self::with_settings_at(preset, settings, BEGINNING).await
    }

    /// The same at a moment.
    pub async fn with_settings_at(preset: &str, settings: &[(&'static str, &'static str)], now: &str) -> Self {
        let shop = Self::on_settings(&manifest(), possibly_hosted(), now, None, settings.to_vec()).await;
        shop.migrate().await;
        shop.publish_preset(preset).await;
        shop
    }

    /// A shop with a preset's program, whose host sends traces and metrics to a collector.
    pub async fn watched_by(collector: &Collector, preset: &str, settings: &[(&'static str, &'static str)]) -> Self {
        let settings = settings.iter().copied().chain([(COLLECTOR, &*collector.url().leak())]).collect();
        let shop = Self::on_settings(&manifest(), possibly_hosted(), BEGINNING, None, settings).await;
        shop.migrate().await;
        shop.publish_preset(preset).await;
        shop
    }

    /// Stops the host: what it had to say then is said.
    pub async fn stop(self) {
        self.host.stop().await.expect("the host stops");
    }

    /// A shop whose stores are empty.
    pub async fn without_tables(now: &str) -> Self {
        Self::on(possibly_hosted(), now, None).await
    }

    /// A shop whose application has another manifest, with tables and a preset's program, at a moment.
    pub async fn of_tenant(manifest: &Path, preset: &str, now: &str) -> Self {
        let shop = Self::of_tenant_without_program(manifest, now).await;
        shop.publish_preset(preset).await;
        shop
    }

    /// The same without a program.
    pub async fn of_tenant_without_program(manifest: &Path, now: &str) -> Self {
        let shop = Self::on_manifest(manifest, possibly_hosted(), now, None).await;
        shop.migrate().await;
        shop
    }

    async fn on(servers: Vec<(&'static str, Sqld)>, now: &str, faults: Option<Faults>) -> Self {
        Self::on_manifest(&manifest(), servers, now, faults).await
    }

    async fn on_manifest(manifest: &Path, servers: Vec<(&'static str, Sqld)>, now: &str, faults: Option<Faults>) -> Self {
        Self::on_settings(manifest, servers, now, faults, Settings::new()).await
    }

    async fn on_settings(
        manifest: &Path,
        servers: Vec<(&'static str, Sqld)>,
        now: &str,
        faults: Option<Faults>,
        settings: Settings,
    ) -> Self {
        let data = Arc::new(TempDir::new().expect("a folder for data"));
        if !servers.is_empty() {
            let named = |(name, server): &(&str, Sqld)| {
                format!("[sqlite_database.{name}]\ntype = \"libsql\"\nurl = \"{}\"\ntoken = \"\"\n", server.url())
            };
            let config: String = servers.iter().map(named).collect();
            std::fs::write(data.path().join(RUNTIME_CONFIG), config).expect("a file can be written");
        }
        let host = Self::start(manifest, data.path(), now, faults, &settings).await.expect("the host starts");
        Self {
            host,
            http: Client::builder(TokioExecutor::new()).build(nodelay()),
            key: ADMIN_KEY.to_owned(),
            data,
            numbers: Arc::new(AtomicU64::new(1)),
            told: AtomicU64::new(0),
            servers: Arc::new(servers),
            woken: Arc::default(),
            faults,
            manifest: manifest.to_owned(),
            settings,
        }
    }

    /// Why an application with another manifest does not start.
    pub async fn does_not_start(manifest: &Path) -> String {
        let data = TempDir::new().expect("a folder for data");
        match Self::start(manifest, data.path(), BEGINNING, None, &[]).await {
            Ok(_) => panic!("the host starts with {}", manifest.display()),
            Err(error) => format!("{error:#}"),
        }
    }

    async fn publish_preset(&self, preset: &str) {
        let document = self.get(&format!("/v1/program/presets/{preset}")).await.expect(200)["document"].clone();
        self.publish(&document).await.expect(200);
    }

    async fn start(file: &Path, data: &Path, now: &str, faults: Option<Faults>, settings: &[(&str, &str)]) -> host::Result<Host> {
        let mut options = Options::new(file, data);
        // a tenant's manifest describes what is built already
        options.build = file == manifest();
        options.clock = ClockMode::Virtual(Some(now.parse().expect("a time")));
        options.seed = Some(1);
        options.runtime_config = Some(data.join(RUNTIME_CONFIG)).filter(|file| file.exists());
        options.faults = faults;
        options.variables.insert("admin_key".to_owned(), ADMIN_KEY.to_owned());
        options.variables.insert("people_key".to_owned(), PEOPLE_KEY.to_owned());
        // what fails is told among what the tests say, the rest is not
        options.variables.insert("request_log".to_owned(), "errors".to_owned());
        // whoever sets it wants to read it
        options.keep_output = settings.iter().any(|(name, _)| *name == "request_log");
        let (collector, settings): (Vec<_>, Vec<_>) = settings.iter().partition(|(name, _)| *name == COLLECTOR);
        options.collector = collector.first().map(|(_, url)| host::Collector::at(*url));
        options.variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Host::start(options).await
    }

    /// Stops the host and starts it again on the same data and clock.
    pub async fn restart(self) -> Self {
        let settings = self.settings.clone();
        self.restart_with(&settings).await
    }

    /// The same, with these variables instead of those that were set.
    pub async fn restart_with(self, settings: &[(&'static str, &'static str)]) -> Self {
        let now = self.now();
        let Self { host, http, key, data, numbers, servers, woken, faults, manifest, .. } = self;
        let settings = settings.to_vec();
        host.stop().await.expect("the host stops");
        let host = Self::start(&manifest, data.path(), &now, faults, &settings).await.expect("the host starts");
        Self { host, http, key, data, numbers, told: AtomicU64::new(0), servers, woken, faults, manifest, settings }
    }

    /// The same, and its host sends traces and metrics to a collector from now on.
    pub async fn restart_watched_by(self, collector: &Collector) -> Self {
        let settings: Settings = self.settings.iter().copied().chain([(COLLECTOR, &*collector.url().leak())]).collect();
        self.restart_with(&settings).await
    }

    async fn migrate(&self) {
        self.send(Method::POST, "/v1/jobs/migrate/runs", None, None).await.expect(200);
    }

    /// What an operator does when a hosted store stands still, which shows in a 504 of the host: restarts it, unless that
    /// was done since the request was sent. (Writers of sqld 0.24 that wait in its queue are sometimes never woken.)
    pub fn wake_servers(&self, sent: Instant) {
        assert!(!self.servers.is_empty(), "an embedded store does not stand still");
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.last().is_none_or(|last| *last < sent) {
            println!("sqld stands still: restarted");
            for (_, server) in self.servers.iter() {
                server.kill();
                server.start_again();
            }
            woken.push(Instant::now());
        }
        assert!(woken.len() <= MOST_WAKINGS, "sqld stands still again and again");
    }

    /// The server of a database, if it is hosted.
    pub fn server(&self, database: &str) -> Option<&Sqld> {
        self.servers.iter().find(|(name, _)| *name == database).map(|(_, server)| server)
    }

    /// A number that a query finds in a database, past the application.
    pub fn number_in(&self, database: &str, query: &str) -> i64 {
        if let Some(server) = self.server(database) {
            return server.number(query);
        }
        let file = self.data().join(format!("{database}.db"));
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database opens");
        connection.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Changes a database by hand, past the application, by a statement that returns a number.
    pub fn change_in(&self, database: &str, statement: &str) -> i64 {
        if let Some(server) = self.server(database) {
            return server.number(statement);
        }
        let connection = Connection::open(self.data().join(format!("{database}.db"))).expect("the database opens");
        connection.query_row(statement, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Changes what a database is made of or holds, past the application, by one statement that returns nothing.
    pub fn alter(&self, database: &str, statement: &str) {
        if let Some(server) = self.server(database) {
            return server.execute(&[statement.to_owned()]);
        }
        let connection = Connection::open(self.data().join(format!("{database}.db"))).expect("the database opens");
        // a server takes one statement at a time: more are an error here too
        connection.execute(statement, []).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// A text that a query finds in a database, past the application.
    pub fn text_in(&self, database: &str, query: &str) -> String {
        if let Some(server) = self.server(database) {
            return server.text(query);
        }
        let file = self.data().join(format!("{database}.db"));
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database opens");
        connection.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one-time code that the member of a redemption was sent: its message, opened as the delivery will.
    pub fn code_of(&self, redemption: &str) -> String {
        let message = format!("FROM outbox WHERE kind = 'redemption.code' AND payload ->> 'redemption' = '{redemption}'");
        let member = self.number_in("default", &format!("SELECT member_id {message}"));
        unseal(PEOPLE_KEY, member, &self.text_in("default", &format!("SELECT payload ->> 'code' {message}")))
    }

    /// Another host beside this one, on the same data, whose clock shows another time.
    pub async fn beside(&self, now: &str) -> Self {
        let host = Self::start(&self.manifest, self.data.path(), now, None, &self.settings).await.expect("the host starts");
        let http = Client::builder(TokioExecutor::new()).build(nodelay());
        Self {
            host,
            http,
            key: self.key.clone(),
            data: self.data.clone(),
            numbers: self.numbers.clone(),
            told: AtomicU64::new(0),
            servers: self.servers.clone(),
            woken: self.woken.clone(),
            faults: None,
            manifest: self.manifest.clone(),
            settings: self.settings.clone(),
        }
    }

    /// The same member, seen from this host.
    pub fn sees(&self, member: &Member<'_>) -> Member<'_> {
        Member::of(self, &member.id)
    }

    /// The faults of its stores.
    pub fn faults(&self) -> &Injector {
        self.host.faults().expect("the shop was opened with faults")
    }

    /// The folder with the databases.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Every byte of a database: its file and its journal.
    pub fn bytes_of(&self, database: &str) -> Vec<u8> {
        if let Some(server) = self.server(database) {
            return server.bytes();
        }
        let read = |name: String| std::fs::read(self.data().join(name)).unwrap_or_default();
        [read(format!("{database}.db")), read(format!("{database}.db-wal"))].concat()
    }

    /// The time that the components see.
    pub fn now(&self) -> String {
        self.host.clock().to_string()
    }

    /// A key that no request has used.
    pub fn new_key(&self) -> String {
        format!("key-{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// How many round trips to the stores the answers so far have told of.
    pub fn told_round_trips(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// What the components have written, for a shop whose settings have `request_log`.
    pub fn output(&self) -> String {
        self.host.output().expect("a shop with the setting request_log")
    }

    /// The lines of the log, for a shop whose settings have `request_log`.
    pub fn log(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is no JSON: {error}"));
        self.output().lines().map(line).collect()
    }

    /// A number that nothing has used.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets days pass, with everything that is scheduled on the way.
    pub async fn days_pass(&self, days: u32) {
        let advance = self.host.advance(&format!("P{days}D")).await.expect("the clock moves");
        assert_eq!(advance.failed, 0, "no scheduled run fails");
    }

    /// Lets minutes pass.
    pub async fn minutes_pass(&self, minutes: u32) {
        let advance = self.host.advance(&format!("PT{minutes}M")).await.expect("the clock moves");
        assert_eq!(advance.failed, 0, "no scheduled run fails");
    }

    /// Moves the clock to a moment.
    pub async fn at(&self, moment: &str) {
        let advance = self.host.advance_to(moment.parse().expect("a time")).await.expect("the clock moves");
        assert_eq!(advance.failed, 0, "no scheduled run fails");
    }

    pub async fn publish(&self, document: &Value) -> Answer {
        self.send(Method::PUT, "/v1/program", Some(document.to_string()), Some(&self.new_key())).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, None).await
    }

    /// A `POST` under a key of its own.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(&self.new_key(), path, body).await
    }

    /// A `POST` under this idempotency key.
    pub async fn post_as(&self, idempotency_key: &str, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string()), Some(idempotency_key)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string()), Some(&self.new_key())).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string()), Some(&self.new_key())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, Some(&self.new_key())).await
    }

    /// A `POST` with a caller's key, under an idempotency key of its own.
    pub async fn post_with(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send_with(Some(key), Method::POST, path, Some(body.to_string()), Some(&self.new_key())).await
    }

    /// A `GET` with a caller's key.
    pub async fn get_with(&self, key: &str, path: &str) -> Answer {
        self.send_with(Some(key), Method::GET, path, None, None).await
    }

    /// Sends bytes that no client would make. Returns the status, and the body where there is one.
    pub async fn send_bytes(&self, request: Vec<u8>) -> (u16, String) {
        let address = self.host.address();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
            let _ = stream.write_all(&request); // an early refusal closes the connection
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        });
        let answer = answer.await.expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        (status.unwrap_or_else(|| panic!("a status: {answer}")), body)
    }

    /// A new key with these scopes, for one store or for all.
    pub async fn key(&self, scopes: &[&str], store: Option<&str>) -> ApiKey {
        let made = self.post("/v1/keys", &json!({"scopes": scopes, "store": store})).await.expect(201);
        let text = |field: &str| made[field].as_str().unwrap_or_else(|| panic!("a key has its {field}: {made}")).to_owned();
        ApiKey { id: text("id"), secret: text("key") }
    }

    /// One bounded batch of a job, now.
    pub async fn run_job(&self, name: &str) -> Value {
        self.send(Method::POST, &format!("/v1/jobs/{name}/runs"), None, None).await.expect(200)
    }

    /// How many rows of each kind the books have, and the program's version: what any write would change.
    pub async fn counts(&self) -> Value {
        self.get("/v1/audit").await.expect(200)["checked"].clone()
    }

    /// Takes goods back: everything, or these lines.
    pub async fn takes_back(&self, order: &str, return_id: &str, lines: Option<Value>) -> Answer {
        let body = match lines {
            None => json!({"return_id": return_id, "all": true}),
            Some(lines) => json!({"return_id": return_id, "lines": lines}),
        };
        self.post(&format!("/v1/orders/{order}/returns"), &body).await
    }

    /// Undoes everything that an order did.
    pub async fn cancels(&self, order: &str) -> Answer {
        self.post(&format!("/v1/orders/{order}/cancellation"), &json!({})).await
    }

    /// Any request with the shop's first key.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>, idempotency_key: Option<&str>) -> Answer {
        self.send_with(Some(&self.key), method, path, body, idempotency_key).await
    }

    /// Any request with any key.
    pub async fn send_with(
        &self,
        key: Option<&str>,
        method: Method,
        path: &str,
        body: Option<String>,
        idempotency_key: Option<&str>,
    ) -> Answer {
        self.exchange(key, &[], method, path, body, idempotency_key).await
    }

    /// A request of somebody who reads these languages (`Accept-Language`).
    pub async fn send_in(
        &self,
        languages: &str,
        method: Method,
        path: &str,
        body: Option<String>,
        idempotency_key: Option<&str>,
    ) -> Answer {
        self.exchange(Some(&self.key), &[("accept-language", languages)], method, path, body, idempotency_key).await
    }

    /// A `GET` with a caller's key and further headers.
    pub async fn get_told(&self, key: &str, headers: &[(&str, &str)], path: &str) -> Answer {
        self.exchange(Some(key), headers, Method::GET, path, None, None).await
    }

    /// A `GET` without any key and with further headers.
    pub async fn get_without_key(&self, headers: &[(&str, &str)], path: &str) -> Answer {
        self.exchange(None, headers, Method::GET, path, None, None).await
    }

    /// A `POST` with the shop's first key, under an idempotency key of its own, and with further headers.
    pub async fn post_told(&self, headers: &[(&str, &str)], path: &str, body: &Value) -> Answer {
        self.exchange(Some(&self.key), headers, Method::POST, path, Some(body.to_string()), Some(&self.new_key())).await
    }

    /// A `PUT` with the shop's first key and with further headers.
    pub async fn put_told(&self, headers: &[(&str, &str)], path: &str, body: &Value) -> Answer {
        self.exchange(Some(&self.key), headers, Method::PUT, path, Some(body.to_string()), None).await
    }

    /// A `POST` without any key and with further headers.
    pub async fn post_without_key(&self, headers: &[(&str, &str)], path: &str, body: String) -> Answer {
        self.exchange(None, headers, Method::POST, path, Some(body), None).await
    }

    async fn exchange(
        &self,
        key: Option<&str>,
        headers: &[(&str, &str)],
        method: Method,
        path: &str,
        body: Option<String>,
        idempotency_key: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.host.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).expect("a request");
        let answer = self.http.request(request).await.expect("the host answers");
        let status = answer.status();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (replayed, content_type) = (header("idempotent-replayed").as_deref() == Some("true"), header("content-type"));
        let (retry_after, etag, sequence) = (header("retry-after"), header("etag"), header("kopilka-sequence"));
        let timing = header("server-timing");
        let rate_limit = header("ratelimit").zip(header("ratelimit-policy"));
        let bytes = answer.into_body().collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("a text");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let content_type = content_type.unwrap_or_default();
        let answer = Answer { status, replayed, content_type, retry_after, etag, sequence, rate_limit, timing, text, json };
        self.told.fetch_add(answer.round_trips().unwrap_or_default(), Ordering::Relaxed);
        answer
    }

    /// Enrols somebody by phone.
    pub async fn enrol(&self, phone: &str) -> Member<'_> {
        let body = json!({"phone": phone, "channel": "site"});
        let member = self.post("/v1/members", &body).await.expect(201);
        Member::of(self, member["id"].as_str().expect("a member has an id"))
    }

    /// What a cart would earn and may spend, for nobody in particular.
    pub async fn quote(&self, order: &Value) -> Value {
        self.post("/v1/quotes", &json!({"order": order})).await.expect(200)
    }

    /// The audit must find nothing.
    #[track_caller]
    pub fn audit_is_clean(&self) -> impl Future<Output = ()> + '_ {
        let place = std::panic::Location::caller();
        async move {
            let audit = self.get("/v1/audit").await.expect(200);
            assert_eq!(audit["ok"], true, "{place}: {audit}");
        }
    }
}

/// A key of a caller.
pub struct ApiKey {
    pub id: String,
    pub secret: String,
}

/// No servers, unless all shops are to have hosted stores.
fn possibly_hosted() -> Vec<(&'static str, Sqld)> {
    if std::env::var(STORES).is_ok_and(|stores| stores == "hosted") {
        servers().expect("the scenarios are to be played on a libSQL server")
    } else {
        Vec::new()
    }
}

fn servers() -> Option<Vec<(&'static str, Sqld)>> {
    Some(vec![("default", Sqld::start()?), ("people", Sqld::start()?)])
}

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml")
}

fn nodelay() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}
