//! The members for whom a program would change most.

use domain::Id;
use domain::judgement::Explanation;

use super::figures::Figures;

/// How many are named.
const NAMED: usize = 20;

/// A member's difference between the programs.
#[derive(Clone, Debug)]
pub struct Change {
    pub member: Id,
    pub difference: Figures,
    /// Orders of the member in the period.
    pub orders: i64,
    /// The order that makes most of the difference; the first one of several that are equal.
    pub order: Option<Cause>,
}

/// An order with a difference.
#[derive(Clone, Debug)]
pub struct Cause {
    pub order: Id,
    pub reference: String,
    pub difference: Figures,
    /// How the proposed program explains itself.
    pub explanations: Vec<Explanation>,
}

/// The largest changes, the largest first; of equal ones the member with the lower id.
#[derive(Clone, Debug, Default)]
pub struct Largest(Vec<Change>);

impl Largest {
    /// Keeps a change if it is one of the largest.
    pub fn offer(&mut self, change: Change) {
        if change.difference.weight() == (0, 0) {
            return;
        }
        // members come by id: an equal one that was there before stays before
        let place = self.0.partition_point(|known| known.difference.weight() >= change.difference.weight());
        if place < NAMED {
            self.0.insert(place, change);
            self.0.truncate(NAMED);
        }
    }

    pub fn into_vec(self) -> Vec<Change> {
        self.0
    }
}
