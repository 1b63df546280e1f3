//! Reproducible randomness: one seed, one life.

/// `SplitMix64`.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from the first to the last, both included.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        let width = u64::try_from(last - first + 1).expect("the last is not before the first");
        first + i64::try_from(self.bits() % width).expect("it is below the width")
    }

    pub fn percent(&mut self, chance: i64) -> bool {
        self.between(1, 100) <= chance
    }

    /// One of these, if there is any.
    pub fn one_of<'a, T>(&mut self, choice: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(choice.len()).unwrap_or(i64::MAX);
        if count == 0 { None } else { choice.get(usize::try_from(self.between(0, count - 1)).unwrap_or_default()) }
    }

    /// So many parts that sum to the whole, any of them possibly 0.
    pub fn split(&mut self, whole: i64, parts: usize) -> Vec<i64> {
        let mut left = whole;
        let mut split: Vec<i64> = (1..parts)
            .map(|_| {
                let part = self.between(0, left);
                left -= part;
                part
            })
            .collect();
        split.push(left);
        split
    }
}
