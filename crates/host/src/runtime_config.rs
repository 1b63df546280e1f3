//! Reads `runtime-config.toml`, the file that Spin reads too: where the data of an application lies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::manifest::check_label;
use crate::section::Section;

/// Where databases and key-value stores lie, for those that the file names.
#[derive(Debug, Default)]
pub struct RuntimeConfig {
    /// Databases by name.
    pub sqlite_databases: BTreeMap<String, DatabasePlace>,
    /// Key-value stores by name.
    pub key_value_stores: BTreeMap<String, PathBuf>,
}

/// Where a database lies.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// A file of SQLite on this machine.
    File(PathBuf),
    /// A libSQL server, and the token that lets us in.
    Hosted { url: String, token: String },
}

impl std::fmt::Display for DatabasePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Hosted { url, .. } => write!(f, "{url}"),
        }
    }
}

/// As it is displayed: a token has no business in a log.
impl std::fmt::Debug for DatabasePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl RuntimeConfig {
    /// Reads and checks the file. Relative paths in it are relative to its own folder.
    pub fn load(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file)?;
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read the runtime configuration {}", file.display()))?;
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::parse(&text, &folder).with_context(|| format!("in the runtime configuration {}", file.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut root = Section::parse(text)?;
        let config = Self {
            sqlite_databases: read_each(&mut root, "sqlite_database", |section| read_database(section, folder))?,
            key_value_stores: read_each(&mut root, "key_value_store", |section| {
                let type_ = section.required_string("type")?;
                if type_ != "spin" {
                    bail!("{} = {type_:?}: only type = \"spin\" (a local file) is supported", section.path_of("type"));
                }
                Ok(folder.join(section.required_string("path")?))
            })?,
        };
        root.finish()?;
        Ok(config)
    }
}

fn read_each<T>(root: &mut Section, kind: &str, read: impl Fn(&mut Section) -> Result<T>) -> Result<BTreeMap<String, T>> {
    let mut places = BTreeMap::new();
    for (name, mut section) in root.sections(kind)? {
        check_label(&name).with_context(|| section.path_of("type"))?;
        places.insert(name, read(&mut section)?);
        section.finish()?;
    }
    Ok(places)
}

fn read_database(section: &mut Section, folder: &Path) -> Result<DatabasePlace> {
    let type_ = section.required_string("type")?;
    match type_.as_str() {
        "spin" => Ok(DatabasePlace::File(folder.join(section.required_string("path")?))),
        "libsql" => {
            let (url, token) = (section.required_string("url")?, section.required_string("token")?);
            let parsed: http::Uri = url.parse().with_context(|| section.path_of("url"))?;
            if !matches!(parsed.scheme_str(), Some("http" | "https")) {
                bail!("{} = {url:?}: must begin with https:// or http://", section.path_of("url"));
            }
            Ok(DatabasePlace::Hosted { url, token })
        }
        _ => bail!(
            "{} = {type_:?}: only type = \"spin\" (a local file) and \"libsql\" (a libSQL server) are supported",
            section.path_of("type")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = RuntimeConfig::parse(
            "[sqlite_database.people]\ntype = \"spin\"\npath = \"data/people.db\"\n\
             [key_value_store.default]\ntype = \"spin\"\npath = \"/kv.db\"\n",
            Path::new("/shop"),
        )
        .unwrap();
        assert_eq!(config.sqlite_databases["people"], DatabasePlace::File("/shop/data/people.db".into()));
        assert_eq!(config.key_value_stores["default"], Path::new("/kv.db"));
    }

    #[test]
    fn a_hosted_database_has_its_url_and_a_token_that_is_never_shown() {
        let text = "[sqlite_database.default]\ntype = \"libsql\"\nurl = \"https://books.example\"\ntoken = \"secret\"\n";
        let place = &RuntimeConfig::parse(text, Path::new("/shop")).unwrap().sqlite_databases["default"];
        assert_eq!(*place, DatabasePlace::Hosted { url: "https://books.example".into(), token: "secret".into() });
        assert_eq!([format!("{place}"), format!("{place:?}")], ["https://books.example", "https://books.example"]);
    }

    #[test]
    fn other_stores_are_refused_by_name() {
        for (text, named) in [
            ("[sqlite_database.default]\ntype = \"postgres\"\n", "sqlite_database.default.type = \"postgres\""),
            ("[sqlite_database.default]\ntype = \"libsql\"\nurl = \"https://x\"\n", "sqlite_database.default.token"),
            (
                "[sqlite_database.default]\ntype = \"libsql\"\nurl = \"libsql://x\"\ntoken = \"\"\n",
                "default.url = \"libsql://x\"",
            ),
            ("[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://x\"\n", "key_value_store.default.type = \"redis\""),
            ("[[config_provider]]\ntype = \"vault\"\n", "config_provider"),
        ] {
            let error = format!("{:#}", RuntimeConfig::parse(text, Path::new(".")).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
