//! What members should have, told as simply as possible: points are moved one at a time, and nothing is shared with the
//! ledger but the ids of its rows.

use std::collections::{BTreeMap, VecDeque};

use domain::judgement::ClawbackPolicy;
use domain::{Id, Instant};

#[derive(Clone, Debug)]
pub struct Lot {
    pub id: Id,
    pub issued: i64,
    pub points: i64,
    pub held: i64,
    pub spent: i64,
    pub expired: i64,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
    /// When it is to end, after a notice of so many days: until then it has no end.
    pub planned: Option<(Instant, i64)>,
    /// The end that was told.
    pub told: Option<Instant>,
}

impl Lot {
    /// What ends needs so many days of notice, if any.
    pub fn new(id: Id, points: i64, activates_at: Instant, ends_at: Option<Instant>, notice_days: Option<i64>) -> Self {
        let planned = ends_at.zip(notice_days);
        let expires_at = if planned.is_some() { None } else { ends_at };
        Self { id, issued: points, points, held: 0, spent: 0, expired: 0, activates_at, expires_at, planned, told: None }
    }

    /// Whether a notice is due, which takes its days and the rest of one.
    pub fn is_to_be_told_of(&self, now: Instant) -> bool {
        let due = self.planned.is_some_and(|(planned, days)| planned.0 - (days + 1) * 24 * 3_600_000 <= now.0);
        due && self.told.is_none() && self.points > 0
    }

    fn ends_at(&self) -> Option<Instant> {
        self.expires_at.or(self.planned.map(|(planned, _)| planned))
    }

    fn notice_days(&self) -> Option<i64> {
        self.planned.map(|(_, days)| days)
    }

    fn over(&self, at: Instant) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }

    fn pending(&self, at: Instant) -> bool {
        self.activates_at > at && !self.over(at)
    }

    fn live(&self, at: Instant) -> bool {
        !self.pending(at) && !self.over(at)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// So many wrong codes came.
    Awaiting(i64),
    Held,
    Captured {
        used: bool,
    },
    Ended,
}

#[derive(Clone, Debug)]
pub struct Hold {
    /// The lot of each point, in the sequence of taking; of those that were spent, once it is captured.
    pub points: Vec<Id>,
    pub deadline: Instant,
    pub standing: Standing,
}

impl Hold {
    /// Neither used nor given back, overdue or not.
    pub fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Held | Standing::Awaiting(_))
    }
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub quantity: i64,
    pub returned: i64,
    /// (lot, points earned, points taken back or forgiven so far, of these before the member claimed the order).
    pub shares: Vec<(Id, i64, i64, i64)>,
    /// (points, points back so far).
    pub paid: (i64, i64),
    /// (money for goods, refunded so far).
    pub money: (i64, i64),
    /// (counted toward the tiers, taken back so far).
    pub qualifying: (i64, i64),
}

#[derive(Clone, Debug)]
pub struct Order {
    pub lines: Vec<Line>,
    /// The lots of the points that paid it and did not come back yet, in the sequence of taking.
    pub spent: Vec<Id>,
    /// What its delivery cost: paid back by a cancellation alone.
    pub delivery: i64,
    pub cancelled: bool,
}

/// What the program does for points that come back to a lot that is over: ids of the new lots, in their sequence.
#[derive(Clone, Debug, Default)]
pub struct Grace {
    pub until: Option<Instant>,
    pub lots: VecDeque<Id>,
}

/// An entry that must be in the books.
#[derive(Clone, Debug)]
pub struct Posted {
    pub kind: &'static str,
    pub amount: i64,
    pub deficit_change: i64,
    /// The points that it moves in each lot.
    pub lots: BTreeMap<Id, i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    pub last_at: Instant,
    pub lots: Vec<Lot>,
    pub held: i64,
    pub deficit: i64,
    pub earned: i64,
    pub redeemed: i64,
    pub expired: i64,
    pub orders: i64,
    pub qualifying: i64,
    pub holds: BTreeMap<Id, Hold>,
    pub bought: BTreeMap<String, Order>,
    /// What was posted since somebody looked.
    pub journal: Vec<Posted>,
}

/// What a return gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    pub clawed_back: i64,
    pub forgiven: i64,
    pub restored: i64,
    pub deficit: i64,
    pub refund: i64,
}

impl Account {
    pub fn at(&self, now: Instant) -> Instant {
        now.max(self.last_at)
    }

    /// (available, pending, held, deficit, earned, redeemed, expired).
    pub fn figures(&self, now: Instant) -> [i64; 7] {
        let at = self.at(now);
        let (mut available, mut pending, mut expired) = (0, 0, self.expired);
        for lot in &self.lots {
            if lot.over(at) {
                expired += lot.points;
            } else if lot.pending(at) {
                pending += lot.points;
            } else {
                available += lot.points;
            }
        }
        [available, pending, self.held, self.deficit, self.earned, self.redeemed, expired]
    }

    pub fn spendable(&self, now: Instant) -> i64 {
        let [available, ..] = self.figures(now);
        (available - self.deficit).max(0)
    }

    /// Something was posted now.
    fn touch(&mut self, now: Instant) {
        self.last_at = self.at(now);
    }

    fn post(&mut self, kind: &'static str, amount: i64, deficit_change: i64, lots: BTreeMap<Id, i64>) {
        if amount > 0 || kind.starts_with("merge") {
            self.journal.push(Posted { kind, amount, deficit_change, lots });
        }
    }

    fn lot(&mut self, id: Id) -> &mut Lot {
        self.lots.iter_mut().find(|lot| lot.id == id).expect("the lot was granted")
    }

    pub fn grant(&mut self, kind: &'static str, lots: Vec<Lot>, now: Instant) {
        if lots.is_empty() {
            return;
        }
        self.touch(now);
        let at = self.last_at;
        let first = self.lots.len();
        self.lots.extend(lots);
        let issued = self.lots[first..].iter().map(|lot| lot.points).sum::<i64>();
        self.earned += issued;
        let owed = self.deficit;
        while self.deficit > 0 {
            let soonest =
                self.lots[first..].iter_mut().filter(|lot| lot.points > 0 && !lot.over(at)).min_by_key(|lot| sequence(lot));
            let Some(lot) = soonest else { break };
            lot.points -= 1;
            self.deficit -= 1;
            self.earned -= 1;
        }
        let granted = self.lots[first..].iter().filter(|lot| lot.points > 0).map(|lot| (lot.id, lot.points)).collect();
        self.post(kind, issued, self.deficit - owed, granted);
    }

    /// A point from the lot that comes first.
    fn take(&mut self, chosen: impl Fn(&Lot) -> bool) -> Option<Id> {
        let lot = self.lots.iter_mut().filter(|lot| lot.points > 0 && chosen(lot)).min_by_key(|lot| sequence(lot))?;
        lot.points -= 1;
        Some(lot.id)
    }

    /// Points come back, each to its lot; those of lots that are over live on in a new one, if there is a grace.
    fn put_back(&mut self, lots: &[Id], grace: &mut Grace) {
        let at = self.last_at;
        let until = grace.until.filter(|until| *until > at);
        let mut kept = Vec::new();
        for id in lots {
            let lot = self.lot(*id);
            if until.is_some() && lot.over(at) {
                kept.push(*id);
            } else {
                lot.points += 1;
            }
        }
        if !kept.is_empty() {
            let id = grace.lots.pop_front().expect("a new lot for what is kept");
            let points = count(&kept);
            let notice_days = kept.iter().filter_map(|id| self.lot(*id).notice_days()).max();
            self.lots.push(Lot::new(id, points, at, until, notice_days));
            self.post("transfer_out", points, 0, by_lot(&kept));
            self.post("transfer_in", points, 0, [(id, points)].into());
        }
        self.settle();
    }

    /// What is there pays what is owed.
    fn settle(&mut self) {
        let at = self.last_at;
        let mut paid = Vec::new();
        while self.deficit > 0
            && let Some(lot) = self.take(|lot| !lot.over(at))
        {
            paid.push(lot);
            self.deficit -= 1;
            self.earned -= 1;
        }
        self.post("settle", 2 * count(&paid), -count(&paid), by_lot(&paid));
    }

    pub fn hold(&mut self, id: Id, points: i64, deadline: Instant, standing: Standing, now: Instant) {
        self.touch(now);
        let at = self.last_at;
        let taken = (0..points).map(|_| self.take(|lot| lot.live(at)).expect("there are as many")).collect::<Vec<Id>>();
        taken.iter().for_each(|id| self.lot(*id).held += 1);
        self.held += points;
        self.post("hold", points, 0, by_lot(&taken));
        self.holds.insert(id, Hold { points: taken, deadline, standing });
    }

    /// Spends the first points of a hold and gives back the rest.
    pub fn capture(&mut self, id: Id, points: i64, grace: &mut Grace, now: Instant) {
        self.touch(now);
        let hold = self.holds.get_mut(&id).expect("it was held");
        let rest = hold.points.split_off(usize::try_from(points).unwrap_or_default());
        hold.standing = Standing::Captured { used: false };
        let spent = hold.points.clone();
        for id in &spent {
            let lot = self.lot(*id);
            lot.held -= 1;
            lot.spent += 1;
        }
        self.redeemed += points;
        self.held -= points;
        self.post("capture", points, 0, by_lot(&spent));
        self.unhold(&rest, grace);
    }

    /// A code came. Returns whether the redemption is over.
    pub fn confirm(&mut self, id: Id, right: bool, deadline: Instant, grace: &mut Grace, now: Instant) {
        let hold = self.holds.get_mut(&id).expect("it was held");
        let Standing::Awaiting(wrong) = hold.standing else { return };
        if right {
            hold.standing = Standing::Held;
            hold.deadline = hold.deadline.max(deadline);
        } else if wrong == 2 {
            self.release_overdue(now, Some(id), grace);
            self.release(id, grace, now);
        } else {
            hold.standing = Standing::Awaiting(wrong + 1);
        }
    }

    pub fn release(&mut self, id: Id, grace: &mut Grace, now: Instant) {
        self.touch(now);
        let hold = self.holds.get_mut(&id).expect("it was held");
        hold.standing = Standing::Ended;
        let points = std::mem::take(&mut hold.points);
        self.unhold(&points, grace);
    }

    fn unhold(&mut self, points: &[Id], grace: &mut Grace) {
        points.iter().for_each(|id| self.lot(*id).held -= 1);
        self.held -= count(points);
        self.post("release", count(points), 0, by_lot(points));
        self.put_back(points, grace);
    }

    /// Redemptions that are open, and over by now, in the sequence in which they ended.
    pub fn overdue(&self, now: Instant) -> Vec<Id> {
        let overdue = self.holds.iter().filter(|(_, hold)| hold.is_open() && hold.deadline <= now);
        let mut overdue: Vec<(Instant, Id)> = overdue.map(|(id, hold)| (hold.deadline, *id)).collect();
        overdue.sort_unstable();
        overdue.into_iter().map(|(_, id)| id).collect()
    }

    pub fn release_overdue(&mut self, now: Instant, but_for: Option<Id>, grace: &mut Grace) {
        for id in self.overdue(now) {
            if Some(id) != but_for {
                self.release(id, grace, now);
            }
        }
    }

    pub fn deduct(&mut self, points: i64, now: Instant) {
        self.touch(now);
        let at = self.last_at;
        let taken: Vec<Id> = (0..points).map(|_| self.take(|lot| !lot.over(at)).expect("there are as many")).collect();
        self.earned -= points;
        self.post("adjust_out", points, 0, by_lot(&taken));
    }

    /// Gives points away. Returns what arrives, lot by lot in the sequence of taking: its dates, its notice, how many.
    pub fn send(&mut self, points: i64, now: Instant) -> Vec<(Instant, Option<Instant>, Option<i64>, i64)> {
        self.touch(now);
        let at = self.last_at;
        let mut sent: Vec<(Id, i64)> = Vec::new();
        for _ in 0..points {
            let id = self.take(|lot| lot.live(at)).expect("there are as many");
            self.earned -= 1;
            match sent.last_mut() {
                Some((last, count)) if *last == id => *count += 1,
                _ => sent.push((id, 1)),
            }
        }
        self.post("transfer_out", points, 0, sent.iter().copied().collect());
        let dates = |(id, count): &(Id, i64)| {
            let lot = self.lots.iter().find(|lot| lot.id == *id).expect("it was taken from");
            (lot.activates_at, lot.ends_at(), lot.notice_days(), *count)
        };
        sent.iter().map(dates).collect()
    }

    /// Takes over another account with everything in it. Returns what is left of the other one.
    pub fn take_over(&mut self, mut other: Self, now: Instant) -> Self {
        let points = other.lots.iter().map(|lot| lot.points).sum::<i64>();
        let amount = points + other.deficit;
        other.touch(now);
        other.post("merge_out", amount, -other.deficit, BTreeMap::new());
        self.touch(now);
        self.post("merge_in", amount, other.deficit, BTreeMap::new());
        self.lots.append(&mut other.lots);
        self.holds.append(&mut other.holds);
        self.bought.append(&mut other.bought);
        let add = |own: &mut i64, theirs: &mut i64| *own += std::mem::take(theirs);
        add(&mut self.held, &mut other.held);
        add(&mut self.deficit, &mut other.deficit);
        add(&mut self.earned, &mut other.earned);
        add(&mut self.redeemed, &mut other.redeemed);
        add(&mut self.expired, &mut other.expired);
        add(&mut self.orders, &mut other.orders);
        add(&mut self.qualifying, &mut other.qualifying);
        self.settle();
        other
    }

    /// Returns lines of an order as (place, quantity).
    pub fn take_back(
        &mut self,
        order: &str,
        lines: &[(usize, i64)],
        policy: ClawbackPolicy,
        grace: &mut Grace,
        now: Instant,
    ) -> Returned {
        let mut bought = self.bought.remove(order).expect("it was bought");
        let mut given = Returned::default();
        // of each lot: points of goods that were returned before, and now
        let mut own: BTreeMap<Id, (i64, i64)> = BTreeMap::new();
        for line in &bought.lines {
            for (lot, _, done, claimed) in &line.shares {
                let (before, after) = own.entry(*lot).or_default();
                *before += done - claimed;
                *after += done - claimed;
            }
        }
        for (place, quantity) in lines {
            let line = &mut bought.lines[*place];
            line.returned += quantity;
            let step = line.advance();
            given.restored += step.restored;
            given.refund += step.refund;
            self.qualifying -= step.qualifying;
            for (lot, points) in step.shares {
                own.get_mut(&lot).expect("it is a lot of the order").1 += points;
            }
        }
        let back: Vec<Id> = (0..given.restored).map(|_| bought.spent.pop().expect("as many were spent")).collect();
        if given.restored > 0 {
            self.touch(now);
            self.post("redemption_rollback", given.restored, 0, by_lot(&back));
        }
        for id in &back {
            self.lot(*id).spent -= 1;
            self.redeemed -= 1;
        }
        self.put_back(&back, grace);
        self.claw_back(&own, policy, now, &mut given);
        self.bought.insert(order.to_owned(), bought);
        given
    }

    fn claw_back(&mut self, own: &BTreeMap<Id, (i64, i64)>, policy: ClawbackPolicy, now: Instant, given: &mut Returned) {
        let at = self.at(now);
        let mut missing = 0;
        let mut taken: Vec<Id> = Vec::new();
        for (id, (before, after)) in own {
            let lot = self.lots.iter_mut().find(|lot| lot.id == *id).expect("the order earned it");
            // what expired unspent was of no use to anybody: the last points of a lot are counted as those
            let lost = lot.expired + if lot.over(at) { lot.points } else { 0 };
            for nth in before + 1..=*after {
                if nth > lot.issued - lost {
                    given.forgiven += 1;
                } else if lot.points > 0 && !lot.over(at) && (policy != ClawbackPolicy::PendingOnly || lot.pending(at)) {
                    lot.points -= 1;
                    taken.push(lot.id);
                } else {
                    missing += 1;
                }
            }
        }
        for _ in 0..missing {
            let other = match policy {
                ClawbackPolicy::PendingOnly => None,
                ClawbackPolicy::WithinBalance => self.take(|lot| lot.live(at)),
                ClawbackPolicy::ClampToZero | ClawbackPolicy::AllowNegative => self.take(|lot| !lot.over(at)),
            };
            if let Some(lot) = other {
                taken.push(lot);
            } else if policy == ClawbackPolicy::AllowNegative {
                given.deficit += 1;
            } else {
                given.forgiven += 1;
            }
        }
        self.earned -= count(&taken);
        self.deficit += given.deficit;
        given.clawed_back = count(&taken) + given.deficit;
        self.post("clawback", given.clawed_back, given.deficit, by_lot(&taken));
        if given.clawed_back > 0 {
            self.last_at = at;
        }
    }

    /// The jobs: what is over expires. How many entries that takes is the job's matter: the sum is told.
    pub fn expire(&mut self, now: Instant) {
        let mut expired = BTreeMap::new();
        for place in 0..self.lots.len() {
            let lot = &mut self.lots[place];
            if lot.over(now) && lot.points > 0 {
                lot.expired += lot.points;
                expired.insert(lot.id, std::mem::take(&mut lot.points));
                self.touch(now);
            }
        }
        let points = expired.values().sum();
        self.expired += points;
        self.post("expire", points, 0, expired);
    }
}

/// What a step of a line gives back.
#[derive(Debug, Default)]
pub struct Step {
    pub restored: i64,
    pub refund: i64,
    pub qualifying: i64,
    pub shares: Vec<(Id, i64)>,
}

impl Line {
    /// Takes the line to where its returned quantity says.
    pub fn advance(&mut self) -> Step {
        let (returned, quantity) = (self.returned, self.quantity);
        // so much of the whole goes with what is returned by now
        let by_now = |whole: i64| {
            let part = i128::from(whole) * i128::from(returned) / i128::from(quantity);
            i64::try_from(part).expect("a part is not more than the whole")
        };
        let advance = |whole: i64, done: &mut i64| {
            let step = by_now(whole) - *done;
            *done += step;
            step
        };
        Step {
            restored: advance(self.paid.0, &mut self.paid.1),
            refund: advance(self.money.0, &mut self.money.1),
            qualifying: advance(self.qualifying.0, &mut self.qualifying.1),
            shares: self.shares.iter_mut().map(|(lot, earned, done, _)| (*lot, advance(*earned, done))).collect(),
        }
    }
}

/// Nearest expiry first, never-expiring last, then oldest.
fn sequence(lot: &Lot) -> (bool, Option<Instant>, Id) {
    (lot.ends_at().is_none(), lot.ends_at(), lot.id)
}

fn count(points: &[Id]) -> i64 {
    i64::try_from(points.len()).expect("points can be counted")
}

/// How many of these points are in each lot.
fn by_lot(points: &[Id]) -> BTreeMap<Id, i64> {
    let mut lots = BTreeMap::new();
    points.iter().for_each(|lot| *lots.entry(*lot).or_default() += 1);
    lots
}
