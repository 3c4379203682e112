//! What history says of its tests: would they fail without the code they came with? (SPEC C9)
//!
//! A change is split into its tests and its source. The tests run on the source before the change and on the source of
//! the change; what both runs say together is judged here, test by test, and then for the change as a whole.

use crate::id::{CaseId, ItemId, RelPath};
use crate::outcome::{Cause, CauseClass, Outcome, words};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::{CaseReport, CauseDetail, LoadFailure, RunReport};
use crate::test_item::{Mark, TestItem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

words! {
    /// What a change did to a test.
    TestChange {
        Added = "added", "the test is new";
        Changed = "changed", "the text of the test differs";
        Moved = "moved", "the same test under another name or path";
        Beside = "beside", "its text is the same, and a helper, data file or snapshot beside it differs";
    }
}

words! {
    /// What both runs say of a test.
    AuditStatus {
        Bites = "bites", "it fails without the change and passes with it";
        DoesNotBite = "does_not_bite", "it passes without the change, too";
        FailsWithIt = "fails_with_it", "it fails with the change";
        Flaky = "flaky", "the same bytes gave different outcomes";
        Skipped = "skipped", "it does not count: skipped, or expected to fail";
        TestsOnly = "tests_only", "it passes, and no source came with it that it could need";
        CouldNotRun = "could_not_run", "it could not be run, for a reason that is named";
    }
}

words! {
    /// What is said of a change as a whole.
    ChangeVerdict {
        Bites = "bites", "at least one test fails without the change and passes with it, and none fails";
        DoesNotBite = "does_not_bite", "source changed, and none of the tests that came with it fails without it";
        FailsWithIt = "fails_with_it", "a test that was added or changed fails with the change";
        Flaky = "flaky", "the tests that could decide differ between runs of the same bytes";
        CouldNotRun = "could_not_run", "the tests that could decide could not be run";
        NoTest = "no_test", "source changed, and no test came with it";
        TestsOnly = "tests_only", "only tests changed";
        NoCode = "no_code", "neither tests nor source changed";
    }
}

/// A test that a change touched.
#[derive(Debug, Clone)]
pub struct Touched<'a> {
    /// The item as it is after the change.
    pub item: &'a TestItem,
    /// What the change did to it.
    pub change: TestChange,
}

/// What the tests of a change are judged on.
#[derive(Debug)]
pub struct AuditInput<'a> {
    /// The tests.
    pub touched: &'a [Touched<'a>],
    /// Whether source changed, beyond white space and comments.
    pub source_changed: bool,
    /// The tests on the source before the change; `None` where no source changed, or nothing could be run there.
    pub without: Option<&'a RunReport>,
    /// What failed without the change, once more on the same bytes.
    pub without_again: Option<&'a RunReport>,
    /// The tests on the source of the change.
    pub with: Option<&'a RunReport>,
    /// What failed with the change, once more on the same bytes.
    pub with_again: Option<&'a RunReport>,
    /// New files that nothing reaches before the change.
    pub unreachable: &'a BTreeMap<RelPath, CauseDetail>,
}

/// One judged test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAudit {
    /// The test.
    pub test: ItemId,
    /// What the change did to it.
    pub change: TestChange,
    /// What both runs say.
    pub status: AuditStatus,
    /// The line it starts at after the change, from 1.
    pub line: u32,
    /// Why it fails without the change (bites), or why it fails or could not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseDetail>,
    /// The reason with its fix where it could not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The runner's message without the change, capped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub without: String,
    /// The runner's message with the change, capped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub with: String,
}

/// What one run says of an item.
#[derive(Debug, Clone)]
enum Seen<'a> {
    Passed,
    /// Every case was skipped, expected to fail, or is still to be written.
    DoesNotCount(&'a CaseReport),
    Failed(Vec<&'a CaseReport>),
    NotLoaded(&'a LoadFailure),
    Unreachable(&'a CauseDetail),
    Problem(&'a Reason),
    Nothing,
}

fn seen<'a>(
    run: &'a RunReport,
    item: &TestItem,
    unreachable: Option<&'a BTreeMap<RelPath, CauseDetail>>,
) -> Seen<'a> {
    let cases: Vec<&CaseReport> = run
        .cases
        .iter()
        .filter(|case| case.id.item == item.id)
        .collect();
    if let Some(first) = cases.first() {
        let failed: Vec<&CaseReport> = cases
            .iter()
            .copied()
            .filter(|case| case.outcome.falls_short())
            .collect();
        return if !failed.is_empty() {
            Seen::Failed(failed)
        } else if cases
            .iter()
            .any(|case| matches!(case.outcome, Outcome::Passed | Outcome::Xpassed))
        {
            Seen::Passed
        } else {
            Seen::DoesNotCount(first)
        };
    }
    if let Some(failure) = run
        .load_failures
        .iter()
        .find(|failure| failure.files.contains(&item.id.path))
    {
        return Seen::NotLoaded(failure);
    }
    if let Some(cause) = unreachable.and_then(|files| files.get(&item.id.path)) {
        return Seen::Unreachable(cause);
    }
    run.problems.first().map_or(Seen::Nothing, Seen::Problem)
}

/// Judges every touched test.
#[must_use]
pub fn judge(input: &AuditInput<'_>) -> Vec<TestAudit> {
    input
        .touched
        .iter()
        .map(|touched| one(input, touched))
        // A test whose own text is the same says something only where something happened to it.
        .filter(|test| {
            test.change != TestChange::Beside
                || matches!(
                    test.status,
                    AuditStatus::Bites | AuditStatus::FailsWithIt | AuditStatus::Flaky
                )
        })
        .collect()
}

fn one(input: &AuditInput<'_>, touched: &Touched<'_>) -> TestAudit {
    let item = touched.item;
    let mut test = TestAudit {
        test: item.id.clone(),
        change: touched.change,
        status: AuditStatus::CouldNotRun,
        line: item.line,
        cause: None,
        reason: None,
        without: String::new(),
        with: String::new(),
    };
    let Some(with) = input.with else {
        test.reason = Some(not_there(item));
        return test;
    };
    let with_seen = seen(with, item, None);
    match &with_seen {
        Seen::Passed => {}
        Seen::DoesNotCount(case) => {
            test.status = AuditStatus::Skipped;
            test.with = case.message.clone();
            return test;
        }
        Seen::Failed(cases) => {
            fails_with(input, &mut test, item, cases);
            return test;
        }
        Seen::NotLoaded(failure) => {
            not_loaded_with(&mut test, item, failure);
            return test;
        }
        Seen::Unreachable(_) | Seen::Nothing => {
            test.reason = Some(not_there(item));
            return test;
        }
        Seen::Problem(reason) => {
            test.reason = Some((*reason).clone());
            return test;
        }
    }
    if !input.source_changed {
        test.status = AuditStatus::TestsOnly;
        return test;
    }
    let Some(without) = input.without else {
        // Nothing but files that nobody reaches before the change.
        if let Some(cause) = input.unreachable.get(&item.id.path) {
            test.status = AuditStatus::Bites;
            test.without.clone_from(&cause.detail);
            test.cause = Some(cause.clone());
        } else {
            test.reason = Some(not_there(item));
        }
        return test;
    };
    match seen(without, item, Some(input.unreachable)) {
        Seen::Passed => test.status = AuditStatus::DoesNotBite,
        Seen::DoesNotCount(case) => {
            test.without = case.message.clone();
            test.reason = Some(
                Reason::new(
                    ReasonCode::TestSkipped,
                    "it is skipped without the change, so it cannot be told whether it would fail",
                    "nothing to do where the condition of the skip belongs to the change",
                )
                .at(item.id.path.clone())
                .line(item.line)
                .test(&item.id),
            );
        }
        Seen::Failed(cases) => {
            let other = input
                .without_again
                .is_some_and(|again| differs(again, &cases));
            test.status = if other {
                AuditStatus::Flaky
            } else {
                AuditStatus::Bites
            };
            if let Some(case) = cases.first() {
                test.cause.clone_from(&case.cause);
                test.without.clone_from(&case.message);
            }
        }
        Seen::NotLoaded(failure) => {
            test.status = AuditStatus::Bites;
            let own = failure
                .causes
                .iter()
                .find(|located| {
                    located.file.as_ref() == Some(&item.id.path)
                        && located
                            .line
                            .is_some_and(|line| (item.line..=item.end_line).contains(&line))
                })
                .or_else(|| failure.causes.first());
            if let Some(located) = own {
                test.cause = Some(located.cause.clone());
                test.without.clone_from(&located.message);
            }
        }
        Seen::Unreachable(cause) => {
            test.status = AuditStatus::Bites;
            test.cause = Some(cause.clone());
            test.without.clone_from(&cause.detail);
        }
        Seen::Problem(reason) => test.reason = Some(reason.clone()),
        Seen::Nothing => test.reason = Some(not_there(item)),
    }
    test
}

/// Whether one of these failures did not fail again. A case that the second run does not know says nothing.
fn differs(again: &RunReport, failed: &[&CaseReport]) -> bool {
    let outcomes: BTreeMap<&CaseId, Outcome> = again
        .cases
        .iter()
        .map(|case| (&case.id, case.outcome))
        .collect();
    again.problems.is_empty()
        && failed.iter().any(|case| {
            outcomes
                .get(&case.id)
                .is_some_and(|outcome| !outcome.falls_short())
        })
}

fn fails_with(
    input: &AuditInput<'_>,
    test: &mut TestAudit,
    item: &TestItem,
    cases: &[&CaseReport],
) {
    let Some(case) = cases.first() else { return };
    test.cause.clone_from(&case.cause);
    test.with.clone_from(&case.message);
    if input.with_again.is_some_and(|again| differs(again, cases)) {
        test.status = AuditStatus::Flaky;
        return;
    }
    match case.cause.as_ref().filter(|cause| is_surrounding(cause)) {
        Some(cause) => {
            test.reason = Some(
                surrounding(cause)
                    .at(item.id.path.clone())
                    .line(case.line.unwrap_or(item.line))
                    .test(&item.id),
            );
        }
        None => test.status = AuditStatus::FailsWithIt,
    }
}

fn not_loaded_with(test: &mut TestAudit, item: &TestItem, failure: &LoadFailure) {
    let Some(located) = failure
        .causes
        .iter()
        .find(|located| is_surrounding(&located.cause))
        .or_else(|| failure.causes.first())
    else {
        test.reason = Some(not_there(item));
        return;
    };
    test.cause = Some(located.cause.clone());
    test.with.clone_from(&located.message);
    if is_surrounding(&located.cause) {
        test.reason = Some(
            surrounding(&located.cause)
                .at(item.id.path.clone())
                .test(&item.id),
        );
    } else {
        test.status = AuditStatus::FailsWithIt;
    }
}

/// Whether a failure with the change is one of the place where it is run: the change passed somewhere, once.
fn is_surrounding(cause: &CauseDetail) -> bool {
    match cause.cause {
        Cause::MissingDependency
        | Cause::MissingFixture
        | Cause::WrongForeignSymbol
        | Cause::SetupFailed
        | Cause::SyntaxError
        | Cause::MissingPlugin
        | Cause::Environment
        | Cause::BrokenBase
        | Cause::Timeout
        | Cause::Crash => true,
        Cause::Assertion
        | Cause::MissingSymbol
        | Cause::Signature
        | Cause::NotImplemented
        | Cause::RaisedInSource
        | Cause::UndefinedName
        | Cause::WrongImport
        | Cause::AlwaysFails
        | Cause::DoesNotCompile
        | Cause::RaisedInTest
        | Cause::SimilarName
        | Cause::TypeMismatch
        | Cause::Unknown => false,
    }
}

/// What to do about an environment that does not fit.
fn surrounding(cause: &CauseDetail) -> Reason {
    let (code, help) = match cause.cause {
        Cause::MissingDependency | Cause::WrongForeignSymbol => (
            ReasonCode::EnvironmentFault,
            "install what this commit needs into the project's environment (its lock file or test requirements), then audit it again".to_owned(),
        ),
        Cause::MissingFixture | Cause::MissingPlugin => (
            ReasonCode::MissingPlugin,
            "install the test plugins of this commit into the project's environment, then audit it again".to_owned(),
        ),
        Cause::SyntaxError => (
            ReasonCode::EnvironmentFault,
            "the commit may need another version of the language: make the environment with the one it names, then audit it again".to_owned(),
        ),
        Cause::Timeout => (
            ReasonCode::TimedOut,
            "raise `timeout` of the runner in redgreen.toml, or audit it on a quieter machine".to_owned(),
        ),
        _ => (
            ReasonCode::EnvironmentFault,
            "start or install what the tests of this commit need, then audit it again".to_owned(),
        ),
    };
    Reason::new(code, cause.detail.clone(), help)
}

fn not_there(item: &TestItem) -> Reason {
    let (message, help) = if item.marks.contains(&Mark::Skip) {
        (
            "it is in the file, and the runner did not report it",
            "look at the condition of its skip",
        )
    } else {
        (
            "it is in the file, and the runner did not collect it",
            "check its name, its class, features and platforms, and the runner's configuration",
        )
    };
    Reason::new(ReasonCode::TestNotCollected, message, help)
        .at(item.id.path.clone())
        .line(item.line)
        .test(&item.id)
}

/// Judges a change as a whole by its tests.
#[must_use]
pub fn verdict(tests: &[TestAudit], source_changed: bool, tests_changed: bool) -> ChangeVerdict {
    let any = |status: AuditStatus| tests.iter().any(|test| test.status == status);
    if any(AuditStatus::FailsWithIt) {
        ChangeVerdict::FailsWithIt
    } else if !source_changed {
        if any(AuditStatus::Flaky) {
            ChangeVerdict::Flaky
        } else if tests_changed || !tests.is_empty() {
            ChangeVerdict::TestsOnly
        } else {
            ChangeVerdict::NoCode
        }
    } else if any(AuditStatus::Bites) {
        ChangeVerdict::Bites
    } else if any(AuditStatus::Flaky) {
        ChangeVerdict::Flaky
    } else if any(AuditStatus::CouldNotRun) {
        ChangeVerdict::CouldNotRun
    } else if any(AuditStatus::DoesNotBite) {
        ChangeVerdict::DoesNotBite
    } else {
        ChangeVerdict::NoTest
    }
}

/// Whether a cause says by itself that behaviour was missing, so that running it once more would say nothing new.
#[must_use]
pub fn is_certain(cause: Option<&CauseDetail>) -> bool {
    cause.is_some_and(|cause| {
        cause.cause.class() == CauseClass::Right
            && matches!(
                cause.cause,
                Cause::MissingSymbol | Cause::Signature | Cause::NotImplemented
            )
    })
}

#[cfg(test)]
mod tests;
