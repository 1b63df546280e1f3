//! Facts about the ledger's decisions, one file a subject. Plans are posted to books in memory (`books.rs`), so that a
//! fact can take several steps; whether the store posts the same way is for the store's own tests.

mod balances;
mod books;
mod cancellation;
mod clawback;
mod holds;
mod membership;
mod orders;
mod purchase;
mod refusals;
mod returns;
mod spending;

use books::{NOW, day};
