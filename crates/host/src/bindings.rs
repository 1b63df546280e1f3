//! What the WIT in `wit/` becomes in Rust.

mod imports {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "host:embed/spin-imports",
        imports: { default: async | trappable },
        with: {
            "spin:sqlite/sqlite.connection": crate::sqlite::Connection,
            "spin:key-value/key-value.store": crate::key_value::OpenStore,
        },
    });
}

mod scheduled {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "host:embed/scheduled",
        exports: { default: async | store },
    });
}

pub(crate) use imports::{SpinImports, spin};
pub(crate) use scheduled::spin::cron::cron_types;
pub(crate) use scheduled::{Scheduled, ScheduledPre};
