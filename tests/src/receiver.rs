//! One of the shop's systems that gets messages by webhook, on loopback: it keeps what it got, and answers as it is told to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// How an endpoint takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// With this status.
    Status(u16),
    /// With this status, and a header.
    With(u16, &'static str, String),
    /// With this status, after so many milliseconds.
    Slowly(u16, u64),
    /// The connection ends without an answer.
    Dropped,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub json: Value,
    /// How it was taken.
    pub taken: Taken,
}

impl Received {
    /// The message's id: the same at every attempt.
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn kind(&self) -> &str {
        self.json["type"].as_str().expect("a message has a type")
    }

    /// Which of the signatures, in their sequence, is of this secret, as Standard Webhooks 1.0 makes them.
    pub fn signed_by(&self, secret: &str) -> Vec<bool> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key will do");
        let signed = [self.id(), &self.headers["webhook-timestamp"], &self.body].join(".");
        mac.update(signed.as_bytes());
        let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').map(|signature| signature == right).collect()
    }
}

type Manner = Box<dyn FnMut(&Received) -> Taken + Send>;

struct Inside {
    received: Mutex<Vec<Received>>,
    manner: Mutex<Manner>,
    stopping: AtomicBool,
}

/// A receiver; it takes everything with 200 unless it is told otherwise.
pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let inside = Arc::new(Inside {
            received: Mutex::default(),
            manner: Mutex::new(Box::new(|_| Taken::Status(200))),
            stopping: AtomicBool::new(false),
        });
        let accepting = inside.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let inside = accepting.clone();
                if let Ok(stream) = stream {
                    std::thread::spawn(move || inside.take(stream));
                }
            }
        });
        Self { address, inside }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// From now on requests are taken like this.
    pub fn takes(&self, manner: impl FnMut(&Received) -> Taken + Send + 'static) {
        *lock(&self.inside.manner) = Box::new(manner);
    }

    /// From now on all requests are answered with this status.
    pub fn answers(&self, status: u16) {
        self.takes(move |_| Taken::Status(status));
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inside.received).clone()
    }

    /// What came so far, which is forgotten.
    pub fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut *lock(&self.inside.received))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.inside.stopping.store(true, Ordering::SeqCst);
        // the one who waits for connections looks
        let _ = TcpStream::connect(self.address);
    }
}

impl Inside {
    /// One request a connection. A client that goes away meanwhile is its own affair.
    fn take(&self, stream: TcpStream) {
        let Some(mut received) = read(&stream) else { return };
        received.taken = (lock(&self.manner))(&received);
        let taken = received.taken.clone();
        lock(&self.received).push(received);
        let (status, header) = match taken {
            Taken::Status(status) => (status, String::new()),
            Taken::With(status, name, value) => (status, format!("{name}: {value}\r\n")),
            Taken::Slowly(status, milliseconds) => {
                std::thread::sleep(Duration::from_millis(milliseconds));
                (status, String::new())
            }
            Taken::Dropped => return,
        };
        let answer = format!("HTTP/1.1 {status} told\r\n{header}content-length: 0\r\nconnection: close\r\n\r\n");
        let mut stream = stream;
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let Request { headers, body, .. } = Request::read(stream)?;
    let body = String::from_utf8(body).ok()?;
    let json = serde_json::from_str(&body).ok()?;
    Some(Received { headers, body, json, taken: Taken::Dropped })
}

/// A request as it came, with a body of which the length was told.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        Some(Self { path, headers, body })
    }
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
