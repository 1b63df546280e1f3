//! The program as a process of its own: found beside this test, started, killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use host::Timestamp;

use crate::exchange::ADMIN_KEY;

/// With everything built a start takes a tenth of a second.
const START: Duration = Duration::from_secs(60);
/// Building the components, when they are stale.
const BUILD: Duration = Duration::from_secs(1_800);

/// Which time the program sees.
#[derive(Clone, Copy, Debug)]
pub enum Time {
    Real,
    /// The virtual clock, standing here.
    At(Timestamp),
}

impl Time {
    pub fn now(self) -> Timestamp {
        match self {
            Self::Real => Timestamp::now(),
            Self::At(now) => now,
        }
    }
}

/// How the program is started.
#[derive(Clone, Debug)]
pub struct Start {
    pub data: PathBuf,
    /// Where its stderr goes.
    pub log: PathBuf,
    pub runtime_config: Option<PathBuf>,
}

/// A running program; killed when it is dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Starts the program and waits until it is ready.
    pub fn start(start: &Start, time: Time) -> Self {
        let mut child = spawn(start, time);
        let out = child.stdout.take().expect("its stdout");
        let (ready, told) = mpsc::channel();
        // Reads on to the end, so that the program can always write.
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("ready http://").and_then(|address| address.parse().ok()) {
                    let _ = ready.send(address); // the one that waits may have given up
                }
            }
        });
        let Ok(address) = told.recv_timeout(START) else {
            end(&mut child);
            panic!("the program does not start; its last words: {}", last_words(&start.log));
        };
        Self { child, address }
    }

    /// Starts the program and kills it a moment later, in the middle of whatever a start does.
    pub fn start_and_kill(start: &Start, time: Time, after: Duration) {
        let mut child = spawn(start, time);
        std::thread::sleep(after);
        end(&mut child);
    }

    /// SIGKILL: the program learns nothing of it and can finish nothing.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// What the program said last on its stderr, without the lines of requests that were as they should be.
pub fn last_words(log: &Path) -> String {
    let said = std::fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let mut last: Vec<&str> = said.lines().rev().filter(|line| !line.starts_with(r#"{"level":"info""#)).take(20).collect();
    last.reverse();
    last.join("\n")
}

fn end(child: &mut Child) {
    // Both fail only for a process that has ended and was waited for already.
    let _ = child.kill();
    let _ = child.wait();
}

fn spawn(start: &Start, time: Time) -> Child {
    build();
    let log = File::options().create(true).append(true).open(&start.log).expect("a file for its stderr");
    let mut command = kopilka("up", &start.data);
    command.args(["--listen", "127.0.0.1:0", "--admin-key", ADMIN_KEY]);
    if let Time::At(now) = time {
        command.args(["--clock", "virtual", "--now", &now.to_string()]);
    }
    if let Some(file) = &start.runtime_config {
        // The store outlives the data folder, and with it the key that seals its persons.
        command.args(["--variable", "people_key=people-key-of-the-kills"]).arg("--runtime-config").arg(file);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("the program can be run")
}

/// Builds and compiles the components once, so that a start does nothing else than start.
fn build() {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        let data = tempfile::tempdir().expect("a folder");
        let mut child = kopilka("build", data.path()).stdin(Stdio::null()).spawn().expect("the program can be run");
        let started = Instant::now();
        loop {
            match child.try_wait().expect("its state") {
                Some(status) => break assert!(status.success(), "the components cannot be built: {status}"),
                None if started.elapsed() > BUILD => {
                    end(&mut child);
                    panic!("the components are not built after {} seconds", BUILD.as_secs());
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    });
    LazyLock::force(&BUILT);
}

fn kopilka(subcommand: &str, data: &Path) -> Command {
    let mut command = Command::new(&*BINARY);
    command.arg(subcommand).arg("--manifest").arg(root().join("spin.toml")).arg("--data").arg(data);
    command
}

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of the workspace")
}

/// The program that cargo has built beside this test. `cargo test` builds both; `cargo test --test kills` does not build
/// the program, so that it may be missing, or be of yesterday.
static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("this test's own file");
    let folder = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let binary = folder.join(format!("kopilka{}", std::env::consts::EXE_SUFFIX));
    let built = std::fs::metadata(&binary).and_then(|file| file.modified());
    let built = built.unwrap_or_else(|error| panic!("{} is missing ({error}): run `cargo build` first", binary.display()));
    // Cargo writes beside it what it is made of, unless it does not know, as with a target folder that was carried over.
    let sources = std::fs::read_to_string(folder.join("kopilka.d")).unwrap_or_default();
    for source in sources_in(&sources) {
        let changed = std::fs::metadata(&source).and_then(|file| file.modified());
        // a source that is gone was replaced by a newer one
        assert!(!changed.is_ok_and(|changed| changed > built), "{source} is newer than the program: run `cargo build` first");
    }
    binary
});

/// The files of a rule of a Makefile, `target: file file`, in which a space of a name is escaped.
fn sources_in(rule: &str) -> Vec<String> {
    let (_, files) = rule.split_once(": ").unwrap_or_default();
    files.replace("\\ ", "\0").split_whitespace().map(|file| file.replace('\0', " ")).collect()
}

#[test]
fn sources_are_read_as_cargo_writes_them() {
    assert_eq!(sources_in("/t/kopilka: /a/main.rs /a\\ b/lib.rs\n"), ["/a/main.rs", "/a b/lib.rs"]);
}
