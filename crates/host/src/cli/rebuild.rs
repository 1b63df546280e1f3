//! `kopilka rebuild --check`: rebuilds what the books derive from their facts, and says where the stored rows differ.
//!
//! As with `audit` no scheduled work happens meanwhile and nothing is written. The audit says that parts of the books
//! contradict each other; this names the row, the column and both values.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::audit::{listed, look_into};
use super::client::Client;
use super::shop::ShopArguments;

/// What `rebuild` takes.
#[derive(clap::Args, Debug)]
pub struct RebuildArguments {
    /// Compare only. Needed: nothing is written back yet.
    #[arg(long, required = true)]
    check: bool,
    #[command(flatten)]
    shop: ShopArguments,
}

/// Compares, and says what differs.
pub async fn run(arguments: RebuildArguments) -> Result<ExitCode> {
    let found = look_into(&arguments.shop, ask).await?;
    let (Some(ok), Some(checked), Some(total), Some(differences)) =
        (found["ok"].as_bool(), found["checked"].as_object(), found["total"].as_u64(), found["differences"].as_array())
    else {
        bail!("a comparison without a result: {found}")
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "Checked: {}", listed(checked))?;
    for difference in differences {
        writeln!(out, "{}", told(difference))?;
    }
    match (ok, total) {
        (true, 0) => writeln!(out, "The rebuilt projections are identical")?,
        (_, total) => writeln!(out, "A rebuild would change {total} values, of which {} are named", differences.len())?,
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(client: &Client) -> Result<Value> {
    client.get("/v1/rebuild").await?.success().context("the projections cannot be compared")
}

/// A difference in a line: its row, its column, and both values.
fn told(difference: &Value) -> String {
    let word = |field: &str| difference[field].as_str().unwrap_or("nothing");
    let line = difference["line"].as_i64().map(|line| format!(" line {line}")).unwrap_or_default();
    let place = format!("{} {}{line}, {}", word("table"), word("id"), word("column"));
    format!("Difference: {place}: stored {}, rebuilt {}", word("stored"), word("rebuilt"))
}
