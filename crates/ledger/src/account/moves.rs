//! Points that go from lot to lot and from member to member: a grace, a transfer, a merge.

use domain::id::Ids;
use domain::judgement::{Explanation, Grant};
use domain::plan::NewLot;
use domain::snapshot::{Lot, Taken};
use domain::{Id, Points};

use super::{Account, Cause, Kind};
use crate::refusal::Refusal;

impl Account {
    /// What came back to lots that are over goes on to a new lot, good until the program's grace ends: a transfer within
    /// the account, so that every lot keeps its dates for ever. It needs a notice where any of those lots did. Returns where
    /// everything is then.
    pub(super) fn keep_what_is_over(&mut self, back: Vec<Taken>, cause: Cause, ids: &mut Ids) -> Result<Vec<Taken>, Refusal> {
        let at = self.at;
        let Some(until) = self.terms.returned_until.filter(|until| *until > at) else { return Ok(back) };
        let (over, mut kept): (Vec<Taken>, Vec<Taken>) =
            back.into_iter().partition(|taken| taken.expires_at.is_some_and(|end| end <= at));
        let points: Points = over.iter().map(|taken| taken.points).sum();
        if points.is_zero() {
            return Ok(kept);
        }
        let reason = |points| {
            Explanation::fact(
                "returned_grace",
                points,
                "returned_grace",
                format!("Came back after their time; good until {until}"),
            )
        };
        let notice_days = over.iter().filter_map(|taken| taken.notice_days).max();
        for taken in &over {
            if let Some(lot) = self.lots.iter_mut().find(|lot| lot.id == taken.lot) {
                lot.remaining = lot.remaining.less(taken.points);
            }
        }
        let postings = over.iter().map(|taken| (taken.lot, taken.points)).collect();
        let out = ids.next();
        self.record(
            out,
            Kind::TransferOut,
            points,
            Points::ZERO,
            postings,
            Vec::new(),
            None,
            cause,
            &[reason(Points(-points.0))],
        )?;
        let entry = ids.next();
        let new = NewLot {
            id: ids.next(),
            rule_id: "returned_grace".to_owned(),
            issued: points,
            activates_at: at,
            expires_at: Some(until),
            notice_days,
        };
        let taken = new.holding(points);
        self.add_to_lot(&taken, &new.rule_id);
        let posting = vec![(new.id, points)];
        self.record(entry, Kind::TransferIn, points, Points::ZERO, posting, vec![new], Some(out), cause, &[reason(points)])?;
        kept.push(taken);
        Ok(kept)
    }

    /// Takes points that can be spent now, to give them to somebody. Returns the entry, and what was taken from which lot.
    ///
    /// # Errors
    /// [`Refusal::InsufficientPoints`] when there are fewer; [`Refusal::Overflow`] beyond 10^12.
    pub fn send(
        &mut self,
        points: Points,
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<(Id, Vec<Taken>), Refusal> {
        if points > self.spendable() {
            return Err(self.insufficient());
        }
        let at = self.at;
        let before = self.lots.clone();
        let postings = self.take(points, |lot| lot.is_live(at));
        let dates = |(id, points): &(Id, Points)| {
            let lot = before.iter().find(|lot| lot.id == *id)?;
            Some(on(lot, *points))
        };
        let taken = postings.iter().filter_map(dates).collect();
        let entry = ids.next();
        self.record(entry, Kind::TransferOut, points, Points::ZERO, postings, Vec::new(), None, cause, explanations)?;
        Ok((entry, taken))
    }

    /// Grants what somebody sent: a lot for each of theirs, with its dates, so that no point lives longer by travelling. What needs
    /// a notice needs one to its new owner. A deficit is paid first. Returns the new lots.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond 10^12.
    pub fn receive(
        &mut self,
        sent: (Id, &[Taken]),
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<NewLot>, Refusal> {
        let grant = |taken: &Taken| {
            let grant = Grant {
                rule_id: "transfer".to_owned(),
                points: taken.points,
                activates_at: taken.activates_at,
                expires_at: taken.expires_at.or(taken.planned_expires_at),
            };
            (grant, taken.notice_days)
        };
        let grants: Vec<_> = sent.1.iter().map(grant).collect();
        self.grant_from(Kind::TransferIn, Some(sent.0), &grants, cause, explanations, ids)
    }

    /// Takes over another account with everything in it: lots with their history, what is held, what is owed. The other one
    /// is empty then, and the points of the one pay what the other one owed.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond 10^12.
    pub fn take_over(
        &mut self,
        other: &mut Self,
        cause: Cause,
        explain: impl Fn(Points) -> Explanation,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        let (points, owed) = (other.remaining, other.deficit);
        let amount = points.checked_add(owed).ok_or(Refusal::Overflow)?;
        let (out, entry) = (ids.next(), ids.next());
        let none = (Vec::new(), Vec::new());
        let leaves = [explain(Points(-points.0))];
        other.record(out, Kind::MergeOut, amount, Points(-owed.0), none.0.clone(), none.1.clone(), None, cause, &leaves)?;
        self.record(entry, Kind::MergeIn, amount, owed, none.0, none.1, Some(out), cause, &[explain(points)])?;
        let add = |total: &mut Points, moved: &mut Points| -> Result<(), Refusal> {
            *total = total.checked_add(std::mem::take(moved)).ok_or(Refusal::Overflow)?;
            Ok(())
        };
        add(&mut self.held, &mut other.held)?;
        add(&mut self.earned, &mut other.earned)?;
        add(&mut self.redeemed, &mut other.redeemed)?;
        add(&mut self.expired, &mut other.expired)?;
        for lot in std::mem::take(&mut other.lots) {
            self.add_to_lot(&on(&lot, lot.remaining), &lot.rule_id);
        }
        self.settle(cause, ids)
    }
}

/// So many points of a lot, with its dates.
fn on(lot: &Lot, points: Points) -> Taken {
    Taken {
        lot: lot.id,
        points,
        activates_at: lot.activates_at,
        expires_at: lot.expires_at,
        place: 0,
        planned_expires_at: lot.planned_expires_at,
        notice_days: lot.notice_days,
    }
}
