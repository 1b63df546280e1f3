//! Answers that the host gives itself, as `application/problem+json`.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use wasmtime_wasi_http::WasiBody;

/// A JSON answer.
pub(crate) fn json(status: StatusCode, content: &Value) -> Response<WasiBody> {
    answer(status, "application/json", content)
}

/// A refusal; `code` is a stable word.
pub(crate) fn problem(status: StatusCode, code: &str, detail: impl std::fmt::Display) -> Response<WasiBody> {
    answer(status, "application/problem+json", &document(status, code, &detail.to_string()))
}

/// A refusal of one field of the body.
pub(crate) fn field_problem(status: StatusCode, pointer: &str, code: &str, detail: &str) -> Response<WasiBody> {
    let mut document = document(status, code, detail);
    document["errors"] = json!([{ "pointer": pointer, "code": code, "detail": detail }]);
    answer(status, "application/problem+json", &document)
}

fn document(status: StatusCode, code: &str, detail: &str) -> Value {
    json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    })
}

fn answer(status: StatusCode, media_type: &'static str, content: &Value) -> Response<WasiBody> {
    let body = Full::new(Bytes::from(content.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}
