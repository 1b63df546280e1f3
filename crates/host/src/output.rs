//! Where the words of components go: to the host's own stderr, or, for trials, into memory.

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

/// What components write to their stdout and stderr.
#[derive(Clone)]
pub(crate) struct Output(Option<MemoryOutputPipe>);

impl Output {
    /// Into memory, or to stderr: the host's stdout is for its own answers.
    pub(crate) fn new(kept: bool) -> Self {
        Self(kept.then(|| MemoryOutputPipe::new(usize::MAX)))
    }

    pub(crate) fn apply(&self, wasi: &mut WasiCtxBuilder) {
        match &self.0 {
            Some(kept) => wasi.stdout(kept.clone()).stderr(kept.clone()),
            None => wasi.stdout(wasmtime_wasi::cli::stderr()).stderr(wasmtime_wasi::cli::stderr()),
        };
    }

    /// What was written so far, if it is kept.
    pub(crate) fn text(&self) -> Option<String> {
        self.0.as_ref().map(|kept| String::from_utf8_lossy(&kept.contents()).into_owned())
    }
}
