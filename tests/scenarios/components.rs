//! The components as they are shipped: the rules import nothing, and the document of the API says what there is.

use std::collections::BTreeSet;
use std::path::Path;

use http::Method;
use serde_json::Value;
use tests::{BEGINNING, Shop};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Sections of a component binary (component model binary format, layer 1): (id, content). Modules and components that are
/// nested in it are the content of sections, so that what is found here is the component's own.
fn sections(binary: &[u8]) -> Vec<(u8, &[u8])> {
    let (preamble, mut rest) = binary.split_at(8);
    assert_eq!(preamble[..4], *b"\0asm", "a WebAssembly binary");
    assert_eq!(preamble[6..], [1, 0], "a component, no module");
    let mut sections = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = unsigned(after);
        let (content, after) = after.split_at(length);
        sections.push((*id, content));
        rest = after;
    }
    sections
}

/// An unsigned LEB128 number, and what follows it.
fn unsigned(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number ends") + 1;
    let number = bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    (number, &bytes[length..])
}

/// Numbers of the sections that are looked at.
const IMPORTS: u8 = 10;
const EXPORTS: u8 = 11;

#[tokio::test]
async fn the_rules_import_nothing_at_all() {
    drop(Shop::without_tables(BEGINNING).await); // builds what is stale
    let file = Path::new(ROOT).join("target/wasm32-unknown-unknown/edge/rules.component.wasm");
    let binary = std::fs::read(file).expect("the rules are built");
    let sections = sections(&binary);
    let count =
        |wanted: u8| -> usize { sections.iter().filter(|(id, _)| *id == wanted).map(|(_, content)| unsigned(content).0).sum() };
    assert_eq!(count(IMPORTS), 0, "imports");
    assert_eq!(count(EXPORTS), 1, "exports: the engine");
    let name = b"kopilka:rules/engine@1.0.0";
    assert!(sections.iter().any(|(id, content)| *id == EXPORTS && content.windows(name.len()).any(|window| window == name)));
}

async fn openapi(shop: &Shop) -> Value {
    let answer = shop.send_with(None, Method::GET, "/openapi.json", None, None).await;
    assert_eq!(answer.content_type, "application/json");
    assert!(answer.text == include_str!("../../components/registration/openapi.json"), "to the last byte");
    answer.expect(200)
}

/// The calls of a document: (method, path).
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| item.as_object().expect("a path item").keys().cloned().collect::<Vec<_>>();
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(move |method| (method.to_uppercase(), path.clone())))
        .collect()
}

#[tokio::test]
async fn every_call_of_the_document_is_there() {
    let shop = Shop::open("fixed").await;
    let document = openapi(&shop).await;
    assert_eq!(document["openapi"], "3.1.0");
    for (method, path) in documented(&document) {
        let place = path.replace("{name}", "expire").replace("{version}", "1").replace("{id}", "mem_1");
        let answer =
            shop.send(Method::from_bytes(method.as_bytes()).unwrap(), &place, Some("{}".to_owned()), Some(&shop.new_key())).await;
        assert_ne!(answer.json["code"], "not_found", "{method} {path}: {}", answer.text);
        assert!(answer.status.as_u16() < 500, "{method} {path}: {}", answer.text);
    }
}

/// The calls that a component's `route` answers, read from its source: `("POST", ["orders", id, "returns"])`.
fn routed(source: &str) -> BTreeSet<(String, String)> {
    let mut calls = BTreeSet::new();
    for line in source.lines().map(str::trim).filter(|line| line.starts_with("(\"") && line.contains("=>")) {
        let (method, rest) = line[2..].split_once('"').expect("a method");
        let (_, rest) = rest.split_once('[').expect("a path");
        let (parts, _) = rest.split_once(']').expect("a path's end");
        let parts = parts.split(',').map(str::trim).map(|part| match part.strip_prefix('"') {
            Some(text) => text.trim_end_matches('"').to_owned(),
            None => format!("{{{part}}}"),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        // a part "/" in front stands for the root, everything else is below /v1
        calls.insert((method.to_owned(), path.strip_prefix('/').map_or_else(|| format!("/v1/{path}"), str::to_owned)));
    }
    calls
}

#[tokio::test]
async fn every_route_of_the_components_is_in_the_document() {
    let shop = Shop::without_tables(BEGINNING).await;
    let documented = documented(&openapi(&shop).await);
    let mut count = 0;
    for component in ["accrual", "redemption", "registration", "jobs", "telegram"] {
        let file = Path::new(ROOT).join(format!("components/{component}/src/lib.rs"));
        for (method, path) in routed(&std::fs::read_to_string(file).expect("the source of a component")) {
            count += 1;
            // one job stands for all in the document
            let path = path.replace("/migrate/", "/{name}/");
            assert!(
                documented.contains(&(method.clone(), path.clone())),
                "{method} {path} of {component} is not in the document"
            );
        }
    }
    assert!(count >= documented.len(), "{count} routes are found, {} are documented", documented.len());
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let shop = Shop::without_tables(BEGINNING).await;
    let document = openapi(&shop).await;
    let mut open = vec![&document];
    let mut count = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    count += 1;
                    let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is in this document"));
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(count > 50, "{count} references");
}
