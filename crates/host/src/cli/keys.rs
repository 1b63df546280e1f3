//! Secrets that are made once and kept in the data folder, which nobody else can read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;

/// The secret of that name in the data folder; made there at its first use. It is there as a whole or not at all: a
/// program that is killed meanwhile leaves nothing that the next start would stumble over.
pub fn kept(data: &Path, name: &str, make: impl FnOnce() -> String) -> Result<String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    let file = data.join(name);
    if let Some(secret) = read(&file)? {
        return Ok(secret);
    }
    // Two programs that start at once must not make two secrets. Released when the file is closed.
    let lock = File::create(data.join("secrets.lock")).and_then(|lock| lock.lock().map(|()| lock));
    let _lock = lock.with_context(|| format!("cannot lock the secrets in {}", data.display()))?;
    if let Some(secret) = read(&file)? {
        return Ok(secret);
    }
    let secret = make();
    write_whole(data, &file, &secret).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(secret)
}

fn read(file: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(secret) => {
            ensure!(!secret.trim().is_empty(), "{} is empty: delete it to have another one made", file.display());
            Ok(Some(secret.trim().to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// What is sealed with a secret outlives a loss of power, so the secret must, too.
fn write_whole(folder: &Path, file: &Path, secret: &str) -> std::io::Result<()> {
    let unfinished = file.with_extension("new");
    let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    new.write_all(secret.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&unfinished, file)?;
    File::open(folder)?.sync_all()
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

    #[test]
    fn a_start_that_was_cut_short_leaves_no_half_secret() {
        let folder = tempfile::tempdir().unwrap();
        let cut_short = || kept(folder.path(), "people_key", || panic!("killed here"));
        assert!(std::panic::catch_unwind(cut_short).is_err());
        std::fs::write(folder.path().join("people_key.new"), "hal").unwrap();
        let secret = kept(folder.path(), "people_key", || random_hex(32)).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(kept(folder.path(), "people_key", || unreachable!()).unwrap(), secret);
    }
}
