//! The rules dependency: the program in force, parsed once and kept, and its answers in the domain's types.

use std::cell::RefCell;
use std::rc::Rc;

use domain::judgement::{
    Budget, ClawbackPolicy, Enrolment, Explanation, Extension, Grant, JudgedLine, JudgedReferral, Judgement, MarginCut, NextTier,
    Offer, Payment, Perk, ReferralOutcome, ReferralReward, Rewarded, Shortfall, Standing, Tier, TierBasis,
};
use domain::order::{Discounts, Event, Order};
use domain::referral::Referrer;
use domain::snapshot::{GrantedTier, Member, Needs};
use domain::{Instant, Money, Points};
use ledger::Terms;
use spin_sdk::key_value::Store;
use store::ProgramHead;

use crate::database::books;
use crate::log::say;
use crate::paid;
use crate::problem::{FieldError, Problem, from_store};
use crate::record;
use crate::wire::Languages;

mod wants;
pub use wants::Wants;

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "rules-client",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}
pub use bindings::kopilka::rules::engine::Payment as AskedPayment;
/// What a program asks to be done by itself, as the rules say it.
pub mod agenda {
    pub use super::bindings::kopilka::rules::engine::{
        Agenda, Firing, Occasion, OccasionDate, Reminder, Trigger, TriggerVoucher, Unless, Watched,
    };
}
/// Of what members are written, as the rules say it.
pub mod messaging {
    pub use super::bindings::kopilka::rules::engine::{CascadeStep, Channel, Messaging, NamedValue, Purpose, Written};
}
use bindings::kopilka::rules::engine::{self, Agreed, Failure};

/// Programs that an instance keeps parsed: the one in force, and others for the time of a change.
const KEPT: usize = 4;

thread_local! {
    /// The one that was asked for last comes first.
    static PROGRAMS: RefCell<Vec<(String, Rc<Parsed>)>> = const { RefCell::new(Vec::new()) };
}

/// A document that the rules parsed and checked.
struct Parsed {
    engine: engine::Program,
    settings: engine::Settings,
}

/// The program in force: a version of it, and what the rules made of its document.
#[derive(Clone)]
pub struct ActiveProgram {
    pub version: i64,
    pub published_at: Instant,
    /// In which languages its explanations are told.
    pub languages: Languages,
    parsed: Rc<Parsed>,
}

impl ActiveProgram {
    /// The same for a caller who reads these languages.
    #[must_use]
    pub fn told_in(self, languages: &Languages) -> Self {
        Self { languages: languages.clone(), ..self }
    }
}

/// What the rules can't judge.
#[derive(Clone, Debug)]
pub enum RulesFailure {
    /// The order is not right; the pointer is into the order.
    Invalid(FieldError),
    /// More points than the program lets this order take.
    LimitExceeded {
        max_points: Points,
        max_money: Money,
        code: String,
        reason: String,
    },
    /// More points than the member has.
    Insufficient(Points),
    /// The engine contradicts itself.
    Inconsistent(&'static str),
    Overflow,
}

/// Parses a document and keeps nothing.
///
/// # Errors
/// Every problem of the document.
pub fn parse_program(document: &str) -> Result<ActiveProgram, Vec<FieldError>> {
    Ok(ActiveProgram { version: 0, published_at: Instant(0), languages: Languages::default(), parsed: Rc::new(parse(document)?) })
}

/// The program of a head: from the instance, else from the key-value store, else from SQL.
///
/// # Errors
/// 409 when nothing is published, 503 when no store has the document.
pub async fn program_by_head(head: Option<&ProgramHead>) -> Result<ActiveProgram, Problem> {
    let head = head.ok_or_else(|| {
        Problem::new(409, "program_missing", "No program is published yet: PUT /v1/program, for example with a preset's document")
    })?;
    record::program_is(head.version);
    let active = |parsed| ActiveProgram {
        version: head.version,
        published_at: head.published_at,
        languages: Languages::default(),
        parsed,
    };
    let kept = PROGRAMS.with_borrow_mut(|kept| {
        let place = kept.iter().position(|(hash, _)| *hash == head.hash)?;
        kept[..=place].rotate_right(1);
        kept.first().map(|(_, parsed)| parsed.clone())
    });
    if let Some(parsed) = kept {
        return Ok(active(parsed));
    }
    let document = document(&head.hash).await?;
    let parsed = Rc::new(parse(&document).map_err(|findings| {
        let first = findings.first().map(|finding| format!("{}: {}", finding.pointer, finding.detail)).unwrap_or_default();
        Problem::new(500, "program_unreadable", format!("The rules component can't read the published program: {first}"))
    })?);
    PROGRAMS.with_borrow_mut(|kept| {
        kept.truncate(KEPT - 1);
        kept.insert(0, (head.hash.clone(), parsed.clone()));
    });
    Ok(active(parsed))
}

/// What the program that this instance saw last must know of a member at a moment: most likely it is still in force.
pub(crate) fn likely_needs(look: &Look, now: Instant) -> Needs {
    PROGRAMS.with_borrow(|kept| kept.first().map(|(_, parsed)| parsed.needs(look, now)).unwrap_or_default())
}

/// The program in force, if any.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn program_head() -> Result<Option<ProgramHead>, Problem> {
    store::load_program(&books(), &store::Asking::default(), None, None)
        .await
        .map(|loaded| loaded.program)
        .map_err(|error| from_store(&error))
}

/// Puts a document where every instance finds it without asking the books. A failure costs speed only.
pub async fn cache_program(hash: &str, document: &str) {
    let stored = match Store::open_default().await {
        Ok(cache) => cache.set(format!("program/{hash}"), document).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        say(&serde_json::json!({"level": "warn", "detail": format!("the program can't be cached: {error:?}")}));
    }
}

/// An immutable document by its hash. The key-value store spares the books a statement; where it fails, they answer.
async fn document(hash: &str) -> Result<String, Problem> {
    let key = format!("program/{hash}");
    let cache = Store::open_default().await.ok();
    if let Some(cache) = &cache
        && let Ok(Some(bytes)) = cache.get(&key).await
        && let Ok(document) = String::from_utf8(bytes)
    {
        return Ok(document);
    }
    let found = store::program_document(&books(), Some(hash), None).await.map_err(|error| from_store(&error))?;
    let document = found.ok_or_else(|| Problem::store_unavailable("The program's document is not there"))?.document;
    cache_program(hash, &document).await;
    Ok(document)
}

fn parse(document: &str) -> Result<Parsed, Vec<FieldError>> {
    let parsed = record::asking_rules(|| {
        let engine = engine::Program::parse(document)?;
        Ok(Parsed { settings: engine.settings(), engine })
    });
    parsed.map_err(field_errors)
}

fn field_errors(findings: Vec<engine::Finding>) -> Vec<FieldError> {
    let field_error =
        |finding: engine::Finding| FieldError { pointer: finding.pointer, code: finding.code, detail: finding.detail };
    findings.into_iter().map(field_error).collect()
}

/// What a decision looks at.
#[derive(Clone, Debug, Default)]
pub enum Look {
    /// Where the member stands now.
    #[default]
    Standing,
    /// An order with goods of these categories, or an event, judged at this moment.
    Judging { at: Instant, categories: Vec<String> },
    /// An order that was recorded before, judged as of when it happened.
    Claiming,
}

impl Look {
    /// An order or a cart.
    #[must_use]
    pub fn at_order(order: &Order) -> Self {
        let mut categories: Vec<String> = order.lines.iter().filter_map(|line| line.category.clone()).collect();
        categories.sort_unstable();
        categories.dedup();
        Self::Judging { at: order.occurred_at, categories }
    }

    /// The same once it is known which order was claimed.
    pub(crate) fn knowing(&self, snapshot: &domain::snapshot::Snapshot) -> Self {
        match (self, &snapshot.order) {
            (Self::Claiming, Some(order)) => {
                let mut categories: Vec<String> = order.lines.iter().filter_map(|line| line.category.clone()).collect();
                categories.sort_unstable();
                categories.dedup();
                Self::Judging { at: order.occurred_at, categories }
            }
            _ => self.clone(),
        }
    }
}

impl Parsed {
    fn ask<T>(&self, question: impl FnOnce(&engine::Program) -> T) -> T {
        record::asking_rules(|| question(&self.engine))
    }

    fn needs(&self, look: &Look, now: Instant) -> Needs {
        let (at, judging) = match look {
            Look::Judging { at, .. } => (*at, true),
            Look::Standing | Look::Claiming => (now, false),
        };
        let needs = self.ask(|engine| engine.needs(at.0));
        let windows: Vec<Instant> = needs.windows.into_iter().map(Instant).collect();
        match look {
            Look::Judging { categories, .. } if judging => Needs {
                windows,
                // the day is of no interest without rules that count by it
                day: if needs.rules.is_empty() { Instant(0) } else { Instant(needs.day) },
                rules: needs.rules,
                categories: if needs.categories { categories.clone() } else { Vec::new() },
                largest_order: needs.largest_order,
            },
            _ => Needs { windows, largest_order: needs.largest_order, ..Needs::default() },
        }
    }
}

impl ActiveProgram {
    /// What must be known of a member.
    #[must_use]
    pub(crate) fn needs(&self, look: &Look, now: Instant) -> Needs {
        self.parsed.needs(look, now)
    }

    /// When the window of the tiers began: it is the first one, where there is one. None where nothing can leave it.
    #[must_use]
    pub fn first_window(&self, at: Instant) -> Option<Instant> {
        if self.parsed.settings.tiers.is_empty() {
            return None;
        }
        self.parsed.ask(|engine| engine.needs(at.0)).windows.first().copied().map(Instant)
    }

    /// What must be known of a member to say where they stand among the tiers, and nothing else.
    #[must_use]
    pub fn needs_of_tiers(&self, at: Instant) -> Needs {
        let largest_order = self.parsed.ask(|engine| engine.needs(at.0)).largest_order;
        Needs { windows: self.first_window(at).into_iter().collect(), largest_order, ..Needs::default() }
    }

    /// The ids of its tiers, the lowest first.
    #[must_use]
    pub fn tier_ids(&self) -> Vec<&str> {
        self.parsed.settings.tiers.iter().map(|tier| tier.id.as_str()).collect()
    }

    /// Whether new members are asked for a code before they spend.
    #[must_use]
    pub fn asks_for_a_code(&self) -> bool {
        !matches!(self.parsed.settings.confirmation, engine::Confirmation::None)
    }

    /// Whether the welcome comes with the right code only.
    #[must_use]
    pub fn welcome_waits(&self) -> bool {
        matches!(self.parsed.settings.confirmation, engine::Confirmation::WelcomeAfter)
    }

    /// The version of the rules for members without whose acceptance nobody spends.
    #[must_use]
    pub fn rules_version(&self) -> Option<&str> {
        self.parsed.settings.rules_version.as_deref()
    }

    /// What must be known of a person for the event `profile_filled` to happen by itself; empty: it never does.
    #[must_use]
    pub fn profile_fields(&self) -> &[String] {
        &self.parsed.settings.profile_fields
    }

    /// What is to be done by itself at `at`, and the occasions of the local days that began after `after`.
    #[must_use]
    pub fn agenda(&self, after: Instant, at: Instant) -> agenda::Agenda {
        self.parsed.ask(|engine| engine.agenda(after.0, at.0))
    }

    /// When a trigger fires for something that happened at a moment.
    #[must_use]
    pub fn scheduled(&self, trigger: &str, moment: Instant) -> Option<agenda::Firing> {
        self.parsed.ask(|engine| engine.scheduled(trigger, moment.0))
    }

    /// Of what members are written, and how they are reached; none: of nothing.
    #[must_use]
    pub fn messaging(&self) -> Option<messaging::Messaging> {
        self.parsed.ask(|engine| engine.messaging())
    }

    /// Until when nobody in a zone (IANA; an unknown one is the program's) is to be disturbed at a moment; none: they may be.
    #[must_use]
    pub fn quiet_until(&self, zone: &str, at: Instant) -> Option<Instant> {
        self.parsed.ask(|engine| engine.quiet_until(zone, at.0)).map(Instant)
    }

    /// A message in the member's words; none: the program has no template for it.
    ///
    /// # Errors
    /// What the template can't say with these values.
    pub fn write(
        &self,
        kind: &str,
        of_id: Option<&str>,
        channel: messaging::Channel,
        language: &str,
        values: &[messaging::NamedValue],
    ) -> Result<Option<messaging::Written>, String> {
        self.parsed.ask(|engine| engine.write(kind, of_id, channel, language, values))
    }

    /// The end of the local day of a moment: the start of the next one.
    #[must_use]
    pub fn end_of_day(&self, at: Instant) -> Instant {
        // longer than any day, and shorter than any two
        const BEYOND_A_DAY: i64 = 30 * 3_600_000;
        let day = |at: i64| self.parsed.ask(|engine| engine.needs(at)).day;
        Instant(day(day(at.0).saturating_add(BEYOND_A_DAY)))
    }

    /// The ids of the rules that a promo code unlocks.
    #[must_use]
    pub fn voucher_rules(&self) -> &[String] {
        &self.parsed.settings.voucher_rules
    }

    #[must_use]
    pub fn currency(&self) -> &str {
        &self.parsed.settings.currency
    }

    /// Rules that will never fire again, because their last day is over: a program with them is not published.
    #[must_use]
    pub fn ended(&self, now: Instant) -> Vec<FieldError> {
        field_errors(self.parsed.ask(|engine| engine.ended(now.0)))
    }

    /// Decimal places of a point.
    #[must_use]
    pub fn scale(&self) -> u8 {
        self.parsed.settings.points_scale
    }

    /// What the ledger must know at a moment.
    #[must_use]
    pub fn terms(&self, now: Instant) -> Terms {
        let settings = &self.parsed.settings;
        Terms {
            program_version: self.version,
            points_scale: settings.points_scale,
            clawback: match settings.clawback {
                engine::ClawbackPolicy::ClampToZero => ClawbackPolicy::ClampToZero,
                engine::ClawbackPolicy::AllowNegative => ClawbackPolicy::AllowNegative,
                engine::ClawbackPolicy::WithinBalance => ClawbackPolicy::WithinBalance,
                engine::ClawbackPolicy::PendingOnly => ClawbackPolicy::PendingOnly,
            },
            hold_seconds: settings.hold_seconds,
            returned_until: self.parsed.ask(|engine| engine.returned_until(now.0)).map(Instant),
            notice_days: settings.notice_days.map(i64::from),
            budgets: settings
                .budgets
                .iter()
                .map(|budget| Budget { rule_id: budget.rule_id.clone(), points: Points(budget.points) })
                .collect(),
        }
    }

    /// What the thresholds of tiers are counted in.
    #[must_use]
    pub fn tier_basis(&self) -> TierBasis {
        match self.parsed.settings.tier_basis {
            engine::TierBasis::Spend => TierBasis::Spend,
            engine::TierBasis::Orders => TierBasis::Orders,
            engine::TierBasis::Points => TierBasis::Points,
        }
    }

    /// Where a member stands at a moment.
    #[must_use]
    pub fn standing(&self, member: &Member, at: Instant) -> Standing {
        standing(self.parsed.ask(|engine| engine.standing(&facts(Some(member), Points::ZERO), at.0)))
    }

    /// What a new member gets.
    ///
    /// # Errors
    /// [`RulesFailure`].
    pub fn judge_enrolment(&self, at: Instant, channel: &str) -> Result<Enrolment, RulesFailure> {
        let judged = self.parsed.ask(|engine| engine.judge_enrolment(at.0, channel)).map_err(failure)?;
        Ok(Enrolment {
            grants: judged.grants.into_iter().map(grant).collect(),
            standing: standing(judged.standing),
            explanations: judged.explanations.into_iter().map(explanation).collect(),
        })
    }

    /// What becomes of a friend whom this referrer brought; with what the friend paid in money for the goods of an order.
    ///
    /// # Errors
    /// [`RulesFailure`].
    pub fn judge_referral(
        &self,
        at: Instant,
        referrer: &Referrer,
        purchase: Option<Money>,
    ) -> Result<JudgedReferral, RulesFailure> {
        let asked = engine::Referral {
            at: at.0,
            purchase: purchase.map(|money| money.0),
            friends_paid: u32::try_from(referrer.friends_paid).unwrap_or(u32::MAX),
            paid_at: referrer.paid_at.iter().map(|at| at.0).collect(),
        };
        let judged = self.parsed.ask(|engine| engine.judge_referral(&asked)).map_err(failure)?;
        let reward = |reward: engine::ReferralReward| ReferralReward {
            grants: reward.grants.into_iter().map(grant).collect(),
            explanations: reward.explanations.into_iter().map(explanation).collect(),
        };
        let (referrer, referee) = (reward(judged.referrer), reward(judged.referee));
        let outcome = match judged.outcome {
            engine::ReferralOutcome::Refused => ReferralOutcome::Refused,
            engine::ReferralOutcome::Waiting => ReferralOutcome::Waiting,
            engine::ReferralOutcome::Paid => ReferralOutcome::Paid,
        };
        if referrer.grants.iter().chain(&referee.grants).any(|grant| grant.points.0 <= 0) || judged.keep < 0 {
            return Err(RulesFailure::Inconsistent("amounts below 0"));
        }
        if (outcome == ReferralOutcome::Paid) == (referrer.grants.is_empty() && referee.grants.is_empty()) {
            return Err(RulesFailure::Inconsistent("a referral that is paid with nothing, or not paid with something"));
        }
        Ok(JudgedReferral { outcome, why: explanation(judged.why), referrer, referee, keep: Money(judged.keep) })
    }

    /// What an event gives.
    ///
    /// # Errors
    /// [`RulesFailure`].
    pub fn judge_event(&self, member: &Member, available: Points, event: &Event) -> Result<Rewarded, RulesFailure> {
        let asked = engine::Event {
            type_name: event.type_name.clone(),
            occurred_at: event.occurred_at.0,
            channel: event.channel.clone(),
            points: event.points.map(|points| points.0),
        };
        let judged = self.parsed.ask(|engine| engine.judge_event(&facts(Some(member), available), &asked)).map_err(failure)?;
        if judged.grants.iter().any(|grant| grant.points <= 0) {
            return Err(RulesFailure::Inconsistent("amounts below 0"));
        }
        Ok(Rewarded {
            grants: judged.grants.into_iter().map(grant).collect(),
            explanations: judged.explanations.into_iter().map(explanation).collect(),
            tier: judged.tier.map(|given| GrantedTier { id: given.id, until: given.until.map(Instant) }),
        })
    }

    /// What an order gives and lets pay. Without a member: as for a new one. `available` is what the member can spend.
    ///
    /// # Errors
    /// [`RulesFailure`].
    pub fn judge_order(
        &self,
        member: Option<&Member>,
        available: Points,
        order: &Order,
        payment: &AskedPayment,
    ) -> Result<Judgement, RulesFailure> {
        let judged = self.parsed.ask(|engine| engine.judge_order(&facts(member, available), &order_for_rules(order), *payment));
        let judged = judged.map_err(failure)?;
        if judged.lines.len() != order.lines.len() {
            return Err(RulesFailure::Inconsistent("another number of lines than the order has"));
        }
        let judgement = consistent(judgement(judged))?;
        // an order that was paid keeps its price: what its returns give back is as it was recorded
        if let Discounts::Settled(amounts) = &order.discounts
            && !amounts.iter().eq(judgement.lines.iter().map(|line| &line.discount))
        {
            return Err(RulesFailure::Inconsistent("other discounts than those that the order was paid with"));
        }
        match paid::complaint(&judgement, available, payment) {
            None => Ok(judgement),
            Some(complaint) => Err(RulesFailure::Inconsistent(complaint)),
        }
    }
}

/// A hold's terms as the rules take them.
#[must_use]
pub fn agreed(points: Points, money: Money) -> AskedPayment {
    AskedPayment::Agreed(Agreed { points: points.0, money: money.0 })
}

/// What the rules are told of a member; without one, of somebody new.
fn facts(member: Option<&Member>, available: Points) -> engine::Member {
    let Some(member) = member else {
        return engine::Member {
            orders: 0,
            qualifying_spend: 0,
            largest_order: 0,
            earned: 0,
            available: available.0,
            segments: Vec::new(),
            tier: None,
            grace_until: None,
            stepped_at: None,
            granted_tiers: Vec::new(),
            activity: Vec::new(),
            uses: Vec::new(),
            categories: Vec::new(),
        };
    };
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    engine::Member {
        orders: count(member.orders),
        qualifying_spend: member.qualifying_spend.0,
        largest_order: member.largest_order.0,
        earned: member.earned.0,
        available: available.0,
        segments: member.segments.clone(),
        tier: member.own_tier.clone(),
        grace_until: member.grace_until.map(|at| at.0),
        stepped_at: member.stepped_at.map(|at| at.0),
        granted_tiers: member
            .granted_tiers
            .iter()
            .map(|tier| engine::GrantedTier { id: tier.id.clone(), until: tier.until.map(|at| at.0) })
            .collect(),
        activity: member
            .activity
            .iter()
            .map(|since| engine::Activity { orders: count(since.orders), spend: since.spend.0, earned: since.earned.0 })
            .collect(),
        uses: member
            .uses
            .iter()
            .map(|used| engine::UseOfRule {
                rule_id: used.rule_id.clone(),
                times: count(used.times),
                points: used.points.0,
                points_today: used.points_today.0,
                last_at: used.last_at.map(|at| at.0),
                points_of_all: used.points_of_all.0,
            })
            .collect(),
        categories: member.categories.clone(),
    }
}

fn order_for_rules(order: &Order) -> engine::Order {
    engine::Order {
        occurred_at: order.occurred_at.0,
        channel: order.channel.clone(),
        store: order.store.clone(),
        lines: order
            .lines
            .iter()
            .map(|line| engine::Line {
                id: line.id.clone(),
                sku: line.sku.clone(),
                category: line.category.clone(),
                brand: line.brand.clone(),
                labels: line.labels.clone(),
                quantity: line.quantity.0,
                price: line.price.0,
                discount: line.discount.0,
                cost: line.cost.map(|cost| cost.0),
                tax: line.tax.map(|tax| tax.0),
                promo: line.promo,
            })
            .collect(),
        delivery: order.delivery.0,
        vouchers: order
            .vouchers
            .iter()
            .map(|voucher| engine::Voucher {
                code: voucher.code.clone(),
                rule_id: voucher.rule_id.clone(),
                skus: voucher.skus.clone(),
            })
            .collect(),
        with_offers: order.with_offers,
        discounts: match &order.discounts {
            Discounts::ByRules => engine::Discounts::ByRules,
            Discounts::ForAnybody => engine::Discounts::ForAnybody,
            Discounts::Settled(amounts) => engine::Discounts::Settled(amounts.iter().map(|amount| amount.0).collect()),
        },
    }
}

fn judgement(judged: engine::Judgement) -> Judgement {
    let paid = judged.redemption;
    Judgement {
        items: Money(judged.items),
        discount: Money(judged.discount),
        delivery: Money(judged.delivery),
        payable: Money(judged.payable),
        lines: judged
            .lines
            .into_iter()
            .map(|line| JudgedLine {
                amount: Money(line.amount),
                discount: Money(line.discount),
                discounts: line.discounts.into_iter().map(|part| (part.rule_id, Money(part.money))).collect(),
                cuts: line
                    .cuts
                    .into_iter()
                    .map(|cut| MarginCut { rule_id: cut.rule_id, money: Money(cut.money), points: Points(cut.points) })
                    .collect(),
                paid_points: Points(line.paid_points),
                paid_money: Money(line.paid_money),
                qualifying: Money(line.qualifying),
                shares: line
                    .shares
                    .into_iter()
                    .map(|share| (usize::try_from(share.grant).unwrap_or(usize::MAX), Points(share.points)))
                    .collect(),
            })
            .collect(),
        earned: Points(judged.earned),
        grants: judged.grants.into_iter().map(grant).collect(),
        payment: Payment {
            max_points: Points(paid.max_points),
            max_money: Money(paid.max_money),
            limit_points: Points(paid.limit_points),
            points: Points(paid.points),
            money: Money(paid.money),
            confirmation_required: paid.confirmation_required,
        },
        extensions: judged
            .extensions
            .into_iter()
            .map(|longer| Extension { rule_id: longer.rule_id, expires_at: Instant(longer.expires_at) })
            .collect(),
        qualifying: Money(judged.qualifying),
        before: standing(judged.before),
        after: standing(judged.after),
        offers: judged
            .offers
            .into_iter()
            .map(|offer| Offer {
                rule_id: offer.rule_id,
                shortfall: Money(offer.shortfall),
                points: Points(offer.points),
                money: Money(offer.money),
                reason: offer.reason,
                translations: translations(offer.translations),
            })
            .collect(),
        perks: judged.perks.into_iter().map(perk).collect(),
        explanations: judged.explanations.into_iter().map(explanation).collect(),
        payment_explanations: judged.redemption_explanations.into_iter().map(explanation).collect(),
        referral: None,
    }
}

/// A swapped engine is the tenant's own: what the books rely on is checked here, and the referee checks the rest.
fn consistent(judgement: Judgement) -> Result<Judgement, RulesFailure> {
    let shared = |grant: usize| -> Points {
        let shares = judgement.lines.iter().flat_map(|line| &line.shares);
        shares.filter(|(index, _)| *index == grant).map(|(_, points)| *points).sum()
    };
    let negative = judgement.lines.iter().flat_map(|line| &line.shares).any(|(_, points)| points.0 < 0)
        || judgement.lines.iter().any(|line| line.qualifying < Money::ZERO || line.discount < Money::ZERO)
        || judgement.grants.iter().any(|grant| grant.points.0 <= 0);
    let complaint = if negative {
        "amounts below 0"
    } else if judgement.earned != judgement.grants.iter().map(|grant| grant.points).sum() {
        "grants that do not sum to what is earned"
    } else if judgement.lines.iter().flat_map(|line| &line.shares).any(|(grant, _)| *grant >= judgement.grants.len())
        || judgement.grants.iter().enumerate().any(|(index, grant)| shared(index) != grant.points)
    {
        "shares of lines that do not sum to their grant"
    } else if judgement.discount != judgement.lines.iter().map(|line| line.discount).sum() {
        "a discount that is not the sum of the lines"
    } else if judgement.qualifying != judgement.lines.iter().map(|line| line.qualifying).sum() {
        "a qualifying spend that is not the sum of the lines"
    } else {
        return Ok(judgement);
    };
    Err(RulesFailure::Inconsistent(complaint))
}

fn grant(grant: engine::Grant) -> Grant {
    Grant {
        rule_id: grant.rule_id,
        points: Points(grant.points),
        activates_at: Instant(grant.activates_at),
        expires_at: grant.expires_at.map(Instant),
    }
}

fn explanation(given: engine::Explanation) -> Explanation {
    Explanation {
        rule_id: given.rule_id,
        fired: given.fired,
        points: Points(given.points),
        money: Money(given.money),
        code: given.code,
        reason: given.reason,
        translations: translations(given.translations),
        shortfall: given.shortfall.map(|shortfall| match shortfall {
            engine::Shortfall::Money(money) => Shortfall::Money(Money(money)),
            engine::Shortfall::Points(points) => Shortfall::Points(Points(points)),
            engine::Shortfall::Count(count) => Shortfall::Count(count),
            engine::Shortfall::Time(at) => Shortfall::Time(Instant(at)),
        }),
    }
}

fn standing(given: engine::Standing) -> Standing {
    Standing {
        tier: given.tier.map(|tier| Tier {
            id: tier.id,
            name: tier.name,
            threshold: tier.threshold,
            rate: tier.rate,
            rate_promo: tier.rate_promo,
            discount: tier.discount,
            perks: tier.perks.into_iter().map(perk).collect(),
        }),
        next: given.next.map(|next| NextTier {
            id: next.id,
            name: next.name,
            threshold: next.threshold,
            remaining: next.remaining,
            order_min: next.order_min.map(Money),
        }),
        until: given.until.map(Instant),
        grace_until: given.grace_until.map(Instant),
        stepped_at: given.stepped_at.map(Instant),
        own_tier: given.own_tier,
    }
}

fn perk(given: engine::Perk) -> Perk {
    Perk { id: given.id, name: given.name }
}

fn translations(given: Vec<engine::Translation>) -> Vec<(String, String)> {
    given.into_iter().map(|translation| (translation.language, translation.text)).collect()
}

fn failure(failure: Failure) -> RulesFailure {
    match failure {
        Failure::Invalid(finding) => {
            RulesFailure::Invalid(FieldError { pointer: finding.pointer, code: finding.code, detail: finding.detail })
        }
        Failure::LimitExceeded(limit) => RulesFailure::LimitExceeded {
            max_points: Points(limit.max_points),
            max_money: Money(limit.max_money),
            code: limit.code,
            reason: limit.reason,
        },
        Failure::Insufficient(points) => RulesFailure::Insufficient(Points(points)),
        Failure::Overflow => RulesFailure::Overflow,
    }
}
