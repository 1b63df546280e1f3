//! One batch of a simulation: orders without a member first, then members by id, each as a whole. Orders are read in pages, so
//! that a batch needs the memory of a page however much there is.

use std::collections::VecDeque;
use std::time::{Duration, Instant as Stopwatch};

use domain::judgement::Judgement;
use domain::order::{Discounts, Order};
use domain::snapshot::Member;
use domain::{Id, Points};
use edge::{ActiveProgram, AskedPayment, Problem, RulesFailure, agreed, books, from_store, wire};
use store::{Buyer, Period, Place, StoredOrder, Whose};

use super::cursor::Next;
use super::figures::{Figures, Granted};
use super::largest::{Cause, Change, Largest};
use super::member::{Counted, Given, SimulatedMember};

/// How long a batch goes on beginning new pages; hosts give a request 30 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Orders and lines of a page: some megabytes.
const PAGE_ORDERS: i64 = 500;
const PAGE_LINES: i64 = 10_000;

/// Members whose sizes are read together.
const BUYERS: i64 = 500;

/// A member is simulated in one batch. Whoever has more orders is a card that a till's staff show for everybody, and is cut
/// off there, so that a batch ends in time.
const MOST_ORDERS: i64 = 10_000;

/// What is compared.
pub struct Comparison<'a> {
    pub current: &'a ActiveProgram,
    pub proposed: &'a ActiveProgram,
    pub period: Period,
    /// The batch ends with the member with whom so many orders are read.
    pub limit: i64,
}

/// What came of it.
#[derive(Default)]
pub struct Batch {
    /// Orders of the period.
    pub orders: i64,
    /// Members who bought in the period.
    pub members: i64,
    pub better: i64,
    pub worse: i64,
    pub unchanged: i64,
    /// Orders that the proposed program can't judge: they are counted as if it gave nothing for them.
    pub refused: i64,
    /// Orders of members with too many of them.
    pub left_out: i64,
    pub current: Figures,
    pub proposed: Figures,
    pub largest: Largest,
    /// Orders read, those before the period too.
    read: i64,
}

impl Comparison<'_> {
    /// Goes on from there until there is nothing more (none), the limit is reached, or it took long enough.
    ///
    /// # Errors
    /// 503 when the store does not answer, 500 when the rules contradict themselves.
    pub async fn run(&self, from: Next, given: &mut Given) -> Result<(Batch, Option<Next>), Problem> {
        let started = Stopwatch::now();
        let mut batch = Batch::default();
        let mut next = from;
        let mut buyers = VecDeque::new();
        // at least one page, so that whoever asks again gets on
        loop {
            let after = match next {
                Next::Nobodys(at, id) => self.nobodys(Place { member: 0, at, seq: 0, id }, &mut batch).await?,
                Next::Members(after) => {
                    if buyers.is_empty() {
                        buyers = self.buyers(after).await?;
                    }
                    self.members(&mut buyers, &mut batch, given).await?
                }
            };
            match after {
                None => return Ok((batch, None)),
                Some(after) => next = after,
            }
            if batch.read >= self.limit || started.elapsed() >= PATIENCE {
                return Ok((batch, Some(next)));
            }
        }
    }

    /// A page of orders without a member: they earn nothing, but a program may take something off their price.
    async fn nobodys(&self, after: Place, batch: &mut Batch) -> Result<Option<Next>, Problem> {
        let limit = PAGE_ORDERS.min(self.limit.saturating_sub(batch.read)).max(1);
        let page = self.orders(Whose::Nobodys, after, limit).await?;
        for order in &page {
            let judgement = self.judge(None, order, batch)?;
            batch.current.add(self.stored(order));
            let lines = judgement.as_ref().map(|judgement| judgement.lines.as_slice()).unwrap_or_default();
            let discounts = lines.iter().map(|line| (line.discount, Vec::new()));
            batch.proposed.add(figures(self.proposed, order, discounts));
            batch.orders = batch.orders.saturating_add(1);
        }
        batch.read = batch.read.saturating_add(count(&page));
        let last = page.last().filter(|_| count(&page) == limit);
        Ok(Some(last.map_or(Next::Members(0), |last| Next::Nobodys(last.occurred_at, last.id.0))))
    }

    /// The next members that fit into a page, at least one.
    async fn members(&self, buyers: &mut VecDeque<Buyer>, batch: &mut Batch, given: &mut Given) -> Result<Option<Next>, Problem> {
        let most = PAGE_ORDERS.min(self.limit.saturating_sub(batch.read));
        let (mut orders, mut lines) = (0_i64, 0_i64);
        let mut together: Vec<Buyer> = Vec::new();
        while let Some(buyer) = buyers.front() {
            (orders, lines) = (orders.saturating_add(buyer.orders), lines.saturating_add(buyer.lines));
            if !together.is_empty() && (orders > most || lines > PAGE_LINES) {
                break;
            }
            together.extend(buyers.pop_front());
        }
        let Some(last) = together.last().map(|buyer| buyer.id.0) else { return Ok(None) };
        match together.as_slice() {
            [alone] if alone.orders > PAGE_ORDERS || alone.lines > PAGE_LINES => self.alone(alone, batch, given).await?,
            _ => {
                let ids: Vec<Id> = together.iter().map(|buyer| buyer.id).collect();
                // one more than there were, in case that somebody buys meanwhile
                let page = self.orders(Whose::Members(&ids), Place::BEGINNING, PAGE_ORDERS.saturating_add(1)).await?;
                for buyer in &together {
                    let mut visit = Visit::new(buyer, self);
                    for order in page.iter().filter(|order| order.member_id == Some(buyer.id)) {
                        visit.take(order, batch, given)?;
                    }
                    visit.end(batch);
                }
            }
        }
        Ok(Some(Next::Members(last)))
    }

    /// A member who has more orders than fit into a page.
    async fn alone(&self, buyer: &Buyer, batch: &mut Batch, given: &mut Given) -> Result<(), Problem> {
        let per_page = PAGE_LINES.saturating_mul(buyer.orders).checked_div(buyer.lines).unwrap_or(1).clamp(10, PAGE_ORDERS);
        let mut visit = Visit::new(buyer, self);
        let (mut after, mut left) = (Place::BEGINNING, MOST_ORDERS);
        while left > 0 {
            let wanted = per_page.min(left);
            let page = self.orders(Whose::Members(&[buyer.id]), after, wanted).await?;
            for order in &page {
                visit.take(order, batch, given)?;
            }
            left = left.saturating_sub(count(&page));
            match page.last().filter(|_| count(&page) == wanted) {
                Some(last) => after = last.place(),
                None => break,
            }
        }
        batch.left_out = batch.left_out.saturating_add(buyer.orders.saturating_sub(MOST_ORDERS).max(0));
        visit.end(batch);
        Ok(())
    }

    async fn buyers(&self, after: i64) -> Result<VecDeque<Buyer>, Problem> {
        let counts_points = self.proposed.tier_basis() == domain::judgement::TierBasis::Points;
        let found = store::simulation_members(&books(), after, self.period, BUYERS, counts_points).await;
        found.map(VecDeque::from).map_err(|error| from_store(&error))
    }

    async fn orders(&self, whose: Whose<'_>, after: Place, limit: i64) -> Result<Vec<StoredOrder>, Problem> {
        let found = store::simulation_orders(&books(), whose, self.period, after, limit).await;
        found.map_err(|error| from_store(&error))
    }

    /// What was really granted.
    fn stored(&self, order: &StoredOrder) -> Figures {
        let lines = order.lines.iter();
        let shares = |line: &domain::snapshot::RecordedLine| line.shares.iter().map(|(_, points)| *points).collect();
        figures(self.current, order, lines.map(|line| (line.program_discount, shares(line))))
    }

    /// What the proposed program says of an order; none where it refuses it. What was really paid with points is paid again, as
    /// far as the proposed program lets it, from a balance that suffices.
    fn judge(&self, member: Option<&Member>, order: &StoredOrder, batch: &mut Batch) -> Result<Option<Judgement>, Problem> {
        let judged = pay_and_judge(self.proposed, member, order.paid_points, &as_bought(order));
        match judged {
            Ok(judgement) => Ok(Some(judgement)),
            Err(RulesFailure::Inconsistent(what)) => Err(wire::inconsistent(what)),
            Err(_) => {
                batch.refused = batch.refused.saturating_add(1);
                Ok(None)
            }
        }
    }
}

/// One member's orders, as they are read.
struct Visit<'a> {
    comparison: &'a Comparison<'a>,
    id: Id,
    member: SimulatedMember<'a>,
    orders: i64,
    current: Figures,
    proposed: Figures,
    cause: Option<Cause>,
}

impl<'a> Visit<'a> {
    fn new(buyer: &Buyer, comparison: &'a Comparison<'a>) -> Self {
        let member = SimulatedMember::new(buyer, comparison.proposed);
        let (current, proposed) = (Figures::default(), Figures::default());
        Self { comparison, id: buyer.id, member, orders: 0, current, proposed, cause: None }
    }

    /// The next order: judged if it lies in the period, counted as it is stored if it came before.
    fn take(&mut self, order: &StoredOrder, batch: &mut Batch, given: &mut Given) -> Result<(), Problem> {
        batch.read = batch.read.saturating_add(1);
        if !self.comparison.period.has_begun(order.occurred_at) {
            self.member.count(order, &Counted::stored(order), None, given);
            return Ok(());
        }
        self.orders = self.orders.saturating_add(1);
        let judgement = self.comparison.judge(Some(self.member.before(order, given)), order, batch)?;
        let current = self.comparison.stored(order);
        let proposed = match &judgement {
            None => {
                self.member.count(order, &Counted::stored(order), None, given);
                figures(self.comparison.proposed, order, std::iter::empty())
            }
            Some(judgement) => {
                self.member.count(order, &Counted::judged(judgement), Some(&judgement.after), given);
                let shares = |line: &domain::judgement::JudgedLine| line.shares.iter().map(|(_, points)| *points).collect();
                let lines = judgement.lines.iter().map(|line| (line.discount, shares(line)));
                figures(self.comparison.proposed, order, lines)
            }
        };
        self.current.add(current);
        self.proposed.add(proposed);
        let difference = proposed.more_than(current);
        let largest = self.cause.as_ref().map_or((0, 0), |cause| cause.difference.weight());
        if difference.weight() > largest {
            let explanations =
                judgement.map(|judgement| judgement.explanations.into_iter().chain(judgement.payment_explanations).collect());
            self.cause = Some(Cause {
                order: order.id,
                reference: order.reference.clone(),
                difference,
                explanations: explanations.unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn end(self, batch: &mut Batch) {
        let difference = self.proposed.more_than(self.current);
        batch.members = batch.members.saturating_add(1);
        let group = match difference.sign() {
            0 => &mut batch.unchanged,
            1.. => &mut batch.better,
            _ => &mut batch.worse,
        };
        *group = group.saturating_add(1);
        batch.orders = batch.orders.saturating_add(self.orders);
        batch.current.add(self.current);
        batch.proposed.add(self.proposed);
        batch.largest.offer(Change { member: self.id, difference, orders: self.orders, order: self.cause });
    }
}

/// The figures of an order under a program that grants its lines (discount, shares); lines without a grant get nothing.
fn figures(program: &ActiveProgram, order: &StoredOrder, grants: impl Iterator<Item = (domain::Money, Vec<Points>)>) -> Figures {
    let grants = grants.chain(std::iter::repeat_with(Default::default));
    let lines = order.lines.iter().zip(grants);
    Figures::of_lines(program, lines.map(|(line, (discount, shares))| Granted { line, discount, shares }))
}

/// Judges as orders are judged: with points that a hold had set aside, if there were any.
fn pay_and_judge(
    program: &ActiveProgram,
    member: Option<&Member>,
    paid: Points,
    order: &Order,
) -> Result<Judgement, RulesFailure> {
    let mut payment = AskedPayment::None;
    if paid > Points::ZERO {
        let most = program.judge_order(member, paid, order, &AskedPayment::Maximum)?.payment;
        if most.points > Points::ZERO {
            payment = agreed(most.points, most.money);
        }
    }
    program.judge_order(member, Points::ZERO, order, &payment)
}

/// The order as the rules judge it: what was bought, at the prices that were paid.
fn as_bought(order: &StoredOrder) -> Order {
    Order {
        reference: order.reference.clone(),
        occurred_at: order.occurred_at,
        channel: order.channel.clone(),
        store: order.store.clone(),
        device: None,
        currency: order.currency.clone(),
        lines: order.lines.iter().map(domain::snapshot::RecordedLine::as_bought).collect(),
        delivery: order.delivery,
        // a code that the order did not use is not remembered
        vouchers: order.vouchers.clone(),
        with_offers: false,
        discounts: match (order.member_id, order.claimed) {
            (None, _) => Discounts::ForAnybody,
            // it was paid before anybody knew whose it is
            (Some(_), 1) => Discounts::Settled(order.lines.iter().map(|line| line.program_discount).collect()),
            (Some(_), _) => Discounts::ByRules,
        },
    }
}

fn count(page: &[StoredOrder]) -> i64 {
    i64::try_from(page.len()).unwrap_or(i64::MAX)
}
