//! The sentence for each rule, in English and Russian: why it gave what it gave, or how far it was from firing.
//!
//! Codes are for programs and stay as they are; sentences are for members and may be improved. By subject: `gifts`, what
//! a rule gave or took off; `misses`, why it gave nothing; `payments`, what points paid.

mod gifts;
mod misses;
mod payments;
mod said;

pub use gifts::{Cap, Gift, Taken};
pub use misses::Miss;
pub use payments::{Obstacle, REDEMPTION};

use crate::document::Document;
use crate::engine::{Explanation, Offer, Perk, Shortfall};
use said::{Said, said};

/// Writes amounts as the program's members read them.
#[derive(Clone, Copy)]
pub struct Teller<'d> {
    document: &'d Document,
    /// What points are called in English.
    english: &'d str,
    /// And in Russian.
    russian: &'d str,
}

impl<'d> Teller<'d> {
    /// A teller that uses the program's names and scale.
    pub fn of(document: &'d Document) -> Self {
        let english = document.settings.points_name.as_str();
        let russian = document.names.iter().find(|(language, _)| language == "ru").map_or(english, |(_, name)| name);
        Self { document, english, russian }
    }

    /// `500.00 points`.
    fn points(&self, said: Said, points: i64) -> Said {
        said.amount(points, self.document.settings.points_scale).text(" ").words(self.english, self.russian)
    }

    /// A perk that the order has.
    pub fn perk(&self, perk: &Perk) -> Explanation {
        explanation(&perk.id, true, 0, 0, "perk", said(perk.name.as_str(), perk.name.as_str()), None)
    }

    /// A rule for events that fired; with the name of a tier that it gave.
    pub fn event(&self, rule_id: &str, points: i64, type_name: &str, tier: Option<&str>) -> Explanation {
        let blank = Said::nothing();
        let sentence = match (tier, points) {
            (Some(tier), 0) => blank.words("the tier ", "уровень ").text(tier),
            (Some(tier), _) => self.points(blank, points).words(" and the tier ", " и уровень ").text(tier),
            (None, _) => self.points(blank, points),
        };
        let sentence = sentence.words(" for \"", " за «").text(type_name).words("\"", "»");
        explanation(rule_id, true, points, 0, "event", sentence, None)
    }

    /// Points for enrolling.
    pub fn welcome(&self, rule_id: &str, points: i64) -> Explanation {
        let sentence = self.points(Said::nothing(), points).words(" for joining", " за вступление");
        explanation(rule_id, true, points, 0, "welcome", sentence, None)
    }

    /// No points for enrolling through this channel.
    pub fn no_welcome(&self, rule_id: &str) -> Explanation {
        let sentence = said("only for those who join through other channels", "только для тех, кто вступает через другие каналы");
        explanation(rule_id, false, 0, 0, "other_channel", sentence, None)
    }

    /// "Buy 340.00 more, get 50.00 points", or so much off.
    pub fn offer(&self, rule_id: &str, shortfall: i64, points: i64, money: i64) -> Offer {
        let said = Said::nothing().words("Buy ", "Купите ещё на ").money(shortfall).words(" more, get ", " и получите ");
        let said = if points > 0 { self.points(said, points) } else { said.words("", "скидку ").money(money).words(" off", "") };
        let (reason, translations) = said.translated();
        Offer { rule_id: rule_id.to_owned(), shortfall, points, money, reason, translations }
    }
}

fn explanation(
    rule_id: &str,
    fired: bool,
    points: i64,
    money: i64,
    code: &str,
    sentence: Said,
    shortfall: Option<Shortfall>,
) -> Explanation {
    let (reason, translations) = sentence.translated();
    Explanation { rule_id: rule_id.to_owned(), fired, points, money, code: code.to_owned(), reason, translations, shortfall }
}
