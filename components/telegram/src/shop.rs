//! The application's own API, called within the application.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::Value;

use crate::exchange::{self, Answer};
use crate::problem::Problem;
use crate::program::Program;
use crate::settings::Settings;
use crate::texts::Language;

/// The component that has all calls that the bot makes.
const REGISTRATION: &str = "http://registration.spin.internal";

/// The shop for one update.
pub struct Shop {
    key: String,
    /// What the keys of this update's changes begin with.
    update: String,
    /// What invitations are kept under.
    pub token: String,
    pub language: Language,
    trace: Option<HeaderValue>,
}

/// A refusal that a conversation goes on after: the status, the code, the whole document.
#[derive(Debug)]
pub struct Refused {
    pub code: String,
    pub json: Value,
}

/// What a call came to: an answer of the shop, or its refusal.
pub type Told = Result<Value, Refused>;

impl Shop {
    #[must_use]
    pub fn new(settings: &Settings, language: Language, update: u64, trace: Option<HeaderValue>) -> Self {
        Self {
            key: settings.key.clone(),
            update: format!("telegram-{}-{update}", settings.bot()),
            token: settings.token.clone(),
            language,
            trace,
        }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// 503 when the shop does not answer, is asked too much, or does not know the bot's key.
    pub async fn get(&self, path: &str) -> Result<Told, Problem> {
        self.call(Method::GET, path, None, Bytes::new()).await
    }

    /// Changes something, under a key that follows from the update: a repeat gets the first answer.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn change(&self, method: Method, path: &str, step: &str, body: &Value) -> Result<Told, Problem> {
        let key = format!("{}-{step}", self.update);
        self.call(method, path, Some(key), Bytes::from(body.to_string())).await
    }

    /// The program in force; none where none is published.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn program(&self) -> Result<Result<Program, Refused>, Problem> {
        let told = self.get("/v1/program").await?;
        Ok(told.map(|mut told| Program::new(told["document"].take(), self.language)))
    }

    async fn call(&self, method: Method, path: &str, key: Option<String>, body: Bytes) -> Result<Told, Problem> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{REGISTRATION}{path}"))
            .header("authorization", format!("Bearer {}", self.key))
            .header("accept-language", self.language.code());
        if let Some(key) = key {
            request = request
                .header("idempotency-key", key)
                .header("content-type", "application/json")
                .header("content-length", body.len());
        }
        let request = request.body(Full::new(body)).map_err(|_| {
            Problem::new(503, "telegram_not_set_up", "The Spin variable telegram_key can't be sent: it has other characters")
        })?;
        let answer = exchange::send(request, self.trace.as_ref()).await;
        told(answer.map_err(|why| Problem::later("store_unavailable", format!("The shop's own API gives {why}"), None))?)
    }
}

/// What an answer says: what is in the way for now, or for want of a key, is no answer to the member's question.
fn told(answer: Answer) -> Result<Told, Problem> {
    let code = answer.json["code"].as_str().unwrap_or_default();
    match answer.status.as_u16() {
        200..=299 => Ok(Ok(answer.json)),
        401 | 403 => {
            let detail = "The Spin variable telegram_key is no key of this shop with the scope storefront";
            Err(Problem::later("telegram_key_refused", detail, None))
        }
        // of a code that was asked for too often the member is told
        429 if code != "too_many_codes" => {
            let detail = "The bot asks the shop too much in a minute: see key_calls_per_minute and unknown_members_per_minute";
            Err(Problem::later("too_many_requests", detail, answer.retry_after()))
        }
        status if status >= 500 || code == "conflict" => {
            let detail = format!("The shop's own API answers {status} {code}; send the same update again");
            Err(Problem::later("store_unavailable", detail, answer.retry_after()))
        }
        _ => Ok(Err(Refused { code: code.to_owned(), json: answer.json })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    fn answered(status: u16, code: &str) -> Result<Told, Problem> {
        told(Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), json: json!({"code": code}) })
    }

    #[test]
    fn what_may_succeed_later_is_sent_again_and_a_refusal_is_told() {
        for (status, code) in [(500, "internal_error"), (503, "store_unavailable"), (429, "too_many_requests"), (409, "conflict")]
        {
            assert_eq!(answered(status, code).unwrap_err().status, 503, "{code}");
        }
        assert_eq!(answered(401, "unauthorized").unwrap_err().code, "telegram_key_refused");
        assert_eq!(answered(403, "scope_missing").unwrap_err().code, "telegram_key_refused");
        for (status, code) in [(404, "member_not_found"), (409, "identity_taken"), (429, "too_many_codes"), (422, "wrong_code")] {
            assert_eq!(answered(status, code).unwrap().unwrap_err().code, code);
        }
        assert!(answered(201, "").unwrap().is_ok());
    }
}
