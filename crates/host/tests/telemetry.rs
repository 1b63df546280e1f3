//! What `kopilka up` tells the outside while it runs: lines of the log on stderr, and traces and metrics where the environment
//! names a collector.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A collector that keeps the paths of what it is sent.
fn collector() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let paths = Arc::new(Mutex::new(Vec::new()));
    let keeping = paths.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("the same stream"));
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                head.push_str(&std::mem::take(&mut line).to_ascii_lowercase());
            }
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
            let mut body = vec![0; length.expect("a length")];
            reader.read_exact(&mut body).expect("a whole body");
            keeping.lock().unwrap().push(head.split(' ').nth(1).expect("a path").to_owned());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").expect("an answer");
        }
    });
    (url, paths)
}

/// Starts the program with this environment, waits until it is ready, and tells it to stop. Returns its stderr.
fn up_and_down(data: &Path, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kopilka"));
    command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.args(["--manifest", concat!(env!("CARGO_MANIFEST_DIR"), "/../../spin.toml")]);
    for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines().map_while(Result::ok);
    let ready = lines.any(|line| line.starts_with("ready "));
    stop(&child);
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(ready && output.status.success(), "{said}");
    said
}

fn stop(child: &Child) {
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(stopped.expect("kill runs").success());
}

#[test]
fn the_log_is_lines_of_json_and_a_collector_hears_what_the_environment_wants_it_to() {
    let folder = TempDir::new().expect("a folder for data");
    let (url, paths) = collector();
    let said = up_and_down(folder.path(), &[]);
    let lines = said.lines().filter(|line| line.starts_with('{'));
    let routes: Vec<String> = lines
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"))
        .map(|line| line["route"].as_str().expect("a route").to_owned())
        .collect();
    assert!(routes.iter().any(|route| route == "/v1/jobs/{name}/runs"), "{said}");
    assert!(paths.lock().unwrap().is_empty(), "nothing is sent that nobody asked for");

    up_and_down(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("SPIN_VARIABLE_REQUEST_LOG", "off")]);
    let sent = std::mem::take(&mut *paths.lock().unwrap());
    assert!(["/v1/traces", "/v1/metrics"].iter().all(|path| sent.iter().any(|sent| sent == path)), "{sent:?}");

    let traces = format!("{url}/elsewhere");
    let said =
        up_and_down(folder.path(), &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &traces), ("SPIN_VARIABLE_REQUEST_LOG", "off")]);
    let sent = std::mem::take(&mut *paths.lock().unwrap());
    assert!(!sent.is_empty() && sent.iter().all(|sent| sent == "/elsewhere"), "{sent:?}");
    assert!(!said.contains('{'), "{said}");
}

#[test]
fn a_way_to_send_that_is_not_spoken_is_named() {
    let folder = TempDir::new().expect("a folder for data");
    let output = Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .args(["up", "--listen", "127.0.0.1:0", "--manifest", concat!(env!("CARGO_MANIFEST_DIR"), "/../../spin.toml"), "--data"])
        .arg(folder.path())
        .envs([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), "{said}");
}
