//! Runs a Spin application in one process: the same `spin.toml` and the same components that Spin runs, on wasmtime.
//!
//! It knows nothing about any particular application. What it does beyond serving is what trials need: a clock that
//! only moves when it is told to and runs everything scheduled on the way, repeatable randomness, a count of the
//! statements that components send, faults of the stores, and many applications in one process.
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use host::{ClockMode, Host, Options};
//!
//! let mut options = Options::new("spin.toml", "data");
//! options.clock = ClockMode::Virtual(Some("2026-03-31T12:00:00Z".parse()?));
//! options.variables.insert("admin_key".into(), "secret".into());
//! let host = Host::start(options).await?;
//! println!("{} at {}", host.url(), host.clock());
//! let advance = host.advance("P14D").await?;
//! println!("{} runs, {} failed, {} statements", advance.runs, advance.failed, host.statements());
//! host.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each file is one subject: what is read (`manifest`, `runtime_config`), how components come to be (`builder`,
//! `compose`, `artifact`), the interfaces they import (`sqlite`, `key_value`, `variables`, with `database`, `file`, `reuse`, `words`, `hosted`,
//! `faults`, `clock`, `random` and `output` behind them), the triggers (`server` with `routes` and `instances`; `cron`), the ways out
//! (`outbound`, `chaining`), what an instance may take (`limits`), what is told of all of it to a collector (`telemetry`), and `host`, which joins them.

mod artifact;
mod bindings;
mod builder;
mod chaining;
mod clock;
mod clock_endpoint;
mod compose;
mod cron;
mod database;
mod engine;
mod faults;
mod file;
mod host;
mod hosted;
mod instances;
mod key_value;
mod limits;
mod manifest;
mod outbound;
mod output;
mod problem;
mod random;
mod reuse;
mod routes;
mod runtime_config;
mod section;
mod server;
mod sqlite;
mod state;
mod telemetry;
mod variables;
mod words;

/// What everything here answers with.
pub use anyhow::Result;
pub use builder::run as run_build_command;
pub use clock::ClockMode;
pub use compose::wrap;
pub use cron::{Advance, AdvanceError};
pub use faults::{Condition, FaultCounts, Faults, Injector};
pub use host::{Host, Options, build};
pub use hosted::client as libsql_client;
/// The times that the host speaks of.
pub use jiff::Timestamp;
pub use manifest::{Build, Component, CronTrigger, HttpTrigger, Manifest, Variable};
pub use runtime_config::{DatabasePlace, RuntimeConfig};
pub use telemetry::Collector;
pub use variables::{Template, environment_name};
