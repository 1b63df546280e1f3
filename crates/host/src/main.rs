//! `kopilka`: the loyalty program on one machine. See `kopilka --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
