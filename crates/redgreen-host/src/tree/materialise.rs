//! Writing a snapshot to a fresh folder, streaming from one git process.

use super::elsewhere::{self, Pointer};
use super::{Content, Snapshot, TreeError, link_stays_inside};
use crate::git::{GitErrorKind, Oid, Repository};
use redgreen_core::id::RelPath;
use redgreen_core::tree::Mode;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A file of the snapshot that was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Which.
    pub path: RelPath,
    /// Why, a lower-case fragment.
    pub why: String,
}

/// What [`materialise`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Materialised {
    /// Files and links written.
    pub files: usize,
    /// Links that lead out of the tree, and submodules that are not here.
    pub left_out: Vec<LeftOut>,
}

/// Writes a snapshot into `dir`, which must not exist or be empty. Times are now (so that no build tool takes an old
/// product for a new one), the executable bit is kept. Links are written when they stay inside the tree and are
/// left out, and named, when they do not. Submodules are written at the commit that is named, git-lfs pointers as their
/// content; where this machine lacks them they stay an empty folder (named, too) and a pointer.
///
/// # Errors
/// The folder is not empty, the disk is full, an object is missing or damaged.
pub fn materialise(
    snapshot: &Snapshot,
    repository: &Repository,
    dir: &Path,
) -> Result<Materialised, TreeError> {
    let created = |why| TreeError::io("created", dir, why);
    std::fs::create_dir_all(dir).map_err(created)?;
    if std::fs::read_dir(dir).map_err(created)?.next().is_some() {
        return Err(created(std::io::Error::other("it is not empty")));
    }
    let mut done = Materialised::default();
    make_folders(snapshot, dir)?;
    let mut wanted: BTreeMap<Oid, Vec<(&RelPath, Mode)>> = BTreeMap::new();
    let mut links: BTreeMap<RelPath, String> = BTreeMap::new();
    for (path, file) in snapshot.files() {
        match (file.mode, &file.content) {
            (Mode::Submodule, _) => {}
            (Mode::Link, Content::Bytes(bytes)) => {
                links.insert(path.clone(), link_text(bytes));
            }
            (_, Content::Git) => wanted
                .entry(file.oid.clone())
                .or_default()
                .push((path, file.mode)),
            (mode, Content::Bytes(bytes)) => {
                write_file(dir, path, mode, bytes)?;
                done.files += 1;
            }
            (mode, Content::Large(_)) => {
                let bytes = snapshot.bytes(repository, path)?;
                write_file(dir, path, mode, &bytes)?;
                done.files += 1;
            }
        }
    }
    let oids: Vec<Oid> = wanted.keys().cloned().collect();
    repository.read_objects(&oids, &mut |oid, kind, bytes| {
        if kind != crate::git::ObjectKind::Blob {
            let mut error = crate::git::GitError::missing(oid);
            error.kind = GitErrorKind::ObjectDamaged;
            return Err(TreeError::Git(error));
        }
        for &(path, mode) in wanted.get(oid).into_iter().flatten() {
            if mode == Mode::Link {
                links.insert(path.clone(), link_text(&bytes));
            } else {
                write_file(dir, path, mode, &bytes)?;
                done.files += 1;
                if let Some(pointer) = Pointer::parse(&bytes) {
                    pointer.expand(repository, path, &dir.join(path.as_str()));
                }
            }
        }
        Ok(())
    })?;
    // Links come last: until now no written path can lead through one.
    for (path, target) in &links {
        if link_stays_inside(&links, path, target) {
            let place = dir.join(path.as_str());
            std::os::unix::fs::symlink(target, &place)
                .map_err(|why| TreeError::io("written", place, why))?;
            done.files += 1;
        } else {
            done.left_out.push(LeftOut {
                path: path.clone(),
                why: format!("the link to `{target}` leads out of the tree"),
            });
        }
    }
    for path in elsewhere::submodules(snapshot, repository, dir)? {
        done.left_out.push(LeftOut {
            path,
            why: "the submodule is not checked out here: git submodule update --init".to_owned(),
        });
    }
    Ok(done)
}

fn link_text(bytes: &[u8]) -> String {
    // A target that is not UTF-8 cannot be followed by us: it counts as leading out.
    std::str::from_utf8(bytes).map_or_else(|_| "/".to_owned(), str::to_owned)
}

/// Makes every folder of the tree, parents first.
fn make_folders(snapshot: &Snapshot, dir: &Path) -> Result<(), TreeError> {
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    for (path, file) in snapshot.files() {
        let mut text = path.as_str();
        if file.mode == Mode::Submodule {
            folders.insert(text);
        }
        while let Some((folder, _)) = text.rsplit_once('/') {
            if !folders.insert(folder) {
                break;
            }
            text = folder;
        }
    }
    for folder in folders {
        let place = dir.join(folder);
        std::fs::create_dir(&place).map_err(|why| TreeError::io("created", place, why))?;
    }
    Ok(())
}

fn write_file(dir: &Path, path: &RelPath, mode: Mode, bytes: &[u8]) -> Result<(), TreeError> {
    let place = dir.join(path.as_str());
    let permissions = if mode == Mode::Executable {
        0o755
    } else {
        0o644
    };
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(permissions)
        .open(&place)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|why| TreeError::io("written", place, why))
}
