//! The books of one member in memory: they post plans as the store does, check them on the way, and make snapshots.

use std::collections::BTreeMap;

use domain::id::Ids;
use domain::judgement::{ClawbackPolicy, Enrolment, Grant, Standing};
use domain::plan::{Entry, NewLot, NewReturn, Plan};
use domain::snapshot::{
    Answer, EarnedLot, Hold, Lot, Member, RecordedLine, RecordedOrder, RecordedReturn, Redemption, RedemptionStatus, Snapshot,
    Taken,
};
use domain::{Id, Instant, Money, Points, Quantity};
use ledger::{
    Account, Adjusted, Adjustment, Applicant, Balance, Command, Ended, Given, Held, NewCode, Recorded, Refusal, ReturnLine,
    ReturnRequest, Terms,
};

use crate::purchase::Purchase;

const DAY: i64 = 24 * 3_600_000;

/// The first of January 2026 in UTC, when every story begins.
pub const NOW: Instant = Instant(1_767_225_600_000);

/// So many days after [`NOW`].
pub const fn day(days: i64) -> Instant {
    Instant(NOW.0 + days * DAY)
}

pub const ANNA: Id = Id(7);

/// The member and everything that was posted.
pub struct Books {
    pub now: Instant,
    pub terms: Terms,
    pub member: Member,
    pub entries: Vec<Entry>,
    lots: BTreeMap<Id, Lot>,
    redemptions: BTreeMap<Id, (Redemption, Option<Id>)>,
    orders: BTreeMap<String, RecordedOrder>,
    commands: u64,
}

/// A member with lots of (name, points, activates, expires); the ids follow the sequence.
pub fn member_with(lots: &[(&str, i64, Instant, Option<Instant>)]) -> Books {
    let grants = lots
        .iter()
        .map(|(name, points, activates_at, expires_at)| Grant {
            rule_id: (*name).to_owned(),
            points: Points(*points),
            activates_at: *activates_at,
            expires_at: *expires_at,
        })
        .collect();
    let terms = Terms {
        program_version: 1,
        points_scale: 2,
        clawback: ClawbackPolicy::AllowNegative,
        hold_seconds: 1_800,
        returned_until: None,
        notice_days: None,
        budgets: Vec::new(),
    };
    let applicant = Applicant::new(ANNA, "site", "ANNA");
    let judged = Enrolment { grants, ..Enrolment::default() };
    let command = Command { now: day(-1), ids: Ids::new(day(-1), 0) };
    let enrolled = ledger::enrol(applicant, &judged, &terms, command).expect("the welcome is in bounds");
    let mut books = Books {
        now: day(-1),
        terms,
        member: enrolled.member,
        entries: Vec::new(),
        lots: BTreeMap::new(),
        redemptions: BTreeMap::new(),
        orders: BTreeMap::new(),
        commands: 0,
    };
    books.post(&enrolled.plan);
    books.now = NOW;
    books
}

/// A member with so many points that never expire.
pub fn member_with_points(points: i64) -> Books {
    member_with(&[("welcome", points, day(-1), None)])
}

/// A one-time code, as a component makes it.
pub fn code() -> NewCode {
    NewCode { hash: "hash of the code".to_owned(), sealed: "the code, sealed".to_owned() }
}

/// A lot of an order, of which nothing was expired by the job.
fn earned_lot(lot: &NewLot) -> EarnedLot {
    EarnedLot { id: lot.id, issued: lot.issued, expired: Points::ZERO, expires_at: lot.expires_at }
}

/// A member without points.
pub fn new_member() -> Books {
    member_with(&[])
}

impl Books {
    pub fn under(mut self, policy: ClawbackPolicy) -> Self {
        self.terms.clawback = policy;
        self
    }

    pub fn until(&mut self, now: Instant) -> &mut Self {
        self.now = now;
        self
    }

    pub fn command(&mut self) -> Command {
        self.commands += 1;
        // one more row a command than any of them has
        Command { now: self.now, ids: Ids::new(self.now, self.commands * 100) }
    }

    /// What the store would load.
    pub fn snapshot(&self, order: Option<&str>, redemption: Option<Id>) -> Snapshot {
        let holds = self.redemptions.values().filter_map(|(redemption, _)| {
            let open = matches!(redemption.status, RedemptionStatus::Held | RedemptionStatus::AwaitingConfirmation);
            open.then(|| Hold {
                id: redemption.id,
                status: redemption.status,
                points: redemption.points,
                hold_expires_at: redemption.hold_expires_at,
                hold_entry: redemption.hold_entry,
                postings: self.taken_by(redemption.hold_entry),
            })
        });
        Snapshot {
            program_version: self.terms.program_version,
            member: Some(self.member.clone()),
            lots: self.lots.values().filter(|lot| !lot.remaining.is_zero()).cloned().collect(),
            holds: holds.collect(),
            redemption: redemption.and_then(|id| self.redemptions.get(&id)).map(|(redemption, _)| redemption.clone()),
            order: order.and_then(|reference| self.orders.get(reference)).map(|order| self.with_what_it_paid(order)),
            ..Snapshot::default()
        }
    }

    // ---- what happens

    pub fn buys(&mut self, purchase: &Purchase) -> Recorded {
        self.try_to_buy(purchase, None).expect("the order is in order")
    }

    pub fn pays_with(&mut self, redemption: Id, purchase: &Purchase) -> Recorded {
        self.try_to_buy(purchase, Some(redemption)).expect("the order is in order")
    }

    pub fn try_to_buy(&mut self, purchase: &Purchase, redemption: Option<Id>) -> Result<Recorded, Refusal> {
        let command = self.command();
        let snapshot = self.snapshot(Some(&purchase.order.reference), redemption);
        let recorded = ledger::record_order(&snapshot, &purchase.order, &purchase.judgement, &self.terms, "content", command)?;
        self.post(&recorded.plan);
        assert_eq!(recorded.balance, Some(self.balance()));
        Ok(recorded)
    }

    /// Holds the points that pay the purchase. Returns the redemption.
    pub fn holds(&mut self, purchase: &Purchase) -> Id {
        self.try_to_hold(purchase).expect("the hold is in order").redemption.id
    }

    pub fn try_to_hold(&mut self, purchase: &Purchase) -> Result<Held, Refusal> {
        let command = self.command();
        let held =
            ledger::hold(&self.snapshot(None, None), &purchase.order, &purchase.judgement, &self.terms, command, Some(code()))?;
        self.post(&held.plan);
        assert_eq!(held.balance, self.balance());
        Ok(held)
    }

    /// The end of a rule's lots is put off by activity.
    pub fn puts_off(&mut self, rule_id: &str, expires_at: Instant) -> &mut Self {
        self.lots.values_mut().filter(|lot| lot.rule_id == rule_id).for_each(|lot| lot.expires_at = Some(expires_at));
        self
    }

    pub fn captures(&mut self, redemption: Id, points: i64) -> Ended {
        self.try_to_capture(redemption, Some(points), None).expect("the capture is in order")
    }

    pub fn try_to_capture(&mut self, redemption: Id, points: Option<i64>, order: Option<&str>) -> Result<Ended, Refusal> {
        let command = self.command();
        let snapshot = self.snapshot(None, Some(redemption));
        let ended = ledger::capture(&snapshot, points.map(Points), order, &self.terms, command)?;
        self.post(&ended.plan);
        assert_eq!(ended.balance, self.balance());
        Ok(ended)
    }

    pub fn releases(&mut self, redemption: Id) -> Ended {
        self.try_to_release(redemption).expect("the release is in order")
    }

    pub fn try_to_release(&mut self, redemption: Id) -> Result<Ended, Refusal> {
        let command = self.command();
        let ended = ledger::release(&self.snapshot(None, Some(redemption)), &self.terms, command)?;
        self.post(&ended.plan);
        assert_eq!(ended.balance, self.balance());
        Ok(ended)
    }

    /// Returns lines as (id, thousandths).
    pub fn returns(&mut self, order: &str, lines: &[(&str, i64)]) -> Given {
        self.try_to_return(order, Some(lines)).expect("the return is in order")
    }

    pub fn returns_everything(&mut self, order: &str) -> Given {
        self.try_to_return(order, None).expect("the return is in order")
    }

    pub fn try_to_return(&mut self, order: &str, lines: Option<&[(&str, i64)]>) -> Result<Given, Refusal> {
        let reference = format!("return {}", self.commands);
        self.try_to_return_as(&reference, "content", order, lines)
    }

    pub fn try_to_return_as(
        &mut self,
        reference: &str,
        content: &str,
        order: &str,
        lines: Option<&[(&str, i64)]>,
    ) -> Result<Given, Refusal> {
        let command = self.command();
        let lines = lines.map(|lines| {
            let line = |(id, quantity): &(&str, i64)| ReturnLine { id: (*id).to_owned(), quantity: Quantity(*quantity) };
            lines.iter().map(line).collect()
        });
        let request =
            ReturnRequest { reference: reference.to_owned(), occurred_at: self.now, lines, content_hash: content.to_owned() };
        let snapshot = self.snapshot(Some(order), None);
        let given = ledger::take_back(&snapshot, &request, |_| Standing::default(), &self.terms, command)?;
        self.post(&given.plan);
        assert_eq!(given.balance, Some(self.balance()));
        Ok(given)
    }

    pub fn cancels(&mut self, order: &str) -> Given {
        self.try_to_cancel(order).expect("the cancellation is in order")
    }

    pub fn try_to_cancel(&mut self, order: &str) -> Result<Given, Refusal> {
        let command = self.command();
        let snapshot = self.snapshot(Some(order), None);
        let given = ledger::cancel(&snapshot, "content", |_| Standing::default(), &self.terms, command)?;
        self.post(&given.plan);
        assert_eq!(given.balance, Some(self.balance()));
        Ok(given)
    }

    pub fn is_adjusted(&mut self, points: i64) -> Adjusted {
        self.try_to_adjust(points, None, None).expect("the adjustment is in order")
    }

    pub fn try_to_adjust(
        &mut self,
        points: i64,
        activates_at: Option<Instant>,
        expires_at: Option<Instant>,
    ) -> Result<Adjusted, Refusal> {
        let command = self.command();
        let adjustment = Adjustment { points: Points(points), reason: "as agreed".to_owned(), activates_at, expires_at };
        let adjusted = ledger::adjust(&self.snapshot(None, None), &adjustment, &self.terms, command)?;
        self.post(&adjusted.plan);
        assert_eq!(adjusted.balance, self.balance());
        Ok(adjusted)
    }

    // ---- what then is

    pub fn balance(&self) -> Balance {
        self.account().balance()
    }

    pub fn account(&self) -> Account {
        let snapshot = self.snapshot(None, None);
        Account::open(&self.member, &snapshot.lots, &self.terms, self.now)
    }

    /// (available, pending, held, deficit).
    #[track_caller]
    pub fn has(&self, expected: (i64, i64, i64, i64)) -> &Self {
        let balance = self.balance();
        let found = (balance.available.0, balance.pending.0, balance.held.0, balance.deficit.0);
        assert_eq!(found, expected, "(available, pending, held, deficit)");
        self
    }

    /// What remains on the lots, empty ones left out, in the sequence of their making.
    #[track_caller]
    pub fn has_on_lots(&self, expected: &[(&str, i64)]) -> &Self {
        let lots = self.lots.values().filter(|lot| !lot.remaining.is_zero());
        let found: Vec<(&str, i64)> = lots.map(|lot| (lot.rule_id.as_str(), lot.remaining.0)).collect();
        assert_eq!(found, expected);
        self
    }

    /// The last entries' postings by the lots' names, as (kind, [(lot, points)]), oldest first.
    #[track_caller]
    pub fn posted_last(&self, expected: &[(&str, &[(&str, i64)])]) -> &Self {
        let last = &self.entries[self.entries.len() - expected.len()..];
        let found: Vec<(&str, Vec<(&str, i64)>)> = last
            .iter()
            .map(|entry| {
                let named = entry.postings.iter().map(|(lot, points)| (self.lots[lot].rule_id.as_str(), points.0));
                (entry.kind, named.collect())
            })
            .collect();
        let expected: Vec<(&str, Vec<(&str, i64)>)> = expected.iter().map(|(kind, lots)| (*kind, lots.to_vec())).collect();
        assert_eq!(found, expected);
        self
    }

    pub fn order(&self, reference: &str) -> &RecordedOrder {
        &self.orders[reference]
    }

    pub fn redemption(&self, id: Id) -> &Redemption {
        &self.redemptions[&id].0
    }

    // ---- posting

    fn taken_by(&self, entry: Id) -> Vec<Taken> {
        let entry = self.entries.iter().find(|other| other.id == entry).expect("the entry was posted");
        let mut taken: Vec<Taken> = entry
            .postings
            .iter()
            .zip(1..)
            .map(|((lot, points), place)| Taken {
                lot: *lot,
                points: *points,
                activates_at: self.lots[lot].activates_at,
                expires_at: self.lots[lot].expires_at,
                place,
                planned_expires_at: self.lots[lot].planned_expires_at,
                notice_days: self.lots[lot].notice_days,
            })
            .collect();
        // no particular sequence: the store has them in that of the lots' ids
        taken.sort_by_key(|taken| taken.lot);
        taken
    }

    fn with_what_it_paid(&self, order: &RecordedOrder) -> RecordedOrder {
        let mut order = order.clone();
        if let Some(capture) = order.redemption_id.and_then(|id| self.redemptions[&id].1) {
            let back = |lot: Id| -> i64 {
                let children = self.entries.iter().filter(|entry| entry.parent_id == Some(capture));
                children.flat_map(|entry| &entry.postings).filter(|(other, _)| *other == lot).map(|(_, points)| points.0).sum()
            };
            order.capture_entry = Some(capture);
            order.paid = self.taken_by(capture);
            for taken in &mut order.paid {
                taken.points = Points(taken.points.0 - back(taken.lot));
            }
        }
        order
    }

    fn post(&mut self, plan: &Plan) {
        for entry in &plan.entries {
            self.post_entry(entry);
        }
        for new in &plan.redemptions {
            let status = if new.status == "held" { RedemptionStatus::Held } else { RedemptionStatus::AwaitingConfirmation };
            let redemption = Redemption {
                id: new.id,
                account_id: new.account_id,
                status,
                points: new.points,
                money: new.money,
                captured: Points::ZERO,
                items: new.items,
                payable: new.payable,
                lines: new.lines.clone(),
                store: new.store.clone(),
                hold_expires_at: new.hold_expires_at,
                created_at: self.now,
                hold_entry: new.hold_entry,
                code_hash: new.code_hash.clone(),
                attempts: 0,
                order_ref: None,
                used_by: None,
                program_version: new.program_version,
            };
            self.redemptions.insert(new.id, (redemption, None));
        }
        for update in &plan.redemption_updates {
            let (redemption, capture) = self.redemptions.get_mut(&update.id).expect("the redemption is known");
            redemption.status = match update.status {
                "captured" => RedemptionStatus::Captured,
                "released" => RedemptionStatus::Released,
                "expired" => RedemptionStatus::Expired,
                other => panic!("a redemption does not end as {other}"),
            };
            redemption.captured = update.captured;
            redemption.order_ref.clone_from(&update.order_ref);
            *capture = update.capture_entry;
        }
        self.post_orders(plan);
        for change in &plan.statistics {
            assert_eq!(change.revision, self.member.revision, "statistics are changed under their lock");
            self.member.revision += 1;
            self.member.orders += change.orders;
            self.member.qualifying_spend = Money(self.member.qualifying_spend.0 + change.qualifying_spend.0);
            self.member.tier.clone_from(&change.tier);
            self.member.tier_since = change.tier_since;
        }
    }

    fn post_orders(&mut self, plan: &Plan) {
        for new in &plan.orders {
            let lines = plan.lines.iter().map(|line| RecordedLine {
                n: line.n,
                id: line.line.id.clone(),
                sku: line.line.sku.clone(),
                name: None,
                category: None,
                brand: None,
                labels: None,
                quantity: line.line.quantity,
                price: line.line.price,
                discount: line.line.discount,
                cost: None,
                tax: None,
                promo: 0,
                amount: line.amount,
                program_discount: line.program_discount,
                paid_points: line.paid_points,
                paid_money: line.paid_money,
                qualifying: line.qualifying,
                shares: line.shares.clone(),
                returned: Quantity::ZERO,
            });
            let earned = plan.entries.iter().find(|entry| entry.kind == "earn");
            let order = RecordedOrder {
                id: new.id,
                reference: new.reference.clone(),
                member_id: new.member_id,
                content_hash: new.content_hash.clone(),
                status: "recorded".to_owned(),
                revision: 0,
                occurred_at: new.occurred_at,
                recorded_at: self.now,
                channel: new.channel.clone(),
                store: new.store.clone(),
                currency: new.currency.clone(),
                items: new.items,
                discount: new.discount,
                delivery: new.delivery,
                paid_points: new.paid_points,
                paid_money: new.paid_money,
                payable: new.payable,
                earned: new.earned,
                redemption_id: new.redemption_id,
                program_version: new.program_version,
                answer: Answer { status: 201, answer: None },
                claim_answer: None,
                earn_entry: earned.map(|entry| entry.id),
                vouchers: Vec::new(),
                lots: earned.map(|entry| entry.lots.as_slice()).unwrap_or_default().iter().map(earned_lot).collect(),
                capture_entry: None,
                lines: lines.collect(),
                paid: Vec::new(),
                returns: Vec::new(),
                largest_other: Money::ZERO,
            };
            if let Some((redemption, _)) = new.redemption_id.and_then(|id| self.redemptions.get_mut(&id)) {
                redemption.used_by = Some(new.reference.clone());
            }
            self.orders.insert(new.reference.clone(), order);
        }
        for update in &plan.order_updates {
            let order = self.order_by_id(update.id);
            assert_eq!(update.revision, order.revision, "an order is changed under its lock");
            order.revision += 1;
            update.status.clone_into(&mut order.status);
        }
        for (order, n, returned) in &plan.returned {
            let line = self.order_by_id(*order).lines.iter_mut().find(|line| line.n == *n).expect("the line is known");
            assert!(*returned > line.returned && *returned <= line.quantity);
            line.returned = *returned;
        }
        for NewReturn {
            order_id, reference, content_hash, occurred_at, lines, clawed_back, forgiven, restored, refund, ..
        } in plan.returns.clone()
        {
            let answer = None;
            let returned =
                RecordedReturn { reference, content_hash, occurred_at, lines, clawed_back, forgiven, restored, refund, answer };
            self.order_by_id(order_id).returns.push(returned);
        }
    }

    fn order_by_id(&mut self, id: Id) -> &mut RecordedOrder {
        self.orders.values_mut().find(|order| order.id == id).expect("the order is known")
    }

    fn post_entry(&mut self, entry: &Entry) {
        let member = &mut self.member;
        assert_eq!(entry.account_id, member.id);
        assert_eq!(entry.seq, member.seq + 1, "entries are numbered without a gap");
        assert!(entry.at >= member.last_at, "an account's time never goes back");
        let posted: i64 = entry.postings.iter().map(|(_, points)| points.0).sum();
        assert_eq!(posted + entry.deficit_change.0.abs(), entry.amount.0, "postings and the deficit are the amount");
        for new in &entry.lots {
            let Taken { lot: id, points, activates_at, expires_at, planned_expires_at, notice_days, .. } =
                new.holding(Points::ZERO);
            let rule_id = new.rule_id.clone();
            let lot = Lot { id, rule_id, remaining: points, activates_at, expires_at, planned_expires_at, notice_days };
            assert!(self.lots.insert(new.id, lot).is_none(), "a lot is made once");
        }
        let (remaining, held, earned, redeemed) = match entry.kind {
            "earn" | "adjust_in" | "transfer_in" => (1, 0, 1, 0),
            "hold" => (-1, 1, 0, 0),
            "capture" => (0, -1, 0, 1),
            "release" => (1, -1, 0, 0),
            "redemption_rollback" => (1, 0, 0, -1),
            "clawback" | "settle" | "adjust_out" | "transfer_out" => (-1, 0, -1, 0),
            other => panic!("the ledger has no entries of kind {other}"),
        };
        for (id, points) in &entry.postings {
            let lot = self.lots.get_mut(id).expect("the lot is known");
            lot.remaining = Points(lot.remaining.0 + remaining * points.0);
            assert!(lot.remaining.0 >= 0, "a lot never has less than nothing");
        }
        member.seq = entry.seq;
        member.last_at = entry.at;
        member.remaining = Points(member.remaining.0 + remaining * posted);
        member.held = Points(member.held.0 + held * posted);
        member.earned = Points(member.earned.0 + earned * posted);
        member.redeemed = Points(member.redeemed.0 + redeemed * posted);
        member.deficit = Points(member.deficit.0 + entry.deficit_change.0);
        assert!(member.held.0 >= 0 && member.redeemed.0 >= 0 && member.deficit.0 >= 0);
        assert_eq!(entry.balance_after, member.remaining);
        assert_eq!(member.remaining.0, self.lots.values().map(|lot| lot.remaining.0).sum::<i64>());
        self.entries.push(entry.clone());
    }
}
