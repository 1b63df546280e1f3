//! `/_host/clock`: reads and moves the virtual clock over HTTP.

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use wasmtime_wasi_http::WasiBody;

use crate::clock::Clock;
use crate::cron::{AdvanceError, Destination, Schedules};
use crate::problem::{field_problem, json, problem};

/// Where it is.
pub(crate) const PATH: &str = "/_host/clock";
/// More than any sensible body.
const BODY_LIMIT: usize = 64 * 1024;

/// Answers a request to the clock.
pub(crate) async fn answer(clock: &Clock, schedules: &Schedules, request: Request<Incoming>) -> Response<WasiBody> {
    match *request.method() {
        Method::GET => json(StatusCode::OK, &json!({ "now": clock.time().to_string(), "clock": "virtual" })),
        Method::POST => match Limited::new(request.into_body(), BODY_LIMIT).collect().await {
            Ok(body) => advance(clock, schedules, &body.to_bytes()).await,
            Err(error) => problem(StatusCode::BAD_REQUEST, "body_unreadable", error),
        },
        _ => {
            let mut refusal = problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "GET or POST");
            refusal.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
            refusal
        }
    }
}

async fn advance(clock: &Clock, schedules: &Schedules, body: &[u8]) -> Response<WasiBody> {
    let destination = match read(clock, body) {
        Ok(destination) => destination,
        Err((pointer, detail)) => return field_problem(StatusCode::BAD_REQUEST, pointer, "invalid", &detail),
    };
    match schedules.advance(clock, destination).await {
        Ok(done) => json(StatusCode::OK, &json!({ "now": done.now.to_string(), "runs": done.runs, "failed": done.failed })),
        Err(error @ AdvanceError::Back { .. }) => {
            field_problem(StatusCode::UNPROCESSABLE_ENTITY, "/now", "time_goes_back", &error.to_string())
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, "clock_not_moved", error),
    }
}

/// The destination, or the field that is wrong and why.
fn read(clock: &Clock, body: &[u8]) -> Result<Destination, (&'static str, String)> {
    let content: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| ("", format!("not a JSON object: {error}")))?;
    if let Some(unknown) = content.keys().find(|key| !["now", "advance"].contains(&key.as_str())) {
        return Err(("", format!("{unknown:?} is unknown: give either \"now\" or \"advance\"")));
    }
    match (content.get("now"), content.get("advance")) {
        (Some(Value::String(now)), None) => {
            let time = now.parse().map_err(|error| ("/now", format!("{now:?} is not an RFC 3339 time: {error}")))?;
            Ok(Destination::At(time))
        }
        (None, Some(Value::String(duration))) => {
            // Checked here to name the field; added once it is this advance's turn.
            crate::clock::add(clock.time(), duration)
                .map_err(|error| ("/advance", format!("{duration:?} is not a duration such as \"P14D\": {error}")))?;
            Ok(Destination::After(duration.clone()))
        }
        (Some(_), None) => Err(("/now", "must be an RFC 3339 time".into())),
        (None, Some(_)) => Err(("/advance", "must be an ISO 8601 duration".into())),
        _ => Err(("", "give either \"now\" or \"advance\"".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockMode;

    #[track_caller]
    fn check(body: &str, expected: Result<&str, &str>) {
        let start = "2026-03-31T00:00:00Z".parse().unwrap();
        let clock = Clock::new(ClockMode::Virtual(Some(start))).unwrap();
        let read = read(&clock, body.as_bytes()).map_err(|(pointer, _)| pointer).map(|destination| match destination {
            Destination::At(time) => time.to_string(),
            Destination::After(duration) => duration,
        });
        assert_eq!(read, expected.map(str::to_owned), "{body}");
    }

    #[test]
    fn wrong_fields_are_named() {
        check(r#"{"now":"2026-04-01T03:00:00+03:00"}"#, Ok("2026-04-01T00:00:00Z"));
        check(r#"{"advance":"P14D"}"#, Ok("P14D"));
        check(r#"{"now":"tomorrow"}"#, Err("/now"));
        check(r#"{"now":1}"#, Err("/now"));
        check(r#"{"advance":"-P1D"}"#, Err("/advance"));
        check(r#"{"advance":14}"#, Err("/advance"));
        check(r#"{"now":"2026-04-01T00:00:00Z","advance":"P1D"}"#, Err(""));
        check("{}", Err(""));
        check(r#"{"then":"x"}"#, Err(""));
        check("[]", Err(""));
    }
}
