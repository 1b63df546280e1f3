//! What happens between members, and what becomes somebody's later: transfers, merges, claims, codes.

use serde_json::json;

use super::{Client, post};
use crate::exchange::Request;
use crate::wishes::Wish;

impl Client {
    /// Points for somebody else.
    pub(super) fn transfer(&mut self) -> Request {
        let (from, to, points) = (self.member(), self.member(), self.amount(40));
        let body = json!({"to": to, "points": points, "reason": "a trial"});
        post(self.new_id(), format!("/v1/members/{from}/transfers"), &body, Wish::Transfer { from, to })
    }

    /// One of its own members becomes one with another: nobody else deals with it. Its holds and orders go on under its id.
    pub(super) fn merge(&mut self) -> Option<Request> {
        let from = self.random.take(&mut self.own)?;
        let into = self.member();
        Some(post(self.new_id(), format!("/v1/members/{into}/merges"), &json!({"from": from}), Wish::Merge { from, into }))
    }

    /// A receipt is scanned. Until it is known whose the order is nothing of it comes back.
    pub(super) fn claim(&mut self) -> Option<Request> {
        let (order, lines) = self.random.take(&mut self.receipts)?;
        self.orders.retain(|(known, _)| *known != order);
        let member = self.member();
        let body = json!({"order_id": order, "member": {"id": member}});
        Some(post(self.new_id(), "/v1/orders/claims", &body, Wish::Claim { order, member, lines }))
    }

    /// The member says the code.
    pub(super) fn confirm(&mut self) -> Option<Request> {
        let hold = self.random.take(&mut self.waiting)?;
        let code = self.codes.of(&hold.redemption)?;
        let path = format!("/v1/redemptions/{}/confirmation", hold.redemption);
        Some(post(self.new_id(), path, &json!({"code": code}), Wish::Confirm(hold)))
    }
}
