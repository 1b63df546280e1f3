//! Time passes, and with it the jobs: each full hour on the way, and whenever somebody calls them.

use std::collections::BTreeMap;

use domain::{Id, Instant};
use serde_json::Value;

use super::model::Grace;
use super::{DAY, Deed, HOUR, Life, MINUTE};

impl Life {
    /// Moves the clock on. At each full hour on the way the jobs do what is due.
    pub(super) async fn pass_time(&mut self) {
        let next = self.next_moment();
        let random = &mut self.random;
        let passed = match random.between(1, 1_000) {
            1..=250 => 0,
            251..=650 => random.between(0, 2 * MINUTE),
            651..=780 => random.between(0, 20 * MINUTE),
            // the last instant before something ends or begins, the instant itself, or the next
            781..=880 => next.map_or(0, |next| next.0 - self.now.0 + random.between(-1, 1)),
            881..=970 => random.between(0, 4 * HOUR),
            971..=994 => random.between(0, DAY),
            _ => random.between(0, 5 * DAY),
        };
        if passed == 0 {
            return;
        }
        let (from, to) = (self.now, Instant(self.now.0 + passed));
        self.shop.at(&to.to_string()).await;
        self.now = to;
        let hours = from.0.div_euclid(HOUR) + 1..=to.0.div_euclid(HOUR);
        if hours.is_empty() {
            return;
        }
        let (mut graces, entries) = self.what_jobs_left().await;
        for hour in hours {
            let at = Instant(hour * HOUR);
            self.release_overdue(at, &mut graces);
            self.announce(at);
            self.expire_lots(at);
        }
        for (member, new) in entries {
            self.agree(member, new, None).await;
        }
    }

    /// When the next lot or hold ends or the next lot begins.
    fn next_moment(&self) -> Option<Instant> {
        let lots = self.members.values().flat_map(|account| &account.lots).filter(|lot| lot.points > 0);
        let ends = lots.flat_map(|lot| [Some(lot.activates_at), lot.expires_at]).flatten();
        let holds = self.members.values().flat_map(|account| account.holds.values());
        let deadlines = holds.filter(|hold| hold.is_open()).map(|hold| hold.deadline);
        ends.chain(deadlines).filter(|moment| *moment > self.now).min()
    }

    /// The new entries of everybody, and the lots in which points came back late.
    async fn what_jobs_left(&self) -> (BTreeMap<Id, Grace>, BTreeMap<Id, Vec<Value>>) {
        let (mut graces, mut entries) = (BTreeMap::new(), BTreeMap::new());
        for member in self.members.keys() {
            let new = self.new_entries(*member).await;
            graces.insert(*member, self.grace(&new));
            entries.insert(*member, new);
        }
        (graces, entries)
    }

    /// Returns how many holds were overdue.
    fn release_overdue(&mut self, at: Instant, graces: &mut BTreeMap<Id, Grace>) -> usize {
        let until = self.program.returned_until(at);
        let mut released = 0;
        for (member, account) in &mut self.members {
            let grace = graces.get_mut(member).expect("everybody's entries were read");
            grace.until = until;
            let overdue = account.overdue(at);
            released += overdue.len();
            overdue.into_iter().for_each(|id| account.release(id, grace, at));
        }
        released
    }

    /// Returns how many delayed lots have become available.
    fn announce(&mut self, at: Instant) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|_, activates_at| *activates_at > at);
        before - self.waiting.len()
    }

    /// Returns how many lots are over with something left on them.
    fn expire_lots(&mut self, at: Instant) -> usize {
        let mut expired = 0;
        for account in self.members.values_mut() {
            expired += account.lots.iter().filter(|lot| lot.points > 0 && lot.expires_at.is_some_and(|end| end <= at)).count();
            account.expire(at);
        }
        expired
    }

    /// The jobs that have something to do.
    fn due(&self) -> Vec<&'static str> {
        let now = self.now;
        let holds = self.members.values().any(|account| !account.overdue(now).is_empty());
        let activate = self.waiting.values().any(|activates_at| *activates_at <= now);
        let mut lots = self.members.values().flat_map(|account| &account.lots);
        let expire = lots.any(|lot| lot.points > 0 && lot.expires_at.is_some_and(|end| end <= now));
        [("holds", holds), ("activate", activate), ("expire", expire)]
            .iter()
            .filter(|(_, due)| *due)
            .map(|(job, _)| *job)
            .collect()
    }

    pub(super) fn something_is_due(&self) -> bool {
        !self.due().is_empty()
    }

    /// Somebody calls a job between two hours.
    pub(super) async fn run_a_job(&mut self) -> Deed {
        let mut jobs = self.due();
        if jobs.is_empty() || self.random.percent(30) {
            jobs = vec!["holds", "activate", "expire"];
        }
        let job = *self.random.one_of(&jobs).expect("there are some");
        let done: Value = self.shop.run_job(job).await;
        let (mut graces, entries) = self.what_jobs_left().await;
        let (expected, deed) = match job {
            "holds" => (self.release_overdue(self.now, &mut graces), "release what is overdue"),
            "activate" => (self.announce(self.now), "activate"),
            _ => (self.expire_lots(self.now), "expire"),
        };
        assert_eq!((&done["processed"], &done["remaining"]), (&expected.into(), &0.into()), "{job}");
        for (member, new) in entries {
            self.agree(member, new, None).await;
        }
        if expected > 0 { deed } else { "nothing is due" }
    }
}
