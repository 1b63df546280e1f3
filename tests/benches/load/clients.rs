//! Clients in a closed loop: each sends its next request when the answer to the one before is there: what a call costs where
//! nobody waits for others, or how many there can be. They have a thread and a runtime of their own, so that none of the
//! application's threads waits for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::samples::Samples;

/// One request.
pub struct Exchange {
    pub method: Method,
    pub path: String,
    pub body: String,
    pub idempotency_key: Option<String>,
}

/// How long is measured, and how long not yet.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    pub warm_up: Duration,
    pub measured: Duration,
}

/// Where requests go, and with whose key.
#[derive(Clone)]
pub struct Shop {
    pub address: SocketAddr,
    pub key: String,
}

impl Shop {
    /// Lets clients send what `next` makes, for as long as `spans` say.
    pub fn measure(&self, clients: usize, spans: Spans, next: impl Fn() -> Exchange + Send + Sync + 'static) -> Samples {
        let next = Arc::new(next);
        let began = Instant::now();
        let (from, to) = (began + spans.warm_up, began + spans.warm_up + spans.measured);
        let outcomes = self.run(clients, move |mut client| {
            let next = next.clone();
            async move {
                let (mut durations, mut sent) = (Vec::new(), 0);
                loop {
                    let request = client.request(next());
                    let started = Instant::now();
                    if started >= to {
                        return (durations, sent);
                    }
                    client.exchange(request).await;
                    let ended = Instant::now();
                    sent += 1;
                    if ended >= from && ended < to {
                        durations.push(ended - started);
                    }
                }
            }
        });
        let sent = outcomes.iter().map(|(_, sent)| sent).sum();
        Samples::within(spans.measured, outcomes.into_iter().flat_map(|(durations, _)| durations).collect(), sent)
    }

    /// Sends each of these requests once; the bodies of the answers, in no particular sequence.
    pub fn send_all(&self, clients: usize, exchanges: Vec<Exchange>) -> Vec<String> {
        let waiting = Arc::new(std::sync::Mutex::new(exchanges));
        let bodies = self.run(clients, move |mut client| {
            let waiting = waiting.clone();
            async move {
                let mut bodies = Vec::new();
                loop {
                    let Some(exchange) = waiting.lock().expect("requests").pop() else { return bodies };
                    let request = client.request(exchange);
                    bodies.push(client.exchange(request).await);
                }
            }
        });
        bodies.into_iter().flatten().collect()
    }

    /// Runs clients, each with its own connection, to their end.
    pub fn run<F, T>(&self, clients: usize, work: impl Fn(Client) -> F) -> Vec<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for the clients");
        runtime.block_on(async {
            let mut running = JoinSet::new();
            for _ in 0..clients {
                running.spawn(work(Client::connect(self.clone()).await));
            }
            running.join_all().await
        })
    }
}

/// A client with its connection.
pub struct Client {
    connection: SendRequest<Full<Bytes>>,
    shop: Shop,
}

impl Client {
    pub async fn connect(shop: Shop) -> Self {
        let stream = TcpStream::connect(shop.address).await.expect("the application listens");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(driver);
        Self { connection, shop }
    }

    pub fn request(&self, exchange: Exchange) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(exchange.method)
            .uri(exchange.path)
            .header("host", self.shop.address.to_string())
            .header("authorization", format!("Bearer {}", self.shop.key))
            .header("content-type", "application/json");
        if let Some(key) = exchange.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request.body(Full::new(Bytes::from(exchange.body))).expect("a request")
    }

    /// Sends a request and reads its whole answer, which must be a success.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> String {
        let (status, body) = self.send(request).await;
        assert!(is_success(status), "{status}: {body}");
        body
    }

    /// Sends a request and reads its whole answer, whatever it is.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> (StatusCode, String) {
        self.connection.ready().await.expect("the connection is kept");
        let answer = self.connection.send_request(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("a text"))
    }
}

/// What a call answers when it did what was asked.
pub fn is_success(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::CREATED)
}
