//! The margin guard: how far benefits may go on a line that carries its cost.

use crate::document::{Document, MarginGuard, ONE_HUNDRED_PERCENT};
use crate::engine::Line;
use crate::money::{self, Overflow, Rounding, multiply_divide};

/// A quantity of one piece: quantities are in thousandths.
const ONE_PIECE: i128 = 1_000;

/// The least (hundredths) that a line may bring: its cost over (100 % - floor), rounded up. None: nothing guards it.
pub fn lowest(document: &Document, line: &Line) -> Result<Option<i64>, Overflow> {
    let (Some(guard), Some(cost)) = (document.margin_guard, line.cost) else { return Ok(None) };
    let cost = multiply_divide(cost.into(), line.quantity.into(), ONE_PIECE, Rounding::Up)?;
    let kept = ONE_HUNDRED_PERCENT.saturating_sub(guard.floor);
    let lowest = multiply_divide(cost, ONE_HUNDRED_PERCENT.into(), kept.into(), Rounding::Up)?;
    // a line that can't bring so much at any price is guarded all the same
    Ok(Some(i64::try_from(lowest).unwrap_or(i64::MAX)))
}

/// What may still be taken (hundredths) of a line that brings `net`: all of it where the guard does not cover the benefit.
pub fn room(net: i64, lowest: Option<i64>, covers: bool) -> i64 {
    match lowest {
        Some(lowest) if covers => net.saturating_sub(lowest).max(0),
        _ => net,
    }
}

/// Whether a benefit is covered.
pub fn covers(document: &Document, benefit: impl FnOnce(MarginGuard) -> bool) -> bool {
    document.margin_guard.is_some_and(benefit)
}

/// The points (minor units) that so much money (hundredths) bears: what they pay is not more.
pub fn points_within(document: &Document, room: i64) -> Result<i64, Overflow> {
    let per_whole = money::units_per_whole(document.settings.points_scale)?;
    let points = multiply_divide(room.into(), per_whole, document.settings.conversion_rate.into(), Rounding::Down)?;
    Ok(i64::try_from(points).unwrap_or(i64::MAX))
}
