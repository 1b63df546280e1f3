//! The days of the program: when points become available and when they expire.
//!
//! All days are local days of the program's zone. Expiry is rounded to a day, half-open: `expires_at` is the first
//! instant at which the points can't be spent, the start of the local day after the last good one. A local time that
//! a change of clocks skips or repeats is read as RFC 5545 reads it ("compatible"): after the gap, or the first of two.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

/// When points of a grant become available.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// At the moment of earning.
    #[default]
    Immediately,
    /// At the same local time so many days later, 1 to `MAX_DAYS`.
    Days(i64),
}

/// When points of a grant expire, counted from the local day of earning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// They are good to the end of the local day so many days later, 1 to `MAX_DAYS`.
    Days(i64),
    /// They are good to the end of the same day so many months later, or of that month's last day; 1 to `MAX_MONTHS`.
    Months(i64),
    /// They are good to the end of the month in which that day lies; 0 is the month of earning, up to `MAX_MONTHS`.
    EndOfMonth(i64),
    /// They are good to the end of the local day so many days after the member's last order, 1 to `MAX_DAYS`.
    Inactivity(i64),
    /// They are gone from the start of the first of these days of the year that follows the day of earning.
    Calendar(BTreeSet<DayOfYear>),
}

/// A day that every year has: 29 February is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayOfYear {
    month: i8,
    day: i8,
}

/// The life of points: what a rule says of every grant it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// When they become available.
    pub activation: Activation,
    /// When they expire.
    pub expiry: Expiry,
}

/// The life of one grant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// From this instant the points can be spent.
    pub activates_at: i64,
    /// The first instant at which they can't; after `activates_at`.
    pub expires_at: Option<i64>,
}

/// Why a grant can't be dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLife {
    /// A date leaves the calendar.
    OutOfCalendar,
    /// The points would expire before they could be spent. Found when the document is parsed, except around a day
    /// that the zone skips.
    ExpiresBeforeActivation,
}

impl From<jiff::Error> for NoLife {
    fn from(_: jiff::Error) -> Self {
        NoLife::OutOfCalendar
    }
}

/// The zone whose days count. Its rules are bundled with the engine, not the host's.
#[derive(Clone, Debug)]
pub struct Zone {
    rules: TimeZone,
}

/// No zone has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone {
    /// The zone of the same name in other case, if there is one.
    pub meant: Option<String>,
}

impl Zone {
    /// The zone with this IANA name, in its official spelling: "Europe/Moscow".
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let unknown = UnknownZone { meant: None };
        let rules = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown.clone())?;
        match rules.iana_name() {
            Some(spelling) if spelling == name && !rules.is_unknown() => Ok(Self { rules }),
            Some(spelling) if !rules.is_unknown() => Err(UnknownZone { meant: Some(spelling.to_owned()) }),
            _ => Err(unknown),
        }
    }

    /// The zone without a place.
    pub fn utc() -> Self {
        Self { rules: TimeZone::UTC }
    }

    /// The start of a local day, so many minutes later by the clock on the wall.
    pub fn clock(&self, date: Date, minutes: i16) -> Result<i64, NoLife> {
        let at = date.at(0, 0, 0, 0).checked_add(Span::new().try_minutes(minutes)?)?;
        self.instant(at)
    }

    /// The life of points earned at this instant (milliseconds).
    pub fn life(&self, earned_at: i64, lifetime: &Lifetime) -> Result<Life, NoLife> {
        self.life_from(earned_at, self.local(earned_at)?, lifetime)
    }

    /// The same for whoever knows the local time of the instant.
    pub fn life_from(&self, earned_at: i64, earned: DateTime, lifetime: &Lifetime) -> Result<Life, NoLife> {
        let activates_at = match lifetime.activation {
            Activation::Immediately => earned_at,
            Activation::Days(days) => self.instant(earned.checked_add(Span::new().try_days(days)?)?)?,
        };
        let gone_from = match &lifetime.expiry {
            Expiry::Never => None,
            Expiry::Days(days) | Expiry::Inactivity(days) => {
                Some(earned.date().checked_add(Span::new().try_days(*days)?)?.tomorrow()?)
            }
            Expiry::EndOfMonth(months) => {
                Some(earned.date().checked_add(Span::new().try_months(*months)?)?.last_of_month().tomorrow()?)
            }
            Expiry::Months(months) => Some(earned.date().checked_add(Span::new().try_months(*months)?)?.tomorrow()?),
            Expiry::Calendar(days) => Some(first_after(days, earned.date())?),
        };
        let expires_at = gone_from.map(|date| self.instant(date.at(0, 0, 0, 0))).transpose()?;
        match expires_at {
            Some(end) if end <= activates_at => Err(NoLife::ExpiresBeforeActivation),
            _ => Ok(Life { activates_at, expires_at }),
        }
    }

    /// The local time of an instant.
    pub fn local(&self, at: i64) -> Result<DateTime, NoLife> {
        Ok(Timestamp::from_millisecond(at)?.to_zoned(self.rules.clone()).datetime())
    }

    /// The start of the local day so many days before the day of an instant.
    pub fn start_of_day(&self, at: i64, days_before: i64) -> Result<i64, NoLife> {
        let date = self.local(at)?.date().checked_sub(Span::new().try_days(days_before)?)?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The start of a local day.
    pub fn start(&self, date: Date) -> Result<i64, NoLife> {
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The start of the local day after the one so many months before the day of an instant: 12 months to the day's end.
    pub fn months_before(&self, at: i64, months: i64) -> Result<i64, NoLife> {
        let date = self.local(at)?.date().checked_sub(Span::new().try_months(months)?)?.tomorrow()?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The start of the local calendar year of an instant.
    pub fn start_of_year(&self, at: i64) -> Result<i64, NoLife> {
        let date = Date::new(self.local(at)?.date().year(), 1, 1)?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The start of the local calendar year after that of an instant.
    pub fn start_of_next_year(&self, at: i64) -> Result<i64, NoLife> {
        let date = Date::new(self.local(at)?.date().year(), 1, 1)?.checked_add(Span::new().try_years(1)?)?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The end of the local day so many months after the day of an instant.
    pub fn end_of_day_after_months(&self, at: i64, months: i64) -> Result<i64, NoLife> {
        let date = self.local(at)?.date().checked_add(Span::new().try_months(months)?)?.tomorrow()?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The end of the local day so many days after the day of an instant: the start of the next one.
    pub fn end_of_day(&self, at: i64, days_after: i64) -> Result<i64, NoLife> {
        let date = self.local(at)?.date().checked_add(Span::new().try_days(days_after)?)?.tomorrow()?;
        self.instant(date.at(0, 0, 0, 0))
    }

    /// The instant of a local time, in milliseconds.
    fn instant(&self, local: DateTime) -> Result<i64, NoLife> {
        Ok(self.rules.to_zoned(local)?.timestamp().as_millisecond())
    }
}

impl DayOfYear {
    /// Reads "MM-DD". None when it is no such day, or a day that common years lack.
    pub fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.split_once('-')?;
        let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !two_digits(month) || !two_digits(day) {
            return None;
        }
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        Date::new(COMMON_YEAR, month, day).ok().map(|_| Self { month, day })
    }
}

impl Lifetime {
    /// Whether points earned on some day could expire before they can be spent. Fixed dates with any delay do: the
    /// eve of such a date is a day of earning too.
    pub fn may_expire_before_activation(&self) -> bool {
        let Activation::Days(delay) = self.activation else { return false };
        match &self.expiry {
            Expiry::Never => false,
            Expiry::Days(days) | Expiry::Inactivity(days) => delay > *days,
            // the last day of a month may be the day of earning
            Expiry::EndOfMonth(months) if delay <= months.saturating_mul(28) => false,
            Expiry::EndOfMonth(months) => shortest_in_days(*months).is_none_or(|days| delay > days),
            // No month is shorter than 28 days: only a longer delay needs the exact answer.
            Expiry::Months(months) if delay <= months.saturating_mul(28) => false,
            Expiry::Months(months) => shortest_in_days(*months).is_none_or(|days| delay > days),
            Expiry::Calendar(_) => true,
        }
    }
}

/// A year without 29 February.
const COMMON_YEAR: i16 = 2025;

/// The first of these days that comes after `date`; a year later at the latest.
fn first_after(days: &BTreeSet<DayOfYear>, date: Date) -> Result<Date, NoLife> {
    let this_year = date.year();
    let next_year = this_year.checked_add(1).ok_or(NoLife::OutOfCalendar)?;
    for year in [this_year, next_year] {
        for day in days {
            let candidate = Date::new(year, day.month, day.day)?;
            if candidate > date {
                return Ok(candidate);
            }
        }
    }
    Err(NoLife::OutOfCalendar)
}

/// The fewest days that so many months can last, over the starting days of four common years and one leap year.
fn shortest_in_days(months: i64) -> Option<i64> {
    let span = Span::new().try_months(months).ok()?;
    let (mut start, end) = (Date::new(2097, 1, 1).ok()?, Date::new(2104, 12, 31).ok()?);
    let mut shortest = i64::MAX;
    while start <= end {
        let days = start.checked_add(span).ok()?.since(start).ok()?.get_days();
        shortest = shortest.min(i64::from(days));
        start = start.tomorrow().ok()?;
    }
    Some(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `earned` and what is expected are RFC 3339 moments.
    fn check(zone: &str, earned: &str, lifetime: Lifetime, activates: &str, expires: Option<&str>) {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let life = Zone::named(zone).unwrap().life(instant(earned), &lifetime).unwrap();
        assert_eq!(life.activates_at, instant(activates), "activation of {earned} in {zone}");
        assert_eq!(life.expires_at, expires.map(instant), "expiry of {earned} in {zone}");
    }

    fn expiring(expiry: Expiry) -> Lifetime {
        Lifetime { activation: Activation::Immediately, expiry }
    }

    fn calendar(days: &[&str]) -> Expiry {
        Expiry::Calendar(days.iter().map(|day| DayOfYear::parse(day).unwrap()).collect())
    }

    #[test]
    fn thirty_days_last_to_the_end_of_the_thirtieth() {
        let at = "2026-01-01T12:00:00+03:00";
        check("Europe/Moscow", at, expiring(Expiry::Days(30)), at, Some("2026-02-01T00:00:00+03:00"));
    }

    #[test]
    fn the_local_day_counts() {
        let at = "2026-01-01T21:30:00Z"; // 2 January, 00:30 in Moscow
        check("Europe/Moscow", at, expiring(Expiry::Days(1)), at, Some("2026-01-04T00:00:00+03:00"));
        check("UTC", at, expiring(Expiry::Days(1)), at, Some("2026-01-03T00:00:00Z"));
    }

    #[test]
    fn months_stop_at_the_end_of_the_month() {
        for (at, months, expires) in [
            ("2026-01-31T12:00:00+03:00", 1, "2026-03-01T00:00:00+03:00"),
            ("2024-01-31T12:00:00+03:00", 1, "2024-03-01T00:00:00+03:00"),
            ("2026-01-31T12:00:00+03:00", 3, "2026-05-01T00:00:00+03:00"),
            ("2024-02-29T12:00:00+03:00", 12, "2025-03-01T00:00:00+03:00"),
            ("2026-11-15T12:00:00+03:00", 4, "2027-03-16T00:00:00+03:00"),
        ] {
            check("Europe/Moscow", at, expiring(Expiry::Months(months)), at, Some(expires));
        }
    }

    #[test]
    fn the_end_of_the_month_is_its_last_day() {
        for (at, months, expires) in [
            ("2026-01-31T12:00:00+03:00", 0, "2026-02-01T00:00:00+03:00"),
            ("2026-01-31T12:00:00+03:00", 1, "2026-03-01T00:00:00+03:00"),
            ("2024-01-05T12:00:00+03:00", 1, "2024-03-01T00:00:00+03:00"),
            ("2026-11-15T12:00:00+03:00", 2, "2027-02-01T00:00:00+03:00"),
        ] {
            check("Europe/Moscow", at, expiring(Expiry::EndOfMonth(months)), at, Some(expires));
        }
    }

    #[test]
    fn windows_begin_with_a_local_day() {
        let zone = Zone::named("Europe/Moscow").unwrap();
        let instant = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let at = instant("2026-03-31T00:30:00+03:00");
        assert_eq!(zone.start_of_day(at, 0), Ok(instant("2026-03-31T00:00:00+03:00")));
        assert_eq!(zone.start_of_day(at, 30), Ok(instant("2026-03-01T00:00:00+03:00")));
        assert_eq!(zone.start_of_year(at), Ok(instant("2026-01-01T00:00:00+03:00")));
        assert_eq!(zone.months_before(at, 12), Ok(instant("2025-04-01T00:00:00+03:00")));
        assert_eq!(zone.end_of_day(at, 0), Ok(instant("2026-04-01T00:00:00+03:00")));
    }

    #[test]
    fn fixed_dates_come_strictly_after_the_day_of_earning() {
        let days = ["01-01", "05-01", "09-01"];
        for (at, expires) in [
            ("2025-12-31T23:59:59+03:00", "2026-01-01T00:00:00+03:00"),
            ("2026-01-01T00:00:00+03:00", "2026-05-01T00:00:00+03:00"),
            ("2026-08-31T10:00:00+03:00", "2026-09-01T00:00:00+03:00"),
            ("2026-09-01T10:00:00+03:00", "2027-01-01T00:00:00+03:00"),
        ] {
            check("Europe/Moscow", at, expiring(calendar(&days)), at, Some(expires));
        }
    }

    #[test]
    fn a_delay_keeps_the_local_time_over_a_change_of_clocks() {
        let delayed = |days| Lifetime { activation: Activation::Days(days), expiry: Expiry::Never };
        check("Europe/London", "2026-03-20T10:00:00Z", delayed(14), "2026-04-03T10:00:00+01:00", None);
        // 01:30 does not exist on 29 March: it is read as 02:30 summer time.
        check("Europe/London", "2026-03-28T01:30:00Z", delayed(1), "2026-03-29T01:30:00Z", None);
        // 01:30 exists twice on 25 October: the first.
        check("Europe/London", "2026-10-24T01:30:00+01:00", delayed(1), "2026-10-25T01:30:00+01:00", None);
    }

    #[test]
    fn a_day_may_start_at_one() {
        let at = "2018-11-02T12:00:00-03:00"; // Brazil skipped 00:00 to 01:00 on 4 November
        check("America/Sao_Paulo", at, expiring(Expiry::Days(1)), at, Some("2018-11-04T01:00:00-02:00"));
    }

    #[test]
    fn a_skipped_day_never_turns_a_life_around() {
        let zone = Zone::named("Pacific/Apia").unwrap(); // there was no 30 December 2011
        let at = "2011-12-29T10:00:00-10:00".parse::<Timestamp>().unwrap().as_millisecond();
        let lifetime = Lifetime { activation: Activation::Days(1), expiry: Expiry::Days(1) };
        assert_eq!(zone.life(at, &lifetime), Err(NoLife::ExpiresBeforeActivation));
    }

    #[test]
    fn zones_have_one_spelling() {
        assert!(Zone::named("Asia/Yekaterinburg").is_ok());
        assert!(Zone::named("UTC").is_ok());
        assert_eq!(Zone::named("europe/moscow").unwrap_err(), UnknownZone { meant: Some("Europe/Moscow".to_owned()) });
        for name in ["", "Moscow", "Etc/Unknown", "UTC+3", "/", "../../etc/passwd", "Europe/Moscow\0"] {
            assert_eq!(Zone::named(name).unwrap_err(), UnknownZone { meant: None }, "{name}");
        }
    }

    #[test]
    fn days_of_the_year() {
        assert!(DayOfYear::parse("12-31").is_some());
        for text in ["02-29", "13-01", "00-10", "1-1", "01-32", "04-31", "0101", "01-01-01", "+1-01", ""] {
            assert_eq!(DayOfYear::parse(text), None, "{text}");
        }
    }

    #[test]
    fn knows_what_may_expire_too_early() {
        let may = |delay, expiry| Lifetime { activation: Activation::Days(delay), expiry }.may_expire_before_activation();
        assert!(!may(14, Expiry::Never));
        assert!(!may(30, Expiry::Days(30)));
        assert!(may(31, Expiry::Days(30)));
        assert!(!may(28, Expiry::Months(1)));
        assert!(may(29, Expiry::Months(1)));
        assert!(!may(365, Expiry::Months(12)));
        assert!(may(366, Expiry::Months(12)));
        assert!(may(1, calendar(&["01-01"])));
        assert!(!Lifetime { activation: Activation::Immediately, expiry: calendar(&["01-01"]) }.may_expire_before_activation());
    }

    #[test]
    fn the_ends_of_the_calendar_are_errors() {
        let zone = Zone::named("Europe/Moscow").unwrap();
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(zone.life(at, &Lifetime::default()), Err(NoLife::OutOfCalendar));
        }
    }
}
