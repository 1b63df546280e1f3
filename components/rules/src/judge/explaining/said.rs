//! A sentence in both languages, written piece by piece.

use crate::engine::Translation;
use crate::text::{FACTOR_SCALE, MONEY_SCALE, PERCENT_SCALE, QUANTITY_SCALE, Written};

/// What most sentences need, so that they are written into memory that is asked for once. Cyrillic letters have two bytes.
const ENGLISH_BYTES: usize = 96;
const RUSSIAN_BYTES: usize = 144;

/// A sentence in both languages. Most sentences have their amounts in the same sequence: each is written out once.
pub struct Said {
    /// For whoever reads no other language.
    pub english: String,
    /// The same.
    pub russian: String,
}

/// A whole sentence.
pub fn said(english: impl Into<String>, russian: impl Into<String>) -> Said {
    Said { english: english.into(), russian: russian.into() }
}

impl Said {
    /// Nothing yet.
    pub fn nothing() -> Self {
        Self { english: String::with_capacity(ENGLISH_BYTES), russian: String::with_capacity(RUSSIAN_BYTES) }
    }

    /// Words of each language.
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
        self.text(Written::amount(units, scale).as_str())
    }

    /// Hundredths of the currency: `30000.00`.
    pub fn money(self, units: i64) -> Self {
        self.amount(units, MONEY_SCALE)
    }

    /// A whole number.
    pub fn number(self, number: i64) -> Self {
        self.amount(number, 0)
    }

    /// Parts per million: `2.5 %`.
    pub fn percent(self, rate: i64) -> Self {
        self.text(Written::amount(rate, PERCENT_SCALE).trimmed()).text(" %")
    }

    /// Parts per million as a factor: `1.5`.
    pub fn factor(self, units: i64) -> Self {
        self.text(Written::amount(units, FACTOR_SCALE).trimmed())
    }

    /// Thousandths of a piece: `2`.
    pub fn quantity(self, units: i64) -> Self {
        self.text(Written::amount(units, QUANTITY_SCALE).trimmed())
    }

    /// The English sentence, and the others as the contract has them.
    pub fn translated(self) -> (String, Vec<Translation>) {
        (self.english, vec![Translation { language: "ru".to_owned(), text: self.russian }])
    }
}
