//! Secrets that are made once and kept in the data folder, which nobody else can read.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;

/// The secret of that name in the data folder; made there at its first use.
pub fn kept(data: &Path, name: &str, make: impl FnOnce() -> String) -> Result<String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    let file = data.join(name);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut new) => {
            let secret = make();
            new.write_all(secret.as_bytes())
                .and_then(|()| new.sync_all())
                .with_context(|| format!("cannot write {}", file.display()))?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let secret = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            ensure!(!secret.trim().is_empty(), "{} is empty: delete it to have another one made", file.display());
            Ok(secret.trim().to_owned())
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", file.display())),
    }
}

/// Random bytes as hexadecimal digits.
pub fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::rng().fill_bytes(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = kept(&data, "people_key", || random_hex(32)).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(kept(&data, "people_key", || unreachable!()).unwrap(), first);
        let mode = std::fs::metadata(data.join("people_key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
