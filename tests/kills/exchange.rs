//! Requests and answers over HTTP. An answer counts when all of it is there: of a request whose connection broke nobody
//! knows what became of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::wishes::Wish;

/// The shop's first key.
pub const ADMIN_KEY: &str = "admin-key-of-the-kills";
/// A living program answers sooner, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that a list of them keeps in flight.
const AT_ONCE: usize = 8;
/// What a store was too busy for is sent again so often.
const TRIES: usize = 5;

/// One request, ready to be sent as often as needed.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub body: String,
    /// None for what may be repeated without one.
    pub key: Option<String>,
    pub wish: Wish,
}

impl Request {
    /// A question.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: String::new(), key: None, wish: Wish::Nothing }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    /// The stored answer of an earlier request.
    pub replayed: bool,
    /// The body, byte for byte.
    pub text: String,
}

impl Answer {
    /// The body, or null where it isn't JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A change that was asked for and made.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: Request,
    pub answer: Answer,
}

impl Exchange {
    /// The idempotency key, for messages.
    pub fn key(&self) -> String {
        self.request.key.clone().unwrap_or_default()
    }
}

/// A client's connection.
pub struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// None when nobody takes it.
    pub async fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(driver);
        Some(Self { address, sender })
    }

    /// None when no whole answer came.
    pub async fn send(&mut self, request: &Request) -> Option<Answer> {
        tokio::time::timeout(PATIENCE, self.try_to_send(request)).await.ok().flatten()
    }

    async fn try_to_send(&mut self, request: &Request) -> Option<Answer> {
        let mut head = hyper::Request::builder()
            .method(request.method.clone())
            .uri(&request.path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {ADMIN_KEY}"))
            .header("content-type", "application/json");
        if let Some(key) = &request.key {
            head = head.header("idempotency-key", key);
        }
        let whole = head.body(Full::new(Bytes::from(request.body.clone()))).expect("a request");
        self.sender.ready().await.ok()?;
        let answer = self.sender.send_request(whole).await.ok()?;
        let status = answer.status();
        let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some(Answer { status, replayed, text: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// Sends all of these, some at once, and those that the program could not serve a few times more. The answers in the
/// sequence of the requests.
pub async fn send_all(address: SocketAddr, requests: Vec<Request>) -> Vec<Option<Answer>> {
    let mut answers = vec![None; requests.len()];
    let waiting = Arc::new(Mutex::new(requests.into_iter().enumerate().rev().collect::<Vec<_>>()));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let waiting = waiting.clone();
        workers.spawn(async move {
            let mut connection = None;
            let mut answered = Vec::new();
            while let Some((place, request)) = { waiting.lock().expect("the requests").pop() } {
                let mut answer = None;
                for _ in 0..TRIES {
                    if connection.is_none() {
                        connection = Connection::open(address).await;
                    }
                    answer = match &mut connection {
                        Some(connection) => connection.send(&request).await,
                        None => None,
                    };
                    match &answer {
                        Some(answer) if !answer.status.is_server_error() => break,
                        Some(_) => {}
                        None => connection = None,
                    }
                }
                answered.push((place, answer));
            }
            answered
        });
    }
    for (place, answer) in workers.join_all().await.into_iter().flatten() {
        answers[place] = answer;
    }
    answers
}
