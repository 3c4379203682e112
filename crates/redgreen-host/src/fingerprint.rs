//! Digests of files that seldom change and that no role writes (a standard library, programs on the search path),
//! remembered by what the system knows of a file: place, size, inode, and both times.
//!
//! The change time cannot be set by a user, so a file that was edited and given its old size and modification time is
//! read again. What changed within the last seconds is never remembered, because a second edit could carry the same
//! time. Locked trees are not read through this: gates always hash them again (SPEC H1).

use redgreen_core::id::Digest;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Changes younger than this many seconds are not remembered.
const SETTLED: u64 = 3;

/// The digests that are remembered in one file of the cache.
#[derive(Debug)]
pub struct Fingerprints {
    file: PathBuf,
    known: BTreeMap<PathBuf, (String, Digest)>,
    changed: bool,
}

impl Fingerprints {
    /// What was remembered; nothing where the file is missing or damaged.
    #[must_use]
    pub fn open(cache: &Path) -> Self {
        let file = cache.join("fingerprints");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let known = text
            .lines()
            .filter_map(|line| {
                let mut words = line.splitn(3, '\t');
                let (digest, stat, path) = (words.next()?, words.next()?, words.next()?);
                Some((
                    PathBuf::from(path),
                    (stat.to_owned(), Digest::try_from(digest.to_owned()).ok()?),
                ))
            })
            .collect();
        Self {
            file,
            known,
            changed: false,
        }
    }

    /// The digest of a file's bytes, with their number. Links are followed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest(&mut self, path: &Path) -> io::Result<(Digest, u64)> {
        let before = fs::metadata(path)?;
        let stat = format!(
            "{} {} {} {} {} {} {}",
            before.len(),
            before.dev(),
            before.ino(),
            before.mtime(),
            before.mtime_nsec(),
            before.ctime(),
            before.ctime_nsec()
        );
        if let Some((known, digest)) = self.known.get(path)
            && *known == stat
        {
            return Ok((*digest, before.len()));
        }
        let digest = Digest::of(&fs::read(path)?);
        let settled = u64::try_from(before.ctime())
            .is_ok_and(|changed| changed + SETTLED < crate::clock::now_unix());
        if settled && !path.to_string_lossy().contains(['\n', '\t']) {
            self.known.insert(path.to_owned(), (stat, digest));
            self.changed = true;
        }
        Ok((digest, before.len()))
    }

    /// Writes what was learnt. Losing it only costs time.
    pub fn save(self) {
        if !self.changed {
            return;
        }
        let mut text = String::new();
        for (path, (stat, digest)) in &self.known {
            _ = writeln!(text, "{digest}\t{stat}\t{}", path.display());
        }
        _ = crate::state::write_atomically(&self.file, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_an_edit_with_the_size_and_time_of_the_original_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.py");
        fs::write(&file, "one").unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let touch = || {
            let opened = fs::File::options().append(true).open(&file).unwrap();
            opened.set_modified(old).unwrap();
        };
        touch();
        let mut prints = Fingerprints::open(folder.path());
        let (first, _) = prints.digest(&file).unwrap();
        // What has just changed is not remembered at all; what is older is remembered with its change time.
        assert!(prints.known.is_empty());
        let stat = "3 0 0 1000000000 0 0 0".to_owned();
        prints.known.insert(file.clone(), (stat, first));
        fs::write(&file, "two").unwrap();
        touch();
        assert_eq!(prints.digest(&file).unwrap().0, Digest::of(b"two"));
    }

    #[test]
    fn c3_what_is_remembered_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new("/bin/sh");
        let mut prints = Fingerprints::open(folder.path());
        let first = prints.digest(file).unwrap();
        assert_eq!(prints.known.len(), 1, "a file of the system is old");
        prints.save();
        let mut again = Fingerprints::open(folder.path());
        assert_eq!(again.known.len(), 1);
        assert_eq!(again.digest(file).unwrap(), first);
        assert!(!again.changed);
    }
}
