//! Finding evidence again: chains in git and in private state, and everything outside them that names a record.

use super::context::{Context, git_failure};
use super::evidence::{REFERENCES, head_in_git, private_head, read_head, record_file, reference};
use super::lock::LOCKS;
use crate::error::Failure;
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::lock::LockRecord;
use redgreen_formats::evidence::{Anchor, Envelope, StoreHead, Stored, read_record};
use redgreen_host::git::Commit;
use std::collections::{BTreeMap, BTreeSet};

/// The command that brings what redgreen keeps in git into a clone.
pub const FETCH: &str = "git fetch origin 'refs/redgreen/*:refs/redgreen/*'";
/// The trailer that names a record.
pub const TRAILER: &str = "Redgreen-Evidence";

/// One chain as it is stored somewhere.
#[derive(Debug)]
pub struct StoredChain {
    /// `<plan>/<writer>`.
    pub name: String,
    /// Where it was read: `git` or `private state`.
    pub source: &'static str,
    /// Its records, in the order of their places.
    pub records: Vec<Stored>,
    /// What the store says its last record is.
    pub head: Option<StoreHead>,
}

/// The chains of a plan (of every plan for `None`) in git.
///
/// # Errors
/// A failure when an object cannot be read.
pub fn in_git(context: &Context, plan: Option<&str>) -> Result<Vec<StoredChain>, Failure> {
    let repository = &context.repository;
    let prefix = plan.map_or_else(
        || REFERENCES.to_owned(),
        |plan| format!("{REFERENCES}{plan}/"),
    );
    let mut chains = Vec::new();
    for (name, commit) in repository.refs(&prefix).map_err(git_failure)? {
        let listing = repository.listing(&commit).map_err(git_failure)?;
        let oids: Vec<String> = listing.values().map(|entry| entry.oid.clone()).collect();
        let blobs = repository.read_blobs(&oids).map_err(git_failure)?;
        let bytes = |path: &str| {
            let path = RelPath::new(path).ok()?;
            blobs.get(&listing.get(&path)?.oid).cloned()
        };
        let mut records = Vec::new();
        for path in listing.keys() {
            let Some(place) = path
                .as_str()
                .strip_suffix(".json")
                .and_then(|number| number.parse().ok())
            else {
                continue;
            };
            records.push(Stored {
                place,
                envelope: bytes(path.as_str()).unwrap_or_default(),
                test_result: bytes(&format!("test-result/{path}")),
            });
        }
        records.sort_by_key(|stored| stored.place);
        chains.push(StoredChain {
            name: name.strip_prefix(REFERENCES).unwrap_or(&name).to_owned(),
            source: "git",
            records,
            head: bytes("head.json").and_then(|bytes| read_head(&bytes)),
        });
    }
    Ok(chains)
}

/// The chains of a plan (of every plan for `None`) in private state, each followed back from its head.
#[must_use]
pub fn in_private_state(context: &Context, plan: Option<&str>) -> Vec<StoredChain> {
    let folder = context.state.evidence().join("chains");
    let names = |folder: &std::path::Path| -> BTreeSet<String> {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect()
    };
    let plans = match plan {
        Some(plan) => BTreeSet::from([plan.to_owned()]),
        None => names(&folder),
    };
    let mut chains = Vec::new();
    for plan in plans {
        for writer in names(&folder.join(&plan)) {
            let name = format!("{plan}/{writer}");
            let Some(head) = private_head(context, &name) else {
                continue;
            };
            let mut records = Vec::new();
            let (mut next, mut place) = (Some(head.digest), head.seq);
            while let Some(digest) = next {
                let Ok(envelope) = std::fs::read(record_file(context, &digest)) else {
                    break;
                };
                next = Envelope::open(&envelope)
                    .ok()
                    .and_then(|(payload, _)| read_record(&payload).ok()?.prev);
                records.push(Stored {
                    place,
                    envelope,
                    test_result: None,
                });
                let Some(before) = place.checked_sub(1) else {
                    break;
                };
                place = before;
            }
            records.reverse();
            chains.push(StoredChain {
                name,
                source: "private state",
                records,
                head: Some(head),
            });
        }
    }
    chains
}

/// What a commit says of evidence.
#[derive(Debug)]
pub struct Anchored {
    /// The commit.
    pub commit: Commit,
    /// The chain.
    pub chain: String,
    /// The record.
    pub anchor: Anchor,
}

/// Every commit that names a record in its trailer: of a range, or that any reference leads to.
///
/// # Errors
/// A usage failure for a range that is not there.
pub fn anchors(context: &Context, range: Option<&str>) -> Result<Vec<Anchored>, Failure> {
    let mut found = Vec::new();
    let commits = context
        .repository
        .commits_mentioning(TRAILER, range)
        .map_err(|error| match range {
            Some(_) => Failure::usage(error.to_string(), error.hint),
            None => git_failure(error),
        })?;
    for commit in commits {
        for value in commit.trailers(TRAILER) {
            let by = format!("commit {}", commit.oid.get(..10).unwrap_or(&commit.oid));
            if let Some((chain, anchor)) = Anchor::of_trailer(value, by) {
                found.push(Anchored {
                    commit: commit.clone(),
                    chain,
                    anchor,
                });
            }
        }
    }
    Ok(found)
}

/// Digests of RED evidence that the lock records of the checked-out commit name, by task.
///
/// # Errors
/// A failure when an object cannot be read.
pub fn of_lock_records(context: &Context) -> Result<BTreeMap<String, Digest>, Failure> {
    let Ok(head) = context.head_commit() else {
        return Ok(BTreeMap::new());
    };
    let listing = context.repository.listing(&head).map_err(git_failure)?;
    let mut found = BTreeMap::new();
    for (path, entry) in listing.iter().filter(|(path, _)| path.is_below(LOCKS)) {
        let bytes = context
            .repository
            .read_blob(&entry.oid)
            .map_err(git_failure)?;
        if let Ok(record) = serde_json::from_slice::<LockRecord>(&bytes) {
            found.insert(path.to_string(), record.red);
        }
    }
    Ok(found)
}

/// What private state knows of a chain beside git: its head, for a chain that lies in git.
#[must_use]
pub fn remembered(context: &Context, chain: &str) -> Option<Anchor> {
    let head = private_head(context, chain)?;
    Some(Anchor {
        by: "private state".to_owned(),
        seq: Some(head.seq),
        digest: head.digest,
    })
}

/// Whether git holds everything of a chain that private state has.
#[must_use]
pub fn is_mirrored(context: &Context, chain: &str) -> bool {
    let name = reference(chain);
    let in_git = context
        .repository
        .refs(&name)
        .ok()
        .and_then(|refs| head_in_git(context, refs.get(&name)?).ok().flatten());
    in_git == private_head(context, chain)
}
