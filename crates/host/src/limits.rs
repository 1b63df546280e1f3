//! What one instance may take of the machine: a component that loops or allocates without end, or one composed into it,
//! is stopped, and nothing else notices.
//!
//! - **Computing.** A component that computes gives way to everything else after every tick of the epoch. The ticks are
//!   counted, from the call's beginning or from the last statement that it sent to a store; with more of them than are
//!   allowed, the instance is stopped where it is.
//! - **Memory.** All memories and tables of an instance together, those of its dependencies included: what would exceed the
//!   limit is not granted, and most components then trap by themselves.
//! - **Handles** of resources: wasmtime's own limit for a store, 100 000. **Stack**: wasmtime's, 512 KiB.
//!
//! An instance that was stopped takes the calls in flight in it with it, as any trap does: see `server` for what their
//! callers are told. These are the limits of this host; Spin has its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::engine::epochs;
use crate::state::State;

/// Memory that an instance may have: those of this application take some 10 MiB, one with a JavaScript engine inside
/// some 40.
pub(crate) const MEMORY: usize = 256 << 20;
/// A table's element is a pointer on the host.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// After so many ticks in one call, a fifth of a second, an instance is taken for one that will not end soon.
const OCCUPIED: u64 = 20;

/// What an instance has taken so far.
pub(crate) struct Taken {
    ticks: u64,
    ticks_allowed: u64,
    memory: usize,
    /// Whether memory was refused: for what is told when the component traps then.
    refused: bool,
    /// Who wants to know when it is occupied.
    occupied: Option<Arc<AtomicBool>>,
}

impl Taken {
    pub(crate) fn new() -> Self {
        Self { ticks: 0, ticks_allowed: 0, memory: 0, refused: false, occupied: None }
    }

    /// Tells somebody when the instance has computed for a while in one call.
    pub(crate) fn tell(&mut self, occupied: Arc<AtomicBool>) {
        self.occupied = Some(occupied);
    }

    /// A call begins, for which the component may compute for so long.
    pub(crate) fn begin(&mut self, computing: Duration) {
        self.ticks = 0;
        self.ticks_allowed = epochs(computing);
    }

    /// The component asked the host for something: it has not computed without end so far.
    pub(crate) fn asked(&mut self) {
        self.ticks = 0;
    }

    /// One more tick of the epoch in which the component computed.
    fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks += 1;
        if self.ticks > self.ticks_allowed {
            return Err(wasmtime::Error::from(Endless));
        }
        if self.ticks == OCCUPIED
            && let Some(occupied) = &self.occupied
        {
            occupied.store(true, Ordering::Relaxed);
        }
        // To whoever waits, connections included: tokio looks at them after this.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    }

    fn grow(&mut self, from: usize, to: usize) -> bool {
        let memory = self.memory.saturating_add(to.saturating_sub(from));
        if memory > MEMORY {
            self.refused = true;
            return false;
        }
        self.memory = memory;
        true
    }

    /// What was refused to the component, if anything was.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refused.then(|| format!("it asked for more than {} MiB of memory", MEMORY >> 20))
    }
}

/// Puts an instance under the limits.
pub(crate) fn limit(store: &mut Store<State>, computing: Duration) {
    store.data_mut().taken.begin(computing);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().taken.tick());
    store.limiter(|state| &mut state.taken);
}

/// Why an instance was stopped that computed without end.
#[derive(Debug)]
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it computed for longer than a call may take")
    }
}

impl std::error::Error for Endless {}

impl ResourceLimiter for Taken {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current.saturating_mul(TABLE_ELEMENT), desired.saturating_mul(TABLE_ELEMENT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_share_one_limit() {
        let mut taken = Taken::new();
        assert!(taken.grow(0, MEMORY / 2) && taken.grow(0, MEMORY / 2));
        assert!(taken.refusal().is_none());
        assert!(!taken.grow(MEMORY / 2, MEMORY / 2 + 1));
        assert!(taken.refusal().is_some_and(|refusal| refusal.contains("256 MiB")));
        assert!(!Taken::new().grow(0, usize::MAX) && !Taken::new().table_growing(0, usize::MAX, None).unwrap());
    }

    #[test]
    fn every_call_may_compute_for_its_own_time() {
        let mut taken = Taken::new();
        for _ in 0..3 {
            taken.begin(Duration::from_secs(1));
            assert!((0..50).all(|_| taken.tick().is_ok()));
            taken.asked();
            let ticks = (0..10_000).take_while(|_| taken.tick().is_ok()).count();
            assert_eq!(u64::try_from(ticks).unwrap(), epochs(Duration::from_secs(1)));
        }
    }
}
