//! Folders that go away with whoever made them.

use super::{StateError, remove_tree};
use crate::process::{own_start_time, process_lives};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A private folder (`0700`), removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Its name ends with our process number, our start time and a count, so that a later start can tell whose it was.
    pub(super) fn new(folder: &Path, label: &str) -> Result<Self, StateError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let label: String = label
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .take(32)
            .collect();
        let path = folder.join(format!(
            "{label}-{}-{}-{}",
            std::process::id(),
            own_start_time(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|why| StateError::io("made", &path, &why))?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_tree(&self.path);
    }
}

/// Removes the folders of dead processes; returns how many.
pub(super) fn sweep(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let dead = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let mut parts = name.rsplit('-').skip(1);
        let started = parts.next().and_then(|part| part.parse::<u64>().ok());
        let pid = parts.next().and_then(|part| part.parse::<i32>().ok());
        match (pid, started) {
            (Some(pid), Some(started)) => !process_lives(pid, started),
            // Not ours: whoever put it there knows why.
            (Some(_) | None, None) | (None, Some(_)) => false,
        }
    });
    dead.filter(|entry| remove_tree(&entry.path()).is_ok())
        .count()
}
