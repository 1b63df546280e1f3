//! Time and randomness: arguments of everything below.

use domain::Instant;

/// Now, by the clock that the host shows.
#[must_use]
pub fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 64 random bits of the host's cryptographic source.
#[must_use]
pub fn random() -> u64 {
    spin_sdk::wasip3::random::random::get_random_u64()
}
