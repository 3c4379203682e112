//! LOCK: writes the record, commits it with the tests, and reads it back (SPEC B4).

use super::context::{Context, Setting, git_failure};
use super::hidden::{HeldOut, shown};
use super::proposal::{bytes_of, text_of};
use super::red::RedOutcome;
use crate::error::Failure;
use redgreen_core::environment::Environment;
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::ExpectedTest;
use redgreen_core::id::{Digest, RelPath, TaskId};
use redgreen_core::lock::{LOCK_SCHEMA, LockRecord, LockedFile, Manifest};
use redgreen_core::outcome::{Outcome, Role};
use redgreen_core::run_report::CauseDetail;
use redgreen_core::tree::{Entry, Mode};
use redgreen_host::git::{Change, CommitRequest, Signing};
use redgreen_host::path_rules::PathClass;
use redgreen_host::tree::{Snapshot, content_digest};
use redgreen_lint::Language;
use redgreen_lint::splice::{splice, test_units};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A lock as private state holds it: the record, and what only the referee needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLock {
    /// The committed record.
    pub record: LockRecord,
    /// Digest of the record's bytes, named by the trailer.
    pub digest: Digest,
    /// The commit that carries it.
    pub commit: String,
    /// The complete manifest.
    pub manifest: Manifest,
    /// The environments RED ran in, by runner name.
    pub environments: BTreeMap<String, Environment>,
    /// Untracked files in harmless places that lay there before, by path and content: not the implementer's.
    #[serde(default)]
    pub present: BTreeSet<String>,
    /// Why each required test was red, by case or item id.
    pub red: BTreeMap<String, Option<CauseDetail>>,
    /// What is held out of what the implementer sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HeldOut>,
    /// A chore's `scope`: globs that replace the source globs (SPEC A5). Empty for every other mode.
    #[serde(default)]
    pub replaces_source: Vec<String>,
}

/// Where a lock is committed.
#[derive(Debug)]
pub struct LockTarget<'a> {
    /// The parent commit.
    pub parent: &'a str,
    /// The full name of the reference to move (`refs/heads/main`), or `HEAD` when detached.
    pub reference: &'a str,
    /// What the reference holds now; `None` when it does not exist.
    pub expected: Option<&'a str>,
    /// Whether the user's index is brought up to date for the locked paths.
    pub update_index: bool,
    /// Digest of the approved plan.
    pub plan: Option<Digest>,
    /// The lock this one replaces, with the reason.
    pub supersedes: Option<(Digest, String)>,
    /// Digest of the RED evidence.
    pub red: Digest,
    /// See [`StoredLock::replaces_source`].
    pub replaces_source: Vec<String>,
}

/// The folder of lock records in the tree.
pub const LOCKS: &str = ".redgreen/locks";

/// The path of a task's record in the tree.
///
/// # Errors
/// Never for a checked task id.
pub fn record_path(task: &TaskId) -> Result<RelPath, Failure> {
    RelPath::new(format!("{LOCKS}/{task}.json")).map_err(Failure::internal)
}

/// Bytes of a record as they are committed and digested.
///
/// # Errors
/// A failure of serialisation, which does not happen for these types.
pub fn record_bytes(record: &LockRecord) -> Result<Vec<u8>, Failure> {
    // One name per line for reviews, with a single blank of indentation to keep the record small.
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    record
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut bytes, formatter,
        ))
        .map_err(Failure::internal)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The reference that keeps a task's complete manifest in git (SPEC B4).
#[must_use]
pub fn manifest_reference(key: &str, task: &TaskId) -> String {
    format!("refs/redgreen/manifests/{key}/{task}")
}

/// Keeps the complete manifest and the lock commit in git beside private state: a clone that fetches `refs/redgreen/`
/// has them too, and a rebase of the user's branch does not take the locked bytes away.
fn keep_in_git(
    context: &Context,
    key: &str,
    task: &TaskId,
    manifest: &[u8],
    commit: &str,
) -> Result<(), Failure> {
    let blob = context
        .repository
        .write_blob(manifest)
        .map_err(git_failure)?;
    name_in_git(context, key, task, blob, commit)
}

fn name_in_git(
    context: &Context,
    key: &str,
    task: &TaskId,
    manifest: String,
    commit: &str,
) -> Result<(), Failure> {
    let names = [
        (manifest_reference(key, task), manifest),
        (
            format!("refs/redgreen/locks/{key}/{task}"),
            commit.to_owned(),
        ),
    ];
    context.repository.point_refs(&names).map_err(git_failure)
}

/// Does what a process that was killed after it had stored a lock could not do any more.
///
/// # Errors
/// A failure when git refuses.
pub fn finish_lock(context: &Context, key: &str, stored: &StoredLock) -> Result<(), Failure> {
    let manifest = serde_json::to_vec(&stored.manifest).map_err(Failure::internal)?;
    keep_in_git(context, key, &stored.record.task, &manifest, &stored.commit)
}

/// Commits the tests of a passed RED with their record and keeps the lock in private state under `key`.
///
/// # Errors
/// A failure when git refuses, the reference moved meanwhile, or nothing can be written.
pub fn create_lock(
    context: &Context,
    key: &str,
    task: &TaskId,
    base_commit: &str,
    red: &RedOutcome,
    plan_files: &[RelPath],
    target: &LockTarget<'_>,
) -> Result<StoredLock, Failure> {
    let setting = Setting::of_tree(context, &red.base)?;
    let mut tests = expected_tests(red);
    // By hand, one person writes tests and code: there is nobody to hold anything back from.
    let hidden = if target.update_index {
        None
    } else {
        held_out(context, key, task, red, &tests)?
    };
    let (tree, map) = match &hidden {
        Some(held) => {
            let paths = held.paths();
            tests.retain(|test| !paths.contains(&test.item.path));
            (held.without(red.proposal.tree.clone()), shown(&red.map))
        }
        None => (red.proposal.tree.clone(), red.map.clone()),
    };
    let manifest = manifest(context, &setting, &tree, plan_files)?;
    let manifest_bytes = serde_json::to_vec(&manifest).map_err(Failure::internal)?;
    let record = LockRecord {
        schema: LOCK_SCHEMA.to_owned(),
        task: task.clone(),
        supersedes: target.supersedes.as_ref().map(|(digest, _)| *digest),
        reason: target
            .supersedes
            .as_ref()
            .map(|(_, reason)| redgreen_host::secrets::hidden(reason).into_owned()),
        base_commit: base_commit.to_owned(),
        base_tree: content_digest(&red.base, plan_files).to_string(),
        locked_tree: content_digest(&tree, plan_files).to_string(),
        tests,
        criteria: map.clone(),
        hidden: hidden.as_ref().map(HeldOut::digest),
        manifest: Digest::of(&manifest_bytes),
        environment: red.environments.digest(),
        plan: target.plan,
        red: target.red,
    };
    let bytes = record_bytes(&record)?;
    let digest = Digest::of(&bytes);
    let (mut changes, blobs) = changed_entries(context, &setting, &tree, target.parent)?;
    let mut beside = vec![(record_path(task)?, bytes.clone())];
    if !map.is_empty()
        && let Some(path) = super::proposal::criteria_path(task)
    {
        let mut map = serde_json::to_vec_pretty(&map).map_err(Failure::internal)?;
        map.push(b'\n');
        beside.push((path, map));
    }
    for (path, bytes) in &beside {
        changes.push((path.clone(), Some(entry_of(context, bytes))));
    }
    let all: Vec<&[u8]> = blobs
        .iter()
        .map(AsRef::as_ref)
        .chain(beside.iter().map(|(_, bytes)| bytes.as_slice()))
        .chain([manifest_bytes.as_slice()])
        .collect();
    context.repository.write_blobs(&all).map_err(git_failure)?;
    let tree = context
        .repository
        .write_tree(Some(target.parent), &changes)
        .map_err(git_failure)?;
    let mut message = format!(
        "test-lock: {task} tests ready for implementation\n\n{} tests locked.\n\nRedgreen-Lock: {task} {digest}\n",
        record.tests.len()
    );
    if let Some(head) = super::evidence::trailer(context, key)? {
        message.push_str(&format!("Redgreen-Evidence: {head}\n"));
    }
    let identity = context.repository.identity().map_err(git_failure)?;
    let commit = context
        .repository
        .commit_tree(&CommitRequest {
            tree: &tree,
            parents: &[target.parent.to_owned()],
            message: &message,
            identity: &identity,
            sign_off: setting.config.file.git.sign_off
                || context.repository.wants_sign_off().map_err(git_failure)?,
            signing: Signing::AsConfigured,
        })
        .map_err(git_failure)?;
    context
        .repository
        .update_ref(target.reference, &commit, target.expected)
        .map_err(git_failure)?;
    if target.update_index {
        context
            .repository
            .update_index_paths(&changes)
            .map_err(git_failure)?;
        for (path, bytes) in &beside {
            let file = context.repository.top_level().join(path.as_str());
            redgreen_host::state::write_atomically(&file, bytes).map_err(Failure::internal)?;
        }
    }
    let stored = StoredLock {
        record,
        digest,
        commit,
        manifest,
        environments: red.environments.by_runner.clone(),
        present: if target.update_index {
            red.proposal.present.clone()
        } else {
            BTreeSet::new()
        },
        red: red
            .result
            .tests()
            .iter()
            .map(|test| (test.id.clone(), test.cause.clone().map(without_secrets)))
            .collect(),
        hidden,
        replaces_source: target.replaces_source.clone(),
    };
    store(context, key, task, &stored)?;
    let blob = context.repository.blob_id(&manifest_bytes);
    name_in_git(context, key, task, blob, &stored.commit)?;
    Ok(stored)
}

fn without_secrets(mut cause: CauseDetail) -> CauseDetail {
    cause.detail = redgreen_host::secrets::hidden(&cause.detail).into_owned();
    cause
}

/// The base an amended lock is proven on: the original one, with the tests and configuration that were committed since
/// the lock by others. Source stays the original's, because what is there now may be the implementation.
///
/// # Errors
/// A failure when git refuses.
pub fn amended_base(
    context: &Context,
    key: &str,
    old: &StoredLock,
    plan_files: &[RelPath],
    head: &str,
) -> Result<String, Failure> {
    let original = &old.record.base_commit;
    let listing = |commit: &str| context.repository.listing(commit).map_err(git_failure);
    let base = Snapshot::of_commit(&context.repository, original).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &base)?;
    let (locked, now) = (listing(&old.commit)?, listing(head)?);
    let own: BTreeSet<RelPath> = redgreen_core::tree::changes(&base.listing(), &locked)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let merged: Vec<(RelPath, Option<Entry>)> = redgreen_core::tree::changes(&locked, &now)
        .into_iter()
        .filter(|(path, _)| {
            !own.contains(path)
                && redgreen_core::tree::is_content(path, plan_files)
                && setting.rules.class(path) != PathClass::Source
        })
        .map(|(path, _)| (path.clone(), now.get(&path).cloned()))
        .collect();
    if merged.is_empty() {
        return Ok(original.clone());
    }
    let tree = context
        .repository
        .write_tree(Some(original), &merged)
        .map_err(git_failure)?;
    let identity = context.repository.identity().map_err(git_failure)?;
    let task = &old.record.task;
    let commit = context
        .repository
        .commit_tree(&CommitRequest {
            tree: &tree,
            parents: &[original.clone(), head.to_owned()],
            message: &format!("redgreen: the base of {task} with tests and configuration committed since its lock\n"),
            identity: &identity,
            sign_off: false,
            signing: Signing::Never,
        })
        .map_err(git_failure)?;
    let name = format!("refs/redgreen/bases/{key}/{task}");
    context
        .repository
        .point_refs(&[(name, commit.clone())])
        .map_err(git_failure)?;
    Ok(commit)
}

/// What the author holds out; what an earlier lock of the task held out stays so, unless the author says anew.
fn held_out(
    context: &Context,
    key: &str,
    task: &TaskId,
    red: &RedOutcome,
    tests: &[ExpectedTest],
) -> Result<Option<HeldOut>, Failure> {
    match HeldOut::of(context, red, tests)? {
        Some(held) => Ok(Some(held)),
        None => Ok(load_lock(context, key, task)?.and_then(|old| old.hidden)),
    }
}

/// The entry of a file with these bytes, which are still to be stored.
fn entry_of(context: &Context, bytes: &[u8]) -> Entry {
    Entry {
        mode: Mode::File,
        oid: context.repository.blob_id(bytes),
    }
}

/// Changes of a tree, and the bytes that they name and that are still to be stored.
type Unstored = (Vec<Change>, Vec<Arc<[u8]>>);

/// What turns the parent's tree into one that holds the proposed tests: whole test files, and the test items of mixed
/// files, with the bytes that are still to be stored. Source that was committed since the base stays as it is.
fn changed_entries(
    context: &Context,
    setting: &Setting,
    proposed_tree: &Snapshot,
    parent: &str,
) -> Result<Unstored, Failure> {
    let parent = Snapshot::of_commit(&context.repository, parent).map_err(Failure::internal)?;
    let listing = proposed_tree.listing();
    let mut changes = Vec::new();
    let mut blobs: Vec<Arc<[u8]>> = Vec::new();
    for (path, _) in redgreen_core::tree::changes(&parent.listing(), &listing) {
        match setting.rules.class(&path) {
            PathClass::Test => {
                if let Some(bytes) = bytes_of(proposed_tree, &context.repository, &path)? {
                    blobs.push(bytes);
                }
                changes.push((path.clone(), listing.get(&path).cloned()));
            }
            PathClass::Source if Language::of(&path) == Some(Language::Rust) => {
                let (Some(here), Some(proposed)) = (
                    text_of(&parent, &context.repository, &path)?.or_else(|| Some(String::new())),
                    text_of(proposed_tree, &context.repository, &path)?,
                ) else {
                    continue;
                };
                let spliced = splice(&here, &proposed).map_err(Failure::internal)?;
                if spliced != here {
                    let mode = listing.get(&path).map_or(Mode::File, |entry| entry.mode);
                    let oid = context.repository.blob_id(spliced.as_bytes());
                    blobs.push(spliced.into_bytes().into());
                    changes.push((path.clone(), Some(Entry { mode, oid })));
                }
            }
            PathClass::Source | PathClass::RunnerConfig | PathClass::Inert | PathClass::Locked => {}
        }
    }
    Ok((changes, blobs))
}

/// The items that are locked, with the cases collected at RED.
fn expected_tests(red: &RedOutcome) -> Vec<ExpectedTest> {
    let mut by_item: BTreeMap<_, (Role, BTreeSet<String>)> = BTreeMap::new();
    for test in red.result.tests() {
        if test.role == Role::Collateral && test.outcome != Outcome::Blocked {
            continue;
        }
        let item = test.item.to_string();
        let entry = by_item
            .entry(test.item.clone())
            .or_insert((test.role, BTreeSet::new()));
        if let Some(suffix) = test.id.strip_prefix(&item)
            && test.id != item
        {
            if test.outcome == Outcome::Blocked || collected(red, &test.id) {
                entry.1.insert(suffix.to_owned());
            }
        } else if test.outcome != Outcome::Blocked
            && test.file.is_some()
            && collected(red, &test.id)
        {
            entry.1.insert(String::new());
        }
    }
    by_item
        .into_iter()
        .map(|(item, (role, cases))| ExpectedTest { item, role, cases })
        .collect()
}

/// Whether a case was collected in both runs of the new tests.
fn collected(red: &RedOutcome, id: &str) -> bool {
    ["red-1", "red-2"].into_iter().all(|wanted| {
        red.runs.iter().any(|(label, run)| {
            label == wanted && run.cases.iter().any(|case| case.id.to_string() == id)
        })
    })
}

/// Every file of the proposal that the implementer may not change.
fn manifest(
    context: &Context,
    setting: &Setting,
    tree: &Snapshot,
    plan_files: &[RelPath],
) -> Result<Manifest, Failure> {
    let mut files = BTreeMap::new();
    let mut mixed = BTreeMap::new();
    let listing = tree.listing();
    let locked: Vec<RelPath> = listing
        .keys()
        .filter(|path| redgreen_core::tree::is_content(path, plan_files))
        .filter(|path| {
            !matches!(
                setting.rules.class(path),
                PathClass::Source | PathClass::Inert
            )
        })
        .cloned()
        .collect();
    for (path, bytes) in tree
        .bytes_of(&context.repository, &locked)
        .map_err(Failure::internal)?
    {
        if let Some(entry) = listing.get(&path) {
            files.insert(
                path,
                LockedFile {
                    mode: entry.mode,
                    oid: entry.oid.clone(),
                    sha256: Digest::of(&bytes),
                },
            );
        }
    }
    let source: Vec<RelPath> = listing
        .keys()
        .filter(|path| {
            Language::of(path) == Some(Language::Rust)
                && setting.rules.class(path) == PathClass::Source
        })
        .cloned()
        .collect();
    for (path, bytes) in tree
        .bytes_of(&context.repository, &source)
        .map_err(Failure::internal)?
    {
        if let Some(digest) = units_digest(&bytes) {
            mixed.insert(path, digest);
        }
    }
    let runners = setting
        .config
        .runners
        .iter()
        .map(|runner| {
            let name = runner
                .name
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let mut command = runner.command.clone().unwrap_or_default();
            command.extend(runner.arguments.iter().cloned());
            (name, command)
        })
        .collect();
    Ok(Manifest {
        files,
        mixed,
        source: setting.config.source.clone(),
        tests: setting.config.tests.clone(),
        inert: setting.config.inert.clone(),
        runners,
    })
}

/// Digest of the test items inside a source file; `None` where it has none.
fn units_digest(bytes: &[u8]) -> Option<Digest> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.contains("test") {
        return None;
    }
    let units = test_units(text).ok()?;
    if units.is_empty() {
        return None;
    }
    let joined: String = units
        .iter()
        .map(|unit| format!("{}\0{}\0", unit.key, unit.text))
        .collect();
    Some(Digest::of(joined.as_bytes()))
}

fn stored_path(context: &Context, key: &str, task: &TaskId) -> std::path::PathBuf {
    context
        .state
        .manifests()
        .join(key)
        .join(format!("{task}.json"))
}

fn store(context: &Context, key: &str, task: &TaskId, stored: &StoredLock) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(stored).map_err(Failure::internal)?;
    let path = stored_path(context, key, task);
    if let Ok(old) = std::fs::read(&path)
        && let Ok(previous) = serde_json::from_slice::<StoredLock>(unsealed_or_whole(&old))
    {
        // Both locks are kept: the old one under its digest.
        let kept = path.with_file_name(format!("{task}.{}.json", previous.digest.short()));
        redgreen_host::state::write_atomically(&kept, &old).map_err(Failure::internal)?;
    }
    redgreen_host::state::write_sealed(&path, &bytes).map_err(Failure::internal)
}

/// The content of a stored lock. Locks of older versions have no seal; a damaged seal makes the whole no JSON.
fn unsealed_or_whole(bytes: &[u8]) -> &[u8] {
    redgreen_host::state::unsealed(bytes).unwrap_or(bytes)
}

/// Reads a lock back; `None` where the task has none.
///
/// # Errors
/// A rejected failure when the record and private state do not agree.
pub fn load_lock(
    context: &Context,
    key: &str,
    task: &TaskId,
) -> Result<Option<StoredLock>, Failure> {
    let path = stored_path(context, key, task);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::internal(format!(
                "failed to read `{}`: {error}",
                path.display()
            )));
        }
    };
    let stored: StoredLock =
        serde_json::from_slice(unsealed_or_whole(&bytes)).map_err(|error| {
            Failure::new(
                ExitCode::Rejected,
                format!("the stored lock of {task} cannot be read: {error}"),
                format!("lock again: redgreen reset {task}, redgreen lock {task}"),
            )
        })?;
    let manifest = serde_json::to_vec(&stored.manifest).map_err(Failure::internal)?;
    if Digest::of(&record_bytes(&stored.record)?) != stored.digest
        || Digest::of(&manifest) != stored.record.manifest
    {
        return Err(Failure::new(
            ExitCode::Rejected,
            format!("the stored lock of {task} does not match its digest"),
            format!("lock again: redgreen reset {task}, redgreen lock {task}"),
        ));
    }
    let manifest = serde_json::to_vec(&stored.manifest).map_err(Failure::internal)?;
    if Digest::of(&manifest) != stored.record.manifest {
        return Err(Failure::new(
            ExitCode::Rejected,
            format!("the stored list of locked files of {task} does not match its digest"),
            format!("lock again: redgreen reset {task}, redgreen lock {task}"),
        ));
    }
    Ok(Some(stored))
}

/// Forgets a lock: the file is kept under its digest.
///
/// # Errors
/// A failure when the file cannot be moved.
pub fn forget_lock(context: &Context, key: &str, task: &TaskId) -> Result<bool, Failure> {
    let path = stored_path(context, key, task);
    let Some(stored) = load_lock(context, key, task)? else {
        return Ok(false);
    };
    let kept = path.with_file_name(format!("{task}.{}.json", stored.digest.short()));
    std::fs::rename(&path, kept).map_err(Failure::internal)?;
    Ok(true)
}

/// Every stored lock: key, task, lock.
///
/// # Errors
/// A failure when a stored lock cannot be read.
pub fn all_locks(context: &Context) -> Result<Vec<(String, StoredLock)>, Failure> {
    let mut found = Vec::new();
    let Ok(keys) = std::fs::read_dir(context.state.manifests()) else {
        return Ok(found);
    };
    for key in keys.flatten() {
        let name = key.file_name().to_string_lossy().into_owned();
        let Ok(files) = std::fs::read_dir(key.path()) else {
            continue;
        };
        for file in files.flatten() {
            let file_name = file.file_name().to_string_lossy().into_owned();
            let Some(task) = file_name
                .strip_suffix(".json")
                .and_then(|stem| TaskId::new(stem).ok())
            else {
                continue;
            };
            if let Ok(Some(stored)) = load_lock(context, &name, &task)
                && stored.record.task == task
            {
                found.push((name.clone(), stored));
            }
        }
    }
    found.sort_by(|a, b| (&a.0, &a.1.record.task).cmp(&(&b.0, &b.1.record.task)));
    Ok(found)
}

/// The locked tree.
///
/// # Errors
/// A failure when the lock commit cannot be read.
pub fn locked_tree(context: &Context, stored: &StoredLock) -> Result<Snapshot, Failure> {
    Snapshot::of_commit(&context.repository, &stored.commit).map_err(|error| {
        Failure::new(
            ExitCode::Rejected,
            format!(
                "the lock commit {} cannot be read: {error}",
                &stored.commit[..12.min(stored.commit.len())]
            ),
            "fetch it again, or lock again",
        )
    })
}
