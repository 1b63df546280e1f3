//! Where the next batch of a simulation goes on. Callers give it back as they got it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Instant;
use edge::Problem;
use serde::{Deserialize, Serialize};
use store::Place;

/// Orders without a member come first, then members by id, each as a whole.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Orders without a member, after this moment and id.
    Nobodys(Instant, i64),
    /// After this member.
    Members(i64),
}

impl Next {
    pub const BEGINNING: Self = Self::Nobodys(Place::BEGINNING.at, Place::BEGINNING.id);
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cursor {
    /// A hash of the document and the period: a cursor is of one simulation.
    pub of: String,
    /// Orders of the whole period.
    pub total: i64,
    pub next: Next,
    /// What rules with a budget gave so far, all members together.
    pub given: BTreeMap<String, i64>,
}

impl Cursor {
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }

    /// Reads a cursor of this very simulation.
    ///
    /// # Errors
    /// 422 for anything else.
    pub fn read(text: &str, of: &str) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let cursor = cursor.ok_or_else(|| Problem::field("/cursor", "invalid", "is no cursor of a simulation"))?;
        if cursor.of != of {
            return Err(Problem::field("/cursor", "other_simulation", "is of a simulation with another document or period"));
        }
        Ok(cursor)
    }
}
