//! What a program must know of a member beside the totals, and what it is worth: for whoever judges without the books, such as
//! a simulation.

use domain::{Instant, Money, Points};

use super::ActiveProgram;

/// What must be known of a member to judge at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// What the member did since each of these moments.
    pub windows: Vec<Instant>,
    /// What these rules gave the member.
    pub rules: Vec<String>,
    /// The start of the local day.
    pub day: Instant,
    /// In which categories the member bought before.
    pub categories: bool,
    /// How much the largest order counted.
    pub largest_order: bool,
}

impl ActiveProgram {
    /// What must be known of a member to judge at a moment.
    #[must_use]
    pub fn wants(&self, at: Instant) -> Wants {
        let needs = self.parsed.ask(|engine| engine.needs(at.0));
        Wants {
            windows: needs.windows.into_iter().map(Instant).collect(),
            rules: needs.rules,
            day: Instant(needs.day),
            categories: needs.categories,
            largest_order: needs.largest_order,
        }
    }

    /// Whether there are tiers to reach.
    #[must_use]
    pub fn has_tiers(&self) -> bool {
        !self.parsed.settings.tiers.is_empty()
    }

    /// Rules that give all members together only so much.
    #[must_use]
    pub fn budgeted_rules(&self) -> Vec<&str> {
        self.parsed.settings.budgets.iter().map(|budget| budget.rule_id.as_str()).collect()
    }

    /// What so many points pay, in hundredths; rounded half up.
    #[must_use]
    pub fn worth(&self, points: Points) -> Money {
        let settings = &self.parsed.settings;
        let whole = 10_i128.pow(u32::from(settings.points_scale.min(4)));
        let doubled = i128::from(points.0).saturating_mul(i128::from(settings.conversion_rate)).saturating_mul(2);
        // half up: floor((2 x + 1) / 2), in whole hundredths
        let rounded = doubled.saturating_add(whole).div_euclid(whole.saturating_mul(2));
        Money(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// The name of the zone whose days count.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.parsed.settings.time_zone
    }
}
