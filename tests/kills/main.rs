//! Kills the program (SIGKILL) in the midst of concurrent work, again and again, and looks after each restart at what is
//! left: every change that was answered is there, every one that was not is there once or not at all, and the books are
//! clean.
//!
//! `cargo test` does it 50 times. More, at the workspace root, with progress:
//!
//! ```console
//! $ cargo build && KOPILKA_KILLS=1000 cargo test --test kills -- --nocapture
//! ```
//!
//! `KOPILKA_KILL_SEED` repeats a run's requests: each client's follow from the seed and from what it was answered. The
//! moment of a kill and the sequence in which clients come to their turn can't be repeated.
//! `KOPILKA_KILL_RUNTIME_CONFIG` names a runtime configuration for `kopilka up`, such as one with hosted stores; they then
//! stay the same through the whole run, otherwise each shop has a new data folder.
//!
//! `commands` is what is sent and `shop` what drives and kills; `expected`, `compare` and `checks` look at the books and
//! know nothing of kills. That they see what they are to see is shown in `tampering`; a host that answers 5 ms before it
//! commits, made so by hand, was found out by the first kill.

mod checks;
mod codes;
mod commands;
mod compare;
mod exchange;
mod expected;
mod process;
mod random;
mod routes;
mod shop;
mod tally;
mod tampering;
mod wishes;
mod words;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use compare::{Finding, Wrong};
use random::Random;
use shop::{Place, Shop};
use tally::Tally;

/// Kills in `cargo test`.
const KILLS: usize = 50;
/// Kills that one shop survives before the next one opens: books stay small, and looking at them quick.
const KILLS_OF_A_SHOP: usize = 25;
/// Everything is read back after so many kills.
const READ_BACK_EVERY: usize = 5;
/// The shortest and the longest work before a kill, in milliseconds.
const WORK: (u64, u64) = (15, 400);
/// A line of progress after so many kills.
const REPORT_EVERY: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_kills_and_nothing_is_done_twice() {
    let kills = number("KOPILKA_KILLS").map_or(KILLS, |kills| usize::try_from(kills).expect("a number of kills"));
    let seed = number("KOPILKA_KILL_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        Random::new(&[u64::from(now.subsec_nanos()), now.as_secs()]).below(1_000_000)
    });
    let runtime_config = std::env::var_os("KOPILKA_KILL_RUNTIME_CONFIG").map(|file| process::root().join(file));
    eprintln!("{kills} kills with the seed {seed}");
    let started = Instant::now();
    let mut all = Tally::default();
    for number in 0.. {
        let left = kills.saturating_sub(all.kills).min(KILLS_OF_A_SHOP);
        if left == 0 {
            break;
        }
        let place = place(seed, number, runtime_config.clone());
        let shop = run(&place, left).await;
        let reported = all.kills / REPORT_EVERY;
        all.add(shop.tally.clone());
        if all.kills / REPORT_EVERY > reported {
            eprintln!("{all}, {} s", started.elapsed().as_secs());
        }
    }
    eprintln!("Changes: {}\nRefused: {}", all.changes(), all.refusals());
    eprintln!("{all}, lost 0, doubled 0, {} s, seed {seed}", started.elapsed().as_secs());
}

/// Runs a shop through so many kills.
async fn run(place: &Place, kills: usize) -> Shop {
    let mut random = Random::new(&[place.seed, place.number, u64::MAX]);
    let mut shop = Shop::open(place).await;
    for kill in 1..=kills {
        let work = WORK.0 + random.below(WORK.1 - WORK.0);
        shop.work_until_killed(Duration::from_millis(work)).await;
        shop.start_again();
        let mut findings = shop.ask_again().await;
        findings.extend(shop.look(kill % READ_BACK_EVERY == 0 || kill == kills).await);
        if !findings.is_empty() {
            fail(place, kill, shop, &findings);
        }
    }
    shop
}

/// Shop by shop the machine's clock, and one on which holds and points come to their end within the run. A hosted store
/// sees one time only, and the same names never again.
fn place(seed: u64, number: u64, runtime_config: Option<PathBuf>) -> Place {
    let name = match runtime_config {
        None => format!("s{seed}-{number}"),
        Some(_) => format!("s{seed}-{number}-{}", process::Time::Real.now().as_millisecond()),
    };
    Place { name, seed, number, real_time: number.is_multiple_of(2) || runtime_config.is_some(), runtime_config }
}

fn fail(place: &Place, kill: usize, shop: Shop, findings: &[Finding]) -> ! {
    let (folder, said) = shop.keep();
    let report = report(place, kill, findings);
    panic!("{report}\nthe data is kept in {}; the program's last words: {said}", folder.display());
}

/// What was found, with what it takes to look for it again.
fn report(place: &Place, kill: usize, findings: &[Finding]) -> String {
    let count = |wrong| findings.iter().filter(|finding| finding.wrong == wrong).count();
    let (lost, doubled, differs) = (count(Wrong::Lost), count(Wrong::Doubled), count(Wrong::Differs));
    let (seed, number) = (place.seed, place.number);
    let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let heading = format!("seed {seed}, shop {number}, kill {kill}, findings: {lost} lost, {doubled} doubled, {differs} differ");
    format!("{heading}\n{}", findings.join("\n"))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}
