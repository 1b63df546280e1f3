//! `discounts`: what the program takes off the prices.

use schemars::JsonSchema;

use crate::amounts::{Money, Percent, PositiveMoney, PositivePercent};
use crate::conditions::Conditions;
use crate::limits::{MAX_PIECES, MAX_PRIORITY, MAX_STEPS};
use crate::words::{Description, Id};

/// A discount rule. Those of the types `amount` and `steps` are for the order as a whole and come after those of lines.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DiscountRule {
    /// A percentage of the lines.
    Percent {
        /// Above 0.
        rate: PositivePercent,
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
    /// The discount of the member's tier.
    Tier {
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
    /// This price for one unit, where it is lower. `when.products` names the goods.
    Price {
        /// The price of one unit.
        price: Money,
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
    /// Of `buy + get` pieces the cheapest `get` are cheaper.
    BuyGet {
        /// Pieces at their price: 1 to 10000.
        #[schemars(range(min = 1, max = MAX_PIECES))]
        buy: i64,
        /// Pieces at the discount: 1 to 10000.
        #[schemars(range(min = 1, max = MAX_PIECES))]
        get: i64,
        /// The discount on them; 100 where it is absent.
        rate: Option<PositivePercent>,
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
    /// This much off the order's lines.
    Amount {
        /// Above 0.
        amount: PositiveMoney,
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
    /// A percentage by how much there is: the last step that is reached counts.
    Steps {
        /// What is compared with the steps.
        by: StepBasis,
        /// Ascending.
        #[schemars(length(min = 1, max = MAX_STEPS))]
        steps: Vec<Step>,
        #[schemars(flatten)]
        terms: DiscountTerms,
    },
}

/// What every discount rule has.
#[derive(JsonSchema)]
pub struct DiscountTerms {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Unique among all rules.
    pub id: Id,
    /// When it fires, and on which lines; always and on all where it is absent.
    pub when: Option<Conditions>,
    /// Higher ones come first: -1000000 to 1000000; 0 where it is absent.
    #[schemars(range(min = -MAX_PRIORITY, max = MAX_PRIORITY))]
    pub priority: Option<i64>,
    /// True: lines that this rule makes cheaper are not given to later rules.
    pub stop: Option<bool>,
    /// False: lines that an earlier rule made cheaper are not for this one. True where it is absent.
    pub stackable: Option<bool>,
    /// True: it fires only if no earlier rule did, and then no later one does.
    pub exclusive: Option<bool>,
    /// The most that it takes off one order.
    pub per_order: Option<PositiveMoney>,
}

/// What steps are counted in.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum StepBasis {
    /// The items total of the order.
    OrderTotal,
    /// What the member bought before the order.
    QualifyingSpend,
}

/// From so much on, so many per cent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Step {
    /// A note for whoever edits the document.
    pub description: Option<Description>,
    /// Above that of the step before.
    pub from: Money,
    /// Until the next step is reached.
    pub rate: Percent,
}
