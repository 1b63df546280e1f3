//! Components ready to run: composed, compiled, linked. Compiled code is kept in a folder, so that the next start does
//! not compile, and in the process, so that its hosts share it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component as Compiled, InstancePre};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::bindings::ScheduledPre;
use crate::compose::{Dependency, compose};
use crate::engine::{engine, linker};
use crate::manifest::Manifest;
use crate::state::State;

/// Composed and compiled differently than before: what was kept must not be used.
const FORMAT: &str = "1";

/// A component's code, ready to be instantiated.
pub(crate) struct Artifact {
    linked: InstancePre<State>,
}

impl Artifact {
    pub(crate) fn engine(&self) -> &Engine {
        self.linked.engine()
    }

    /// As a component that answers HTTP.
    pub(crate) fn http(&self) -> Result<ServicePre<State>> {
        Ok(ServicePre::new(self.linked.clone())?)
    }

    /// As a component that is run by a schedule.
    pub(crate) fn scheduled(&self) -> Result<ScheduledPre<State>> {
        Ok(ScheduledPre::new(self.linked.clone())?)
    }
}

/// The files that a component is made of, as they were when it was loaded.
type Origin = Vec<(String, PathBuf, SystemTime, u64)>;

/// Loads a component of an application and whatever it depends on.
pub(crate) fn load(manifest: &Manifest, id: &str, folder: &Path) -> Result<Arc<Artifact>> {
    static LOADED: LazyLock<Mutex<HashMap<Origin, Arc<Artifact>>>> = LazyLock::new(Mutex::default);

    let component = &manifest.components[id];
    let mut origin = vec![describe(id, "", &component.source)?];
    for (import, dependency) in &component.dependencies {
        origin.push(describe(dependency, import, &manifest.components[dependency].source)?);
    }
    // Held while compiling: a second host that needs the same waits instead of compiling it again.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(artifact) = loaded.get(&origin) {
        return Ok(artifact.clone());
    }
    let artifact = make(manifest, id, folder, &origin).with_context(|| format!("the component {id:?} cannot be loaded"))?;
    let artifact = Arc::new(artifact);
    loaded.insert(origin, artifact.clone());
    Ok(artifact)
}

fn describe(id: &str, import: &str, source: &Path) -> Result<(String, PathBuf, SystemTime, u64)> {
    let found = std::fs::metadata(source)
        .with_context(|| format!("the source of the component {id:?} isn't there: {}", source.display()))?;
    Ok((import.to_owned(), source.canonicalize()?, found.modified()?, found.len()))
}

fn make(manifest: &Manifest, id: &str, folder: &Path, origin: &Origin) -> Result<Artifact> {
    let engine = engine()?;
    let component = &manifest.components[id];
    let read = |source: &Path| std::fs::read(source).with_context(|| format!("cannot read {}", source.display()));
    let bytes = read(&component.source)?;
    let dependency = |(import, id): (&String, &String)| {
        let bytes = read(&manifest.components[id].source)?;
        Ok(Dependency { import: import.clone(), id: id.clone(), bytes })
    };
    let dependencies = component.dependencies.iter().map(dependency).collect::<Result<Vec<_>>>()?;

    let kept = Kept::new(folder, id, origin, &key(engine, &bytes, &dependencies));
    let compiled = match kept.read(engine) {
        Some(compiled) => compiled,
        None => {
            let composed = compose(id, bytes, dependencies)?;
            let compiled = Compiled::new(engine, composed)?;
            // Without it the next start is slower, nothing else.
            if let Err(error) = kept.write(&compiled) {
                eprintln!("host: the compiled component {id:?} is not kept: {error:#}");
            }
            compiled
        }
    };
    Ok(Artifact { linked: linker(engine)?.instantiate_pre(&compiled)? })
}

/// Names compiled code by everything that it is made from.
fn key(engine: &Engine, bytes: &[u8], dependencies: &[Dependency]) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let mut key = Sha256::new();
    key.update(FORMAT);
    key.update(compiler.finish().to_le_bytes());
    let mut add = |part: &[u8]| {
        key.update(part.len().to_le_bytes());
        key.update(part);
    };
    add(bytes);
    for Dependency { import, bytes, .. } in dependencies {
        add(import.as_bytes());
        add(bytes);
    }
    hex(&key.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compiled code in a file, with its hash in another one beside it.
struct Kept {
    folder: PathBuf,
    /// What the files of all versions of the component begin with: of one that is made of other files, as a tenant's own rules
    /// are, they begin otherwise, so that neither takes the other's place.
    prefix: String,
    name: String,
}

impl Kept {
    fn new(folder: &Path, id: &str, origin: &Origin, key: &str) -> Self {
        // The folder beside which the files lie may be moved with them.
        let beside = folder.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
        let mut files = Sha256::new();
        for (import, file, ..) in origin {
            for part in [import.as_bytes(), file.strip_prefix(&beside).unwrap_or(file).as_os_str().as_encoded_bytes()] {
                files.update(part.len().to_le_bytes());
                files.update(part);
            }
        }
        let prefix = format!("{id}-{}@", &hex(&files.finalize())[..8]);
        Self { folder: folder.to_path_buf(), name: format!("{prefix}{}", &key[..32]), prefix }
    }

    fn code(&self) -> PathBuf {
        self.folder.join(format!("{}.cwasm", self.name))
    }

    fn hash(&self) -> PathBuf {
        self.folder.join(format!("{}.sha256", self.name))
    }

    fn read(&self, engine: &Engine) -> Option<Compiled> {
        let code = std::fs::read(self.code()).ok()?;
        let hash = std::fs::read_to_string(self.hash()).ok()?;
        if hash != hex(&Sha256::digest(&code)) {
            return None;
        }
        // SAFETY: the file is what `write` below made from `Compiled::serialize`: it is written under another name and
        // then renamed, so it is never half there, and it still has the hash that was written beside it. The key in
        // its name covers this wasmtime and its settings, which wasmtime checks once more. Whoever can replace both
        // files can replace this program as well.
        unsafe { Compiled::deserialize(engine, code) }.ok()
    }

    fn write(&self, compiled: &Compiled) -> Result<()> {
        let code = compiled.serialize()?;
        std::fs::create_dir_all(&self.folder)?;
        for entry in std::fs::read_dir(&self.folder)?.flatten() {
            let older = |name: &str| name.starts_with(&self.prefix) && !name.starts_with(&self.name);
            if entry.file_name().to_str().is_some_and(older) {
                // Another process may be faster, or write this version, too.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        write_whole(&self.code(), &code)?;
        write_whole(&self.hash(), hex(&Sha256::digest(&code)).as_bytes())
    }
}

/// Writes a file that is there as a whole or not at all.
fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let unfinished = file.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&unfinished, content).with_context(|| format!("cannot write {}", unfinished.display()))?;
    std::fs::rename(&unfinished, file).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins the names of a component's files, of all their versions.
    fn prefix(folder: &Path, source: &str, rules: &str) -> String {
        let file = |name: &str| (name.to_owned(), folder.join(name), SystemTime::UNIX_EPOCH, 0);
        Kept::new(&folder.join("components"), "till", &vec![file(source), file(rules)], &"0".repeat(64)).prefix
    }

    #[test]
    fn only_versions_of_the_same_files_take_each_other_s_place() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (here, there) = (here.path().canonicalize().unwrap(), there.path().canonicalize().unwrap());
        let shared = prefix(&here, "till.wasm", "rules.wasm");
        assert!(shared.starts_with("till-"), "{shared}");
        assert_eq!(prefix(&here, "till.wasm", "rules.wasm"), shared);
        assert_ne!(prefix(&here, "till.wasm", "own.wasm"), shared);
        assert_ne!(prefix(&here, "till.wasmrules", ".wasm"), shared);
        assert_eq!(prefix(&there, "till.wasm", "rules.wasm"), shared, "the folder was moved");
    }
}
