//! The key of a private state, which signs the evidence of one repository on one machine (SPEC C8).
//!
//! It is made on first use. Nothing ever fails because it is new, missing, unreadable or lost: then a new one is made, or
//! records stay unsigned, and they say so.

use redgreen_formats::evidence::SigningKey;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

const NAME: &str = "ed25519";

/// The key in a folder; made where there is none. `None` where it can neither be read nor made.
#[must_use]
pub fn load_or_make(folder: &Path) -> Option<SigningKey> {
    let path = folder.join(NAME);
    if let Some(key) = read(&path) {
        return Some(key);
    }
    if path.exists() {
        // Not readable as a key: kept aside, because it may be somebody's only copy of something.
        std::fs::rename(&path, path.with_extension("damaged")).ok()?;
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .ok()?;
    let mut seed = [0u8; 32];
    random(&mut seed)?;
    let text: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    // Written whole under another name first: a reader never sees half a key, and of two that make one, one wins.
    let draft = folder.join(format!(".{NAME}.{}", std::process::id()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::hard_link(&draft, &path));
    let _ = std::fs::remove_file(&draft);
    match written {
        Ok(()) => Some(SigningKey::from_seed(&seed)),
        // Somebody else made one at the same moment.
        Err(_) => read(&path),
    }
}

/// Four random bytes as text: the name of one writer of evidence.
#[must_use]
pub fn random_name() -> Option<String> {
    let mut bytes = [0u8; 4];
    random(&mut bytes)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random(bytes: &mut [u8]) -> Option<()> {
    let got = rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty()).ok()?;
    (got == bytes.len()).then_some(())
}

fn read(path: &Path) -> Option<SigningKey> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut seed = [0u8; 32];
    for (index, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(SigningKey::from_seed(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn c8_a_key_is_made_once_kept_closed_and_replaced_when_it_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let first = load_or_make(&keys).unwrap().id();
        assert_eq!(load_or_make(&keys).unwrap().id(), first);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keys.join(NAME)), 0o600);
        assert_eq!(mode(&keys), 0o700);
        assert_eq!(
            std::fs::read_dir(&keys).unwrap().count(),
            1,
            "no draft is left"
        );
        std::fs::write(keys.join(NAME), "not a key").unwrap();
        let second = load_or_make(&keys).unwrap().id();
        assert_ne!(second, first);
        assert!(keys.join("ed25519.damaged").exists());
        std::fs::remove_dir_all(&keys).unwrap();
        assert_ne!(load_or_make(&keys).unwrap().id(), second);
        // Where none can be made there is none, and no error.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(load_or_make(&file.join("keys")).is_none());
    }
}
