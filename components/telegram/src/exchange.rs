//! One request out, and its answer read whole.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use spin_sdk::http::Response;

/// The header that tells the trace of a request (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 4 << 20;

/// How long an answer may take: Telegram waits for the update's for longer, and so does the host.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body; null where it is no JSON.
    pub json: Value,
}

impl Answer {
    /// The seconds of `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.headers.get("retry-after")?.to_str().ok()?.parse().ok()
    }
}

/// Sends a request, in the trace of whoever asked for it.
///
/// # Errors
/// Why there is no answer, without the address: it may hold a secret.
pub async fn send(mut request: Request<Full<Bytes>>, trace: Option<&HeaderValue>) -> Result<Answer, String> {
    if let Some(trace) = trace {
        request.headers_mut().insert(TRACEPARENT, trace.clone());
    }
    match select(pin!(exchange(request)), pin!(spin_sdk::time::sleep(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}

async fn exchange(request: Request<Full<Bytes>>) -> Result<Answer, String> {
    let response: Response = spin_sdk::http::send(request).await.map_err(|error| {
        let error = format!("{error:?}");
        error.trim_start_matches("ErrorCode::").chars().take(200).collect::<String>()
    })?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read(response.into_body(), ANSWER_LIMIT).await.map_err(|unread| match unread {
        Unread::TooLong => "an answer that is too long".to_owned(),
        Unread::Broken => "an answer that broke off".to_owned(),
    })?;
    Ok(Answer { status, headers, json: serde_json::from_slice(&body).unwrap_or_default() })
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    TooLong,
    Broken,
}

/// Reads a body piece by piece, so that none beyond the limit fills the instance's memory. What is beyond it is read and dropped:
/// a client that is still sending when the connection ends never sees the answer.
///
/// # Errors
/// [`Unread`]
pub async fn read<B>(mut pieces: B, limit: usize) -> Result<Vec<u8>, Unread>
where
    B: BodyExt<Data = Bytes> + Unpin,
{
    let mut body = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = pieces.frame().await {
        if let Ok(piece) = frame.map_err(|_| Unread::Broken)?.into_data() {
            length = length.saturating_add(piece.len());
            if length <= limit {
                body.extend_from_slice(&piece);
            }
        }
    }
    if length > limit { Err(Unread::TooLong) } else { Ok(body) }
}
