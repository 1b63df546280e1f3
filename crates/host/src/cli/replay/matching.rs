//! Which earlier purchase a credit note is about. Credit notes name none.

use std::collections::HashMap;

/// What every customer has bought and not given back, by article.
#[derive(Debug, Default)]
pub struct Purchases(HashMap<(String, String), Vec<Bought>>);

#[derive(Debug)]
struct Bought {
    order: String,
    line: usize,
    left: u64,
}

/// Goods of one order line that are given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub order: String,
    pub line: usize,
    pub quantity: u64,
}

/// What became of a line of a credit note.
#[derive(Debug, PartialEq, Eq)]
pub struct Matched {
    pub taken: Vec<Taken>,
    /// How many pieces belong to no purchase.
    pub missing: u64,
    /// Whether the customer bought the article at all.
    pub bought: bool,
}

/// Stock codes are written in capitals or not as the day goes.
fn key(customer: &str, sku: &str) -> (String, String) {
    (customer.to_owned(), sku.to_ascii_uppercase())
}

impl Purchases {
    /// Notes a purchase.
    pub fn buy(&mut self, customer: &str, sku: &str, order: &str, line: usize, quantity: u64) {
        let bought = Bought { order: order.to_owned(), line, left: quantity };
        self.0.entry(key(customer, sku)).or_default().push(bought);
    }

    /// Takes pieces from the purchases of the article, the most recent one first.
    pub fn give_back(&mut self, customer: &str, sku: &str, quantity: u64) -> Matched {
        let Some(purchases) = self.0.get_mut(&key(customer, sku)) else {
            return Matched { taken: Vec::new(), missing: quantity, bought: false };
        };
        let (mut missing, mut taken) = (quantity, Vec::new());
        for bought in purchases.iter_mut().rev() {
            let part = missing.min(bought.left);
            if part > 0 {
                bought.left -= part;
                missing -= part;
                taken.push(Taken { order: bought.order.clone(), line: bought.line, quantity: part });
            }
        }
        Matched { taken, missing, bought: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(order: &str, line: usize, quantity: u64) -> Taken {
        Taken { order: order.to_owned(), line, quantity }
    }

    #[test]
    fn the_most_recent_purchases_are_given_back_first() {
        let mut purchases = Purchases::default();
        purchases.buy("anna", "MUG", "1", 1, 6);
        purchases.buy("anna", "MUG", "2", 1, 2);
        purchases.buy("anna", "MUG", "2", 4, 3);
        let matched = purchases.give_back("anna", "mug", 7);
        assert_eq!(matched.taken, [taken("2", 4, 3), taken("2", 1, 2), taken("1", 1, 2)]);
        assert_eq!((matched.missing, matched.bought), (0, true));
        let matched = purchases.give_back("anna", "MUG", 9);
        assert_eq!((matched.taken, matched.missing), (vec![taken("1", 1, 4)], 5), "only what is left");
        let matched = purchases.give_back("anna", "MUG", 1);
        assert_eq!(matched, Matched { taken: Vec::new(), missing: 1, bought: true });
    }

    #[test]
    fn nobody_gives_back_what_others_bought() {
        let mut purchases = Purchases::default();
        purchases.buy("anna", "MUG", "1", 1, 6);
        assert_eq!(purchases.give_back("boris", "MUG", 1), Matched { taken: Vec::new(), missing: 1, bought: false });
        assert_eq!(purchases.give_back("anna", "JUG", 1), Matched { taken: Vec::new(), missing: 1, bought: false });
    }
}
