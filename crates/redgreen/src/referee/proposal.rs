//! What an author proposes: the base with the tests of a candidate folder, and nothing else of it (SPEC G6, A6).

use super::items::{ItemRules, Items};
use super::scope;
use crate::error::Failure;
use redgreen_core::gate::{Change, ChangeClass};
use redgreen_core::id::{RelPath, TaskId};
use redgreen_core::outcome::Cause;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::CauseDetail;
use redgreen_core::test_item::CriteriaMap;
use redgreen_core::tree::{self, ChangeKind};
use redgreen_host::foreign;
use redgreen_host::git::Repository;
use redgreen_host::path_rules::{PathClass, PathRules};
use redgreen_host::tree::Snapshot;
use redgreen_host::walk::Candidate;
use redgreen_lint::Language;
use redgreen_lint::definitions::{DefinitionKind, definitions};
use redgreen_lint::splice::{splice, test_units};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The base with the proposed tests.
#[derive(Debug)]
pub struct Proposal {
    /// The tree to prove red.
    pub tree: Snapshot,
    /// Items of the affected files on the base.
    pub base_items: Items,
    /// Items of the affected files with the new tests.
    pub items: Items,
    /// Paths whose test content differs from the base.
    pub changed: Vec<(RelPath, ChangeKind)>,
    /// Item files that must run: changed ones, and those beside a changed helper or data file.
    pub affected: BTreeSet<RelPath>,
    /// New files that nothing on the base reaches.
    pub unreachable: BTreeMap<RelPath, CauseDetail>,
    /// Changes outside tests and source: they could change a verdict, or are out of scope.
    pub outside: Vec<Change>,
    /// What of it was there in harmless places, with the identity of its content.
    pub present: BTreeSet<String>,
    /// Source that was changed and is not used here.
    pub source_changed: Vec<RelPath>,
    /// The author's criteria map.
    pub map: CriteriaMap,
    /// What is wrong without running.
    pub findings: Vec<Reason>,
}

impl Proposal {
    /// By hand, an uncommitted change to a file that can change a verdict stops RED before anything is run: which
    /// version is meant is for the person to say (SPEC G6).
    ///
    /// # Errors
    /// The failure (exit 15) naming the files.
    pub fn no_dirty_verdict_files(&self) -> Result<(), Failure> {
        let dirty: Vec<&Change> = self
            .outside
            .iter()
            .filter(|change| change.class == ChangeClass::Rejected)
            .collect();
        if dirty.is_empty() {
            return Ok(());
        }
        if let Some(odd) = dirty
            .iter()
            .find(|change| change.code == ReasonCode::ForbiddenFile)
        {
            let mut failure = Failure::not_ready(
                odd.message.clone(),
                "give it an ordinary name or put a regular file in its place; what belongs to the project is committed first, what is yours alone stands in a committed `.gitignore`",
            );
            failure.code = Some(ReasonCode::ForbiddenFile);
            return Err(failure);
        }
        let names = |count: usize, between: &str, new: bool| {
            dirty
                .iter()
                .filter(|change| new || change.kind != ChangeKind::Added)
                .take(count)
                .map(|change| change.path.to_string())
                .collect::<Vec<_>>()
                .join(between)
        };
        let all = names(4, " ", true);
        let old = names(4, " ", false);
        let back = if old.is_empty() {
            String::new()
        } else {
            format!("; or put them back: git restore --staged --worktree {old}")
        };
        let mut failure = Failure::not_ready(
            format!(
                "uncommitted changes outside tests and source could change the result: {}",
                names(8, ", ", true)
            ),
            format!(
                "commit them first: git add {all} && git commit -m 'before the tests'{back}; what belongs to the tests stands in `[paths] tests`, what changes no result in `[paths] ignore`, what is yours alone in a committed `.gitignore`"
            ),
        );
        failure.code = Some(ReasonCode::DirtyVerdictFile);
        Err(failure)
    }
}

/// Reads text of a tree, for files that are text.
pub fn text_of(
    snapshot: &Snapshot,
    repository: &Repository,
    path: &RelPath,
) -> Result<Option<String>, Failure> {
    Ok(bytes_of(snapshot, repository, path)?
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()))
}

/// Reads bytes of a tree; `None` where it has no such path.
pub fn bytes_of(
    snapshot: &Snapshot,
    repository: &Repository,
    path: &RelPath,
) -> Result<Option<Arc<[u8]>>, Failure> {
    if snapshot.get(path).is_none() {
        return Ok(None);
    }
    snapshot
        .bytes(repository, path)
        .map(Some)
        .map_err(Failure::internal)
}

/// Makes a path below a folder that an agent or a person wrote to be as it is in a tree: there with these bytes, or not
/// there. No link on the way is followed.
///
/// # Errors
/// An internal failure naming the path.
pub fn put_as_in(
    snapshot: &Snapshot,
    repository: &Repository,
    path: &RelPath,
    folder: &Path,
) -> Result<(), Failure> {
    let done = match (snapshot.get(path), bytes_of(snapshot, repository, path)?) {
        (Some(file), Some(bytes)) => foreign::put(folder, path, file.mode, &bytes),
        _ => foreign::take_away(folder, path),
    };
    done.map_err(|why| {
        Failure::internal(format!(
            "failed to put `{path}` back in `{}`: {why}",
            folder.display()
        ))
    })
}

/// Where a task's criteria map lies in the tree.
#[must_use]
pub fn criteria_path(task: &TaskId) -> Option<RelPath> {
    RelPath::new(format!(".redgreen/criteria/{task}.json")).ok()
}

/// Builds the proposal from a candidate folder that was read once.
///
/// # Errors
/// A failure when an object of the base cannot be read or the criteria map is no JSON of the documented form.
pub fn propose(
    repository: &Repository,
    base: &Snapshot,
    candidate: &Candidate,
    rules: &PathRules,
    item_rules: &ItemRules<'_>,
    plan_files: &[RelPath],
    task: Option<&TaskId>,
) -> Result<Proposal, Failure> {
    let mut proposal = Proposal {
        tree: base.clone(),
        base_items: Items::default(),
        items: Items::default(),
        changed: Vec::new(),
        affected: BTreeSet::new(),
        unreachable: BTreeMap::new(),
        outside: Vec::new(),
        present: BTreeSet::new(),
        source_changed: Vec::new(),
        map: CriteriaMap::new(),
        findings: Vec::new(),
    };
    let map_path = task.and_then(criteria_path);
    for irregular in &candidate.irregular {
        proposal.outside.push(scope::irregular(rules, irregular));
    }
    for (path, kind) in tree::changes(&base.listing(), &candidate.snapshot.listing()) {
        if plan_files.contains(&path) {
            continue;
        }
        if Some(&path) == map_path.as_ref() {
            if let Some(text) = text_of(&candidate.snapshot, repository, &path)? {
                read_map(&mut proposal, &path, &text);
                copy(&mut proposal.tree, &candidate.snapshot, &path);
            }
            continue;
        }
        if path.is_below(".redgreen/criteria") || path.is_below(".redgreen/locks") {
            continue;
        }
        match rules.class(&path) {
            PathClass::Inert => {}
            PathClass::Source => mixed(repository, base, candidate, &path, kind, &mut proposal)?,
            // What running the tests leaves behind in a project that does not ignore it is no test.
            PathClass::Test if kind == ChangeKind::Added && scope::is_product(&path) => {}
            PathClass::Test => {
                match kind {
                    ChangeKind::Deleted => {
                        proposal.tree = std::mem::take(&mut proposal.tree).without(&path)
                    }
                    ChangeKind::Added | ChangeKind::Modified => {
                        copy(&mut proposal.tree, &candidate.snapshot, &path);
                    }
                }
                proposal.changed.push((path, kind));
            }
            PathClass::RunnerConfig | PathClass::Locked => {
                let old = bytes_of(base, repository, &path)?;
                let new = bytes_of(&candidate.snapshot, repository, &path)?;
                proposal.outside.push(scope::change(
                    rules,
                    &path,
                    kind,
                    old.as_deref(),
                    new.as_deref(),
                ));
            }
        }
    }
    proposal.present = proposal
        .outside
        .iter()
        .filter(|change| change.class == ChangeClass::OutOfScope)
        .map(|change| super::green::presence(change, &candidate.snapshot))
        .collect();
    if let Some(path) = &map_path
        && proposal.map.is_empty()
        && let Some(text) = text_of(&proposal.tree, repository, path)?
    {
        read_map(&mut proposal, path, &text);
    }
    affected(&mut proposal, base, item_rules);
    for path in proposal.affected.clone() {
        if let Some(text) = text_of(base, repository, &path)? {
            item_rules.of_file(&path, &text, &mut proposal.base_items);
        }
        if let Some(text) = text_of(&proposal.tree, repository, &path)? {
            item_rules.of_file(&path, &text, &mut proposal.items);
            if text.contains("REDGREEN_PLACEHOLDER") {
                proposal.findings.push(
                    Reason::new(
                        ReasonCode::Placeholder,
                        "a placeholder of the skeleton is still there",
                        "replace it with a real expectation",
                    )
                    .at(path.clone()),
                );
            }
        }
    }
    proposal
        .findings
        .append(&mut proposal.items.findings.clone());
    // A duplicate name that was there before the task is not the author's.
    let known: BTreeSet<Option<String>> = proposal
        .base_items
        .findings
        .iter()
        .map(|finding| finding.test.clone())
        .collect();
    let before = std::mem::take(&mut proposal.base_items.findings);
    proposal.findings.retain(|finding| {
        (finding.code != ReasonCode::DuplicateTest || !known.contains(&finding.test))
            && (finding.code != ReasonCode::TestNotCollected || !before.contains(finding))
    });
    unreachable(repository, base, &mut proposal)?;
    Ok(proposal)
}

/// Takes one file of another tree.
pub fn copy(tree: &mut Snapshot, from: &Snapshot, path: &RelPath) {
    if let Some(file) = from.get(path) {
        *tree = std::mem::take(tree).with_file(path.clone(), file.clone());
    }
}

/// A source file whose test items changed: the base's code with the candidate's test items.
fn mixed(
    repository: &Repository,
    base: &Snapshot,
    candidate: &Candidate,
    path: &RelPath,
    kind: ChangeKind,
    proposal: &mut Proposal,
) -> Result<(), Failure> {
    proposal.source_changed.push(path.clone());
    if Language::of(path) != Some(Language::Rust) || kind == ChangeKind::Deleted {
        return Ok(());
    }
    let old = text_of(base, repository, path)?.unwrap_or_default();
    let Some(new) = text_of(&candidate.snapshot, repository, path)? else {
        return Ok(());
    };
    let none = |text: &str| test_units(text).is_ok_and(|units| units.is_empty());
    if none(&old) && none(&new) {
        return Ok(());
    }
    match splice(&old, &new) {
        Ok(spliced) if spliced == old => {}
        Ok(spliced) => {
            proposal.tree = std::mem::take(&mut proposal.tree).with(
                repository,
                path.clone(),
                spliced.into_bytes(),
            );
            proposal.changed.push((path.clone(), kind));
        }
        Err(error) => proposal.findings.push(
            Reason::new(
                ReasonCode::BrokenTest,
                format!("the test items of `{path}` cannot be told from its code: {error}"),
                "make the file parse, or move the tests to a file of their own",
            )
            .at(path.clone()),
        ),
    }
    Ok(())
}

/// Reads the author's criteria map. One that cannot be read is the author's to correct, as a test would be.
fn read_map(proposal: &mut Proposal, path: &RelPath, text: &str) {
    match serde_json::from_str(text) {
        Ok(map) => proposal.map = map,
        Err(error) => {
            let reason = Reason::new(
                ReasonCode::CriteriaMapInvalid,
                format!("the criteria map cannot be read: {error}"),
                "write {\"AC-1\": [{\"test\": \"path::item\"}]}",
            )
            .at(path.clone())
            .line(u32::try_from(error.line()).unwrap_or(0));
            // The same file can be looked at twice: as a change, and as part of the tree.
            if !proposal.findings.contains(&reason) {
                proposal.findings.push(reason);
            }
        }
    }
}

/// A changed helper or data file affects the item files of its folder and below; without any there, those of the folder
/// above, up to the top level.
fn affected(proposal: &mut Proposal, base: &Snapshot, item_rules: &ItemRules<'_>) {
    let mut files: BTreeSet<RelPath> = proposal
        .tree
        .files()
        .keys()
        .filter(|path| item_rules.can_hold(path))
        .cloned()
        .collect();
    files.extend(
        base.files()
            .keys()
            .filter(|path| item_rules.can_hold(path))
            .cloned(),
    );
    for (path, _) in &proposal.changed {
        let own = files.contains(path)
            && !(Language::of(path) == Some(Language::Rust) && is_helper(path));
        if own {
            proposal.affected.insert(path.clone());
            continue;
        }
        let mut folder = path.parent();
        loop {
            let root = folder.as_ref().map_or("", RelPath::as_str);
            let near: Vec<RelPath> = files
                .iter()
                .filter(|file| {
                    file.is_below(root)
                        && same_language_or_data(path, file)
                        && !file.as_str().contains("/src/")
                        && !file.is_below("src")
                })
                .cloned()
                .collect();
            if !near.is_empty() || root.is_empty() {
                proposal.affected.extend(near);
                break;
            }
            folder = folder.and_then(|folder| folder.parent());
        }
    }
}

/// `tests/common/mod.rs` and everything else below a subfolder of `tests/` is no test target of its own.
fn is_helper(path: &RelPath) -> bool {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    parts
        .iter()
        .position(|part| *part == "tests")
        .is_some_and(|at| {
            !parts[..at].contains(&"src")
                && parts.len() > at + 2
                && parts.last() != Some(&"main.rs")
        })
}

fn same_language_or_data(changed: &RelPath, file: &RelPath) -> bool {
    Language::of(changed).is_none_or(|language| Language::of(file) == Some(language))
}

/// A new Rust source file whose `mod` line is part of the implementation cannot be compiled on the base.
fn unreachable(
    repository: &Repository,
    base: &Snapshot,
    proposal: &mut Proposal,
) -> Result<(), Failure> {
    for (path, kind) in &proposal.changed {
        if *kind != ChangeKind::Added
            || Language::of(path) != Some(Language::Rust)
            || !is_module_file(path)
        {
            continue;
        }
        let stem = match path.file_name() {
            "lib.rs" | "main.rs" => continue,
            "mod.rs" => path.parent().map(|folder| folder.file_name().to_owned()),
            name => name.strip_suffix(".rs").map(str::to_owned),
        };
        let Some(stem) = stem else { continue };
        let mut declared = false;
        let folder = path.parent().and_then(|folder| {
            if path.file_name() == "mod.rs" {
                folder.parent()
            } else {
                Some(folder)
            }
        });
        let near = |file: &RelPath| {
            Language::of(file) == Some(Language::Rust)
                && (file.parent() == folder
                    || folder
                        .as_ref()
                        .is_some_and(|folder| file.as_str() == format!("{folder}.rs")))
        };
        for file in base
            .files()
            .keys()
            .filter(|file| near(file))
            .cloned()
            .collect::<Vec<_>>()
        {
            if let Some(text) = text_of(&proposal.tree, repository, &file)? {
                declared |= definitions(Language::Rust, &text)
                    .unwrap_or_default()
                    .iter()
                    .any(|definition| {
                        definition.kind == DefinitionKind::Module && definition.name == stem
                    });
            }
        }
        if !declared {
            let cause = CauseDetail {
                cause: Cause::MissingSymbol,
                detail: format!("module `{stem}` does not exist yet"),
                symbol: Some(stem),
            };
            proposal.unreachable.insert(path.clone(), cause);
        }
    }
    Ok(())
}

fn is_module_file(path: &RelPath) -> bool {
    path.as_str().split('/').any(|part| part == "src")
}
