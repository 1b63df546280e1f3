//! Compresses the documents that the component serves: they are a fifth of its size otherwise.

use std::path::Path;

fn main() {
    let out = std::env::var_os("OUT_DIR").expect("cargo names a folder");
    for name in ["openapi.json", "program.schema.json"] {
        println!("cargo::rerun-if-changed={name}");
        let document = std::fs::read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let compressed = miniz_oxide::deflate::compress_to_vec(&document, 10);
        std::fs::write(Path::new(&out).join(name), compressed).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
