//! Loading: everything that a decision needs in one SELECT.

use domain::referral::{RecordedReferral, Referrer};
use domain::snapshot::{Agreed, Hold, Lot, Member, Needs, RecordedEvent, RecordedOrder, Redemption, Snapshot, Voucher};
use domain::{Id, Instant};
use serde::{Deserialize, Serialize};

use crate::parts::load_with;
use crate::{Database, KeyRow, Row, StoreError, Value, integer, json};

/// Who asks, by what the store keeps of them: nothing for the shop's first key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// The key's hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The keyed hash of the client's address, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Asking {
    fn parameter(&self) -> Result<Value, StoreError> {
        serde_json::to_string(self).map(Value::Text).map_err(|error| StoreError::Unreadable(error.to_string()))
    }
}

/// What is known of who asks.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Known {
    /// The caller behind the key, if there is one and it was not revoked.
    pub key: Option<Caller>,
    /// What the key and the address did lately.
    pub meters: Vec<Meter>,
}

/// What somebody did in a minute: (subject, minute since 1970, calls, misses).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Meter(pub String, pub i64, pub i64, pub i64);

/// What to load. The hash is of an identity; the rest are ids as callers know them.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub caller: Asking,
    pub idempotency_key: Option<String>,
    pub member: Option<Id>,
    pub identity: Option<String>,
    pub order: Option<String>,
    /// Of the order only whether there is one: a new one is not there, and the SELECT is much shorter without.
    pub whether_order: bool,
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
    /// Also what stands of what the member agreed to.
    pub agreed: bool,
    /// Also the referrals by which the members came.
    pub referrals: bool,
    /// Of these only whether there are any: most members have none, and the SELECT is half as long without.
    pub whether_referrals: bool,
    /// The keyed hash of the order's device.
    pub device: Option<String>,
}

impl Load {
    /// The SELECT with what is asked for.
    fn statement(&self) -> &'static str {
        // in the sequence of the parts
        load_with([
            !self.needs.is_empty(),
            self.redemption.is_some(),
            self.order.is_some() && !self.whether_order,
            self.other.is_some() || self.other_identity.is_some(),
            !self.vouchers.is_empty(),
            self.event.is_some(),
            self.agreed,
            self.order.is_some() && self.whether_order,
            self.referrals && self.whether_referrals,
            self.referrals && !self.whether_referrals,
        ])
    }
}

/// The caller behind a key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Caller {
    pub id: Id,
    pub scopes: Vec<String>,
    /// A till's key sees this store only.
    pub store: Option<String>,
    /// The first instant at which the key opens nothing.
    pub expires_at: Option<Instant>,
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
    pub caller: Known,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    pub snapshot: Snapshot,
    /// There is such an order, and only that was asked for: the snapshot lacks it.
    pub lacks_order: bool,
    /// There are referrals, and only that was asked for: the snapshot lacks them.
    pub lacks_referrals: bool,
}

/// What an enrolment needs.
#[derive(Clone, Debug)]
pub struct EnrolmentLoad {
    pub caller: Known,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    /// (kind, member) of identities that are somebody's already.
    pub taken: Vec<(String, Id)>,
    /// Whose code it is with which they come, where there is one.
    pub referrer: Option<Referrer>,
}

/// With what somebody enrols, beside the identities.
#[derive(Clone, Debug, Default)]
pub struct Coming {
    /// A member's code.
    pub code: Option<String>,
    /// The keyed hash of the device.
    pub device: Option<String>,
    /// Members with the same name and birthday.
    pub alike: Vec<Id>,
}

/// What publishing a program or making a key needs.
#[derive(Clone, Debug)]
pub struct ProgramLoad {
    pub caller: Known,
    pub answered: Option<Answered>,
    pub program: Option<ProgramHead>,
    /// Points were posted or orders recorded: the currency and the scale stand.
    pub frozen: bool,
    /// The key that is to be changed, in force or not.
    pub key: Option<KeyRow>,
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
        what.caller.parameter()?,
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
        what.agreed.then_some(1).into(),
        what.referrals.then_some(1).into(),
        what.device.as_deref().into(),
    ];
    let rows = db.run(what.statement(), parameters).await?;
    let row = rows.first();
    let (caller, answered, program) = head(row)?;
    Ok(Loaded {
        caller,
        answered,
        lacks_order: integer(row, 14) == Some(1),
        lacks_referrals: integer(row, 15) == Some(1),
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
            agreed: json::<Agreed>(row, 13)?,
            windows: what.needs.windows.clone(),
            referrals: json::<Vec<RecordedReferral>>(row, 16)?.unwrap_or_default(),
            device: what.device.clone(),
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
    caller: &Asking,
    idempotency_key: &str,
    identities: &[String],
    coming: &Coming,
) -> Result<EnrolmentLoad, StoreError> {
    let hashes = serde_json::Value::from(identities.to_vec()).to_string();
    let alike: Vec<i64> = coming.alike.iter().map(|id| id.0).collect();
    let parameters = vec![
        caller.parameter()?,
        idempotency_key.into(),
        Value::Text(hashes),
        coming.code.as_deref().into(),
        coming.device.as_deref().into(),
        Value::Text(serde_json::Value::from(alike).to_string()),
    ];
    let rows = db.run(include_str!("../../../sql/statements/load_enrolment.sql"), parameters).await?;
    let (caller, answered, program) = head(rows.first())?;
    Ok(EnrolmentLoad {
        caller,
        answered,
        program,
        taken: json(rows.first(), 3)?.unwrap_or_default(),
        referrer: json(rows.first(), 4)?,
    })
}

/// Who asks, for a call that needs nothing else of the store.
///
/// # Errors
/// As [`load`].
pub async fn known(db: &impl Database, asking: &Asking) -> Result<Known, StoreError> {
    let rows = db.run(include_str!("../../../sql/statements/caller.sql"), vec![asking.parameter()?]).await?;
    Ok(json(rows.first(), 0)?.unwrap_or_default())
}

/// Loads what publishing a program or making a key needs.
///
/// # Errors
/// As [`load`].
pub async fn load_program(
    db: &impl Database,
    caller: &Asking,
    idempotency_key: Option<&str>,
    key: Option<Id>,
) -> Result<ProgramLoad, StoreError> {
    let parameters = vec![caller.parameter()?, idempotency_key.into(), key.into()];
    let rows = db.run(include_str!("../../../sql/statements/load_program.sql"), parameters).await?;
    let row = rows.first();
    let (caller, answered, program) = head(row)?;
    Ok(ProgramLoad { caller, answered, program, frozen: integer(row, 3) == Some(1), key: json(row, 4)? })
}

type Head = (Known, Option<Answered>, Option<ProgramHead>);

/// The columns that every load begins with.
fn head(row: Option<&Row>) -> Result<Head, StoreError> {
    Ok((json(row, 0)?.unwrap_or_default(), json(row, 1)?, json(row, 2)?))
}
