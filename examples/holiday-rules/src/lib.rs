//! A tenant's own rules that wrap the engine: on 8 March, in the program's zone, an order earns double.
//!
//! It exports what it imports, `kopilka:rules/engine`. Each call goes to the engine inside; only the judgement of an order
//! is changed afterwards. What the holiday gives are grants of its own, so that every sum of the judgement still holds
//! and a member sees in the explanation where the points come from:
//!
//! - each of the engine's grants gets a twin with the same dates, and each line's share in it a twin as well;
//! - `earned` is the new sum, and a line of the explanation says what the holiday gave, or why it gave nothing;
//! - an offer ("buy for 340.00 more, get 50 points") promises what the rule and the holiday would give together.
//!
//! What enrolling gives is no purchase and stays as it is.
//!
//! The types of both sides are one and the same (`merge_structurally_equal_types`), and a judgement is changed in place:
//! fields that the contract gains go through untouched, without an edit here.

// A trap ends every request in the same instance: what can't be computed is a failure.
#![deny(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod bindings {
    #![allow(clippy::all, clippy::restriction)]

    wit_bindgen::generate!({
        path: "../../wit/rules.wit",
        inline: "
            package shop:rules;

            world wrapper {
                import kopilka:rules/engine@1.0.0;
                export kopilka:rules/engine@1.0.0;
            }
        ",
        world: "shop:rules/wrapper",
        merge_structurally_equal_types: true,
        generate_all,
    });

    export!(Rules with_types_in self);
    use super::Rules;
}

mod holiday;

use bindings::exports::kopilka::rules::engine::{
    self as contract, Agenda, Channel, Enrolment, Event, Failure, Finding, Firing, Guest, GuestProgram, JudgedReferral,
    Judgement, Member, Messaging, NamedValue, Needs, Order, Payment, Referral, Rewarded, Settings, Standing, Written,
};
use bindings::kopilka::rules::engine::Program as EnginesProgram;
use jiff::tz::TimeZone;

struct Rules;

impl Guest for Rules {
    type Program = Program;
}

/// A program of the engine, and what the holiday must know of it.
struct Program {
    engine: EnginesProgram,
    zone: TimeZone,
    points_scale: u8,
}

impl GuestProgram for Program {
    fn parse(document: String) -> Result<contract::Program, Vec<Finding>> {
        let engine = EnginesProgram::parse(&document)?;
        let settings = engine.settings();
        // the engine knows the zone, but its bundle and this one need not be of the same year
        let zone = TimeZone::get(&settings.time_zone).map_err(|error| {
            vec![Finding { pointer: "/time_zone".into(), code: "unknown_zone".into(), detail: error.to_string() }]
        })?;
        Ok(contract::Program::new(Self { engine, zone, points_scale: settings.points_scale }))
    }

    fn settings(&self) -> Settings {
        self.engine.settings()
    }

    fn ended(&self, at: i64) -> Vec<Finding> {
        self.engine.ended(at)
    }

    fn needs(&self, at: i64) -> Needs {
        self.engine.needs(at)
    }

    fn standing(&self, member: Member, at: i64) -> Standing {
        self.engine.standing(&member, at)
    }

    fn judge_event(&self, member: Member, event: Event) -> Result<Rewarded, Failure> {
        self.engine.judge_event(&member, &event)
    }

    fn returned_until(&self, at: i64) -> Option<i64> {
        self.engine.returned_until(at)
    }

    fn agenda(&self, after: i64, at: i64) -> Agenda {
        self.engine.agenda(after, at)
    }

    fn scheduled(&self, trigger_id: String, moment: i64) -> Option<Firing> {
        self.engine.scheduled(&trigger_id, moment)
    }

    fn messaging(&self) -> Option<Messaging> {
        self.engine.messaging()
    }

    fn quiet_until(&self, zone: String, at: i64) -> Option<i64> {
        self.engine.quiet_until(&zone, at)
    }

    fn write(
        &self,
        kind: String,
        of_id: Option<String>,
        channel: Channel,
        language: String,
        values: Vec<NamedValue>,
    ) -> Result<Option<Written>, String> {
        self.engine.write(&kind, of_id.as_deref(), channel, &language, &values)
    }

    fn judge_enrolment(&self, at: i64, channel: String) -> Result<Enrolment, Failure> {
        self.engine.judge_enrolment(at, &channel)
    }

    fn judge_referral(&self, referral: Referral) -> Result<JudgedReferral, Failure> {
        self.engine.judge_referral(&referral)
    }

    fn judge_order(&self, member: Member, order: Order, payment: Payment) -> Result<Judgement, Failure> {
        let judged = self.engine.judge_order(&member, &order, payment)?;
        if holiday::is_on(order.occurred_at, &self.zone) {
            holiday::double(judged, self.points_scale).ok_or(Failure::Overflow)
        } else {
            Ok(holiday::announce(judged))
        }
    }
}
