//! Phones written one way: E.164, whatever way they were typed. The numbering plans are libphonenumber's; what it takes too
//! kindly (letters, extensions, numbers without an area code) is refused here, because two people could become one by it.

use rlibphonenumber::{NumberLengthType, PhoneNumber, Region};

/// The longest text that is looked at.
const LONGEST: usize = 100;

/// A number that is another one each time it is read is none.
const MOST_READINGS: usize = 3;

/// Why a text is no phone by which a person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAPhone {
    /// An extension: behind the same number are several people.
    Extension,
    /// A number of one town, without its area code.
    Local,
    /// Anything else.
    Unreadable,
}

impl NotAPhone {
    /// What is wrong, and what would be right.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Extension => "has an extension: several people share such a number; give one that is the person's own",
            Self::Local => "lacks its area code; write it as \"+79000000001\"",
            Self::Unreadable => "is no phone number; write it as \"+79000000001\"",
        }
    }
}

/// A phone in E.164; `country` (ISO 3166-1 alpha-2) is where a number without a country code is dialled from.
///
/// # Errors
/// [`NotAPhone`] for whatever is not exactly one dialable number.
pub fn normalize(text: &str, country: &str) -> Result<String, NotAPhone> {
    let dialled = dialled(text)?;
    let region: Option<Region> = country.parse().ok();
    let mut written = read(&dialled, region)?;
    // a number that is long enough but nobody's may lose a trunk prefix only when it is read again: what is kept is what it
    // is in the end, whether it came from a caller or from our own answer
    for _ in 0..MOST_READINGS {
        let again = read(&written, region)?;
        if again == written {
            return Ok(written);
        }
        written = again;
    }
    Err(NotAPhone::Unreadable)
}

fn read(dialled: &str, region: Option<Region>) -> Result<String, NotAPhone> {
    let number = PhoneNumber::parse(dialled, region).map_err(|_| NotAPhone::Unreadable)?;
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => Ok(number.to_string()),
        Ok(NumberLengthType::IsPossibleLocalOnly) => Err(NotAPhone::Local),
        Err(_) => Err(NotAPhone::Unreadable),
    }
}

/// What is dialled: digits, with a plus sign before them where the country code is told.
fn dialled(text: &str) -> Result<String, NotAPhone> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    let text = text.strip_prefix("tel:").or_else(|| text.strip_prefix("TEL:")).unwrap_or(text);
    if text.chars().count() > LONGEST {
        return Err(NotAPhone::Unreadable);
    }
    let mut dialled = String::new();
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if let Some(digit) = digit(c) {
            dialled.push(digit);
        } else if matches!(c, '+' | '\u{ff0b}') && dialled.is_empty() {
            dialled.push('+');
        } else if !is_separator(c) {
            // after a whole number: "ext. 12", "доб. 12", "#12", ";ext=12", ",12"
            let is_extension = dialled.len() > 6 && (c.is_alphabetic() || matches!(c, '#' | ';' | ',' | '*'));
            return Err(if is_extension { NotAPhone::Extension } else { NotAPhone::Unreadable });
        }
    }
    // how most of the world dials abroad; no number begins so at home
    Ok(match dialled.strip_prefix("00") {
        Some(abroad) => format!("+{abroad}"),
        None => dialled,
    })
}

/// A decimal digit of the scripts that keyboards have: Latin, full-width, Arabic, Persian, Devanagari, Bengali, Thai.
fn digit(c: char) -> Option<char> {
    const ZEROES: [u32; 7] = [0x30, 0xff10, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50];
    let value = ZEROES.iter().filter_map(|zero| u32::from(c).checked_sub(*zero)).find(|value| *value < 10)?;
    char::from_digit(value, 10)
}

/// What people write between digits.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '(' | ')' | '[' | ']' | '（' | '）' | '-' | '.' | '/' | '·' | '\u{2010}'
                ..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff0d}' | '\u{ff0e}' | '\u{ff0f}'
        )
}

/// What is copied along from contacts and pages without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
