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
    pub sqlite_databases: BTreeMap<String, PathBuf>,
    /// Key-value stores by name.
    pub key_value_stores: BTreeMap<String, PathBuf>,
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
            sqlite_databases: read_files(&mut root, "sqlite_database", folder)?,
            key_value_stores: read_files(&mut root, "key_value_store", folder)?,
        };
        root.finish()?;
        Ok(config)
    }
}

fn read_files(root: &mut Section, kind: &str, folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for (name, mut section) in root.sections(kind)? {
        check_label(&name).with_context(|| section.path_of("type"))?;
        let type_ = section.required_string("type")?;
        if type_ != "spin" {
            bail!("{} = {type_:?}: only type = \"spin\" (a local file) is supported", section.path_of("type"));
        }
        files.insert(name, folder.join(section.required_string("path")?));
        section.finish()?;
    }
    Ok(files)
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
        assert_eq!(config.sqlite_databases["people"], Path::new("/shop/data/people.db"));
        assert_eq!(config.key_value_stores["default"], Path::new("/kv.db"));
    }

    #[test]
    fn other_stores_are_refused_by_name() {
        for (text, named) in [
            ("[sqlite_database.default]\ntype = \"libsql\"\nurl = \"https://x\"\n", "sqlite_database.default.type = \"libsql\""),
            ("[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://x\"\n", "key_value_store.default.type = \"redis\""),
            ("[[config_provider]]\ntype = \"vault\"\n", "config_provider"),
        ] {
            let error = format!("{:#}", RuntimeConfig::parse(text, Path::new(".")).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
