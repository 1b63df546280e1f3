//! The store on a real SQLite: what the referee posts and refuses, what a load returns, what the audit finds; and a long
//! random life of a shop against an independent model.

mod annulment;
mod asking;
mod auditing;
mod auditing_notices;
mod contradictions;
mod database;
mod delivery;
mod dispatches;
mod every_column;
mod facts;
mod hosted;
mod jobs;
mod judging;
mod kinds;
mod life;
mod migrations;
mod model;
mod persons;
mod programs;
// orders with what a program might have judged of them, as in the ledger's tests
#[path = "../../../ledger/tests/decisions/purchase.rs"]
mod purchase;
mod purchases;
mod query_plans;
mod random;
mod reads;
mod rebuilding;
mod referee;
mod referee_between;
mod referrals;
mod repeats;
mod sequences;
mod shop;
mod simulating;
#[path = "../../../../tests/src/sqld.rs"]
#[expect(dead_code, reason = "scenarios also stop and kill it")]
mod sqld;

use shop::{NOW, day};
