//! Moments: milliseconds since 1970 UTC inside, RFC 3339 outside.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// Not a moment as RFC 3339 writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotATime;

impl std::fmt::Display for NotATime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "is not a time like \"2026-03-31T13:59:59Z\"")
    }
}

impl std::error::Error for NotATime {}

impl Instant {
    /// Reads RFC 3339 with any offset; finer than a millisecond is cut off.
    ///
    /// # Errors
    /// [`NotATime`] for anything else, and for years outside 1970 to 9999.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let moment: Timestamp = text.parse().map_err(|_| NotATime)?;
        if moment < Timestamp::UNIX_EPOCH { Err(NotATime) } else { Ok(Self(moment.as_millisecond())) }
    }

    /// The moment after so many seconds; saturates at the end of 64 bits.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds) * 1_000))
    }
}

/// Whether a text is a day as the API writes it: "1990-02-28".
#[must_use]
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// RFC 3339 in UTC, to the second, with milliseconds only where there are any.
impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "9999-12-31T23:59:59Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_is_read_and_utc_is_written() {
        for (text, written) in [
            ("2026-03-31T13:59:59Z", "2026-03-31T13:59:59Z"),
            ("2026-03-31T16:59:59+03:00", "2026-03-31T13:59:59Z"),
            ("2026-03-31T13:59:59.120Z", "2026-03-31T13:59:59.12Z"),
        ] {
            assert_eq!(Instant::parse(text).map(|moment| moment.to_string()), Ok(written.to_owned()));
        }
        for text in ["2026-03-31", "yesterday", "2026-03-31T13:59:59", "1969-12-31T23:59:59Z", ""] {
            assert_eq!(Instant::parse(text), Err(NotATime), "{text}");
        }
    }
}
