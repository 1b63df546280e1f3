//! The program, started from the command line: its keys, its host, its first steps.
//!
//! Every command that needs the program running starts it with this, and then speaks to it by its `client`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use host::{ClockMode, Collector, Host, Manifest, Options};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::keys;

/// A migration that has not ended after so many runs never will.
const MIGRATION_RUNS: usize = 100;

/// Where the program answers that a command starts for itself.
const OWN_ADDRESS: &str = "127.0.0.1:0";

/// The variable that says which requests leave a line in the log.
const LOG: &str = "request_log";

/// What the program is started with, the same for every command.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ShopArguments {
    /// The application [default: spin.toml here or in a folder above].
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// The data folder [default: .kopilka beside the application].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the data lies, as Spin's file of that name says it [default: in the data folder].
    #[arg(long, value_name = "FILE")]
    pub runtime_config: Option<PathBuf>,
    /// The first key of the shop [default: one that is made once and kept in the data folder].
    #[arg(long, value_name = "KEY")]
    pub admin_key: Option<String>,
    /// Makes the program's random numbers repeatable.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// A variable of the application.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = read_variable)]
    pub variables: Vec<(String, String)>,
}

fn read_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl ShopArguments {
    /// The application's manifest.
    pub fn manifest(&self) -> Result<PathBuf> {
        if let Some(manifest) = &self.manifest {
            return Ok(manifest.clone());
        }
        let here = std::env::current_dir()?;
        let found = here.ancestors().map(|folder| folder.join("spin.toml")).find(|file| file.is_file());
        found.with_context(|| format!("there is no spin.toml in {} or above it: give one with --manifest", here.display()))
    }

    /// The program that a shop without one starts with, if the file is there.
    pub fn first_program(&self) -> Result<PathBuf> {
        Ok(std::path::absolute(self.manifest()?)?.with_file_name("program.json"))
    }

    /// The data folder.
    pub fn data(&self) -> Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let manifest = std::path::absolute(self.manifest()?)?;
        Ok(manifest.parent().unwrap_or(Path::new(".")).join(".kopilka"))
    }
}

/// The running program.
pub struct Shop {
    /// What runs it.
    pub host: Host,
    /// Speaks to it with every right.
    pub client: Client,
    /// The key that the client uses.
    pub admin_key: String,
}

impl Shop {
    /// Starts the program and brings its stores up to date.
    pub async fn open(arguments: &ShopArguments, listen: Option<&str>, clock: ClockMode) -> Result<Self> {
        let shop = Self::start(arguments, listen, clock).await?;
        match shop.migrate().await {
            Ok(()) => Ok(shop),
            Err(error) => {
                // The reason is worth more than a failure to stop.
                let _ = shop.host.stop().await;
                Err(error)
            }
        }
    }

    /// Starts the program; its stores stay as they are. Without an address it is for this command alone, whose requests leave
    /// no line in the log unless they fail.
    pub async fn start(arguments: &ShopArguments, listen: Option<&str>, clock: ClockMode) -> Result<Self> {
        let (manifest, data) = (arguments.manifest()?, arguments.data()?);
        let declared = Manifest::load(&manifest)?.variables;
        let mut variables: BTreeMap<String, String> = arguments.variables.iter().cloned().collect();
        variables.extend(arguments.admin_key.clone().map(|key| ("admin_key".to_owned(), key)));
        let mut secret = |name: &str, make: fn() -> String| -> Result<String> {
            let environment = || std::env::var(host::environment_name(name)).ok();
            let given = variables.get(name).cloned().or_else(environment);
            let secret = given.map_or_else(|| keys::kept(&data, name, make), Ok)?;
            if declared.contains_key(name) {
                variables.insert(name.to_owned(), secret.clone());
            }
            Ok(secret)
        };
        let admin_key = secret("admin_key", || format!("local-{}", keys::random_hex(16)))?;
        secret("people_key", || keys::random_hex(32))?;
        let logs = std::env::var_os(host::environment_name(LOG)).is_some();
        if listen.is_none() && !logs && declared.contains_key(LOG) {
            variables.entry(LOG.to_owned()).or_insert_with(|| "errors".to_owned());
        }

        let host = Host::start(Options {
            runtime_config: arguments.runtime_config.clone(),
            listen: listen.unwrap_or(OWN_ADDRESS).to_owned(),
            clock,
            seed: arguments.seed,
            variables,
            collector: if listen.is_some() { Collector::of_environment() } else { None },
            ..Options::new(manifest, data)
        })
        .await?;
        Ok(Self { client: Client::new(host.url(), &admin_key), host, admin_key })
    }

    async fn migrate(&self) -> Result<()> {
        for _ in 0..MIGRATION_RUNS {
            let run = self.client.post("/v1/jobs/migrate/runs", &json!({})).await?;
            let run = run.success().context("the stores cannot be migrated")?;
            if run["remaining"].as_u64().unwrap_or(0) == 0 {
                return Ok(());
            }
        }
        bail!("the stores are still not migrated after {MIGRATION_RUNS} runs")
    }

    /// Publishes the program of the file or, where there is none, a ready-made one, if the shop has none yet.
    pub async fn publish_first(&self, file: &Path, preset: &str) -> Result<()> {
        let program = self.client.get("/v1/program").await?;
        if program.status != StatusCode::NOT_FOUND {
            return program.success().map(drop).context("the program cannot be read");
        }
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let published = self.publish(&self.preset(preset).await?, &format!("publish-{preset}")).await;
                return published.with_context(|| format!("the preset {preset} cannot be published"));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let refused = || format!("{} cannot be published", file.display());
        let document = serde_json::from_str(&text).context("it is no JSON").with_context(refused)?;
        // A file that was changed after a try is another program.
        let hash: String = Sha256::digest(&text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.publish(&document, &format!("publish-{hash}")).await.with_context(refused)
    }

    /// The document of a ready-made program.
    pub async fn preset(&self, name: &str) -> Result<Value> {
        let found = self.client.get(&format!("/v1/program/presets/{name}")).await?;
        let mut found = found.success().with_context(|| format!("there is no preset {name}"))?;
        ensure!(found["document"].is_object(), "the preset {name} has no document");
        Ok(found["document"].take())
    }

    /// Publishes a program.
    pub async fn publish(&self, document: &Value, idempotency_key: &str) -> Result<()> {
        let published = self.client.send(Method::PUT, "/v1/program", Some(document), Some(idempotency_key)).await?;
        published.success().map(drop)
    }
}
