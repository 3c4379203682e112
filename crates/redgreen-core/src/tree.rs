//! Trees: lists of files with their identity, and how two of them differ. The content stays with the host.

use crate::id::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of entry a path is, as git records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// `100644`
    File,
    /// `100755`
    Executable,
    /// `120000`
    Link,
    /// `160000`, locked by commit
    Submodule,
}

impl Mode {
    /// The octal text git uses.
    #[must_use]
    pub fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule => "160000",
        }
    }
}

/// A path's identity: mode and git object id, recomputed from the bytes by the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The kind of entry.
    pub mode: Mode,
    /// The git object id of the content (40 or 64 hexadecimal digits).
    pub oid: String,
}

/// A list of files: the names and identities of a tree.
pub type Listing = BTreeMap<RelPath, Entry>;

/// How one path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only in the new tree.
    Added,
    /// In both, with other content or mode.
    Modified,
    /// Only in the old tree.
    Deleted,
}

/// Compares two listings, in path order.
#[must_use]
pub fn changes(old: &Listing, new: &Listing) -> Vec<(RelPath, ChangeKind)> {
    let mut out: Vec<(RelPath, ChangeKind)> = Vec::new();
    for (path, entry) in new {
        match old.get(path) {
            None => out.push((path.clone(), ChangeKind::Added)),
            Some(before) if before != entry => out.push((path.clone(), ChangeKind::Modified)),
            Some(_) => {}
        }
    }
    out.extend(
        old.keys()
            .filter(|path| !new.contains_key(*path))
            .map(|path| (path.clone(), ChangeKind::Deleted)),
    );
    out.sort();
    out
}

/// Whether a path belongs to the content tree: everything but `.redgreen/**` and the plan files (SPEC, "Words").
#[must_use]
pub fn is_content(path: &RelPath, plan_files: &[RelPath]) -> bool {
    !path.is_below(".redgreen") && !plan_files.contains(path)
}
