//! Builds the components whose sources are older than what they are made from, as `spin build` builds all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};

use crate::manifest::{Build, Component, Manifest, target_of};

/// What `cargo run` and `cargo test` set for the program they run. A build that sees it is another build than the same
/// command typed by hand: other flags, other fingerprints, other folders.
const SET_BY_CARGO: &[&str] = &[
    "CARGO",
    "CARGO_CRATE_NAME",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_PRIMARY_PACKAGE",
    "MAKEFLAGS",
    "MFLAGS",
    "OUT_DIR",
    "RUSTC",
    "RUSTDOC",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
    // Not cargo's: with these the sources would not be where the manifest says.
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_TARGET_DIR",
];
const SET_BY_CARGO_BEGINNING_WITH: &[&str] = &["CARGO_BIN_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// Builds what is stale, one process at a time; says what it runs on stderr. Returns the components that were built.
pub fn build(manifest: &Manifest) -> Result<Vec<String>> {
    let built = manifest.components.iter().filter_map(|(id, component)| Some((id, component, component.build.as_ref()?)));
    let built: Vec<_> = built.collect();
    let targets = targets(manifest, &built)?;
    // Released when the files are closed.
    let _locks = lock(targets.values().collect())?;

    let mut stale = vec![];
    for (id, component, build) in built {
        let stamp = Stamp::new(&targets[id], id);
        if let Some(reason) = staleness(&manifest.folder, &stamp, component, build)? {
            stale.push((id, component, build, reason));
        }
    }
    ensure_targets(&manifest.folder, stale.iter().flat_map(|(_, _, build, _)| &build.commands))?;
    for (id, component, build, reason) in &stale {
        eprintln!("Building {id} ({reason})");
        let started = SystemTime::now();
        for command in &build.commands {
            run(command, &build.workdir).with_context(|| format!("the component {id:?} cannot be built"))?;
        }
        let source = component.source.display();
        ensure!(component.source.is_file(), "{id:?} was built, but its source isn't there: {source}");
        Stamp::new(&targets[*id], id).write(build, started)?;
    }
    Ok(stale.into_iter().map(|(id, ..)| id.clone()).collect())
}

/// Where is noted when each component was built: beside what is built, which applications in other folders may share.
fn targets<'a>(manifest: &Manifest, built: &[(&'a String, &Component, &Build)]) -> Result<BTreeMap<&'a String, PathBuf>> {
    let target = |component: &Component| -> Result<PathBuf> {
        let own = || manifest.folder.join("target");
        let folder = target_of(&component.source).map_or_else(own, Path::to_path_buf);
        let made = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
        made.with_context(|| format!("cannot make {}", folder.display()))
    };
    built.iter().map(|(id, component, _)| Ok((*id, target(component)?))).collect()
}

/// Waits until nobody else builds in these folders. Everybody asks for them in the same order.
fn lock(folders: BTreeSet<&PathBuf>) -> Result<Vec<File>> {
    let lock = |folder: &PathBuf| {
        let lock = File::create(folder.join("components.lock")).context("cannot make the lock for builds")?;
        lock.lock().context("cannot wait for other builds")?;
        Ok(lock)
    };
    folders.into_iter().map(lock).collect()
}

/// When a component was last built and how: a build that finds nothing to do leaves its source as old as it was.
struct Stamp(PathBuf);

impl Stamp {
    fn new(folder: &Path, id: &str) -> Self {
        Self(folder.join("components").join(format!("{id}.built")))
    }

    fn read(&self, build: &Build) -> Option<SystemTime> {
        let commands = std::fs::read_to_string(&self.0).ok()?;
        (commands == build.commands.join("\n")).then(|| std::fs::metadata(&self.0).ok()?.modified().ok())?
    }

    fn write(&self, build: &Build, started: SystemTime) -> Result<()> {
        let written = || {
            std::fs::create_dir_all(self.0.parent().unwrap_or(Path::new("")))?;
            std::fs::write(&self.0, build.commands.join("\n"))?;
            // What was changed while it was built is newer.
            File::options().write(true).open(&self.0)?.set_modified(started)
        };
        written().with_context(|| format!("cannot write {}", self.0.display()))
    }
}

/// Why a component has to be built, if it has to.
fn staleness(folder: &Path, stamp: &Stamp, component: &Component, build: &Build) -> Result<Option<String>> {
    let Ok(source) = std::fs::metadata(&component.source) else {
        return Ok(Some("it isn't built".into()));
    };
    let built = stamp.read(build).into_iter().chain([source.modified()?]).max();
    let newest = newest(folder, &build.watch)?;
    Ok(match newest {
        Some((changed, file)) if Some(changed) > built => {
            let file = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            Some(format!("{file} has changed"))
        }
        _ => None,
    })
}

/// The file among those that the globs match that was changed last.
fn newest(folder: &Path, globs: &[String]) -> Result<Option<(SystemTime, PathBuf)>> {
    let mut newest = None;
    for pattern in globs {
        let inside = format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()));
        for file in glob::glob(&inside).with_context(|| format!("the glob {pattern:?} in \"watch\""))? {
            let file = file?;
            // A file that has gone meanwhile changes nothing by itself.
            let Ok(found) = std::fs::metadata(&file) else { continue };
            if found.is_file() {
                newest = newest.max(Some((found.modified()?, file)));
            }
        }
    }
    Ok(newest)
}

/// Runs a command of a manifest in a folder, as a build does: by `sh`, without what an outer cargo has set.
///
/// # Errors
/// One that names the command.
pub fn run(command: &str, folder: &Path) -> Result<()> {
    let status = clean(Command::new("sh").arg("-c").arg(command).current_dir(folder))
        // The host's stdout is for its own answers.
        .stdout(std::io::stderr())
        .stdin(Stdio::null())
        .status()
        .context("cannot run sh")?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// Without what an outer cargo has set.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let begins = |prefix: &&str| text.starts_with(*prefix);
        if SET_BY_CARGO.contains(&text) || SET_BY_CARGO_BEGINNING_WITH.iter().any(begins) {
            command.env_remove(&name);
        }
    }
    command
}

/// Installs the Wasm targets that the commands name and the toolchain lacks: cargo itself would only fail.
fn ensure_targets<'a>(folder: &Path, commands: impl Iterator<Item = &'a String>) -> Result<()> {
    let wanted: BTreeSet<&str> = commands.flat_map(|command| wasm_targets(command)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let listed = clean(Command::new("rustup").args(["target", "list", "--installed"]).current_dir(folder)).output();
    let Ok(listed) = listed else {
        return ensure_targets_without_rustup(folder, &wanted);
    };
    ensure!(listed.status.success(), "rustup target list failed: {}", String::from_utf8_lossy(&listed.stderr).trim());
    let installed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for target in wanted {
        if !installed.lines().any(|line| line.trim() == target) {
            eprintln!("Installing the target {target}");
            run(&format!("rustup target add {target}"), folder)?;
        }
    }
    Ok(())
}

fn ensure_targets_without_rustup(folder: &Path, wanted: &BTreeSet<&str>) -> Result<()> {
    for target in wanted {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", target]).current_dir(folder);
        let libraries = clean(&mut rustc).output().ok().filter(|answer| answer.status.success());
        let libraries = libraries.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
        if !libraries.is_some_and(|libraries| Path::new(&libraries).is_dir()) {
            bail!(
                "the components need the Rust target {target}, which isn't installed, and there is no rustup to \
                   install it with: install rustup, or the target with your distribution's package for it"
            );
        }
    }
    Ok(())
}

fn wasm_targets(command: &str) -> Vec<&str> {
    let mut words = command.split_whitespace();
    let mut targets = vec![];
    while let Some(word) = words.next() {
        let target = word.strip_prefix("--target=").or_else(|| (word == "--target").then(|| words.next()).flatten());
        targets.extend(target.filter(|target| target.starts_with("wasm")));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "shop"
        [component.till]
        source = "target/till.wasm"
        [component.till.build]
        command = ["mkdir -p target", "cat src/*/*.rs > target/till.wasm; echo built >> log"]
        watch = ["src/**/*.rs", "Cargo.lock"]
    "#;

    struct Shop(tempfile::TempDir);

    impl Shop {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
            std::fs::create_dir_all(folder.path().join("src/deep")).unwrap();
            let shop = Self(folder);
            shop.write("src/deep/a.rs", Duration::ZERO);
            shop
        }

        fn write(&self, name: &str, ahead: Duration) {
            let file = File::create(self.0.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() + ahead).unwrap();
        }

        /// Builds, and says how often the commands have run so far.
        fn build(&self) -> (Vec<String>, usize) {
            let manifest = Manifest::load(&self.0.path().join("spin.toml")).unwrap();
            let built = build(&manifest).unwrap();
            let log = std::fs::read_to_string(self.0.path().join("log")).unwrap_or_default();
            (built, log.lines().count())
        }
    }

    #[test]
    fn only_what_is_stale_is_built() {
        let shop = Shop::new();
        assert_eq!(shop.build(), (vec!["till".to_owned()], 1), "missing");
        assert_eq!(shop.build(), (vec![], 1), "fresh");
        shop.write("README.md", Duration::from_secs(5));
        assert_eq!(shop.build(), (vec![], 1), "not watched");
        shop.write("src/deep/a.rs", Duration::from_secs(5));
        assert_eq!(shop.build(), (vec!["till".to_owned()], 2), "changed");
        std::fs::remove_file(shop.0.path().join("target/till.wasm")).unwrap();
        assert_eq!(shop.build().1, 3, "missing again");
    }

    #[test]
    fn a_build_that_leaves_its_source_old_is_not_repeated() {
        let shop = Shop::new();
        shop.build();
        let old = File::options().write(true).open(shop.0.path().join("target/till.wasm")).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(shop.build(), (vec![], 1));
        let changed = MANIFEST.replace("echo built", "echo rebuilt");
        std::fs::write(shop.0.path().join("spin.toml"), changed).unwrap();
        assert_eq!(shop.build().1, 2, "other commands");
    }

    #[test]
    fn an_application_in_another_folder_finds_built_what_it_shares() {
        let shop = Shop::new();
        shop.build();
        let tenant = shop.0.path().join("tenants/acme");
        std::fs::create_dir_all(&tenant).unwrap();
        let shared = MANIFEST
            .replace("source = \"", "source = \"../../")
            .replace("\"src/", "\"../../src/")
            .replace("watch =", "workdir = \"../..\"\nwatch =");
        std::fs::write(tenant.join("spin.toml"), shared).unwrap();
        let built = || build(&Manifest::load(&tenant.join("spin.toml")).unwrap()).unwrap();
        assert_eq!(built(), [""; 0], "by the other one");
        shop.write("src/deep/a.rs", Duration::ZERO);
        assert_eq!(built(), ["till"]);
        assert_eq!(shop.build(), (vec![], 2), "nor is it built again there");
        assert!(!tenant.join("target").exists());
    }

    #[test]
    fn a_failed_command_is_named() {
        let shop = Shop::new();
        std::fs::write(shop.0.path().join("spin.toml"), MANIFEST.replace("mkdir -p target", "exit 7")).unwrap();
        let manifest = Manifest::load(&shop.0.path().join("spin.toml")).unwrap();
        let error = format!("{:#}", build(&manifest).unwrap_err());
        assert!(error.contains("\"till\"") && error.contains("exit 7"), "{error}");
    }

    #[test]
    fn targets_are_found_in_commands() {
        assert_eq!(wasm_targets("cargo build --profile edge --target wasm32-wasip2 -p till"), ["wasm32-wasip2"]);
        assert_eq!(wasm_targets("cargo build --target=wasm32-unknown-unknown"), ["wasm32-unknown-unknown"]);
        assert!(wasm_targets("cargo build --target x86_64-unknown-linux-gnu && make --target").is_empty());
    }
}
