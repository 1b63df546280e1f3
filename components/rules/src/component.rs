//! The engine behind `wit/rules.wit`: one resource that holds a parsed program. No decision is made here.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

use crate::Program;
use crate::bindings::export;
use crate::engine::{
    self, Enrolment, Event, Failure, Finding, Guest, GuestProgram, Judgement, Member, Needs, Order, Payment, Rewarded, Settings,
    Standing,
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

    fn judge_enrolment(&self, at: i64, channel: String) -> Result<Enrolment, Failure> {
        self.judge_enrolment(at, &channel)
    }

    fn judge_order(&self, member: Member, order: Order, payment: Payment) -> Result<Judgement, Failure> {
        self.judge_order(&member, &order, &payment)
    }
}

export!(Engine with_types_in crate::bindings);
