//! `kopilka rules`: a tenant's own rules.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;

/// What rules export, and what a wrapper imports beside that. Its version is the contract's, in `wit/rules.wit`.
const ENGINE: &str = "kopilka:rules/engine@1.0.0";

/// What can be done with rules.
#[derive(Subcommand, Debug)]
pub enum RulesCommand {
    /// Put a wrapper and the engine that it calls into one component, which imports nothing.
    Wrap(WrapArguments),
}

/// What `rules wrap` takes.
#[derive(clap::Args, Debug)]
pub struct WrapArguments {
    /// The component that imports the engine and exports it.
    #[arg(long)]
    wrapper: PathBuf,
    /// The engine: a component that exports it and imports nothing.
    #[arg(long)]
    engine: PathBuf,
    /// Where to write the result, the `source` of `[component.rules]`.
    #[arg(long)]
    output: PathBuf,
}

/// Does it.
pub fn run(command: RulesCommand) -> Result<ExitCode> {
    let RulesCommand::Wrap(arguments) = command;
    let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let wrapped = host::wrap(ENGINE, read(&arguments.wrapper)?, read(&arguments.engine)?)
        .with_context(|| format!("{} can't wrap {}", arguments.wrapper.display(), arguments.engine.display()))?;
    let output = arguments.output.display();
    std::fs::write(&arguments.output, &wrapped).with_context(|| format!("cannot write {output}"))?;
    eprintln!("{output}: {} KB, imports nothing", wrapped.len().div_ceil(1024));
    Ok(ExitCode::SUCCESS)
}
