//! What only shows when all blocks are read: rules that another one leaves nothing to, and what tiers say in vain.

use super::bearable;
use super::discounts::{Benefit, DiscountRule};
use super::earning::{Company, EarningRule, Rates, Reward};
use super::margin::MarginGuard;
use super::reader::Findings;
use super::redemption::Redemption;
use super::tiers::Tiers;

/// The blocks that are checked against each other.
pub struct Blocks<'d> {
    /// In the order of evaluation.
    pub discounts: &'d [DiscountRule],
    /// In the order of evaluation.
    pub earning: &'d [EarningRule],
    /// What rules may name and rely on.
    pub tiers: &'d Tiers,
    /// How points pay.
    pub redemption: Option<&'d Redemption>,
    /// The floor, and what it holds back.
    pub margin_guard: Option<MarginGuard>,
    /// Money that one whole point pays, in hundredths.
    pub conversion_rate: i64,
    /// Decimal places of a point.
    pub scale: u8,
}

/// Checks the rules against each other and against the margin floor.
pub fn check(blocks: &Blocks, findings: &mut Findings) {
    // a rule that could not be read may be the one that gives it
    if findings.is_empty() {
        unused_of_tiers(blocks, findings);
    }
    unreachable("discounts", blocks.discounts, findings);
    unreachable("earning", blocks.earning, findings);
    if let Some(guard) = blocks.margin_guard {
        bearable::check(blocks, guard, findings);
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

/// What a tier says and no rule gives: members would see it, and nobody would get it.
fn unused_of_tiers(blocks: &Blocks, findings: &mut Findings) {
    let meant = |when: &super::Conditions, tier: &str| when.tiers.as_ref().is_none_or(|only| only.contains(tier));
    let discounts = blocks.discounts.iter().filter(|rule| rule.benefit == Benefit::Tier);
    let rates = blocks.earning.iter().filter(|rule| rule.reward == Reward::Percent(None));
    for (tier, place) in blocks.tiers.tiers.iter().zip(&blocks.tiers.places) {
        if tier.discount.is_some() && !discounts.clone().any(|rule| meant(&rule.when, &tier.id)) {
            let detail =
                "no rule gives this discount: add {\"id\": \"level\", \"type\": \"tier\"} to \"discounts\", or leave it out";
            findings.note(&format!("{place}/discount"), "unused", detail);
        }
        if tier.rate.is_some() && !rates.clone().any(|rule| meant(&rule.when, &tier.id)) {
            let detail = "no rule gives this rate: add {\"id\": \"purchase\", \"type\": \"percent\"}, without a rate of its own, to \"earning\", or leave it out";
            findings.note(&format!("{place}/rate"), "unused", detail);
        }
    }
}
