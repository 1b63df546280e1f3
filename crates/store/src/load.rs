//! Loading: everything that a decision needs in one SELECT.

use domain::snapshot::{Hold, Lot, Member, Needs, RecordedEvent, RecordedOrder, Redemption, Snapshot, Voucher};
use domain::{Id, Instant};
use serde::Deserialize;

use crate::{Database, Row, StoreError, Value, integer, json};

/// What to load. Hashes are of the caller's key and of an identity; the rest are ids as callers know them.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub caller: Option<String>,
    pub idempotency_key: Option<String>,
    pub member: Option<Id>,
    pub identity: Option<String>,
    pub order: Option<String>,
    pub redemption: Option<Id>,
    pub return_ref: Option<String>,
    /// Whoever the command is about beside the member.
    pub other: Option<Id>,
    pub other_identity: Option<String>,
    /// What the program must know of the members.
    pub needs: Needs,
    /// Codes of vouchers.
    pub vouchers: Vec<String>,
    pub event: Option<String>,
}

/// The caller behind a key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Caller {
    pub id: Id,
    pub scopes: Vec<String>,
    /// A till's key sees this store only.
    pub store: Option<String>,
}

/// A command that was answered before under the same idempotency key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Answered {
    pub id: Id,
    pub fingerprint: String,
    pub status: u16,
    /// None: the answer holds personal data and is kept in the store `people` under the command's id.
    pub answer: Option<String>,
}

/// The program in force.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ProgramHead {
    pub version: i64,
    /// SHA-256 of the document.
    pub hash: String,
    pub published_at: Instant,
    /// Only when a program is published.
    pub currency: Option<String>,
    pub points_scale: Option<u8>,
}

/// Everything that a decision needs.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub caller: Option<Caller>,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    pub snapshot: Snapshot,
}

/// What an enrolment needs.
#[derive(Clone, Debug)]
pub struct EnrolmentLoad {
    pub caller: Option<Caller>,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    /// (kind, member) of identities that are somebody's already.
    pub taken: Vec<(String, Id)>,
}

/// What publishing a program or making a key needs.
#[derive(Clone, Debug)]
pub struct ProgramLoad {
    pub caller: Option<Caller>,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    /// Points were posted or orders recorded: the currency and the scale stand.
    pub frozen: bool,
    /// The key that is to be revoked is there and in force.
    pub revocable: bool,
}

/// Loads what a decision about a member, an order or a redemption needs.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn load(db: &impl Database, what: &Load) -> Result<Loaded, StoreError> {
    // a program that needs nothing costs nothing
    let needs = (!what.needs.is_empty()).then(|| serde_json::to_string(&what.needs)).transpose();
    let needs = needs.map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let vouchers = (!what.vouchers.is_empty()).then(|| serde_json::Value::from(what.vouchers.clone()).to_string());
    let parameters = vec![
        what.caller.as_deref().into(),
        what.idempotency_key.as_deref().into(),
        what.member.into(),
        what.identity.as_deref().into(),
        what.order.as_deref().into(),
        what.redemption.into(),
        what.return_ref.as_deref().into(),
        what.other.into(),
        what.other_identity.as_deref().into(),
        needs.as_deref().into(),
        vouchers.as_deref().into(),
        what.event.as_deref().into(),
    ];
    let rows = db.run(include_str!("../../../sql/statements/load.sql"), parameters).await?;
    let row = rows.first();
    let (caller, answered, program) = head(row)?;
    Ok(Loaded {
        caller,
        answered,
        snapshot: Snapshot {
            program_version: program.as_ref().map_or(0, |program| program.version),
            member: json::<Member>(row, 3)?,
            lots: json::<Vec<Lot>>(row, 4)?.unwrap_or_default(),
            holds: json::<Vec<Hold>>(row, 5)?.unwrap_or_default(),
            redemption: json::<Redemption>(row, 6)?,
            order: json::<RecordedOrder>(row, 7)?,
            other: json::<Member>(row, 8)?,
            other_lots: json::<Vec<Lot>>(row, 9)?.unwrap_or_default(),
            other_holds: json::<Vec<Hold>>(row, 12)?.unwrap_or_default(),
            vouchers: json::<Vec<Voucher>>(row, 10)?.unwrap_or_default(),
            event: json::<RecordedEvent>(row, 11)?,
            windows: what.needs.windows.clone(),
        },
        program,
    })
}

/// Loads what an enrolment with these hashed identities needs.
///
/// # Errors
/// As [`load`].
pub async fn load_enrolment(
    db: &impl Database,
    caller: Option<&str>,
    idempotency_key: &str,
    identities: &[String],
) -> Result<EnrolmentLoad, StoreError> {
    let hashes = serde_json::Value::from(identities.to_vec()).to_string();
    let parameters = vec![caller.into(), idempotency_key.into(), Value::Text(hashes)];
    let rows = db.run(include_str!("../../../sql/statements/load_enrolment.sql"), parameters).await?;
    let (caller, answered, program) = head(rows.first())?;
    Ok(EnrolmentLoad { caller, answered, program, taken: json(rows.first(), 3)?.unwrap_or_default() })
}

/// Loads what publishing a program or making a key needs.
///
/// # Errors
/// As [`load`].
pub async fn load_program(
    db: &impl Database,
    caller: Option<&str>,
    idempotency_key: Option<&str>,
    revoking: Option<Id>,
) -> Result<ProgramLoad, StoreError> {
    let parameters = vec![caller.into(), idempotency_key.into(), revoking.into()];
    let rows = db.run(include_str!("../../../sql/statements/load_program.sql"), parameters).await?;
    let row = rows.first();
    let (caller, answered, program) = head(row)?;
    Ok(ProgramLoad { caller, answered, program, frozen: integer(row, 3) == Some(1), revocable: integer(row, 4) == Some(1) })
}

type Head = (Option<Caller>, Option<Answered>, Option<ProgramHead>);

/// The columns that every load begins with.
fn head(row: Option<&Row>) -> Result<Head, StoreError> {
    Ok((json(row, 0)?, json(row, 1)?, json(row, 2)?))
}
