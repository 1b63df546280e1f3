//! What only shows when all blocks are read: rules that another one leaves nothing to, rates that no margin bears.

use super::discounts::{Benefit, DiscountRule};
use super::earning::{Company, EarningRule, Rates, Reward};
use super::margin::MarginGuard;
use super::reader::{Findings, ONE_HUNDRED_PERCENT};
use super::tiers::Tiers;
use crate::text;

/// Checks the rules against each other and against the margin floor.
pub fn check(
    discounts: &[DiscountRule],
    earning: &[EarningRule],
    tiers: &Tiers,
    guard: Option<MarginGuard>,
    conversion_rate: i64,
    findings: &mut Findings,
) {
    unreachable("discounts", discounts, findings);
    unreachable("earning", earning, findings);
    if let Some(guard) = guard {
        rates_beyond_margin(discounts, earning, tiers, guard, conversion_rate, findings);
    }
}

/// Points that a rule names are not finer than those that are left of earned points, the least of which has so many
/// minor units (`step`): nobody would round them.
pub fn too_fine(earning: &[EarningRule], step: i64, findings: &mut Findings) {
    for rule in earning {
        let (Reward::Fixed(points) | Reward::PerAmount { points, .. }) = rule.reward else { continue };
        if points.checked_rem(step).is_some_and(|rest| rest > 0) {
            let detail = "has more decimals than \"points\".\"rounding\".\"scale\" leaves; write fewer, or raise the scale";
            findings.note(&format!("/earning/{}/points", rule.place), "too_precise", detail);
        }
    }
}

/// What both kinds of rules have.
trait Rule {
    fn place(&self) -> usize;
    fn id(&self) -> &str;
    fn company(&self) -> Company;
    /// Whether it fires on every order and looks at every line.
    fn is_unconditional(&self) -> bool;
    /// Whether another rule on the same line can take its place: it multiplies others' points, for example.
    fn builds_on_others(&self) -> bool;
}

impl Rule for DiscountRule {
    fn place(&self) -> usize {
        self.place
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn company(&self) -> Company {
        self.company
    }

    fn is_unconditional(&self) -> bool {
        self.when == super::Conditions::default() && matches!(self.benefit, Benefit::Percent(_))
    }

    fn builds_on_others(&self) -> bool {
        false
    }
}

impl Rule for EarningRule {
    fn place(&self) -> usize {
        self.place
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn company(&self) -> Company {
        self.company
    }

    fn is_unconditional(&self) -> bool {
        let always = match self.reward {
            Reward::Fixed(_) => true,
            Reward::Percent(Some(Rates { regular, promo })) => regular > 0 && promo > 0,
            Reward::Percent(None) | Reward::PerAmount { .. } | Reward::Multiplier(_) => false,
        };
        always && self.when == super::Conditions::default() && self.limits == super::Limits::default()
    }

    fn builds_on_others(&self) -> bool {
        matches!(self.reward, Reward::Multiplier(_))
    }
}

/// A rule after one that always fires on all lines and shares none can never fire.
fn unreachable<R: Rule>(block: &str, rules: &[R], findings: &mut Findings) {
    let at = |rule: &R| format!("/{block}/{}", rule.place());
    let mut greedy: Option<&R> = None;
    let mut always: Option<&R> = None;
    for rule in rules {
        let company = rule.company();
        if let Some(greedy) = greedy {
            let detail = format!(
                "\"{}\" comes before \"{}\", always fires and leaves it nothing; give it a higher priority, or the other a condition",
                greedy.id(),
                rule.id()
            );
            findings.note(&at(rule), "unreachable", detail);
        } else if let Some(always) = always.filter(|_| company.exclusive || (!company.stackable && !rule.builds_on_others())) {
            let detail = format!(
                "\"{}\" fires only where no earlier rule does, and \"{}\" always does; give it a higher priority",
                rule.id(),
                always.id()
            );
            findings.note(&at(rule), "unreachable", detail);
        }
        if rule.is_unconditional() {
            always = always.or(Some(rule));
            if company.stop || company.exclusive {
                greedy = greedy.or(Some(rule));
            }
        }
    }
    // a multiplier that comes first has nothing to multiply
    if let Some(first) = rules.first().filter(|rule| rule.builds_on_others()) {
        let detail = format!("\"{}\" multiplies what earlier rules give, and comes first; give it a lower priority", first.id());
        findings.note(&at(first), "unreachable", detail);
    }
}

/// Even goods that cost nothing keep no margin of the floor when more than the rest is given away.
fn rates_beyond_margin(
    discounts: &[DiscountRule],
    earning: &[EarningRule],
    tiers: &Tiers,
    guard: MarginGuard,
    conversion_rate: i64,
    findings: &mut Findings,
) {
    let most = ONE_HUNDRED_PERCENT.saturating_sub(guard.floor);
    // one point for each unit of money pays `conversion_rate` hundredths
    let worth = |rate: i64| rate.saturating_mul(conversion_rate).checked_div(100).unwrap_or(rate);
    let mut check = |pointer: String, what: &str, rate: i64| {
        if rate > most {
            let detail = format!(
                "{what} gives {}, and the margin floor of {} leaves at most {}; lower the rate, or the floor",
                text::percent(rate),
                text::percent(guard.floor),
                text::percent(most)
            );
            findings.note(&pointer, "rate_exceeds_margin", detail);
        }
    };
    if guard.discounts {
        for rule in discounts {
            check(format!("/discounts/{}", rule.place), &rule.id, rule.benefit.highest_rate());
        }
        for tier in &tiers.tiers {
            check("/tiers".to_owned(), &tier.id, tier.discount.unwrap_or(0));
        }
    }
    if guard.earning {
        for rule in earning {
            if let Reward::Percent(Some(rates)) = rule.reward {
                check(format!("/earning/{}", rule.place), &rule.id, worth(rates.regular.max(rates.promo)));
            }
        }
        for tier in &tiers.tiers {
            check("/tiers".to_owned(), &tier.id, worth(tier.rate.unwrap_or(0).max(tier.rate_promo.unwrap_or(0))));
        }
    }
}
