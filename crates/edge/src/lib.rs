//! What every HTTP component shares: calls and problems, keys and scopes, idempotency, the kept store connection, the
//! cached program, the words of the API.

mod access;
mod administration;
mod call;
mod client;
mod database;
mod happening;
pub mod identity;
mod limits;
mod log;
mod paid;
pub mod person;
mod platform;
mod problem;
mod record;
mod replica;
mod routes;
mod rules;
pub mod sealing;
mod shop;
mod token;
mod trace;
pub mod webhook;
pub mod wire;

pub use access::{Access, Scope, hash_of_key, optional_variable, secret_of_key};
pub use administration::{Change, change};
pub use call::{Call, Reply, serve};
pub use database::{SpinDatabase, books, people};
pub use happening::{GivenVoucher, Happened, Happening, happen, letters};
pub use log::{Level, say, tell};
pub use platform::{now, random};
pub use problem::{FieldError, Problem, from_refusal, from_store};
pub use record::{Cost, OfRules, OfStores, Record, current_trace, milliseconds, trouble};
pub use rules::{
    ActiveProgram, AskedPayment, Look, RulesFailure, Wants, agenda, agreed, cache_program, messaging, parse_program,
    program_by_head, program_head,
};
pub use shop::{
    Context, Decision, Failed, Outcome, Read, authorize, hash_text, load_known, mutate, mutate_at, own_fingerprint, read,
    read_nearby, replay, with_retries,
};
pub use token::member_token;
pub use trace::{TRACEPARENT, Trace};
