//! What work costs: statements to the stores, time in the rules. An instance serves many requests at once, so that a record lies
//! beside each piece of work and counts only while that is polled. Nothing here is known of whom the work is for.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::trace::Trace;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Record>>> = const { RefCell::new(None) };
}

/// What a piece of work has cost so far.
#[derive(Debug)]
pub struct Record {
    /// The monotonic clock: a virtual wall clock may stand still.
    started: Instant,
    statements: Cell<u32>,
    in_stores: Cell<Duration>,
    /// Statements that are out now, and since when there is one.
    out: Cell<u32>,
    out_since: Cell<Instant>,
    in_rules: Cell<Duration>,
    program: Cell<Option<i64>>,
    tries: Cell<u32>,
    trouble: RefCell<Option<String>>,
    trace: Option<Trace>,
}

/// What work has cost.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// How long it took, as whoever waits sees it.
    pub total: Duration,
    /// Statements sent to all stores: round trips where the stores are hosted.
    pub statements: u32,
    /// How long at least one of them was out while nothing was asked of the rules: what goes on at the same time counts once, so
    /// that the parts never come to more than the whole.
    pub in_stores: Duration,
    pub in_rules: Duration,
    /// The version of the program that was asked last, if one was.
    pub program: Option<i64>,
    /// How often the work was begun anew because the books had moved, the first time included; 0 where nothing can be.
    pub tries: u32,
    /// What a store said when trying did not help.
    pub trouble: Option<String>,
}

impl Record {
    /// Does a piece of work, which belongs to a trace if one is told, and tells what it cost.
    pub async fn of<T>(trace: Option<Trace>, work: impl Future<Output = T>) -> (T, Cost) {
        let started = Instant::now();
        let record = Rc::new(Self {
            started,
            statements: Cell::new(0),
            in_stores: Cell::default(),
            out: Cell::new(0),
            out_since: Cell::new(started),
            in_rules: Cell::default(),
            program: Cell::new(None),
            tries: Cell::new(0),
            trouble: RefCell::default(),
            trace,
        });
        let mut work = pin!(work);
        let done = poll_fn(|context| {
            let other = CURRENT.replace(Some(record.clone()));
            let polled = work.as_mut().poll(context);
            CURRENT.set(other);
            polled
        })
        .await;
        (done, record.cost())
    }

    fn cost(&self) -> Cost {
        Cost {
            total: self.started.elapsed(),
            statements: self.statements.get(),
            in_stores: self.in_stores(),
            in_rules: self.in_rules.get(),
            program: self.program.get(),
            tries: self.tries.get(),
            trouble: self.trouble.borrow().clone(),
        }
    }

    fn in_stores(&self) -> Duration {
        let now_out = if self.out.get() > 0 { self.out_since.get().elapsed() } else { Duration::ZERO };
        self.in_stores.get().saturating_add(now_out)
    }

    fn statement_leaves(&self) {
        self.statements.set(self.statements.get().saturating_add(1));
        if self.out.get() == 0 {
            self.out_since.set(Instant::now());
        }
        self.out.set(self.out.get().saturating_add(1));
    }

    fn statement_is_back(&self) {
        // while the last one is still counted as out
        let in_stores = self.in_stores();
        self.out.set(self.out.get().saturating_sub(1));
        if self.out.get() == 0 {
            self.in_stores.set(in_stores);
        }
    }

    fn rules_took(&self, took: Duration) {
        self.in_rules.set(self.in_rules.get().saturating_add(took));
        // time in the rules is none in the stores, though a statement was out
        if let Some(later) = self.out_since.get().checked_add(took).filter(|_| self.out.get() > 0) {
            self.out_since.set(later);
        }
    }
}

impl Cost {
    /// What the work under way has cost so far; nothing where none is recorded.
    #[must_use]
    pub fn so_far() -> Self {
        current().map(|record| record.cost()).unwrap_or_default()
    }

    /// What was added since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            total: self.total.saturating_sub(before.total),
            statements: self.statements.saturating_sub(before.statements),
            in_stores: self.in_stores.saturating_sub(before.in_stores),
            in_rules: self.in_rules.saturating_sub(before.in_rules),
            tries: self.tries.saturating_sub(before.tries),
            ..self.clone()
        }
    }

    /// The field `Server-Timing` (W3C), in milliseconds.
    #[must_use]
    pub(crate) fn server_timing(&self) -> String {
        let Self { total, statements, in_stores, in_rules, .. } = self;
        let trips = if *statements == 1 { "round trip" } else { "round trips" };
        let (in_stores, in_rules, total) = (milliseconds(*in_stores), milliseconds(*in_rules), milliseconds(*total));
        format!(r#"store;dur={in_stores};desc="{statements} {trips}", rules;dur={in_rules}, total;dur={total}"#)
    }

    /// The stores' part of a line of the log.
    #[must_use]
    pub fn of_stores(&self) -> OfStores {
        OfStores { statements: self.statements, ms: milliseconds(self.in_stores) }
    }

    /// The rules' part of a line of the log.
    #[must_use]
    pub fn of_rules(&self) -> OfRules {
        OfRules { version: self.program, ms: milliseconds(self.in_rules) }
    }
}

/// Statements and the milliseconds that they took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfStores {
    statements: u32,
    ms: f64,
}

/// Which version of the program was asked, and the milliseconds that the rules took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfRules {
    version: Option<i64>,
    ms: f64,
}

/// Milliseconds to the microsecond.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    f64::from(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}

/// A statement that is about to be sent; whoever holds this to its end has its time counted. Several may be out at once.
pub(crate) struct Statement {
    record: Option<Rc<Record>>,
}

impl Statement {
    pub(crate) fn sent() -> Self {
        let record = current();
        if let Some(record) = &record {
            record.statement_leaves();
        }
        Self { record }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        if let Some(record) = &self.record {
            record.statement_is_back();
        }
    }
}

/// Asks the rules something, which takes no other work's time.
pub(crate) fn asking_rules<T>(ask: impl FnOnce() -> T) -> T {
    let Some(record) = current() else { return ask() };
    let asked = Instant::now();
    let answer = ask();
    record.rules_took(asked.elapsed());
    answer
}

/// The trace that the work under way belongs to: calls to others take it along.
#[must_use]
pub fn current_trace() -> Option<Trace> {
    current()?.trace.clone()
}

/// Notes under which version of the program the work is done.
pub(crate) fn program_is(version: i64) {
    if let Some(record) = current() {
        record.program.set(Some(version));
    }
}

/// Notes that the work begins, for the first time or anew.
pub(crate) fn try_begins() {
    if let Some(record) = current() {
        record.tries.set(record.tries.get().saturating_add(1));
    }
}

/// Notes for the log what a store said when trying did not help. Statements have their values as parameters: none is in what
/// stores say.
pub fn trouble(said: String) {
    match current() {
        Some(record) => *record.trouble.borrow_mut() = Some(said),
        None => crate::log::say(&serde_json::json!({"level": "warn", "detail": said})),
    }
}

fn current() -> Option<Rc<Record>> {
    CURRENT.with_borrow(Clone::clone)
}
