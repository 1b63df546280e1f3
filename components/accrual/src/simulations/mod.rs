//! `POST /v1/simulations`: the stored orders of a period under another program. Nothing is written.
//!
//! Each order is judged again by the proposed program, member by member and in the sequence in which the orders came, with
//! what the proposed program itself would have made of the orders before: tiers, windows, caps. Orders before the period count
//! as they are stored. What is compared is the benefit of goods that were kept (see `figures`). Taken as given: who bought what
//! and when, with which promo codes; what was paid with points, as far as the proposed program lets it; points and tiers that were
//! given beside orders. Members are in the segments of today: nobody remembers those of before.
//!
//! A request is bounded: what does not fit is for the next one, with `next_cursor`. The figures of all batches sum exactly to
//! those of the whole.

mod batch;
mod cursor;
mod figures;
mod largest;
mod member;
mod period;

use std::collections::BTreeMap;

use edge::{ActiveProgram, Call, FieldError, Problem, Reply, Scope, books, from_store, hash_text, parse_program, read, wire};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Load;

use batch::Comparison;
use cursor::{Cursor, Next};
use largest::Change;

/// The most orders that a batch may be asked for.
const MOST_ORDERS: i64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimulationBody {
    document: Value,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

pub async fn simulate(call: &Call) -> Result<Reply, Problem> {
    let body: SimulationBody = call.json()?;
    let limit = body.limit.unwrap_or(MOST_ORDERS);
    if !(1..=MOST_ORDERS).contains(&limit) {
        return Err(Problem::field("/limit", "out_of_range", format!("is a whole number from 1 to {MOST_ORDERS}")));
    }
    let current = read(call, &[Scope::Staff], Load::default()).await?.program;
    let document = body.document.to_string();
    let proposed = checked(&document, &current)?;
    let period = period::period(body.from.as_deref(), body.to.as_deref(), &current)?;
    let of = hash_text(&format!("{:?} {:?} {document}", body.from, body.to));
    let Cursor { total, next, mut given, .. } = match &body.cursor {
        Some(cursor) => Cursor::read(cursor, &of)?,
        None => Cursor {
            of: of.clone(),
            total: store::simulation_size(&books(), period).await.map_err(|error| from_store(&error))?,
            next: Next::BEGINNING,
            given: proposed.budgeted_rules().into_iter().map(|rule| (rule.to_owned(), 0)).collect(),
        },
    };
    let (batch, next) = Comparison { current: &current, proposed: &proposed, period, limit }.run(next, &mut given).await?;
    let next_cursor = next.map(|next| Cursor { of, total, next, given }.to_text());
    let figures = |figures: figures::Figures| figures.to_json(&current);
    Ok(Reply::ok(&json!({
        "orders": batch.orders, "total_orders": total, "members": batch.members, "left_out": batch.left_out,
        "refused": batch.refused,
        "current": figures(batch.current), "proposed": figures(batch.proposed),
        "difference": figures(batch.proposed.more_than(batch.current)),
        "better": batch.better, "worse": batch.worse, "unchanged": batch.unchanged,
        "largest": named(batch.largest.into_vec(), &current, &proposed).await?,
        "next_cursor": next_cursor,
    })))
}

/// The proposed program. It could be published: it is complete, and counts money and points as the one in force does.
fn checked(document: &str, current: &ActiveProgram) -> Result<ActiveProgram, Problem> {
    let proposed = parse_program(document).map_err(invalid)?;
    let frozen = |pointer: &str, value: &str| FieldError {
        pointer: pointer.to_owned(),
        code: "frozen".to_owned(),
        detail: format!("stays {value}: the stored orders are counted in it"),
    };
    let mut errors = Vec::new();
    if proposed.currency() != current.currency() {
        errors.push(frozen("/currency", current.currency()));
    }
    if proposed.scale() != current.scale() {
        errors.push(frozen("/points/scale", &current.scale().to_string()));
    }
    if errors.is_empty() { Ok(proposed) } else { Err(invalid(errors)) }
}

fn invalid(mut errors: Vec<FieldError>) -> Problem {
    for error in &mut errors {
        error.pointer.insert_str(0, "/document");
    }
    let detail = match errors.as_slice() {
        [only] => format!("Nothing was simulated; {}: {}", only.pointer, only.detail),
        _ => format!("Nothing was simulated; {} things of the document are to be changed", errors.len()),
    };
    Problem { errors, ..Problem::new(422, "program_invalid", detail) }
}

/// The members with the largest differences, each with what both programs say of the order that makes most of it.
async fn named(changes: Vec<Change>, current: &ActiveProgram, proposed: &ActiveProgram) -> Result<Vec<Value>, Problem> {
    let orders: Vec<_> = changes.iter().filter_map(|change| change.order.as_ref()).map(|cause| cause.order).collect();
    let told = match orders.as_slice() {
        [] => Vec::new(),
        orders => store::simulation_explanations(&books(), orders).await.map_err(|error| from_store(&error))?,
    };
    let mut told: BTreeMap<_, _> = told.into_iter().collect();
    let difference = |figures: figures::Figures| json!({"points": wire::points(figures.points, current), "money": wire::money(figures.money())});
    let name = |change: Change| {
        let mut value = json!({
            "member_id": change.member.external("mem"), "difference": difference(change.difference), "orders": change.orders,
            "order": Value::Null,
        });
        if let Some(cause) = change.order {
            let mut explanations = wire::explanations(&cause.explanations, proposed);
            for explanation in &mut explanations {
                // it has no version: it is not published
                explanation["program_version"] = Value::Null;
            }
            value["order"] = json!({
                "order_id": cause.reference, "difference": difference(cause.difference),
                "explanation": {"current": told.remove(&cause.order).unwrap_or_else(|| json!([])), "proposed": explanations},
            });
        }
        value
    };
    Ok(changes.into_iter().map(name).collect())
}
