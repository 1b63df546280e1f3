//! The application with a tenant's own rules: `spin.toml`, and in it another `[component.rules]`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use host::Manifest;
use tempfile::NamedTempFile;
use tokio::sync::OnceCell;

use crate::shop::{BEGINNING, Shop};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The manifest of the application with the rules whose sources lie in a folder (`examples/holiday-rules`), built as the
/// `rules.toml` there says. An error names the command that failed.
pub async fn built(sources: &str) -> Result<PathBuf, String> {
    let part = std::fs::read_to_string(root().join(sources).join("rules.toml")).expect("a part of a manifest");
    let name = sources.rsplit('/').next().unwrap_or(sources).to_owned();
    let manifest = manifest(&name, &part).await;
    let built = tokio::task::spawn_blocking(move || build(&name, &manifest).map(|()| manifest));
    built.await.expect("a build does not panic")
}

/// The manifest of the application with rules that lie in a file.
pub async fn with_rules(name: &str, file: &Path) -> PathBuf {
    manifest(name, &format!("[component.rules]\nsource = {:?}\n", file.display().to_string())).await
}

/// The manifest of an application whose components that sell and show may open the database `replica`.
pub async fn with_replica(name: &str) -> PathBuf {
    let text = std::fs::read_to_string(root().join("spin.toml")).expect("the manifest");
    let mut parts: Vec<String> = text.split("[component.").map(str::to_owned).collect();
    let reads = |part: &String| ["accrual]", "redemption]", "registration]"].iter().any(|component| part.starts_with(component));
    for part in parts.iter_mut().filter(|part| reads(part)) {
        *part = part.replace("sqlite_databases = [", "sqlite_databases = [\"replica\", ");
    }
    write(name, &parts.join("[component.")).await
}

fn root() -> PathBuf {
    std::fs::canonicalize(ROOT).expect("the folder of the workspace")
}

/// A folder for a tenant's manifest and what is compiled for it.
fn folder(name: &str) -> PathBuf {
    root().join("target/tenants").join(name)
}

/// Writes `spin.toml` with that part instead of its rules.
async fn manifest(name: &str, part: &str) -> PathBuf {
    let text = std::fs::read_to_string(root().join("spin.toml")).expect("the manifest");
    let (before, rest) = text.split_once("[component.rules]\n").expect("the rules are in the manifest");
    let (_, after) = rest.split_once("\n[[trigger").expect("a trigger follows the rules");
    write(name, &format!("{before}{part}\n[[trigger{after}")).await
}

/// Writes a tenant's manifest. It lies in a folder of its own, so that what is compiled for
/// one tenant does not displace what is compiled for another; therefore its paths are absolute.
async fn write(name: &str, text: &str) -> PathBuf {
    // builds the components that have triggers, which no tenant changes
    static BUILT: OnceCell<()> = OnceCell::const_new();
    BUILT.get_or_init(async || drop(Shop::without_tables(BEGINNING).await)).await;

    let text = text.replace("source = \"target/", &format!("source = \"{}/target/", root().display()));
    let file = folder(name).join("spin.toml");
    std::fs::create_dir_all(folder(name).join("target")).expect("a folder for the tenant");
    // another test may be reading it
    let unfinished = NamedTempFile::new_in(folder(name)).expect("a file in the tenant's folder");
    std::fs::write(unfinished.path(), text).expect("a manifest can be written");
    unfinished.persist(&file).expect("a manifest can be replaced");
    file
}

/// Builds rules if they are older than what they are made from.
fn build(name: &str, manifest: &Path) -> Result<(), String> {
    // another test or another process may be at it
    let lock = File::create(folder(name).join("lock")).and_then(|file| file.lock().map(|()| file));
    let _lock = lock.expect("a lock");
    let manifest = Manifest::load(manifest).expect("a manifest");
    let rules = &manifest.components["rules"];
    let build = rules.build.as_ref().expect("its rules.toml says how they are built");
    let changed = |file: &Path| std::fs::metadata(file).and_then(|file| file.modified()).ok();
    let watched = build.watch.iter().flat_map(|pattern| {
        let pattern = root().join(pattern).display().to_string();
        glob::glob(&pattern).expect("a pattern").filter_map(Result::ok)
    });
    let newest: Option<SystemTime> = watched.filter_map(|file| changed(&file)).max();
    if changed(&rules.source).is_some_and(|built| Some(built) > newest) {
        return Ok(());
    }
    let workdir = build.workdir.strip_prefix(&manifest.folder).expect("the folder is relative in the file");
    for command in &build.commands {
        host::run_build_command(command, &root().join(workdir)).map_err(|error| format!("{error:#}"))?;
    }
    Ok(())
}
