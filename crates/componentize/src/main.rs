//! `componentize CORE.wasm COMPONENT.wasm`: turns a core module, whose custom section carries its WIT world,
//! into a component. A module built for `wasm32-unknown-unknown` becomes a component that imports nothing.

use anyhow::{Context as _, Result};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: componentize CORE.wasm COMPONENT.wasm";
    let source = arguments.next().context(usage)?;
    let target = arguments.next().context(usage)?;
    let module = std::fs::read(&source).with_context(|| format!("cannot read {source}"))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .with_context(|| format!("{source} carries no WIT world"))?
        .encode()
        .with_context(|| format!("cannot make a component of {source}"))?;
    std::fs::write(&target, component).with_context(|| format!("cannot write {target}"))
}
