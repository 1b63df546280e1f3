//! What members should have, told as simply as possible: points are moved one at a time, and nothing is shared with the
//! ledger but the ids of its rows.

use std::collections::BTreeMap;

use domain::judgement::ClawbackPolicy;
use domain::{Id, Instant};

#[derive(Clone, Debug)]
pub struct Lot {
    pub id: Id,
    pub points: i64,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
}

impl Lot {
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
    Held,
    Captured { used: bool },
    Ended,
}

#[derive(Clone, Debug)]
pub struct Hold {
    /// The lot of each point, in the sequence of taking; of those that were spent, once it is captured.
    pub points: Vec<Id>,
    pub deadline: Instant,
    pub standing: Standing,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub quantity: i64,
    pub returned: i64,
    /// (lot, points earned, points taken back or forgiven so far).
    pub shares: Vec<(Id, i64, i64)>,
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
    pub cancelled: bool,
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

    pub fn remaining(&self) -> BTreeMap<Id, i64> {
        self.lots.iter().filter(|lot| lot.points > 0).map(|lot| (lot.id, lot.points)).collect()
    }

    pub fn spendable(&self, now: Instant) -> i64 {
        let [available, ..] = self.figures(now);
        (available - self.deficit).max(0)
    }

    /// Something was posted now.
    fn touch(&mut self, now: Instant) {
        self.last_at = self.at(now);
    }

    pub fn grant(&mut self, lots: Vec<Lot>, now: Instant) {
        if lots.is_empty() {
            return;
        }
        self.touch(now);
        let at = self.last_at;
        let first = self.lots.len();
        self.lots.extend(lots);
        self.earned += self.lots[first..].iter().map(|lot| lot.points).sum::<i64>();
        while self.deficit > 0 {
            let soonest =
                self.lots[first..].iter_mut().filter(|lot| lot.points > 0 && !lot.over(at)).min_by_key(|lot| sequence(lot));
            let Some(lot) = soonest else { break };
            lot.points -= 1;
            self.deficit -= 1;
            self.earned -= 1;
        }
    }

    /// A point from the lot that comes first.
    fn take(&mut self, chosen: impl Fn(&Lot) -> bool) -> Option<Id> {
        let lot = self.lots.iter_mut().filter(|lot| lot.points > 0 && chosen(lot)).min_by_key(|lot| sequence(lot))?;
        lot.points -= 1;
        Some(lot.id)
    }

    fn put_back(&mut self, id: Id) {
        let lot = self.lots.iter_mut().find(|lot| lot.id == id).expect("the lot was granted");
        lot.points += 1;
    }

    pub fn hold(&mut self, id: Id, points: i64, deadline: Instant, now: Instant) {
        self.touch(now);
        let at = self.last_at;
        let points = (0..points).map(|_| self.take(|lot| lot.live(at)).expect("there are as many")).collect::<Vec<Id>>();
        self.held += i64::try_from(points.len()).unwrap_or_default();
        self.holds.insert(id, Hold { points, deadline, standing: Standing::Held });
    }

    /// Spends the first points of a hold and gives back the rest.
    pub fn capture(&mut self, id: Id, points: i64, now: Instant) {
        self.touch(now);
        let hold = self.holds.get_mut(&id).expect("it was held");
        let rest = hold.points.split_off(usize::try_from(points).unwrap_or_default());
        hold.standing = Standing::Captured { used: false };
        self.redeemed += points;
        self.held -= points;
        for id in rest {
            self.held -= 1;
            self.put_back(id);
        }
    }

    pub fn release(&mut self, id: Id, now: Instant) {
        self.touch(now);
        let hold = self.holds.get_mut(&id).expect("it was held");
        hold.standing = Standing::Ended;
        for id in std::mem::take(&mut hold.points) {
            self.held -= 1;
            self.put_back(id);
        }
    }

    pub fn release_overdue(&mut self, now: Instant, but_for: Option<Id>) {
        for id in self.holds.keys().copied().collect::<Vec<Id>>() {
            let hold = &self.holds[&id];
            if hold.standing == Standing::Held && hold.deadline <= now && Some(id) != but_for {
                self.release(id, now);
            }
        }
    }

    pub fn deduct(&mut self, points: i64, now: Instant) {
        self.touch(now);
        let at = self.last_at;
        for _ in 0..points {
            self.take(|lot| !lot.over(at)).expect("there are as many");
            self.earned -= 1;
        }
    }

    /// Returns lines of an order as (place, quantity).
    pub fn take_back(&mut self, order: &str, lines: &[(usize, i64)], policy: ClawbackPolicy, now: Instant) -> Returned {
        let mut bought = self.bought.remove(order).expect("it was bought");
        let mut given = Returned::default();
        let mut own: BTreeMap<Id, i64> = BTreeMap::new();
        for (place, quantity) in lines {
            let line = &mut bought.lines[*place];
            line.returned += quantity;
            // so much of the whole goes with what is returned by now
            let by_now = |whole: i64| {
                let part = i128::from(whole) * i128::from(line.returned) / i128::from(line.quantity);
                i64::try_from(part).expect("a part is not more than the whole")
            };
            let advance = |(whole, done): &mut (i64, i64)| {
                let step = by_now(*whole) - *done;
                *done += step;
                step
            };
            given.restored += advance(&mut line.paid);
            given.refund += advance(&mut line.money);
            self.qualifying -= advance(&mut line.qualifying);
            for (lot, earned, done) in &mut line.shares {
                let step = by_now(*earned) - *done;
                *done += step;
                *own.entry(*lot).or_default() += step;
            }
        }
        if given.restored > 0 {
            self.touch(now);
        }
        for _ in 0..given.restored {
            let lot = bought.spent.pop().expect("as many were spent");
            self.put_back(lot);
            self.redeemed -= 1;
        }
        self.claw_back(&own, policy, now, &mut given);
        self.bought.insert(order.to_owned(), bought);
        given
    }

    fn claw_back(&mut self, own: &BTreeMap<Id, i64>, policy: ClawbackPolicy, now: Instant, given: &mut Returned) {
        let at = self.at(now);
        let mut missing = 0;
        for (id, points) in own {
            for _ in 0..*points {
                let lot = self.lots.iter_mut().find(|lot| lot.id == *id).expect("the order earned it");
                if lot.points > 0 && !lot.over(at) && (policy != ClawbackPolicy::PendingOnly || lot.pending(at)) {
                    lot.points -= 1;
                    given.clawed_back += 1;
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
            if other.is_some() {
                given.clawed_back += 1;
            } else if policy == ClawbackPolicy::AllowNegative {
                given.deficit += 1;
            } else {
                given.forgiven += 1;
            }
        }
        self.earned -= given.clawed_back;
        self.deficit += given.deficit;
        given.clawed_back += given.deficit;
        if given.clawed_back > 0 {
            self.last_at = at;
        }
    }

    /// The jobs: what is over expires.
    pub fn expire(&mut self, now: Instant) {
        for place in 0..self.lots.len() {
            let lot = &mut self.lots[place];
            if lot.over(now) && lot.points > 0 {
                self.expired += std::mem::take(&mut lot.points);
                self.touch(now);
            }
        }
    }
}

/// Nearest expiry first, never-expiring last, then oldest.
fn sequence(lot: &Lot) -> (bool, Option<Instant>, Id) {
    (lot.expires_at.is_none(), lot.expires_at, lot.id)
}
