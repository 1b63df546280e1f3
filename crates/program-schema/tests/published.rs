//! The file that is served is what the types generate.

use std::path::Path;

use serde_json::Value;

#[test]
fn the_file_is_what_the_types_generate() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(program_schema::FILE);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap_or_default()).unwrap_or_default();
    // not assert_eq: two schemas side by side help nobody
    assert!(kept == program_schema::schema(), "{} is not up to date: cargo run -p program-schema", program_schema::FILE);
}
