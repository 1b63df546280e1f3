//! What is to be posted: the JSON that `sql/default/0002_referee.sql` takes. Field names are its columns.

use serde::Serialize;
use serde_json::Value;

use crate::referral::{NewDevice, NewReferral, ReferralVerdict};
use crate::snapshot::Taken;
use crate::{Id, Instant, Money, Points, Quantity};

/// The whole effect of a command. Empty parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Program>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_keys: Vec<ApiKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revoked_keys: Vec<Id>,
    /// Keys whose successors are among `api_keys`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ending_keys: Vec<EndingKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<NewMember>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Identity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileUpdate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<NewConsent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acceptances: Vec<NewAcceptance>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_codes: Vec<MemberCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub member_confirmations: Vec<MemberConfirmation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<Erasure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<NewOrder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<NewLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_updates: Vec<OrderUpdate>,
    /// (order, position, quantity returned in all).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<(Id, i64, Quantity)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<NewReturn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// Lines of a claimed order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed_lines: Vec<ClaimedLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<Merge>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redemptions: Vec<NewRedemption>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confirmations: Vec<Confirmation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redemption_updates: Vec<RedemptionUpdate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<StatisticsUpdate>,
    /// What the plan's grants rely on: no rule may have given more than this once they are posted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<crate::judgement::Budget>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<NewEvent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segments>,
    /// Members whose given tiers end now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended_tiers: Vec<Id>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted_tiers: Vec<NewGrantedTier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vouchers: Vec<NewVoucher>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used_vouchers: Vec<UsedVoucher>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbox: Vec<Message>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<NewDevice>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrals: Vec<NewReferral>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<ReferralVerdict>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<NewWebhook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rotations: Vec<Rotation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted_webhooks: Vec<Id>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redeliveries: Vec<Redelivery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<NewReceipt>,
}

/// An event; its id is the command's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewEvent {
    pub id: Id,
    #[serde(rename = "ref")]
    pub reference: String,
    pub member_id: Id,
    #[serde(rename = "type")]
    pub type_name: String,
    pub content_hash: String,
    pub occurred_at: Instant,
    pub channel: Option<String>,
    /// JSON, as a text.
    pub data: String,
    pub earned: Points,
    pub program_version: i64,
    /// Rules that it fired.
    pub rules: Vec<String>,
}

/// The groups that a member is in from now on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segments {
    pub member_id: Id,
    pub segments: Vec<String>,
}

/// A tier that is given: until a moment, or as a floor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewGrantedTier {
    pub id: Id,
    pub member_id: Id,
    pub tier: String,
    pub until: Option<Instant>,
    pub event_id: Option<Id>,
    pub reason: Option<String>,
}

/// The end of a member's lots of a rule is put off, of those that are not over `at` this moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extension {
    pub member_id: Id,
    pub rule_id: String,
    pub at: Instant,
    pub expires_at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewVoucher {
    pub id: Id,
    pub code: String,
    pub rule_id: String,
    pub member_id: Option<Id>,
    pub skus: Vec<String>,
    pub expires_at: Option<Instant>,
}

/// An order uses a voucher, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UsedVoucher {
    pub voucher_id: Id,
    pub order_id: Id,
}

/// A version of the program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Program {
    pub version: i64,
    /// SHA-256 of the document.
    pub hash: String,
    pub document: String,
    pub currency: String,
    pub points_scale: u8,
}

/// A caller's key, by its hash.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApiKey {
    pub id: Id,
    pub hash: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub store: Option<String>,
    /// The first instant at which it opens nothing.
    pub expires_at: Option<Instant>,
    /// The key whose successor it is.
    pub replaces: Option<Id>,
}

/// A key that goes on until then, beside its successor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndingKey {
    pub id: Id,
    pub expires_at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewMember {
    pub id: Id,
    pub channel: String,
    pub status: &'static str,
    pub referral_code: String,
    pub joined_at: Instant,
    pub tier: Option<String>,
    /// The welcome comes with the right code.
    pub awaits_welcome: bool,
}

/// A keyed hash by which a member is found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identity {
    pub hash: String,
    pub kind: &'static str,
    pub member_id: Id,
}

/// A person's data were changed: those that the command wrote under its own id stand from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileUpdate {
    pub member_id: Id,
    /// The version that the change was made of.
    pub from: Id,
    /// Kinds of identities that are given anew: none of before leads to the member any more.
    pub kinds: Vec<&'static str>,
}

/// What a member said about a channel of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewConsent {
    pub member_id: Id,
    /// `email`, `sms`, `messenger` or `push`.
    pub channel: String,
    pub granted: bool,
    /// Where it was said.
    pub source: String,
}

/// A member accepted a version of the program's rules for members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewAcceptance {
    pub member_id: Id,
    pub rules_version: String,
}

/// A one-time code that was sent to a member; it takes the place of the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberCode {
    pub member_id: Id,
    /// Keyed hash.
    pub code_hash: String,
    pub expires_at: Instant,
    /// The command that made the one before it, as a lock; none for the first.
    pub replaces: Option<Id>,
    /// The day in UTC, counted from 1970, on which it is sent.
    pub day: i64,
}

/// A code that came from a member who is to confirm who they are, under the lock of the tries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemberConfirmation {
    pub member_id: Id,
    /// The command that made the code.
    pub code_id: Id,
    /// Wrong codes before this one.
    pub attempts: i64,
    pub right: bool,
}

/// The person behind a member goes; the numbers stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    pub member_id: Id,
    /// Whose key asked for it; 0 for the shop's first one.
    pub caller_id: Id,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewOrder {
    pub id: Id,
    #[serde(rename = "ref")]
    pub reference: String,
    pub member_id: Option<Id>,
    pub content_hash: String,
    pub occurred_at: Instant,
    pub channel: String,
    pub store: Option<String>,
    pub device: Option<String>,
    pub currency: String,
    pub items: Money,
    pub discount: Money,
    pub delivery: Money,
    pub paid_points: Points,
    pub paid_money: Money,
    pub payable: Money,
    pub earned: Points,
    /// What it counts toward the tiers: the sum of its lines.
    pub qualifying: Money,
    pub redemption_id: Option<Id>,
    pub program_version: i64,
}

/// A line of an order: an array, in the sequence of the referee's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLine {
    pub order_id: Id,
    pub n: i64,
    pub line: crate::order::Line,
    pub amount: Money,
    pub program_discount: Money,
    pub paid_points: Points,
    pub paid_money: Money,
    pub qualifying: Money,
    pub shares: Vec<(Id, Points)>,
}

impl Serialize for NewLine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let line = &self.line;
        let mut row = serializer.serialize_tuple(20)?;
        row.serialize_element(&self.order_id)?;
        row.serialize_element(&self.n)?;
        row.serialize_element(&line.id)?;
        row.serialize_element(&line.sku)?;
        row.serialize_element(&line.name)?;
        row.serialize_element(&line.category)?;
        row.serialize_element(&line.brand)?;
        row.serialize_element(&(!line.labels.is_empty()).then_some(&line.labels))?;
        row.serialize_element(&line.quantity)?;
        row.serialize_element(&line.price)?;
        row.serialize_element(&line.discount)?;
        row.serialize_element(&line.cost)?;
        row.serialize_element(&line.tax)?;
        row.serialize_element(&u8::from(line.promo))?;
        row.serialize_element(&self.amount)?;
        row.serialize_element(&self.program_discount)?;
        row.serialize_element(&self.paid_points)?;
        row.serialize_element(&self.paid_money)?;
        row.serialize_element(&self.qualifying)?;
        row.serialize_element(&self.shares)?;
        row.end()
    }
}

/// A step of an order's life under its lock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrderUpdate {
    pub id: Id,
    pub revision: i64,
    pub status: &'static str,
}

/// (order, position, qualifying, what it earned on each lot).
pub type ClaimedLine = (Id, i64, Money, Vec<(Id, Points)>);

/// An anonymous order that becomes a member's, under the order's lock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    pub id: Id,
    pub revision: i64,
    pub member_id: Id,
    pub earned: Points,
}

/// A member that another one takes over, with the groups that both are in when it is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Merge {
    pub from: Id,
    pub into: Id,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewReturn {
    pub id: Id,
    pub order_id: Id,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub content_hash: String,
    pub occurred_at: Instant,
    /// (line position, quantity).
    pub lines: Vec<(i64, Quantity)>,
    pub clawed_back: Points,
    /// What of it was taken back for each of the order's lots.
    pub lots: Vec<(Id, Points)>,
    pub forgiven: Points,
    pub restored: Points,
    pub refund: Money,
}

/// A ledger entry with its postings. `kind` is a row of the table `kind`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    pub id: Id,
    pub account_id: Id,
    pub seq: i64,
    pub kind: &'static str,
    /// What moves, above 0.
    pub amount: Points,
    /// Above 0: a debt made; below: a debt paid.
    pub deficit_change: Points,
    pub balance_after: Points,
    pub at: Instant,
    pub occurred_at: Instant,
    pub parent_id: Option<Id>,
    pub order_id: Option<Id>,
    pub redemption_id: Option<Id>,
    pub program_version: i64,
    pub explanation: Value,
    pub lots: Vec<NewLot>,
    /// (lot, points), each lot once, points above 0.
    pub postings: Vec<(Id, Points)>,
}

/// A lot that an entry creates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewLot {
    pub id: Id,
    pub rule_id: String,
    pub issued: Points,
    pub activates_at: Instant,
    /// None: never. Of a lot that needs a notice it is a plan.
    pub expires_at: Option<Instant>,
    /// How many days before its end a notice must have been recorded as sent; none: it needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_days: Option<i64>,
}

impl NewLot {
    /// So many of its points, as they are on the lot.
    #[must_use]
    pub fn holding(&self, points: Points) -> Taken {
        let planned = self.notice_days.and(self.expires_at);
        Taken {
            lot: self.id,
            points,
            activates_at: self.activates_at,
            expires_at: if planned.is_some() { None } else { self.expires_at },
            place: 0,
            planned_expires_at: planned,
            notice_days: self.notice_days,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewRedemption {
    pub id: Id,
    pub account_id: Id,
    pub status: &'static str,
    pub points: Points,
    pub money: Money,
    pub items: Money,
    pub payable: Money,
    pub lines: Vec<crate::snapshot::PaidLine>,
    pub store: Option<String>,
    pub hold_expires_at: Instant,
    pub hold_entry: Id,
    /// Keyed hash of the one-time code that it waits for.
    pub code_hash: Option<String>,
    pub program_version: i64,
}

/// A one-time code that came for a redemption, under the lock of the attempts before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confirmation {
    pub id: Id,
    /// Wrong codes before this one.
    pub attempts: i64,
    /// 1 for a wrong code.
    pub wrong: i64,
    pub status: &'static str,
    pub hold_expires_at: Instant,
}

/// The end of a redemption.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedemptionUpdate {
    pub id: Id,
    /// What it was when the plan was made: a code may come meanwhile.
    pub from: &'static str,
    pub status: &'static str,
    pub captured: Points,
    pub capture_entry: Option<Id>,
    pub order_ref: Option<String>,
}

/// What an order or a return changes in a member's statistics, under their lock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatisticsUpdate {
    pub member_id: Id,
    pub revision: i64,
    /// +1, 0 or -1.
    pub orders: i64,
    /// What is added.
    pub qualifying_spend: Money,
    pub tier: Option<String>,
    pub tier_since: Option<Instant>,
    /// Until when the tier is kept though it is no longer fulfilled.
    pub grace_until: Option<Instant>,
    /// When a step down led to the tier.
    pub stepped_at: Option<Instant>,
    /// The tier held without gifts; those two are about it.
    pub own_tier: Option<String>,
    /// When time alone may change the tier.
    pub review_at: Option<Instant>,
    /// When the order happened; none for a return.
    pub order_at: Option<Instant>,
}

/// What a member or the shop's systems are to be told. No personal data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub member_id: Option<Id>,
    pub kind: &'static str,
    pub payload: Value,
}

/// An endpoint that messages are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewWebhook {
    pub id: Id,
    pub url: String,
    /// Kinds of messages that it gets; none: all.
    pub kinds: Vec<String>,
    /// Whether it gets the person with them.
    pub with_recipient: bool,
}

/// A new secret for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rotation {
    pub webhook_id: Id,
    /// The generation of the secret so far, as a lock.
    pub from: i64,
}

/// A message that was given up is sent to an endpoint again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Redelivery {
    pub message_id: Id,
    pub webhook_id: Id,
}

/// What the shop's provider says of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewReceipt {
    pub message_id: Id,
    /// `email`, `sms`, `messenger` or `push`.
    pub channel: String,
    /// `delivered`, `opened` or `failed`.
    pub status: &'static str,
    pub at: Instant,
    pub reason: Option<String>,
}
