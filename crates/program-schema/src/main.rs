//! `cargo run -p program-schema`: writes the schema to its file.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(program_schema::FILE);
    std::fs::write(file, program_schema::text())
}
