//! What a program asks to be done by itself: the calendar of its occasions, triggers and reminders. Who is concerned, the books
//! say; this says from when to when.

use jiff::Span as Days;
use jiff::civil::Date;

use crate::calendar::{NoLife, Zone};
use crate::document::{Document, Occasion as Asked, Trigger as Watch, Wait};
use crate::engine::{Agenda, Firing, Occasion, OccasionDate, Reminder, Span, Trigger, TriggerVoucher};
use crate::limits::MAX_DUE_OCCASIONS;

/// A date that was told later than so many days before it counts from the next year on (REQUIREMENTS.md section 2, occasions).
const TOLD_BEFORE: i64 = 30;

/// For how many years members have anniversaries.
const YEARS: i16 = 100;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// What is to be done at `at`, with the occasions of the local days that began after `after`. Nothing where a moment lies outside
/// the calendar.
pub fn agenda(document: &Document, after: i64, at: i64) -> Agenda {
    let nothing = Agenda { day: at, occasions: Vec::new(), triggers: Vec::new(), reminders: Vec::new() };
    read(document, after, at).unwrap_or(nothing)
}

/// When a trigger fires for something at this moment.
pub fn scheduled(document: &Document, trigger: &str, moment: i64) -> Option<Firing> {
    let trigger = document.triggers.iter().find(|known| known.id == trigger)?;
    let zone = &document.zone;
    let at = match (trigger.wait, is_ahead(trigger)) {
        (Wait::Hours(hours), _) => moment.checked_add(hours.checked_mul(HOUR)?)?,
        (Wait::Days(days), true) => zone.start_of_day(moment, days).ok()?,
        (Wait::Days(days), false) => zone.end_of_day(moment, days.checked_sub(1)?).ok()?,
    };
    let voucher_expires_at = match &trigger.voucher {
        None => None,
        Some(given) => Some(zone.end_of_day(at, given.days).ok()?),
    };
    Some(Firing { at, voucher_expires_at })
}

fn read(document: &Document, after: i64, at: i64) -> Result<Agenda, NoLife> {
    let zone = &document.zone;
    let triggers: Result<Vec<_>, NoLife> = document.triggers.iter().map(|trigger| due(zone, trigger, at)).collect();
    let reminder = |days: &u32| Ok(Reminder { days: *days, due_before: zone.end_of_day(at, i64::from(*days))? });
    let reminders: Result<Vec<_>, NoLife> = document.reminders.iter().map(reminder).collect();
    Ok(Agenda {
        day: zone.start_of_day(at, 0)?,
        occasions: occasions(document, after, at)?,
        triggers: triggers?,
        reminders: reminders?,
    })
}

/// A trigger that fires before what it looks at.
fn is_ahead(trigger: &Watch) -> bool {
    matches!(trigger.watched, crate::engine::Watched::TierEnding)
}

fn due(zone: &Zone, trigger: &Watch, at: i64) -> Result<Trigger, NoLife> {
    let due_before = match (trigger.wait, is_ahead(trigger)) {
        (Wait::Hours(hours), _) => just_after(at.saturating_sub(hours.saturating_mul(HOUR))),
        (Wait::Days(days), true) => zone.end_of_day(at, days)?,
        (Wait::Days(days), false) => zone.start_of_day(at, days.saturating_sub(1))?,
    };
    let voucher = trigger.voucher.as_ref().map(|given| TriggerVoucher { rule_id: given.rule.clone(), of_event: given.of_event });
    Ok(Trigger {
        id: trigger.id.clone(),
        watched: trigger.watched.clone(),
        unless: trigger.unless,
        event_type: trigger.event.clone(),
        wait: match trigger.wait {
            Wait::Hours(hours) => format!("{hours}h"),
            Wait::Days(days) => format!("{days}d"),
        },
        due_before,
        cooldown_days: trigger.cooldown_days,
        voucher,
    })
}

fn just_after(moment: i64) -> i64 {
    moment.saturating_add(1)
}

/// The occasions of the days that began after the one moment and not after the other, the earliest ones.
fn occasions(document: &Document, after: i64, at: i64) -> Result<Vec<Occasion>, NoLife> {
    let zone = &document.zone;
    let mut found = Vec::new();
    if document.occasions.is_empty() {
        return Ok(found);
    }
    let mut day = zone.local(after)?.date();
    let last = zone.local(at)?.date();
    while day <= last {
        let start = zone.start(day)?;
        if start > after {
            // a day as a whole or not at all
            if found.len().saturating_add(document.occasions.len()) > MAX_DUE_OCCASIONS {
                break;
            }
            for asked in &document.occasions {
                found.push(occasion(zone, asked, day, start)?);
            }
        }
        day = day.tomorrow()?;
    }
    Ok(found)
}

fn occasion(zone: &Zone, asked: &Asked, day: Date, start: i64) -> Result<Occasion, NoLife> {
    let about = day.checked_sub(Days::new().try_days(asked.offset)?)?;
    let (mut days, mut joined) = (Vec::new(), Vec::new());
    match asked.date {
        OccasionDate::Birthday | OccasionDate::ImportantDate => {
            days.push(about.strftime("%m-%d").to_string());
            if stands_for_leap_day(about) {
                days.push("02-29".to_owned());
            }
        }
        OccasionDate::Anniversary => {
            let leap_day = stands_for_leap_day(about).then_some((2, 29));
            for years in 1..=YEARS {
                let Some(year) = about.year().checked_sub(years) else { break };
                for (month, of_month) in std::iter::once((about.month(), about.day())).chain(leap_day) {
                    // not every year has a 29th of February
                    if let Ok(date) = Date::new(year, month, of_month) {
                        joined.push(Span { from_instant: zone.start(date)?, until_instant: zone.start(date.tomorrow()?)? });
                    }
                }
            }
        }
    }
    Ok(Occasion {
        id: asked.id.clone(),
        date: asked.date,
        event_type: asked.event.clone(),
        at: start,
        year: i32::from(about.year()),
        days,
        joined,
        told_before: zone.start(about.checked_sub(Days::new().try_days(TOLD_BEFORE)?)?)?,
    })
}

/// Whether whoever was born on 29 February has this day in a common year: the 28th.
fn stands_for_leap_day(day: Date) -> bool {
    !day.in_leap_year() && day.month() == 2 && day.day() == 28
}
