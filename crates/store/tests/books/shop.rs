//! A shop with its store: commands go load, ledger, apply, as a component does it.

use domain::judgement::{ClawbackPolicy, Enrolment, Grant, Standing};
use domain::plan::{Plan, Program};
use domain::snapshot::Snapshot;
use domain::{Id, Ids, Instant, Points, Quantity};
use ledger::{
    Account, Adjusted, Adjustment, Applicant, Balance, Claimed, Command, Ended, Given, Held, Merged, Recorded, Refusal,
    ReturnLine, ReturnRequest, Terms, Transferred,
};
use store::schema::{BOOKS, migrate};
use store::{Commit, Finding, Load, StoreError};

use crate::database::{Sqlite, run};
use crate::purchase::Purchase;

/// The first of January 2026 in UTC, when every story begins.
pub const NOW: Instant = Instant(1_767_225_600_000);

/// So many days after [`NOW`].
pub const fn day(days: i64) -> Instant {
    Instant(NOW.0 + days * 24 * 3_600_000)
}

pub struct Shop {
    pub db: Sqlite,
    pub now: Instant,
    pub terms: Terms,
    pub commands: u64,
}

impl Shop {
    /// Tables and a program; nobody has enrolled.
    pub fn open() -> Self {
        Self::open_at_scale(2)
    }

    /// The same with so many decimal places of a point.
    pub fn open_at_scale(points_scale: u8) -> Self {
        Self::open_on(Sqlite::empty(), points_scale)
    }

    /// The same on this empty database.
    pub fn open_on(db: Sqlite, points_scale: u8) -> Self {
        run(migrate(&db, &BOOKS, NOW)).expect("an empty store is migrated");
        let terms = Terms {
            program_version: 1,
            points_scale,
            clawback: ClawbackPolicy::AllowNegative,
            hold_seconds: 1_800,
            returned_until: None,
            notice_days: None,
            budgets: Vec::new(),
        };
        let mut shop = Self { db, now: NOW, terms, commands: 0 };
        let program = Program {
            version: 1,
            hash: "hash of the first program".to_owned(),
            document: "{}".to_owned(),
            currency: "RUB".to_owned(),
            points_scale,
        };
        let command = shop.command();
        shop.post(&command, &Plan { programs: vec![program], ..Plan::default() });
        shop
    }

    /// A shop whose first member has one lot of so many points for ever.
    pub fn with_member(points: i64) -> (Self, Id) {
        let mut shop = Self::open();
        let anna = shop.enrol(&[("welcome", points, NOW, None)]);
        (shop, anna)
    }

    /// Ids of commands follow each other within a second.
    pub fn command(&mut self) -> Command {
        self.commands += 1;
        Command { now: self.now, ids: Ids::new(self.now, self.commands * 1_000) }
    }

    pub fn load(&self, what: &Load) -> Snapshot {
        run(store::load(&self.db, what)).expect("the store answers").snapshot
    }

    pub fn snapshot(&self, member: Id) -> Snapshot {
        self.load(&Load { member: Some(member), ..Load::default() })
    }

    pub fn balance(&self, member: Id) -> Balance {
        let snapshot = self.snapshot(member);
        let member = snapshot.member.as_ref().expect("the member has enrolled");
        Account::open(member, &snapshot.lots, &self.terms, self.now).balance()
    }

    /// Applies a plan under a key of its own.
    pub fn apply(&self, command: &Command, plan: &Plan) -> Result<(), StoreError> {
        let id = command.ids.clone().next();
        self.apply_as(id, &format!("key {}", id.0), plan)
    }

    pub fn apply_as(&self, id: Id, key: &str, plan: &Plan) -> Result<(), StoreError> {
        let commit = Commit {
            id,
            idempotency_key: key,
            fingerprint: "fingerprint",
            status: 201,
            answer: Some("answer"),
            now: self.now,
            plan,
        };
        run(store::apply(&self.db, &commit))
    }

    #[track_caller]
    pub fn post(&self, command: &Command, plan: &Plan) {
        if let Err(error) = self.apply(command, plan) {
            panic!("{error}: {plan:#?}");
        }
    }

    pub fn audit(&self) -> Vec<Finding> {
        run(store::audit(&self.db)).expect("the audit runs")
    }

    // ---- commands, each posted

    pub fn enrol(&mut self, lots: &[(&str, i64, Instant, Option<Instant>)]) -> Id {
        let command = self.command();
        let id = command.ids.clone().next();
        let grant = |(rule, points, activates_at, expires_at): &(&str, i64, Instant, Option<Instant>)| Grant {
            rule_id: (*rule).to_owned(),
            points: Points(*points),
            activates_at: *activates_at,
            expires_at: *expires_at,
        };
        let judged = Enrolment { grants: lots.iter().map(grant).collect(), ..Enrolment::default() };
        let applicant = Applicant {
            identities: vec![("phone", format!("phone {}", id.0))],
            ..Applicant::new(id, "site", &format!("code {}", id.0))
        };
        let enrolled = ledger::enrol(applicant, &judged, &self.terms, command.clone()).expect("the welcome is in bounds");
        self.post(&command, &enrolled.plan);
        assert_eq!(enrolled.balance, self.balance(id));
        id
    }

    /// Somebody joins who is sent a code, perhaps with a welcome that waits for it.
    pub fn joins_unconfirmed(&mut self, awaits_welcome: bool) -> Id {
        let command = self.command();
        let id = command.ids.clone().next();
        let code = ledger::NewCode { hash: "hash".to_owned(), sealed: "sealed".to_owned() };
        let joining = Applicant { code: Some(code), awaits_welcome, ..Applicant::new(id, "site", &format!("code {}", id.0)) };
        let enrolled = ledger::enrol(joining, &Enrolment::default(), &self.terms, command.clone()).expect("nothing is granted");
        self.post(&command, &enrolled.plan);
        id
    }

    pub fn order(&mut self, member: Id, purchase: &Purchase, redemption: Option<Id>) -> Recorded {
        let command = self.command();
        let recorded = self.plan_order(member, purchase, redemption, command.clone()).expect("the order is in order");
        self.post(&command, &recorded.plan);
        assert_eq!(recorded.balance, Some(self.balance(member)));
        recorded
    }

    pub fn plan_order(
        &self,
        member: Id,
        purchase: &Purchase,
        redemption: Option<Id>,
        command: Command,
    ) -> Result<Recorded, Refusal> {
        let order = Some(purchase.order.reference.clone());
        let snapshot = self.load(&Load { member: Some(member), order, redemption, ..Load::default() });
        ledger::record_order(&snapshot, &purchase.order, &purchase.judgement, &self.terms, "content", command)
    }

    pub fn hold(&mut self, member: Id, purchase: &Purchase) -> Id {
        let command = self.command();
        let held = self.plan_hold(member, purchase, command.clone()).expect("the hold is in order");
        self.post(&command, &held.plan);
        assert_eq!(held.balance, self.balance(member));
        held.redemption.id
    }

    pub fn plan_hold(&self, member: Id, purchase: &Purchase, command: Command) -> Result<Held, Refusal> {
        let code = ledger::NewCode { hash: "hash".to_owned(), sealed: "sealed".to_owned() };
        ledger::hold(&self.snapshot(member), &purchase.order, &purchase.judgement, &self.terms, command, Some(code))
    }

    pub fn capture(&mut self, redemption: Id, points: i64, order: &str) -> Ended {
        let command = self.command();
        let snapshot = self.load(&Load { redemption: Some(redemption), ..Load::default() });
        let ended = ledger::capture(&snapshot, Some(Points(points)), Some(order), &self.terms, command.clone());
        let ended = ended.expect("the capture is in order");
        self.post(&command, &ended.plan);
        ended
    }

    /// Returns lines as (id, thousandths), under the return's own id.
    pub fn take_back(&mut self, reference: &str, order: &str, lines: &[(&str, i64)]) -> Given {
        let command = self.command();
        let given = self.plan_return(reference, order, lines, command.clone()).expect("the return is in order");
        self.post(&command, &given.plan);
        given
    }

    pub fn plan_return(&self, reference: &str, order: &str, lines: &[(&str, i64)], command: Command) -> Result<Given, Refusal> {
        let line = |(id, quantity): &(&str, i64)| ReturnLine { id: (*id).to_owned(), quantity: Quantity(*quantity) };
        let request = ReturnRequest {
            reference: reference.to_owned(),
            occurred_at: self.now,
            lines: Some(lines.iter().map(line).collect()),
            content_hash: "content".to_owned(),
        };
        let what = Load { order: Some(order.to_owned()), return_ref: Some(reference.to_owned()), ..Load::default() };
        ledger::take_back(&self.load(&what), &request, |_| Standing::default(), &self.terms, command)
    }

    pub fn cancel(&mut self, order: &str) -> Given {
        let command = self.command();
        let snapshot = self.load(&Load { order: Some(order.to_owned()), ..Load::default() });
        let given = ledger::cancel(&snapshot, "content", |_| Standing::default(), &self.terms, command.clone());
        let given = given.expect("the cancellation is in order");
        self.post(&command, &given.plan);
        given
    }

    /// Gives nobody's order to a member, judged like this.
    pub fn claim(&mut self, member: Id, order: &str, purchase: &Purchase) -> Claimed {
        let command = self.command();
        let snapshot = self.load(&Load { member: Some(member), order: Some(order.to_owned()), ..Load::default() });
        let claimed = ledger::claim(&snapshot, &purchase.judgement, |_| Standing::default(), &self.terms, command.clone());
        let claimed = claimed.expect("the claim is in order");
        self.post(&command, &claimed.plan);
        assert_eq!(claimed.balance, self.balance(member));
        claimed
    }

    pub fn adjust(&mut self, member: Id, points: i64) -> Adjusted {
        let command = self.command();
        let adjusted = self.plan_adjustment(member, points, command.clone()).expect("the adjustment is in order");
        self.post(&command, &adjusted.plan);
        assert_eq!(adjusted.balance, self.balance(member));
        adjusted
    }

    pub fn plan_adjustment(&self, member: Id, points: i64, command: Command) -> Result<Adjusted, Refusal> {
        let adjustment =
            Adjustment { points: Points(points), reason: "as agreed".to_owned(), activates_at: None, expires_at: None };
        ledger::adjust(&self.snapshot(member), &adjustment, &self.terms, command)
    }

    pub fn between(&self, member: Id, other: Id) -> Snapshot {
        self.load(&Load { member: Some(member), other: Some(other), ..Load::default() })
    }

    pub fn transfer(&mut self, from: Id, to: Id, points: i64) -> Transferred {
        let command = self.command();
        let given = ledger::transfer(&self.between(from, to), Points(points), "a gift", &self.terms, command.clone());
        let given = given.expect("the transfer is in order");
        self.post(&command, &given.plan);
        assert_eq!(given.balance, self.balance(from));
        given
    }

    /// Lets the second member take over the first.
    pub fn merge(&mut self, from: Id, into: Id) -> Merged {
        let command = self.command();
        let merged = self.plan_merge(from, into, command.clone()).expect("the merge is in order");
        self.post(&command, &merged.plan);
        assert_eq!(merged.balance, self.balance(into));
        merged
    }

    pub fn plan_merge(&self, from: Id, into: Id, command: Command) -> Result<Merged, Refusal> {
        ledger::merge(&self.between(into, from), |_| Standing::default(), &self.terms, command)
    }
}
