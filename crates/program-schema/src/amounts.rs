//! Amounts as the document has them: decimal texts, or whole JSON numbers. A number with a decimal point is refused.
//!
//! The patterns say what the parser says, digit by digit; of points they allow what the widest scale allows, because a
//! schema can't know the program's own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::limits::{MAX_FACTOR, MAX_UNITS};

/// How an amount is written.
struct Shape {
    description: &'static str,
    /// The largest amount is 1 and so many zeros.
    zeros: usize,
    /// Significant decimals; further zeros don't count.
    decimals: usize,
    /// Whether 0 is allowed.
    zero: bool,
    /// Whether the largest amount itself is allowed.
    largest: bool,
    examples: [&'static str; 2],
}

impl Shape {
    fn schema(&self) -> Schema {
        let (zeros, decimals) = (self.zeros, self.decimals);
        let mut forms = vec![
            format!(r"0*[1-9][0-9]{{0,{}}}(\.[0-9]{{1,{decimals}}}0*)?", zeros - 1),
            format!(r"0+\.[0-9]{{0,{}}}[1-9]0*", decimals - 1),
        ];
        if self.largest {
            forms.push(format!(r"0*1{}(\.0+)?", "0".repeat(zeros)));
        }
        if self.zero {
            forms.push(r"-?0+(\.0+)?".to_owned());
        }
        let (least, largest) = (i64::from(!self.zero), 10_i64.pow(u32::try_from(zeros).expect("a few zeros")));
        amount(self.description, &forms, least, largest - i64::from(!self.largest), &self.examples)
    }
}

fn amount(description: &str, forms: &[String], least: i64, largest: i64, examples: &[&str]) -> Schema {
    json_schema!({
        "description": description,
        "anyOf": [
            {"type": "string", "pattern": format!("^({})$", forms.join("|"))},
            {"type": "integer", "minimum": least, "maximum": largest}
        ],
        "examples": examples
    })
}

/// Declares an amount: a type that has nothing but its schema.
macro_rules! amounts {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

/// Money has two decimals, a percentage four, a quantity three, a factor six; points have at most four.
const MONEY: Shape = Shape {
    description: "Money in the program's currency with at most two decimals: 0 to 10000000000.",
    zeros: 10,
    decimals: 2,
    zero: true,
    largest: true,
    examples: ["30000", "499.50"],
};
const POINTS: Shape = Shape {
    description: "Points with at most as many decimals as `points.scale` says: 0 to 1000000000000 smallest units.",
    zeros: 12,
    decimals: 4,
    zero: true,
    largest: true,
    examples: ["500", "12.50"],
};
const PERCENT: Shape = Shape {
    description: "A percentage with at most four decimals: 0 to 100. \"5\" is 5 %.",
    zeros: 2,
    decimals: 4,
    zero: true,
    largest: true,
    examples: ["5", "2.5"],
};

amounts! {
    /// Money that may be nothing.
    Money = MONEY.schema();

    /// Money above 0.
    PositiveMoney = Shape {
        description: "Money in the program's currency with at most two decimals: 0.01 to 10000000000.",
        zero: false,
        ..MONEY
    }
    .schema();

    /// Points that may be none.
    Points = POINTS.schema();

    /// Points above 0.
    PositivePoints = Shape {
        description: "Points with at most as many decimals as `points.scale` says: 1 to 1000000000000 smallest units.",
        zero: false,
        ..POINTS
    }
    .schema();

    /// 0 to 100 %.
    Percent = PERCENT.schema();

    /// Above 0, to 100 %.
    PositivePercent = Shape {
        description: "A percentage above 0 with at most four decimals: 0.0001 to 100.",
        zero: false,
        ..PERCENT
    }
    .schema();

    /// 0 to below 100 %.
    MarginFloor = Shape {
        description: "A percentage below 100 with at most four decimals. \"12.5\" is 12.5 % of the price.",
        largest: false,
        examples: ["12.5", "30"],
        ..PERCENT
    }
    .schema();

    /// Pieces, kilograms or metres above 0.
    Quantity = Shape {
        description: "A quantity of pieces, kilograms or metres with at most three decimals: 0.001 to 1000000000.",
        zeros: 9,
        decimals: 3,
        zero: false,
        largest: true,
        examples: ["3", "0.250"],
    }
    .schema();

    /// A factor above 1.
    Factor = factor();
}

fn factor() -> Schema {
    let forms = [r"0*1\.[0-9]{0,5}[1-9]0*", r"0*([2-9]|[1-9][0-9]{1,2})(\.[0-9]{1,6}0*)?", r"0*1000(\.0+)?"];
    let description = "A factor above 1 with at most six decimals, to 1000. \"2\" doubles.";
    amount(description, &forms.map(str::to_owned), 2, MAX_FACTOR / 1_000_000, &["2", "1.5"])
}

/// The shapes above count on it.
const _: () = assert!(MAX_UNITS == 1_000_000_000_000 && MAX_FACTOR == 1_000_000_000);
