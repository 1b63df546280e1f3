//! Goods that come back: by lines and quantities, everything, more than is left; and cancellations.

use domain::Id;
use serde_json::{Value, json};

use super::model::{Line, Order, Returned};
use super::program::decimal;
use super::{DAY, Deed, Life};

/// What is to be returned of an order.
struct Chosen {
    /// (place of the line, thousandths).
    lines: Vec<(usize, i64)>,
    body: Value,
    possible: bool,
}

impl Life {
    fn choose(&mut self, lines: &[Line], cancelled: bool) -> Chosen {
        let mut possible = !cancelled;
        let mut chosen = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let left = line.quantity - line.returned;
            if left > 0 && self.random.percent(60) {
                chosen.push((place, if self.random.percent(40) { left } else { self.random.between(1, left) }));
            } else if self.random.percent(4) {
                chosen.push((place, left + 1));
                possible = false;
            }
        }
        // it may be told late, and in another sequence than it happened
        let occurred_at = self.some_moment(3 * DAY).to_string();
        let mut body = json!({"return_id": self.new_reference("return"), "occurred_at": occurred_at});
        if chosen.is_empty() {
            body["all"] = true.into();
            chosen = everything_left(lines);
            possible &= !chosen.is_empty();
        } else {
            let line = |(place, quantity): &(usize, i64)| json!({"id": lines[*place].id, "quantity": decimal(*quantity, 3)});
            body["lines"] = chosen.iter().map(line).collect();
        }
        Chosen { lines: chosen, body, possible }
    }

    /// Orders of the member, mostly those of which something is left.
    fn orders_of(&mut self, member: Id) -> Vec<String> {
        let any = self.random.percent(10);
        let left = |order: &Order| !order.cancelled && !everything_left(&order.lines).is_empty();
        let orders = self.members[&member].bought.iter().filter(|(_, order)| any || left(order));
        orders.map(|(reference, _)| reference.clone()).collect()
    }

    pub(super) async fn take_back(&mut self) -> Deed {
        if self.random.percent(12) {
            return self.take_back_without_a_name().await;
        }
        let member = self.somebody_who(|account| !account.bought.is_empty());
        let orders = self.orders_of(member);
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        let chosen = self.choose(&order.lines, order.cancelled);
        let answer = self.say(&format!("/v1/orders/{reference}/returns"), &chosen.body).await;
        if !chosen.possible {
            self.agree_on_refusal(member, answer, (409, "already_returned")).await;
            return "return too much";
        }
        let answer = answer.expect(201);
        let entries = self.new_entries(member).await;
        let (mut grace, now, policy) = (self.grace(&entries), self.now, self.program.policy);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        let given = account.take_back(&reference, &chosen.lines, policy, &mut grace, now);
        self.compare_given(&answer, given);
        self.agree(member, entries, Some(&answer["balance"])).await;
        if given.restored > 0 { "return what points paid" } else { "return" }
    }

    pub(super) async fn cancel(&mut self) -> Deed {
        if self.random.percent(10) {
            return self.cancel_without_a_name().await;
        }
        let member = self.somebody_who(|account| !account.bought.is_empty());
        let orders = self.orders_of(member);
        let Some(reference) = self.random.one_of(&orders).cloned() else { return "nothing" };
        let order = self.members[&member].bought[&reference].clone();
        if order.cancelled {
            // the first answer once more, whatever happened since
            let again = self.shop.cancels(&reference).await;
            assert!(again.replayed, "{}", again.text);
            self.agree_that_nothing_changed(member).await;
            return "cancel twice";
        }
        let answer = self.say(&format!("/v1/orders/{reference}/cancellation"), &json!({})).await.expect(201);
        let entries = self.new_entries(member).await;
        let (mut grace, now, policy) = (self.grace(&entries), self.now, self.program.policy);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        let given = account.take_back(&reference, &everything_left(&order.lines), policy, &mut grace, now);
        account.orders -= 1;
        let order = account.bought.get_mut(&reference).expect("it was bought");
        let refund = given.refund + order.delivery;
        order.cancelled = true;
        let whole = |line: &Line| line.paid.0 == line.paid.1 && line.money.0 == line.money.1;
        let whole = |line: &Line| whole(line) && line.shares.iter().all(|(_, earned, done, _)| earned == done);
        assert!(order.lines.iter().all(whole) && order.spent.is_empty(), "parts sum to the whole: {order:?}");
        self.compare_given(&answer, Returned { refund, ..given });
        self.agree(member, entries, Some(&answer["balance"])).await;
        "cancel"
    }

    /// Of an order that nobody has only money comes back.
    async fn take_back_without_a_name(&mut self) -> Deed {
        let references: Vec<String> = self.anonymous.keys().cloned().collect();
        let Some(reference) = self.random.one_of(&references).cloned() else { return "nothing" };
        let (lines, cancelled) = (self.anonymous[&reference].lines.clone(), self.anonymous[&reference].cancelled);
        let chosen = self.choose(&lines, cancelled);
        let answer = self.say(&format!("/v1/orders/{reference}/returns"), &chosen.body).await;
        if !chosen.possible {
            answer.refused(409, "already_returned");
            return "return too much";
        }
        let refund = self.advance(&reference, &chosen.lines);
        self.compare_given(&answer.expect(201), Returned { refund, ..Returned::default() });
        "return without a name"
    }

    async fn cancel_without_a_name(&mut self) -> Deed {
        let open = self.anonymous.iter().filter(|(_, order)| !order.cancelled);
        let references: Vec<String> = open.map(|(reference, _)| reference.clone()).collect();
        let Some(reference) = self.random.one_of(&references).cloned() else { return "nothing" };
        let answer = self.say(&format!("/v1/orders/{reference}/cancellation"), &json!({})).await.expect(201);
        let left = everything_left(&self.anonymous[&reference].lines);
        let refund = self.advance(&reference, &left) + self.deliveries[&reference];
        self.anonymous.get_mut(&reference).expect("it is there").cancelled = true;
        self.compare_given(&answer, Returned { refund, ..Returned::default() });
        "cancel without a name"
    }

    /// Takes lines of an anonymous order back. Returns the money.
    fn advance(&mut self, reference: &str, chosen: &[(usize, i64)]) -> i64 {
        let order = self.anonymous.get_mut(reference).expect("it is there");
        let mut refund = 0;
        for (place, quantity) in chosen {
            order.lines[*place].returned += quantity;
            refund += order.lines[*place].advance().refund;
        }
        refund
    }

    #[track_caller]
    fn compare_given(&self, answer: &Value, given: Returned) {
        let points = |points: i64| decimal(points, self.program.scale);
        let told =
            json!([answer["clawed_back"], answer["forgiven"], answer["restored"], answer["deficit"], answer["refund_money"]]);
        let expected = json!([
            points(given.clawed_back),
            points(given.forgiven),
            points(given.restored),
            points(given.deficit),
            decimal(given.refund, 2)
        ]);
        assert_eq!(told, expected, "clawed back, forgiven, restored, owed, refunded: {answer}");
        let lots = answer["lots"].as_array().expect("a list of lots");
        let back: i64 = lots
            .iter()
            .map(|lot| lot["points"].as_str().expect("points").replace('.', "").parse::<i64>().expect("a number"))
            .sum();
        assert_eq!(back, given.restored, "lots of {answer}");
    }
}

fn everything_left(lines: &[Line]) -> Vec<(usize, i64)> {
    let left = lines.iter().enumerate().map(|(place, line)| (place, line.quantity - line.returned));
    left.filter(|(_, left)| *left > 0).collect()
}
