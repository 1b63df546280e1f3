//! What members can be written of: the kinds of message of the outbox, how each is meant unless the program says otherwise, and
//! what a template may say of it.

use crate::engine::Purpose;

/// A kind of message of the outbox.
#[derive(Debug)]
pub struct Kind {
    /// As the outbox and webhooks have it.
    pub name: &'static str,
    /// How it is meant, unless the template says otherwise.
    pub purpose: Purpose,
    /// What a template may say beside [`OF_ALL`]. In brackets: empty where there is none.
    pub values: &'static [&'static str],
    /// What says of which occasion or trigger it is.
    pub of: Option<Of>,
}

/// What a template may be made for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// One of the occasions.
    Occasion,
    /// One of the triggers.
    Trigger,
}

/// What every template may say: the program's and its points' name, the member's first name (empty where nobody told it), and the
/// points that are available when the message is sent.
pub const OF_ALL: [&str; 4] = ["program", "points_name", "first_name", "available"];

/// What is empty where there is none. Whoever gives no name and has no end is written to all the same.
pub const MAY_BE_EMPTY: [&str; 8] =
    ["first_name", "tier", "expires_at", "until", "order", "event", "voucher_code", "voucher_expires_at"];

const OF_OCCASIONS: [&str; 3] = ["points", "event", "at"];
const OF_TRIGGERS: [&str; 5] = ["points", "event", "at", "voucher_code", "voucher_expires_at"];
const OF_CODES: [&str; 2] = ["code", "expires_at"];
const OF_EXPIRY: [&str; 3] = ["points", "expires_at", "days"];

const fn service(name: &'static str, values: &'static [&'static str]) -> Kind {
    Kind { name, purpose: Purpose::Service, values, of: None }
}

const fn urgent(name: &'static str) -> Kind {
    Kind { name, purpose: Purpose::Urgent, values: &OF_CODES, of: None }
}

const fn marketing(name: &'static str, values: &'static [&'static str], of: Of) -> Kind {
    Kind { name, purpose: Purpose::Marketing, values, of: Some(of) }
}

/// All that members may be written of.
pub const KINDS: [Kind; 16] = [
    urgent("member.code"),
    urgent("redemption.code"),
    service("member.enrolled", &["welcome"]),
    service("member.confirmed", &[]),
    service("points.earned", &["points", "order", "event"]),
    service("points.activated", &["points", "activates_at", "expires_at"]),
    service("points.adjusted", &["points"]),
    service("points.redeemed", &["points"]),
    service("points.expiring", &OF_EXPIRY),
    service("points.expired", &["points"]),
    service("points.annulment", &OF_EXPIRY),
    service("points.annulment_moved", &["points", "expires_at", "told_expires_at"]),
    service("order.claimed", &["points", "order"]),
    service("tier.changed", &["tier", "until"]),
    marketing("occasion", &OF_OCCASIONS, Of::Occasion),
    marketing("trigger", &OF_TRIGGERS, Of::Trigger),
];

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
