//! `kopilka up`: the program on this machine, ready to use.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use host::{ClockMode, Host, Manifest, Options, Timestamp};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::client::Client;
use super::keys;
use super::place::Place;

/// The program that a shop without one starts with.
const FIRST_PROGRAM: &str = "gw-tools";
/// A migration that has not ended after so many runs never will.
const MIGRATION_RUNS: usize = 100;

/// What `up` takes.
#[derive(clap::Args, Debug)]
pub struct UpArguments {
    /// The address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: String,
    #[command(flatten)]
    place: Place,
    /// Where the data lies, as Spin's file of that name says it [default: in the data folder].
    #[arg(long, value_name = "FILE")]
    runtime_config: Option<PathBuf>,
    /// The first key of the shop [default: one that is made once and kept in the data folder].
    #[arg(long, value_name = "KEY")]
    admin_key: Option<String>,
    /// Which time the program sees; the virtual one is moved by POST /_host/clock.
    #[arg(long, default_value = "real")]
    clock: ClockName,
    /// Where the virtual clock starts [default: now].
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Makes the program's random numbers repeatable.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A variable of the application.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = read_variable)]
    variables: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum ClockName {
    Real,
    Virtual,
}

fn read_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Serves until it is told to stop.
pub async fn run(arguments: UpArguments) -> Result<ExitCode> {
    let clock = match (arguments.clock, arguments.now) {
        (ClockName::Real, None) => ClockMode::Real,
        (ClockName::Real, Some(_)) => bail!("--now needs --clock virtual"),
        (ClockName::Virtual, start) => ClockMode::Virtual(start),
    };
    let (manifest, data) = (arguments.place.manifest()?, arguments.place.data()?);
    let mut variables: BTreeMap<String, String> = arguments.variables.into_iter().collect();
    variables.extend(arguments.admin_key.map(|key| ("admin_key".to_owned(), key)));
    let declared = Manifest::load(&manifest)?.variables;
    let mut secret = |name: &str, make: fn() -> String| -> Result<String> {
        let given = variables.get(name).cloned().or_else(|| std::env::var(environment_name(name)).ok());
        let secret = given.map_or_else(|| keys::kept(&data, name, make), Ok)?;
        if declared.contains_key(name) {
            variables.insert(name.to_owned(), secret.clone());
        }
        Ok(secret)
    };
    let admin_key = secret("admin_key", || format!("local-{}", keys::random_hex(16)))?;
    secret("people_key", || keys::random_hex(32))?;

    let host = Host::start(Options {
        runtime_config: arguments.runtime_config,
        listen: arguments.listen,
        clock,
        seed: arguments.seed,
        variables,
        ..Options::new(manifest, data)
    })
    .await?;
    // Before anyone can learn that it is ready, and stop it.
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async {
        tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
    };
    tokio::pin!(stopped);
    let client = Client::new(host.url(), &admin_key);
    let opened = tokio::select! {
        opened = open_shop(&client) => opened,
        () = &mut stopped => return host.stop().await.map(|()| ExitCode::SUCCESS),
    };
    if let Err(error) = opened {
        // The reason is worth more than a failure to stop.
        let _ = host.stop().await;
        return Err(error);
    }
    greet(&host, &admin_key, clock)?;
    stopped.await;
    eprintln!("Stopping");
    host.stop().await?;
    Ok(ExitCode::SUCCESS)
}

fn environment_name(variable: &str) -> String {
    format!("SPIN_VARIABLE_{}", variable.to_ascii_uppercase())
}

/// Brings the stores up to date, and gives a shop without a program its first one.
async fn open_shop(client: &Client) -> Result<()> {
    for _ in 0..MIGRATION_RUNS {
        let run = client.post("/v1/jobs/migrate/runs", &json!({})).await?;
        let run = run.success().context("the stores cannot be migrated")?;
        if run["remaining"].as_u64().unwrap_or(0) == 0 {
            return publish_first_program(client).await;
        }
    }
    bail!("the stores are still not migrated after {MIGRATION_RUNS} runs")
}

async fn publish_first_program(client: &Client) -> Result<()> {
    let program = client.get("/v1/program").await?;
    if program.status != StatusCode::NOT_FOUND {
        return program.success().map(drop).context("the program cannot be read");
    }
    let preset = client.get(&format!("/v1/program/presets/{FIRST_PROGRAM}")).await?;
    let preset = preset.success().with_context(|| format!("there is no preset {FIRST_PROGRAM}"))?;
    ensure!(preset["document"].is_object(), "the preset {FIRST_PROGRAM} has no document");
    let key = format!("publish-{FIRST_PROGRAM}");
    let published = client.send(Method::PUT, "/v1/program", Some(&preset["document"]), Some(&key)).await?;
    published.success().with_context(|| format!("the preset {FIRST_PROGRAM} cannot be published"))?;
    Ok(())
}

/// Says where the program is, how to try it, and that it is ready.
fn greet(host: &Host, admin_key: &str, clock: ClockMode) -> Result<()> {
    let url = host.url();
    // By the machine's clock the shell says when; the virtual one stands still.
    let now = match clock {
        ClockMode::Real => "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'".to_owned(),
        ClockMode::Virtual(_) => host.clock().to_string(),
    };
    let curl = |path: &str, key: &str, body: &str| {
        format!(
            "curl -sS {url}{path} -H 'Authorization: Bearer {admin_key}'{key} -H 'Content-Type: application/json' -d '{body}'"
        )
    };
    let order = |id: &str, more: &str| {
        format!(
            r#"{{"id":"{id}",{more}"occurred_at":"{now}","channel":"web","currency":"RUB","lines":[{{"id":"1","sku":"drill","name":"Drill","quantity":1,"price":"4990.00"}}]}}"#
        )
    };
    let member = r#"{"phone":"+79000000001"}"#;
    let enrol = curl(
        "/v1/members",
        " -H 'Idempotency-Key: enrol-anna'",
        r#"{"phone":"+79000000001","first_name":"Anna","channel":"web"}"#,
    );
    let quote = curl("/v1/quotes", "", &format!(r#"{{"member":{member},"order":{}}}"#, order("cart-1", "")));
    let record = curl(
        "/v1/orders",
        r#" -H "Idempotency-Key: order-$(date +%s)""#,
        &order("order-'$(date +%s)'", &format!(r#""member":{member},"#)),
    );
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Kopilka at {url}\nKey: {admin_key}\n\nEnrol a member:\n{enrol}\n\nWhat would a cart earn?\n{quote}\n\nRecord an order:\n{record}\n"
    )?;
    writeln!(out, "ready {url}")?;
    out.flush()?;
    Ok(())
}
