//! `kopilka replay FILE`: a real shop's invoices through the program's endpoints, on a virtual clock that follows them.
//!
//! The file is UCI Online Retail, as csv or gzipped: one row for each line of an invoice. What becomes of it:
//!
//! - An invoice is an order of its customer, who is enrolled on first sight; without a customer it is an anonymous order.
//!   Prices are rounded to pence. A line of 0.00 stays as long as another line of the invoice has a price.
//! - A credit note (its number begins with C) names no invoice: each of its lines returns what the customer bought of that
//!   article, the most recent purchase first. What belongs to no purchase is counted, with the reason.
//! - Stock codes that are no goods: POST, DOT and C2 are carriage, so the `delivery` of their order. Bank charges, the fees
//!   of marketplaces, commissions (CRUK), discounts (D), samples (S) and bad debt (B) earn nobody anything: they are skipped.
//!   Everything else is goods: M, typed by hand at the till, PADS and gift vouchers too. Credit notes return goods only.
//! - Rows with a quantity below 0 that are on no credit note correct the stock: they are skipped, and so are invoices that
//!   are worth nothing, those with delivery only, and adjustments of bad debt.
//!
//! A quarter of the members' orders, the same in every run, are paid with as many points as the program allows.
//!
//! Everything that the answers say about points is summed up for each member, and must agree with the balances and the
//! audit at the end: the exit status is 1 when it does not, and when anything was refused.

mod books;
mod drive;
mod matching;
mod plan;
mod report;
mod retail;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use host::ClockMode;
use indicatif::{ProgressBar, ProgressStyle};
use rust_decimal::Decimal;

use self::books::amount;
use self::drive::{Driver, Tally, Trouble};
use self::plan::Plan;
use self::report::Report;
use super::audit::Audit;
use super::keys;
use super::shop::{Shop, ShopArguments};

/// What the shop sells in.
const CURRENCY: &str = "GBP";

/// What `replay` takes.
#[derive(clap::Args, Debug)]
pub struct ReplayArguments {
    /// The retail file: csv, or csv.gz.
    file: PathBuf,
    /// The ready-made program that the shop runs, in pounds and London's time.
    #[arg(long, value_name = "NAME", default_value = "gw-tools")]
    preset: String,
    /// Stops after so many invoices and credit notes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    shop: ShopArguments,
}

/// Replays, and says what happened.
pub async fn run(mut arguments: ReplayArguments) -> Result<ExitCode> {
    let (file, limit) = (arguments.file.clone(), arguments.limit);
    let read = move || retail::read(&file, limit.map(|limit| limit as usize)).map(Plan::new);
    let plan = tokio::task::spawn_blocking(read).await??;
    let Some(first) = plan.steps.first() else { bail!("{} has no order", arguments.file.display()) };
    if arguments.shop.data.is_none() {
        // The shop's own data is never touched.
        arguments.shop.data = Some(arguments.shop.data()?.join(format!("replay-{}", keys::random_hex(4))));
    }
    eprintln!("The books of this replay: {}", arguments.shop.data()?.display());
    let shop = Shop::open(&arguments.shop, None, ClockMode::Virtual(Some(first.at))).await?;
    let replayed = replay(&shop, &arguments.preset, &plan).await;
    shop.host.stop().await?;
    replayed
}

async fn replay(shop: &Shop, preset: &str, plan: &Plan) -> Result<ExitCode> {
    let before = Audit::of(&shop.client).await?;
    if let (Some(members), Some(orders)) = (before.counted("accounts"), before.counted("orders"))
        && members + orders > 0
    {
        bail!(
            "the data folder holds a shop already, with {members} members and {orders} orders: a replay needs a folder of its own"
        );
    }
    let conversion_rate = publish(shop, preset).await?;
    let bar = ProgressBar::new(plan.steps.len() as u64)
        .with_style(ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len}, {per_sec}, {eta} left")?);
    let played = Driver::new(shop, CURRENCY).play(&plan.steps, &bar).await;
    bar.finish_and_clear();
    let mut tally = played?;
    let audit = Audit::of(&shop.client).await?;
    compare(&audit, &mut tally);

    let report = Report { plan, tally: &tally, currency: CURRENCY, conversion_rate };
    let mut out = std::io::stdout();
    writeln!(out, "{}", report.table())?;
    let Trouble { count, words } = &tally.trouble;
    for words in words {
        writeln!(out, "Unexpected: {words}")?;
    }
    if *count > 0 {
        writeln!(out, "Unexpected in all: {count}")?;
    }
    audit.print()?;
    Ok(if audit.ok && *count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Publishes a ready-made program, in the shop's money and time. Returns what a point is worth.
async fn publish(shop: &Shop, preset: &str) -> Result<Decimal> {
    let mut document = shop.preset(preset).await?;
    document["currency"] = CURRENCY.into();
    document["time_zone"] = retail::TIME_ZONE.into();
    let published = shop.publish(&document, &format!("publish-{preset}-{CURRENCY}")).await;
    published.with_context(|| format!("the preset {preset} cannot be published"))?;
    amount(&document, "/points/conversion_rate").context("the program does not say what a point is worth")
}

/// The audit must have seen as many members and orders as there were answers.
fn compare(audit: &Audit, tally: &mut Tally) {
    for (what, answered) in [("accounts", tally.members), ("orders", tally.orders()), ("redemptions", tally.redemptions)] {
        if audit.counted(what) != Some(answered) {
            let counted = audit.counted(what).map_or("no".to_owned(), |counted| counted.to_string());
            tally.trouble.add(format!("the books have {counted} {what}, the answers said {answered}"));
        }
    }
}
