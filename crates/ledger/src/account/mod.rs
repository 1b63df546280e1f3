//! One account during one command: each operation chooses lots, changes the totals and leaves an entry for the plan.

use domain::id::Ids;
use domain::judgement::{Budget, ClawbackPolicy, Explanation, Extension, Grant};
use domain::plan::{Entry, NewLot};
use domain::snapshot::{Hold, Lot, Member, Taken};
use domain::{Id, Instant, LIMIT, Points};
use serde_json::Value;

mod kind;
mod moves;
mod undo;

pub use kind::Kind;
pub use undo::ClawedBack;
pub(crate) use undo::OwnShare;

use crate::balance::{Balance, by_date, by_state};
use crate::refusal::Refusal;

/// What the ledger must know of the program beside its judgement.
#[derive(Clone, Debug)]
pub struct Terms {
    pub program_version: i64,
    /// Decimal places of a point.
    pub points_scale: u8,
    pub clawback: ClawbackPolicy,
    pub hold_seconds: u32,
    /// Until when points are good that come back now to a lot that is over meanwhile; none: they are lost with it.
    pub returned_until: Option<Instant>,
    /// How many days before points expire a notice must have been recorded as sent; none: they need none.
    pub notice_days: Option<i64>,
    /// What rules may give all members together.
    pub budgets: Vec<Budget>,
}

/// What an entry belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cause {
    pub occurred_at: Instant,
    pub order_id: Option<Id>,
    pub redemption_id: Option<Id>,
}

/// A member's account while a command is planned.
#[derive(Clone, Debug)]
pub struct Account {
    id: Id,
    seq: i64,
    at: Instant,
    remaining: Points,
    held: Points,
    deficit: Points,
    earned: Points,
    redeemed: Points,
    expired: Points,
    lots: Vec<Lot>,
    terms: Terms,
    entries: Vec<Entry>,
}

impl Account {
    /// The account as the store knows it, at the moment `now` or, should clocks differ, at its last entry's.
    #[must_use]
    pub fn open(member: &Member, lots: &[Lot], terms: &Terms, now: Instant) -> Self {
        let mut lots = lots.to_vec();
        // Spent nearest expiry first, never-expiring last, then oldest.
        lots.sort_by_key(Lot::sequence);
        Self {
            id: member.id,
            seq: member.seq,
            at: now.max(member.last_at),
            remaining: member.remaining,
            held: member.held,
            deficit: member.deficit,
            earned: member.earned,
            redeemed: member.redeemed,
            expired: member.expired,
            lots,
            terms: terms.clone(),
            entries: Vec::new(),
        }
    }

    /// The moment of this account's next entries.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    #[must_use]
    pub fn deficit(&self) -> Points {
        self.deficit
    }

    /// What can be spent now: a deficit is set aside first.
    #[must_use]
    pub fn spendable(&self) -> Points {
        by_state(&self.lots, self.at).0.less(self.deficit)
    }

    /// The balance with everything that was planned so far.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let (available, pending, due) = by_state(&self.lots, self.at);
        let live = self.lots.iter().filter(|lot| lot.is_live(self.at) && !lot.remaining.is_zero());
        let waiting =
            self.lots.iter().filter(|lot| lot.activates_at > self.at && !lot.is_due(self.at) && !lot.remaining.is_zero());
        Balance {
            available,
            pending,
            held: self.held,
            deficit: self.deficit,
            lifetime_earned: self.earned,
            lifetime_redeemed: self.redeemed,
            lifetime_expired: Points(self.expired.0.saturating_add(due.0)),
            expiring: by_date(live.map(|lot| (lot, lot.ends_at()))),
            activating: by_date(waiting.map(|lot| (lot, Some(lot.activates_at)))),
            as_of: self.at,
        }
    }

    /// The entries that were planned.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// The entries planned so far.
    #[must_use]
    pub fn planned(&self) -> &[Entry] {
        &self.entries
    }

    /// Grants points, one lot a grant. A deficit is paid first, from what would expire soonest. What expires needs a notice where
    /// the program wants one.
    ///
    /// Returns the new lots in the sequence of the grants.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond [`LIMIT`].
    pub fn grant(
        &mut self,
        kind: Kind,
        grants: &[Grant],
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<NewLot>, Refusal> {
        let notice_days = self.terms.notice_days;
        let grants: Vec<_> = grants.iter().map(|grant| (grant.clone(), grant.expires_at.and(notice_days))).collect();
        self.grant_from(kind, None, &grants, cause, explanations, ids)
    }

    /// The same, where the points come from another entry; each grant with the days of notice that it needs.
    fn grant_from(
        &mut self,
        kind: Kind,
        parent: Option<Id>,
        grants: &[(Grant, Option<i64>)],
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<NewLot>, Refusal> {
        let amount: Points = grants.iter().map(|(grant, _)| grant.points).sum();
        if amount.0 == 0 {
            return Ok(Vec::new());
        }
        let entry = ids.next();
        let lots: Vec<NewLot> = grants
            .iter()
            .map(|(grant, notice_days)| NewLot {
                id: ids.next(),
                rule_id: grant.rule_id.clone(),
                issued: grant.points,
                activates_at: grant.activates_at,
                expires_at: grant.expires_at,
                notice_days: *notice_days,
            })
            .collect();
        // an order of long ago may earn points that are over already: they pay no debt
        let over = |lot: &NewLot| lot.notice_days.is_none() && lot.expires_at.is_some_and(|end| end <= self.at);
        let paying: Points = lots.iter().filter(|lot| !over(lot)).map(|lot| lot.issued).sum();
        let owed = self.deficit.0.min(paying.0);
        let mut soonest_first: Vec<(&NewLot, bool)> = lots.iter().map(|lot| (lot, over(lot))).collect();
        soonest_first.sort_by_key(|(lot, _)| (lot.expires_at.is_none(), lot.expires_at, lot.id));
        let mut unpaid = owed;
        let mut postings = Vec::new();
        for (lot, over) in soonest_first {
            let withheld = if over { 0 } else { unpaid.min(lot.issued.0) };
            unpaid -= withheld;
            let granted = Points(lot.issued.0 - withheld);
            if !granted.is_zero() {
                postings.push((lot.id, granted));
                self.add_to_lot(&lot.holding(granted), &lot.rule_id);
            }
        }
        self.record(entry, kind, amount, Points(-owed), postings, lots.clone(), parent, cause, explanations)?;
        Ok(lots)
    }

    /// Puts off the end of lots that live on by activity: never nearer, and not of what is over. What needs a notice needs a new
    /// one. Returns whether any was.
    pub fn extend(&mut self, extensions: &[Extension]) -> bool {
        let at = self.at;
        let mut moved = false;
        for lot in self.lots.iter_mut().filter(|lot| !lot.remaining.is_zero()) {
            let later = extensions.iter().filter(|longer| longer.rule_id == lot.rule_id).map(|longer| longer.expires_at).max();
            if let (Some(end), Some(later)) = (lot.ends_at(), later)
                && !lot.is_due(at)
                && end < later
            {
                (lot.expires_at, lot.planned_expires_at) =
                    if lot.notice_days.is_some() { (None, Some(later)) } else { (Some(later), None) };
                moved = true;
            }
        }
        moved
    }

    /// Takes points from the lots that are live now, nearest expiry first. Returns the entry.
    ///
    /// # Errors
    /// [`Refusal::InsufficientPoints`] when there are fewer; [`Refusal::Overflow`] beyond [`LIMIT`].
    pub fn hold(&mut self, points: Points, cause: Cause, explanations: &[Explanation], ids: &mut Ids) -> Result<Id, Refusal> {
        if points > self.spendable() {
            return Err(self.insufficient());
        }
        let at = self.at;
        let postings = self.take(points, |lot| lot.is_live(at));
        let entry = ids.next();
        self.record(entry, Kind::Hold, points, Points::ZERO, postings, Vec::new(), None, cause, explanations)?;
        Ok(entry)
    }

    /// Spends so many of the points of a hold, those first that were taken first, and gives back the rest. Returns the
    /// capture's entry.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] when the hold does not hold as much.
    pub fn capture(
        &mut self,
        hold: &Hold,
        points: Points,
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Id, Refusal> {
        let mut left = points.0;
        let mut spent = Vec::new();
        let mut rest = Vec::new();
        for taken in &in_sequence_of_taking(&hold.postings) {
            let part = left.min(taken.points.0);
            left -= part;
            if part > 0 {
                spent.push((taken.lot, Points(part)));
            }
            if taken.points.0 > part {
                rest.push(Taken { points: Points(taken.points.0 - part), ..taken.clone() });
            }
        }
        if left != 0 || points.0 <= 0 {
            return Err(Refusal::Overflow);
        }
        let entry = ids.next();
        self.record(entry, Kind::Capture, points, Points::ZERO, spent, Vec::new(), Some(hold.hold_entry), cause, explanations)?;
        if !rest.is_empty() {
            let given: Points = rest.iter().map(|taken| taken.points).sum();
            let reason = Explanation::fact("redemption", given, "not_captured", "The rest of the hold was not used".to_owned());
            self.give_back(Kind::Release, hold.hold_entry, rest, cause, &[reason], ids)?;
        }
        Ok(entry)
    }

    /// Gives all points of a hold back to their lots.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond [`LIMIT`].
    pub fn release(&mut self, hold: &Hold, cause: Cause, explanations: &[Explanation], ids: &mut Ids) -> Result<(), Refusal> {
        self.give_back(Kind::Release, hold.hold_entry, hold.postings.clone(), cause, explanations, ids).map(drop)
    }

    /// Takes points away by decision of the staff: nearest expiry first, pending ones too.
    ///
    /// # Errors
    /// [`Refusal::InsufficientPoints`] when there are fewer; [`Refusal::Overflow`] beyond [`LIMIT`].
    pub fn deduct(
        &mut self,
        points: Points,
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<(Id, Points)>, Refusal> {
        let at = self.at;
        let (available, pending, _) = by_state(&self.lots, at);
        if points.0 > available.0.saturating_add(pending.0) {
            return Err(Refusal::InsufficientPoints {
                available: Points(available.0.saturating_add(pending.0)),
                deficit: self.deficit,
            });
        }
        let postings = self.take(points, |lot| !lot.is_due(at));
        let entry = ids.next();
        self.record(entry, Kind::AdjustOut, points, Points::ZERO, postings.clone(), Vec::new(), None, cause, explanations)?;
        Ok(postings)
    }

    /// The refusal that says what could be spent.
    #[must_use]
    pub fn insufficient(&self) -> Refusal {
        Refusal::InsufficientPoints { available: self.spendable(), deficit: self.deficit }
    }

    /// The lots with points left, in the sequence of spending.
    #[must_use]
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// Takes up to so many points from the chosen lots, in the sequence of spending.
    fn take(&mut self, points: Points, chosen: impl Fn(&Lot) -> bool) -> Vec<(Id, Points)> {
        let mut left = points.0;
        let mut postings = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| chosen(lot)) {
            let part = left.min(lot.remaining.0);
            if part > 0 {
                lot.remaining = Points(lot.remaining.0 - part);
                left -= part;
                postings.push((lot.id, Points(part)));
            }
        }
        postings
    }

    /// Gives points back to the lots that they came from; from there what is over goes on to a new lot, where the program
    /// has such a grace. Returns where they went; from there they pay what is owed.
    fn give_back(
        &mut self,
        kind: Kind,
        parent: Id,
        back: Vec<Taken>,
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<Taken>, Refusal> {
        let amount: Points = back.iter().map(|taken| taken.points).sum();
        if amount.is_zero() {
            return Ok(Vec::new());
        }
        for taken in &back {
            self.add_to_lot(taken, "");
        }
        let entry = ids.next();
        let postings = back.iter().map(|taken| (taken.lot, taken.points)).collect();
        self.record(entry, kind, amount, Points::ZERO, postings, Vec::new(), Some(parent), cause, explanations)?;
        let back = self.keep_what_is_over(back, cause, ids)?;
        self.settle(cause, ids)?;
        Ok(back)
    }

    /// Puts points on a lot, which the account may not know yet when nothing was left on it.
    fn add_to_lot(&mut self, taken: &Taken, rule_id: &str) {
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.id == taken.lot) {
            lot.remaining = Points(lot.remaining.0.saturating_add(taken.points.0));
            return;
        }
        let lot = Lot {
            id: taken.lot,
            rule_id: rule_id.to_owned(),
            remaining: taken.points,
            activates_at: taken.activates_at,
            expires_at: taken.expires_at,
            planned_expires_at: taken.planned_expires_at,
            notice_days: taken.notice_days,
        };
        let place = self.lots.partition_point(|other| other.sequence() < lot.sequence());
        self.lots.insert(place, lot);
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the ledger")]
    fn record(
        &mut self,
        id: Id,
        kind: Kind,
        amount: Points,
        deficit_change: Points,
        postings: Vec<(Id, Points)>,
        lots: Vec<NewLot>,
        parent_id: Option<Id>,
        cause: Cause,
        explanations: &[Explanation],
    ) -> Result<(), Refusal> {
        let least = i64::from(!matches!(kind, Kind::MergeOut | Kind::MergeIn));
        if !(least..=LIMIT).contains(&amount.0) {
            return Err(Refusal::Overflow);
        }
        let moved = amount.0 - deficit_change.0.abs();
        let (remaining, held, earned, redeemed) = kind.effect();
        let change = |total: &mut Points, sign: i64| -> Result<(), Refusal> {
            *total = total.checked_add(Points(sign * moved)).ok_or(Refusal::Overflow)?;
            Ok(())
        };
        change(&mut self.remaining, remaining)?;
        change(&mut self.held, held)?;
        change(&mut self.earned, earned)?;
        change(&mut self.redeemed, redeemed)?;
        self.deficit = self.deficit.checked_add(deficit_change).ok_or(Refusal::Overflow)?;
        self.seq = self.seq.checked_add(1).ok_or(Refusal::Overflow)?;
        let (version, scale) = (self.terms.program_version, self.terms.points_scale);
        self.entries.push(Entry {
            id,
            account_id: self.id,
            seq: self.seq,
            kind: kind.word(),
            amount,
            deficit_change,
            balance_after: self.remaining,
            at: self.at,
            occurred_at: cause.occurred_at,
            parent_id,
            order_id: cause.order_id,
            redemption_id: cause.redemption_id,
            program_version: version,
            explanation: Value::Array(explanations.iter().map(|reason| reason.to_json(version, scale)).collect()),
            lots,
            postings,
        });
        Ok(())
    }
}

/// What was taken from lots, in the sequence in which it was.
fn in_sequence_of_taking(taken: &[Taken]) -> Vec<Taken> {
    let mut taken = taken.to_vec();
    taken.sort_by_key(|taken| taken.place);
    taken
}
