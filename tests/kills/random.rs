//! Numbers that follow from a seed.

/// SplitMix64: small, and good enough to choose what a shop does next.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each list of parts.
    pub fn new(parts: &[u64]) -> Self {
        let mut random = Self(0);
        for part in parts {
            random.0 = random.next() ^ part;
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one below this.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A place in a list, if it has any.
    pub fn place<T>(&mut self, list: &[T]) -> Option<usize> {
        let length = u64::try_from(list.len()).ok().filter(|length| *length > 0)?;
        usize::try_from(self.below(length)).ok()
    }

    /// One of a list, if it has any.
    pub fn choose<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        self.place(list).map(|place| &list[place])
    }

    /// One taken out of a list, if it has any.
    pub fn take<T>(&mut self, list: &mut Vec<T>) -> Option<T> {
        self.place(list).map(|place| list.swap_remove(place))
    }
}
