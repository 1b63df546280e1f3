//! Redemptions: held, confirmed by a code, captured, released.

use domain::{Id, Instant, Points};
use ledger::NewCode;

use super::{About, Deed, Life};
use crate::model::{Hold, Standing};

impl Life {
    pub(super) fn hold(&mut self) -> Deed {
        let member = self.somebody();
        let now = self.shop.now;
        let spendable = self.settled(member).spendable(now);
        let points = if self.random.percent(15) {
            spendable + self.random.between(0, 30)
        } else {
            self.random.between(0, spendable.min(250))
        };
        let mut purchase = self.purchase(points, now);
        if self.random.percent(35) {
            purchase = purchase.confirmed_by_code();
        }
        let done = self.act(&About { member: Some(member), ..About::default() }, |shop, snapshot, command| {
            let code = NewCode { hash: "hash".to_owned(), sealed: "sealed".to_owned() };
            let held = ledger::hold(snapshot, &purchase.order, &purchase.judgement, &shop.terms, command, Some(code))?;
            Ok((held.plan, Some(held.balance)))
        });
        let Ok((plan, balance)) = done else {
            assert!(points == 0 || points > spendable, "refused {points} of {spendable}: {done:?}");
            return "hold too much";
        };
        assert!(points > 0 && points <= spendable, "held {points} of {spendable}");
        let redemption = &plan.redemptions[0];
        let awaits = redemption.status == "awaiting_confirmation";
        assert_eq!(awaits, purchase.judgement.payment.confirmation_required);
        let (standing, seconds) = if awaits {
            (Standing::Awaiting(0), self.shop.terms.hold_seconds.min(300))
        } else {
            (Standing::Held, self.shop.terms.hold_seconds)
        };
        let deadline = Instant(now.0 + i64::from(seconds) * 1_000);
        assert_eq!(redemption.hold_expires_at, deadline);
        let id = redemption.id;
        let mut grace = self.grace(&plan);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        account.hold(id, points, deadline, standing, now);
        self.agree(member, &balance.expect("a member has a balance"));
        "hold"
    }

    pub(super) fn confirm(&mut self) -> Deed {
        let waits = |hold: &Hold| matches!(hold.standing, Standing::Awaiting(_));
        let waiting = |(member, account): (&Id, &crate::model::Account)| {
            let waiting: Vec<(Id, Id)> =
                account.holds.iter().filter(|(_, hold)| waits(hold)).map(|(id, _)| (*member, *id)).collect();
            waiting
        };
        let waiting: Vec<(Id, Id)> = self.members.iter().flat_map(waiting).collect();
        let any = self.random.percent(10);
        let chosen = if any { None } else { self.random.one_of(&waiting).copied() };
        let member = self.somebody();
        let Some((member, redemption)) = chosen.or_else(|| Some((member, self.redemption_of(member)?))) else { return "nothing" };
        let hold = self.members[&member].holds[&redemption].clone();
        let right = self.random.percent(40);
        let now = self.shop.now;
        let mut attempts_left = 0;
        let done = self.act(&About { redemption: Some(redemption), ..About::default() }, |shop, snapshot, command| {
            let confirmed = ledger::confirm(snapshot, right, &shop.terms, command)?;
            attempts_left = confirmed.attempts_left;
            Ok((confirmed.plan, Some(confirmed.balance)))
        });
        let again = hold.standing == Standing::Held && right;
        let possible = hold.deadline > now && (waits(&hold) || again);
        let Ok((plan, balance)) = done else {
            assert!(!possible, "refused without a reason: {done:?}");
            return "confirm what is over";
        };
        assert!(possible, "confirmed {hold:?}");
        let mut grace = self.grace(&plan);
        let deadline = Instant(now.0 + i64::from(self.shop.terms.hold_seconds) * 1_000);
        self.account(member).confirm(redemption, right, deadline, &mut grace, now);
        self.agree(member, &balance.expect("a member has a balance"));
        if let Standing::Awaiting(wrong) = hold.standing
            && !right
        {
            assert_eq!(attempts_left, 2 - wrong);
            return "wrong code";
        }
        "confirm"
    }

    pub(super) fn capture(&mut self) -> Deed {
        let member = self.somebody();
        let Some(redemption) = self.redemption_of(member) else { return "nothing" };
        let hold = self.members[&member].holds[&redemption].clone();
        let held = i64::try_from(hold.points.len()).unwrap_or_default();
        let points = match self.random.between(1, 10) {
            1 => held + 1,
            2 => 0,
            3..=6 => self.random.between(1, held.max(1)),
            _ => held,
        };
        let now = self.shop.now;
        let done = self.act(&About { redemption: Some(redemption), ..About::default() }, |shop, snapshot, command| {
            let ended = ledger::capture(snapshot, Some(Points(points)), None, &shop.terms, command)?;
            Ok((ended.plan, Some(ended.balance)))
        });
        let open = hold.standing == Standing::Held && hold.deadline > now && points > 0 && points <= held;
        let Ok((plan, balance)) = done else {
            assert!(!open, "refused without a reason: {done:?}");
            return "capture what is not there";
        };
        assert!(open, "captured {points} of {hold:?}");
        let mut grace = self.grace(&plan);
        let account = self.account(member);
        account.release_overdue(now, Some(redemption), &mut grace);
        account.capture(redemption, points, &mut grace, now);
        self.agree(member, &balance.expect("a member has a balance"));
        if points == held { "capture" } else { "capture a part" }
    }

    pub(super) fn release(&mut self) -> Deed {
        let member = self.somebody();
        let Some(redemption) = self.redemption_of(member) else { return "nothing" };
        let now = self.shop.now;
        let hold = &self.members[&member].holds[&redemption];
        let open = matches!(hold.standing, Standing::Held | Standing::Awaiting(_)) && hold.deadline > now;
        let done = self.act(&About { redemption: Some(redemption), ..About::default() }, |shop, snapshot, command| {
            let ended = ledger::release(snapshot, &shop.terms, command)?;
            Ok((ended.plan, Some(ended.balance)))
        });
        let Ok((plan, balance)) = done else {
            assert!(!open, "refused without a reason: {done:?}");
            return "release what is over";
        };
        assert!(open);
        let mut grace = self.grace(&plan);
        let account = self.account(member);
        account.release_overdue(now, Some(redemption), &mut grace);
        account.release(redemption, &mut grace, now);
        self.agree(member, &balance.expect("a member has a balance"));
        "release"
    }
}
