//! The caps of a rule, by what it gave so far.

use crate::document::Limits;

use super::explaining::{Cap, Miss};
use super::scene::Scene;

/// Milliseconds of a day of 24 hours.
const DAY: i64 = 86_400_000;

/// The most (minor units, above 0) of what a rule wants to give, and what held back the rest; or why it gives nothing.
pub fn most(scene: &Scene, rule_id: &str, limits: &Limits, wanted: i64) -> Result<(i64, Option<Cap>), Miss> {
    let used = scene.use_of(rule_id);
    if let (Some(days), Some(last)) = (limits.cooldown_days, used.and_then(|used| used.last_at)) {
        let until = last.saturating_add(days.saturating_mul(DAY));
        if scene.at < until {
            return Err(Miss::Cooldown { until });
        }
    }
    if limits.times_per_member.is_some_and(|times| used.is_some_and(|used| used.times >= times)) {
        return Err(Miss::TimesReached);
    }
    let so_far = |points: fn(&crate::engine::UseOfRule) -> i64| used.map_or(0, points);
    let caps = [
        (limits.per_order, 0, Cap::Order),
        (limits.per_day, so_far(|used| used.points_today), Cap::Day),
        (limits.per_member, so_far(|used| used.points), Cap::Member),
        (limits.budget, so_far(|used| used.points_of_all), Cap::Budget),
    ];
    let (mut most, mut held_back) = (wanted, None);
    for (limit, given, cap) in caps {
        let Some(limit) = limit else { continue };
        let left = limit.saturating_sub(given).max(0);
        if left < most {
            (most, held_back) = (left, Some(cap));
        }
    }
    match held_back {
        Some(cap) if most == 0 => Err(Miss::CapReached(cap)),
        cap => Ok((most, cap)),
    }
}
