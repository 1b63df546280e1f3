//! Where the application and its data lie.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where the application and its data lie.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// The application [default: spin.toml here or in a folder above].
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The data folder [default: .kopilka beside the application].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// The application's manifest.
    pub fn manifest(&self) -> Result<PathBuf> {
        if let Some(manifest) = &self.manifest {
            return Ok(manifest.clone());
        }
        let here = std::env::current_dir()?;
        let candidates = here.ancestors().map(|folder| folder.join("spin.toml"));
        let found = candidates.into_iter().find(|file| file.is_file());
        found.with_context(|| format!("there is no spin.toml in {} or above it: give one with --manifest", here.display()))
    }

    /// The data folder.
    pub fn data(&self) -> Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let manifest = std::path::absolute(self.manifest()?)?;
        Ok(manifest.parent().unwrap_or(Path::new(".")).join(".kopilka"))
    }
}
