//! Every limit of the engine, each with its reason. Without them the time and memory of a judgement would be the
//! caller's choice.

/// The largest amount of money or points, in minor units: what the contract promises. Products of two such amounts,
/// of an amount and a rate, or of an amount and 10^scale stay far inside `i128`.
pub const MAX_UNITS: i64 = 1_000_000_000_000;

/// Bytes of a program document: the contract's limit, and far more than any real program needs.
pub const MAX_DOCUMENT_BYTES: usize = 1_048_576;

/// Findings of one parse. A document that is wrong everywhere needs no longer list to be repaired.
pub const MAX_FINDINGS: usize = 500;

/// Tiers of a program. Nobody remembers more than a handful; the list is walked for every order.
pub const MAX_TIERS: usize = 50;

/// Earning rules of a program. Each one is tried on each line of each order.
pub const MAX_RULES: usize = 200;

/// Entries of one list in a condition, for example of SKUs. Longer ones belong into a label on the goods.
pub const MAX_LIST: usize = 10_000;

/// Dates of a fixed calendar: more than the days of a year can't be meant.
pub const MAX_CALENDAR_DATES: usize = 366;

/// Lines of an order. A wholesale order stays below it; rules times lines bounds the work of a judgement.
pub const MAX_LINES: usize = 1_000;

/// Labels of a line, for the same reason.
pub const MAX_LABELS: usize = 100;

/// Offers of a judgement: a member reads the nearest ones.
pub const MAX_OFFERS: usize = 10;

/// Larger orders that are judged for the offers, nearest first: each costs as much as the order itself.
pub const MAX_LARGER_ORDERS: usize = 5;

/// Characters of an id in the document: it goes into each ledger entry.
pub const MAX_ID: usize = 64;

/// Characters of a description: a note to whoever edits the document, not a text.
pub const MAX_DESCRIPTION: usize = 1_000;

/// Characters of a name or a listed word.
pub const MAX_TEXT: usize = 200;

/// Days of an activation delay or an expiry: a century. Later dates would leave the calendar's range.
pub const MAX_DAYS: i64 = 36_500;

/// Months of an expiry: the same century.
pub const MAX_MONTHS: i64 = 1_200;

/// Priorities lie between minus this and this: enough steps to insert a rule between any two.
pub const MAX_PRIORITY: i64 = 1_000_000;

/// Minutes of a hold: a week. Points held longer look lost to their owner.
pub const MAX_HOLD_MINUTES: i64 = 10_080;

/// Minutes of a hold when the program does not say.
pub const DEFAULT_HOLD_MINUTES: i64 = 30;

/// Decimal places of a point.
pub const MAX_POINTS_SCALE: u8 = 4;

/// The earliest moment of an order or enrolment, 1900-01-01T00:00:00Z, in milliseconds: imports reach back, but an
/// earlier date is a mistake of units.
pub const FIRST_INSTANT: i64 = -2_208_988_800_000;

/// The first moment that is too late, 3000-01-01T00:00:00Z, in milliseconds: with the longest delay and expiry added
/// a date stays within the calendar.
pub const END_OF_INSTANTS: i64 = 32_503_680_000_000;

/// How often a rule may fire for a member: more is no limit.
pub const MAX_TIMES: i64 = 1_000_000;

/// Friends for whom a referrer is paid within a period: so many moments the books tell.
pub const MAX_FRIENDS_IN_PERIOD: i64 = 1_000;

/// Orders that a condition counts.
pub const MAX_ORDERS: i64 = 100_000;

/// Pieces of "buy so many": beyond it the goods are sold by the pallet.
pub const MAX_PIECES: i64 = 10_000;

/// Steps of a step discount.
pub const MAX_STEPS: usize = 50;

/// Perks of a tier or a program.
pub const MAX_PERKS: usize = 50;

/// Vouchers of an order.
pub const MAX_VOUCHERS: usize = 20;

/// The largest multiplier of points, in parts per million: a thousandfold. Above it somebody meant a fixed number.
pub const MAX_FACTOR: i64 = 1_000_000_000;

/// Occasions of a program: each is looked for every day.
pub const MAX_OCCASIONS: usize = 50;

/// Triggers of a program: each is looked for every day, or every hour.
pub const MAX_TRIGGERS: usize = 100;

/// Days before or after the day itself: half a year, so that an occasion is nearer to its own year's day than to another's.
pub const MAX_OFFSET: i64 = 180;

/// Reminders before points expire: more would be noise.
pub const MAX_REMINDERS: usize = 10;

/// Days before points expire.
pub const MAX_REMINDER_DAYS: i64 = 365;

/// Days between a notice and the end of points: more would keep points that were given for a year.
pub const MAX_NOTICE_DAYS: i64 = 365;

/// Days that a trigger waits: ten years.
pub const MAX_WAIT_DAYS: i64 = 3_650;

/// Hours that a trigger waits: a month; beyond it days are meant.
pub const MAX_WAIT_HOURS: i64 = 744;

/// Days for which a trigger does not fire again: ten years.
pub const MAX_COOLDOWN: i64 = 3_650;

/// Occasions of one look at the agenda: whoever comes late asks again.
pub const MAX_DUE_OCCASIONS: usize = 400;

/// Templates of a program: more than there are kinds of messages, occasions and triggers together.
pub const MAX_TEMPLATES: usize = 200;

/// Characters of a template's text, and of one of its subjects.
pub const MAX_TEMPLATE: usize = 10_000;

/// Steps that rendering a template may take: a long letter takes some hundreds.
pub const TEMPLATE_FUEL: u64 = 20_000;

/// Hours until the next channel is tried: two weeks. Afterwards nobody knows what it was about.
pub const MAX_CASCADE_HOURS: i64 = 336;

/// Messages of marketing within a period.
pub const MAX_CAP: i64 = 1_000;

/// Days of such a period.
pub const MAX_CAP_DAYS: i64 = 366;
