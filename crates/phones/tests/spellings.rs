//! One phone however it is written, and no two phones the same: a table of ten countries, and 10 000 spellings made from it.

use std::collections::BTreeMap;

use phones::{NotAPhone, normalize};

/// A country: where its people dial from, a number of theirs in E.164, and ways in which it is written there.
struct Country {
    code: &'static str,
    e164: &'static str,
    /// Digits after the country code, in the groups in which they are spoken.
    groups: &'static [&'static str],
    /// What is dialled before a number at home.
    trunk: &'static str,
    written: &'static [&'static str],
}

const COUNTRIES: [Country; 10] = [
    Country {
        code: "RU",
        e164: "+79123456789",
        groups: &["912", "345", "67", "89"],
        trunk: "8",
        written: &[
            "8 (912) 345-67-89",
            "8-912-345-67-89",
            "8 912 3456789",
            "+7 (912) 345 67 89",
            "7 912 345 67 89",
            "912 345-67-89",
            "9123456789",
            "8(912)3456789",
            "007 912 345-67-89",
            "+7 8 912 345 67 89",
            "tel:+79123456789",
        ],
    },
    Country {
        code: "BY",
        e164: "+375291234567",
        groups: &["29", "123", "45", "67"],
        trunk: "8",
        written: &[
            "8 (029) 123-45-67",
            "8 029 1234567",
            "80291234567",
            "+375 (29) 123-45-67",
            "375 29 123 45 67",
            "29 123-45-67",
            "00375 29 123 45 67",
        ],
    },
    Country {
        code: "KZ",
        e164: "+77012345678",
        groups: &["701", "234", "56", "78"],
        trunk: "8",
        written: &[
            "8 701 234 56 78",
            "8 (701) 234-56-78",
            "+7 701 234 5678",
            "7 (701) 234 56 78",
            "7012345678",
            "007 701 2345678",
        ],
    },
    Country {
        code: "DE",
        e164: "+4915112345678",
        groups: &["151", "1234", "5678"],
        trunk: "0",
        written: &[
            "0151 12345678",
            "0151/12345678",
            "0151-1234 5678",
            "+49 (0)151 12345678",
            "+49 151 1234 5678",
            "0049 151 12345678",
            "(0151) 12345678",
        ],
    },
    Country {
        code: "GB",
        e164: "+447911123456",
        groups: &["7911", "123", "456"],
        trunk: "0",
        written: &[
            "07911 123456",
            "07911 123 456",
            "+44 7911 123456",
            "+44 (0) 7911 123456",
            "0044 7911 123456",
            "(07911) 123-456",
        ],
    },
    Country {
        code: "US",
        e164: "+12015550123",
        groups: &["201", "555", "0123"],
        trunk: "1",
        written: &[
            "(201) 555-0123",
            "201-555-0123",
            "201.555.0123",
            "1-201-555-0123",
            "+1 (201) 555-0123",
            "1 201 555 0123",
            "001 201 555 0123",
            "011 1 201 555 0123",
        ],
    },
    Country {
        code: "FR",
        e164: "+33612345678",
        groups: &["6", "12", "34", "56", "78"],
        trunk: "0",
        written: &[
            "06 12 34 56 78",
            "06.12.34.56.78",
            "06-12-34-56-78",
            "+33 6 12 34 56 78",
            "+33 (0)6 12 34 56 78",
            "0033 6 12 34 56 78",
        ],
    },
    Country {
        code: "IT",
        e164: "+390612345678",
        // the zero is a part of the number, also from abroad
        groups: &["06", "1234", "5678"],
        trunk: "",
        written: &["06 1234 5678", "06/12345678", "+39 06 12345678", "0039 06 1234 5678", "06-12345678", "(06) 1234 5678"],
    },
    Country {
        code: "BR",
        e164: "+5511961234567",
        groups: &["11", "96123", "4567"],
        trunk: "0",
        written: &[
            "(11) 96123-4567",
            "11 96123-4567",
            "0 11 96123-4567",
            "0 15 11 96123-4567",
            "+55 (11) 96123-4567",
            "0055 11 961234567",
        ],
    },
    Country {
        code: "AE",
        e164: "+971501234567",
        groups: &["50", "123", "4567"],
        trunk: "0",
        written: &[
            "050 123 4567",
            "050-1234567",
            "+971 50 123 4567",
            "+971 (0)50 123 4567",
            "00971 50 123 4567",
            "٠٥٠ ١٢٣ ٤٥٦٧",
            "+٩٧١ ٥٠ ١٢٣ ٤٥٦٧",
        ],
    },
];

#[test]
fn a_phone_of_ten_countries_is_one_however_it_is_written_there() {
    let mut wrong = Vec::new();
    for country in &COUNTRIES {
        for written in country.written.iter().chain(&[country.e164]) {
            let found = normalize(written, country.code);
            if found.as_deref() != Ok(country.e164) {
                wrong.push((country.code, *written, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_phone_with_its_country_code_is_the_same_from_everywhere() {
    for country in &COUNTRIES {
        for from in COUNTRIES.iter().map(|country| country.code).chain(["JP", "no country"]) {
            assert_eq!(normalize(country.e164, from).as_deref(), Ok(country.e164), "from {from}");
            assert_eq!(normalize(&country.e164.replace('+', "00"), from).as_deref(), Ok(country.e164), "from {from}");
        }
    }
}

#[test]
fn what_is_not_exactly_one_phone_is_refused() {
    use NotAPhone::{Extension, Local, Unreadable};
    for (text, country, why) in [
        ("+7 912 345-67-89 ext. 12", "RU", Extension),
        ("+7 912 345-67-89 доб. 12", "RU", Extension),
        ("+7 912 345-67-89 #12", "RU", Extension),
        ("+7 912 345-67-89,12", "RU", Extension),
        ("tel:+79123456789;ext=12", "RU", Extension),
        ("201-555-0123 x5", "US", Extension),
        ("555-0123", "US", Local),
        ("1234567", "BR", Unreadable),
        ("+7 912 345-67-8", "RU", Unreadable),
        ("+7 912 345-67-899", "RU", Unreadable),
        ("345-67-89", "RU", Local),
        ("+8 912 345-67-89", "RU", Unreadable),
        ("+7 912 345-67-89 / 90", "RU", Unreadable),
        ("+7 912 345-67-89 +7 912 345-67-90", "RU", Unreadable),
        ("тел. +7 912 345-67-89", "RU", Unreadable),
        ("+7 9I2 345-67-89", "RU", Unreadable),
        ("1-800-FLOWERS", "US", Unreadable),
        ("9123456789", "no country", Unreadable),
        ("++79123456789", "RU", Unreadable),
        ("7+9123456789", "RU", Unreadable),
        ("", "RU", Unreadable),
        ("+", "RU", Unreadable),
        ("0000", "RU", Unreadable),
        ("()-", "RU", Unreadable),
        ("anna@example.com", "RU", Unreadable),
        ("+7912345678𝟗", "RU", Unreadable),
    ] {
        assert_eq!(normalize(text, country), Err(why), "{text}");
    }
    assert_eq!(normalize(&"9".repeat(1_000_000), "RU"), Err(Unreadable));
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap_or_default()
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// A neighbour's number: its end is another one, of a hundred.
fn neighbour(country: &Country, random: &mut Random) -> (Vec<String>, String) {
    let mut groups: Vec<String> = country.groups.iter().map(|group| (*group).to_owned()).collect();
    let last = groups.last_mut().expect("a number has groups");
    let width = last.len();
    *last = format!("{:0width$}", random.below(10_usize.pow(u32::try_from(width.min(2)).expect("small"))));
    let own: usize = country.groups.iter().map(|group| group.len()).sum();
    let e164 = format!("{}{}", &country.e164[..country.e164.len() - own], groups.concat());
    (groups, e164)
}

/// Any way of writing it: at home or with the country code, with brackets or not, with whatever stands between the groups.
fn spelling(country: &Country, groups: &[String], e164: &str, random: &mut Random) -> String {
    let between = ["", " ", "-", ".", "  ", "\u{a0}", "\u{202f}", "\u{2011}", "\u{2013}", "\u{2009}", " - ", "\u{2212}", "/"];
    let code = &e164[1..e164.len() - groups.concat().len()];
    let mut parts = groups.to_vec();
    // in Belarus the trunk code 8 is followed by a zero of the area code
    let at_home = if country.code == "BY" { "80" } else { country.trunk };
    let bracketed = random.below(3) == 0;
    if bracketed {
        parts[0] = format!("({})", parts[0]);
    }
    let begin = match random.below(6) {
        0 | 1 => format!("+{code}"),
        2 => format!("00{code}"),
        3 => format!("\u{ff0b}{code}"),
        _ => at_home.to_owned(),
    };
    let mut text = begin;
    for part in parts {
        let separator = random.one_of(&between);
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(&part);
    }
    disguised(&text, random)
}

/// The same in another script, or with what is copied along.
fn disguised(text: &str, random: &mut Random) -> String {
    let zero = [0x30, 0x30, 0x30, 0x30, 0xff10, 0x660, 0x6f0][random.below(7)];
    let shifted = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(zero + digit)).unwrap_or(c);
    let mut text: String = text.chars().map(shifted).collect();
    match random.below(6) {
        0 => text = format!("\u{202a}{text}\u{202c}"),
        1 => text = format!(" {text}\n"),
        2 => text.insert(0, '\u{feff}'),
        3 => text.push('\u{200e}'),
        _ => {}
    }
    text
}

#[test]
fn of_10_000_spellings_those_of_one_phone_are_one_and_those_of_two_are_two() {
    let seed = std::env::var("KOPILKA_PHONE_SEED").map_or(1, |seed| seed.parse().expect("a seed is a number"));
    let mut random = Random(seed);
    let mut people: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..10_000 {
        let country = &COUNTRIES[number % COUNTRIES.len()];
        let (groups, e164) = neighbour(country, &mut random);
        let text = spelling(country, &groups, &e164, &mut random);
        assert_eq!(normalize(&text, country.code).as_deref(), Ok(e164.as_str()), "{text:?} from {}, seed {seed}", country.code);
        *people.entry(e164).or_default() += 1;
    }
    assert_eq!(people.len(), COUNTRIES.len() * 100, "people in all");
    assert!(people.values().all(|spellings| *spellings > 1), "each is written in more than one way");
}

#[test]
fn noise_is_refused_or_keeps_every_digit_that_was_typed() {
    let mut random = Random(7);
    let letters = [
        "+", "0", "00", "8", "7", "1", "9", "49", "5", "3", " ", "-", "(", ")", "/", ".", "x", "#", "доб", "\u{a0}", "٣", "９",
        "😀", "\u{0}",
    ];
    let mut taken = 0;
    for _ in 0..100_000 {
        let text: String = (0..1 + random.below(16)).map(|_| random.one_of(&letters)).collect();
        let country = &COUNTRIES[random.below(COUNTRIES.len())];
        let Ok(found) = normalize(&text, country.code) else { continue };
        taken += 1;
        let typed: String = text
            .chars()
            .filter_map(|c| match c {
                '٣' => Some('3'),
                '９' => Some('9'),
                c => c.is_ascii_digit().then_some(c),
            })
            .collect();
        // the national number is the end of what was typed: nobody gets another one's
        let own = found.trim_start_matches('+');
        let common = own.chars().rev().zip(typed.chars().rev()).take_while(|(a, b)| a == b).count();
        assert!(common >= 4 && common + 4 >= own.len(), "{text:?} from {} became {found}", country.code);
        assert_eq!(normalize(&found, "JP").as_deref(), Ok(found.as_str()), "it is written one way");
    }
    assert!(taken > 100, "{taken}");
}
