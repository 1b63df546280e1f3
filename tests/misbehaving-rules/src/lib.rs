//! Rules that do what they must not: the engine, and around it whatever the order asks for.
//!
//! The `sku` of an order's first line says it, or the `name` of a document when it is parsed. Everything else goes to the
//! engine, so that one shop has orders that harm and orders that don't.

mod bindings {
    #![allow(clippy::all, clippy::restriction)]

    wit_bindgen::generate!({
        path: "../../wit/rules.wit",
        inline: "
            package trial:rules;

            world wrapper {
                import kopilka:rules/engine@1.0.0;
                export kopilka:rules/engine@1.0.0;
            }
        ",
        world: "trial:rules/wrapper",
        merge_structurally_equal_types: true,
        generate_all,
    });

    export!(Rules with_types_in self);
    use super::Rules;
}

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bindings::exports::kopilka::rules::engine::{
    Agenda, Channel, Discounts, Enrolment, Event, Explanation, Failure, Finding, Firing, Guest, GuestProgram, JudgedReferral,
    Judgement, Member, Messaging, NamedValue, Needs, Order, Payment, Program as Handle, Referral, Rewarded, Settings, Standing,
    Written,
};
use bindings::kopilka::rules::engine::Program as EnginesProgram;

/// More than any host grants in one piece or in many.
const PIECE: usize = 1 << 20;

/// Documents that this instance has parsed so far, and orders that it has judged.
static PARSED: AtomicU32 = AtomicU32::new(0);
static JUDGED: AtomicU32 = AtomicU32::new(0);

struct Rules;

impl Guest for Rules {
    type Program = Program;
}

enum Program {
    Parsed(EnginesProgram),
    /// A handle to nothing, of which there can be many.
    Idle,
}

impl Program {
    fn engine(&self) -> &EnginesProgram {
        match self {
            Self::Parsed(engine) => engine,
            Self::Idle => core::arch::wasm32::unreachable(),
        }
    }
}

impl GuestProgram for Program {
    fn parse(document: String) -> Result<Handle, Vec<Finding>> {
        for word in ["trap", "loop", "allocate"] {
            if document.contains(&format!("\"name\":\"{word}\"")) {
                misbehave(word);
            }
        }
        PARSED.fetch_add(1, Relaxed);
        Ok(Handle::new(Self::Parsed(EnginesProgram::parse(&document)?)))
    }

    fn settings(&self) -> Settings {
        self.engine().settings()
    }

    fn ended(&self, at: i64) -> Vec<Finding> {
        self.engine().ended(at)
    }

    fn needs(&self, at: i64) -> Needs {
        self.engine().needs(at)
    }

    fn standing(&self, member: Member, at: i64) -> Standing {
        self.engine().standing(&member, at)
    }

    fn judge_event(&self, member: Member, event: Event) -> Result<Rewarded, Failure> {
        self.engine().judge_event(&member, &event)
    }

    fn returned_until(&self, at: i64) -> Option<i64> {
        self.engine().returned_until(at)
    }

    fn agenda(&self, after: i64, at: i64) -> Agenda {
        self.engine().agenda(after, at)
    }

    fn scheduled(&self, trigger_id: String, moment: i64) -> Option<Firing> {
        self.engine().scheduled(&trigger_id, moment)
    }

    fn messaging(&self) -> Option<Messaging> {
        self.engine().messaging()
    }

    fn quiet_until(&self, zone: String, at: i64) -> Option<i64> {
        self.engine().quiet_until(&zone, at)
    }

    fn write(
        &self,
        kind: String,
        of_id: Option<String>,
        channel: Channel,
        language: String,
        values: Vec<NamedValue>,
    ) -> Result<Option<Written>, String> {
        self.engine().write(&kind, of_id.as_deref(), channel, &language, &values)
    }

    fn judge_enrolment(&self, at: i64, channel: String) -> Result<Enrolment, Failure> {
        misbehave(&channel);
        self.engine().judge_enrolment(at, &channel)
    }

    fn judge_referral(&self, referral: Referral) -> Result<JudgedReferral, Failure> {
        self.engine().judge_referral(&referral)
    }

    fn judge_order(&self, member: Member, order: Order, payment: Payment) -> Result<Judgement, Failure> {
        let word = order.lines.first().map(|line| line.sku.clone()).unwrap_or_default();
        misbehave(&word);
        JUDGED.fetch_add(1, Relaxed);
        let judged = self.engine().judge_order(&member, &order, payment)?;
        if matches!(order.discounts, Discounts::Settled(_)) {
            return Ok(settle_otherwise(&word, judged));
        }
        Ok(contradict(&word, judged))
    }
}

/// Does not come back if the word is one of these.
fn misbehave(word: &str) {
    match word {
        "trap" => core::arch::wasm32::unreachable(),
        "loop" => loop {
            core::hint::spin_loop();
        },
        // the allocator fails at last, and the program with it
        "allocate" => loop {
            std::mem::forget(std::hint::black_box(vec![1_u8; PIECE]));
        },
        // and this one goes on asking
        "allocate-on" => loop {
            core::arch::wasm32::memory_grow(0, 1);
        },
        "recurse" => {
            std::hint::black_box(recurse(1));
        }
        "hand-out" => loop {
            std::mem::forget(Handle::new(Program::Idle));
        },
        _ => {}
    }
}

#[allow(unconditional_recursion, reason = "until the stack ends")]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[63]
}

/// A judgement of an order that was paid before with other discounts than those, if the word is one of these.
fn settle_otherwise(word: &str, mut judged: Judgement) -> Judgement {
    match word {
        "settle-more" => {
            judged.lines[0].discount += 1;
            judged.discount += 1;
        }
        // the sum is right
        "settle-elsewhere" => {
            judged.lines[0].discount -= 1;
            judged.lines[1].discount += 1;
        }
        "settle-nothing" => {
            judged.lines.iter_mut().for_each(|line| line.discount = 0);
            judged.discount = 0;
        }
        _ => {}
    }
    judged
}

/// A judgement that the books must not believe, or that tells of the instance, if the word is one of these.
fn contradict(word: &str, mut judged: Judgement) -> Judgement {
    match word {
        "earn-more-than-granted" => judged.earned += 1,
        "share-with-nobody" => judged.lines.iter_mut().for_each(|line| line.shares.clear()),
        "grant-too-much" => {
            // a sum that is beyond what can be counted, in a way that adds up for whoever stops at the largest number
            let grant = judged.grants[0].clone();
            judged.grants.push(grant);
            judged.grants.iter_mut().for_each(|grant| grant.points = i64::MAX);
            judged.earned = i64::MAX;
            let mut share = judged.lines[0].shares[0];
            share.points = i64::MAX;
            let mut second = share;
            second.grant = 1;
            judged.lines[0].shares = vec![share, second];
        }
        "take-more-than-asked" => {
            judged.redemption.points += 1;
            judged.redemption.money += 1;
        }
        "forget-a-line" => {
            judged.lines.pop();
        }
        // no contradiction, only more than the books ask for
        "count" => judged.explanations.push(Explanation {
            rule_id: "instance".into(),
            fired: false,
            points: 0,
            money: 0,
            code: "counted".into(),
            reason: format!("{} parsed, {} judged", PARSED.load(Relaxed), JUDGED.load(Relaxed)),
            translations: Vec::new(),
            shortfall: None,
        }),
        _ => {}
    }
    judged
}
