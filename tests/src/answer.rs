//! What came back, with expectations that say what they wanted.

use http::StatusCode;
use serde_json::Value;

/// An answer of the program.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The stored answer of an earlier request (`Idempotent-Replayed`).
    pub replayed: bool,
    pub content_type: String,
    pub retry_after: Option<String>,
    pub etag: Option<String>,
    /// How much of the member's account the answer knows (`Kopilka-Sequence`).
    pub sequence: Option<String>,
    /// What is left to the key, and of what (`RateLimit`, `RateLimit-Policy`).
    pub rate_limit: Option<(String, String)>,
    /// What it cost (`Server-Timing`).
    pub timing: Option<String>,
    /// The body, byte for byte.
    pub text: String,
    pub json: Value,
}

impl Answer {
    /// Whether the same request may be sent again: nothing is known of its effect, or it had none.
    pub fn is_worth_repeating(&self) -> bool {
        self.retry_after.is_some()
    }

    /// What it cost: each part's milliseconds (`Server-Timing`, W3C).
    pub fn milliseconds(&self) -> Vec<(&str, f64)> {
        let metrics = self.timing.as_deref().unwrap_or_default().split(", ");
        let part = |metric: &'_ str| -> Option<(usize, f64)> {
            let (name, rest) = metric.split_once(";dur=")?;
            Some((name.len(), rest.split(';').next()?.parse().ok()?))
        };
        metrics.filter_map(|metric| part(metric).map(|(name, milliseconds)| (&metric[..name], milliseconds))).collect()
    }

    /// How many statements to stores it took, by its own word; none where it says nothing of them.
    pub fn round_trips(&self) -> Option<u64> {
        let (_, told) = self.timing.as_deref()?.split_once(r#"desc=""#)?;
        told.split(' ').next()?.parse().ok()
    }

    /// The body of a success with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json
    }

    /// A refusal with this status and code, as problem+json. Returns the document.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.json["status"], status, "the document repeats its status");
        assert!(
            self.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "a problem says what to do: {}",
            self.text
        );
        self.json
    }

    /// A refusal that names this field of the body.
    #[track_caller]
    pub fn refused_at(self, status: u16, pointer: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let named = self.json["errors"].as_array().is_some_and(|errors| errors.iter().any(|error| error["pointer"] == pointer));
        assert!(named, "{pointer} is not named in {}", self.text);
        self.json
    }
}
