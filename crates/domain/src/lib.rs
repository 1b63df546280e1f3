//! The words of the field as types, and nothing else: amounts, moments, ids, members, lots, orders, redemptions, what
//! the rules judged and what is to be posted. No SQL, no HTTP, no rules.

pub mod amount;
pub mod id;
pub mod judgement;
pub mod language;
pub mod order;
pub mod plan;
pub mod referral;
pub mod snapshot;
pub mod time;

pub use amount::{AmountError, LIMIT, MONEY_SCALE, Money, Points, Quantity};
pub use id::{Id, IdError, Ids};
pub use time::Instant;
