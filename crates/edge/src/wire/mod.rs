//! The words of the API: bodies in, answers out.

mod amounts;
mod answers;
mod orders;

pub use amounts::{Amount, moment};
pub use answers::{
    balance, entry, explanations, lots, money, new_lots, next_tier, offer, order, perks, points, rate, referral, standing, taken,
    tier, told_reason,
};
pub use domain::language::Languages;
pub use orders::{
    AnyMemberRef, MemberRef, OrderBody, Subject, asked_payment, check_currency, inconsistent, judged, may_use, member_id,
    with_vouchers,
};

use serde::de::DeserializeOwned;

use crate::problem::{FieldError, Problem};

/// The longest text of a field, unless it says otherwise.
pub const LONGEST_TEXT: usize = 500;

/// Reads a body.
///
/// # Errors
/// 400 for what is no JSON; 422 with a pointer to the first thing that does not fit.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            // serde_json adds the place in the text, which the pointer says better
            let text = inner.to_string();
            let detail = without_value(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text));
            let error = FieldError { pointer, code: "invalid".to_owned(), detail };
            let detail = format!("{}: {}", if error.pointer.is_empty() { "the body" } else { &error.pointer }, error.detail);
            Problem { errors: vec![error], ..Problem::new(422, "invalid_request", detail) }
        } else {
            Problem::new(400, "invalid_json", format!("The body is no JSON: {inner}"))
        }
    })?;
    deserializer.end().map_err(|error| Problem::new(400, "invalid_json", format!("The body is no JSON: {error}")))?;
    Ok(value)
}

/// What serde says, without the value that it says it of: that may be a phone, and an answer goes where a body does not.
fn without_value(text: &str) -> String {
    const REPEATING: [&str; 3] = ["invalid type", "invalid value", "unknown variant"];
    let Some(what) = REPEATING.into_iter().find(|what| text.starts_with(what)) else { return text.to_owned() };
    // the last one: what came may hold these words too
    text.rsplit_once(", expected ").map_or_else(|| what.to_owned(), |(_, expected)| format!("{what}, expected {expected}"))
}

/// A path as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("{pointer}/{variant}"),
        Segment::Unknown => pointer,
    })
}

/// A text of 1 to `longest` characters.
///
/// # Errors
/// 422 at the pointer.
pub fn bounded(text: &str, longest: usize, pointer: &str) -> Result<(), Problem> {
    if text.is_empty() || text.chars().count() > longest {
        return Err(Problem::field(pointer, "out_of_range", format!("must have 1 to {longest} characters")));
    }
    Ok(())
}

/// A page of a list, from its rows with their places and one more than are shown.
#[must_use]
pub fn page(rows: Vec<(i64, serde_json::Value)>, limit: i64) -> serde_json::Value {
    let shown = usize::try_from(limit).unwrap_or_default();
    let next = rows.get(shown).and_then(|_| rows.get(shown.checked_sub(1)?)).map(|(place, _)| place.to_string());
    let items: Vec<serde_json::Value> = rows.into_iter().take(shown).map(|(_, item)| item).collect();
    serde_json::json!({"items": items, "next_cursor": next})
}
