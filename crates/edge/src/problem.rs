//! Errors as RFC 9457 `application/problem+json`: a stable code, and what would be right.

use domain::{MONEY_SCALE, amount};
use ledger::Refusal;
use serde_json::{Value, json};
use store::StoreError;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the request's body.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    /// A stable word.
    pub code: &'static str,
    /// What happened and what to do, for the developer of the caller.
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u32>,
    /// Further members of the document: a limit, an id.
    pub extra: Vec<(&'static str, Value)>,
}

impl Problem {
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after: None, extra: Vec::new() }
    }

    /// 422: one field of the body is not right.
    #[must_use]
    pub fn field(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let error = FieldError { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() };
        let detail = format!("{}: {}", if error.pointer.is_empty() { "the body" } else { &error.pointer }, error.detail);
        Self { errors: vec![error], ..Self::new(422, "invalid_request", detail) }
    }

    #[must_use]
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(404, code, detail)
    }

    /// 401: no key, or none that is known.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Send a known key: Authorization: Bearer <key>")
    }

    /// 404 for a path or method that the API does not have.
    #[must_use]
    pub fn no_such_call(call: &crate::Call) -> Self {
        Self::new(404, "not_found", format!("There is no {} {}; /openapi.json lists the calls", call.method, call.target()))
    }

    /// 503: nothing is known to have been written; the same request may be sent again.
    #[must_use]
    pub fn store_unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(503, "store_unavailable", detail) }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let title = self.code.replace('_', " ");
        let mut json = json!({
            "type": format!("urn:kopilka:problem:{}", self.code), "title": title, "status": self.status,
            "detail": self.detail, "code": self.code,
            "errors": self.errors.iter()
                .map(|error| json!({"pointer": error.pointer, "code": error.code, "detail": error.detail}))
                .collect::<Vec<_>>(),
        });
        for (name, value) in &self.extra {
            json[*name] = value.clone();
        }
        json
    }
}

/// A refusal of the ledger in the API's words. `scale` is the program's for points.
#[must_use]
pub fn from_refusal(refusal: &Refusal, scale: u8) -> Problem {
    let points = |points: domain::Points| amount::format(points.0, scale);
    let money = |money: domain::Money| amount::format(money.0, MONEY_SCALE);
    match refusal {
        Refusal::MemberNotFound => Problem::not_found("member_not_found", "There is no such member; POST /v1/members enrols one"),
        Refusal::MemberErased => {
            Problem::new(410, "member_erased", "The person behind this member was erased; only the numbers are left")
        }
        Refusal::MemberNotConfirmed => Problem::new(
            409,
            "member_not_confirmed",
            "The member is to confirm who they are before points are spent: POST /v1/members/{id}/confirmation with the code",
        ),
        Refusal::AlreadyConfirmed => Problem::new(409, "already_confirmed", "The member need not confirm anything"),
        Refusal::CodeExpired => {
            Problem::new(409, "code_expired", "There is no code to try any more: POST /v1/members/{id}/codes sends another one")
        }
        Refusal::TooManyCodes { wait_seconds } => Problem {
            retry_after: Some(*wait_seconds),
            ..Problem::new(429, "too_many_codes", format!("A code was sent a moment ago; ask again in {wait_seconds} seconds"))
        },
        Refusal::AcceptanceRequired { rules_version } => Problem::new(
            409,
            "acceptance_required",
            format!("The member is to accept the rules {rules_version} first: POST /v1/members/{{id}}/acceptances"),
        )
        .with("rules_version", rules_version.as_str()),
        Refusal::OtherMemberNotFound => Problem::not_found("member_not_found", "There is no such other member"),
        Refusal::SameMember => Problem::new(409, "same_member", "Both members are one and the same"),
        Refusal::AlreadyClaimed => Problem::new(409, "already_claimed", "The order has a member already"),
        Refusal::OrderNotFound => Problem::not_found("order_not_found", "There is no order with this id"),
        Refusal::RedemptionNotFound => Problem::not_found("redemption_not_found", "There is no such redemption"),
        Refusal::InsufficientPoints { available, deficit } => {
            let owed = if deficit.is_zero() { String::new() } else { format!(", after a deficit of {}", points(*deficit)) };
            Problem::new(409, "insufficient_points", format!("Only {} points can be taken{owed}", points(*available)))
                .with("available", points(*available))
        }
        Refusal::OtherContent { what } => {
            Problem::new(409, "conflict", format!("This {what} is recorded under the same id with other content; use another id"))
        }
        Refusal::ForeignRedemption => Problem::field("/redemption_id", "foreign_redemption", "belongs to another member"),
        Refusal::RedemptionClosed { status } => {
            Problem::new(409, "redemption_closed", format!("The redemption is {status} already"))
                .with("redemption_status", *status)
        }
        Refusal::HoldExpired { deadline } => Problem::new(
            409,
            "hold_expired",
            format!("The hold ended at {deadline} and its points are back; make a new redemption"),
        )
        .with("hold_expires_at", deadline.to_string()),
        Refusal::ConfirmationRequired => {
            Problem::new(409, "confirmation_required", "The redemption waits for the code that was sent to the member")
        }
        Refusal::OtherOrder { order_ref } => {
            Problem::new(409, "redemption_closed", format!("The redemption was captured for order {order_ref}"))
        }
        Refusal::AlreadyReturned { line: None, .. } => Problem::new(409, "already_returned", "Nothing is left to return"),
        Refusal::AlreadyReturned { line: Some(line), left } => Problem::new(
            409,
            "already_returned",
            format!("Of line {line} only {} is left to return", amount::format(left.0, amount::QUANTITY_SCALE)),
        ),
        Refusal::NoSuchLine { index } => Problem::field(format!("/lines/{index}/id"), "unknown_line", "is no line of the order"),
        Refusal::OrderChanged { held_for, items } => Problem::new(
            422,
            "redemption_limit_exceeded",
            format!("The points were held for goods of {}, these are {}; make a new redemption", money(*held_for), money(*items)),
        ),
        Refusal::OverBeforeItBegins { begins } => {
            Problem::field("/expires_at", "out_of_range", format!("must be after {begins}"))
        }
        Refusal::Overflow => Problem::field("", "out_of_range", "an amount is beyond 10^12 minor units"),
    }
}

/// A store's failure that did not go away by trying again.
#[must_use]
pub fn from_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Stale => Problem {
            retry_after: Some(1),
            ..Problem::new(409, "conflict", "The account was changed by others all the time; send the same request again")
        },
        StoreError::NotMigrated => {
            Problem::store_unavailable("The store has no tables yet: POST /v1/jobs/migrate/runs makes them")
        }
        StoreError::Busy(_) => Problem::store_unavailable("The store is busy; send the same request again"),
        StoreError::Broken(_) | StoreError::Unavailable(_) => {
            Problem::store_unavailable("The store does not answer; send the same request again")
        }
        StoreError::Refused(_) => {
            Problem::new(500, "internal_error", "The request was refused to keep the books right; nothing was written")
        }
        StoreError::Unreadable(_) => Problem::new(500, "internal_error", "A stored row can't be read"),
    }
}
