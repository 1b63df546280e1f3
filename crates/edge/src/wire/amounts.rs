//! Amounts and moments as callers write them.

use domain::{AmountError, Instant, MONEY_SCALE, Money, Points, Quantity, amount};
use serde::Deserialize;
use serde::de::{Error, Visitor};

use crate::problem::Problem;

/// A decimal as a JSON string or a JSON integer; JSON floats are refused, because 0.1 is none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(String);

impl Amount {
    /// As points of a scale.
    ///
    /// # Errors
    /// 422 at the pointer.
    pub fn points(&self, scale: u8, pointer: &str) -> Result<Points, Problem> {
        self.minor(scale, pointer).map(Points)
    }

    /// As money of 0 or more.
    ///
    /// # Errors
    /// 422 at the pointer.
    pub fn money(&self, pointer: &str) -> Result<Money, Problem> {
        self.minor(MONEY_SCALE, pointer).map(Money)
    }

    /// As a quantity above 0.
    ///
    /// # Errors
    /// 422 at the pointer.
    pub fn quantity(&self, pointer: &str) -> Result<Quantity, Problem> {
        let quantity = self.minor(amount::QUANTITY_SCALE, pointer)?;
        if quantity <= 0 {
            return Err(Problem::field(pointer, "out_of_range", "must be above 0"));
        }
        Ok(Quantity(quantity))
    }

    /// Whether it is the word "max".
    #[must_use]
    pub fn is_max(&self) -> bool {
        self.0 == "max"
    }

    fn minor(&self, scale: u8, pointer: &str) -> Result<i64, Problem> {
        amount::parse(&self.0, scale).map_err(|error| {
            let code = match error {
                AmountError::NotADecimal => "not_a_decimal",
                AmountError::TooPrecise(_) => "too_precise",
                AmountError::TooLarge => "out_of_range",
            };
            Problem::field(pointer, code, error.to_string())
        })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an amount as a string like \"249.50\" or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                Ok(Amount(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount(number.to_string()))
            }
        }
        deserializer.deserialize_any(AmountVisitor)
    }
}

/// A moment of the past, or at most 5 minutes ahead of our clock; now when there is none.
///
/// # Errors
/// 422 at the pointer.
pub fn moment(text: Option<&str>, now: Instant, pointer: &str) -> Result<Instant, Problem> {
    let Some(text) = text else { return Ok(now) };
    let moment = Instant::parse(text).map_err(|error| Problem::field(pointer, "not_a_time", error.to_string()))?;
    if moment > now.plus_seconds(300) {
        return Err(Problem::field(pointer, "in_the_future", format!("lies more than 5 minutes ahead of {now}")));
    }
    Ok(moment)
}
