//! What a request is for.

use serde_json::Value;

/// What a request is for: enough to say what its answer must have brought about.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Nothing that would stay.
    Nothing,
    Enrol,
    Adjust {
        member: String,
        /// Whether the points are over some day soon.
        ends: bool,
    },
    Order {
        order: String,
        member: Option<String>,
        redemption: Option<String>,
        lines: Value,
    },
    Hold {
        member: String,
        lines: Value,
    },
    Capture(Hold),
    Release(Hold),
    Return {
        order: String,
        return_id: String,
    },
    Cancel {
        order: String,
    },
    Publish,
    MakeKey,
    RevokeKey,
    /// Something done beside buying, for which every program gives points.
    Event {
        member: String,
        event: String,
    },
    /// What is said of a member: segments, a tier taken away, consents, a change of the person.
    Tell,
    MakeVoucher,
    Transfer {
        from: String,
        to: String,
    },
    /// `from` becomes one with `into`.
    Merge {
        from: String,
        into: String,
    },
    /// An order of nobody's becomes a member's.
    Claim {
        order: String,
        member: String,
        lines: Value,
    },
    /// The code came that the hold waits for.
    Confirm(Hold),
}

impl Wish {
    /// Its name in a count.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Enrol => "enrolments",
            Self::Adjust { .. } => "adjustments",
            Self::Order { redemption: None, .. } => "orders",
            Self::Order { redemption: Some(_), .. } => "orders paid with points",
            Self::Hold { .. } => "holds",
            Self::Capture(_) => "captures",
            Self::Release(_) => "releases",
            Self::Return { .. } => "returns",
            Self::Cancel { .. } => "cancellations",
            Self::Publish => "programs",
            Self::MakeKey => "keys made",
            Self::RevokeKey => "keys revoked",
            Self::Event { .. } => "events",
            Self::Tell => "words of the staff",
            Self::MakeVoucher => "vouchers",
            Self::Transfer { .. } => "transfers",
            Self::Merge { .. } => "merges",
            Self::Claim { .. } => "claims",
            Self::Confirm(_) => "confirmations",
        }
    }
}

/// Points held for a cart.
#[derive(Clone, Debug)]
pub struct Hold {
    pub redemption: String,
    pub member: String,
    pub lines: Value,
}
