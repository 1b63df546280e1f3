//! What a program gave, or would have given, for goods that members kept: points, discounts, what both cost the shop, and
//! what is left of the margin.
//!
//! Goods that came back are left out in the same way on both sides, line by line as returns do it: of a line that earned E,
//! `E - floor(E x returned / quantity)` stays. What the program's clawback policy let members keep is in neither.

use domain::snapshot::RecordedLine;
use domain::{Money, Points, amount};
use edge::{ActiveProgram, wire};
use serde_json::{Value, json};

/// Figures of one program, or the difference between two. Sums saturate: what is summed is at most 10^12 each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub points: Points,
    /// What the points are worth, rounded once an order: figures of parts then sum exactly to those of the whole.
    pub worth: Money,
    pub discount: Money,
    /// Of lines with a known cost: what they brought, less their cost, the discounts and the worth of the points. None where
    /// no line has one.
    pub margin: Option<Money>,
}

/// What a program gives for a stored line as it was bought: before anything came back.
pub struct Granted<'a> {
    pub line: &'a RecordedLine,
    pub discount: Money,
    /// The line's part of each grant.
    pub shares: Vec<Points>,
}

impl Figures {
    /// The figures of an order's lines. `program` says what points are worth.
    pub fn of_lines<'a>(program: &ActiveProgram, lines: impl IntoIterator<Item = Granted<'a>>) -> Self {
        let (mut points, mut costed, mut discount, mut margin) = (0_i64, 0_i64, 0_i64, None::<i64>);
        for Granted { line, discount: off, shares } in lines {
            let earned: Points = shares.iter().map(|share| Points(kept(share.0, line))).sum();
            let off = kept(off.0, line);
            points = points.saturating_add(earned.0);
            discount = discount.saturating_add(off);
            if let Some(cost) = line.cost {
                costed = costed.saturating_add(earned.0);
                let left = kept(line.amount.0, line).saturating_sub(off).saturating_sub(cost_of_kept(cost, line));
                margin = Some(margin.unwrap_or_default().saturating_add(left));
            }
        }
        Self {
            points: Points(points),
            worth: program.worth(Points(points)),
            discount: Money(discount),
            margin: margin.map(|margin| Money(margin.saturating_sub(program.worth(Points(costed)).0))),
        }
    }

    /// What the benefit costs the shop.
    pub fn money(self) -> Money {
        Money(self.worth.0.saturating_add(self.discount.0))
    }

    pub fn add(&mut self, other: Self) {
        self.points.0 = self.points.0.saturating_add(other.points.0);
        self.worth.0 = self.worth.0.saturating_add(other.worth.0);
        self.discount.0 = self.discount.0.saturating_add(other.discount.0);
        self.margin = match (self.margin, other.margin) {
            (Some(own), Some(other)) => Some(Money(own.0.saturating_add(other.0))),
            (own, other) => own.or(other),
        };
    }

    /// How much more this is than the other.
    pub fn more_than(self, other: Self) -> Self {
        let margin = self.margin.zip(other.margin).map(|(own, other)| Money(own.0.saturating_sub(other.0)));
        Self {
            points: Points(self.points.0.saturating_sub(other.points.0)),
            worth: Money(self.worth.0.saturating_sub(other.worth.0)),
            discount: Money(self.discount.0.saturating_sub(other.discount.0)),
            margin,
        }
    }

    /// How much it weighs: money first, then points, where what is worth nothing differs.
    pub fn weight(self) -> (u64, u64) {
        (self.money().0.unsigned_abs(), self.points.0.unsigned_abs())
    }

    /// Above 0: more for the member.
    pub fn sign(self) -> i64 {
        match self.money().0.signum() {
            0 => self.points.0.signum(),
            sign => sign,
        }
    }

    pub fn to_json(self, program: &ActiveProgram) -> Value {
        json!({
            "points": wire::points(self.points, program), "money": wire::money(self.money()),
            "discount": wire::money(self.discount), "margin": self.margin.map(wire::money),
        })
    }
}

/// What stays of an amount of a line when its returns are taken off.
fn kept(whole: i64, line: &RecordedLine) -> i64 {
    whole.saturating_sub(amount::share(whole, line.returned.0, line.quantity.0))
}

/// What the kept goods cost, rounded half up. `cost` is for one unit, quantities are thousandths.
fn cost_of_kept(cost: Money, line: &RecordedLine) -> i64 {
    let pieces = i128::from(line.quantity.less(line.returned).0);
    let thousandths = i128::from(cost.0).saturating_mul(pieces);
    i64::try_from(thousandths.saturating_add(500).div_euclid(1_000)).unwrap_or(i64::MAX)
}
