//! Undoing what an order did: spent points go back to their lots, earned ones are taken back.

use domain::id::Ids;
use domain::judgement::{ClawbackPolicy, Explanation};
use domain::snapshot::Taken;
use domain::{Id, LIMIT, Points};

use super::{Account, Cause, Kind, in_sequence_of_taking};
use crate::refusal::Refusal;

/// What one of an order's lots must lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnShare {
    pub lot: Id,
    pub points: Points,
    /// The part of it that expired unspent: it is gone already.
    pub covered: Points,
}

/// What was taken back of what an order earned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClawedBack {
    /// Points taken, and those made a deficit.
    pub amount: Points,
    /// Of them: made a deficit.
    pub owed: Points,
    /// Not taken.
    pub forgiven: Points,
    /// The amount by the order's lots that earned it, from whichever lot it was taken.
    pub lots: Vec<(Id, Points)>,
}

impl Account {
    /// What is left on a lot whose time is over, whether the job was here already or not.
    #[must_use]
    pub(crate) fn points_over(&self, id: Id) -> Points {
        let lot = self.lots.iter().find(|lot| lot.id == id && lot.is_due(self.at));
        lot.map_or(Points::ZERO, |lot| lot.remaining)
    }

    /// Gives spent points back to the lots that they came from, last taken first. `paid` is what each lot paid and has
    /// not got back yet, in no particular sequence. Returns where they are then.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] when less was paid.
    pub fn roll_back(
        &mut self,
        capture_entry: Id,
        points: Points,
        paid: &[Taken],
        cause: Cause,
        explanations: &[Explanation],
        ids: &mut Ids,
    ) -> Result<Vec<Taken>, Refusal> {
        let mut left = points.0;
        let mut back = Vec::new();
        for taken in in_sequence_of_taking(paid).iter().rev() {
            let part = left.min(taken.points.0);
            left -= part;
            if part > 0 {
                back.push(Taken { points: Points(part), ..taken.clone() });
            }
        }
        if left != 0 {
            return Err(Refusal::Overflow);
        }
        self.give_back(Kind::RedemptionRollback, capture_entry, back, cause, explanations, ids)
    }

    /// Points that came back pay what is owed, those first that would be spent first: nobody has points and a deficit at
    /// once, and whether goods or held points come back first makes no difference in the end.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond what the books can count.
    pub(super) fn settle(&mut self, cause: Cause, ids: &mut Ids) -> Result<(), Refusal> {
        let at = self.at;
        // the entry moves both the points and the deficit
        let owed = Points(self.deficit.0.min(LIMIT / 2));
        let postings = self.take(owed, |lot| !lot.is_due(at));
        let paid: Points = postings.iter().map(|(_, points)| *points).sum();
        if paid.is_zero() {
            return Ok(());
        }
        let (entry, amount) = (ids.next(), Points(2 * paid.0));
        let cause = Cause { order_id: None, ..cause };
        let reason = "What came back pays for earned points of goods that were returned before".to_owned();
        let reason = Explanation::fact("clawback", Points(-paid.0), "deficit_settled", reason);
        self.record(entry, Kind::Settle, amount, Points(-paid.0), postings, Vec::new(), None, cause, &[reason])
    }

    /// Takes back what an order earned: first from its own lots, then as the program's policy says.
    /// `own` is how much each of the order's lots must lose. A referral's reward is taken back in the same way.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond [`LIMIT`].
    pub fn claw_back(
        &mut self,
        kind: Kind,
        earn_entry: Id,
        own: &[OwnShare],
        cause: Cause,
        explain: impl FnOnce(Points, Points) -> Explanation,
        ids: &mut Ids,
    ) -> Result<ClawedBack, Refusal> {
        let at = self.at;
        let policy = self.terms.clawback;
        let mut postings: Vec<(Id, Points)> = Vec::new();
        // of each own lot: (taken from itself, missing there)
        let mut parts: Vec<(Id, i64, i64)> = Vec::new();
        let (mut missing, mut covered) = (0_i64, 0_i64);
        for OwnShare { lot: id, points, covered: gone } in own {
            let lot = self.lots.iter_mut().find(|lot| lot.id == *id);
            let points = points.less(*gone);
            covered = covered.saturating_add(gone.0);
            let takes = match &lot {
                // what is due is gone, whether the job was here already or not
                Some(lot) if lot.is_due(at) => 0,
                Some(lot) if policy == ClawbackPolicy::PendingOnly && lot.activates_at <= at => 0,
                Some(lot) => lot.remaining.0.min(points.0),
                None => 0,
            };
            if let Some(lot) = lot
                && takes > 0
            {
                lot.remaining = Points(lot.remaining.0 - takes);
                postings.push((*id, Points(takes)));
            }
            parts.push((*id, takes, points.0 - takes));
            missing = missing.saturating_add(points.0 - takes);
        }
        let elsewhere = missing;
        let others = match policy {
            ClawbackPolicy::PendingOnly => Vec::new(),
            ClawbackPolicy::WithinBalance => self.take(Points(missing), |lot| lot.is_live(at)),
            ClawbackPolicy::ClampToZero | ClawbackPolicy::AllowNegative => self.take(Points(missing), |lot| !lot.is_due(at)),
        };
        for (id, points) in others {
            missing -= points.0;
            match postings.iter_mut().find(|(lot, _)| *lot == id) {
                Some((_, taken)) => *taken = Points(taken.0 + points.0),
                None => postings.push((id, points)),
            }
        }
        let taken: Points = postings.iter().map(|(_, points)| *points).sum();
        let (owed, forgiven) = if policy == ClawbackPolicy::AllowNegative { (missing, 0) } else { (0, missing) };
        let mut found = elsewhere - forgiven;
        let mut lots = Vec::new();
        for (id, takes, missing) in parts {
            let part = found.min(missing);
            found -= part;
            if takes + part > 0 {
                lots.push((id, Points(takes + part)));
            }
        }
        let amount = taken.checked_add(Points(owed)).ok_or(Refusal::Overflow)?;
        let forgiven = forgiven + covered;
        if !amount.is_zero() {
            let entry = ids.next();
            let reason = explain(amount, Points(forgiven));
            self.record(entry, kind, amount, Points(owed), postings, Vec::new(), Some(earn_entry), cause, &[reason])?;
        }
        Ok(ClawedBack { amount, owed: Points(owed), forgiven: Points(forgiven), lots })
    }
}
