//! Faults of the stores, for trials: what a network, a full disk and a server that goes away do to statements. Decided
//! before a statement and independent of what runs it, so that every kind of store can be tried.
//!
//! A seed gives one sequence of decisions; which statement meets which follows from the sequence in which they come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::words::may_change;

/// Rates are in so many statements.
const OF: u64 = 1_000;

/// The connection broke while the answer was on its way.
const LOST: [&str; 3] = [
    "Hrana: `http error: `connection closed before message completed``",
    "Hrana: `http error: `connection error: Connection reset by peer (os error 104)``",
    "Hrana: `http error: `operation timed out``",
];
/// Somebody else writes.
const BUSY: [&str; 2] = [
    "database is locked",
    r#"Hrana: `stream error: `Error { message: "SQLite error: database is locked", code: "SQLITE_BUSY" }``"#,
];
/// The statement had no effect.
const FAILED: [&str; 3] = [
    "disk I/O error",
    r#"Hrana: `stream error: `Error { message: "SQLite error: disk I/O error", code: "SQLITE_IOERR" }``"#,
    REFUSED,
];
/// The connection is of no use any more.
const DROPPED: [&str; 2] = [EXPIRED, "Hrana: `http error: `connection error: Broken pipe (os error 32)``"];
/// What a hosted store answers on a connection that was idle for too long.
const EXPIRED: &str = r#"Hrana: `api error: `{"message":"The stream has expired due to inactivity","code":"STREAM_EXPIRED"}``"#;
/// Nobody listens.
const REFUSED: &str = "Hrana: `http error: `error trying to connect: tcp connect error: Connection refused (os error 111)``";
/// The store is not there.
const DOWN: [&str; 2] = ["unable to open database file", REFUSED];
/// Nothing more can be written.
const FULL: [&str; 2] = [
    "database or disk is full",
    r#"Hrana: `stream error: `Error { message: "SQLite error: database or disk is full", code: "SQLITE_FULL" }``"#,
];

/// What goes wrong by chance, each kind with so many of 1 000 statements; at most one of them with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub seed: u64,
    /// A statement that writes runs and commits, and the component hears that the connection broke.
    pub lost_answers: u32,
    /// The statement does not run: another connection holds the lock.
    pub busy: u32,
    /// The statement does not run, or the connection does not open: some error of the disk or the network.
    pub errors: u32,
    /// The connection breaks: neither this statement runs nor any later one, until the component opens another.
    pub drops: u32,
    /// The statement runs, and something waits before it or after it.
    pub waits: u32,
    pub longest_wait: Duration,
}

#[derive(Clone, Copy)]
enum Kind {
    LostAnswer,
    Busy,
    Error,
    Drop,
    Wait,
}

impl Faults {
    fn rates(&self) -> [(Kind, u32); 5] {
        [
            (Kind::LostAnswer, self.lost_answers),
            (Kind::Busy, self.busy),
            (Kind::Error, self.errors),
            (Kind::Drop, self.drops),
            (Kind::Wait, self.waits),
        ]
    }

    /// Whether there are no more faults than statements.
    pub(crate) fn are_possible(&self) -> bool {
        self.rates().iter().map(|(_, rate)| u64::from(*rate)).sum::<u64>() <= OF
    }

    /// The kind that a number below [`OF`] stands for.
    fn kind(&self, draw: u64) -> Option<Kind> {
        let mut end = 0;
        self.rates().into_iter().find_map(|(kind, rate)| {
            end += u64::from(rate);
            (draw < end).then_some(kind)
        })
    }
}

/// How a host's stores are, whatever else goes wrong by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Working,
    /// No statement runs and no connection opens.
    Down,
    /// Statements that write fail, the others run.
    Full,
}

/// How many faults of each kind there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    pub lost_answers: u64,
    pub busy: u64,
    pub errors: u64,
    /// Connections that broke; the statements that failed on them afterwards are not counted.
    pub drops: u64,
    pub waits: u64,
}

impl FaultCounts {
    /// All that a component had to deal with: everything but waits.
    pub fn failures(&self) -> u64 {
        self.lost_answers + self.busy + self.errors + self.drops
    }
}

/// The faults of a running host: read and switched by trials.
pub struct Injector {
    faults: Faults,
    on: AtomicBool,
    full_disk: AtomicBool,
    /// Connections of an earlier generation are broken.
    generation: AtomicU64,
    progress: Mutex<Progress>,
}

struct Progress {
    stream: StdRng,
    condition: Condition,
    counts: FaultCounts,
}

impl Injector {
    /// Begins at once.
    pub(crate) fn new(faults: Faults) -> Self {
        let progress = Progress {
            stream: StdRng::seed_from_u64(faults.seed),
            condition: Condition::Working,
            counts: FaultCounts::default(),
        };
        Self {
            faults,
            on: AtomicBool::new(true),
            full_disk: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            progress: Mutex::new(progress),
        }
    }

    /// Ends the faults that come by chance, or lets them begin again.
    pub fn switch(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }

    /// The faults so far.
    pub fn counts(&self) -> FaultCounts {
        self.progress().counts
    }

    /// From now on all stores are so.
    pub fn stores_are(&self, condition: Condition) {
        self.progress().condition = condition;
    }

    /// Every connection that is open breaks as one that was idle for too long.
    pub fn drop_connections(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on the files of embedded stores can't grow, or can again: their own errors come, at a write that needs
    /// more room. Breaks the connections that are open, because SQLite keeps the limit with a connection.
    pub fn disk_is_full(&self, full: bool) {
        self.full_disk.store(full, Ordering::SeqCst);
        self.drop_connections();
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn below(&mut self, bound: u64) -> u64 {
        self.stream.next_u64() % bound.max(1)
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        let index = usize::try_from(self.below(texts.len() as u64)).unwrap_or_default();
        texts[index]
    }
}

/// What happens to one statement. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) wait_before: Duration,
    /// The error that comes instead of the statement.
    pub(crate) instead: Option<&'static str>,
    pub(crate) wait_after: Duration,
    /// The error that comes instead of the answer of a statement that ran.
    pub(crate) answer_lost: Option<&'static str>,
}

impl Fault {
    fn instead(error: &'static str) -> Self {
        Self { instead: Some(error), ..Self::default() }
    }
}

/// A connection as far as faults are concerned; copies are of the same connection. Without an injector nothing happens.
#[derive(Clone)]
pub(crate) struct Link {
    injector: Option<Arc<Injector>>,
    generation: u64,
    broken: Arc<Mutex<Option<&'static str>>>,
}

impl Link {
    /// Decides whether a connection opens.
    pub(crate) fn open(injector: Option<Arc<Injector>>) -> Result<Self, &'static str> {
        let mut generation = 0;
        if let Some(injector) = &injector {
            // read before the connection opens: what breaks connections meanwhile breaks this one too
            generation = injector.generation.load(Ordering::SeqCst);
            let mut progress = injector.progress();
            if progress.condition == Condition::Down {
                return Err(progress.one_of(&DOWN));
            }
            if injector.on.load(Ordering::SeqCst) && progress.below(OF) < injector.faults.errors.into() {
                progress.counts.errors += 1;
                return Err(progress.one_of(&FAILED));
            }
        }
        Ok(Self { injector, generation, broken: Arc::default() })
    }

    /// Whether the file of this connection may not grow.
    pub(crate) fn disk_is_full(&self) -> bool {
        self.injector.as_ref().is_some_and(|injector| injector.full_disk.load(Ordering::SeqCst))
    }

    /// Decides what happens to the connection's next statement.
    pub(crate) fn next(&self, statement: &str) -> Fault {
        let Some(injector) = &self.injector else { return Fault::default() };
        let mut progress = injector.progress();
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.is_none() && self.generation != injector.generation.load(Ordering::SeqCst) {
            *broken = Some(EXPIRED);
        }
        match (progress.condition, *broken) {
            (Condition::Down, _) => return Fault::instead(progress.one_of(&DOWN)),
            (_, Some(error)) => return Fault::instead(error),
            (Condition::Full, None) if may_change(statement) => return Fault::instead(progress.one_of(&FULL)),
            _ => {}
        }
        if !injector.on.load(Ordering::SeqCst) {
            return Fault::default();
        }
        let draw = progress.below(OF);
        match injector.faults.kind(draw) {
            None => Fault::default(),
            // what only reads has nothing to commit
            Some(Kind::LostAnswer) if !may_change(statement) => Fault::default(),
            Some(Kind::LostAnswer) => {
                progress.counts.lost_answers += 1;
                Fault { answer_lost: Some(progress.one_of(&LOST)), ..Fault::default() }
            }
            Some(Kind::Busy) => {
                progress.counts.busy += 1;
                Fault::instead(progress.one_of(&BUSY))
            }
            Some(Kind::Error) => {
                progress.counts.errors += 1;
                Fault::instead(progress.one_of(&FAILED))
            }
            Some(Kind::Drop) => {
                progress.counts.drops += 1;
                let error = progress.one_of(&DROPPED);
                *broken = Some(error);
                Fault::instead(error)
            }
            Some(Kind::Wait) => {
                progress.counts.waits += 1;
                let most = u64::try_from(injector.faults.longest_wait.as_micros()).unwrap_or(u64::MAX);
                let wait = Duration::from_micros(progress.below(most.saturating_add(1)));
                match progress.below(2) {
                    0 => Fault { wait_before: wait, ..Fault::default() },
                    _ => Fault { wait_after: wait, ..Fault::default() },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
