//! The engine that all hosts of a process share, and what a component can import.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Result;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine, PoolingAllocationConfig};

use crate::bindings::SpinImports;
use crate::limits::MEMORY;
use crate::state::{Spin, State};

/// How often the epoch moves on: the time after which a component that computes gives way to others, and the precision
/// with which a looping one is stopped.
const EPOCH_TICK: Duration = Duration::from_millis(10);

/// How many epochs pass in a time, at least.
pub(crate) fn epochs(time: Duration) -> u64 {
    let ticks = time.as_millis().div_ceil(EPOCH_TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// Instances that live at once in this process, of all its hosts: with 16 requests each more than it could compute. Their memories
/// are reserved as addresses only.
const INSTANCES: u32 = 1_000;
/// Memories and tables of an instance: of the component, of the rules and of what wraps them.
const PARTS_OF_AN_INSTANCE: u32 = 8;
/// Elements of a table: an engine of JavaScript has some thousands.
const TABLE_ELEMENTS: usize = 100_000;
/// How much of an instance's memory the next one takes over zeroed instead of from the system.
const KEPT_RESIDENT: usize = 256 << 10;

/// Room for instances, reserved once: a new one then maps nothing.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let parts = INSTANCES * 3;
    pool.total_component_instances(INSTANCES).total_stacks(INSTANCES * 4);
    pool.total_core_instances(INSTANCES * PARTS_OF_AN_INSTANCE).total_memories(parts).total_tables(parts);
    pool.max_core_instances_per_component(4 * PARTS_OF_AN_INSTANCE);
    pool.max_memories_per_component(PARTS_OF_AN_INSTANCE).max_tables_per_component(PARTS_OF_AN_INSTANCE);
    pool.table_elements(TABLE_ELEMENTS).max_memory_size(MEMORY);
    pool.linear_memory_keep_resident(KEPT_RESIDENT).table_keep_resident(KEPT_RESIDENT);
    pool
}

/// The engine, made at its first use.
pub(crate) fn engine() -> Result<&'static Engine> {
    static ENGINE: LazyLock<wasmtime::Result<Engine>> = LazyLock::new(|| {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(true);
        config.allocation_strategy(pool());
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
