//! The period of a simulation: days of the shop, or moments.

use domain::Instant;
use domain::time::is_day;
use edge::{ActiveProgram, Problem};
use store::Period;

/// Milliseconds of a day of the UTC calendar.
const DAY: i64 = 86_400_000;

/// Zones that are 12 hours and more ahead of UTC, at least in their summer: at noon UTC it is tomorrow there.
const FAR_EAST: [&str; 24] = [
    "Antarctica/McMurdo",
    "Antarctica/South_Pole",
    "Asia/Anadyr",
    "Asia/Kamchatka",
    "Etc/GMT-12",
    "Etc/GMT-13",
    "Etc/GMT-14",
    "NZ",
    "NZ-CHAT",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Enderbury",
    "Pacific/Fakaofo",
    "Pacific/Fiji",
    "Pacific/Funafuti",
    "Pacific/Kanton",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "Pacific/Majuro",
    "Pacific/Nauru",
    "Pacific/Tarawa",
    "Pacific/Tongatapu",
    "Pacific/Wallis",
];

/// Reads the ends of a period. Days are those of the program in force; the last one is part of the period. Between moments
/// it is half-open.
///
/// # Errors
/// 422 for what is neither a day nor a moment, and for a period without a moment.
pub fn period(from: Option<&str>, to: Option<&str>, program: &ActiveProgram) -> Result<Period, Problem> {
    let from = from.map(|text| end(text, 0, program, "/from")).transpose()?;
    let to = to.map(|text| end(text, DAY, program, "/to")).transpose()?;
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("/to", "empty_period", "the period would be empty: it ends before it begins"));
    }
    Ok(Period { from, to })
}

/// A moment as it is; of a day the beginning of the day that lies so much later.
fn end(text: &str, later: i64, program: &ActiveProgram, pointer: &str) -> Result<Instant, Problem> {
    let moment = if is_day(text) { Instant::parse(&format!("{text}T00:00:00Z")) } else { Instant::parse(text) };
    let moment = moment.map_err(|_| {
        Problem::field(pointer, "not_a_time", "is neither a day like \"2026-03-31\" nor a time like \"2026-03-31T13:59:59Z\"")
    })?;
    if !is_day(text) {
        return Ok(moment);
    }
    Ok(beginning_of_day(Instant(moment.0.saturating_add(later)), program))
}

/// When a day begins in the program's zone, by the day's midnight in UTC. The rules know the zone and say when the local day
/// of a moment began: such a moment is noon UTC, or, where that is tomorrow already, 14 hours earlier.
fn beginning_of_day(midnight: Instant, program: &ActiveProgram) -> Instant {
    let hours = if FAR_EAST.contains(&program.time_zone()) { -2 } else { 12 };
    program.wants(Instant(midnight.0.saturating_add(hours * 3_600_000))).day
}
