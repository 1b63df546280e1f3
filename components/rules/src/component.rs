//! The engine behind `wit/rules.wit`: one resource that holds a parsed program. No decision is made here.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

use crate::Program;
use crate::bindings::export;
use crate::engine::{
    self, Agenda, Channel, Enrolment, Event, Failure, Finding, Firing, Guest, GuestProgram, JudgedReferral, Judgement, Member,
    Messaging, NamedValue, Needs, Order, Payment, Referral, Rewarded, Settings, Standing, Written,
};

#[global_allocator]
static MEMORY: WasmDynamicTalc = new_wasm_dynamic_allocator();

struct Engine;

impl Guest for Engine {
    type Program = Program;
}

impl GuestProgram for Program {
    fn parse(document: String) -> Result<engine::Program, Vec<Finding>> {
        Program::parse(&document).map(engine::Program::new)
    }

    fn settings(&self) -> Settings {
        self.settings().clone()
    }

    fn ended(&self, at: i64) -> Vec<Finding> {
        self.ended(at)
    }

    fn needs(&self, at: i64) -> Needs {
        self.needs(at)
    }

    fn standing(&self, member: Member, at: i64) -> Standing {
        self.standing(&member, at)
    }

    fn judge_event(&self, member: Member, event: Event) -> Result<Rewarded, Failure> {
        self.judge_event(&member, &event)
    }

    fn returned_until(&self, at: i64) -> Option<i64> {
        self.returned_until(at)
    }

    fn agenda(&self, after: i64, at: i64) -> Agenda {
        self.agenda(after, at)
    }

    fn scheduled(&self, trigger: String, moment: i64) -> Option<Firing> {
        self.scheduled(&trigger, moment)
    }

    fn messaging(&self) -> Option<Messaging> {
        self.messaging()
    }

    fn quiet_until(&self, zone: String, at: i64) -> Option<i64> {
        self.quiet_until(&zone, at)
    }

    fn write(
        &self,
        kind: String,
        of: Option<String>,
        channel: Channel,
        language: String,
        values: Vec<NamedValue>,
    ) -> Result<Option<Written>, String> {
        self.write(&kind, of.as_deref(), channel, &language, &values)
    }

    fn judge_enrolment(&self, at: i64, channel: String) -> Result<Enrolment, Failure> {
        self.judge_enrolment(at, &channel)
    }

    fn judge_referral(&self, referral: Referral) -> Result<JudgedReferral, Failure> {
        self.judge_referral(&referral)
    }

    fn judge_order(&self, member: Member, order: Order, payment: Payment) -> Result<Judgement, Failure> {
        self.judge_order(&member, &order, &payment)
    }
}

export!(Engine with_types_in crate::bindings);
