//! Content that a tree only names: submodules by commit, large files by digest (git-lfs pointers).
//!
//! Both names are digests of the content, so it does not matter where the bytes come from as long as they are the named
//! ones. What is not on this machine stays what git itself has: an empty folder, a pointer.

use super::{Snapshot, TreeError, materialise};
use crate::git::Repository;
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

/// A git-lfs pointer (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// SHA-256 of the content, lower-case hexadecimal.
    digest: String,
    /// Its length in bytes.
    size: u64,
}

/// Pointers are shorter than this.
const LONGEST_POINTER: usize = 1024;

impl Pointer {
    /// Reads a pointer; `None` for every other file.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST_POINTER {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        text.strip_prefix("version https://git-lfs.github.com/spec/v1\n")?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let digest = field("oid sha256:")?;
        let hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        (digest.len() == 64 && digest.chars().all(hexadecimal)).then_some(())?;
        Some(Self {
            digest: digest.to_owned(),
            size: field("size ")?.parse().ok()?,
        })
    }

    /// Whether these bytes are the named ones.
    pub(crate) fn names(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.size && hex(&Sha256::digest(bytes)) == self.digest
    }

    /// Whether a file holds the named bytes.
    pub(crate) fn names_file(&self, path: &Path) -> bool {
        self.copy(path, &mut std::io::sink()).is_some()
    }

    /// Copies a file if it holds the named bytes; `None` when it does not.
    fn copy(&self, from: &Path, to: &mut dyn Write) -> Option<()> {
        if std::fs::symlink_metadata(from).ok()?.len() != self.size {
            return None;
        }
        let mut file = File::open(from).ok()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).ok()?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            to.write_all(&buffer[..count]).ok()?;
        }
        (hex(&hasher.finalize()) == self.digest).then_some(())
    }

    /// Replaces a written pointer by its content, from git-lfs's own store or from the checkout.
    pub(super) fn expand(&self, repository: &Repository, path: &RelPath, written: &Path) {
        let (first, second) = (&self.digest[..2], &self.digest[2..4]);
        let places = [
            repository
                .common_dir()
                .join("lfs/objects")
                .join(first)
                .join(second)
                .join(&self.digest),
            repository.top_level().join(path.as_str()),
        ];
        for place in places {
            let beside = PathBuf::from(format!("{}.redgreen-lfs", written.display()));
            let copied = File::options()
                .write(true)
                .create_new(true)
                .open(&beside)
                .ok()
                .and_then(|mut file| self.copy(&place, &mut file))
                .and_then(|()| std::fs::metadata(written).ok())
                .and_then(|old| std::fs::set_permissions(&beside, old.permissions()).ok())
                .and_then(|()| std::fs::rename(&beside, written).ok());
            if copied.is_some() {
                return;
            }
            let _ = std::fs::remove_file(&beside);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the submodules of a snapshot below `dir`, each at the commit that the snapshot names, from the checkout's own
/// copy of that submodule. Returns those that are not there: they stay empty folders, as in a clone without them.
pub(super) fn submodules(
    snapshot: &Snapshot,
    repository: &Repository,
    dir: &Path,
) -> Result<Vec<RelPath>, TreeError> {
    let mut missing = Vec::new();
    for (path, file) in snapshot.files() {
        if file.mode != Mode::Submodule {
            continue;
        }
        let place = repository.top_level().join(path.as_str());
        let real = std::fs::canonicalize(&place).unwrap_or_else(|_| place.clone());
        // An empty folder belongs to the repository around it.
        let opened = Repository::open(&place)
            .ok()
            .filter(|found| found.top_level() == real);
        let tree = opened
            .as_ref()
            .and_then(|found| Snapshot::of_commit(found, &file.oid).ok());
        match (opened, tree) {
            (Some(found), Some(tree)) => {
                materialise(&tree, &found, &dir.join(path.as_str()))?;
            }
            (Some(_) | None, _) => missing.push(path.clone()),
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_a_pointer_names_exactly_its_content() {
        let digest = hex(&Sha256::digest(b"abc"));
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 3\n");
        let pointer = Pointer::parse(text.as_bytes()).unwrap();
        assert!(pointer.names(b"abc"));
        assert!(!pointer.names(b"abd") && !pointer.names(b"abcd"));
        for other in [
            "version https://example.org\noid sha256:00\nsize 3\n".to_owned(),
            text.replace("size 3", "size x"),
            text.replace(&digest, &digest.to_uppercase()),
            text.replace(&digest, "../../../etc"),
            "x".repeat(5000),
        ] {
            assert_eq!(Pointer::parse(other.as_bytes()), None, "{other}");
        }
    }
}
