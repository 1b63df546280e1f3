//! `[[trigger.cron]]`: components that are run at certain times, by the real clock or along a virtual one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::Mutex;
use wasmtime::Store;

use crate::bindings::cron_types::{Error, Metadata};
use crate::bindings::{Scheduled, ScheduledPre};
use crate::manifest::CronTrigger;
use crate::state::{Component, State};
use crate::telemetry::{Run, Trace};

/// How long one run may take.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);
/// The machine's clock may be set while a schedule sleeps: it looks again after this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// One advance of the clock runs no more than this: a year of a schedule that fires every minute.
const RUNS_AN_ADVANCE: u64 = 600_000;

/// Reads six fields, seconds first, meant in UTC: what Spin's trigger takes.
pub(crate) fn parse_expression(expression: &str) -> Result<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Required).build();
    parser.parse(expression).map_err(|error| anyhow!("{expression:?}: {error}"))
}

fn next(schedule: &Cron, after: Timestamp) -> Result<Timestamp> {
    let after = after.to_zoned(TimeZone::UTC);
    let found = schedule.find_next_occurrence(&after, false).map_err(|error| anyhow!("no further run: {error}"))?;
    Ok(found.timestamp())
}

/// What moving the clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// What the clock shows now.
    pub now: Timestamp,
    /// How many scheduled runs happened.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
}

/// Why the clock was not moved.
#[derive(Debug)]
pub enum AdvanceError {
    /// The clock shows a later time already.
    Back {
        /// What the clock shows.
        now: Timestamp,
    },
    /// Anything else, in words.
    Failed(anyhow::Error),
}

impl std::fmt::Display for AdvanceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Back { now } => write!(f, "the clock shows {now} already: time only goes forward"),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for AdvanceError {}

impl From<anyhow::Error> for AdvanceError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// The schedules of an application.
pub(crate) struct Schedules {
    entries: Vec<Entry>,
    /// Held while the clock moves: two advances happen one after the other.
    advancing: Mutex<()>,
}

struct Entry {
    schedule: Cron,
    expression: String,
    component: Arc<Component>,
    code: ScheduledPre<State>,
}

impl Schedules {
    pub(crate) fn new(triggers: impl IntoIterator<Item = (CronTrigger, Arc<Component>)>) -> Result<Self> {
        let entry = |(trigger, component): (CronTrigger, Arc<Component>)| {
            let code = component.artifact.scheduled();
            let code = code.with_context(|| {
                format!("the component {:?} has a cron trigger, but doesn't export handle-cron-event", component.id)
            })?;
            let schedule = parse_expression(&trigger.expression)?;
            Ok(Entry { schedule, expression: trigger.expression, component, code })
        };
        Ok(Self { entries: triggers.into_iter().map(entry).collect::<Result<_>>()?, advancing: Mutex::new(()) })
    }

    /// Runs the schedules by the machine's clock until the host stops. A run that takes longer than the time between
    /// two is followed by the next one, never joined by it; what was missed is not caught up.
    pub(crate) fn start(self: Arc<Self>) {
        for number in 0..self.entries.len() {
            let schedules = self.clone();
            tokio::spawn(async move { schedules.entries[number].follow().await });
        }
    }

    /// Moves a virtual clock on, and runs everything that is scheduled on the way at its time.
    pub(crate) async fn advance(&self, clock: &crate::clock::Clock, to: Destination) -> Result<Advance, AdvanceError> {
        let _one_after_another = self.advancing.lock().await;
        let from = clock.time();
        let to = match to {
            Destination::At(time) => time,
            Destination::After(duration) => crate::clock::add(from, &duration)?,
        };
        if to < from {
            return Err(AdvanceError::Back { now: from });
        }
        let (mut runs, mut failed) = (0, 0);
        // One instance for all runs of a trigger, with whatever it keeps open.
        let mut instances: Vec<Option<Running>> = self.entries.iter().map(|_| None).collect();
        let schedules: Vec<&Cron> = self.entries.iter().map(|entry| &entry.schedule).collect();
        for (time, number) in Due::new(&schedules, from, to) {
            ensure_runs(runs)?;
            clock.move_to(time)?;
            runs += 1;
            let entry = &self.entries[number];
            if let Err(error) = entry.run(time, &mut instances[number]).await {
                failed += 1;
                eprintln!("host: the run of {:?} at {time} failed: {error:#}", entry.component.id);
            }
        }
        clock.move_to(to)?;
        Ok(Advance { now: to, runs, failed })
    }
}

fn ensure_runs(runs: u64) -> Result<()> {
    ensure!(runs < RUNS_AN_ADVANCE, "more than {RUNS_AN_ADVANCE} scheduled runs on the way: advance in smaller steps");
    Ok(())
}

/// Where to move the clock.
pub(crate) enum Destination {
    At(Timestamp),
    /// An ISO 8601 duration.
    After(String),
}

/// The runs of several schedules in the order of their times, and of the schedules where times are equal.
struct Due<'a> {
    upcoming: Vec<(&'a Cron, Option<Timestamp>)>,
    until: Timestamp,
}

impl<'a> Due<'a> {
    fn new(schedules: &[&'a Cron], after: Timestamp, until: Timestamp) -> Self {
        // A schedule without any further occurrence is not an error.
        Self { upcoming: schedules.iter().map(|schedule| (*schedule, next(schedule, after).ok())).collect(), until }
    }
}

impl Iterator for Due<'_> {
    type Item = (Timestamp, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let times = self.upcoming.iter().enumerate().filter_map(|(number, (_, time))| Some(((*time)?, number)));
        let (time, number) = times.min().filter(|(time, _)| *time <= self.until)?;
        let (schedule, upcoming) = &mut self.upcoming[number];
        *upcoming = next(schedule, time).ok();
        Some((time, number))
    }
}

/// An instance that a schedule runs.
struct Running {
    store: Store<State>,
    exports: Scheduled,
}

impl Entry {
    async fn follow(&self) {
        let component = &self.component;
        let mut after = component.clock.time();
        loop {
            let time = match next(&self.schedule, after) {
                Ok(time) => time,
                Err(error) => return eprintln!("host: the schedule {:?} ends: {error:#}", self.expression),
            };
            loop {
                let left = component.clock.time().duration_until(time);
                let Ok(left) = Duration::try_from(left) else { break };
                if left.is_zero() {
                    break;
                }
                tokio::select! {
                    () = component.stopping.cancelled() => return,
                    () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
                }
            }
            if component.stopping.is_cancelled() {
                return;
            }
            // As on Spin, every run by the machine's clock has an instance of its own.
            if let Err(error) = self.run(component.clock.time(), &mut None).await {
                eprintln!("host: the run of {:?} at {time} failed: {error:#}", component.id);
            }
            after = component.clock.time().max(time);
        }
    }

    /// One run. The instance is kept for the next one unless this one failed in a way that breaks it.
    async fn run(&self, time: Timestamp, kept: &mut Option<Running>) -> Result<()> {
        let component = &self.component;
        let run = component.telemetry.as_ref().and_then(|telemetry| telemetry.run(&component.id, &self.expression));
        let done = self.run_within(run.as_ref().map(Run::trace), time, kept).await;
        if let Some(run) = run {
            run.ended(done.is_ok());
        }
        done
    }

    async fn run_within(&self, trace: Option<Trace>, time: Timestamp, kept: &mut Option<Running>) -> Result<()> {
        let timestamp = u64::try_from(time.as_second()).context("before 1970")?;
        let mut running = match kept.take() {
            Some(running) => running,
            None => {
                let mut store = self.component.new_store(RUN_TIMEOUT);
                let exports = self.code.instantiate_async(&mut store).await?;
                Running { store, exports }
            }
        };
        let state = running.store.data_mut();
        state.taken.begin(RUN_TIMEOUT);
        state.run_begins(trace);
        let Running { store, exports } = &mut running;
        let run = store.run_concurrent(async |accessor| exports.call_handle_cron_event(accessor, Metadata { timestamp }).await);
        let answer = tokio::time::timeout(RUN_TIMEOUT, run).await;
        let answer = answer.map_err(|_| anyhow!("it took longer than {} seconds", RUN_TIMEOUT.as_secs()))???;
        *kept = Some(running);
        answer.map_err(|Error::Other(reason)| anyhow!(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn expressions_have_six_fields() {
        for right in ["0 0 * * * *", "*/5 * * * * *", "0 30 9 * * 1-5"] {
            parse_expression(right).unwrap();
        }
        for wrong in ["* * * * *", "hourly", "61 * * * * *", ""] {
            assert!(parse_expression(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn runs_come_in_the_order_of_their_times() {
        let hourly = parse_expression("0 0 * * * *").unwrap();
        let half_past = parse_expression("0 30 * * * *").unwrap();
        let daily = parse_expression("0 0 0 * * *").unwrap();
        let due = Due::new(&[&daily, &half_past, &hourly], at("2026-03-31T22:30:00Z"), at("2026-04-01T00:30:00Z"));
        let due: Vec<_> = due.map(|(time, number)| (time.to_string(), number)).collect();
        let expected = [
            ("2026-03-31T23:00:00Z", 2), // 22:30 itself has been
            ("2026-03-31T23:30:00Z", 1),
            ("2026-04-01T00:00:00Z", 0),
            ("2026-04-01T00:00:00Z", 2),
            ("2026-04-01T00:30:00Z", 1), // the end is included
        ];
        assert_eq!(due, expected.map(|(time, number)| (time.to_owned(), number)));
    }

    #[test]
    fn nothing_is_due_when_the_clock_stands() {
        let hourly = parse_expression("0 0 * * * *").unwrap();
        let now = at("2026-03-31T23:00:00Z");
        assert_eq!(Due::new(&[&hourly], now, now).count(), 0);
        assert_eq!(Due::new(&[&hourly], now, at("2026-04-01T00:00:00Z")).count(), 1);
    }
}
