//! The words of the API: bodies in, answers out.

mod amounts;
mod answers;
mod orders;

pub use amounts::{Amount, moment};
pub use answers::{
    balance, entry, explanations, lots, money, new_lots, next_tier, offer, order, perks, points, rate, standing, taken, tier,
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
            let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
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
