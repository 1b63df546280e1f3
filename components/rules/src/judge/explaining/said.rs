//! A sentence in both languages, written piece by piece.

use crate::engine::Translation;
use crate::judge::plural;
use crate::text::{FACTOR_SCALE, MONEY_SCALE, PERCENT_SCALE, QUANTITY_SCALE, Written};

/// A sentence in both languages. Most sentences have their amounts in the same sequence: each is written out once.
#[derive(Default)]
pub struct Said {
    /// For whoever reads no other language.
    pub english: String,
    /// The same.
    pub russian: String,
}

impl Said {
    /// The memory of a sentence for another one.
    pub fn forgotten(mut self) -> Self {
        self.english.clear();
        self.russian.clear();
        self
    }

    /// Words of each language.
    #[inline] // a host copies a length that is written in the code without calling anything
    pub fn words(mut self, english: &str, russian: &str) -> Self {
        self.english.push_str(english);
        self.russian.push_str(russian);
        self
    }

    /// The same in both.
    pub fn text(self, text: &str) -> Self {
        self.words(text, text)
    }

    /// Minor units with all places: `249.50`.
    pub fn amount(self, units: i64, scale: u8) -> Self {
        self.digits(Written::amount(units, scale).as_str())
    }

    /// Hundredths of the currency: `30000.00`.
    pub fn money(self, units: i64) -> Self {
        self.amount(units, MONEY_SCALE)
    }

    /// A whole number.
    pub fn number(self, number: i64) -> Self {
        self.amount(number, 0)
    }

    /// A whole number and its noun: one and more in English; one, few and many in Russian.
    pub fn count(self, number: i64, english: [&str; 2], russian: [&str; 3]) -> Self {
        self.number(number).text(" ").words(plural::english(number, english), plural::russian(number, russian))
    }

    /// Parts per million: `2.5 %`.
    pub fn percent(self, rate: i64) -> Self {
        self.digits(Written::amount(rate, PERCENT_SCALE).trimmed()).text(" %")
    }

    /// Parts per million as a factor: `1.5`.
    pub fn factor(self, units: i64) -> Self {
        self.digits(Written::amount(units, FACTOR_SCALE).trimmed())
    }

    /// Thousandths of a piece: `2`.
    pub fn quantity(self, units: i64) -> Self {
        self.digits(Written::amount(units, QUANTITY_SCALE).trimmed())
    }

    /// The same in both. They are few: one by one they are sooner there than by a copy, which in Wasm is a call of the host.
    fn digits(mut self, digits: &str) -> Self {
        for digit in digits.bytes().map(char::from) {
            self.english.push(digit);
            self.russian.push(digit);
        }
        self
    }

    /// The English sentence, and the others as the contract has them.
    pub fn translated(&self) -> (String, Vec<Translation>) {
        (self.english.clone(), vec![Translation { language: "ru".to_owned(), text: self.russian.clone() }])
    }
}
