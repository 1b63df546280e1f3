//! Points, days and numbers as people of a language read them: the filters of templates.

use jiff::Timestamp;
use minijinja::{Environment, Error, ErrorKind};
use rust_decimal::Decimal;

use crate::calendar::Zone;

/// All that [`teach`] teaches.
pub const FILTERS: [&str; 6] = ["day", "last_day", "time", "number", "plural", "or"];

/// English, unless it is Russian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    English,
    Russian,
}

const MONTHS: [(&str, &str); 12] = [
    ("January", "января"),
    ("February", "февраля"),
    ("March", "марта"),
    ("April", "апреля"),
    ("May", "мая"),
    ("June", "июня"),
    ("July", "июля"),
    ("August", "августа"),
    ("September", "сентября"),
    ("October", "октября"),
    ("November", "ноября"),
    ("December", "декабря"),
];

/// Keeps digits of one number on one line.
const NO_BREAK: char = '\u{a0}';

/// Teaches an environment the words of a language: `day` (the local day of a moment), `last_day` (the one before a moment from
/// which on something is over), `time` (the local time), `number`, `plural` (one of its forms by a number), `or` (what stands there instead of
/// nothing). Each says nothing of nothing.
pub fn teach(environment: &mut Environment, language: &str, zone: &Zone) {
    let grammar = if language == "ru" { Grammar::Russian } else { Grammar::English };
    let of = zone.clone();
    environment.add_filter("day", move |moment: String| told(&moment, |at| day(&of, at, grammar)));
    let of = zone.clone();
    environment.add_filter("last_day", move |moment: String| told(&moment, |at| day(&of, at.checked_sub(1)?, grammar)));
    let of = zone.clone();
    environment.add_filter("time", move |moment: String| told(&moment, |at| time(&of, at)));
    environment.add_filter(
        "number",
        move |amount: String| {
            if amount.is_empty() { Ok(amount) } else { Ok(number(decimal(&amount)?, grammar)) }
        },
    );
    environment.add_filter("plural", move |amount: String, one: String, few: String, many: Option<String>| {
        if amount.is_empty() { Ok(amount) } else { decimal(&amount).map(|amount| plural(amount, grammar, one, few, many)) }
    });
    environment.add_filter("or", |value: String, other: String| if value.is_empty() { other } else { value });
}

fn told(moment: &str, tell: impl Fn(i64) -> Option<String>) -> Result<String, Error> {
    if moment.is_empty() {
        return Ok(String::new());
    }
    let at = moment.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    at.and_then(tell).ok_or_else(|| wrong("a moment"))
}

fn wrong(wanted: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{wanted} is needed here"))
}

fn day(zone: &Zone, at: i64, grammar: Grammar) -> Option<String> {
    let date = zone.local(at).ok()?.date();
    let index = usize::try_from(date.month()).ok()?.checked_sub(1)?;
    let (english, russian) = MONTHS.get(index)?;
    let month = if grammar == Grammar::Russian { russian } else { english };
    Some(format!("{} {month} {}", date.day(), date.year()))
}

fn time(zone: &Zone, at: i64) -> Option<String> {
    let local = zone.local(at).ok()?;
    Some(format!("{:02}:{:02}", local.hour(), local.minute()))
}

fn decimal(amount: &str) -> Result<Decimal, Error> {
    Decimal::from_str_exact(amount).map_err(|_| wrong("a number"))
}

/// "1249.50" as "1,249.5", or as "1 249,5".
fn number(amount: Decimal, grammar: Grammar) -> String {
    let text = amount.normalize().to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("−", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (between, point) = if grammar == Grammar::Russian { (NO_BREAK, ',') } else { (',', '.') };
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(place);
        if place > 0 && left.checked_rem(3) == Some(0) {
            grouped.push(between);
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}{point}{fraction}") }
}

/// The form of a noun after a number (Unicode CLDR, plural rules of cardinals): English has one and the others, Russian one (1, 21,
/// 101), few (2 to 4, 22) and many (0, 5 to 20); numbers with a fraction take the second form in both.
fn plural(amount: Decimal, grammar: Grammar, one: String, few: String, many: Option<String>) -> String {
    let amount = amount.normalize().abs();
    let whole = amount.is_integer();
    let rest = |of: i64| amount.checked_rem(Decimal::from(of)).and_then(|rest| i64::try_from(rest).ok()).unwrap_or_default();
    match grammar {
        Grammar::English if amount == Decimal::ONE => one,
        Grammar::English => few,
        Grammar::Russian if !whole => few,
        Grammar::Russian => match (rest(10), rest(100)) {
            (1, last) if last != 11 => one,
            (2..=4, last) if !(12..=14).contains(&last) => few,
            _ => many.unwrap_or(few),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(template: &str, language: &str, value: &str) -> String {
        let mut environment = Environment::empty();
        teach(&mut environment, language, &Zone::named("Europe/Moscow").unwrap());
        let context = std::collections::BTreeMap::from([("value", value.to_owned())]);
        environment.render_str(template, minijinja::Value::from_object(context)).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn days_are_those_of_the_zone_in_the_words_of_the_language() {
        let eve = "2026-03-31T21:00:00Z"; // midnight in Moscow
        assert_eq!(read("{{ value | day }}", "en", eve), "1 April 2026");
        assert_eq!(read("{{ value | day }}", "ru", eve), "1 апреля 2026");
        assert_eq!(read("{{ value | last_day }}", "ru", eve), "31 марта 2026");
        assert_eq!(read("{{ value | time }}", "en", "2026-03-31T21:05:00Z"), "00:05");
        assert_eq!(read("[{{ value | day }}]", "en", ""), "[]");
        assert!(read("{{ value | day }}", "en", "soon").contains("a moment is needed here"));
    }

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        for (amount, english, russian) in
            [("1249.50", "1,249.5", "1\u{a0}249,5"), ("0.00", "0", "0"), ("-1234567", "−1,234,567", "−1\u{a0}234\u{a0}567")]
        {
            assert_eq!(read("{{ value | number }}", "en", amount), english);
            assert_eq!(read("{{ value | number }}", "ru", amount), russian);
        }
        assert!(read("{{ value | number }}", "en", "many").contains("a number is needed here"));
    }

    #[test]
    fn a_noun_has_the_form_that_its_number_asks_for() {
        let russian = |amount| read("{{ value | plural('балл', 'балла', 'баллов') }}", "ru", amount);
        for (amounts, form) in [(["1", "21", "101.00"], "балл"), (["2", "34", "2.5"], "балла"), (["0", "11", "112"], "баллов")]
        {
            for amount in amounts {
                assert_eq!(russian(amount), form, "{amount}");
            }
        }
        let english = |amount| read("{{ value | plural('point', 'points') }}", "en", amount);
        assert_eq!((english("1.00"), english("0"), english("1.5")), ("point".into(), "points".into(), "points".into()));
    }

    #[test]
    fn something_stands_there_instead_of_nothing() {
        assert_eq!(read("{{ value | or('friend') }}", "en", ""), "friend");
        assert_eq!(read("{{ value | or('friend') }}", "en", "Anna"), "Anna");
    }
}
