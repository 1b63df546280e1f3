//! The Bot API: what the bot sends into the chat that an update came from.

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::exchange::{self, Answer};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::tellings::fitting;

/// The bot in one chat.
pub struct Bot {
    /// The address of its methods; it holds the token, and never leaves this file.
    address: String,
    chat: i64,
    trace: Option<HeaderValue>,
}

impl Bot {
    #[must_use]
    pub fn new(settings: &Settings, chat: i64, trace: Option<HeaderValue>) -> Self {
        Self { address: format!("{}/bot{}", settings.api, settings.token), chat, trace }
    }

    /// Sends a text, with buttons.
    ///
    /// # Errors
    /// 503 when Telegram does not take it for now: the update is to come again.
    pub async fn says(&self, text: &str, keyboard: &Value) -> Result<(), Problem> {
        let body = json!({"chat_id": self.chat, "text": fitting(text), "reply_markup": keyboard});
        settled(self.call("sendMessage", "application/json", body.to_string().into()).await?)
    }

    /// Sends a picture (PNG) with a line below it.
    ///
    /// # Errors
    /// As [`says`](Self::says).
    pub async fn shows(&self, picture: &[u8], caption: &str) -> Result<(), Problem> {
        let boundary = format!("kopilka-{:016x}", spin_sdk::wasip3::random::random::get_random_u64());
        let form = form(&boundary, self.chat, caption, picture);
        settled(self.call("sendPhoto", &format!("multipart/form-data; boundary={boundary}"), form.into()).await?)
    }

    /// The bot's name, for links that lead to it.
    ///
    /// # Errors
    /// As [`says`](Self::says); 503 when Telegram does not tell it.
    pub async fn name(&self) -> Result<String, Problem> {
        let answer = self.call("getMe", "application/json", "{}".into()).await?;
        let name = answer.json["result"]["username"].as_str().map(str::to_owned);
        name.ok_or_else(|| Problem::later("telegram_unavailable", "Telegram does not tell the bot's name", None))
    }

    async fn call(&self, method: &str, content_type: &str, body: Bytes) -> Result<Answer, Problem> {
        let request = Request::post(format!("{}/{method}", self.address))
            .header("content-type", content_type)
            .header("content-length", body.len())
            .body(Full::new(body))
            .map_err(|_| Problem::new(503, "telegram_not_set_up", "telegram_api and telegram_token make no address"))?;
        let answer = exchange::send(request, self.trace.as_ref()).await;
        let answer = answer.map_err(|why| Problem::later("telegram_unavailable", format!("The Bot API gives {why}"), None))?;
        taken(&answer, method).map(|()| answer)
    }
}

/// Whether Telegram took a call, or never will; it is to come again where that may help.
fn taken(answer: &Answer, method: &str) -> Result<(), Problem> {
    let status = answer.status.as_u16();
    match status {
        401 | 404 => {
            let detail = format!("Telegram answers {method} with {status}: the Spin variable telegram_token is no bot's");
            Err(Problem::later("telegram_token_refused", detail, None))
        }
        429 => {
            let told = answer.json["parameters"]["retry_after"].as_u64().and_then(|seconds| u32::try_from(seconds).ok());
            let detail = format!("Telegram takes no more of {method} for now");
            Err(Problem::later("telegram_unavailable", detail, told.or(answer.retry_after())))
        }
        500.. => Err(Problem::later("telegram_unavailable", format!("Telegram answers {method} with {status}"), None)),
        _ => Ok(()),
    }
}

/// A message that was sent, or that nobody will ever get: whoever has blocked the bot (403), or is not there (400).
fn settled(answer: Answer) -> Result<(), Problem> {
    let status = answer.status.as_u16();
    if status != 403 && !answer.status.is_success() {
        // Telegram's own words, which name nobody
        let why: String = answer.json["description"].as_str().unwrap_or_default().chars().take(200).collect();
        Problem::new(status, "telegram_refused", format!("Telegram takes a message not at all: {why}")).log("warn");
    }
    Ok(())
}

/// A form with a picture (RFC 7578).
fn form(boundary: &str, chat: i64, caption: &str, picture: &[u8]) -> Vec<u8> {
    let field =
        |name: &str, value: &str| format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let head = format!(
        "{}{}--{boundary}\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"card.png\"\r\n\
         content-type: image/png\r\n\r\n",
        field("chat_id", &chat.to_string()),
        field("caption", caption),
    );
    [head.as_bytes(), picture, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn answered(status: u16, json: Value) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), json }
    }

    #[test]
    fn what_telegram_may_take_later_comes_again() {
        let wait = answered(429, json!({"ok": false, "parameters": {"retry_after": 7}}));
        let problem = taken(&wait, "sendMessage").unwrap_err();
        assert_eq!((problem.status, problem.retry_after), (503, Some(7)));
        for status in [401, 404, 500, 502, 504] {
            assert_eq!(taken(&answered(status, Value::Null), "sendMessage").unwrap_err().status, 503, "{status}");
        }
        for status in [200, 400, 403] {
            let answer = answered(status, json!({"ok": false, "description": "Bad Request: chat not found"}));
            assert_eq!(taken(&answer, "sendMessage"), Ok(()), "{status}");
            assert_eq!(settled(answer), Ok(()), "{status}");
        }
    }

    #[test]
    fn a_form_has_its_fields_and_the_picture_between_its_boundaries() {
        let form = form("b", 42, "Show this", b"\x89PNG\r\n\r\n--");
        let expected = b"--b\r\ncontent-disposition: form-data; name=\"chat_id\"\r\n\r\n42\r\n\
            --b\r\ncontent-disposition: form-data; name=\"caption\"\r\n\r\nShow this\r\n\
            --b\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"card.png\"\r\ncontent-type: image/png\r\n\r\n\
            \x89PNG\r\n\r\n--\r\n--b--\r\n";
        assert_eq!(form, expected);
    }
}
