//! Reading a candidate folder: a user's checkout or an agent's clone. Nothing in it is trusted (SPEC C1).
//!
//! Every file is opened without following links, at any level, read once into memory and hashed. What is ignored is
//! decided by the *base's* `.gitignore` files, never by the candidate's, by `.git/info/exclude` or by a user's
//! configuration: otherwise whoever is judged could hide a file that steers a runner. Paths of the base are always
//! looked at. The stat data of git's index is not used.
//!
//! Bytes are taken as they lie. Only in the user's own checkout, what git did to the files there (line ends, encodings, a
//! sparse checkout) is taken back first: see `checkout.rs`. A file that holds exactly the content which a git-lfs pointer
//! of the base names counts as that pointer.

mod checkout;
mod enumerate;
mod ignored;
mod read;
mod twins;

use crate::git::Repository;
use crate::tree::{Content, File, Pointer, Snapshot, TreeError};
use enumerate::Found;
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files larger than this many bytes are hashed piece by piece and not kept in memory.
pub const LARGE: u64 = 64 << 20;

/// What a path is that is no ordinary file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IrregularKind {
    /// A symbolic link that was added or changed.
    Link,
    /// A file with more than one name (hard link) that was added or changed.
    HardLink,
    /// A socket, a named pipe or a device.
    Special,
    /// Its name differs from another one only in case or in Unicode form.
    Twin {
        /// The other path.
        of: String,
    },
    /// Its name is not UTF-8.
    NotUtf8,
    /// Its name is read differently by git, by other systems or by runners: `.git` in any case, a backslash, control
    /// characters, a dot or space at the end.
    ForbiddenName,
    /// A repository inside the repository.
    NestedRepository,
    /// It could not be read.
    Unreadable {
        /// What the system said.
        why: String,
    },
    /// It changed while it was read.
    Changing,
}

/// A path that was found and is not part of the snapshot (twins are).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Irregular {
    /// The path relative to the folder, invalid bytes replaced.
    pub path: String,
    /// What it is.
    pub kind: IrregularKind,
}

/// A folder as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its files. Files equal to the base have [`Content::Git`].
    pub snapshot: Snapshot,
    /// What is no ordinary file, in path order. Never followed, never part of the snapshot (except twins).
    pub irregular: Vec<Irregular>,
}

/// Reads a folder against the base it started from. `repository` tells how objects are named and holds the base's
/// ignore rules; it need not be the folder's own.
///
/// # Errors
/// The folder itself or the base's ignore rules could not be read. Everything below is reported in the result.
pub fn read_candidate(
    repository: &Repository,
    base: &Snapshot,
    dir: &Path,
) -> Result<Candidate, TreeError> {
    let rules = ignored::Rules::of_base(repository, base)?;
    let root = read::Root::open(dir).map_err(|why| TreeError::io("read", dir, why))?;
    let mut found = Found::default();
    enumerate::enumerate(&root, base, &rules, &mut found);
    let keeps_bit = repository.keeps_executable_bit().map_err(TreeError::Git)?;
    let mut entries = read_all(repository, base, &root, dir, found.files, keeps_bit);
    large_files(repository, base, &mut entries)?;

    let mut files: BTreeMap<RelPath, File> = BTreeMap::new();
    let mut irregular = found.irregular;
    for (path, read) in entries {
        match read {
            Ok(file) => {
                files.insert(path, file);
            }
            Err(None) => {}
            Err(Some(kind)) => irregular.push(Irregular {
                path: path.to_string(),
                kind,
            }),
        }
    }
    for path in found.submodules {
        if let Some(file) = base.get(&path) {
            files.insert(path, file.clone());
        }
    }
    if is_checkout(repository, dir) {
        checkout::take_back(repository, base, &mut files)?;
    }
    irregular.extend(twins::added_twins(base, &files));
    irregular.sort();
    Ok(Candidate {
        snapshot: Snapshot::of_files(files),
        irregular,
    })
}

/// Whether a folder is the work tree of the repository itself, or a linked one: git converts files only there.
fn is_checkout(repository: &Repository, dir: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(dir).is_some_and(|dir| Some(dir) == real(repository.top_level()))
}

/// Puts the pointer of the base in place of a changed file that holds what the pointer names. Costs nothing in a
/// repository that does not use git-lfs.
fn large_files(
    repository: &Repository,
    base: &Snapshot,
    entries: &mut [ReadResult],
) -> Result<(), TreeError> {
    let attributes: Vec<&RelPath> = base
        .files()
        .keys()
        .filter(|path| path.file_name() == ".gitattributes")
        .collect();
    let used = base
        .bytes_of(repository, attributes)?
        .values()
        .any(|bytes| String::from_utf8_lossy(bytes).contains("filter=lfs"));
    if !used {
        return Ok(());
    }
    let changed: Vec<RelPath> = entries
        .iter()
        .filter(|(path, read)| {
            let old = base.get(path);
            old.is_some_and(|old| {
                matches!(old.mode, Mode::File | Mode::Executable)
                    && read.as_ref().is_ok_and(|new| new.oid != old.oid)
            })
        })
        .map(|(path, _)| path.clone())
        .collect();
    let old = base.bytes_of(repository, &changed)?;
    for (path, read) in entries {
        let (Some(pointer), Ok(new)) =
            (old.get(path).and_then(|bytes| Pointer::parse(bytes)), &read)
        else {
            continue;
        };
        let same = match &new.content {
            Content::Bytes(bytes) => pointer.names(bytes),
            Content::Large(place) => pointer.names_file(place),
            Content::Git => false,
        };
        if let (true, Some(file)) = (same, base.get(path)) {
            *read = Ok(File {
                mode: new.mode,
                ..file.clone()
            });
        }
    }
    Ok(())
}

/// A file, or what it is instead; `None` when it is gone.
type ReadResult = (RelPath, Result<File, Option<IrregularKind>>);

/// Reads and hashes with two threads.
fn read_all(
    repository: &Repository,
    base: &Snapshot,
    root: &read::Root,
    dir: &Path,
    paths: Vec<RelPath>,
    keeps_bit: bool,
) -> Vec<ReadResult> {
    const BATCH: usize = 64;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut out: Vec<ReadResult> = Vec::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            if from >= paths.len() {
                return out;
            }
            let to = (from + BATCH).min(paths.len());
            for path in &paths[from..to] {
                let read = read_one(repository, base.get(path), root, dir, path, keeps_bit);
                out.push((path.clone(), read));
            }
        }
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(work);
        let mut out = work();
        match second.join() {
            Ok(more) => out.extend(more),
            // Half a list would look like deleted files.
            Err(panic) => std::panic::resume_unwind(panic),
        }
        out
    })
}

fn read_one(
    repository: &Repository,
    base: Option<&File>,
    root: &read::Root,
    dir: &Path,
    path: &RelPath,
    keeps_bit: bool,
) -> Result<File, Option<IrregularKind>> {
    let read = root.read(repository.object_format(), path)?;
    if let Some(target) = read.link_target {
        // A link of the base that is unchanged stays; every other one is refused.
        let oid = repository.blob_id(&target);
        return match base {
            Some(file) if file.mode == Mode::Link && file.oid == oid => Ok(file.clone()),
            Some(_) | None => Err(Some(IrregularKind::Link)),
        };
    }
    let mode = match base {
        Some(file) if !keeps_bit && matches!(file.mode, Mode::File | Mode::Executable) => file.mode,
        Some(_) | None if read.executable && keeps_bit => Mode::Executable,
        Some(_) | None => Mode::File,
    };
    let unchanged = base.is_some_and(|file| file.oid == read.oid && file.mode == mode);
    if read.names > 1 && !unchanged {
        return Err(Some(IrregularKind::HardLink));
    }
    let same_bytes = base.is_some_and(|file| {
        file.oid == read.oid && matches!(file.mode, Mode::File | Mode::Executable)
    });
    let content = match read.bytes {
        _ if same_bytes => Content::Git,
        Some(bytes) => Content::Bytes(bytes.into()),
        None => Content::Large(dir.join(path.as_str())),
    };
    Ok(File {
        mode,
        oid: read.oid,
        content,
    })
}

#[cfg(test)]
mod tests;
