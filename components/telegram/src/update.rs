//! What Telegram sends: of the Bot API's `Update` only what a conversation between a person and the bot needs. Whatever else there
//! is, now or later, is no message; only what is no update at all is refused.

use serde_json::Value;

use crate::problem::Problem;
use crate::texts::Language;

/// Longer names are cut: the API takes so many characters.
const LONGEST_NAME: usize = 200;

/// An update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its number: the same each time it is sent.
    pub id: u64,
    /// What a person wrote to the bot in their own chat with it.
    pub message: Option<Message>,
}

/// A message of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where the answer goes.
    pub chat: i64,
    pub from: Sender,
    pub content: Content,
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Telegram's number of the person: the identity `telegram` of a member.
    pub id: i64,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub language: Language,
}

/// What the message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Contact {
        /// In E.164.
        phone: String,
        /// Whether it is the sender's own: Telegram vouches for that one.
        own: bool,
    },
    /// A picture, a sticker ...
    Other,
}

impl Update {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// 400 for what is no JSON, or has no `update_id`.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let update: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::new(400, "invalid_json", format!("The body is no JSON: {error}")))?;
        let id = update["update_id"].as_u64();
        let id = id.ok_or_else(|| Problem::new(400, "invalid_update", "/update_id: an update has a whole number there"))?;
        Ok(Self { id, message: message(&update["message"]) })
    }
}

/// None for what was not written by a person in a private chat: in groups the bot says nothing.
fn message(message: &Value) -> Option<Message> {
    if message["chat"]["type"] != "private" || message["from"]["is_bot"] == true {
        return None;
    }
    let from = &message["from"];
    let id = from["id"].as_i64()?;
    let name = |field: &str| {
        let name: String = from[field].as_str()?.trim().chars().take(LONGEST_NAME).collect();
        (!name.is_empty()).then_some(name)
    };
    let language = Language::of(from["language_code"].as_str().unwrap_or_default());
    let content = match (message["text"].as_str(), message["contact"]["phone_number"].as_str()) {
        (_, Some(phone)) => Content::Contact { phone: international(phone), own: message["contact"]["user_id"] == id },
        (Some(text), None) => Content::Text(text.to_owned()),
        (None, None) => Content::Other,
    };
    let from = Sender { id, first_name: name("first_name"), last_name: name("last_name"), language };
    Some(Message { chat: message["chat"]["id"].as_i64()?, from, content })
}

/// Telegram's phones are international, with a plus or without: without one they would be read as of the shop's country.
fn international(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    format!("+{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn update(message: Value) -> Value {
        json!({"update_id": 7, "message": message})
    }

    fn text(text: &str) -> Value {
        json!({
            "message_id": 1, "date": 1_760_000_000, "chat": {"id": 42, "type": "private", "first_name": "Anna"},
            "from": {"id": 42, "is_bot": false, "first_name": "Anna", "language_code": "ru-RU"}, "text": text,
        })
    }

    fn read(update: &Value) -> Option<Message> {
        Update::parse(update.to_string().as_bytes()).expect("an update").message
    }

    #[test]
    fn a_text_is_read_with_its_sender() {
        let from = Sender { id: 42, first_name: Some("Anna".into()), last_name: None, language: Language::Russian };
        let message = Message { chat: 42, from, content: Content::Text("/start".into()) };
        assert_eq!(read(&update(text("/start"))), Some(message));
    }

    #[test]
    fn a_contact_is_the_sender_s_own_only_where_telegram_says_so() {
        let content = |contact: Value| {
            let mut message = text("");
            message["contact"] = contact;
            read(&update(message)).expect("a message").content
        };
        let phone = || "+79000000001".to_owned();
        assert_eq!(
            content(json!({"phone_number": "79000000001", "first_name": "Anna", "user_id": 42})),
            Content::Contact { phone: phone(), own: true }
        );
        for other in [json!(43), json!(null), json!("42"), json!(42.5), json!([42])] {
            let contact = json!({"phone_number": "+7 900 000-00-01", "first_name": "Boris", "user_id": other});
            assert_eq!(content(contact), Content::Contact { phone: phone(), own: false }, "{other}");
        }
        assert_eq!(content(json!({"phone_number": "79000000001"})), Content::Contact { phone: phone(), own: false });
    }

    #[test]
    fn whatever_is_no_message_of_a_person_is_taken_and_forgotten() {
        let group = |kind: &str| {
            let mut message = text("/start");
            message["chat"]["type"] = kind.into();
            update(message)
        };
        let mut of_a_bot = text("/start");
        of_a_bot["from"]["is_bot"] = true.into();
        let mut of_nobody = text("/start");
        of_nobody["from"].take();
        let mut nowhere = text("/start");
        nowhere["chat"]["id"] = "42".into();
        for forgotten in [
            group("group"),
            group("supergroup"),
            group("channel"),
            update(of_a_bot),
            update(of_nobody),
            update(nowhere),
            update(json!(null)),
            update(json!([text("/start")])),
            update(json!("/start")),
            json!({"update_id": 7}),
            json!({"update_id": 7, "edited_message": text("/start")}),
            json!({"update_id": 7, "callback_query": {"id": "1", "data": "x"}}),
            json!({"update_id": 7, "a kind that comes next year": {"message": text("/start")}}),
        ] {
            assert_eq!(read(&forgotten), None, "{forgotten}");
        }
    }

    #[test]
    fn what_is_no_update_is_refused_and_does_no_harm() {
        let deep = "[".repeat(100_000);
        let many = format!("{{\"update_id\": {}}}", "9".repeat(40));
        for (wrong, code) in [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ("no JSON", "invalid_json"),
            (deep.as_str(), "invalid_json"),
            ("{} {}", "invalid_json"),
            ("null", "invalid_update"),
            ("[]", "invalid_update"),
            ("{}", "invalid_update"),
            (r#"{"update_id": "7"}"#, "invalid_update"),
            (r#"{"update_id": -7}"#, "invalid_update"),
            (r#"{"update_id": 7.5}"#, "invalid_update"),
            (many.as_str(), "invalid_update"),
        ] {
            let problem = Update::parse(wrong.as_bytes()).expect_err("no update");
            assert_eq!((problem.status, problem.code), (400, code), "{}", wrong.chars().take(40).collect::<String>());
        }
        assert_eq!(Update::parse(b"\xff\xfe{}").expect_err("no text").code, "invalid_json");
    }

    #[test]
    fn fields_of_another_kind_are_as_good_as_none() {
        for wrong in [json!(1), json!(null), json!({}), json!(["x"]), json!(true)] {
            let mut message = text("x");
            for field in ["first_name", "last_name", "language_code"] {
                message["from"][field] = wrong.clone();
            }
            message["text"] = wrong.clone();
            message["contact"] = wrong.clone();
            let read = read(&update(message)).expect("a message");
            assert_eq!((read.from.first_name, read.from.last_name, read.content), (None, None, Content::Other), "{wrong}");
        }
        let mut long = text("x");
        long["from"]["first_name"] = "Я".repeat(10_000).into();
        long["from"]["last_name"] = "   ".into();
        let from = read(&update(long)).expect("a message").from;
        assert_eq!(from.first_name.map(|name| name.chars().count()), Some(LONGEST_NAME));
        assert_eq!(from.last_name, None);
    }
}
