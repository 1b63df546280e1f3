//! What a run did, in figures.

use std::collections::BTreeMap;

use crate::exchange::Answer;
use crate::wishes::Wish;

/// Figures of a run or a part of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Under load.
    pub kills: usize,
    /// While the program started.
    pub kills_at_start: usize,
    /// Under load, with whatever answer.
    pub answered: usize,
    /// Changes without an answer.
    pub in_flight: usize,
    /// Of those: there all the same.
    pub found_applied: usize,
    /// Of those: not there; their repeat made them.
    pub found_missing: usize,
    /// Of those: refused when they were repeated, so not there either.
    pub found_refused: usize,
    /// Answers compared with their repeats.
    pub replays: usize,
    pub audits: usize,
    /// Times that everything was read back.
    pub read_back: usize,
    /// Changes that were answered, by what they are.
    changed: BTreeMap<String, usize>,
    /// Refusals by their codes.
    refused: BTreeMap<String, usize>,
}

impl Tally {
    pub fn refuse(&mut self, answer: &Answer) {
        let code = answer.json()["code"].as_str().unwrap_or("without a code").to_owned();
        *self.refused.entry(code).or_default() += 1;
    }

    pub fn change(&mut self, wish: &Wish) {
        *self.changed.entry(wish.word().to_owned()).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.kills_at_start += other.kills_at_start;
        self.answered += other.answered;
        self.in_flight += other.in_flight;
        self.found_applied += other.found_applied;
        self.found_missing += other.found_missing;
        self.found_refused += other.found_refused;
        self.replays += other.replays;
        self.audits += other.audits;
        self.read_back += other.read_back;
        for (mine, others) in [(&mut self.changed, other.changed), (&mut self.refused, other.refused)] {
            for (word, count) in others {
                *mine.entry(word).or_default() += count;
            }
        }
    }

    /// What was changed.
    pub fn changes(&self) -> String {
        most_frequent_first(&self.changed)
    }

    /// What was refused.
    pub fn refusals(&self) -> String {
        most_frequent_first(&self.refused)
    }
}

fn most_frequent_first(counts: &BTreeMap<String, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.into_iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} kills (and {} while starting), {} requests answered, {} in flight at a kill ({} applied, {} not applied, \
             {} refused afterwards), {} replays compared, {} audits clean, {} times everything read back",
            self.kills,
            self.kills_at_start,
            self.answered,
            self.in_flight,
            self.found_applied,
            self.found_missing,
            self.found_refused,
            self.replays,
            self.audits,
            self.read_back
        )
    }
}
