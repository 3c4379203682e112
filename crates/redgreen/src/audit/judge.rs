//! Judges one change: no run that is not needed, none twice.

use super::findings;
use super::runs::Runner;
use super::split::{Split, split};
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting};
use redgreen_core::audit::{
    AuditInput, AuditStatus, ChangeVerdict, TestAudit, Touched, is_certain, judge, verdict,
};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::RunReport;
use redgreen_formats::audit::{ChangeReport, Finding, TestLine};
use redgreen_host::runner::RunnerKind;
use redgreen_host::tree::Snapshot;
use std::collections::BTreeSet;

/// What is known of a change before its commits are named.
#[derive(Debug, Default)]
pub struct Judged {
    /// The tests.
    pub tests: Vec<TestAudit>,
    /// What was seen without running.
    pub findings: Vec<Finding>,
    /// Source files that changed.
    pub source: Vec<RelPath>,
    /// Whether tests changed.
    pub tests_changed: bool,
    /// Why nothing could be run.
    pub reason: Option<Reason>,
    /// How many commands of runners were started.
    pub commands: usize,
}

impl Judged {
    /// What is said of the change.
    #[must_use]
    pub fn verdict(&self) -> ChangeVerdict {
        if self.reason.is_some() {
            return ChangeVerdict::CouldNotRun;
        }
        verdict(&self.tests, !self.source.is_empty(), self.tests_changed)
    }
    /// The report of the change, still without its commits.
    #[must_use]
    pub fn report(self) -> ChangeReport {
        let verdict = self.verdict();
        let tests: Vec<TestLine> = self.tests.iter().map(TestLine::from).collect();
        ChangeReport {
            commits: Vec::new(),
            base: String::new(),
            verdict,
            claim: claim(verdict, &self),
            tests,
            findings: self.findings,
            source: self.source,
            reason: self.reason,
            commands: self.commands,
            remembered: false,
            duration_ms: 0,
        }
    }
}

/// What exactly is claimed.
fn claim(verdict: ChangeVerdict, judged: &Judged) -> String {
    let count = |status: AuditStatus| {
        judged
            .tests
            .iter()
            .filter(|test| test.status == status)
            .count()
    };
    let bites = count(AuditStatus::Bites);
    let passes = count(AuditStatus::DoesNotBite);
    let source = match judged.source.as_slice() {
        [] => "no source".to_owned(),
        [only] => format!("`{only}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
    };
    match verdict {
        ChangeVerdict::Bites if passes == 0 => {
            format!(
                "{} without the change and {} with it",
                fails(bites),
                passes_word(bites)
            )
        }
        ChangeVerdict::Bites => format!(
            "{} without the change and {} with it; {} without it, too",
            fails(bites),
            passes_word(bites),
            if passes == 1 {
                "1 test passes".to_owned()
            } else {
                format!("{passes} tests pass")
            }
        ),
        ChangeVerdict::DoesNotBite => format!(
            "{source} changed, and every test that came with it passes without the change, too ({passes})"
        ),
        ChangeVerdict::FailsWithIt => {
            let failing = count(AuditStatus::FailsWithIt);
            format!("{} with the change", fails(failing))
        }
        ChangeVerdict::Flaky => {
            "the tests that could decide gave different outcomes on the same bytes".to_owned()
        }
        ChangeVerdict::CouldNotRun => judged
            .reason
            .as_ref()
            .or_else(|| judged.tests.iter().find_map(|test| test.reason.as_ref()))
            .map_or_else(String::new, |reason| reason.message.clone()),
        ChangeVerdict::NoTest if judged.tests_changed => format!(
            "{source} changed, and no test that changed with it was seen to fail without it"
        ),
        ChangeVerdict::NoTest => format!(
            "{source} changed, and no test was added or changed with it; older tests were not run"
        ),
        ChangeVerdict::TestsOnly => "only tests changed".to_owned(),
        ChangeVerdict::NoCode => "neither tests nor source changed".to_owned(),
    }
}

fn passes_word(count: usize) -> &'static str {
    if count == 1 { "passes" } else { "pass" }
}

fn fails(count: usize) -> String {
    if count == 1 {
        "1 test fails".to_owned()
    } else {
        format!("{count} tests fail")
    }
}

/// Judges a change.
///
/// # Errors
/// A failure when an object cannot be read; everything else is part of the result.
pub fn judge_change(
    context: &Context,
    setting: &Setting,
    environments: &Environments,
    base: &Snapshot,
    head: &Snapshot,
) -> Result<Judged, Failure> {
    let split = split(context, setting, base, head)?;
    let mut judged = Judged {
        findings: findings::of_change(context, setting, base, head, &split)?,
        source: split.source.clone(),
        tests_changed: split.tests_changed(),
        ..Judged::default()
    };
    if split.touched.is_empty() {
        judged.reason = unknown_items(setting, &split);
        return Ok(judged);
    }
    let mut runner = Runner::new(context, setting, environments);
    let done = runs(&mut runner, &split, head, &mut judged);
    judged.commands = runner.commands;
    if let Err(reason) = done {
        judged.reason = Some(*reason);
    }
    Ok(judged)
}

/// Tests that changed and whose items nobody knows without running them: nothing is claimed of them.
fn unknown_items(setting: &Setting, split: &Split) -> Option<Reason> {
    let rules = setting.item_rules();
    let path = split
        .proposal
        .changed
        .iter()
        .map(|(path, _)| path)
        .find(|path| {
            rules
                .runner(path)
                .is_some_and(|runner| runner.kind == RunnerKind::Junit)
        })?;
    Some(
        Reason::new(
            ReasonCode::TestNotCollected,
            "tests changed that are known only by the report of their command, and an audit does not judge those yet",
            "look at this change by hand: redgreen red, on its base",
        )
        .at(path.clone()),
    )
}

fn runs(
    runner: &mut Runner<'_>,
    split: &Split,
    head: &Snapshot,
    judged: &mut Judged,
) -> Result<(), Box<Reason>> {
    let ids: BTreeSet<ItemId> = split
        .touched
        .iter()
        .map(|(item, _)| item.id.clone())
        .collect();
    let source_changed = !split.source.is_empty();
    let with = runner.run(head, "with", &ids, &split.items)?;
    let mut without = None;
    if source_changed {
        let reachable: BTreeSet<ItemId> = ids
            .iter()
            .filter(|id| {
                split.without.get(&id.path).is_some()
                    && !split.proposal.unreachable.contains_key(&id.path)
            })
            .cloned()
            .collect();
        if !reachable.is_empty() {
            let first = runner.run(&split.without, "without", &reachable, &split.items);
            without = Some(match (first, &split.tests_alone) {
                // Manifests of the change may name what only the change has.
                (result, Some(alone)) if is_broken(&result) => {
                    let again = runner.run(alone, "without-2", &reachable, &split.items);
                    if is_broken(&again) { result? } else { again? }
                }
                (result, _) => result?,
            });
        }
    }
    let touched: Vec<Touched<'_>> = split
        .touched
        .iter()
        .map(|(item, change)| Touched {
            item,
            change: *change,
        })
        .collect();
    let mut input = AuditInput {
        touched: &touched,
        source_changed,
        without: without.as_ref(),
        without_again: None,
        with: Some(&with),
        with_again: None,
        unreachable: &split.unreachable,
    };
    judged.tests = judge(&input);
    // What a single run says of a failure that could be chance is asked once more, on the same bytes.
    let doubtful = |status: AuditStatus, run: Option<&RunReport>| -> BTreeSet<ItemId> {
        judged
            .tests
            .iter()
            .filter(|test| {
                test.status == status
                    && !is_certain(test.cause.as_ref())
                    && run.is_some_and(|run| ran_and_failed(run, &test.test))
            })
            .map(|test| test.test.clone())
            .collect()
    };
    let bites = doubtful(AuditStatus::Bites, without.as_ref());
    let fails = doubtful(AuditStatus::FailsWithIt, Some(&with));
    let without_again = if bites.is_empty() {
        None
    } else {
        runner.again("without", &bites, &split.items)?
    };
    let with_again = if fails.is_empty() {
        None
    } else {
        runner.again("with", &fails, &split.items)?
    };
    if without_again.is_some() || with_again.is_some() {
        input.without_again = without_again.as_ref();
        input.with_again = with_again.as_ref();
        judged.tests = judge(&input);
    }
    Ok(())
}

fn ran_and_failed(run: &RunReport, item: &ItemId) -> bool {
    run.cases
        .iter()
        .any(|case| case.id.item == *item && case.outcome != Outcome::Passed)
}

/// Whether a run says nothing of the tests, because the tree around them does not build or load.
fn is_broken(result: &Result<RunReport, Box<Reason>>) -> bool {
    match result {
        Err(_) => true,
        Ok(run) => {
            run.cases.is_empty()
                && run.load_failures.is_empty()
                && run
                    .problems
                    .iter()
                    .any(|problem| problem.code != ReasonCode::ZeroTests)
        }
    }
}
