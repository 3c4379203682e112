//! Locks as git alone holds them: what a clone on another machine knows (SPEC B4).
//!
//! The record lies in the tree, the complete manifest and the lock commit under `refs/redgreen/`. All three must agree by
//! digest with each other and with the trailer of the lock commit; what is not here is named, never assumed.

use super::context::{Context, git_failure};
use super::evidence_store::{self, FETCH};
use super::lock::{LOCKS, StoredLock, load_lock, manifest_reference, record_path};
use crate::error::Failure;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{Digest, TaskId};
use redgreen_core::lock::{LOCK_SCHEMA, LockRecord, Manifest};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;
use std::collections::{BTreeMap, BTreeSet};

const COMMITS: &str = "refs/redgreen/locks/";

fn rejected(what: String) -> Failure {
    Failure::new(
        ExitCode::Rejected,
        what,
        "what was locked is not what lies here; compare with the machine that locked it, or lock again",
    )
}

fn not_here(task: &TaskId, what: &str, name: &str) -> Failure {
    Failure::not_ready(
        format!(
            "the {what} of {task} is not here: it lies under `{name}`, which a clone does not fetch by itself"
        ),
        FETCH,
    )
}

/// Reads a record and says what is wrong with one that cannot be read.
fn read_record(task: &TaskId, bytes: &[u8]) -> Result<LockRecord, Failure> {
    let value: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| rejected(format!("the lock record of {task} cannot be read: {error}")))?;
    match value["schema"].as_str() {
        Some(LOCK_SCHEMA) => {}
        Some(other) if is_newer(other) => {
            return Err(Failure::new(
                ExitCode::CouldNotRun,
                format!(
                    "the lock record of {task} is `{other}`; this redgreen reads `{LOCK_SCHEMA}`"
                ),
                "install a newer redgreen",
            ));
        }
        Some(_) | None => {
            return Err(rejected(format!(
                "the lock record of {task} is no `{LOCK_SCHEMA}`"
            )));
        }
    }
    serde_json::from_value(value)
        .map_err(|error| rejected(format!("the lock record of {task} cannot be read: {error}")))
}

fn is_newer(schema: &str) -> bool {
    schema
        .strip_prefix("redgreen.lock/")
        .and_then(|number| number.parse::<u64>().ok())
        .is_some_and(|number| number > 1)
}

/// The records in the tree that is checked out, by task.
///
/// # Errors
/// A failure when an object cannot be read.
pub fn records(context: &Context) -> Result<BTreeMap<TaskId, Vec<u8>>, Failure> {
    let Ok(head) = context.head_commit() else {
        return Ok(BTreeMap::new());
    };
    let listing = context.repository.listing(&head).map_err(git_failure)?;
    let mut found = BTreeMap::new();
    for (path, entry) in listing.iter().filter(|(path, _)| path.is_below(LOCKS)) {
        let Some(task) = path
            .file_name()
            .strip_suffix(".json")
            .and_then(|name| TaskId::new(name).ok())
        else {
            continue;
        };
        let bytes = context
            .repository
            .read_blob(&entry.oid)
            .map_err(git_failure)?;
        found.insert(task, bytes);
    }
    Ok(found)
}

/// The name a task's lock has under `refs/redgreen/locks/`: that of its plan, else the only one there is.
fn key_of(refs: &BTreeMap<String, String>, key: &str, task: &TaskId) -> Option<String> {
    if refs.contains_key(&format!("{COMMITS}{key}/{task}")) {
        return Some(key.to_owned());
    }
    let suffix = format!("/{task}");
    let mut others = refs
        .keys()
        .filter_map(|name| name.strip_prefix(COMMITS)?.strip_suffix(&suffix));
    let only = others.next()?;
    others.next().is_none().then(|| only.to_owned())
}

/// The lock of a task: of private state where it was made here, else as git holds it. `None` where there is neither.
///
/// # Errors
/// A failure that names what is missing with the command that fetches it, or what does not agree.
pub fn find_lock(
    context: &Context,
    key: &str,
    task: &TaskId,
    chore_scope: &[String],
) -> Result<Option<StoredLock>, Failure> {
    if let Some(stored) = load_lock(context, key, task)? {
        return Ok(Some(stored));
    }
    let repository = &context.repository;
    let refs = repository.refs(COMMITS).map_err(git_failure)?;
    let Some(key) = key_of(&refs, key, task) else {
        return if records(context)?.contains_key(task) {
            Err(not_here(
                task,
                "lock commit",
                &format!("{COMMITS}{key}/{task}"),
            ))
        } else {
            Ok(None)
        };
    };
    let name = format!("{COMMITS}{key}/{task}");
    let Some(commit) = refs.get(&name) else {
        return Ok(None);
    };
    let commit = repository.commit(commit).map_err(git_failure)?;
    let listing = repository.listing(&commit.oid).map_err(git_failure)?;
    let Some(entry) = listing.get(&record_path(task)?) else {
        return Err(rejected(format!(
            "the lock commit of {task} holds no record of it"
        )));
    };
    let bytes = repository.read_blob(&entry.oid).map_err(git_failure)?;
    let digest = Digest::of(&bytes);
    let wanted = format!("{task} {digest}");
    if !commit.trailers("Redgreen-Lock").contains(&wanted.as_str()) {
        return Err(rejected(format!(
            "the lock record of {task} has the digest {digest}, and its commit names another one"
        )));
    }
    let record = read_record(task, &bytes)?;
    if record.task != *task {
        return Err(rejected(format!(
            "the lock record of {task} is one of {}",
            record.task
        )));
    }
    let manifest_name = manifest_reference(&key, task);
    let blobs = repository.refs(&manifest_name).map_err(git_failure)?;
    let Some(blob) = blobs.get(&manifest_name) else {
        return Err(not_here(
            task,
            "complete list of locked files",
            &manifest_name,
        ));
    };
    let bytes = repository.read_blob(blob).map_err(git_failure)?;
    if Digest::of(&bytes) != record.manifest {
        return Err(rejected(format!(
            "the list of locked files of {task} is not the one that its record names ({})",
            record.manifest
        )));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
        rejected(format!(
            "the list of locked files of {task} cannot be read: {error}"
        ))
    })?;
    let red = red_of(context, &key, &record.red)?;
    Ok(Some(StoredLock {
        record,
        digest,
        commit: commit.oid,
        manifest,
        environments: BTreeMap::new(),
        present: BTreeSet::new(),
        red,
        replaces_source: chore_scope.to_vec(),
    }))
}

/// Why each test was red, from the evidence of RED where it was fetched too.
fn red_of(
    context: &Context,
    key: &str,
    digest: &Digest,
) -> Result<BTreeMap<String, Option<CauseDetail>>, Failure> {
    let mut red = BTreeMap::new();
    for chain in evidence_store::in_git(context, Some(key))? {
        let examined =
            redgreen_formats::evidence::examine(&chain.name, &chain.records, chain.head, &[]);
        let record = examined
            .records
            .into_values()
            .find(|(known, _)| known == digest);
        let Some((_, record)) = record else { continue };
        for test in record.gate["tests"].as_array().into_iter().flatten() {
            let cause = serde_json::from_value::<Cause>(test["cause"].clone()).ok();
            let cause = cause.map(|cause| CauseDetail {
                cause,
                detail: test["detail"].as_str().unwrap_or_default().to_owned(),
                symbol: None,
            });
            red.insert(test["id"].as_str().unwrap_or_default().to_owned(), cause);
        }
    }
    Ok(red)
}

/// A lock that is only a record in the tree of this clone.
#[derive(Debug)]
pub struct Recorded {
    /// The record.
    pub record: LockRecord,
    /// Its digest.
    pub digest: Digest,
    /// What is not here, with the reason; `None` where the lock is complete.
    pub missing: Option<String>,
}

/// Records of the tree whose locks were made elsewhere.
///
/// # Errors
/// A failure when an object cannot be read, or a record is no record.
pub fn made_elsewhere(
    context: &Context,
    known: &BTreeSet<TaskId>,
) -> Result<Vec<Recorded>, Failure> {
    let mut found = Vec::new();
    for (task, bytes) in records(context)? {
        if known.contains(&task) {
            continue;
        }
        let record = read_record(&task, &bytes)?;
        let missing = match find_lock(context, "", &task, &[]) {
            Ok(Some(_)) => None,
            Ok(None) => Some("its lock commit is not here".to_owned()),
            Err(failure) => Some(failure.what),
        };
        found.push(Recorded {
            record,
            digest: Digest::of(&bytes),
            missing,
        });
    }
    Ok(found)
}
