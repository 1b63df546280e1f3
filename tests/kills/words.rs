//! What the running program says on its stderr tells nobody's name, phone or e-mail, whatever callers send.

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exchange::{Connection, Request};
use crate::process::{Process, Start, Time};
use crate::wishes::Wish;

const TOLD: [&str; 7] =
    ["79001234567", "9001234567", "anna.secret@example.com", "Annasecret", "Petrovasecret", "CARDSECRET", "annasecrettg"];

fn change(method: Method, path: &str, body: &Value, number: usize) -> Request {
    let (path, body) = (path.to_owned(), body.to_string());
    Request { method, path, body, key: Some(format!("word-{number}")), wish: Wish::Nothing }
}

#[tokio::test]
async fn the_log_tells_nothing_of_people() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for data");
    let start = Start { data: folder.path().join("data"), log: folder.path().join("log"), runtime_config: None };
    let process = Process::start(&start, Time::Real);
    let mut connection = Connection::open(process.address).await.expect("it listens");
    let person = json!({
        "phone": "+7 900 123-45-67", "email": "Anna.Secret@example.com", "card": "CARDSECRET", "telegram": "annasecrettg",
        "first_name": "Annasecret", "last_name": "Petrovasecret", "birthday": "1990-02-28", "channel": "site",
    });
    let preset = connection.send(&Request::get("/v1/program/presets/fixed")).await.expect("an answer").json();
    let order = |member: Value| {
        json!({"member": member, "order": {"channel": "site", "currency": "RUB", "lines": [
        {"id": "1", "sku": "a", "quantity": 1, "price": "10.00"}]}})
    };
    let nobody = |field: &str, text: &str| json!({field: text});
    let requests = [
        change(Method::PUT, "/v1/program", &preset["document"], 0),
        change(Method::POST, "/v1/members", &person, 1),
        // refused, wrong, unknown, in a path, in a query, as no JSON
        change(Method::POST, "/v1/members", &person, 2),
        change(Method::POST, "/v1/members", &json!({"phone": "9001234567x9001234567", "channel": "site"}), 3),
        change(Method::POST, "/v1/members", &json!({"Annasecret": "Petrovasecret", "channel": "site"}), 4),
        change(Method::POST, "/v1/quotes", &order(nobody("email", "other.anna.secret@example.com")), 5),
        change(Method::POST, "/v1/quotes", &order(nobody("phone", "Annasecret")), 6),
        change(Method::PATCH, "/v1/members/Annasecret", &json!({"first_name": "Annasecret"}), 7),
        change(Method::POST, "/v1/Annasecret", &json!({}), 8),
        Request::get("/v1/members?phone=%2B79001234567"),
        Request::get("/v1/members?email=nobody.anna.secret@example.com"),
        Request::get("/v1/members?phone=Annasecret"),
        Request::get("/v1/members/79001234567/balance"),
        Request { body: "{\"phone\": \"79001234567".to_owned(), ..change(Method::POST, "/v1/members", &json!({}), 9) },
    ];
    let mut statuses = Vec::new();
    for request in &requests {
        statuses.push(connection.send(request).await.expect("an answer").status.as_u16());
    }
    assert_eq!(statuses[..3], [200, 201, 409], "{statuses:?}");
    assert!(statuses[3..].contains(&404) && statuses[3..].contains(&422) && statuses[3..].contains(&400), "{statuses:?}");
    drop(process);
    let log = std::fs::read_to_string(&start.log).expect("what it said");
    assert!(log.matches(r#""message":"request""#).count() >= requests.len(), "each request leaves a line: {log}");
    for told in TOLD {
        assert!(!log.to_lowercase().contains(&told.to_lowercase()), "{told} is told: {log}");
    }
}
