//! An hour of a shop on the virtual clock, sixty calls for each of its seconds, with whatever its jobs do meanwhile: what is kept
//! of it in memory, and which files stay open.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use host::ClockMode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::application::Application;
use crate::clients::{Shop, is_success};
use crate::day::Day;
use crate::days::with_history;
use crate::floors;
use crate::report::{Report, cpu};

const MEMBERS: usize = 10_000;
/// Calls for each second of the virtual clock.
const CALLS_A_SECOND: usize = 60;
/// Calls at once.
const CLIENTS: usize = 16;
/// How often is looked, in virtual seconds.
const LOOKS: u64 = 300;

pub fn section(runtime: &Runtime, folder: &Path, seconds: u64) {
    let mut report = Report::new(folder, "soak", "An hour of mixed load");
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
    let application = Application::open(runtime, data.path(), None, ClockMode::Virtual(None));
    let day = Arc::new(Day::new(with_history(&application, MEMBERS), 1_000));
    let (began, mut rows, mut seen) = (Instant::now(), Vec::new(), Vec::new());
    let (cpu_before, statements) = (cpu(), application.host.statements());
    for second in 0..=seconds {
        if second % LOOKS == 0 {
            let (memory, files) = (memory(), open_files());
            seen.push((memory, files));
            let books = floors::bytes(&application.books) >> 20;
            rows.push(vec![(second / 60).to_string(), format!("{memory:.1}"), files.to_string(), books.to_string()]);
        }
        if second < seconds {
            let now = domain::Instant(application.host.clock().as_millisecond());
            send(&application.shop, &day, now);
            runtime.block_on(application.host.advance("PT1S")).expect("the clock moves");
        }
    }
    let calls = seconds as usize * CALLS_A_SECOND;
    report.paragraph(&format!(
        "{seconds} virtual seconds of {CALLS_A_SECOND} calls each ({calls} in all, {CLIENTS} at once) in {:.0} s, gw-tools with \
         {MEMBERS} members; {:.0} s of processor, {} statements; the clients are in the same process. Books checked at the end: clean.",
        began.elapsed().as_secs_f64(),
        (cpu() - cpu_before).as_secs_f64(),
        application.host.statements() - statements,
    ));
    report.table(&["minute", "resident MiB", "open files", "database MiB"], &rows);
    application.audit_is_clean();
    // the first half fills what is kept: slots of instances, connections, statements, what the harness itself waits with
    let half = &seen[seen.len() / 2..];
    if let (Some((first, files)), Some((last, files_at_end))) = (half.first(), half.last()) {
        report.paragraph(&format!(
            "In the second half: memory {:+.1} MiB ({:+.1} %), open files {:+}.",
            last - first,
            (last / first - 1.0) * 100.0,
            i64::from(*files_at_end) - i64::from(*files),
        ));
    }
    report.end();
    runtime.block_on(application.host.stop()).expect("the application stops");
}

/// A virtual second's calls.
fn send(shop: &Shop, day: &Arc<Day>, now: domain::Instant) {
    let left = Arc::new(std::sync::atomic::AtomicUsize::new(CALLS_A_SECOND));
    let day = day.clone();
    drop(shop.run(CLIENTS, move |mut client| {
        let (day, left) = (day.clone(), left.clone());
        async move {
            let one_more = |left: usize| left.checked_sub(1);
            let order = std::sync::atomic::Ordering::Relaxed;
            while left.fetch_update(order, order, one_more).is_ok() {
                let (asked, exchange) = day.next(now);
                let request = client.request(exchange);
                let (status, body) = client.send(request).await;
                assert!(is_success(status), "{}: {status} {body}", asked.kind.name());
                day.answered(&asked, &body);
            }
        }
    }));
}

/// Resident memory of this process in MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells what a process takes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kib: f64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1024.0
}

fn open_files() -> u32 {
    let files = std::fs::read_dir("/proc/self/fd").expect("Linux tells which files are open");
    u32::try_from(files.count()).expect("a number of files")
}
