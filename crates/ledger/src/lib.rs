//! Decisions about points: a snapshot, a judgement and a command become a plan. Pure: no clock, no I/O, no randomness;
//! time and ids are arguments. What is refused is a [`Refusal`]; what is planned, the store's referee checks once more.

mod account;
mod balance;
mod claims;
mod codes;
mod confirmations;
pub mod dispatches;
mod events;
mod membership;
mod merges;
mod orders;
mod person;
mod redemptions;
mod referrals;
mod refusal;
mod returns;
mod standing;
mod tiers;
mod transfers;

pub use account::{Account, Cause, ClawedBack, Kind, Terms};
pub use balance::{Balance, Dated};
pub use claims::{Claimed, claim};
pub use codes::{
    Asked, MEMBER_CODE_SECONDS, MOST_CODES_A_DAY, MemberConfirmed, PAUSE_SECONDS, confirm_member, may_spend, send_code,
};
pub use confirmations::{CODE_SECONDS, Confirmed, MOST_ATTEMPTS, confirm};
pub use events::{Happened, record_event};
pub use membership::{Adjusted, Adjustment, Applicant, Enrolled, adjust, enrol};
pub use merges::{Merged, merge};
pub use orders::{Recorded, pay_with, record_anonymous, record_order};
pub use person::{Identities, accept, change_profile, consent, erase};
pub use redemptions::{Ended, Held, NewCode, capture, hold, release};
pub use referrals::{Brought, Decided};
pub use refusal::Refusal;
pub use returns::{Given, ReturnLine, ReturnRequest, cancel, take_back};
pub use tiers::{Gift, Placed, give_tier, review};
pub use transfers::{Transferred, transfer};

use domain::Instant;
use domain::id::Ids;

/// When a command is carried out, and the ids of its rows: the first is the command's own.
#[derive(Clone, Debug)]
pub struct Command {
    pub now: Instant,
    pub ids: Ids,
}
