//! FULL: the whole suite on the base and on the candidate, the lock, every check (SPEC B6-B8).

use super::checks::run_check;
use super::context::{Context, Environments, Setting};
use super::environment_changes::environment_changes;
use super::green::{CandidateTree, GreenRequest, take_apart};
use super::lock::locked_tree;
use super::red::all_items;
use super::trees::TreeOnDisk;
use super::validation::{Validated, validate};
use crate::config::validation::Configured;
use crate::error::Failure;
use redgreen_core::gate::{
    self, CheckRun, FullInput, Gate, GateResult, StepRun, SuiteRun, judge_full,
};
use redgreen_core::id::{CaseId, Digest, RelPath};
use redgreen_core::outcome::{Outcome, Verdict};
use redgreen_core::reason::Reason;
use redgreen_core::run_report::{CaseReport, RunReport};
use redgreen_host::runner::{Runner, Selection};
use redgreen_host::tree::{Snapshot, content_digest};
use std::collections::BTreeSet;

/// What FULL established.
#[derive(Debug)]
pub struct FullOutcome {
    /// The verdict.
    pub result: GateResult,
    /// The candidate as it was judged.
    pub candidate: CandidateTree,
    /// Suite runs for evidence: label and report.
    pub runs: Vec<(String, RunReport)>,
    /// Checks for evidence.
    pub checks: Vec<CheckRun>,
    /// What the real application was asked to do.
    pub validation: Vec<StepRun>,
    /// How often the full suite, all its categories together, was run (B7): from the cache does not count.
    pub suite_runs: u32,
    /// Digest of the environments.
    pub environment: Digest,
    /// Content tree of what was run.
    pub content_tree: String,
}

/// With more failures than this, nobody asks whether each of them is flaky.
const MOST_SUSPECTS: usize = 20;

/// How often a suspect is run again on the base and on the candidate.
const SUSPECT_RUNS: u32 = 2;

/// One suite that is run: a category, or a runner's whole suite.
struct Suite {
    name: String,
    runner: usize,
    paths: Vec<String>,
    uses: Vec<String>,
}

/// Validates the whole candidate. `candidate` is what GREEN read of the same folder in the same command a moment ago:
/// both gates then judge the same bytes, read once (SPEC C1); without it the folder is read now.
///
/// # Errors
/// A failure when the question cannot even be put together.
pub fn validate_full(
    context: &Context,
    request: &GreenRequest<'_>,
    supersedes: &BTreeSet<String>,
    candidate: Option<CandidateTree>,
) -> Result<FullOutcome, Failure> {
    let task = &request.lock.record.task;
    let locked = locked_tree(context, request.lock)?;
    let setting = Setting::of_tree(context, &locked)?;
    let candidate = match candidate {
        Some(candidate) => candidate,
        None => take_apart(context, &setting, &locked, request)?,
    };
    let base = Snapshot::of_commit(&context.repository, &request.lock.record.base_commit)
        .map_err(Failure::internal)?;
    let runners = setting.runners()?;
    let environments = Environments::resolve(context, &setting, &locked, &runners)?;
    let environments = environments.with_search_paths_of(&request.lock.environments);
    let content_tree = content_digest(&candidate.full, request.plan_files).to_string();
    let base_tree = content_digest(&base, request.plan_files).to_string();
    let mut outcome = FullOutcome {
        result: gate::could_not_run(Gate::Full, Some(task.clone()), Vec::new()),
        candidate,
        runs: Vec::new(),
        checks: Vec::new(),
        validation: Vec::new(),
        suite_runs: 1,
        environment: environments.digest(),
        content_tree,
    };
    let mut judged = Vec::new();
    let mut after = Vec::new();
    let build =
        |snapshot: &Snapshot, label: &str| TreeOnDisk::build(context, &setting, snapshot, label);
    let on_disk = match build(&outcome.candidate.full, "full") {
        Ok(tree) => tree,
        Err(failure) => {
            let reason: Box<Reason> = failure.into();
            outcome.result = gate::could_not_run(Gate::Full, Some(task.clone()), vec![*reason]);
            return Ok(outcome);
        }
    };
    let mut base_on_disk: Option<TreeOnDisk> = None;
    for suite in suites(&setting, &runners) {
        let runner = runners[suite.runner].as_ref();
        let key = baseline_key(&base_tree, &environments, runner, &suite);
        let run = |tree: &TreeOnDisk,
                   snapshot: &Snapshot,
                   selection: &Selection,
                   label: &str|
         -> Result<Result<RunReport, Box<Reason>>, Failure> {
            let items = all_items(context, &setting, snapshot, runner.settings().kind)?;
            Ok(tree.run(
                context,
                &setting,
                &environments,
                runner,
                selection,
                &items,
                label,
            ))
        };
        let base_report = match read_baseline(context, &key) {
            Some(report) => Some(report),
            None => {
                let selection = selection(&suite, &setting, &base);
                match selection {
                    Selection::Files(files) if files.is_empty() => None,
                    selection => {
                        if base_on_disk.is_none() {
                            base_on_disk = Some(build(&base, "baseline")?);
                        }
                        let Some(tree) = &base_on_disk else { continue };
                        outcome.suite_runs = 2;
                        context.printer.talk(format!(
                            "{:<8}suite `{}` on the base, once for this base and environment",
                            "full", suite.name
                        ));
                        match run(tree, &base, &selection, &format!("baseline-{}", suite.name))? {
                            Ok(report) => {
                                write_baseline(context, &key, &report)?;
                                Some(report)
                            }
                            Err(_) => None,
                        }
                    }
                }
            }
        };
        context.printer.talk(format!(
            "{:<8}suite `{}` with the implementation",
            "full", suite.name
        ));
        let selection = selection(&suite, &setting, &outcome.candidate.full);
        let report = match run(
            &on_disk,
            &outcome.candidate.full,
            &selection,
            &format!("suite-{}", suite.name),
        )? {
            Ok(report) => report,
            Err(reason) => {
                outcome.result = gate::could_not_run(Gate::Full, Some(task.clone()), vec![*reason]);
                return Ok(outcome);
            }
        };
        let unused = super::services::unused(&suite.uses, &on_disk.used());
        // A candidate that is delivered is the base of the next task: its suite need not run on the same bytes again.
        let own = baseline_key(&outcome.content_tree, &environments, runner, &suite);
        write_baseline(context, &own, &report)?;
        let suspects = suspects(base_report.as_ref(), &report, request);
        let mut flaky = BTreeSet::new();
        let mut flaky_here = BTreeSet::new();
        if !suspects.is_empty() && suspects.len() <= MOST_SUSPECTS {
            // A test that fails now and passed on the base may differ between runs of the base, or of the candidate:
            // look, never assume (B8).
            if base_on_disk.is_none() {
                base_on_disk = Some(build(&base, "baseline")?);
            }
            let wanted = Selection::Items(suspects.iter().map(|case| case.item.clone()).collect());
            let again = |tree: &TreeOnDisk, snapshot: &Snapshot, label: String| {
                let items = all_items(context, &setting, snapshot, runner.settings().kind)?;
                let report = tree.run(
                    context,
                    &setting,
                    &environments,
                    runner,
                    &wanted,
                    &items,
                    &label,
                );
                Ok::<_, Failure>(report.map(|report| report.cases).unwrap_or_default())
            };
            let which = |cases: &[CaseReport], passed: bool| -> BTreeSet<CaseId> {
                cases
                    .iter()
                    .filter(|case| (case.outcome == Outcome::Passed) == passed)
                    .map(|case| case.id.clone())
                    .filter(|id| suspects.contains(id))
                    .collect()
            };
            for attempt in 0..SUSPECT_RUNS {
                if let Some(tree) = &base_on_disk {
                    let label = format!("flaky-base-{}-{attempt}", suite.name);
                    flaky.extend(which(&again(tree, &base, label)?, false));
                }
                let label = format!("flaky-{}-{attempt}", suite.name);
                let here = again(&on_disk, &outcome.candidate.full, label)?;
                flaky_here.extend(which(&here, true));
            }
            flaky_here.retain(|case| !flaky.contains(case));
        }
        after.push(baseline_key(
            &outcome.content_tree,
            &environments,
            runner,
            &suite,
        ));
        judged.push((
            suite.name.clone(),
            base_report,
            report,
            (flaky, flaky_here),
            unused,
        ));
    }
    for check in &setting.config.checks {
        context
            .printer
            .talk(format!("{:<8}check `{}`", "full", check.name));
        let mut run = run_check(context, check, &on_disk)?;
        if !run.succeeded && !run.not_found {
            if base_on_disk.is_none() {
                base_on_disk = Some(build(&base, "baseline")?);
            }
            if let Some(tree) = &base_on_disk {
                run.succeeded_on_base = Some(run_check(context, check, tree)?.succeeded);
            }
        }
        outcome.checks.push(run);
    }
    let runs: Vec<SuiteRun<'_>> = judged
        .iter()
        .map(|(name, base, candidate, flaky, unused)| SuiteRun {
            name,
            base: base.as_ref(),
            candidate,
            flaky_on_base: flaky.0.clone(),
            flaky_here: flaky.1.clone(),
            unused: unused.clone(),
        })
        .collect();
    let judge = |validation: &[StepRun], outcome: &FullOutcome, changes: &[Reason]| {
        judge_full(&FullInput {
            task,
            suites: &runs,
            expected: &request.lock.record.tests,
            changes: &outcome.candidate.changes,
            checks: &outcome.checks,
            validation,
            supersedes,
            environment_changes: changes,
        })
    };
    let changes = environment_changes(context, request.lock, &environments);
    outcome.result = judge(&[], &outcome, &changes);
    // Starting the application is for what its tests pass.
    if outcome.result.verdict() == Verdict::Pass
        && let Some(configured) = &setting.config.validation
    {
        let validated = validate_against_base(
            context,
            &setting,
            configured,
            &outcome.candidate.full,
            &base,
        )?;
        outcome.result = if validated.problems.is_empty() {
            judge(&validated.steps, &outcome, &changes)
        } else {
            gate::could_not_run(Gate::Full, Some(task.clone()), validated.problems)
        };
        outcome.validation = validated.steps;
    }
    if outcome.result.verdict() == Verdict::Pass {
        // The next task begins on exactly this content: the same command on the same bytes need not run again (B7).
        for (key, (_, _, report, _, _)) in after.iter().zip(&judged) {
            write_baseline(context, key, report)?;
        }
    }
    outcome.runs = judged
        .into_iter()
        .map(|(name, _, report, _, _)| (name, report))
        .collect();
    Ok(outcome)
}

/// Validates the application; what fails is tried on the base, too, where it may not have been built yet.
fn validate_against_base(
    context: &Context,
    setting: &Setting,
    configured: &Configured,
    candidate: &Snapshot,
    base: &Snapshot,
) -> Result<Validated, Failure> {
    let mut validated = validate(context, setting, configured, candidate, "validate")?;
    if validated.problems.is_empty() && validated.steps.iter().any(|step| !step.held()) {
        let before = validate(context, setting, configured, base, "validate-base")?;
        for step in validated.steps.iter_mut().filter(|step| !step.held()) {
            // A step that the base did not come to, because it ended earlier, did not hold there either.
            step.held_on_base = before.problems.is_empty().then(|| {
                before
                    .steps
                    .iter()
                    .any(|other| other.name == step.name && other.held())
            });
        }
    }
    Ok(validated)
}

fn suites(setting: &Setting, runners: &[Box<dyn Runner>]) -> Vec<Suite> {
    let name_of = |runner: &dyn Runner| {
        runner
            .settings()
            .name
            .as_ref()
            .map_or_else(|| "suite".to_owned(), ToString::to_string)
    };
    if setting.config.suites.is_empty() {
        return runners
            .iter()
            .enumerate()
            .map(|(index, runner)| Suite {
                name: name_of(runner.as_ref()),
                runner: index,
                paths: Vec::new(),
                uses: Vec::new(),
            })
            .collect();
    }
    let mut out = Vec::new();
    for (name, suite) in &setting.config.suites {
        for (index, runner) in runners.iter().enumerate() {
            let own = runner.settings().name.as_ref().map(ToString::to_string);
            if suite.runner.is_none() || suite.runner == own {
                out.push(Suite {
                    name: name.clone(),
                    runner: index,
                    paths: suite.paths.clone(),
                    uses: suite.uses.clone(),
                });
            }
        }
    }
    out
}

fn selection(suite: &Suite, setting: &Setting, tree: &Snapshot) -> Selection {
    if suite.paths.is_empty() {
        return Selection::All;
    }
    let item_rules = setting.item_rules();
    let globs = redgreen_host::path_rules::PathRules::new(&suite.paths, &[], &[]);
    let files: Vec<RelPath> = tree
        .files()
        .keys()
        .filter(|path| item_rules.can_hold(path))
        .filter(|path| {
            globs
                .as_ref()
                .is_ok_and(|rules| rules.class(path) == redgreen_host::path_rules::PathClass::Test)
        })
        .cloned()
        .collect();
    Selection::Files(files)
}

/// Cases that fail now, passed on the base and are not locked.
fn suspects(
    base: Option<&RunReport>,
    candidate: &RunReport,
    request: &GreenRequest<'_>,
) -> Vec<CaseId> {
    let Some(base) = base else { return Vec::new() };
    candidate
        .cases
        .iter()
        .filter(|case| {
            matches!(
                case.outcome,
                Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed
            )
        })
        .filter(|case| {
            base.cases
                .iter()
                .any(|before| before.id == case.id && before.outcome == Outcome::Passed)
        })
        .filter(|case| {
            !request
                .lock
                .record
                .tests
                .iter()
                .any(|test| test.item == case.id.item)
        })
        .map(|case| case.id.clone())
        .collect()
}

fn baseline_key(
    base_tree: &str,
    environments: &Environments,
    runner: &dyn Runner,
    suite: &Suite,
) -> Digest {
    let text = format!(
        "baseline/1\0{base_tree}\0{}\0{:?}\0{}\0{:?}",
        environments.digest(),
        runner.settings(),
        suite.name,
        suite.paths
    );
    Digest::of(text.as_bytes())
}

fn read_baseline(context: &Context, key: &Digest) -> Option<RunReport> {
    let bytes = std::fs::read(
        context
            .state
            .cache()
            .join("baseline")
            .join(format!("{}.json", key.hex())),
    )
    .ok()?;
    serde_json::from_slice(redgreen_host::state::unsealed(&bytes)?).ok()
}

fn write_baseline(context: &Context, key: &Digest, report: &RunReport) -> Result<(), Failure> {
    if !report.problems.is_empty() {
        return Ok(());
    }
    let path = context
        .state
        .cache()
        .join("baseline")
        .join(format!("{}.json", key.hex()));
    let bytes = serde_json::to_vec(report).map_err(Failure::internal)?;
    redgreen_host::state::write_sealed(&path, &bytes).map_err(Failure::internal)
}
