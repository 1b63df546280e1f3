//! `kopilka simulate --program FILE`: the stored orders of a data folder under another program.
//!
//! As with `audit` no scheduled work happens meanwhile and nothing is written. The program answers batch by batch; what the
//! answers say is summed up here, which gives exactly what one answer about everything would say.

mod sums;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use self::sums::Sums;
use super::audit::look_into;
use super::client::Client;
use super::shop::ShopArguments;

/// Orders of a batch: some seconds at most, so that the bar moves.
const BATCH: u32 = 1_000;

/// How many of the largest differences are explained.
const EXPLAINED: usize = 5;

/// What `simulate` takes.
#[derive(clap::Args, Debug)]
pub struct SimulateArguments {
    /// The program document to try (JSON).
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The first day, or a moment [default: the first order's].
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day, which belongs to the period, or a moment, which does not [default: the last order's].
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    #[command(flatten)]
    shop: ShopArguments,
}

/// Simulates, and prints what would be different.
pub async fn run(arguments: SimulateArguments) -> Result<ExitCode> {
    let file = arguments.program.display();
    let document = std::fs::read_to_string(&arguments.program).with_context(|| format!("cannot read {file}"))?;
    let document: Value = serde_json::from_str(&document).with_context(|| format!("{file} is no JSON"))?;
    let mut body = json!({"document": document, "limit": BATCH});
    for (end, given) in [("from", &arguments.from), ("to", &arguments.to)] {
        if let Some(given) = given {
            body[end] = given.as_str().into();
        }
    }
    let (sums, time) = look_into(&arguments.shop, async |client| simulate(client, body).await).await?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", sums.table(EXPLAINED))?;
    let seconds = time.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = sums.orders as f64 / seconds;
    writeln!(out, "Time: {seconds:.1} s, {rate:.0} orders a second{}", memory())?;
    Ok(ExitCode::SUCCESS)
}

/// Asks batch after batch.
async fn simulate(client: &Client, mut body: Value) -> Result<(Sums, Duration)> {
    let started = Instant::now();
    let mut sums = Sums::default();
    let style = ProgressStyle::with_template("Simulating {wide_bar} {pos}/{len} orders, {per_sec}, {eta} left")?;
    let bar = ProgressBar::no_length().with_style(style);
    loop {
        let batch = client.post("/v1/simulations", &body).await?.success()?;
        sums.add(&batch)?;
        bar.set_length(batch["total_orders"].as_u64().unwrap_or_default());
        bar.set_position(sums.orders);
        let next = &batch["next_cursor"];
        if next.is_null() {
            bar.finish_and_clear();
            return Ok((sums, started.elapsed()));
        }
        ensure!(body["cursor"] != *next, "the program does not get on");
        body["cursor"] = next.clone();
    }
}

/// The most memory that the process had, where the system says it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    peak.map_or_else(String::new, |peak| format!(", at most {} MiB of memory", peak / 1024))
}
