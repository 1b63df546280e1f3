//! The holiday, and what it does to a judgement.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::bindings::exports::kopilka::rules::engine::{Explanation, Grant, Judgement, Offer, Share, Translation};

/// 8 March: month and day in the program's zone, every year.
const HOLIDAY: (i8, i8) = (3, 8);
/// What the grants and explanations of the holiday are called.
const RULE: &str = "holiday";

/// Whether a moment (in milliseconds) lies on the holiday.
pub fn is_on(moment: i64, zone: &TimeZone) -> bool {
    Timestamp::from_millisecond(moment).is_ok_and(|moment| {
        let day = zone.to_datetime(moment).date();
        (day.month(), day.day()) == HOLIDAY
    })
}

/// The same judgement on another day: nothing is doubled, and the explanation says when it would be.
pub fn announce(mut judged: Judgement) -> Judgement {
    judged.explanations.push(explanation(
        0,
        "not_today",
        "Points are doubled on 8 March".to_owned(),
        "8 марта баллы удваиваются".to_owned(),
    ));
    judged
}

/// The judgement with every earned point given twice. None when there are more points than can be counted.
pub fn double(mut judged: Judgement, scale: u8) -> Option<Judgement> {
    let given = judged.earned;
    let first_twin = u32::try_from(judged.grants.len()).ok()?;
    let twins: Vec<Grant> = judged.grants.iter().map(|grant| Grant { rule_id: RULE.to_owned(), ..grant.clone() }).collect();
    judged.grants.extend(twins);
    judged.earned = given.checked_mul(2)?;
    for line in &mut judged.lines {
        let twin = |share: &Share| Some(Share { grant: share.grant.checked_add(first_twin)?, ..*share });
        let twins: Vec<Share> = line.shares.iter().map(twin).collect::<Option<_>>()?;
        line.shares.extend(twins);
    }
    for offer in &mut judged.offers {
        promise_double(offer, scale)?;
    }
    judged.explanations.push(if given > 0 {
        let more = decimal(given, scale);
        let english = format!("It is 8 March: {more} points more, as many again");
        explanation(given, "doubled", english, format!("Сегодня 8 марта: ещё {more}, столько же"))
    } else {
        let english = "It is 8 March, but the order earned nothing to double".to_owned();
        explanation(0, "nothing_to_double", english, "Сегодня 8 марта, но удваивать нечего".to_owned())
    });
    Some(judged)
}

fn promise_double(offer: &mut Offer, scale: u8) -> Option<()> {
    // an offer may also be of money: that is not doubled
    if offer.points > 0 {
        offer.points = offer.points.checked_mul(2)?;
        let doubled = decimal(offer.points, scale);
        offer.reason.push_str(&format!("; it is 8 March: {doubled} with the holiday"));
        for translation in offer.translations.iter_mut().filter(|translation| translation.language == "ru") {
            translation.text.push_str(&format!("; сегодня 8 марта: {doubled} вместе с праздничными"));
        }
    }
    Some(())
}

fn explanation(points: i64, code: &str, reason: String, russian: String) -> Explanation {
    Explanation {
        rule_id: RULE.to_owned(),
        fired: points > 0,
        points,
        money: 0,
        code: code.to_owned(),
        reason,
        translations: vec![Translation { language: "ru".to_owned(), text: russian }],
        shortfall: None,
    }
}

/// Minor units with all decimals of the scale: 24 950 with scale 2 is `249.50`.
fn decimal(units: i64, scale: u8) -> String {
    let per_point = 10_u64.saturating_pow(scale.into());
    let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    let (whole, rest) = (units.checked_div(per_point), units.checked_rem(per_point));
    match (scale, whole.zip(rest)) {
        (1.., Some((whole, rest))) => format!("{sign}{whole}.{rest:0>width$}", width = usize::from(scale)),
        _ => format!("{sign}{units}"),
    }
}
