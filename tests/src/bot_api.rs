//! Telegram: a Bot API on loopback that keeps what a bot sends, and people who write to the bot.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::receiver::{Request, lock};
use crate::shop::Shop;

/// As BotFather gives it.
const TOKEN: &str = "4711:token-of-the-bot";

/// What `setWebhook` was told as `secret_token`.
pub const TELEGRAM_SECRET: &str = "secret-of-the-webhook";

/// The header that it comes in.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The bot's name.
const NAME: &str = "shop_bot";

/// What a bot sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `sendMessage`, `sendPhoto` ...
    pub method: String,
    pub chat: i64,
    /// The text, or what stands below a picture.
    pub text: String,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// Whether a button sends the contact.
    pub asks_for_contact: bool,
    /// A picture.
    pub photo: Option<Vec<u8>>,
    /// With what status it was taken.
    pub status: u16,
}

type Manner = Box<dyn FnMut(&str) -> (u16, Value) + Send>;

struct Inside {
    sent: Mutex<Vec<Sent>>,
    manner: Mutex<Manner>,
    stopping: AtomicBool,
}

/// A Bot API; it takes everything unless it is told otherwise.
pub struct BotApi {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl BotApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let manner: Manner = Box::new(|method| (200, taken(method)));
        let inside = Arc::new(Inside { sent: Mutex::default(), manner: Mutex::new(manner), stopping: AtomicBool::new(false) });
        let accepting = inside.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let inside = accepting.clone();
                if let Ok(stream) = stream {
                    std::thread::spawn(move || inside.take(&stream));
                }
            }
        });
        Self { address, inside }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every call is answered like this.
    pub fn answers(&self, status: u16, json: Value) {
        *lock(&self.inside.manner) = Box::new(move |_| (status, json.clone()));
    }

    /// From now on everything is taken again.
    pub fn takes_everything(&self) {
        *lock(&self.inside.manner) = Box::new(|method| (200, taken(method)));
    }

    /// What came so far, which is forgotten.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *lock(&self.inside.sent))
    }

    /// The one message that came, which is forgotten.
    #[track_caller]
    pub fn take_one(&self) -> Sent {
        let mut sent = self.take_sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}

impl Drop for BotApi {
    fn drop(&mut self) {
        self.inside.stopping.store(true, Ordering::SeqCst);
        // the one who waits for connections looks
        let _ = TcpStream::connect(self.address);
    }
}

fn taken(method: &str) -> Value {
    let result = if method == "getMe" { json!({"id": 4711, "is_bot": true, "username": NAME}) } else { json!({"message_id": 1}) };
    json!({"ok": true, "result": result})
}

impl Inside {
    /// One call a connection.
    fn take(&self, stream: &TcpStream) {
        let Some(request) = Request::read(stream) else { return };
        let method = request.path.strip_prefix(&format!("/bot{TOKEN}/")).map(str::to_owned);
        let (status, json) = match &method {
            Some(method) => (lock(&self.manner))(method),
            None => (401, json!({"ok": false, "error_code": 401, "description": "Unauthorized"})),
        };
        if let Some(method) = method.filter(|method| method != "getMe") {
            let sent = read(method, &request, status);
            lock(&self.sent).push(sent);
        }
        let body = json.to_string();
        let head = "content-type: application/json\r\nconnection: close";
        let answer = format!("HTTP/1.1 {status} told\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut stream = stream;
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// Reads a call as the Bot API does: a JSON body, or a form with a file.
fn read(method: String, request: &Request, status: u16) -> Sent {
    let kind = &request.headers["content-type"];
    let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else {
        let json: Value = serde_json::from_slice(&request.body).expect("a call is JSON");
        assert!(json.get("parse_mode").is_none(), "texts are plain: {json}");
        let buttons = json["reply_markup"]["keyboard"].as_array().into_iter().flatten();
        let buttons: Vec<&Value> = buttons.filter_map(Value::as_array).flatten().collect();
        return Sent {
            method,
            chat: json["chat_id"].as_i64().expect("a chat"),
            text: json["text"].as_str().expect("a text").to_owned(),
            asks_for_contact: buttons.iter().any(|button| button["request_contact"] == true),
            buttons: buttons.iter().filter_map(|button| Some(button["text"].as_str()?.to_owned())).collect(),
            photo: None,
            status,
        };
    };
    let field = |name: &str| part(&request.body, boundary, name).unwrap_or_else(|| panic!("a form has its {name}"));
    let text = |name: &str| String::from_utf8(field(name)).expect("a text");
    Sent {
        method,
        chat: text("chat_id").parse().expect("a chat"),
        text: text("caption"),
        buttons: Vec::new(),
        asks_for_contact: false,
        photo: Some(field("photo")),
        status,
    }
}

/// A part of a form, byte for byte.
fn part(body: &[u8], boundary: &str, name: &str) -> Option<Vec<u8>> {
    let find = |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).position(|window| window == wanted);
    let named = format!("name=\"{name}\"");
    let at = find(body, named.as_bytes())?;
    let rest = &body[at..];
    let rest = &rest[find(rest, b"\r\n\r\n")? + 4..];
    Some(rest[..find(rest, format!("\r\n--{boundary}").as_bytes())?].to_vec())
}

/// A shop with a bot.
pub struct Telegram {
    pub shop: Shop,
    pub api: BotApi,
    updates: AtomicU64,
}

impl Telegram {
    /// Connects a shop to a bot: with a key of its own, as the README says.
    pub async fn connect(shop: Shop) -> Self {
        let api = BotApi::start();
        let key = shop.key(&["storefront"], None).await.secret;
        // the names and values of a deployment live as long as the tests
        let fixed = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let settings = [
            ("telegram_token", TOKEN),
            ("telegram_secret", TELEGRAM_SECRET),
            ("telegram_key", fixed(key)),
            ("telegram_api", fixed(api.url())),
        ];
        Self { shop: shop.restart_with(&settings).await, api, updates: AtomicU64::new(1_000) }
    }

    /// An update with a message from somebody in their own chat, who reads this language.
    pub fn update(&self, person: i64, language: &str, message: Value) -> Value {
        let mut update = json!({
            "update_id": self.updates.fetch_add(1, Ordering::Relaxed),
            "message": {
                "message_id": 1, "date": 1_768_467_600, "chat": {"id": person, "type": "private"},
                "from": {"id": person, "is_bot": false, "first_name": "Anna", "last_name": "K", "language_code": language},
            },
        });
        for (field, value) in message.as_object().expect("fields") {
            update["message"][field] = value.clone();
        }
        update
    }

    /// Sends an update as Telegram does.
    pub async fn send(&self, update: &Value) -> Answer {
        self.send_as(Some(TELEGRAM_SECRET), &update.to_string()).await
    }

    /// Sends any body with any secret.
    pub async fn send_as(&self, secret: Option<&str>, body: &str) -> Answer {
        let headers: Vec<_> = secret.map(|secret| (SECRET_HEADER, secret)).into_iter().collect();
        self.shop.post_without_key(&headers, "/v1/telegram/updates", body.to_owned()).await
    }

    /// Somebody writes to the bot in a language; what the bot answers.
    pub async fn says_in(&self, language: &str, person: i64, text: &str) -> Sent {
        self.send(&self.update(person, language, json!({"text": text}))).await.expect(200);
        self.api.take_one()
    }

    /// Somebody writes to the bot; what it answers in English.
    pub async fn says(&self, person: i64, text: &str) -> Sent {
        self.says_in("en", person, text).await
    }

    /// An update with somebody's own contact.
    pub fn contact(&self, person: i64, language: &str, phone: &str) -> Value {
        let contact = json!({"phone_number": phone, "first_name": "Anna", "user_id": person});
        self.update(person, language, json!({"contact": contact}))
    }

    /// Somebody sends the own contact; what the bot answers in English.
    pub async fn shares(&self, person: i64, phone: &str) -> Sent {
        self.send(&self.contact(person, "en", phone)).await.expect(200);
        self.api.take_one()
    }
}
