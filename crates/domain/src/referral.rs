//! A friend whom a member brought: what the store knows of it, and what is posted.

use serde::{Deserialize, Serialize};

use crate::snapshot::{EarnedLot, Hold, Lot, Member};
use crate::{Id, Instant, Money};

/// Who brings a friend, as the books know it when the friend joins or buys. Members that were merged are the one that took
/// over.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Referrer {
    /// Whose code it is; none: nobody's.
    pub member: Option<Member>,
    /// Who brought the referrer, who brought those, and so on.
    pub above: Vec<Id>,
    /// Other members than the friend with a device that is the friend's, or who were known before by what the friend is known by.
    pub same_device: Vec<Id>,
    /// Members with the friend's name and birthday.
    #[serde(default)]
    pub alike: Vec<Id>,
    /// For how many friends the referrer was paid, those included whose reward was taken back.
    pub friends_paid: i64,
    /// When, the last ones.
    pub paid_at: Vec<Instant>,
}

/// A referral that is waiting or paid.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct RecordedReferral {
    /// The membership that came by it: the member's own, or one that was merged into it.
    pub referee_id: Id,
    /// The first of all memberships of the members that the command is about: ids begin with the time.
    pub first: Id,
    /// Whether the friend is the snapshot's member; otherwise its `other`.
    pub of_member: bool,
    pub paid: bool,
    /// The order that paid it; none: joining did, or nothing yet.
    pub order_id: Option<Id>,
    /// What must be kept of that order.
    #[serde(default)]
    pub keep: Option<Money>,
    pub referrer_entry: Option<Id>,
    pub referee_entry: Option<Id>,
    /// What became of the lots that each side got.
    pub referrer_given: Vec<EarnedLot>,
    pub referee_given: Vec<EarnedLot>,
    pub referrer: Referrer,
    /// The referrer's lots with points left and open redemptions, where the referral is paid.
    pub referrer_lots: Vec<Lot>,
    pub referrer_holds: Vec<Hold>,
}

/// A code that somebody enrolled with. The friend is the referee; whose code it is: none for nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewReferral {
    pub referee_id: Id,
    pub referrer_id: Option<Id>,
}

/// A step of a referral, from where it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferralVerdict {
    pub referee_id: Id,
    pub from: &'static str,
    /// `waiting`, `paid`, `refused` or `taken_back`.
    pub outcome: &'static str,
    /// A stable word.
    pub reason: String,
    pub order_id: Option<Id>,
    pub keep: Option<Money>,
    pub referrer_entry: Option<Id>,
    pub referee_entry: Option<Id>,
    /// Of one that is paid: whose account is paid, and for how many friends it was before: the lock of the limits.
    pub referrer_id: Option<Id>,
    pub friends_paid: i64,
}

/// A device of a member, by its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDevice {
    pub hash: String,
    pub member_id: Id,
    /// 1: the plan relies on it that nobody else has it.
    pub alone: u8,
}
