//! Locks: the small record that is committed, and the complete manifest behind it (SPEC B4).

use crate::gate::ExpectedTest;
use crate::id::{Digest, RelPath, TaskId};
use crate::test_item::CriteriaMap;
use crate::tree::{Listing, Mode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema of [`LockRecord`].
pub const LOCK_SCHEMA: &str = "redgreen.lock/1";

/// The record that lies in `.redgreen/locks/<task>.json` and is named by the commit trailer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockRecord {
    /// Always [`LOCK_SCHEMA`].
    pub schema: String,
    /// The task.
    pub task: TaskId,
    /// The digest of the record this one replaces (amend, send-back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Digest>,
    /// Why it replaces it, in the words of the person or the evidence of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit the tests were proven red on.
    pub base_commit: String,
    /// The content tree of that commit (a git tree id without `.redgreen/**` and plan files).
    pub base_tree: String,
    /// The content tree that is locked: the base with the tests.
    pub locked_tree: String,
    /// The locked tests with their role.
    pub tests: Vec<ExpectedTest>,
    /// Which tests serve which criterion.
    pub criteria: CriteriaMap,
    /// Digest of the complete [`Manifest`].
    pub manifest: Digest,
    /// Digest of the environment record.
    pub environment: Digest,
    /// Digest of the approved plan; `None` by hand without a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The RED gate's evidence.
    pub red: Digest,
}

/// One locked file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// The kind of entry.
    pub mode: Mode,
    /// The git object id.
    pub oid: String,
    /// SHA-256 of the bytes (git ids are SHA-1 by default).
    pub sha256: Digest,
}

/// The complete list behind a lock: every file that the implementer may not change, present or absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Locked files by path. A path that is not here and not writable for the implementer is locked as absent.
    pub files: BTreeMap<RelPath, LockedFile>,
    /// Test items inside mixed files: path to the digest of its test units.
    pub mixed: BTreeMap<RelPath, Digest>,
    /// The globs the implementer may write.
    pub source: Vec<String>,
    /// The globs of tests.
    pub tests: Vec<String>,
    /// The inert globs.
    pub inert: Vec<String>,
    /// The runner commands, by runner name.
    pub runners: BTreeMap<String, Vec<String>>,
}

impl Manifest {
    /// The locked files as a listing, to compare with another tree.
    #[must_use]
    pub fn listing(&self) -> Listing {
        self.files
            .iter()
            .map(|(path, file)| {
                (
                    path.clone(),
                    crate::tree::Entry {
                        mode: file.mode,
                        oid: file.oid.clone(),
                    },
                )
            })
            .collect()
    }
}
