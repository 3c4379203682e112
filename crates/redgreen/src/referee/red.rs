//! RED: proves that the proposed tests fail for the right reason on the base's sources (SPEC B3).

use super::context::{Context, Environments, Setting};
use super::proposal::{Proposal, propose, text_of};
use super::refine::{Known, Mentions, refine};
use super::refine_rust::refine_rust;
use super::trees::{TreeOnDisk, files_of_runner};
use crate::error::Failure;
use redgreen_core::gate::{self, Gate, GateResult, RedInput, judge_red};
use redgreen_core::id::{CriterionId, Digest, RelPath, TaskId};
use redgreen_core::outcome::Verdict;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::{Ended, RunReport};
use redgreen_core::test_item::{Coverage, CriteriaMap, TestItem};
use redgreen_host::path_rules::PathClass;
use redgreen_host::runner::{RunnerKind, Selection};
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::definitions::definitions;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a person or a plan says of the tests, beside the criteria map.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// `--covers`.
    pub covers: CriteriaMap,
    /// `--guard`.
    pub guards: BTreeSet<String>,
    /// `--guard-passing`.
    pub guard_passing: bool,
    /// `--accept`.
    pub accepted: BTreeSet<String>,
    /// `--supersedes`, and the task's own list.
    pub supersedes: BTreeSet<String>,
    /// The task's `new_symbols`.
    pub new_symbols: Option<BTreeSet<String>>,
}

/// What RED is asked.
#[derive(Debug)]
pub struct RedRequest<'a> {
    /// The commit whose sources are used.
    pub base_commit: &'a str,
    /// The folder the tests are read from.
    pub candidate: &'a Path,
    /// Plan files: no content.
    pub plan_files: &'a [RelPath],
    /// The task; `None` for an unnamed red.
    pub task: Option<&'a TaskId>,
    /// The task's criteria.
    pub criteria: &'a [CriterionId],
    /// What is said of the tests.
    pub claims: &'a Claims,
    /// Whether changes outside the test paths are judged (an author's) or left to the caller (by hand).
    pub judge_outside: bool,
    /// Only these files and ids; everything that changed when empty.
    pub only: &'a [String],
}

/// What RED established.
#[derive(Debug)]
pub struct RedOutcome {
    /// The verdict.
    pub result: GateResult,
    /// The proposal it was judged on.
    pub proposal: Proposal,
    /// The criteria map with what a person added.
    pub map: CriteriaMap,
    /// The environments it was run in.
    pub environments: Environments,
    /// The base.
    pub base: Snapshot,
    /// The runs, for evidence: label and report.
    pub runs: Vec<(String, RunReport)>,
}

/// Proves RED.
///
/// # Errors
/// A failure when the question cannot even be put together: no runner, an unreadable tree, a bad map.
pub fn prove_red(context: &Context, request: &RedRequest<'_>) -> Result<RedOutcome, Failure> {
    let base =
        Snapshot::of_commit(&context.repository, request.base_commit).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &base)?;
    let runners = setting.runners()?;
    let item_rules = setting.item_rules();
    let candidate =
        redgreen_host::walk::read_candidate(&context.repository, &base, request.candidate)
            .map_err(Failure::internal)?;
    let mut proposal = propose(
        &context.repository,
        &base,
        &candidate,
        &setting.rules,
        &item_rules,
        request.plan_files,
        request.task,
    )?;
    if !request.judge_outside {
        proposal.no_dirty_verdict_files()?;
    }
    restrict(&mut proposal, request.only)?;
    let mut map = proposal.map.clone();
    for (criterion, coverages) in &request.claims.covers {
        map.entry(criterion.clone())
            .or_default()
            .extend(coverages.iter().cloned());
    }
    let environments = Environments::resolve(context, &setting, &base, &runners)?;
    let mut runs = Vec::new();
    let key = runs_key(&base, &proposal, &environments, &runners);
    let remembered = recall(context, &key);
    let is_new = remembered.is_none();
    let judged = match remembered {
        Some(kept) => Ok(kept.take_apart(&mut runs)),
        None => run_all(
            context,
            &setting,
            &base,
            &proposal,
            &environments,
            &runners,
            &mut runs,
        ),
    };
    let result = match judged {
        Err(reason) => gate::could_not_run(Gate::Red, request.task.cloned(), vec![*reason]),
        Ok((mut base_run, mut first, mut second)) => {
            // Reading the source files is worth it only where a name is missing.
            let asked = super::refine::asked_names(
                [Some(&first), Some(&second), base_run.as_ref()]
                    .into_iter()
                    .flatten(),
            );
            let known = match asked {
                Some(names) => known_definitions(context, &setting, &base, &names)?,
                None => Known::default(),
            };
            for run in [&mut first, &mut second].into_iter().chain(&mut base_run) {
                super::refine_javascript::refine(context, &setting, &proposal.tree, run)?;
                refine(run, &known);
            }
            refine_rust(
                context,
                &setting,
                &proposal.tree,
                &mut [&mut first, &mut second],
            )?;
            super::slips::not_installed(base_run.as_ref(), &mut [&mut first, &mut second]);
            super::slips::add(
                context,
                &base,
                &proposal.tree,
                &mut [&mut first, &mut second],
            )?;
            let mut findings = proposal.findings.clone();
            findings.extend(no_test_file(&setting, &proposal));
            findings.extend(super::slips::never_collected(context, &base, &proposal)?);
            findings.extend(super::slips::in_touched_tests(
                context, &base, &proposal, &first,
            )?);
            // Only what a task brings is locked (SPEC D6).
            if request.task.is_some() {
                findings.extend(super::weak_tests::weak_tests(context, &base, &proposal)?);
            }
            findings.extend(super::snapshots::missing(
                &context.repository,
                &proposal.tree,
                &proposal.items.all(),
                &first,
            )?);
            let reported = super::reported::Reported::of(
                &setting,
                &proposal,
                base_run.as_ref(),
                [&first, &second],
            );
            findings.extend(reported.findings.iter().cloned());
            let with = |own: Vec<TestItem>, more: &[TestItem]| -> Vec<TestItem> {
                own.into_iter().chain(more.iter().cloned()).collect()
            };
            let judged = |findings: &[Reason]| {
                judge_red(&RedInput {
                    task: request.task,
                    criteria: request.criteria,
                    map: &map,
                    base_items: &with(proposal.base_items.all(), &reported.base_items),
                    items: &with(proposal.items.all(), &reported.items),
                    changed_files: &reported.and_files(touched_files(&proposal)),
                    base_run: base_run.as_ref(),
                    runs: [&first, &second],
                    new_symbols: request.claims.new_symbols.as_ref(),
                    supersedes: &request.claims.supersedes,
                    guards: &request.claims.guards,
                    guard_passing: request.claims.guard_passing,
                    accepted: &request.claims.accepted,
                    findings,
                    outside: if request.judge_outside {
                        &proposal.outside
                    } else {
                        &[]
                    },
                    unreachable: &proposal.unreachable,
                })
            };
            let result = judged(&findings);
            // A person is asked about changed snapshots when nothing else is in the way.
            let changed = super::snapshots::changed(
                &context.repository,
                &base,
                &proposal,
                &request.claims.accepted,
            )?;
            if result.verdict() == Verdict::Pass && !changed.is_empty() {
                findings.extend(changed);
                judged(&findings)
            } else {
                result
            }
        }
    };
    let asked = result.verdict() == Verdict::Inconclusive
        && result
            .reasons()
            .iter()
            .all(|reason| reason.code == ReasonCode::ApprovalNeeded);
    if is_new && (asked || result.verdict() == Verdict::Pass) {
        remember(context, &key, &runs)?;
    }
    Ok(RedOutcome {
        result,
        proposal,
        map,
        environments,
        base,
        runs,
    })
}

/// The exit code of a RED: a changed snapshot waits for a person, which is not the same as undecided (SPEC B10, G3).
#[must_use]
pub fn exit_of(result: &GateResult) -> redgreen_core::exit::ExitCode {
    let asks = result.verdict() == Verdict::Inconclusive
        && result
            .reasons()
            .iter()
            .any(|reason| reason.code == ReasonCode::ApprovalNeeded);
    if asks {
        redgreen_core::exit::ExitCode::ApprovalNeeded
    } else {
        result.verdict().into()
    }
}

/// Runs of a RED that passed, so that `lock` need not repeat what `red` has just done. Nothing but a pass is kept: a
/// service that was down, or a test that was wrong, is asked again.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeptRuns {
    runs: Vec<(String, RunReport)>,
}

impl KeptRuns {
    /// The runs as [`run_all`] returns them.
    fn take_apart(self, evidence: &mut Vec<(String, RunReport)>) -> Runs {
        let of = |wanted: &str| {
            self.runs
                .iter()
                .filter(|(label, _)| label == wanted)
                .fold(None, |all, (_, run)| Some(merged(all, run.clone())))
        };
        let runs = (
            of("base"),
            of("red-1").unwrap_or_else(RunReport::of_nothing),
            of("red-2").unwrap_or_else(RunReport::of_nothing),
        );
        evidence.extend(self.runs);
        runs
    }
}

/// Everything that decides what the runs are: both trees, the files that are run, the environment, the runners and this
/// version of redgreen.
fn runs_key(
    base: &Snapshot,
    proposal: &Proposal,
    environments: &Environments,
    runners: &[Box<dyn redgreen_host::runner::Runner>],
) -> Digest {
    let settings: Vec<String> = runners
        .iter()
        .map(|runner| format!("{:?}", runner.settings()))
        .collect();
    let text = format!(
        "red/1\0{}\0{}\0{}\0{:?}\0{:?}\0{settings:?}\0{}\0{:?}",
        redgreen_host::tree::content_digest(base, &[]),
        redgreen_host::tree::content_digest(&proposal.tree, &[]),
        environments.digest(),
        proposal.affected,
        proposal.unreachable.keys(),
        env!("CARGO_PKG_VERSION"),
        redgreen_host::process::best_available(),
    );
    Digest::of(text.as_bytes())
}

fn kept_file(context: &Context, key: &Digest) -> std::path::PathBuf {
    context
        .state
        .cache()
        .join("red")
        .join(format!("{}.json", key.hex()))
}

fn recall(context: &Context, key: &Digest) -> Option<KeptRuns> {
    let bytes = std::fs::read(kept_file(context, key)).ok()?;
    let kept = serde_json::from_slice(redgreen_host::state::unsealed(&bytes)?).ok()?;
    context.printer.talk(format!(
        "{:<8}run before on the same bytes in the same environment; judged again",
        "RED"
    ));
    Some(kept)
}

fn remember(context: &Context, key: &Digest, runs: &[(String, RunReport)]) -> Result<(), Failure> {
    let kept = KeptRuns {
        runs: runs.to_vec(),
    };
    let bytes = serde_json::to_vec(&kept).map_err(Failure::internal)?;
    redgreen_host::state::write_sealed(&kept_file(context, key), &bytes).map_err(Failure::internal)
}

/// The finding where the globs of tests match no file at all: a misspelt glob looks like a project without tests.
fn no_test_file(setting: &Setting, proposal: &Proposal) -> Option<Reason> {
    let is_test = |path: &RelPath| setting.rules.class(path) == PathClass::Test;
    // Tests inside source files are tests: a Rust crate may have no others.
    if proposal.tree.files().keys().any(is_test)
        || !proposal.items.all().is_empty()
        || !proposal.findings.is_empty()
    {
        return None;
    }
    let mut globs: Vec<&String> = setting.config.tests.iter().collect();
    globs.sort_by_key(|glob| glob.len());
    let globs: Vec<String> = globs
        .into_iter()
        .take(4)
        .map(|glob| format!("`{glob}`"))
        .collect();
    let globs = match globs.len() {
        0 => "an empty list".to_owned(),
        _ => globs.join(", "),
    };
    let (whose, help) = match &setting.config.origin {
        Some(place) if setting.config.file.paths.tests.is_some() => (
            "`[paths] tests`",
            format!("write a test there, or correct `[paths] tests` in {place} and commit it"),
        ),
        Some(_) | None => (
            "the test paths that were assumed",
            "write a test there, or name your own in `[paths] tests` of redgreen.toml and commit it"
                .to_owned(),
        ),
    };
    Some(Reason::new(
        ReasonCode::NoTests,
        format!("no test was added or changed: no file matches {whose}: {globs}"),
        help,
    ))
}

/// A test of an affected file may turn red through its own file or through a helper or data file beside it.
fn touched_files(proposal: &Proposal) -> BTreeSet<RelPath> {
    proposal.affected.clone()
}

fn restrict(proposal: &mut Proposal, only: &[String]) -> Result<(), Failure> {
    if only.is_empty() {
        return Ok(());
    }
    let wanted = |path: &RelPath| {
        only.iter().any(|text| {
            let file = text.split("::").next().unwrap_or(text);
            let without_runner = file.split_once(':').map_or(file, |(_, rest)| rest);
            path.is_below(file) || (text.contains("::") && path.is_below(without_runner))
        })
    };
    proposal.affected.retain(&wanted);
    proposal.items.by_file.retain(|path, _| wanted(path));
    proposal.base_items.by_file.retain(|path, _| wanted(path));
    let named: Vec<&String> = only.iter().filter(|text| text.contains("::")).collect();
    for name in &named {
        let there = |item: &TestItem| {
            let id = item.id.to_string();
            id == **name || id.starts_with(&format!("{name}::"))
        };
        let mut known = proposal
            .items
            .by_file
            .values()
            .chain(proposal.base_items.by_file.values());
        if !known.clone().flatten().any(there) {
            let near: Vec<String> = known
                .by_ref()
                .flatten()
                .map(|item| item.id.to_string())
                .take(5)
                .collect();
            return Err(Failure::usage(
                format!("there is no added or changed test `{name}`"),
                if near.is_empty() {
                    "name a test that was added or changed, as path::item".to_owned()
                } else {
                    format!("there are: {}", near.join(", "))
                },
            ));
        }
    }
    if !named.is_empty() {
        let keep = |item: &TestItem| {
            let id = item.id.to_string();
            named
                .iter()
                .any(|name| **name == id || id.starts_with(&format!("{name}::")))
        };
        for items in proposal
            .items
            .by_file
            .values_mut()
            .chain(proposal.base_items.by_file.values_mut())
        {
            items.retain(keep);
        }
    }
    Ok(())
}

type Runs = (Option<RunReport>, RunReport, RunReport);

fn run_all(
    context: &Context,
    setting: &Setting,
    base: &Snapshot,
    proposal: &Proposal,
    environments: &Environments,
    runners: &[Box<dyn redgreen_host::runner::Runner>],
    evidence: &mut Vec<(String, RunReport)>,
) -> Result<Runs, Box<Reason>> {
    let failed = Box::<Reason>::from;
    let (mut base_run, mut first, mut second) =
        (None::<RunReport>, None::<RunReport>, None::<RunReport>);
    let item_rules = setting.item_rules();
    let mut red_tree = None;
    let mut base_tree = None;
    for runner in runners {
        let files = files_of_runner(&proposal.affected, &item_rules, runner.as_ref());
        let there: Vec<RelPath> = files
            .iter()
            .filter(|file| {
                proposal.tree.get(file).is_some() && !proposal.unreachable.contains_key(*file)
            })
            .cloned()
            .collect();
        let before: Vec<RelPath> = files
            .iter()
            .filter(|file| base.get(file).is_some())
            .cloned()
            .collect();
        let junit = runner.settings().kind == RunnerKind::Junit;
        let wanted_on_base = if junit {
            // Its tests are known only by running them; without targets the command runs all of them.
            let any = if runner.settings().takes_targets() {
                !before.is_empty()
            } else {
                base.files().keys().any(|path| {
                    item_rules.runner(path).is_some_and(|own| {
                        own.name == runner.settings().name && own.kind == RunnerKind::Junit
                    })
                })
            };
            any && !there.is_empty()
        } else {
            before
                .iter()
                .any(|file| proposal.base_items.by_file.contains_key(file))
        };
        if wanted_on_base {
            if base_tree.is_none() {
                base_tree =
                    Some(TreeOnDisk::build(context, setting, base, "base").map_err(failed)?);
            }
            if let Some(tree) = &base_tree {
                context.printer.talk(format!(
                    "{:<8}running the affected tests on the base ({} files)",
                    "RED",
                    before.len()
                ));
                let items = items_for(
                    context,
                    setting,
                    runner.settings().kind,
                    base,
                    &proposal.base_items,
                )
                .map_err(failed)?;
                let report = tree.run(
                    context,
                    setting,
                    environments,
                    runner.as_ref(),
                    &Selection::Files(before),
                    &items,
                    "base-run",
                )?;
                evidence.push(("base".to_owned(), report.clone()));
                // A base without tests: every case of the new tests is a new one.
                let none_yet = junit
                    && report.cases.is_empty()
                    && report.load_failures.is_empty()
                    && report.problems.iter().all(|problem| {
                        matches!(problem.code, ReasonCode::ZeroTests | ReasonCode::NoReport)
                    });
                if !none_yet {
                    base_run = Some(merged(base_run, report));
                }
            }
        }
        if there.is_empty() {
            continue;
        }
        if red_tree.is_none() {
            red_tree =
                Some(TreeOnDisk::build(context, setting, &proposal.tree, "red").map_err(failed)?);
        }
        if let Some(tree) = &red_tree {
            let items = items_for(
                context,
                setting,
                runner.settings().kind,
                &proposal.tree,
                &proposal.items,
            )
            .map_err(failed)?;
            // What could not be judged is not asked again: a test that never ends would cost its limit twice.
            let mut unjudged: Option<RunReport> = None;
            for (slot, label) in [(&mut first, "red-1"), (&mut second, "red-2")] {
                let report = match unjudged.take() {
                    Some(report) => report,
                    None => {
                        context.printer.talk(format!(
                            "{:<8}running the new tests without the implementation ({label})",
                            "RED"
                        ));
                        let report = tree.run(
                            context,
                            setting,
                            environments,
                            runner.as_ref(),
                            &Selection::Files(there.clone()),
                            &items,
                            label,
                        )?;
                        evidence.push((label.to_owned(), report.clone()));
                        report
                    }
                };
                if !report.problems.is_empty() {
                    unjudged = Some(report.clone());
                }
                *slot = Some(merged(slot.take(), report));
            }
        }
    }
    Ok((
        base_run,
        first.unwrap_or_else(RunReport::of_nothing),
        second.unwrap_or_else(RunReport::of_nothing),
    ))
}

/// Rust and Go names map to files through every file of the package; Python needs the affected files only.
pub(crate) fn items_for(
    context: &Context,
    setting: &Setting,
    kind: RunnerKind,
    tree: &Snapshot,
    affected: &super::items::Items,
) -> Result<Vec<TestItem>, Failure> {
    match kind {
        RunnerKind::Pytest
        | RunnerKind::NodeTest
        | RunnerKind::Vitest
        | RunnerKind::Jest
        | RunnerKind::Mocha => Ok(affected.all()),
        RunnerKind::Junit => Ok(Vec::new()),
        RunnerKind::CargoTest | RunnerKind::GoTest => all_items(context, setting, tree, kind),
    }
}

/// Every static item of a tree for one kind of runner.
///
/// # Errors
/// A failure when a blob cannot be read.
pub fn all_items(
    context: &Context,
    setting: &Setting,
    tree: &Snapshot,
    kind: RunnerKind,
) -> Result<Vec<TestItem>, Failure> {
    let item_rules = setting.item_rules();
    let mut known = context
        .items
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut all = Vec::new();
    let mut missing = Vec::new();
    for (path, file) in tree.files() {
        if !item_rules.can_hold(path) {
            continue;
        }
        let Some(runner) = item_rules.runner(path).filter(|runner| runner.kind == kind) else {
            continue;
        };
        let key = (runner.name.clone(), path.clone(), file.oid.clone());
        if !known.contains_key(&key) {
            missing.push(key.1.clone());
        }
        all.push(key);
    }
    let mut found = super::items::Items::default();
    for (path, bytes) in tree
        .bytes_of(&context.repository, &missing)
        .map_err(Failure::internal)?
    {
        if let Ok(text) = std::str::from_utf8(&bytes)
            && (text.contains("test") || kind.is_javascript() || kind == RunnerKind::GoTest)
        {
            item_rules.of_file(&path, text, &mut found);
        }
    }
    let mut items = Vec::new();
    for key in all {
        let of_file = known
            .entry(key)
            .or_insert_with_key(|(_, path, _)| found.by_file.remove(path).unwrap_or_default());
        items.extend(of_file.iter().cloned());
    }
    Ok(items)
}

/// Two runners' reports as one.
#[must_use]
pub fn merged(old: Option<RunReport>, new: RunReport) -> RunReport {
    let Some(mut old) = old else { return new };
    old.cases.extend(new.cases);
    old.load_failures.extend(new.load_failures);
    old.problems.extend(new.problems);
    old.tail.extend(new.tail);
    old.command.push("&&".to_owned());
    old.command.extend(new.command);
    old.duration_ms = old.duration_ms.saturating_add(new.duration_ms);
    if old.ended == Ended::Code(0) {
        old.ended = new.ended;
    }
    old.pass_line = match (old.pass_line, new.pass_line) {
        (Some(a), Some(b)) => Some(format!("{a}; {b}")),
        (a, b) => a.or(b),
    };
    old
}

fn known_definitions(
    context: &Context,
    setting: &Setting,
    base: &Snapshot,
    names: &BTreeSet<String>,
) -> Result<Known, Failure> {
    let mut known = Known::default();
    known.flat_python = base.files().keys().any(|path| {
        path.extension() == Some("py")
            && path.parent().is_none()
            && setting.rules.class(path) == PathClass::Source
    });
    if names.is_empty() {
        return Ok(known);
    }
    let wanted: Vec<RelPath> = base
        .files()
        .keys()
        .filter(|path| {
            Language::of(path).is_some() && setting.rules.class(path) == PathClass::Source
        })
        .cloned()
        .collect();
    // The names of modules are those of files, whatever is in them.
    for path in &wanted {
        match Language::of(path) {
            Some(Language::JavaScript) => known.add_script(path),
            Some(Language::Python) => known.add_module(path),
            Some(_) | None => {}
        }
    }
    let mut mentions = Mentions::of(names);
    base.each_of(&context.repository, &wanted, &mut |path, bytes| {
        if let (Some(language), Ok(text)) = (Language::of(path), std::str::from_utf8(bytes))
            && mentions.are_in(text)
        {
            known.add(path, &definitions(language, text).unwrap_or_default());
        }
        Ok(())
    })
    .map_err(Failure::internal)?;
    Ok(known)
}

/// `AC-1=path::item` as it is given by hand.
///
/// # Errors
/// A usage failure that shows the form.
pub fn parse_covers(list: &[String]) -> Result<CriteriaMap, Failure> {
    let mut map: BTreeMap<CriterionId, Vec<Coverage>> = BTreeMap::new();
    for text in list {
        let parsed = text
            .split_once('=')
            .and_then(|(criterion, test)| Some((CriterionId::new(criterion).ok()?, test)));
        let Some((criterion, test)) = parsed else {
            return Err(Failure::usage(
                format!("`--covers {text}` cannot be read"),
                "write --covers AC-1=path::item",
            ));
        };
        map.entry(criterion).or_default().push(Coverage {
            test: test.to_owned(),
            guard: false,
            hidden: false,
        });
    }
    Ok(map)
}

/// The text of a file in a tree, for messages.
///
/// # Errors
/// A failure when the blob cannot be read.
pub fn file_text(
    context: &Context,
    tree: &Snapshot,
    path: &RelPath,
) -> Result<Option<String>, Failure> {
    text_of(tree, &context.repository, path)
}
