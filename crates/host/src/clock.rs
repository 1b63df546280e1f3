//! The wall clock that the components see: the real one, or one that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use jiff::{Span, Timestamp, tz::TimeZone};
use wasmtime_wasi::HostWallClock;

/// Which clock a host is started with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ClockMode {
    /// The time of the machine.
    #[default]
    Real,
    /// A time that only moves when it is told to, from this moment on (or from the machine's time).
    Virtual(Option<Timestamp>),
}

/// A wall clock; copies show the same time. The monotonic clock of a component is always real.
#[derive(Clone)]
pub(crate) enum Clock {
    Real,
    /// Nanoseconds since 1970, which is enough until the year 2554.
    Virtual(Arc<AtomicU64>),
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Result<Self> {
        Ok(match mode {
            ClockMode::Real => Self::Real,
            ClockMode::Virtual(start) => {
                let start = start.unwrap_or_else(Timestamp::now);
                Self::Virtual(Arc::new(AtomicU64::new(nanoseconds(start)?)))
            }
        })
    }

    /// The time it shows.
    pub(crate) fn time(&self) -> Timestamp {
        let since = i128::try_from(self.since_epoch().as_nanos()).unwrap_or(i128::MAX);
        Timestamp::from_nanosecond(since).unwrap_or(Timestamp::MAX)
    }

    /// Moves a virtual clock on; it never goes back, and the real one never moves.
    pub(crate) fn move_to(&self, time: Timestamp) -> Result<()> {
        if let Self::Virtual(shown) = self {
            shown.fetch_max(nanoseconds(time)?, Ordering::SeqCst);
        }
        Ok(())
    }

    fn since_epoch(&self) -> Duration {
        match self {
            Self::Real => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Self::Virtual(shown) => Duration::from_nanos(shown.load(Ordering::SeqCst)),
        }
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.since_epoch()
    }
}

fn nanoseconds(time: Timestamp) -> Result<u64> {
    u64::try_from(time.as_nanosecond()).ok().with_context(|| format!("{time} is not between 1970 and 2554"))
}

/// A time and an ISO 8601 duration (`P14D`, `PT90M`) after it. Days are 24 hours, months those of the calendar in UTC.
pub(crate) fn add(time: Timestamp, duration: &str) -> Result<Timestamp> {
    let span: Span = duration.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let later = time.to_zoned(TimeZone::UTC).checked_add(span).map_err(|error| anyhow::anyhow!("{error}"))?.timestamp();
    ensure!(later >= time, "{duration}: time only goes forward");
    nanoseconds(later)?;
    Ok(later)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_virtual_clock_stands_and_never_goes_back() {
        let clock = Clock::new(ClockMode::Virtual(Some(at("2026-03-31T13:59:59Z")))).unwrap();
        let seen_by_a_component = clock.clone();
        assert_eq!(clock.time().to_string(), "2026-03-31T13:59:59Z");
        clock.move_to(at("2026-04-01T00:00:00Z")).unwrap();
        clock.move_to(at("2020-01-01T00:00:00Z")).unwrap();
        assert_eq!(seen_by_a_component.time().to_string(), "2026-04-01T00:00:00Z");
        assert_eq!(HostWallClock::now(&seen_by_a_component).as_secs(), 1_775_001_600);
        assert!(Clock::new(ClockMode::Virtual(Some(at("1969-12-31T00:00:00Z")))).is_err());
    }

    #[test]
    fn durations_are_iso_8601() {
        let start = at("2026-03-28T12:00:00Z");
        for (duration, end) in [
            ("P14D", "2026-04-11T12:00:00Z"), // over the change to summer time: still 14 × 24 hours
            ("PT36H", "2026-03-30T00:00:00Z"),
            ("P1M", "2026-04-28T12:00:00Z"),
            ("PT0S", "2026-03-28T12:00:00Z"),
        ] {
            assert_eq!(add(start, duration).unwrap(), at(end), "{duration}");
        }
        for wrong in ["", "14", "-P1D", "P", "P9999Y"] {
            assert!(add(start, wrong).is_err(), "{wrong:?}");
        }
    }
}
