//! The second stage: how much of the order points may pay, how much they do, and which lines they pay.
//!
//! Limits are rounded against the payer, so that no rounding pays more than the program declares: the share down to
//! a hundredth, its worth in points down to the scale and to the increment, and the money of points down again.

use crate::document::{Document, ONE_HUNDRED_PERCENT, Redemption};
use crate::engine::{self, Agreed, Explanation, Failure, Limit, MarginCut, Member, Order, Payment};
use crate::limits::MAX_UNITS;
use crate::money::{self, Overflow, Rounding, multiply_divide, round_down_to_step};

use super::explaining::{Obstacle, REDEMPTION, Teller};
use super::lines::PricedLine;
use super::selection::{allows, excludes};
use super::{guard, invalid, sharing};

/// The outcome of the stage.
pub struct Paid {
    /// Limits, and what is paid.
    pub redemption: engine::Redemption,
    /// Each line's part, in the order's sequence.
    pub parts: Vec<Part>,
    /// At most one: there is one when points were to be paid.
    pub explanation: Option<Explanation>,
}

/// What points pay of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Minor units.
    pub points: i64,
    /// Hundredths; at most the line's amount.
    pub money: i64,
}

/// Judges the payment; notes what the margin guard keeps back. `items` is the sum of the lines' amounts.
pub fn pay(
    document: &Document,
    member: &Member,
    order: &Order,
    lines: &mut [PricedLine],
    items: i64,
    payment: &Payment,
) -> Result<Paid, Failure> {
    let goods = Goods::of(document, lines, items, matches!(payment, Payment::Agreed(_)))?;
    let teller = Teller::of(document);
    let limits = Limits::of(document, member, order, &goods)?;
    if limits.floor_takes > 0 {
        note_cuts(document, lines, &goods, limits.floor_takes)?;
    }
    let mut redemption = engine::Redemption {
        max_points: limits.max_points,
        max_money: document.money_of(limits.max_points)?,
        limit_points: limits.limit_points,
        limit_money: document.money_of(limits.limit_points)?,
        points: 0,
        money: 0,
        confirmation_required: false,
    };
    let share = document.redemption.as_ref().map_or(0, |redemption| redemption.max_share);
    let explanation = match payment {
        Payment::None => None,
        Payment::Exact(points) => {
            check_exact(document, member, *points, &limits, &redemption, &teller)?;
            redemption.points = *points;
            redemption.money = document.money_of(*points)?;
            Some(teller.paid(redemption.points, redemption.money, goods.eligible, share))
        }
        Payment::Maximum => {
            redemption.points = redemption.max_points;
            redemption.money = redemption.max_money;
            Some(match limits.obstacle_to_maximum(member) {
                Some(obstacle) => teller.not_paid(&obstacle),
                None => teller.paid(redemption.points, redemption.money, goods.eligible, share),
            })
        }
        Payment::Agreed(agreed) => {
            check_agreed(agreed, &goods)?;
            redemption.points = agreed.points;
            redemption.money = agreed.money;
            Some(teller.paid_as_agreed(agreed.points, agreed.money, items))
        }
    };
    let threshold = document.redemption.as_ref().and_then(|redemption| redemption.confirmation_above);
    redemption.confirmation_required = threshold.is_some_and(|threshold| redemption.points > threshold);
    let parts = goods.parts(redemption.points, redemption.money)?;
    Ok(Paid { redemption, parts, explanation })
}

/// The lines as far as points may pay them.
struct Goods {
    /// What each line brings that is not excluded.
    nets: Vec<i64>,
    /// What points may pay of each line: less than its net where the margin guard holds the rest.
    amounts: Vec<i64>,
    /// Sum of `nets`: the program's share is of this.
    eligible: i64,
    /// Sum of `amounts`: less than `eligible` only by the margin guard.
    room: i64,
    /// The sum without exclusions.
    items: i64,
}

impl Goods {
    /// Agreed terms are not judged again, so that the guard leaves them alone.
    fn of(document: &Document, lines: &[PricedLine], items: i64, agreed: bool) -> Result<Self, Overflow> {
        let redemption = document.redemption.as_ref();
        let covers = !agreed && guard::covers(document, |guard| guard.redemption);
        let payable = |line: &PricedLine| match redemption {
            Some(redemption) if excludes(&redemption.exclude, line.line) => Ok(0),
            Some(redemption) if !redemption.combinable && (line.discount > 0 || line.line.discount > 0) => Ok(0),
            _ => line.net(),
        };
        let nets = lines.iter().map(payable).collect::<Result<Vec<_>, _>>()?;
        let eligible = money::sum(nets.iter().copied())?;
        let room_of = |(line, net): (&PricedLine, &i64)| (*net).min(guard::room(*net, line.lowest, covers));
        let amounts: Vec<_> = lines.iter().zip(&nets).map(room_of).collect();
        let room = money::sum(amounts.iter().copied())?;
        Ok(Self { nets, amounts, eligible, room, items })
    }

    /// Money by the lines' amounts, points by the money; where there is no money, points by the amounts.
    fn parts(&self, points: i64, money: i64) -> Result<Vec<Part>, Failure> {
        let moneys = sharing::share(money, &self.amounts)?.ok_or(Overflow)?;
        let weights = if money == 0 { &self.amounts } else { &moneys };
        let points = sharing::share(points, weights)?.ok_or(Overflow)?;
        Ok(points.into_iter().zip(moneys).map(|(points, money)| Part { points, money }).collect())
    }
}

/// Notes at each line its part of what the margin guard takes off the limit: by what the line lacks of its own part of
/// the program's share. A line whose part others can pay lacks nothing of the limit.
fn note_cuts(document: &Document, lines: &mut [PricedLine], goods: &Goods, taken: i64) -> Result<(), Overflow> {
    let Some(redemption) = &document.redemption else { return Ok(()) };
    let parts = sharing::share(share_of(redemption, goods.eligible)?, &goods.nets)?.unwrap_or_default();
    let lacking = parts.iter().zip(&goods.amounts).map(|(part, amount)| part.saturating_sub(*amount).max(0));
    let cuts = sharing::share(taken, &lacking.collect::<Vec<_>>())?.unwrap_or_default();
    for (line, money) in lines.iter_mut().zip(cuts).filter(|(_, money)| *money > 0) {
        line.cuts.push(MarginCut { rule_id: REDEMPTION.to_owned(), money, points: 0 });
    }
    Ok(())
}

/// How many points may be paid.
struct Limits {
    /// By the program alone.
    limit_points: i64,
    /// With what the member has.
    max_points: i64,
    /// The same without exclusions: more than `limit_points` when the goods are what limits.
    without_exclusions: i64,
    /// The money by which the margin guard lowers what the program's share allows.
    floor_takes: i64,
    /// Why nothing may be paid, whatever the amount.
    obstacle: Option<Obstacle>,
}

impl Limits {
    fn of(document: &Document, member: &Member, order: &Order, goods: &Goods) -> Result<Self, Overflow> {
        let nothing = |obstacle, floor_takes| {
            Ok(Self { limit_points: 0, max_points: 0, without_exclusions: 0, floor_takes, obstacle: Some(obstacle) })
        };
        let Some(redemption) = &document.redemption else {
            return nothing(Obstacle::RedemptionOff, 0);
        };
        if !allows(&redemption.channels, Some(&order.channel)) {
            return nothing(Obstacle::OtherChannel { channel: order.channel.clone() }, 0);
        }
        let share = share_of(redemption, goods.eligible)?;
        let within = share.min(goods.room);
        let floor_takes = money::subtract(share, within)?;
        if goods.room == 0 && goods.eligible > 0 {
            return nothing(Obstacle::MarginFloor, floor_takes);
        }
        if goods.eligible == 0 && goods.items > 0 {
            return nothing(Obstacle::NotForTheseGoods { eligible: 0 }, 0);
        }
        let by_share = document.points_of(within)?;
        let limit_points = document.payable(redemption, by_share)?;
        let max_points = document.payable(redemption, limit_points.min(member.available.max(0)))?;
        let without_exclusions = document.points_of(share_of(redemption, goods.items)?)?;
        let (minimum, increment) = (redemption.min_points, redemption.increment);
        let obstacle = if by_share < minimum {
            Some(Obstacle::Minimum { minimum, allowed: by_share })
        } else {
            (0 < by_share && by_share < increment).then_some(Obstacle::Increment { increment, allowed: by_share })
        };
        Ok(Self { limit_points, max_points, without_exclusions, floor_takes, obstacle })
    }

    /// Why paying as much as possible pays nothing, if so.
    fn obstacle_to_maximum(&self, member: &Member) -> Option<Obstacle> {
        let balance = Obstacle::Balance { available: member.available.max(0) };
        match &self.obstacle {
            Some(obstacle) => Some(obstacle.clone()),
            None if self.max_points > 0 => None,
            None if self.limit_points > 0 => Some(balance),
            None => Some(Obstacle::NothingToPay),
        }
    }
}

fn check_exact(
    document: &Document,
    member: &Member,
    points: i64,
    limits: &Limits,
    redemption: &engine::Redemption,
    teller: &Teller,
) -> Result<(), Failure> {
    if points <= 0 {
        return Err(invalid("/points", "out_of_range", "the number of points to pay is above 0"));
    }
    money::bounded(points.into())?;
    let available = member.available.max(0);
    if points > available {
        return Err(Failure::Insufficient(available));
    }
    if let Some(obstacle) = obstacle_to(document, points, limits) {
        let (max_points, max_money) = (redemption.max_points, redemption.max_money);
        let (code, reason) = (obstacle.code().to_owned(), teller.obstacle(&obstacle));
        return Err(Failure::LimitExceeded(Limit { max_points, max_money, code, reason }));
    }
    if document.money_of(points)? == 0 {
        return Err(invalid("/points", "worth_nothing", "so few points pay less than a hundredth; pay more, or none"));
    }
    Ok(())
}

/// Why the program does not let so many points pay, if so.
fn obstacle_to(document: &Document, points: i64, limits: &Limits) -> Option<Obstacle> {
    let Some(redemption) = &document.redemption else { return Some(Obstacle::RedemptionOff) };
    if let Some(obstacle) = &limits.obstacle {
        return Some(obstacle.clone());
    }
    if points < redemption.min_points {
        return Some(Obstacle::Minimum { minimum: redemption.min_points, allowed: limits.limit_points });
    }
    if round_down_to_step(points, redemption.increment) != points {
        return Some(Obstacle::Increment { increment: redemption.increment, allowed: limits.limit_points });
    }
    if points <= limits.limit_points {
        None
    } else if limits.floor_takes > 0 {
        Some(Obstacle::MarginFloor)
    } else if points <= limits.without_exclusions {
        Some(Obstacle::NotForTheseGoods { eligible: limits.limit_points })
    } else {
        Some(Obstacle::ShareOfOrder { share: redemption.max_share, limit: limits.limit_points })
    }
}

/// Agreed terms stand; only what the lines can't bear is refused.
fn check_agreed(agreed: &Agreed, goods: &Goods) -> Result<(), Failure> {
    money::bounded(agreed.points.into())?;
    money::bounded(agreed.money.into())?;
    if agreed.points <= 0 || agreed.money < 0 {
        return Err(invalid("/points", "out_of_range", "agreed are more than 0 points, and money of at least 0"));
    }
    if agreed.money > goods.eligible || goods.eligible == 0 {
        let (agreed, eligible) = (crate::text::money(agreed.money), crate::text::money(goods.eligible));
        let detail = format!("points were to pay {agreed}, but of these goods they can pay only {eligible}");
        return Err(invalid("/points", "agreed_exceeds_order", detail));
    }
    Ok(())
}

/// The money that the program lets points pay of goods worth `eligible`.
fn share_of(redemption: &Redemption, eligible: i64) -> Result<i64, Overflow> {
    let share = multiply_divide(eligible.into(), redemption.max_share.into(), ONE_HUNDRED_PERCENT.into(), Rounding::Down)?;
    money::bounded(share)
}

impl Document {
    /// What so many points (minor units) pay, rounded down to a hundredth.
    fn money_of(&self, points: i64) -> Result<i64, Overflow> {
        let per_whole = money::units_per_whole(self.settings.points_scale)?;
        let money = multiply_divide(points.into(), self.settings.conversion_rate.into(), per_whole, Rounding::Down)?;
        money::bounded(money)
    }

    /// How many points (minor units) so much money is worth, rounded down; at most what the contract can carry.
    fn points_of(&self, money: i64) -> Result<i64, Overflow> {
        let per_whole = money::units_per_whole(self.settings.points_scale)?;
        let points = multiply_divide(money.into(), per_whole, self.settings.conversion_rate.into(), Rounding::Down)?;
        Ok(i64::try_from(points).unwrap_or(MAX_UNITS).min(MAX_UNITS))
    }

    /// The most points, up to `most`, that one payment may have: whole increments, the minimum at least, and worth
    /// a hundredth at least; 0 when there are none.
    fn payable(&self, redemption: &Redemption, most: i64) -> Result<i64, Overflow> {
        let points = round_down_to_step(most, redemption.increment);
        let enough = points >= redemption.min_points && self.money_of(points)? > 0;
        Ok(if enough { points } else { 0 })
    }
}
