//! What becomes of a friend whom a member brought.

use crate::document::{Document, PaidOn, Referral, ReferralPoints};
use crate::engine::{self, Failure, Grant, JudgedReferral, ReferralOutcome, ReferralReward};

use super::earning::undatable;
use super::explaining::{NotPaid, Teller};
use super::invalid;
use super::lines::check_instant;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Judges a referral.
pub fn judge_referral(document: &Document, asked: &engine::Referral) -> Result<JudgedReferral, Failure> {
    check_instant(asked.at, "/at")?;
    if asked.purchase.is_some_and(|purchase| purchase < 0) {
        return Err(invalid("/purchase", "out_of_range", "what was paid is not below 0"));
    }
    let teller = Teller::of(document);
    let Some(referral) = &document.referral else {
        // who came while friends were paid for may still be, by a later program
        let outcome = if asked.purchase.is_some() { ReferralOutcome::Waiting } else { ReferralOutcome::Refused };
        return Ok(unpaid(&teller, outcome, NotPaid::NotOffered));
    };
    if referral.per_referrer.is_some_and(|most| i64::from(asked.friends_paid) >= most) {
        return Ok(unpaid(&teller, ReferralOutcome::Refused, NotPaid::LimitReached));
    }
    let keep = match (referral.paid_on, asked.purchase) {
        (PaidOn::Registration, _) => 0,
        (PaidOn::FirstPurchase(minimum), None) => {
            return Ok(unpaid(&teller, ReferralOutcome::Waiting, NotPaid::NoPurchase { minimum }));
        }
        (PaidOn::FirstPurchase(minimum), Some(purchase)) if purchase < minimum => {
            let missing = minimum.saturating_sub(purchase);
            return Ok(unpaid(&teller, ReferralOutcome::Waiting, NotPaid::BelowMinimum { minimum, missing }));
        }
        (PaidOn::FirstPurchase(minimum), Some(_)) => minimum,
    };
    if period_is_full(referral, asked) {
        // a period passes, and the friend may buy again
        let outcome = if asked.purchase.is_some() { ReferralOutcome::Waiting } else { ReferralOutcome::Refused };
        return Ok(unpaid(&teller, outcome, NotPaid::PeriodLimitReached));
    }
    let side = |reward: &Option<ReferralPoints>, brought: bool| -> Result<ReferralReward, Failure> {
        match reward {
            None => Ok(nothing()),
            Some(reward) => {
                let life = document.zone.life(asked.at, &reward.lifetime).map_err(|why| undatable(why, "/at"))?;
                let (activates_at, expires_at) = (life.activates_at, life.expires_at);
                let grant = Grant { rule_id: reward.id.clone(), points: reward.points, activates_at, expires_at };
                let explanation = teller.referral_reward(&reward.id, reward.points, brought);
                Ok(ReferralReward { grants: vec![grant], explanations: vec![explanation] })
            }
        }
    };
    let (referrer, referee) = (side(&referral.referrer, true)?, side(&referral.referee, false)?);
    Ok(JudgedReferral { outcome: ReferralOutcome::Paid, why: teller.referral_paid(), referrer, referee, keep })
}

/// Whether the referrer was paid for as many friends as the period has.
fn period_is_full(referral: &Referral, asked: &engine::Referral) -> bool {
    referral.per_period.is_some_and(|period| {
        let since = asked.at.saturating_sub(period.days.saturating_mul(DAY));
        let paid = asked.paid_at.iter().filter(|at| **at > since).count();
        i64::try_from(paid).unwrap_or(i64::MAX) >= period.friends
    })
}

fn nothing() -> ReferralReward {
    ReferralReward { grants: Vec::new(), explanations: Vec::new() }
}

fn unpaid(teller: &Teller, outcome: ReferralOutcome, why: NotPaid) -> JudgedReferral {
    JudgedReferral { outcome, why: teller.referral_not_paid(why), referrer: nothing(), referee: nothing(), keep: 0 }
}
