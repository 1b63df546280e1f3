//! The SQL statements of `sql/` and the rows that they return, over one small [`Database`] trait. No rules here.

mod annulment;
mod delivery;
mod dispatches;
mod errors;
mod export;
mod load;
mod parts;
mod persons;
mod reads;
mod rebuild;
pub mod schedule;
pub mod schema;
mod simulation;
mod work;
mod writes;

pub use annulment::{SentNotice, date_notices, give_notices, notices_due, notices_sent};
pub use delivery::{
    Addressee, Attempted, Claimed, DeliveryRow, DispatchRow, LetterRow, MessageRow, Messages, Outgoing, ReceiptRow, WebhookRow,
    claim_deliveries, close_deliveries, fan_out, finish_deliveries, message, messages, messages_to_send, webhook, webhooks,
    webhooks_gone,
};
pub use dispatches::{Cause, Decided, DueDispatch, decide_dispatches, due_dispatches, take_dispatches};
pub use errors::StoreError;
pub use export::{
    Exported, ExportedDelivery, ExportedEvent, ExportedLine, ExportedMessage, ExportedOrder, ExportedRedemption, ExportedReturn,
    ExportedTier, ExportedVoucher, Noted, export,
};
pub use load::{
    Answered, Asking, Caller, Coming, EnrolmentLoad, Known, Load, Loaded, Meter, ProgramHead, ProgramLoad, known, load,
    load_enrolment, load_program,
};
pub use persons::{
    AcceptanceRow, Alike, ConsentRow, SealedPerson, acceptances, alike, consents, erase_persons, erased, log_export,
    person_versions, persons, remove_persons, reseal, sealed_by, sealed_otherwise, standing_versions, strangers, swept,
    take_back_persons, unswept, write_person,
};
pub use reads::{
    Document, EntryLot, EntryRow, KeyRow, ProgramVersion, ReferralRow, VerdictRow, entries, keys, members_alike, order_entries,
    program_document, program_versions, referrals,
};
pub use rebuild::{Difference, Differences, differences};
pub use simulation::{
    Buyer, Period, Place, StoredOrder, StoredReturn, Whose, simulation_explanations, simulation_members, simulation_orders,
    simulation_size,
};
pub use work::{
    Due, Finding, Review, activate, asked, audit, counts, due, expire, mark_reviews, release_overdue, reviews, unasked,
};
pub use writes::{Commit, PURCHASE_PARTS, apply, count_calls, is_purchase};

/// A value of SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<domain::Id> for Value {
    fn from(id: domain::Id) -> Self {
        Self::Integer(id.0)
    }
}

impl From<domain::Instant> for Value {
    fn from(instant: domain::Instant) -> Self {
        Self::Integer(instant.0)
    }
}

/// A row, in the sequence of the statement's columns.
pub type Row = Vec<Value>;

/// One statement at a time, each its own transaction, run to its end.
#[expect(async_fn_in_trait, reason = "components have one thread; nobody sends these futures")]
pub trait Database {
    /// Runs a statement and returns all of its rows.
    ///
    /// # Errors
    /// [`StoreError`], also for what the referee refuses.
    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError>;
}

/// The first column of the first row, where it is a text.
fn text(row: Option<&Row>, column: usize) -> Option<&str> {
    match row?.get(column)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A number in a column.
fn integer(row: Option<&Row>, column: usize) -> Option<i64> {
    match row?.get(column)? {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

/// A JSON column; null is none.
fn json<T: serde::de::DeserializeOwned>(row: Option<&Row>, column: usize) -> Result<Option<T>, StoreError> {
    match text(row, column) {
        None => Ok(None),
        Some(json) => {
            serde_json::from_str(json).map(Some).map_err(|error| StoreError::Unreadable(format!("column {column}: {error}")))
        }
    }
}
