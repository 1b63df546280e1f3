//! The engine that all hosts of a process share, and what a component can import.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Result;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine};

use crate::bindings::SpinImports;
use crate::state::{Spin, State};

/// How often the epoch moves on: the time after which a component that computes gives way to others, and the precision
/// with which a looping one is stopped.
const EPOCH_TICK: Duration = Duration::from_millis(10);

/// How many epochs pass in a time, at least.
pub(crate) fn epochs(time: Duration) -> u64 {
    let ticks = time.as_millis().div_ceil(EPOCH_TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// The engine, made at its first use. Instances are allocated on demand: with 128 requests an instance a pool gained
/// nothing that could be measured, and its size would limit how many hosts run in one process.
pub(crate) fn engine() -> Result<&'static Engine> {
    static ENGINE: LazyLock<wasmtime::Result<Engine>> = LazyLock::new(|| {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(true);
        let engine = Engine::new(&config)?;
        let ticking = engine.weak();
        std::thread::Builder::new().name("epochs".into()).spawn(move || {
            while let Some(engine) = ticking.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH_TICK);
            }
        })?;
        Ok(engine)
    });
    ENGINE.as_ref().map_err(|error| anyhow::anyhow!("cannot start wasmtime: {error:#}"))
}

/// Everything that a component can import: WASI 0.2 and 0.3, HTTP, and Spin's interfaces.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    SpinImports::add_to_linker::<State, Spin>(&mut linker, |state| state)?;
    Ok(linker)
}
