//! What the answers said about points, and whether the members' balances agree with it to the last digit.

use std::ops::AddAssign;
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use rust_decimal::Decimal;
use serde_json::Value;

/// Points by what happened to them, as the answers said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    pub welcome: Decimal,
    pub earned: Decimal,
    pub redeemed: Decimal,
    /// Spent, and given back with returned goods.
    pub restored: Decimal,
    pub clawed_back: Decimal,
    /// What the program let members keep of what returned goods had earned.
    pub forgiven: Decimal,
}

impl AddAssign<&Self> for Points {
    fn add_assign(&mut self, other: &Self) {
        self.welcome += other.welcome;
        self.earned += other.earned;
        self.redeemed += other.redeemed;
        self.restored += other.restored;
        self.clawed_back += other.clawed_back;
        self.forgiven += other.forgiven;
    }
}

/// A member's balance, or the sum of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Balance {
    pub available: Decimal,
    pub pending: Decimal,
    pub held: Decimal,
    pub deficit: Decimal,
    pub earned: Decimal,
    pub redeemed: Decimal,
    pub expired: Decimal,
}

impl AddAssign<&Self> for Balance {
    fn add_assign(&mut self, other: &Self) {
        self.available += other.available;
        self.pending += other.pending;
        self.held += other.held;
        self.deficit += other.deficit;
        self.earned += other.earned;
        self.redeemed += other.redeemed;
        self.expired += other.expired;
    }
}

/// An amount of an answer, at a path like `/earned/points`.
pub fn amount(answer: &Value, path: &str) -> Result<Decimal> {
    let text = answer.pointer(path).and_then(Value::as_str).with_context(|| format!("no amount at {path} of the answer"))?;
    Decimal::from_str(text).with_context(|| format!("{text:?} at {path} of the answer"))
}

impl Balance {
    /// Reads a balance.
    pub fn read(answer: &Value) -> Result<Self> {
        Ok(Self {
            available: amount(answer, "/available")?,
            pending: amount(answer, "/pending")?,
            held: amount(answer, "/held")?,
            deficit: amount(answer, "/deficit")?,
            earned: amount(answer, "/lifetime_earned")?,
            redeemed: amount(answer, "/lifetime_redeemed")?,
            expired: amount(answer, "/lifetime_expired")?,
        })
    }

    /// What members may still spend.
    pub fn owed_to_members(&self) -> Decimal {
        self.available + self.pending + self.held
    }

    /// What disagrees: within the balance, and between it and the answers.
    ///
    /// Points that a return takes back when they are gone already are a deficit: they count as clawed back, but were
    /// never taken from the lifetime sum. What pays the deficit later counts as earned, but never reaches that sum. So
    /// `lifetime_earned - deficit` is what was granted less what was clawed back.
    pub fn disagreements(&self, said: &Points) -> Vec<String> {
        let checks = [
            (
                "available + pending + held + redeemed + expired, lifetime_earned",
                self.owed_to_members() + self.redeemed + self.expired,
                self.earned,
            ),
            (
                "lifetime_earned - deficit, welcome + earned - clawed back",
                self.earned - self.deficit,
                said.welcome + said.earned - said.clawed_back,
            ),
            ("lifetime_redeemed, redeemed - restored", self.redeemed, said.redeemed - said.restored),
            ("held, nothing after the last order", self.held, Decimal::ZERO),
        ];
        let wrong = checks.iter().filter(|(_, books, said)| books != said);
        wrong.map(|(what, books, said)| format!("{what}: {books} is not {said}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn balance() -> Value {
        json!({
            "available": "10.00", "pending": "2.50", "held": "0.00", "deficit": "4.00",
            "lifetime_earned": "100.00", "lifetime_redeemed": "80.00", "lifetime_expired": "7.50",
        })
    }

    fn said() -> Points {
        let points = |points: i64| Decimal::new(points, 2);
        Points {
            welcome: points(5_000),
            earned: points(7_000),
            redeemed: points(9_000),
            restored: points(1_000),
            clawed_back: points(2_400),
            forgiven: points(0),
        }
    }

    #[test]
    fn a_balance_that_agrees_is_left_alone() {
        let balance = Balance::read(&balance()).unwrap();
        assert_eq!(balance.disagreements(&said()), Vec::<String>::new());
        assert_eq!(balance.owed_to_members().to_string(), "12.50");
    }

    #[test]
    fn a_hundredth_too_much_is_found() {
        for field in ["available", "pending", "held", "deficit", "lifetime_earned", "lifetime_redeemed", "lifetime_expired"] {
            let mut wrong = balance();
            let more = amount(&wrong, &format!("/{field}")).unwrap() + Decimal::new(1, 2);
            wrong[field] = more.to_string().into();
            assert!(!Balance::read(&wrong).unwrap().disagreements(&said()).is_empty(), "{field}");
        }
        let balance = Balance::read(&balance()).unwrap();
        let more = Points { earned: said().earned + Decimal::new(1, 2), ..said() };
        assert_eq!(balance.disagreements(&more).len(), 1);
    }

    #[test]
    fn an_answer_without_the_amount_is_an_error() {
        let error = Balance::read(&json!({"available": "1.00"})).unwrap_err();
        assert_eq!(error.to_string(), "no amount at /pending of the answer");
    }
}
