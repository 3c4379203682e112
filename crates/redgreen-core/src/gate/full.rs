//! FULL: the whole suite, the lock and every configured check (SPEC B6, B7, B8).

use super::green::ExpectedTest;
use super::validation::{StepRun, control, judge_steps};
use super::{Change, ChangeClass, Findings, Gate, GateResult, TestVerdict};
use crate::id::{CaseId, TaskId};
use crate::outcome::{Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::{CaseReport, Ended, RunReport};
use std::collections::{BTreeMap, BTreeSet};

/// One suite (category or runner), on the base and on the candidate.
#[derive(Debug)]
pub struct SuiteRun<'a> {
    /// `unit`, `integration`, or the runner's name.
    pub name: &'a str,
    /// On the base, in the same environment, with the same command; `None` where the base has no such suite.
    pub base: Option<&'a RunReport>,
    /// On the candidate.
    pub candidate: &'a RunReport,
    /// Cases that differed between runs of the base (B8: flaky on base).
    pub flaky_on_base: BTreeSet<CaseId>,
    /// Cases that differed between runs of the candidate and not between runs of the base.
    pub flaky_here: BTreeSet<CaseId>,
    /// Services that it must use and did not reach, by the servers' own counters (SPEC D4).
    pub unused: Vec<String>,
}

/// One command of the ladder: lint, format, types, build, or a custom check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// The exact command.
    pub command: Vec<String>,
    /// How it ended.
    pub ended: Ended,
    /// Which tool it was: the real program and the digest of its bytes; empty where it was not found.
    pub version: String,
    /// The last lines it printed.
    pub tail: Vec<String>,
    /// What makes it a success, such as "exit code 0".
    pub success: String,
    /// Whether the criterion holds, as the host established from exit code and output.
    pub succeeded: bool,
    /// The command does not exist.
    pub not_found: bool,
    /// Whether it succeeded on the base. A check that already failed there is not held against the task when it fails
    /// in the same way; `None` when it was not run on the base.
    pub succeeded_on_base: Option<bool>,
    /// Nobody asked for it by name: the project's own files did. A missing tool or a limit is only said.
    pub optional: bool,
    /// The command that repairs what it finds.
    pub fix: Option<Vec<String>>,
}

/// Everything FULL is judged on.
#[derive(Debug)]
pub struct FullInput<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// The suites.
    pub suites: &'a [SuiteRun<'a>],
    /// What the lock expects.
    pub expected: &'a [ExpectedTest],
    /// Changes to what is locked.
    pub changes: &'a [Change],
    /// The ladder.
    pub checks: &'a [CheckRun],
    /// Old tests (item ids) that the task replaces.
    pub supersedes: &'a BTreeSet<String>,
    /// What the real application was asked to do; empty where nothing is declared.
    pub validation: &'a [StepRun],
    /// How the environment differs from the one at lock; empty when it does not.
    pub environment_changes: &'a [Reason],
}

/// Judges FULL.
#[must_use]
pub fn judge_full(input: &FullInput<'_>) -> GateResult {
    let mut findings = Findings::default();
    let mut tests = Vec::new();
    for reason in input.environment_changes {
        findings.add(Verdict::Rejected, reason.clone());
    }
    for change in input.changes {
        let mut reason = Reason::new(
            change.code,
            change.message.clone(),
            format!("redgreen locks diff {}", input.task),
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
    if input.suites.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ZeroTests,
                "no suite is configured",
                "name a runner in redgreen.toml: redgreen init",
            ),
        );
    }
    for suite in input.suites {
        judge_suite(suite, input, &mut findings, &mut tests);
    }
    locked_tests_ran(input, &mut findings);
    for check in input.checks {
        judge_check(check, &mut findings);
    }
    judge_steps(input.validation, &mut findings);
    let application = control(input.validation).into_iter().collect();
    findings.finish(Gate::Full, Some(input.task.clone()), tests, application)
}

fn judge_suite(
    suite: &SuiteRun<'_>,
    input: &FullInput<'_>,
    findings: &mut Findings,
    tests: &mut Vec<TestVerdict>,
) {
    findings.problems(suite.candidate);
    for service in &suite.unused {
        findings.add(
            Verdict::Fail,
            Reason::new(
                ReasonCode::ServiceUnused,
                format!(
                    "the suite `{}` never reached the service `{service}`: the server counted nothing",
                    suite.name
                ),
                format!(
                    "let its tests use the address they are given, or take `{service}` out of `[suites.{}] uses`",
                    suite.name
                ),
            ),
        );
    }
    let base: BTreeMap<&CaseId, &CaseReport> = suite
        .base
        .iter()
        .flat_map(|run| &run.cases)
        .map(|case| (&case.id, case))
        .collect();
    let mut failures = 0usize;
    for case in &suite.candidate.cases {
        let expected = input
            .expected
            .iter()
            .find(|expected| expected.item == case.id.item);
        let role = expected.map_or(Role::Collateral, |expected| expected.role);
        tests.push(TestVerdict::of(case, role));
        let before = base.get(&case.id);
        if !case.outcome.falls_short() {
            skipped(case, expected, before.copied(), suite, input, findings);
            continue;
        }
        failures += 1;
        if suite.flaky_on_base.contains(&case.id) && expected.is_none() {
            findings.note(
                Reason::new(
                    ReasonCode::FlakyOnBase,
                    format!(
                        "`{}` is {} here and differs between runs of the base",
                        case.id, case.outcome
                    ),
                    "repair it in a task of its own",
                )
                .at(case.id.item.path.clone())
                .test(&case.id),
            );
        } else if suite.flaky_here.contains(&case.id) && expected.is_none() {
            findings.add(
                Verdict::Flaky,
                Reason::new(
                    ReasonCode::Flaky,
                    format!(
                        "`{}` is {} and then passes on the same bytes; on the base it passed each time",
                        case.id, case.outcome
                    ),
                    "look whether the new code made it depend on time, order or chance; then run the gate again",
                )
                .at(case.id.item.path.clone())
                .test(&case.id),
            );
        } else if expected.is_some() || before.is_none_or(|before| !before.outcome.falls_short()) {
            findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::SuiteFailed,
                    format!(
                        "`{}` is {}{}",
                        case.id,
                        case.outcome,
                        if before.is_some() {
                            " and passed before the task"
                        } else {
                            ""
                        }
                    ),
                    "change the source so that the whole suite passes",
                )
                .at(case
                    .file
                    .clone()
                    .unwrap_or_else(|| case.id.item.path.clone()))
                .line(case.line.unwrap_or(0))
                .test(&case.id),
            );
        }
    }
    load_failures(suite, input, findings, &mut failures);
    let present: BTreeSet<&CaseId> = suite.candidate.cases.iter().map(|case| &case.id).collect();
    for (id, case) in base {
        if case.outcome == Outcome::Passed
            && !present.contains(id)
            && !input.supersedes.contains(&id.item.to_string())
            && !suite.flaky_on_base.contains(id)
            && !suite
                .candidate
                .load_failures
                .iter()
                .any(|failure| failure.files.contains(&id.item.path))
            && !suite
                .candidate
                .cases
                .iter()
                .any(|now| now.id.item == id.item && !id.case.is_empty())
        {
            findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::TestMissing,
                    format!("`{id}` passed before the task and does not run any more"),
                    "put it back, or name it in the task's `supersedes`",
                )
                .at(id.item.path.clone())
                .test(id),
            );
        }
    }
    if failures == 0 && !suite.candidate.ended_well() && suite.candidate.problems.is_empty() {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ExitCodeDisagrees,
                format!(
                    "the suite `{}` reports no failure and ended with {:?}",
                    suite.name, suite.candidate.ended
                ),
                "look at the runner's output (-v)",
            ),
        );
    }
    // The evidence gate: cases that were recounted from a report are believed only beside the runner's own line.
    if !suite.candidate.cases.is_empty()
        && suite.candidate.problems.is_empty()
        && (suite.candidate.pass_line.is_none() || suite.candidate.tail.is_empty())
    {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::EvidenceMissing,
                format!(
                    "the suite `{}` printed no line that states its result",
                    suite.name
                ),
                "let the runner print its summary; remove options that silence it",
            ),
        );
    }
    if suite.candidate.cases.is_empty()
        && suite.candidate.load_failures.is_empty()
        && suite.candidate.problems.is_empty()
    {
        findings.add(
            Verdict::CouldNotRun,
            Reason::new(
                ReasonCode::ZeroTests,
                format!("the suite `{}` ran no test", suite.name),
                "check the runner's configuration",
            ),
        );
    }
}

/// A test that passed before the task, or that is locked, and is not run to its end any more: a way to hide a failure.
fn skipped(
    case: &CaseReport,
    expected: Option<&ExpectedTest>,
    before: Option<&CaseReport>,
    suite: &SuiteRun<'_>,
    input: &FullInput<'_>,
    findings: &mut Findings,
) {
    let passed_before = before.is_some_and(|before| before.outcome == Outcome::Passed)
        && !suite.flaky_on_base.contains(&case.id)
        && !input.supersedes.contains(&case.id.item.to_string());
    if case.outcome == Outcome::Passed || !(expected.is_some() || passed_before) {
        return;
    }
    findings.add(
        Verdict::Fail,
        Reason::new(
            ReasonCode::TestSkipped,
            format!(
                "`{}` is {}{}",
                case.id,
                case.outcome,
                if passed_before {
                    " and passed before the task"
                } else {
                    " and is locked"
                }
            ),
            "find out what skips it: a mark, a condition or a hook in the source",
        )
        .at(case.id.item.path.clone())
        .line(case.line.unwrap_or(0))
        .test(&case.id),
    );
}

fn load_failures(
    suite: &SuiteRun<'_>,
    input: &FullInput<'_>,
    findings: &mut Findings,
    failures: &mut usize,
) {
    for failure in &suite.candidate.load_failures {
        *failures += 1;
        let known = suite.base.is_some_and(|base| {
            base.load_failures
                .iter()
                .any(|before| before.files == failure.files)
        });
        // Nothing that the base could not load either excuses a locked test.
        let locked = input
            .expected
            .iter()
            .any(|expected| failure.files.contains(&expected.item.path));
        if known && !locked {
            continue;
        }
        let located = failure.causes.first();
        let what = located.map_or("nothing says why", |located| located.cause.detail.as_str());
        let mut reason = Reason::new(
            ReasonCode::SuiteFailed,
            format!(
                "{} cannot load: {what}",
                failure
                    .files
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            "change the source so that every test loads",
        );
        if let Some(file) = located
            .and_then(|located| located.file.clone())
            .or_else(|| failure.files.first().cloned())
        {
            reason = reason.at(file);
        }
        findings.add(
            Verdict::Fail,
            reason.line(located.and_then(|located| located.line).unwrap_or(0)),
        );
    }
}

fn locked_tests_ran(input: &FullInput<'_>, findings: &mut Findings) {
    let ran: BTreeSet<_> = input
        .suites
        .iter()
        .flat_map(|suite| &suite.candidate.cases)
        .map(|case| &case.id.item)
        .collect();
    let broken = input
        .suites
        .iter()
        .any(|suite| !suite.candidate.problems.is_empty());
    for expected in input.expected {
        let blocked_elsewhere = input.suites.iter().any(|suite| {
            suite
                .candidate
                .load_failures
                .iter()
                .any(|failure| failure.files.contains(&expected.item.path))
        });
        if !ran.contains(&expected.item) && !broken && !blocked_elsewhere {
            findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::TestMissing,
                    format!(
                        "the locked test `{}` is not part of the suite",
                        expected.item
                    ),
                    "let the suite's own command collect it",
                )
                .at(expected.item.path.clone())
                .test(&expected.item),
            );
        }
    }
}

/// A check without a tool, or that ended in a way no tool ends, could not run; one that failed on the base in the same
/// way is a note, because the task did not cause it.
fn judge_check(check: &CheckRun, findings: &mut Findings) {
    let place = |code, message: String, help: &str| Reason::new(code, message, help.to_owned());
    let limited = matches!(
        check.ended,
        Ended::TimedOut | Ended::IdledOut | Ended::OutputLimit | Ended::Interrupted
    );
    if check.optional && (check.not_found || limited) {
        let (code, what) = if check.not_found {
            (
                ReasonCode::CommandNotFound,
                "is configured and not installed",
            )
        } else {
            (ReasonCode::TimedOut, "did not end in time")
        };
        findings.note(place(
            code,
            format!("`{}` {what}, so it was not asked", check.name),
            "install it, or say `[ladder] detect = false` in redgreen.toml",
        ));
        return;
    }
    if check.not_found {
        findings.add(
            Verdict::CouldNotRun,
            place(
                ReasonCode::CommandNotFound,
                format!(
                    "check `{}`: command `{}` was not found",
                    check.name,
                    check.command.first().map_or("", String::as_str)
                ),
                "install the tool, or remove the check from redgreen.toml",
            ),
        );
        return;
    }
    match check.ended {
        Ended::TimedOut | Ended::IdledOut | Ended::OutputLimit | Ended::Interrupted => findings
            .add(
                Verdict::CouldNotRun,
                place(
                    ReasonCode::TimedOut,
                    format!(
                        "check `{}` ended by a limit ({:?})",
                        check.name, check.ended
                    ),
                    "raise its limit or make it faster",
                ),
            ),
        Ended::Code(_) | Ended::Signal(_) if check.succeeded => {}
        Ended::Code(_) | Ended::Signal(_) => {
            let text = format!(
                "check `{}` failed ({:?}): {}",
                check.name,
                check.ended,
                check.tail.last().map_or("", String::as_str)
            );
            if check.succeeded_on_base == Some(false) {
                findings.note(place(
                    ReasonCode::CheckFailed,
                    format!("{text}; it fails on the base too"),
                    "repair it in a task of its own",
                ));
            } else {
                findings.add(
                    Verdict::Fail,
                    place(
                        ReasonCode::CheckFailed,
                        text,
                        &match &check.fix {
                            Some(fix) => format!("run `{}`, then the gate again", fix.join(" ")),
                            None => "correct what it names, then run the gate again".to_owned(),
                        },
                    ),
                );
            }
        }
    }
}
