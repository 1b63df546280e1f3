//! A mixed day on embedded stores, at rising rates: how long each call takes at half of what there can be, and how many there can be.

use std::path::Path;
use std::sync::Arc;

use host::ClockMode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::arrivals::{self, Outcome};
use crate::cart::Call;
use crate::clients::{Shop, Spans};
use crate::day::{Day, Kind};
use crate::floors::Purchases;
use crate::report::{Line, Report, ms};

/// Rates that are tried, as parts of what a closed loop answers a second.
const PARTS: [f64; 9] = [0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5];
/// The row that counts, at half of the saturation rate, is measured so many times as long: returns are two of a hundred calls.
const LONGER: u32 = 3;
/// Clients of the closed loop.
const CLIENTS: usize = 16;

pub fn section(runtime: &Runtime, folder: &Path, spans: Spans, sizes: &[usize]) {
    let mut report = Report::new(folder, "day", "A mixed day, embedded stores");
    report.paragraph(&format!(
        "70 % quotes, 20 % orders, 8 % redemptions (each pays a later order), 2 % returns, in an open loop: sent at a fixed rate, \
         each call's time counts from when it was due. {} s a rate after {} s. Members with {} orders each before. The saturation \
         rate is the highest of those tried that was kept up with: nothing failed, 98 % answered in time, p99 below 250 ms. A p99 of \
         less than a hundred calls is their maximum; how many there were stands in brackets.",
        spans.measured.as_secs_f64(),
        spans.warm_up.as_secs_f64(),
        tests::population::ORDERS,
    ));
    let mut lines = Vec::new();
    for members in sizes {
        let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
        let application = Application::open(runtime, data.path(), None, ClockMode::Real);
        let day = Arc::new(Day::new(with_history(&application, *members), 1_000));
        let most = arrivals::as_many_as_possible(&application.shop, CLIENTS, spans, &day);
        report.paragraph(&format!("**{members} members.** {CLIENTS} clients in a closed loop: {most:.0} calls a second."));
        lines.extend(rising(&mut report, &application.shop, most, spans, &day, &format!("{members} members")));
        runtime.block_on(application.host.stop()).expect("the application stops");
    }
    report.chart("p99", "p99 of all calls by rate, embedded", "calls a second", "ms", &lines);
    report.end();
}

/// Members with a history, whose orders look as the application itself answers them.
pub fn with_history(application: &Application, members: usize) -> Vec<domain::Id> {
    let first = application.enrol(1);
    let example = application.shop.send_all(1, vec![Purchases::new(first, 1).exchange(Call::Order)]).remove(0);
    application.populate(members, &example)
}

/// Tries rates up to what can't be kept up with, and then half of the last that could: a line of the chart with the p99 of each.
pub fn rising(report: &mut Report, shop: &Shop, most: f64, spans: Spans, day: &Arc<Day>, name: &str) -> Vec<Line> {
    let (mut rows, mut points, mut saturation) = (Vec::new(), Vec::new(), None);
    for part in PARTS {
        let outcome = arrivals::send(shop, (most * part).round(), spans, day);
        if let Some(all) = &outcome.all {
            points.push((outcome.offered, all.p99() * 1e3));
        }
        rows.push(row(&outcome));
        if !outcome.kept_up() {
            break;
        }
        saturation = Some(outcome.offered);
    }
    if let Some(saturation) = saturation {
        let longer = Spans { measured: spans.measured * LONGER, ..spans };
        let half = arrivals::send(shop, saturation / 2.0, longer, day);
        rows.push(row(&half).into_iter().map(|cell| format!("**{cell}**")).collect());
        report.paragraph(&format!(
            "Saturation: {saturation:.0} calls a second. The last row is half of it, for {LONGER} times as long."
        ));
    } else {
        report.paragraph("No rate was kept up with.");
    }
    report.table(&["rate", "answered a second", "failed", "all: p50 / p99 ms", "quote", "order", "redemption", "return"], &rows);
    vec![(name.to_owned(), points)]
}

fn row(outcome: &Outcome) -> Vec<String> {
    let both = |samples| {
        let samples: Option<&crate::samples::Samples> = samples;
        samples.map_or_else(String::new, |samples| format!("{} / {} ({})", ms(samples.p50()), ms(samples.p99()), samples.sent))
    };
    let counts = [format!("{:.0}", outcome.offered), format!("{:.0}", outcome.answered), outcome.failed.to_string()];
    let times = [both(outcome.all.as_ref())].into_iter().chain(Kind::ALL.iter().map(|kind| both(outcome.of(*kind))));
    counts.into_iter().chain(times).collect()
}
