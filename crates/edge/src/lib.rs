//! What every HTTP component shares: calls and problems, keys and scopes, idempotency, the kept store connection, the
//! cached program, the words of the API.

mod access;
mod call;
mod database;
pub mod identity;
mod paid;
mod platform;
mod problem;
mod rules;
pub mod sealing;
mod shop;
pub mod wire;

pub use access::{Access, Scope, hash_of_key, secret_of_key};
pub use call::{Call, Reply, serve};
pub use database::{SpinDatabase, books, people};
pub use platform::{now, random};
pub use problem::{FieldError, Problem, from_refusal, from_store};
pub use rules::{
    ActiveProgram, AskedPayment, Look, RulesFailure, Wants, agreed, cache_program, parse_program, program_by_head, program_head,
};
pub use shop::{
    Context, Decision, Failed, Outcome, Read, authorize, hash_text, load_known, mutate, mutate_at, own_fingerprint, read,
    read_at, replay, with_retries,
};
