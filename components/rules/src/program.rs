//! A program: parsed and checked once, asked many times.

use crate::agenda;
use crate::document::Document;
use crate::engine::{
    Agenda, Channel, Enrolment, Event, Failure, Finding, Firing, JudgedReferral, Judgement, Member, Messaging, NamedValue, Needs,
    Order, Payment, Referral, Rewarded, Settings, Standing, Written,
};
use crate::judge;
use crate::messages;

/// A checked program document. Every answer depends on nothing but the document and the arguments.
#[derive(Clone, Debug)]
pub struct Program {
    document: Document,
}

impl Program {
    /// Reads a program document (JSON, at most 1 MiB).
    ///
    /// # Errors
    /// Every problem of the document, at most 500, each with its JSON pointer.
    pub fn parse(document: &str) -> Result<Self, Vec<Finding>> {
        Document::parse(document).map(|document| Self { document })
    }

    /// What the other components must know of the program.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.document.settings
    }

    /// Rules that will never fire again at an instant (milliseconds since 1970-01-01T00:00:00Z), because their last local day
    /// is over: they are no reason to refuse a program that is in force, but one to be published. None where the instant is
    /// not within the years 1900 to 2999.
    #[must_use]
    pub fn ended(&self, at: i64) -> Vec<Finding> {
        let Ok(today) = self.document.zone.local(at) else { return Vec::new() };
        let ended = self.document.last_days.iter().filter(|last| last.day < today.date());
        ended
            .map(|last| Finding {
                pointer: last.pointer.clone(),
                code: "ended".to_owned(),
                detail: format!(
                    "the last day, {}, is over and the rule never fires again; remove it, or change its dates",
                    last.day
                ),
            })
            .collect()
    }

    /// What must be known of a member to judge at an instant (milliseconds since 1970-01-01T00:00:00Z).
    #[must_use]
    pub fn needs(&self, at: i64) -> Needs {
        judge::needs(&self.document, at)
    }

    /// Where a member stands at an instant; negative counts are none.
    #[must_use]
    pub fn standing(&self, member: &Member, at: i64) -> Standing {
        judge::standing(&self.document, member, at)
    }

    /// What something that the member did beside buying gives.
    ///
    /// # Errors
    /// `Invalid` with a pointer into the event; `Overflow`.
    pub fn judge_event(&self, member: &Member, event: &Event) -> Result<Rewarded, Failure> {
        judge::judge_event(&self.document, member, event)
    }

    /// Until when points (milliseconds since 1970-01-01T00:00:00Z) are good that come back at an instant to a lot that is over.
    /// None: the program has no such grace, or the instant is not within the years 1900 to 2999.
    #[must_use]
    pub fn returned_until(&self, at: i64) -> Option<i64> {
        let lifetime = self.document.returned_grace.as_ref()?;
        self.document.zone.life(at, lifetime).ok()?.expires_at
    }

    /// What is to be done by itself at the second instant (milliseconds since 1970-01-01T00:00:00Z), and the occasions of the local
    /// days that began since the first one.
    #[must_use]
    pub fn agenda(&self, after: i64, at: i64) -> Agenda {
        agenda::agenda(&self.document, after, at)
    }

    /// When a trigger fires for something that happened at an instant. None for an unknown trigger.
    #[must_use]
    pub fn scheduled(&self, trigger: &str, moment: i64) -> Option<Firing> {
        agenda::scheduled(&self.document, trigger, moment)
    }

    /// Of what members are written, and how they are reached. None: the program writes nobody.
    #[must_use]
    pub fn messaging(&self) -> Option<Messaging> {
        messages::messaging(&self.document)
    }

    /// Until when nobody in a zone (IANA; an unknown one is the program's) is to be disturbed at an instant (milliseconds since
    /// 1970-01-01T00:00:00Z). None: they may be.
    #[must_use]
    pub fn quiet_until(&self, zone: &str, at: i64) -> Option<i64> {
        messages::quiet_until(&self.document, zone, at)
    }

    /// A message of a kind, of an occasion or a trigger with an id, for a channel, in a language (ISO 639-1) if the program has it.
    /// None: there is no such template.
    ///
    /// # Errors
    /// What the template can't say with these values.
    pub fn write(
        &self,
        kind: &str,
        of: Option<&str>,
        channel: Channel,
        language: &str,
        values: &[NamedValue],
    ) -> Result<Option<Written>, String> {
        messages::write(&self.document, kind, of, channel, language, values)
    }

    /// What enrolling at an instant (milliseconds since 1970-01-01T00:00:00Z) through a channel gives.
    ///
    /// # Errors
    /// `Invalid` at `/at` when the instant is not within the years 1900 to 2999.
    pub fn judge_enrolment(&self, at: i64, channel: &str) -> Result<Enrolment, Failure> {
        judge::judge_enrolment(&self.document, at, channel)
    }

    /// What becomes of a friend whom a member brought.
    ///
    /// # Errors
    /// `Invalid` with a pointer into the referral.
    pub fn judge_referral(&self, referral: &Referral) -> Result<JudgedReferral, Failure> {
        judge::judge_referral(&self.document, referral)
    }

    /// What the order gives and lets pay.
    ///
    /// # Errors
    /// `Invalid` with a pointer into the order, or `/points` for the payment; `LimitExceeded` and `Insufficient` when
    /// `Payment::Exact` asks for too much; `Overflow` when an amount is beyond 10^12 minor units.
    pub fn judge_order(&self, member: &Member, order: &Order, payment: &Payment) -> Result<Judgement, Failure> {
        judge::judge_order(&self.document, member, order, payment)
    }
}
