//! The table.

use std::time::Duration;

use crate::cart::Call;
use crate::clients::Spans;
use crate::native::Step;
use crate::samples::Samples;

/// Calls that were carried out natively.
pub struct Floor {
    /// The statements alone.
    sql: Samples,
    /// With the rules and the ledger.
    whole: Samples,
    /// Mean seconds of the SELECT and of the INSERT.
    load: f64,
    apply: f64,
}

impl Floor {
    pub fn new(steps: &[Step]) -> Self {
        let mean =
            |part: fn(&Step) -> Duration| steps.iter().map(|step| part(step).as_secs_f64()).sum::<f64>() / steps.len() as f64;
        Self {
            sql: Samples::in_sequence(steps.iter().map(Step::sql).collect()),
            whole: Samples::in_sequence(steps.iter().map(|step| step.whole).collect()),
            load: mean(|step| step.load),
            apply: mean(|step| step.apply),
        }
    }
}

/// A call at a number of clients, beside its floors.
pub struct Row<'a> {
    pub call: Call,
    pub clients: usize,
    pub application: &'a Samples,
    /// The component that does nothing, at as many clients.
    pub request: &'a Samples,
    pub floor: &'a Floor,
}

/// What was measured where.
pub fn settings(spans: Spans, members: usize) {
    let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = described
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("{cores} cores ({model}), {}, {}", std::env::consts::OS, std::env::consts::ARCH);
    println!(
        "gw-tools, {members} members at random, 3 lines a cart; {} s warm-up, {} s a row; closed loop on the same cores, \
         keep-alive, TCP_NODELAY; SQLite in WAL mode, every commit on the disk (synchronous FULL)",
        spans.warm_up.as_secs_f64(),
        spans.measured.as_secs_f64(),
    );
}

/// Processor time of this process so far, in ticks of 10 ms: nothing where there is no `/proc`.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // the fields after the name of the program, which may hold anything
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

pub fn heading() {
    println!();
    println!(
        "{:<10} {:>7} | {:^26} | {:^26} | {:^26} | {:^26} | {:^11}",
        "", "", "application", "empty component", "its SQL, natively", "load to apply, natively", "ratio"
    );
    let columns = format!("{:>8} {:>8} {:>8}", "a second", "p50 ms", "p99 ms");
    println!("{:<10} {:>7} | {columns} | {columns} | {columns} | {columns} | {:>5} {:>5}", "", "clients", "time", "p50");
}

pub fn row(row: &Row) {
    let Row { call, clients, application, request, floor } = row;
    let cells = [application, request, &floor.sql, &floor.whole].map(cells).join(" | ");
    let time = application.time() / (floor.sql.time() + request.time());
    // with several clients the median is mostly waiting for the others
    let p50 =
        if *clients == 1 { format!("{:>5.2}", application.p50() / (floor.sql.p50() + request.p50())) } else { String::new() };
    println!("{:<10} {clients:>7} | {cells} | {time:>5.2} {p50:>5}", call.name());
}

fn cells(samples: &Samples) -> String {
    format!("{:>8.0} {:>8.2} {:>8.2}", samples.a_second(), samples.p50() * 1e3, samples.p99() * 1e3)
}

/// What there is to say of a call beside its row.
pub fn detail(call: Call, cpu: f64, statements: f64, bytes: f64, floor: &Floor, without_disk: Option<&Floor>) -> String {
    let mut text = format!(
        "{:<10} {:.3} ms of processor; {statements:.2} statements; natively load {:.3} ms",
        call.name(),
        cpu * 1e3,
        floor.load * 1e3
    );
    if let Some(without_disk) = without_disk {
        text += &format!(
            ", apply {:.3} ms, of which {:.3} ms without the disk; {bytes:.0} bytes of database",
            floor.apply * 1e3,
            without_disk.apply * 1e3,
        );
    }
    text
}

pub fn end(details: &[String]) {
    println!();
    println!("Means of a request:");
    for detail in details {
        println!("{detail}");
    }
    println!();
    println!("ratio: the application's time / (time of its SQL + time of an empty request). time = 1 / throughput at as many");
    println!("clients; native SQL is one connection, one statement after another, in both rows. p50: the medians at 1 client.");
    println!("A statement too many now and then: an instance serves 128 requests, and the next one opens its own connection.");
}
