//! The program document: JSON in, typed blocks out, or everything that is wrong with it.
//!
//! One file a block. Nothing is judged here; but whatever could only fail at run time is refused here: unknown fields,
//! conditions that can't be met, rates nobody declared, points that would expire before they can be spent.

mod bearable;
mod checks;
mod conditions;
mod discounts;
mod earning;
mod events;
mod keys;
mod last_days;
mod lifetime;
mod limits_of_rule;
mod margin;
mod meeting;
mod messages;
mod occasions;
mod perks;
mod reader;
mod redemption;
mod referral;
mod settings;
mod tiers;
mod triggers;
mod welcome;

use std::collections::BTreeSet;

use serde_json::Value;

pub use conditions::{Conditions, Hours, Orders, Products};
pub use discounts::{Benefit, DiscountRule, StepBasis};
pub use earning::{EarningRule, Rates, Reward};
pub use events::{EventPoints, EventRule};
pub use last_days::LastDay;
pub use limits_of_rule::Limits;
pub use margin::MarginGuard;
pub use messages::{Messages, Template};
pub use occasions::Occasion;
pub use perks::PerkRule;
pub use reader::ONE_HUNDRED_PERCENT;
pub use redemption::Redemption;
pub use referral::{PaidOn, Referral, ReferralPoints};
pub use settings::{Basis, EarnedRounding};
pub use tiers::{Downgrade, TierTerms, Window};
pub use triggers::{Trigger, Wait};
pub use welcome::{MEMBERSHIP, Start, Welcome};

use crate::calendar::{Activation, Expiry, Lifetime, Zone};
use crate::engine::{Confirmation, Finding, Settings};
use crate::limits::MAX_DOCUMENT_BYTES;
use reader::{Findings, Node};

/// A document that passed every check.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the other components must know, tiers included (ascending by threshold).
    pub settings: Settings,
    /// The zone named in the settings.
    pub zone: Zone,
    /// What points are called in other languages than English: (ISO 639-1, name).
    pub names: Vec<(String, String)>,
    /// How earned points are rounded.
    pub rounding: EarnedRounding,
    /// What points are earned on.
    pub basis: Basis,
    /// How tiers are reached and lost.
    pub tier_terms: TierTerms,
    /// The discount rules in the order of evaluation.
    pub discounts: Vec<DiscountRule>,
    /// The floor under the price of a line.
    pub margin_guard: Option<MarginGuard>,
    /// What orders bring beside points and money.
    pub perks: Vec<PerkRule>,
    /// Points for what members do beside buying.
    pub events: Vec<EventRule>,
    /// What happens on days that come round.
    pub occasions: Vec<Occasion>,
    /// What happens some time after something.
    pub triggers: Vec<Trigger>,
    /// How many days before points expire members are told of it, the earliest first.
    pub reminders: Vec<u32>,
    /// Of what members are written; none: of nothing.
    pub messages: Option<Messages>,
    /// The last days of rules that end.
    pub last_days: Vec<LastDay>,
    /// Windows of days in which conditions count orders, ascending.
    pub order_windows: Vec<i64>,
    /// What enrolling gives.
    pub welcome: Option<Welcome>,
    /// The purchase before which nobody has a tier; none: there is no such.
    pub start: Option<Start>,
    /// How friends are paid for whom members bring; none: they are not.
    pub referral: Option<Referral>,
    /// The earning rules in the order of evaluation.
    pub earning: Vec<EarningRule>,
    /// How points pay; none: they can't be spent on orders.
    pub redemption: Option<Redemption>,
    /// How long points live that come back to a lot that is over; none: they are lost with it.
    pub returned_grace: Option<Lifetime>,
}

impl Document {
    /// Reads and checks a document. The findings are not empty.
    pub fn parse(document: &str) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::default();
        if document.len() > MAX_DOCUMENT_BYTES {
            findings.note("", "too_large", format!("a program document has at most {MAX_DOCUMENT_BYTES} bytes"));
            return Err(findings.into_vec());
        }
        let value: Value = match serde_json::from_str(document) {
            Ok(value) => value,
            Err(error) => {
                findings.note("", "invalid_json", format!("the document is not JSON: {error}"));
                return Err(findings.into_vec());
            }
        };
        keys::check(document, &mut findings);
        let parsed = read(&Node::root(&value), &mut findings);
        match parsed {
            Some(document) if findings.is_empty() => Ok(document),
            _ => {
                if findings.is_empty() {
                    findings.note("", "unreadable", "the document can't be read");
                }
                Err(findings.into_vec())
            }
        }
    }
}

fn read(root: &Node, findings: &mut Findings) -> Option<Document> {
    let mut block = root.block(findings)?;
    let heading = settings::read(&mut block, findings);
    let scale = heading.scale;
    let (tiers, enrolment) = (block.optional("tiers"), block.optional("enrolment"));
    let (rules, paying) = (block.optional("earning"), block.optional("redemption"));
    let (discounts, margin_guard) = (block.optional("discounts"), block.optional("margin_guard"));
    let (perks, events) = (block.optional("perks"), block.optional("events"));
    let referral = block.optional("referral");
    let (occasions, triggers) = (block.optional("occasions"), block.optional("triggers"));
    let reminders = block.optional("reminders");
    let messages = block.optional("messages");
    let tiers = tiers.map(|node| tiers::read(&node, scale, findings)).unwrap_or_default();
    let mut ids = BTreeSet::new();
    let to_reach = tiers.incomplete || !tiers.tiers.is_empty();
    let enrolment = enrolment.and_then(|node| welcome::read(&node, scale, to_reach, &mut ids, findings)).unwrap_or_default();
    let referral = referral.and_then(|node| referral::read(&node, scale, &mut ids, findings));
    let discounts = discounts.map(|node| discounts::read(&node, &tiers, &mut ids, findings)).unwrap_or_default();
    let earning = rules.map(|node| earning::read(&node, scale, &tiers, &mut ids, findings)).unwrap_or_default();
    let perks = perks.map(|node| perks::read(&node, &tiers, &mut ids, findings)).unwrap_or_default();
    let events = events.map(|node| events::read(&node, scale, &tiers, &mut ids, findings)).unwrap_or_default();
    if !enrolment.profile_fields.is_empty() && !events.iter().any(|rule| rule.type_name == welcome::PROFILE_FILLED) {
        let detail = "nothing is given for it; add a rule for the event profile_filled to \"events\", or leave it out";
        findings.note("/enrolment/profile_filled", "no_rule", detail);
    }
    let margin_guard = margin_guard.and_then(|node| margin::read(&node, findings));
    let voucher_rules = voucher_rules(&discounts, &earning, &perks);
    let mut happenings = BTreeSet::new();
    let occasions = occasions.map(|node| occasions::read(&node, &mut happenings, findings)).unwrap_or_default();
    let referred =
        triggers::Referred { tiers: &tiers, voucher_rules: &voucher_rules, knows_filled: !enrolment.profile_fields.is_empty() };
    let triggers = triggers.map(|node| triggers::read(&node, &referred, &mut happenings, findings)).unwrap_or_default();
    let reminders = reminders.and_then(|node| occasions::reminders(&node, findings)).unwrap_or_default();
    let happening = messages::Referred { occasions: &occasions, triggers: &triggers };
    let messages = messages.and_then(|node| messages::read(&node, &happening, findings));
    let redemption = paying.and_then(|node| redemption::read(&node, scale, findings));
    block.finish(findings);
    let blocks = checks::Blocks {
        discounts: &discounts,
        earning: &earning,
        tiers: &tiers,
        redemption: redemption.as_ref(),
        margin_guard,
        conversion_rate: heading.conversion_rate(),
        scale,
    };
    checks::check(&blocks, findings);
    let finer = scale.saturating_sub(heading.rounding.scale);
    checks::too_fine(&earning, 10_i64.saturating_pow(finer.into()), findings);

    let hold_seconds = redemption::hold_seconds(redemption.as_ref());
    let live = |expiry: Expiry| Lifetime { activation: Activation::Immediately, expiry };
    let returned_grace = heading.returned_grace.clone().map(live);
    let last_days = last_days::read(&discounts, &earning, &perks, &events);
    let order_windows = order_windows(&discounts, &earning, &perks);
    let budgets = earning.iter().filter_map(|rule| rule.limits.budget_of(&rule.id));
    let budgets = budgets.chain(events.iter().filter_map(|rule| rule.limits.budget_of(&rule.id))).collect();
    let (names, rounding, basis) = (heading.names.clone(), heading.rounding, heading.basis);
    let (mut settings, zone) = heading.complete(&tiers, budgets, voucher_rules, hold_seconds)?;
    settings.confirmation = enrolment.confirmation.unwrap_or(Confirmation::None);
    settings.rules_version = enrolment.rules_version;
    settings.profile_fields = enrolment.profile_fields;
    Some(Document {
        settings,
        zone,
        names,
        rounding,
        basis,
        tier_terms: tiers.terms,
        discounts,
        margin_guard,
        perks,
        events,
        occasions,
        triggers,
        reminders,
        messages,
        last_days,
        order_windows,
        welcome: enrolment.welcome,
        start: enrolment.start,
        referral,
        earning,
        redemption,
        returned_grace,
    })
}

/// The ids of the rules that ask for a promo code, in the order of evaluation.
fn voucher_rules(discounts: &[DiscountRule], earning: &[EarningRule], perks: &[PerkRule]) -> Vec<String> {
    let rules = discounts.iter().map(|rule| (&rule.id, &rule.when));
    let rules = rules.chain(earning.iter().map(|rule| (&rule.id, &rule.when)));
    let rules = rules.chain(perks.iter().map(|rule| (&rule.perk.id, &rule.when)));
    rules.filter(|(_, when)| when.voucher).map(|(id, _)| id.clone()).collect()
}

/// The windows of days in which conditions count orders, each once.
fn order_windows(discounts: &[DiscountRule], earning: &[EarningRule], perks: &[PerkRule]) -> Vec<i64> {
    let conditions = discounts.iter().map(|rule| &rule.when);
    let conditions = conditions.chain(earning.iter().map(|rule| &rule.when)).chain(perks.iter().map(|rule| &rule.when));
    let days: BTreeSet<_> = conditions.filter_map(|when| when.orders.and_then(|orders| orders.within_days)).collect();
    days.into_iter().collect()
}

/// Notes an id that is taken already; otherwise takes it.
fn take_id(node: &Node, id: &Option<String>, taken: &mut BTreeSet<String>, findings: &mut Findings) {
    if let Some(id) = id
        && !taken.insert(id.clone())
    {
        findings.note(&node.pointer, "duplicate_id", format!("\"{id}\" is used above already; each id is used once"));
    }
}

#[cfg(test)]
mod tests;
