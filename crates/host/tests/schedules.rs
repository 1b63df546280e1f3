//! A host with a small component of its own: schedules, the virtual clock, grants, the data folder.

use std::path::{Path, PathBuf};

use host::{Advance, AdvanceError, ClockMode, Faults, Host, Options, Timestamp};

/// At six and at noon, and the same component once more at noon.
const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "schedules"
[component.scheduled]
source = "scheduled.wasm"
sqlite_databases = ["default"]
[component.owner]
source = "scheduled.wasm"
sqlite_databases = ["people"]
[[trigger.cron]]
component = "scheduled"
cron_expression = "0 0 6,12 * * *"
"#;

struct Application(tempfile::TempDir);

impl Application {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/components/scheduled.wat");
        std::fs::write(folder.path().join("scheduled.wasm"), wat::parse_file(text).unwrap()).unwrap();
        std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
        Self(folder)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn options(&self, now: &str) -> Options {
        let mut options = Options::new(self.0.path().join("spin.toml"), self.data());
        options.clock = ClockMode::Virtual(Some(at(now)));
        options
    }

    /// The runs that the component has written, after the host has stopped: the time it was given, and what it saw.
    fn runs(&self) -> Vec<(String, String)> {
        let connection = rusqlite::Connection::open(self.data().join("default.db")).unwrap();
        let mut statement = connection.prepare("SELECT at, seen FROM runs ORDER BY rowid").unwrap();
        let time = |seconds: i64| Timestamp::from_second(seconds).unwrap().to_string();
        let runs = statement.query_map([], |row| Ok((time(row.get(0)?), time(row.get(1)?)))).unwrap();
        runs.map(Result::unwrap).collect()
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_on_the_way_happens_at_its_own_time() {
    let application = Application::new();
    let host = Host::start(application.options("2026-03-31T06:00:00Z")).await.unwrap();
    let advance = host.advance("P1D").await.unwrap();
    assert_eq!(advance, Advance { now: at("2026-04-01T06:00:00Z"), runs: 2, failed: 0 });
    assert_eq!(host.clock(), at("2026-04-01T06:00:00Z"));
    assert_eq!(host.statements(), 4);
    assert_eq!((host.statements_of("default"), host.statements_of("people")), (4, 0));
    host.stop().await.unwrap();

    let noon = "2026-03-31T12:00:00Z".to_owned();
    let six = "2026-04-01T06:00:00Z".to_owned();
    assert_eq!(application.runs(), [(noon.clone(), noon), (six.clone(), six)]);
    let journals = std::fs::read_dir(application.data()).unwrap().flatten();
    let journals: Vec<_> = journals.filter(|file| file.file_name().to_string_lossy().ends_with("-wal")).collect();
    assert!(journals.is_empty(), "{journals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_never_goes_back_and_advances_wait_for_each_other() {
    let application = Application::new();
    let host = Host::start(application.options("2026-03-31T00:00:00Z")).await.unwrap();
    let refused = host.advance_to(at("2026-03-30T00:00:00Z")).await.unwrap_err();
    assert!(matches!(refused, AdvanceError::Back { .. }), "{refused}");
    let days = futures::future::join_all((0..5).map(|_| host.advance("P1D"))).await;
    let mut ends: Vec<_> = days.into_iter().map(|day| day.unwrap()).collect();
    ends.sort_by_key(|day| day.now);
    assert!(ends.iter().all(|day| day.runs == 2 && day.failed == 0), "{ends:?}");
    assert_eq!(host.clock(), at("2026-04-05T00:00:00Z"));
    host.stop().await.unwrap();
    assert_eq!(application.runs().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_counted_and_the_next_one_happens() {
    let application = Application::new();
    let host = Host::start(application.options("2026-03-31T00:00:00Z")).await.unwrap();
    host.advance("P1D").await.unwrap();
    host.stop().await.unwrap();
    // The same days once more: their rows are there already.
    let host = Host::start(application.options("2026-03-31T00:00:00Z")).await.unwrap();
    let advance = host.advance("P2D").await.unwrap();
    assert_eq!((advance.runs, advance.failed), (4, 2));
    host.stop().await.unwrap();
    assert_eq!(application.runs().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_clock_is_refused_on_a_public_address() {
    let application = Application::new();
    let mut options = application.options("2026-03-31T00:00:00Z");
    options.listen = "0.0.0.0:0".into();
    let error = Host::start(options).await.err().expect("it must be refused");
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_refused_on_a_public_address() {
    let application = Application::new();
    let mut options = application.options("2026-03-31T00:00:00Z");
    options.clock = ClockMode::Real;
    options.listen = "0.0.0.0:0".into();
    options.faults = Some(Faults::default());
    let error = Host::start(options).await.err().expect("it must be refused");
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_lacks_is_named() {
    let application = Application::new();
    let manifest = application.0.path().join("spin.toml");
    for (change, named) in [
        ("[[trigger.http]]\nroute = \"/...\"\ncomponent = \"scheduled\"\n", "\"scheduled\" has an HTTP trigger"),
        ("[variables]\nkey = { required = true }\n", "SPIN_VARIABLE_KEY"),
        ("[component.scheduled.dependencies]\n\"shop:rules\" = { component = \"owner\" }\n", "\"owner\" imports"),
    ] {
        std::fs::write(&manifest, format!("{MANIFEST}{change}")).unwrap();
        let error = Host::start(application.options("2026-03-31T00:00:00Z")).await.err().expect("it must be refused");
        assert!(format!("{error:#}").contains(named), "{error:#}");
    }
}
