//! Durations of requests: how many a second, and the exact percentiles.

use std::time::Duration;

/// What was measured, sorted.
pub struct Samples {
    sorted: Vec<Duration>,
    elapsed: Duration,
    /// Requests in all, those of the warm-up included.
    pub sent: u64,
}

impl Samples {
    /// Requests that ended within a time.
    pub fn within(elapsed: Duration, mut durations: Vec<Duration>, sent: u64) -> Self {
        assert!(!durations.is_empty(), "no request ended in time: measure for longer");
        durations.sort_unstable();
        Self { sorted: durations, elapsed, sent }
    }

    /// Requests one after another: their time is their sum.
    pub fn in_sequence(durations: Vec<Duration>) -> Self {
        let sent = durations.len() as u64;
        Self::within(durations.iter().sum(), durations, sent)
    }

    pub fn a_second(&self) -> f64 {
        self.sorted.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The time that a request takes of the whole: 1 / throughput.
    pub fn time(&self) -> f64 {
        1.0 / self.a_second()
    }

    /// All of them, the shortest first.
    pub fn durations(&self) -> &[Duration] {
        &self.sorted
    }

    pub fn p50(&self) -> f64 {
        self.percentile(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.percentile(0.99)
    }

    /// The smallest duration that this share of the requests did not exceed, in seconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let rank = (self.sorted.len() as f64 * share).ceil() as usize;
        self.sorted[rank.clamp(1, self.sorted.len()) - 1].as_secs_f64()
    }
}
