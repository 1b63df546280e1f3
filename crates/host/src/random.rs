//! Randomness for the components: the system's, or one stream from a seed so that a run can be repeated.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng as _, TryRng};
use wasmtime_wasi::WasiCtxBuilder;

/// Where the components of a host get their random numbers from.
#[derive(Clone)]
pub(crate) struct Randomness(Option<Stream>);

impl Randomness {
    /// From the seed, or from the system without one.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Stream(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))))
    }

    /// Gives it to a new instance. All instances draw from the same stream, one after another.
    pub(crate) fn apply(&self, wasi: &mut WasiCtxBuilder) {
        let Some(stream) = &self.0 else { return };
        let mut seed = stream.clone();
        wasi.insecure_random_seed(u128::from(seed.next_u64()) << 64 | u128::from(seed.next_u64()));
        wasi.secure_random(stream.clone());
        wasi.insecure_random(stream.clone());
    }
}

#[derive(Clone)]
struct Stream(Arc<Mutex<StdRng>>);

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream() {
        let draw = |seed| {
            let randomness = Randomness::new(Some(seed));
            let (mut one, mut other) = (randomness.0.clone().unwrap(), randomness.0.unwrap());
            [one.next_u64(), other.next_u64(), one.next_u64()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1], "the second handle goes on where the first stopped");
    }
}
