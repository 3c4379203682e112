//! FULL (SPEC B6, B8).

use super::*;

struct Full {
    expected: Vec<ExpectedTest>,
    base: Option<RunReport>,
    run: RunReport,
    flaky: BTreeSet<CaseId>,
    flaky_here: BTreeSet<CaseId>,
    changes: Vec<Change>,
    checks: Vec<CheckRun>,
    supersedes: BTreeSet<String>,
    environment_changes: Vec<Reason>,
    suites: bool,
}

impl Full {
    /// `a` is locked and passes, `old` passed before.
    fn with(old_before: Outcome, old_now: Option<Outcome>) -> Self {
        let mut cases = vec![passed("a")];
        cases.extend(old_now.map(|outcome| case("old", outcome, None)));
        Self {
            expected: vec![expected("a", Role::Required, &[""])],
            base: Some(report(vec![case("old", old_before, None)])),
            run: report(cases),
            flaky: BTreeSet::new(),
            flaky_here: BTreeSet::new(),
            changes: Vec::new(),
            checks: Vec::new(),
            supersedes: BTreeSet::new(),
            environment_changes: Vec::new(),
            suites: true,
        }
    }
    fn judge(&self) -> GateResult {
        let suite = SuiteRun {
            name: "unit",
            base: self.base.as_ref(),
            candidate: &self.run,
            flaky_on_base: self.flaky.clone(),
            flaky_here: self.flaky_here.clone(),
            unused: Vec::new(),
        };
        let suites = if self.suites { vec![suite] } else { Vec::new() };
        judge_full(&FullInput {
            task: &task(),
            suites: &suites,
            expected: &self.expected,
            changes: &self.changes,
            checks: &self.checks,
            validation: &[],
            supersedes: &self.supersedes,
            environment_changes: &self.environment_changes,
        })
    }
}

#[test]
fn b8_failures_are_held_against_what_was_there_before() {
    use Outcome::{Errored, Failed, Passed, Skipped};
    for (before, now, verdict, list) in [
        (Passed, Some(Passed), Verdict::Pass, &[][..]),
        (Passed, Some(Failed), Verdict::Fail, &["suite_failed"]),
        (Passed, Some(Errored), Verdict::Fail, &["suite_failed"]),
        (Failed, Some(Failed), Verdict::Pass, &[]),
        (Errored, Some(Failed), Verdict::Pass, &[]),
        (Failed, Some(Passed), Verdict::Pass, &[]),
        (Skipped, Some(Failed), Verdict::Fail, &["suite_failed"]),
        (Skipped, Some(Skipped), Verdict::Pass, &[]),
        (Passed, Some(Skipped), Verdict::Fail, &["test_skipped"]),
        (Passed, None, Verdict::Fail, &["test_missing"]),
        (Failed, None, Verdict::Pass, &[]),
    ] {
        expect(&Full::with(before, now).judge(), verdict, list);
    }
    // Without a base nothing is forgiven.
    let mut no_base = Full::with(Passed, Some(Failed));
    no_base.base = None;
    expect(&no_base.judge(), Verdict::Fail, &["suite_failed"]);
    // Flaky on the base: listed, held against nobody.
    let mut flaky = Full::with(Passed, Some(Failed));
    flaky.flaky = BTreeSet::from([CaseId {
        item: item_id("old"),
        case: String::new(),
    }]);
    let result = flaky.judge();
    expect(&result, Verdict::Pass, &[]);
    assert_eq!(result.notes()[0].code, ReasonCode::FlakyOnBase);
    // Flaky only with the candidate: not decided; a locked test fails either way.
    let mut here = Full::with(Passed, Some(Failed));
    here.flaky_here = BTreeSet::from([CaseId {
        item: item_id("old"),
        case: String::new(),
    }]);
    expect(&here.judge(), Verdict::Flaky, &["flaky"]);
    here.expected = vec![expected("old", Role::Required, &[""])];
    expect(&here.judge(), Verdict::Fail, &["suite_failed"]);
    // A locked test is never forgiven.
    let mut locked = Full::with(Failed, Some(Failed));
    locked.expected = vec![expected("old", Role::Required, &[""])];
    expect(&locked.judge(), Verdict::Fail, &["suite_failed"]);
    for now in [None, Some(Skipped)] {
        let mut superseded = Full::with(Passed, now);
        superseded.supersedes = strings(&["tests/t.py::test_old"]);
        expect(&superseded.judge(), Verdict::Pass, &[]);
    }
}

#[test]
fn b8_a_locked_test_that_cannot_load_is_never_forgiven() {
    let broken = LoadFailure {
        files: vec![item_id("a").path],
        causes: Vec::new(),
    };
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.cases.clear();
    full.run.load_failures = vec![broken.clone()];
    if let Some(base) = &mut full.base {
        base.cases.clear();
        base.load_failures = vec![broken];
    }
    expect(&full.judge(), Verdict::Fail, &["suite_failed"]);
    // A file without a locked test that the base could not load either is no business of the task.
    full.expected.clear();
    expect(&full.judge(), Verdict::Pass, &[]);
}

#[test]
fn b6_locked_tests_are_part_of_the_suite_and_pass_there() {
    let mut missing = Full::with(Outcome::Passed, Some(Outcome::Passed));
    missing.expected.push(expected("b", Role::Required, &[""]));
    expect(&missing.judge(), Verdict::Fail, &["test_missing"]);
    let mut skipped = Full::with(Outcome::Passed, Some(Outcome::Passed));
    skipped.run.cases[0].outcome = Outcome::Skipped;
    expect(&skipped.judge(), Verdict::Fail, &["test_skipped"]);
    let mut changed = Full::with(Outcome::Passed, Some(Outcome::Passed));
    changed.changes = vec![change(ChangeClass::Rejected, ReasonCode::LockModified)];
    expect(&changed.judge(), Verdict::Rejected, &["lock_modified"]);
    changed.changes = vec![change(ChangeClass::OutOfScope, ReasonCode::OutOfScope)];
    expect(&changed.judge(), Verdict::Fail, &["out_of_scope"]);
    let mut environment = Full::with(Outcome::Passed, Some(Outcome::Passed));
    environment.environment_changes = vec![problem(ReasonCode::EnvironmentChanged)];
    expect(
        &environment.judge(),
        Verdict::Rejected,
        &["environment_changed"],
    );
}

#[test]
fn b6_a_suite_without_evidence_could_not_run() {
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.pass_line = None;
    expect(&full.judge(), Verdict::CouldNotRun, &["evidence_missing"]);
    let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
    full.run.ended = Ended::Code(3);
    expect(
        &full.judge(),
        Verdict::CouldNotRun,
        &["exit_code_disagrees"],
    );
    let mut empty = Full::with(Outcome::Failed, None);
    empty.run = report(Vec::new());
    empty.expected = Vec::new();
    expect(&empty.judge(), Verdict::CouldNotRun, &["zero_tests"]);
    let mut none = Full::with(Outcome::Failed, None);
    none.suites = false;
    none.expected = Vec::new();
    expect(&none.judge(), Verdict::CouldNotRun, &["zero_tests"]);
    let mut problems = Full::with(Outcome::Passed, Some(Outcome::Passed));
    problems.run.problems = vec![problem(ReasonCode::TruncatedReport)];
    expect(
        &problems.judge(),
        Verdict::CouldNotRun,
        &["truncated_report"],
    );
    let mut not_loaded = Full::with(Outcome::Passed, None);
    not_loaded.run = not_loading(&["tests/t.py"], &[detail(Cause::SyntaxError, None)]);
    expect(&not_loaded.judge(), Verdict::Fail, &["suite_failed"]);
}

/// What a project's own files ask for: a missing tool or a limit holds nothing up, a finding does.
#[test]
fn b6_a_detected_check_that_cannot_be_asked_is_a_note() {
    let check = |ended: Ended, not_found: bool| CheckRun {
        name: "ruff".to_owned(),
        command: vec!["ruff".to_owned()],
        ended,
        version: String::new(),
        tail: Vec::new(),
        success: "exit code 0".to_owned(),
        succeeded: false,
        not_found,
        succeeded_on_base: None,
        optional: true,
        fix: Some(vec![
            "ruff".to_owned(),
            "check".to_owned(),
            "--fix".to_owned(),
        ]),
    };
    for (check, verdict, list) in [
        (check(Ended::Interrupted, true), Verdict::Pass, &[][..]),
        (check(Ended::TimedOut, false), Verdict::Pass, &[]),
        (
            check(Ended::Code(1), false),
            Verdict::Fail,
            &["check_failed"],
        ),
    ] {
        let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
        full.checks = vec![check];
        let result = full.judge();
        expect(&result, verdict, list);
        match result.reasons().first() {
            Some(reason) => assert!(reason.help.contains("ruff check --fix"), "{reason:?}"),
            None => assert_eq!(result.notes().len(), 1),
        }
    }
}

#[test]
fn b6_checks_by_exit_code_words_tool_and_limit() {
    let check = |ended: Ended, succeeded: bool, not_found: bool, on_base: Option<bool>| CheckRun {
        name: "lint".to_owned(),
        command: vec!["ruff".to_owned()],
        ended,
        version: String::new(),
        tail: vec!["E1".to_owned()],
        success: "exit code 0".to_owned(),
        succeeded,
        not_found,
        succeeded_on_base: on_base,
        optional: false,
        fix: None,
    };
    for (check, verdict, list) in [
        (
            check(Ended::Code(0), true, false, None),
            Verdict::Pass,
            &[][..],
        ),
        (
            check(Ended::Code(1), false, false, None),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::Code(1), false, false, Some(true)),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::Code(1), false, false, Some(false)),
            Verdict::Pass,
            &[],
        ),
        (
            check(Ended::Signal(9), false, false, None),
            Verdict::Fail,
            &["check_failed"],
        ),
        (
            check(Ended::TimedOut, false, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::IdledOut, true, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::OutputLimit, true, false, None),
            Verdict::CouldNotRun,
            &["timed_out"],
        ),
        (
            check(Ended::Interrupted, false, true, None),
            Verdict::CouldNotRun,
            &["command_not_found"],
        ),
    ] {
        let mut full = Full::with(Outcome::Passed, Some(Outcome::Passed));
        full.checks = vec![check];
        expect(&full.judge(), verdict, list);
    }
}
