//! What the batches of a simulation say together.

use std::fmt::Write as _;
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use rust_decimal::Decimal;
use serde_json::Value;

/// How many members a simulation names.
const NAMED: usize = 20;

/// The figures of a program, in the sequence in which they are printed.
const FIGURES: [(&str, &str); 4] = [("points", "Points"), ("discount", "Discounts"), ("money", "Cost"), ("margin", "Margin")];

/// Figures of one side; none where nothing can be said, such as a margin without costs.
type Figures = [Option<Decimal>; FIGURES.len()];

/// The sums of all batches.
#[derive(Debug, Default)]
pub struct Sums {
    pub orders: u64,
    members: u64,
    better: u64,
    worse: u64,
    unchanged: u64,
    refused: u64,
    left_out: u64,
    current: Figures,
    proposed: Figures,
    difference: Figures,
    /// The members with the largest differences, as the answers name them.
    largest: Vec<Value>,
}

impl Sums {
    /// Adds a batch.
    pub fn add(&mut self, batch: &Value) -> Result<()> {
        for (sum, field) in [
            (&mut self.orders, "orders"),
            (&mut self.members, "members"),
            (&mut self.better, "better"),
            (&mut self.worse, "worse"),
            (&mut self.unchanged, "unchanged"),
            (&mut self.refused, "refused"),
            (&mut self.left_out, "left_out"),
        ] {
            *sum += batch[field].as_u64().with_context(|| format!("an answer without {field}"))?;
        }
        for (sums, side) in
            [(&mut self.current, "current"), (&mut self.proposed, "proposed"), (&mut self.difference, "difference")]
        {
            for (sum, (field, _)) in sums.iter_mut().zip(FIGURES) {
                if let Some(amount) = decimal(&batch[side][field])? {
                    *sum = Some(sum.unwrap_or_default().checked_add(amount).context("a sum is too large")?);
                }
            }
        }
        let mut weighed = Vec::new();
        for member in self.largest.drain(..).chain(batch["largest"].as_array().into_iter().flatten().cloned()) {
            weighed.push((weight(&member)?, member));
        }
        // stable: of equal ones the earlier batch's comes first, as in one answer about everything
        weighed.sort_by(|(one, _), (other, _)| other.cmp(one));
        self.largest = weighed.into_iter().take(NAMED).map(|(_, member)| member).collect();
        Ok(())
    }

    /// For people: the figures side by side, the members, and why it differs most for some.
    pub fn table(&self, explained: usize) -> String {
        let mut text = String::new();
        let counts = [("Orders", self.orders), ("Members", self.members)];
        let groups = [("better off", self.better), ("worse off", self.worse), ("unchanged", self.unchanged)];
        let trouble = [("Orders that the program refuses", self.refused), ("Orders left out", self.left_out)];
        for (what, count) in counts {
            line(&mut text, what, &[count.to_string()]);
        }
        for (what, count) in groups {
            line(&mut text, &format!("  {what}"), &[count.to_string()]);
        }
        for (what, count) in trouble.into_iter().filter(|(_, count)| *count > 0) {
            line(&mut text, what, &[count.to_string()]);
        }
        line(&mut text, "", &["current", "proposed", "difference"].map(str::to_owned));
        for (index, (_, what)) in FIGURES.iter().enumerate() {
            let sides = [&self.current, &self.proposed, &self.difference];
            let cells =
                sides.map(|side| side.get(index).copied().flatten().map_or_else(|| "-".to_owned(), |sum| sum.to_string()));
            line(&mut text, what, &cells);
        }
        if !self.largest.is_empty() {
            line(&mut text, "The largest differences", &["orders", "points", "money"].map(str::to_owned));
        }
        for member in &self.largest {
            let difference = &member["difference"];
            line(
                &mut text,
                &said(&member["member_id"]),
                &[said(&member["orders"]), said(&difference["points"]), said(&difference["money"])],
            );
        }
        for member in self.largest.iter().take(explained) {
            explain(&mut text, member);
        }
        text
    }
}

/// Why it differs for a member: the order that makes most of it, as both programs explain it.
fn explain(text: &mut String, member: &Value) {
    let order = &member["order"];
    if order.is_null() {
        return;
    }
    let (member, number, difference) =
        (said(&member["member_id"]), said(&order["order_id"]), said(&order["difference"]["money"]));
    // writing to a String can't fail
    let _ = writeln!(text, "Most of it for {member}: order {number}, {difference}");
    for side in ["current", "proposed"] {
        for reason in order["explanation"][side].as_array().into_iter().flatten() {
            let _ = writeln!(text, "  {side:<9} {}: {}", said(&reason["rule_id"]), said(&reason["reason"]));
        }
    }
}

fn line(text: &mut String, what: &str, cells: &[String]) {
    let cells: String = cells.iter().map(|cell| format!(" {cell:>18}")).collect();
    let _ = writeln!(text, "{what:<34}{cells}");
}

/// A text without its quotes; everything else as JSON writes it.
fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// How large a member's difference is: in money, then in points.
fn weight(member: &Value) -> Result<(Decimal, Decimal)> {
    let amount = |field: &str| decimal(&member["difference"][field]).map(|amount| amount.unwrap_or_default().abs());
    Ok((amount("money")?, amount("points")?))
}

fn decimal(amount: &Value) -> Result<Option<Decimal>> {
    amount.as_str().map(|text| Decimal::from_str(text).with_context(|| format!("{text} is no amount"))).transpose()
}
