//! Whether an order costs the same among many members as among few: shops of several sizes, asked in turn.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::ClockMode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::cart::Call;
use crate::clients::Spans;
use crate::days::with_history;
use crate::floors::{self, Purchases};
use crate::report::{Report, ms};
use crate::samples::Samples;

/// How often each shop has its turn: what disturbs this machine for a while disturbs all of them.
const TURNS: u32 = 5;

pub fn section(runtime: &Runtime, folder: &Path, spans: Spans, sizes: &[usize]) {
    let mut report = Report::new(folder, "flat", "An order among few members and among many");
    let data: Vec<TempDir> =
        sizes.iter().map(|_| TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data")).collect();
    let shops: Vec<_> = sizes
        .iter()
        .zip(&data)
        .map(|(members, data)| {
            let application = Application::open(runtime, data.path(), None, ClockMode::Real);
            let members = with_history(&application, *members);
            (application, Arc::new(Purchases::new(members, 1_000)))
        })
        .collect();
    let sizes_before: Vec<i64> = shops.iter().map(|(application, _)| floors::bytes(&application.books)).collect();
    let turn = Spans { warm_up: spans.warm_up / TURNS, measured: spans.measured / TURNS };
    let mut durations: Vec<Vec<Duration>> = shops.iter().map(|_| Vec::new()).collect();
    let mut sent: Vec<u64> = shops.iter().map(|_| 0).collect();
    for _ in 0..TURNS {
        for (number, (application, purchases)) in shops.iter().enumerate() {
            let purchases = purchases.clone();
            let samples = application.shop.measure(1, turn, move || purchases.exchange(Call::Order));
            sent[number] += samples.sent;
            durations[number].extend_from_slice(samples.durations());
        }
    }
    let samples: Vec<Samples> = durations.into_iter().map(Samples::in_sequence).collect();
    let rows: Vec<Vec<String>> = shops
        .iter()
        .enumerate()
        .map(|(number, (application, _))| {
            let grown = (floors::bytes(&application.books) - sizes_before[number]) as f64 / sent[number] as f64;
            vec![
                sizes[number].to_string(),
                format!("{:.0}", sizes_before[number] as f64 / f64::from(1 << 20)),
                ms(samples[number].p50()),
                ms(samples[number].p99()),
                format!("{:.2}", samples[number].p50() / samples[0].p50()),
                format!("{grown:.0}"),
            ]
        })
        .collect();
    report.paragraph(&format!(
        "One client, an order after another by members at random, {TURNS} turns of {:.1} s for each shop; members with {} orders each \
         before.",
        turn.measured.as_secs_f64(),
        tests::population::ORDERS,
    ));
    report.table(&["members", "database MiB before", "p50 ms", "p99 ms", "p50 to the first row", "bytes an order"], &rows);
    report.end();
    for (application, _) in shops {
        runtime.block_on(application.host.stop()).expect("the application stops");
    }
}
