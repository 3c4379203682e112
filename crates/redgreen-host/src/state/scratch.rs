//! Folders that go away with whoever made them.

use super::{StateError, remove_tree};
use crate::process::{own_start_time, process_lives};
use std::ffi::OsStr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where temporary things of this process go, and the private state that they belong to; nothing until a state was
/// opened.
static OPEN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The folder of scratch folders below a root of private state.
pub(super) fn folder_below(root: &Path) -> PathBuf {
    root.join("scratch")
}

/// From now on temporary folders and files of this process lie in this private state, where the next start finds what a
/// killed process left.
pub(super) fn use_for_temporary(root: &Path) {
    *OPEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(root.to_owned());
}

fn open_root() -> Option<PathBuf> {
    OPEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .filter(|root| folder_below(root).is_dir())
}

/// The cache of the private state that was opened last.
pub(crate) fn open_cache() -> Option<PathBuf> {
    Some(open_root()?.join("cache"))
}

/// A name that tells whose it is.
fn own_name(label: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{label}-{}-{}-{}",
        std::process::id(),
        own_start_time(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A temporary folder for files of our own tools; removed when this is dropped, or at the next start.
#[derive(Debug)]
pub(crate) enum Temporary {
    /// In private state.
    Own(Scratch),
    /// In the system's folder: no state was opened yet.
    System(tempfile::TempDir),
}

impl Temporary {
    /// A fresh one. `near` is where its content will be moved to: outside of private state (or without one) it lies
    /// there, so that a rename is enough.
    pub(crate) fn new(label: &str, near: Option<&Path>) -> std::io::Result<Self> {
        match (open_root(), near) {
            (Some(root), near) if near.is_none_or(|near| near.starts_with(&root)) => {
                Scratch::new(&folder_below(&root), label)
                    .map(Self::Own)
                    .map_err(std::io::Error::other)
            }
            (_, Some(near)) => tempfile::Builder::new()
                .prefix(label)
                .tempdir_in(near)
                .map(Self::System),
            (_, None) => tempfile::tempdir().map(Self::System),
        }
    }
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(scratch) => scratch.path(),
            Self::System(folder) => folder.path(),
        }
    }
}

/// Where the content of a file is written before it is moved to `path`: in private state for a file of it, else beside
/// it. What a killed process left beside it is removed.
pub(crate) fn before(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("."));
    match open_root() {
        Some(root) if path.starts_with(&root) => folder_below(&root).join(own_name("file")),
        Some(_) | None => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let start = format!(".{name}.tmp-");
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let other = entry.file_name();
                if other.to_string_lossy().starts_with(&start) && is_of_the_dead(&other) {
                    let _ = std::fs::remove_file(entry.path());
                }
            }
            folder.join(own_name(&format!(".{name}.tmp")))
        }
    }
}

/// A private folder (`0700`), removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Its name ends with our process number, our start time and a count, so that a later start can tell whose it was.
    pub(super) fn new(folder: &Path, label: &str) -> Result<Self, StateError> {
        let label: String = label
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .take(32)
            .collect();
        let path = folder.join(own_name(&label));
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

/// Whether a name made by [`own_name`] is that of a process that does not live any more.
fn is_of_the_dead(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let mut parts = name.rsplit('-').skip(1);
    let started = parts.next().and_then(|part| part.parse::<u64>().ok());
    let pid = parts.next().and_then(|part| part.parse::<i32>().ok());
    match (pid, started) {
        (Some(pid), Some(started)) => !process_lives(pid, started),
        // Not ours: whoever put it there knows why.
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}

/// Removes the folders and files of dead processes; returns how many.
pub(super) fn sweep(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| is_of_the_dead(&entry.file_name()))
        .filter(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => remove_tree(&entry.path()).is_ok(),
            Ok(_) => std::fs::remove_file(entry.path()).is_ok(),
            Err(_) => false,
        })
        .count()
}
