//! What describes the API and the program's document: served as they are, compressed in the component (see `build.rs`).

use edge::{Problem, Reply};

/// Larger than any of them will be: what is unpacked can't fill the memory.
const LARGEST: usize = 4 << 20;

/// The API's document.
///
/// # Errors
/// 500 where the component was built wrongly.
pub fn openapi() -> Result<Reply, Problem> {
    unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json")))
}

/// The JSON Schema of the program's document.
///
/// # Errors
/// 500 where the component was built wrongly.
pub fn program_schema() -> Result<Reply, Problem> {
    unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/program.schema.json")))
}

fn unpacked(compressed: &[u8]) -> Result<Reply, Problem> {
    let wrong = || Problem::new(500, "internal_error", "The document can't be unpacked: build the component anew");
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(compressed, LARGEST).map_err(|_| wrong())?;
    Ok(Reply::new(200, String::from_utf8(bytes).map_err(|_| wrong())?))
}
