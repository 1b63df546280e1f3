//! Purchases: recorded at once, late or out of sequence, with points or without, by nobody in particular, claimed.

use domain::{Id, Instant};
use serde_json::{Value, json};

use super::model::{Line, Order, Standing};
use super::people::lots_of;
use super::program::{Cart, Grant, Reckoned, decimal};
use super::{DAY, Deed, Life};

/// An order that nobody has claimed yet.
pub struct Anonymous {
    /// What it earns for whoever claims it.
    grants: Vec<Grant>,
    /// For lots they have the places of the grants.
    pub lines: Vec<Line>,
    pub cancelled: bool,
    payable: i64,
}

impl Life {
    /// An order as `POST /v1/orders` takes it.
    fn order(&mut self, reference: &str, cart: &Cart) -> (Value, Instant) {
        let occurred_at = self.some_moment(12 * DAY);
        let mut order = cart.json();
        order["id"] = reference.into();
        order["occurred_at"] = occurred_at.to_string().into();
        (order, occurred_at)
    }

    pub(super) async fn buy(&mut self) -> Deed {
        let with_points = self.random.percent(55);
        let member = if with_points { self.somebody_who_can_pay() } else { self.somebody() };
        let redemption = if with_points { self.redemption_of(member) } else { None };
        // now and then somebody else tries
        let buyer = if self.random.percent(4) { self.somebody() } else { member };
        let (reference, cart) = self.what_is_bought(redemption);
        let (mut order, occurred_at) = self.order(&reference, &cart);
        order["member"] = self.reference_to(buyer);
        if let Some(id) = redemption {
            order["redemption_id"] = id.external("red").into();
        }
        let pays = redemption.map_or(Ok((0, 0)), |id| self.pays(id, buyer, &reference, &cart));
        let answer = self.say("/v1/orders", &order).await;
        let paid = match pays {
            Ok(paid) => paid,
            Err(refusal) => {
                self.agree_on_refusal(buyer, answer, refusal).await;
                return "buy with a redemption that does not pay";
            }
        };
        let recorded = answer.expect(201);
        let Reckoned { lines, grants, payable } = self.program.reckon(&cart, occurred_at, paid);
        assert_eq!((&recorded["order_id"], &recorded["member_id"]), (&json!(reference), &json!(buyer.external("mem"))));
        let lots = self.compare_earned(&recorded, &grants);
        let told = json!([recorded["redeemed"], recorded["redeemed_money"], recorded["payable"]]);
        assert_eq!(told, json!([decimal(paid.0, self.program.scale), decimal(paid.1, 2), decimal(payable, 2)]));

        let entries = self.new_entries(buyer).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        let account = self.account(buyer);
        account.release_overdue(now, redemption, &mut grace);
        let mut spent = Vec::new();
        if let Some(id) = redemption {
            if account.holds[&id].standing == Standing::Held {
                account.capture(id, paid.0, &mut grace, now);
            }
            let hold = account.holds.get_mut(&id).expect("it was held");
            hold.standing = Standing::Captured { used: true };
            spent.clone_from(&hold.points);
        }
        account.grant("earn", lots_of(&lots, &grants), now);
        account.orders += 1;
        account.qualifying += lines.iter().map(|line| line.qualifying.0).sum::<i64>();
        let places: Vec<Option<Id>> = lots.iter().copied().map(Some).collect();
        let lines = lines.into_iter().map(|line| with_lots(line, &places)).collect();
        account.bought.insert(reference.clone(), Order { lines, spent, delivery: cart.delivery, cancelled: false });
        self.deliveries.insert(reference, cart.delivery);
        self.await_activation(buyer, &lots);
        assert_eq!(recorded["tier"]["id"], recorded["balance"]["tier"]["id"]);
        self.agree(buyer, entries, Some(&recorded["balance"])).await;
        match redemption {
            Some(_) => "buy with points",
            None if occurred_at < self.now => "buy, told late",
            None => "buy",
        }
    }

    /// What was held for, mostly; under the id that it was captured for, mostly.
    fn what_is_bought(&mut self, redemption: Option<Id>) -> (String, Cart) {
        let (new, other) = (self.new_reference("order"), self.cart());
        let Some(terms) = redemption.map(|id| &self.redemptions[&id]) else { return (new, other) };
        let (agreed, captured_for) = (terms.cart.clone(), terms.captured_for.clone());
        let cart = if self.random.percent(75) { agreed } else { other };
        let reference = captured_for.filter(|order| !self.deliveries.contains_key(order) && self.random.percent(75));
        (reference.unwrap_or(new), cart)
    }

    /// What an answer says was earned is what the program gives. Returns the lots.
    #[track_caller]
    fn compare_earned(&self, answer: &Value, grants: &[Grant]) -> Vec<Id> {
        let earned = &answer["earned"];
        assert_eq!(earned["points"], decimal(grants.iter().map(|grant| grant.points).sum(), self.program.scale));
        assert_eq!(earned["available_from"], json!(grants.iter().map(|grant| grant.activates_at).min().map(|at| at.to_string())));
        self.compare_new_lots(&earned["lots"], grants)
    }

    pub(super) async fn buy_without_a_name(&mut self) -> Deed {
        let (reference, cart) = (self.new_reference("receipt"), self.cart());
        let (order, occurred_at) = self.order(&reference, &cart);
        let recorded = self.say("/v1/orders", &order).await.expect(201);
        let Reckoned { lines, grants, payable } = self.program.reckon(&cart, occurred_at, (0, 0));
        self.compare_earned(&recorded, &[]);
        assert_eq!(json!([recorded["member_id"], recorded["balance"]]), json!([null, null]));
        assert_eq!(recorded["payable"], decimal(payable, 2));
        self.anonymous.insert(reference.clone(), Anonymous { grants, lines, cancelled: false, payable });
        self.deliveries.insert(reference, cart.delivery);
        "buy without a name"
    }

    /// A receipt is scanned: of an order that nobody has, of which some goods may have been returned, or somebody's.
    pub(super) async fn claim(&mut self) -> Deed {
        let member = self.somebody();
        let mut references: Vec<String> = self.anonymous.keys().cloned().collect();
        if self.random.percent(25) {
            references = self.deliveries.keys().cloned().collect();
        }
        let Some(reference) = self.random.one_of(&references).cloned() else { return "nothing" };
        let claim = json!({"order_id": reference, "member": self.reference_to(member)});
        let owner = self.members.iter().find(|(_, account)| account.bought.contains_key(&reference)).map(|(owner, _)| *owner);
        if owner == Some(member) && reference.starts_with("receipt") {
            // it may be the same claim as before, which is answered as before
            return "nothing";
        }
        let answer = self.say("/v1/orders/claims", &claim).await;
        let refusal = match self.anonymous.get(&reference) {
            None => Some(((409, "already_claimed"), "claim what is somebody's")),
            Some(order) if order.cancelled => Some(((409, "already_returned"), "claim what was cancelled")),
            Some(_) => None,
        };
        if let Some((refusal, deed)) = refusal {
            self.agree_on_refusal(member, answer, refusal).await;
            return deed;
        }
        let claimed = answer.expect(201);
        let Anonymous { grants, mut lines, payable, .. } = self.anonymous.remove(&reference).expect("it is there");
        // what was returned before earns nothing: of each grant the rest
        let left = |place: usize| -> i64 {
            let shares = lines.iter().flat_map(|line| &line.shares).filter(|share| share.0 == place_of(place));
            shares.map(|share| share.1 - share.2).sum()
        };
        let kept: Vec<Option<Grant>> = grants
            .iter()
            .enumerate()
            .map(|(place, grant)| Some(Grant { points: left(place), ..grant.clone() }).filter(|grant| grant.points > 0))
            .collect();
        let granted: Vec<Grant> = kept.iter().flatten().cloned().collect();
        let delivery = self.deliveries[&reference];
        let lots = self.compare_earned(&claimed, &granted);
        assert_eq!(claimed["payable"], decimal(payable, 2));
        let mut of_each = lots.iter().copied();
        let places: Vec<Option<Id>> = kept.iter().map(|grant| grant.as_ref().and_then(|_| of_each.next())).collect();
        for line in &mut lines {
            line.shares.iter_mut().for_each(|share| share.3 = share.2);
        }
        let qualifying: i64 = lines.iter().map(|line| line.qualifying.0 - line.qualifying.1).sum();
        let lines = lines.into_iter().map(|line| with_lots(line, &places)).collect();
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        account.grant("earn", lots_of(&lots, &granted), now);
        account.orders += 1;
        account.qualifying += qualifying;
        account.bought.insert(reference, Order { lines, spent: Vec::new(), delivery, cancelled: false });
        self.await_activation(member, &lots);
        self.agree(member, entries, Some(&claimed["balance"])).await;
        "claim"
    }
}

/// The place of a grant, where no lot has an id yet.
fn place_of(grant: usize) -> Id {
    Id(i64::try_from(grant).expect("there are few"))
}

/// The lots in place of the grants; of a grant without a lot nothing is left.
fn with_lots(mut line: Line, lots: &[Option<Id>]) -> Line {
    line.shares.retain_mut(|share| {
        let lot = usize::try_from(share.0.0).ok().and_then(|place| lots[place]);
        share.0 = lot.unwrap_or(share.0);
        lot.is_some()
    });
    line
}
