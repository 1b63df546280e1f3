//! A small HTTP client for the running program: JSON in, JSON out, connections kept.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client with the key that it uses.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    key: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, or null where it isn't JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a success; a refusal becomes an error in its own words, with everything that is wrong with what was sent.
    pub fn success(self) -> Result<Value> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let named = |error: &Value| {
            let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
            format!("\n  {}: {}", text("pointer"), text("detail"))
        };
        let errors: String = self.body["errors"].as_array().into_iter().flatten().map(named).collect();
        match self.body["detail"].as_str().or(self.body["title"].as_str()) {
            Some(detail) => bail!("{}: {detail}{errors}", self.status),
            None => bail!("{}{errors}", self.status),
        }
    }
}

impl Client {
    /// A client for the program at a URL.
    pub fn new(url: impl Into<String>, key: impl Into<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Http::builder(TokioExecutor::new()).build(connector), url: url.into(), key: key.into() }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None, None).await
    }

    /// `POST` of something that needs no idempotency key.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, Some(body), None).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>, idempotency_key: Option<&str>) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let content = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let sent = async {
            let answer = self.http.request(request.body(Full::new(content))?).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
        };
        sent.await.with_context(|| format!("{method} {path}"))
    }
}
