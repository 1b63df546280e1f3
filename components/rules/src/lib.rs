//! The rules engine: what a loyalty program gives for an enrolment or an order.
//!
//! A document becomes a [`Program`] once; the program then judges any number of orders. The folders are the stages:
//!
//! - `document`: JSON to typed blocks, one file a block, with every problem found and named by its JSON pointer;
//! - `calendar`: the days of the program's zone, from which points become available and on which they expire;
//! - `agenda`: from when to when occasions, triggers and reminders are due;
//! - `messages`: what members are written, from the program's templates;
//! - `judge`: line amounts, points paid, earning, shares of the lines, and the sentence that explains each of them;
//! - `component`: the same behind `wit/rules.wit`, for WebAssembly only.
//!
//! The engine computes and does nothing else: no clock, no randomness, no host, no state but the parsed document. It
//! works in integers of minor units, and every operation on them is checked: what can't be judged is a failure, never
//! a trap, because a trap would also end the other requests in the same instance.
//!
//! The types of the arguments and answers are those of the WIT contract, in [`engine`].

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::integer_division,
        clippy::panic,
        clippy::string_slice,
        clippy::todo,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![deny(missing_docs)]

/// Generated from `wit/rules.wit`. Its arithmetic is that of the canonical ABI, not of the program.
mod bindings {
    #![allow(clippy::all, clippy::restriction, missing_docs)]

    wit_bindgen::generate!({
        path: "../../wit/rules.wit",
        world: "rules",
        additional_derives: [PartialEq, Eq],
    });
}

mod agenda;
mod calendar;
#[cfg(target_arch = "wasm32")]
mod component;
mod document;
mod judge;
mod limits;
mod messages;
mod money;
pub mod presets;
mod program;
mod text;

pub use bindings::exports::kopilka::rules::engine;

/// Somebody new, of whom nothing is known.
impl Default for engine::Member {
    fn default() -> Self {
        Self {
            orders: 0,
            qualifying_spend: 0,
            largest_order: 0,
            earned: 0,
            available: 0,
            segments: Vec::new(),
            tier: None,
            grace_until: None,
            stepped_at: None,
            granted_tiers: Vec::new(),
            activity: Vec::new(),
            uses: Vec::new(),
            categories: Vec::new(),
        }
    }
}
pub use program::Program;
