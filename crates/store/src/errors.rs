//! What a store can answer instead of rows. Texts come from different servers, nested in other texts: only the referee's
//! tokens and SQLite's own words are looked for.

/// The referee's tokens and SQLite's words for a plan that never will do; the last two are those of STRICT tables.
const REFUSALS: [&str; 11] = [
    "E_KIND",
    "E_PLAN",
    "E_AMOUNT",
    "E_LOT",
    "E_PARENT",
    "E_LINES",
    "E_HOLD",
    "E_IMMUTABLE",
    "constraint failed",
    "cannot store",
    "datatype mismatch",
];

/// What libSQL says when a connection is of no use any more. The server's own words: the stream was idle, it is from before
/// a restart, or its statement was stopped, which happens to the innocent successor of one whose answer was not read to the
/// last byte. The others are the client's.
const BREAKS: [&str; 9] = [
    "STREAM_EXPIRED",
    "invalid baton",
    "SQLITE_INTERRUPT",
    "connection closed",
    "connection error",
    "error reading a body",
    "ended prematurely",
    "operation was canceled",
    "channel closed",
];

/// Why a statement had no effect, or may have had none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The books have moved since the plan was made, or the key was answered meanwhile: plan again.
    Stale,
    /// The store is busy: the statement may be repeated.
    Busy(String),
    /// The connection broke: whether the statement had its effect is not known. It may be repeated on another connection: a
    /// command that has been posted meanwhile is [`StoreError::Stale`] then.
    Broken(String),
    /// The referee refused a plan that would break the books: a planner's bug.
    Refused(String),
    /// A row that is not what the statement promises.
    Unreadable(String),
    /// The tables are not there yet.
    NotMigrated,
    /// Anything else: no such database, disk full, no connection.
    Unavailable(String),
}

impl StoreError {
    /// Reads a store's message.
    #[must_use]
    pub fn from_message(message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        // a lot twice in one entry is no matter of time
        let twice = says(&["UNIQUE constraint failed: posting"]);
        if !twice && says(&["E_STALE", "E_ANSWERED", "UNIQUE constraint failed"]) {
            Self::Stale
        } else if says(&["database is locked", "database table is locked", "SQLITE_BUSY"]) {
            Self::Busy(message.to_owned())
        } else if says(&BREAKS) && !says(&["error trying to connect"]) {
            Self::Broken(message.to_owned())
        } else if says(&REFUSALS) {
            Self::Refused(message.to_owned())
        } else if says(&["no such table", "no such view"]) {
            Self::NotMigrated
        } else {
            Self::Unavailable(message.to_owned())
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stale => write!(f, "the books have moved meanwhile"),
            Self::Busy(message) => write!(f, "the store is busy: {message}"),
            Self::Broken(message) => write!(f, "the connection to the store broke: {message}"),
            Self::Refused(message) => write!(f, "the referee refused: {message}"),
            Self::Unreadable(message) => write!(f, "a row can't be read: {message}"),
            Self::NotMigrated => write!(f, "the tables are not there yet"),
            Self::Unavailable(message) => write!(f, "the store is unavailable: {message}"),
        }
    }
}

impl std::error::Error for StoreError {}
