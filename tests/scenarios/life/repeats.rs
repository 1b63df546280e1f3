//! What was said is said once more, at once or much later.

use serde_json::Value;
use tests::Answer;

/// A request that succeeded.
pub struct Said {
    pub key: String,
    pub path: String,
    pub body: Value,
    pub answer: Answer,
}
