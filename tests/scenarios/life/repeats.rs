//! What was said is said once more, at once or much later; and what nobody should say.

use serde_json::{Value, json};
use tests::Answer;

use super::{Deed, Life};

/// A request that succeeded.
pub struct Said {
    pub key: String,
    pub path: String,
    pub body: Value,
    pub answer: Answer,
}

impl Life {
    /// One of the last requests once more, or an old one: the answer is the same to the byte, and nothing happens.
    pub(super) async fn repeat(&mut self) -> Deed {
        let recent = self.said.len().saturating_sub(5);
        let from = if self.random.percent(50) { &self.said[recent..] } else { &self.said };
        let Some(Said { key, path, body, answer }) = self.random.one_of(from) else { return "nothing" };
        let (key, path, body, answer) = (key.clone(), path.clone(), body.clone(), answer.clone());
        let deed = match self.random.between(1, 3) {
            1 => {
                let again = self.shop.post_as(&key, &path, &body).await;
                assert_eq!((again.status, again.replayed, &again.text), (answer.status, true, &answer.text), "{path} {body}");
                assert_eq!(again.content_type, answer.content_type);
                "repeat"
            }
            2 => {
                // another field, another amount: anything but the same bytes
                let mut other = body.clone();
                other["something"] = "else".into();
                let refused = self.shop.post_as(&key, &path, &other).await;
                // some calls refuse the unknown field before they look at the key
                let code = refused.json["code"].clone();
                assert!(code == "idempotency_key_reused" || code == "invalid_request", "{path}: {}", refused.text);
                let same_fields = format!("{body} ");
                let refused = self.shop.send(http::Method::POST, &path, Some(same_fields), Some(&key)).await;
                refused.refused(422, "idempotency_key_reused");
                "reuse a key"
            }
            _ => {
                // orders, returns, cancellations and claims have names of their own
                let named = path == "/v1/orders" || path == "/v1/orders/claims" || path.ends_with("/cancellation");
                if !named && !path.ends_with("/returns") {
                    return "nothing";
                }
                let again = self.shop.post(&path, &body).await;
                assert_eq!((again.status, again.replayed, &again.text), (answer.status, true, &answer.text), "{path} {body}");
                if named && path == "/v1/orders" {
                    let mut other = body.clone();
                    other["delivery"] = json!({"cost": "0.07"});
                    self.shop.post(&path, &other).await.refused(409, "conflict");
                }
                "repeat under another key"
            }
        };
        let members: Vec<_> = self.members.keys().copied().collect();
        let Some(member) = self.random.one_of(&members).copied() else { return deed };
        self.agree_that_nothing_changed(member).await;
        deed
    }

    /// Calls that can't be right: of what is not there, of the future, in other money.
    pub(super) async fn mistake(&mut self) -> Deed {
        let member = self.somebody();
        let cart = self.cart();
        let mut order = cart.json();
        order["id"] = self.new_reference("order").into();
        order["occurred_at"] = self.now.to_string().into();
        order["member"] = self.reference_to(member);
        let (path, body, refusal) = match self.random.between(1, 8) {
            // its return comes before the order
            1 => ("/v1/orders/not-yet/returns".to_owned(), json!({"return_id": "r", "all": true}), (404, "order_not_found")),
            2 => ("/v1/orders/not-yet/cancellation".to_owned(), json!({}), (404, "order_not_found")),
            3 => {
                let ahead = self.now.0 + self.random.between(300_001, 1_000_000_000);
                order["occurred_at"] = domain::Instant(ahead).to_string().into();
                ("/v1/orders".to_owned(), order, (422, "invalid_request"))
            }
            4 => {
                order["currency"] = "EUR".into();
                ("/v1/orders".to_owned(), order, (422, "currency_mismatch"))
            }
            5 => {
                order["member"] = json!({"phone": "+79990000000"});
                ("/v1/orders".to_owned(), order, (404, "member_not_found"))
            }
            6 => {
                order["redemption_id"] = "red_1".into();
                ("/v1/orders".to_owned(), order, (404, "redemption_not_found"))
            }
            7 => ("/v1/redemptions/red_1/capture".to_owned(), json!({}), (404, "redemption_not_found")),
            _ => {
                let claim = json!({"order_id": "not-yet", "member": {"id": member.external("mem")}});
                ("/v1/orders/claims".to_owned(), claim, (404, "order_not_found"))
            }
        };
        let answer = self.say(&path, &body).await;
        self.agree_on_refusal(member, answer, refusal).await;
        "mistake"
    }
}
