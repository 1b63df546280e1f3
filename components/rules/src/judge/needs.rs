//! What must be known of a member, beside the totals, to judge at a moment.

use crate::document::{Conditions, Document};
use crate::engine::Needs;
use crate::limits::{END_OF_INSTANTS, FIRST_INSTANT};

use super::standing;

/// The window of the tiers comes first, if there is one; then those of the conditions, ascending.
pub fn needs(document: &Document, at: i64) -> Needs {
    let at = at.clamp(FIRST_INSTANT, END_OF_INSTANTS.saturating_sub(1));
    let tiers = standing::window_start(document, at);
    // "within 1 day" is today
    let orders = document.order_windows.iter().map(|days| start_of_day(document, at, days.saturating_sub(1)));
    let earning = document.earning.iter().filter(|rule| rule.limits.look_back()).map(|rule| rule.id.clone());
    let events = document.events.iter().filter(|rule| rule.limits.look_back()).map(|rule| rule.id.clone());
    let conditions = document.discounts.iter().map(|rule| &rule.when);
    let conditions = conditions.chain(document.earning.iter().map(|rule| &rule.when));
    let mut conditions = conditions.chain(document.perks.iter().map(|rule| &rule.when));
    Needs {
        windows: tiers.into_iter().chain(orders).collect(),
        rules: earning.chain(events).collect(),
        day: start_of_day(document, at, 0),
        categories: conditions.any(|when: &Conditions| when.new_category),
        largest_order: document.start.is_some(),
    }
}

/// A window that would begin before the calendar begins at its first moment.
fn start_of_day(document: &Document, at: i64, days_before: i64) -> i64 {
    document.zone.start_of_day(at, days_before).unwrap_or(FIRST_INSTANT)
}
