//! `kopilka tenant`: a tenant is a folder beside the application with what is its own: a manifest, a program, stores, keys,
//! and a place for rules. The code it shares with all the others.

mod files;
mod manifest;

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;
use host::Manifest;

use super::shop::ShopArguments;

// The same texts that the component serves.
#[path = "../../../../../components/rules/src/presets.rs"]
mod presets;

/// Names of resources on Kubernetes have at most 63 letters; those that are made from a tenant's are longer than it.
const LONGEST_NAME: usize = 40;
/// The application answers here; its tenants beside it on the next ports, as many as there are.
const FIRST_PORT: usize = 3000;

/// What can be done with tenants.
#[derive(Subcommand, Debug)]
pub enum TenantCommand {
    /// Write the folder of a new tenant: manifest, runtime configuration, program, a place for its rules.
    New(NewArguments),
}

/// What `tenant new` takes.
#[derive(clap::Args, Debug)]
pub struct NewArguments {
    /// What the tenant is called: small letters, digits and single hyphens (acme-shoes).
    name: String,
    /// The ready-made program that it starts with.
    #[arg(long, value_name = "NAME")]
    preset: String,
    /// The folder to write, which must not be there yet [default: tenants/NAME beside the application].
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// The application [default: spin.toml here or in a folder above].
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

/// A tenant that is going to be written. Every path is relative, so that the folders can be moved together.
struct Tenant {
    name: String,
    preset: String,
    program: &'static str,
    /// From where the command was given to the tenant's folder.
    folder: PathBuf,
    /// From the tenant's folder to the application's.
    up: PathBuf,
    /// From the application's folder to the tenant's.
    down: PathBuf,
    /// How the command line is started from where the command was given.
    command: String,
    /// A port of its own on this machine.
    port: usize,
}

/// Does it.
pub fn run(command: TenantCommand) -> Result<ExitCode> {
    let TenantCommand::New(arguments) = command;
    let application = ShopArguments { manifest: arguments.manifest.clone(), ..ShopArguments::default() }.manifest()?;
    let application = Manifest::load(&application)?;
    let target = match &arguments.into {
        Some(folder) => std::path::absolute(folder)?,
        None => application.folder.join("tenants").join(&arguments.name),
    };
    let tenant = Tenant::new(&arguments, &application, &target)?;
    let files = tenant.files(&application)?;
    write(&target, &files).with_context(|| format!("cannot write {}", target.display()))?;
    let mut out = std::io::stdout().lock();
    out.write_all(tenant.told(&files).as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

impl Tenant {
    fn new(arguments: &NewArguments, application: &Manifest, target: &Path) -> Result<Self> {
        check_name(&arguments.name)?;
        let Some(program) = presets::preset(&arguments.preset) else {
            let names: Vec<&str> = presets::PRESETS.iter().map(|(name, _)| *name).collect();
            bail!("there is no preset {:?}: there are {}", arguments.preset, names.join(", "));
        };
        let leads_out = |source: &Path| source.components().any(|part| part == Component::ParentDir);
        ensure!(
            !application.components.values().any(|component| leads_out(&component.source)),
            "{} is a tenant's: give the application's with --manifest",
            application.file.display()
        );
        ensure!(target.symlink_metadata().is_err(), "{} is there already: nothing is written", target.display());
        // The folder isn't there yet, and perhaps those above it aren't, either.
        let (application, target) = (application.folder.canonicalize()?, canonical(target)?);
        let here = std::env::current_dir()?.canonicalize()?;
        let tenants = target.parent().and_then(|tenants| std::fs::read_dir(tenants).ok());
        let others = tenants.into_iter().flatten().flatten().filter(|entry| entry.path().join("spin.toml").is_file());
        // As it was given: `cargo run` sets the variable, and finds the application only from below.
        let command = match std::env::var_os("CARGO") {
            Some(_) if here.starts_with(&application) => "cargo run --".to_owned(),
            _ => std::env::args_os().next().unwrap_or_else(|| "kopilka".into()).display().to_string(),
        };
        let (up, down) = (between(&target, &application), between(&application, &target));
        // They become texts in TOML and JSON.
        let plain =
            |way: &PathBuf| way.to_str().is_some_and(|way| !way.contains(['"', '\\', '@']) && !way.contains(char::is_control));
        ensure!(plain(&up) && plain(&down), "{} has quotes, backslashes or @ on its way from the application", target.display());
        Ok(Self {
            name: arguments.name.clone(),
            preset: arguments.preset.clone(),
            program,
            folder: between(&here, &target),
            up,
            down,
            command: quoted(&command, "cargo run --"),
            port: FIRST_PORT + 1 + others.count(),
        })
    }

    /// What was written, and how to go on.
    fn told(&self, files: &[(PathBuf, String)]) -> String {
        let name_of = |file: &PathBuf| match file.components().collect::<Vec<_>>().as_slice() {
            [folder, _, ..] => format!("{}/", folder.as_os_str().display()),
            _ => file.display().to_string(),
        };
        let mut names: Vec<String> = files.iter().map(|(file, _)| name_of(file)).collect();
        names.dedup();
        let (folder, name, command) = (shell(&self.folder), &self.name, &self.command);
        format!(
            "The tenant {name}, in {folder}: {files}\n\
             \n\
             Run it here (builds what is stale, migrates, publishes its program.json, prints its key):\n\
             {command} up --manifest {folder}/spin.toml --listen 127.0.0.1:{port}\n\
             \n\
             Then, and in {folder}/README.md with all that belongs to it:\n\
             \n\
             Run it on Spin 4.1 (variables in {folder}/.env):\n\
             cd {folder} && spin build && spin up --listen 127.0.0.1:{port} --runtime-config-file runtime-config.toml\n\
             \n\
             Push it to a registry, for Kubernetes (without the cron trigger, which no executor of SpinKube has):\n\
             cd {folder} && {without_cron} && spin registry push --from spinkube.toml $REGISTRY/{name}:0.1.0\n\
             \n\
             Run it on SpinKube (its image and stores in spinapp.yaml):\n\
             kubectl apply -f {folder}/spinapp.yaml\n",
            files = names.join(", "),
            port = self.port,
            without_cron = files::WITHOUT_CRON,
        )
    }
}

/// A name that Spin, cargo and Kubernetes take: a DNS label that begins with a letter.
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--");
    ensure!(good, "{name:?} is no name of a tenant: small letters, digits and single hyphens, a letter first (acme-shoes)");
    ensure!(name.len() <= LONGEST_NAME, "{name:?} is no name of a tenant: it has more than {LONGEST_NAME} letters");
    Ok(())
}

/// The whole path of something of which only the folders above may be there.
fn canonical(path: &Path) -> Result<PathBuf> {
    let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, whole) = there.with_context(|| format!("there is no folder above {}", path.display()))?;
    let below = path.strip_prefix(above)?;
    ensure!(below.components().all(|part| matches!(part, Component::Normal(_))), "{} leads out again", path.display());
    Ok(whole.join(below))
}

/// The way from one folder to another; both are whole.
fn between(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(from, to)| from == to).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// A path as a word for `sh`.
fn shell(path: &Path) -> String {
    quoted(&path.display().to_string(), "")
}

/// A text as one word for `sh`, unless it is the one that is several.
fn quoted(text: &str, words: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if text == words || text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Writes a folder that is there as a whole or not at all.
fn write(folder: &Path, files: &[(PathBuf, String)]) -> Result<()> {
    let (above, name) = folder.parent().zip(folder.file_name()).context("it has no name")?;
    std::fs::create_dir_all(above)?;
    let unfinished = above.join(format!(".{}.{}", name.display(), std::process::id()));
    let written = || {
        std::fs::create_dir(&unfinished)?;
        for (file, text) in files {
            let file = unfinished.join(file);
            std::fs::create_dir_all(file.parent().unwrap_or(&unfinished))?;
            std::fs::write(file, text)?;
        }
        std::fs::rename(&unfinished, folder)
    };
    written().inspect_err(|_| {
        // The reason is worth more than a failure to tidy up.
        let _ = std::fs::remove_dir_all(&unfinished);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels() {
        for good in ["a", "acme", "acme-shoes", "shop-7", &"a".repeat(40)] {
            check_name(good).unwrap();
        }
        for bad in ["", "Acme", "acme_shoes", "7shop", "-acme", "acme-", "a--b", "../acme", "a.b", "ацме", &"a".repeat(41)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ways_between_folders() {
        for (from, to, way) in [
            ("/shop/tenants/acme", "/shop", "../.."),
            ("/shop", "/shop/tenants/acme", "tenants/acme"),
            ("/a/b", "/c", "../../c"),
            ("/a", "/a", "."),
        ] {
            assert_eq!(between(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
    }

    #[test]
    fn words_for_the_shell() {
        assert_eq!(shell(Path::new("tenants/acme")), "tenants/acme");
        assert_eq!(shell(Path::new("my shop's/acme")), r"'my shop'\''s/acme'");
        assert_eq!(quoted("cargo run --", "cargo run --"), "cargo run --");
    }
}
