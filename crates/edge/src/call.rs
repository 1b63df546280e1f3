//! One HTTP request, read whole, and its answer.

use std::cell::{Cell, RefCell};

use http_body_util::BodyExt as _;
use serde_json::Value;
use spin_sdk::http::{Request, StatusCode};

use crate::access::variable;
use crate::client::Client;
use crate::limits::{self, Quota, Subjects};
use crate::log::{self, Asked};
use crate::problem::Problem;
use crate::record::Record;
use crate::replica::{self, MIN_SEQUENCE, Reading};
use crate::sealing::keyed_hash_of;
use crate::shop::known_key;
use crate::wire::Languages;

/// The largest body: a thousand lines of an order with long names fit ten times.
const BODY_LIMIT: usize = 2 << 20;

type Response = http::Response<String>;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// The path's parts below `/v1`, decoded: `["members", "mem_1", "balance"]`. Outside of it the first one is "/".
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub key: Option<String>,
    pub idempotency_key: Option<String>,
    pub body: Vec<u8>,
    /// In which languages the caller reads explanations.
    pub languages: Languages,
    target: String,
    /// Where it comes from, where that tells one client from others.
    pub(crate) client: Option<Client>,
    /// The key was looked up, and the call is allowed to it.
    pub(crate) permitted: Cell<bool>,
    /// A member is named by a phone, an e-mail or the like: what can be tried out.
    pub(crate) names_by_identity: Cell<bool>,
    /// A phone, an e-mail or the like was given to a member: that it was free is told by the success.
    pub(crate) adds_identity: Cell<bool>,
    /// Whom the call is counted for.
    pub(crate) subjects: RefCell<Option<Subjects>>,
    /// What the key has left.
    pub(crate) quota: Cell<Option<Quota>>,
    /// From where it is answered, and how new that is.
    pub(crate) reading: Reading,
}

/// A success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    /// The stored answer of an earlier request.
    pub replayed: bool,
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    #[must_use]
    pub fn new(status: u16, body: impl ToString) -> Self {
        Self { status, body: body.to_string(), replayed: false, headers: Vec::new() }
    }

    #[must_use]
    pub fn ok(body: &Value) -> Self {
        Self::new(200, body)
    }
}

impl Call {
    /// The path and the query as they were sent.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it was refused before its key was looked at.
    fn is_not_checked(&self, refused: &Problem) -> bool {
        self.subjects.borrow().is_none() && refused.status != 429 && self.target.starts_with("/v1/")
    }

    /// Says that the call names a member by what can be tried out, before the caller is let through.
    pub fn names_by_identity(&self) {
        self.names_by_identity.set(true);
    }

    /// Says that the call gives a known member what may be somebody's already: whatever is answered, it tells about others, so
    /// that it counts as a guess.
    pub fn adds_identity(&self) {
        self.adds_identity.set(true);
    }

    /// The idempotency key of a mutation.
    ///
    /// # Errors
    /// 400 without one, or when it is not 1 to 128 visible ASCII characters.
    pub fn idempotency_key(&self) -> Result<&str, Problem> {
        let rule = "every change needs the header Idempotency-Key, 1 to 128 visible ASCII characters, new for each change";
        match self.idempotency_key.as_deref() {
            None => Err(Problem::new(400, "idempotency_key_missing", rule)),
            Some(key) if key.is_empty() || key.len() > 128 || !key.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(Problem::new(400, "idempotency_key_invalid", rule))
            }
            Some(key) => Ok(key),
        }
    }

    /// What makes two requests the same: method, path, query and raw body, as a keyed hash.
    ///
    /// # Errors
    /// 500 when the shop has no usable key.
    pub async fn fingerprint(&self) -> Result<String, Problem> {
        keyed_hash_of(&[self.method.as_bytes(), b"\n", self.target.as_bytes(), b"\n", &self.body]).await
    }

    /// The body as a type of the API.
    ///
    /// # Errors
    /// 400 for what is no JSON; 422 with a pointer to what does not fit.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        crate::wire::parse(&self.body)
    }

    /// Lists: below which row the next page begins.
    ///
    /// # Errors
    /// 422 for what was no `next_cursor`.
    pub fn cursor(&self) -> Result<i64, Problem> {
        match self.parameter("cursor") {
            None => Ok(i64::MAX),
            Some(cursor) => cursor.parse().map_err(|_| Problem::field("/cursor", "invalid", "is no cursor of this list")),
        }
    }

    /// Lists: how many, at most 200, 50 unless asked.
    ///
    /// # Errors
    /// 422 outside 1 to 200.
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.parameter("limit") {
            None => Ok(50),
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=200).contains(limit))
                .ok_or_else(|| Problem::field("/limit", "out_of_range", "limit is a whole number from 1 to 200")),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // writing to a String can't fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a request, lets `route` answer it, and turns the answer into a response. What that cost is told the caller, and the log.
pub async fn serve<F>(request: Request, route: F) -> Response
where
    F: AsyncFn(&Call) -> Result<Reply, Problem>,
{
    let asked = Asked::of(&request);
    let ((outcome, quota), cost) = Record::of(asked.trace(), answer(request, route)).await;
    log::tell_request(&asked, &outcome, &cost).await;
    let mut response = response(outcome, quota);
    if let Ok(timing) = cost.server_timing().parse() {
        response.headers_mut().insert("server-timing", timing);
    }
    response
}

/// The answer to a request, and what its key has left.
async fn answer<F>(request: Request, route: F) -> (Result<Reply, Problem>, Option<Quota>)
where
    F: AsyncFn(&Call) -> Result<Reply, Problem>,
{
    let call = match read(request).await {
        Ok(call) => call,
        Err(problem) => return (Err(problem), None),
    };
    let outcome = match &call.key {
        None if call.target.starts_with("/v1/") => Err(refused_without_key(&call).await),
        _ => match replica::answered(&call, &route).await {
            // whoever has no known key learns nothing else: the path and the body were looked at before the store
            Err(problem) if call.is_not_checked(&problem) => Err(known_key(&call).await.err().unwrap_or(problem)),
            outcome => outcome,
        },
    };
    limits::count(&call, outcome.as_ref().err()).await;
    (outcome, call.quota.get())
}

fn response(outcome: Result<Reply, Problem>, quota: Option<Quota>) -> Response {
    let (status, content_type, body, headers) = match outcome {
        Ok(reply) => {
            let mut headers = reply.headers;
            if reply.replayed {
                headers.push(("idempotent-replayed", "true".to_owned()));
            }
            // a refusal that is kept: a wrong one-time code
            let kind = if reply.status < 400 { "application/json" } else { "application/problem+json" };
            (reply.status, kind, reply.body, headers)
        }
        Err(problem) => {
            let retry = problem.retry_after.map(|seconds| ("retry-after", seconds.to_string()));
            let mut headers: Vec<_> = retry.into_iter().collect();
            if problem.status == 401 {
                headers.push(("www-authenticate", "Bearer".to_owned()));
            }
            (problem.status, "application/problem+json", problem.to_json().to_string(), headers)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    fields.insert("content-type", spin_sdk::http::HeaderValue::from_static(content_type));
    fields.insert("cache-control", spin_sdk::http::HeaderValue::from_static("no-store"));
    for (name, value) in headers.into_iter().chain(quota.map(Quota::fields).into_iter().flatten()) {
        if let Ok(value) = value.parse() {
            fields.insert(name, value);
        }
    }
    response
}

/// A call without a key is asked for one, and it counts for its address as one with a wrong key does.
async fn refused_without_key(call: &Call) -> Problem {
    // where nobody is told apart there is nothing to count, and the store is not asked
    if call.client.is_none() {
        return Problem::unauthorized();
    }
    // whatever keeps the store from counting is no matter of whoever sent no key
    known_key(call).await.err().filter(|problem| problem.status == 429).unwrap_or_else(Problem::unauthorized)
}

async fn read(request: Request) -> Result<Call, Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let key = header("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
    });
    let languages = header("accept-language").map(|value| Languages::accepted(&value)).unwrap_or_default();
    // a header that is there but not readable as text is not the same as none
    let idempotency_key =
        request.headers().get("idempotency-key").map(|value| value.to_str().map(str::to_owned).unwrap_or_default());
    let reading = Reading::asked(header(MIN_SEQUENCE));
    // without a setting Spin's word is taken for the other end of the connection
    let client = match variable("client_address_header").await {
        Ok(name) => header(&name).and_then(|value| Client::forwarded(&value)),
        Err(_) => header("spin-client-addr").and_then(|value| Client::connected(&value)),
    };
    // a call without any key learns nothing about what it sent, and its body is not read
    let body = if key.is_none() && path.starts_with("/v1/") { Vec::new() } else { read_body(request).await? };
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let (root, below) = match path.strip_prefix("/v1/") {
        Some(below) => (None, below),
        None => (Some("/".to_owned()), path.as_str()),
    };
    Ok(Call {
        path: root.into_iter().chain(below.split('/').filter(|part| !part.is_empty()).map(decode)).collect(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        key,
        idempotency_key,
        body,
        languages,
        target: if query.is_empty() { path } else { format!("{path}?{query}") },
        method,
        client,
        permitted: Cell::new(false),
        names_by_identity: Cell::new(false),
        adds_identity: Cell::new(false),
        subjects: RefCell::default(),
        quota: Cell::new(None),
        reading,
    })
}

/// Reads the body piece by piece, so that none beyond the limit ever fills the instance's memory. What is beyond it is
/// read all the same and dropped: a client that is still sending when the connection ends never sees the answer.
async fn read_body(request: Request) -> Result<Vec<u8>, Problem> {
    let mut pieces = request.into_body();
    let mut body = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = pieces.frame().await {
        let frame = frame.map_err(|_| Problem::new(400, "body_unreadable", "The body broke off; send the request again"))?;
        if let Ok(piece) = frame.into_data() {
            length = length.saturating_add(piece.len());
            if length <= BODY_LIMIT {
                body.extend_from_slice(&piece);
            }
        }
    }
    if length > BODY_LIMIT {
        return Err(Problem::new(413, "body_too_large", format!("A body has at most {BODY_LIMIT} bytes")));
    }
    Ok(body)
}
