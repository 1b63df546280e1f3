//! What must hold of a sequence: after each step, and when everything is back.

use std::collections::BTreeMap;

use domain::judgement::ClawbackPolicy;
use domain::{Id, Money, Points};
use ledger::{Given, Refusal};

use super::Sequence;

impl Sequence<'_> {
    /// So much of an amount of a line belongs to what is back.
    fn part(&self, line: usize, whole: i64) -> i64 {
        let quantity = self.purchase.order.lines[line].quantity.0;
        i64::try_from(i128::from(whole) * i128::from(self.returned[line]) / i128::from(quantity)).expect("at most the whole")
    }

    /// The same, summed over the lines.
    fn parts(&self, whole: impl Fn(usize) -> i64) -> i64 {
        (0..self.returned.len()).map(|line| self.part(line, whole(line))).sum()
    }

    /// After a step all sums are those of what is back, to the minor unit.
    pub(super) fn compare(&mut self, given: &Given, cancelled: bool) {
        let step = [given.refund.0, given.restored.0, given.clawed_back.0 + given.forgiven.0];
        assert!(step.iter().all(|amount| *amount >= 0), "{step:?}");
        assert!(given.clawed_back.0 >= 0 && given.forgiven.0 >= 0 && given.deficit.0 >= 0, "{given:?}");
        let policy = self.shop.terms.clawback;
        // what expired unspent is gone already, whatever the policy says
        assert!(given.forgiven.is_zero() || policy != ClawbackPolicy::AllowNegative || self.restless, "{given:?}");
        assert!(given.deficit.is_zero() || policy == ClawbackPolicy::AllowNegative, "{given:?}");
        self.given.iter_mut().zip(step).for_each(|(sum, amount)| *sum += amount);
        let lines = &self.judged().lines;
        let delivery = if cancelled { self.judged().delivery.0 } else { 0 };
        let money = |line: usize| lines[line].amount.0 - lines[line].discount.0 - lines[line].paid_money.0;
        let shared = |line: usize, grant: usize| -> i64 {
            lines[line].shares.iter().filter(|(of, _)| *of == grant).map(|(_, points)| points.0).sum()
        };
        let earned: Vec<i64> = (0..self.lots.len()).map(|grant| self.parts(|line| shared(line, grant))).collect();
        let paid = self.parts(|line| lines[line].paid_points.0);
        assert_eq!(self.given, [delivery + self.parts(money), paid, earned.iter().sum()], "{step:?} after {:?}", self.returned);

        let snapshot = self.shop.snapshot(self.member);
        let counted = self.judged().qualifying.0 - self.parts(|line| lines[line].qualifying.0);
        assert_eq!(snapshot.member.map(|member| member.qualifying_spend), Some(Money(counted + self.spend)));
        // what was taken last comes back first
        let mut left = paid;
        for (lot, gave, back) in self.paid().iter().rev() {
            assert_eq!(*back, left.min(*gave), "of lot {lot:?}, {paid} in all");
            left -= back;
        }
        assert_eq!(left, 0);
        if !self.restless {
            self.own_lots_lost(&earned);
        }
    }

    /// Nobody spent what the order earned: each of its lots lost exactly its own part.
    fn own_lots_lost(&self, earned: &[i64]) {
        for (lot, lost) in self.lots.iter().zip(earned) {
            let chosen = format!("FROM lot WHERE id = {}", lot.0);
            let pending = self.shop.db.number(&format!("SELECT activates_at > {} {chosen}", self.shop.now.0)) == 1;
            let lost = if pending || self.shop.terms.clawback != ClawbackPolicy::PendingOnly { *lost } else { 0 };
            let revoked = self.shop.db.number(&format!("SELECT revoked {chosen}"));
            assert_eq!((revoked, self.shop.db.number(&format!("SELECT issued - remaining {chosen}"))), (lost, lost));
        }
    }

    /// What each lot paid for the order and got back, in the sequence of spending.
    pub(super) fn paid(&self) -> Vec<(Id, i64, i64)> {
        let Some(redemption) = self.redemption else { return Vec::new() };
        let mut statement = self.shop.db.0.prepare_cached(
            "SELECT p.lot_id, p.points, coalesce((SELECT sum(b.points) FROM entry e JOIN posting b ON b.entry_id = e.id
                                                   WHERE e.parent_id = p.entry_id AND b.lot_id = p.lot_id), 0)
               FROM redemption r JOIN posting p ON p.entry_id = r.capture_entry JOIN lot l ON l.id = p.lot_id
              WHERE r.id = ?1 ORDER BY l.expires_at IS NULL, l.expires_at, l.id",
        );
        let statement = statement.as_mut().expect("it is a statement");
        let rows = statement.query_map([redemption.0], |row| Ok((Id(row.get(0)?), row.get(1)?, row.get(2)?)));
        rows.and_then(Iterator::collect).expect("rows are read")
    }

    /// Everything is back: the order left nothing behind.
    pub(super) fn ended(&mut self, cancelled: bool) {
        let judged = self.judged();
        let goods = judged.payable.0 - if cancelled { 0 } else { judged.delivery.0 };
        assert_eq!(self.given, [goods, judged.payment.points.0, judged.earned.0], "all in all");
        assert!(self.paid().iter().all(|(_, gave, back)| gave == back), "each lot has what it gave");
        if !self.restless {
            let member = self.shop.snapshot(self.member);
            let now: BTreeMap<Id, Points> = member.lots.iter().map(|lot| (lot.id, lot.remaining)).collect();
            let old = now.into_iter().filter(|(lot, _)| !self.lots.contains(lot)).collect::<BTreeMap<_, _>>();
            assert_eq!(old, self.before, "the older lots are as they were");
        }
        self.steps += 1;
        let more = self.request(None);
        let command = self.shop.command();
        let refused = self.plan(&more, command).err();
        assert!(matches!(refused, Some(Refusal::AlreadyReturned { .. })), "{refused:?}");
    }
}
