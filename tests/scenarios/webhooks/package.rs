//! The official Python package of Standard Webhooks verifies what we sign.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tests::Shop;

use super::{LOOPBACK, sends, text};

/// A receiver in a process of its own.
struct Official {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: String,
}

impl Official {
    /// None where Python or the package can't be had: a line then says so.
    fn start() -> Option<Self> {
        let python = match installed() {
            Ok(python) => python,
            Err(why) => {
                // past the test's captured output
                let _ = writeln!(std::io::stderr(), "skipped: verification by the package standardwebhooks, because {why}");
                return None;
            }
        };
        let receiver = Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks/receiver.py");
        let mut process = Command::new(python)
            .arg(receiver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python was there a moment ago");
        let input = process.stdin.take().expect("it has an input");
        let output = BufReader::new(process.stdout.take().expect("it has an output"));
        let mut official = Self { process, input, output, port: String::new() };
        official.port = official.line();
        Some(official)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it tells");
        line.trim().to_owned()
    }

    /// What it made of the next request.
    fn outcome(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }
}

impl Drop for Official {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python of an environment with the package, made in the target folder where it is not there yet.
fn installed() -> Result<PathBuf, String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = tests.parent().ok_or("the workspace isn't there")?.join("target");
    let environment = target.join("standardwebhooks");
    let python = environment.join("bin/python");
    let has_it =
        || Command::new(&python).args(["-c", "import standardwebhooks"]).output().is_ok_and(|done| done.status.success());
    if has_it() {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or_default().to_owned()),
        Err(error) => Err(format!("{}: {error}", command.get_program().display())),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let requirements = tests.join("webhooks/requirements.txt");
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(requirements))?;
    Ok(python)
}

#[tokio::test]
async fn the_official_package_verifies_our_signatures() {
    let Some(mut official) = Official::start() else { return };
    // the package takes nothing that is older or newer than five minutes
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).expect("a second").to_string();
    let shop = Shop::with_settings_at("fixed", &[LOOPBACK], &now).await;
    let url = format!("http://127.0.0.1:{}/", official.port);
    let made = shop.post("/v1/webhooks", &json!({"url": url, "recipient": true})).await.expect(201);
    writeln!(official.input, "{}", text(&made["secret"])).expect("it listens");
    let body = json!({"phone": "+79000000001", "first_name": "Анна", "channel": "site"});
    shop.post("/v1/members", &body).await.expect(201);
    sends(&shop).await;
    let outcome = official.outcome();
    assert_eq!((&outcome["type"], &outcome["refused"]), (&json!("member.enrolled"), &Value::Null));
    assert_eq!(shop.get("/v1/messages?status=delivered").await.expect(200)["items"][0]["id"], outcome["id"]);

    // it knows the old secret only: for a day that is enough, and then no more
    shop.post(&format!("/v1/webhooks/{}/rotations", text(&made["id"])), &json!({})).await.expect(201);
    shop.enrol("+7 900 000-00-02").await;
    sends(&shop).await;
    assert_eq!(official.outcome()["refused"], Value::Null);
    shop.minutes_pass(24 * 60).await;
    shop.enrol("+7 900 000-00-03").await;
    sends(&shop).await;
    assert!(official.outcome()["refused"].is_string(), "its time is another one, and its secret is over");
}
