//! `kopilka audit`: checks the books of a data folder.
//!
//! The program runs for that on a clock that stands still at the machine's time: no scheduled work happens meanwhile.
//! Nothing is migrated or published, and a folder without a shop is left as it is.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use host::{ClockMode, DatabasePlace, RuntimeConfig};
use serde_json::{Map, Value};

use super::client::Client;
use super::shop::{Shop, ShopArguments};

/// The database that holds the books, by its label in the manifest.
const BOOKS: &str = "default";

/// What `audit` takes.
#[derive(clap::Args, Debug)]
pub struct AuditArguments {
    #[command(flatten)]
    shop: ShopArguments,
}

/// What the audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    pub ok: bool,
    /// How much it looked at.
    pub checked: Map<String, Value>,
    findings: Vec<Value>,
}

/// Audits, and says what it found.
pub async fn run(arguments: AuditArguments) -> Result<ExitCode> {
    let audit = look_into(&arguments.shop, Audit::of).await?;
    audit.print()?;
    Ok(if audit.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the program on the books that are there, asks it something, and stops it.
pub async fn look_into<T>(arguments: &ShopArguments, ask: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
    let books = books(arguments)?;
    // An empty file is what is left of a start that did not come to its first migration.
    if let DatabasePlace::File(file) = &books
        && std::fs::metadata(file).map_or(0, |file| file.len()) == 0
    {
        bail!("there is no shop to check: {books} is missing or empty (--data names another folder)");
    }
    let shop = Shop::start(arguments, None, ClockMode::Virtual(None)).await?;
    let asked = ask(&shop.client).await;
    shop.host.stop().await?;
    println!("The books in {books}");
    asked
}

/// The books, wherever the arguments put them.
fn books(arguments: &ShopArguments) -> Result<DatabasePlace> {
    let elsewhere = match &arguments.runtime_config {
        Some(file) => RuntimeConfig::load(file)?.sqlite_databases.remove(BOOKS),
        None => None,
    };
    elsewhere.map_or_else(|| Ok(DatabasePlace::File(arguments.data()?.join(format!("{BOOKS}.db")))), Ok)
}

impl Audit {
    /// Has the program check its books.
    pub async fn of(client: &Client) -> Result<Self> {
        let answer = client.get("/v1/audit").await?.success().context("the books cannot be audited")?;
        let parts = (answer["ok"].as_bool(), answer["checked"].as_object(), answer["findings"].as_array());
        let (Some(ok), Some(checked), Some(findings)) = parts else { bail!("an audit without a result: {answer}") };
        Ok(Self { ok, checked: checked.clone(), findings: findings.clone() })
    }

    /// How many of something it looked at.
    pub fn counted(&self, what: &str) -> Option<u64> {
        self.checked.get(what)?.as_u64()
    }

    /// Prints what was checked and what was found.
    pub fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "Checked: {}", listed(&self.checked))?;
        for finding in &self.findings {
            writeln!(out, "Finding: {}, id {}", finding["finding"].as_str().unwrap_or_default(), finding["id"])?;
        }
        match self.findings.len() {
            0 if self.ok => writeln!(out, "The books agree")?,
            findings => writeln!(out, "The books do not agree: {findings} findings")?,
        }
        Ok(())
    }
}

/// What was looked at, in a line.
pub fn listed(checked: &Map<String, Value>) -> String {
    let counts: Vec<_> = checked.iter().map(|(what, count)| format!("{what} {count}")).collect();
    counts.join(", ")
}
