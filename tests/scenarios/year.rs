//! A year of three programs on the virtual clock: every activation, reminder, expiry, birthday and trigger on its own day, once. What is
//! expected is computed here from the purchases, by the calendar alone. `KOPILKA_YEAR_MEMBERS` is how many members there are,
//! `KOPILKA_YEAR_SEED` what they do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tests::{Member, Random, Shop, line};

const ENROLLED: Date = date(2026, 1, 15);
const LAST: Date = date(2027, 1, 20);

/// How long points of a purchase live.
#[derive(Clone, Copy)]
enum Life {
    Months(i32),
    Calendar,
}

/// What a program does, in the test's own words.
#[derive(Clone, Copy)]
struct Trial {
    preset: &'static str,
    /// Hundredths of a point.
    welcome: i64,
    /// Percent.
    rate: i64,
    life: Life,
}

const TRIALS: [Trial; 3] = [
    Trial { preset: "gw-tools", welcome: 50_000, rate: 5, life: Life::Months(3) },
    Trial { preset: "estilo", welcome: 0, rate: 3, life: Life::Months(4) },
    Trial { preset: "estilo-calendar", welcome: 0, rate: 3, life: Life::Calendar },
];

/// What one member does: the birthday, and on which days so many hundreds are spent.
struct Person {
    birthday: Date,
    purchases: BTreeMap<Date, i64>,
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn people(random: &mut Random) -> Vec<Person> {
    (0..setting("KOPILKA_YEAR_MEMBERS", 24))
        .map(|_| {
            let birthday = date(1980, 1, 1).checked_add((random.below(366) as i64).days()).unwrap();
            let purchases = (0..random.below(7))
                .map(|_| {
                    let day = ENROLLED.checked_add((1 + random.below(365) as i64).days()).unwrap();
                    (day, 1 + random.below(40) as i64)
                })
                .collect();
            Person { birthday, purchases }
        })
        .collect()
}

/// Midnight of a day in Moscow.
fn midnight(day: Date) -> Timestamp {
    day.at(0, 0, 0, 0).to_zoned(TimeZone::get("Europe/Moscow").unwrap()).unwrap().timestamp()
}

fn noon(day: Date) -> Timestamp {
    midnight(day).checked_add(12.hours()).unwrap()
}

/// The program of the shop: the preset, with a delay of its purchases, a birthday and a word to those who sleep.
async fn opened(trial: Trial) -> Shop {
    let shop = Shop::open_at(trial.preset, "2026-01-15T08:59:00Z").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    if let Life::Months(_) = trial.life {
        document["earning"][0]["activation"] = json!({"type": "days", "days": 14});
    }
    document["events"] = json!([{"id": "gift", "type": "birthday", "points": "100", "expiry": {"type": "days", "days": 37}}]);
    document["occasions"] = json!([{"id": "birthday", "date": "birthday", "event": "birthday"}]);
    document["triggers"] = json!([{"id": "sleeping", "on": "no_purchase", "days": 60, "event": "sleeping"}]);
    shop.publish(&document).await.expect(200);
    shop
}

fn points(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Everything that a member must be told of: "moment kind what".
fn expected(trial: Trial, person: &Person) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let (begin, end) = (noon(ENROLLED), noon(LAST));
    let mut tell = |at: Timestamp, what: String| {
        if at > begin && at <= end {
            told.insert(format!("{at} {what}"));
        }
    };
    // [when it was given, the day from which it is gone, hundredths]
    let mut lots: Vec<(Timestamp, Date, i64)> = Vec::new();
    if trial.welcome > 0 {
        lots.push((begin, ENROLLED.checked_add(31.days()).unwrap(), trial.welcome));
    }
    for (day, hundreds) in &person.purchases {
        let given = hundreds * 100 * trial.rate;
        let gone = match trial.life {
            Life::Months(months) => day.checked_add(months.months()).unwrap().tomorrow().unwrap(),
            Life::Calendar => {
                let days = [(1, 1), (5, 1), (9, 1)]
                    .map(|(month, of_month)| [day.year(), day.year() + 1].map(|year| date(year, month, of_month)));
                days.into_iter().flatten().filter(|candidate| candidate > day).min().unwrap()
            }
        };
        lots.push((noon(*day), gone, given));
        if let Life::Months(_) = trial.life {
            tell(noon(day.checked_add(14.days()).unwrap()), format!("points.activated {}", points(given)));
        }
    }
    for year in [2026, 2027] {
        let born = person.birthday;
        let day = Date::new(year, born.month(), born.day()).unwrap_or(date(year, 2, 28));
        // told at the enrolment: thirty days before at least
        if midnight(day.checked_sub(30.days()).unwrap()) > begin {
            tell(midnight(day), "occasion birthday".to_owned());
            if midnight(day) <= end {
                lots.push((midnight(day), day.checked_add(38.days()).unwrap(), 10_000));
            }
        }
    }
    let days: Vec<Date> = person.purchases.keys().copied().collect();
    for (place, day) in days.iter().enumerate() {
        let wakes = day.checked_add(60.days()).unwrap();
        if days.get(place + 1).is_none_or(|next| *next >= wakes) {
            tell(midnight(wakes), "trigger sleeping".to_owned());
        }
    }
    let ends: BTreeSet<Date> = lots.iter().map(|(_, gone, _)| *gone).collect();
    for gone in ends {
        let left = |at: Timestamp| -> i64 {
            lots.iter().filter(|(given, end, _)| *end == gone && *given < at).map(|(_, _, points)| points).sum()
        };
        tell(midnight(gone), format!("points.expired {}", points(left(midnight(gone)))));
        for days in [14, 7, 1] {
            let at = midnight(gone.checked_sub(days.days()).unwrap());
            if left(at) > 0 {
                tell(at, format!("points.expiring {days} {}", points(left(at))));
            }
        }
    }
    told
}

/// What the books say that a member was told, each as often as it was.
fn told(shop: &Shop, member: &str) -> Vec<String> {
    let id = i64::from_str_radix(member.strip_prefix("mem_").unwrap(), 16).unwrap();
    let query = format!(
        "SELECT coalesce(group_concat(told, '|'), '') FROM (
           SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch') || ' ' || kind || ' '
                  || CASE kind WHEN 'points.expiring' THEN (payload ->> 'days') || ' ' || (payload ->> 'points')
                               WHEN 'occasion' THEN payload ->> 'occasion' WHEN 'trigger' THEN payload ->> 'trigger'
                               ELSE payload ->> 'points' END AS told
             FROM outbox WHERE member_id = {id}
                AND kind IN ('points.activated', 'points.expired', 'points.expiring', 'occasion', 'trigger') ORDER BY told)"
    );
    shop.text_in("default", &query).split('|').filter(|told| !told.is_empty()).map(str::to_owned).collect()
}

async fn enrolled(shop: &Shop, people: &[Person]) -> Vec<String> {
    shop.at(&noon(ENROLLED).to_string()).await;
    let mut ids = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let phone = format!("+7900{number:07}");
        let body = json!({"phone": phone, "channel": "till", "birthday": person.birthday.to_string()});
        ids.push(shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Who buys on which day.
fn calendar(people: &[Person]) -> BTreeMap<Date, Vec<(usize, i64)>> {
    let mut days: BTreeMap<Date, Vec<(usize, i64)>> = BTreeMap::new();
    for (number, person) in people.iter().enumerate() {
        for (day, hundreds) in &person.purchases {
            days.entry(*day).or_default().push((number, *hundreds));
        }
    }
    days
}

async fn buys(shop: &Shop, member: &str, hundreds: i64) {
    let lines: Value = json!([line("1", &format!("{}.00", hundreds * 100))]);
    Member::of(shop, member).buys(lines).await;
}

async fn year_of(trial: Trial) {
    let people = people(&mut Random::new(setting("KOPILKA_YEAR_SEED", 1)));
    let shop = opened(trial).await;
    let ids = enrolled(&shop, &people).await;
    for (day, buyers) in calendar(&people) {
        shop.at(&noon(day).to_string()).await;
        for (number, hundreds) in buyers {
            buys(&shop, &ids[number], hundreds).await;
        }
    }
    shop.at(&noon(LAST).to_string()).await;
    let mut count = 0;
    for (id, person) in ids.iter().zip(&people) {
        let expected: Vec<String> = expected(trial, person).into_iter().collect();
        assert_eq!(told(&shop, id), expected, "{}: {:?}", trial.preset, person.purchases);
        count += expected.len();
    }
    println!("{}: {} members, {count} messages, each on its day, once", trial.preset, people.len());
    assert!(count > people.len() * 5, "{count} messages");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_year_of_gw_tools_keeps_its_calendar() {
    year_of(TRIALS[0]).await;
}

#[tokio::test]
async fn a_year_of_estilo_keeps_its_calendar() {
    year_of(TRIALS[1]).await;
}

#[tokio::test]
async fn a_year_of_estilo_with_fixed_dates_keeps_its_calendar() {
    year_of(TRIALS[2]).await;
}

/// Jobs of the agenda and the books, in the sequence of an hour's work.
const JOBS: [&str; 7] = ["holds", "activate", "expire", "tiers", "occasions", "triggers", "remind"];

/// What went wrong with the jobs until a moment.
async fn trouble(shop: Shop, until: Timestamp, random: &mut Random) -> Shop {
    // nothing runs for up to three days before it
    let shop = if random.percent(60) { shop.beside(&until.to_string()).await } else { shop };
    match random.below(3) {
        // an hour's work is cut off somewhere, and the host is gone with it
        0 => {
            let work = async {
                for job in JOBS {
                    shop.run_job(job).await;
                }
            };
            let cut = tokio::time::sleep(std::time::Duration::from_millis(random.below(60)));
            tokio::select! { () = work => {}, () = cut => {} }
            let shop = shop.restart().await;
            shop.at(&until.to_string()).await;
            finish(&shop).await;
            shop
        }
        // two schedulers at once
        1 => {
            shop.at(&until.to_string()).await;
            for job in JOBS {
                tokio::join!(shop.run_job(job), shop.run_job(job));
            }
            finish(&shop).await;
            shop
        }
        _ => {
            shop.at(&until.to_string()).await;
            finish(&shop).await;
            shop
        }
    }
}

/// Runs each job until nothing is left.
async fn finish(shop: &Shop) {
    for job in JOBS {
        while shop.run_job(job).await["remaining"] != 0 {}
    }
}

/// What is left of a member's points, and every event and lot with its dates: what trouble must not change.
fn books(shop: &Shop, member: &str) -> String {
    let id = i64::from_str_radix(member.strip_prefix("mem_").unwrap(), 16).unwrap();
    shop.text_in(
        "default",
        &format!(
            "SELECT json_object(
               'account', (SELECT json_array(remaining, held, deficit, earned, redeemed, expired) FROM account WHERE id = {id}),
               'lots', (SELECT json_group_array(json_array(issued, remaining, expired, activates_at, expires_at))
                          FROM (SELECT * FROM lot WHERE account_id = {id} ORDER BY activates_at, issued)),
               'events', (SELECT json_group_array(json_array(type, occurred_at, earned))
                            FROM (SELECT * FROM event WHERE member_id = {id} AND type <> 'sleeping' ORDER BY occurred_at)))"
        ),
    )
}

/// A message without the moment when it was sent.
fn what(told: &str) -> &str {
    told.split_once(' ').map_or("", |(_, what)| what)
}

#[tokio::test]
async fn jobs_that_are_cut_off_doubled_or_late_leave_the_same_books_and_tell_nothing_twice() {
    let mut random = Random::new(setting("KOPILKA_YEAR_SEED", 1));
    let trial = TRIALS[0];
    let people = people(&mut random);
    let (calm, mut troubled) = (opened(trial).await, opened(trial).await);
    let (calm_ids, troubled_ids) = (enrolled(&calm, &people).await, enrolled(&troubled, &people).await);
    let mut before = ENROLLED;
    for (day, buyers) in calendar(&people) {
        calm.at(&noon(day).to_string()).await;
        // whatever happens to the jobs happens within three days before the day
        let quiet = day.checked_sub(3.days()).unwrap();
        if quiet > before && random.percent(50) {
            troubled.at(&noon(quiet).to_string()).await;
            troubled = trouble(troubled, noon(day), &mut random).await;
        } else {
            troubled.at(&noon(day).to_string()).await;
        }
        for (number, hundreds) in buyers {
            buys(&calm, &calm_ids[number], hundreds).await;
            buys(&troubled, &troubled_ids[number], hundreds).await;
        }
        before = day;
    }
    calm.at(&noon(LAST).to_string()).await;
    troubled.at(&noon(LAST).to_string()).await;
    let (mut all, mut late) = (0, 0);
    for ((calm_id, troubled_id), person) in calm_ids.iter().zip(&troubled_ids).zip(&people) {
        assert_eq!(books(&troubled, troubled_id), books(&calm, calm_id), "{:?}", person.purchases);
        let (expected, told) = (told(&calm, calm_id), told(&troubled, troubled_id));
        let mut left: Vec<&str> = expected.iter().map(|told| what(told)).collect();
        for told in &told {
            // nothing is told that would not be, and nothing twice
            let place = left.iter().position(|expected| *expected == what(told));
            left.remove(place.unwrap_or_else(|| panic!("{told} of {told:?}, expected {expected:?}")));
            late += usize::from(!expected.contains(told));
        }
        // a late reminder gives way to the next, and who buys before a late job comes is not asleep: nothing else is left out
        let skipped = |what: &str| what.starts_with("points.expiring") || what == "trigger sleeping";
        assert_eq!(left.iter().filter(|what| !skipped(what)).collect::<Vec<_>>(), Vec::<&&str>::new());
        all += told.len();
    }
    println!("{all} messages, {late} of them later than without trouble");
    troubled.audit_is_clean().await;
}
