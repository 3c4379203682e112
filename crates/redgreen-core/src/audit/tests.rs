use super::*;
use crate::id::Digest;
use crate::run_report::{Ended, LocatedCause};
use std::collections::BTreeSet;

fn item(name: &str) -> TestItem {
    TestItem {
        id: ItemId::try_from(format!("tests/test_a.py::{name}")).expect("an id"),
        line: 3,
        end_line: 5,
        text: Digest::of(name.as_bytes()),
        marks: BTreeSet::new(),
    }
}

fn run(cases: &[(&str, Outcome, Option<Cause>)]) -> RunReport {
    RunReport {
        command: Vec::new(),
        ended: Ended::Code(0),
        cases: cases
            .iter()
            .map(|(name, outcome, cause)| CaseReport {
                id: CaseId::single(item(name).id),
                outcome: *outcome,
                cause: cause.map(|cause| CauseDetail {
                    cause,
                    detail: format!("{cause}"),
                    symbol: None,
                }),
                file: None,
                line: None,
                message: format!("{outcome}"),
                duration_ms: 0,
            })
            .collect(),
        load_failures: Vec::new(),
        problems: Vec::new(),
        pass_line: None,
        tail: Vec::new(),
        output: Digest::of(b""),
        duration_ms: 0,
    }
}

fn status(
    without: Option<&RunReport>,
    without_again: Option<&RunReport>,
    with: &RunReport,
    with_again: Option<&RunReport>,
) -> TestAudit {
    let item = item("test_x");
    let touched = [Touched {
        item: &item,
        change: TestChange::Added,
    }];
    let input = AuditInput {
        touched: &touched,
        source_changed: without.is_some(),
        without,
        without_again,
        with: Some(with),
        with_again,
        unreachable: &BTreeMap::new(),
    };
    judge(&input).remove(0)
}

#[test]
fn c9_both_runs_together_say_what_a_test_is_worth() {
    let passed = run(&[("test_x", Outcome::Passed, None)]);
    let failed = run(&[("test_x", Outcome::Failed, Some(Cause::Assertion))]);
    let skipped = run(&[("test_x", Outcome::Skipped, None)]);
    let nothing = run(&[]);
    let table = [
        (Some(&failed), None, &passed, None, AuditStatus::Bites),
        (
            Some(&failed),
            Some(&failed),
            &passed,
            None,
            AuditStatus::Bites,
        ),
        (
            Some(&failed),
            Some(&passed),
            &passed,
            None,
            AuditStatus::Flaky,
        ),
        (Some(&passed), None, &passed, None, AuditStatus::DoesNotBite),
        (None, None, &passed, None, AuditStatus::TestsOnly),
        (Some(&failed), None, &failed, None, AuditStatus::FailsWithIt),
        (
            Some(&failed),
            None,
            &failed,
            Some(&passed),
            AuditStatus::Flaky,
        ),
        (Some(&failed), None, &skipped, None, AuditStatus::Skipped),
        (
            Some(&skipped),
            None,
            &passed,
            None,
            AuditStatus::CouldNotRun,
        ),
        (
            Some(&nothing),
            None,
            &passed,
            None,
            AuditStatus::CouldNotRun,
        ),
        (
            Some(&failed),
            None,
            &nothing,
            None,
            AuditStatus::CouldNotRun,
        ),
    ];
    for (at, (without, without_again, with, with_again, wanted)) in table.into_iter().enumerate() {
        let test = status(without, without_again, with, with_again);
        assert_eq!(test.status, wanted, "row {at}: {test:?}");
        if test.status == AuditStatus::CouldNotRun {
            assert!(test.reason.is_some_and(|reason| !reason.help.is_empty()));
        }
    }
}

#[test]
fn c9_what_the_place_lacks_is_no_failure_of_the_change() {
    let passed = run(&[("test_x", Outcome::Passed, None)]);
    for cause in [
        Cause::MissingDependency,
        Cause::MissingPlugin,
        Cause::Environment,
        Cause::MissingFixture,
    ] {
        let with = run(&[("test_x", Outcome::Errored, Some(cause))]);
        let test = status(Some(&passed), None, &with, None);
        assert_eq!(test.status, AuditStatus::CouldNotRun, "{cause}");
        assert!(test.reason.is_some(), "{cause}");
    }
    let with = run(&[("test_x", Outcome::Failed, Some(Cause::RaisedInSource))]);
    assert_eq!(
        status(Some(&passed), None, &with, None).status,
        AuditStatus::FailsWithIt
    );
}

#[test]
fn c9_a_file_that_does_not_load_without_the_change_bites() {
    let passed = run(&[("test_x", Outcome::Passed, None)]);
    let mut without = run(&[]);
    let located = |line, detail: &str| LocatedCause {
        cause: CauseDetail {
            cause: Cause::MissingSymbol,
            detail: detail.to_owned(),
            symbol: None,
        },
        file: Some(item("test_x").id.path),
        line: Some(line),
        message: detail.to_owned(),
    };
    without.load_failures.push(LoadFailure {
        files: vec![item("test_x").id.path],
        causes: vec![located(1, "another"), located(4, "its own")],
    });
    let test = status(Some(&without), None, &passed, None);
    assert_eq!(test.status, AuditStatus::Bites);
    assert_eq!(test.without, "its own");
}

#[test]
fn c9_a_change_is_as_good_as_its_tests() {
    use AuditStatus as S;
    let tests = |all: &[S]| -> Vec<TestAudit> {
        let passed = run(&[("test_x", Outcome::Passed, None)]);
        all.iter()
            .map(|wanted| TestAudit {
                status: *wanted,
                ..status(None, None, &passed, None)
            })
            .collect()
    };
    let table: [(&[S], bool, bool, ChangeVerdict); 11] = [
        (
            &[S::Bites, S::DoesNotBite],
            true,
            true,
            ChangeVerdict::Bites,
        ),
        (&[S::DoesNotBite], true, true, ChangeVerdict::DoesNotBite),
        (
            &[S::Bites, S::FailsWithIt],
            true,
            true,
            ChangeVerdict::FailsWithIt,
        ),
        (
            &[S::DoesNotBite, S::CouldNotRun],
            true,
            true,
            ChangeVerdict::CouldNotRun,
        ),
        (
            &[S::Bites, S::CouldNotRun],
            true,
            true,
            ChangeVerdict::Bites,
        ),
        (
            &[S::Flaky, S::DoesNotBite],
            true,
            true,
            ChangeVerdict::Flaky,
        ),
        (&[], true, false, ChangeVerdict::NoTest),
        (&[S::Skipped], true, true, ChangeVerdict::NoTest),
        (&[S::TestsOnly], false, true, ChangeVerdict::TestsOnly),
        (&[], false, true, ChangeVerdict::TestsOnly),
        (&[], false, false, ChangeVerdict::NoCode),
    ];
    for (statuses, source, changed, wanted) in table {
        assert_eq!(
            verdict(&tests(statuses), source, changed),
            wanted,
            "{statuses:?}"
        );
    }
}
