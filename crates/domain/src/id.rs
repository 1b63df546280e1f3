//! Ids: 63 bits, time first, then randomness; made before the statement, so that the answer is known before the write.

use serde::{Deserialize, Serialize};

use crate::Instant;

/// Bits of an id below the second: a random start, from which a command's rows are numbered.
/// 2^30 starts a second keep the chance of a collision between two commands of ten rows at one in fifty million; a
/// collision is refused by the store and planned again.
const RANDOM_BITS: u32 = 30;

/// The internal number of a row. Outside it is an opaque string with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub i64);

/// A text that is not an id with the expected prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError;

impl Id {
    /// The id as callers see it: `mem_` and hexadecimal digits.
    #[must_use]
    pub fn external(self, prefix: &str) -> String {
        format!("{prefix}_{:x}", self.0)
    }

    /// Reads what [`Id::external`] wrote.
    ///
    /// # Errors
    /// [`IdError`] for another prefix or anything that is not such a number.
    pub fn parse(text: &str, prefix: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(IdError)?;
        let canonical = digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match i64::from_str_radix(digits, 16) {
            Ok(number) if canonical && number > 0 => Ok(Self(number)),
            _ => Err(IdError),
        }
    }
}

/// The ids of one command: the first is the command's own, the others are numbered from it.
#[derive(Clone, Debug)]
pub struct Ids {
    next: i64,
}

impl Ids {
    /// `random` is uniform; its low 30 bits are used.
    #[must_use]
    pub fn new(now: Instant, random: u64) -> Self {
        let seconds = (now.0 / 1_000).clamp(0, (1 << 33) - 1);
        let start = i64::try_from(random & ((1 << RANDOM_BITS) - 1)).unwrap_or_default();
        Self { next: (seconds << RANDOM_BITS) | start }
    }

    /// The next id.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> Id {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        Id(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_later_second_are_greater_whatever_the_randomness() {
        let earlier = Ids::new(Instant(1_700_000_000_000), u64::MAX).next();
        let later = Ids::new(Instant(1_700_000_001_000), 0).next();
        assert!(later > earlier);
    }

    #[test]
    fn an_external_id_is_read_back_and_only_with_its_own_prefix() {
        let id = Ids::new(Instant(1_700_000_000_000), 42).next();
        assert_eq!(Id::parse(&id.external("mem"), "mem"), Ok(id));
        for text in
            ["mem_", "mem_0", "mem_XYZ", "red_1", "mem_-1", "mem_+1", "mem1", "", "mem_ffffffffffffffff", "mem_00000000000000001"]
        {
            assert_eq!(Id::parse(text, "mem"), Err(IdError), "{text}");
        }
    }
}
