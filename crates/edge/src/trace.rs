//! The trace that a request belongs to (W3C Trace Context): whoever sees several services follows it from one to the next.

/// The header that tells it.
pub const TRACEPARENT: &str = "traceparent";

/// What the header said: version, trace, parent and flags in hexadecimal digits, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace(String);

impl Trace {
    /// The trace that these headers tell; none for what is no trace.
    #[must_use]
    pub fn told_by(headers: &http::HeaderMap) -> Option<Self> {
        let told = headers.get(TRACEPARENT)?.to_str().ok()?;
        let parts: Vec<&str> = told.split('-').collect();
        let &[version, trace, parent, flags] = parts.as_slice() else { return None };
        let digits = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let whole = digits(version, 2) && digits(trace, 32) && digits(parent, 16) && digits(flags, 2);
        // zeroes alone are none
        let some = |part: &str| part.bytes().any(|byte| byte != b'0');
        (whole && some(trace) && some(parent)).then(|| Self(told.to_owned()))
    }

    /// The header's value, for calls to others.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.0
    }

    /// The trace alone, as it stands in the log.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}
