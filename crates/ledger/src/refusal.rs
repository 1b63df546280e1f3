//! Why a command can't be carried out: one variant for each thing that a caller can do something about.

use domain::{Money, Points, Quantity};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The member named in the command does not exist, or left.
    MemberNotFound,
    /// The person behind the member was erased.
    MemberErased,
    /// The member is still to confirm who they are, by the code that was sent.
    MemberNotConfirmed,
    /// The member is not asked for a code, or told it before.
    AlreadyConfirmed,
    /// No code was sent, it is over, or wrong ones came too often.
    CodeExpired,
    /// A code was sent a moment ago.
    TooManyCodes {
        wait_seconds: u32,
    },
    /// The program's rules in this version were not accepted.
    AcceptanceRequired {
        rules_version: String,
    },
    /// The receiver of a transfer or the duplicate of a merge does not exist.
    OtherMemberNotFound,
    /// Both members named are one.
    SameMember,
    /// The order has a member.
    AlreadyClaimed,
    OrderNotFound,
    RedemptionNotFound,
    /// Fewer points can be spent or taken than asked for.
    InsufficientPoints {
        available: Points,
        deficit: Points,
    },
    /// The order or the return is known under this id with other content.
    OtherContent {
        what: &'static str,
    },
    /// The redemption is another member's.
    ForeignRedemption,
    /// The redemption was captured, released or has paid another order.
    RedemptionClosed {
        status: &'static str,
    },
    /// The hold's deadline has passed.
    HoldExpired {
        deadline: domain::Instant,
    },
    /// The redemption waits for its one-time code.
    ConfirmationRequired,
    /// The redemption was captured for another order.
    OtherOrder {
        order_ref: String,
    },
    /// The order was cancelled, or nothing of the line is left to return.
    AlreadyReturned {
        line: Option<String>,
        left: Quantity,
    },
    /// The order has no such line.
    NoSuchLine {
        index: usize,
    },
    /// The goods are worth less than those that the points were held for.
    OrderChanged {
        held_for: Money,
        items: Money,
    },
    /// Points would be over before they begin, which is no earlier than the account's last entry: by the clock of another host
    /// it may be later than now.
    OverBeforeItBegins {
        begins: domain::Instant,
    },
    /// An amount is beyond what one operation may move.
    Overflow,
}
