//! Everything that the books know of one member, for whoever asks for the own data.

use domain::{Id, Instant, Money, Points, Quantity};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Database, ReceiptRow, Row, StoreError, VerdictRow, json};

/// What the books know of a member beside entries, consents and acceptances.
#[derive(Clone, Debug)]
pub struct Exported {
    pub orders: Vec<ExportedOrder>,
    pub redemptions: Vec<ExportedRedemption>,
    pub events: Vec<ExportedEvent>,
    pub vouchers: Vec<ExportedVoucher>,
    pub granted_tiers: Vec<ExportedTier>,
    pub messages: Vec<ExportedMessage>,
    pub log: Vec<Noted>,
    /// The steps of the referral by which the member came.
    pub came_by: Vec<VerdictRow>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportedOrder {
    #[serde(rename = "ref")]
    pub reference: String,
    pub status: String,
    pub occurred_at: Instant,
    pub recorded_at: Instant,
    pub channel: String,
    pub store: Option<String>,
    pub currency: String,
    pub items: Money,
    pub discount: Money,
    pub delivery: Money,
    pub paid_points: Points,
    pub payable: Money,
    pub earned: Points,
    pub lines: Vec<ExportedLine>,
    pub returns: Vec<ExportedReturn>,
}

/// `[id, sku, name, category, brand, quantity, price, amount, returned]`.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedLine {
    pub id: String,
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
    pub brand: Option<String>,
    pub quantity: Quantity,
    pub price: Money,
    pub amount: Money,
    pub returned: Quantity,
}

/// `[ref, occurred_at, clawed_back, restored, refund]`; a cancellation has no `ref`.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedReturn {
    pub reference: Option<String>,
    pub occurred_at: Instant,
    pub clawed_back: Points,
    pub restored: Points,
    pub refund: Money,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportedRedemption {
    pub id: Id,
    pub status: String,
    pub points: Points,
    pub money: Money,
    pub captured: Points,
    pub store: Option<String>,
    pub order_ref: Option<String>,
    pub created_at: Instant,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportedEvent {
    #[serde(rename = "ref")]
    pub reference: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub occurred_at: Instant,
    pub channel: Option<String>,
    pub data: Value,
    pub earned: Points,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportedVoucher {
    pub code: String,
    pub rule_id: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    /// The order that used it.
    pub used_by: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportedTier {
    pub tier: String,
    pub given_at: Instant,
    pub until: Option<Instant>,
    pub reason: Option<String>,
}

/// A message, to whom it was given to be sent, and what became of it.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedMessage {
    pub at: Instant,
    pub kind: String,
    pub deliveries: Vec<ExportedDelivery>,
    pub receipts: Vec<ReceiptRow>,
}

/// A message that was given to one of the shop's systems.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedDelivery {
    pub status: String,
    /// When it was settled.
    pub at: Option<Instant>,
    pub url: String,
    /// 1 where the person's addresses went with it.
    pub recipient: u8,
}

/// A look at the person's data.
#[derive(Clone, Debug, Deserialize)]
pub struct Noted {
    pub at: Instant,
    pub kind: String,
    /// Whose key it was, of a look.
    pub caller_id: Option<Id>,
}

/// Reads what the books know of a member and of whoever was merged into it.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn export(books: &impl Database, member: Id) -> Result<Exported, StoreError> {
    let rows = books.run(include_str!("../../../sql/statements/export.sql"), vec![member.into()]).await?;
    let row = rows.first();
    Ok(Exported {
        orders: all(row, 0)?,
        redemptions: all(row, 1)?,
        events: all(row, 2)?,
        vouchers: all(row, 3)?,
        granted_tiers: all(row, 4)?,
        messages: all(row, 5)?,
        log: all(row, 6)?,
        came_by: all(row, 7)?,
    })
}

fn all<T: DeserializeOwned>(row: Option<&Row>, column: usize) -> Result<Vec<T>, StoreError> {
    Ok(json(row, column)?.unwrap_or_default())
}
