//! Trees with their content: snapshots, where their bytes come from, and writing them to a folder (SPEC C1).

mod elsewhere;
mod links;
mod materialise;

pub(crate) use elsewhere::Pointer;
pub use links::link_stays_inside;
pub use materialise::{LeftOut, Materialised, materialise};

use crate::git::{GitError, Oid, Repository};
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::tree::{Entry, Listing, Mode, is_content};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In the repository, under the file's object id; read and hashed again when needed.
    Git,
    /// Here, read once.
    Bytes(Arc<[u8]>),
    /// In a file outside the repository that was too large to keep ([`crate::walk::LARGE`]); read again and compared
    /// with the object id when needed.
    Large(PathBuf),
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The kind of entry.
    pub mode: Mode,
    /// The object id of its bytes, computed by us.
    pub oid: Oid,
    /// Where the bytes are.
    pub content: Content,
}

/// Bytes that could not be had, or a tree that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// git failed, or an object is damaged.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A path is not in the snapshot.
    #[error("`{path}` is not in the tree")]
    NoSuchPath {
        /// The path.
        path: RelPath,
    },
    /// A file changed between the moment it was hashed and the moment its bytes were needed.
    #[error("`{path}` was changed while it was being read")]
    Changed {
        /// The path.
        path: RelPath,
    },
    /// The system refused.
    #[error("`{}` could not be {what}: {source}", .path.display())]
    Io {
        /// What was tried: `written`, `read`, `created`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl TreeError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            what,
            path: path.into(),
            source,
        }
    }

    /// The next step.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Git(error) => error.hint.clone(),
            Self::NoSuchPath { .. } => "check the path against `git ls-files`".to_owned(),
            Self::Changed { .. } => "end what writes to it, then try again".to_owned(),
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    "free some space on that disk (`redgreen clean` removes old runs), then try again"
                        .to_owned()
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    "check who owns that folder and its permissions".to_owned()
                }
                _ => "check that folder and its disk".to_owned(),
            },
        }
    }
}

/// Takes the bytes of one file after the other; an error of its own ends the reading.
pub type TakeBytes<'a> = &'a mut dyn FnMut(&RelPath, &Arc<[u8]>) -> Result<(), TreeError>;

/// A tree: every file with mode, identity and the place of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    files: BTreeMap<RelPath, File>,
}

impl Snapshot {
    /// The tree of a revision. Nothing but the trees is read now.
    ///
    /// # Errors
    /// As [`Repository::listing`].
    pub fn of_commit(repository: &Repository, rev: &str) -> Result<Self, GitError> {
        Ok(Self::of_listing(repository.listing(rev)?))
    }

    /// A tree whose bytes are all in the repository.
    #[must_use]
    pub fn of_listing(listing: Listing) -> Self {
        let files = listing.into_iter().map(|(path, Entry { mode, oid })| {
            let content = Content::Git;
            (path, File { mode, oid, content })
        });
        Self {
            files: files.collect(),
        }
    }

    pub(crate) fn of_files(files: BTreeMap<RelPath, File>) -> Self {
        Self { files }
    }

    /// Every file, in path order.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<RelPath, File> {
        &self.files
    }

    /// One file.
    #[must_use]
    pub fn get(&self, path: &RelPath) -> Option<&File> {
        self.files.get(path)
    }

    /// Names and identities.
    #[must_use]
    pub fn listing(&self) -> Listing {
        self.files
            .iter()
            .map(|(path, file)| {
                let entry = Entry {
                    mode: file.mode,
                    oid: file.oid.clone(),
                };
                (path.clone(), entry)
            })
            .collect()
    }

    /// The bytes of a file (for a link: its target).
    ///
    /// # Errors
    /// There is no such file, its object is damaged, or a large file changed in the meantime.
    pub fn bytes(&self, repository: &Repository, path: &RelPath) -> Result<Arc<[u8]>, TreeError> {
        let file = self
            .files
            .get(path)
            .ok_or_else(|| TreeError::NoSuchPath { path: path.clone() })?;
        match &file.content {
            // A submodule is its commit: what `git diff` shows for it.
            Content::Git if file.mode == Mode::Submodule => {
                Ok(format!("Subproject commit {}\n", file.oid)
                    .into_bytes()
                    .into())
            }
            Content::Git => Ok(repository.read_blob(&file.oid)?.into()),
            Content::Bytes(bytes) => Ok(Arc::clone(bytes)),
            Content::Large(place) => {
                let bytes =
                    std::fs::read(place).map_err(|why| TreeError::io("read", place, why))?;
                if repository.blob_id(&bytes) == file.oid {
                    Ok(bytes.into())
                } else {
                    Err(TreeError::Changed { path: path.clone() })
                }
            }
        }
    }

    /// The bytes of many files, with one git process.
    ///
    /// # Errors
    /// As [`Snapshot::bytes`]; the first failure.
    pub fn bytes_of<'a>(
        &self,
        repository: &Repository,
        paths: impl IntoIterator<Item = &'a RelPath>,
    ) -> Result<BTreeMap<RelPath, Arc<[u8]>>, TreeError> {
        let mut out = BTreeMap::new();
        self.each_of(repository, paths, &mut |path, bytes| {
            out.insert(path.clone(), Arc::clone(bytes));
            Ok(())
        })?;
        Ok(out)
    }

    /// Hands the bytes of many files to `take` one after the other, in no particular order: for more of them than fit
    /// into memory. One git process.
    ///
    /// # Errors
    /// As [`Snapshot::bytes`]; the first failure, or that of `take`.
    pub fn each_of<'a>(
        &self,
        repository: &Repository,
        paths: impl IntoIterator<Item = &'a RelPath>,
        take: TakeBytes<'_>,
    ) -> Result<(), TreeError> {
        let mut wanted: BTreeMap<&Oid, Vec<&RelPath>> = BTreeMap::new();
        for path in paths {
            match self.files.get(path) {
                Some(file) if file.content == Content::Git && file.mode != Mode::Submodule => {
                    wanted.entry(&file.oid).or_default().push(path);
                }
                Some(_) | None => take(path, &self.bytes(repository, path)?)?,
            }
        }
        let oids: Vec<Oid> = wanted.keys().map(|&oid| oid.clone()).collect();
        repository.read_objects(&oids, &mut |oid, _, bytes| {
            let bytes: Arc<[u8]> = bytes.into();
            for path in wanted.get(&oid.to_owned()).into_iter().flatten() {
                take(path, &bytes)?;
            }
            Ok::<(), TreeError>(())
        })
    }

    /// The tree with a file set to these bytes. An existing file keeps its mode (a link becomes a file).
    #[must_use]
    pub fn with(mut self, repository: &Repository, path: RelPath, bytes: Vec<u8>) -> Self {
        let mode = match self.files.get(&path).map(|file| file.mode) {
            Some(Mode::Executable) => Mode::Executable,
            Some(Mode::File | Mode::Link | Mode::Submodule) | None => Mode::File,
        };
        let oid = repository.blob_id(&bytes);
        let content = Content::Bytes(bytes.into());
        self.files.insert(path, File { mode, oid, content });
        self
    }

    /// The tree with a file of another tree: same mode, same bytes.
    #[must_use]
    pub fn with_file(mut self, path: RelPath, file: File) -> Self {
        self.files.insert(path, file);
        self
    }

    /// The tree without a file.
    #[must_use]
    pub fn without(mut self, path: &RelPath) -> Self {
        self.files.remove(path);
        self
    }

    /// Stores the bytes that git has not got and writes the git tree. What was run is what is committed: the same
    /// bytes (SPEC C1).
    ///
    /// # Errors
    /// git failed, or a large file changed in the meantime.
    pub fn git_tree(&self, repository: &Repository) -> Result<Oid, TreeError> {
        let mut blobs: Vec<Arc<[u8]>> = Vec::new();
        for (path, file) in &self.files {
            match &file.content {
                Content::Git => {}
                Content::Bytes(bytes) => blobs.push(Arc::clone(bytes)),
                Content::Large(_) => {
                    let bytes = self.bytes(repository, path)?;
                    repository.write_blob(&bytes)?;
                }
            }
        }
        let borrowed: Vec<&[u8]> = blobs.iter().map(AsRef::as_ref).collect();
        repository.write_blobs(&borrowed)?;
        let changes: Vec<_> = self
            .listing()
            .into_iter()
            .map(|(path, entry)| (path, Some(entry)))
            .collect();
        Ok(repository.write_tree(None, &changes)?)
    }
}

/// The identity of the content tree: everything but `.redgreen/**` and the plan files (SPEC, "Words").
///
/// It is SHA-256 over `<mode> <object id> <path> NUL` in path order; the object ids were computed by us.
#[must_use]
pub fn content_digest(snapshot: &Snapshot, plan_files: &[RelPath]) -> Digest {
    let mut hasher = Sha256::new();
    for (path, file) in &snapshot.files {
        if is_content(path, plan_files) {
            for part in [file.mode.octal(), " ", &file.oid, " ", path.as_str(), "\0"] {
                hasher.update(part.as_bytes());
            }
        }
    }
    Digest::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests;
