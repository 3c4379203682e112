//! What git ignores and tests need (`[tree] carry`, SPEC C5): copied from the checkout into a private tree.

use crate::tree::Snapshot;
use ignore::gitignore::GitignoreBuilder;
use redgreen_core::id::{Digest, RelPath};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A carry list that could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// A glob cannot be read.
    #[error("glob `{glob}` in `tree.carry` cannot be read: {why}")]
    BadGlob {
        /// The glob.
        glob: String,
        /// What the parser said.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("failed to carry `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Copies every file of the checkout that matches and that the tree has not got. Links are not followed. Returns what was
/// carried with the digest of its bytes.
///
/// # Errors
/// [`CarryError`] naming the glob or the file.
pub fn carry(
    checkout: &Path,
    tree: &Path,
    globs: &[String],
    snapshot: &Snapshot,
) -> Result<BTreeMap<RelPath, Digest>, CarryError> {
    each(
        checkout,
        globs,
        snapshot,
        &mut |relative, bytes, permissions| {
            let target = tree.join(relative.as_str());
            if let Some(folder) = target.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&target, bytes)?;
            std::fs::set_permissions(&target, permissions)
        },
    )
}

/// What [`carry`] would copy, with the digests of the bytes: part of the environment record (SPEC B4).
///
/// # Errors
/// [`CarryError`] naming the glob or the file.
pub fn carried(
    checkout: &Path,
    globs: &[String],
    snapshot: &Snapshot,
) -> Result<BTreeMap<RelPath, Digest>, CarryError> {
    each(checkout, globs, snapshot, &mut |_, _, _| Ok(()))
}

/// What is done with one file.
type Visit<'a> = &'a mut dyn FnMut(&RelPath, &[u8], std::fs::Permissions) -> io::Result<()>;

fn each(
    checkout: &Path,
    globs: &[String],
    snapshot: &Snapshot,
    visit: Visit<'_>,
) -> Result<BTreeMap<RelPath, Digest>, CarryError> {
    let mut carried = BTreeMap::new();
    if globs.is_empty() {
        return Ok(carried);
    }
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        builder
            .add_line(None, glob)
            .map_err(|why| CarryError::BadGlob {
                glob: glob.clone(),
                why: why.to_string(),
            })?;
    }
    let matcher = builder.build().map_err(|why| CarryError::BadGlob {
        glob: String::new(),
        why: why.to_string(),
    })?;
    // An anchored glob names its place: looking there alone spares a walk of `node_modules` and `target`.
    let anchored: Option<Vec<&str>> = globs
        .iter()
        .map(|glob| {
            glob.strip_prefix('/')
                .filter(|rest| !rest.contains(['*', '?', '[']))
        })
        .collect();
    let mut queue: Vec<PathBuf> = match anchored {
        Some(places) => places
            .into_iter()
            .map(|place| checkout.join(place))
            .filter(|path| path.symlink_metadata().is_ok())
            .collect(),
        None => vec![checkout.to_path_buf()],
    };
    while let Some(path) = queue.pop() {
        let io_error = |source| CarryError::Io {
            path: path.clone(),
            source,
        };
        let metadata = path.symlink_metadata().map_err(io_error)?;
        if metadata.is_dir() {
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            for entry in std::fs::read_dir(&path).map_err(io_error)? {
                queue.push(entry.map_err(io_error)?.path());
            }
            continue;
        }
        let relative = path
            .strip_prefix(checkout)
            .ok()
            .and_then(Path::to_str)
            .and_then(|text| RelPath::new(text).ok());
        let Some(relative) = relative else { continue };
        if !metadata.is_file() || snapshot.get(&relative).is_some() {
            continue;
        }
        if !matcher
            .matched_path_or_any_parents(relative.as_str(), false)
            .is_ignore()
        {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(io_error)?;
        visit(&relative, &bytes, metadata.permissions()).map_err(io_error)?;
        carried.insert(relative, Digest::of(&bytes));
    }
    Ok(carried)
}
