//! `docs/capabilities.md` names places of the document and tests that exist.

use std::path::Path;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The cells of each row: capability, places, tests.
fn rows() -> Vec<[String; 3]> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("docs/capabilities.md")).expect("the table");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Capability"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|_| panic!("three cells: {line}"))
    })
    .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a source has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let named = |line: &str| {
        line.strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let place = lines.iter().position(|line| named(line));
    place.is_some_and(|place| {
        lines[..place]
            .iter()
            .rev()
            .take_while(|line| !line.is_empty() && **line != "}")
            .any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

#[test]
fn every_capability_has_a_test_that_exists_or_says_that_it_is_missing() {
    let rows = rows();
    assert!(rows.len() > 80, "{} rows", rows.len());
    for [capability, _, tests] in &rows {
        if tests.starts_with("missing:") {
            continue;
        }
        assert!(quoted(tests).count() > 0, "{capability} has no test");
        for test in quoted(tests) {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test} is file::test"));
            let source = std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(has_test(&source, name), "{capability}: {file} has no test {name}");
        }
    }
}

#[test]
fn every_capability_has_a_place_that_the_document_has() {
    let schema = program_schema::schema();
    for [capability, places, _] in rows() {
        for place in quoted(&places) {
            let (path, value) = place.split_once(" = ").map_or((place, None), |(path, value)| (path, Some(value)));
            let mut reached = vec![&schema];
            for step in path.split('.') {
                let (name, lists) = (step.trim_end_matches("[]"), step.matches("[]").count());
                reached =
                    reached.into_iter().flat_map(|at| steps(&schema, at)).filter_map(|at| at["properties"].get(name)).collect();
                for _ in 0..lists {
                    reached = reached.into_iter().flat_map(|at| steps(&schema, at)).filter_map(|at| at.get("items")).collect();
                }
            }
            assert!(!reached.is_empty(), "{capability}: the document has no place {path}");
            if let Some(value) = value {
                let can_be = |at: &Value| {
                    at["const"] == value || at["enum"].as_array().is_some_and(|all| all.iter().any(|one| one == value))
                };
                let possible = reached.into_iter().flat_map(|at| steps(&schema, at)).any(can_be);
                assert!(possible, "{capability}: {path} can't be {value}");
            }
        }
    }
}

/// The schemas that a schema stands for: itself, what it refers to, and its alternatives.
fn steps<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut all = Vec::new();
    let mut open = vec![schema];
    while let Some(at) = open.pop() {
        all.push(at);
        if let Some(reference) = at["$ref"].as_str() {
            open.push(root.pointer(reference.trim_start_matches('#')).expect("a definition"));
        }
        for alternatives in ["anyOf", "oneOf"] {
            open.extend(at[alternatives].as_array().into_iter().flatten());
        }
    }
    all
}
