//! GREEN: exactly the locked tests ran in a clean copy, and every one passed (SPEC B5).

use super::scope::{Change, ChangeClass};
use super::{Control, Findings, Gate, GateResult, TestVerdict};
use crate::id::{ItemId, TaskId};
use crate::outcome::{Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::{CaseReport, RunReport};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A test as the lock holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedTest {
    /// The item.
    pub item: ItemId,
    /// Required, guard, hidden, or collateral (blocked at RED: must pass again).
    pub role: Role,
    /// The case suffixes collected at RED; empty when none could be.
    pub cases: BTreeSet<String>,
}

/// Everything GREEN is judged on.
#[derive(Debug)]
pub struct GreenInput<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// What the lock expects.
    pub expected: &'a [ExpectedTest],
    /// The locked tests on the candidate, in a tree the referee built. `None` when the candidate has no change at all.
    pub run: &'a RunReport,
    /// Changes outside the implementer's paths.
    pub changes: &'a [Change],
    /// Cases (ids) that failed on the base too, with the same command, in the same environment (B8). Never locked
    /// tests of this task.
    pub failing_on_base: &'a BTreeSet<String>,
    /// Tests the implementer added inside source files: listed, never evidence.
    pub tests_in_source: &'a [ItemId],
    /// Controls that were run, each already judged by the host's numbers.
    pub controls: &'a [Control],
    /// Reasons found by controls (a control that shows that the result is empty).
    pub control_failures: &'a [Reason],
    /// Criteria without a controlled test, where the policy asks for one: not decided.
    pub control_refusals: &'a [Reason],
    /// Held-out tests that do not pass, by criterion and cause only.
    pub hidden_failures: &'a [Reason],
    /// What controls say beside that: tests without a control, named.
    pub no_control: &'a [Reason],
    /// How the environment differs from the one at lock; empty when it does not.
    pub environment_changes: &'a [Reason],
}

/// Judges GREEN.
#[must_use]
pub fn judge_green(input: &GreenInput<'_>) -> GateResult {
    let mut findings = Findings::default();
    let mut tests = Vec::new();
    findings.problems(input.run);
    for reason in input.environment_changes {
        findings.add(Verdict::Rejected, reason.clone());
    }
    for reason in input.control_failures {
        findings.add(Verdict::Rejected, reason.clone());
    }
    for reason in input.hidden_failures {
        findings.add(Verdict::Fail, reason.clone());
    }
    for reason in input.control_refusals {
        findings.add(Verdict::Inconclusive, reason.clone());
    }
    for reason in input.no_control {
        findings.note(reason.clone());
    }
    scope(input, &mut findings);
    let mut by_item: BTreeMap<&ItemId, Vec<&CaseReport>> = BTreeMap::new();
    for case in &input.run.cases {
        by_item.entry(&case.id.item).or_default().push(case);
    }
    for expected in input.expected {
        let cases = by_item.remove(&expected.item).unwrap_or_default();
        expected_test(expected, &cases, input, &mut findings, &mut tests);
    }
    for (item, cases) in by_item {
        if cases.iter().any(|case| case.outcome != Outcome::NotRun) {
            findings.add(
                Verdict::CouldNotRun,
                Reason::new(
                    ReasonCode::UnexpectedTest,
                    format!("`{item}` ran and is not locked"),
                    "only the locked tests may run at GREEN; look at the runner's configuration",
                )
                .at(item.path.clone())
                .test(item),
            );
        }
    }
    let failed = tests
        .iter()
        .any(|test: &TestVerdict| test.outcome != Outcome::Passed);
    let accepted = input
        .run
        .cases
        .iter()
        .any(|case| input.failing_on_base.contains(&case.id.to_string()));
    if !failed && !input.run.ended_well() && !accepted && input.run.problems.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ExitCodeDisagrees,
                format!(
                    "every locked test is reported as passed, and the runner ended with {:?}",
                    input.run.ended
                ),
                "look at the runner's output (-v)",
            ),
        );
    }
    if input.expected.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ZeroTests,
                "the lock holds no test",
                "lock tests first: redgreen red, redgreen lock",
            ),
        );
    }
    for item in input.tests_in_source {
        findings.note(
            Reason::new(
                ReasonCode::TestsInSource,
                format!("`{item}` was added with the implementation; it runs at full validation and is no evidence"),
                "nothing to do",
            )
            .at(item.path.clone())
            .test(item),
        );
    }
    findings.finish(
        Gate::Green,
        Some(input.task.clone()),
        tests,
        input.controls.to_vec(),
    )
}

fn scope(input: &GreenInput<'_>, findings: &mut Findings) {
    for change in input.changes {
        let mut reason = Reason::new(
            change.code,
            change.message.clone(),
            scope_help(change, input.task),
        )
        .at(change.path.clone())
        .line(change.line.unwrap_or(0));
        reason.diff.clone_from(&change.diff);
        match change.class {
            ChangeClass::LeftOut => findings.note(reason),
            ChangeClass::OutOfScope => findings.add(Verdict::Fail, reason),
            ChangeClass::Rejected => findings.add(Verdict::Rejected, reason),
        }
    }
}

fn scope_help(change: &Change, task: &TaskId) -> String {
    match change.class {
        ChangeClass::LeftOut => "nothing to do".to_owned(),
        ChangeClass::OutOfScope => {
            "drop it, or declare its place: `[paths] source` in redgreen.toml, or `scope` in the plan (asks for approval)".to_owned()
        }
        ChangeClass::Rejected => format!(
            "it was not used. See it: redgreen locks diff {task}; put it back: redgreen locks restore {task}; \
             if it is right (a wrong test, a merge): redgreen amend {task} --reason '…'"
        ),
    }
}

fn expected_test(
    expected: &ExpectedTest,
    cases: &[&CaseReport],
    input: &GreenInput<'_>,
    findings: &mut Findings,
    tests: &mut Vec<TestVerdict>,
) {
    let item = &expected.item;
    let missing = |test: String| {
        Reason::new(
            ReasonCode::TestMissing,
            format!("the locked test `{test}` did not run"),
            "the implementation must let every locked test run; look at the runner's output (-v)",
        )
        .at(item.path.clone())
        .test(&test)
    };
    let load = input
        .run
        .load_failures
        .iter()
        .find(|failure| failure.files.contains(&item.path));
    if cases.is_empty() {
        let mut verdict = TestVerdict {
            id: item.to_string(),
            item: item.clone(),
            outcome: Outcome::NotRun,
            cause: None,
            role: expected.role,
            file: Some(item.path.clone()),
            line: None,
            message: String::new(),
            duration_ms: 0,
        };
        match load.and_then(|failure| failure.causes.first()) {
            Some(located) => {
                verdict.outcome = Outcome::Errored;
                verdict.cause = Some(located.cause.clone());
                verdict.message.clone_from(&located.message);
                let place = located.file.clone().unwrap_or_else(|| item.path.clone());
                let reason = Reason::new(
                    ReasonCode::TestFailed,
                    format!(
                        "`{}` still cannot load: {}",
                        item.item, located.cause.detail
                    ),
                    "see the message, change the source, run the gate again",
                )
                .at(place)
                .line(located.line.unwrap_or(0))
                .test(item);
                findings.add(Verdict::Fail, reason);
            }
            None => findings.add(Verdict::Fail, missing(item.to_string())),
        }
        tests.push(verdict);
        return;
    }
    for suffix in &expected.cases {
        if !cases.iter().any(|case| case.id.case == *suffix) {
            findings.add(Verdict::Fail, missing(format!("{item}{suffix}")));
        }
    }
    for case in cases {
        let verdict = TestVerdict::of(case, expected.role);
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed => {
                let detail = case
                    .cause
                    .as_ref()
                    .map_or_else(|| first_line(&case.message), |cause| cause.detail.clone());
                findings.add(
                    Verdict::Fail,
                    Reason::new(
                        ReasonCode::TestFailed,
                        format!("`{}` {}: {detail}", short(case), case.outcome),
                        "see the message, change the source, run the gate again",
                    )
                    .at(case.file.clone().unwrap_or_else(|| item.path.clone()))
                    .line(case.line.unwrap_or(0))
                    .test(&case.id),
                );
            }
            Outcome::Skipped | Outcome::Xfailed | Outcome::Xpassed | Outcome::Todo => findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::TestSkipped,
                    format!(
                        "the locked test `{}` is {} and must pass",
                        short(case),
                        case.outcome
                    ),
                    "find out what skips it: a mark, a condition or a hook in the source",
                )
                .at(item.path.clone())
                .line(case.line.unwrap_or(0))
                .test(&case.id),
            ),
            Outcome::NotRun | Outcome::Blocked => {
                findings.add(Verdict::Fail, missing(case.id.to_string()))
            }
        }
        tests.push(verdict);
    }
}

fn short(case: &CaseReport) -> String {
    format!("{}{}", case.id.item.item, case.id.case)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("no message").to_owned()
}
