//! Purchases: recorded, with points or without, by nobody in particular, claimed, returned, cancelled.

use domain::judgement::Standing as Tiers;
use domain::plan::Plan;
use domain::{Id, Instant, Quantity};
use ledger::{ReturnLine, ReturnRequest};

use super::{About, DAY, Deed, Life};
use crate::model::{Line, Order, Returned, Standing};
use crate::purchase::Purchase;

/// An order that nobody has claimed yet.
pub struct Anonymous {
    purchase: Purchase,
    lines: Vec<Line>,
}

impl Life {
    pub(super) fn buy(&mut self) -> Deed {
        let member = self.somebody();
        let redemption = if self.random.percent(50) { self.redemption_of(member) } else { None };
        let now = self.shop.now;
        let account = &self.members[&member];
        // what the redemption pays, if it does
        let held = redemption.map(|id| (id, account.holds[&id].clone()));
        let pays = held.as_ref().and_then(|(_, hold)| match hold.standing {
            Standing::Held => (hold.deadline > now).then_some(hold.points.len()),
            Standing::Captured { used } => (!used).then_some(hold.points.len()),
            Standing::Ended | Standing::Awaiting(_) => None,
        });
        let points = i64::try_from(pays.unwrap_or_default()).unwrap_or_default();
        let occurred_at = if self.random.percent(20) { Instant(now.0 - self.random.between(0, 40 * DAY)) } else { now };
        let purchase = self.purchase(points, occurred_at);
        let about = About { member: Some(member), order: Some(purchase.order.reference.clone()), redemption, other: None };
        let done = self.act(&about, |shop, snapshot, command| {
            let (order, judged) = (&purchase.order, &purchase.judgement);
            let recorded = ledger::record_order(snapshot, order, judged, &shop.terms, "content", command)?;
            Ok((recorded.plan, recorded.balance))
        });
        let Ok((plan, balance)) = done else {
            assert!(redemption.is_some() && pays.is_none(), "refused without a reason: {done:?}");
            return "buy with a redemption that is over";
        };
        assert!(redemption.is_none() || pays.is_some(), "it pays nothing any more");
        let mut grace = self.grace(&plan);
        let lots = self.lots_of(&plan, &purchase.judgement.grants);
        let account = self.account(member);
        account.release_overdue(now, redemption, &mut grace);
        let mut spent = Vec::new();
        if let Some((id, hold)) = held {
            if hold.standing == Standing::Held {
                account.capture(id, points, &mut grace, now);
            }
            let hold = account.holds.get_mut(&id).expect("it was held");
            hold.standing = Standing::Captured { used: true };
            spent.clone_from(&hold.points);
        }
        let ids: Vec<Id> = lots.iter().map(|lot| lot.id).collect();
        account.grant("earn", lots, now);
        account.orders += 1;
        account.qualifying += purchase.judgement.qualifying.0;
        let lines = lines_of(&purchase);
        let lines = lines.into_iter().map(|line| with_lots(line, &ids));
        let delivery = purchase.judgement.delivery.0;
        let order = Order { lines: lines.collect(), spent, delivery, cancelled: false };
        account.bought.insert(purchase.order.reference.clone(), order);
        self.agree(member, &balance.expect("a member has a balance"));
        if redemption.is_some() { "buy with points" } else { "buy" }
    }

    pub(super) fn buy_without_a_name(&mut self) -> Deed {
        let purchase = self.purchase(0, self.shop.now);
        let reference = purchase.order.reference.clone();
        self.act(&About { order: Some(reference.clone()), ..About::default() }, |shop, _, command| {
            let (order, judged) = (&purchase.order, &purchase.judgement);
            Ok((ledger::record_anonymous(order, judged, &shop.terms, "content", command).plan, None))
        })
        .expect("an anonymous order is taken");
        let lines = lines_of(&purchase);
        self.anonymous.insert(reference, Anonymous { purchase, lines });
        "buy without a name"
    }

    /// A receipt is scanned: of an order that nobody has, of which some goods may have been returned, or somebody's.
    pub(super) fn claim(&mut self) -> Deed {
        let member = self.somebody();
        let now = self.shop.now;
        if self.random.percent(20) {
            return self.claim_what_is_somebodys(member);
        }
        let references: Vec<String> = self.anonymous.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&references).cloned() else { return "nothing" };
        if self.random.percent(50) {
            self.return_without_a_name(&reference);
        }
        let Anonymous { purchase, mut lines } = self.anonymous.remove(&reference).expect("it is there");
        let about = About { member: Some(member), order: Some(reference.clone()), ..About::default() };
        let done = self.act(&about, |shop, snapshot, command| {
            let claimed = ledger::claim(snapshot, &purchase.judgement, |_| Tiers::default(), &shop.terms, command)?;
            Ok((claimed.plan, Some(claimed.balance)))
        });
        let (plan, balance) = done.expect("nobody has it");
        // what was returned before earns nothing: of each grant the rest
        let grants = purchase.judgement.grants.iter().enumerate().filter_map(|(grant, granted)| {
            let left = |line: &Line| {
                line.shares.iter().filter(|share| share.0.0 == place(grant)).map(|share| share.1 - share.2).sum::<i64>()
            };
            let points = domain::Points(lines.iter().map(left).sum());
            (points.0 > 0).then(|| (grant, domain::judgement::Grant { points, ..granted.clone() }))
        });
        let (kept, grants): (Vec<usize>, Vec<_>) = grants.unzip();
        let lots = self.lots_of(&plan, &grants);
        let ids: Vec<(i64, Id)> = kept.iter().map(|grant| place(*grant)).zip(lots.iter().map(|lot| lot.id)).collect();
        for line in &mut lines {
            line.shares.retain(|share| ids.iter().any(|(grant, _)| *grant == share.0.0));
            for share in &mut line.shares {
                let (_, lot) = ids.iter().find(|(grant, _)| *grant == share.0.0).expect("it was kept");
                (share.0, share.3) = (*lot, share.2);
            }
        }
        let mut grace = self.grace(&plan);
        let qualifying: i64 = lines.iter().map(|line| line.qualifying.0 - line.qualifying.1).sum();
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        account.grant("earn", lots, now);
        account.orders += 1;
        account.qualifying += qualifying;
        let delivery = purchase.judgement.delivery.0;
        account.bought.insert(reference, Order { lines, spent: Vec::new(), delivery, cancelled: false });
        self.agree(member, &balance.expect("a member has a balance"));
        "claim"
    }

    fn claim_what_is_somebodys(&mut self, member: Id) -> Deed {
        let owned: Vec<String> = self.members.values().flat_map(|account| account.bought.keys().cloned()).collect();
        let Some(reference) = self.random.one_of(&owned).cloned() else { return "nothing" };
        let about = About { member: Some(member), order: Some(reference), ..About::default() };
        let done = self.act(&about, |shop, snapshot, command| {
            let claimed = ledger::claim(snapshot, &Default::default(), |_| Tiers::default(), &shop.terms, command)?;
            Ok((claimed.plan, Some(claimed.balance)))
        });
        assert!(matches!(done, Err(ledger::Refusal::AlreadyClaimed)), "{done:?}");
        "claim what is somebody's"
    }

    /// Some goods of an anonymous order come back: only money moves.
    fn return_without_a_name(&mut self, reference: &str) {
        let bought = self.anonymous.get_mut(reference).expect("it is there");
        let place = usize::try_from(self.random.between(0, 3)).unwrap_or_default() % bought.lines.len();
        let line = &mut bought.lines[place];
        let left = line.quantity - line.returned;
        if left == 0 {
            return;
        }
        let quantity = self.random.between(1, left);
        line.returned += quantity;
        let expected = line.advance().refund;
        let chosen = ReturnLine { id: line.id.clone(), quantity: Quantity(quantity) };
        let request = ReturnRequest {
            reference: self.reference("return"),
            occurred_at: self.shop.now,
            lines: Some(vec![chosen]),
            content_hash: "content".to_owned(),
        };
        let mut given = Returned::default();
        self.act(&About { order: Some(reference.to_owned()), ..About::default() }, |shop, snapshot, command| {
            let taken = ledger::take_back(snapshot, &request, |_| Tiers::default(), &shop.terms, command)?;
            given = returned(&taken);
            Ok((taken.plan, taken.balance))
        })
        .expect("so much is left");
        assert_eq!(given, Returned { refund: expected, ..Returned::default() });
    }

    pub(super) fn take_back(&mut self) -> Deed {
        let member = self.somebody();
        let orders: Vec<String> = self.members[&member].bought.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        let mut possible = !order.cancelled;
        let mut chosen = Vec::new();
        for (place, line) in order.lines.iter().enumerate() {
            let left = line.quantity - line.returned;
            if left > 0 && self.random.percent(60) {
                let quantity = if self.random.percent(40) { left } else { self.random.between(1, left) };
                chosen.push((place, quantity));
            } else if self.random.percent(5) {
                chosen.push((place, left + 1));
                possible = false;
            }
        }
        let everything = chosen.is_empty();
        if everything {
            let left = order.lines.iter().enumerate().map(|(place, line)| (place, line.quantity - line.returned));
            chosen = left.filter(|(_, left)| *left > 0).collect();
            possible &= !chosen.is_empty();
        }
        let line =
            |(place, quantity): &(usize, i64)| ReturnLine { id: order.lines[*place].id.clone(), quantity: Quantity(*quantity) };
        let request = ReturnRequest {
            reference: self.reference("return"),
            // it may be told late, and in another sequence than it happened
            occurred_at: Instant(self.shop.now.0 - self.random.between(0, 3) * DAY),
            lines: (!everything).then(|| chosen.iter().map(line).collect()),
            content_hash: "content".to_owned(),
        };
        let mut given = Returned::default();
        let done = self.act(&About { order: Some(reference.clone()), ..About::default() }, |shop, snapshot, command| {
            let taken = ledger::take_back(snapshot, &request, |_| Tiers::default(), &shop.terms, command)?;
            given = returned(&taken);
            Ok((taken.plan, taken.balance))
        });
        let Ok((plan, balance)) = done else {
            assert!(!possible, "refused without a reason: {done:?}");
            return "return too much";
        };
        assert!(possible);
        self.returned(member, &reference, &chosen, 0, given, &plan);
        self.agree(member, &balance.expect("a member has a balance"));
        "return"
    }

    pub(super) fn cancel(&mut self) -> Deed {
        let member = self.somebody();
        let orders: Vec<String> = self.members[&member].bought.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        let mut given = Returned::default();
        let done = self.act(&About { order: Some(reference.clone()), ..About::default() }, |shop, snapshot, command| {
            let taken = ledger::cancel(snapshot, "content", |_| Tiers::default(), &shop.terms, command)?;
            given = returned(&taken);
            Ok((taken.plan, taken.balance))
        });
        let Ok((plan, balance)) = done else {
            assert!(order.cancelled, "refused without a reason: {done:?}");
            return "cancel twice";
        };
        assert!(!order.cancelled);
        let left = order.lines.iter().enumerate().map(|(place, line)| (place, line.quantity - line.returned));
        let left: Vec<(usize, i64)> = left.filter(|(_, left)| *left > 0).collect();
        self.returned(member, &reference, &left, order.delivery, given, &plan);
        let account = self.members.get_mut(&member).expect("the member has enrolled");
        account.orders -= 1;
        account.bought.get_mut(&reference).expect("it was bought").cancelled = true;
        let order = &account.bought[&reference];
        let whole = |line: &Line| line.paid.0 == line.paid.1 && line.money.0 == line.money.1;
        let whole = |line: &Line| whole(line) && line.shares.iter().all(|(_, earned, done, _)| earned == done);
        assert!(order.lines.iter().all(whole) && order.spent.is_empty(), "parts sum to the whole: {order:?}");
        self.agree(member, &balance.expect("a member has a balance"));
        "cancel"
    }

    /// Goods came back, and the delivery with them that a cancellation pays back.
    fn returned(&mut self, member: Id, order: &str, lines: &[(usize, i64)], delivery: i64, given: Returned, plan: &Plan) {
        let (policy, now) = (self.shop.terms.clawback, self.shop.now);
        let mut grace = self.grace(plan);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        let expected = account.take_back(order, lines, policy, &mut grace, now);
        assert_eq!(given, Returned { refund: expected.refund + delivery, ..expected }, "{policy:?}");
    }
}

/// The place of a grant, where no lot has an id yet.
fn place(grant: usize) -> i64 {
    i64::try_from(grant).expect("there are few")
}

/// The lines as the model knows them; for lots they have the places of the grants.
fn lines_of(purchase: &Purchase) -> Vec<Line> {
    let lines = purchase.order.lines.iter().zip(&purchase.judgement.lines).map(|(line, judged)| Line {
        id: line.id.clone(),
        quantity: line.quantity.0,
        returned: 0,
        shares: judged.shares.iter().map(|(grant, points)| (Id(place(*grant)), points.0, 0, 0)).collect(),
        paid: (judged.paid_points.0, 0),
        money: (judged.amount.0 - judged.discount.0 - judged.paid_money.0, 0),
        qualifying: (judged.qualifying.0, 0),
    });
    lines.collect()
}

fn with_lots(mut line: Line, ids: &[Id]) -> Line {
    for share in &mut line.shares {
        share.0 = ids[usize::try_from(share.0.0).expect("a place")];
    }
    line
}

fn returned(given: &ledger::Given) -> Returned {
    Returned {
        clawed_back: given.clawed_back.0,
        forgiven: given.forgiven.0,
        restored: given.restored.0,
        deficit: given.deficit.0,
        refund: given.refund.0,
    }
}
