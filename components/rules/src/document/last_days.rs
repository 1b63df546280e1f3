//! The last day of each rule that has one.

use jiff::civil::Date;

use super::conditions::Conditions;
use super::discounts::DiscountRule;
use super::earning::EarningRule;
use super::events::EventRule;
use super::perks::PerkRule;

/// After this day a rule never fires again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// JSON pointer to the day.
    pub pointer: String,
    /// In the program's zone, itself included.
    pub day: Date,
}

/// Those of all rules. Perks and events stand in the document's order.
pub fn read(discounts: &[DiscountRule], earning: &[EarningRule], perks: &[PerkRule], events: &[EventRule]) -> Vec<LastDay> {
    let discounts = discounts.iter().filter_map(|rule| of("discounts", rule.place, &rule.when));
    let earning = earning.iter().filter_map(|rule| of("earning", rule.place, &rule.when));
    let perks = perks.iter().enumerate().filter_map(|(place, rule)| of("perks", place, &rule.when));
    let events = events.iter().enumerate().filter_map(|(place, rule)| of("events", place, &rule.when));
    discounts.chain(earning).chain(perks).chain(events).collect()
}

fn of(block: &str, place: usize, when: &Conditions) -> Option<LastDay> {
    let day = when.dates?.to?;
    Some(LastDay { pointer: format!("/{block}/{place}/when/dates/to"), day })
}
