//! The sentence for each rule, in English and Russian: why it gave what it gave, or how far it was from firing.
//!
//! Codes are for programs and stay as they are; sentences are for members and may be improved. By subject: `gifts`, what
//! a rule gave or took off; `misses`, why it gave nothing; `payments`, what points paid; `referrals`, what friends bring.

mod gifts;
mod misses;
mod payments;
mod referrals;
mod said;

pub use gifts::{Cap, Gift, Taken};
pub use misses::{BELOW_MINIMUM, Miss};
pub use payments::{Obstacle, REDEMPTION};
pub use referrals::NotPaid;

use std::cell::Cell;

use crate::document::{Document, MEMBERSHIP, Start};
use crate::engine::{Explanation, Offer, Perk, Shortfall};
use said::Said;

/// Writes amounts as the program's members read them.
pub struct Teller<'d> {
    document: &'d Document,
    /// What points are called in English.
    english: &'d str,
    /// And in Russian.
    russian: &'d str,
    /// Where sentences are written: what is told is copied out of it, so that it takes no more memory than it needs.
    blank: Cell<Said>,
}

impl<'d> Teller<'d> {
    /// A teller that uses the program's names and scale.
    pub fn of(document: &'d Document) -> Self {
        let english = document.settings.points_name.as_str();
        let russian = document.names.iter().find(|(language, _)| language == "ru").map_or(english, |(_, name)| name);
        Self { document, english, russian, blank: Cell::default() }
    }

    /// An empty sentence.
    fn blank(&self) -> Said {
        self.blank.take().forgotten()
    }

    /// `500.00 points`.
    fn points(&self, said: Said, points: i64) -> Said {
        said.amount(points, self.document.settings.points_scale).text(" ").words(self.english, self.russian)
    }

    /// A perk that the order has.
    pub fn perk(&self, perk: &Perk) -> Explanation {
        self.explanation(&perk.id, true, 0, 0, "perk", self.blank().text(&perk.name), None)
    }

    /// A rule for events that fired; with the name of a tier that it gave.
    pub fn event(&self, rule_id: &str, points: i64, type_name: &str, tier: Option<&str>) -> Explanation {
        let blank = self.blank();
        let sentence = match (tier, points) {
            (Some(tier), 0) => blank.words("the tier ", "уровень ").text(tier),
            (Some(tier), _) => self.points(blank, points).words(" and the tier ", " и уровень ").text(tier),
            (None, _) => self.points(blank, points),
        };
        let sentence = sentence.words(" for \"", " за «").text(type_name).words("\"", "»");
        self.explanation(rule_id, true, points, 0, "event", sentence, None)
    }

    /// Points for enrolling.
    pub fn welcome(&self, rule_id: &str, points: i64) -> Explanation {
        let sentence = self.points(self.blank(), points).words(" for joining", " за вступление");
        self.explanation(rule_id, true, points, 0, "welcome", sentence, None)
    }

    /// No points for enrolling through this channel.
    pub fn no_welcome(&self, rule_id: &str) -> Explanation {
        let (english, russian) =
            ("only for those who join through other channels", "только для тех, кто вступает через другие каналы");
        self.explanation(rule_id, false, 0, 0, "other_channel", self.blank().words(english, russian), None)
    }

    /// What an order that counts so much (hundredths) is to a membership that has not started.
    pub fn start(&self, start: Start, qualifying: i64) -> Explanation {
        let blank = self.blank();
        let missing = start.order_min.saturating_sub(qualifying);
        if missing <= 0 {
            let said = blank.words("membership starts with this purchase", "с этой покупки начинается участие");
            return self.explanation(MEMBERSHIP, true, 0, 0, "membership_started", said, None);
        }
        let said =
            blank.words("membership starts with a purchase of ", "участие начинается с покупки на ").money(start.order_min);
        let said = said.words("; ", ": не хватает ").money(missing).words(" more in one order", " в одном заказе");
        self.explanation(MEMBERSHIP, false, 0, 0, "membership_not_started", said, Some(Shortfall::Money(missing)))
    }

    /// "Buy 340.00 more, get 50.00 points", or so much off; perhaps only with regular goods.
    pub fn offer(&self, rule_id: &str, shortfall: i64, regular: bool, points: i64, money: i64) -> Offer {
        let buy = if regular {
            ("Buy regular goods for ", "Купите ещё неакционных товаров на ")
        } else {
            ("Buy ", "Купите ещё на ")
        };
        let said = self.blank().words(buy.0, buy.1).money(shortfall).words(" more, get ", " и получите ");
        let said =
            if points > 0 { self.points(said, points) } else { said.words("", "скидку ").money(money).words(" off", "") };
        let (reason, translations) = said.translated();
        self.blank.set(said);
        Offer { rule_id: rule_id.to_owned(), shortfall, points, money, reason, translations }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields")]
    fn explanation(
        &self,
        rule_id: &str,
        fired: bool,
        points: i64,
        money: i64,
        code: &str,
        said: Said,
        shortfall: Option<Shortfall>,
    ) -> Explanation {
        let (reason, translations) = said.translated();
        self.blank.set(said);
        Explanation { rule_id: rule_id.to_owned(), fired, points, money, code: code.to_owned(), reason, translations, shortfall }
    }
}
