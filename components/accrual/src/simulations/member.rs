//! A member as a program would have seen them: what orders add and returns take off again, each at its time, so that the next
//! order is judged with what had happened by then.

use std::collections::{BTreeMap, BTreeSet};

use domain::judgement::{Judgement, Standing};
use domain::snapshot::{Activity, GrantedTier, Member, RuleUse};
use domain::{Id, Instant, Money, Points, amount};
use edge::ActiveProgram;
use store::{Buyer, StoredOrder};

/// What rules with a budget gave so far, all members together. A simulation goes member by member, so that a budget runs out in
/// the sequence of the members, not of time; together they get no more than it. It is whole when the period begins.
pub type Given = BTreeMap<String, i64>;

/// A member on the way through the stored orders.
pub struct SimulatedMember<'a> {
    program: &'a ActiveProgram,
    /// As the rules are told of them.
    facts: Member,
    past: Vec<Past>,
    /// What is still to come of orders that were counted: by time, the number in the account, and a number of their own.
    to_come: BTreeMap<(Instant, i64, usize), Effect>,
    /// Tiers that were given by now, over ones too.
    given_tiers: Vec<GrantedTier>,
    /// The number of the next one to come.
    next: usize,
    categories: BTreeSet<String>,
}

/// An order that was counted, net of what came back by now.
struct Past {
    occurred_at: Instant,
    cancelled: bool,
    /// Whether all of its goods came back.
    emptied: bool,
    /// Whether it was judged, and not only counted as it is stored.
    judged: bool,
    spend: i64,
    earned: i64,
    /// What each rule gave.
    grants: Vec<(String, i64)>,
}

enum Effect {
    /// Points that came or went beside orders.
    Points(i64),
    /// A part of an order came back.
    Returned(Step),
    /// A tier was given.
    GivenTier(GrantedTier),
    /// One that was given for a time is over.
    TierOver,
}

#[derive(Default)]
struct Step {
    /// Index into `past`.
    order: usize,
    cancelled: bool,
    /// Nothing of the order is left with it.
    emptied: bool,
    spend: i64,
    /// By grant.
    points: Vec<i64>,
}

/// What an order counts for: by its judgement, or as it is stored.
pub struct Counted {
    rules: Vec<String>,
    lines: Vec<CountedLine>,
}

struct CountedLine {
    qualifying: i64,
    /// (index of the rule, points)
    shares: Vec<(usize, i64)>,
}

impl Counted {
    /// As the judgement says.
    pub fn judged(judgement: &Judgement) -> Self {
        let line = |line: &domain::judgement::JudgedLine| CountedLine {
            qualifying: line.qualifying.0,
            shares: line.shares.iter().map(|(grant, points)| (*grant, points.0)).collect(),
        };
        Self {
            rules: judgement.grants.iter().map(|grant| grant.rule_id.clone()).collect(),
            lines: judgement.lines.iter().map(line).collect(),
        }
    }

    /// As it really was.
    pub fn stored(order: &StoredOrder) -> Self {
        let place = |lot: Id| order.lots.iter().position(|(id, _)| *id == lot);
        let line = |line: &domain::snapshot::RecordedLine| CountedLine {
            qualifying: line.qualifying.0,
            shares: line.shares.iter().filter_map(|(lot, points)| Some((place(*lot)?, points.0))).collect(),
        };
        Self { rules: order.lots.iter().map(|(_, rule)| rule.clone()).collect(), lines: order.lines.iter().map(line).collect() }
    }
}

impl<'a> SimulatedMember<'a> {
    /// Somebody before their first order, with what is known of them beside orders.
    pub fn new(buyer: &Buyer, program: &'a ActiveProgram) -> Self {
        let facts = Member { segments: buyer.segments.clone(), ..nobody_yet(buyer.id) };
        let (past, to_come, given_tiers, categories) = (Vec::new(), BTreeMap::new(), Vec::new(), BTreeSet::new());
        let mut member = Self { program, facts, past, to_come, given_tiers, next: 0, categories };
        for (at, seq, points) in &buyer.changes {
            member.expect(*at, *seq, Effect::Points(points.0));
        }
        for (at, tier, until) in &buyer.given_tiers {
            member.expect(*at, 0, Effect::GivenTier(GrantedTier { id: tier.clone(), until: *until }));
            if let Some(until) = until {
                member.expect(*until, 0, Effect::TierOver);
            }
        }
        member
    }

    fn expect(&mut self, at: Instant, seq: i64, effect: Effect) {
        self.to_come.insert((at, seq, self.next), effect);
        self.next = self.next.saturating_add(1);
    }

    /// The member as the rules judge an order.
    pub fn before(&mut self, order: &StoredOrder, given: &mut Given) -> &Member {
        self.catch_up(order.at, order.seq, given);
        self.look_back(order.occurred_at, given);
        if self.program.wants(order.occurred_at).categories {
            let bought = order.lines.iter().filter_map(|line| line.category.as_ref());
            let known: BTreeSet<_> = bought.filter(|category| self.categories.contains(*category)).cloned().collect();
            self.facts.categories = known.into_iter().collect();
        }
        &self.facts
    }

    /// Counts an order, and the tier that it led to: without a judgement the one that is reached by it.
    pub fn count(&mut self, order: &StoredOrder, counted: &Counted, after: Option<&Standing>, given: &mut Given) {
        self.catch_up(order.at, order.seq, given);
        let index = self.past.len();
        let mut whole = Step { order: index, points: vec![0; counted.rules.len()], ..Step::default() };
        for line in &counted.lines {
            whole.spend = whole.spend.saturating_add(line.qualifying);
            for (grant, points) in &line.shares {
                add(&mut whole.points, *grant, *points);
            }
        }
        self.past.push(Past {
            occurred_at: order.occurred_at,
            cancelled: false,
            emptied: false,
            judged: after.is_some(),
            spend: 0,
            earned: 0,
            grants: counted.rules.iter().map(|rule| (rule.clone(), 0)).collect(),
        });
        self.facts.orders = self.facts.orders.saturating_add(1);
        self.take(&whole, 1, given);
        self.plan_returns(index, order, counted, given);
        self.categories.extend(order.lines.iter().filter_map(|line| line.category.clone()));
        match after {
            Some(after) => self.stands(after, order.at),
            None => self.review(order.occurred_at, given),
        }
    }

    /// What came back of the order, each at its time. What came back before the order was judged (it was given to the member
    /// later) never counted.
    fn plan_returns(&mut self, index: usize, order: &StoredOrder, counted: &Counted, given: &mut Given) {
        let mut returns: Vec<_> = order.returns.iter().collect();
        returns.sort_by_key(|back| (back.at, back.seq));
        let mut returned = vec![0_i64; order.lines.len()];
        for back in returns {
            let mut step = Step { order: index, cancelled: back.cancelled != 0, ..Step::default() };
            step.points = vec![0; counted.rules.len()];
            for ((line, counted), returned) in order.lines.iter().zip(&counted.lines).zip(&mut returned) {
                let quantity = back.lines.iter().filter(|(n, _)| *n == line.n).map(|(_, quantity)| quantity.0);
                let before = *returned;
                *returned = quantity.fold(before, i64::saturating_add);
                let part = |whole: i64| {
                    let share = |part: i64| amount::share(whole, part, line.quantity.0);
                    share(*returned).saturating_sub(share(before))
                };
                step.spend = step.spend.saturating_add(part(counted.qualifying));
                for (grant, points) in &counted.shares {
                    add(&mut step.points, *grant, part(*points));
                }
            }
            step.emptied = order.lines.iter().zip(&returned).all(|(line, returned)| *returned >= line.quantity.0);
            if (back.at, back.seq) <= (order.at, order.seq) {
                self.take_back(&step, given);
            } else {
                self.expect(back.at, back.seq, Effect::Returned(step));
            }
        }
    }

    /// Lets everything happen that happened up to then.
    fn catch_up(&mut self, at: Instant, seq: i64, given: &mut Given) {
        while let Some(next) = self.to_come.first_entry().filter(|next| (next.key().0, next.key().1) <= (at, seq)) {
            let (happened_at, _, _) = *next.key();
            match next.remove() {
                Effect::Points(points) => self.facts.earned.0 = self.facts.earned.0.saturating_add(points),
                Effect::Returned(step) => {
                    self.take_back(&step, given);
                    self.review(happened_at, given);
                }
                Effect::GivenTier(tier) => {
                    self.given_tiers.push(tier);
                    self.review(happened_at, given);
                }
                Effect::TierOver => self.review(happened_at, given),
            }
        }
    }

    fn take_back(&mut self, step: &Step, given: &mut Given) {
        self.take(step, -1, given);
        if let Some(past) = self.past.get_mut(step.order).filter(|_| step.emptied) {
            past.emptied = true;
        }
        if step.cancelled
            && let Some(past) = self.past.get_mut(step.order)
        {
            past.cancelled = true;
            self.facts.orders = self.facts.orders.saturating_sub(1);
        }
    }

    /// Adds a step, or takes it off again.
    fn take(&mut self, step: &Step, sign: i64, given: &mut Given) {
        let Some(past) = self.past.get_mut(step.order) else { return };
        let spend = step.spend.saturating_mul(sign);
        past.spend = past.spend.saturating_add(spend);
        self.facts.qualifying_spend.0 = self.facts.qualifying_spend.0.saturating_add(spend);
        for ((rule, sum), points) in past.grants.iter_mut().zip(&step.points) {
            let points = points.saturating_mul(sign);
            *sum = sum.saturating_add(points);
            past.earned = past.earned.saturating_add(points);
            self.facts.earned.0 = self.facts.earned.0.saturating_add(points);
            if let Some(given) = given.get_mut(rule).filter(|_| past.judged) {
                *given = given.saturating_add(points);
            }
        }
    }

    /// Where the member stands now, where there is something to reach.
    fn review(&mut self, at: Instant, given: &Given) {
        if self.program.has_tiers() {
            self.look_back(at, given);
            let standing = self.program.standing(&self.facts, at);
            self.stands(&standing, at);
        }
    }

    fn stands(&mut self, standing: &Standing, at: Instant) {
        let tier = standing.tier.as_ref().map(|tier| tier.id.clone());
        if tier != self.facts.tier {
            self.facts.tier_since = Some(at);
        }
        self.facts.tier = tier;
        self.facts.own_tier.clone_from(&standing.own_tier);
        self.facts.grace_until = standing.grace_until;
        self.facts.stepped_at = standing.stepped_at;
    }

    /// What the program asks to be told of the past.
    fn look_back(&mut self, at: Instant, given: &Given) {
        let needs = self.program.wants(at);
        let live = || self.past.iter().filter(|past| !past.cancelled);
        let since = |since: Instant| {
            live().filter(|past| past.occurred_at >= since).fold(Activity::default(), |sum, past| Activity {
                orders: sum.orders.saturating_add(1),
                spend: Money(sum.spend.0.saturating_add(past.spend)),
                earned: Points(sum.earned.0.saturating_add(past.earned)),
            })
        };
        if needs.largest_order {
            self.facts.largest_order = Money(live().map(|past| past.spend).max().unwrap_or_default());
        }
        self.facts.activity = needs.windows.iter().map(|window| since(*window)).collect();
        let used = |rule: &String| {
            // a rule is free again when all goods of its order came back
            let kept = || live().filter(|past| !past.emptied);
            let fired = || kept().filter_map(|past| Some((past.occurred_at, past.grants.iter().find(|(id, _)| id == rule)?.1)));
            let points = |since: Instant| {
                let counted = fired().filter(|(at, _)| *at >= since);
                Points(counted.fold(0, |sum, (_, points)| sum.saturating_add(points)))
            };
            RuleUse {
                rule_id: rule.clone(),
                times: i64::try_from(fired().count()).unwrap_or(i64::MAX),
                points: points(Instant(i64::MIN)),
                points_today: points(needs.day),
                last_at: fired().map(|(at, _)| at).max(),
                points_of_all: Points(given.get(rule).copied().unwrap_or_default()),
            }
        };
        self.facts.uses = needs.rules.iter().map(used).collect();
        // as the books tell them: one that is over explains the tier held until that was looked at again
        let since = self.facts.tier_since.unwrap_or(Instant(0));
        let told = self.given_tiers.iter().filter(|given| given.until.is_none_or(|until| until > since));
        self.facts.granted_tiers = told.cloned().collect();
    }
}

fn add(sums: &mut [i64], index: usize, points: i64) {
    if let Some(sum) = sums.get_mut(index) {
        *sum = sum.saturating_add(points);
    }
}

/// A member of whom nothing is known. What no rule reads is left empty.
fn nobody_yet(id: Id) -> Member {
    Member {
        id,
        channel: String::new(),
        status: "active".to_owned(),
        referral_code: String::new(),
        joined_at: Instant(0),
        seq: 0,
        last_at: Instant(0),
        remaining: Points::ZERO,
        held: Points::ZERO,
        deficit: Points::ZERO,
        earned: Points::ZERO,
        redeemed: Points::ZERO,
        expired: Points::ZERO,
        revision: 0,
        orders: 0,
        qualifying_spend: Money::ZERO,
        largest_order: Money::ZERO,
        tier: None,
        tier_since: None,
        merged: Vec::new(),
        merged_profiles: Vec::new(),
        profile: Id(0),
        segments: Vec::new(),
        grace_until: None,
        stepped_at: None,
        own_tier: None,
        granted_tiers: Vec::new(),
        activity: Vec::new(),
        uses: Vec::new(),
        categories: Vec::new(),
    }
}
