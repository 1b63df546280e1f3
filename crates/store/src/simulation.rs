//! Stored orders as a simulation reads them: page by page, member by member. Nothing is written.

use domain::order::Voucher;
use domain::snapshot::RecordedLine;
use domain::{Id, Instant, Money, Points, Quantity};
use serde::Deserialize;

use crate::{Database, StoreError, Value, integer, json, text};

/// When orders happened: half-open, open where there is no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Instant>,
    pub to: Option<Instant>,
}

impl Period {
    /// Whether a moment lies in it, as far as its beginning goes: statements never return what is after its end.
    #[must_use]
    pub fn has_begun(&self, at: Instant) -> bool {
        self.from.is_none_or(|from| at >= from)
    }
}

/// A member who bought in the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    pub id: Id,
    /// Orders up to the end of the period, earlier ones too.
    pub orders: i64,
    /// Lines of these orders.
    pub lines: i64,
    /// What else changed the points ever earned, if that was asked for: (at, number in the account, change).
    pub changes: Vec<(Instant, i64, Points)>,
    /// Groups that the shop put the member into, as they are today: nobody remembers those of before.
    pub segments: Vec<String>,
    /// Tiers that were given instead of reached: (at, tier, until). Without an end: for good.
    pub given_tiers: Vec<(Instant, String, Option<Instant>)>,
}

/// Where an order stands in the sequence in which orders are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0: nobody's.
    pub member: i64,
    pub at: Instant,
    pub seq: i64,
    pub id: i64,
}

impl Place {
    /// Before every order.
    pub const BEGINNING: Self = Self { member: -1, at: Instant(-1), seq: -1, id: -1 };
}

/// A stored order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct StoredOrder {
    pub id: Id,
    #[serde(rename = "ref")]
    pub reference: String,
    pub member_id: Option<Id>,
    /// When it was judged: recorded, or given to the member.
    pub at: Instant,
    /// Number of its first entry in the account, which tells apart what happened at one moment; 0 without entries.
    pub seq: i64,
    pub occurred_at: Instant,
    pub channel: String,
    pub store: Option<String>,
    pub currency: String,
    pub delivery: Money,
    pub paid_points: Points,
    /// 1: it was recorded without a member, who claimed it later.
    pub claimed: u8,
    pub lines: Vec<RecordedLine>,
    /// Which rule each of its lots came from: (lot, rule).
    pub lots: Vec<(Id, String)>,
    /// Promo codes that it used.
    pub vouchers: Vec<Voucher>,
    pub returns: Vec<StoredReturn>,
}

impl StoredOrder {
    /// Where it stands in the sequence.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { member: self.member_id.map_or(0, |id| id.0), at: self.at, seq: self.seq, id: self.id.0 }
    }
}

/// A return or a cancellation: `[at, seq, cancelled, [[n, quantity], ...]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct StoredReturn {
    pub at: Instant,
    pub seq: i64,
    pub cancelled: u8,
    pub lines: Vec<(i64, Quantity)>,
}

/// Whose orders are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Orders without a member, in the period only.
    Nobodys,
    /// Orders of these members up to the end of the period, earlier ones too.
    Members(&'a [Id]),
}

/// How many orders happened in a period.
///
/// # Errors
/// [`StoreError`] of the statement.
pub async fn simulation_size(db: &impl Database, period: Period) -> Result<i64, StoreError> {
    let statement = include_str!("../../../sql/statements/simulation_size.sql");
    let rows = db.run(statement, vec![period.from.into(), period.to.into()]).await?;
    Ok(integer(rows.first(), 0).unwrap_or_default())
}

/// The next members who bought in a period, by id. `with_changes`: with what else changed the points ever earned.
///
/// # Errors
/// [`StoreError`] of the statement, or a row that can't be read.
pub async fn simulation_members(
    db: &impl Database,
    after: i64,
    period: Period,
    limit: i64,
    with_changes: bool,
) -> Result<Vec<Buyer>, StoreError> {
    let statement = include_str!("../../../sql/statements/simulation_members.sql");
    let parameters = vec![after.into(), period.from.into(), period.to.into(), limit.into(), i64::from(with_changes).into()];
    let rows = db.run(statement, parameters).await?;
    rows.iter()
        .map(|row| {
            let number = |column| integer(Some(row), column).unwrap_or_default();
            Ok(Buyer {
                id: Id(number(0)),
                orders: number(1),
                lines: number(2),
                changes: json(Some(row), 3)?.unwrap_or_default(),
                segments: json(Some(row), 4)?.unwrap_or_default(),
                given_tiers: json(Some(row), 5)?.unwrap_or_default(),
            })
        })
        .collect()
}

/// The next stored orders.
///
/// # Errors
/// As [`simulation_members`].
pub async fn simulation_orders(
    db: &impl Database,
    whose: Whose<'_>,
    period: Period,
    after: Place,
    limit: i64,
) -> Result<Vec<StoredOrder>, StoreError> {
    let members = match whose {
        Whose::Nobodys => Value::Null,
        Whose::Members(ids) => Value::Text(serde_json::json!(ids).to_string()),
    };
    let parameters = vec![
        members,
        period.from.into(),
        period.to.into(),
        after.member.into(),
        after.at.into(),
        after.seq.into(),
        after.id.into(),
        limit.into(),
    ];
    let rows = db.run(include_str!("../../../sql/statements/simulation_orders.sql"), parameters).await?;
    rows.iter().filter_map(|row| json(Some(row), 0).transpose()).collect()
}

/// How orders explained themselves when they were judged: (order, explanations).
///
/// # Errors
/// As [`simulation_members`].
pub async fn simulation_explanations(db: &impl Database, orders: &[Id]) -> Result<Vec<(Id, serde_json::Value)>, StoreError> {
    let statement = include_str!("../../../sql/statements/simulation_explanations.sql");
    let rows = db.run(statement, vec![Value::Text(serde_json::json!(orders).to_string())]).await?;
    rows.iter()
        .map(|row| {
            let explanations = match text(Some(row), 1) {
                Some(_) => json(Some(row), 1)?.unwrap_or_default(),
                None => serde_json::Value::Array(Vec::new()),
            };
            Ok((Id(integer(Some(row), 0).unwrap_or_default()), explanations))
        })
        .collect()
}
