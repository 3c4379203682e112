//! Private state of a repository, outside of it (SPEC G5): journals, manifests, caches, clones, logs, scratch folders.
//!
//! Nothing trusted lies where an agent can write. The folder is found through the git common directory, so all linked
//! worktrees share it.

mod files;
mod scratch;
mod trim;

pub(crate) use files::read_ends;
pub(crate) use files::sync_folder;
pub use files::{read_file, remove_tree, size_of, unsealed, write_atomically, write_sealed};
pub use scratch::Scratch;
pub(crate) use scratch::{Temporary, before, open_cache};
pub use trim::{Trimmed, trim};

use crate::git::Repository;
use crate::{clock, env, process};
use redgreen_core::id::Digest;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Thirty-two random bytes in hexadecimal, so that a digest made with them cannot be found by trying.
///
/// # Errors
/// An error where the system has no random numbers.
pub fn secret_number() -> std::io::Result<String> {
    let mut bytes = [0u8; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The class of a state failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateErrorKind {
    /// Neither `REDGREEN_STATE_DIR` nor `XDG_STATE_HOME` nor `HOME` is set.
    NoHome,
    /// The folder would lie inside the repository, where agents write.
    InsideRepository,
    /// Another redgreen holds the lock.
    Busy {
        /// Its process number; 0 when it could not be read.
        pid: u32,
    },
    /// The disk or the quota is full.
    DiskFull,
    /// Not permitted, or a read-only file system.
    Permission,
    /// Anything else the system said.
    Io,
}

/// The private state could not be used: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct StateError {
    /// The class.
    pub kind: StateErrorKind,
    /// What happened, a lower-case fragment.
    pub what: String,
    /// The next step.
    pub hint: String,
}

impl StateError {
    pub(crate) fn io(what: &str, path: &Path, why: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (kind, hint) = match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
                StateErrorKind::DiskFull,
                "free some space (`redgreen clean` removes old runs), then try again",
            ),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
                StateErrorKind::Permission,
                "check who owns that folder and whether it may be written; private state may also lie elsewhere: `REDGREEN_STATE_DIR`",
            ),
            _ => (
                StateErrorKind::Io,
                "check that folder and its disk, or name another one in `REDGREEN_STATE_DIR`",
            ),
        };
        Self {
            kind,
            what: format!("`{}` could not be {what}: {why}", path.display()),
            hint: hint.to_owned(),
        }
    }
}

/// The private state of one repository.
#[derive(Debug, Clone)]
pub struct State {
    root: PathBuf,
}

/// What [`State::open`] found of dead predecessors and ended or removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Commands that were still running.
    pub jobs: process::Swept,
    /// Scratch folders that were still there.
    pub scratch: usize,
}

impl State {
    /// Opens (and makes) the state of a repository: below `REDGREEN_STATE_DIR`, else `XDG_STATE_HOME/redgreen`, else
    /// `~/.local/state/redgreen`. What dead predecessors left is ended and removed; from now on jobs are recorded here.
    ///
    /// # Errors
    /// No home folder, a place inside the repository, no permission, no space.
    pub fn open(repository: &Repository) -> Result<(Self, Leftovers), StateError> {
        let base = env::path_variable("REDGREEN_STATE_DIR")
            .or_else(|| env::path_variable("XDG_STATE_HOME").map(|dir| dir.join("redgreen")))
            .or_else(|| env::home().map(|home| home.join(".local/state/redgreen")))
            .ok_or_else(|| StateError {
                kind: StateErrorKind::NoHome,
                what: "there is no folder for private state: `HOME` is not set".to_owned(),
                hint: "name one: `export REDGREEN_STATE_DIR=/path`".to_owned(),
            })?;
        Self::open_below(&base, repository)
    }

    /// Like [`State::open`] below a given folder.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn open_below(
        base: &Path,
        repository: &Repository,
    ) -> Result<(Self, Leftovers), StateError> {
        let common = repository.common_dir();
        // `/home/ann/shop/.git` is called `shop`, a bare `/srv/shop.git` is called `shop.git`.
        let named = match common.file_name() {
            Some(name) if name == ".git" => common.parent().and_then(Path::file_name),
            name => name,
        };
        let name: String = named
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(40)
            .collect();
        let digest = Digest::of(common.as_os_str().as_bytes()).hex();
        let root = base.join(format!("{name}-{}", &digest[..12]));
        make_private(&root)?;
        // Compared as real paths: a link must not lead back into the repository.
        let root =
            std::fs::canonicalize(&root).map_err(|why| StateError::io("opened", &root, &why))?;
        if root.starts_with(repository.top_level()) || root.starts_with(common) {
            return Err(StateError {
                kind: StateErrorKind::InsideRepository,
                what: format!(
                    "private state at `{}` would lie inside the repository",
                    root.display()
                ),
                hint: "name a folder outside of it in `REDGREEN_STATE_DIR`".to_owned(),
            });
        }
        let state = Self { root };
        for folder in [
            "journals",
            "manifests",
            "cache",
            "clones",
            "logs",
            "scratch",
            "locks",
            "jobs",
        ] {
            make_private(&state.root.join(folder))?;
        }
        let left = Leftovers {
            jobs: process::sweep(&state.jobs()),
            scratch: scratch::sweep(&state.scratch_folder()),
        };
        process::record_jobs_in(&state.jobs());
        keep_private(base, &state.root);
        process::may_read_checkout(repository.top_level(), common);
        scratch::use_for_temporary(&state.root);
        Ok((state, left))
    }

    /// The folder of all of it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Journals, one file per plan.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        self.root.join("journals")
    }
    /// Complete lock manifests.
    #[must_use]
    pub fn manifests(&self) -> PathBuf {
        self.root.join("manifests")
    }
    /// What may be removed at any time and is built again.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }
    /// Clones that agents work in.
    #[must_use]
    pub fn clones(&self) -> PathBuf {
        self.root.join("clones")
    }
    /// Evidence records by digest.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }
    /// The key of this private state, which signs evidence.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }
    /// A person's files that redgreen replaced at their request (`locks restore`).
    #[must_use]
    pub fn kept_copies(&self) -> PathBuf {
        self.root.join("kept")
    }
    /// Complete outputs of commands.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
    /// Records of running jobs.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }
    fn scratch_folder(&self) -> PathBuf {
        scratch::folder_below(&self.root)
    }

    /// A fresh private folder that is removed when the guard is dropped, or at the next start when we are killed.
    ///
    /// # Errors
    /// No permission, no space.
    pub fn scratch(&self, label: &str) -> Result<Scratch, StateError> {
        Scratch::new(&self.scratch_folder(), label)
    }

    /// Takes the lock of a plan or a hand task, without waiting. Held until the guard is dropped; the system frees it
    /// when we die.
    ///
    /// # Errors
    /// [`StateErrorKind::Busy`] when another redgreen (or another thread) holds it.
    pub fn lock(&self, name: &str) -> Result<Lock, StateError> {
        let path = self.lock_file(name);
        let failed = |why: &std::io::Error| StateError::io("locked", &path, why);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|why| failed(&why))?;
        let mut probes = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Somebody only looks whether it is held ([`State::is_held`]).
                Err(TryLockError::WouldBlock) if probes < 100 && file.try_lock_shared().is_ok() => {
                    file.unlock().map_err(|why| failed(&why))?;
                    clock::pause(Duration::from_millis(1));
                    probes += 1;
                }
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let _ = file.read_to_string(&mut text);
                    let pid = text.trim().parse().unwrap_or(0);
                    return Err(StateError {
                        kind: StateErrorKind::Busy { pid },
                        what: format!("another redgreen (pid {pid}) is working on `{name}`"),
                        hint: "wait for it, watch it with `redgreen status --watch`, or end it with `redgreen stop`"
                            .to_owned(),
                    });
                }
                Err(TryLockError::Error(why)) => return Err(failed(&why)),
            }
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|why| failed(&why))?;
        Ok(Lock { file })
    }

    /// Whether a living redgreen holds a lock. Nothing is taken, and nothing waits.
    #[must_use]
    pub fn is_held(&self, name: &str) -> bool {
        held(&self.lock_file(name))
    }

    /// Whether a living redgreen holds any lock of this repository.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        std::fs::read_dir(self.root.join("locks"))
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .any(|entry| held(&entry.path()))
    }

    /// Takes a lock that is only held for moments, and waits for whoever holds it. Freed when the guard is dropped.
    ///
    /// # Errors
    /// The system refused.
    pub fn wait_for(&self, name: &str) -> Result<Lock, StateError> {
        let path = self.lock_file(name);
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .and_then(|file| {
                file.lock()?;
                Ok(Lock { file })
            })
            .map_err(|why| StateError::io("locked", &path, &why))
    }

    fn lock_file(&self, name: &str) -> PathBuf {
        let file_name: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        // Names that differ only in replaced characters must not share a lock.
        let digest = Digest::of(name.as_bytes()).short();
        self.root
            .join("locks")
            .join(format!("{file_name}-{digest}"))
    }
}

/// Whether somebody holds the lock of a file.
fn held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// A held lock; freed when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread is just starting holds a copy for a moment.
        let _ = self.file.unlock();
    }
}

/// No isolated command sees private state: neither this repository's nor that of others beside it.
fn keep_private(base: &Path, own: &Path) {
    process::keep_out_of(own);
    if base.file_name().is_some_and(|name| name == "redgreen") {
        process::keep_out_of(base);
        return;
    }
    // A folder that somebody named may hold other things: only what is named like state is hidden.
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_state = name
            .to_string_lossy()
            .rsplit_once('-')
            .is_some_and(|(_, end)| {
                end.len() == 12 && end.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
        if is_state {
            process::keep_out_of(&entry.path());
        }
    }
}

/// Makes a folder that only its owner can enter, or closes one that others can enter.
fn make_private(dir: &Path) -> Result<(), StateError> {
    let failed = |why: std::io::Error| StateError::io("made", dir, &why);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    let permissions = std::fs::metadata(dir).map_err(failed)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
