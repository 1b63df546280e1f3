//! A member of a shop, and what a member does.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::goods::cart;
use crate::shop::Shop;

/// A member of a shop.
pub struct Member<'a> {
    shop: &'a Shop,
    pub id: String,
}

impl<'a> Member<'a> {
    /// A member who has enrolled, by the id.
    pub fn of(shop: &'a Shop, id: &str) -> Self {
        Self { shop, id: id.to_owned() }
    }

    pub async fn balance(&self) -> Value {
        self.shop.get(&format!("/v1/members/{}/balance", self.id)).await.expect(200)
    }

    /// The balance has these fields.
    pub async fn has(&self, expected: Value) {
        let balance = self.balance().await;
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&balance[field], value, "{field} of {balance}");
        }
    }

    /// The balance without the moment that it was computed at.
    pub async fn books(&self) -> Value {
        let mut balance = self.balance().await;
        balance["as_of"].take();
        balance
    }

    /// All ledger entries, newest first.
    pub async fn entries(&self) -> Vec<Value> {
        let entries = self.shop.get(&format!("/v1/members/{}/entries?limit=200", self.id)).await.expect(200);
        entries["items"].as_array().expect("a list").clone()
    }

    /// Records a purchase of these lines, now.
    pub async fn buys(&self, lines: Value) -> Value {
        self.orders(&self.order(lines)).await.expect(201)
    }

    /// Records an order.
    pub async fn orders(&self, order: &Value) -> Answer {
        self.shop.post("/v1/orders", order).await
    }

    /// A purchase of these lines by this member, as `POST /v1/orders` takes it.
    pub fn order(&self, lines: Value) -> Value {
        let mut order = cart(lines);
        order["id"] = format!("order-{}", self.shop.number()).into();
        order["occurred_at"] = self.shop.now().into();
        order["member"] = json!({"id": self.id});
        order
    }

    /// What a cart would earn and may spend.
    pub async fn quote(&self, lines: Value) -> Value {
        self.shop.post("/v1/quotes", &json!({"member": {"id": self.id}, "order": cart(lines)})).await.expect(200)
    }

    /// Asks to pay a cart with points.
    pub async fn redeems(&self, points: &str, lines: Value) -> Answer {
        let body = json!({"member": {"id": self.id}, "order": cart(lines), "points": points});
        self.shop.post("/v1/redemptions", &body).await
    }

    /// Sets points aside for a cart. Returns the redemption's id.
    pub async fn holds(&self, points: &str, lines: Value) -> String {
        let held = self.redeems(points, lines).await.expect(201);
        held["id"].as_str().expect("a redemption has an id").to_owned()
    }

    /// Records a purchase of these lines, now, paid in part with points.
    pub async fn buys_with(&self, points: &str, lines: Value) -> Value {
        let mut order = self.order(lines.clone());
        order["redemption_id"] = self.holds(points, lines).await.into();
        self.orders(&order).await.expect(201)
    }

    /// Points given by the staff that are good until a moment.
    pub async fn is_given_until(&self, points: &str, expires_at: &str) -> Value {
        let body = json!({"points": points, "reason": "a gift", "expires_at": expires_at});
        self.shop.post(&format!("/v1/members/{}/adjustments", self.id), &body).await.expect(201)
    }

    /// Points given or taken by the staff.
    pub async fn is_given(&self, points: &str) -> Value {
        let body = json!({"points": points, "reason": "a gift"});
        self.shop.post(&format!("/v1/members/{}/adjustments", self.id), &body).await.expect(201)
    }
}
