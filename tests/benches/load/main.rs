//! The load harness: what the application costs and bears, each figure beside a floor that was measured in the same run.
//!
//! `cargo bench --bench load` at the workspace root, or only some sections: `cargo bench --bench load -- floors day`. They are
//! `floors` (calls beside the same SQL natively and a component that does nothing), `day` (a mixed day at rising rates), `flat`
//! (the same order among more members), `hosted` (libSQL servers at some distance), `soak` (an hour) and `start`.
//!
//! The report is written to `target/load/report.md`, or to the folder that `LOAD_REPORT` names (relative to this crate). How long each
//! row is measured and warms up, in seconds: `LOAD_SECONDS` (8), `LOAD_WARM_UP` (3); how many members there are: `LOAD_MEMBERS`
//! (`1000,10000,100000,1000000`); how many milliseconds hosted stores are away: `LOAD_ADDED` (`0,5,20`); how many virtual seconds the
//! hour has: `LOAD_SOAK_SECONDS` (3600). The data lies beside the other artifacts of the build, so that a commit waits for the disk
//! that a shop of this machine would wait for.
//!
//! Not a timed test: nothing fails because it is slow.

mod application;
mod arrivals;
mod cart;
mod clients;
mod day;
mod days;
mod flat;
mod floors;
mod hosted;
mod interactive;
mod judging;
mod native;
mod report;
mod samples;
mod soak;
mod start;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clients::Spans;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(place) = arguments.iter().position(|argument| argument == "--bench") else {
        println!("The benchmark runs with `cargo bench --bench load`.");
        return;
    };
    arguments.remove(place);
    if let Some(unknown) = arguments.iter().find(|name| !report::SECTIONS.contains(&name.as_str())) {
        panic!("{unknown} is no section: there are {}", report::SECTIONS.join(", "));
    }
    let seconds = |name, usual: f64| Duration::from_secs_f64(setting(name, usual));
    let spans = Spans { warm_up: seconds("LOAD_WARM_UP", 3.0), measured: seconds("LOAD_SECONDS", 8.0) };
    let sizes: Vec<usize> = numbers("LOAD_MEMBERS", "1000,10000,100000,1000000");
    let folder = std::env::var_os("LOAD_REPORT").map_or_else(|| application::manifest("../target/load"), PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the application");
    for name in report::SECTIONS.iter().filter(|name| arguments.is_empty() || arguments.iter().any(|asked| asked == *name)) {
        match *name {
            "floors" => floors::section(&runtime, &folder, spans),
            "day" => days::section(&runtime, &folder, spans, &sizes),
            // fewer than ten thousand are all in the cache
            "flat" => flat::section(&runtime, &folder, spans, &sizes[1.min(sizes.len() - 1)..]),
            "hosted" => hosted::section(&runtime, &folder, spans, &numbers("LOAD_ADDED", "0,5,20")),
            "soak" => soak::section(&runtime, &folder, setting("LOAD_SOAK_SECONDS", 3_600)),
            _ => start::section(&runtime, &folder),
        }
    }
    runtime.shutdown_background();
}

/// Several numbers from the environment, with commas between them.
fn numbers<T: FromStr>(name: &str, usual: &str) -> Vec<T> {
    let text: String = setting(name, usual.to_owned());
    text.split(',').map(|number| number.parse().unwrap_or_else(|_| panic!("{name}={text} are no numbers"))).collect()
}

/// A setting from the environment.
fn setting<T: FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} can't be read")),
        Err(_) => usual,
    }
}
