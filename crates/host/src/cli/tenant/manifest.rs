//! A tenant's `spin.toml`: the application's own with all that is in it, but another name and paths from another folder.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// The component that a tenant may have of its own.
const RULES: &str = "rules";

/// Makes it. `up` leads from the tenant's folder to the application's; `head` and `of_rules` are comments, at the beginning and
/// before the rules.
///
/// # Errors
/// One that names what isn't as it must be in a manifest.
pub fn of_tenant(application: &str, name: &str, up: &Path, head: &str, of_rules: &str) -> Result<String> {
    let mut document: DocumentMut = application.parse().context("not valid TOML")?;
    let described = document.get_mut("application").and_then(Item::as_table_like_mut).context("application is missing")?;
    replace(described, "name", |_| name.to_owned()).context("application")?;
    let components = document.get_mut("component").and_then(Item::as_table_like_mut).context("component is missing")?;
    for (id, component) in components.iter_mut() {
        let path = format!("component.{id}");
        let own = id == RULES;
        let table = component.as_table_like_mut().with_context(|| path.clone())?;
        replace(table, "source", |source| from(up, source)).with_context(|| path.clone())?;
        if let Some(build) = table.get_mut("build").and_then(Item::as_table_like_mut) {
            move_build(build, up).with_context(|| format!("{path}.build"))?;
        }
        if let Some(table) = component.as_table_mut().filter(|_| own) {
            let before = table.decor().prefix().and_then(|text| text.as_str()).unwrap_or("\n").to_owned();
            table.decor_mut().set_prefix(format!("{before}{of_rules}"));
        }
    }
    Ok(format!("{head}{document}"))
}

/// A build goes on where it was: its commands are in the words of the application's folder.
fn move_build(build: &mut dyn TableLike, up: &Path) -> Result<()> {
    if build.contains_key("workdir") {
        replace(build, "workdir", |folder| from(up, folder))?;
    } else {
        build.insert("workdir", toml_edit::value(up.display().to_string()));
    }
    let watched = build.get_mut("watch").and_then(Item::as_array_mut);
    for pattern in watched.into_iter().flat_map(|patterns| patterns.iter_mut()) {
        let moved = from(up, pattern.as_str().context("watch: must be texts")?);
        set(pattern, moved);
    }
    Ok(())
}

fn from(up: &Path, path: &str) -> String {
    up.join(path).display().to_string()
}

/// Replaces a text that must be there.
fn replace(table: &mut dyn TableLike, key: &str, by: impl Fn(&str) -> String) -> Result<()> {
    let value = table.get_mut(key).and_then(Item::as_value_mut).with_context(|| format!("{key} is missing"))?;
    let text = by(value.as_str().with_context(|| format!("{key}: must be text"))?);
    set(value, text);
    Ok(())
}

/// Another text with the same blanks and comments around it.
fn set(value: &mut Value, text: String) {
    let around = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = around;
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::{Component, Manifest};

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    /// All of a component but its paths, which lead from the tenant's folder to the same files.
    fn told(component: &Component, moved: Option<&Path>) -> String {
        let Component {
            source,
            sqlite_databases,
            key_value_stores,
            variables,
            environment,
            allowed_outbound_hosts,
            dependencies,
            build,
        } = component;
        let from_root = |path: &Path| match moved {
            Some(tenant) => {
                let path = path.strip_prefix(tenant.join("../..")).expect("it leads to the application's folder");
                Path::new(ROOT).join(path).display().to_string()
            }
            None => path.display().to_string(),
        };
        let build = build.as_ref().map(|build| {
            let up = if moved.is_some() { "" } else { "../../" };
            let watch: Vec<_> = build.watch.iter().map(|pattern| format!("{up}{pattern}")).collect();
            (&build.commands, from_root(&build.workdir.join("")), watch)
        });
        let kept = (sqlite_databases, key_value_stores, variables, environment, allowed_outbound_hosts, dependencies);
        format!("{} {kept:?} {build:?}", from_root(source))
    }

    #[test]
    fn a_tenant_has_the_whole_application_from_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(Path::new(ROOT).join("spin.toml"), folder.path().join("spin.toml")).unwrap();
        let text = std::fs::read_to_string(Path::new(ROOT).join("spin.toml")).unwrap();
        let tenant = folder.path().join("tenants/acme");
        std::fs::create_dir_all(&tenant).unwrap();
        let made = of_tenant(&text, "acme", Path::new("../.."), "# the head\n", "# of rules\n").unwrap();
        std::fs::write(tenant.join("spin.toml"), &made).unwrap();
        let original = Manifest::load(&Path::new(ROOT).join("spin.toml")).unwrap();
        let moved = Manifest::load(&tenant.join("spin.toml")).unwrap();

        assert_eq!((original.name.as_str(), moved.name.as_str()), ("kopilka", "acme"));
        assert_eq!(format!("{:?}", moved.variables), format!("{:?}", original.variables));
        assert_eq!(format!("{:?}", moved.http), format!("{:?}", original.http));
        assert_eq!(format!("{:?}", moved.cron), format!("{:?}", original.cron));
        assert!(moved.http.len() > 10 && moved.cron.len() == 1, "there is something to compare");
        assert!(moved.components.keys().eq(original.components.keys()));
        for (id, component) in &moved.components {
            assert_eq!(told(component, Some(&tenant)), told(&original.components[id], None), "{id}");
        }
        for comment in text.lines().filter(|line| line.starts_with('#')) {
            assert!(made.contains(comment), "{comment}");
        }
        assert!(
            made.starts_with("# the head\nspin_manifest_version") && made.contains("# of rules\n[component.rules]"),
            "{made}"
        );
    }
}
