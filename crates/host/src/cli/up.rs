//! `kopilka up`: the program on this machine, ready to use.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;
use host::{ClockMode, Timestamp};
use tokio::signal::unix::{SignalKind, signal};

use super::shop::{Shop, ShopArguments};

/// The program that a shop without one starts with, unless there is another one beside its manifest.
const FIRST_PROGRAM: &str = "gw-tools";

/// What `up` takes.
#[derive(clap::Args, Debug)]
pub struct UpArguments {
    /// The address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: String,
    #[command(flatten)]
    shop: ShopArguments,
    /// Which time the program sees; the virtual one is moved by POST /_host/clock.
    #[arg(long, default_value = "real")]
    clock: ClockName,
    /// Where the virtual clock starts [default: now].
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum ClockName {
    Real,
    Virtual,
}

/// Serves until it is told to stop.
pub async fn run(arguments: UpArguments) -> Result<ExitCode> {
    let clock = match (arguments.clock, arguments.now) {
        (ClockName::Real, None) => ClockMode::Real,
        (ClockName::Real, Some(_)) => bail!("--now needs --clock virtual"),
        (ClockName::Virtual, start) => ClockMode::Virtual(start),
    };
    let program = arguments.shop.first_program()?;
    let shop = Shop::open(&arguments.shop, Some(&arguments.listen), clock).await?;
    // Before anyone can learn that it is ready, and stop it.
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let ready = match shop.publish_first(&program, FIRST_PROGRAM).await {
        Ok(()) => greet(&shop, clock),
        refused => refused,
    };
    if ready.is_ok() {
        tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
        eprintln!("Stopping");
    }
    let stopped = shop.host.stop().await;
    ready.and(stopped).map(|()| ExitCode::SUCCESS)
}

/// Says where the program is, how to try it, and that it is ready.
fn greet(shop: &Shop, clock: ClockMode) -> Result<()> {
    let url = shop.host.url();
    // A key from the environment stays there: what is printed ends up in logs.
    let kept_secret = std::env::var(host::environment_name("admin_key")).is_ok_and(|key| key == shop.admin_key);
    let admin_key = if kept_secret { format!("${}", host::environment_name("admin_key")) } else { shop.admin_key.clone() };
    // By the machine's clock the shell says when; the virtual one stands still.
    let now = match clock {
        ClockMode::Real => "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'".to_owned(),
        ClockMode::Virtual(_) => shop.host.clock().to_string(),
    };
    let curl = |path: &str, key: &str, body: &str| {
        format!(
            "curl -sS {url}{path} -H \"Authorization: Bearer {admin_key}\"{key} -H 'Content-Type: application/json' -d '{body}'"
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
