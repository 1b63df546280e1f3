//! The command line. What knows the loyalty program is here; the library beside it does not.
//!
//! One file for each subcommand, with an `Arguments` type and a `run`. A command that needs the program running starts
//! it by `shop`, and then speaks to it over HTTP only, by `client`.

mod audit;
mod build;
mod client;
mod keys;
mod rebuild;
mod replay;
mod rules;
mod shop;
mod simulate;
mod tenant;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A loyalty program: its components, served from this machine. Without a command it is `up`.
#[derive(Parser)]
#[command(name = "kopilka", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::UpArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Build what is stale, migrate, serve.
    Up(up::UpArguments),
    /// Build what is stale and compile it, so that the next start takes no time.
    Build(build::BuildArguments),
    /// Feed a retail file through the program, on a virtual clock, and check the books. Without --data in a new folder.
    Replay(replay::ReplayArguments),
    /// Check the books of a data folder.
    Audit(audit::AuditArguments),
    /// Rebuild what the books of a data folder derive from their facts, and name each value that differs.
    Rebuild(rebuild::RebuildArguments),
    /// A tenant's own rules.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Tenants of the application: each a folder with its own manifest, program and stores.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Try a program on the stored orders of a data folder: points, cost, margin, and for whom it would differ.
    Simulate(simulate::SimulateArguments),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match arguments.command.unwrap_or(Command::Up(arguments.up)) {
            Command::Up(arguments) => up::run(arguments).await,
            Command::Build(arguments) => build::run(arguments).await,
            Command::Replay(arguments) => replay::run(arguments).await,
            Command::Audit(arguments) => audit::run(arguments).await,
            Command::Rebuild(arguments) => rebuild::run(arguments).await,
            Command::Rules(command) => rules::run(command),
            Command::Tenant(command) => tenant::run(command),
            Command::Simulate(arguments) => simulate::run(arguments).await,
        }
    });
    // A component that never ends must not keep the process.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
        let bare = CommandLine::parse_from(["kopilka", "--listen", "127.0.0.1:0", "--clock", "virtual"]);
        assert!(bare.command.is_none());
        let named = CommandLine::parse_from(["kopilka", "up", "--variable", "default_country=KZ"]);
        assert!(matches!(named.command, Some(Command::Up(_))));
    }
}
