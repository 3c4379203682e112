//! GREEN: builds the candidate tree from locked bytes and the implementer's files, runs the locked tests (SPEC B5).

use super::context::{Context, Environments, Setting};
use super::controls::as_is::as_is_and_planted;
use super::controls::expectations::{Asked, Established, changed_expectations};
use super::controls::strict::{Strict, strict_controls};
use super::controls::{groups, seed};
use super::environment_changes::environment_changes;
use super::hidden;
use super::lock::{StoredLock, locked_tree};
use super::proposal::{bytes_of, copy, text_of};
use super::red::{all_items, merged};
use super::scope;
use super::trees::{SITES, TreeOnDisk, of_runner};
use crate::config::controls::Level;
use crate::error::Failure;
use redgreen_core::gate::{
    self, Change, ChangeClass, Control, ExpectationControl, Gate, GateResult, GreenInput,
    LockCheck, judge_green, judge_lock,
};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::outcome::{Role, Verdict};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_core::tree::{self, ChangeKind, Mode};
use redgreen_host::path_rules::{PathClass, PathRules};
use redgreen_host::runner::{RunnerKind, Selection};
use redgreen_host::tree::{Snapshot, content_digest};
use redgreen_lint::Language;
use redgreen_lint::splice::{EditKind, edited_units, splice, test_units};
use std::collections::BTreeSet;
use std::path::Path;

/// A candidate, taken apart.
#[derive(Debug)]
pub struct CandidateTree {
    /// Locked bytes and the implementer's files, with locked test items in mixed files: what GREEN runs.
    pub tree: Snapshot,
    /// The same with the tests that the implementer added inside source files: what FULL runs and what is committed.
    pub full: Snapshot,
    /// Paths of the candidate that are in the tree and differ from the locked one.
    pub used: Vec<(RelPath, ChangeKind)>,
    /// Changes that were not used.
    pub changes: Vec<Change>,
    /// Tests the implementer added inside source files.
    pub tests_in_source: Vec<ItemId>,
}

/// What GREEN is asked.
#[derive(Debug)]
pub struct GreenRequest<'a> {
    /// The lock.
    pub lock: &'a StoredLock,
    /// The folder the sources are read from.
    pub candidate: &'a Path,
    /// Plan files: no content.
    pub plan_files: &'a [RelPath],
    /// The task's `scope`: globs that narrow where the implementer writes; empty for every source path.
    pub scope: &'a [String],
}

/// What GREEN established.
#[derive(Debug)]
pub struct GreenOutcome {
    /// The verdict.
    pub result: GateResult,
    /// The candidate as it was judged.
    pub candidate: CandidateTree,
    /// The run, for evidence.
    pub run: Option<RunReport>,
    /// Content tree of what was run.
    pub content_tree: String,
    /// Digest of the environments.
    pub environment: redgreen_core::id::Digest,
}

/// Takes a candidate folder apart against a lock: which of its files are used, which are not, and why.
///
/// # Errors
/// A failure when a file or object cannot be read.
pub fn take_apart(
    context: &Context,
    setting: &Setting,
    locked: &Snapshot,
    request: &GreenRequest<'_>,
) -> Result<CandidateTree, Failure> {
    let candidate =
        redgreen_host::walk::read_candidate(&context.repository, locked, request.candidate)
            .map_err(Failure::internal)?;
    let chore = match request.lock.replaces_source.as_slice() {
        [] => None,
        globs => Some(
            PathRules::new(&[], globs, &[])
                .map_err(|bad| Failure::usage(bad.to_string(), "correct the task's `scope`"))?,
        ),
    };
    let narrowed = match request.scope {
        _ if chore.is_some() => None,
        [] => None,
        globs => Some(
            PathRules::new(&[], globs, &[])
                .map_err(|bad| Failure::usage(bad.to_string(), "correct the task's `scope`"))?,
        ),
    };
    let repository = &context.repository;
    let mut out = CandidateTree {
        tree: locked.clone(),
        full: locked.clone(),
        used: Vec::new(),
        changes: candidate
            .irregular
            .iter()
            .map(|irregular| scope::irregular(&setting.rules, irregular))
            .collect(),
        tests_in_source: Vec::new(),
    };
    let changes = tree::changes(&locked.listing(), &candidate.snapshot.listing());
    // One git process for the old bytes of all of them; each is looked at below, by its path.
    let old: Vec<&RelPath> = changes
        .iter()
        .map(|(path, _)| path)
        .filter(|path| {
            locked
                .get(path)
                .is_some_and(|file| file.mode != Mode::Submodule)
        })
        .collect();
    locked
        .bytes_of(repository, old)
        .map_err(Failure::internal)?;
    for (path, kind) in changes {
        if request.plan_files.contains(&path)
            || candidate
                .irregular
                .iter()
                .any(|irregular| irregular.path == path.as_str())
        {
            continue;
        }
        let class = match &chore {
            Some(rules) => class_in_chore(rules, &path, setting.rules.class(&path)),
            None => setting.rules.class(&path),
        };
        if class == PathClass::Source
            && let Some(change) = scope::not_taken(&path, kind)
        {
            out.changes.push(change);
            continue;
        }
        let in_scope = narrowed
            .as_ref()
            .is_none_or(|rules| rules.class(&path) == PathClass::Source);
        if class == PathClass::Source && in_scope {
            take_source(
                context,
                setting,
                locked,
                &candidate.snapshot,
                &path,
                kind,
                &mut out,
            )?;
            continue;
        }
        let old = bytes_of(locked, repository, &path)?;
        let new = bytes_of(&candidate.snapshot, repository, &path)?;
        let mut change = scope::change(&setting.rules, &path, kind, old.as_deref(), new.as_deref());
        if class == PathClass::Source {
            change.class = ChangeClass::OutOfScope;
            change.code = ReasonCode::OutOfScope;
            change.message = format!("`{path}` is source, but outside this task's `scope`");
        } else if kind == ChangeKind::Modified
            && scope::same_but_formatting(&path, old.as_deref(), new.as_deref())
        {
            change.class = ChangeClass::LeftOut;
            change.code = ReasonCode::LeftOut;
            change.message = format!("`{path}` differs only in formatting, judged without it");
        }
        out.changes.push(change);
    }
    super::closure::enforce(context, setting, locked, request.lock, &mut out)?;
    committed_since(context, request, &candidate.snapshot, &mut out.changes)?;
    // What lay there before the lock, by hand, is not the implementer's.
    for change in &mut out.changes {
        if request
            .lock
            .present
            .contains(&presence(change, &candidate.snapshot))
        {
            change.class = ChangeClass::LeftOut;
            change.code = ReasonCode::LeftOut;
            change.message = format!(
                "`{}` was there before the lock, judged without it",
                change.path
            );
        }
    }
    // What is delivered and fully validated has the held-out tests; what the implementer sees, and GREEN runs first, has not.
    if let Some(held) = &request.lock.hidden {
        let full = std::mem::take(&mut out.full);
        out.full = held.put_into(&context.repository, &request.lock.record.task, full)?;
    }
    Ok(out)
}

/// By hand, a change that is part of the commit somebody stands on came with a commit after the lock, perhaps a
/// teammate's: that is said, because what to do about it is another thing.
fn committed_since(
    context: &Context,
    request: &GreenRequest<'_>,
    candidate: &Snapshot,
    changes: &mut [Change],
) -> Result<(), Failure> {
    let by_hand = request.candidate == context.repository.top_level();
    if !by_hand || changes.is_empty() {
        return Ok(());
    }
    let head = context.head_commit()?;
    if head == request.lock.commit {
        return Ok(());
    }
    let committed = context
        .repository
        .listing(&head)
        .map_err(super::context::git_failure)?;
    for change in changes {
        let here = candidate.get(&change.path).map(|file| &file.oid);
        if here == committed.get(&change.path).map(|entry| &entry.oid) {
            change.message.push_str(", committed after the lock");
        }
    }
    Ok(())
}

/// What a path is to a chore: its `scope` replaces the source globs and may name manifests and CI, never tests, what
/// steers a runner from inside a process, or redgreen's own files (SPEC A5).
fn class_in_chore(scope: &PathRules, path: &RelPath, class: PathClass) -> PathClass {
    const NEVER: [&str; 4] = [
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "redgreen.toml",
    ];
    let never = class == PathClass::Test
        || path.is_below(".redgreen")
        || path.as_str().ends_with(".pth")
        || NEVER.contains(&path.file_name());
    match class {
        _ if never => class,
        _ if scope.names_source(path) => PathClass::Source,
        PathClass::Source => PathClass::Locked,
        PathClass::RunnerConfig | PathClass::Test | PathClass::Inert | PathClass::Locked => class,
    }
}

/// A path with the identity of its content, as it is remembered at lock.
#[must_use]
pub fn presence(change: &Change, snapshot: &Snapshot) -> String {
    format!(
        "{}\0{}",
        change.path,
        snapshot
            .get(&change.path)
            .map_or("irregular", |file| file.oid.as_str())
    )
}

/// One source file of the candidate. In mixed files the locked test items stand; added tests go to the full tree only.
fn take_source(
    context: &Context,
    setting: &Setting,
    locked: &Snapshot,
    candidate: &Snapshot,
    path: &RelPath,
    kind: ChangeKind,
    out: &mut CandidateTree,
) -> Result<(), Failure> {
    let repository = &context.repository;
    out.used.push((path.clone(), kind));
    let rust = Language::of(path) == Some(Language::Rust);
    let old = if rust {
        text_of(locked, repository, path)?
    } else {
        None
    };
    let has_units = old
        .as_ref()
        .is_some_and(|text| test_units(text).is_ok_and(|units| !units.is_empty()));
    if kind == ChangeKind::Deleted {
        if has_units {
            let text = old.unwrap_or_default();
            out.changes.push(scope::unit_edit(
                path,
                "the whole file",
                1,
                ChangeKind::Deleted,
                &text,
                "",
            ));
        } else {
            out.tree = std::mem::take(&mut out.tree).without(path);
            out.full = std::mem::take(&mut out.full).without(path);
        }
        return Ok(());
    }
    copy(&mut out.tree, candidate, path);
    copy(&mut out.full, candidate, path);
    let new = if rust {
        text_of(candidate, repository, path)?
    } else {
        None
    };
    let Some(new) = new else { return Ok(()) };
    let added: Vec<String> = if let (true, Some(old)) = (has_units, &old) {
        let edits = edited_units(old, &new).map_err(Failure::internal)?;
        for edit in &edits.edits {
            let kind = match edit.kind {
                EditKind::Added => ChangeKind::Added,
                EditKind::Deleted => ChangeKind::Deleted,
                EditKind::Modified => ChangeKind::Modified,
            };
            out.changes.push(scope::unit_edit(
                path,
                &edit.key,
                edit.line,
                kind,
                &edit.locked_text,
                &edit.candidate_text,
            ));
        }
        match splice(&new, old) {
            Ok(spliced) => {
                if !edits.edits.is_empty() {
                    out.full = std::mem::take(&mut out.full).with(
                        repository,
                        path.clone(),
                        spliced.clone().into_bytes(),
                    );
                }
                out.tree = std::mem::take(&mut out.tree).with(
                    repository,
                    path.clone(),
                    spliced.into_bytes(),
                );
            }
            Err(_) => {
                // The candidate does not parse: it is taken as it is and does not compile, which is a failure, not a trick.
            }
        }
        edits.added_tests
    } else {
        let mut items = super::items::Items::default();
        setting.item_rules().of_file(path, &new, &mut items);
        let without = splice(&new, "").unwrap_or_else(|_| new.clone());
        if without != new {
            out.tree =
                std::mem::take(&mut out.tree).with(repository, path.clone(), without.into_bytes());
        }
        items.all().into_iter().map(|item| item.id.item).collect()
    };
    let runner = setting
        .item_rules()
        .runner(path)
        .and_then(|runner| runner.name.clone());
    out.tests_in_source
        .extend(added.into_iter().map(|item| ItemId {
            runner: runner.clone(),
            path: path.clone(),
            item,
        }));
    Ok(())
}

/// Proves GREEN.
///
/// # Errors
/// A failure when the question cannot even be put together.
pub fn prove_green(context: &Context, request: &GreenRequest<'_>) -> Result<GreenOutcome, Failure> {
    let task = &request.lock.record.task;
    let locked = locked_tree(context, request.lock)?;
    let setting = Setting::of_tree(context, &locked)?;
    let candidate = take_apart(context, &setting, &locked, request)?;
    let content_tree = content_digest(&candidate.tree, request.plan_files).to_string();
    let runners = setting.runners()?;
    let environments = Environments::resolve(context, &setting, &locked, &runners)?;
    let environments = environments.with_search_paths_of(&request.lock.environments);
    let tree = match TreeOnDisk::build(context, &setting, &candidate.tree, "green") {
        Ok(tree) => tree,
        Err(failure) => {
            let reason: Box<Reason> = failure.into();
            let result = gate::could_not_run(Gate::Green, Some(task.clone()), vec![*reason]);
            return Ok(GreenOutcome {
                result,
                candidate,
                run: None,
                content_tree,
                environment: environments.digest(),
            });
        }
    };
    let sites = tree.scratch(SITES);
    let seed = seed(context, Some(task), &content_tree)?;
    let mut run: Option<RunReport> = None;
    for runner in &runners {
        let wanted = of_runner(
            request.lock.record.tests.iter().map(|test| &test.item),
            runner.as_ref(),
        );
        if wanted.is_empty() {
            continue;
        }
        context.printer.talk(format!(
            "{:<8}running {} locked tests in a clean copy",
            "GREEN",
            wanted.len()
        ));
        let kind = runner.settings().kind;
        let items = items_to_run(context, &setting, &candidate.tree, kind, &wanted)?;
        // The file is not read: it is there so that code under test cannot tell this run from the controls.
        match tree.run_reporting(
            context,
            &setting,
            &environments,
            runner.as_ref(),
            &Selection::Items(wanted),
            &items,
            "green-run",
            Some((&sites, &seed)),
        ) {
            Ok(report) => run = Some(merged(run, report)),
            Err(reason) => {
                let result = gate::could_not_run(Gate::Green, Some(task.clone()), vec![*reason]);
                return Ok(GreenOutcome {
                    result,
                    candidate,
                    run,
                    content_tree,
                    environment: environments.digest(),
                });
            }
        }
    }
    let Some(run) = run else {
        let reason = Reason::new(
            ReasonCode::ZeroTests,
            "no runner owns the locked tests",
            "compare `[runner]` in redgreen.toml with the lock: redgreen locks show",
        );
        let result = gate::could_not_run(Gate::Green, Some(task.clone()), vec![reason]);
        return Ok(GreenOutcome {
            result,
            candidate,
            run: None,
            content_tree,
            environment: environments.digest(),
        });
    };
    let required = request
        .lock
        .record
        .tests
        .iter()
        .filter(|test| matches!(test.role, Role::Required | Role::Hidden));
    let red_tests: Vec<String> = required.map(|test| test.item.to_string()).collect();
    let mut controls = vec![Control {
        kind: "red_control".to_owned(),
        result: format!(
            "{0} of {0} fail without the code, in the same environment",
            red_tests.len()
        ),
        tests: red_tests,
    }];
    let environment_changes = environment_changes(context, request.lock, &environments);
    let judged =
        |controls: &[Control], control: &ExpectationControl, hidden_failures: &[Reason]| {
            judge_green(&GreenInput {
                task,
                expected: &request.lock.record.tests,
                run: &run,
                changes: &candidate.changes,
                failing_on_base: &BTreeSet::new(),
                tests_in_source: &candidate.tests_in_source,
                controls,
                control_failures: &control.failures,
                control_refusals: &control.refusals,
                hidden_failures,
                no_control: &control.notes,
                environment_changes: &environment_changes,
            })
        };
    let mut result = judged(&controls, &ExpectationControl::default(), &[]);
    let level = setting.config.controls.level(task);
    let mut kept = ExpectationControl::default();
    if result.verdict() == Verdict::Pass && level != Level::Off {
        let items: Vec<ItemId> = request
            .lock
            .record
            .tests
            .iter()
            .map(|test| test.item.clone())
            .collect();
        let asked = Asked {
            context,
            setting: &setting,
            environments: &environments,
            runners: &runners,
            tree: &candidate.tree,
            items: &items,
            groups: &groups(&request.lock.record, &items),
            required: setting.config.controls.required(task),
            loose_accepted: setting.config.controls.loose(),
            usual_ms: run.duration_ms,
            seed: &seed,
        };
        let Established {
            mut control,
            left_out,
        } = changed_expectations(&asked)?;
        controls.extend(control.control.clone());
        let shown: Vec<&String> = control.control.iter().flat_map(|c| &c.tests).collect();
        let noticed: Vec<ItemId> = items
            .iter()
            .filter(|item| shown.contains(&&item.to_string()))
            .cloned()
            .collect();
        if control.failures.is_empty() {
            let (more, failures) = as_is_and_planted(&asked, &noticed, &left_out)?;
            controls.extend(more);
            control.failures.extend(failures);
        }
        if level == Level::Strict && control.failures.is_empty() {
            let strict = Strict {
                context,
                setting: &setting,
                environments: &environments,
                runners: &runners,
                tree: &candidate.tree,
                locked: &locked,
                used: &candidate.used,
                items: &items,
                green: &run,
                seed: &seed,
            };
            strict_controls(&strict, &mut control, &mut controls)?;
        }
        result = judged(&controls, &control, &[]);
        kept = control;
    }
    if result.verdict() == Verdict::Pass
        && let Some(held) = &request.lock.hidden
    {
        let (control, failures) = hidden::judge(
            context,
            &setting,
            &environments,
            &runners,
            task,
            &candidate.tree,
            held,
        )?;
        controls.extend(control);
        result = judged(&controls, &kept, &failures);
    }
    Ok(GreenOutcome {
        result,
        candidate,
        run: Some(run),
        content_tree,
        environment: environments.digest(),
    })
}

/// What a runner has to know to run these tests.
///
/// # Errors
/// A failure when a file cannot be read.
pub(super) fn items_to_run(
    context: &Context,
    setting: &Setting,
    tree: &Snapshot,
    kind: RunnerKind,
    wanted: &[ItemId],
) -> Result<Vec<redgreen_core::test_item::TestItem>, Failure> {
    match kind {
        RunnerKind::Pytest
        | RunnerKind::NodeTest
        | RunnerKind::Vitest
        | RunnerKind::Jest
        | RunnerKind::Mocha => items_of(context, setting, tree, wanted),
        RunnerKind::CargoTest | RunnerKind::GoTest => all_items(context, setting, tree, kind),
        RunnerKind::Junit => Ok(Vec::new()),
    }
}

/// Static items of the files that hold these items.
fn items_of(
    context: &Context,
    setting: &Setting,
    tree: &Snapshot,
    wanted: &[ItemId],
) -> Result<Vec<redgreen_core::test_item::TestItem>, Failure> {
    let files: BTreeSet<&RelPath> = wanted.iter().map(|item| &item.path).collect();
    let mut items = super::items::Items::default();
    for file in files {
        if let Some(text) = text_of(tree, &context.repository, file)? {
            setting.item_rules().of_file(file, &text, &mut items);
        }
    }
    Ok(items.all())
}

/// Whether a lock still holds in a candidate folder, without running anything.
///
/// # Errors
/// A failure when a file or object cannot be read.
pub fn verify_lock(
    context: &Context,
    request: &GreenRequest<'_>,
) -> Result<(GateResult, CandidateTree), Failure> {
    let locked = locked_tree(context, request.lock)?;
    let setting = Setting::of_tree(context, &locked)?;
    let candidate = take_apart(context, &setting, &locked, request)?;
    let result = judge_lock(&LockCheck {
        task: &request.lock.record.task,
        changes: &candidate.changes,
        invalid: None,
    });
    Ok((result, candidate))
}
