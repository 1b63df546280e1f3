//! `activation` and `expiry` of whatever gives points.

use schemars::JsonSchema;

use crate::limits::{MAX_CALENDAR_DATES, MAX_DAYS, MAX_MONTHS};
use crate::words::{DayOfYear, Description};

/// When points become available. Without it: at the moment of earning.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// At the moment of earning.
    Immediately {
        /// A note for whoever edits the document.
        description: Option<Description>,
    },
    /// At the same local time so many days later, for example when the time for returns is over.
    Days {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 36500.
        #[schemars(range(min = 1, max = MAX_DAYS))]
        days: i64,
    },
}

/// When points expire, counted from the local day of earning; always at the end of a local day. Without it: never.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Expiry {
    /// Never.
    Never {
        /// A note for whoever edits the document.
        description: Option<Description>,
    },
    /// At the end of the day so many days later.
    Days {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 36500.
        #[schemars(range(min = 1, max = MAX_DAYS))]
        days: i64,
    },
    /// At the end of the same day so many months later, or of that month's last day: 31 January and a month is the end of February.
    Months {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 1200.
        #[schemars(range(min = 1, max = MAX_MONTHS))]
        months: i64,
    },
    /// At the end of the month in which the day so many months later lies.
    EndOfMonth {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 0 to 1200; 0, the month of earning, where it is absent.
        #[schemars(range(min = 0, max = MAX_MONTHS))]
        months: Option<i64>,
    },
    /// At the start of the next of these days of the year. Such points activate immediately.
    Calendar {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// At least one.
        #[schemars(length(min = 1, max = MAX_CALENDAR_DATES))]
        dates: Vec<DayOfYear>,
    },
    /// At the end of the day so many days after the member's last order.
    Inactivity {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 36500.
        #[schemars(range(min = 1, max = MAX_DAYS))]
        days: i64,
    },
}

/// How long points live that come back to a lot which is over.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grace {
    /// To the end of the day so many days later.
    Days {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 36500.
        #[schemars(range(min = 1, max = MAX_DAYS))]
        days: i64,
    },
    /// To the end of the same day so many months later, or of that month's last day.
    Months {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 1 to 1200.
        #[schemars(range(min = 1, max = MAX_MONTHS))]
        months: i64,
    },
    /// To the end of the month in which the day so many months later lies.
    EndOfMonth {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// 0 to 1200; 0, this month, where it is absent.
        #[schemars(range(min = 0, max = MAX_MONTHS))]
        months: Option<i64>,
    },
    /// To the start of the next of these days of the year.
    Calendar {
        /// A note for whoever edits the document.
        description: Option<Description>,
        /// At least one.
        #[schemars(length(min = 1, max = MAX_CALENDAR_DATES))]
        dates: Vec<DayOfYear>,
    },
}
